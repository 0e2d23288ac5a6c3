//! Fetching ONNX Runtime with pip, from whatever index pip is set up for.

use std::ffi::OsStr;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use sha2::{Digest, Sha256};

use super::packages::{self, Member, Package, Pinned};
use crate::bundle::sha256_of_file;
use crate::error::EngineError;

/// Bytes that fetching `package` takes from the network on this platform.
///
/// # Errors
/// [`EngineError::PlatformUnsupported`].
pub fn download_bytes(package: Package) -> Result<u64, EngineError> {
    Ok(packages::pinned(package)?.wheel_bytes)
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

/// Puts a pinned build of ONNX Runtime into `dest_folder/<package>-<version>/` and returns its
/// library file. What is there already and whole is kept; nothing is left half written.
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
    let pinned = packages::pinned(package)?;
    let folder = dest_folder.join(format!("{}-{}", pinned.name, pinned.version));
    let library = folder.join(pinned.members[0].file_name());
    if pinned.members.iter().all(|member| is_whole(&folder, member)) {
        return Ok(library);
    }
    fs_err::create_dir_all(&folder)?;
    let temporary = tempfile::Builder::new().prefix(".fetch-").tempdir_in(dest_folder)?;
    progress(&format!(
        "fetching ONNX Runtime {} ({} MB)",
        pinned.version,
        pinned.wheel_bytes.div_ceil(1_000_000)
    ));
    let wheel = download(pinned, python, temporary.path())?;
    progress("checking it");
    check_wheel(&wheel, pinned)?;
    progress("unpacking it");
    let mut archive = open_archive(&wheel)?;
    // The library comes last: where it stands, what it needs beside it stands too.
    for member in pinned.members.iter().rev() {
        unpack(&mut archive, &wheel, member, temporary.path(), &folder)?;
    }
    sync_folder(&folder)?;
    Ok(library)
}

fn is_whole(folder: &Path, member: &Member) -> bool {
    let path = folder.join(member.file_name());
    path.metadata().is_ok_and(|metadata| metadata.len() == member.bytes)
        && sha256_of_file(&path).is_ok_and(|sha256| sha256 == member.sha256)
}

/// Runs pip and returns the wheel it saved.
fn download(pinned: &Pinned, python: &Path, into: &Path) -> Result<PathBuf, EngineError> {
    let requirement = format!("{}=={}", pinned.name, pinned.version);
    // `python -m` looks for modules in the current folder first, and that is the user's: a `queue.py`
    // there would run in place of Python's own.
    let into = &std::path::absolute(into)?;
    let program = match python.components().count() {
        1 => python.to_path_buf(),
        _ => std::path::absolute(python)?,
    };
    let output = Command::new(program)
        .current_dir(into)
        .args(["-m", "pip", "download", "--no-deps", "--only-binary=:all:"])
        .args(["--disable-pip-version-check", "--no-input", "--progress-bar=off"])
        // The library inside is the same for every Python; a fixed one makes the hash fixed.
        .args(["--implementation=cp", "--python-version=3.12", "--abi=cp312"])
        .arg(format!("--platform={}", pinned.platform))
        .arg("--dest")
        .arg(into)
        .arg(&requirement)
        .stdin(Stdio::null())
        .output()
        .map_err(|source| EngineError::PythonUnusable { python: python.to_path_buf(), source })?;
    if !output.status.success() {
        let stderr = String::from_utf8_lossy(&output.stderr);
        return Err(EngineError::PipFailed {
            package: requirement.clone(),
            fix: fix_for(&stderr, &requirement),
            stderr_tail: tail(&stderr, 8),
        });
    }
    let mut wheels = fs_err::read_dir(into)?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.extension() == Some(OsStr::new("whl")));
    wheels.next().ok_or_else(|| EngineError::PackageInvalid {
        path: into.to_path_buf(),
        member: requirement,
        reason: "pip reported success but saved no wheel".into(),
    })
}

/// What the user can do about a failure of pip.
fn fix_for(stderr: &str, requirement: &str) -> String {
    if stderr.contains("No module named pip") {
        return "this Python has no pip; install it (python3 -m ensurepip, or your system's \
                python3-pip package) and try again"
            .into();
    }
    if stderr.contains("No matching distribution") {
        return format!(
            "pip's package index does not offer {requirement} for this machine; check the index \
             pip uses (pip config list), or install ONNX Runtime yourself and name its library file"
        );
    }
    "check the network connection and pip's proxy and index settings, and try again; without a \
     network, install ONNX Runtime yourself and name its library file"
        .into()
}

fn tail(text: &str, lines: usize) -> String {
    let all: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}

fn check_wheel(wheel: &Path, pinned: &Pinned) -> Result<(), EngineError> {
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

type Archive = zip::ZipArchive<io::BufReader<fs_err::File>>;

fn open_archive(wheel: &Path) -> Result<Archive, EngineError> {
    zip::ZipArchive::new(io::BufReader::new(fs_err::File::open(wheel)?)).map_err(|error| {
        EngineError::PackageInvalid {
            path: wheel.to_path_buf(),
            member: "an archive".into(),
            reason: error.to_string(),
        }
    })
}

/// Takes one file out, checks it, makes it durable and only then gives it its name.
fn unpack(
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

/// Makes renames in a folder durable; only Unix lets a folder be synced.
fn sync_folder(folder: &Path) -> Result<(), EngineError> {
    if cfg!(unix) {
        fs_err::File::open(folder)?.sync_all()?;
    }
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

#[cfg(test)]
mod tests {
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

    #[test]
    fn tail_keeps_the_last_lines() {
        assert_eq!(tail("a\n\nb\nc\n", 2), "b\nc");
        assert_eq!(tail("", 2), "");
    }
}
