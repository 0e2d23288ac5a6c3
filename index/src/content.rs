//! Extracted documents as the index keeps them, apart from the files they came from.

use std::fmt;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::error::{IndexError, Result};

/// Identity of an extracted document: BLAKE3 over its text, kind, format and passage boundaries.
///
/// Everything dear hangs on it: text and vectors are stored under it, so files with equal content
/// share both, wherever they lie and however often they move.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ContentKey(pub [u8; 32]);

impl ContentKey {
    /// The key of an extracted document.
    pub fn of(content: &Content<'_>) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key("lsearch content key, version 1");
        for part in [content.kind, content.format, content.text] {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part.as_bytes());
        }
        for passage in content.passages {
            hasher.update(&(passage.start as u64).to_le_bytes());
            hasher.update(&(passage.end as u64).to_le_bytes());
        }
        ContentKey(*hasher.finalize().as_bytes())
    }

    /// The first 128 bits, which identify it within an index (a collision takes 2^64 documents).
    pub(crate) fn short(&self) -> ShortKey {
        let (first, _) = self.0.split_at(16);
        ShortKey(u128::from_be_bytes(first.try_into().expect("16 bytes")))
    }
}

impl fmt::Display for ContentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().take(8).try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ContentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ContentKey({self})")
    }
}

/// [`ContentKey`] cut to 128 bits: what the in-memory tables and the lexical columns hold.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(crate) struct ShortKey(pub(crate) u128);

impl ShortKey {
    pub(crate) fn halves(self) -> (u64, u64) {
        ((self.0 >> 64) as u64, self.0 as u64)
    }

    pub(crate) fn from_halves(high: u64, low: u64) -> Self {
        ShortKey((u128::from(high) << 64) | u128::from(low))
    }

    /// The number the vector graph knows this content by.
    pub(crate) fn graph_id(self) -> u64 {
        self.halves().0
    }
}

/// One run of an extractor: the same bytes read as the same kind by the same extractor give the
/// same document, so it need not be extracted again.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ExtractKey {
    /// BLAKE3 of the file's bytes.
    pub file_hash: [u8; 32],
    /// Kind and format the bytes were read as, for example `code/rust`.
    pub kind: String,
    /// Version of the extractor; raising it makes every file be extracted anew.
    pub extractor_version: u32,
}

impl ExtractKey {
    pub(crate) fn short(&self) -> u128 {
        let mut hasher = blake3::Hasher::new_derive_key("lsearch extract key, version 1");
        hasher.update(&self.file_hash);
        hasher.update(&self.extractor_version.to_le_bytes());
        hasher.update(self.kind.as_bytes());
        let hash = hasher.finalize();
        let (first, _) = hash.as_bytes().split_at(16);
        u128::from_be_bytes(first.try_into().expect("16 bytes"))
    }
}

/// One passage of a document: a byte range of its text and where a person finds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PassageSpan {
    /// First byte in the text.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// Page, counted from 1, of documents that have pages.
    pub page: Option<u32>,
    /// Line the passage starts on, counted from 1.
    pub line: u32,
    /// Nearest heading above.
    pub heading: Option<String>,
}

/// An extracted document on its way into the index.
#[derive(Clone, Copy, Debug)]
pub struct Content<'a> {
    /// Title. When empty, each file that holds this content goes by its own file name.
    pub title: &'a str,
    /// Kind, for example `pdf` or `code`.
    pub kind: &'a str,
    /// Format within the kind, for example `rust`.
    pub format: &'a str,
    /// Language of the text (ISO 639), when known.
    pub language: Option<&'a str>,
    /// Who wrote it, as the document itself says.
    pub author: Option<&'a str>,
    /// When it was written, as the document itself says: `2024-03-01`, `2024-03` or `2024`.
    pub dated: Option<&'a str>,
    /// The whole text.
    pub text: &'a str,
    /// Byte ranges of the headings in `text`.
    pub headings: &'a [Range<usize>],
    /// Passages in order, not overlapping.
    pub passages: &'a [PassageSpan],
    /// Byte offset at which each page starts; empty when the document has no pages.
    pub pages: &'a [usize],
    /// What the extractor wants a person to know about this document.
    pub warnings: &'a [String],
}

impl Content<'_> {
    /// Refuses ranges that do not lie within the text on character boundaries, in order.
    pub(crate) fn validate(&self) -> Result<()> {
        let inside = |range: &Range<usize>, what: &str, at: usize| {
            let fits = range.start <= range.end && self.text.get(range.clone()).is_some();
            if fits {
                return Ok(());
            }
            let (start, end, length) = (range.start, range.end, self.text.len());
            Err(IndexError::input(format!(
                "{what} {at} covers bytes {start}..{end} of a text of {length} bytes"
            )))
        };
        let mut reached = 0;
        for (at, passage) in self.passages.iter().enumerate() {
            inside(&(passage.start..passage.end), "passage", at)?;
            if passage.start < reached {
                return Err(IndexError::input(format!("passage {at} overlaps the one before it")));
            }
            reached = passage.end;
        }
        for (at, heading) in self.headings.iter().enumerate() {
            inside(heading, "heading", at)?;
        }
        for (at, &page) in self.pages.iter().enumerate() {
            inside(&(page..page), "page", at)?;
        }
        Ok(())
    }
}

/// A document as it came back from storage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredContent {
    /// Its key.
    pub key: ContentKey,
    /// Title; empty when the document has none of its own.
    pub title: String,
    /// Kind, for example `pdf`.
    pub kind: String,
    /// Format within the kind.
    pub format: String,
    /// Language of the text, when known.
    pub language: Option<String>,
    /// Who wrote it, as the document itself says.
    pub author: Option<String>,
    /// When it was written, as the document itself says.
    pub dated: Option<String>,
    /// The whole text.
    pub text: String,
    /// Byte ranges of the headings.
    pub headings: Vec<Range<usize>>,
    /// Passages in order.
    pub passages: Vec<PassageSpan>,
    /// Byte offset at which each page starts; empty when there are no pages.
    pub pages: Vec<usize>,
    /// What the extractor said about the document.
    pub warnings: Vec<String>,
}
