//! How the index stands: a snapshot the writer leaves for whoever asks, other processes too.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::{IndexError, PathContext, Result};
use crate::layout::{Layout, write_atomically};

/// Counts of documents.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentCounts {
    /// Files looked at: documents, skipped and failed together.
    pub seen: usize,
    /// Documents found by word.
    pub keyword: usize,
    /// Documents found by meaning too, with the encoder used last.
    pub semantic: usize,
    /// Files that could not be read or extracted.
    pub failed: usize,
    /// Files deliberately left out.
    pub skipped: usize,
}

/// Counts of one added folder.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RootCounts {
    /// The folder.
    pub path: PathBuf,
    /// Its documents.
    pub documents: usize,
    /// Its files that could not be read or extracted.
    pub failed: usize,
    /// Its files left out.
    pub skipped: usize,
    /// Bytes of the files that are documents.
    pub bytes: u64,
}

/// What one encoder has done here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EncoderCounts {
    /// The encoder's fingerprint.
    pub fingerprint: String,
    /// Length of its vectors.
    pub dimensions: usize,
    /// Live documents (files) that it has encoded whole.
    pub documents: usize,
    /// Passage vectors stored.
    pub passages: usize,
}

/// Bytes on disk by part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexBytes {
    /// The catalog of files.
    pub catalog: u64,
    /// The lexical index.
    pub lexical: u64,
    /// Stored texts.
    pub texts: u64,
    /// Vectors.
    pub vectors: u64,
    /// The graph over document vectors.
    pub graph: u64,
}

impl IndexBytes {
    pub(crate) fn measure(layout: &Layout) -> Self {
        use crate::layout::folder_bytes;
        IndexBytes {
            catalog: folder_bytes(&layout.catalog()),
            lexical: folder_bytes(&layout.lexical()),
            texts: folder_bytes(&layout.texts()),
            vectors: folder_bytes(&layout.vectors()),
            graph: folder_bytes(&layout.graph()),
        }
    }

    /// All parts together.
    pub fn total(&self) -> u64 {
        self.catalog + self.lexical + self.texts + self.vectors + self.graph
    }
}

/// How the index stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Counts of documents.
    pub documents: DocumentCounts,
    /// Files that failed, by path, with the reason; at most [`Status::FAILED_LISTED`] of them.
    pub failed: Vec<(PathBuf, String)>,
    /// Number of skipped files by reason.
    pub skipped: BTreeMap<String, usize>,
    /// Counts by added folder.
    pub roots: Vec<RootCounts>,
    /// What each encoder has done; the one used last comes first.
    pub encoders: Vec<EncoderCounts>,
    /// Bytes on disk by part.
    pub index_bytes: IndexBytes,
    /// Number of the last commit.
    pub sequence: u64,
    /// The process that writes now, when there is one and it left its number.
    pub writer_pid: Option<u32>,
    /// Whether a process writes now.
    pub writer_alive: bool,
}

impl Status {
    /// How many failed files are listed by name; `documents.failed` counts all.
    pub const FAILED_LISTED: usize = 1000;
}

/// Whether a process writes to the index in a data folder now; looks at nothing but its lock.
#[must_use]
pub fn is_being_written(data_dir: &Path) -> bool {
    crate::layout::writer_alive(&Layout::new(data_dir)).is_some()
}

/// What of [`Status`] only the writer knows, as `status.json` holds it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Snapshot {
    pub(crate) sequence: u64,
    pub(crate) documents: DocumentCounts,
    pub(crate) failed: Vec<(String, String)>,
    pub(crate) skipped: BTreeMap<String, usize>,
    pub(crate) roots: Vec<RootSnapshot>,
}

/// [`RootCounts`] with the path as text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RootSnapshot {
    pub(crate) path: String,
    pub(crate) documents: usize,
    pub(crate) failed: usize,
    pub(crate) skipped: usize,
    pub(crate) bytes: u64,
}

impl Snapshot {
    pub(crate) fn save(&self, layout: &Layout) -> Result<()> {
        let path = layout.status();
        let text = serde_json::to_vec(self)
            .map_err(|error| IndexError::io(&path, std::io::Error::other(error)))?;
        // It is rewritten at every commit and made again at every start: nothing hangs on it.
        write_atomically(&path, &text, false)
    }

    /// The snapshot, or `None` when there is none that can be read.
    pub(crate) fn load(layout: &Layout) -> Result<Option<Self>> {
        let path = layout.status();
        match fs_err::read(&path) {
            Ok(bytes) => Ok(serde_json::from_slice(&bytes).ok()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).at(&path),
        }
    }

    pub(crate) fn into_status(self, layout: &Layout) -> Status {
        let alive = crate::layout::writer_alive(layout);
        Status {
            documents: self.documents,
            failed: self.failed.into_iter().map(|(path, why)| (path.into(), why)).collect(),
            skipped: self.skipped,
            roots: self
                .roots
                .into_iter()
                .map(|root| RootCounts {
                    path: Path::new(&root.path).to_owned(),
                    documents: root.documents,
                    failed: root.failed,
                    skipped: root.skipped,
                    bytes: root.bytes,
                })
                .collect(),
            encoders: Vec::new(),
            index_bytes: IndexBytes::measure(layout),
            sequence: self.sequence,
            writer_pid: alive.flatten(),
            writer_alive: alive.is_some(),
        }
    }
}
