//! Indexing by word in MB/s, what a commit costs, and how long a query takes by word and by both
//! signals, over made-up documents of 2,000 words in 25 passages.

use std::hint::black_box;
use std::path::Path;
use std::time::Duration;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use lsearch_index::query::Query;
use lsearch_index::{ContentKey, Mode, Reader, SearchRequest, Writer, WriterOptions};

#[path = "common/made.rs"]
mod made;

use made::{ENCODER, Made, Numbers, encode_as, make, path, put};

/// Words of a document.
const WORDS: usize = 2_000;

/// Gives it vectors in any direction.
fn encode(writer: &Writer, number: u64, made: &Made, key: &ContentKey) {
    let mut numbers = Numbers(number ^ 0xabcd);
    let passages: Vec<Vec<f32>> = made.passages.iter().map(|_| numbers.vector()).collect();
    encode_as(writer, key, &numbers.vector(), &passages);
}

fn open(dir: &Path) -> Writer {
    Writer::open(dir, WriterOptions::default()).expect("the index opens").0
}

fn filled(documents: u64) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let writer = open(dir.path());
    for number in 0..documents {
        let made = make(number, WORDS);
        let key = put(&writer, number, &made);
        encode(&writer, number, &made, &key);
    }
    writer.close().expect("the index closes");
    dir
}

fn indexing(c: &mut Criterion) {
    let made: Vec<Made> = (0..500).map(|number| make(number, WORDS)).collect();
    let bytes: usize = made.iter().map(|made| made.text.len()).sum();
    let mut group = c.benchmark_group("index");
    group.sample_size(10).throughput(Throughput::Bytes(bytes as u64));
    group.bench_function("500 documents by word, with commit", |b| {
        b.iter_batched(
            || tempfile::tempdir().expect("a temporary folder"),
            |dir| {
                let writer = open(dir.path());
                for (number, made) in made.iter().enumerate() {
                    put(&writer, number as u64, made);
                }
                writer.commit().expect("the commit is durable");
                drop(writer);
                dir
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

fn commits(c: &mut Criterion) {
    let dir = filled(1_000);
    let writer = open(dir.path());
    let mut next = 1_000_000;
    let mut group = c.benchmark_group("commit");
    group.sample_size(20).measurement_time(Duration::from_secs(8));
    group.bench_function("of one document among 1,000", |b| {
        b.iter_batched(
            || {
                next += 1;
                put(&writer, next, &make(next, WORDS));
            },
            |()| writer.commit().expect("the commit is durable"),
            BatchSize::PerIteration,
        );
    });
    group.bench_function("of nothing", |b| b.iter(|| writer.commit().expect("nothing to do")));
    group.bench_function("lookup of an unchanged file", |b| {
        b.iter(|| writer.file(black_box(&path(500))).expect("the catalog answers"));
    });
    group.finish();
}

fn queries(c: &mut Criterion) {
    let mut group = c.benchmark_group("query");
    for documents in [1_000, 10_000] {
        let dir = filled(documents);
        let mut numbers = Numbers(7);
        let asked: Vec<Query> = (0..50)
            .map(|_| {
                let words: Vec<String> = (0..4).map(|_| numbers.word()).collect();
                Query::parse(&words.join(" "), 0).expect("words")
            })
            .collect();
        let vector = numbers.vector();
        let reader = Reader::open(dir.path()).expect("the index opens");
        for mode in [Mode::Keyword, Mode::Hybrid, Mode::Semantic] {
            let mut at = 0;
            group.bench_function(BenchmarkId::new(format!("{mode:?}"), documents), |b| {
                b.iter(|| {
                    at += 1;
                    let request = SearchRequest {
                        vector: Some((ENCODER, &vector)),
                        mode,
                        ..SearchRequest::new(&asked[at % asked.len()])
                    };
                    reader.search(&request).expect("the search answers").total
                });
            });
        }
        group.bench_function(BenchmarkId::new("open and ask once, hybrid", documents), |b| {
            b.iter(|| {
                let reader = Reader::open(dir.path()).expect("the index opens");
                let request = SearchRequest {
                    vector: Some((ENCODER, &vector)),
                    ..SearchRequest::new(&asked[0])
                };
                reader.search(&request).expect("the search answers").total
            });
        });
    }
    group.finish();
}

criterion_group!(benches, indexing, commits, queries);
criterion_main!(benches);
