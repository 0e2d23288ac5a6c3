//! What was known of a scan's files before it began.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use lsearch_index::{FileRecord, FileStat, FileState, Writer};
use lsearch_ingest::Places;

use crate::errors::CliError;

/// The records below a scan's places; what the walk comes by is taken out, so that what is left over is gone.
///
/// Read in one go, in the catalog's order, which costs a fraction of asking for one file after another.
#[derive(Debug, Default)]
pub struct Known(HashMap<PathBuf, KnownFile>);

/// One of them.
#[derive(Debug)]
pub struct KnownFile {
    /// What the file system said.
    pub stat: FileStat,
    /// Whether it was found in the same added folder.
    pub same_root: bool,
    /// What became of it.
    pub state: FileState,
}

impl Known {
    /// What is known below some places of a root, or below all of it.
    pub fn below(writer: &Writer, root: &Path, only: Option<&Places>) -> Result<Self, CliError> {
        let mut known = HashMap::new();
        let places: Vec<&Path> = only.map_or_else(|| vec![root], |places| places.iter().collect());
        for place in places {
            for record in writer.files_under(place)? {
                let FileRecord { path, root: found_in, stat, state, .. } = record?;
                known.insert(path, KnownFile { stat, same_root: found_in == root, state });
            }
        }
        Ok(Self(known))
    }

    /// What is left, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (&Path, &KnownFile)> {
        self.0.iter().map(|(path, file)| (path.as_path(), file))
    }

    /// Takes out what is there after all.
    pub fn take(&mut self, path: &Path) -> Option<KnownFile> {
        self.0.remove(path)
    }

    /// Puts back what is gone since.
    pub fn put_back(&mut self, path: PathBuf, file: KnownFile) {
        self.0.insert(path, file);
    }

    /// The files that nothing was seen of.
    pub fn left_over(self) -> impl Iterator<Item = PathBuf> {
        self.0.into_keys()
    }
}
