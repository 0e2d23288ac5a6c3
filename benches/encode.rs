//! How fast the engine tokenises and encodes, with the shipped encoder on the CPU.
//!
//! `cargo bench --bench encode`. ONNX Runtime is the library named by LSEARCH_ORT_LIB, else one below
//! target/onnxruntime, where the tests leave it; without either there is nothing to measure.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use lsearch_engine::{Bundle, DeviceChoice, Encoder, EncoderOptions, Runtime, Verify};

mod common;
use common::{beginning, runtime, workspace};

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
        let section =
            beginning(encoder, &text, tokens, |text| std::iter::once(0..text.len()).collect());
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

fn query(criterion: &mut Criterion, bundle: &Bundle, encoder: &Encoder, runtime: &Runtime) {
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
    let Some(runtime) = runtime() else { return };
    let bundle = bundle();
    let encoder = Encoder::open(&bundle, &runtime, &options()).expect("the shipped bundle");
    tokenise(criterion, &encoder);
    encode(criterion, &encoder);
    query(criterion, &bundle, &encoder, &runtime);
}

criterion_group!(benches, all);
criterion_main!(benches);
