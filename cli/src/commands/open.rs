//! `lsearch open`: hands a document to the desktop.

use std::process::{Command, Stdio};

use lsearch_ingest::container_of;

use super::find_document;
use crate::app::App;
use crate::args::OpenArgs;
use crate::errors::{CliError, EXIT_OK};

/// The desktop's opener.
const OPENER: &str = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };

/// Opens the document's file.
pub fn run(app: &App, args: &OpenArgs) -> Result<u8, CliError> {
    let document = find_document(app, &args.document)?;
    // What lies in a file is opened with the file.
    let path = match container_of(&document.path) {
        Some(container) if !document.path.exists() => container,
        _ => &document.path,
    };
    if !path.exists() {
        return Err(CliError::new(format!("{}: the file is not there now", path.display())).hint(
            "`lsearch add` brings the index up to date; `lsearch get` still prints its text",
        ));
    }
    let status = Command::new(OPENER).arg(path).stdin(Stdio::null()).status().map_err(|error| {
        CliError::new(format!("cannot run {OPENER}: {error}"))
            .hint(format!("open it yourself: {}", path.display()))
    })?;
    if !status.success() {
        return Err(CliError::new(format!("{OPENER} could not open {}", path.display())));
    }
    Ok(EXIT_OK)
}
