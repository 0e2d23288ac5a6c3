//! Storage and search: documents and vectors into a durable hybrid index, queries into ranked hits.
//!
//! One [`Writer`] at a time, held by a lock of the operating system; any number of [`Reader`]s, in
//! other processes too. Texts and vectors live in append-only segment files and are the only part
//! that is dear; the catalog, the lexical index and the graph are caches made from them.

mod catalog;
pub mod check;
pub mod content;
mod encodings;
pub mod error;
mod faults;
pub mod files;
pub mod folders;
pub mod fuse;
mod guard;
mod layout;
mod lexical;
mod paths;
pub mod query;
pub mod reader;
mod segments;
pub mod snippet;
pub mod status;
#[cfg(test)]
mod tests;
mod texts;
pub mod vectors;
pub mod writer;

pub use check::{Finding, Severity, check};
pub use content::{Content, ContentKey, ExtractKey, PassageSpan, StoredContent};
pub use error::{IndexError, Result};
pub use files::{FileRecord, FileStat, FileState};
pub use layout::FORMAT;
pub use lexical::Correction;
pub use reader::{
    DocumentRef, Hit, Mode, PassageHit, Ranks, Reader, SearchRequest, SearchResults, Signals,
    SimilarRequest, StoredDocument,
};
pub use status::{DocumentCounts, EncoderCounts, IndexBytes, RootCounts, Status, is_being_written};
pub use writer::{MaintainReport, OpenReport, Pending, SectionRecord, Writer, WriterOptions};
