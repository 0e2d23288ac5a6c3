//! What the tests share: the runtime, the bundles, the goldens.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use lsearch_engine::runtime::{self, Candidates, Runtime};
use lsearch_engine::{
    Bundle, DeviceChoice, Encoder, EncoderOptions, Section, SectionVectors, Verify, combine,
};
use serde_json::Value;

pub(crate) fn engine_folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The library named by LSEARCH_ORT_LIB, else one below target/onnxruntime of the workspace, else
/// one fetched to there.
pub(crate) fn library() -> PathBuf {
    let folder = engine_folder().parent().unwrap().join("target/onnxruntime");
    let candidates = Candidates {
        explicit: std::env::var_os("LSEARCH_ORT_LIB").map(PathBuf::from),
        folders: vec![folder.clone()],
        ..Default::default()
    };
    match runtime::find(&candidates).unwrap() {
        Some(found) => found.path,
        None => runtime::install(&folder, Path::new("python3"), &|_| {}).unwrap(),
    }
}

pub(crate) static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| runtime::load(&library()).unwrap());

pub(crate) fn monarch_folder() -> PathBuf {
    engine_folder().join("encoders/monarch-32k-384")
}

/// Random weights; reads a document whole.
pub(crate) fn tiny_folder() -> PathBuf {
    engine_folder().join("tests/tiny-whole")
}

/// Random weights; reads a document in windows.
pub(crate) fn windowed_folder() -> PathBuf {
    engine_folder().join("tests/tiny-windows")
}

pub(crate) fn open(folder: &Path, options: EncoderOptions) -> Encoder {
    let bundle = Bundle::open(folder, Verify::Sizes).unwrap();
    Encoder::open(&bundle, &RUNTIME, &EncoderOptions { device: DeviceChoice::Cpu, ..options })
        .unwrap()
}

pub(crate) static MONARCH: LazyLock<Encoder> =
    LazyLock::new(|| open(&monarch_folder(), EncoderOptions::default()));

/// The shipped encoder's weights in graphs that compute in fp32.
pub(crate) static MONARCH_EXACT: LazyLock<Encoder> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    for source in [monarch_folder(), engine_folder().join("tests/monarch-fp32")] {
        for entry in fs_err::read_dir(source).unwrap() {
            let path = entry.unwrap().path();
            fs_err::copy(&path, folder.path().join(path.file_name().unwrap())).unwrap();
        }
    }
    let encoder = open(folder.path(), EncoderOptions::default());
    // Each graph is opened when a sequence first needs it; after that the files may go.
    for text in ["a boat".to_owned(), "a boat and its crew ".repeat(20)] {
        encoder.encode_query(&text).unwrap();
    }
    encoder
});

pub(crate) static TINY: LazyLock<Encoder> =
    LazyLock::new(|| open(&tiny_folder(), EncoderOptions::default()));

pub(crate) static WINDOWED: LazyLock<Encoder> =
    LazyLock::new(|| open(&windowed_folder(), EncoderOptions::default()));

pub(crate) fn golden(name: &str) -> Value {
    let path = engine_folder().join("tests/golden").join(name);
    serde_json::from_str(&fs_err::read_to_string(path).unwrap()).unwrap()
}

pub(crate) fn vector(value: &Value) -> Vec<f32> {
    value.as_array().unwrap().iter().map(|x| x.as_f64().unwrap() as f32).collect()
}

pub(crate) fn number(value: &Value) -> usize {
    value.as_u64().unwrap() as usize
}

pub(crate) fn cosine(a: &[f32], b: &[f32]) -> f64 {
    assert_eq!(a.len(), b.len());
    let dot = |a: &[f32], b: &[f32]| -> f64 {
        a.iter().zip(b).map(|(&x, &y)| f64::from(x) * f64::from(y)).sum()
    };
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

pub(crate) fn length(vector: &[f32]) -> f64 {
    vector.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>().sqrt()
}

pub(crate) fn largest_difference(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(x, y)| (x - y).abs()).fold(0.0, f32::max)
}

pub(crate) fn sections(encoder: &Encoder, text: &str, passages: &[Range<usize>]) -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    loop {
        let first = sections.last().map_or(0, |section| section.passages.end);
        match encoder.next_section(text, passages, first).unwrap() {
            Some(section) => sections.push(section),
            None => return sections,
        }
    }
}

pub(crate) fn encode(encoder: &Encoder, sections: &[Section]) -> Vec<SectionVectors> {
    encoder.encode_sections(sections, &|| false, &|_| {}).unwrap()
}

/// The document vector and the passage vectors of a text.
pub(crate) fn document(
    encoder: &Encoder,
    text: &str,
    passages: &[Range<usize>],
) -> (Vec<f32>, Vec<Vec<f32>>) {
    let vectors = encode(encoder, &sections(encoder, text, passages));
    let means: Vec<(usize, &[f32])> =
        vectors.iter().map(|section| (section.tokens, section.mean.as_slice())).collect();
    let document = combine(&means);
    (document, vectors.into_iter().flat_map(|section| section.passages).collect())
}
