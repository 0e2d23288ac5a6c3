//! One file a verb.

pub mod add;
pub mod completions;
pub mod config;
pub mod daemon;
pub mod doctor;
pub mod eval;
pub mod extract_worker;
pub mod folders;
pub mod get;
pub mod open;
pub mod rebuild;
pub mod remove;
pub mod retry;
pub mod search;
pub mod setup;
pub mod similar;
pub mod status;
mod why;

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use lsearch_index::{DocumentRef, IndexError, Reader, StoredDocument};
use lsearch_ingest::container_of;

use crate::app::App;
use crate::errors::CliError;
use crate::places::absolute;

/// The document a person means by `17`, `#17` or a path.
fn find_document(app: &App, wanted: &str) -> Result<StoredDocument, CliError> {
    let reader = Reader::open(&app.places.data)?;
    document_in(&reader, wanted)
}

/// The same in an open index.
pub fn document_in(reader: &Reader, wanted: &str) -> Result<StoredDocument, CliError> {
    find_in(reader, wanted)?.ok_or_else(|| {
        CliError::new(format!("{wanted}: no such document in the index"))
            .hint("search shows the numbers (#17) and paths of documents; `lsearch status` says what failed")
    })
}

/// The same; `None` where there is no such document.
fn find_in(reader: &Reader, wanted: &str) -> Result<Option<StoredDocument>, CliError> {
    let number = wanted.strip_prefix('#').unwrap_or(wanted);
    let by_id = match number.parse::<u64>() {
        Ok(id) if !Path::new(wanted).exists() => reader.document(DocumentRef::Id(id))?,
        _ => None,
    };
    if by_id.is_some() {
        return Ok(by_id);
    }
    let path = absolute(Path::new(wanted))?;
    let path = canonical(&path).unwrap_or(path);
    Ok(reader.document(DocumentRef::Path(&path))?)
}

/// The path without symbolic links; of a document that lies in a file, that of the file is.
fn canonical(path: &Path) -> Option<PathBuf> {
    if let Ok(canonical) = fs_err::canonicalize(path) {
        return Some(canonical);
    }
    let container = container_of(path)?;
    let mut canonical = fs_err::canonicalize(container).ok()?.into_os_string();
    let (all, outer) = (path.as_os_str().as_bytes(), container.as_os_str().as_bytes());
    canonical.push(OsStr::from_bytes(all.strip_prefix(outer)?));
    Some(PathBuf::from(canonical))
}

/// True for "nothing was ever indexed", which most verbs answer in their own way.
fn is_empty_index(error: &IndexError) -> bool {
    matches!(error, IndexError::Empty { .. })
}
