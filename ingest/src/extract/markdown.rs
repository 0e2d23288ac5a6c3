//! Markdown: the text is kept as it stands, so that lines stay right; only its headings are read.

use std::ops::Range;

use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd};

use super::declared::Declared;
use super::{Extracted, plain};
use crate::{Heading, title};

pub(super) fn extract(bytes: Vec<u8>) -> Extracted {
    let decoded = plain::decoded(bytes);
    let read = read(decoded.text);
    Extracted { encoding: decoded.encoding, warnings: decoded.warnings, ..read }
}

/// Reads what is text already.
pub(super) fn read(text: String) -> Extracted {
    let outline = read_outline(&text);
    let first_of_level =
        |level| outline.headings.iter().find(|(heading, _)| level == heading.level);
    let front = front_matter(&outline.front_matter);
    let title = front
        .title
        .as_deref()
        .or(first_of_level(1).map(|(_, words)| words.as_str()))
        .or(outline.headings.first().map(|(_, words)| words.as_str()))
        .and_then(title::clean)
        .or_else(|| title::from_first_line(&text[outline.body_start..]));
    let headings = outline.headings.into_iter().map(|(heading, _)| heading).collect();
    let (author, dated) = (front.author, front.dated);
    Extracted { text, title, author, dated, headings, ..Extracted::default() }
}

#[derive(Default)]
struct Outline {
    front_matter: String,
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
            Event::Text(block) if in_metadata => outline.front_matter.push_str(&block),
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

/// What a block of YAML (`title: "A"`) or TOML (`title = "A"`) before the text says of it.
fn front_matter(block: &str) -> Declared {
    let mut declared = Declared::default();
    let mut lines = block.lines();
    while let Some(line) = lines.next() {
        let Some(end) = line.find([':', '=']) else { continue };
        let (key, value) = (line[..end].trim_end(), line[end + 1..].trim());
        let items = lines.clone().map_while(|line| line.trim_start().strip_prefix("- "));
        match key {
            "title" => declared.note_title(bare(value)),
            "author" | "authors" | "by" => {
                let list = value.trim_start_matches('[').trim_end_matches(']');
                // A name may have a comma of its own where there is no list.
                let is_list = list.len() < value.len();
                let names: Vec<&str> = match (value.is_empty(), is_list) {
                    (true, _) => {
                        items.map(|item| item.strip_prefix("name:").unwrap_or(item)).collect()
                    }
                    (false, true) => list.split(',').collect(),
                    (false, false) => vec![value],
                };
                names.into_iter().for_each(|name| declared.note_author(bare(name.trim())));
            }
            "date" | "published" | "created" | "pubDate" | "publishDate" => {
                declared.note_date(bare(value));
            }
            _ => {}
        }
    }
    declared
}

fn bare(value: &str) -> &str {
    ['"', '\'']
        .into_iter()
        .find_map(|quote| value.strip_prefix(quote)?.strip_suffix(quote))
        .unwrap_or(value)
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
        let both = "---\ntitle: T\nauthors:\n  - name: \"A. Osei\"\n  - B. Lund\ndate: 2024-03-01T10:00:00Z\n---\nBody\n";
        let extracted = extract(both.into());
        assert_eq!(extracted.author.as_deref(), Some("A. Osei; B. Lund"));
        assert_eq!(extracted.dated.as_deref(), Some("2024-03-01"));
        assert_eq!(extracted.text, both);
        let list = "+++\nauthors = ['A', \"B\"]\ndate = 2024-03\n+++\nBody\n";
        let extracted = extract(list.into());
        assert_eq!(
            (extracted.author.as_deref(), extracted.dated.as_deref()),
            (Some("A; B"), Some("2024-03"))
        );
        let none = "---\nauthor: x\n---\n\nFirst line\n\nmore\n";
        assert_eq!(extract(none.into()).title.as_deref(), Some("First line"));
    }
}
