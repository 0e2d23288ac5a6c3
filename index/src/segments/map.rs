//! Segment files mapped into memory for reading.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use memmap2::Mmap;

use super::record::{FILE_HEADER, RecordRef, Scan, file_header, scan};
use crate::error::{IndexError, PathContext, Result};

/// The segment files of one folder, as far as they have been read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Segments {
    folder: PathBuf,
    kind: [u8; 4],
    /// Shared with copies, which keep what they know while this one goes on.
    files: Arc<BTreeMap<u32, SegmentFile>>,
}

#[derive(Clone, Debug)]
struct SegmentFile {
    path: PathBuf,
    /// `None` for a file without a byte, which cannot be mapped.
    map: Option<Arc<Mmap>>,
    /// Records before this offset are known.
    scanned: u64,
}

/// What a look at the folder found that was not known before.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    /// New records, in the order they were written.
    pub(crate) records: Vec<RecordRef>,
    /// Damage met: the file, and the bytes that cannot be read.
    pub(crate) damaged: Vec<(u32, std::ops::Range<u64>)>,
    /// Files whose own header is not what it should be (their records are read all the same).
    pub(crate) bad_headers: Vec<u32>,
    /// Files too short to hold a header: just begun, or begun when the writer was killed.
    pub(crate) headless: Vec<u32>,
    /// Bytes after the last whole record, by file.
    pub(crate) tails: Vec<(u32, u64)>,
    /// A file known before is gone or was replaced: all that was known is void, and the records
    /// reported here are all there are.
    pub(crate) restarted: bool,
}

impl Changes {
    /// Whether there is nothing new.
    pub(crate) fn is_empty(&self) -> bool {
        self.records.is_empty() && !self.restarted
    }
}

impl Segments {
    /// Maps all files of a folder and walks their records.
    pub(crate) fn open(folder: &Path, kind: [u8; 4]) -> Result<(Self, Changes)> {
        let mut segments = Segments { folder: folder.to_owned(), kind, files: Arc::default() };
        let changes = segments.refresh()?;
        Ok((segments, changes))
    }

    /// Looks for files and records written since.
    pub(crate) fn refresh(&mut self) -> Result<Changes> {
        // Compaction may remove a file between listing and opening: then list again.
        for _ in 0..8 {
            match self.try_refresh() {
                Err(IndexError::Io { source, .. })
                    if source.kind() == std::io::ErrorKind::NotFound => {}
                other => return other,
            }
        }
        self.try_refresh()
    }

    fn try_refresh(&mut self) -> Result<Changes> {
        let mut changes = Changes::default();
        let found = list(&self.folder)?;
        let ids: Vec<u32> = found.iter().map(|(id, _)| *id).collect();
        if self.files.keys().any(|id| !ids.contains(id)) {
            self.files = Arc::default();
            changes.restarted = true;
        }
        let mut files = BTreeMap::clone(&self.files);
        for (id, path) in found {
            let known = files.get(&id);
            let length = fs_err::metadata(&path).at(&path)?.len();
            if known.is_some_and(|file| file.map.as_ref().map_or(0, |m| m.len() as u64) == length) {
                continue;
            }
            let from = known.map_or(FILE_HEADER, |file| file.scanned);
            let map = map_file(&path)?;
            let bytes: &[u8] = map.as_deref().map_or(&[], |map| &map[..]);
            if (bytes.len() as u64) < FILE_HEADER {
                changes.headless.push(id);
            } else if known.is_none() && !bytes.starts_with(&file_header(self.kind)) {
                changes.bad_headers.push(id);
            }
            let Scan { records, damaged, end } = scan(bytes, id, from);
            changes.records.extend(records);
            changes.damaged.extend(damaged.into_iter().map(|range| (id, range)));
            let length = bytes.len() as u64;
            if length > end {
                changes.tails.push((id, length - end));
            }
            files.insert(id, SegmentFile { path, map, scanned: end });
        }
        self.files = Arc::new(files);
        Ok(changes)
    }

    /// Bytes of a record's head.
    pub(crate) fn head(&self, record: &RecordRef) -> Result<&[u8]> {
        self.slice(record, record.head_range())
    }

    /// Bytes of a record's payload, unchecked: compare with its CRC on first touch.
    pub(crate) fn payload(&self, record: &RecordRef) -> Result<&[u8]> {
        self.slice(record, record.payload_range())
    }

    /// Bytes of a record's payload, or [`IndexError::Damaged`] when they are not what was written.
    pub(crate) fn checked_payload(&self, record: &RecordRef) -> Result<&[u8]> {
        let payload = self.payload(record)?;
        if crc32fast::hash(payload) == record.payload_crc {
            return Ok(payload);
        }
        Err(self.damaged(record, "checksum of the payload differs"))
    }

    pub(crate) fn damaged(&self, record: &RecordRef, reason: &str) -> IndexError {
        let path = self.path(record.segment);
        IndexError::damaged(&path, format!("record at byte {}: {reason}", record.offset))
    }

    fn slice(&self, record: &RecordRef, range: std::ops::Range<usize>) -> Result<&[u8]> {
        self.files
            .get(&record.segment)
            .and_then(|file| file.map.as_deref())
            .and_then(|map| map.get(range))
            .ok_or_else(|| self.damaged(record, "the file ends before it does"))
    }

    pub(crate) fn path(&self, id: u32) -> PathBuf {
        self.files
            .get(&id)
            .map_or_else(|| self.folder.join(file_name(id)), |file| file.path.clone())
    }

    pub(crate) fn ids(&self) -> impl DoubleEndedIterator<Item = u32> + '_ {
        self.files.keys().copied()
    }

    /// Offset after the last whole record of a file.
    pub(crate) fn end(&self, id: u32) -> u64 {
        self.files.get(&id).map_or(0, |file| file.scanned)
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn kind(&self) -> [u8; 4] {
        self.kind
    }
}

pub(super) fn file_name(id: u32) -> String {
    format!("{id:08}.seg")
}

fn map_file(path: &Path) -> Result<Option<Arc<Mmap>>> {
    let file = fs_err::File::open(path).at(path)?;
    if file.metadata().at(path)?.len() == 0 {
        return Ok(None);
    }
    // SAFETY: segment files are only ever appended to, and cut only behind their last whole
    // record, which is never read; they live in a folder private to the user, whose other
    // programs have no business writing there.
    let map = unsafe { Mmap::map(file.file()) }.at(path)?;
    Ok(Some(Arc::new(map)))
}

/// The segment files of a folder by number; none when the folder does not exist.
fn list(folder: &Path) -> Result<Vec<(u32, PathBuf)>> {
    let entries = match fs_err::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(IndexError::io(folder, error)),
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.at(folder)?.path();
        let id = path
            .file_name()
            .and_then(|name| name.to_str())
            .and_then(|name| name.strip_suffix(".seg"))
            .and_then(|digits| digits.parse().ok());
        if let Some(id) = id {
            files.push((id, path));
        }
    }
    files.sort_unstable();
    Ok(files)
}
