//! The lexical index as the one writer changes it.

use tantivy::{IndexWriter, Term};

use super::{Lexical, LexicalEntry};
use crate::error::{PathContext, Result};
use crate::faults;
use crate::layout::sync_folder;

/// tantivy refuses less than 15 MB a thread.
const LEAST_BYTES: usize = 16 << 20;
const MOST_BYTES: usize = 3 << 30;

/// Adds and removes documents; nothing shows before [`LexicalWriter::commit`].
pub(crate) struct LexicalWriter {
    pub(crate) lexical: Lexical,
    writer: IndexWriter,
    dirty: bool,
    /// Bytes of text handed over since the threads were last waited for.
    queued_bytes: usize,
    queue_limit_bytes: usize,
}

impl LexicalWriter {
    pub(crate) fn open(lexical: Lexical, memory_bytes: usize, threads: usize) -> Result<Self> {
        let threads = threads_within(memory_bytes, threads);
        let memory = memory_bytes.clamp(LEAST_BYTES * threads, MOST_BYTES * threads);
        let writer = lexical.index.writer_with_num_threads(threads, memory).at(&lexical.folder)?;
        Ok(LexicalWriter {
            lexical,
            writer,
            dirty: false,
            queued_bytes: 0,
            queue_limit_bytes: memory,
        })
    }

    /// Adds a document whose number is not in the index, or was removed since the last commit.
    pub(crate) fn add(&mut self, entry: &LexicalEntry<'_>) -> Result<()> {
        self.dirty = true;
        let document = entry.document(&self.lexical.fields);
        self.lexical.written(self.writer.add_document(document))?;
        self.queued_bytes += entry.bytes();
        if self.queued_bytes > self.queue_limit_bytes {
            // tantivy bounds its queue by the number of documents, not by their size. Preparing a
            // commit waits until the threads have written everything; giving it up without
            // aborting leaves what they wrote to the next commit.
            drop(self.lexical.written(self.writer.prepare_commit())?);
            self.queued_bytes = 0;
        }
        Ok(())
    }

    pub(crate) fn remove(&mut self, id: u64) {
        self.dirty = true;
        self.writer.delete_term(Term::from_field_u64(self.lexical.fields.id, id));
    }

    /// Removes everything.
    pub(crate) fn clear(&mut self) -> Result<()> {
        self.dirty = true;
        self.lexical.written(self.writer.delete_all_documents())?;
        Ok(())
    }

    pub(crate) fn is_dirty(&self) -> bool {
        self.dirty
    }

    /// Makes all changes durable and visible, under this number.
    pub(crate) fn commit(&mut self, sequence: u64) -> Result<()> {
        let mut prepared = self.lexical.written(self.writer.prepare_commit())?;
        prepared.set_payload(&sequence.to_string());
        faults::reach("lexical prepared")?;
        self.lexical.written(prepared.commit())?;
        // tantivy syncs the folder before it renames its new list of segments into place.
        sync_folder(&self.lexical.folder)?;
        self.dirty = false;
        self.queued_bytes = 0;
        Ok(())
    }
}

/// As many threads as were asked for, but no more than the memory feeds: on a machine of many cores
/// the least that each needs would add up to far more, and every commit would leave as many small
/// segments.
fn threads_within(memory_bytes: usize, threads: usize) -> usize {
    threads.clamp(1, (memory_bytes / LEAST_BYTES).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_cores_stay_within_the_memory() {
        assert_eq!(threads_within(128 << 20, 2), 2);
        assert_eq!(threads_within(128 << 20, 64), 8);
        assert_eq!(threads_within(0, 64), 1);
        assert_eq!(threads_within(128 << 20, 0), 1);
    }
}
