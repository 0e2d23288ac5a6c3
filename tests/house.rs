//! The rules of the house, checked on the sources themselves.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::common::repository;

/// Licences that may be linked into the binary; an expression needs one of its alternatives to be all of these.
const LICENCES: [&str; 13] = [
    "MIT",
    "MIT-0",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-1-Clause",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "Zlib",
    "Unicode-3.0",
    "Unlicense",
    "CC0-1.0",
    "MPL-2.0",
];

/// Licences outside the list that one crate may have, with the reason.
const EXCEPTIONS: [(&str, &str); 1] = [
    // The terms of bzip2 itself, which are those of a BSD licence under a name of their own.
    ("libbz2-rs-sys", "bzip2-1.0.6"),
];

const ROOMS: [&str; 3] = ["lsearch-engine", "lsearch-ingest", "lsearch-index"];

fn metadata() -> Value {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked"])
        .current_dir(repository())
        .output()
        .expect("cargo metadata");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

#[test]
fn the_rooms_do_not_depend_on_one_another() {
    let metadata = metadata();
    let packages = metadata["packages"].as_array().expect("packages");
    let mut seen = 0;
    for package in
        packages.iter().filter(|package| ROOMS.contains(&package["name"].as_str().unwrap_or("")))
    {
        seen += 1;
        for dependency in package["dependencies"].as_array().expect("dependencies") {
            let name = dependency["name"].as_str().expect("a name");
            assert!(!name.starts_with("lsearch"), "{} depends on {name}", package["name"]);
        }
    }
    assert_eq!(seen, ROOMS.len());
}

#[test]
fn every_dependency_has_a_permissive_licence() {
    let metadata = metadata();
    let mut refused = Vec::new();
    for package in metadata["packages"].as_array().expect("packages") {
        let name = package["name"].as_str().expect("a name");
        let licence = package["license"].as_str().unwrap_or("none");
        if !permitted(licence) && !EXCEPTIONS.contains(&(name, licence)) {
            refused.push(format!("{name}: {licence}"));
        }
    }
    assert!(refused.is_empty(), "{refused:#?}");
}

/// True when one alternative of an SPDX expression holds permitted licences only.
fn permitted(expression: &str) -> bool {
    let flat = expression.replace(['(', ')'], "").replace('/', " OR ");
    // Without precedence: every term of an AND must be permitted through one of its ORs.
    flat.split(" AND ").all(|part| part.split(" OR ").any(|one| LICENCES.contains(&one.trim())))
}

#[test]
fn the_licence_rule_can_refuse() {
    assert!(permitted("MIT OR GPL-3.0"));
    assert!(permitted("(MIT OR Apache-2.0) AND Unicode-3.0"));
    assert!(!permitted("GPL-3.0-only"));
    assert!(!permitted("MIT AND GPL-2.0"));
    assert!(!permitted("none"));
}

#[test]
fn the_libraries_neither_print_nor_read_the_environment() {
    let mut found = Vec::new();
    for room in ["engine", "ingest", "index"] {
        for file in rust_files(&repository().join(room).join("src")) {
            let text = std::fs::read_to_string(&file).expect("a readable source");
            // Tests may do as they like; by custom they stand at the end of a file or in files of their own.
            let in_tests = file.parent().is_some_and(|folder| folder.ends_with("tests"));
            if in_tests || file.file_stem().is_some_and(|stem| stem == "tests" || stem == "testing")
            {
                continue;
            }
            let code = text.split("#[cfg(test)]").next().unwrap_or_default();
            for (at, line) in code.lines().enumerate() {
                let line = line.trim_start();
                // What ONNX Runtime would read by itself has to be looked at.
                if line.starts_with("//") || line.contains("env::var(NO_TELEMETRY.0)") {
                    continue;
                }
                for forbidden in [
                    "println!(",
                    "eprintln!(",
                    "print!(",
                    "eprint!(",
                    "dbg!(",
                    "env::var",
                    "env::home",
                    "ProjectDirs",
                ] {
                    if line.contains(forbidden) {
                        found.push(format!("{}:{}: {line}", file.display(), at + 1));
                    }
                }
            }
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a readable folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            files.push(path);
        }
    }
    files
}
