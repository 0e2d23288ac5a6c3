//! Cuts documents into passages.

mod cutter;
mod tokens;
mod window;

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::{Document, title};
use cutter::Cutter;
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
    /// Words of the nearest heading at or above the start of the passage.
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
    let mut places =
        Places { document, heading_lines: &heading_lines, headings_passed: 0, line: 1, counted: 0 };
    let mut passages = Vec::with_capacity(document.text.len() / 1024 + 1);
    while let Some(bytes) = cutter.next_piece() {
        passages.push(places.passage(bytes));
    }
    passages
}

/// The lines that the headings stand on, with marks such as `##` before them and an underline below
/// them, but without white space around.
fn heading_lines(document: &Document) -> Vec<Range<usize>> {
    /// Farther than this from its heading, a line's end does not belong to the heading any more.
    const REACH_BYTES: usize = 256;
    let text = document.text.as_str();
    let valid = document.headings.iter().filter(|h| text.get(h.bytes.clone()).is_some());
    valid
        .map(|heading| {
            let Range { start, end } = heading.bytes;
            let before = &text[text.ceil_char_boundary(start.saturating_sub(REACH_BYTES))..start];
            let line = before.rsplit('\n').next().unwrap_or_default();
            let marks = if line.len() == before.len() && before.len() < start { "" } else { line };
            let start = start - marks.trim_start().len();

            let after = &text[end..text.floor_char_boundary(end + REACH_BYTES)];
            let mut lines = after.split_inclusive('\n');
            let rest = lines.next().unwrap_or_default();
            let is_whole = rest.ends_with('\n') || end + rest.len() == text.len();
            let below = lines.next().unwrap_or_default().trim_end();
            let is_underline = |mark| below.len() >= 3 && below.bytes().all(|b| b == mark);
            if !is_whole {
                start..end
            } else if [b'=', b'-', b'~'].into_iter().any(is_underline) {
                start..end + rest.len() + below.len()
            } else {
                start..end + rest.trim_end().len()
            }
        })
        .collect()
}

/// Counts lines and headings as passages go by.
struct Places<'a> {
    document: &'a Document,
    heading_lines: &'a [Range<usize>],
    headings_passed: usize,
    line: u32,
    counted: usize,
}

impl Places<'_> {
    fn passage(&mut self, bytes: Range<usize>) -> Passage {
        let document = self.document;
        let passed = &document.text.as_bytes()[self.counted..bytes.start];
        self.line += passed.iter().filter(|&&byte| byte == b'\n').count() as u32;
        self.counted = bytes.start;
        let above = &self.heading_lines[self.headings_passed..];
        self.headings_passed += above.iter().take_while(|line| line.start <= bytes.start).count();
        let heading = self.headings_passed.checked_sub(1).and_then(|last| {
            let words = document.headings.get(last)?.bytes.clone();
            title::clean(document.text.get(words)?)
        });
        Passage { page: document.page_at(bytes.start), line: self.line, heading, bytes }
    }
}

#[cfg(test)]
mod tests;
