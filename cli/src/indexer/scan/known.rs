//! What was known of a scan's files before it began.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use lsearch_index::{FileRecord, FileStat, FileState, Writer};
use lsearch_ingest::{Places, container_of};

use crate::errors::CliError;

/// The records below a scan's places; what the walk comes by is taken out, so that what is left over is gone.
///
/// Read in one go, in the catalog's order, which costs a fraction of asking for one file after another.
#[derive(Debug, Default)]
pub struct Known {
    files: HashMap<PathBuf, KnownFile>,
    /// What lies in other files, by the file on the disk.
    members: HashMap<PathBuf, HashMap<PathBuf, KnownFile>>,
}

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

impl KnownFile {
    /// Whether it lies in a file of which the file system said this.
    pub fn lies_in(&self, container: &FileStat) -> bool {
        (self.stat.inode, self.stat.modified_ns) == (container.inode, container.modified_ns)
    }
}

impl Known {
    /// What is known below some places of a root, or below all of it.
    pub fn below(writer: &Writer, root: &Path, only: Option<&Places>) -> Result<Self, CliError> {
        let mut known = Self::default();
        let places: Vec<&Path> = only.map_or_else(|| vec![root], |places| places.iter().collect());
        for place in places {
            known.read(writer, root, place)?;
            // What lies in a file is not below it to the catalog, which orders by bytes.
            if only.is_some() {
                known.read(writer, root, &inside_of(place))?;
            }
        }
        Ok(known)
    }

    fn read(&mut self, writer: &Writer, root: &Path, place: &Path) -> Result<(), CliError> {
        for record in writer.files_under(place)? {
            let FileRecord { path, root: found_in, stat, state, .. } = record?;
            self.put_back(path, KnownFile { stat, same_root: found_in == root, state });
        }
        Ok(())
    }

    /// The files on the disk that are left, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (&Path, &KnownFile)> {
        self.files.iter().map(|(path, file)| (path.as_path(), file))
    }

    /// Takes out what is there after all.
    pub fn take(&mut self, path: &Path) -> Option<KnownFile> {
        self.files.remove(path).or_else(|| {
            // A folder may be called like the inside of a file.
            self.members.get_mut(container_of(path)?)?.remove(path)
        })
    }

    /// Takes out what lies in a file.
    pub fn take_members(&mut self, container: &Path) -> HashMap<PathBuf, KnownFile> {
        self.members.remove(container).unwrap_or_default()
    }

    /// Puts back what is gone since.
    pub fn put_back(&mut self, path: PathBuf, file: KnownFile) {
        match container_of(&path) {
            None => self.files.insert(path, file),
            Some(container) => {
                if !self.members.contains_key(container) {
                    self.members.insert(container.to_owned(), HashMap::new());
                }
                self.members
                    .get_mut(container)
                    .and_then(|members| members.insert(path.clone(), file))
            }
        };
    }

    /// The files that nothing was seen of.
    pub fn left_over(self) -> impl Iterator<Item = PathBuf> {
        let members = self.members.into_values().flat_map(HashMap::into_keys);
        self.files.into_keys().chain(members)
    }
}

/// The folder, as it were, that what lies in a file is below.
pub fn inside_of(container: &Path) -> PathBuf {
    let mut inside = container.as_os_str().to_owned();
    inside.push("!");
    PathBuf::from(inside)
}
