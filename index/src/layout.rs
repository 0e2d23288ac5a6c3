//! The data folder: what lies where, its format number, and the lock of the one writer.

use std::fs::TryLockError;
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

use fs_err as fs;

use crate::error::{IndexError, PathContext, Result};
use crate::faults;

const LOCK_ATTEMPTS: usize = 10;
const LOCK_PAUSE: std::time::Duration = std::time::Duration::from_millis(10);

/// Format of the data folder that this release writes, and the newest it reads.
pub const FORMAT: u32 = 1;

/// Paths within one data folder.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    pub(crate) root: PathBuf,
}

impl Layout {
    pub(crate) fn new(data_dir: &Path) -> Self {
        Layout { root: data_dir.to_owned() }
    }

    pub(crate) fn version(&self) -> PathBuf {
        self.root.join("VERSION")
    }

    pub(crate) fn lock(&self) -> PathBuf {
        self.root.join("LOCK")
    }

    pub(crate) fn folders(&self) -> PathBuf {
        self.root.join("folders.json")
    }

    pub(crate) fn status(&self) -> PathBuf {
        self.root.join("status.json")
    }

    pub(crate) fn catalog(&self) -> PathBuf {
        self.root.join("catalog")
    }

    pub(crate) fn lexical(&self) -> PathBuf {
        self.root.join("lexical")
    }

    pub(crate) fn texts(&self) -> PathBuf {
        self.root.join("texts")
    }

    pub(crate) fn vectors(&self) -> PathBuf {
        self.root.join("vectors")
    }

    pub(crate) fn graph(&self) -> PathBuf {
        self.root.join("graph")
    }

    /// Makes the data folder and its parts, readable by their owner alone.
    pub(crate) fn create(&self) -> Result<()> {
        create_private(&self.root)?;
        for part in [self.catalog(), self.lexical(), self.texts(), self.vectors(), self.graph()] {
            create_private(&part)?;
        }
        Ok(())
    }

    /// The format number, or `None` when the folder holds no index yet.
    pub(crate) fn read_version(&self) -> Result<Option<u32>> {
        let path = self.version();
        let text = match fs::read(&path) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(IndexError::io(&path, error)),
        };
        // Numbers begin at 1.
        let found: u32 = match text.trim().parse() {
            Ok(found) if found > 0 => found,
            _ => return Err(IndexError::damaged(&path, "it does not hold a format number")),
        };
        if found > FORMAT {
            return Err(IndexError::NewerFormat { path, found, supported: FORMAT });
        }
        Ok(Some(found))
    }

    /// Writes the format number unless it stands there already.
    pub(crate) fn ensure_version(&self) -> Result<()> {
        // A damaged number is repaired: with format 1 the only one so far, it can be nothing else.
        match self.read_version() {
            Ok(Some(_)) => Ok(()),
            Ok(None) | Err(IndexError::Damaged { .. }) => {
                write_atomically(&self.version(), format!("{FORMAT}\n").as_bytes(), true)
            }
            Err(error) => Err(error),
        }
    }
}

fn create_private(path: &Path) -> Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).at(path)
}

/// Makes entries created in, renamed into or removed from a folder durable.
pub(crate) fn sync_folder(path: &Path) -> Result<()> {
    // Only Unix lets a folder be opened and synced.
    #[cfg(unix)]
    std::fs::File::open(path).and_then(|folder| folder.sync_all()).at(path)?;
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}

/// Replaces a file as a whole: a reader sees the old or the new, never a part. With `durable`, it
/// is on the disk when this returns.
pub(crate) fn write_atomically(path: &Path, bytes: &[u8], durable: bool) -> Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".tmp");
    let temporary = path.with_file_name(name);
    let mut file = fs::File::create(&temporary).at(&temporary)?;
    file.write_all(bytes).at(&temporary)?;
    if durable {
        file.sync_all().at(&temporary)?;
    }
    drop(file);
    fs::rename(&temporary, path).at(path)?;
    match path.parent() {
        Some(folder) if durable => sync_folder(folder),
        _ => Ok(()),
    }
}

/// Renames a damaged part out of the way (`catalog` to `catalog.damaged-1`) and returns its new
/// name, so that nothing is destroyed that a person may still want to look at.
pub(crate) fn quarantine(path: &Path) -> Result<PathBuf> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let free = (1u32..)
        .map(|number| path.with_file_name(format!("{name}.damaged-{number}")))
        .find(|candidate| !candidate.exists())
        .expect("some number is free");
    fs::rename(path, &free).at(path)?;
    if let Some(folder) = path.parent() {
        sync_folder(folder)?;
    }
    // The newest three are enough to look at; without a bound a failing disk would fill itself.
    for number in 1u32.. {
        let old = path.with_file_name(format!("{name}.damaged-{number}"));
        if old == free {
            break;
        }
        let newer = path.with_file_name(format!("{name}.damaged-{}", number + 3));
        if newer.exists() {
            let _ = fs::remove_dir_all(&old).or_else(|_| fs::remove_file(&old));
        }
    }
    Ok(free)
}

/// The writer's lock, held by the operating system for as long as the process lives.
///
/// The file holds the writer's process number while it is in use and is emptied by an orderly end,
/// so a number found in an unlocked file tells of a writer that was killed.
#[derive(Debug)]
pub(crate) struct WriterLock {
    file: std::fs::File,
    path: PathBuf,
}

impl WriterLock {
    /// Takes the lock; also says whether the writer before was killed.
    pub(crate) fn take(layout: &Layout) -> Result<(Self, bool)> {
        let path = layout.lock();
        let file = std::fs::OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .at(&path)?;
        // Asking whether a writer is alive takes the lock for a moment, too: look again.
        let mut attempts = LOCK_ATTEMPTS;
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if attempts > 0 => {
                    attempts -= 1;
                    std::thread::sleep(LOCK_PAUSE);
                }
                Err(TryLockError::WouldBlock) => {
                    let pid = read_pid(&file);
                    return Err(IndexError::Locked { path: layout.root.clone(), pid });
                }
                Err(TryLockError::Error(error)) => return Err(IndexError::io(&path, error)),
            }
        }
        let unclean = file.metadata().at(&path)?.len() > 0;
        let mut lock = WriterLock { file, path };
        lock.write(format!("{}\n", std::process::id()).as_bytes())?;
        Ok((lock, unclean))
    }

    /// Marks an orderly end.
    pub(crate) fn mark_clean(&mut self) -> Result<()> {
        self.write(b"")
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        // Cut to length last: a full disk must not make an unclean end look like an orderly one.
        self.file.rewind().at(&self.path)?;
        faults::io("lock write").at(&self.path)?;
        self.file.write_all(bytes).at(&self.path)?;
        self.file.set_len(bytes.len() as u64).at(&self.path)?;
        self.file.sync_data().at(&self.path)
    }
}

fn read_pid(mut file: &std::fs::File) -> Option<u32> {
    let mut text = String::new();
    file.read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

/// The process that writes to this index now, if any: `Some(None)` when it left no number.
pub(crate) fn writer_alive(layout: &Layout) -> Option<Option<u32>> {
    let file = std::fs::File::open(layout.lock()).ok()?;
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => Some(read_pid(&file)),
        // Dropping the file gives the shared lock back at once.
        Ok(()) | Err(TryLockError::Error(_)) => None,
    }
}

/// Bytes of all files below a folder; 0 when it does not exist.
pub(crate) fn folder_bytes(path: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(path) else { return 0 };
    entries
        .flatten()
        .map(|entry| match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => folder_bytes(&entry.path()),
            Ok(metadata) => metadata.len(),
            Err(_) => 0,
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn second_writer_is_told_who_holds_the_lock() {
        let dir = tempfile::tempdir().unwrap();
        let layout = Layout::new(dir.path());
        let (mut first, unclean) = WriterLock::take(&layout).unwrap();
        assert!(!unclean);
        let refused = WriterLock::take(&layout).unwrap_err();
        assert!(
            matches!(refused, IndexError::Locked { pid: Some(pid), .. } if pid == std::process::id())
        );
        assert_eq!(writer_alive(&layout), Some(Some(std::process::id())));
        first.mark_clean().unwrap();
        drop(first);
        assert_eq!(writer_alive(&layout), None);
        let (second, unclean) = WriterLock::take(&layout).unwrap();
        assert!(!unclean);
        drop(second);
        let (_third, unclean) = WriterLock::take(&layout).unwrap();
        assert!(unclean, "the second writer ended without marking it");
    }

    #[test]
    fn a_full_disk_does_not_hide_an_unclean_end() {
        let dir = tempfile::tempdir().unwrap();
        let layout = Layout::new(dir.path());
        drop(WriterLock::take(&layout).unwrap());
        faults::fail_next("lock write");
        assert!(matches!(WriterLock::take(&layout), Err(IndexError::Io { .. })));
        let (mut lock, unclean) = WriterLock::take(&layout).unwrap();
        assert!(unclean);
        lock.mark_clean().unwrap();
        drop(lock);
        assert!(!WriterLock::take(&layout).unwrap().1);
    }

    #[test]
    fn newer_formats_are_refused_and_damaged_numbers_repaired() {
        let dir = tempfile::tempdir().unwrap();
        let layout = Layout::new(dir.path());
        assert_eq!(layout.read_version().unwrap(), None);
        layout.ensure_version().unwrap();
        assert_eq!(layout.read_version().unwrap(), Some(FORMAT));
        std::fs::write(layout.version(), "999\n").unwrap();
        assert!(matches!(
            layout.ensure_version(),
            Err(IndexError::NewerFormat { found: 999, supported: FORMAT, .. })
        ));
        for damaged in ["?", "0", "-1", ""] {
            std::fs::write(layout.version(), damaged).unwrap();
            assert!(matches!(layout.read_version(), Err(IndexError::Damaged { .. })));
            layout.ensure_version().unwrap();
            assert_eq!(layout.read_version().unwrap(), Some(FORMAT));
        }
    }

    #[test]
    fn quarantine_keeps_the_newest_three() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("catalog");
        for _ in 0..6 {
            std::fs::create_dir(&path).unwrap();
            quarantine(&path).unwrap();
        }
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 3);
    }
}
