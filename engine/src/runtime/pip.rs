//! Running pip.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::packages::Pinned;
use crate::error::EngineError;

/// Runs pip and returns the wheel it saved.
pub(super) fn download(
    pinned: &Pinned,
    python: &Path,
    into: &Path,
) -> Result<PathBuf, EngineError> {
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
        // pip saves the package in its temporary folder first, which may be a small one in memory.
        .env("TMPDIR", into)
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
            fix: fix_for(&stderr, pinned, &requirement),
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
fn fix_for(stderr: &str, pinned: &Pinned, requirement: &str) -> String {
    let yourself = if pinned.name.starts_with("nvidia-") {
        "install CUDA 13 yourself, with your system's packages or NVIDIA's"
    } else {
        "install ONNX Runtime yourself and name its library file"
    };
    if stderr.contains("No module named pip") {
        return "this Python has no pip; install it (python3 -m ensurepip, or your system's \
                python3-pip package) and try again"
            .into();
    }
    if stderr.contains("No matching distribution") {
        return format!(
            "pip's package index does not offer {requirement} for this machine; check the index \
             pip uses (pip config list), or {yourself}"
        );
    }
    format!(
        "check the network connection and pip's proxy and index settings, and try again; without a \
         network, {yourself}"
    )
}

fn tail(text: &str, lines: usize) -> String {
    let all: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tail_keeps_the_last_lines() {
        assert_eq!(tail("a\n\nb\nc\n", 2), "b\nc");
        assert_eq!(tail("", 2), "");
    }
}
