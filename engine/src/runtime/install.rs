//! Fetching pinned packages with pip, from whatever index pip is set up for.

use std::path::{Path, PathBuf};

use super::packages::{self, Member, Package, Pinned};
use super::{pip, wheel};
use crate::bundle::sha256_of_file;
use crate::error::EngineError;

/// Bytes that fetching `package` takes from the network on this platform.
///
/// # Errors
/// [`EngineError::PlatformUnsupported`].
pub fn download_bytes(package: Package) -> Result<u64, EngineError> {
    Ok(packages::pinned(package)?.wheel_bytes)
}

/// Bytes that `package` takes on disk on this platform.
///
/// # Errors
/// [`EngineError::PlatformUnsupported`].
pub fn installed_bytes(package: Package) -> Result<u64, EngineError> {
    Ok(packages::pinned(package)?.members.iter().map(|member| member.bytes).sum())
}

/// Puts the CPU build of ONNX Runtime into `dest_folder` and returns its library file.
/// See [`install_package`].
///
/// # Errors
/// As [`install_package`].
pub fn install(
    dest_folder: &Path,
    python: &Path,
    progress: &dyn Fn(&str),
) -> Result<PathBuf, EngineError> {
    install_package(Package::Cpu, dest_folder, python, progress)
}

/// Where [`install_package`] puts a package's files.
///
/// # Errors
/// [`EngineError::PlatformUnsupported`].
pub fn package_folder(package: Package, dest_folder: &Path) -> Result<PathBuf, EngineError> {
    Ok(folder_of(packages::pinned(package)?, dest_folder))
}

/// Whether every file of a package is there and whole. Reads all of them.
///
/// # Errors
/// [`EngineError::PlatformUnsupported`].
pub fn is_installed(package: Package, dest_folder: &Path) -> Result<bool, EngineError> {
    let pinned = packages::pinned(package)?;
    Ok(is_whole(&folder_of(pinned, dest_folder), pinned))
}

/// Puts a pinned package into `dest_folder/<package>-<version>/` and returns its (first) library
/// file. What is there already and whole is kept; nothing is left half written.
///
/// `python` fetches the package (`python -m pip download`), so that proxies, mirrors and
/// certificates are those the user has set up for pip. The package and each file taken out of it
/// must have the pinned length and sha256. `progress` hears of each step, in words.
///
/// # Errors
/// When the platform has no package, Python or pip fails (with what pip said and what to do), the
/// package is not the pinned one, or the folder cannot be written.
pub fn install_package(
    package: Package,
    dest_folder: &Path,
    python: &Path,
    progress: &dyn Fn(&str),
) -> Result<PathBuf, EngineError> {
    install_pinned(packages::pinned(package)?, package.title(), dest_folder, python, progress)
}

fn install_pinned(
    pinned: &Pinned,
    title: &str,
    dest_folder: &Path,
    python: &Path,
    progress: &dyn Fn(&str),
) -> Result<PathBuf, EngineError> {
    let folder = folder_of(pinned, dest_folder);
    let library = folder.join(pinned.members[0].file_name());
    if is_whole(&folder, pinned) {
        return Ok(library);
    }
    fs_err::create_dir_all(&folder)?;
    let _lock = lock(dest_folder, progress);
    if is_whole(&folder, pinned) {
        // Fetched by another process meanwhile.
        return Ok(library);
    }
    let temporary = tempfile::Builder::new().prefix(TEMPORARY).tempdir_in(dest_folder)?;
    progress(&format!(
        "fetching {title} {} ({} MB)",
        pinned.version,
        pinned.wheel_bytes.div_ceil(1_000_000)
    ));
    let saved = pip::download(pinned, python, temporary.path())?;
    progress("checking it");
    wheel::check(&saved, pinned)?;
    progress("unpacking it");
    let mut archive = wheel::open(&saved)?;
    // The library comes last: where it stands, what it needs beside it stands too.
    for member in pinned.members.iter().rev() {
        wheel::unpack(&mut archive, &saved, member, temporary.path(), &folder)?;
    }
    sync_folder(&folder)?;
    Ok(library)
}

/// Start of the names of folders with fetches under way.
const TEMPORARY: &str = ".fetch-";

/// Waits for other fetches into this folder and removes what one left that was killed: that can be
/// hundreds of megabytes. Where files cannot be locked, neither is done.
fn lock(dest_folder: &Path, progress: &dyn Fn(&str)) -> Option<std::fs::File> {
    let file = std::fs::File::create(dest_folder.join(".lock")).ok()?;
    match file.try_lock() {
        Ok(()) => {}
        Err(std::fs::TryLockError::WouldBlock) => {
            progress("waiting for another process that is fetching");
            file.lock().ok()?;
        }
        Err(std::fs::TryLockError::Error(_)) => return None,
    }
    for entry in fs_err::read_dir(dest_folder).ok()?.flatten() {
        if entry.file_name().to_string_lossy().starts_with(TEMPORARY) {
            // What cannot be removed is only in the way of the disk.
            let _ = fs_err::remove_dir_all(entry.path());
        }
    }
    Some(file)
}

fn folder_of(pinned: &Pinned, dest_folder: &Path) -> PathBuf {
    dest_folder.join(format!("{}-{}", pinned.name, pinned.version))
}

fn is_whole(folder: &Path, pinned: &Pinned) -> bool {
    let right_length = |member: &Member| {
        let metadata = folder.join(member.file_name()).metadata();
        metadata.is_ok_and(|metadata| metadata.len() == member.bytes)
    };
    let right_content = |member: &Member| {
        let sha256 = sha256_of_file(&folder.join(member.file_name()));
        sha256.is_ok_and(|sha256| sha256 == member.sha256)
    };
    // Cheap signs first: the files are large.
    pinned.members.iter().all(right_length) && pinned.members.iter().all(right_content)
}

/// Makes renames in a folder durable; only Unix lets a folder be synced.
fn sync_folder(folder: &Path) -> Result<(), EngineError> {
    if cfg!(unix) {
        fs_err::File::open(folder)?.sync_all()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use sha2::{Digest, Sha256};

    use super::*;

    #[test]
    fn a_missing_python_is_named_with_the_way_out() {
        let dir = tempfile::tempdir().unwrap();
        let error = install(dir.path(), Path::new("/nonexistent/python3"), &|_| {}).unwrap_err();
        assert!(matches!(error, EngineError::PythonUnusable { .. }), "{error}");
        assert!(error.to_string().contains("/nonexistent/python3"), "{error}");
        let left: Vec<_> = fs_err::read_dir(dir.path()).unwrap().flatten().collect();
        assert!(left.iter().all(|entry| !entry.file_name().to_string_lossy().contains("fetch")));
    }

    #[cfg(unix)]
    #[test]
    fn a_failing_pip_is_quoted() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let python = dir.path().join("python");
        fs_err::write(
            &python,
            "#!/bin/sh\necho '/usr/bin/python: No module named pip' >&2\nexit 1\n",
        )
        .unwrap();
        fs_err::set_permissions(&python, std::fs::Permissions::from_mode(0o755)).unwrap();
        let error = install(&dir.path().join("rt"), &python, &|_| {}).unwrap_err().to_string();
        assert!(error.contains("No module named pip") && error.contains("ensurepip"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn pip_does_not_run_among_the_users_files() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let python = dir.path().join("python");
        fs_err::write(&python, "#!/bin/sh\npwd >&2\nexit 1\n").unwrap();
        fs_err::set_permissions(&python, std::fs::Permissions::from_mode(0o755)).unwrap();
        let error = install(&dir.path().join("rt"), &python, &|_| {}).unwrap_err();
        let EngineError::PipFailed { stderr_tail, .. } = error else { panic!("{error}") };
        assert!(stderr_tail.contains("/rt/.fetch-"), "{stderr_tail}");
    }

    #[cfg(unix)]
    #[test]
    fn a_wheel_of_other_content_is_refused_and_nothing_is_left() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let python = dir.path().join("python");
        // A Python that "downloads" a file which is not the pinned wheel.
        let script = "#!/bin/sh\nwhile [ \"$1\" != --dest ]; do shift; done\n\
                      echo other > \"$2/onnxruntime-1.32.0-cp312.whl\"\n";
        fs_err::write(&python, script).unwrap();
        fs_err::set_permissions(&python, std::fs::Permissions::from_mode(0o755)).unwrap();
        let dest = dir.path().join("rt");
        let error = install(&dest, &python, &|_| {}).unwrap_err();
        assert!(matches!(error, EngineError::FileSize { found: 6, .. }), "{error}");
        let candidates = super::super::Candidates { folders: vec![dest], ..Default::default() };
        assert_eq!(super::super::find(&candidates).unwrap(), None);
    }

    /// A package of one file, and a Python that "downloads" it and counts how often.
    #[cfg(unix)]
    fn small_package(dir: &Path) -> (Pinned, PathBuf) {
        use std::os::unix::fs::PermissionsExt;
        let sha256 = |bytes: &[u8]| -> String {
            Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
        };
        let content = b"a library";
        let wheel = dir.join("wheel");
        let mut archive = zip::ZipWriter::new(fs_err::File::create(&wheel).unwrap());
        archive.start_file("some/libsmall.so.1", zip::write::SimpleFileOptions::default()).unwrap();
        archive.write_all(content).unwrap();
        archive.finish().unwrap();
        let bytes = fs_err::read(&wheel).unwrap();
        let member = Member {
            path: "some/libsmall.so.1",
            bytes: content.len() as u64,
            sha256: sha256(content).leak(),
        };
        let pinned = Pinned {
            name: "small",
            version: "1.0",
            platform: "any",
            wheel_sha256: sha256(&bytes).leak(),
            wheel_bytes: bytes.len() as u64,
            members: vec![member].leak(),
        };
        let python = dir.join("python");
        let script = format!(
            "#!/bin/sh\nwhile [ \"$1\" != --dest ]; do shift; done\n\
             echo x >> '{0}/runs'\ncp '{0}/wheel' \"$2/small-1.0.whl\"\n",
            dir.display()
        );
        fs_err::write(&python, script).unwrap();
        fs_err::set_permissions(&python, std::fs::Permissions::from_mode(0o755)).unwrap();
        (pinned, python)
    }

    #[cfg(unix)]
    #[test]
    fn what_is_whole_is_kept_and_what_is_damaged_fetched_again() {
        let dir = tempfile::tempdir().unwrap();
        let (pinned, python) = small_package(dir.path());
        let dest = dir.path().join("rt");
        let runs = || fs_err::read_to_string(dir.path().join("runs")).unwrap().lines().count();
        let install = || install_pinned(&pinned, "it", &dest, &python, &|_| {}).unwrap();
        let library = install();
        assert_eq!(library, dest.join("small-1.0/libsmall.so.1"));
        assert_eq!((fs_err::read(&library).unwrap(), runs()), (b"a library".to_vec(), 1));
        install();
        assert_eq!(runs(), 1);
        // Of the same length: only the content tells.
        fs_err::write(&library, b"a libbary").unwrap();
        install();
        assert_eq!((fs_err::read(&library).unwrap(), runs()), (b"a library".to_vec(), 2));
    }

    #[cfg(unix)]
    #[test]
    fn what_a_killed_fetch_left_is_removed_by_the_next_one() {
        let dir = tempfile::tempdir().unwrap();
        let (pinned, python) = small_package(dir.path());
        let dest = dir.path().join("rt");
        fs_err::create_dir_all(dest.join(".fetch-dead/more")).unwrap();
        fs_err::create_dir_all(dest.join("other")).unwrap();
        install_pinned(&pinned, "it", &dest, &python, &|_| {}).unwrap();
        assert!(!dest.join(".fetch-dead").exists() && dest.join("other").exists());
    }
}
