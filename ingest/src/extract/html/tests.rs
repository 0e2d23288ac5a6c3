use proptest::prelude::*;

use super::*;

fn text(html: &str) -> String {
    extract(html.into()).text
}

#[test]
fn blocks_stand_on_lines_of_their_own() {
    let html = "<html><head><title> The\n survey </title><style>p{}</style></head><body>\
        <nav><a href=x>Home</a></nav><h1>River <em>survey</em></h1>\n<p>First\n  paragraph.</p>\
        <p>Second<br>line</p><div>a</div><div>b<script>x()</script></div></body></html>";
    let extracted = extract(html.into());
    assert_eq!(extracted.text, "River survey\n\nFirst paragraph.\n\nSecond\nline\n\na\nb\n");
    assert_eq!(extracted.title.as_deref(), Some("The survey"));
    let heading = &extracted.headings[0];
    assert_eq!((&extracted.text[heading.bytes.clone()], heading.level), ("River survey", 1));
    assert_eq!(extracted.headings.len(), 1);
}

#[test]
fn lists_and_tables_stay_readable() {
    assert_eq!(
        text("<ul><li>one<li>two<ol start=3><li>three</ol></ul>after"),
        "- one\n- two\n  3. three\n\nafter\n"
    );
    assert_eq!(
        text("<table><tr><th>Site<th>pH</tr><tr><td><p>North</p></td><td>6.9</td></tr></table>"),
        "Site | pH\nNorth | 6.9\n"
    );
    assert_eq!(
        text("a<table><tr><td><td>Depth</tr><tr><td><p>x<p>y</td><td>6</td></tr></table>b"),
        "a\n\n| Depth\nx\n\ny | 6\n\nb\n"
    );
}

#[test]
fn preformatted_text_keeps_its_shape() {
    assert_eq!(
        text("<p>x<pre>\nfn a() {\n    b();\n\n}\n</pre>y"),
        "x\n\nfn a() {\n    b();\n\n}\n\ny\n"
    );
}

#[test]
fn inline_markup_does_not_split_words() {
    assert_eq!(
        text("<p>H<sub>2</sub>O and <b>bold</b> <i>words</i>, done.</p>"),
        "H2O and bold words, done.\n"
    );
    assert_eq!(text("<p>Ver&shy;tr\u{E4}ge</p><p>&shy;</p><p>x"), "Vertr\u{E4}ge\n\nx\n");
}

#[test]
fn hidden_parts_are_left_out_but_not_everything() {
    assert_eq!(text("<p>a<span hidden>b</span><span style='display: none'>c</span>d"), "ad\n");
    assert_eq!(text("<nav><p>only navigation</nav>"), "only navigation\n");
}

#[test]
fn unclosed_and_deeply_nested_tags_are_survived() {
    assert_eq!(text("<p>a<b>b<i>c<p>d"), "abc\n\nd\n");
    let deep = "<div>".repeat(20_000) + "bottom";
    assert_eq!(text(&deep), "bottom\n");
}

#[test]
fn the_declared_encoding_is_used() {
    let mut html = b"<meta charset=\"iso-8859-2\"><p>".to_vec();
    html.extend([0xB1, 0xEA]);
    let extracted = extract(html);
    assert_eq!(extracted.text, "ąę\n");
    assert_eq!(extracted.encoding.as_deref(), Some("ISO-8859-2"));
}

#[test]
fn an_encoding_is_found_behind_other_uses_of_the_word() {
    let mut html = b"<!-- the charset matters --><meta charset=iso-8859-2><p>".to_vec();
    html.extend([0xB1, 0xEA]);
    assert_eq!(extract(html).text, "\u{105}\u{119}\n");
}

#[test]
fn empty_elements_of_xhtml_do_not_swallow_the_page() {
    for start in [
        "<?xml version=\"1.0\"?>\n<html>",
        "<!DOCTYPE html><html xmlns=\"http://www.w3.org/1999/xhtml\">",
    ] {
        let page = format!(
            "{start}<head><title/><script src=\"a.js\" /></head><body><div hidden=\"\"/><p>One<br/>two \
             <img alt='a > b'/></p><textarea/><p>three</p></body></html>"
        );
        assert_eq!(text(&page), "One\ntwo a > b\n\nthree\n");
    }
}

proptest! {
    #[test]
    fn any_markup_gives_text_with_valid_headings(
        pieces in prop::collection::vec(prop::sample::select(vec![
            "<p>", "</p>", "<h1>", "</h1>", "<h3>", "</h3>", "<table>", "<tr>", "<td>", "</table>", "<ul>",
            "<ol start=18446744073709551615>", "<li>", "</ul>", "<pre>", "</pre>", "<head>", "<title>", "</title>",
            "</head>", "<br>", "<nav>", "<svg>", "</svg>", "word", " ", "\n", "ü", "&amp;", "<!--", "-->",
        ]), 0..60)
    ) {
        let extracted = extract(pieces.concat().into_bytes());
        let mut end = 0;
        for heading in &extracted.headings {
            prop_assert!(heading.bytes.start >= end);
            end = heading.bytes.end;
            prop_assert!(!extracted.text[heading.bytes.clone()].is_empty());
        }
    }
}

#[test]
fn a_page_says_who_wrote_it_and_when() {
    let page = "<title>T</title><meta name=author content='A. Osei'><meta property='article:author' content='https://a.b/osei'>\
                <meta name=date content='2023'><meta property='article:published_time' content='2024-03-01T08:00:00Z'>\
                <meta name='DC.creator' content='B. Lund'><p>Text";
    let extracted = extract(page.into());
    assert_eq!(extracted.author.as_deref(), Some("A. Osei; B. Lund"));
    assert_eq!(extracted.dated.as_deref(), Some("2024-03-01"));
    let extracted = extract(
        "<time itemprop=datePublished datetime=2024-03>March</time><meta name=date content=soon>"
            .into(),
    );
    assert_eq!((extracted.author, extracted.dated.as_deref()), (None, Some("2024-03")));
}
