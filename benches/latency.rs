//! How long a search takes, and how much memory, in collections larger than can be encoded here.
//!
//! `cargo bench -p lsearch --bench latency -- DOCUMENTS WORDS QUERIES`: made-up documents of so many
//! words in passages of 80, each with vectors of its own; a query is four words of one passage with a
//! vector near to that passage's. Prints the median and the 95th percentile of the time, how often
//! the document asked for is among the first ten, and the memory of the process. The first round is
//! of a reader that stays (the daemon's: graph loaded, everything read ahead), the second of one that
//! answers a single query each time, opening included.

#[path = "common/made.rs"]
mod made;

use std::path::Path;
use std::time::{Duration, Instant};

use lsearch_index::query::Query;
use lsearch_index::vectors::normalise;
use lsearch_index::{Mode, Reader, SearchRequest, Writer, WriterOptions};
use made::{DIMS, ENCODER, Made, Numbers, encode_as, make, path, put};
use rayon::prelude::*;

/// Documents lie around so many topics.
const TOPICS: u64 = 500;
/// Documents made at a time.
const BATCH: u64 = 512;
/// Searches of a reader for one query.
const ONCE: usize = 20;

/// A document's vector, and its passages'.
type Vectors = (Vec<f32>, Vec<Vec<f32>>);

struct Asked {
    number: u64,
    query: Query,
    vector: Vec<f32>,
}

fn main() {
    let given: Vec<u64> =
        std::env::args().skip(1).filter_map(|argument| argument.parse().ok()).collect();
    // `cargo test --benches` runs benches, too: then nothing is asked for.
    let &[documents, words, queries] = &given[..] else {
        println!("cargo bench -p lsearch --bench latency -- DOCUMENTS WORDS QUERIES");
        return;
    };
    let dir = tempfile::tempdir().expect("a temporary folder");
    let started = Instant::now();
    let passages = fill(dir.path(), documents, words as usize);
    println!(
        "{documents} documents of {words} words, {passages} passages: indexed in {:.0} s",
        started.elapsed().as_secs_f64()
    );
    let asked: Vec<Asked> = (0..queries).map(|at| ask(at * 7_919 % documents, words)).collect();
    let before = resident_mb();
    let reader = Reader::open(dir.path()).expect("the index opens");
    let started = Instant::now();
    reader.warm(ENCODER).expect("the vectors are read");
    println!("read ahead in {:.1} s", started.elapsed().as_secs_f64());
    for mode in [Mode::Keyword, Mode::Semantic, Mode::Hybrid] {
        let answer = |asked: &Asked| search(&reader, asked, mode);
        asked.iter().take(3).for_each(|asked| {
            answer(asked);
        });
        measure(&format!("stays, {mode:?}"), &asked, answer);
    }
    let (own, mapped) = resident_mb();
    println!("memory {} MB of its own, {mapped} MB of mapped files", own - before.0);
    drop(reader);
    for mode in [Mode::Keyword, Mode::Hybrid] {
        let once = &asked[..ONCE.min(asked.len())];
        measure(&format!("once, {mode:?}"), once, |asked| {
            search(&Reader::open(dir.path()).expect("the index opens"), asked, mode)
        });
    }
}

fn measure(name: &str, asked: &[Asked], answer: impl Fn(&Asked) -> bool) {
    let mut times: Vec<Duration> = Vec::with_capacity(asked.len());
    let mut found = 0;
    for asked in asked {
        let started = Instant::now();
        found += usize::from(answer(asked));
        times.push(started.elapsed());
    }
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
    let (median, most, asked) = (at(0.5), at(0.95), times.len());
    println!("{name}: p50 {median:.1} ms, p95 {most:.1} ms, found {found} of {asked}");
}

/// Whether the document asked for is among the first ten.
fn search(reader: &Reader, asked: &Asked, mode: Mode) -> bool {
    let request = SearchRequest {
        vector: Some((ENCODER, &asked.vector)),
        mode,
        ..SearchRequest::new(&asked.query)
    };
    let results = reader.search(&request).expect("the search answers");
    results.hits.iter().any(|hit| hit.path == path(asked.number))
}

fn ask(number: u64, words: u64) -> Asked {
    let made = make(number, words as usize);
    let vectors = vectors(number, &made);
    let mut numbers = Numbers(number ^ 0x5eed);
    let at = (numbers.next() % made.passages.len() as u64) as usize;
    let span = &made.passages[at];
    let held: Vec<&str> = made.text[span.start..span.end].split_whitespace().collect();
    let text: Vec<&str> =
        (0..4).map(|_| held[(numbers.next() % held.len() as u64) as usize]).collect();
    let query = Query::parse(&text.join(" "), 0).expect("words");
    Asked { number, query, vector: near(&vectors.1[at], 1.5, &mut numbers) }
}

/// A vector whose distance from another grows with `noise`.
fn near(centre: &[f32], noise: f32, numbers: &mut Numbers) -> Vec<f32> {
    let scale = noise / (DIMS as f32).sqrt() * 12.0_f32.sqrt();
    let mut vector: Vec<f32> =
        centre.iter().map(|value| value + scale * (numbers.unit() as f32 - 0.5)).collect();
    normalise(&mut vector).expect("not zero");
    vector
}

/// The document's vector and its passages', which lie around it as it does around its topic.
fn vectors(number: u64, made: &Made) -> Vectors {
    let topic = Numbers((number % TOPICS) ^ 0x70b1c).vector();
    let mut numbers = Numbers(number ^ 0xabcd);
    let document = near(&topic, 1.0, &mut numbers);
    let passages = made.passages.iter().map(|_| near(&document, 1.2, &mut numbers)).collect();
    (document, passages)
}

fn fill(dir: &Path, documents: u64, words: usize) -> usize {
    let (writer, _) = Writer::open(dir, WriterOptions::default()).expect("the index opens");
    let mut passages = 0;
    for first in (0..documents).step_by(BATCH as usize) {
        let batch: Vec<(u64, Made, Vectors)> = (first..documents.min(first + BATCH))
            .into_par_iter()
            .map(|number| {
                let made = make(number, words);
                let vectors = vectors(number, &made);
                (number, made, vectors)
            })
            .collect();
        for (number, made, (document, of_passages)) in batch {
            let key = put(&writer, number, &made);
            encode_as(&writer, &key, &document, &of_passages);
            passages += of_passages.len();
        }
    }
    writer.commit().expect("the commit is durable");
    writer.maintain(&|| false).expect("the graph is built");
    writer.close().expect("the index closes");
    passages
}

/// Memory of the process: its own, and pages of mapped files; MB. Zeros where /proc is not there.
fn resident_mb() -> (u64, u64) {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kilobytes = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name));
        line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok()).unwrap_or(0)
    };
    // Files of a memory file system count as shared memory.
    let mapped = kilobytes("RssFile:") + kilobytes("RssShmem:");
    (kilobytes("RssAnon:") / 1024, mapped / 1024)
}
