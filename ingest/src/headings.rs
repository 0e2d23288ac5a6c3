//! Headings of text that has no markup for them.

use std::ops::Range;

use crate::Heading;

const HEADING_CHARS: usize = 80;
const HEADING_WORDS: usize = 12;

/// Finds lines that look like headings: named or numbered sections, lines in capitals and lines
/// underlined by a row of `=` or `-`. Meant to miss some rather than to invent any.
pub(crate) fn find_headings(text: &str) -> Vec<Heading> {
    let mut headings = Vec::new();
    let mut before: Option<Range<usize>> = None;
    let mut before_was_after_blank = true;
    let mut start = 0;
    let mut after_blank = true;
    let mut lines = text.split_inclusive('\n').peekable();
    while let Some(raw) = lines.next() {
        let line = raw.trim();
        let line_start = start + (raw.len() - raw.trim_start().len());
        start += raw.len();
        if line.is_empty() {
            after_blank = true;
            before = None;
            continue;
        }
        let range = line_start..line_start + line.len();
        if let (Some(above), Some(level), true) = (&before, underline(line), before_was_after_blank)
        {
            let words = &text[above.clone()];
            // A line that was taken for a heading already keeps its place.
            if headings.last().is_none_or(|last: &Heading| last.bytes != *above) && fits(words) {
                headings.push(Heading { bytes: above.clone(), level });
            }
        } else if after_blank
            && let Some(level) =
                level_of(line, lines.peek().is_none_or(|next| next.trim().is_empty()))
        {
            headings.push(Heading { bytes: range.clone(), level });
        }
        before = Some(range);
        before_was_after_blank = after_blank;
        after_blank = false;
    }
    headings
}

/// The level of a line that stands after a blank one, if it looks like a heading.
fn level_of(line: &str, before_blank: bool) -> Option<u8> {
    if !fits(line) || line.ends_with([',', ';']) {
        return None;
    }
    if let Some(level) = named_section(line) {
        return Some(level);
    }
    if !before_blank {
        return None;
    }
    if let Some(level) = numbered_section(line) {
        return Some(level);
    }
    let letters = line.chars().filter(|c| c.is_alphabetic()).count();
    let capitals = line.chars().filter(|c| c.is_uppercase()).count();
    let others = line.chars().filter(|c| !c.is_alphabetic() && !c.is_whitespace()).count();
    (letters >= 4 && capitals == letters && others < letters).then_some(2)
}

fn fits(line: &str) -> bool {
    line.len() <= HEADING_CHARS * 4
        && line.chars().count() <= HEADING_CHARS
        && line.split_whitespace().count() <= HEADING_WORDS
        && line.chars().any(char::is_alphabetic)
}

/// "Chapter 4", "ARTICLE II", "Appendix B: Tables".
fn named_section(line: &str) -> Option<u8> {
    const NAMES: [(&str, u8); 14] = [
        ("book", 1),
        ("part", 1),
        ("chapter", 1),
        ("kapitel", 1),
        ("chapitre", 1),
        ("appendix", 1),
        ("annex", 1),
        ("exhibit", 1),
        ("schedule", 1),
        ("article", 2),
        ("artikel", 2),
        ("section", 2),
        ("clause", 2),
        ("abschnitt", 2),
    ];
    let mut words = line.split_whitespace();
    let name = words.next()?.to_lowercase();
    let level = NAMES.iter().find(|(word, _)| *word == name)?.1;
    let number = words.next()?.trim_end_matches(['.', ':', ')', ',', '-', '–', '—']);
    let is_number = number.starts_with(|c: char| c.is_ascii_digit())
        || (!number.is_empty() && number.chars().all(|c| "IVXLC".contains(c)))
        || (number.len() == 1 && number.starts_with(|c: char| c.is_ascii_uppercase()));
    // "Section 4 of the Act applies." is a sentence.
    let is_sentence = line.ends_with('.') && line.split_whitespace().count() > 2;
    (is_number && !is_sentence).then_some(level)
}

/// "3. Payment", "2.1 Term and Termination".
fn numbered_section(line: &str) -> Option<u8> {
    let (number, title) = line.split_once(char::is_whitespace)?;
    let digits = number.trim_end_matches(['.', ')']);
    let parts: Vec<&str> = digits.split('.').collect();
    let is_number = parts
        .iter()
        .all(|part| (1..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit()));
    // A lone number without a full stop is more often a figure or a date than a section.
    if !is_number || (parts.len() == 1 && !number.ends_with('.')) {
        return None;
    }
    let title = title.trim();
    let is_title = title.starts_with(char::is_uppercase)
        && title.split_whitespace().count() <= 8
        && !title.ends_with(['.', ':', '?', '!']);
    is_title.then_some((parts.len() as u8 + 1).min(6))
}

fn underline(line: &str) -> Option<u8> {
    let level = match line.as_bytes().first()? {
        b'=' => 1,
        b'-' => 2,
        b'~' => 3,
        _ => return None,
    };
    let first = line.as_bytes()[0];
    (line.len() >= 3 && line.bytes().all(|byte| byte == first)).then_some(level)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn found(text: &str) -> Vec<(&str, u8)> {
        find_headings(text).into_iter().map(|h| (&text[h.bytes], h.level)).collect()
    }

    #[test]
    fn headings_of_contracts_and_books() {
        let text = "LEASE AGREEMENT\n\nThis lease is made\nbetween two parties.\n\n\
                    ARTICLE II Rent\nThe rent is due.\n\n3. Deposit\n\nOne month.\n\n\
                    3.1 Return of the deposit\n\nWithin a month.\n\nChapter 4\n\nIt rained.\n";
        assert_eq!(
            found(text),
            [
                ("LEASE AGREEMENT", 2),
                ("ARTICLE II Rent", 2),
                ("3. Deposit", 2),
                ("3.1 Return of the deposit", 3),
                ("Chapter 4", 1),
            ]
        );
    }

    #[test]
    fn underlined_lines() {
        assert_eq!(
            found("Usage\n=====\n\nRun it.\n\nName\n----\ntext"),
            [("Usage", 1), ("Name", 2)]
        );
        assert_eq!(found("a | b\n---\nc"), [("a | b", 2)]);
        assert_eq!(found("some\nprose\n-----\n"), []);
    }

    #[test]
    fn sentences_are_no_headings() {
        for text in [
            "Section 4 of the Act applies to this.\n\nmore",
            "12 March 2019\n\nmore",
            "1. Remove the lid and put it on the table, upside down if you can.\n\n2. x",
            "OK.\n\nmore",
            "The meeting was opened at nine.\n\nmore",
            "2019 2020 2021\n\nmore",
        ] {
            assert_eq!(found(text), [], "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn headings_are_ordered_pieces_of_the_text(text in "[A-Z a-z0-9.=\\-\\n\u{e9}\u{2028}]{0,300}") {
            let mut end = 0;
            for heading in find_headings(&text) {
                prop_assert!(heading.bytes.start >= end);
                end = heading.bytes.end;
                prop_assert!(!text[heading.bytes].trim().is_empty());
            }
        }
    }
}
