//! The daemon's log: a file that never grows large.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use jiff::ZonedDateTime;

use super::locked;
use crate::places::create_private;

/// From this size on a new file is begun.
const FILE_BYTES: u64 = 1_000_000;
/// So many older files are kept.
const KEPT: u32 = 3;

/// Where the log of a state folder is written.
pub fn path(state: &Path, socket: &Path) -> PathBuf {
    // Each daemon has a log of its own, named as its socket.
    state.join(socket.file_name().unwrap_or_default()).with_extension("log")
}

/// A log file, or stderr where none can be written.
pub struct Log {
    path: PathBuf,
    open: Mutex<Open>,
    /// Whether a person or a service manager reads stderr, too.
    echo: bool,
}

#[derive(Default)]
struct Open {
    file: Option<File>,
    bytes: u64,
}

impl Log {
    /// Appends to the file, which is made when the first line is written.
    pub fn new(path: PathBuf, echo: bool) -> Self {
        Self { path, open: Mutex::default(), echo }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a line with the time before it. A log that cannot be written never stops the daemon.
    pub fn line(&self, text: &str) {
        if self.echo {
            anstream::eprintln!("{text}");
        }
        // Colours are for terminals, and a second line would look like an entry of its own.
        let plain = anstream::adapter::strip_str(text).to_string().replace('\n', "\n    ");
        let line = format!("{} {plain}\n", ZonedDateTime::now().strftime("%Y-%m-%d %H:%M:%S"));
        let mut open = locked(&self.open);
        if open.bytes >= FILE_BYTES || !self.path.exists() {
            *open = self.next_file(open.bytes >= FILE_BYTES);
        }
        if open.file.is_none() {
            *open = self.next_file(false);
        }
        if let Some(file) = &mut open.file
            && file.write_all(line.as_bytes()).is_ok()
        {
            open.bytes += line.len() as u64;
        }
    }

    fn next_file(&self, full: bool) -> Open {
        if full {
            let numbered = |number: u32| PathBuf::from(format!("{}.{number}", self.path.display()));
            for number in (1..KEPT).rev() {
                let _ = std::fs::rename(numbered(number), numbered(number + 1));
            }
            let _ = std::fs::rename(&self.path, numbered(1));
        }
        if let Some(folder) = self.path.parent() {
            let _ = create_private(folder);
        }
        let mut options = OpenOptions::new();
        options.append(true).create(true);
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&self.path).ok();
        let bytes = file.as_ref().and_then(|file| file.metadata().ok()).map_or(0, |is| is.len());
        Open { file, bytes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_begins_anew_before_it_grows_large_and_survives_removal() {
        let folder = tempfile::tempdir().unwrap();
        let log = Log::new(folder.path().join("deep/daemon.log"), false);
        let text = "x".repeat(100_000);
        for _ in 0..60 {
            log.line(&text);
        }
        let mut files: Vec<_> = std::fs::read_dir(folder.path().join("deep"))
            .unwrap()
            .map(|entry| entry.unwrap())
            .collect();
        files.sort_by_key(std::fs::DirEntry::file_name);
        assert_eq!(files.len(), 1 + KEPT as usize);
        assert!(files.iter().all(|file| file.metadata().unwrap().len() < 1_200_000));
        std::fs::remove_dir_all(folder.path().join("deep")).unwrap();
        log.line("a\n\u{1b}[31mb\u{1b}[0m");
        let text = std::fs::read_to_string(log.path()).unwrap();
        assert!(text.ends_with(" a\n    b\n"), "{text}");
    }
}
