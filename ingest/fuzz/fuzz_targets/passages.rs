#![no_main]

mod check;

use lsearch_ingest::{Document, Heading, Kind, PassageOptions};

libfuzzer_sys::fuzz_target!(|input: (String, Vec<(u16, u8)>, u8, u8, bool)| {
    let (text, marks, target, extra, is_code) = input;
    let mut headings = Vec::new();
    let mut end = 0;
    for (skip, length) in marks {
        let start = text.ceil_char_boundary((end + usize::from(skip)).min(text.len()));
        end = text.ceil_char_boundary((start + usize::from(length)).min(text.len()));
        headings.push(Heading { bytes: start..end, level: 1 });
    }
    let document = Document {
        file_hash: [0; 32],
        kind: if is_code { Kind::Code } else { Kind::Text },
        format: String::new(),
        title: String::new(),
        text,
        headings,
        pages: Vec::new(),
        language: None,
        encoding: None,
        warnings: Vec::new(),
    };
    let target_tokens = usize::from(target);
    let max_tokens = target_tokens + usize::from(extra);
    check::check_document(&document, &PassageOptions { target_tokens, max_tokens });
});
