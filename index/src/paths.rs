//! Paths as bytes: the order and prefixes that the catalog scans by.

use std::path::{Path, PathBuf};

/// The path's bytes, from which [`path_from_bytes`] makes the same path again.
pub(crate) fn path_bytes(path: &Path) -> &[u8] {
    // `as_encoded_bytes` is the exact bytes on Unix and a superset of UTF-8 elsewhere.
    path.as_os_str().as_encoded_bytes()
}

/// The path of [`path_bytes`].
pub(crate) fn path_from_bytes(bytes: &[u8]) -> PathBuf {
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt;
        PathBuf::from(std::ffi::OsStr::from_bytes(bytes))
    }
    // Elsewhere a name that is not Unicode comes back with replacement characters.
    #[cfg(not(unix))]
    PathBuf::from(String::from_utf8_lossy(bytes).into_owned())
}

/// The bytes that every path below `folder` begins with.
pub(crate) fn below(folder: &Path) -> Vec<u8> {
    let mut prefix = path_bytes(folder).to_vec();
    let separator = std::path::MAIN_SEPARATOR as u8;
    if prefix.last() != Some(&separator) {
        prefix.push(separator);
    }
    prefix
}

/// The file on the disk that holds the document at a path, where the path has the form of one that lies in another
/// file (`/a/b.zip!/c.txt`). A folder may also be called `x!`: the file need not be there.
pub(crate) fn container_of(path: &[u8]) -> Option<&[u8]> {
    path.windows(2).position(|two| two == b"!/").map(|at| &path[..at])
}

/// 64 bits that stand for a path in the lexical index.
pub(crate) fn path_hash(path: &Path) -> u64 {
    short_hash("lsearch path, version 1", path_bytes(path))
}

/// The first 64 bits of BLAKE3 in a domain of its own.
pub(crate) fn short_hash(domain: &str, bytes: &[u8]) -> u64 {
    let mut hasher = blake3::Hasher::new_derive_key(domain);
    hasher.update(bytes);
    let hash = hasher.finalize();
    u64::from_le_bytes(hash.as_bytes()[..8].try_into().expect("8 bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_outermost_container_is_the_file() {
        assert_eq!(container_of(b"/a/b.zip!/c.tar!/d"), Some(&b"/a/b.zip"[..]));
        assert_eq!(container_of(b"/a/b.zip!"), None);
    }

    #[test]
    fn below_ends_in_one_separator() {
        assert_eq!(below(Path::new("/a/b")), b"/a/b/");
        assert_eq!(below(Path::new("/")), b"/");
    }
}
