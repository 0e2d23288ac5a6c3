//! A small world for tests: documents from words, and an encoder that hashes them.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::query::Query;
use crate::vectors::normalise;
use crate::{
    Content, ContentKey, ExtractKey, FileStat, FileState, Mode, PassageSpan, Reader, SearchRequest,
    SearchResults, SectionRecord, Severity, Writer, WriterOptions, check,
};

pub(crate) const ENCODER: &str = "test-encoder";
pub(crate) const DIMS: usize = 64;
pub(crate) const ROOT: &str = "/docs";

pub(crate) fn options() -> WriterOptions {
    WriterOptions { memory_bytes: 16 << 20, segment_bytes: 4096, ..WriterOptions::default() }
}

pub(crate) fn open(dir: &Path) -> Writer {
    Writer::open(dir, options()).unwrap().0
}

/// One passage a line.
pub(crate) fn passages(text: &str) -> Vec<PassageSpan> {
    let mut start = 0;
    let mut passages = Vec::new();
    for (line, piece) in text.split_inclusive('\n').enumerate() {
        let end = start + piece.len();
        let (page, line) = (Some(1 + line as u32 / 2), 1 + line as u32);
        passages.push(PassageSpan { start, end, page, line, heading: None });
        start = end;
    }
    passages
}

pub(crate) fn extract_key(text: &str) -> ExtractKey {
    let file_hash = *blake3::hash(text.as_bytes()).as_bytes();
    ExtractKey { file_hash, kind: "text/txt".into(), extractor_version: 1 }
}

/// Stores a text as the extractor would have handed it over.
pub(crate) fn put_text(writer: &Writer, title: &str, text: &str) -> ContentKey {
    put_formatted(writer, title, text, &[], "text", "txt")
}

pub(crate) fn put_formatted(
    writer: &Writer,
    title: &str,
    text: &str,
    headings: &[Range<usize>],
    kind: &str,
    format: &str,
) -> ContentKey {
    put_of_language(writer, title, text, headings, (kind, format), "eng")
}

/// Stores a text of a language, by its ISO 639-3 code.
pub(crate) fn put_of_language(
    writer: &Writer,
    title: &str,
    text: &str,
    headings: &[Range<usize>],
    (kind, format): (&str, &str),
    language: &str,
) -> ContentKey {
    let passages = passages(text);
    let content = Content {
        title,
        kind,
        format,
        language: Some(language),
        author: None,
        dated: None,
        text,
        headings,
        passages: &passages,
        pages: &[0],
        warnings: &[],
    };
    let mut key = extract_key(text);
    key.kind = format!("{kind}/{format}");
    writer.put_content(&key, &content).unwrap()
}

pub(crate) fn stat(text: &str) -> FileStat {
    FileStat { size_bytes: text.len() as u64, modified_ns: 1_000_000_000, inode: 1 }
}

pub(crate) fn place(name: &str) -> PathBuf {
    Path::new(ROOT).join(name)
}

/// Puts a file with this text.
pub(crate) fn put(writer: &Writer, name: &str, text: &str) -> ContentKey {
    let content = put_text(writer, "", text);
    put_as(writer, name, text, FileState::Document { content });
    content
}

pub(crate) fn put_as(writer: &Writer, name: &str, text: &str, state: FileState) {
    let hash = Some(extract_key(text).file_hash);
    writer.put_file(&place(name), Path::new(ROOT), &stat(text), hash, state).unwrap();
}

/// A direction for each text: the sum of its words' directions, so that texts with words in common
/// are near to each other.
pub(crate) fn vector(text: &str) -> Vec<f32> {
    let mut sum = vec![1e-3; DIMS];
    for word in text.split_whitespace() {
        let mut bytes = [0; DIMS];
        blake3::Hasher::new().update(word.as_bytes()).finalize_xof().fill(&mut bytes);
        for (value, byte) in sum.iter_mut().zip(bytes) {
            *value += f32::from(byte) - 127.5;
        }
    }
    normalise(&mut sum).unwrap();
    sum
}

/// Encodes everything pending, in sections of two passages; returns how many sections.
pub(crate) fn encode_pending(writer: &Writer) -> usize {
    let mut made = 0;
    for pending in writer.pending(ENCODER).unwrap() {
        let content = writer.content(&pending.content).unwrap();
        let mut first = pending.next_passage;
        while first < content.passages.len() {
            let end = (first + 2).min(content.passages.len());
            let spans = &content.passages[first..end];
            let passages: Vec<Vec<f32>> =
                spans.iter().map(|span| vector(&content.text[span.start..span.end])).collect();
            let mean = vector(&content.text[spans[0].start..spans[spans.len() - 1].end]);
            let section = SectionRecord {
                first_passage: first,
                last: end == content.passages.len(),
                tokens: 10,
                mean: &mean,
                passages: &passages,
            };
            writer.put_section(ENCODER, &pending.content, &section).unwrap();
            made += 1;
            first = end;
        }
    }
    made
}

pub(crate) fn query(text: &str) -> Query {
    Query::parse(text, 1_700_000_000).unwrap()
}

pub(crate) fn search(reader: &Reader, text: &str, mode: Mode) -> SearchResults {
    let query = query(text);
    let vector = vector(&query.text_for_meaning);
    let request = SearchRequest {
        vector: Some((ENCODER, &vector)),
        mode,
        limit: 50,
        ..SearchRequest::new(&query)
    };
    reader.search(&request).unwrap()
}

/// File names found, in the order of the ranking.
pub(crate) fn names(results: &SearchResults) -> Vec<String> {
    results.hits.iter().map(|hit| name(&hit.path)).collect()
}

pub(crate) fn name(path: &Path) -> String {
    path.strip_prefix(ROOT).unwrap_or(path).to_string_lossy().into_owned()
}

pub(crate) fn found(reader: &Reader, text: &str) -> BTreeSet<String> {
    names(&search(reader, text, Mode::Keyword)).into_iter().collect()
}

/// Every file the writer knows under the root, with its state.
pub(crate) fn files(writer: &Writer) -> BTreeMap<String, FileState> {
    let records = writer.files_under(Path::new(ROOT)).unwrap();
    records.map(|record| record.unwrap()).map(|file| (name(&file.path), file.state)).collect()
}

/// Fails unless everything in the folder is whole and all parts agree.
pub(crate) fn assert_in_order(dir: &Path) {
    let bad: Vec<_> =
        check(dir).into_iter().filter(|finding| finding.severity > Severity::Fine).collect();
    assert!(bad.is_empty(), "{bad:#?}");
}
