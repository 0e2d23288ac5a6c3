//! The catalog: every file looked at, by path. A cache; what it holds can be made again from the
//! lexical index or by a walk.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use fs_err as fs;
use serde::{Deserialize, Serialize};

use crate::error::{IndexError, PathContext, Result};
use crate::files::{FileRecord, FileStat, FileState};
use crate::guard::caught;
use crate::layout::{Layout, quarantine, sync_folder};
use crate::paths::path_from_bytes;

/// A file's row; its key is the path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Row {
    pub(crate) root: Vec<u8>,
    pub(crate) stat: FileStat,
    pub(crate) file_hash: Option<[u8; 32]>,
    pub(crate) state: FileState,
    pub(crate) document_id: u64,
}

impl Row {
    pub(crate) fn into_record(self, path: &[u8]) -> FileRecord {
        FileRecord {
            path: path_from_bytes(path),
            root: path_from_bytes(&self.root),
            stat: self.stat,
            file_hash: self.file_hash,
            state: self.state,
            document_id: self.document_id,
        }
    }
}

/// What ties the catalog to the other parts; written in one batch with the rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CatalogMeta {
    /// Number of the last commit.
    pub(crate) sequence: u64,
    /// Number of the last commit that changed the lexical index.
    pub(crate) lexical_sequence: u64,
    /// The number the next new document gets.
    pub(crate) next_document_id: u64,
}

/// How long a flush may take before a second one is started.
const FLUSH_PATIENCE: Duration = Duration::from_millis(500);
const META_KEY: &[u8] = b"m";
const ROW_PREFIX: u8 = b'f';

/// The open catalog.
pub(crate) struct Catalog {
    /// `None` only while it is dropped.
    db: Option<sled::Db>,
    layout: Layout,
}

impl Drop for Catalog {
    /// The store syncs its file once more when it is dropped, and panics where the disk fails.
    /// Nothing hangs on that: what was committed was synced by [`Catalog::sync`].
    fn drop(&mut self) {
        let db = self.db.take();
        let _ = caught(|| drop(db));
    }
}

/// The catalog with all it holds.
pub(crate) struct OpenedCatalog {
    pub(crate) catalog: Catalog,
    pub(crate) rows: Rows,
    /// `None` when it is new.
    pub(crate) meta: Option<CatalogMeta>,
    /// What was repaired, one sentence each.
    pub(crate) notes: Vec<String>,
    /// Whether it had to be begun anew, so that its rows must come from elsewhere.
    pub(crate) replaced: bool,
}

/// Every row with its path's bytes.
pub(crate) type Rows = Vec<(Vec<u8>, Row)>;

type Contents = (sled::Db, Rows, Option<CatalogMeta>);

impl Catalog {
    /// Opens the catalog and reads all of it. One that cannot be read is repaired by removing the
    /// store's own snapshots (a kill while it starts leaves them half written), else put aside and
    /// begun anew.
    pub(crate) fn open(layout: &Layout) -> Result<OpenedCatalog> {
        let folder = layout.catalog();
        let mut notes = Vec::new();
        let mut replaced = false;
        let attempts: [(&str, Repair); 4] = [
            ("", Repair::Nothing),
            ("unfinished snapshots were removed", Repair::UnfinishedSnapshots),
            ("snapshots were removed", Repair::Snapshots),
            ("it was put aside and begun anew", Repair::Replace),
        ];
        let mut failure = None;
        for (note, repair) in attempts {
            match repair.apply(layout)? {
                Applied::NothingToDo => continue,
                Applied::Done => {}
                Applied::Replaced => replaced = true,
            }
            match read_all(&folder) {
                Ok((db, rows, meta)) => {
                    if let Some(failure) = failure {
                        notes.push(format!("catalog: {note} ({failure})"));
                    }
                    let catalog = Catalog { db: Some(db), layout: layout.clone() };
                    return Ok(OpenedCatalog { catalog, rows, meta, notes, replaced });
                }
                // A full or failing disk is not damage: nothing is thrown away for it.
                Err(error @ IndexError::Io { .. }) if !is_corruption(&error) => return Err(error),
                Err(error) => failure = Some(error),
            }
        }
        Err(failure.expect("every attempt failed"))
    }

    fn db(&self) -> &sled::Db {
        self.db.as_ref().expect("there until it is dropped")
    }

    pub(crate) fn get(&self, path: &[u8]) -> Result<Option<Row>> {
        let folder = self.layout.catalog();
        match self.db().get(row_key(path)).at(&folder)? {
            Some(bytes) => decode_row(&bytes, &folder).map(Some),
            None => Ok(None),
        }
    }

    /// Rows whose path begins with these bytes, in order of the path's bytes.
    pub(crate) fn scan(
        &self,
        prefix: &[u8],
    ) -> impl Iterator<Item = Result<(Vec<u8>, Row)>> + Send + use<> {
        let folder = self.layout.catalog();
        self.db().scan_prefix(row_key(prefix)).map(move |entry| {
            let (key, value) = entry.at(&folder)?;
            Ok((key[1..].to_vec(), decode_row(&value, &folder)?))
        })
    }

    /// Applies changes and the new meta at once: all or nothing.
    pub(crate) fn apply(
        &self,
        changes: &BTreeMap<Vec<u8>, Option<Row>>,
        meta: &CatalogMeta,
    ) -> Result<()> {
        let folder = self.layout.catalog();
        let mut batch = sled::Batch::default();
        for (path, row) in changes {
            match row {
                Some(row) => batch.insert(row_key(path), encode(row, &folder)?),
                None => batch.remove(row_key(path)),
            }
        }
        batch.insert(META_KEY, encode(meta, &folder)?);
        guarded(&folder, || self.db().apply_batch(batch).at(&folder))
    }

    /// Makes everything applied durable.
    pub(crate) fn sync(&self) -> Result<()> {
        let folder = self.layout.catalog();
        guarded(&folder, || flush(self.db()).at(&folder))?;
        // The store's flush hands its pages to the disk but does not wait for the disk's cache.
        for name in ["db", "conf"] {
            let path = folder.join(name);
            fs::File::open(&path).and_then(|file| file.sync_all()).at(&path)?;
        }
        sync_folder(&folder)
    }
}

/// Flushes the store. Where its write fails in a thread of its own, it may leave whoever waits for
/// it waiting for ever; another flush then meets the failure and wakes them all. So a second thread
/// flushes, too, while the first takes long.
fn flush(db: &sled::Db) -> sled::Result<usize> {
    let again = || drop(caught(|| db.flush()));
    std::thread::scope(|scope| {
        let (done, ended) = mpsc::channel::<()>();
        let watch = move || {
            let mut patience = FLUSH_PATIENCE;
            while ended.recv_timeout(patience) == Err(RecvTimeoutError::Timeout) {
                // On a disk that is only slow these threads wait, too, so they are started ever
                // more rarely. Where none can be started there is nothing to be done.
                let _ = std::thread::Builder::new().spawn_scoped(scope, again);
                patience *= 2;
            }
        };
        let _ = std::thread::Builder::new().spawn_scoped(scope, watch);
        let flushed = db.flush();
        drop(done);
        flushed
    })
}

/// Runs something that changes the store, which panics at some failures of the disk.
fn guarded<T>(folder: &Path, run: impl FnOnce() -> Result<T>) -> Result<T> {
    caught(run).unwrap_or_else(|_| {
        Err(IndexError::io(folder, std::io::Error::other("the store failed while writing")))
    })
}

/// Reads a catalog without repairing anything. No writer may be at work.
pub(crate) fn inspect(folder: &Path) -> Result<(Rows, CatalogMeta)> {
    let (db, rows, meta) = read_all(folder)?;
    let _ = caught(|| drop(db));
    Ok((rows, meta.unwrap_or_default()))
}

fn is_corruption(error: &IndexError) -> bool {
    use std::io::ErrorKind::{InvalidData, InvalidInput, Other, UnexpectedEof};
    match error {
        IndexError::Io { source, .. } => {
            // Another handle to the store in this process is a lock held, not damage.
            let locked = source.to_string().contains("acquire lock");
            !locked && matches!(source.kind(), InvalidData | InvalidInput | Other | UnexpectedEof)
        }
        _ => true,
    }
}

#[derive(Clone, Copy)]
enum Repair {
    Nothing,
    UnfinishedSnapshots,
    Snapshots,
    Replace,
}

enum Applied {
    NothingToDo,
    Done,
    Replaced,
}

impl Repair {
    fn apply(self, layout: &Layout) -> Result<Applied> {
        let folder = layout.catalog();
        let remove = |unwanted: fn(&str) -> bool| -> Result<Applied> {
            let mut any = Applied::NothingToDo;
            for entry in fs::read_dir(&folder).at(&folder)? {
                let path = entry.at(&folder)?.path();
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                if unwanted(&name) {
                    fs::remove_file(&path).at(&path)?;
                    any = Applied::Done;
                }
            }
            Ok(any)
        };
        match self {
            Repair::Nothing => Ok(Applied::Done),
            Repair::UnfinishedSnapshots => {
                remove(|name| name.starts_with("snap.") && name.ends_with(".generating"))
            }
            Repair::Snapshots => remove(|name| name.starts_with("snap.")),
            Repair::Replace => {
                quarantine(&folder)?;
                layout.create()?;
                Ok(Applied::Replaced)
            }
        }
    }
}

/// Opens the store and reads everything in it, so that damage shows now and not later.
fn read_all(folder: &Path) -> Result<Contents> {
    let open = || -> Result<Contents> {
        let db = sled::Config::default()
            .path(folder)
            .cache_capacity(32 << 20)
            // Commits flush by themselves; a flush in between would only add half commits.
            .flush_every_ms(None)
            .open()
            .at(folder)?;
        let mut rows = Vec::new();
        for entry in db.scan_prefix([ROW_PREFIX]) {
            let (key, value) = entry.at(folder)?;
            rows.push((key[1..].to_vec(), decode_row(&value, folder)?));
        }
        let meta = match db.get(META_KEY).at(folder)? {
            Some(bytes) => Some(
                postcard::from_bytes(&bytes)
                    .map_err(|error| IndexError::damaged(folder, format!("its meta: {error}")))?,
            ),
            None => None,
        };
        if meta.is_none() && !rows.is_empty() {
            return Err(IndexError::damaged(folder, "it holds files but no commit"));
        }
        Ok((db, rows, meta))
    };
    // The store asserts on damage it did not foresee.
    caught(open)
        .unwrap_or_else(|_| Err(IndexError::damaged(folder, "the store panicked while opening")))
}

fn row_key(path: &[u8]) -> Vec<u8> {
    let mut key = Vec::with_capacity(path.len() + 1);
    key.push(ROW_PREFIX);
    key.extend_from_slice(path);
    key
}

fn encode<T: Serialize>(value: &T, folder: &Path) -> Result<Vec<u8>> {
    postcard::to_stdvec(value)
        .map_err(|error| IndexError::damaged(folder, format!("a row cannot be stored: {error}")))
}

fn decode_row(bytes: &[u8], folder: &Path) -> Result<Row> {
    postcard::from_bytes(bytes)
        .map_err(|error| IndexError::damaged(folder, format!("a row cannot be read: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: u64) -> Row {
        Row {
            root: b"/r".to_vec(),
            stat: FileStat { size_bytes: id, modified_ns: -5, inode: 3 },
            file_hash: Some([1; 32]),
            state: FileState::Skipped { reason: "binary file".into() },
            document_id: id,
        }
    }

    fn filled(layout: &Layout, count: u64) {
        layout.create().unwrap();
        let opened = Catalog::open(layout).unwrap();
        assert!(opened.meta.is_none());
        let changes: BTreeMap<_, _> =
            (0..count).map(|n| (format!("/r/{n:04}").into_bytes(), Some(row(n)))).collect();
        let meta = CatalogMeta { sequence: 4, lexical_sequence: 3, next_document_id: count };
        opened.catalog.apply(&changes, &meta).unwrap();
        opened.catalog.sync().unwrap();
    }

    #[test]
    fn rows_and_meta_survive() {
        let dir = tempfile::tempdir().unwrap();
        let layout = Layout::new(dir.path());
        filled(&layout, 300);
        let opened = Catalog::open(&layout).unwrap();
        assert!(!opened.replaced && opened.notes.is_empty());
        assert_eq!(opened.rows.len(), 300);
        assert_eq!(opened.meta.unwrap().sequence, 4);
        assert_eq!(opened.catalog.get(b"/r/0007").unwrap(), Some(row(7)));
        assert_eq!(opened.catalog.get(b"/r/x").unwrap(), None);
        assert_eq!(opened.catalog.scan(b"/r/000").count(), 10);
    }

    #[test]
    fn an_unfinished_snapshot_is_no_obstacle() {
        let dir = tempfile::tempdir().unwrap();
        let layout = Layout::new(dir.path());
        filled(&layout, 50);
        std::fs::write(layout.catalog().join("snap.0000000000000001.generating"), b"xx").unwrap();
        let opened = Catalog::open(&layout).unwrap();
        assert_eq!(opened.rows.len(), 50);
        assert!(!opened.replaced);
    }

    #[test]
    fn a_catalog_that_cannot_be_read_is_put_aside() {
        let dir = tempfile::tempdir().unwrap();
        let layout = Layout::new(dir.path());
        filled(&layout, 50);
        for file in std::fs::read_dir(layout.catalog()).unwrap() {
            let path = file.unwrap().path();
            if path.is_file() {
                std::fs::write(path, vec![0xa5; 4096]).unwrap();
            }
        }
        let opened = Catalog::open(&layout).unwrap();
        assert!(opened.replaced);
        assert!(opened.rows.is_empty());
        assert_eq!(opened.notes.len(), 1, "{:?}", opened.notes);
        assert!(dir.path().join("catalog.damaged-1").exists());
    }
}
