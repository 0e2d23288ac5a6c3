//! Speed of finding files, extracting their text and cutting it into passages.
//!
//! Everything measured is made up here, from sentences of varying length, so that figures of
//! different machines and versions can be compared.

use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use lsearch_ingest::{
    Document, ExtractLimits, Outcome, PassageOptions, WalkOptions, extract_bytes, hash_file,
    passages, walk,
};

const FILES: usize = 10_000;
const TEXT_BYTES: usize = 4 << 20;

/// Sentences of pseudo-random words, in paragraphs.
fn prose(bytes: usize) -> String {
    const WORDS: [&str; 24] = [
        "the",
        "of",
        "harbour",
        "and",
        "agreement",
        "to",
        "in",
        "river",
        "shall",
        "a",
        "Tenant",
        "water",
        "which",
        "not",
        "northern",
        "engine",
        "by",
        "date",
        "was",
        "pressure",
        "under",
        "letter",
        "notwithstanding",
        "between",
    ];
    let mut text = String::with_capacity(bytes + 64);
    let mut state = 1_u32;
    let mut words = 0;
    while text.len() < bytes {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        text.push_str(WORDS[(state >> 24) as usize % WORDS.len()]);
        words += 1;
        text.push_str(match state >> 16 & 0xFF {
            _ if words % 120 == 0 => ".\n\n",
            0..16 => ". ",
            16..24 => ",\n",
            _ => " ",
        });
    }
    text
}

fn html(bytes: usize) -> String {
    let paragraphs = prose(bytes);
    let mut page = String::from("<!doctype html><title>Survey</title><body><nav><a>Home</a></nav>");
    for (index, paragraph) in paragraphs.split("\n\n").enumerate() {
        if index % 8 == 0 {
            page.push_str(&format!("<h2 class=section>Part {index}</h2>"));
        }
        page.push_str(&format!("<div class=row><p style='margin:0'>{paragraph}</p></div>"));
    }
    page
}

fn markdown(bytes: usize) -> String {
    let mut text = String::new();
    for (index, paragraph) in prose(bytes).split("\n\n").enumerate() {
        if index % 8 == 0 {
            text.push_str(&format!("## Part {index}\n\n"));
        }
        text.push_str(&format!("{paragraph} See [the *map*](map.md).\n\n"));
    }
    text
}

fn pdf(pages: usize) -> Vec<u8> {
    let text = prose(pages * 3200);
    let words: Vec<&str> = text.split_whitespace().collect();
    let lines: Vec<String> = words.chunks(14).map(|line| line.join(" ")).collect();
    let mut objects = vec![
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        String::new(),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>".to_owned(),
    ];
    let mut kids = String::new();
    for page in lines.chunks(44) {
        let shown: String = page.iter().map(|line| format!("({line}) Tj T*\n")).collect();
        let content = format!("BT /T 11 Tf 15 TL 60 780 Td\n{shown}ET");
        objects.push(format!("<< /Length {} >>\nstream\n{content}\nendstream", content.len()));
        objects.push(format!(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents {} 0 R \
             /Resources << /Font << /T 3 0 R >> >> >>",
            objects.len()
        ));
        kids.push_str(&format!("{} 0 R ", objects.len()));
    }
    let count = kids.matches('R').count();
    objects[1] = format!("<< /Type /Pages /Kids [{kids}] /Count {count} >>");
    let mut file = String::from("%PDF-1.7\n");
    let mut table = format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1);
    for (index, object) in objects.iter().enumerate() {
        table.push_str(&format!("{:010} 00000 n \n", file.len()));
        file.push_str(&format!("{} 0 obj\n{object}\nendobj\n", index + 1));
    }
    let at = file.len();
    let size = objects.len() + 1;
    file.push_str(&format!(
        "{table}trailer\n<< /Size {size} /Root 1 0 R >>\nstartxref\n{at}\n%%EOF\n"
    ));
    file.into_bytes()
}

fn extracted(name: &str, bytes: Vec<u8>) -> Document {
    match extract_bytes(Path::new(name), bytes, &ExtractLimits::default()) {
        Outcome::Document(document) => *document,
        other => panic!("{name}: {other:?}"),
    }
}

fn walking(c: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for index in 0..FILES {
        let parent = folder.path().join(format!("{}/{}", index % 40, index % 7));
        fs::create_dir_all(&parent).expect("a folder");
        fs::write(parent.join(format!("{index}.txt")), "text").expect("a file");
    }
    let mut group = c.benchmark_group("walk");
    group.sample_size(20).throughput(Throughput::Elements(FILES as u64));
    group.bench_function("10,000 files", |b| {
        b.iter(|| {
            let seen = AtomicUsize::new(0);
            let visit = |_| {
                seen.fetch_add(1, Ordering::Relaxed);
            };
            walk(folder.path(), &WalkOptions::default(), &visit, &|| false).expect("a walk");
            assert_eq!(seen.into_inner(), FILES);
        });
    });
    group.finish();
}

fn extracting(c: &mut Criterion) {
    let mut group = c.benchmark_group("extract");
    group.sample_size(20);
    // Latin-1 in every sentence: each "e" becomes an "é".
    let latin = prose(TEXT_BYTES).bytes().map(|b| if b == b'e' { 0xE9 } else { b }).collect();
    for (what, name, bytes) in [
        ("text", "a.txt", prose(TEXT_BYTES).into_bytes()),
        ("text in Latin-1", "a.txt", latin),
        ("code", "a.rs", prose(TEXT_BYTES).into_bytes()),
        ("markdown", "a.md", markdown(TEXT_BYTES).into_bytes()),
        ("html", "a.html", html(TEXT_BYTES).into_bytes()),
        ("pdf, 50 pages", "a.pdf", pdf(50)),
    ] {
        group.throughput(Throughput::Bytes(bytes.len() as u64));
        group.bench_function(what, |b| {
            let copy = || bytes.clone();
            b.iter_batched(copy, |bytes| extracted(name, bytes), BatchSize::LargeInput);
        });
    }
    group.finish();
}

fn cutting(c: &mut Criterion) {
    let mut group = c.benchmark_group("passages");
    group.sample_size(20);
    for (what, name, text) in [
        ("prose", "a.txt", prose(TEXT_BYTES)),
        ("prose without paragraphs", "a.txt", prose(TEXT_BYTES).replace("\n\n", " ")),
        ("markdown", "a.md", markdown(TEXT_BYTES)),
        ("code", "a.rs", prose(TEXT_BYTES)),
    ] {
        let document = extracted(name, text.into_bytes());
        group.throughput(Throughput::Bytes(document.text.len() as u64));
        group.bench_function(what, |b| {
            b.iter(|| passages(black_box(&document), &PassageOptions::default()));
        });
    }
    group.finish();
}

fn hashing(c: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("a.txt");
    fs::write(&path, prose(TEXT_BYTES)).expect("a file");
    let mut group = c.benchmark_group("hash");
    group.throughput(Throughput::Bytes(TEXT_BYTES as u64));
    group.bench_function("file", |b| b.iter(|| hash_file(&path).expect("a hash")));
    group.finish();
}

criterion_group!(benches, walking, hashing, extracting, cutting);
criterion_main!(benches);
