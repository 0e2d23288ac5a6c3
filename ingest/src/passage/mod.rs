//! Cuts documents into passages.

mod cutter;
mod outline;
mod tokens;
mod window;

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::Document;
use cutter::Cutter;
use outline::{HeadingPath, heading_lines};
pub use tokens::estimate_tokens;

/// A piece of a document's text: small enough to be an answer, large enough to have a meaning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passage {
    /// Bytes of [`Document::text`]; begins and ends with a character that is not white space.
    pub bytes: Range<usize>,
    /// 1-based page on which the passage starts; `None` when the format has no pages.
    pub page: Option<u32>,
    /// 1-based line of the text on which the passage starts.
    pub line: u32,
    /// The headings above the start of the passage, or on it, from the outermost in:
    /// "Article II Rent › 4.2 Termination". At most four of them and 160 characters.
    pub heading: Option<String>,
}

/// How large passages are to be, in tokens as [`estimate_tokens`] counts them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PassageOptions {
    /// Size to aim at.
    pub target_tokens: usize,
    /// Size that no passage exceeds; at least the target is used.
    pub max_tokens: usize,
}

impl Default for PassageOptions {
    fn default() -> Self {
        Self { target_tokens: 256, max_tokens: 384 }
    }
}

/// Cuts the whole text into consecutive passages: every character that is not white space is in
/// exactly one of them. Cuts fall before headings, between paragraphs, sentences or lines, and
/// between words only where there is nothing better; code is cut where a new item begins.
pub fn passages(document: &Document, options: &PassageOptions) -> Vec<Passage> {
    let heading_lines = heading_lines(document);
    let mut cutter = Cutter::new(document, &heading_lines, options);
    let mut places = Places {
        document,
        heading_lines: &heading_lines,
        headings_passed: 0,
        path: HeadingPath::default(),
        line: 1,
        counted: 0,
    };
    let mut passages = Vec::with_capacity(document.text.len() / 1024 + 1);
    while let Some(bytes) = cutter.next_piece() {
        passages.push(places.passage(bytes));
    }
    passages
}

/// Counts lines and headings as passages go by.
struct Places<'a> {
    document: &'a Document,
    heading_lines: &'a [Range<usize>],
    headings_passed: usize,
    path: HeadingPath,
    line: u32,
    counted: usize,
}

impl Places<'_> {
    fn passage(&mut self, bytes: Range<usize>) -> Passage {
        let document = self.document;
        let passed = &document.text.as_bytes()[self.counted..bytes.start];
        self.line += passed.iter().filter(|&&byte| byte == b'\n').count() as u32;
        self.counted = bytes.start;
        while self.heading_lines.get(self.headings_passed).is_some_and(|l| l.start <= bytes.start) {
            if let Some(heading) = document.headings.get(self.headings_passed)
                && let Some(words) = document.text.get(heading.bytes.clone())
            {
                self.path.pass(heading.level, words);
            }
            self.headings_passed += 1;
        }
        let heading = self.path.line(&document.title);
        Passage { page: document.page_at(bytes.start), line: self.line, heading, bytes }
    }
}

#[cfg(test)]
mod tests;
