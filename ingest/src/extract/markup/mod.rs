//! Text with light markup: kept as it stands, so that lines stay right; only its headings and what
//! it says of itself are read.

mod asciidoc;
mod bibtex;
mod org;
mod restructured;
mod table;
mod wiki;

use std::ops::Range;

use super::declared::Declared;
use super::{Extracted, plain};
use crate::headings::find_headings;
use crate::{Heading, title};

/// What a reader finds in a text.
#[derive(Debug, Default)]
struct Outline {
    headings: Vec<Heading>,
    declared: Declared,
    /// Stretches of lines that are no text to read; they leave blank lines behind.
    left_out: Vec<Range<usize>>,
}

/// Reads a text by its format.
pub(super) fn extract(bytes: Vec<u8>, format: &str) -> Extracted {
    let mut extracted = plain::decoded(bytes);
    let text = &extracted.text;
    let outline = match format {
        "rst" => restructured::outline(text),
        "asciidoc" => asciidoc::outline(text),
        "org" => org::outline(text),
        "mediawiki" => wiki::outline(text),
        "bibtex" => bibtex::outline(text),
        "csv" => table::outline(text, b','),
        "tsv" => table::outline(text, b'\t'),
        // Messages in pairs have no sections.
        "po" => Outline::default(),
        _ => {
            extracted.headings = find_headings(text);
            extracted.title = title::from_first_line(text);
            return extracted;
        }
    };
    let Outline { headings, declared, left_out } = outline;
    extracted.title = declared.title.or_else(|| own_title(text, &headings, format));
    if !left_out.is_empty() {
        extracted.text = blanked(std::mem::take(&mut extracted.text), &left_out);
    }
    Extracted { headings, author: declared.author, dated: declared.dated, ..extracted }
}

/// The first heading of the outermost level, or what stands at the beginning.
fn own_title(text: &str, headings: &[Heading], format: &str) -> Option<String> {
    // Rows, entries and messages name themselves, and not the file.
    if matches!(format, "bibtex" | "csv" | "tsv" | "po") {
        return None;
    }
    let outermost = headings.iter().map(|heading| heading.level).min();
    let first = headings.iter().find(|heading| Some(heading.level) == outermost);
    first
        .and_then(|heading| title::clean(&text[heading.bytes.clone()]))
        .or_else(|| title::from_first_line(text))
}

/// The text with spaces in place of some stretches, so that every offset and line stays.
fn blanked(text: String, left_out: &[Range<usize>]) -> String {
    let mut bytes = text.into_bytes();
    for range in left_out {
        for byte in &mut bytes[range.clone()] {
            if *byte != b'\n' {
                *byte = b' ';
            }
        }
    }
    // The stretches are whole lines, so no character is blanked by halves.
    String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

/// A line without its end, and where it stands.
#[derive(Debug, Clone, Copy)]
struct Line<'a> {
    start: usize,
    text: &'a str,
}

impl Line<'_> {
    fn end(&self) -> usize {
        self.start + self.text.len()
    }

    /// A heading of the words between two places of the line, without white space around them.
    fn heading(&self, from: usize, to: usize, level: u8) -> Option<Heading> {
        let words = self.text.get(from..to)?;
        let start = self.start + from + words.len() - words.trim_start().len();
        let words = words.trim();
        let bytes = start..start + words.len();
        words
            .chars()
            .any(char::is_alphanumeric)
            .then_some(Heading { bytes, level: level.clamp(1, 6) })
    }
}

fn lines(text: &str) -> impl Iterator<Item = Line<'_>> + Clone {
    let mut start = 0;
    text.split_inclusive('\n').map(move |raw| {
        let line = Line { start, text: raw.trim_end_matches('\n') };
        start += raw.len();
        line
    })
}

/// The name and the value of a line such as `:name: value` or `Name: value`.
fn field(line: &str, before: char) -> Option<(&str, &str)> {
    let rest = if before == ' ' { line } else { line.strip_prefix(before)? };
    let (name, value) = rest.split_once(':')?;
    let is_name = !name.is_empty()
        && name.len() <= 40
        && name.chars().all(|c| c.is_alphanumeric() || "-_ ".contains(c));
    is_name.then(|| (name.trim(), value.trim()))
}

#[cfg(test)]
mod tests;
