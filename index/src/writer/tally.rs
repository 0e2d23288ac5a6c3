//! Running counts over the catalog, so that no status needs a scan.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use crate::catalog::Row;
use crate::content::ShortKey;
use crate::files::FileState;
use crate::paths::path_from_bytes;
use crate::status::{DocumentCounts, RootSnapshot, Snapshot, Status};

#[derive(Clone, Copy, Debug, Default)]
struct RootTally {
    documents: usize,
    failed: usize,
    skipped: usize,
    bytes: u64,
}

/// Counts that change with every row.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    /// Contents that files refer to, with how many do.
    live: HashMap<ShortKey, u32>,
    roots: BTreeMap<Vec<u8>, RootTally>,
    failed: BTreeMap<Vec<u8>, String>,
    skipped: BTreeMap<String, usize>,
    documents: usize,
    seen: usize,
}

impl Tally {
    pub(super) fn add(&mut self, path: &[u8], row: &Row) {
        self.seen += usize::from(!matches!(row.state, FileState::Container { .. }));
        let root = self.roots.entry(row.root.clone()).or_default();
        match &row.state {
            FileState::Document { content } => {
                *self.live.entry(content.short()).or_default() += 1;
                self.documents += 1;
                root.documents += 1;
                root.bytes += row.stat.size_bytes;
            }
            FileState::Skipped { reason } => {
                root.skipped += 1;
                *self.skipped.entry(reason.clone()).or_default() += 1;
            }
            FileState::Failed { reason } => {
                root.failed += 1;
                self.failed.insert(path.to_vec(), reason.clone());
            }
            // What is in it counts.
            FileState::Container { .. } => {}
        }
    }

    pub(super) fn remove(&mut self, path: &[u8], row: &Row) {
        self.seen -= usize::from(!matches!(row.state, FileState::Container { .. }));
        let root = self.roots.entry(row.root.clone()).or_default();
        match &row.state {
            FileState::Document { content } => {
                if let Some(count) = self.live.get_mut(&content.short()) {
                    *count -= 1;
                    if *count == 0 {
                        self.live.remove(&content.short());
                    }
                }
                self.documents -= 1;
                root.documents -= 1;
                root.bytes -= row.stat.size_bytes;
            }
            FileState::Skipped { reason } => {
                root.skipped -= 1;
                if let Some(count) = self.skipped.get_mut(reason) {
                    *count -= 1;
                    if *count == 0 {
                        self.skipped.remove(reason);
                    }
                }
            }
            FileState::Failed { .. } => {
                root.failed -= 1;
                self.failed.remove(path);
            }
            FileState::Container { .. } => {}
        }
        let RootTally { documents, failed, skipped, .. } = *root;
        if documents + failed + skipped == 0 {
            self.roots.remove(&row.root);
        }
    }

    pub(super) fn is_live(&self, key: ShortKey) -> bool {
        self.live.contains_key(&key)
    }

    pub(super) fn live(&self) -> impl Iterator<Item = ShortKey> + '_ {
        self.live.keys().copied()
    }

    /// Paths of the files that failed.
    pub(super) fn failed(&self) -> impl Iterator<Item = &[u8]> {
        self.failed.keys().map(Vec::as_slice)
    }

    /// The snapshot for readers. `semantic` is theirs to count.
    pub(super) fn snapshot(&self, sequence: u64) -> Snapshot {
        let text = |path: &[u8]| path_from_bytes(path).to_string_lossy().into_owned();
        Snapshot {
            sequence,
            documents: DocumentCounts {
                seen: self.seen,
                keyword: self.documents,
                semantic: 0,
                failed: self.failed.len(),
                skipped: self.skipped.values().sum(),
            },
            failed: self
                .failed
                .iter()
                .take(Status::FAILED_LISTED)
                .map(|(path, reason)| (text(path), reason.clone()))
                .collect(),
            skipped: self.skipped.clone(),
            roots: self
                .roots
                .iter()
                .map(|(path, root)| RootSnapshot {
                    path: text(path),
                    documents: root.documents,
                    failed: root.failed,
                    skipped: root.skipped,
                    bytes: root.bytes,
                })
                .collect(),
        }
    }
}

impl<P: AsRef<Path>> FromIterator<(P, Row)> for Tally {
    fn from_iter<I: IntoIterator<Item = (P, Row)>>(rows: I) -> Self {
        let mut tally = Tally::default();
        for (path, row) in rows {
            tally.add(crate::paths::path_bytes(path.as_ref()), &row);
        }
        tally
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::ContentKey;
    use crate::files::FileStat;

    fn row(state: FileState) -> Row {
        Row {
            root: b"/r".to_vec(),
            stat: FileStat { size_bytes: 10, modified_ns: 0, inode: 0 },
            file_hash: None,
            state,
            document_id: 1,
        }
    }

    #[test]
    fn what_is_added_and_removed_leaves_nothing() {
        let document = || row(FileState::Document { content: ContentKey([3; 32]) });
        let rows = [
            ("/r/a", document()),
            ("/r/b", document()),
            ("/r/c", row(FileState::Skipped { reason: "binary".into() })),
            ("/r/d", row(FileState::Failed { reason: "broken".into() })),
            ("/r/e", row(FileState::Container { documents: 1, skipped: 0, failed: 0, rules: 0 })),
        ];
        let mut tally: Tally = rows.clone().into_iter().collect();
        let snapshot = tally.snapshot(5);
        assert_eq!(
            snapshot.documents,
            DocumentCounts { seen: 4, keyword: 2, semantic: 0, failed: 1, skipped: 1 }
        );
        assert_eq!(snapshot.failed, [("/r/d".to_owned(), "broken".to_owned())]);
        assert_eq!((snapshot.roots[0].bytes, tally.live().count()), (20, 1));
        for (path, row) in &rows {
            tally.remove(path.as_bytes(), row);
        }
        assert_eq!(tally.snapshot(5), Tally::default().snapshot(5));
        assert_eq!(tally.live().count(), 0);
    }
}
