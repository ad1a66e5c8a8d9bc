//! Reading rendered pages back: their tags and their words.

/// A start tag: its name and its attributes, in order.
pub type Tag = (String, Vec<(String, String)>);

/// The start tags of well-formed `html`, which must be balanced.
pub fn tags(html: &str) -> Vec<Tag> {
    const VOID: [&str; 6] = ["meta", "link", "input", "br", "!DOCTYPE", "img"];
    let (mut tags, mut open) = (Vec::new(), Vec::new());
    for part in html.split('<').skip(1) {
        let tag = part.split_once('>').expect("a tag is closed").0;
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(name), "tags nest");
            continue;
        }
        let (name, mut rest) = tag.split_once(' ').unwrap_or((tag, ""));
        let mut attributes = Vec::new();
        while !rest.trim_start().is_empty() {
            rest = rest.trim_start();
            let bare = rest.find(' ').unwrap_or(rest.len());
            if let Some(at) = rest.find("=\"").filter(|at| *at < bare) {
                let (value, after) = rest[at + 2..].split_once('"').expect("a value is closed");
                attributes.push((rest[..at].to_owned(), value.to_owned()));
                rest = after;
            } else {
                attributes.push((rest[..bare].to_owned(), String::new()));
                rest = &rest[bare..];
            }
        }
        if !VOID.contains(&name) {
            open.push(name.to_owned());
        }
        tags.push((name.to_owned(), attributes));
    }
    assert!(open.is_empty(), "left open: {open:?}");
    tags
}

/// The words of `html` outside tags, with entities read.
pub fn words(html: &str) -> String {
    let words: String = html
        .split('<')
        .map(|part| part.split_once('>').map_or(part, |(_, text)| text))
        .collect::<Vec<_>>()
        .join("|");
    words.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
}
