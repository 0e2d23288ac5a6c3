//! Which processor runs the encoder.

use std::fmt;
use std::path::{Path, PathBuf};

use ort::ep::cuda::{CUDA_DYLIBS, CUDNN_DYLIBS};

use crate::error::EngineError;
use crate::runtime;

/// Which processor the caller wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DeviceChoice {
    /// CUDA where it works, else the CPU, without complaint.
    #[default]
    Auto,
    /// The CPU.
    Cpu,
    /// CUDA, or an error: never the CPU in silence.
    Cuda,
}

/// The processor an encoder runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Device {
    /// The CPU, fp32.
    Cpu,
    /// An NVIDIA GPU, fp16.
    Cuda,
}

impl Device {
    /// The name that manifests use.
    pub fn as_str(self) -> &'static str {
        match self {
            Device::Cpu => "cpu",
            Device::Cuda => "cuda",
        }
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Device::Cpu => "the CPU",
            Device::Cuda => "the CUDA device",
        })
    }
}

/// Cheap signs that CUDA cannot work, looked for before any library is loaded: opening the CUDA
/// provider costs seconds and hundreds of megabytes even where it then fails.
///
/// `library` is the ONNX Runtime library. `None`: worth a try.
pub(crate) fn cuda_obstacle(library: &Path) -> Option<String> {
    if cfg!(target_os = "macos") {
        return Some("there is no CUDA on macOS".into());
    }
    if cfg!(target_os = "linux") && !nvidia_device_present() {
        return Some("there is no NVIDIA device (/dev/nvidiactl, /dev/nvidia0 or /dev/dxg)".into());
    }
    let provider = runtime::cuda_provider_beside(library);
    if !provider.is_file() {
        return Some(format!(
            "ONNX Runtime at {} was built without CUDA ({} is missing)",
            library.display(),
            provider.display()
        ));
    }
    None
}

/// Whether the kernel shows an NVIDIA device; /dev/dxg is how the Windows subsystem for Linux does.
pub fn nvidia_device_present() -> bool {
    ["/dev/nvidiactl", "/dev/nvidia0", "/dev/dxg"].iter().any(|node| Path::new(node).exists())
}

/// Loads the CUDA and cuDNN libraries found in these folders, so that ONNX Runtime's provider takes
/// them and not the system's. Those found in no folder are left to the system.
///
/// The libraries stay loaded for the rest of the process.
pub(crate) fn preload_cuda(folders: &[PathBuf]) -> Result<(), EngineError> {
    for name in CUDA_DYLIBS.iter().chain(CUDNN_DYLIBS) {
        let found = folders.iter().map(|folder| folder.join(name)).find(|path| path.is_file());
        let Some(path) = found else { continue };
        match ort::util::preload_dylib(&path) {
            // The provider does without the others, or says itself which one it misses.
            Err(error) if runtime::is_cuda_library(name) => {
                let reason = format!("{} cannot be loaded: {error}", path.display());
                return Err(EngineError::CudaUnavailable { reason });
            }
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_libraries_that_are_needed_must_load() {
        let dir = tempfile::tempdir().unwrap();
        let folders = [dir.path().to_path_buf()];
        std::fs::write(dir.path().join(CUDNN_DYLIBS[0]), b"no library").unwrap();
        preload_cuda(&folders).unwrap();
        if cfg!(all(target_os = "linux", target_arch = "x86_64")) {
            std::fs::write(dir.path().join(CUDA_DYLIBS[0]), b"no library").unwrap();
            let error = preload_cuda(&folders).unwrap_err().to_string();
            assert!(error.contains(CUDA_DYLIBS[0]), "{error}");
        }
    }

    #[test]
    fn a_library_without_its_cuda_provider_is_an_obstacle() {
        let dir = tempfile::tempdir().unwrap();
        let library = dir.path().join("libonnxruntime.so.1.32.0");
        std::fs::write(&library, b"").unwrap();
        let reason = cuda_obstacle(&library).expect("nothing beside the library");
        assert!(!reason.is_empty());
        if nvidia_device_present() {
            assert!(reason.contains("built without CUDA"), "{reason}");
        }
    }
}
