//! ONNX Runtime as a shared library: finding one on this machine, fetching one, loading it.

mod cuda;
mod find;
mod install;
mod nvidia;
mod packages;
mod pip;
mod wheel;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use ort::LoadDynamicError;
use ort::environment::Environment;
use ort::logging::LogLevel;

pub(crate) use cuda::is_cuda_library;
pub use cuda::{
    CudaLibraries, cuda_libraries, own_cuda_folders, python_cuda_folders, system_cuda_folders,
};
pub use find::{Candidates, Found, find};
pub use install::{
    download_bytes, install, install_package, installed_bytes, is_installed, package_folder,
};
pub use packages::Package;

use crate::error::EngineError;

/// ONNX Runtime, loaded into this process. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Runtime {
    path: PathBuf,
    version: String,
    environment: Environment,
}

impl Runtime {
    /// The library file it was loaded from.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its version, such as "1.32.0", or "1.32" where the file name does not tell more.
    pub fn version(&self) -> &str {
        &self.version
    }

    pub(crate) fn environment(&self) -> &Environment {
        &self.environment
    }
}

/// The runtime of this process. ONNX Runtime allows one environment a process, for good, so it is
/// kept here and never dropped.
static LOADED: Mutex<Option<Runtime>> = Mutex::new(None);

/// Environment variable and value without which ONNX Runtime is not loaded. From 1.29 on Microsoft's packages for Linux and
/// macOS report to Microsoft by default: an identifier of the machine and facts about models, sessions and errors, kept in
/// `~/.cache/Microsoft` until they are sent. What the API offers against it comes after a first report; this variable,
/// set before the library is loaded, has nothing made, kept or sent (microsoft/onnxruntime#27379).
pub const NO_TELEMETRY: (&str, &str) = ("ORT_DISABLE_TELEMETRY", "1");

/// Loads ONNX Runtime from a library file. The same file again gives the same runtime.
///
/// # Errors
/// When the file is missing, is no ONNX Runtime, is of a version that cannot be used, when this process has loaded another
/// file before, or when the environment lacks [`NO_TELEMETRY`]. A program sets it first thing, while it has one thread:
/// later it could be read while it is written.
pub fn load(path: &Path) -> Result<Runtime, EngineError> {
    let path = std::path::absolute(path)?;
    let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(runtime) = &*loaded {
        if runtime.path == path {
            return Ok(runtime.clone());
        }
        return Err(EngineError::RuntimeAlreadyLoaded {
            loaded: runtime.path.clone(),
            wanted: path,
        });
    }
    if !path.is_file() {
        return Err(EngineError::RuntimeMissing { path });
    }
    if std::env::var(NO_TELEMETRY.0).as_deref() != Ok(NO_TELEMETRY.1) {
        return Err(EngineError::TelemetryAllowed);
    }
    let unusable = |reason: String| EngineError::RuntimeUnusable { path: path.clone(), reason };
    let builder = ort::init_from(&path).map_err(|error| load_error(&path, error))?;
    // ort looks at the second number alone; this says none where the first is not 1. Asked before,
    // it would load the library a second time.
    let minor = ort::util::probe(&path);
    let minor = minor.ok_or_else(|| version_error(&path, "another major version"))?;
    let environment = builder
        .with_name("lsearch")
        .with_telemetry(false)
        // ONNX Runtime writes to stderr by itself; whatever matters also comes back as an error.
        .with_logger(Arc::new(|_, _, _, _, _| {}))
        .build()
        .map_err(|error| unusable(error.to_string()))?;
    environment.set_log_level(LogLevel::Error);
    let version = version_of(&path, minor);
    let runtime = Runtime { path, version, environment };
    *loaded = Some(runtime.clone());
    Ok(runtime)
}

fn version_error(path: &Path, found: &str) -> EngineError {
    EngineError::RuntimeVersion {
        path: path.to_path_buf(),
        found: found.to_string(),
        needed: format!("1.{} or a later 1.x", ort::MINOR_VERSION),
    }
}

fn load_error(path: &Path, error: LoadDynamicError) -> EngineError {
    if let LoadDynamicError::BadVersion { version_str, .. } = &error {
        return version_error(path, version_str);
    }
    let path = path.to_path_buf();
    match error {
        LoadDynamicError::MissingApi { .. } => {
            EngineError::RuntimeUnusable { path, reason: "it does not export OrtGetApiBase".into() }
        }
        LoadDynamicError::Dlopen { error, .. } => {
            EngineError::RuntimeUnusable { path, reason: error.to_string() }
        }
        other => EngineError::RuntimeUnusable { path, reason: other.to_string() },
    }
}

/// The version in the name of the file behind `path`, where it agrees with the minor version that
/// the library reports; else as much as that says. The library's own string is not within reach.
fn version_of(path: &Path, minor: u32) -> String {
    let file = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
    let in_name = file.file_name().and_then(|name| name.to_str()).and_then(find::version_in_name);
    let reported = format!("1.{minor}");
    in_name.filter(|name| name.starts_with(&format!("{reported}."))).unwrap_or(reported)
}

/// Whether the CUDA provider lies beside an ONNX Runtime library.
pub fn has_cuda(library: &Path) -> bool {
    cuda_provider_beside(library).is_file()
}

/// Where ONNX Runtime looks for its CUDA provider: beside itself.
pub(crate) fn cuda_provider_beside(library: &Path) -> PathBuf {
    let name = if cfg!(windows) {
        "onnxruntime_providers_cuda.dll"
    } else {
        "libonnxruntime_providers_cuda.so"
    };
    library.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_in_a_name_counts_only_if_the_library_agrees() {
        assert_eq!(version_of(Path::new("/x/libonnxruntime.so.1.32.0"), 32), "1.32.0");
        assert_eq!(version_of(Path::new("/x/libonnxruntime.so.1.32.0"), 31), "1.31");
        assert_eq!(version_of(Path::new("/x/onnxruntime.dll"), 31), "1.31");
    }
}
