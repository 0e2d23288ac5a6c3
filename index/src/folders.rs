//! The list of added folders: a small file of its own, so that it survives everything else here.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::{IndexError, PathContext, Result};
use crate::layout::{Layout, write_atomically};

/// A folder a person added.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Folder {
    /// Absolute path.
    #[serde(with = "path_text")]
    pub path: PathBuf,
    /// Globs of what is left out below it.
    #[serde(default)]
    pub exclude: Vec<String>,
    /// When it was added, seconds since 1970.
    #[serde(default)]
    pub added: i64,
}

/// What adding a folder came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Added {
    /// It is new. `absorbed` are folders inside it that were listed before and no longer need to
    /// be: their files belong to this one now.
    New {
        /// The folders inside, with the options they had.
        absorbed: Vec<Folder>,
    },
    /// It was there already; its options are replaced. `changed` says whether they differ.
    Known {
        /// Whether the options differ from those before.
        changed: bool,
    },
    /// It lies inside this folder, which covers it: the list stays as it is, and no second walk is
    /// needed.
    Inside {
        /// The folder that covers it.
        parent: PathBuf,
    },
}

/// The list of added folders.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Folders {
    /// In the order they were added.
    pub folders: Vec<Folder>,
}

impl Folders {
    /// Reads the list of a data folder; empty when there is none yet.
    ///
    /// # Errors
    /// [`IndexError::Damaged`] when the file is not a list of folders: it is what a person typed,
    /// so it is never silently replaced.
    pub fn load(data_dir: &Path) -> Result<Self> {
        let path = Layout::new(data_dir).folders();
        let bytes = match fs_err::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Self::default());
            }
            Err(error) => return Err(IndexError::io(&path, error)),
        };
        serde_json::from_slice(&bytes)
            .map_err(|error| IndexError::damaged(&path, format!("not a list of folders: {error}")))
    }

    /// Writes the list: whole or not at all, on the disk when this returns.
    ///
    /// # Errors
    /// [`IndexError::Io`].
    pub fn save(&self, data_dir: &Path) -> Result<()> {
        let layout = Layout::new(data_dir);
        fs_err::create_dir_all(&layout.root).at(&layout.root)?;
        let path = layout.folders();
        let mut text = serde_json::to_vec_pretty(self)
            .map_err(|error| IndexError::io(&path, std::io::Error::other(error)))?;
        text.push(b'\n');
        write_atomically(&path, &text, true)
    }

    /// Adds an absolute path (without `.` or `..`; the caller resolves links).
    pub fn add(&mut self, folder: Folder) -> Added {
        if let Some(known) = self.folders.iter_mut().find(|known| known.path == folder.path) {
            let changed = known.exclude != folder.exclude;
            known.exclude = folder.exclude;
            return Added::Known { changed };
        }
        if let Some(parent) = self.covering(&folder.path) {
            return Added::Inside { parent: parent.path.clone() };
        }
        let (absorbed, kept): (Vec<_>, Vec<_>) =
            self.folders.drain(..).partition(|known| known.path.starts_with(&folder.path));
        self.folders = kept;
        self.folders.push(folder);
        Added::New { absorbed }
    }

    /// Takes a folder off the list; `None` when it is not on it.
    pub fn remove(&mut self, path: &Path) -> Option<Folder> {
        let at = self.folders.iter().position(|known| known.path == path)?;
        Some(self.folders.remove(at))
    }

    /// The listed folder that holds a path (or is it).
    pub fn covering(&self, path: &Path) -> Option<&Folder> {
        self.folders
            .iter()
            .filter(|folder| path.starts_with(&folder.path))
            .max_by_key(|folder| folder.path.as_os_str().len())
    }
}

/// Reads the list of a data folder; see [`Folders::load`].
pub fn load(data_dir: &Path) -> Result<Folders> {
    Folders::load(data_dir)
}

/// Writes the list; see [`Folders::save`].
pub fn save(data_dir: &Path, folders: &Folders) -> Result<()> {
    folders.save(data_dir)
}

/// Paths as JSON text. A path that is not UTF-8 becomes an array of its bytes, so that it comes
/// back exactly.
mod path_text {
    use std::path::{Path, PathBuf};

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::paths::{path_bytes, path_from_bytes};

    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Text {
        Unicode(String),
        Bytes(Vec<u8>),
    }

    pub(super) fn serialize<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
        match path.to_str() {
            Some(text) => text.serialize(serializer),
            None => path_bytes(path).serialize(serializer),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<PathBuf, D::Error> {
        Ok(match Text::deserialize(deserializer)? {
            Text::Unicode(text) => PathBuf::from(text),
            Text::Bytes(bytes) => path_from_bytes(&bytes),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(path: &str) -> Folder {
        Folder { path: PathBuf::from(path), exclude: Vec::new(), added: 7 }
    }

    #[test]
    fn nested_folders_need_one_walk() {
        let mut folders = Folders::default();
        assert_eq!(folders.add(folder("/a/b")), Added::New { absorbed: vec![] });
        assert_eq!(folders.add(folder("/a/b/c")), Added::Inside { parent: "/a/b".into() });
        // A shared beginning of the name is not a shared folder.
        assert_eq!(folders.add(folder("/a/bc")), Added::New { absorbed: vec![] });
        assert_eq!(folders.add(folder("/a/b")), Added::Known { changed: false });
        let with_exclude = Folder { exclude: vec!["*.log".into()], ..folder("/a/b") };
        assert_eq!(folders.add(with_exclude.clone()), Added::Known { changed: true });
        assert_eq!(
            folders.add(folder("/a")),
            Added::New { absorbed: vec![with_exclude, folder("/a/bc")] }
        );
        assert_eq!(folders.folders, vec![folder("/a")]);
        assert_eq!(folders.covering(Path::new("/a/b/x.txt")).unwrap().path, Path::new("/a"));
        assert!(folders.remove(Path::new("/a/b")).is_none());
        assert!(folders.remove(Path::new("/a")).is_some());
    }

    #[test]
    fn the_list_survives_and_damage_is_named() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(load(dir.path()).unwrap(), Folders::default());
        let mut folders = Folders::default();
        folders.add(folder("/größe/文書"));
        save(dir.path(), &folders).unwrap();
        assert_eq!(load(dir.path()).unwrap(), folders);
        let file = dir.path().join("folders.json");
        std::fs::write(&file, b"{\"folders\":[").unwrap();
        let error = load(dir.path()).unwrap_err();
        assert!(error.to_string().contains("folders.json"), "{error}");
        assert_eq!(std::fs::read(&file).unwrap(), b"{\"folders\":[", "kept as it was");
    }

    #[cfg(unix)]
    #[test]
    fn paths_that_are_not_unicode_come_back() {
        use std::os::unix::ffi::OsStrExt;
        let dir = tempfile::tempdir().unwrap();
        let path = PathBuf::from(std::ffi::OsStr::from_bytes(b"/a/\xff\xfe"));
        let mut folders = Folders::default();
        folders.add(Folder { path: path.clone(), exclude: vec![], added: 0 });
        save(dir.path(), &folders).unwrap();
        assert_eq!(load(dir.path()).unwrap().folders[0].path, path);
    }
}
