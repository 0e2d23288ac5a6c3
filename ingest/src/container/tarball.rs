//! Tar archives.

use std::io::Read;
use std::path::Path;

use super::traversal::{Entry, Stop, Traversal};
use crate::FailReason;

/// Whether a file begins as one; those of before 1988 can only be told by their name.
pub(super) fn is_archive(head: &[u8]) -> bool {
    head.get(257..262).is_some_and(|magic| magic == b"ustar")
}

/// Hands over the files in it. `Err` when something ends the whole traversal; otherwise what is wrong with the archive
/// itself, if anything is.
pub(super) fn read(
    traversal: &mut Traversal<'_>,
    at: &Path,
    depth: u32,
    archive: impl Read,
) -> Result<Option<FailReason>, Stop> {
    let damaged = |detail: String| FailReason::Damaged { format: "tar".to_owned(), detail };
    let mut archive = tar::Archive::new(archive);
    let entries = match archive.entries() {
        Ok(entries) => entries,
        Err(error) => return Ok(Some(damaged(error.to_string()))),
    };
    for entry in entries {
        let mut entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                traversal.within_budget()?;
                return Ok(Some(damaged(error.to_string())));
            }
        };
        // Links, devices and pipes are passed over: what they point to is not in the archive.
        if !matches!(
            entry.header().entry_type(),
            tar::EntryType::Regular | tar::EntryType::Continuous | tar::EntryType::GNUSparse
        ) {
            continue;
        }
        let name = entry.path_bytes().into_owned();
        // A folder in the manner of the oldest archives.
        if name.ends_with(b"/") {
            continue;
        }
        let size_bytes = entry.size();
        traversal.member(
            at,
            depth,
            Entry { name: &name, size_bytes, format: "tar" },
            &mut entry,
        )?;
    }
    Ok(None)
}
