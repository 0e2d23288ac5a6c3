//! How fast the engine tokenises and encodes, with the shipped encoder on the CPU.
//!
//! `cargo bench --bench encode`. ONNX Runtime is the library named by LSEARCH_ORT_LIB, else one below
//! target/onnxruntime, where the tests leave it; without either there is nothing to measure.

use std::hint::black_box;
use std::path::{Path, PathBuf};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use lsearch_engine::runtime::{self, Candidates};
use lsearch_engine::{Bundle, DeviceChoice, Encoder, EncoderOptions, Section, Verify};

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn bundle() -> Bundle {
    let folder = workspace().join("engine/encoders/monarch-32k-384");
    Bundle::open(&folder, Verify::Sizes).expect("the shipped bundle")
}

/// Some 20,000 tokens of prose.
fn prose() -> String {
    let path = workspace().join("engine/tests/golden/long.txt");
    std::fs::read_to_string(path).expect("the golden text")
}

fn options() -> EncoderOptions {
    EncoderOptions { device: DeviceChoice::Cpu, ..Default::default() }
}

fn runtime() -> Option<runtime::Runtime> {
    let candidates = Candidates {
        explicit: std::env::var_os("LSEARCH_ORT_LIB").map(PathBuf::from),
        folders: vec![workspace().join("target/onnxruntime")],
        ..Default::default()
    };
    let found = runtime::find(&candidates).expect("LSEARCH_ORT_LIB names a file");
    found.map(|found| runtime::load(&found.path).expect("ONNX Runtime"))
}

/// The longest beginning of a text that makes at most `tokens` tokens, special ones included.
fn beginning(encoder: &Encoder, text: &str, tokens: usize) -> Section {
    let ends: Vec<usize> = text.match_indices(' ').map(|(at, _)| at).collect();
    let fits = |&end: &usize| encoder.count_tokens(&text[..end]).expect("tokens") <= tokens - 2;
    let end = ends[ends.partition_point(fits) - 1];
    let passage = 0..end;
    encoder
        .next_section(&text[..end], std::slice::from_ref(&passage), 0)
        .expect("one passage")
        .expect("a section")
}

fn tokenise(criterion: &mut Criterion, encoder: &Encoder) {
    let text = prose().repeat(8);
    let passage = 0..text.len();
    let mut group = criterion.benchmark_group("tokenise");
    group.throughput(Throughput::Bytes(text.len() as u64));
    group.bench_function("count", |bencher| {
        bencher.iter(|| encoder.count_tokens(black_box(&text)).expect("tokens"));
    });
    group.bench_function("section", |bencher| {
        bencher.iter(|| {
            let passages = std::slice::from_ref(&passage);
            encoder.next_section(black_box(&text), passages, 0).expect("one passage")
        });
    });
    group.finish();
}

fn encode(criterion: &mut Criterion, encoder: &Encoder) {
    let text = prose();
    let mut group = criterion.benchmark_group("encode");
    group.sample_size(10);
    for tokens in [128, 512, 4096] {
        let section = beginning(encoder, &text, tokens);
        group.throughput(Throughput::Elements(section.tokens() as u64));
        group.bench_function(format!("{tokens} tokens"), |bencher| {
            let sections = std::slice::from_ref(&section);
            bencher.iter(|| {
                encoder.encode_sections(black_box(sections), &|| false, &|_| {}).expect("vectors")
            });
        });
    }
    group.finish();
}

fn query(
    criterion: &mut Criterion,
    bundle: &Bundle,
    encoder: &Encoder,
    runtime: &runtime::Runtime,
) {
    criterion.bench_function("query", |bencher| {
        let query = "how long may a tenant keep the deposit";
        bencher.iter(|| encoder.encode_query(black_box(query)).expect("a vector"));
    });
    let mut group = criterion.benchmark_group("open");
    group.sample_size(10);
    group.bench_function("encoder", |bencher| {
        bencher.iter(|| Encoder::open(bundle, runtime, &options()).expect("the shipped bundle"));
    });
    group.finish();
}

fn all(criterion: &mut Criterion) {
    let Some(runtime) = runtime() else {
        eprintln!("no ONNX Runtime: set LSEARCH_ORT_LIB or run the engine's tests once");
        return;
    };
    let bundle = bundle();
    let encoder = Encoder::open(&bundle, &runtime, &options()).expect("the shipped bundle");
    tokenise(criterion, &encoder);
    encode(criterion, &encoder);
    query(criterion, &bundle, &encoder, &runtime);
}

criterion_group!(benches, all);
criterion_main!(benches);
