use super::super::super::package::tests::archive;
use super::*;

const STYLES: &str = r#"<office:document-styles><office:styles>
    <text:outline-style><text:outline-level-style text:level="1" style:num-format="1" style:num-suffix="."/>
        <text:outline-level-style text:level="2" style:num-format="1" text:display-levels="2"/></text:outline-style>
    <style:style style:name="Title" style:family="paragraph"/>
    <style:style style:name="Quiet_20_Heading" style:family="paragraph" style:list-style-name=""/>
    <text:list-style style:name="Numbers"><text:list-level-style-number text:level="1" style:num-format="1" style:num-suffix="."/>
        <text:list-level-style-number text:level="2" style:num-format="a" loext:num-list-format="(%2%)"/></text:list-style>
    <text:list-style style:name="Bullets"><text:list-level-style-bullet text:level="1" text:bullet-char="x"/>
        <text:list-level-style-bullet text:level="2" text:bullet-char="y"/></text:list-style>
    </office:styles><office:master-styles><style:master-page><style:header><text:p>Letterhead</text:p></style:header>
    <style:footer><text:p><text:page-number>1</text:page-number></text:p></style:footer></style:master-page></office:master-styles></office:document-styles>"#;

fn read_content(automatic: &str, body: &str) -> Result<Extracted, Outcome> {
    let content = format!(
        "<office:document-content><office:automatic-styles>{automatic}</office:automatic-styles>\
         <office:body>{body}</office:body></office:document-content>"
    );
    let meta = "<office:meta><dc:title>Untitled</dc:title><meta:initial-creator>Anna Bell</meta:initial-creator>\
        <dc:creator>Carl Dow</dc:creator><meta:creation-date>2019-01-01T08:00:00</meta:creation-date>\
        <dc:date>2024-03-01T09:00:00</dc:date></office:meta>";
    let bytes = archive(&[
        ("mimetype", "application/vnd.oasis.opendocument.text"),
        ("content.xml", &content),
        ("styles.xml", STYLES),
        ("meta.xml", meta),
    ]);
    extract(&mut Package::open(&bytes, "odt").unwrap(), 1 << 20)
}

fn read(automatic: &str, body: &str) -> Extracted {
    read_content(automatic, body).unwrap()
}

fn text(body: &str) -> Extracted {
    read("", &format!("<office:text>{body}</office:text>"))
}

#[test]
fn headings_have_their_numbers_and_levels() {
    let extracted = text(
        "<text:p text:style-name='Title'>Supply agreement</text:p>\
         <text:h text:outline-level='1'>Definitions</text:h><text:p>Words.</text:p>\
         <text:h text:outline-level='1'>Delivery</text:h><text:h text:outline-level='2'>Place</text:h>\
         <text:h text:outline-level='2' text:style-name='Quiet_20_Heading'>Quiet</text:h>",
    );
    let headings: Vec<_> =
        extracted.headings.iter().map(|h| (&extracted.text[h.bytes.clone()], h.level)).collect();
    assert_eq!(
        headings,
        [("1. Definitions", 1), ("2. Delivery", 1), ("2.1 Place", 2), ("Quiet", 2)]
    );
    assert_eq!(extracted.title.as_deref(), Some("Supply agreement"));
    assert_eq!(extracted.author.as_deref(), Some("Anna Bell"));
    assert_eq!(extracted.dated.as_deref(), Some("2024-03-01"));
    assert!(extracted.text.ends_with("\n\nLetterhead\n"));
}

#[test]
fn lists_go_on_only_where_they_say_so() {
    let list = |attributes: &str, items: &str| {
        format!("<text:list text:style-name='Numbers' {attributes}>{items}</text:list>")
    };
    let item = |words: &str| format!("<text:list-item><text:p>{words}</text:p></text:list-item>");
    let nested = format!(
        "<text:list-item><text:p>two</text:p><text:p>more of two</text:p><text:list>{}{}</text:list></text:list-item>",
        item("deep"),
        item("deeper")
    );
    let body = [
        list("xml:id='l1'", &(item("one") + &nested)),
        list("", &item("anew")),
        list("text:continue-list='l1'", &item("three")),
        list("text:continue-numbering='true'", "<text:list-item text:start-value='9'><text:p>nine</text:p></text:list-item>"),
        "<text:list text:style-name='Bullets'><text:list-item><text:p>dot</text:p></text:list-item></text:list>".to_owned(),
    ];
    assert_eq!(
        text(&body.concat()).text,
        "1. one\n2. two\n\nmore of two\n\n(a) deep\n(b) deeper\n1. anew\n3. three\n9. nine\n- dot\n\nLetterhead\n"
    );
}

#[test]
fn white_space_is_that_of_elements() {
    let body = "<text:p>  Ver\u{AD}trag <text:s text:c='3'/>vom<text:tab/>1.\n   M\u{E4}rz<text:line-break/>\
                <text:span text:style-name='T1'>in</text:span><text:a xlink:href='x'>side</text:a></text:p>";
    assert_eq!(text(body).text, "Vertrag vom\t1. M\u{E4}rz\ninside\n\nLetterhead\n");
}

#[test]
fn what_is_not_to_be_seen_is_left_out() {
    let automatic = "<style:style style:name='H' style:family='text'><style:text-properties text:display='none'/></style:style>\
        <style:style style:name='PH' style:family='paragraph'><style:text-properties text:display='none'/></style:style>";
    let body = "<office:text><text:tracked-changes><text:changed-region><text:deletion><text:p>DELETED</text:p></text:deletion>\
        </text:changed-region></text:tracked-changes><text:p>Seen<text:span text:style-name='H'>HIDDEN</text:span>\
        <text:change text:change-id='c'/>.</text:p><text:p text:style-name='PH'>HIDDEN</text:p>\
        <text:section text:display='none'><text:p>HIDDEN</text:p></text:section>\
        <text:table-of-content><text:table-of-content-source><text:index-title-template>TEMPLATE</text:index-title-template>\
        </text:table-of-content-source><text:index-body><text:p>Contents</text:p></text:index-body></text:table-of-content></office:text>";
    assert_eq!(read(automatic, body).text, "Seen.\n\nContents\n\nLetterhead\n");
}

#[test]
fn notes_comments_boxes_and_tables() {
    let body = "<text:p>Goods<text:note><text:note-citation>1</text:note-citation><text:note-body><text:p>As offered.</text:p>\
        </text:note-body></text:note> are<office:annotation><dc:creator>Bell</dc:creator><dc:date>2024</dc:date><text:p>Really?</text:p>\
        </office:annotation> new<draw:frame><draw:text-box><text:p>In a box</text:p></draw:text-box><svg:desc>A picture</svg:desc></draw:frame>.</text:p>\
        <table:table><table:table-row><table:table-cell><text:p>Site</text:p></table:table-cell><table:table-cell><text:p>pH</text:p>\
        </table:table-cell></table:table-row><table:table-row><table:table-cell><text:p>North</text:p></table:table-cell>\
        <table:table-cell><text:p>6.9</text:p></table:table-cell></table:table-row></table:table>";
    assert_eq!(
        text(body).text,
        "Goods are new.\n\n[1] As offered.\n\n[Comment, Bell] Really?\n\nIn a box\n\nSite\tpH\nNorth\t6.9\n\nLetterhead\n"
    );
}

#[test]
fn pages_where_the_program_saved_them() {
    let automatic = "<style:style style:name='B' style:family='paragraph'><style:paragraph-properties fo:break-before='page'/></style:style>";
    let body = "<text:p text:style-name='B'>One <text:soft-page-break/>two</text:p><text:p text:style-name='B'>three</text:p>\
        <text:soft-page-break/><text:p>four</text:p>";
    let saved = read(
        automatic,
        &format!("<office:text text:use-soft-page-breaks='true'>{body}</office:text>"),
    );
    assert_eq!(saved.text, "One two\n\nthree\n\nfour\n\nLetterhead\n");
    assert_eq!(saved.pages, [0, 4, 9, 16]);
    assert_eq!(read(automatic, &format!("<office:text>{body}</office:text>")).pages, [0; 0]);
}

#[test]
fn slides_are_pages_with_their_notes() {
    let body = "<office:presentation><draw:page><draw:frame presentation:class='subtitle'><draw:text-box><text:p>Sub</text:p></draw:text-box></draw:frame>\
        <draw:frame presentation:class='title'><draw:text-box><text:p>Mills</text:p></draw:text-box></draw:frame>\
        <draw:custom-shape><text:p>Shape</text:p></draw:custom-shape>\
        <draw:frame presentation:class='footer'><draw:text-box><text:p>FOOTER</text:p></draw:text-box></draw:frame>\
        <presentation:notes><draw:frame presentation:class='notes'><draw:text-box><text:p>Say this.</text:p></draw:text-box></draw:frame></presentation:notes>\
        </draw:page><draw:page><draw:frame><table:table><table:table-row><table:table-cell><text:p>a</text:p></table:table-cell><table:table-cell><text:p>b</text:p>\
        </table:table-cell></table:table-row></table:table></draw:frame></draw:page></office:presentation>";
    let extracted = read("", body);
    assert_eq!(extracted.text, "Mills\n\nSub\n\nShape\n\n[Notes] Say this.\n\na\tb\n");
    assert_eq!(extracted.pages, [0, extracted.text.len() - 4]);
    assert_eq!(extracted.title.as_deref(), Some("Mills"));
}

#[test]
fn sheets_are_bounded_however_often_a_row_is_repeated() {
    let automatic = "<style:style style:name='ta1' style:family='table'><style:table-properties table:display='false'/></style:style>";
    let body = "<office:spreadsheet><table:table table:name='Prices'><table:table-row><table:table-cell><text:p>Item</text:p></table:table-cell>\
        <table:table-cell table:number-columns-repeated='2'/><table:table-cell><text:p>12,<text:span>50</text:span></text:p>\
        <office:annotation><dc:creator>Bell</dc:creator><text:p>dear</text:p></office:annotation></table:table-cell></table:table-row>\
        <table:table-row table:number-rows-repeated='4000000000'><table:table-cell table:number-columns-repeated='4000000000'/></table:table-row>\
        <table:table-row table:number-rows-repeated='4000000000'><table:table-cell table:number-columns-repeated='4000000000'><text:p>x</text:p></table:table-cell></table:table-row>\
        </table:table><table:table table:name='Secret' table:style-name='ta1'><table:table-row><table:table-cell><text:p>HIDDEN</text:p></table:table-cell></table:table-row></table:table></office:spreadsheet>";
    let extracted = read(automatic, body);
    assert!(
        extracted.text.starts_with("Prices\n\nItem\t\t\t12,50\nx\tx\t"),
        "{}",
        &extracted.text[..40]
    );
    assert!(extracted.text.len() < 250_000, "{}", extracted.text.len());
    assert_eq!(extracted.warnings, ["a hidden worksheet was left out"]);
    assert_eq!(extracted.headings.len(), 1);
}

#[test]
fn a_password_is_told_from_damage() {
    let bytes = archive(&[
        ("mimetype", "application/vnd.oasis.opendocument.text"),
        (
            "META-INF/manifest.xml",
            "<manifest:manifest><manifest:encryption-data/></manifest:manifest>",
        ),
        ("content.xml", "\u{1}\u{2}noise"),
    ]);
    let outcome = extract(&mut Package::open(&bytes, "odt").unwrap(), 1000);
    assert_eq!(outcome.unwrap_err(), Outcome::Skipped(SkipReason::Encrypted));
    let bytes = archive(&[("mimetype", "application/vnd.oasis.opendocument.text")]);
    assert!(extract(&mut Package::open(&bytes, "odt").unwrap(), 1000).is_err());
}
