//! What lies in the files of a scan, counted while they are read.

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};

use lsearch_index::FileState;

use super::work::Extracted;

/// Counts by the file that holds what is counted, be it on the disk or in another file.
#[derive(Debug, Default)]
pub struct Tallies(HashMap<PathBuf, Tally>);

/// What lies in one file, however deep.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Tally {
    documents: u32,
    skipped: u32,
    failed: u32,
}

impl Tally {
    /// As a record of the file.
    pub fn into_state(self, rules: u64) -> FileState {
        let Self { documents, skipped, failed } = self;
        FileState::Container { documents, skipped, failed, rules }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { documents, skipped, failed } = self;
        write!(f, "{documents} documents in it, {skipped} left out, {failed} failed")
    }
}

impl Tallies {
    /// Counts what came of something in a file.
    pub fn count(&mut self, path: &Path, extracted: &Extracted) {
        let number: fn(&mut Tally) -> &mut u32 = match extracted {
            Extracted::Document(..) => |tally| &mut tally.documents,
            Extracted::Skipped(_) => |tally| &mut tally.skipped,
            Extracted::Failed(_) | Extracted::Container(Some(_)) => |tally| &mut tally.failed,
            Extracted::Container(None) => return,
        };
        self.add(path, number);
    }

    /// Counts a document that was known already.
    pub fn count_document(&mut self, path: &Path) {
        self.add(path, |tally| &mut tally.documents);
    }

    fn add(&mut self, path: &Path, number: fn(&mut Tally) -> &mut u32) {
        for container in path.ancestors().skip(1).filter_map(holder) {
            *number(self.0.entry(container).or_default()) += 1;
        }
    }

    /// What was counted in a file, which begins anew.
    pub fn take(&mut self, container: &Path) -> Tally {
        self.0.remove(container).unwrap_or_default()
    }
}

/// The file whose inside a folder, as it were, is.
fn holder(inside: &Path) -> Option<PathBuf> {
    use std::os::unix::ffi::{OsStrExt, OsStringExt};
    let name = inside.as_os_str().as_bytes().strip_suffix(b"!")?;
    Some(PathBuf::from(std::ffi::OsString::from_vec(name.to_vec())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_deep_counts_in_every_file_around_it() {
        let mut tallies = Tallies::default();
        tallies.count_document(Path::new("/r/a.zip!/x.txt"));
        tallies.count_document(Path::new("/r/a.zip!/d/b.tar!/y.txt"));
        tallies.count(Path::new("/r/a.zip!/d/b.tar"), &Extracted::Container(None));
        assert_eq!(tallies.take(Path::new("/r/a.zip!/d/b.tar")).documents, 1);
        assert_eq!(tallies.take(Path::new("/r/a.zip")).documents, 2);
        assert_eq!(tallies.take(Path::new("/r/a.zip")), Tally::default());
    }
}
