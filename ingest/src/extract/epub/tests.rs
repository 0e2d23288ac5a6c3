use super::super::package::tests::archive;
use super::*;
use crate::FailReason;

const CONTAINER: &str =
    "<container><rootfiles><rootfile full-path='OEBPS/content.opf'/></rootfiles></container>";
const PACKAGE: &str = "<package><metadata><dc:title>The mill</dc:title><dc:creator>Anna Bell</dc:creator><dc:creator>Carl Dow</dc:creator>\
    <dc:date>1999-05</dc:date></metadata><manifest><item id='nav' href='nav.xhtml' properties='nav'/>\
    <item id='c2' href='text/two%20b.xhtml'/><item id='c1' href='text/one.xhtml'/><item id='c3' href='text/three.xhtml'/></manifest>\
    <spine><itemref idref='nav'/><itemref idref='c1'/><itemref idref='c2'/><itemref idref='c2'/><itemref idref='c3'/></spine></package>";
const NAV: &str = "<html xmlns='http://www.w3.org/1999/xhtml'><body><nav epub:type='toc'><ol><li><a href='text/one.xhtml'>One</a></li>\
    <li><a href='text/two%20b.xhtml#a'>The flood</a><ol><li><a href='text/two%20b.xhtml#b'>Its end</a></li></ol></li>\
    <li><a href='text/three.xhtml'>Last words</a></li></ol></nav>\
    <nav epub:type='landmarks'><ol><li><a href='text/one.xhtml'>Start of content</a></li></ol></nav></body></html>";

fn page(body: &str) -> String {
    format!(
        "<?xml version='1.0'?><html xmlns='http://www.w3.org/1999/xhtml'><head><title>x</title></head><body>{body}</body></html>"
    )
}

fn book(more: &[(&str, &str)]) -> Vec<u8> {
    let one = page("<h1>Chapter one</h1><p>It rained.</p>");
    let two = page("<p class='c'>THE  Flood</p><p>It came.</p><p>Its end</p><p>It went.</p>");
    let three = page("<p>Goodbye.</p>");
    let mut parts = vec![
        ("mimetype", "application/epub+zip"),
        ("META-INF/container.xml", CONTAINER),
        ("OEBPS/content.opf", PACKAGE),
        ("OEBPS/nav.xhtml", NAV),
        ("OEBPS/text/two b.xhtml", &two),
        ("OEBPS/text/one.xhtml", &one),
        ("OEBPS/text/three.xhtml", &three),
    ];
    parts.extend(more);
    archive(&parts)
}

#[test]
fn chapters_stand_in_their_order_with_their_names() {
    let extracted = extract(&book(&[]), &ExtractLimits::default()).unwrap();
    assert_eq!(
        extracted.text,
        "Chapter one\n\nIt rained.\n\nTHE Flood\n\nIt came.\n\nIts end\n\nIt went.\n\nLast words\n\nGoodbye.\n"
    );
    let headings: Vec<_> =
        extracted.headings.iter().map(|h| (&extracted.text[h.bytes.clone()], h.level)).collect();
    assert_eq!(headings, [("Chapter one", 1), ("THE Flood", 1), ("Its end", 2), ("Last words", 1)]);
    assert_eq!(extracted.title.as_deref(), Some("The mill"));
    assert_eq!(extracted.author.as_deref(), Some("Anna Bell; Carl Dow"));
    assert_eq!(extracted.dated.as_deref(), Some("1999-05"));
    assert_eq!(extracted.warnings, [""; 0]);
}

#[test]
fn the_older_table_of_contents_is_read_alike() {
    let ncx = "<ncx><navMap><navPoint><navLabel><text>Part</text></navLabel><content src='a.html'/>\
        <navPoint><navLabel><text>Within</text></navLabel><content src='a.html#x'/></navPoint></navPoint></navMap>\
        <pageList><pageTarget><navLabel><text>7</text></navLabel><content src='a.html#p7'/></pageTarget></pageList></ncx>";
    let entries = entries(ncx, "OEBPS/");
    let expected =
        [("Part", 1), ("Within", 2)].map(|(words, level)| Entry { words: words.to_owned(), level });
    assert_eq!(entries.get("OEBPS/a.html"), Some(&expected.to_vec()));
}

#[test]
fn encrypted_books_are_told_from_encrypted_fonts() {
    let encryption = |method: &str| {
        format!(
            "<encryption><EncryptedData><EncryptionMethod Algorithm='{method}'/></EncryptedData></encryption>"
        )
    };
    let fonts = encryption("http://www.idpf.org/2008/embedding");
    let bytes = book(&[("META-INF/encryption.xml", &fonts)]);
    assert!(extract(&bytes, &ExtractLimits::default()).is_ok());
    let all = encryption("http://www.w3.org/2001/04/xmlenc#aes128-cbc");
    let bytes = book(&[("META-INF/encryption.xml", &all)]);
    assert_eq!(
        extract(&bytes, &ExtractLimits::default()).unwrap_err(),
        Outcome::Skipped(SkipReason::Encrypted)
    );
}

#[test]
fn a_missing_chapter_is_told_and_a_missing_book_is_damage() {
    let package = "<package><manifest><item id='a' href='a.xhtml'/><item id='b' href='b.xhtml'/></manifest>\
                   <spine><itemref idref='a'/><itemref idref='b'/></spine></package>";
    let page = page("<p>Only this.</p>");
    let parts = [("x", ""), ("META-INF/container.xml", CONTAINER), ("OEBPS/content.opf", package)];
    let mut whole = parts.to_vec();
    whole.push(("OEBPS/b.xhtml", &page));
    let extracted = extract(&archive(&whole), &ExtractLimits::default()).unwrap();
    assert_eq!(extracted.text, "Only this.\n");
    assert_eq!(extracted.warnings, ["OEBPS/a.xhtml is missing from the book"]);
    for parts in [&parts[..], &parts[..2], &parts[..1]] {
        let failed = extract(&archive(parts), &ExtractLimits::default()).unwrap_err();
        assert!(matches!(failed, Outcome::Failed(FailReason::Damaged { .. })), "{failed:?}");
    }
}

#[test]
fn addresses_lose_their_escapes() {
    assert_eq!(unescaped("a%20b%C3%BC%zz%4"), "a bü%zz%4");
}
