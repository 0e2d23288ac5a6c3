//! Loading ONNX Runtime, and devices that are not there.

use std::path::Path;

use lsearch_engine::runtime::{self, Candidates};
use lsearch_engine::{Bundle, Device, DeviceChoice, Encoder, EncoderOptions, EngineError, Verify};

use crate::support::*;

#[test]
fn the_same_library_can_be_asked_for_again_and_another_cannot() {
    let again = runtime::load(RUNTIME.path()).unwrap();
    assert_eq!(again.path(), RUNTIME.path());
    let minor: u32 = again.version().split('.').nth(1).unwrap().parse().unwrap();
    assert!(minor >= 24, "{}", again.version());

    let folder = tempfile::tempdir().unwrap();
    let other = folder.path().join("libonnxruntime.so");
    fs_err::write(&other, b"").unwrap();
    let error = runtime::load(&other).unwrap_err();
    assert!(matches!(error, EngineError::RuntimeAlreadyLoaded { .. }), "{error}");
}

#[test]
fn an_installed_library_is_kept_and_found() {
    let library = library();
    let folder = library.parent().unwrap();
    let candidates = Candidates { folders: vec![folder.to_path_buf()], ..Default::default() };
    assert_eq!(runtime::find(&candidates).unwrap().unwrap().path, library);
    // Nothing is fetched where the pinned library is in place: this Python does not exist.
    if folder.ends_with("onnxruntime-1.32.0") {
        let again =
            runtime::install(folder.parent().unwrap(), Path::new("/nonexistent/python3"), &|_| {});
        assert_eq!(again.unwrap(), library);
    }
}

#[test]
fn cuda_without_cuda_is_an_error_and_auto_takes_the_cpu() {
    let bundle = Bundle::open(&tiny_folder(), Verify::Sizes).unwrap();
    let open =
        |device| Encoder::open(&bundle, &RUNTIME, &EncoderOptions { device, ..Default::default() });
    let auto = open(DeviceChoice::Auto).unwrap();
    if auto.device() == Device::Cuda {
        assert!(open(DeviceChoice::Cuda).is_ok());
        return;
    }
    assert!(auto.cuda_obstacle().is_some_and(|reason| !reason.is_empty()));
    let error = open(DeviceChoice::Cuda).err().expect("CUDA is not there");
    assert!(matches!(error, EngineError::CudaUnavailable { .. }), "{error}");
    let cpu = open(DeviceChoice::Cpu).unwrap();
    assert_eq!((cpu.device(), cpu.cuda_obstacle()), (Device::Cpu, None));
}
