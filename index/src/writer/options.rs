//! What a writer is told, and what it reports.

use std::fmt;

use crate::content::ContentKey;

/// Settings of a writer.
#[derive(Clone, Debug)]
pub struct WriterOptions {
    /// Memory for the lexical index's buffers, in bytes (at least 15 MB are used).
    pub memory_bytes: usize,
    /// Threads that build the lexical index.
    pub threads: usize,
    /// Documents with vectors from which on a graph answers instead of an exact scan.
    pub graph_threshold: usize,
    /// Length at which a segment file of texts or vectors is closed and a new one begun.
    pub segment_bytes: u64,
}

impl Default for WriterOptions {
    fn default() -> Self {
        WriterOptions {
            memory_bytes: 128 << 20,
            threads: 1,
            graph_threshold: 50_000,
            segment_bytes: 64 << 20,
        }
    }
}

/// What opening found and put right.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OpenReport {
    /// Whether the writer before ended without closing (killed, power lost).
    pub unclean: bool,
    /// What was reconciled, repaired or rebuilt, one sentence each; empty when all was in order.
    pub notes: Vec<String>,
    /// Files whose text has to be extracted again: the next walk finds them changed.
    pub to_extract: usize,
}

impl OpenReport {
    pub(crate) fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }
}

impl fmt::Display for OpenReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.notes.join("; "))
    }
}

/// What [`crate::Writer::maintain`] did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MaintainReport {
    /// Documents in the graph, when one was built or extended.
    pub graph_documents: Option<usize>,
    /// Bytes given back by dropping what no file refers to any more.
    pub freed_bytes: u64,
}

/// A live content that the encoder has not finished.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    /// The content.
    pub content: ContentKey,
    /// Length of its text.
    pub text_bytes: u64,
    /// Sections stored so far.
    pub sections_done: usize,
    /// Index of the first passage that has no vector yet: where to go on.
    pub next_passage: usize,
}

/// One encoded section of a document.
#[derive(Clone, Copy, Debug)]
pub struct SectionRecord<'a> {
    /// Index of its first passage within the document; sections follow on one another.
    pub first_passage: usize,
    /// Whether the document ends with it.
    pub last: bool,
    /// Tokens pooled into `mean`: its weight in the document vector.
    pub tokens: usize,
    /// Mean of the token vectors, not normalised.
    pub mean: &'a [f32],
    /// One unit vector per passage of the section.
    pub passages: &'a [Vec<f32>],
}
