//! Which round numbers stand on an axis, and where does a value fall between
//! them?

/// The largest value drawn: beyond it, differences overflow.
const LIMIT: f64 = 1e300;

/// A linear axis from `ends` in values to `span` in pixels.
#[derive(Debug, Clone)]
pub struct Scale {
    ends: (f64, f64),
    span: (f64, f64),
    /// The values with a tick, ascending, all within the ends.
    pub ticks: Vec<f64>,
    /// The distance between two ticks.
    pub step: f64,
}

impl Scale {
    /// An axis over `values` that ends on round numbers, with about `target`
    /// steps; `zero` makes it include zero.
    ///
    /// Values that are not finite are ignored; without any, the axis is 0 to 1.
    pub fn nice(
        values: impl Iterator<Item = f64>,
        zero: bool,
        target: usize,
        span: (f64, f64),
    ) -> Self {
        let start = if zero { (0.0, 0.0) } else { (f64::INFINITY, f64::NEG_INFINITY) };
        let (mut low, mut high) = values
            .filter(|value| value.is_finite())
            .map(|value| value.clamp(-LIMIT, LIMIT))
            .fold(start, |(low, high), value| (low.min(value), high.max(value)));
        if low > high {
            (low, high) = (0.0, 1.0);
        }
        if low >= high {
            // One value has no range; a tenth around it shows where it lies.
            let around = if low == 0.0 { 1.0 } else { low.abs() / 10.0 };
            (low, high) =
                if zero && low == 0.0 { (0.0, 1.0) } else { (low - around, high + around) };
        }
        let step = nice_step((high - low) / f64::from(u32::try_from(target.max(1)).unwrap_or(1)));
        let (first, last) = ((low / step + 1e-9).floor(), (high / step - 1e-9).ceil());
        let mut ticks = Vec::new();
        let mut index = first;
        while index <= last && ticks.len() <= 2 * target + 2 {
            ticks.push(multiple(index, step));
            index += 1.0;
        }
        Self { ends: (multiple(first, step), multiple(last, step)), span, ticks, step }
    }

    /// An axis that ends exactly at `ends`, without ticks.
    pub fn exact(ends: (f64, f64), span: (f64, f64)) -> Self {
        Self { ends, span, ticks: Vec::new(), step: 0.0 }
    }

    /// The pixel of `value`; the middle if the axis has no length.
    pub fn at(&self, value: f64) -> f64 {
        let (low, high) = self.ends;
        let share = (value.clamp(-LIMIT, LIMIT) - low) / (high - low);
        let share = if share.is_finite() { share } else { 0.5 };
        self.span.0 + share * (self.span.1 - self.span.0)
    }

    /// The values at both ends.
    pub fn ends(&self) -> (f64, f64) {
        self.ends
    }
}

/// The smallest of 1, 2, 2.5 and 5 times a power of ten that is at least `raw`.
fn nice_step(raw: f64) -> f64 {
    let power = raw.log10().floor();
    // exp10 of whole numbers is not exact in floats, parsing a decimal is.
    let ten = format!("1e{power}").parse().unwrap_or(1.0);
    [1.0, 2.0, 2.5, 5.0]
        .into_iter()
        .map(|factor| factor * ten)
        .find(|step| *step >= raw * (1.0 - 1e-9))
        .unwrap_or(10.0 * ten)
}

/// `index · step` without the binary dust that makes 0.30000000000000004:
/// rounded to twelve digits, which is beyond what a tick can show.
fn multiple(index: f64, step: f64) -> f64 {
    let product = index * step;
    format!("{product:.11e}").parse().unwrap_or(product)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticks(values: &[f64], zero: bool) -> Vec<f64> {
        Scale::nice(values.iter().copied(), zero, 5, (0.0, 100.0)).ticks
    }

    #[test]
    fn ticks_are_round_and_cover_the_values() {
        assert_eq!(ticks(&[0.0, 1.0], true), [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]);
        assert_eq!(ticks(&[3.0, 97.0], true), [0.0, 20.0, 40.0, 60.0, 80.0, 100.0]);
        assert_eq!(ticks(&[0.31, 0.37], false), [0.3, 0.32, 0.34, 0.36, 0.38]);
        assert_eq!(ticks(&[-30.0, 55.0], false), [-40.0, -20.0, 0.0, 20.0, 40.0, 60.0]);
    }

    #[test]
    fn every_input_gives_a_usable_axis() {
        let cases: [&[f64]; 9] = [
            &[],
            &[0.0],
            &[7.0],
            &[-7.0],
            &[f64::NAN],
            &[f64::INFINITY, 2.0],
            &[f64::MAX, f64::MIN],
            &[1e-300],
            &[9_747_747.93, -0.01],
        ];
        for values in cases {
            for zero in [true, false] {
                let scale = Scale::nice(values.iter().copied(), zero, 5, (0.0, 100.0));
                let n = scale.ticks.len();
                assert!((2..=12).contains(&n), "{values:?} gives {n} ticks");
                assert!(scale.ticks.windows(2).all(|pair| pair[0] < pair[1]), "{values:?}");
                for value in values.iter().filter(|value| value.is_finite()) {
                    let at = scale.at(*value);
                    assert!((-0.1..=100.1).contains(&at), "{value} of {values:?} is at {at}");
                }
            }
        }
    }

    #[test]
    fn an_axis_without_length_puts_its_value_in_the_middle() {
        let scale = Scale::exact((2.0, 2.0), (0.0, 100.0));
        assert!((scale.at(2.0) - 50.0).abs() < 1e-9, "{}", scale.at(2.0));
    }

    #[test]
    fn zero_is_on_the_axis_when_asked() {
        assert!(ticks(&[95.0, 100.0], true).contains(&0.0));
        assert!(!ticks(&[95.0, 100.0], false).contains(&0.0));
    }
}
