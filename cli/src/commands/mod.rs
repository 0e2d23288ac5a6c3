//! One file a verb.

pub mod add;
mod ahead;
pub mod completions;
pub mod config;
pub mod daemon;
pub mod doctor;
pub mod eval;
pub mod extract_worker;
pub mod folders;
pub mod get;
pub mod glance;
pub mod manual;
pub mod model;
pub mod open;
pub mod rebuild;
pub mod remove;
pub mod retry;
pub mod search;
pub mod setup;
pub mod similar;
pub mod status;
pub mod version;
mod why;

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use lsearch_index::{DocumentRef, IndexError, Reader, StoredDocument};
use lsearch_ingest::container_of;

use crate::app::App;
use crate::errors::CliError;
use crate::nearest::nearest;
use crate::places::absolute;

/// Documents that are offered in the place of one that is none.
const NEAR_SHOWN: usize = 3;

/// The document a person means by `17`, `#17` or a path.
fn find_document(app: &App, wanted: &str) -> Result<StoredDocument, CliError> {
    let reader = Reader::open(&app.places.data)?;
    document_in(&reader, wanted)
}

/// The same in an open index.
pub fn document_in(reader: &Reader, wanted: &str) -> Result<StoredDocument, CliError> {
    find_in(reader, wanted)?.ok_or_else(|| {
        CliError::new(format!("{wanted}: no such document in the index"))
            .hint(advice_on_document(reader, wanted))
    })
}

/// What to do about a document that is none.
pub fn advice_on_document(reader: &Reader, wanted: &str) -> String {
    if Path::new(wanted).is_dir() {
        return "that is a folder: name one document of it, by its path or its number (#17)"
            .to_owned();
    }
    if Path::new(wanted).exists() {
        return format!(
            "the file is there, but not indexed: `lsearch folders --why {wanted}` tells why"
        );
    }
    let near = near_documents(reader, wanted);
    if near.is_empty() {
        return "search shows the numbers (#17) and paths of documents; `lsearch status` says what failed"
            .to_owned();
    }
    let shown: Vec<String> = near.iter().map(|path| path.display().to_string()).collect();
    format!("did you mean {}?", shown.join("\n  or "))
}

/// Documents whose names are like one that is none.
fn near_documents(reader: &Reader, wanted: &str) -> Vec<PathBuf> {
    let Some(name) = Path::new(wanted).file_name().and_then(OsStr::to_str) else {
        return Vec::new();
    };
    // Only an advice hangs on it.
    let Ok(paths) = reader.paths() else { return Vec::new() };
    let name_of = |path: &PathBuf| path.file_name().map(|name| name.to_string_lossy().into_owned());
    let names: BTreeSet<String> = paths.iter().filter_map(name_of).collect();
    let stems =
        || names.iter().filter_map(|name| Some((Path::new(name).file_stem()?.to_str()?, name)));
    let near = match nearest(name, names.iter().map(String::as_str)) {
        Some(near) => near.to_owned(),
        // `lease` for `lease.pdf`.
        None => match nearest(name, stems().map(|(stem, _)| stem)) {
            Some(near) => stems()
                .find(|(stem, _)| *stem == near)
                .map_or_else(String::new, |(_, name)| name.clone()),
            None => return Vec::new(),
        },
    };
    let is_there = |path: &PathBuf| matches!(reader.document(DocumentRef::Path(path)), Ok(Some(_)));
    let near = paths.into_iter().filter(|path| name_of(path).as_deref() == Some(near.as_str()));
    near.filter(is_there).take(NEAR_SHOWN).collect()
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
