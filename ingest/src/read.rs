//! Reading a file's bytes without being stalled or misled by what else may stand at its path.

use std::fs::{FileType, Metadata};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use fs_err::File;
use fs_err::os::unix::fs::OpenOptionsExt;
use rustix::fs::OFlags;

use crate::container::{self, Format};
use crate::identify::HEAD_BYTES;
use crate::{FailReason, IngestError, Outcome, SkipReason};

/// BLAKE3 of the file's bytes and how many there were, read piece by piece.
///
/// # Errors
/// When the file is missing, unreadable or not a regular file.
pub fn hash_file(path: &Path) -> Result<([u8; 32], u64), IngestError> {
    let (mut file, metadata) = open(path).map_err(|e| IngestError::io(path, e))?;
    if !metadata.is_file() {
        let what = describe(metadata.file_type());
        return Err(IngestError::NotRegular { path: path.to_owned(), what });
    }
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; 128 * 1024];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok((hasher.finalize().into(), hasher.count())),
            Ok(count) => {
                hasher.update(&buffer[..count]);
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(IngestError::io(path, e)),
        }
    }
}

/// The bytes of the file as they stood at one moment, as far as size and time of modification can
/// tell; tried twice. `Err` holds what to report instead.
///
/// `accept` is asked about the first [`HEAD_BYTES`] before the rest is read, so that a large file
/// which is no document takes neither time nor memory.
pub(crate) fn read_whole(
    path: &Path,
    max_bytes: u64,
    accept: impl Fn(&[u8]) -> Result<(), SkipReason>,
) -> Result<Vec<u8>, Outcome> {
    for _ in 0..2 {
        let (mut file, before) = open(path).map_err(|e| failed(&e))?;
        if !before.is_file() {
            let what = describe(before.file_type());
            return Err(Outcome::Skipped(SkipReason::Special { what }));
        }
        if before.len() > max_bytes {
            return Err(Outcome::Skipped(SkipReason::TooLarge { limit_bytes: max_bytes }));
        }
        let limit = max_bytes.saturating_add(1);
        let mut bytes = Vec::with_capacity(HEAD_BYTES);
        let head_bytes = limit.min(HEAD_BYTES as u64);
        (&mut file).take(head_bytes).read_to_end(&mut bytes).map_err(|e| failed(&e))?;
        accept(&bytes).map_err(Outcome::Skipped)?;
        // One byte more than expected, so that the end is met without growing the buffer.
        bytes.reserve_exact((before.len() as usize + 1).saturating_sub(bytes.len()));
        let limit = limit - bytes.len() as u64;
        (&mut file).take(limit).read_to_end(&mut bytes).map_err(|e| failed(&e))?;
        let after = file.metadata().map_err(|e| failed(&e))?;
        let size_bytes = bytes.len() as u64;
        if size_bytes == after.len() && stamp(&before) == stamp(&after) {
            return Ok(bytes);
        }
        if size_bytes > max_bytes {
            return Err(Outcome::Skipped(SkipReason::TooLarge { limit_bytes: max_bytes }));
        }
    }
    Err(Outcome::Failed(FailReason::Changed))
}

/// Opens a file if it is a container, and tells which and how large; `None` when it is anything else. `Err` holds what
/// to report instead.
pub(crate) fn open_container(
    path: &Path,
    max_bytes: u64,
) -> Result<Option<(Format, File, u64)>, Outcome> {
    let (mut file, metadata) = open(path).map_err(|e| failed(&e))?;
    if !metadata.is_file() {
        let what = describe(metadata.file_type());
        return Err(Outcome::Skipped(SkipReason::Special { what }));
    }
    let mut head = Vec::with_capacity(HEAD_BYTES);
    (&mut file).take(HEAD_BYTES as u64).read_to_end(&mut head).map_err(|e| failed(&e))?;
    let Some(format) = container::recognise(path, &head) else { return Ok(None) };
    if metadata.len() > max_bytes {
        return Err(Outcome::Skipped(SkipReason::TooLarge { limit_bytes: max_bytes }));
    }
    file.seek(SeekFrom::Start(0)).map_err(|e| failed(&e))?;
    Ok(Some((format, file, metadata.len())))
}

/// Opens without waiting: a named pipe that took the file's place since the walk would otherwise
/// block until somebody writes to it.
fn open(path: &Path) -> io::Result<(File, Metadata)> {
    let flags = (OFlags::NONBLOCK | OFlags::NOCTTY).bits() as i32;
    let file = fs_err::OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    let metadata = file.metadata()?;
    Ok((file, metadata))
}

fn failed(error: &io::Error) -> Outcome {
    Outcome::Failed(FailReason::from_io(error))
}

/// Time of modification in nanoseconds since 1970, and the inode.
pub(crate) fn stamp(metadata: &Metadata) -> (i64, u64) {
    use std::os::unix::fs::MetadataExt;
    let modified_ns =
        metadata.mtime().saturating_mul(1_000_000_000).saturating_add(metadata.mtime_nsec());
    (modified_ns, metadata.ino())
}

/// What stands at a path, in words.
pub(crate) fn describe(file_type: FileType) -> String {
    use std::os::unix::fs::FileTypeExt;
    let what = if file_type.is_dir() {
        "folder"
    } else if file_type.is_symlink() {
        "symbolic link"
    } else if file_type.is_fifo() {
        "named pipe"
    } else if file_type.is_socket() {
        "socket"
    } else if file_type.is_block_device() || file_type.is_char_device() {
        "device"
    } else {
        "file of an unknown type"
    };
    what.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_what_it_reads() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        let bytes = vec![b'x'; 300_000];
        fs_err::write(&path, &bytes).unwrap();
        let (hash, size_bytes) = hash_file(&path).unwrap();
        assert_eq!(size_bytes, 300_000);
        assert_eq!(hash, *blake3::hash(&bytes).as_bytes());
        assert_eq!(read_whole(&path, 300_000, |_| Ok(())).unwrap(), bytes);
    }

    #[test]
    fn limits_and_odd_files_are_reported_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        fs_err::write(&path, "0123456789").unwrap();
        let limit = Outcome::Skipped(SkipReason::TooLarge { limit_bytes: 9 });
        assert_eq!(read_whole(&path, 9, |_| Ok(())).unwrap_err(), limit);

        let pipe = folder.path().join("pipe");
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &pipe,
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::from_raw_mode(0o600),
            0,
        )
        .unwrap();
        let special = Outcome::Skipped(SkipReason::Special { what: "named pipe".to_owned() });
        assert_eq!(read_whole(&pipe, 9, |_| Ok(())).unwrap_err(), special);
        assert!(matches!(hash_file(&pipe), Err(IngestError::NotRegular { .. })));

        let accept = |head: &[u8]| if head == b"01" { Ok(()) } else { Err(SkipReason::Binary) };
        let binary = Outcome::Skipped(SkipReason::Binary);
        assert_eq!(read_whole(&path, 10, accept).unwrap_err(), binary);

        let missing = folder.path().join("missing");
        assert_eq!(
            read_whole(&missing, 9, |_| Ok(())).unwrap_err(),
            Outcome::Failed(FailReason::Vanished)
        );
    }
}
