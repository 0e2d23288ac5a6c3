use super::*;

#[test]
fn titles_that_say_something() {
    assert_eq!(
        meaningful_title("Master  Services Agreement"),
        Some("Master Services Agreement".into())
    );
    assert_eq!(meaningful_title("Microsoft Word - Lease of barn"), Some("Lease of barn".into()));
    for title in [
        "",
        "Untitled",
        "untitled 1",
        "Microsoft Word - a.doc",
        "10-K.pdf",
        "ex10.htm",
        "Document2",
        "12 / 4",
    ] {
        assert_eq!(meaningful_title(title), None, "{title:?}");
    }
}

#[test]
fn strings_in_each_encoding() {
    assert_eq!(decode_string(b"\xFE\xFF\0H\0\xE9"), "Hé");
    assert_eq!(decode_string(b"\xEF\xBB\xBFH\xC3\xA9"), "Hé");
    assert_eq!(decode_string(b"H\xE9"), "Hé");
}
