//! Which version of the extractor has gone over each folder.
//!
//! A file that did not change is not read again, so a later version, which reads more formats and
//! reads others better, has to be told of folders that an earlier one went over. The list is a small
//! file; without it every file is read once more, and nothing is encoded twice.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use lsearch_ingest::EXTRACTOR_VERSION;

use crate::errors::CliError;

/// Name in the data folder.
const FILE: &str = "extractors.json";

/// The list.
#[derive(Debug, Default)]
pub struct ReadBy {
    file: PathBuf,
    /// By folder, its name as text: two names that are not Unicode may share an entry, which then
    /// tells of the one read last.
    versions: BTreeMap<String, u32>,
}

impl ReadBy {
    /// Reads the list of a data folder. One that cannot be read is an empty one.
    pub fn load(data: &Path) -> Self {
        let file = data.join(FILE);
        let bytes = fs_err::read(&file).unwrap_or_default();
        ReadBy { versions: serde_json::from_slice(&bytes).unwrap_or_default(), file }
    }

    /// Whether all of a folder was read by this version.
    pub fn is_current(&self, root: &Path) -> bool {
        self.versions.get(&key(root)) == Some(&EXTRACTOR_VERSION)
    }

    /// Notes that all of a folder was read by this version, or will be: nothing of it is known.
    pub fn set_current(&mut self, root: &Path) -> Result<(), CliError> {
        if self.versions.insert(key(root), EXTRACTOR_VERSION) == Some(EXTRACTOR_VERSION) {
            return Ok(());
        }
        let text = serde_json::to_vec_pretty(&self.versions)
            .map_err(|error| CliError::new(format!("{}: {error}", self.file.display())))?;
        let io = |error: std::io::Error| CliError::io(&self.file, &error);
        let new = self.file.with_extension("json.new");
        fs_err::write(&new, text).map_err(io)?;
        fs_err::rename(&new, &self.file).map_err(io)
    }
}

fn key(root: &Path) -> String {
    root.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_current_once_it_was_read_by_this_version() {
        let dir = tempfile::tempdir().unwrap();
        let root = Path::new("/docs");
        let mut list = ReadBy::load(dir.path());
        assert!(!list.is_current(root));
        list.set_current(root).unwrap();
        assert!(ReadBy::load(dir.path()).is_current(root));
        assert!(!ReadBy::load(dir.path()).is_current(Path::new("/other")));
        let older = format!("{{\"/docs\":{}}}", EXTRACTOR_VERSION - 1);
        fs_err::write(dir.path().join(FILE), older).unwrap();
        assert!(!ReadBy::load(dir.path()).is_current(root));
        fs_err::write(dir.path().join(FILE), "{").unwrap();
        assert!(!ReadBy::load(dir.path()).is_current(root));
    }
}
