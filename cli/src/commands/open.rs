//! `lsearch open`: hands a document to the desktop.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use lsearch_ingest::container_of;

use super::find_document;
use crate::app::App;
use crate::args::OpenArgs;
use crate::errors::{CliError, EXIT_OK};

/// The desktop's opener.
const OPENER: &str = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };

/// What cannot be opened is told so soon; after that, a program runs.
const FAILS_WITHIN: Duration = Duration::from_secs(2);
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Opens the document's file.
pub fn run(app: &App, args: &OpenArgs) -> Result<u8, CliError> {
    let document = find_document(app, &args.document)?;
    let path = file_of(&document.path)?;
    let status =
        opener(path.as_os_str()).status().map_err(|error| cannot_run(path.as_os_str(), &error))?;
    if !status.success() {
        return Err(CliError::new(format!("{OPENER} could not open {}", path.display())));
    }
    Ok(EXIT_OK)
}

/// Hands something over and does not wait for its program, which may stay as long as its window.
pub fn hand_over(what: &OsStr) -> Result<(), CliError> {
    let mut child = opener(what)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| cannot_run(what, &error))?;
    let until = Instant::now() + FAILS_WITHIN;
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(()),
            Ok(Some(_)) => {
                let what = what.to_string_lossy();
                return Err(CliError::new(format!("{OPENER} could not open {what}")));
            }
            Ok(None) if Instant::now() < until => std::thread::sleep(LOOK_EVERY),
            // Someone has to ask how it ended when it does.
            Ok(None) | Err(_) => {
                std::thread::spawn(move || child.wait());
                return Ok(());
            }
        }
    }
}

/// The file on the disk that holds a document.
pub fn file_of(document: &Path) -> Result<&Path, CliError> {
    // What lies in a file is opened with the file.
    let path = match container_of(document) {
        Some(container) if !document.exists() => container,
        _ => document,
    };
    if !path.exists() {
        return Err(CliError::new(format!("{}: the file is not there now", path.display())).hint(
            "`lsearch add` brings the index up to date; `lsearch get` still prints its text",
        ));
    }
    Ok(path)
}

fn opener(what: &OsStr) -> Command {
    let mut command = Command::new(OPENER);
    command.arg(what).stdin(Stdio::null());
    command
}

fn cannot_run(what: &OsStr, error: &std::io::Error) -> CliError {
    CliError::new(format!("cannot run {OPENER}: {error}"))
        .hint(format!("open it yourself: {}", what.to_string_lossy()))
}
