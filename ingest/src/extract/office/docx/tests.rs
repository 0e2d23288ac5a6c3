use super::super::super::package::tests::archive;
use super::*;

const STYLES: &str = r#"<w:styles xmlns:w="w">
    <w:style w:type="paragraph" w:default="1" w:styleId="Standard"><w:name w:val="Normal"/></w:style>
    <w:style w:type="paragraph" w:styleId="Titel"><w:name w:val="Title"/></w:style>
    <w:style w:type="paragraph" w:styleId="berschrift1"><w:name w:val="heading 1"/><w:basedOn w:val="Standard"/>
        <w:pPr><w:numPr><w:numId w:val="1"/></w:numPr><w:outlineLvl w:val="0"/></w:pPr></w:style>
    <w:style w:type="paragraph" w:styleId="berschrift2"><w:name w:val="heading 2"/><w:basedOn w:val="berschrift1"/>
        <w:pPr><w:numPr><w:ilvl w:val="1"/></w:numPr><w:outlineLvl w:val="1"/></w:pPr></w:style>
    <w:style w:type="paragraph" w:styleId="Own"><w:name w:val="Own heading"/><w:basedOn w:val="berschrift2"/></w:style>
    <w:style w:type="paragraph" w:styleId="Loop"><w:name w:val="Loop"/><w:basedOn w:val="Loop"/></w:style>
    <w:style w:type="character" w:styleId="Secret"><w:name w:val="Secret"/><w:rPr><w:vanish/></w:rPr></w:style>
</w:styles>"#;

const NUMBERING: &str = r#"<w:numbering xmlns:w="w">
    <w:abstractNum w:abstractNumId="0">
        <w:lvl w:ilvl="0"><w:start w:val="1"/><w:numFmt w:val="decimal"/><w:pStyle w:val="berschrift1"/><w:lvlText w:val="%1."/></w:lvl>
        <w:lvl w:ilvl="1"><w:start w:val="1"/><w:numFmt w:val="decimal"/><w:lvlText w:val="%1.%2"/></w:lvl>
        <w:lvl w:ilvl="2"><w:start w:val="1"/><w:numFmt w:val="lowerLetter"/><w:lvlText w:val="(%3)"/></w:lvl>
    </w:abstractNum>
    <w:abstractNum w:abstractNumId="1">
        <w:lvl w:ilvl="0"><w:numFmt w:val="bullet"/><w:lvlText w:val="x"/></w:lvl>
        <w:lvl w:ilvl="1"><w:start w:val="3"/><w:numFmt w:val="upperRoman"/><w:lvlText w:val="%2)"/></w:lvl>
    </w:abstractNum>
    <w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num>
    <w:num w:numId="2"><w:abstractNumId w:val="1"/></w:num>
    <w:num w:numId="3"><w:abstractNumId w:val="0"/><w:lvlOverride w:ilvl="2"><w:startOverride w:val="5"/></w:lvlOverride></w:num>
</w:numbering>"#;

const RELATIONS: &str = r#"<Relationships>
    <Relationship Id="r1" Type="http://x/styles" Target="styles.xml"/>
    <Relationship Id="r2" Type="http://x/numbering" Target="/word/numbering.xml"/>
    <Relationship Id="r3" Type="http://x/footnotes" Target="footnotes.xml"/>
    <Relationship Id="r4" Type="http://x/comments" Target="comments.xml"/>
    <Relationship Id="r5" Type="http://x/header" Target="header1.xml"/>
    <Relationship Id="r6" Type="http://x/header" Target="header2.xml"/>
    <Relationship Id="r7" Type="http://x/hyperlink" Target="http://example.com" TargetMode="External"/>
</Relationships>"#;

fn read_parts(body: &str, more: &[(&str, &str)]) -> Result<Extracted, Outcome> {
    let document = format!(
        "<w:document xmlns:w='w' xmlns:r='r' xmlns:mc='mc'><w:body>{body}</w:body></w:document>"
    );
    let mut parts = vec![
        ("[Content_Types].xml", "<Types/>"),
        ("word/document.xml", document.as_str()),
        ("word/styles.xml", STYLES),
        ("word/numbering.xml", NUMBERING),
        ("word/_rels/document.xml.rels", RELATIONS),
    ];
    parts.extend(more);
    let bytes = archive(&parts);
    extract(&mut Package::open(&bytes, "docx").unwrap(), 1 << 20)
}

fn read(body: &str) -> Extracted {
    read_parts(body, &[]).unwrap()
}

fn paragraph(style: &str, words: &str) -> String {
    format!("<w:p><w:pPr><w:pStyle w:val='{style}'/></w:pPr><w:r><w:t>{words}</w:t></w:r></w:p>")
}

fn item(list: u8, level: u8, words: &str) -> String {
    format!(
        "<w:p><w:pPr><w:numPr><w:ilvl w:val='{level}'/><w:numId w:val='{list}'/></w:numPr></w:pPr>\
         <w:r><w:t>{words}</w:t></w:r></w:p>"
    )
}

fn headings(extracted: &Extracted) -> Vec<(&str, u8)> {
    extracted.headings.iter().map(|h| (&extracted.text[h.bytes.clone()], h.level)).collect()
}

#[test]
fn headings_are_numbered_and_known_by_style_in_any_language() {
    let body = [
        paragraph("Titel", "Supply agreement"),
        paragraph("berschrift1", "Definitions"),
        paragraph("Standard", "In this agreement:"),
        paragraph("berschrift1", "Delivery"),
        paragraph("berschrift2", "Place"),
        paragraph("Own", "Time"),
        item(1, 2, "on weekdays"),
        item(1, 2, "in daylight"),
        paragraph("berschrift1", "Price"),
        paragraph("Own", "Currency"),
        item(3, 2, "its own start"),
        paragraph("Loop", "The end."),
    ]
    .concat();
    let extracted = read(&body);
    assert_eq!(
        headings(&extracted),
        [
            ("1. Definitions", 1),
            ("2. Delivery", 1),
            ("2.1 Place", 2),
            ("2.2 Time", 2),
            ("3. Price", 1),
            ("3.1 Currency", 2),
        ]
    );
    assert!(extracted.text.contains("2.2 Time\n\n(a) on weekdays\n(b) in daylight\n\n3. Price"));
    assert!(extracted.text.contains("(e) its own start"));
    assert_eq!(extracted.title.as_deref(), Some("Supply agreement"));
}

#[test]
fn bullets_and_numbers_of_lists() {
    let body = [item(2, 0, "one"), item(2, 1, "deep"), item(2, 1, "deep too"), item(2, 0, "two")];
    assert_eq!(read(&body.concat()).text, "- one\nIII) deep\nIV) deep too\n- two\n");
    let none = "<w:p><w:pPr><w:pStyle w:val='berschrift1'/><w:numPr><w:numId w:val='0'/></w:numPr></w:pPr>\
                <w:r><w:t>Bare</w:t></w:r></w:p>";
    assert_eq!(headings(&read(none)), [("Bare", 1)]);
}

#[test]
fn characters_that_are_elements() {
    let body = "<w:p><w:r><w:t>Ver</w:t><w:softHyphen/><w:t xml:space='preserve'>trag </w:t></w:r>\
        <w:r><w:t xml:space='preserve'>  E</w:t><w:noBreakHyphen/><w:t>Mail</w:t><w:tab/><w:t>a&amp;b</w:t>\
        <w:br/><w:t>next</w:t><w:sym w:font='Wingdings' w:char='F0FC'/><w:sym w:char='00A7'/></w:r></w:p>";
    assert_eq!(read(body).text, "Vertrag E-Mail\ta&b\nnext§\n");
}

#[test]
fn tracked_changes_are_accepted() {
    let body = "<w:p><w:r><w:t>The price is </w:t></w:r><w:del><w:r><w:delText>ten</w:delText></w:r></w:del>\
        <w:ins><w:r><w:t>twelve</w:t></w:r></w:ins><w:r><w:t> pounds</w:t></w:r>\
        <w:moveFrom><w:r><w:t>moved</w:t></w:r></w:moveFrom></w:p>\
        <w:p><w:pPr><w:rPr><w:del/></w:rPr></w:pPr><w:r><w:t>One</w:t></w:r></w:p>\
        <w:p><w:r><w:t> sentence.</w:t></w:r></w:p>\
        <w:tbl><w:tr><w:tc><w:p><w:r><w:t>kept</w:t></w:r></w:p></w:tc></w:tr>\
        <w:tr><w:trPr><w:del/></w:trPr><w:tc><w:p><w:r><w:t>gone</w:t></w:r></w:p></w:tc></w:tr></w:tbl>";
    assert_eq!(read(body).text, "The price is twelve pounds\n\nOne sentence.\n\nkept\n");
}

#[test]
fn hidden_text_and_instructions_of_fields_are_left_out() {
    let body = "<w:p><w:r><w:t>See </w:t></w:r><w:r><w:fldChar w:fldCharType='begin'/></w:r>\
        <w:r><w:instrText>REF x</w:instrText></w:r><w:r><w:t>instruction</w:t></w:r>\
        <w:r><w:fldChar w:fldCharType='separate'/></w:r><w:r><w:t>clause 4</w:t></w:r>\
        <w:r><w:fldChar w:fldCharType='end'/></w:r>\
        <w:r><w:rPr><w:vanish/></w:rPr><w:t>HIDDEN</w:t></w:r><w:r><w:rPr><w:rStyle w:val='Secret'/></w:rPr><w:t>HIDDEN</w:t></w:r>\
        <w:r><w:rPr><w:vanish w:val='0'/></w:rPr><w:t>.</w:t></w:r></w:p>\
        <w:p><w:r><w:fldChar w:fldCharType='begin'/></w:r></w:p>\
        <w:p><w:hyperlink r:id='r7'><w:r><w:t>After</w:t></w:r></w:hyperlink></w:p>";
    assert_eq!(read(body).text, "See clause 4.\n\nAfter\n");
}

#[test]
fn notes_comments_and_headers_stand_behind_the_text() {
    let body = "<w:p><w:r><w:t>The goods</w:t></w:r><w:r><w:footnoteReference w:id='2'/></w:r>\
        <w:r><w:commentReference w:id='0'/></w:r><w:r><w:t> are new.</w:t></w:r></w:p>\
        <w:p><w:pPr><w:sectPr><w:headerReference r:id='r5'/></w:sectPr></w:pPr><w:r><w:t>Next.</w:t></w:r></w:p>\
        <w:sectPr><w:headerReference r:id='r6'/><w:footerReference r:id='r5'/></w:sectPr>";
    let footnotes = "<w:footnotes><w:footnote w:type='separator' w:id='1'><w:p><w:r><w:t>---</w:t></w:r></w:p></w:footnote>\
        <w:footnote w:id='2'><w:p><w:r><w:footnoteRef/></w:r><w:r><w:t>As offered.</w:t></w:r></w:p></w:footnote></w:footnotes>";
    let comments = "<w:comments><w:comment w:id='0' w:author='A. Bell'><w:p><w:r><w:t>Really?</w:t></w:r></w:p></w:comment></w:comments>";
    let header = "<w:hdr><w:p><w:r><w:t>Confidential</w:t></w:r></w:p><w:p><w:r><w:t>12</w:t></w:r></w:p></w:hdr>";
    let core = "<cp:coreProperties><dc:title>Document1</dc:title><dc:creator>Anna Bell; Carl Dow</dc:creator>\
        <dcterms:created>2019-01-01T00:00:00Z</dcterms:created><dcterms:modified>2024-03-01T10:00:00Z</dcterms:modified></cp:coreProperties>";
    let more = [
        ("word/footnotes.xml", footnotes),
        ("word/comments.xml", comments),
        ("word/header1.xml", header),
        ("word/header2.xml", header),
        ("docProps/core.xml", core),
    ];
    let extracted = read_parts(body, &more).unwrap();
    assert_eq!(
        extracted.text,
        "The goods are new.\n\n[1] As offered.\n\n[Comment, A. Bell] Really?\n\nNext.\n\nConfidential\n"
    );
    assert_eq!(extracted.author.as_deref(), Some("Anna Bell; Carl Dow"));
    assert_eq!(extracted.dated.as_deref(), Some("2024-03-01"));
    assert_eq!(extracted.title.as_deref(), Some("The goods are new."));
}

#[test]
fn a_text_box_is_read_once_and_behind_its_paragraph() {
    let content = "<w:txbxContent><w:p><w:r><w:t>In the box</w:t></w:r></w:p></w:txbxContent>";
    let body = format!(
        "<w:p><w:r><w:t>Be</w:t></w:r><w:r><mc:AlternateContent><mc:Choice>{content}</mc:Choice>\
         <mc:Fallback>{content}</mc:Fallback></mc:AlternateContent></w:r><w:r><w:t>fore</w:t></w:r></w:p>"
    );
    assert_eq!(read(&body).text, "Before\n\nIn the box\n");
}

#[test]
fn pages_are_those_of_the_last_layout() {
    let body = "<w:p><w:r><w:t>One</w:t></w:r><w:r><w:br w:type='page'/></w:r></w:p>\
        <w:p><w:r><w:lastRenderedPageBreak/><w:t>Two</w:t></w:r></w:p>\
        <w:p><w:r><w:t>still </w:t><w:lastRenderedPageBreak/><w:t>three</w:t></w:r></w:p>";
    let extracted = read(body);
    assert_eq!(extracted.text, "One\n\nTwo\n\nstill three\n");
    assert_eq!(extracted.pages, [0, 5, 16]);
    let without = read("<w:p><w:r><w:t>One</w:t><w:br w:type='page'/><w:t>Two</w:t></w:r></w:p>");
    assert_eq!(without.pages, [0; 0]);
}

#[test]
fn a_document_that_breaks_off_is_read_as_far_as_it_goes() {
    let bytes = archive(&[
        ("x", ""),
        (
            "word/document.xml",
            "<w:document><w:body><w:p><w:r><w:t>Some text</w:t></w:r></w:p><w:p a=",
        ),
    ]);
    let extracted = extract(&mut Package::open(&bytes, "docx").unwrap(), 1000).unwrap();
    assert_eq!(extracted.text, "Some text\n");
    assert_eq!(extracted.warnings.len(), 1, "{:?}", extracted.warnings);
    let bytes = archive(&[("x", ""), ("word/document.xml", "<w:document a=")]);
    let failed = extract(&mut Package::open(&bytes, "docx").unwrap(), 1000).unwrap_err();
    assert!(matches!(failed, Outcome::Failed(crate::FailReason::Damaged { .. })), "{failed:?}");
}

#[test]
fn unstyled_clauses_get_headings_by_their_look() {
    let body =
        [paragraph("Standard", "ARTICLE II Rent"), paragraph("Standard", "The rent is due.")];
    assert_eq!(headings(&read(&body.concat())), [("ARTICLE II Rent", 2)]);
}
