//! Looking for the CUDA libraries that ONNX Runtime's provider loads.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use ort::ep::cuda::{CUDA_DYLIBS, CUDNN_DYLIBS};

use super::find::folders_by_python;
use super::packages::{self, Member, Package};

/// What some folders hold of CUDA.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CudaLibraries {
    /// The folders that hold something, those of the needed libraries first.
    pub folders: Vec<PathBuf>,
    /// What is needed and in none of the folders.
    pub missing: Vec<Package>,
}

/// Looks for the CUDA libraries in these folders (not below them), the best first. A package's
/// libraries are taken from one folder, as those of two versions may not fit together. cuDNN and the
/// like are taken where they are there, and never missing.
pub fn cuda_libraries(folders: &[PathBuf]) -> CudaLibraries {
    let mut found = CudaLibraries::default();
    let mut take = |folder: &PathBuf| {
        if !found.folders.contains(folder) {
            found.folders.push(folder.clone());
        }
    };
    for package in Package::CUDA_LIBRARIES {
        let names: Vec<&str> = members(package).map(Member::file_name).collect();
        let holds_all = |folder: &&PathBuf| names.iter().all(|name| folder.join(name).is_file());
        match folders.iter().find(holds_all) {
            Some(folder) => take(folder),
            None => found.missing.push(package),
        }
    }
    for name in CUDA_DYLIBS.iter().chain(CUDNN_DYLIBS).filter(|name| !is_cuda_library(name)) {
        if let Some(folder) = folders.iter().find(|folder| folder.join(name).is_file()) {
            take(folder);
        }
    }
    found
}

/// Whether it is one of the libraries that the CUDA provider cannot be loaded without.
pub(crate) fn is_cuda_library(name: &str) -> bool {
    Package::CUDA_LIBRARIES.into_iter().flat_map(members).any(|member| member.file_name() == name)
}

/// None where nothing is pinned for the platform.
fn members(package: Package) -> impl Iterator<Item = &'static Member> {
    packages::pinned(package).into_iter().flat_map(|pinned| pinned.members)
}

/// The folders of NVIDIA's packages that were fetched into a folder, later versions first. Those of
/// an earlier release of this program serve as well.
pub fn own_cuda_folders(dest_folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs_err::read_dir(dest_folder) else { return Vec::new() };
    let mut folders: Vec<PathBuf> = entries
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with("nvidia-"))
        .map(|entry| entry.path())
        .collect();
    folders.sort();
    folders.reverse();
    folders
}

/// Prints the folders of NVIDIA's packages for CUDA 13, which PyTorch installs too. cuDNN's own is of
/// the same name for CUDA 12, and counts only beside CUDA 13. As to `-I`, see `ASK_PYTHON`.
const ASK_PYTHON_CUDA: &str = "\
import os, site, sys
for place in sys.path + [site.getusersitepackages()]:
    folders = [os.path.join(place, 'nvidia', name, 'lib') for name in ('cu13', 'cudnn')]
    if os.path.isdir(folders[0]):
        print(*filter(os.path.isdir, folders), sep='\\n')";

/// The folders of CUDA libraries among the installed packages of a Python.
pub fn python_cuda_folders(python: &Path) -> Vec<PathBuf> {
    folders_by_python(python, ASK_PYTHON_CUDA)
}

/// The folders of CUDA libraries installed in the system. `library_path` is what the loader searches
/// first (`LD_LIBRARY_PATH`).
pub fn system_cuda_folders(library_path: Option<&OsStr>) -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> =
        library_path.map(|path| std::env::split_paths(path).collect()).unwrap_or_default();
    folders.extend(loader_cache());
    let installed = fs_err::read_dir("/usr/local").into_iter().flatten().flatten();
    let mut versions: Vec<PathBuf> = installed
        .filter(|entry| entry.file_name().to_string_lossy().starts_with("cuda"))
        .map(|entry| entry.path().join("lib64"))
        .collect();
    // "cuda" is a link to the one that the system's owner has chosen.
    versions.sort();
    folders.append(&mut versions);
    folders.extend(["/opt/cuda/lib64", "/usr/lib/x86_64-linux-gnu", "/usr/lib64"].map(Into::into));
    of_cuda_13(folders)
}

/// The folders that hold a library of CUDA 13, once each. Elsewhere there may be libraries of the
/// right name for an earlier CUDA: cuRAND and cuDNN count otherwise.
fn of_cuda_13(folders: Vec<PathBuf>) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = Vec::new();
    for folder in folders.into_iter().filter(|folder| folder.is_absolute()) {
        let marks = ["libcudart.so.13", "libcublas.so.13"];
        if !found.contains(&folder) && marks.iter().any(|name| folder.join(name).is_file()) {
            found.push(folder);
        }
    }
    found
}

/// The folders in which the loader knows libraries of CUDA.
fn loader_cache() -> Vec<PathBuf> {
    // It is not on everyone's PATH.
    let program =
        ["/sbin/ldconfig", "/usr/sbin/ldconfig"].into_iter().find(|p| Path::new(p).exists());
    let output = Command::new(program.unwrap_or("ldconfig"))
        .arg("-p")
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    folders_in_loader_cache(&text.unwrap_or_default())
}

/// From lines such as "libcudart.so.13 (libc6,x86-64) => /usr/lib64/libcudart.so.13".
fn folders_in_loader_cache(text: &str) -> Vec<PathBuf> {
    text.lines()
        .filter_map(|line| line.trim().split_once(" => "))
        .filter(|(name, _)| name.starts_with("libcu"))
        .filter_map(|(_, path)| Path::new(path).parent().map(Path::to_path_buf))
        .collect()
}

#[cfg(all(test, target_os = "linux", target_arch = "x86_64"))]
mod tests {
    use super::*;

    const RUNTIME: &str = "libcudart.so.13";
    const BLAS: [&str; 2] = ["libcublas.so.13", "libcublasLt.so.13"];
    const RANDOM: &str = "libcurand.so.10";

    fn touch(folder: &Path, names: &[&str]) {
        fs_err::create_dir_all(folder).unwrap();
        for name in names {
            fs_err::write(folder.join(name), b"").unwrap();
        }
    }

    #[test]
    fn packages_are_taken_whole_from_the_first_folder_that_has_them() {
        let dir = tempfile::tempdir().unwrap();
        let folders: Vec<PathBuf> = ["a", "b", "c"].map(|name| dir.path().join(name)).into();
        touch(&folders[0], &[BLAS[0], RANDOM]);
        touch(&folders[1], &BLAS);
        touch(&folders[2], &[BLAS[0], BLAS[1], "libcudnn.so.9"]);
        let found = cuda_libraries(&folders);
        assert_eq!(found.missing, [Package::CudaRuntime]);
        assert_eq!(found.folders, [&folders[1], &folders[0], &folders[2]].map(Clone::clone));
        touch(&folders[2], &[RUNTIME]);
        assert_eq!(cuda_libraries(&folders).missing, []);
        assert_eq!(cuda_libraries(&[]).missing, Package::CUDA_LIBRARIES);
    }

    #[test]
    fn the_loader_of_rust_looks_for_what_is_fetched() {
        for member in Package::CUDA_LIBRARIES.into_iter().flat_map(members) {
            assert!(CUDA_DYLIBS.contains(&member.file_name()), "{}", member.file_name());
        }
        assert!(!is_cuda_library("libcudnn.so.9"));
    }

    #[test]
    fn fetched_packages_of_any_version_count() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["nvidia-cublas-13.1.0.3", "nvidia-cublas-13.2.0.1", "onnxruntime-1.32.0"] {
            touch(&dir.path().join(name), &[]);
        }
        let names = ["nvidia-cublas-13.2.0.1", "nvidia-cublas-13.1.0.3"];
        assert_eq!(own_cuda_folders(dir.path()), names.map(|name| dir.path().join(name)));
        assert_eq!(own_cuda_folders(&dir.path().join("nothing")), Vec::<PathBuf>::new());
    }

    #[test]
    fn an_earlier_cuda_is_passed_over() {
        let dir = tempfile::tempdir().unwrap();
        let (old, new) = (dir.path().join("cuda-12.9"), dir.path().join("cuda-13.0"));
        touch(&old, &["libcudart.so.12", RANDOM, "libcudnn.so.9"]);
        touch(&new, &[RUNTIME, RANDOM]);
        assert_eq!(of_cuda_13(vec!["".into(), old, new.clone(), new.clone()]), [new]);
    }

    #[test]
    fn the_loaders_cache_is_read() {
        let text = "3 libs found in cache `/etc/ld.so.cache'\n\
                    \tlibcudart.so.13 (libc6,x86-64) => /opt/cuda 13/lib/libcudart.so.13\n\
                    \tlibc.so.6 (libc6,x86-64) => /lib/libc.so.6\n";
        assert_eq!(folders_in_loader_cache(text), [PathBuf::from("/opt/cuda 13/lib")]);
    }

    #[test]
    fn libraries_that_pytorch_brought_are_found() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let site = dir.path().join("site-packages");
        // Stands for a Python whose installed packages lie in a folder of this test.
        let python = dir.path().join("python");
        let script = format!(
            "#!/bin/sh\n[ \"$1\" = -I ] || exit 1\nshift\n\
             PYTHONPATH='{}' exec python3 \"$@\"\n",
            site.display()
        );
        fs_err::write(&python, script).unwrap();
        fs_err::set_permissions(&python, std::fs::Permissions::from_mode(0o755)).unwrap();
        let (cuda, cudnn) = (site.join("nvidia/cu13/lib"), site.join("nvidia/cudnn/lib"));
        let found = |folder: &PathBuf| python_cuda_folders(&python).contains(folder);
        touch(&cudnn, &["libcudnn.so.9"]);
        assert!(!found(&cudnn), "without CUDA 13 it is of another CUDA");
        touch(&cuda, &[RUNTIME, BLAS[0], BLAS[1], RANDOM]);
        if Command::new("python3").arg("--version").output().is_ok() {
            assert!(found(&cuda) && found(&cudnn));
        }
        assert_eq!(python_cuda_folders(&dir.path().join("nothing")), Vec::<PathBuf>::new());
    }
}
