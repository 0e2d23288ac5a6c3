//! The rules by which names are left out, for what no walk comes by: the documents within files.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use lsearch_ingest::{RuleFiles, Rules, WalkOptions};

/// The rules of a root's folders, each read once a scan.
pub struct RuleBook {
    root: PathBuf,
    options: WalkOptions,
    folders: Mutex<HashMap<PathBuf, Arc<FolderRules>>>,
}

/// What holds in one folder.
pub struct FolderRules {
    /// The patterns.
    pub files: RuleFiles,
    /// A number that changes with them.
    pub digest: u64,
    compiled: OnceLock<Rules>,
}

impl FolderRules {
    /// Ready to be asked.
    pub fn compiled(&self) -> &Rules {
        self.compiled.get_or_init(|| Rules::new(&self.files))
    }
}

impl RuleBook {
    /// For a root that is walked in this way.
    pub fn new(root: &Path, options: WalkOptions) -> Self {
        Self { root: root.to_owned(), options, folders: Mutex::default() }
    }

    /// The rules that hold for what lies in a file.
    pub fn within(&self, container: &Path) -> Arc<FolderRules> {
        let folder = container.parent().unwrap_or(container);
        let mut folders = self.folders.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = folders.get(folder) {
            return Arc::clone(known);
        }
        let files = RuleFiles::of_folder(&self.root, &self.options, folder);
        let digest = files.digest();
        let rules = Arc::new(FolderRules { files, digest, compiled: OnceLock::new() });
        folders.insert(folder.to_owned(), Arc::clone(&rules));
        rules
    }
}
