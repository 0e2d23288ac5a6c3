//! Segment files as the one writer appends to them.

use std::io::{Seek, SeekFrom, Write};
use std::path::Path;

use super::map::{Changes, Segments, file_name};
use super::record::{FILE_HEADER, MAX_HEAD, RecordRef, align, encode_front, file_header};
use crate::error::{IndexError, PathContext, Result};
use crate::faults;
use crate::layout::sync_folder;

/// The segment files of one folder, open for appending.
#[derive(Debug)]
pub(crate) struct SegmentLog {
    segments: Segments,
    active: Option<Active>,
    limit_bytes: u64,
    /// Files written to since the last sync, apart from the active one.
    unsynced: Vec<fs_err::File>,
    folder_changed: bool,
    /// Whether the newest file may be appended to (not while it is about to be replaced).
    reuse_last: bool,
}

#[derive(Debug)]
struct Active {
    id: u32,
    file: fs_err::File,
    length: u64,
    dirty: bool,
}

/// Which payloads are compared with their checksums when a log is opened. Heads always are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verify {
    /// None.
    Heads,
    /// Those of the newest file: after an unclean end they may not have reached the disk.
    Last,
    /// All.
    All,
}

/// What opening a log found and put right.
#[derive(Debug, Default)]
pub(crate) struct Opened {
    /// All records, in the order they were written.
    pub(crate) records: Vec<RecordRef>,
    /// What was repaired, one sentence each.
    pub(crate) notes: Vec<String>,
}

impl SegmentLog {
    /// Opens a folder: cuts off what a killed writer left half written, and copies the readable
    /// records of a damaged file into a new one.
    pub(crate) fn open(
        folder: &Path,
        kind: [u8; 4],
        limit_bytes: u64,
        verify: Verify,
    ) -> Result<(Self, Opened)> {
        let (segments, changes) = Segments::open(folder, kind)?;
        let mut log = SegmentLog {
            segments,
            active: None,
            limit_bytes,
            unsynced: Vec::new(),
            folder_changed: false,
            reuse_last: true,
        };
        let mut opened = Opened::default();
        let damaged = log.repair(&changes, verify, &mut opened)?;
        opened.records = changes.records;
        if !damaged.is_empty() {
            log.salvage(&damaged, &mut opened)?;
        }
        Ok((log, opened))
    }

    /// Cuts tails and returns the files with damage in their middle.
    fn repair(
        &mut self,
        changes: &Changes,
        verify: Verify,
        opened: &mut Opened,
    ) -> Result<Vec<u32>> {
        let mut damaged: Vec<u32> = changes.damaged.iter().map(|(id, _)| *id).collect();
        damaged.extend(&changes.bad_headers);
        damaged.extend(&changes.headless);
        for (id, range) in &changes.damaged {
            let path = self.segments.path(*id);
            opened.notes.push(format!(
                "{}: {} bytes at {} were damaged and left out",
                path.display(),
                range.end - range.start,
                range.start
            ));
        }
        for id in &changes.bad_headers {
            let path = self.segments.path(*id);
            opened.notes.push(format!("{}: its header was damaged and rewritten", path.display()));
        }
        let last = self.segments.ids().next_back();
        let verified: Vec<u32> = match verify {
            Verify::Heads => Vec::new(),
            Verify::Last => last.into_iter().collect(),
            Verify::All => self.segments.ids().collect(),
        };
        for id in verified {
            let bad = changes
                .records
                .iter()
                .filter(|record| record.segment == id)
                .filter(|record| self.segments.checked_payload(record).is_err())
                .count();
            if bad > 0 {
                let path = self.segments.path(id);
                opened.notes.push(format!(
                    "{}: {bad} records are damaged or did not reach the disk whole and were left \
                     out",
                    path.display()
                ));
                damaged.push(id);
            }
        }
        for &(id, bytes) in &changes.tails {
            let path = self.segments.path(id);
            let end = self.segments.end(id);
            let file = fs_err::OpenOptions::new().write(true).open(&path).at(&path)?;
            file.set_len(end).at(&path)?;
            file.sync_all().at(&path)?;
            opened.notes.push(format!(
                "{}: {bytes} bytes written half before the last end were cut off",
                path.display()
            ));
        }
        damaged.sort_unstable();
        damaged.dedup();
        Ok(damaged)
    }

    /// Replaces damaged files by their readable records.
    fn salvage(&mut self, files: &[u32], opened: &mut Opened) -> Result<()> {
        let keep: Vec<RecordRef> = opened
            .records
            .iter()
            .filter(|record| files.contains(&record.segment))
            .filter(|record| self.segments.checked_payload(record).is_ok())
            .copied()
            .collect();
        opened.records = self.replace(files, &keep)?;
        Ok(())
    }

    /// Writes `keep` into new files, removes `files`, and returns all records there are now.
    ///
    /// Killed in between, both stand side by side; records are keyed, so a double does no harm.
    pub(crate) fn replace(&mut self, files: &[u32], keep: &[RecordRef]) -> Result<Vec<RecordRef>> {
        self.sync()?;
        self.close_active();
        self.reuse_last = false;
        let copied = self.copy(keep);
        self.reuse_last = true;
        copied?;
        faults::reach("segments copied")?;
        for &id in files {
            let path = self.segments.path(id);
            fs_err::remove_file(&path).at(&path)?;
        }
        sync_folder(self.segments.folder())?;
        let (segments, changes) = Segments::open(self.segments.folder(), self.segments.kind())?;
        self.segments = segments;
        Ok(changes.records)
    }

    fn copy(&mut self, keep: &[RecordRef]) -> Result<()> {
        for record in keep {
            let head = self.segments.head(record)?.to_vec();
            let payload = self.segments.checked_payload(record)?.to_vec();
            self.append(&head, &[&payload])?;
        }
        self.sync()?;
        self.close_active();
        Ok(())
    }

    /// Appends a record; it is durable after the next [`SegmentLog::sync`].
    ///
    /// After an error the file is as long as before, or is not written to again.
    pub(crate) fn append(&mut self, head: &[u8], payload: &[&[u8]]) -> Result<RecordRef> {
        if head.len() > MAX_HEAD {
            return Err(IndexError::input(format!("a record head of {} bytes", head.len())));
        }
        let mut crc = crc32fast::Hasher::new();
        payload.iter().for_each(|part| crc.update(part));
        let payload_len: usize = payload.iter().map(|part| part.len()).sum();
        let front = encode_front(head, payload_len as u64, crc.finalize());
        let active = self.active()?;
        let record = RecordRef {
            segment: active.id,
            offset: active.length,
            head_len: head.len() as u32,
            payload_len: payload_len as u64,
            payload_crc: u32::from_le_bytes(front[16..20].try_into().expect("4 bytes")),
        };
        let written = active.write(&front, payload, payload_len);
        if let Err(error) = written {
            let path = self.segments.folder().join(file_name(record.segment));
            self.abandon_tail(record.offset);
            return Err(IndexError::io(&path, error));
        }
        Ok(record)
    }

    /// Takes back a half-written record, or gives the file up if even that fails.
    fn abandon_tail(&mut self, length: u64) {
        let Some(active) = &mut self.active else { return };
        let cut = active
            .file
            .set_len(length)
            .and_then(|()| active.file.seek(SeekFrom::Start(length)).map(drop));
        match cut {
            Ok(()) => active.length = length,
            Err(_) => self.close_active(),
        }
    }

    fn active(&mut self) -> Result<&mut Active> {
        if self.active.as_ref().is_some_and(|active| active.length >= self.limit_bytes) {
            self.close_active();
        }
        if self.active.is_none() {
            // What was appended last need not have been read since: a file must not be cut off at
            // the end it had before.
            self.segments.refresh()?;
            let last = self.segments.ids().next_back();
            let reopen = last.filter(|&id| {
                let end = self.segments.end(id);
                self.reuse_last && end < self.limit_bytes && self.unsynced.is_empty()
            });
            self.active = Some(match reopen {
                Some(id) => self.reopen(id)?,
                None => self.create()?,
            });
        }
        Ok(self.active.as_mut().expect("made above"))
    }

    fn reopen(&self, id: u32) -> Result<Active> {
        let path = self.segments.path(id);
        let mut file = fs_err::OpenOptions::new().read(true).write(true).open(&path).at(&path)?;
        let length = self.segments.end(id);
        file.set_len(length).at(&path)?;
        file.seek(SeekFrom::Start(length)).at(&path)?;
        Ok(Active { id, file, length, dirty: false })
    }

    fn create(&mut self) -> Result<Active> {
        let folder = self.segments.folder();
        // One past every name in the folder: a number is never used twice, so that a reader can
        // tell a replaced file from a grown one.
        let mut id = self.segments.ids().next_back().map_or(1, |id| id + 1);
        while folder.join(file_name(id)).exists() {
            id += 1;
        }
        let path = folder.join(file_name(id));
        let mut file = fs_err::OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .open(&path)
            .at(&path)?;
        let header = file_header(self.segments.kind());
        let begun = faults::io("segment header").and_then(|()| file.write_all(&header));
        if let Err(error) = begun {
            // Without its header it would be taken for damaged.
            let _ = fs_err::remove_file(&path);
            return Err(IndexError::io(&path, error));
        }
        self.folder_changed = true;
        Ok(Active { id, file, length: FILE_HEADER, dirty: true })
    }

    fn close_active(&mut self) {
        if let Some(active) = self.active.take()
            && active.dirty
        {
            self.unsynced.push(active.file);
        }
    }

    /// Makes all appended records durable.
    pub(crate) fn sync(&mut self) -> Result<()> {
        for file in std::mem::take(&mut self.unsynced) {
            file.sync_data().at(file.path())?;
        }
        if let Some(active) = &mut self.active
            && active.dirty
        {
            active.file.sync_data().at(active.file.path())?;
            active.dirty = false;
        }
        if self.folder_changed {
            sync_folder(self.segments.folder())?;
            self.folder_changed = false;
        }
        Ok(())
    }

    /// Whether anything was appended since the last sync.
    pub(crate) fn is_dirty(&self) -> bool {
        self.folder_changed
            || !self.unsynced.is_empty()
            || self.active.as_ref().is_some_and(|active| active.dirty)
    }

    /// The files for reading, with everything appended so far.
    pub(crate) fn read(&mut self) -> Result<&Segments> {
        let grown = self.active.as_ref().is_some_and(|a| self.segments.end(a.id) < a.length);
        if grown || !self.unsynced.is_empty() {
            self.segments.refresh()?;
        }
        Ok(&self.segments)
    }
}

/// Payloads up to this length are written together with what stands around them: small records come by
/// the thousand, and copying them costs less than three writes.
const WHOLE_WRITE: usize = 64 << 10;

impl Active {
    fn write(
        &mut self,
        front: &[u8],
        payload: &[&[u8]],
        payload_len: usize,
    ) -> std::io::Result<()> {
        self.dirty = true;
        faults::io("segment write")?;
        let padded = align(payload_len as u64) as usize;
        let padding = &[0; super::record::ALIGN as usize][..padded - payload_len];
        if payload_len <= WHOLE_WRITE {
            self.file.write_all(&[&[front], payload, &[padding]].concat().concat())?;
        } else {
            self.file.write_all(front)?;
            for part in payload {
                self.file.write_all(part)?;
            }
            self.file.write_all(padding)?;
        }
        self.length += (front.len() + padded) as u64;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIND: [u8; 4] = *b"TEST";

    fn payloads(log: &mut SegmentLog, records: &[RecordRef]) -> Vec<(Vec<u8>, Vec<u8>)> {
        let segments = log.read().unwrap();
        records
            .iter()
            .map(|record| {
                let head = segments.head(record).unwrap().to_vec();
                (head, segments.checked_payload(record).unwrap().to_vec())
            })
            .collect()
    }

    fn written(dir: &Path, count: u8) -> Vec<RecordRef> {
        let (mut log, _) = SegmentLog::open(dir, KIND, 300, Verify::Heads).unwrap();
        let records = (0..count).map(|n| log.append(&[n], &[&[n; 60], &[n; 7]]).unwrap()).collect();
        log.sync().unwrap();
        records
    }

    #[test]
    fn records_come_back_after_reopening_and_files_rotate() {
        let dir = tempfile::tempdir().unwrap();
        let records = written(dir.path(), 9);
        let (mut log, opened) = SegmentLog::open(dir.path(), KIND, 300, Verify::Last).unwrap();
        assert_eq!(opened.records, records);
        assert!(opened.notes.is_empty(), "{:?}", opened.notes);
        assert!(records.last().unwrap().segment > 1);
        assert_eq!(payloads(&mut log, &records)[4], (vec![4], vec![4; 67]));
        // Appending goes on in the last file, and is readable before it is synced.
        let next = log.append(b"next", &[b"payload"]).unwrap();
        assert_eq!(payloads(&mut log, &[next]), [(b"next".to_vec(), b"payload".to_vec())]);
    }

    #[test]
    fn a_half_written_record_is_cut_off() {
        let dir = tempfile::tempdir().unwrap();
        let records = written(dir.path(), 2);
        let path = dir.path().join(file_name(records[1].segment));
        let whole = std::fs::read(&path).unwrap();
        for length in records[1].offset as usize + 1..whole.len() {
            std::fs::write(&path, &whole[..length]).unwrap();
            let (mut log, opened) = SegmentLog::open(dir.path(), KIND, 300, Verify::Last).unwrap();
            assert_eq!(opened.records, &records[..1], "cut at {length}");
            assert_eq!(opened.notes.len(), 1);
            assert_eq!(std::fs::metadata(&path).unwrap().len(), records[1].offset);
            let again = log.append(&[9], &[&[9; 67]]).unwrap();
            assert_eq!(payloads(&mut log, &[again])[0].1, vec![9; 67]);
        }
    }

    #[test]
    fn damage_is_left_out_once_and_for_all() {
        let dir = tempfile::tempdir().unwrap();
        let records = written(dir.path(), 3);
        let path = dir.path().join(file_name(1));
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[records[1].head_range().start] ^= 1;
        std::fs::write(&path, &bytes).unwrap();
        let (mut log, opened) = SegmentLog::open(dir.path(), KIND, 300, Verify::Heads).unwrap();
        assert_eq!(opened.records.len(), 2);
        assert_eq!(opened.notes.len(), 1, "{:?}", opened.notes);
        let heads: Vec<_> = payloads(&mut log, &opened.records).into_iter().map(|r| r.0).collect();
        assert_eq!(heads, [vec![0], vec![2]]);
        drop(log);
        let (_, opened) = SegmentLog::open(dir.path(), KIND, 300, Verify::Heads).unwrap();
        assert!(opened.notes.is_empty(), "repaired: {:?}", opened.notes);
    }

    #[test]
    fn a_damaged_payload_in_any_file_is_left_out() {
        let dir = tempfile::tempdir().unwrap();
        let records = written(dir.path(), 9);
        let path = dir.path().join(file_name(1));
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[records[1].payload_range().start] ^= 1;
        std::fs::write(&path, &bytes).unwrap();
        for (verify, left) in [(Verify::Heads, 9), (Verify::Last, 9), (Verify::All, 8)] {
            let (_, opened) = SegmentLog::open(dir.path(), KIND, 300, verify).unwrap();
            assert_eq!(opened.records.len(), left, "{verify:?}: {:?}", opened.notes);
            assert_eq!(opened.notes.len(), 9 - left);
        }
    }

    #[test]
    fn nothing_is_cut_off_that_was_never_read_back() {
        let dir = tempfile::tempdir().unwrap();
        let (mut log, _) = SegmentLog::open(dir.path(), KIND, 300, Verify::Heads).unwrap();
        let mut records = Vec::new();
        for n in 0..20 {
            records.push(log.append(&[n], &[&[n; 60]]).unwrap());
            // Without a look at `read`, and with nothing left that would hinder a reopening.
            log.sync().unwrap();
        }
        drop(log);
        let (_, opened) = SegmentLog::open(dir.path(), KIND, 300, Verify::Last).unwrap();
        assert_eq!(opened.records, records);
        assert!(opened.notes.is_empty(), "{:?}", opened.notes);
    }

    #[test]
    fn a_failed_write_leaves_the_file_as_it_was() {
        let dir = tempfile::tempdir().unwrap();
        let (mut log, _) = SegmentLog::open(dir.path(), KIND, 300, Verify::Heads).unwrap();
        let first = log.append(b"1", &[b"one"]).unwrap();
        faults::fail_next("segment write");
        assert!(matches!(log.append(b"2", &[b"two"]), Err(IndexError::Io { .. })));
        let third = log.append(b"3", &[b"three"]).unwrap();
        log.sync().unwrap();
        drop(log);
        let (_, opened) = SegmentLog::open(dir.path(), KIND, 300, Verify::Last).unwrap();
        assert_eq!(opened.records, [first, third]);
        assert!(opened.notes.is_empty());
    }

    #[test]
    fn a_file_that_could_not_be_begun_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let (mut log, _) = SegmentLog::open(dir.path(), KIND, 300, Verify::Heads).unwrap();
        faults::fail_next("segment header");
        assert!(matches!(log.append(b"1", &[b"one"]), Err(IndexError::Io { .. })));
        let record = log.append(b"1", &[b"one"]).unwrap();
        log.sync().unwrap();
        drop(log);
        let (_, opened) = SegmentLog::open(dir.path(), KIND, 300, Verify::All).unwrap();
        assert_eq!(opened.records, [record]);
        assert!(opened.notes.is_empty(), "{:?}", opened.notes);
    }

    #[test]
    fn readers_follow_growth_and_replacement() {
        let dir = tempfile::tempdir().unwrap();
        let (mut log, _) = SegmentLog::open(dir.path(), KIND, 300, Verify::Heads).unwrap();
        let first = log.append(b"1", &[b"one"]).unwrap();
        let (mut reader, changes) = Segments::open(dir.path(), KIND).unwrap();
        assert_eq!(changes.records, [first]);
        let second = log.append(b"2", &[b"two"]).unwrap();
        let changes = reader.refresh().unwrap();
        assert_eq!((changes.records, changes.restarted), (vec![second], false));
        assert_eq!(reader.checked_payload(&second).unwrap(), b"two");
        log.read().unwrap();
        let now = log.replace(&[1], &[second]).unwrap();
        assert_eq!(now.len(), 1);
        assert_eq!(reader.checked_payload(&first).unwrap(), b"one", "the old mapping stays");
        let changes = reader.refresh().unwrap();
        assert!(changes.restarted);
        assert_eq!(changes.records, now);
    }
}
