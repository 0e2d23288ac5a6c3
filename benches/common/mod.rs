//! What the benches of the engine share.

use std::ops::Range;
use std::path::{Path, PathBuf};

use lsearch_engine::runtime::{self, Candidates, Runtime};
use lsearch_engine::{Encoder, Section};

pub fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The library named by LSEARCH_ORT_LIB, else one below target/onnxruntime, where the tests leave it.
pub fn runtime() -> Option<Runtime> {
    let candidates = Candidates {
        explicit: std::env::var_os("LSEARCH_ORT_LIB").map(PathBuf::from),
        folders: vec![workspace().join("target/onnxruntime")],
        ..Default::default()
    };
    let found = runtime::find(&candidates).expect("LSEARCH_ORT_LIB names a file");
    if found.is_none() {
        eprintln!("no ONNX Runtime: set LSEARCH_ORT_LIB or run the engine's tests once");
    }
    found.map(|found| runtime::load(&found.path).expect("ONNX Runtime"))
}

/// The longest beginning of a text that makes at most `tokens` tokens, special ones included.
pub fn beginning(
    encoder: &Encoder,
    text: &str,
    tokens: usize,
    passages: impl Fn(&str) -> Vec<Range<usize>>,
) -> Section {
    let ends: Vec<usize> = text.match_indices(' ').map(|(at, _)| at).collect();
    let fits = |&end: &usize| encoder.count_tokens(&text[..end]).expect("tokens") <= tokens - 2;
    let text = &text[..ends[ends.partition_point(fits) - 1]];
    encoder.next_section(text, &passages(text), 0).expect("sorted passages").expect("a section")
}
