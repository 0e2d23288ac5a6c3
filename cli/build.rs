//! Lists the shipped encoder's files, so that the binary carries them and needs nothing beside it, and finds out the
//! commit that `--version` tells.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// The folder under `engine/encoders/` that is shipped.
const DEFAULT_ENCODER: &str = "monarch-32k-384";

fn main() {
    let here = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    println!("cargo::rustc-env=LSEARCH_COMMIT={}", commit(&here));
    let folder = here.join("../engine/encoders").join(DEFAULT_ENCODER);
    println!("cargo::rerun-if-changed={}", folder.display());

    let mut files: Vec<PathBuf> = fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.expect("a readable folder entry").path())
        .filter(|path| path.is_file())
        .collect();
    files.sort();

    let mut code = format!(
        "/// The shipped encoder's name.\npub const NAME: &str = {DEFAULT_ENCODER:?};\n\
         /// Its files: name and contents.\npub const FILES: &[(&str, &[u8])] = &[\n"
    );
    for file in &files {
        let name = file.file_name().and_then(|name| name.to_str()).expect("a UTF-8 file name");
        let path = fs::canonicalize(file).expect("an existing file");
        writeln!(code, "    ({name:?}, include_bytes!({path:?})),").expect("writing to a string");
    }
    code.push_str("];\n");

    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    fs::write(Path::new(&out).join("shipped_encoder.rs"), code).expect("a writable OUT_DIR");
}

/// Commit and day, such as `1a2b3c4d5e, 2026-01-31`: those that `LSEARCH_COMMIT` names, for builds from an archive;
/// otherwise those that git knows. Builds for testing name none, or each commit would build everything anew.
fn commit(here: &Path) -> String {
    println!("cargo::rerun-if-env-changed=LSEARCH_COMMIT");
    if let Some(commit) = env::var("LSEARCH_COMMIT").ok().filter(|commit| !commit.is_empty()) {
        return commit;
    }
    if env::var("PROFILE").as_deref() != Ok("release") {
        return "built for testing".to_owned();
    }
    let root = here.join("..");
    let git = |arguments: &[&str]| {
        let output = Command::new("git").arg("-C").arg(&root).args(arguments).output().ok()?;
        let text = String::from_utf8(output.stdout).ok().filter(|_| output.status.success())?;
        Some(text.trim().to_owned()).filter(|text| !text.is_empty())
    };
    // A checkout of something else around these files has a commit that says nothing about them.
    let is_ours = root.join(".git").exists();
    let found = is_ours.then(|| git(&["log", "-1", "--abbrev=10", "--format=%h, %cs"])).flatten();
    for name in ["HEAD", "logs/HEAD"] {
        let path = git(&["rev-parse", "--git-path", name]).filter(|_| found.is_some());
        if let Some(path) = path.map(|path| root.join(path)).filter(|path| path.exists()) {
            println!("cargo::rerun-if-changed={}", path.display());
        }
    }
    found.unwrap_or_else(|| "of an unknown commit".to_owned())
}
