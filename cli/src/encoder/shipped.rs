//! The encoder that travels inside the binary, unpacked into the data folder on first need.

use std::io::Write;
use std::path::{Path, PathBuf};

use crate::errors::CliError;

mod files {
    include!(concat!(env!("OUT_DIR"), "/shipped_encoder.rs"));
}

pub use files::NAME;

/// The folder of the shipped encoder under `encoders`, unpacked if it is not there or not whole.
///
/// # Errors
/// When the folder cannot be written; what was there before stays as it was.
pub fn unpack(encoders: &Path) -> Result<PathBuf, CliError> {
    let folder = encoders.join(NAME);
    if is_whole(&folder) {
        return Ok(folder);
    }
    fs_err::create_dir_all(encoders).map_err(|error| CliError::io(encoders, &error))?;
    let fresh = encoders.join(format!(".{NAME}.{}", std::process::id()));
    let written = write_all(&fresh).and_then(|()| {
        if folder.exists() {
            fs_err::remove_dir_all(&folder)?;
        }
        fs_err::rename(&fresh, &folder)
    });
    if let Err(error) = written {
        // What is left of the attempt is of no use to anyone; the error says what went wrong.
        let _ = fs_err::remove_dir_all(&fresh);
        // Another process may have unpacked the same files between our look and our rename.
        if !is_whole(&folder) {
            return Err(CliError::io(&folder, &error));
        }
    }
    Ok(folder)
}

/// True when every file stands there with the length it has in the binary, and the manifest is ours.
fn is_whole(folder: &Path) -> bool {
    files::FILES.iter().all(|(name, contents)| {
        let path = folder.join(name);
        if *name == "manifest.json" {
            return fs_err::read(&path).is_ok_and(|found| found == *contents);
        }
        fs_err::metadata(&path).is_ok_and(|found| found.len() == contents.len() as u64)
    })
}

fn write_all(folder: &Path) -> std::io::Result<()> {
    fs_err::create_dir_all(folder)?;
    for (name, contents) in files::FILES {
        let mut file = fs_err::File::create(folder.join(name))?;
        file.write_all(contents)?;
        file.sync_all()?;
    }
    fs_err::File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_truncated_file_is_written_again() {
        let data = tempfile::tempdir().unwrap();
        let folder = unpack(data.path()).unwrap();
        let (name, contents) =
            files::FILES.iter().find(|(name, _)| *name != "manifest.json").copied().unwrap();
        fs_err::write(folder.join(name), b"cut").unwrap();
        assert_eq!(unpack(data.path()).unwrap(), folder);
        assert_eq!(fs_err::read(folder.join(name)).unwrap(), contents);
    }
}
