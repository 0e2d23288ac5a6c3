//! What an NVIDIA GPU needs: looking for it, remembering where it is, and telling when it is missing.

mod fetch;

use std::path::{Path, PathBuf};

pub use fetch::fetch;
use lsearch_engine::runtime::{self, CudaLibraries, Package};
use lsearch_engine::{Device, Encoder, nvidia_device_present};
use serde::{Deserialize, Serialize};

use super::{find_runtime, python, runtime_folders};
use crate::app::App;
use crate::args::DeviceArg;
use crate::errors::CliError;
use crate::places::shorten_home;

/// The first driver that CUDA 13 runs on.
const DRIVER: u32 = 580;

/// Remembers, in a folder of runtimes, where the CUDA libraries lie that were not fetched: asking
/// Python for them would cost every command as long as a search takes.
const REMEMBERED: &str = "cuda.json";

#[derive(Debug, Default, Serialize, Deserialize)]
struct Remembered {
    folders: Vec<PathBuf>,
}

/// Whether the GPU is to be used if it can be.
pub fn wanted(app: &App) -> bool {
    app.device != DeviceArg::Cpu && nvidia_device_present()
}

/// Whether `lsearch setup --gpu` could help on this platform.
pub fn can_be_fetched() -> bool {
    runtime::download_bytes(Package::Cuda).is_ok()
}

/// The CUDA libraries for an ONNX Runtime library; nothing for one without CUDA.
pub fn libraries(app: &App, library: &Path) -> CudaLibraries {
    if !runtime::has_cuda(library) {
        return CudaLibraries::default();
    }
    let mut folders: Vec<PathBuf> = library.parent().map(Path::to_path_buf).into_iter().collect();
    folders.extend(own_folders(app));
    let mut known = folders.clone();
    known.extend(runtime_folders(app).iter().flat_map(|folder| recall(folder)));
    let found = runtime::cuda_libraries(&known);
    if found.missing.is_empty() {
        return found;
    }
    // Never looked for, or no longer where they were.
    let elsewhere = folders_elsewhere();
    folders.extend(elsewhere.iter().cloned());
    let found = runtime::cuda_libraries(&folders);
    if found.missing.is_empty() {
        remember(app, elsewhere);
    }
    found
}

fn own_folders(app: &App) -> Vec<PathBuf> {
    runtime_folders(app).iter().flat_map(|folder| runtime::own_cuda_folders(folder)).collect()
}

/// The folders of CUDA libraries that others have installed.
fn folders_elsewhere() -> Vec<PathBuf> {
    let mut folders =
        python().map(|python| runtime::python_cuda_folders(&python)).unwrap_or_default();
    let library_path = std::env::var_os("LD_LIBRARY_PATH");
    folders.extend(runtime::system_cuda_folders(library_path.as_deref()));
    folders
}

fn recall(runtime_folder: &Path) -> Vec<PathBuf> {
    let text = fs_err::read_to_string(runtime_folder.join(REMEMBERED)).unwrap_or_default();
    serde_json::from_str::<Remembered>(&text).unwrap_or_default().folders
}

/// Failing to remember costs time later, nothing else.
fn remember(app: &App, folders: Vec<PathBuf>) {
    let folder = app.places.data.join("runtime");
    let file = folder.join(REMEMBERED);
    let text = serde_json::to_string_pretty(&Remembered { folders }).unwrap_or_default();
    let written = app.places.create_data().and_then(|()| {
        fs_err::create_dir_all(folder)
            .and_then(|()| fs_err::write(&file, text))
            .map_err(|error| CliError::io(&file, &error))
    });
    if let Err(error) = written {
        app.detail(error);
    }
}

/// NVIDIA's driver version as the kernel tells it; not everywhere it does.
fn driver_version() -> Option<String> {
    version_in(&fs_err::read_to_string("/proc/driver/nvidia/version").ok()?)
}

/// The first word such as "580.95.05".
fn version_in(text: &str) -> Option<String> {
    let is_version =
        |word: &&str| word.contains('.') && word.split('.').all(|part| part.parse::<u32>().is_ok());
    text.split_whitespace().find(is_version).map(str::to_owned)
}

fn is_old_driver(version: &str) -> bool {
    version
        .split('.')
        .next()
        .and_then(|major| major.parse::<u32>().ok())
        .is_some_and(|m| m < DRIVER)
}

/// How things stand with the GPU.
#[derive(Debug)]
pub enum State {
    /// There is none.
    NoDevice,
    /// The person wants the CPU.
    Unwanted,
    /// ONNX Runtime is not there, or without CUDA.
    NoRuntime,
    /// Libraries are missing.
    NoLibraries(Vec<Package>),
    /// All is there, with the folders of the CUDA libraries.
    Ready(Vec<PathBuf>),
}

/// Looks at everything the GPU needs, short of using it.
pub fn state(app: &App) -> Result<State, CliError> {
    if !nvidia_device_present() {
        return Ok(State::NoDevice);
    }
    if app.device == DeviceArg::Cpu {
        return Ok(State::Unwanted);
    }
    let Some(library) = find_runtime(app)?.filter(|library| runtime::has_cuda(library)) else {
        return Ok(State::NoRuntime);
    };
    let found = libraries(app, &library);
    Ok(if found.missing.is_empty() {
        State::Ready(found.folders)
    } else {
        State::NoLibraries(found.missing)
    })
}

/// "NVIDIA GPU, driver 580.95.05".
pub fn device_shown() -> String {
    let driver = driver_version().map(|version| format!(", driver {version}"));
    format!("NVIDIA GPU{}", driver.unwrap_or_default())
}

/// Tells someone about to wait for the CPU that there is a GPU to be had.
pub fn advise(app: &App, encoder: &Encoder) {
    if wanted(app) && encoder.device() == Device::Cpu && can_be_fetched() {
        app.say(match state(app) {
            Ok(State::NoRuntime | State::NoLibraries(_)) => {
                "hint: there is an NVIDIA GPU; `lsearch setup --gpu` makes encoding much faster"
            }
            _ => "hint: the NVIDIA GPU cannot be used; `lsearch doctor` tells why",
        });
    }
}

/// The folders for reading.
pub fn shown(folders: &[PathBuf], separator: &str) -> String {
    folders.iter().map(|folder| shorten_home(folder)).collect::<Vec<_>>().join(separator)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_drivers_version_is_read_from_either_kind_of_module() {
        let closed = "NVRM version: NVIDIA UNIX x86_64 Kernel Module  570.86.15  Tue Jan 14\n\
                      GCC version:  gcc version 13.3.0";
        assert_eq!(version_in(closed).as_deref(), Some("570.86.15"));
        let open =
            "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.95.05  Release Build\n";
        assert_eq!(version_in(open).as_deref(), Some("580.95.05"));
        assert_eq!(version_in("nothing"), None);
        assert!(
            is_old_driver("570.86.15") && !is_old_driver("580.95.05") && !is_old_driver("1000")
        );
    }
}
