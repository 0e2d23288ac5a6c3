//! Bundles that are damaged, foreign or changed.

use std::path::Path;

use lsearch_engine::{Bundle, DeviceChoice, Encoder, EncoderOptions, EngineError, Verify};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::*;

fn copy_of(folder: &Path) -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    for entry in fs_err::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        fs_err::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
    }
    copy
}

fn edit(folder: &Path, change: impl FnOnce(&mut Value)) {
    let path = folder.join("manifest.json");
    let mut manifest = serde_json::from_str(&fs_err::read_to_string(&path).unwrap()).unwrap();
    change(&mut manifest);
    fs_err::write(path, manifest.to_string()).unwrap();
}

fn refusal(folder: &Path, verify: Verify) -> EngineError {
    Bundle::open(folder, verify).expect_err("the bundle is bad")
}

#[test]
fn the_shipped_bundle_passes_the_full_check() {
    let bundle = Bundle::open(&monarch_folder(), Verify::Full).unwrap();
    assert_eq!((bundle.name(), bundle.dimensions()), ("monarch-32k-384", 384));
    assert_eq!(bundle.fingerprint().len(), 64);
    assert!(bundle.bytes() > 45_000_000);
}

#[test]
fn a_folder_without_a_manifest_and_a_manifest_that_is_no_json() {
    let copy = copy_of(&tiny_folder());
    fs_err::write(copy.path().join("manifest.json"), "{").unwrap();
    assert!(matches!(refusal(copy.path(), Verify::Sizes), EngineError::ManifestInvalid { .. }));
    fs_err::remove_file(copy.path().join("manifest.json")).unwrap();
    let error = refusal(copy.path(), Verify::Sizes);
    assert!(matches!(error, EngineError::ManifestMissing { .. }), "{error}");
    assert!(error.to_string().contains(&copy.path().display().to_string()), "{error}");
}

#[test]
fn another_format_is_named_whatever_else_the_manifest_holds() {
    let copy = copy_of(&tiny_folder());
    fs_err::write(copy.path().join("manifest.json"), r#"{"format": 2, "new": true}"#).unwrap();
    let error = refusal(copy.path(), Verify::Sizes);
    assert!(matches!(error, EngineError::FormatUnknown { found: 2, supported: 1, .. }), "{error}");
}

#[test]
fn a_truncated_missing_or_flipped_file_is_refused_by_name() {
    let copy = copy_of(&tiny_folder());
    let weights = copy.path().join("weights.bin");
    let mut bytes = fs_err::read(&weights).unwrap();

    fs_err::write(&weights, &bytes[..bytes.len() - 1]).unwrap();
    for verify in [Verify::Full, Verify::Sizes] {
        let error = refusal(copy.path(), verify);
        assert!(matches!(error, EngineError::FileSize { .. }), "{error}");
        assert!(error.to_string().contains("weights.bin"), "{error}");
    }

    bytes[100] ^= 1;
    fs_err::write(&weights, &bytes).unwrap();
    for verify in [Verify::Full, Verify::Sizes] {
        let error = refusal(copy.path(), verify);
        assert!(matches!(error, EngineError::FileHash { .. }), "{error}");
    }

    fs_err::remove_file(&weights).unwrap();
    let error = refusal(copy.path(), Verify::Sizes);
    assert!(matches!(error, EngineError::FileMissing { .. }), "{error}");
}

#[test]
fn a_large_file_is_hashed_by_the_full_check_alone() {
    let copy = copy_of(&monarch_folder());
    let weights = copy.path().join("weights.bin");
    let mut bytes = fs_err::read(&weights).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 0x80;
    fs_err::write(&weights, bytes).unwrap();
    assert!(Bundle::open(copy.path(), Verify::Sizes).is_ok());
    assert!(matches!(refusal(copy.path(), Verify::Full), EngineError::FileHash { .. }));
}

#[test]
fn manifests_that_cannot_be_run_are_refused_with_a_reason() {
    type Change = fn(&mut Value);
    let cases: [(&str, Change); 17] = [
        ("leaves the bundle's folder", |m| m["files"][0]["path"] = json!("../model.onnx")),
        ("leaves the bundle's folder", |m| m["files"][0]["path"] = json!("/etc/hostname")),
        ("not listed in files", |m| m["graphs"][0]["file"] = json!("other.onnx")),
        ("not listed in files", |m| m["tokenizer"] = json!("other.json")),
        ("buckets must ascend", |m| m["mode"]["buckets"] = json!([16, 128, 64])),
        ("longer than its overlap", |m| m["mode"]["overlap_tokens"] = json!(125)),
        ("unknown input", |m| m["graphs"][0]["inputs"] = json!(["input_ids", "past_key_values"])),
        ("no input position_ids", |m| m["positions"] = json!({"kind": "grouped", "group": 2})),
        ("above zero", |m| m["positions"] = json!({"kind": "recurrent", "period": 0})),
        ("pools itself is a mean", |m| m["pooling"] = json!("cls")),
        ("cannot be spans", |m| {
            m["pooling"] = json!("output");
            m["passages"] = json!("spans");
        }),
        ("normalize", |m| m["normalize"] = json!(false)),
        ("the mode needs 128", |m| m["graphs"][1]["max_tokens"] = json!(64)),
        // A short graph needs a long one beside it, on each of its devices.
        ("takes 32 tokens", |m| m["graphs"][1]["devices"] = json!(["cpu"])),
        ("belong together", |m| {
            m["graphs"][1]["inputs"] = json!(["input_ids", "lengths", "span_starts"]);
        }),
        ("all graphs have a document_output or none", |m| {
            m["graphs"][1]["document_output"] = json!("documents");
        }),
        ("masked does not fit", |m| {
            m["graphs"][1]["inputs"] = json!(["input_ids", "span_starts", "span_ends"]);
        }),
    ];
    let windowed: [(&str, Change); 3] = [
        ("longer than its overlap", |m| m["mode"]["overlap_tokens"] = json!(297)),
        ("the mode needs 300", |m| m["graphs"][0]["max_tokens"] = json!(299)),
        // In windows there is no short graph beside a long one.
        ("the mode needs 300", |m| m["graphs"][1]["max_tokens"] = json!(32)),
    ];
    let cases = cases.map(|(reason, change)| (tiny_folder(), reason, change));
    let windowed = windowed.map(|(reason, change)| (windowed_folder(), reason, change));
    for (folder, reason, change) in cases.into_iter().chain(windowed) {
        let copy = copy_of(&folder);
        edit(copy.path(), change);
        let error = refusal(copy.path(), Verify::Sizes);
        assert!(matches!(error, EngineError::ManifestUnsupported { .. }), "{error}");
        assert!(error.to_string().contains(reason), "{reason}: {error}");
    }
    let copy = copy_of(&tiny_folder());
    edit(copy.path(), |m| m["pooling"] = json!("max"));
    assert!(matches!(refusal(copy.path(), Verify::Sizes), EngineError::ManifestInvalid { .. }));
}

#[test]
fn only_what_a_vector_depends_on_changes_the_fingerprint() {
    let fingerprint = |change: fn(&mut Value)| {
        let copy = copy_of(&tiny_folder());
        edit(copy.path(), change);
        Bundle::open(copy.path(), Verify::Sizes).unwrap().fingerprint().to_string()
    };
    let original = fingerprint(|_| {});
    let described = fingerprint(|m| {
        m["name"] = json!("renamed");
        m["description"] = json!("other words");
        m["source"] = json!("elsewhere");
        m["files"].as_array_mut().unwrap().reverse();
    });
    assert_eq!(described, original);
    for change in [
        (|m| m["query_prefix"] = json!("look for ")) as fn(&mut Value),
        |m| m["special"]["pad_id"] = json!(0),
        |m| m["mode"]["overlap_tokens"] = json!(8),
    ] {
        assert_ne!(fingerprint(change), original);
    }
}

fn open_error(folder: &Path) -> EngineError {
    let bundle = Bundle::open(folder, Verify::Sizes).unwrap();
    let options = EncoderOptions { device: DeviceChoice::Cpu, ..Default::default() };
    Encoder::open(&bundle, &RUNTIME, &options).err().expect("the encoder cannot be opened")
}

#[test]
fn a_tokenizer_with_ids_outside_the_vocabulary_is_refused() {
    let copy = copy_of(&tiny_folder());
    edit(copy.path(), |m| m["vocabulary"] = json!(165));
    let error = open_error(copy.path());
    assert!(matches!(error, EngineError::TokenizerMismatch { id: 165, .. }), "{error}");
    edit(copy.path(), |m| {
        m["vocabulary"] = json!(166);
        m["special"]["suffix_ids"] = json!([166]);
    });
    let error = open_error(copy.path());
    assert!(matches!(error, EngineError::TokenizerMismatch { id: 166, .. }), "{error}");
}

#[test]
fn graphs_that_are_not_what_the_manifest_says_are_refused() {
    let copy = copy_of(&tiny_folder());
    edit(copy.path(), |m| m["graphs"][0]["output"] = json!("hidden_states"));
    let error = open_error(copy.path());
    assert!(matches!(error, EngineError::GraphInvalid { .. }), "{error}");
    assert!(error.to_string().contains("hidden_states"), "{error}");
    edit(copy.path(), |m| {
        m["graphs"][0]["output"] = json!("token_vectors");
        m["graphs"][0]["document_output"] = json!("document_vectors");
        m["graphs"][1]["document_output"] = json!("document_vectors");
    });
    let error = open_error(copy.path());
    assert!(error.to_string().contains(r#"without "document_vectors""#), "{error}");

    edit(copy.path(), |m| {
        m["graphs"][0]["devices"] = json!(["cuda"]);
        m["graphs"][1]["devices"] = json!(["cuda"]);
    });
    let error = open_error(copy.path());
    assert!(matches!(error, EngineError::GraphMissing { .. }), "{error}");
}

#[test]
fn windows_run_in_a_graph_with_a_mask_where_there_is_no_other() {
    let copy = copy_of(&windowed_folder());
    edit(copy.path(), |m| {
        m["graphs"].as_array_mut().unwrap().remove(0);
    });
    let encoder = open(copy.path(), EncoderOptions::default());
    let text = "the boat waits for the tide and the ferry ".repeat(40);
    for text in ["boat", &text] {
        let (alone, masked) = (WINDOWED.encode_query(text), encoder.encode_query(text));
        assert!(largest_difference(&alone.unwrap(), &masked.unwrap()) < 1e-5);
    }
}

#[test]
fn an_output_of_other_dimensions_is_refused_when_it_comes() {
    let copy = copy_of(&tiny_folder());
    edit(copy.path(), |m| m["dimensions"] = json!(8));
    let error = open(copy.path(), EncoderOptions::default()).encode_query("boat").unwrap_err();
    assert!(matches!(error, EngineError::GraphInvalid { .. }), "{error}");
}

/// A graph is opened with the first sequence that needs it; until then the others work.
#[test]
fn a_damaged_graph_stops_only_what_needs_it() {
    let copy = copy_of(&tiny_folder());
    edit(copy.path(), |m| m["graphs"][1]["output"] = json!("token_vectors"));
    let encoder = open(copy.path(), EncoderOptions::default());
    assert!(encoder.encode_query("boat").is_ok());
    for _ in 0..2 {
        let error = encoder.encode_query(&"boat ".repeat(60)).unwrap_err();
        assert!(matches!(error, EngineError::GraphInvalid { .. }), "{error}");
    }
    assert!(encoder.encode_query("boat").is_ok());
}

/// NaN weights, as a disk or a memory error leaves them.
#[test]
fn nan_never_becomes_a_vector() {
    let copy = copy_of(&tiny_folder());
    let weights = copy.path().join("weights.bin");
    let mut bytes = fs_err::read(&weights).unwrap();
    for half in bytes.chunks_exact_mut(2) {
        half.copy_from_slice(&0x7E00u16.to_le_bytes());
    }
    fs_err::write(&weights, &bytes).unwrap();
    edit(copy.path(), |m| {
        for file in m["files"].as_array_mut().unwrap() {
            if file["path"] == "weights.bin" {
                file["sha256"] = json!(sha256(&bytes));
            }
        }
    });
    let error = open(copy.path(), EncoderOptions::default()).encode_query("boat").unwrap_err();
    assert!(matches!(error, EngineError::BadOutput { .. }), "{error}");
}

fn sha256(bytes: &[u8]) -> String {
    use sha2::{Digest, Sha256};
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
