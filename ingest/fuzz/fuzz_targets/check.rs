// Shared by the targets: what must hold for every document.

use std::path::Path;

use lsearch_ingest::{
    Document, ExtractLimits, FailReason, Outcome, PassageOptions, extract_bytes, passages,
};

#[allow(dead_code)]
pub(crate) fn check_file(name: &str, bytes: &[u8]) {
    match extract_bytes(Path::new(name), bytes.to_vec(), &ExtractLimits::default()) {
        Outcome::Document(document) => check_document(&document, &PassageOptions::default()),
        Outcome::Failed(FailReason::Crashed { detail }) => panic!("{detail}"),
        Outcome::Container { .. } | Outcome::Skipped(_) | Outcome::Failed(_) => {}
    }
}

pub(crate) fn check_document(document: &Document, options: &PassageOptions) {
    let text = document.text.as_str();
    assert!(document.headings.iter().all(|heading| text.get(heading.bytes.clone()).is_some()));
    assert!(document.headings.is_sorted_by(|a, b| a.bytes.end <= b.bytes.start));
    let mut end = 0;
    for passage in passages(document, options) {
        assert!(text[end..passage.bytes.start].chars().all(char::is_whitespace));
        assert!(!text[passage.bytes.clone()].is_empty());
        end = passage.bytes.end;
    }
    assert!(text[end..].chars().all(char::is_whitespace));
}
