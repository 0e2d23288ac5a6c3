//! Files that went and came again under another name: they keep their number in the index, and are not read.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use lsearch_index::{FileStat, FileState, Writer};
use lsearch_ingest::{FoundFile, Places};

use super::names::stat_of;
use crate::errors::CliError;

/// Below a vanished folder so many files are compared; of the others a hash tells the same, later.
const AT_MOST: usize = 50_000;

/// Documents whose files are not where they were, by what the file system said of them.
#[derive(Debug, Default)]
pub struct Renames {
    gone: HashMap<(u64, u64, i64), PathBuf>,
}

impl Renames {
    /// Looks which of the known files at or below some places are there no more.
    pub fn among(writer: &Writer, places: &Places) -> Result<Self, CliError> {
        let mut gone = HashMap::new();
        for place in places.iter().filter(|place| place.symlink_metadata().is_err()) {
            for record in writer.files_under(place)?.take(AT_MOST) {
                let record = record?;
                if matches!(record.state, FileState::Document { .. }) && record.stat.inode != 0 {
                    gone.insert(key(&record.stat), record.path);
                }
            }
        }
        Ok(Self { gone })
    }

    /// The document that this file was under another name of the same kind.
    pub fn take(&mut self, file: &FoundFile) -> Option<PathBuf> {
        let key = key(&stat_of(file));
        let same_kind = |path: &Path| path.extension() == file.path.extension();
        self.gone.get(&key).filter(|path| same_kind(path))?;
        self.gone.remove(&key)
    }
}

fn key(stat: &FileStat) -> (u64, u64, i64) {
    (stat.inode, stat.size_bytes, stat.modified_ns)
}
