//! `setup --gpu` where there is no GPU, and as far as it gets without fetching anything real.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::common::{Desk, Ran};

/// A machine with an NVIDIA GPU would fetch hundreds of megabytes in some of these tests.
fn has_gpu() -> bool {
    ["/dev/nvidiactl", "/dev/nvidia0", "/dev/dxg"].iter().any(|node| Path::new(node).exists())
}

/// A Python without pip, which leaves a file behind when it runs.
fn python_without_pip(desk: &Desk) -> PathBuf {
    let python = desk.home().join("python");
    let script =
        "#!/bin/sh\ntouch \"$(dirname \"$0\")/ran\"\necho 'No module named pip' >&2\nexit 1\n";
    std::fs::write(&python, script).unwrap();
    std::fs::set_permissions(&python, std::fs::Permissions::from_mode(0o755)).unwrap();
    python
}

/// Runs it with that Python, and with no ONNX Runtime named.
fn run(desk: &Desk, args: &[&str]) -> Ran {
    let mut command = desk.command(args);
    command.env("LSEARCH_PYTHON", python_without_pip(desk)).env_remove("LSEARCH_ORT_LIB");
    Ran::of(command.output().unwrap())
}

#[test]
fn without_a_gpu_nothing_is_fetched() {
    if has_gpu() {
        return;
    }
    let desk = Desk::new();
    run(&desk, &["setup", "--gpu"]).exits(2).says("no NVIDIA GPU").says("--force");
    assert!(!desk.home().join("ran").exists() && !desk.data().join("runtime").exists());
}

#[test]
fn an_image_can_be_prepared_without_a_gpu() {
    if has_gpu() {
        return;
    }
    let desk = Desk::new();
    let ran = run(&desk, &["setup", "--gpu", "--force"]).exits(2);
    // The sizes come before the first byte, what to do after the failure.
    ran.says("740 MB").says("1.0 GB").says("No module named pip").says("lsearch setup --gpu");
    assert!(desk.home().join("ran").exists());
    let left = std::fs::read_dir(desk.data().join("runtime")).unwrap().flatten();
    let fetches = left.filter(|entry| entry.file_name().to_string_lossy().contains("fetch"));
    assert_eq!(fetches.count(), 0);
}

#[test]
fn an_onnx_runtime_named_by_the_person_must_have_cuda() {
    let desk = Desk::new();
    desk.run(["setup", "--gpu", "--force"]).exits(2).says("without CUDA").says("LSEARCH_ORT_LIB");
    assert!(!desk.data().join("runtime").exists());
}

#[test]
fn doctor_tells_how_things_stand_with_the_gpu() {
    let desk = Desk::new();
    let checks = desk.run(["doctor", "--json"]).ok().json();
    let check = checks.as_array().unwrap().iter().find(|check| check["name"] == "CUDA").unwrap();
    if has_gpu() {
        assert!(check["fix"].as_str().unwrap().contains("lsearch setup --gpu"), "{check:#}");
    } else {
        assert_eq!(check["level"], "good");
        assert!(check["message"].as_str().unwrap().contains("no NVIDIA GPU"), "{check:#}");
    }
}
