//! Lists the shipped encoder's files, so that the binary carries them and needs nothing beside it.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

/// The folder under `engine/encoders/` that is shipped.
const DEFAULT_ENCODER: &str = "monarch-32k-384";

fn main() {
    let here = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
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
