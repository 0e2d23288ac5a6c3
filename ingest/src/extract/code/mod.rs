//! Source code: the text is the file; its items are its headings.
//!
//! No language is parsed in full. Comments and strings are put aside ([`mask`]), and what is left is
//! read for the beginnings of functions, types and modules: by braces ([`braces`]) or line by line
//! ([`lines`]), with a table of words for each language ([`languages`]). That takes a fraction of
//! the time of a parser and does not mind code that is broken, unfinished or of a newer edition.

mod braces;
mod languages;
mod lines;
mod mask;
mod summary;

use std::ops::Range;
use std::path::Path;

use super::{Extracted, plain, xml_title};
use crate::{Heading, title};
use languages::{Language, Layout, language};

/// The name of an item is not longer than this; more is no name.
const WORDS_BYTES: usize = 160;
/// Files are not written by hand beyond this: their items would be no help, and not be right.
const CODE_BYTES: usize = 32 << 20;

/// An item by its words in the text.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Item {
    bytes: Range<usize>,
    /// 1 for what stands in nothing else.
    level: u8,
}

pub(super) fn extract(bytes: Vec<u8>, path: &Path, format: &str) -> Extracted {
    let mut extracted = plain::decoded(bytes);
    let summary = match format {
        "xml" => xml_title::own_title(&extracted.text),
        _ => summary::summary(&extracted.text, format),
    };
    extracted.title = Some(summary.unwrap_or_else(|| title::from_name(path)));
    if let Some(language) = language(format).filter(|_| extracted.text.len() <= CODE_BYTES) {
        extracted.headings = headings(&extracted.text, &language);
    }
    extracted
}

fn headings(text: &str, language: &Language) -> Vec<Heading> {
    let code = mask::mask(text, &language.lexis);
    let items = match &language.layout {
        Layout::Braces(braces) => braces::items(&code, braces),
        Layout::Lines(lines) => lines::items(&code, lines),
    };
    let on_boundaries = |range: &Range<usize>| {
        let start = text.ceil_char_boundary(range.start);
        start..text.floor_char_boundary(range.end).max(start)
    };
    items
        .into_iter()
        .map(|item| Heading { bytes: on_boundaries(&item.bytes), level: item.level })
        .filter(|heading| !text[heading.bytes.clone()].trim().is_empty())
        .collect()
}

#[cfg(test)]
mod tests;
