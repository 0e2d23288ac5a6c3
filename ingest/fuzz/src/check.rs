//! What must hold for every document.

use std::path::Path;

use lsearch_ingest::{
    Document, ExtractLimits, FailReason, Outcome, PassageOptions, extract_bytes, extract_members,
    passages,
};

/// Small enough that what a few bytes unfold to is met soon.
const LIMITS: ExtractLimits = ExtractLimits { max_file_bytes: 16 << 20, max_text_bytes: 16 << 20 };

pub(crate) fn file(name: &str, bytes: &[u8]) {
    outcome(&extract_bytes(Path::new(name), bytes.to_vec(), &LIMITS));
}

pub(crate) fn container(name: &str, bytes: &[u8]) {
    let container = Path::new(name);
    let visit = |path: &Path, member: Outcome| {
        assert!(lsearch_ingest::container_of(path).is_some(), "{}", path.display());
        outcome(&member);
    };
    outcome(&extract_members(container, bytes.to_vec(), &LIMITS, &visit));
}

fn outcome(outcome: &Outcome) {
    match outcome {
        Outcome::Document(found) => document(found, &PassageOptions::default()),
        // Panics in our own code are told apart by `heed_own_panics`.
        Outcome::Failed(FailReason::Crashed { .. })
        | Outcome::Container { .. }
        | Outcome::Skipped(_)
        | Outcome::Failed(_) => {}
    }
}

pub(crate) fn document(document: &Document, options: &PassageOptions) {
    let text = document.text.as_str();
    assert!(text.len() as u64 <= LIMITS.max_text_bytes);
    assert!(!document.title.trim().is_empty());
    assert!(document.headings.iter().all(|heading| text.get(heading.bytes.clone()).is_some()));
    assert!(document.headings.is_sorted_by(|a, b| a.bytes.end <= b.bytes.start));
    assert!(document.headings.iter().all(|heading| (1..=6).contains(&heading.level)));
    assert!(document.pages.is_sorted());
    assert!(document.pages.iter().all(|&start| text.is_char_boundary(start)));
    let mut end = 0;
    let mut line = 1;
    for passage in passages(document, options) {
        assert!(text[end..passage.bytes.start].chars().all(char::is_whitespace));
        assert!(!text[passage.bytes.clone()].is_empty());
        assert!(passage.line >= line);
        assert_eq!(passage.page.is_some(), !document.pages.is_empty());
        (end, line) = (passage.bytes.end, passage.line);
    }
    assert!(text[end..].chars().all(char::is_whitespace));
}
