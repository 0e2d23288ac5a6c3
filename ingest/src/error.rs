use std::io;
use std::path::{Path, PathBuf};

/// What makes a whole call fail. Trouble with a single file is never this: it is reported as a
/// [`FailReason`](crate::FailReason) of that file, and the work goes on.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// The folder to walk is not there, for example because its disk is not mounted.
    #[error("{} does not exist", path.display())]
    RootMissing {
        /// The folder as it was given.
        path: PathBuf,
    },
    /// The folder to walk cannot be read at all.
    #[error("cannot read {}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The path is not a regular file, or for a walk neither a folder nor a regular file.
    #[error("{} is a {what}", path.display())]
    NotRegular {
        /// The path as it was given.
        path: PathBuf,
        /// What stands there, in words: "named pipe", "folder" and so on.
        what: String,
    },
    /// A pattern of [`WalkOptions::exclude`](crate::WalkOptions::exclude) is not a valid glob.
    #[error("invalid exclude pattern {pattern:?}: {message}")]
    Pattern {
        /// The pattern as it was given.
        pattern: String,
        /// What is wrong with it.
        message: String,
    },
}

impl IngestError {
    pub(crate) fn io(path: &Path, source: io::Error) -> Self {
        if source.kind() == io::ErrorKind::NotFound {
            return Self::RootMissing { path: path.to_owned() };
        }
        Self::Io { path: path.to_owned(), source }
    }
}
