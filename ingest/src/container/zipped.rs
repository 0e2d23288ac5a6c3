//! Zip archives.

use std::io::{Read, Seek};
use std::path::Path;

use zip::ZipArchive;
use zip::result::ZipError;

use super::traversal::{Entry, Stop, Traversal};
use crate::{FailReason, Outcome, SkipReason};

/// Whether a file begins as an archive that a person packed, and not as one of the many formats that are zip archives
/// within.
pub(super) fn is_archive(head: &[u8]) -> bool {
    if head.starts_with(b"PK\x05\x06") {
        return true;
    }
    if !head.starts_with(b"PK\x03\x04") {
        return false;
    }
    // The name of the first entry stands 30 bytes in.
    const OF_FORMATS: [&[u8]; 6] = [
        b"mimetype",
        b"[Content_Types].xml",
        b"META-INF/",
        b"_rels/",
        b"docProps/",
        b"AndroidManifest",
    ];
    let name = head.get(30..).unwrap_or_default();
    !OF_FORMATS.iter().any(|known| name.starts_with(known))
}

/// Hands over the files in it. `Err` when something ends the whole traversal; otherwise what is wrong with the archive
/// itself, if anything is.
pub(super) fn read(
    traversal: &mut Traversal<'_>,
    at: &Path,
    depth: u32,
    archive: impl Read + Seek,
) -> Result<Option<FailReason>, Stop> {
    let mut archive = match ZipArchive::new(archive) {
        Ok(archive) => archive,
        Err(error) => return Ok(Some(damaged(&error))),
    };
    let mut failure = None;
    for index in 0..archive.len() {
        // First without its contents: those of an encrypted file cannot be opened.
        let (name, size_bytes, encrypted) = match archive.by_index_raw(index) {
            Ok(file) if file.is_dir() || file.is_symlink() => continue,
            Ok(file) => {
                // Names are UTF-8 far more often than they say so.
                let raw = file.name_raw();
                let name = match (std::str::from_utf8(raw), file.name()) {
                    (Err(_), Ok(name)) => name.into_owned().into_bytes(),
                    _ => raw.to_vec(),
                };
                (name, file.size(), file.encrypted())
            }
            Err(error) => {
                traversal.within_budget()?;
                failure = Some(damaged(&error));
                continue;
            }
        };
        // Windows' own way to divide a path, which zip does not allow and some programs write.
        let name = if name.contains(&b'/') { name } else { with_slashes(name) };
        let entry = Entry { name: &name, size_bytes, format: "zip" };
        if encrypted {
            traversal.unread(at, entry, Outcome::Skipped(SkipReason::Encrypted))?;
            continue;
        }
        match archive.by_index(index) {
            Ok(mut file) => traversal.member(at, depth, entry, &mut file)?,
            Err(error) => traversal.unread(at, entry, Outcome::Failed(damaged(&error)))?,
        }
    }
    Ok(failure)
}

fn with_slashes(name: Vec<u8>) -> Vec<u8> {
    name.into_iter().map(|byte| if byte == b'\\' { b'/' } else { byte }).collect()
}

fn damaged(error: &ZipError) -> FailReason {
    FailReason::Damaged { format: "zip".to_owned(), detail: error.to_string() }
}
