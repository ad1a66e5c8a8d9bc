//! How wide is a word, and how do labels keep out of each other's way?
//!
//! There is no layout engine on the server, so widths are estimated: a Chinese
//! character is as wide as the font is high, a Latin one a little over half.
//! The estimate errs to the wide side, because a gap is nicer than a collision.

/// The font size of chart labels, as the style sheet sets it.
pub const SIZE: f64 = 12.0;

/// How much wider bold words are.
pub const BOLD: f64 = 1.1;

/// The estimated width of `text` in pixels.
pub fn width(text: &str) -> f64 {
    text.chars().map(advance).sum()
}

fn advance(c: char) -> f64 {
    SIZE * match c {
        'i' | 'j' | 'l' | '.' | ',' | ':' | '\'' | '|' | ' ' => 0.32,
        'm' | 'w' | 'M' | 'W' | '%' => 0.92,
        'A'..='Z' | '+' | '<' | '>' => 0.7,
        '\u{0}'..='\u{24f}' | '–' | '−' | '…' | '€' => 0.6,
        _ => 1.02,
    }
}

/// `text` cut with an ellipsis to fit `room` pixels; the whole text if it fits.
pub fn fit(text: &str, room: f64) -> String {
    if width(text) <= room {
        return text.to_owned();
    }
    let mut left = room - advance('…');
    let kept: String = text
        .chars()
        .take_while(|c| {
            left -= advance(*c);
            left >= 0.0
        })
        .collect();
    format!("{}…", kept.trim_end())
}

/// Moves label positions apart to at least `gap`, as little as possible and
/// within `low..=high`; the result is in the order of the input.
pub fn spread(wanted: &[f64], gap: f64, low: f64, high: f64) -> Vec<f64> {
    let mut order: Vec<usize> = (0..wanted.len()).collect();
    order.sort_by(|a, b| wanted[*a].total_cmp(&wanted[*b]));
    let mut placed = wanted.to_vec();
    let mut floor = low;
    for index in &order {
        placed[*index] = placed[*index].max(floor);
        floor = placed[*index] + gap;
    }
    let mut ceiling = high;
    for index in order.iter().rev() {
        placed[*index] = placed[*index].min(ceiling);
        ceiling = placed[*index] - gap;
    }
    placed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_chinese_name_is_cut_to_its_room() {
        let name = "北京市海淀区中关村科技园区发展有限责任公司";
        let cut = fit(name, 100.0);
        assert!(cut.ends_with('…') && width(&cut) <= 100.0, "{cut}");
        assert_eq!(fit("短", 100.0), "短");
        assert_eq!(fit("anything", 0.0), "…");
    }

    #[test]
    fn labels_do_not_overlap_and_stay_inside() {
        let placed = spread(&[50.0, 51.0, 49.0, 99.0], 14.0, 0.0, 100.0);
        let mut sorted = placed.clone();
        sorted.sort_by(f64::total_cmp);
        assert!(sorted.windows(2).all(|pair| pair[1] - pair[0] >= 14.0 - 1e-9), "{placed:?}");
        assert!(placed[2] < placed[0] && placed[0] < placed[1], "order is kept: {placed:?}");
        assert!(sorted[3] <= 100.0);
    }
}
