//! Office files and books: how they are recognised, and what becomes of damaged ones.

use std::io::{Cursor, Write};
use std::path::Path;

use lsearch_ingest::{
    Document, ExtractLimits, FailReason, Kind, Outcome, PassageOptions, SkipReason, extract_bytes,
    identify, passages,
};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// Damaged files of each format that are tried.
const ROUNDS: usize = 120;

type Parts = Vec<(&'static str, &'static str)>;

struct Sample {
    kind: Kind,
    format: &'static str,
    parts: Parts,
}

impl Sample {
    fn bytes(&self) -> Vec<u8> {
        archive(self.parts.iter().map(|(name, content)| (*name, content.as_bytes())))
    }
}

fn archive<'a>(parts: impl Iterator<Item = (&'a str, &'a [u8])>) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in parts {
        writer.start_file(name, SimpleFileOptions::default()).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn samples() -> Vec<Sample> {
    const ODF_BODY: &str = "<text:h text:outline-level='1'>Flood</text:h><text:list text:style-name='L'><text:list-item>\
        <text:p>The mill <text:span>stood</text:span><text:note><text:note-citation>1</text:note-citation><text:note-body>\
        <text:p>Note.</text:p></text:note-body></text:note></text:p></text:list-item></text:list><table:table table:name='T'>\
        <table:table-row table:number-rows-repeated='2'><table:table-cell><text:p>a</text:p></table:table-cell>\
        <table:table-cell table:number-columns-repeated='3'><text:p>b</text:p></table:table-cell></table:table-row></table:table>";
    let odf = |format: &'static str, media_type: &'static str, kind: Kind, inner: &str| {
        let content = format!(
            "<office:document-content><office:body><office:{inner}>{ODF_BODY}</office:{inner}></office:body></office:document-content>"
        );
        let parts = vec![
            ("mimetype", media_type),
            ("content.xml", &*content.leak()),
            (
                "styles.xml",
                "<office:document-styles><text:list-style style:name='L'><text:list-level-style-number \
                text:level='1' style:num-format='1' style:num-suffix='.'/></text:list-style></office:document-styles>",
            ),
            ("meta.xml", "<office:meta><dc:title>The mill</dc:title></office:meta>"),
        ];
        Sample { kind, format, parts }
    };
    const MAIN: &str =
        "http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument";
    let relations = |main: &str| -> &'static str {
        format!(
            "<Relationships xmlns='http://schemas.openxmlformats.org/package/2006/relationships'>\
             <Relationship Id='r1' Type='{MAIN}' Target='{main}'/></Relationships>"
        )
        .leak()
    };
    vec![
        Sample {
            kind: Kind::Word,
            format: "docx",
            parts: vec![
                (
                    "[Content_Types].xml",
                    "<Types><Override PartName='/word/document.xml' \
                    ContentType='application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml'/></Types>",
                ),
                ("_rels/.rels", relations("word/document.xml")),
                (
                    "word/document.xml",
                    "<w:document><w:body><w:p><w:pPr><w:pStyle w:val='H'/><w:numPr><w:ilvl w:val='0'/>\
                    <w:numId w:val='1'/></w:numPr></w:pPr><w:r><w:t>Flood</w:t></w:r></w:p><w:p><w:r><w:lastRenderedPageBreak/>\
                    <w:t>The mill stood</w:t><w:footnoteReference w:id='1'/></w:r><w:r><w:fldChar w:fldCharType='begin'/></w:r></w:p>\
                    <w:tbl><w:tr><w:tc><w:p><w:r><w:t>a</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>b</w:t></w:r></w:p></w:tc></w:tr></w:tbl>\
                    </w:body></w:document>",
                ),
                (
                    "word/_rels/document.xml.rels",
                    "<Relationships><Relationship Id='a' Type='x/styles' Target='styles.xml'/>\
                    <Relationship Id='b' Type='x/numbering' Target='numbering.xml'/><Relationship Id='c' Type='x/footnotes' Target='footnotes.xml'/></Relationships>",
                ),
                (
                    "word/styles.xml",
                    "<w:styles><w:style w:styleId='H'><w:name w:val='heading 1'/></w:style></w:styles>",
                ),
                (
                    "word/numbering.xml",
                    "<w:numbering><w:abstractNum w:abstractNumId='0'><w:lvl w:ilvl='0'><w:lvlText w:val='%1.'/></w:lvl>\
                    </w:abstractNum><w:num w:numId='1'><w:abstractNumId w:val='0'/></w:num></w:numbering>",
                ),
                (
                    "word/footnotes.xml",
                    "<w:footnotes><w:footnote w:id='1'><w:p><w:r><w:t>Note.</w:t></w:r></w:p></w:footnote></w:footnotes>",
                ),
            ],
        },
        Sample {
            kind: Kind::Slides,
            format: "pptx",
            parts: vec![
                (
                    "[Content_Types].xml",
                    "<Types><Override ContentType='application/vnd.openxmlformats-officedocument.presentationml.presentation.main+xml'/></Types>",
                ),
                ("_rels/.rels", relations("ppt/presentation.xml")),
                (
                    "ppt/presentation.xml",
                    "<p:presentation><p:sldIdLst><p:sldId id='1' r:id='r1'/></p:sldIdLst></p:presentation>",
                ),
                (
                    "ppt/_rels/presentation.xml.rels",
                    "<Relationships><Relationship Id='r1' Type='x/slide' Target='slides/slide1.xml'/></Relationships>",
                ),
                (
                    "ppt/slides/slide1.xml",
                    "<p:sld><p:sp><p:nvPr><p:ph type='title'/></p:nvPr><a:p><a:r><a:t>Flood</a:t></a:r></a:p></p:sp>\
                    <p:sp><a:p><a:r><a:t>The mill stood</a:t></a:r></a:p></p:sp></p:sld>",
                ),
            ],
        },
        Sample {
            kind: Kind::Sheet,
            format: "xlsx",
            parts: vec![
                (
                    "[Content_Types].xml",
                    "<Types><Override ContentType='application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml'/></Types>",
                ),
                ("_rels/.rels", relations("xl/workbook.xml")),
                (
                    "xl/workbook.xml",
                    "<workbook xmlns='http://schemas.openxmlformats.org/spreadsheetml/2006/main' \
                    xmlns:r='http://schemas.openxmlformats.org/officeDocument/2006/relationships'><sheets><sheet name='Flood' sheetId='1' r:id='r1'/></sheets></workbook>",
                ),
                (
                    "xl/_rels/workbook.xml.rels",
                    "<Relationships xmlns='http://schemas.openxmlformats.org/package/2006/relationships'>\
                    <Relationship Id='r1' Type='http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet' Target='worksheets/sheet1.xml'/>\
                    <Relationship Id='r2' Type='http://schemas.openxmlformats.org/officeDocument/2006/relationships/sharedStrings' Target='sharedStrings.xml'/></Relationships>",
                ),
                (
                    "xl/sharedStrings.xml",
                    "<sst xmlns='http://schemas.openxmlformats.org/spreadsheetml/2006/main'><si><t>The mill stood</t></si></sst>",
                ),
                (
                    "xl/worksheets/sheet1.xml",
                    "<worksheet xmlns='http://schemas.openxmlformats.org/spreadsheetml/2006/main'><dimension ref='A1:B2'/><sheetData>\
                    <row r='1'><c r='A1' t='s'><v>0</v></c><c r='B1'><v>1.5</v></c></row><row r='2'><c r='A2' t='str'><f>A1</f><v>x</v></c></row></sheetData></worksheet>",
                ),
            ],
        },
        odf("odt", "application/vnd.oasis.opendocument.text", Kind::Word, "text"),
        odf("odp", "application/vnd.oasis.opendocument.presentation", Kind::Slides, "presentation"),
        odf("ods", "application/vnd.oasis.opendocument.spreadsheet", Kind::Sheet, "spreadsheet"),
        Sample {
            kind: Kind::Book,
            format: "epub",
            parts: vec![
                ("mimetype", "application/epub+zip"),
                ("META-INF/container.xml", "<container><rootfile full-path='a.opf'/></container>"),
                (
                    "a.opf",
                    "<package><metadata><dc:title>The mill</dc:title></metadata><manifest><item id='n' href='toc.ncx' media-type='application/x-dtbncx+xml'/>\
                    <item id='a' href='a.xhtml'/></manifest><spine toc='n'><itemref idref='a'/></spine></package>",
                ),
                (
                    "toc.ncx",
                    "<ncx><navMap><navPoint><navLabel><text>Flood</text></navLabel><content src='a.xhtml'/></navPoint></navMap></ncx>",
                ),
                (
                    "a.xhtml",
                    "<html xmlns='http://www.w3.org/1999/xhtml'><body><p>The mill stood</p><table><tr><td>a</td><td>b</td></tr></table></body></html>",
                ),
            ],
        },
    ]
}

fn from_bytes(name: &str, bytes: &[u8]) -> Outcome {
    extract_bytes(Path::new(name), bytes.to_vec(), &ExtractLimits::default())
}

fn document(outcome: Outcome) -> Document {
    match outcome {
        Outcome::Document(document) => *document,
        other => panic!("no document but {other:?}"),
    }
}

#[test]
fn the_content_decides_what_a_file_is() {
    for sample in samples() {
        let bytes = sample.bytes();
        for name in [&format!("a.{}", sample.format), "a.zip", "a.docx", "a.txt", "a"] {
            let document = document(from_bytes(name, &bytes));
            assert_eq!((document.kind, &*document.format), (sample.kind, sample.format), "{name}");
            let flood = &document.text[document.headings[0].bytes.clone()];
            if sample.format != "ods" && sample.format != "odp" {
                assert!(flood.contains("Flood"), "{}: {flood:?}", sample.format);
                assert!(document.text.contains("The mill stood"), "{}", document.text);
            }
            // What is read first must not turn away what the whole file is.
            assert!(identify(Path::new(name), &bytes[..300]).is_ok(), "{name}");
        }
    }
}

#[test]
fn a_file_that_was_cut_off_is_damaged_and_not_something_else() {
    for sample in samples() {
        let bytes = sample.bytes();
        let name = format!("a.{}", sample.format);
        for end in [8, 20] {
            let outcome = from_bytes(&name, &bytes[..end]);
            assert!(
                matches!(&outcome, Outcome::Failed(FailReason::Damaged { format, .. }) if *format == sample.format),
                "{name} {end}: {outcome:?}"
            );
        }
        // Without its table of contents, which stands at the end, the parts are still there.
        match from_bytes(&name, &bytes[..bytes.len() - 30]) {
            Outcome::Document(document) => {
                let has_words = ["Flood", "a\tb"].iter().any(|words| document.text.contains(words));
                assert!(has_words, "{}", document.text);
                assert!(document.warnings[0].starts_with("the file is damaged"), "{name}");
            }
            outcome => assert!(
                matches!(outcome, Outcome::Failed(FailReason::Damaged { .. }))
                    && sample.format == "xlsx",
                "{name}: {outcome:?}"
            ),
        }
    }
}

#[test]
fn a_password_is_told() {
    let mut bytes = vec![0; 1024];
    bytes[..8].copy_from_slice(b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1");
    for (at, unit) in "EncryptedPackage".encode_utf16().enumerate() {
        bytes[640 + at * 2..][..2].copy_from_slice(&unit.to_le_bytes());
    }
    (bytes[640 + 64], bytes[640 + 66]) = (34, 2);
    for name in ["a.docx", "a.xlsx", "a.pptx", "a"] {
        assert_eq!(from_bytes(name, &bytes), Outcome::Skipped(SkipReason::Encrypted), "{name}");
    }
    assert_eq!(SkipReason::Encrypted.to_string(), "encrypted with a password");
}

#[test]
fn more_text_than_may_be_is_refused() {
    let limits = ExtractLimits { max_text_bytes: 5, ..ExtractLimits::default() };
    for sample in samples() {
        let name = format!("a.{}", sample.format);
        let outcome = extract_bytes(Path::new(&name), sample.bytes(), &limits);
        let expected = Outcome::Failed(FailReason::TextTooLong { limit_bytes: 5 });
        assert_eq!(outcome, expected, "{name}");
    }
    let rtf = b"{\\rtf1 The mill stood}".to_vec();
    let outcome = extract_bytes(Path::new("a.rtf"), rtf, &limits);
    assert_eq!(outcome, Outcome::Failed(FailReason::TextTooLong { limit_bytes: 5 }));
}

/// A fixed sequence of pseudo-random numbers (Knuth's MMIX generator), so that runs are alike.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit.max(1)
    }

    fn damage(&mut self, bytes: &mut Vec<u8>) {
        for _ in 0..=self.below(6) {
            let at = self.below(bytes.len());
            match self.below(4) {
                0 => bytes.truncate(at.max(16)),
                1 => {
                    let end = (at + self.below(40)).min(bytes.len());
                    bytes.drain(at..end);
                }
                // A piece of it once more, which nests and repeats.
                2 => {
                    let end = (at + self.below(120)).min(bytes.len());
                    let piece = bytes[at..end].to_vec();
                    bytes.splice(at..at, piece);
                }
                _ => {
                    if let Some(byte) = bytes.get_mut(at) {
                        *byte = self.below(256) as u8;
                    }
                }
            }
        }
    }
}

/// What must hold of every outcome, whatever the file.
fn check(name: &str, bytes: Vec<u8>) -> bool {
    match extract_bytes(Path::new(name), bytes, &ExtractLimits::default()) {
        Outcome::Document(document) => {
            let text = document.text.as_str();
            assert!(document.headings.iter().all(|h| text.get(h.bytes.clone()).is_some()));
            assert!(document.headings.is_sorted_by(|a, b| a.bytes.end <= b.bytes.start));
            assert!(document.pages.is_sorted());
            assert!(document.pages.iter().all(|&page| text.is_char_boundary(page)));
            passages(&document, &PassageOptions::default());
            true
        }
        Outcome::Failed(reason @ FailReason::Crashed { .. }) => panic!("{name}: {reason}"),
        Outcome::Failed(_) | Outcome::Skipped(_) | Outcome::Container { .. } => false,
    }
}

#[test]
fn damaged_files_give_what_is_left_or_a_reason() {
    let mut random = Random(11);
    for sample in samples() {
        let name = format!("a.{}", sample.format);
        let whole = sample.bytes();
        let mut documents = 0;
        for round in 0..ROUNDS {
            let bytes = if round % 3 == 0 {
                let mut bytes = whole.clone();
                random.damage(&mut bytes);
                bytes
            } else {
                // Damage within one part of an archive that is whole.
                let damaged = random.below(sample.parts.len());
                let contents: Vec<Vec<u8>> = sample
                    .parts
                    .iter()
                    .enumerate()
                    .map(|(index, (_, content))| {
                        let mut content = content.as_bytes().to_vec();
                        if index == damaged {
                            random.damage(&mut content);
                        }
                        content
                    })
                    .collect();
                let names = sample.parts.iter().map(|(name, _)| *name);
                archive(names.zip(contents.iter().map(Vec::as_slice)))
            };
            documents += usize::from(check(&name, bytes));
        }
        assert!(documents > ROUNDS / 8, "only {documents} of {name} could be read");
    }
}

#[test]
fn damaged_rtf_gives_what_is_left() {
    let whole = b"{\\rtf1\\ansi{\\fonttbl{\\f0\\fcharset128 Mincho;}}{\\stylesheet{\\s1 heading 1;}}{\\info{\\title Mill}}\
        \\s1{\\listtext 1.\\tab}Flood\\par\\pard The mill \\u228 ?\\'e4 stood{\\footnote Note.}\\par\\trowd\\intbl a\\cell b\\cell\\row\\pard{\\pict 00}\\bin3 abc end\\par}";
    let mut random = Random(5);
    let mut documents = 0;
    for _ in 0..ROUNDS {
        let mut bytes = whole.to_vec();
        random.damage(&mut bytes);
        documents += usize::from(check("a.rtf", bytes));
    }
    assert!(documents > ROUNDS / 2, "only {documents} could be read");
}
