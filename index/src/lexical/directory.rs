//! The lexical index's folder, with checksums where tantivy has none.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use tantivy::Directory;
use tantivy::directory::error::{DeleteError, LockError, OpenReadError, OpenWriteError};
use tantivy::directory::{
    AntiCallToken, DirectoryLock, FileHandle, Lock, MmapDirectory, TerminatingWrite, WatchCallback,
    WatchHandle, WritePtr,
};

/// What begins the line at the end of a file that holds its checksum.
const MARK: &[u8] = b"\ncrc32 ";
/// Length of that line: the mark, eight hexadecimal digits, and the end of the line.
const LINE: usize = MARK.len() + 9;

/// A folder of the lexical index.
///
/// tantivy puts a checksum into every file but the two that name the others, `meta.json` and
/// `.managed.json`. One changed byte in them can bring removed documents back or hide others
/// without an error, so each ends in a line with its checksum. Without that line a file is taken
/// as it is: cut off right before it, nothing of what counts is lost.
#[derive(Clone, Debug)]
pub(super) struct CheckedFolder {
    files: MmapDirectory,
    failures: Failures,
}

impl CheckedFolder {
    pub(super) fn open(folder: &Path) -> tantivy::Result<Self> {
        let failures = Failures { folder: folder.to_owned(), first: Arc::default() };
        Ok(CheckedFolder { files: MmapDirectory::open(folder)?, failures })
    }

    pub(super) fn failures(&self) -> Failures {
        self.failures.clone()
    }
}

/// The first write that failed. tantivy writes in threads of its own and says of a failure there
/// only that a thread ended; a person needs to know that the disk is full.
#[derive(Clone, Debug)]
pub(super) struct Failures {
    folder: PathBuf,
    first: Arc<Mutex<Option<(PathBuf, io::Error)>>>,
}

impl Failures {
    /// The file and the error, once.
    pub(super) fn take(&self) -> Option<(PathBuf, io::Error)> {
        self.first.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn note(&self, path: &Path, error: &io::Error) {
        let copy = match error.raw_os_error() {
            Some(number) => io::Error::from_raw_os_error(number),
            None => io::Error::new(error.kind(), error.to_string()),
        };
        let mut first = self.first.lock().unwrap_or_else(PoisonError::into_inner);
        first.get_or_insert_with(|| (self.folder.join(path), copy));
    }

    fn noted<T>(&self, path: &Path, result: io::Result<T>) -> io::Result<T> {
        if let Err(error) = &result {
            self.note(path, error);
        }
        result
    }
}

/// A file being written, whose failures are noted.
struct NotedFile {
    file: WritePtr,
    path: PathBuf,
    failures: Failures,
}

impl Write for NotedFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes);
        self.failures.noted(&self.path, written)
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = self.file.flush();
        self.failures.noted(&self.path, flushed)
    }
}

impl TerminatingWrite for NotedFile {
    fn terminate_ref(&mut self, token: AntiCallToken) -> io::Result<()> {
        let ended = self.file.terminate_ref(token);
        self.failures.noted(&self.path, ended)
    }
}

impl Directory for CheckedFolder {
    fn atomic_read(&self, path: &Path) -> Result<Vec<u8>, OpenReadError> {
        let bytes = self.files.atomic_read(path)?;
        unseal(bytes).map_err(|error| OpenReadError::wrap_io_error(error, path.to_owned()))
    }

    fn atomic_write(&self, path: &Path, data: &[u8]) -> io::Result<()> {
        self.failures.noted(path, self.files.atomic_write(path, &seal(data)))
    }

    fn get_file_handle(&self, path: &Path) -> Result<Arc<dyn FileHandle>, OpenReadError> {
        self.files.get_file_handle(path)
    }

    fn delete(&self, path: &Path) -> Result<(), DeleteError> {
        self.files.delete(path)
    }

    fn exists(&self, path: &Path) -> Result<bool, OpenReadError> {
        self.files.exists(path)
    }

    /// tantivy never writes a file twice, and names what it writes by a number that a commit given
    /// up uses again: what stands there then is what that one left half written.
    fn open_write(&self, path: &Path) -> Result<WritePtr, OpenWriteError> {
        let opened = match self.files.open_write(path) {
            Err(OpenWriteError::FileAlreadyExists(_)) => {
                self.files.delete(path).map_err(|error| {
                    OpenWriteError::wrap_io_error(io::Error::other(error), path.to_owned())
                })?;
                self.files.open_write(path)
            }
            opened => opened,
        };
        if let Err(OpenWriteError::IoError { io_error, .. }) = &opened {
            self.failures.note(path, io_error);
        }
        let (path, failures) = (path.to_owned(), self.failures.clone());
        Ok(BufWriter::new(Box::new(NotedFile { file: opened?, path, failures })))
    }

    fn sync_directory(&self) -> io::Result<()> {
        self.failures.noted(Path::new(""), self.files.sync_directory())
    }

    fn acquire_lock(&self, lock: &Lock) -> Result<DirectoryLock, LockError> {
        self.files.acquire_lock(lock)
    }

    fn watch(&self, callback: WatchCallback) -> tantivy::Result<WatchHandle> {
        self.files.watch(callback)
    }
}

/// Adds the line with the checksum.
fn seal(data: &[u8]) -> Vec<u8> {
    let line = format!("{:08x}\n", crc32fast::hash(data));
    [data, MARK, line.as_bytes()].concat()
}

/// Takes the line with the checksum off, if there is one.
fn unseal(mut bytes: Vec<u8>) -> io::Result<Vec<u8>> {
    let Some(end) = bytes.len().checked_sub(LINE) else { return Ok(bytes) };
    if !bytes[end..].starts_with(MARK) {
        return Ok(bytes);
    }
    if seal(&bytes[..end]) != bytes {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "its checksum differs"));
    }
    bytes.truncate(end);
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_failed_commit_left_is_no_obstacle() {
        let dir = tempfile::tempdir().unwrap();
        let folder = CheckedFolder::open(dir.path()).unwrap();
        let path = Path::new("0123.7.del");
        for text in ["half", "whole"] {
            let mut file = folder.open_write(path).unwrap();
            file.write_all(text.as_bytes()).unwrap();
            file.terminate().unwrap();
        }
        assert_eq!(std::fs::read(dir.path().join(path)).unwrap(), b"whole");
    }

    #[test]
    fn a_change_anywhere_is_noticed() {
        let data = br#"{"segments":[{"max_doc":3,"deletes":null}],"payload":"7"}"#;
        let sealed = seal(data);
        assert_eq!(unseal(sealed.clone()).unwrap(), data);
        assert_eq!(
            unseal(data.to_vec()).unwrap(),
            data,
            "as it was written before there was a line"
        );
        for at in 0..sealed.len() {
            for bit in 0..8 {
                let mut changed = sealed.clone();
                changed[at] ^= 1 << bit;
                // What is no longer seen as a line stays, and is no JSON.
                let readable = unseal(changed)
                    .is_ok_and(|bytes| serde_json::from_slice::<serde_json::Value>(&bytes).is_ok());
                assert!(!readable, "byte {at}, bit {bit}");
            }
        }
        for length in 0..sealed.len() {
            let read = unseal(sealed[..length].to_vec()).unwrap();
            let readable = serde_json::from_slice::<serde_json::Value>(&read).is_ok();
            assert!(!readable || read.trim_ascii_end() == data, "cut off at {length}");
        }
    }
}
