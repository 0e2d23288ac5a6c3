//! What can go wrong, each with the place it happened at.

use std::path::{Path, PathBuf};

use crate::content::ContentKey;

/// An error of the index. Every variant that concerns a file names it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IndexError {
    /// Reading or writing failed (disk full, permission, hardware); what was committed before stays.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder concerned.
        path: PathBuf,
        /// The operating system's answer.
        source: std::io::Error,
    },
    /// Another process writes to this index now.
    #[error("the index at {} is being written by {}", path.display(), holder(*pid))]
    Locked {
        /// The data folder.
        path: PathBuf,
        /// The process that holds the lock, when it left its number.
        pid: Option<u32>,
    },
    /// Nothing was ever indexed here.
    #[error("nothing is indexed yet at {}", path.display())]
    Empty {
        /// The data folder.
        path: PathBuf,
    },
    /// The data folder was written by a newer release.
    #[error(
        "{} was written by a newer release (format {found}; this one reads up to {supported})",
        path.display()
    )]
    NewerFormat {
        /// The file that holds the format number.
        path: PathBuf,
        /// The number found.
        found: u32,
        /// The newest format this release reads.
        supported: u32,
    },
    /// A file is not what was written: its length, form or checksum is wrong.
    #[error("{} is damaged: {reason}", path.display())]
    Damaged {
        /// The damaged file or folder.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The catalog failed.
    #[error("catalog {}: {source}", path.display())]
    Catalog {
        /// The catalog's folder.
        path: PathBuf,
        /// The store's own error.
        source: sled::Error,
    },
    /// The lexical index failed.
    #[error("lexical index {}: {source}", path.display())]
    Lexical {
        /// The lexical index's folder.
        path: PathBuf,
        /// tantivy's own error.
        source: Box<tantivy::TantivyError>,
    },
    /// The vector graph failed.
    #[error(transparent)]
    Graph(#[from] crate::vectors::graph::GraphError),
    /// A vector cannot be used.
    #[error("a vector cannot be used: {0}")]
    Vector(#[from] crate::vectors::VectorError),
    /// What the caller passed contradicts itself or what is stored.
    #[error("refused: {reason}")]
    Input {
        /// What is wrong with it.
        reason: String,
    },
    /// No text is stored under this content key, or the stored text is damaged.
    #[error("no text is stored for content {content}")]
    UnknownContent {
        /// The content asked for.
        content: ContentKey,
    },
    /// A write failed in a way that leaves this writer unsure of what reached the disk. Opening a
    /// new writer puts everything right; nothing committed is lost.
    #[error("an earlier write to {} failed ({reason}); open the index again", path.display())]
    Reopen {
        /// The data folder.
        path: PathBuf,
        /// The failure that came first.
        reason: String,
    },
    /// The caller asked to stop.
    #[error("stopped on request")]
    Cancelled,
}

/// Result with [`IndexError`].
pub type Result<T, E = IndexError> = std::result::Result<T, E>;

fn holder(pid: Option<u32>) -> String {
    match pid {
        Some(pid) => format!("process {pid}"),
        None => "another process".to_owned(),
    }
}

/// What is wrong with an index of another release.
pub(crate) const OTHER_RELEASE: &str = "it has another release's form";

impl IndexError {
    pub(crate) fn io(path: &Path, source: std::io::Error) -> Self {
        IndexError::Io { path: path.to_owned(), source }
    }

    pub(crate) fn damaged(path: &Path, reason: impl Into<String>) -> Self {
        IndexError::Damaged { path: path.to_owned(), reason: reason.into() }
    }

    /// Whether nothing is wrong but that another release made it: then it is made anew from what is stored.
    pub fn is_of_another_release(&self) -> bool {
        matches!(self, IndexError::Damaged { reason, .. } if reason == OTHER_RELEASE)
    }

    pub(crate) fn input(reason: impl Into<String>) -> Self {
        IndexError::Input { reason: reason.into() }
    }

    pub(crate) fn lexical(path: &Path, source: tantivy::TantivyError) -> Self {
        IndexError::Lexical { path: path.to_owned(), source: Box::new(source) }
    }
}

/// Puts the path into an I/O error.
pub(crate) trait PathContext<T> {
    fn at(self, path: &Path) -> Result<T>;
}

impl<T> PathContext<T> for std::io::Result<T> {
    fn at(self, path: &Path) -> Result<T> {
        self.map_err(|source| IndexError::io(path, source))
    }
}

impl<T> PathContext<T> for std::result::Result<T, sled::Error> {
    fn at(self, path: &Path) -> Result<T> {
        self.map_err(|source| match source {
            // The disk being full or failing is the same event whichever part meets it.
            sled::Error::Io(source) => IndexError::io(path, source),
            source => IndexError::Catalog { path: path.to_owned(), source },
        })
    }
}

impl<T> PathContext<T> for tantivy::Result<T> {
    fn at(self, path: &Path) -> Result<T> {
        self.map_err(|source| IndexError::lexical(path, source))
    }
}
