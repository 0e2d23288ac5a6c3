//! The one writer of an index.

mod maintain;
mod open;
mod options;
mod sections;
mod state;
mod tally;

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

pub use options::{MaintainReport, OpenReport, Pending, SectionRecord, WriterOptions};
use state::State;

use crate::content::{Content, ContentKey, ExtractKey, StoredContent};
use crate::error::{IndexError, Result};
use crate::files::{FileRecord, FileStat, FileState};
use crate::layout::Layout;
use crate::texts::TextReader;

/// The one writer of an index. All methods take `&self`; several threads may share it.
///
/// Changes are durable and visible to readers after [`Writer::commit`], and only then may a
/// document be reported as indexed. A writer that is dropped gives up what was not committed.
pub struct Writer {
    layout: Layout,
    state: Mutex<State>,
    /// Held while the graph is built, so that two do not build it side by side.
    graph: Mutex<()>,
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer").field("data_dir", &self.layout.root).finish_non_exhaustive()
    }
}

impl Writer {
    /// Opens an index for writing, making it if there is none. Whatever a killed writer or a
    /// failing disk left is put right, as far as it can be, and told in the report.
    ///
    /// # Errors
    /// [`IndexError::Locked`](crate::IndexError::Locked) while another process writes,
    /// [`IndexError::NewerFormat`](crate::IndexError::NewerFormat), or an I/O error.
    pub fn open(data_dir: &Path, options: WriterOptions) -> Result<(Writer, OpenReport)> {
        let (state, report) = open::open(data_dir, options)?;
        let layout = state.layout.clone();
        Ok((Writer { layout, state: Mutex::new(state), graph: Mutex::new(()) }, report))
    }

    /// What is known of a file; cheap.
    pub fn file(&self, path: &Path) -> Result<Option<FileRecord>> {
        let key = crate::paths::path_bytes(path);
        Ok(self.lock().row(key)?.map(|row| row.into_record(key)))
    }

    /// Every file known below a folder, or the file itself; uncommitted changes included.
    pub fn files_under(
        &self,
        root: &Path,
    ) -> Result<impl Iterator<Item = Result<FileRecord>> + Send + use<'_>> {
        let rows = self.lock().rows_under(root);
        Ok(rows.map(|entry| entry.map(|(path, row)| row.into_record(&path))))
    }

    /// The content that an extraction gave, when its text is there and undamaged: the file need
    /// not be extracted again.
    pub fn content_of(&self, key: &ExtractKey) -> Result<Option<ContentKey>> {
        self.lock().extracted(key)
    }

    /// Stores an extracted document and returns its key. Storing it twice costs nothing.
    ///
    /// # Errors
    /// [`IndexError::Input`](crate::IndexError::Input) when passages, headings or pages do not lie
    /// in the text in order; I/O errors, after which the document is not stored.
    pub fn put_content(&self, key: &ExtractKey, content: &Content<'_>) -> Result<ContentKey> {
        content.validate()?;
        let content_key = ContentKey::of(content);
        self.lock().usable()?;
        let known = self.lock().knows_text(&content_key);
        // Compressing a long text takes a while: others may go on meanwhile.
        let encoded = if known { None } else { Some(state::encode(key, content)?) };
        let mut state = self.lock();
        state.put_encoded(key, content_key, encoded.as_ref())?;
        Ok(content_key)
    }

    /// Records what became of a file. A document is searchable by word after the next commit. A
    /// file whose content is as before keeps its text and vectors; its date and size follow.
    ///
    /// # Errors
    /// [`IndexError::UnknownContent`](crate::IndexError::UnknownContent) when the content was not
    /// put before, or was found damaged since: extract it again.
    pub fn put_file(
        &self,
        path: &Path,
        root: &Path,
        stat: &FileStat,
        file_hash: Option<[u8; 32]>,
        state: FileState,
    ) -> Result<()> {
        self.usable()?.put_file(path, root, stat, file_hash, state)
    }

    /// Forgets a file; false when it was not known. Its text and vectors stay for a while, in case
    /// it comes back.
    pub fn remove_file(&self, path: &Path) -> Result<bool> {
        self.usable()?.remove_file(path)
    }

    /// Forgets all files below a folder (or the file itself) and returns how many there were.
    pub fn remove_under(&self, root: &Path) -> Result<usize> {
        self.usable()?.remove_under(root)
    }

    /// Moves a file's record, its document number included; false when `from` is not known.
    /// `root` is the added folder of the new place.
    pub fn rename_file(
        &self,
        from: &Path,
        to: &Path,
        root: &Path,
        stat: &FileStat,
    ) -> Result<bool> {
        self.usable()?.rename_file(from, to, root, stat)
    }

    /// Makes everything put so far durable and visible, and returns the commit's number. Without
    /// changes it does nothing.
    ///
    /// # Errors
    /// After an error nothing that was committed before is lost; changes that were not committed
    /// may be, and the index has to be opened again
    /// ([`IndexError::Reopen`](crate::IndexError::Reopen) says so from then on).
    pub fn commit(&self) -> Result<u64> {
        self.lock().commit()
    }

    /// Documents that some file holds and that this encoder has not finished.
    pub fn pending(&self, fingerprint: &str) -> Result<Vec<Pending>> {
        self.lock().pending(fingerprint)
    }

    /// A stored document.
    ///
    /// # Errors
    /// [`IndexError::UnknownContent`](crate::IndexError::UnknownContent), or
    /// [`IndexError::Damaged`](crate::IndexError::Damaged) the first time it is found so.
    pub fn content(&self, key: &ContentKey) -> Result<StoredContent> {
        let (segments, record) = self.lock().text_of(key)?;
        // Decompressing takes a while: others may go on meanwhile.
        let stored = TextReader::open(&segments, &record).and_then(TextReader::stored);
        if matches!(stored, Err(IndexError::Damaged { .. })) {
            self.lock().forget_text(key, &record);
        }
        stored
    }

    /// Stores the next section of a document; the last one completes it. For a document that is
    /// complete already it does nothing. A section that begins at passage 0 begins anew.
    ///
    /// # Errors
    /// [`IndexError::Input`](crate::IndexError::Input) when the section does not follow on those
    /// before, [`IndexError::Vector`](crate::IndexError::Vector) for vectors of another length,
    /// without direction or not finite.
    pub fn put_section(
        &self,
        fingerprint: &str,
        content: &ContentKey,
        section: &SectionRecord<'_>,
    ) -> Result<()> {
        self.usable()?.put_section(fingerprint, content, section)
    }

    /// Compares every checksum, drops what is damaged, and makes the lexical index and the graph
    /// anew. Returns the number of documents in the new lexical index. Vectors are kept.
    pub fn rebuild_caches(&self) -> Result<usize> {
        let _graph = self.graph.lock().unwrap_or_else(PoisonError::into_inner);
        let mut state = self.usable()?;
        let rebuilt = state.rebuild_caches();
        state.or_break(rebuilt)
    }

    /// Makes every failed file be looked at again by the next walk; returns how many there are.
    pub fn retry_failed(&self) -> Result<usize> {
        self.usable()?.retry_failed()
    }

    /// Commits, gives back the space of what no file refers to any more, and builds or extends the
    /// graph when there are documents enough for one. Others may go on writing while the graph is
    /// built.
    ///
    /// # Errors
    /// [`IndexError::Cancelled`](crate::IndexError::Cancelled) when `cancel` said so; what was
    /// there before stays in use.
    pub fn maintain(&self, cancel: &(dyn Fn() -> bool + Sync)) -> Result<MaintainReport> {
        let _graph = self.graph.lock().unwrap_or_else(PoisonError::into_inner);
        let mut report = MaintainReport::default();
        let mut state = self.usable()?;
        let compacted = state.compact();
        report.freed_bytes = state.or_break(compacted)?;
        let work = state.graph_work()?;
        drop(state);
        if let Some(work) = work {
            work.run(&self.layout.graph(), cancel, &mut report)?;
        }
        Ok(report)
    }

    /// Commits and ends in an orderly way.
    pub fn close(self) -> Result<()> {
        let mut state = self.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        state.commit()?;
        state.finish()
    }

    /// Ends as a kill would: nothing is written any more.
    #[cfg(test)]
    pub(crate) fn crash(self) {
        self.state.into_inner().unwrap_or_else(PoisonError::into_inner).crash();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        match self.state.lock() {
            Ok(state) => state,
            Err(poisoned) => {
                let mut state = poisoned.into_inner();
                state.broken.get_or_insert_with(|| "a thread panicked while writing".to_owned());
                state
            }
        }
    }

    fn usable(&self) -> Result<MutexGuard<'_, State>> {
        let state = self.lock();
        state.usable()?;
        Ok(state)
    }
}
