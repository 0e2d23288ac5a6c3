//! Documents near to a document.

use std::path::Path;

use super::support::*;
use crate::query::Filters;
use crate::reader::SimilarRequest;
use crate::{ContentKey, DocumentRef, Mode, Reader, SearchResults};

const TEXTS: [(&str, &str); 5] = [
    ("brick.txt", "mortar brick trowel\n"),
    ("wall.txt", "the brick wall needs mortar\n"),
    ("copy.txt", "mortar brick trowel\n"),
    ("fever.txt", "the nurse treats a fever\n"),
    ("nurse.txt", "a fever with a nurse\n"),
];

fn reader_of(dir: &Path, encoded: bool) -> Reader {
    let writer = open(dir);
    for (name, text) in TEXTS {
        put(&writer, name, text);
    }
    if encoded {
        encode_pending(&writer);
    }
    writer.commit().unwrap();
    Reader::open(dir).unwrap()
}

fn content_of(reader: &Reader, name: &str) -> ContentKey {
    reader.document(DocumentRef::Path(&place(name))).unwrap().unwrap().content
}

fn similar(reader: &Reader, name: &str, filters: &Filters) -> SearchResults {
    let document = reader.document(DocumentRef::Path(&place(name))).unwrap().unwrap();
    let vector = reader.vector_of(&document.content).unwrap();
    let vector = vector.as_ref().map(|(name, vector)| (name.as_str(), vector.as_slice()));
    let request = SimilarRequest {
        text: &document.text,
        content: Some(document.content),
        vector,
        filters,
        limit: 10,
        snippet_chars: 100,
        collapse_duplicates: true,
        explain: false,
    };
    reader.similar(&request).unwrap()
}

#[test]
fn the_nearest_come_first_and_neither_itself_nor_copies() {
    let dir = tempfile::tempdir().unwrap();
    let reader = reader_of(dir.path(), true);
    let results = similar(&reader, "brick.txt", &Filters::default());
    assert_eq!((results.mode, results.total), (Mode::Semantic, 3));
    assert_eq!(names(&results)[0], "wall.txt");
    assert!(results.hits[0].passage.as_ref().unwrap().snippet.contains("mortar"));
    let mut filters = Filters::default();
    filters.add_path("nurse", false).unwrap();
    assert_eq!(names(&similar(&reader, "brick.txt", &filters)), ["nurse.txt"]);
}

#[test]
fn without_vectors_telling_words_decide() {
    let dir = tempfile::tempdir().unwrap();
    let reader = reader_of(dir.path(), false);
    assert_eq!(reader.vector_of(&content_of(&reader, "brick.txt")).unwrap(), None);
    let results = similar(&reader, "fever.txt", &Filters::default());
    assert_eq!(results.mode, Mode::Keyword);
    assert_eq!(names(&results), ["nurse.txt"]);
}
