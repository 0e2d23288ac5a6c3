//! Libraries that cannot be loaded: a binary of its own, because a process that has loaded ONNX Runtime
//! refuses every other file for that alone.

use lsearch_engine::EngineError;
use lsearch_engine::runtime::load;

#[test]
fn a_missing_file_and_a_file_that_is_no_library_are_told_apart() {
    let dir = tempfile::tempdir().unwrap();
    let missing = dir.path().join("libonnxruntime.so");
    assert!(matches!(load(&missing), Err(EngineError::RuntimeMissing { .. })));
    fs_err::write(&missing, b"not a library").unwrap();
    let error = load(&missing).unwrap_err();
    assert!(matches!(error, EngineError::RuntimeUnusable { .. }), "{error}");
    assert!(error.to_string().contains("libonnxruntime.so"), "{error}");
}
