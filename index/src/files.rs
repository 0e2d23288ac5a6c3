//! Files as the index knows them: where, how large, how new, and what became of them.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::content::ContentKey;

/// What tells a changed file from an unchanged one without reading it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileStat {
    /// Length in bytes.
    pub size_bytes: u64,
    /// Time of last modification, nanoseconds since 1970.
    pub modified_ns: i64,
    /// Inode number (0 where there is none).
    pub inode: u64,
}

/// What became of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FileState {
    /// It is a document with this content.
    Document {
        /// The content, stored before by `put_content`.
        content: ContentKey,
    },
    /// It is deliberately not indexed.
    Skipped {
        /// Why, in words.
        reason: String,
    },
    /// It could not be read or extracted.
    Failed {
        /// Why, in words.
        reason: String,
    },
    /// It holds several documents, each in a record of its own: their paths are this file's, `!/` and their own in
    /// there. Neither a document nor a failure itself.
    Container {
        /// Documents in it.
        documents: u32,
        /// What else is in it and left out.
        skipped: u32,
        /// What in it could not be read.
        failed: u32,
        /// A number that changes with the rules by which things in it are left out.
        rules: u64,
    },
}

/// A file in the catalog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileRecord {
    /// Absolute path.
    pub path: PathBuf,
    /// The added folder it was found under.
    pub root: PathBuf,
    /// Size, time and inode when it was last looked at. All zero when the file is to be read
    /// again: after `retry_failed`, or because its stored text was found damaged.
    pub stat: FileStat,
    /// BLAKE3 of its bytes, when it was read.
    pub file_hash: Option<[u8; 32]>,
    /// What became of it.
    pub state: FileState,
    /// Number a person can name the document by; it stays as long as the path does.
    pub document_id: u64,
}
