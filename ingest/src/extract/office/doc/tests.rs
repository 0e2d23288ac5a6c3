use super::*;
use crate::compound::tests::compound;
use crate::{ExtractLimits, FailReason, extract_bytes};

/// Where the text begins in the main stream.
const TEXT_AT: usize = 1024;
/// Characters with a look of their own, in offsets of the text, and the changes that make it.
type Looks<'a> = &'a [(Range<usize>, &'a [u8])];

/// A file whose text is in pieces; each is written in bytes when all of it is Latin, else in UTF-16.
struct Written<'a> {
    pieces: &'a [&'a str],
    /// Characters of the text, the footnotes and the headers.
    lengths: [usize; 3],
    paragraphs: Looks<'a>,
    characters: Looks<'a>,
    tables: &'a [(Table, Vec<u8>)],
}

impl Written<'_> {
    fn bytes(&self) -> Vec<u8> {
        let mut main = vec![0; TEXT_AT];
        main[..2].copy_from_slice(&header::MAGIC.to_le_bytes());
        main[2..4].copy_from_slice(&0xC1_u16.to_le_bytes());
        let (mut places, mut rows, mut count) = (vec![0_u32], Vec::new(), 0);
        for piece in self.pieces {
            let is_wide = piece.chars().any(|c| c as u32 > 0xFF);
            let offset = main.len() as u32;
            rows.extend([0, 0]);
            rows.extend(if is_wide { offset } else { (offset * 2) | (1 << 30) }.to_le_bytes());
            rows.extend([0, 0]);
            if is_wide {
                main.extend(piece.encode_utf16().flat_map(u16::to_le_bytes));
            } else {
                main.extend(piece.chars().map(|c| c as u8));
            }
            count += piece.encode_utf16().count() as u32;
            places.push(count);
        }
        for (index, length) in self.lengths.iter().enumerate() {
            let at = header::LENGTHS_AT + index * 4;
            main[at..at + 4].copy_from_slice(&(*length as u32).to_le_bytes());
        }
        let mut pieces = vec![2];
        pieces.extend((places.len() as u32 * 4 + rows.len() as u32).to_le_bytes());
        pieces.extend(places.iter().flat_map(|place| place.to_le_bytes()));
        pieces.extend(rows);
        let mut tables = vec![(Table::Pieces, pieces)];
        tables.push((Table::ParagraphPages, page(&mut main, self.paragraphs, 13)));
        tables.push((Table::CharacterPages, page(&mut main, self.characters, 1)));
        tables.extend(self.tables.iter().cloned());
        let mut stream = vec![0; 4];
        for (table, content) in tables {
            let at = header::TABLES_AT + table as usize * 8;
            main[at..at + 4].copy_from_slice(&(stream.len() as u32).to_le_bytes());
            main[at + 4..at + 8].copy_from_slice(&(content.len() as u32).to_le_bytes());
            stream.extend(content);
        }
        compound(&[("WordDocument", &main), ("0Table", &stream)])
    }
}

/// Writes a page of looks behind the text. Gives the table that names it.
fn page(main: &mut Vec<u8>, looks: Looks<'_>, run_bytes: usize) -> Vec<u8> {
    main.resize(main.len().next_multiple_of(512), 0);
    let number = main.len() / 512;
    let mut page = vec![0; 512];
    // The runs, and what is between them.
    let mut runs: Vec<(usize, &[u8])> = Vec::new();
    let mut end = 0;
    for (range, changes) in looks {
        if range.start > end {
            runs.push((end, &[]));
        }
        runs.push((range.start, changes));
        end = range.end;
    }
    let mut free = 510;
    for (index, (start, changes)) in runs.iter().enumerate() {
        page[index * 4..index * 4 + 4].copy_from_slice(&((TEXT_AT + start) as u32).to_le_bytes());
        if changes.is_empty() {
            continue;
        }
        // The length is that of the changes, for paragraphs in words with itself.
        let is_paragraph = run_bytes > 1;
        let length = if is_paragraph { changes.len().div_ceil(2) + 1 } else { changes.len() };
        free = (free - changes.len() - 3) & !1;
        page[free] = length as u8;
        page[free + 1..free + 1 + changes.len()].copy_from_slice(changes);
        page[(runs.len() + 1) * 4 + index * run_bytes] = (free / 2) as u8;
    }
    let at = runs.len() * 4;
    page[at..at + 4].copy_from_slice(&((TEXT_AT + end) as u32).to_le_bytes());
    page[511] = runs.len() as u8;
    main.extend(page);
    numbers(&[TEXT_AT as u32, (TEXT_AT + end) as u32, number as u32])
}

fn numbers(numbers: &[u32]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
}

fn document(bytes: Vec<u8>) -> crate::Document {
    match extract_bytes("a.doc".as_ref(), bytes, &ExtractLimits::default()) {
        Outcome::Document(document) => *document,
        other => panic!("no document but {other:?}"),
    }
}

#[test]
fn what_an_office_program_writes_is_read() {
    let bytes = include_bytes!("../../../../../fixtures/seeds/doc/lease.doc");
    let document = document(bytes.to_vec());
    assert_eq!(
        document.text,
        "Lease of the mill\n\nA. Bell\n\n2024-03-01\n\nParties\n\nThe landlord and the tenant.\n\n\
         [1] Jointly and severally.\n\n1. one year\n- nested\n\nfloor\trent\nfirst\t1200\n\nWheel\n\n\
         It turns, see the plan. Straße, café, 水車.\n\nRepairs\n\nWhat the speaker says.\n"
    );
    let headings: Vec<(&str, u8)> = document
        .headings
        .iter()
        .map(|heading| (&document.text[heading.bytes.clone()], heading.level))
        .collect();
    let expected = [("Lease of the mill", 1), ("Parties", 1), ("Wheel", 1), ("Repairs", 2)];
    assert_eq!(headings, expected);
    assert_eq!(document.title, "Lease of the mill");
    assert_eq!(document.author.as_deref(), Some("A. Bell"));
}

#[test]
fn pieces_fields_and_hidden_text() {
    let pieces = ["Rent \u{13}REF x\u{14}1,200\u{15} now\rseen hidden deleted", " 水車\r"];
    let start = pieces[0].find("hidden").unwrap();
    let written = Written {
        pieces: &pieces,
        lengths: [pieces.concat().encode_utf16().count(), 0, 0],
        paragraphs: &[],
        characters: &[
            (start..start + 7, &[0x3C, 0x08, 1]),
            (start + 7..start + 14, &[0x00, 0x08, 0x81]),
        ],
        tables: &[],
    };
    assert_eq!(document(written.bytes()).text, "Rent 1,200 now\n\nseen 水車\n");
}

#[test]
fn rows_headings_and_notes() {
    let text = "Terms\rRent\u{2} here\ra\u{7}\u{7}b\u{7}\u{7}end\r";
    let notes = "\u{2} due on Monday\r\r";
    let in_table: &[u8] = &[0, 0, 0x16, 0x24, 1];
    let row_end: &[u8] = &[0, 0, 0x16, 0x24, 1, 0x17, 0x24, 1];
    let written = Written {
        pieces: &[text, notes],
        lengths: [text.len(), notes.len(), 0],
        paragraphs: &[
            (0..6, &[0, 0, 0x40, 0x26, 1]),
            (6..17, &[0, 0]),
            (17..19, in_table),
            (19..20, row_end),
            (20..22, in_table),
            (22..23, row_end),
            (23..27, &[0, 0]),
        ],
        characters: &[],
        tables: &[
            (Table::FootnoteReferences, [numbers(&[10, 27]), vec![0, 0]].concat()),
            (Table::Footnotes, numbers(&[0, 16, 17])),
        ],
    };
    let document = document(written.bytes());
    assert_eq!(document.text, "Terms\n\nRent here\n\n[1] due on Monday\n\na\nb\n\nend\n");
    assert_eq!((document.headings[0].bytes.clone(), document.headings[0].level), (0..5, 2));
}

#[test]
fn styles_are_headings_by_what_they_are_based_on() {
    // The numbers that three styles have everywhere, and which each is based on.
    let mut table = vec![4, 0, 3, 0, 10, 0];
    for (built_in, based_on) in [(0_u16, 0xFFF_u16), (3, 0), (0xFFE, 1)] {
        table.extend([4, 0]);
        table.extend(built_in.to_le_bytes());
        table.extend((based_on << 4).to_le_bytes());
    }
    let styles = Styles::read(&table);
    let levels = [0, 1, 2, 3].map(|style| styles.outline_level(style));
    assert_eq!(levels, [None, Some(2), Some(2), None]);
    // Two that are based on each other.
    let circle = [4, 0, 2, 0, 10, 0, 4, 0, 0xFE, 0xF, 16, 0, 4, 0, 0xFE, 0xF, 0, 0];
    assert_eq!(Styles::read(&circle).outline_level(0), None);
    // One that claims to be as long as can be.
    let endless = [4, 0, 2, 0, 10, 0, 0xFF, 0xFF, 3, 0, 0xF0, 0xFF];
    assert_eq!(Styles::read(&endless).outline_level(0), Some(2));
}

#[test]
fn numbers_of_lists_are_those_of_their_levels() {
    let level = |start: u32, numerals: u8, pattern: &[u8]| {
        let mut level = numbers(&[start]);
        level.extend([numerals, 0]);
        // One byte of the look of the number.
        level.resize(28, 0);
        level[25] = 1;
        level.extend([0xEE, pattern.len() as u8, 0]);
        level.extend(pattern.iter().flat_map(|&unit| [unit, 0]));
        level
    };
    let mut definitions = vec![1, 0];
    definitions.extend(numbers(&[77]));
    definitions.resize(2 + 28, 0);
    definitions.extend(level(4, 0, b"\0."));
    definitions.extend(level(1, 4, b"(\x01)"));
    definitions.extend(level(1, 1, b"\0.\x02"));
    let mut overrides = numbers(&[2, 77, 0, 0, 0, 77, 0, 0, 1]);
    // The second starts anew, at 9.
    overrides.extend(numbers(&[u32::MAX, u32::MAX, 9, 1 << 4]));
    let numbering = lists::read(&definitions, &overrides);
    let mut counters = Counters::default();
    let styles = super::super::docx::styles::Styles::default();
    let mut next = |list: &str, level| counters.next(&numbering, &styles, list, level);
    let labels = [
        next("1", 0),
        next("1", 1),
        next("1", 1),
        next("1", 0),
        next("1", 2),
        next("2", 0),
        next("3", 0),
    ];
    let labels = labels.map(|label| label.unwrap_or_default());
    assert_eq!(labels, ["4.", "(a)", "(b)", "5.", "5.I", "9.", ""]);
}

#[test]
fn old_encrypted_and_damaged_files_are_told_apart() {
    let outcome = |main: &[u8]| {
        let bytes = compound(&[("WordDocument", main)]);
        extract_bytes("a.doc".as_ref(), bytes, &ExtractLimits::default())
    };
    let mut main = vec![0; 1000];
    main[..2].copy_from_slice(&header::MAGIC.to_le_bytes());
    assert!(matches!(outcome(&main), Outcome::Failed(FailReason::Damaged { .. })));
    main[11] = 1;
    assert_eq!(outcome(&main), Outcome::Skipped(SkipReason::Encrypted));
    let mut old = vec![0; 768];
    old[..2].copy_from_slice(&header::OLD_MAGIC.to_le_bytes());
    old[header::OLD_TEXT_AT..][..2].copy_from_slice(&768_u16.to_le_bytes());
    old[header::OLD_LENGTHS_AT] = 12;
    old.extend(b"Dear \x93Anna\x94\r");
    let Outcome::Document(document) = outcome(&old) else { panic!("an old file is read") };
    assert_eq!(document.text, "Dear \u{201c}Anna\u{201d}\n");
}

#[test]
fn tables_that_lie_do_not_unfold() {
    // A thousand notes of which every other one has the whole text.
    let text = "word ".repeat(2000);
    let count = 1000;
    let references: Vec<u32> = (0..=count).collect();
    let texts: Vec<u32> = (0..=count).map(|index| if index % 2 == 0 { 0 } else { 9000 }).collect();
    let written = Written {
        pieces: &[&text, &text],
        lengths: [text.len(), text.len(), 0],
        paragraphs: &[],
        characters: &[],
        tables: &[
            (Table::FootnoteReferences, [numbers(&references), vec![0; 2000]].concat()),
            (Table::Footnotes, numbers(&texts)),
        ],
    };
    assert!(document(written.bytes()).text.len() < text.len() * 3);
}
