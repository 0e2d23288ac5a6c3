use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::Kind;

/// A heading of a document, by where its words stand in the text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heading {
    /// Bytes of the heading's own words in [`Document::text`], without markup such as `##`.
    pub bytes: Range<usize>,
    /// 1 for the outermost level to 6 for the innermost.
    pub level: u8,
}

/// What extraction makes of one file.
///
/// Every offset counts bytes of [`text`](Self::text) and stands on a character boundary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// BLAKE3 of the file's bytes, exactly those that the text was made from.
    pub file_hash: [u8; 32],
    /// What sort of document it is.
    pub kind: Kind,
    /// The format within the kind: "md", "rust", "csv" and so on.
    pub format: String,
    /// A line to show for the document; never empty.
    pub title: String,
    /// Who wrote it, as the file itself says; several names are divided by "; ".
    pub author: Option<String>,
    /// When it was written or sent, as the file itself says: `2024-03-01`, or as much of it as is
    /// known (`2024-03`, `2024`).
    pub dated: Option<String>,
    /// The whole text, with `\n` line ends.
    pub text: String,
    /// Headings in the order of the text; they do not overlap.
    pub headings: Vec<Heading>,
    /// Where each page starts, never descending; empty when the format has no pages. An empty page
    /// starts where the next one does.
    pub pages: Vec<usize>,
    /// ISO 639-3 code of the main language ("eng", "deu"); `None` for code and when unsure.
    pub language: Option<String>,
    /// Name of the file's character encoding when it was not UTF-8.
    pub encoding: Option<String>,
    /// What was lost or repaired on the way, in plain words.
    pub warnings: Vec<String>,
}

impl Document {
    /// The 1-based page that holds the byte at `offset`, or `None` when the format has no pages.
    pub fn page_at(&self, offset: usize) -> Option<u32> {
        let started = self.pages.partition_point(|&start| start <= offset);
        if self.pages.is_empty() { None } else { Some(started.max(1) as u32) }
    }
}
