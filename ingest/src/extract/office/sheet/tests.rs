use calamine::ExcelDateTimeType;

use super::super::super::package::tests::archive;
use super::*;

fn workbook(sheet: &str) -> Vec<u8> {
    let workbook = "<workbook xmlns='http://schemas.openxmlformats.org/spreadsheetml/2006/main' \
        xmlns:r='http://schemas.openxmlformats.org/officeDocument/2006/relationships'><sheets>\
        <sheet name='Prices' sheetId='1' r:id='r1'/><sheet name='Secret' sheetId='2' state='hidden' r:id='r2'/></sheets></workbook>";
    let relations = "<Relationships xmlns='http://schemas.openxmlformats.org/package/2006/relationships'>\
        <Relationship Id='r1' Type='http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet' Target='worksheets/sheet1.xml'/>\
        <Relationship Id='r2' Type='http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet' Target='worksheets/sheet2.xml'/>\
        <Relationship Id='r3' Type='http://schemas.openxmlformats.org/officeDocument/2006/relationships/sharedStrings' Target='sharedStrings.xml'/>\
        <Relationship Id='r4' Type='http://schemas.openxmlformats.org/officeDocument/2006/relationships/styles' Target='styles.xml'/></Relationships>";
    let strings = "<sst xmlns='http://schemas.openxmlformats.org/spreadsheetml/2006/main'><si><t>Item</t></si>\
        <si><r><t>Tur</t></r><r><t>bine</t></r></si><si><t>two\nlines\there</t></si></sst>";
    let styles = "<styleSheet xmlns='http://schemas.openxmlformats.org/spreadsheetml/2006/main'><cellXfs><xf numFmtId='0'/><xf numFmtId='14'/></cellXfs></styleSheet>";
    let sheet = format!(
        "<worksheet xmlns='http://schemas.openxmlformats.org/spreadsheetml/2006/main'><sheetData>{sheet}</sheetData></worksheet>"
    );
    let empty = "<worksheet xmlns='http://schemas.openxmlformats.org/spreadsheetml/2006/main'><sheetData><row r='1'>\
        <c r='A1'><v>666</v></c></row></sheetData></worksheet>";
    let comments = "<comments><commentList><comment ref='A2'><text><r><rPr><sz val='9'/></rPr><t>too </t></r><r><t>dear</t></r></text></comment></commentList></comments>";
    archive(&[
        ("[Content_Types].xml", "<Types/>"),
        (
            "_rels/.rels",
            "<Relationships xmlns='http://schemas.openxmlformats.org/package/2006/relationships'><Relationship Id='r1' \
            Type='http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument' Target='xl/workbook.xml'/></Relationships>",
        ),
        ("xl/workbook.xml", workbook),
        ("xl/_rels/workbook.xml.rels", relations),
        ("xl/sharedStrings.xml", strings),
        ("xl/styles.xml", styles),
        ("xl/worksheets/sheet1.xml", &sheet),
        ("xl/worksheets/sheet2.xml", empty),
        (
            "xl/worksheets/_rels/sheet1.xml.rels",
            "<Relationships><Relationship Id='r1' Type='x/comments' Target='../comments1.xml'/></Relationships>",
        ),
        ("xl/comments1.xml", comments),
        (
            "docProps/core.xml",
            "<c><dc:creator>Carl Dow</dc:creator><dc:title>Price list</dc:title></c>",
        ),
    ])
}

fn read(sheet: &str) -> Extracted {
    let bytes = workbook(sheet);
    let mut package = Package::open(&bytes, "xlsx").unwrap();
    extract(&mut package, &bytes, "xlsx", 10_000).unwrap()
}

#[test]
fn rows_are_lines_under_the_name_of_their_sheet() {
    let extracted = read(
        "<row r='1'><c r='A1' t='s'><v>0</v></c><c r='C1' t='inlineStr'><is><t>Price</t></is></c></row>\
         <row r='2'><c r='A2' t='s'><v>1</v></c><c r='B2' s='1'><v>45352</v></c><c r='C2'><v>0.30000000000000004</v></c></row>\
         <row r='9'><c r='XFD9' t='s'><v>2</v></c><c r='XFE9' t='e'><v>#REF!</v></c></row>\
         <row r='1048576'><c r='A1048576' t='b'><v>1</v></c></row>",
    );
    assert_eq!(
        extracted.text,
        "Prices\n\nItem\t\tPrice\nTurbine\t2024-03-01\t0.3\ntwo lines here\nTRUE\n\n[Comment, A2] too dear\n"
    );
    assert_eq!(&extracted.text[extracted.headings[0].bytes.clone()], "Prices");
    assert_eq!(extracted.title.as_deref(), Some("Price list"));
    assert_eq!(extracted.author.as_deref(), Some("Carl Dow"));
    assert_eq!(extracted.warnings, ["a hidden worksheet was left out"]);
}

#[test]
fn numbers_are_written_as_a_person_would() {
    for (number, written) in [
        (0.1 + 0.2, "0.3"),
        (1200.0, "1200"),
        (-0.5, "-0.5"),
        (1e20, "1e20"),
        (0.0, "0"),
        (1.5e-9, "1.5e-9"),
        (123456789012345.0, "123456789012345"),
    ] {
        assert_eq!(number_text(number), written);
    }
}

#[test]
fn moments_are_written_as_dates_and_times() {
    let moment = |days| moment_text(&ExcelDateTime::new(days, ExcelDateTimeType::DateTime, false));
    assert_eq!(moment(45352.0), "2024-03-01");
    assert_eq!(moment(45352.395833333336), "2024-03-01 09:30");
    assert_eq!(moment(0.75), "18:00");
    assert_eq!(moment(-3.0), "-3");
    assert_eq!(moment(f64::NAN), "NaN");
    let duration = ExcelDateTime::new(1.5, ExcelDateTimeType::TimeDelta, false);
    assert_eq!(moment_text(&duration), "36:00:00");
}

#[test]
fn what_is_no_workbook_is_damaged() {
    for bytes in [&b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1 and no more"[..], b""] {
        let outcome = extract_xls(bytes, 1000).unwrap_err();
        let Outcome::Failed(crate::FailReason::Damaged { format, .. }) = outcome else { panic!() };
        assert_eq!(format, "xls");
    }
    let bytes = archive(&[("x", "y")]);
    let mut package = Package::open(&bytes, "xlsx").unwrap();
    assert!(extract(&mut package, &bytes, "xlsx", 1000).is_err());
}
