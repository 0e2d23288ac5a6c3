//! Models of others: each family's small model becomes a bundle that gives what PyTorch gives.

use std::path::{Path, PathBuf};

use lsearch_engine::import::{Extension, ImportOptions, Imported, import};
use lsearch_engine::{EncoderOptions, EngineError, Mode, Passages, Pooling, PositionKind, combine};
use serde_json::{Value, json};

use crate::support::*;

fn families() -> PathBuf {
    engine_folder().join("tests/families")
}

fn brought(
    source: &Path,
    options: &ImportOptions,
) -> (tempfile::TempDir, Result<Imported, EngineError>) {
    let encoders = tempfile::tempdir().unwrap();
    let imported = import(source, encoders.path(), options, &RUNTIME, &|_| {});
    (encoders, imported)
}

/// The end of a word near the middle.
fn middle(text: &str) -> usize {
    text[text.len() / 2..].find(' ').map_or(text.len(), |at| text.len() / 2 + at)
}

/// The family's vectors, as queries and as documents, are those of PyTorch.
fn check(family: &str, expected: Pooling) -> Imported {
    let goldens: Value =
        serde_json::from_str(&fs_err::read_to_string(families().join("goldens.json")).unwrap())
            .unwrap();
    let golden = &goldens["families"][family];
    // Goldens are of the texts as they are.
    let plain = ImportOptions {
        query_prefix: Some(String::new()),
        document_prefix: Some(String::new()),
        ..ImportOptions::default()
    };
    let (_encoders, imported) = brought(&families().join(family), &plain);
    let imported = imported.unwrap_or_else(|error| panic!("{family}: {error}"));
    let manifest = imported.bundle.manifest();
    assert_eq!(manifest.pooling, expected, "{family}");
    assert_eq!(imported.bundle.name(), family);
    let encoder = open(imported.bundle.dir(), EncoderOptions::default());
    let texts: Vec<&str> =
        goldens["texts"].as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect();
    // Together, so that the short ones are padded.
    let cut: Vec<_> = texts
        .iter()
        .map(|text| {
            encoder
                .next_section(text, &[0..middle(text), middle(text)..text.len()], 0)
                .unwrap()
                .unwrap()
        })
        .collect();
    let documents = encode(&encoder, &cut);
    for ((text, document), golden) in
        texts.iter().zip(&documents).zip(golden["vectors"].as_array().unwrap())
    {
        let golden = vector(golden);
        let query = encoder.encode_query(text).unwrap();
        let document_vector = combine(&[(document.tokens, &document.mean)]);
        for found in [&query, &document_vector] {
            let apart = largest_difference(found, &golden);
            assert!(apart < 2e-4, "{family}: {apart} for {text:?}");
        }
        assert_eq!(document.passages.len(), 2);
        // A passage that is a sequence of its own has the vector that its text has as a document.
        if manifest.passages() == Passages::Sequences && text.contains(' ') {
            let alone = encoder.encode_query(&text[middle(text)..]).unwrap();
            let near = cosine(&document.passages[1], &alone);
            assert!(near > 0.9999, "{family}: {near}");
        }
    }
    imported
}

#[test]
fn bert_with_absolute_positions() {
    let imported = check("bert", Pooling::Mean);
    // 96 by sentence_bert_config.json, though the table of positions has 128.
    let Mode::Windows { window_tokens: 94, .. } = imported.bundle.manifest().mode else { panic!() };
}

#[test]
fn a_graph_that_pools_itself() {
    let imported = check("bert-pooled", Pooling::Output);
    assert_eq!(imported.bundle.manifest().passages(), Passages::Sequences);
}

#[test]
fn xlm_roberta_counts_positions_from_its_padding() {
    let imported = check("xlm-roberta", Pooling::Cls);
    let Mode::Windows { window_tokens: 126, .. } = imported.bundle.manifest().mode else {
        panic!()
    };
}

#[test]
fn modernbert_turns_by_position_and_looks_near_and_far() {
    let imported = check("modernbert", Pooling::Cls);
    let Mode::Whole { max_tokens: 2048, .. } = imported.bundle.manifest().mode else { panic!() };
}

#[test]
fn nomic_turns_by_position() {
    check("nomic", Pooling::Mean);
}

#[test]
fn jina_is_biased_by_distance() {
    check("jina-v2", Pooling::Mean);
}

#[test]
fn qwen3_is_pooled_by_the_end_its_tokenizer_adds() {
    let imported = check("qwen3", Pooling::Last);
    assert_eq!(imported.bundle.manifest().special.suffix_ids, [4]);
}

#[test]
fn mistral_is_given_the_end_that_its_tokenizer_leaves_out() {
    let imported = check("mistral", Pooling::Last);
    assert_eq!(imported.bundle.manifest().special.suffix_ids, [4]);
    assert!(
        imported.notes.iter().any(|note| note.contains("eos_token_id")),
        "{:?}",
        imported.notes
    );
}

#[test]
fn prefixes_are_those_of_sentence_transformers_unless_said_otherwise() {
    let (_encoders, imported) = brought(&families().join("nomic"), &ImportOptions::default());
    let imported = imported.unwrap();
    let manifest = imported.bundle.manifest();
    assert_eq!((&*manifest.query_prefix, &*manifest.document_prefix), ("find : ", "the : "));
    let options = ImportOptions { query_prefix: Some("q : ".into()), ..ImportOptions::default() };
    let (_encoders, imported) = brought(&families().join("nomic"), &options);
    assert_eq!(imported.unwrap().bundle.manifest().query_prefix, "q : ");
}

#[test]
fn flags_choose_name_windows_length_and_passages() {
    let options = ImportOptions {
        name: Some("mine".into()),
        windows: true,
        max_tokens: Some(300),
        passages: Some(Passages::None),
        ..ImportOptions::default()
    };
    let (_encoders, imported) = brought(&families().join("modernbert"), &options);
    let imported = imported.unwrap();
    let manifest = imported.bundle.manifest();
    assert_eq!(manifest.name, "mine");
    assert!(matches!(manifest.mode, Mode::Windows { window_tokens: 298, .. }));
    let encoder = open(imported.bundle.dir(), EncoderOptions::default());
    let text = "the boat waits for the tide ".repeat(100);
    let cut = sections(&encoder, &text, &[0..50, 50..text.len()]);
    let vectors = &encode(&encoder, &cut)[0];
    assert_eq!(vectors.passages[0], vectors.passages[1], "they have their section's");

    let fixed =
        ImportOptions { fixed_length: true, max_tokens: Some(64), ..ImportOptions::default() };
    let (_encoders, imported) = brought(&families().join("bert"), &fixed);
    let Mode::Whole { buckets, .. } = &imported.unwrap().bundle.manifest().mode.clone() else {
        panic!()
    };
    assert_eq!(*buckets, [64]);
}

fn copy(family: &str) -> tempfile::TempDir {
    fn copy_into(from: &Path, to: &Path) {
        fs_err::create_dir_all(to).unwrap();
        for entry in fs_err::read_dir(from).unwrap().flatten() {
            let target = to.join(entry.file_name());
            match entry.path().is_dir() {
                true => copy_into(&entry.path(), &target),
                false => drop(fs_err::copy(entry.path(), target).unwrap()),
            }
        }
    }
    let folder = tempfile::tempdir().unwrap();
    copy_into(&families().join(family), folder.path());
    folder
}

fn edit(folder: &Path, name: &str, change: impl FnOnce(&mut Value)) {
    let path = folder.join(name);
    let mut value = serde_json::from_str(&fs_err::read_to_string(&path).unwrap()).unwrap();
    change(&mut value);
    fs_err::write(&path, value.to_string()).unwrap();
}

/// What is wrong is said, and nothing is left behind.
#[track_caller]
fn refused(folder: &Path, options: &ImportOptions, says: &str) {
    let (encoders, imported) = brought(folder, options);
    let error = imported.expect_err(says);
    assert!(matches!(error, EngineError::ImportRefused { .. }), "{error}");
    assert!(error.to_string().contains(says), "{says}: {error}");
    assert_eq!(fs_err::read_dir(encoders.path()).unwrap().count(), 0, "nothing is left behind");
}

#[test]
fn what_cannot_be_used_is_refused_with_the_reason() {
    let plain = ImportOptions::default();
    refused(Path::new("/nowhere/at/all"), &plain, "it is no folder");

    let empty = tempfile::tempdir().unwrap();
    refused(empty.path(), &plain, "no config.json");

    let model = copy("bert");
    fs_err::remove_file(model.path().join("onnx/model.onnx")).unwrap();
    refused(model.path(), &plain, "has no ONNX file");
    fs_err::write(
        model.path().join("onnx/model.onnx"),
        "version https://git-lfs.github.com/spec/v1\n",
    )
    .unwrap();
    refused(model.path(), &plain, "git lfs pull");

    let model = copy("bert");
    let path = model.path().join("onnx/model.onnx");
    let whole = fs_err::read(&path).unwrap();
    fs_err::write(&path, &whole[..whole.len() / 2]).unwrap();
    refused(model.path(), &plain, "cut short");

    let model = copy("bert");
    fs_err::remove_file(model.path().join("tokenizer.json")).unwrap();
    refused(model.path(), &plain, "has no tokenizer.json");
    fs_err::write(model.path().join("tokenizer.json"), "{}").unwrap();
    refused(model.path(), &plain, "the tokenizer cannot be loaded");

    let model = copy("bert");
    edit(model.path(), "config.json", |config| config["vocab_size"] = json!(50));
    refused(model.path(), &plain, "do not belong together");

    let model = copy("bert");
    edit(model.path(), "config.json", |config| config["hidden_size"] = json!(64));
    refused(model.path(), &plain, "not of one model");

    // The table of positions is shorter than the files say.
    let model = copy("bert");
    let longer = ImportOptions { max_tokens: Some(500), ..ImportOptions::default() };
    refused(model.path(), &longer, "a trial encoding failed");
    refused(
        model.path(),
        &ImportOptions { max_tokens: Some(3), ..plain.clone() },
        "no room for text",
    );

    let model = copy("bert");
    fs_err::remove_dir_all(model.path().join("1_Pooling")).unwrap();
    refused(model.path(), &plain, "say mean, cls or last");

    let model = copy("bert");
    edit(model.path(), "1_Pooling/config.json", |pooling| {
        pooling["pooling_mode_max_tokens"] = json!(true);
    });
    refused(model.path(), &plain, "pooling_mode_max_tokens");

    let model = copy("bert");
    edit(model.path(), "modules.json", |modules| {
        modules.as_array_mut().unwrap().push(json!({"type": "sentence_transformers.models.Dense"}));
    });
    refused(model.path(), &plain, "Dense");

    // Positions have no input here.
    let grouped =
        ImportOptions { extend: Some(Extension::Grouped), max_tokens: Some(1024), ..plain.clone() };
    refused(&families().join("bert"), &grouped, "no input position_ids");
}

/// Its vectors change with the padding, unless there is always the same.
#[test]
fn a_mask_that_is_not_heeded_shows() {
    let heedless = families().join("heedless");
    refused(&heedless, &ImportOptions::default(), "depends on the padding");
    let fixed = ImportOptions { fixed_length: true, ..ImportOptions::default() };
    let (_encoders, imported) = brought(&heedless, &fixed);
    assert_eq!(imported.unwrap().bundle.manifest().passages(), Passages::None);
}

/// A model with one operator that nobody has.
#[test]
fn a_model_with_operators_of_its_own_is_refused() {
    let field = |number: u8, bytes: &[u8]| [&[number << 3 | 2, bytes.len() as u8], bytes].concat();
    let node = [field(4, b"FlashThing"), field(7, b"my.kernels")].concat();
    let model = copy("bert");
    fs_err::write(model.path().join("onnx/model.onnx"), field(7, &field(1, &node))).unwrap();
    refused(model.path(), &ImportOptions::default(), "the operator FlashThing of my.kernels");
}

/// Weights that lie elsewhere are taken only from beside the graph.
#[test]
fn weights_outside_the_folder_are_refused() {
    let field = |number: u8, bytes: &[u8]| [&[number << 3 | 2, bytes.len() as u8], bytes].concat();
    for (location, says) in
        [("../../secret", "leaves its folder"), ("model.onnx_data", "is missing")]
    {
        let entry = [field(1, b"location"), field(2, location.as_bytes())].concat();
        let tensor = field(13, &entry);
        let model = copy("bert");
        fs_err::write(model.path().join("onnx/model.onnx"), field(7, &field(5, &tensor))).unwrap();
        refused(model.path(), &ImportOptions::default(), says);
    }
}

#[test]
fn an_encoder_of_the_same_name_stays() {
    let encoders = tempfile::tempdir().unwrap();
    let bring = || {
        import(
            &families().join("bert"),
            encoders.path(),
            &ImportOptions::default(),
            &RUNTIME,
            &|_| {},
        )
    };
    let first = bring().unwrap();
    let error = bring().unwrap_err().to_string();
    assert!(error.contains("another name"), "{error}");
    assert_eq!(fs_err::read_dir(encoders.path()).unwrap().count(), 1);
    assert!(first.bundle.dir().join("manifest.json").exists());
}

#[test]
fn positions_are_read_as_manifests_have_them() {
    let kinds = [
        (json!({"kind": "plain"}), PositionKind::Plain),
        (json!({"kind": "grouped", "group": 4}), PositionKind::Grouped { group: 4 }),
        (json!({"kind": "recurrent", "period": 96}), PositionKind::Recurrent { period: 96 }),
    ];
    for (value, kind) in kinds {
        let positions: lsearch_engine::Positions = serde_json::from_value(value).unwrap();
        assert_eq!(positions.kind, kind);
    }
}
