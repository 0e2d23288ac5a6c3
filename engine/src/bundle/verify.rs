//! Checking a bundle's files, and the fingerprint that tells encoders apart.

use std::io::Read;
use std::path::Path;

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::manifest::{BundleFile, Manifest};
use crate::error::EngineError;

/// How thoroughly [`Bundle::open`](crate::Bundle::open) checks the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verify {
    /// Every length and every sha256. Hashing 45 MB takes some 30 to 200 ms.
    Full,
    /// Every length, and the sha256 of files up to 2 MiB (tokenizer, graphs). For each start, once
    /// a full check has passed.
    Sizes,
}

/// Files up to this length are hashed on every opening: it costs about a millisecond.
const SMALL_BYTES: u64 = 2 << 20;

/// Checks one listed file.
pub(super) fn check_file(dir: &Path, file: &BundleFile, verify: Verify) -> Result<(), EngineError> {
    let path = dir.join(&file.path);
    let found = match fs_err::metadata(&path) {
        Ok(metadata) if metadata.is_file() => metadata.len(),
        Ok(_) => return Err(EngineError::FileMissing { path }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(EngineError::FileMissing { path });
        }
        Err(error) => return Err(error.into()),
    };
    if found != file.bytes {
        return Err(EngineError::FileSize { path, expected: file.bytes, found });
    }
    if verify == Verify::Full || file.bytes <= SMALL_BYTES {
        let found = sha256_of_file(&path)?;
        if !found.eq_ignore_ascii_case(&file.sha256) {
            return Err(EngineError::FileHash { path, expected: file.sha256.clone(), found });
        }
    }
    Ok(())
}

/// sha256 of a file's content, in lower-case hex.
pub(crate) fn sha256_of_file(path: &Path) -> Result<String, EngineError> {
    let mut file = fs_err::File::open(path)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 256 << 10];
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok(hex(&hasher.finalize()));
        }
        hasher.update(&buffer[..read]);
    }
}

/// sha256 of bytes, in lower-case hex.
fn sha256_of(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What a vector depends on, hashed: the sha256 of the canonical JSON of format, dimensions,
/// tokenizer, files, special ids, prefixes, pooling, normalisation, mode, and passages and positions where the manifest
/// has them. Name, description,
/// licence and source stay out of it, so that rewording them does not part old vectors from new.
///
/// `raw` is the manifest as parsed JSON: members this version does not know still count.
pub(super) fn fingerprint(manifest: &Manifest, raw: &Value) -> String {
    let mut files: Vec<&BundleFile> =
        manifest.files.iter().filter(|file| !is_about(&file.path)).collect();
    files.sort_by(|a, b| a.path.cmp(&b.path));
    let files: Vec<Value> = files
        .iter()
        .map(|file| serde_json::json!({"path": file.path, "sha256": file.sha256}))
        .collect();
    let tokenizer = manifest.file(&manifest.tokenizer).map(|file| file.sha256.as_str());
    let mut identity = serde_json::json!({
        "format": manifest.format,
        "dimensions": manifest.dimensions,
        "tokenizer": tokenizer,
        "files": files,
        "special": raw["special"],
        "query_prefix": manifest.query_prefix,
        "document_prefix": manifest.document_prefix,
        "pooling": raw["pooling"],
        "normalize": manifest.normalize,
        "mode": raw["mode"],
    });
    // Not there in older manifests, whose vectors must stay theirs.
    for name in ["passages", "positions"] {
        if let Some(value) = raw.get(name) {
            identity[name] = value.clone();
        }
    }
    let mut canonical = String::new();
    write_canonical(&identity, &mut canonical);
    sha256_of(canonical.as_bytes())
}

/// Whether a file only tells about the encoder: mending a word in a licence notice must not make
/// everyone's documents be encoded again.
fn is_about(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    ["LICENSE", "NOTICE", "README"].iter().any(|start| name.starts_with(start))
}

/// JSON with sorted keys and no spaces. `serde_json`'s own order of keys depends on a feature that
/// any other crate in the build may switch on.
fn write_canonical(value: &Value, out: &mut String) {
    match value {
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by_key(|(key, _)| key.as_str());
            out.push('{');
            for (i, (key, member)) in members.into_iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                out.push_str(&Value::from(key.as_str()).to_string());
                out.push(':');
                write_canonical(member, out);
            }
            out.push('}');
        }
        Value::Array(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                write_canonical(item, out);
            }
            out.push(']');
        }
        scalar => out.push_str(&scalar.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canonical_json_sorts_keys_at_every_depth() {
        let value: Value =
            serde_json::from_str(r#"{"b": [1, {"z": null, "a": "é\n"}], "a": true}"#).unwrap();
        let mut out = String::new();
        write_canonical(&value, &mut out);
        assert_eq!(out, "{\"a\":true,\"b\":[1,{\"a\":\"é\\n\",\"z\":null}]}");
    }

    #[test]
    fn sha256_of_the_empty_string() {
        assert_eq!(
            sha256_of(b""),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
    }
}
