use proptest::prelude::*;

use super::*;
use crate::{Heading, Kind};

fn document(kind: Kind, text: &str) -> Document {
    Document {
        file_hash: [0; 32],
        kind,
        format: "text".to_owned(),
        title: "t".to_owned(),
        author: None,
        dated: None,
        text: text.to_owned(),
        headings: Vec::new(),
        pages: Vec::new(),
        language: None,
        encoding: None,
        warnings: Vec::new(),
    }
}

fn with_headings(kind: Kind, text: &str, headings: &[&str]) -> Document {
    let mut document = document(kind, text);
    for words in headings {
        let start = text.find(words).unwrap();
        document.headings.push(Heading { bytes: start..start + words.len(), level: 1 });
    }
    document
}

fn cut(document: &Document, target: usize, max: usize) -> Vec<&str> {
    let options = PassageOptions { target_tokens: target, max_tokens: max };
    passages(document, &options).into_iter().map(|p| &document.text[p.bytes]).collect()
}

/// A paragraph of about so many tokens, in sentences of about ten.
fn paragraph(tokens: usize) -> String {
    "The cat sat on the old mat all day. ".repeat(tokens / 10).trim_end().to_owned()
}

#[test]
fn short_documents_are_one_passage() {
    let document = document(Kind::Text, "\n  One.\n\nTwo.\n ");
    assert_eq!(cut(&document, 256, 384), ["One.\n\nTwo."]);
    assert_eq!(cut(&self::document(Kind::Text, " \n "), 256, 384), [""; 0]);
}

#[test]
fn no_passage_spans_two_slides() {
    let text = "Results\n\nPumps work.\n\nMills\n\nThey turn.\n";
    let mut document = document(Kind::Slides, text);
    document.pages = vec![0, 0, 22, text.len()];
    assert_eq!(cut(&document, 256, 384), ["Results\n\nPumps work.", "Mills\n\nThey turn."]);
    document.kind = Kind::Pdf;
    assert_eq!(cut(&document, 256, 384).len(), 1);
}

#[test]
fn cuts_fall_between_paragraphs() {
    let text = [paragraph(60), paragraph(50), paragraph(100), paragraph(90)].join("\n\n");
    let document = document(Kind::Text, &text);
    let pieces = cut(&document, 100, 150);
    assert_eq!(
        pieces,
        [[paragraph(60), paragraph(50)].join("\n\n"), paragraph(100), paragraph(90)]
    );
}

#[test]
fn long_paragraphs_are_cut_between_sentences() {
    let text = paragraph(1000);
    let document = document(Kind::Text, &text);
    let pieces = cut(&document, 100, 150);
    assert!(pieces.len() >= 8, "{}", pieces.len());
    for piece in pieces {
        assert!(piece.starts_with("The cat") && piece.ends_with("day."), "{piece:?}");
    }
}

#[test]
fn sentences_of_wrapped_prose_are_seen_across_lines() {
    let sentence = "The ferry left the harbour at dawn\nand nobody on the pier waved to it. ";
    let text = sentence.repeat(60);
    for piece in cut(&document(Kind::Text, &text), 60, 90) {
        assert!(piece.starts_with("The ferry") && piece.ends_with("it."), "{piece:?}");
    }
}

#[test]
fn headings_begin_passages_and_are_named() {
    let text = format!(
        "Rent\n\n{}\n\n## Deposit ##\n\n{}\n\n{}",
        paragraph(90),
        paragraph(80),
        paragraph(80)
    );
    let document = with_headings(Kind::Markdown, &text, &["Rent", "Deposit"]);
    let options = PassageOptions { target_tokens: 100, max_tokens: 150 };
    let passages = passages(&document, &options);
    let starts: Vec<_> = passages
        .iter()
        .map(|p| (&text[p.bytes.clone()][..4], p.line, p.heading.as_deref()))
        .collect();
    assert_eq!(
        starts,
        [("Rent", 1, Some("Rent")), ("## D", 5, Some("Deposit")), ("The ", 9, Some("Deposit"))]
    );
}

#[test]
fn headings_make_a_path() {
    let text = format!(
        "Lease\n\nArticle II Rent\n\n4.1 Amount\n\n{0}\n\n4.2 Termination\n\n{0}\n\nArticle III Use\n\n{0}",
        paragraph(90)
    );
    let mut document = document(Kind::Text, &text);
    document.title = "Lease".to_owned();
    for (words, level) in [
        ("Lease", 1),
        ("Article II Rent", 2),
        ("4.1 Amount", 3),
        ("4.2 Termination", 3),
        ("Article III Use", 2),
    ] {
        let start = text.find(words).unwrap();
        document.headings.push(Heading { bytes: start..start + words.len(), level });
    }
    let options = PassageOptions { target_tokens: 100, max_tokens: 150 };
    let paths: Vec<_> = passages(&document, &options).into_iter().map(|p| p.heading).collect();
    assert_eq!(
        paths.iter().map(Option::as_deref).collect::<Vec<_>>(),
        [Some("Lease"), Some("Article II Rent › 4.2 Termination"), Some("Article III Use")]
    );
}

#[test]
fn a_long_path_keeps_its_innermost_headings() {
    let mut path = HeadingPath::default();
    assert_eq!(path.line("t"), None);
    for level in 1..=6 {
        path.pass(level, &format!("level {level}"));
    }
    assert_eq!(path.line("t").as_deref(), Some("level 3 › level 4 › level 5 › level 6"));
    path.pass(6, &"word ".repeat(40));
    let line = path.line("t").unwrap();
    assert!(line.ends_with("word…") && line.chars().count() <= 161, "{line}");
    path.pass(3, &"a".repeat(145));
    assert_eq!(path.line("t"), Some(format!("level 2 › {}", "a".repeat(145))));
    path.pass(1, "t");
    assert_eq!(path.line("t").as_deref(), Some("t"));
}

#[test]
fn a_comment_belongs_to_the_item_below_it() {
    let text = "use a;\n\n/// Walks.\n#[inline]\nfn walk() {}\n\n/*\n  Talks.\n*/\nfn talk() {}\nfn end() {}\n";
    let document = with_headings(Kind::Code, text, &["fn walk", "fn talk", "fn end"]);
    let lines = heading_lines(&document);
    let starts: Vec<_> = lines.into_iter().map(|line| &text[line]).collect();
    assert_eq!(starts, ["/// Walks.", "/*", "fn end() {}"]);
}

#[test]
fn a_heading_stays_with_its_text() {
    let text = format!("{}\n\nNotice\n======\n\n{}", paragraph(140), paragraph(100));
    let document = with_headings(Kind::Text, &text, &["Notice"]);
    let pieces = cut(&document, 100, 150);
    assert!(pieces.last().unwrap().starts_with("Notice\n======\n\nThe cat"), "{pieces:?}");
    assert!(pieces.iter().all(|piece| !piece.ends_with("Notice") && !piece.ends_with("===")));
}

#[test]
fn code_is_cut_before_items() {
    let function = |name: &str| {
        let body = "    let value = call(first, second);\n\n".repeat(6);
        format!("/// Does it.\nfn {name}() {{\n{body}}}\n")
    };
    let text = [function("one"), function("two"), function("three")].join("\n");
    let document = document(Kind::Code, &text);
    assert_eq!(cut(&document, 256, 384), [text.trim_end()]);
    let pieces = cut(&document, 80, 120);
    assert_eq!(pieces.len(), 3);
    assert!(pieces.iter().all(|piece| piece.starts_with("/// Does it.")), "{pieces:?}");
}

#[test]
fn unbroken_runs_and_unspaced_scripts_are_cut() {
    let base64 = "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo0".repeat(400);
    let pieces = cut(&document(Kind::Text, &base64), 100, 150)
        .iter()
        .map(|piece| estimate_tokens(piece))
        .collect::<Vec<_>>();
    assert!(pieces.len() > 10 && pieces.iter().all(|&tokens| tokens <= 151), "{pieces:?}");

    let chinese = "山中的老人每天清晨都去河边打水。他从不说话。".repeat(60);
    for piece in cut(&document(Kind::Text, &chinese), 100, 150) {
        assert!(piece.ends_with('。'), "{piece:?}");
    }
}

#[test]
fn pages_and_lines_are_counted() {
    let mut document = document(Kind::Pdf, &format!("{}\n\n{}", paragraph(100), paragraph(100)));
    let second = document.text.find("\n\n").unwrap() + 2;
    document.pages = vec![0, second, second];
    let options = PassageOptions { target_tokens: 100, max_tokens: 120 };
    let marks: Vec<_> = passages(&document, &options).iter().map(|p| (p.page, p.line)).collect();
    assert_eq!(marks, [(Some(1), 1), (Some(3), 3)]);
}

#[test]
fn estimates_are_near_the_counts_of_a_real_tokenizer() {
    // Counted with the 30,522-entry WordPiece vocabulary, without special tokens.
    for (text, counted) in [
        ("The quick brown fox jumps over the lazy dog.", 10),
        ("def parse_header(self, line: bytes) -> Optional[Header]:", 19),
        ("Договор аренды заключён между сторонами на пять лет.", 43),
        ("山中的老人每天清晨都去河边打水。", 16),
        ("2023-11-05 14:33:07 1234567890 3.14159", 21),
    ] {
        let estimate = estimate_tokens(text);
        assert!(estimate.abs_diff(counted) * 4 <= counted, "{text}: {estimate} for {counted}");
    }
}

fn any_text() -> impl Strategy<Value = String> {
    let pieces = prop_oneof![
        6 => "[a-z]{1,9} ",
        2 => Just("\n".to_owned()),
        1 => Just("\n\n".to_owned()),
        1 => Just(". ".to_owned()),
        1 => Just("\n## Heading\n".to_owned()),
        1 => "[a-zA-Z0-9]{30,90}",
        1 => "[\u{4e00}-\u{4e20}。]{1,40}",
        1 => "\\PC{0,12}",
        1 => Just("e\u{301}\u{200d}\u{1f468}\u{2028}\u{a0}".to_owned()),
    ];
    prop::collection::vec(pieces, 0..150).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn every_visible_byte_is_in_exactly_one_passage(
        text in any_text(),
        target in 1..60_usize,
        extra in 0..40_usize,
        is_code: bool,
    ) {
        let kind = if is_code { Kind::Code } else { Kind::Markdown };
        let mut document = document(kind, &text);
        document.headings = text
            .match_indices("Heading")
            .enumerate()
            .map(|(at, (start, words))| {
                Heading { bytes: start..start + words.len(), level: (at % 6) as u8 + 1 }
            })
            .collect();
        let options = PassageOptions { target_tokens: target, max_tokens: target + extra };
        let mut end = 0;
        for passage in passages(&document, &options) {
            let path = passage.heading.as_deref().unwrap_or_default();
            prop_assert!(path.chars().count() <= 161 && path.matches(" › ").count() <= 3, "{}", path);
            let piece = &text[passage.bytes.clone()];
            prop_assert!(text[end..passage.bytes.start].chars().all(char::is_whitespace));
            prop_assert!(!piece.is_empty() && piece.trim() == piece);
            let newlines = text[..passage.bytes.start].matches('\n').count();
            prop_assert_eq!(passage.line as usize, newlines + 1);
            // One character may be more than the smallest sizes hold.
            let tokens = estimate_tokens(piece);
            prop_assert!(tokens <= target + extra || piece.chars().count() == 1, "{} {:?}", tokens, piece);
            end = passage.bytes.end;
        }
        prop_assert!(text[end..].chars().all(char::is_whitespace));
    }

    #[test]
    fn estimates_grow_with_the_text(a in any_text(), b in any_text()) {
        let both = estimate_tokens(&format!("{a} {b}"));
        prop_assert!(both >= estimate_tokens(&a).max(estimate_tokens(&b)));
        prop_assert!(both <= estimate_tokens(&a) + estimate_tokens(&b));
    }
}
