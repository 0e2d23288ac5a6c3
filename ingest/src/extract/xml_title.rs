//! XML that is kept as it stands: the title that it gives itself.

use crate::title;

/// A title farther from the beginning is that of a part.
const HEAD_BYTES: usize = 16 << 10;

/// What the first element for titles holds, as DocBook, Atom, RSS, JATS and TEI have it.
pub(super) fn own_title(text: &str) -> Option<String> {
    let head = &text[..text.floor_char_boundary(HEAD_BYTES)];
    ["article-title", "title"]
        .iter()
        .find_map(|name| element(head, name))
        .and_then(|words| title::clean(&words))
}

/// The words in the first element of a name, without the marks of those within.
fn element(text: &str, name: &str) -> Option<String> {
    let opening = format!("<{name}");
    let mut from = 0;
    loop {
        let start = from + text.get(from..)?.find(&opening)? + opening.len();
        from = start;
        let rest = &text[start..];
        if !rest.starts_with(['>', ' ', '\n', '\t']) {
            continue;
        }
        let (attributes, behind) = rest.split_once('>')?;
        if attributes.ends_with('/') {
            continue;
        }
        let (inside, _) = behind.split_once(&format!("</{name}>"))?;
        let inside = inside
            .trim()
            .strip_prefix("<![CDATA[")
            .map_or(inside, |data| data.trim_end().trim_end_matches("]]>"));
        return Some(without_marks(inside));
    }
}

fn without_marks(text: &str) -> String {
    let mut words = String::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('<') {
        words.push_str(before);
        rest = behind.split_once('>').map_or("", |(_, behind)| behind);
    }
    words.push_str(rest);
    for (entity, character) in
        [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&")]
    {
        words = words.replace(entity, character);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_are_found_in_what_has_them() {
        assert_eq!(
            own_title("<feed><title type='text'>Tides &amp; <b>more</b></title>").as_deref(),
            Some("Tides & more")
        );
        assert_eq!(own_title("<rss><title><![CDATA[News]]></title>").as_deref(), Some("News"));
        assert_eq!(
            own_title(
                "<a><journal-title>J</journal-title><article-title>Wells\n deep</article-title>"
            )
            .as_deref(),
            Some("Wells deep")
        );
        assert_eq!(own_title("<a><titles/><title/></a>"), None);
        assert_eq!(own_title("<title>open"), None);
    }
}
