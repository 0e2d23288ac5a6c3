//! Looking for an ONNX Runtime library that is already on this machine.

use std::cmp::Reverse;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::has_cuda;
use crate::error::EngineError;

/// Where to look, in this order.
#[derive(Debug, Clone, Default)]
pub struct Candidates {
    /// A library file named by the user: this one or none.
    pub explicit: Option<PathBuf>,
    /// Folders searched with their subfolders; the first that holds a library wins, or the first that
    /// holds one with CUDA if that is preferred.
    pub folders: Vec<PathBuf>,
    /// A Python whose installed `onnxruntime` or `onnxruntime-gpu` package may be used.
    pub python: Option<PathBuf>,
    /// Take a library with CUDA before the newest. Only of use where there is a device for it: without,
    /// the CPU's build is the newer one.
    pub prefer_cuda: bool,
}

/// An ONNX Runtime library file, not loaded yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The library.
    pub path: PathBuf,
    /// Its version as far as the file name tells.
    pub version: Option<String>,
    /// Whether the CUDA provider lies beside it.
    pub cuda: bool,
}

/// Folders below a searched one that are looked into.
const MAX_DEPTH: usize = 4;

/// Finds the library to load; `None` where there is none.
///
/// # Errors
/// [`EngineError::RuntimeMissing`] when the explicit file is not there.
pub fn find(candidates: &Candidates) -> Result<Option<Found>, EngineError> {
    if let Some(path) = &candidates.explicit {
        if !path.is_file() {
            return Err(EngineError::RuntimeMissing { path: path.clone() });
        }
        return Ok(Some(described(path.clone())));
    }
    let in_folder = |folder: &Path| best_in(folder, candidates.prefer_cuda);
    let found: Vec<Found> = candidates.folders.iter().filter_map(|f| in_folder(f)).collect();
    let cuda = found.iter().position(|library| candidates.prefer_cuda && library.cuda);
    if let Some(found) = found.into_iter().nth(cuda.unwrap_or(0)) {
        return Ok(Some(found));
    }
    let package = candidates.python.as_deref().and_then(package_folder);
    Ok(package.and_then(|folder| in_folder(&folder)))
}

/// The best library below a folder: with CUDA if that is preferred, then the highest version, then
/// the shortest path. One that its name shows to be too old is as good as none: another folder may
/// hold a better one, or it can be fetched.
fn best_in(folder: &Path, prefer_cuda: bool) -> Option<Found> {
    let mut libraries = Vec::new();
    collect(folder, MAX_DEPTH, &mut libraries);
    let mut found: Vec<Found> =
        libraries.into_iter().map(described).filter(|library| !is_outdated(library)).collect();
    found.sort_by_key(|library| {
        let version = library.version.as_deref().map(version_numbers);
        (Reverse(prefer_cuda && library.cuda), Reverse(version), library.path.as_os_str().len())
    });
    found.into_iter().next()
}

fn collect(folder: &Path, depth: usize, libraries: &mut Vec<PathBuf>) {
    // An unreadable folder is not an error: there is just nothing to be found in it.
    let Ok(entries) = fs_err::read_dir(folder) else { return };
    let mut entries: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            // Folders with a dot in front hold fetches under way.
            let hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes()[0] == b'.');
            if depth > 0 && !hidden && !path.is_symlink() {
                collect(&path, depth - 1, libraries);
            }
        } else if path.file_name().and_then(|name| name.to_str()).is_some_and(is_library_name) {
            libraries.push(path);
        }
    }
}

fn described(path: PathBuf) -> Found {
    let version = path.file_name().and_then(|name| name.to_str()).and_then(version_in_name);
    let cuda = has_cuda(&path);
    Found { path, version, cuda }
}

/// `libonnxruntime.so`, `libonnxruntime.so.1.32.0`, `libonnxruntime.1.32.0.dylib`, `onnxruntime.dll`;
/// not the provider libraries that lie beside them.
fn is_library_name(name: &str) -> bool {
    if name == "onnxruntime.dll" {
        return true;
    }
    let Some(rest) = name.strip_prefix("libonnxruntime.") else { return false };
    let rest = rest.strip_prefix("so").or_else(|| rest.strip_suffix("dylib"));
    rest.is_some_and(|version| version.chars().all(|c| c.is_ascii_digit() || c == '.'))
}

pub(super) fn version_in_name(name: &str) -> Option<String> {
    let rest = name.strip_prefix("libonnxruntime.")?;
    let version = match rest.strip_prefix("so.") {
        Some(version) => version,
        None => rest.strip_suffix(".dylib")?,
    };
    Some(version.to_string())
}

/// Whether the version in a library's name is one that [`load`](super::load) refuses.
fn is_outdated(library: &Found) -> bool {
    let version = library.version.as_deref().map(version_numbers).unwrap_or_default();
    match version[..] {
        [major, minor, ..] => major != 1 || minor < ort::MINOR_VERSION,
        // "libonnxruntime.so.1" says nothing; loading it will tell.
        _ => false,
    }
}

fn version_numbers(version: &str) -> Vec<u32> {
    version.split('.').map(|part| part.parse().unwrap_or(0)).collect()
}

/// Prints the folder of the installed package without importing it, which would take a second.
/// Python runs isolated (`-I`), so that what lies in the current folder is not taken for the package;
/// that leaves out packages installed for the user alone, which are asked for by themselves.
const ASK_PYTHON: &str = "\
import importlib.util as u, site, sys
sys.path.append(site.getusersitepackages())
s = u.find_spec('onnxruntime')
print(s.submodule_search_locations[0] if s and s.submodule_search_locations else '')";

fn package_folder(python: &Path) -> Option<PathBuf> {
    folders_by_python(python, ASK_PYTHON).into_iter().next()
}

/// The absolute paths that a script prints, one a line; none where Python or the script fails.
pub(super) fn folders_by_python(python: &Path, script: &str) -> Vec<PathBuf> {
    let output = Command::new(python)
        .args(["-I", "-c", script])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output();
    let text = output.ok().and_then(|output| String::from_utf8(output.stdout).ok());
    let text = text.unwrap_or_default();
    text.lines().map(PathBuf::from).filter(|folder| folder.is_absolute()).collect()
}

#[cfg(test)]
mod tests {
    use super::super::cuda_provider_beside;
    use super::*;

    fn touch(path: &Path) {
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(path, b"").unwrap();
    }

    #[test]
    fn names_of_libraries_and_their_neighbours() {
        for name in [
            "libonnxruntime.so",
            "libonnxruntime.so.1",
            "libonnxruntime.so.1.32.0",
            "libonnxruntime.dylib",
            "libonnxruntime.1.32.0.dylib",
            "onnxruntime.dll",
        ] {
            assert!(is_library_name(name), "{name}");
        }
        for name in [
            "libonnxruntime_providers_shared.so",
            "libonnxruntime_providers_cuda.so",
            "libonnxruntime.so.sha256",
            "libonnxruntime.so.1.32.0.partial",
            "onnxruntime_providers_shared.dll",
        ] {
            assert!(!is_library_name(name), "{name}");
        }
        assert_eq!(version_in_name("libonnxruntime.so.1.32.0").as_deref(), Some("1.32.0"));
        assert_eq!(version_in_name("libonnxruntime.1.32.0.dylib").as_deref(), Some("1.32.0"));
        assert_eq!(version_in_name("libonnxruntime.so"), None);
    }

    #[test]
    fn the_highest_version_of_the_first_folder_wins() {
        let dir = tempfile::tempdir().unwrap();
        let (first, second) = (dir.path().join("a"), dir.path().join("b"));
        touch(&first.join("x/libonnxruntime.so.1.9.0"));
        touch(&first.join("y/z/libonnxruntime.so.1.31.1"));
        touch(&second.join("libonnxruntime.so.1.40.0"));
        let candidates = Candidates { folders: vec![first.clone(), second], ..Default::default() };
        let found = find(&candidates).unwrap().unwrap();
        assert_eq!(found.path, first.join("y/z/libonnxruntime.so.1.31.1"));
        assert_eq!(found.version.as_deref(), Some("1.31.1"));
    }

    #[test]
    fn cuda_goes_before_the_version_only_when_preferred() {
        let dir = tempfile::tempdir().unwrap();
        touch(&dir.path().join("cpu/libonnxruntime.so.1.32.0"));
        let gpu = dir.path().join("gpu/libonnxruntime.so.1.31.1");
        touch(&gpu);
        touch(&cuda_provider_beside(&gpu));
        let mut candidates =
            Candidates { folders: vec![dir.path().to_path_buf()], ..Default::default() };
        assert!(!find(&candidates).unwrap().unwrap().cuda);
        candidates.prefer_cuda = true;
        assert_eq!(find(&candidates).unwrap().unwrap().path, gpu);
        // Nor does one without hide it in a folder that comes before.
        let before = tempfile::tempdir().unwrap();
        touch(&before.path().join("libonnxruntime.so.1.32.0"));
        candidates.folders.insert(0, before.path().to_path_buf());
        assert_eq!(find(&candidates).unwrap().unwrap().path, gpu);
        candidates.prefer_cuda = false;
        assert!(find(&candidates).unwrap().unwrap().path.starts_with(before.path()));
    }

    #[test]
    fn libraries_that_are_too_old_are_passed_over() {
        let dir = tempfile::tempdir().unwrap();
        let (first, second) = (dir.path().join("a"), dir.path().join("b"));
        touch(&first.join("libonnxruntime.so.1.17.3"));
        let mut candidates = Candidates { folders: vec![first.clone()], ..Default::default() };
        assert_eq!(find(&candidates).unwrap(), None);
        touch(&second.join("libonnxruntime.so.1.32.0"));
        candidates.folders.push(second.clone());
        let found = find(&candidates).unwrap().unwrap();
        assert_eq!(found.path, second.join("libonnxruntime.so.1.32.0"));
        // Named by the user it is tried all the same, and loading says what is wrong with it.
        candidates.explicit = Some(first.join("libonnxruntime.so.1.17.3"));
        assert!(find(&candidates).unwrap().is_some());
    }

    #[cfg(unix)]
    #[test]
    fn a_package_installed_for_the_user_alone_is_found() {
        use std::os::unix::fs::PermissionsExt;
        let Some(python) = std::env::var_os("PATH").and_then(|path| {
            std::env::split_paths(&path).map(|f| f.join("python3")).find(|p| p.is_file())
        }) else {
            return;
        };
        let dir = tempfile::tempdir().unwrap();
        let ask = ["-c", "import site; print(site.getusersitepackages())"];
        let asked =
            Command::new(&python).args(ask).env("PYTHONUSERBASE", dir.path()).output().unwrap();
        let site = PathBuf::from(String::from_utf8(asked.stdout).unwrap().trim());
        touch(&site.join("onnxruntime/__init__.py"));
        let library = site.join("onnxruntime/capi/libonnxruntime.so.1.32.0");
        touch(&library);
        let wrapper = dir.path().join("python");
        let (base, program) = (dir.path().display(), python.display());
        let script = format!("#!/bin/sh\nPYTHONUSERBASE='{base}' exec '{program}' \"$@\"\n");
        fs_err::write(&wrapper, script).unwrap();
        fs_err::set_permissions(&wrapper, std::fs::Permissions::from_mode(0o755)).unwrap();
        let found = package_folder(&wrapper).unwrap();
        if package_folder(&python).is_none_or(|other| other != found) {
            assert_eq!(best_in(&found, false).unwrap().path, library);
        }
        // Else a package is installed for everyone, and goes before one's own.
    }

    #[test]
    fn a_named_file_that_is_missing_is_an_error_even_if_others_exist() {
        let dir = tempfile::tempdir().unwrap();
        touch(&dir.path().join("libonnxruntime.so"));
        let candidates = Candidates {
            explicit: Some(dir.path().join("nothing.so")),
            folders: vec![dir.path().to_path_buf()],
            ..Default::default()
        };
        assert!(matches!(find(&candidates), Err(EngineError::RuntimeMissing { .. })));
    }

    #[test]
    fn nothing_found_is_no_error() {
        let candidates = Candidates {
            folders: vec![PathBuf::from("/nonexistent")],
            python: Some(PathBuf::from("/nonexistent/python")),
            ..Default::default()
        };
        assert_eq!(find(&candidates).unwrap(), None);
    }
}
