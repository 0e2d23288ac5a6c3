use lopdf::dictionary;

use super::*;

/// A page with this content, Helvetica as `F` and these further resources.
fn read(
    content: &str,
    change: impl FnOnce(&mut Pdf, &mut Dictionary, &mut Dictionary),
) -> PageContent<'static> {
    let mut pdf = Pdf::new();
    let helvetica =
        dictionary! { "Type" => "Font", "Subtype" => "Type1", "BaseFont" => "Helvetica" };
    let font = pdf.add_object(helvetica);
    let mut resources = dictionary! { "Font" => dictionary! { "F" => font } };
    let contents = pdf.add_object(Stream::new(Dictionary::new(), content.into()));
    let mut page = dictionary! {
        "Type" => "Page",
        "MediaBox" => vec![0.into(), 0.into(), 600.into(), 800.into()],
        "Contents" => contents,
    };
    change(&mut pdf, &mut page, &mut resources);
    page.set("Resources", resources);
    let page = pdf.add_object(page);
    Interpreter::new(Box::leak(Box::new(pdf)), 1 << 20).read_page(page)
}

fn text(content: &str) -> String {
    read(content, |_, _, _| {}).text
}

fn form(pdf: &mut Pdf, content: &str, more: Dictionary) -> ObjectId {
    let mut dictionary = dictionary! { "Subtype" => "Form" };
    dictionary.extend(&more);
    pdf.add_object(Stream::new(dictionary, content.into()))
}

#[test]
fn the_operators_of_text() {
    assert_eq!(
        text("BT /F 10 Tf 12 TL 50 700 Td (one) Tj T* (two) Tj (three) ' 0 0 (four) \" ET"),
        "one\ntwo\nthree\nfour"
    );
    assert_eq!(text("BT /F 10 Tf 50 700 Td [(w) 20 (o) -20 (rd) -300 (next)] TJ ET"), "word next");
    assert_eq!(
        text("BT /F 1 Tf 10 0 0 10 50 700 Tm (a) Tj 0 -1.2 TD (b) Tj T* (c) Tj ET"),
        "a\nb\nc"
    );
}

#[test]
fn spaced_letters_stay_a_word() {
    assert_eq!(text("BT /F 10 Tf 6 Tc 50 700 Td (wide) Tj ( word) Tj ET"), "wide word");
    assert_eq!(text("BT /F 10 Tf 50 Tz 50 700 Td [(nar) 10 (row)] TJ ET"), "narrow");
}

#[test]
fn states_are_saved_and_brought_back() {
    let content = "q 1 0 0 1 0 600 cm BT /F 10 Tf 50 50 Td (up) Tj ET Q BT /F 10 Tf 50 50 Td (down) Tj ET Q Q";
    assert_eq!(text(content), "up\n\ndown");
}

#[test]
fn forms_stand_where_they_are_put() {
    let content = "BT /F 10 Tf 50 700 Td (before) Tj ET q 1 0 0 1 0 -12 cm /X Do Q";
    let page = read(content, |pdf, _, resources| {
        let matrix = vec![1.into(), 0.into(), 0.into(), 1.into(), 0.into(), 700.into()];
        let form =
            form(pdf, "BT /F 10 Tf 50 0 Td (within) Tj ET", dictionary! { "Matrix" => matrix });
        resources.set("XObject", dictionary! { "X" => form });
    });
    assert_eq!(page.text, "before\nwithin");
}

#[test]
fn forms_that_use_themselves_or_one_another_come_to_an_end() {
    let page = read("BT /F 9 Tf 50 700 Td (once) Tj ET /X Do", |pdf, _, resources| {
        let form = form(pdf, "/X Do /X Do", Dictionary::new());
        resources.set("XObject", dictionary! { "X" => form });
    });
    assert_eq!(page.text, "once");
    assert!(page.trouble.is_some());
}

#[test]
fn text_beyond_the_limit_is_left_out() {
    let mut content = String::from("BT /F 1 Tf 50 700 Td ");
    for _ in 0..3000 {
        content.push_str(&format!("({}) Tj 0 -0.1 Td ", "x".repeat(300)));
    }
    let page = read(&content, |_, _, _| {});
    assert!(page.trouble.is_some());
    assert!(page.text.len() < 2 << 20);
}

#[test]
fn replacements_stand_for_what_is_shown() {
    let content = "BT /F 10 Tf 50 700 Td (a) Tj /Span << /ActualText (ffi) >> BDC (xy) Tj EMC \
        /Span /P BDC ( -) Tj 0 -12 Td (z) Tj EMC (c) Tj ET";
    let page = read(content, |_, _, resources| {
        let text = Object::string_literal(&b"\xFE\xFF\0b"[..]);
        resources.set("Properties", dictionary! { "P" => dictionary! { "ActualText" => text } });
    });
    assert_eq!(page.text, "affibc");
}

#[test]
fn fields_that_were_filled_in_are_text() {
    let page = read("BT /F 10 Tf 50 700 Td (Name:) Tj ET", |pdf, page, _| {
        let bounds = || vec![0.into(), 0.into(), 100.into(), 10.into()];
        let look = |pdf: &mut Pdf, text: &str| {
            let content = format!("BT /F 10 Tf 2 1 Td ({text}) Tj ET");
            form(pdf, &content, dictionary! { "BBox" => bounds() })
        };
        let (shown, on) = (look(pdf, "Ada"), look(pdf, "yes"));
        let rectangle = |y: i64| vec![100.into(), y.into(), 200.into(), (y + 10).into()];
        let field = dictionary! {
            "Subtype" => "Widget", "Rect" => rectangle(699), "AP" => dictionary! { "N" => shown },
        };
        let mut hidden = field.clone();
        hidden.set("F", 2);
        let check = dictionary! {
            "Subtype" => "Widget", "Rect" => rectangle(500), "AS" => "On",
            "AP" => dictionary! { "N" => dictionary! { "On" => on } },
        };
        let note = dictionary! { "Subtype" => "Link", "Rect" => rectangle(0) };
        let parent = dictionary! { "V" => Object::string_literal("not drawn") };
        let value = dictionary! {
            "Subtype" => "Widget", "Rect" => rectangle(300), "Parent" => parent,
        };
        let fields = [field, hidden, check, note, value].map(Object::from);
        page.set("Annots", fields.into_iter().chain([7.into()]).collect::<Vec<Object>>());
    });
    assert_eq!(page.text, "Name: Ada\n\nyes\n\nnot drawn");
}

#[test]
fn pictures_are_measured() {
    let page = read(
        "q 600 0 0 400 0 0 cm /I Do Q BI /W 1 ID \x01 EI BT /F 9 Tf 9 9 Td (1) Tj ET",
        |pdf, _, resources| {
            let image =
                pdf.add_object(Stream::new(dictionary! { "Subtype" => "Image" }, Vec::new()));
            resources.set("XObject", dictionary! { "I" => image });
        },
    );
    assert!((page.picture_share - 0.5).abs() < 1e-9);
    assert_eq!(page.pictures.len(), 1);
    assert_eq!(page.text, "1");
}

#[test]
fn what_is_missing_or_makes_no_sense_is_passed_over() {
    assert_eq!(
        text("Tj (a) Tj 1 cm q q Q ] >> BT /G 10 Tf (b) Tj /F 10 Tf 9 9 Td (c) Tj ET EMC Do /N Do"),
        "c"
    );
    let page = read("", |_, page, _| page.set("Contents", vec![(99, 0).into()]));
    assert_eq!(page.trouble, Some("part of its content is missing"));
    let page = read("", |_, page, _| drop(page.remove(b"Contents")));
    assert_eq!(page.trouble, None);
}

#[test]
fn glyphs_without_a_known_character_are_counted() {
    let page = read("BT /T 10 Tf 50 700 Td <0041004200> Tj ET", |_, _, resources| {
        let font = dictionary! {
            "Subtype" => "Type0",
            "Encoding" => "Identity-H",
            "DescendantFonts" => vec![Object::Dictionary(Dictionary::new())],
        };
        resources.set("Font", dictionary! { "T" => font });
    });
    assert_eq!((page.glyphs, page.unknown_glyphs), (3, 3));
}

#[test]
fn lines_from_top_to_bottom() {
    let font = || {
        let info = dictionary! {
            "Registry" => Object::string_literal("Adobe"), "Ordering" => Object::string_literal("Japan1"),
        };
        dictionary! {
            "Subtype" => "Type0",
            "Encoding" => "UniJIS-UTF16-V",
            "DescendantFonts" => vec![dictionary! { "CIDSystemInfo" => info }.into()],
        }
    };
    let content = "BT /V 10 Tf 300 700 Td <65E5672C> Tj -14 0 Td <8A9E> Tj ET";
    let page =
        read(content, |_, _, resources| resources.set("Font", dictionary! { "V" => font() }));
    assert_eq!(page.text, "日本\n語");
}
