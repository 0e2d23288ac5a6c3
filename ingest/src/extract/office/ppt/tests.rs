use super::*;
use crate::compound::tests::compound;
use crate::{ExtractLimits, FailReason, extract_bytes};

fn record(kind: u16, instance: u16, holds_records: bool, content: &[u8]) -> Vec<u8> {
    let version = if holds_records { 0xF } else { 0 };
    let mut bytes = (instance << 4 | version).to_le_bytes().to_vec();
    bytes.extend(kind.to_le_bytes());
    bytes.extend((content.len() as u32).to_le_bytes());
    bytes.extend(content);
    bytes
}

fn atom(kind: u16, numbers: &[u32]) -> Vec<u8> {
    let content: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
    record(kind, 0, false, &content)
}

fn narrow(role: u32, words: &str) -> Vec<u8> {
    let words = record(kinds::TEXT_NARROW, 0, false, words.as_bytes());
    [atom(kinds::TEXT_HEADER, &[role]), words].concat()
}

fn wide(role: u32, words: &str) -> Vec<u8> {
    let units: Vec<u8> = words.encode_utf16().flat_map(u16::to_le_bytes).collect();
    [atom(kinds::TEXT_HEADER, &[role]), record(kinds::TEXT_WIDE, 0, false, &units)].concat()
}

fn shape(parts: &[Vec<u8>]) -> Vec<u8> {
    record(kinds::SHAPE, 0, true, &parts.concat())
}

/// A presentation whose records have these numbers, from 1 on; the first is the document.
fn presentation(records: &[Vec<u8>]) -> Vec<u8> {
    let mut stream = Vec::new();
    let mut places = vec![1 | (records.len() as u32) << 20];
    for record in records {
        places.push(stream.len() as u32);
        stream.extend(record);
    }
    let directory = stream.len() as u32;
    stream.extend(atom(kinds::PERSIST_DIRECTORY, &places));
    let edit = stream.len() as u32;
    stream.extend(atom(kinds::USER_EDIT, &[256, 0, 0, directory, 1, 9, 0]));
    let user = atom(0x0FF6, &[20, 0xE391_C05F, edit]);
    compound(&[("PowerPoint Document", &stream), ("Current User", &user)])
}

fn outcome(bytes: Vec<u8>) -> Outcome {
    extract_bytes("a.ppt".as_ref(), bytes, &ExtractLimits::default())
}

fn document(bytes: Vec<u8>) -> crate::Document {
    match outcome(bytes) {
        Outcome::Document(document) => *document,
        other => panic!("no document but {other:?}"),
    }
}

#[test]
fn what_an_office_program_writes_is_read() {
    let bytes = include_bytes!("../../../../../fixtures/seeds/ppt/lease.ppt");
    let document = document(bytes.to_vec());
    assert_eq!(document.pages.len(), 4);
    assert_eq!(document.title, "Lease of the mill");
    let expected =
        ["Parties\n", "It turns, see the plan. Straße, café, 水車.", "[Notes] What the speaker"];
    for words in expected {
        assert!(document.text.contains(words), "{words} in {}", document.text);
    }
}

#[test]
fn slides_stand_in_the_order_of_the_list_with_their_notes() {
    let persist = |number, slide| atom(kinds::SLIDE_PERSIST, &[number, 4, 1, slide, 0]);
    let slides = [persist(3, 256), narrow(0, "Second title"), persist(2, 257), wide(0, "水車")];
    let notes = [persist(4, 256)];
    let list =
        |instance, parts: &[Vec<u8>]| record(kinds::SLIDE_LIST, instance, true, &parts.concat());
    let deck = record(kinds::DOCUMENT, 0, true, &[list(0, &slides), list(2, &notes)].concat());
    let slide = |parts: &[Vec<u8>]| record(kinds::SLIDE, 0, true, &parts.concat());
    let comment = [
        record(kinds::STRING, 0, false, b"B\0"),
        record(kinds::STRING, 1, false, b"n\0o\0"),
        record(kinds::COMMENT_ATOM, 0, false, &[]),
    ];
    let page = [atom(kinds::NOTES_ATOM, &[256, 0]), shape(&[narrow(2, "Say this.")])];
    let records = [
        deck,
        slide(&[shape(&[narrow(1, "one\rtwo\x0Bthree")])]),
        slide(&[
            shape(&[atom(kinds::OUTLINE_TEXT, &[0])]),
            shape(&[narrow(4, "beside")]),
            shape(&[atom(kinds::PLACEHOLDER, &[0, 9]), narrow(4, "footer")]),
            record(kinds::COMMENT, 0, true, &comment.concat()),
        ]),
        record(kinds::NOTES, 0, true, &page.concat()),
    ];
    let document = document(presentation(&records));
    assert_eq!(
        document.text,
        "Second title\n\nbeside\n\n[Notes] Say this.\n\n[Comment] no\n\n水車\n\n- one\n\n- two\nthree\n"
    );
    assert_eq!(document.pages, [0, document.text.find("水車").unwrap()]);
    assert_eq!(document.title, "Second title");
}

#[test]
fn a_lost_directory_leaves_the_texts() {
    let stream = record(kinds::SLIDE, 0, true, &shape(&[narrow(0, "Still here")]));
    let document = document(compound(&[("PowerPoint Document", &stream)]));
    assert_eq!(document.text, "Still here\n");
    assert_eq!(document.warnings.len(), 1);
}

#[test]
fn encrypted_and_empty_presentations_are_told_apart() {
    let user = atom(0x0FF6, &[20, 0xF3D1_C4DF, 0]);
    let encrypted = compound(&[("PowerPoint Document", &[0; 9]), ("Current User", &user)]);
    assert_eq!(outcome(encrypted), Outcome::Skipped(SkipReason::Encrypted));
    let empty = compound(&[("PowerPoint", b"")]);
    assert!(matches!(outcome(empty), Outcome::Failed(FailReason::Damaged { .. })));
}

#[test]
fn a_slide_named_many_times_does_not_unfold() {
    let words = "word ".repeat(1000);
    let slides: Vec<u8> =
        (0..5000).flat_map(|id| atom(kinds::SLIDE_PERSIST, &[2, 4, 0, id, 0])).collect();
    let list = record(kinds::SLIDE_LIST, 0, true, &slides);
    let slide = record(kinds::SLIDE, 0, true, &shape(&[narrow(1, &words)]));
    let bytes = presentation(&[record(kinds::DOCUMENT, 0, true, &list), slide]);
    let size = bytes.len();
    assert!(document(bytes).text.len() < size);
}
