//! `lsearch open`: hands a document to the program for it, at a place if one is named.

use std::ffi::OsStr;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::find_document;
use crate::app::App;
use crate::args::OpenArgs;
use crate::errors::{CliError, EXIT_OK};
use crate::opening::{OPENER, Place, Preferences, opening};

/// What cannot be opened is told so soon; after that, a program runs.
const FAILS_WITHIN: Duration = Duration::from_secs(2);
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Opens the document's file.
pub fn run(app: &App, args: &OpenArgs) -> Result<u8, CliError> {
    let document = find_document(app, &args.document)?;
    let place = Place { page: args.page, line: args.line };
    let preferences = Preferences::find(&document.kind);
    opening(&document.path, &document.kind, &document.format, place, &preferences)?.run(false)?;
    Ok(EXIT_OK)
}

/// Hands something over and does not wait for its program, which may stay as long as its window.
pub fn hand_over(what: &OsStr) -> Result<(), CliError> {
    let mut command = Command::new(OPENER);
    command.arg(what).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().map_err(|error| {
        CliError::new(format!("cannot run {OPENER}: {error}"))
            .hint(format!("open it yourself: {}", what.to_string_lossy()))
    })?;
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
