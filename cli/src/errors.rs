//! The one place where errors become a message, a hint and an exit code.

use std::fmt;
use std::path::Path;

use lsearch_engine::EngineError;
use lsearch_index::folders::Folders;
use lsearch_index::{IndexError, is_being_written};
use lsearch_ingest::IngestError;

/// Found, or done.
pub const EXIT_OK: u8 = 0;
/// The search ran and nothing matched.
pub const EXIT_NOTHING_FOUND: u8 = 1;
/// Something went wrong.
pub const EXIT_ERROR: u8 = 2;
/// Stopped by Ctrl-C, as shells report it.
pub const EXIT_INTERRUPTED: u8 = 130;

/// What a person is told when a command cannot be carried out.
#[derive(Debug)]
pub struct CliError {
    message: String,
    hint: Option<String>,
    exit_code: u8,
}

impl CliError {
    /// An error with exit code 2 and no hint.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None, exit_code: EXIT_ERROR }
    }

    /// Adds what the person can do about it.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same, unless something better is said already.
    fn or_hint(self, hint: &str) -> Self {
        if self.hint.is_some() { self } else { self.hint(hint) }
    }

    /// The same message with another exit code.
    pub fn exit_code(mut self, code: u8) -> Self {
        self.exit_code = code;
        self
    }

    /// Message, hint and exit code.
    pub fn into_parts(self) -> (String, Option<String>, u8) {
        (self.message, self.hint, self.exit_code)
    }

    /// The message without its hint.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What the person can do about it.
    pub fn hint_text(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// The exit code of the process.
    pub fn code(&self) -> u8 {
        self.exit_code
    }

    /// An I/O failure on a path.
    pub fn io(path: &Path, error: &std::io::Error) -> Self {
        let text = own_words(error);
        with_disk_hint(Self::new(format!("{}: {text}", path.display())), &text)
    }

    /// Someone pressed Ctrl-C.
    pub fn interrupted(message: impl Into<String>) -> Self {
        Self::new(message).exit_code(EXIT_INTERRUPTED)
    }
}

impl fmt::Display for CliError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if let Some(hint) = &self.hint {
            write!(f, "\n  {}", hint.replace('\n', "\n  "))?;
        }
        Ok(())
    }
}

impl std::error::Error for CliError {}

/// The messages of an error and everything that caused it, without repeating what the outer one says.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let message = cause.to_string();
        if !text.contains(&message) {
            text.push_str(": ");
            text.push_str(&message);
        }
        source = cause.source();
    }
    text
}

/// What the operating system said, without its number and without the path that some errors repeat.
fn own_words(error: &std::io::Error) -> String {
    let text = error.to_string();
    // As in: failed to open file `/x`: No such file or directory.
    let text = match text.split_once("`: ") {
        Some((about, words)) if about.matches('`').count() == 1 => words,
        _ => &text,
    };
    match text.split_once(" (os error ") {
        Some((words, _)) => words.to_owned(),
        None => text.to_owned(),
    }
}

fn with_disk_hint(error: CliError, text: &str) -> CliError {
    let lower = text.to_lowercase();
    if error.hint.is_some() {
        error
    } else if lower.contains("no space left")
        || lower.contains("storage full")
        || lower.contains("quota")
    {
        error.hint(
            "the disk is full: free some room and run the command again; what was indexed before is kept",
        )
    } else if lower.contains("read-only file system") {
        error.hint("the index needs a folder it can write: choose one with --data-dir DIR")
    } else if lower.contains("not a directory") {
        error.hint("what should be a folder on that path is a file")
    } else if lower.contains("permission denied") {
        error.hint("you may not read or write it: `ls -ld` shows whose it is, `chmod` and `chown` change that")
    } else {
        error
    }
}

impl From<IndexError> for CliError {
    fn from(error: IndexError) -> Self {
        let text = chain(&error);
        let cli = Self::new(&text);
        let cli = match &error {
            IndexError::Locked { .. } => cli.hint(
                "wait until it has finished (lsearch status --wait), or stop it with Ctrl-C there;\n\
                 searching works meanwhile",
            ),
            // A daemon that has no folders yet holds the index, too.
            IndexError::Empty { path }
                if is_being_written(path)
                    && Folders::load(path).is_ok_and(|list| !list.folders.is_empty()) =>
            {
                Self::new("nothing is indexed yet: the first files are being read just now").hint(
                    "search again in a moment; `lsearch status` tells how far it is",
                )
            }
            IndexError::Empty { .. } => Self::new("nothing is indexed yet").hint(
                "add a folder first: lsearch add ~/Documents\n(`lsearch` alone tells how to begin)",
            ),
            IndexError::Io { path, source } => Self::io(path, source),
            IndexError::Lexical { path, .. } if text.contains("acquire Lockfile") => Self::new(format!(
                "{}: the folder cannot be written, and an index is locked for a moment when it is opened",
                path.display()
            ))
            .hint(
                "let yourself write it (`lsearch doctor` tells how), or search a copy: --data-dir DIR",
            ),
            IndexError::Cancelled => {
                Self::interrupted("stopped; what was done is kept. Run the command again to go on")
            }
            // The one file that cannot be made from the others: it is never replaced in silence.
            IndexError::Damaged { path, .. } if path.ends_with("folders.json") => cli.hint(
                "mend the file, or move it away and add your folders again; nothing is encoded twice",
            ),
            IndexError::Damaged { path, .. } if error.is_of_another_release() => {
                CliError::new(format!("{} was made by another release of lsearch", path.display()))
                    .hint("`lsearch add` makes it anew from the stored texts: nothing is encoded again")
            }
            IndexError::Damaged { .. }
            | IndexError::Catalog { .. }
            | IndexError::Lexical { .. }
            | IndexError::Graph(_)
            | IndexError::UnknownContent { .. } => with_disk_hint(cli, &text).or_hint(
                "`lsearch add` mends the index; `lsearch rebuild` does if that is not enough",
            ),
            IndexError::NewerFormat { .. } => {
                cli.hint("use that release, or another folder with --data-dir DIR")
            }
            IndexError::Reopen { .. } => {
                cli.hint("run the command again; what was indexed before is kept")
            }
            _ => cli,
        };
        with_disk_hint(cli, &text)
    }
}

impl From<EngineError> for CliError {
    fn from(error: EngineError) -> Self {
        let text = chain(&error);
        let cli = Self::new(&text);
        let cli = match &error {
            EngineError::Cancelled => Self::interrupted("stopped"),
            EngineError::MemoryShort { .. } | EngineError::OutOfMemory { .. } => cli.hint(
                "close other programs and run the command again (searching by word works without: \
                 --mode keyword)",
            ),
            EngineError::CudaUnavailable { .. } => cli.hint(
                "`lsearch doctor` tells what the GPU lacks; --device cpu (or auto) does without it",
            ),
            _ => cli,
        };
        with_disk_hint(cli, &text)
    }
}

impl From<IngestError> for CliError {
    fn from(error: IngestError) -> Self {
        let text = chain(&error);
        with_disk_hint(Self::new(&text), &text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stop_on_request_is_no_error() {
        let error = CliError::from(IndexError::Cancelled);
        assert_eq!(error.code(), EXIT_INTERRUPTED);
        assert!(error.to_string().contains("again"), "{error}");
    }

    #[test]
    fn what_the_system_said_is_told_once_with_the_path_and_what_to_do() {
        let missing = fs_err::read("/nowhere/at/all").unwrap_err();
        let told = CliError::io(Path::new("/nowhere/at/all"), &missing).to_string();
        assert_eq!(told, "/nowhere/at/all: No such file or directory");
        let denied = std::io::Error::from_raw_os_error(13);
        let told = CliError::io(Path::new("/data"), &denied).to_string();
        assert!(told.starts_with("/data: Permission denied\n") && told.contains("chown"), "{told}");
        let path = || "/data/LOCK".into();
        let index = CliError::from(IndexError::Io { path: path(), source: denied });
        assert!(index.to_string().contains("ls -ld"), "{index}");
    }

    #[test]
    fn damage_comes_with_what_to_do() {
        let damaged = |path: &str| {
            let (path, reason) = (path.into(), "checksum differs".to_owned());
            CliError::from(IndexError::Damaged { path, reason }).to_string()
        };
        let index = damaged("/data/lexical");
        assert!(index.contains("/data/lexical") && index.contains("lsearch rebuild"), "{index}");
        let folders = damaged("/data/folders.json");
        assert!(folders.contains("add your folders again"), "{folders}");
    }
}
