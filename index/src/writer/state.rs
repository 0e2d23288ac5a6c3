//! The writer's parts and the steps that change files.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use super::options::WriterOptions;
use super::tally::Tally;
use crate::catalog::{Catalog, CatalogMeta, Row};
use crate::content::{Content, ContentKey, ExtractKey, ShortKey, StoredContent};
use crate::encodings::EncodingIndex;
use crate::error::{IndexError, Result};
use crate::faults;
use crate::files::{FileStat, FileState};
use crate::layout::{Layout, WriterLock};
use crate::lexical::{LexicalEntry, LexicalWriter};
use crate::paths::{below, container_of, path_bytes, path_from_bytes};
use crate::segments::{RecordRef, SegmentLog, Segments};
use crate::texts::{EncodedText, TextIndex, TextReader, encode_alias};

/// Everything the writer holds.
pub(super) struct State {
    pub(super) layout: Layout,
    pub(super) options: WriterOptions,
    pub(super) texts: SegmentLog,
    pub(super) text_index: TextIndex,
    pub(super) vectors: SegmentLog,
    pub(super) encodings: EncodingIndex,
    pub(super) catalog: Catalog,
    pub(super) lexical: LexicalWriter,
    pub(super) meta: CatalogMeta,
    /// Rows changed since the last commit; `None` for removed ones.
    pub(super) changes: BTreeMap<Vec<u8>, Option<Row>>,
    pub(super) tally: Tally,
    /// Contents put since the commit before last, which no file may refer to yet.
    pub(super) fresh: [HashSet<ShortKey>; 2],
    /// Set by a failure after which memory and disk may disagree.
    pub(super) broken: Option<String>,
    /// Held to the end: dropped after everything above is closed.
    pub(super) lock: WriterLock,
}

impl State {
    pub(super) fn usable(&self) -> Result<()> {
        match &self.broken {
            None => Ok(()),
            Some(reason) => {
                Err(IndexError::Reopen { path: self.layout.root.clone(), reason: reason.clone() })
            }
        }
    }

    /// Passes a result on; a failure makes the writer refuse further changes.
    pub(super) fn or_break<T>(&mut self, result: Result<T>) -> Result<T> {
        if let Err(error) = &result {
            self.broken.get_or_insert_with(|| error.to_string());
        }
        result
    }

    pub(super) fn row(&self, path: &[u8]) -> Result<Option<Row>> {
        match self.changes.get(path) {
            Some(row) => Ok(row.clone()),
            None => self.catalog.get(path),
        }
    }

    /// Rows below a folder (and that of the path itself), uncommitted changes included.
    pub(super) fn rows_under(
        &self,
        root: &Path,
    ) -> impl Iterator<Item = Result<(Vec<u8>, Row)>> + use<> {
        let own = path_bytes(root).to_vec();
        let prefix = below(root);
        let mut changed: BTreeMap<Vec<u8>, Option<Row>> = self
            .changes
            .range(prefix.clone()..)
            .take_while(|(path, _)| path.starts_with(&prefix))
            .map(|(path, row)| (path.clone(), row.clone()))
            .collect();
        if let Some(row) = self.changes.get(&own) {
            changed.insert(own.clone(), row.clone());
        }
        let itself = match changed.contains_key(&own) {
            true => None,
            false => self.catalog.get(&own).transpose().map(|row| row.map(|row| (own, row))),
        };
        let fresh: Vec<_> = changed
            .iter()
            .filter_map(|(path, row)| Some(Ok((path.clone(), row.clone()?))))
            .collect();
        let stored = self.catalog.scan(&prefix).filter(move |entry| match entry {
            Ok((path, _)) => !changed.contains_key(path),
            Err(_) => true,
        });
        itself.into_iter().chain(stored).chain(fresh)
    }

    /// Changes a row here and in the counts; the catalog follows at the next commit.
    pub(super) fn set_row(&mut self, path: &[u8], old: Option<&Row>, new: Option<Row>) {
        if let Some(old) = old {
            self.tally.remove(path, old);
        }
        if let Some(new) = &new {
            self.tally.add(path, new);
        }
        self.changes.insert(path.to_vec(), new);
    }

    pub(super) fn extracted(&mut self, key: &ExtractKey) -> Result<Option<ContentKey>> {
        let Some(short) = self.text_index.extracted(key) else { return Ok(None) };
        // The text has to be there and whole: a damaged one is extracted again.
        Ok(match self.checked_key(short) {
            Ok(content) => {
                self.fresh[0].insert(short);
                Some(content)
            }
            Err(IndexError::Damaged { .. }) => {
                self.text_index.forget(short);
                None
            }
            Err(error) => return Err(error),
        })
    }

    fn checked_key(&mut self, short: ShortKey) -> Result<ContentKey> {
        let segments = self.texts.read()?;
        let record = self.text_index.record(short).expect("the caller found it");
        let reader = TextReader::open(segments, record)?;
        segments.checked_payload(record)?;
        Ok(reader.head.content)
    }

    pub(super) fn put_encoded(
        &mut self,
        extract: &ExtractKey,
        key: ContentKey,
        encoded: Option<&EncodedText>,
    ) -> Result<()> {
        let short = key.short();
        let record = if self.text_index.contains(short) {
            if self.text_index.extracted(extract) == Some(short) {
                return Ok(());
            }
            self.texts.append(&encode_alias(extract, key)?, &[])?
        } else {
            let encoded = encoded.ok_or(IndexError::UnknownContent { content: key })?;
            let parts: Vec<&[u8]> = encoded.payload.iter().map(Vec::as_slice).collect();
            self.texts.append(&encoded.head, &parts)?
        };
        self.fresh[0].insert(short);
        self.text_index.add(self.texts.read()?, &record)
    }

    pub(super) fn knows_text(&self, key: &ContentKey) -> bool {
        self.text_index.contains(key.short())
    }

    fn content(&mut self, key: &ContentKey) -> Result<StoredContent> {
        let (segments, record) = self.text_of(key)?;
        let stored = TextReader::open(&segments, &record).and_then(TextReader::stored);
        if matches!(stored, Err(IndexError::Damaged { .. })) {
            self.forget_text(key, &record);
        }
        stored
    }

    /// Where a text lies, and the files as they are now: they can be read without the writer.
    pub(super) fn text_of(&mut self, key: &ContentKey) -> Result<(Segments, RecordRef)> {
        let Some(record) = self.text_index.record(key.short()).copied() else {
            return Err(IndexError::UnknownContent { content: *key });
        };
        Ok((self.texts.read()?.clone(), record))
    }

    /// Forgets a text that was found damaged, unless it lies elsewhere by now.
    pub(super) fn forget_text(&mut self, key: &ContentKey, record: &RecordRef) {
        if self.text_index.record(key.short()) == Some(record) {
            self.text_index.forget(key.short());
        }
    }

    pub(super) fn put_file(
        &mut self,
        path: &Path,
        root: &Path,
        stat: &FileStat,
        file_hash: Option<[u8; 32]>,
        state: FileState,
    ) -> Result<()> {
        let key = path_bytes(path);
        let old = self.row(key)?;
        let document_id = match &old {
            Some(old) => old.document_id,
            None => self.meta.next_document_id,
        };
        let row =
            Row { root: path_bytes(root).to_vec(), stat: *stat, file_hash, state, document_id };
        if old.as_ref() == Some(&row) {
            return Ok(());
        }
        let was_document = old.as_ref().is_some_and(|old| document(&old.state).is_some());
        match document(&row.state) {
            Some(content) if old.as_ref().is_none_or(|old| shows_differently(old, &row)) => {
                self.index_file(path, &row, &content, old.is_some())?;
            }
            None if was_document => self.lexical.remove(document_id),
            _ => {}
        }
        self.meta.next_document_id = self.meta.next_document_id.max(document_id + 1);
        self.set_row(key, old.as_ref(), Some(row));
        Ok(())
    }

    /// Puts a file's document into the lexical index; `replace` unless its number is new there.
    pub(super) fn index_file(
        &mut self,
        path: &Path,
        row: &Row,
        key: &ContentKey,
        replace: bool,
    ) -> Result<()> {
        let content = self.content(key)?;
        if replace {
            self.lexical.remove(row.document_id);
        }
        let added = self.lexical.add(&LexicalEntry { path, row, content: &content });
        self.or_break(added)
    }

    pub(super) fn remove_file(&mut self, path: &Path) -> Result<bool> {
        let key = path_bytes(path);
        let Some(old) = self.row(key)? else { return Ok(false) };
        self.drop_row(key, &old);
        Ok(true)
    }

    fn drop_row(&mut self, path: &[u8], row: &Row) {
        if document(&row.state).is_some() {
            self.lexical.remove(row.document_id);
        }
        self.set_row(path, Some(row), None);
    }

    pub(super) fn remove_under(&mut self, root: &Path) -> Result<usize> {
        let rows: Vec<_> = self.rows_under(root).collect::<Result<_>>()?;
        for (path, row) in &rows {
            self.drop_row(path, row);
        }
        Ok(rows.len())
    }

    pub(super) fn rename_file(
        &mut self,
        from: &Path,
        to: &Path,
        root: &Path,
        stat: &FileStat,
    ) -> Result<bool> {
        let (from, to_key) = (path_bytes(from), path_bytes(to));
        let Some(old) = self.row(from)? else { return Ok(false) };
        if from == to_key {
            self.put_file(to, root, stat, old.file_hash, old.state)?;
            return Ok(true);
        }
        let row = Row { root: path_bytes(root).to_vec(), stat: *stat, ..old.clone() };
        // The new place first: if its text cannot be read, nothing has changed yet.
        if let Some(content) = document(&row.state) {
            self.index_file(to, &row, &content, true)?;
        }
        if let Some(there) = self.row(to_key)? {
            self.drop_row(to_key, &there);
        }
        self.set_row(from, Some(&old), None);
        self.set_row(to_key, None, Some(row));
        Ok(true)
    }

    /// Makes every failed file be looked at again.
    pub(super) fn retry_failed(&mut self) -> Result<usize> {
        let paths: Vec<Vec<u8>> = self.tally.failed().map(<[u8]>::to_vec).collect();
        let mut count = 0;
        for path in paths {
            count += usize::from(self.forget_stat(&path)?);
        }
        Ok(count)
    }

    /// Makes a file look changed to the next walk.
    pub(super) fn forget_stat(&mut self, path: &[u8]) -> Result<bool> {
        self.forget_container(path)?;
        self.forget_own_stat(path)
    }

    /// Makes the file that holds a document look changed: the document is read again when the file is.
    pub(super) fn forget_container(&mut self, path: &[u8]) -> Result<()> {
        if let Some(container) = container_of(path) {
            self.forget_own_stat(container)?;
        }
        Ok(())
    }

    fn forget_own_stat(&mut self, path: &[u8]) -> Result<bool> {
        let Some(old) = self.row(path)? else { return Ok(false) };
        let new = Row { stat: FileStat::default(), file_hash: None, ..old.clone() };
        self.set_row(path, Some(&old), Some(new));
        Ok(true)
    }

    pub(super) fn is_dirty(&self) -> bool {
        !self.changes.is_empty()
            || self.lexical.is_dirty()
            || self.texts.is_dirty()
            || self.vectors.is_dirty()
    }

    /// Makes everything durable, in the order in which one part may lean on another: texts and
    /// vectors, then the catalog, then the lexical index. What stands in the catalog but not in
    /// the lexical index is put there at the next start, from the texts.
    pub(super) fn commit(&mut self) -> Result<u64> {
        self.usable()?;
        if !self.is_dirty() {
            return Ok(self.meta.sequence);
        }
        let committed = self.commit_parts();
        self.or_break(committed)?;
        self.changes.clear();
        self.fresh = [HashSet::new(), std::mem::take(&mut self.fresh[0])];
        self.save_status();
        Ok(self.meta.sequence)
    }

    /// Leaves the counts for readers. The commit stands whether this works or not, and the next
    /// one writes them again.
    pub(super) fn save_status(&self) {
        let _ = self.tally.snapshot(self.meta.sequence).save(&self.layout);
    }

    fn commit_parts(&mut self) -> Result<()> {
        faults::reach("commit begun")?;
        self.texts.sync()?;
        faults::reach("texts synced")?;
        self.vectors.sync()?;
        faults::reach("vectors synced")?;
        let sequence = self.meta.sequence + 1;
        let lexical = self.lexical.is_dirty();
        let lexical_sequence = if lexical { sequence } else { self.meta.lexical_sequence };
        let meta = CatalogMeta { sequence, lexical_sequence, ..self.meta };
        self.catalog.apply(&self.changes, &meta)?;
        faults::reach("catalog applied")?;
        self.catalog.sync()?;
        faults::reach("catalog synced")?;
        if lexical {
            self.lexical.commit(sequence)?;
        }
        faults::reach("lexical committed")?;
        self.meta = meta;
        Ok(())
    }

    /// The path and content of every document, uncommitted changes included.
    pub(super) fn documents(&self) -> Result<Vec<(Vec<u8>, Row, ContentKey)>> {
        let mut documents = Vec::new();
        let stored = self.catalog.scan(&[]).filter(|entry| match entry {
            Ok((path, _)) => !self.changes.contains_key(path),
            Err(_) => true,
        });
        let changed =
            self.changes.iter().filter_map(|(path, row)| Some(Ok((path.clone(), row.clone()?))));
        for entry in stored.chain(changed) {
            let (path, row) = entry?;
            if let Some(content) = document(&row.state) {
                documents.push((path, row, content));
            }
        }
        Ok(documents)
    }

    /// Empties the lexical index and fills it again from the catalog and the texts. Documents
    /// whose text is gone are left out and made to be read again.
    pub(super) fn refill_lexical(&mut self) -> Result<usize> {
        self.lexical.clear()?;
        let mut added = 0;
        for (path, row, content) in self.documents()? {
            match self.index_file(&path_from_bytes(&path), &row, &content, false) {
                Ok(()) => added += 1,
                Err(IndexError::UnknownContent { .. } | IndexError::Damaged { .. }) => {
                    self.set_row(&path, Some(&row), None);
                    self.forget_container(&path)?;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(added)
    }
}

impl State {
    /// Ends in an orderly way, so that the next start need not look for damage.
    pub(super) fn finish(mut self) -> Result<()> {
        self.mark_clean()
    }

    fn mark_clean(&mut self) -> Result<()> {
        // What was put but not committed is harmless, but half a record must not reach the disk.
        self.texts.sync()?;
        self.vectors.sync()?;
        self.lock.mark_clean()
    }

    /// Ends as a kill would.
    #[cfg(test)]
    pub(super) fn crash(mut self) {
        self.broken = Some("crashed".into());
    }
}

impl Drop for State {
    fn drop(&mut self) {
        if self.broken.is_none() {
            // A failure leaves the mark of an unclean end, which is the truth.
            let _ = self.mark_clean();
        }
    }
}

/// Whether the lexical index has to hold another document for a file than it does: its text, or
/// something that filters and hits go by (date, size, place below the root), is not as before.
fn shows_differently(old: &Row, new: &Row) -> bool {
    document(&old.state) != document(&new.state)
        || (old.stat.modified_ns, old.stat.size_bytes)
            != (new.stat.modified_ns, new.stat.size_bytes)
        || old.root != new.root
}

pub(super) fn document(state: &FileState) -> Option<ContentKey> {
    match state {
        FileState::Document { content } => Some(*content),
        FileState::Skipped { .. } | FileState::Failed { .. } | FileState::Container { .. } => None,
    }
}

/// Compresses a document outside of the writer's lock.
pub(super) fn encode(extract: &ExtractKey, content: &Content<'_>) -> Result<EncodedText> {
    EncodedText::new(extract, ContentKey::of(content), content)
}
