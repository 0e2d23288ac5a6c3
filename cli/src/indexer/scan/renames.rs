//! Files that went and came again under another name: they keep their number in the index, and are not read.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use lsearch_index::{FileStat, FileState};
use lsearch_ingest::{FoundFile, Places};

use super::known::Known;
use super::names::stat_of;

/// Below a vanished folder so many files are compared; of the others a hash tells the same, later.
const AT_MOST: usize = 50_000;

/// Documents whose files are not where they were, by what the file system said of them.
#[derive(Debug, Default)]
pub struct Renames {
    gone: HashMap<(u64, u64, i64), PathBuf>,
}

impl Renames {
    /// Looks which of the known files at or below some places are there no more.
    pub fn among(known: &Known, places: &Places) -> Self {
        let missing = |place: &&Path| place.symlink_metadata().is_err();
        let missing: Places = places.iter().filter(missing).map(Path::to_owned).collect();
        let gone = known
            .iter()
            .filter(|(path, _)| missing.hold(path))
            .take(AT_MOST)
            .filter(|(_, file)| {
                let moves =
                    matches!(file.state, FileState::Document { .. } | FileState::Container { .. });
                moves && file.stat.inode != 0
            })
            .map(|(path, file)| (key(&file.stat), path.to_owned()))
            .collect();
        Self { gone }
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
