//! The added folders as the daemon follows them: by events where the system tells of changes, else by looking.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use lsearch_index::folders::Folders;
use lsearch_ingest::watch::{Watch, WatchError, remote};
use lsearch_ingest::{WalkEvent, walk};

use super::locked;
use crate::app::App;
use crate::indexer::{FolderHook, walk_options};

/// A root without events is looked at so often, or more rarely when a look takes long.
const POLL_EVERY: Duration = Duration::from_secs(30);
/// The share of time that looking may take.
const POLL_SHARE: u32 = 20;

/// All of them.
#[derive(Default)]
pub struct Roots {
    watch: OnceLock<Arc<Watch>>,
    roots: Arc<Mutex<BTreeMap<PathBuf, Root>>>,
    reconciled: Mutex<Option<Instant>>,
}

/// One of them.
#[derive(Debug, Clone, Default)]
pub struct Root {
    /// Whether it is there.
    pub online: bool,
    /// Why it is polled; `None` where events are heard.
    pub polled: Option<String>,
    /// When a whole look at it ended, and how long it took.
    pub looked: Option<(Instant, Duration)>,
}

impl Roots {
    /// Hears events from here on; without a watch all roots are polled.
    pub fn watch_with(&self, watch: Watch) {
        let _ = self.watch.set(Arc::new(watch));
    }

    /// Takes the list of folders as it is now.
    pub fn follow(&self, folders: &Folders) {
        let mut roots = locked(&self.roots);
        roots.retain(|path, _| {
            let kept = folders.folders.iter().any(|folder| folder.path == *path);
            if !kept && let Some(watch) = self.watch.get() {
                watch.forget_under(path);
            }
            kept
        });
        for folder in &folders.folders {
            roots.entry(folder.path.clone()).or_insert_with(|| Root {
                online: true,
                polled: self.why_polled(&folder.path),
                looked: None,
            });
        }
    }

    fn why_polled(&self, root: &Path) -> Option<String> {
        if self.watch.get().is_none() {
            return Some("the system gives no more watchers".to_owned());
        }
        remote(root).map(|remote| format!("{} does not tell of changes", remote.name))
    }

    /// Watches every folder of a root that a walk goes into, before anything is read.
    pub fn watch_tree(&self, app: &App, root: &Path, exclude: &[String]) {
        let hook = self.hook(app, root);
        let visit = |event: WalkEvent| {
            if let WalkEvent::Folder(folder) = event {
                hook(&folder);
            }
        };
        // Whatever is wrong with the root is told by the scan that follows.
        let _ = walk(root, &walk_options(app, root, exclude), &visit, &|| app.stop.requested());
    }

    /// Watches each folder it is called with; a root that cannot be watched whole is polled from then on.
    pub fn hook(&self, app: &App, root: &Path) -> FolderHook {
        let (watch, roots) = (self.watch.get().cloned(), Arc::clone(&self.roots));
        let (app, root) = (app.clone(), root.to_path_buf());
        Arc::new(move |folder| {
            let Some(watch) = &watch else { return };
            if locked(&roots).get(&root).is_some_and(|known| known.polled.is_some()) {
                return;
            }
            let why = match watch.folder(folder) {
                // One that is gone again is told by its parent's watch.
                Ok(()) | Err(WatchError::Gone { .. }) => return,
                Err(WatchError::Limit(limit)) => {
                    format!("{limit}; raise it with `{}`", limit.remedy())
                }
                Err(error) => error.to_string(),
            };
            let mut roots = locked(&roots);
            let known = roots.entry(root.clone()).or_default();
            if known.polled.is_none() {
                app.warn(format_args!(
                    "{}: changes are looked for every now and then instead of being heard of: {why}",
                    root.display()
                ));
                known.polled = Some(why);
            }
        })
    }

    /// Gives up the watches of a folder that is gone, moved or replaced.
    pub fn forget_under(&self, folder: &Path) {
        if let Some(watch) = self.watch.get() {
            watch.forget_under(folder);
        }
    }

    /// Whether a folder has a watch of its own.
    pub fn watches(&self, folder: &Path) -> bool {
        self.watch.get().is_some_and(|watch| watch.watches(folder))
    }

    /// How many folders have one.
    pub fn watched_folders(&self) -> usize {
        self.watch.get().map_or(0, |watch| watch.folders())
    }

    /// Notes what a whole look at a root came to.
    pub fn looked(&self, root: &Path, online: bool, took: Duration) {
        let mut roots = locked(&self.roots);
        let Some(known) = roots.get_mut(root) else { return };
        known.online = online;
        known.looked = Some((Instant::now(), took));
    }

    /// Notes that all roots were looked at.
    pub fn reconcile_ended(&self) {
        *locked(&self.reconciled) = Some(Instant::now());
    }

    /// When that was.
    pub fn reconciled(&self) -> Option<Instant> {
        *locked(&self.reconciled)
    }

    /// Roots to look at whole: those that went or came, and those that are polled and due.
    pub fn due(&self) -> Vec<PathBuf> {
        let roots = locked(&self.roots).clone();
        roots
            .into_iter()
            .filter(|(path, root)| match (&root.polled, root.looked) {
                (_, None) => true,
                (Some(_), Some((at, took))) => {
                    at.elapsed() >= POLL_EVERY.max(took.saturating_mul(POLL_SHARE))
                }
                (None, Some(_)) => is_there(path) != root.online,
            })
            .map(|(path, _)| path)
            .collect()
    }

    /// Whether any root needs looking after without events.
    pub fn needs_looking_after(&self) -> bool {
        locked(&self.roots).values().any(|root| root.polled.is_some() || !root.online)
    }

    /// Something of each.
    pub fn each<T>(&self, of: impl Fn(&Path, &Root) -> T) -> Vec<T> {
        locked(&self.roots).iter().map(|(path, root)| of(path, root)).collect()
    }
}

/// Whether a root is there and not what an unmounted disk leaves behind.
fn is_there(root: &Path) -> bool {
    std::fs::read_dir(root).is_ok_and(|mut entries| entries.next().is_some())
}
