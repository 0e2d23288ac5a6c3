//! Markdown: the text is kept as it stands, so that lines stay right; only its headings are read.

use std::ops::Range;

use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd};

use super::{Extracted, plain};
use crate::{Heading, title};

pub(super) fn extract(bytes: Vec<u8>) -> Extracted {
    let mut extracted = plain::decoded(bytes);
    let outline = read_outline(&extracted.text);
    let first_of_level =
        |level| outline.headings.iter().find(|(heading, _)| level == heading.level);
    extracted.title = outline
        .front_matter_title
        .as_deref()
        .or(first_of_level(1).map(|(_, words)| words.as_str()))
        .or(outline.headings.first().map(|(_, words)| words.as_str()))
        .and_then(title::clean)
        .or_else(|| title::from_first_line(&extracted.text[outline.body_start..]));
    extracted.headings = outline.headings.into_iter().map(|(heading, _)| heading).collect();
    extracted
}

#[derive(Default)]
struct Outline {
    front_matter_title: Option<String>,
    body_start: usize,
    /// Each with its words, free of markup.
    headings: Vec<(Heading, String)>,
}

fn read_outline(text: &str) -> Outline {
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_HEADING_ATTRIBUTES
        | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS
        | Options::ENABLE_PLUSES_DELIMITED_METADATA_BLOCKS;
    let mut outline = Outline::default();
    let mut open: Option<OpenHeading> = None;
    let mut in_metadata = false;
    for (event, range) in Parser::new_ext(text, options).into_offset_iter() {
        match event {
            Event::Start(Tag::MetadataBlock(_)) => {
                in_metadata = true;
                outline.body_start = range.end;
            }
            Event::End(TagEnd::MetadataBlock(_)) => in_metadata = false,
            Event::Text(block) if in_metadata => {
                outline.front_matter_title =
                    outline.front_matter_title.or_else(|| front_matter_title(&block));
            }
            Event::Start(Tag::Heading { level, .. }) => {
                open = Some(OpenHeading { level, bytes: None, words: String::new() });
            }
            Event::End(TagEnd::Heading(_)) => {
                if let Some(OpenHeading { level, bytes: Some(bytes), words }) = open.take() {
                    outline.headings.push((Heading { bytes, level: level as u8 }, words));
                }
            }
            event => {
                if let Some(open) = &mut open {
                    open.take_in(&event, range);
                }
            }
        }
    }
    outline
}

struct OpenHeading {
    level: HeadingLevel,
    bytes: Option<Range<usize>>,
    words: String,
}

impl OpenHeading {
    fn take_in(&mut self, event: &Event, range: Range<usize>) {
        match event {
            Event::Text(words) | Event::Code(words) => self.words.push_str(words),
            Event::SoftBreak | Event::HardBreak => self.words.push(' '),
            _ => {}
        }
        let bytes = self.bytes.get_or_insert(range.clone());
        bytes.end = bytes.end.max(range.end);
    }
}

/// The value of the `title` key, in YAML (`title: "A"`) or TOML (`title = "A"`).
fn front_matter_title(block: &str) -> Option<String> {
    block.lines().find_map(|line| {
        let rest = line.strip_prefix("title")?.trim_start();
        let value = rest.strip_prefix(':').or_else(|| rest.strip_prefix('='))?.trim();
        let bare = ['"', '\'']
            .into_iter()
            .find_map(|quote| value.strip_prefix(quote)?.strip_suffix(quote))
            .unwrap_or(value);
        title::clean(bare)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headings(extracted: &Extracted) -> Vec<(&str, u8)> {
        extracted.headings.iter().map(|h| (&extracted.text[h.bytes.clone()], h.level)).collect()
    }

    #[test]
    fn headings_stand_where_they_are_written() {
        let text = "# The **pump** report #\n\ntext\n\nFindings\n--------\n\n```\n# no heading\n```\n\
                    ### [Link](http://a.b) `x`\n\n####\n";
        let extracted = extract(text.into());
        assert_eq!(extracted.text, text);
        assert_eq!(
            headings(&extracted),
            [("The **pump** report", 1), ("Findings", 2), ("[Link](http://a.b) `x`", 3)]
        );
        assert_eq!(extracted.title.as_deref(), Some("The pump report"));
    }

    #[test]
    fn front_matter_names_the_document() {
        let yaml = "---\nauthor: x\ntitle: \"Deep wells\"\n---\n\n# Other\n";
        assert_eq!(extract(yaml.into()).title.as_deref(), Some("Deep wells"));
        let toml = "+++\ntitle = 'Wells'\n+++\nBody\n";
        assert_eq!(extract(toml.into()).title.as_deref(), Some("Wells"));
        let none = "---\nauthor: x\n---\n\nFirst line\n\nmore\n";
        assert_eq!(extract(none.into()).title.as_deref(), Some("First line"));
    }
}
