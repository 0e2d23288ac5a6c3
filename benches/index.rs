//! Indexing by word in MB/s, what a commit costs, and how long a query takes by word and by both
//! signals, over made-up documents of 2,000 words in 25 passages.

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::Duration;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use lsearch_index::query::Query;
use lsearch_index::{
    Content, ContentKey, ExtractKey, FileStat, FileState, Mode, PassageSpan, Reader, SearchRequest,
    SectionRecord, Writer, WriterOptions,
};

const ENCODER: &str = "bench-encoder";
const DIMS: usize = 384;
const WORDS: usize = 2_000;
const PASSAGE_WORDS: usize = 80;

/// Numbers that look random and are the same in every run (SplitMix64).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A word of a vocabulary of 30,000, the frequent ones as frequent as in prose (Zipf).
    fn word(&mut self) -> String {
        let rank = 30_000f64.powf(self.unit()) as u64;
        let mut word = String::new();
        let mut rest = rank.wrapping_mul(2_654_435_761) % 1_000_003 + 17;
        while rest > 0 {
            word.push((b'a' + (rest % 26) as u8) as char);
            rest /= 26;
        }
        word
    }

    fn vector(&mut self) -> Vec<f32> {
        let raw: Vec<f32> = (0..DIMS).map(|_| self.unit() as f32 - 0.5).collect();
        let length = raw.iter().map(|value| value * value).sum::<f32>().sqrt();
        raw.into_iter().map(|value| value / length).collect()
    }
}

struct Made {
    text: String,
    passages: Vec<PassageSpan>,
}

fn make(seed: u64) -> Made {
    let mut numbers = Numbers(seed);
    let mut text = String::new();
    let mut passages = Vec::new();
    for first in (0..WORDS).step_by(PASSAGE_WORDS) {
        let start = text.len();
        for _ in 0..PASSAGE_WORDS {
            text.push_str(&numbers.word());
            text.push(' ');
        }
        let line = (first / PASSAGE_WORDS + 1) as u32;
        passages.push(PassageSpan { start, end: text.len(), page: None, line, heading: None });
    }
    Made { text, passages }
}

fn put(writer: &Writer, number: u64, made: &Made) -> ContentKey {
    let content = Content {
        title: "",
        kind: "text",
        format: "txt",
        language: Some("en"),
        author: None,
        dated: None,
        text: &made.text,
        headings: &[],
        passages: &made.passages,
        pages: &[],
        warnings: &[],
    };
    let mut file_hash = [0; 32];
    file_hash[..8].copy_from_slice(&number.to_le_bytes());
    let key = ExtractKey { file_hash, kind: "text/txt".to_owned(), extractor_version: 1 };
    let content = writer.put_content(&key, &content).expect("the text is stored");
    let stat = FileStat { size_bytes: made.text.len() as u64, modified_ns: 1, inode: number };
    let state = FileState::Document { content };
    writer
        .put_file(&path(number), Path::new("/bench"), &stat, None, state)
        .expect("the file is recorded");
    content
}

fn path(number: u64) -> PathBuf {
    PathBuf::from(format!("/bench/{number:06}.txt"))
}

fn encode(writer: &Writer, number: u64, made: &Made, key: &ContentKey) {
    let mut numbers = Numbers(number ^ 0xabcd);
    let passages: Vec<Vec<f32>> = made.passages.iter().map(|_| numbers.vector()).collect();
    let mean = numbers.vector();
    let section = SectionRecord {
        first_passage: 0,
        last: true,
        tokens: WORDS,
        mean: &mean,
        passages: &passages,
    };
    writer.put_section(ENCODER, key, &section).expect("the section is stored");
}

fn open(dir: &Path) -> Writer {
    Writer::open(dir, WriterOptions::default()).expect("the index opens").0
}

fn filled(documents: u64) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let writer = open(dir.path());
    for number in 0..documents {
        let made = make(number);
        let key = put(&writer, number, &made);
        encode(&writer, number, &made, &key);
    }
    writer.close().expect("the index closes");
    dir
}

fn indexing(c: &mut Criterion) {
    let made: Vec<Made> = (0..500).map(make).collect();
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
                put(&writer, next, &make(next));
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
