//! Paths of members.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Longest part of a member's path that is kept, in bytes; file systems allow no more either.
const MAX_PART_BYTES: usize = 255;
/// Most parts that are kept.
const MAX_PARTS: usize = 64;

/// The path of a member: `name` is its own path in the container, as the container has it. `None` when nothing of
/// the name is left.
///
/// The name is made one that stays below the container: no root, no `..`, no empty parts, no NUL.
pub fn member_path(container: &Path, name: &[u8]) -> Option<PathBuf> {
    let parts = name
        .split(|byte| *byte == b'/')
        .filter(|part| !part.is_empty() && *part != b".")
        .take(MAX_PARTS);
    let mut path = container.as_os_str().to_owned();
    path.push("!");
    let mut path = PathBuf::from(path);
    let mut any = false;
    for part in parts {
        let part: Vec<u8> = match part {
            b".." => b"__".to_vec(),
            part => part.iter().map(|byte| if *byte == 0 { b'_' } else { *byte }).collect(),
        };
        path.push(OsStr::from_bytes(cut(&part)));
        any = true;
    }
    any.then_some(path)
}

/// The part, or as much of it as is kept, whole characters of it where it is UTF-8.
fn cut(part: &[u8]) -> &[u8] {
    if part.len() <= MAX_PART_BYTES {
        return part;
    }
    let end = match std::str::from_utf8(part) {
        Ok(text) => text.floor_char_boundary(MAX_PART_BYTES),
        Err(_) => MAX_PART_BYTES,
    };
    &part[..end]
}

/// The outermost container of a path that has the form of a member's, the file that lies on the disk.
///
/// A folder may also be called `x!`: what this gives need not be there.
pub fn container_of(path: &Path) -> Option<&Path> {
    let bytes = path.as_os_str().as_bytes();
    let at = bytes.windows(2).position(|two| two == b"!/")?;
    let container = &bytes[..at];
    let named = container.last().is_some_and(|last| *last != b'/');
    named.then(|| Path::new(OsStr::from_bytes(container)))
}
