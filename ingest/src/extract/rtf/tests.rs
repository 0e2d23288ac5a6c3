use proptest::prelude::*;

use super::*;

fn text(body: &str) -> String {
    extract(format!("{{\\rtf1\\ansi\\ansicpg1252\\deff0 {body}}}").as_bytes(), 100_000).text
}

#[test]
fn paragraphs_and_characters() {
    assert_eq!(
        text(
            "Ver\\-trag vom 1.~M\\'e4rz\\line E\\_Mail \\emdash  \\{x\\}\\par\\pard Second\\tab line\r\n goes on\\par"
        ),
        "Vertrag vom 1.~M\u{E4}rz\nE-Mail — {x}\n\nSecond\tline goes on\n"
    );
    assert_eq!(text("a\\~b\\\nc"), "a b\n\nc\n");
}

#[test]
fn unicode_takes_the_place_of_what_stands_in_for_it() {
    assert_eq!(
        text(
            "\\uc1 \\u1044 ?\\u1072 ? {\\uc0 \\u8364 x}\\uc2 \\u-10179\\'3f\\'3f\\u-8704\\'3f\\'3f."
        ),
        "Да €x\u{1F600}.\n"
    );
    assert_eq!(text("{\\upr{old}{\\*\\ud{new \\u252 ?}}}"), "new ü\n");
}

#[test]
fn bytes_are_read_in_the_character_set_of_their_font() {
    let fonts = "{\\fonttbl{\\f0\\fcharset0 Arial;}{\\f1\\fcharset204 Arial CYR;}{\\f2\\fcharset128 MS Mincho;}{\\f3\\fcharset2 Symbol;}}";
    assert_eq!(
        text(&format!("{fonts}\\f1\\'c4\\'e0 \\f2\\'8a\\'bf\\'8e\\'9a {{\\f3\\'b7}}\\f0 \\'e9")),
        "Да 漢字 é\n"
    );
    let cyrillic = extract(b"{\\rtf1\\ansi\\ansicpg1251 \\'c4\\'e0}", 1000);
    assert_eq!(cyrillic.text, "Да\n");
}

#[test]
fn styles_make_headings_and_the_title() {
    let styles = "{\\stylesheet{\\s0 Normal;}{\\s1\\outlinelevel0 {\\*\\keycode x}heading 1;}{\\s2 heading 2;}{\\s3 Title;}{\\*\\cs10 Default;}}";
    let body = format!(
        "{styles}{{\\info{{\\title Document1}}{{\\author A. Bell}}{{\\creatim\\yr2019\\mo1\\dy2}}{{\\revtim\\yr2024\\mo3\\dy1\\hr9}}}}\
         \\pard\\s3 Lease of the mill\\par\\pard\\s1{{\\listtext 1.\\tab}}Rent\\par\\pard\\s0 Due.\\par\\pard\\s2 Late rent\\par\\pard\\outlinelevel2 Third\\par"
    );
    let extracted = extract(format!("{{\\rtf1 {body}}}").as_bytes(), 10_000);
    let headings: Vec<_> =
        extracted.headings.iter().map(|h| (&extracted.text[h.bytes.clone()], h.level)).collect();
    assert_eq!(headings, [("1. Rent", 1), ("Late rent", 2), ("Third", 3)]);
    assert_eq!(extracted.title.as_deref(), Some("Lease of the mill"));
    assert_eq!(extracted.author.as_deref(), Some("A. Bell"));
    assert_eq!(extracted.dated.as_deref(), Some("2024-03-01"));
}

#[test]
fn lists_tables_and_what_stands_apart() {
    assert_eq!(
        text("{\\pntext\\f3\\'b7\\tab}one\\par{\\listtext\\'95\\tab}two\\par 3.\\tab three\\par"),
        "- one\n- two\n3. three\n"
    );
    assert_eq!(
        text(
            "\\trowd\\pard\\intbl Site\\cell pH\\cell\\row\\pard\\intbl North\\cell{6.9}\\cell\\row\\pard After\\par"
        ),
        "Site\tpH\nNorth\t6.9\n\nAfter\n"
    );
    assert_eq!(
        text(
            "{\\header Letterhead\\par}{\\header Letterhead\\par}Goods{\\footnote\\chftn As offered.} are{\\*\\atnauthor Bell}\
              {\\*\\annotation{\\*\\atndate 1}Really?} new{\\shp{\\*\\shpinst{\\sp{\\sn x}{\\sv 1}}{\\shptxt In a box\\par}}{\\shprslt In a box}}.\\par"
        ),
        "Goods are new.\n\n[1] As offered.\n\n[Comment, Bell] Really?\n\nIn a box\n\nLetterhead\n"
    );
}

#[test]
fn what_is_not_to_be_seen_is_left_out() {
    assert_eq!(
        text(
            "{\\field{\\*\\fldinst HYPERLINK x}{\\fldrslt link}} {\\v hidden}{\\deleted gone}\\v no\\v0 seen{\\*\\unknown x{\\b y}}\
              {\\pict\\wmetafile8 0102}{\\*\\bkmkstart b}{\\object{\\*\\objdata 00}{\\result shown}}"
        ),
        "link seenshown\n"
    );
    assert_eq!(text("a{\\pict\\bin5 }}}}}}b"), "ab\n");
}

#[test]
fn broken_files_are_read_as_far_as_they_go() {
    assert_eq!(extract(b"{\\rtf1 Some {\\b text", 100).text, "Some text\n");
    assert_eq!(extract(b"{\\rtf1 a}}} b", 100).text, "a\n");
    let deep = "{".repeat(5000) + "bottom";
    let extracted = extract(format!("{{\\rtf1 top {deep}").as_bytes(), 100);
    assert_eq!(extracted.text, "top\n");
    assert_eq!(extracted.warnings.len(), 1);
    let long = "word ".repeat(1000);
    let extracted =
        extract(format!("{{\\rtf1 {}", format!("{long}\\par ").repeat(100)).as_bytes(), 10_000);
    assert!((10_000..30_000).contains(&extracted.text.len()));
}

proptest! {
    #[test]
    fn any_pieces_give_text_with_valid_headings(
        pieces in prop::collection::vec(prop::sample::select(vec![
            "{", "}", "\\par ", "\\s1 ", "\\cell ", "\\row ", "\\intbl ", "\\pard ", "\\u-10179 ", "\\u228 ", "\\uc3 ", "\\'e4",
            "\\'8", "{\\footnote ", "{\\header ", "{\\stylesheet ", "{\\s1 heading 1;}", "{\\listtext ", "\\tab ", "\\bin9 ",
            "{\\*\\annotation ", "{\\upr ", "{\\*\\ud ", "word", " ", "\u{E9}", "\\*", "\\", "-", "\\v ", "{\\info{\\title ",
        ]), 0..60)
    ) {
        let extracted = extract(format!("{{\\rtf1{}", pieces.concat()).as_bytes(), 500);
        prop_assert!(extracted.headings.is_sorted_by(|a, b| a.bytes.end <= b.bytes.start));
        prop_assert!(extracted.headings.iter().all(|h| extracted.text.get(h.bytes.clone()).is_some()));
    }
}
