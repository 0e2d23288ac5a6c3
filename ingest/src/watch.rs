//! Watches folders for changes, and says when it cannot.
//!
//! Where the system watches folder by folder (Linux), only those that a walk goes into are watched: what is ignored
//! costs neither watches nor events. An event says no more than that something about a path may have changed;
//! whoever hears it looks at the path again. So it does not matter how an editor saves, or in which order the two
//! halves of a rename come.

mod limits;
mod remote;
mod settle;

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use notify::event::ModifyKind;
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};

pub use limits::{Limit, limits};
pub use remote::{Remote, remote};
pub use settle::{Batch, Settle};

/// Whether each folder needs a watch of its own.
const FOLDER_BY_FOLDER: bool = cfg!(any(target_os = "linux", target_os = "android"));

/// Something happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Something about a path, or what lies below it, may be different.
    At {
        /// The path.
        path: PathBuf,
        /// Whether it may be another file or folder than before: made, removed or renamed.
        replaced: bool,
    },
    /// Events were lost: everything has to be looked at again.
    Lost,
}

/// Why something cannot be watched.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// A limit of the system is reached.
    #[error(transparent)]
    Limit(#[from] Limit),
    /// The folder is not there.
    #[error("{path}: no such folder", path = .path.display())]
    Gone {
        /// The folder.
        path: PathBuf,
    },
    /// Anything else.
    #[error("{path}: cannot be watched: {reason}", path = .path.display())]
    Other {
        /// The folder; empty when watching as a whole does not work.
        path: PathBuf,
        /// What the system says.
        reason: String,
    },
}

/// The watches. All methods take `&self`; several threads may share it.
pub struct Watch {
    inner: Mutex<Inner>,
}

struct Inner {
    watcher: RecommendedWatcher,
    /// Watched folders, in order, so that those below one stand together.
    folders: BTreeMap<PathBuf, Identity>,
    by_identity: HashMap<Identity, PathBuf>,
}

/// Device and inode: a folder that was moved is watched by the same kernel object under its new name.
type Identity = (u64, u64);

impl std::fmt::Debug for Watch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watch").field("folders", &self.folders()).finish_non_exhaustive()
    }
}

impl Watch {
    /// Begins watching nothing; `heard` is called from a thread of the watcher's own and must not call back here.
    ///
    /// # Errors
    /// [`WatchError::Limit`] when the system gives no more watchers.
    pub fn new(heard: impl Fn(Change) + Send + 'static) -> Result<Self, WatchError> {
        let handler = move |event: notify::Result<Event>| match event {
            Ok(event) if event.need_rescan() => heard(Change::Lost),
            Ok(event) => changes(event).for_each(&heard),
            Err(_) => heard(Change::Lost),
        };
        // Links inside a folder are not followed by the walk either.
        let config = notify::Config::default().with_follow_symlinks(false);
        let watcher = RecommendedWatcher::new(handler, config)
            .map_err(|error| explained(Path::new(""), &error))?;
        let inner = Inner { watcher, folders: BTreeMap::new(), by_identity: HashMap::new() };
        Ok(Self { inner: Mutex::new(inner) })
    }

    /// Watches a folder that a walk goes into; nothing happens when it is watched already.
    ///
    /// # Errors
    /// When it cannot be watched; what was watched before stays so.
    pub fn folder(&self, path: &Path) -> Result<(), WatchError> {
        let mut inner = self.lock();
        if !FOLDER_BY_FOLDER && path.ancestors().any(|above| inner.folders.contains_key(above)) {
            return Ok(());
        }
        let identity = identity(path)?;
        if inner.folders.get(path) == Some(&identity) {
            return Ok(());
        }
        // One that was moved here from elsewhere: its old watch must go before the new one is made, for both are
        // the same to the kernel.
        if let Some(before) = inner.by_identity.get(&identity).cloned() {
            inner.unwatch(&before);
        }
        inner.unwatch(path);
        let mode =
            if FOLDER_BY_FOLDER { RecursiveMode::NonRecursive } else { RecursiveMode::Recursive };
        inner.watcher.watch(path, mode).map_err(|error| explained(path, &error))?;
        inner.folders.insert(path.to_owned(), identity);
        inner.by_identity.insert(identity, path.to_owned());
        Ok(())
    }

    /// Gives up the watches of a folder and of all below it.
    pub fn forget_under(&self, path: &Path) {
        let mut inner = self.lock();
        let from = (Bound::Included(path), Bound::Unbounded);
        let below = inner.folders.range::<Path, _>(from).map(|(folder, _)| folder.clone());
        let gone: Vec<PathBuf> = below.take_while(|folder| folder.starts_with(path)).collect();
        for folder in gone {
            inner.unwatch(&folder);
        }
    }

    /// Whether a folder has a watch of its own.
    pub fn watches(&self, path: &Path) -> bool {
        self.lock().folders.contains_key(path)
    }

    /// How many folders have a watch of their own.
    pub fn folders(&self) -> usize {
        self.lock().folders.len()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn unwatch(&mut self, path: &Path) {
        let Some(identity) = self.folders.remove(path) else { return };
        self.by_identity.remove(&identity);
        // The system may have given it up itself, as the folder is gone.
        let _ = self.watcher.unwatch(path);
    }
}

/// What an event says that matters here: reading files changes nothing.
fn changes(event: Event) -> impl Iterator<Item = Change> {
    let replaced = matches!(
        event.kind,
        EventKind::Create(_) | EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(_))
    );
    let paths = if event.kind.is_access() { Vec::new() } else { event.paths };
    paths.into_iter().map(move |path| Change::At { path, replaced })
}

fn identity(path: &Path) -> Result<Identity, WatchError> {
    use std::os::unix::fs::MetadataExt;
    match std::fs::metadata(path) {
        Ok(metadata) => Ok((metadata.dev(), metadata.ino())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Err(WatchError::Gone { path: path.to_owned() })
        }
        Err(error) => Err(WatchError::Other { path: path.to_owned(), reason: error.to_string() }),
    }
}

fn explained(path: &Path, error: &notify::Error) -> WatchError {
    let io = match &error.kind {
        notify::ErrorKind::MaxFilesWatch => return Limit::watches().into(),
        notify::ErrorKind::PathNotFound => return WatchError::Gone { path: path.to_owned() },
        notify::ErrorKind::Io(io) => io,
        _ => return WatchError::Other { path: path.to_owned(), reason: error.to_string() },
    };
    match (io.kind(), io.raw_os_error().map(rustix::io::Errno::from_raw_os_error)) {
        (_, Some(rustix::io::Errno::NOSPC)) => Limit::watches().into(),
        (_, Some(rustix::io::Errno::MFILE)) => Limit::instances().into(),
        (std::io::ErrorKind::NotFound, _) => WatchError::Gone { path: path.to_owned() },
        _ => WatchError::Other { path: path.to_owned(), reason: io.to_string() },
    }
}

#[cfg(test)]
mod tests;
