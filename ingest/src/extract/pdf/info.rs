//! What a PDF says about itself: title, author, date.

use lopdf::{Dictionary, Document as Pdf};

use super::filters::decode;
use super::objects::{get, get_dictionary, get_stream};
use crate::title;

/// More of a packet of metadata is not read.
const MAX_METADATA_BYTES: usize = 4 << 20;

/// The document's information dictionary and, for what it leaves out, its packet of metadata.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Info {
    pub(super) title: Option<String>,
    pub(super) author: Option<String>,
    pub(super) dated: Option<String>,
}

impl Info {
    pub(super) fn read(pdf: &Pdf) -> Self {
        let info = get_dictionary(pdf, &pdf.trailer, "Info");
        let entry = |key| Some(decode_string(get(pdf, info?, key)?.as_str().ok()?));
        let packet = pdf.catalog().ok().and_then(|catalog| metadata(pdf, catalog));
        let packet = packet.unwrap_or_default();
        Self {
            title: entry("Title")
                .and_then(|title| title::from_properties(&title))
                .or_else(|| title::from_properties(&values(&packet, "dc:title").first()?.clone())),
            author: entry("Author").and_then(|author| meaningful_author(&author)).or_else(|| {
                let authors = values(&packet, "dc:creator");
                let authors: Vec<String> =
                    authors.iter().filter_map(|author| meaningful_author(author)).collect();
                (!authors.is_empty()).then(|| authors.join("; "))
            }),
            dated: entry("CreationDate")
                .and_then(|date| day(&date))
                .or_else(|| day(values(&packet, "xmp:CreateDate").first()?)),
        }
    }
}

fn metadata(pdf: &Pdf, catalog: &Dictionary) -> Option<String> {
    let packet = decode(pdf, get_stream(pdf, catalog, "Metadata")?, MAX_METADATA_BYTES);
    Some(String::from_utf8_lossy(&packet).into_owned())
}

/// The texts of an element of XML, each item of a list by itself. Metadata packets are written by
/// programs in a few fixed forms, for which this is enough.
fn values(xml: &str, element: &str) -> Vec<String> {
    let content = || {
        let (_, after) = xml.split_once(&format!("<{element}>"))?;
        Some(after.split_once(&format!("</{element}>"))?.0)
    };
    let Some(content) = content() else {
        // Simple values may also stand as an attribute.
        let attribute = xml.split_once(&format!(" {element}=\"")).map(|(_, after)| after);
        let value = attribute.and_then(|after| after.split_once('"')).map(|(value, _)| value);
        return value.map(unescape).into_iter().collect();
    };
    content
        .split('<')
        .filter_map(|piece| piece.split_once('>').map_or(Some(piece), |(_, text)| Some(text)))
        .map(|text| unescape(text.trim()))
        .filter(|text| !text.is_empty())
        .collect()
}

fn unescape(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&apos;", "'")
        .replace("&amp;", "&")
}

/// A text string of PDF 2.0 §7.9.2.2: UTF-16 or UTF-8 by its mark, else PDFDocEncoding, which for
/// letters is Latin-1.
pub(super) fn decode_string(raw: &[u8]) -> String {
    match raw {
        [0xFE, 0xFF, rest @ ..] => encoding_rs::UTF_16BE.decode_without_bom_handling(rest).0.into(),
        [0xFF, 0xFE, rest @ ..] => encoding_rs::UTF_16LE.decode_without_bom_handling(rest).0.into(),
        [0xEF, 0xBB, 0xBF, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        _ => encoding_rs::WINDOWS_1252.decode_without_bom_handling(raw).0.into(),
    }
}

/// The author unless it is what programs put there when nobody was asked.
fn meaningful_author(raw: &str) -> Option<String> {
    let author = title::clean(raw)?;
    let lower = author.to_lowercase();
    let says_nothing =
        ["administrator", "admin", "anonymous", "author", "owner", "root", "unknown", "user"]
            .iter()
            .any(|word| lower == *word || lower.strip_prefix(word).is_some_and(title::is_number));
    (!says_nothing && author.chars().any(char::is_alphabetic)).then_some(author)
}

/// The day of "D:20240301120000+01'00'" or "2024-03-01T12:00:00", or as much of it as there is.
fn day(raw: &str) -> Option<String> {
    let raw = raw.trim().trim_start_matches("D:");
    let mut digits = raw.chars().filter(|c| *c != '-').map_while(|c| c.to_digit(10));
    let mut next = |count| {
        let digits: Vec<u32> = digits.by_ref().take(count).collect();
        (digits.len() == count).then(|| digits.iter().fold(0, |number, digit| number * 10 + digit))
    };
    let year = next(4).filter(|year| (1900..2200).contains(year))?;
    let Some(month) = next(2).filter(|month| (1..=12).contains(month)) else {
        return Some(format!("{year}"));
    };
    match next(2).filter(|day| (1..=31).contains(day)) {
        Some(day) => Some(format!("{year}-{month:02}-{day:02}")),
        None => Some(format!("{year}-{month:02}")),
    }
}

#[cfg(test)]
mod tests {
    use lopdf::{Object, Stream, dictionary};
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn authors_that_are_somebody() {
        assert_eq!(meaningful_author(" Ada  Lovelace "), Some("Ada Lovelace".into()));
        for author in ["", "Administrator", "user", "Owner 2", "123"] {
            assert_eq!(meaningful_author(author), None, "{author:?}");
        }
    }

    #[test]
    fn days() {
        for (raw, expected) in [
            ("D:20240301120000+01'00'", Some("2024-03-01")),
            ("D:202403", Some("2024-03")),
            ("D:2024", Some("2024")),
            ("20240301", Some("2024-03-01")),
            ("2024-03-01T12:00:00Z", Some("2024-03-01")),
            ("D:20241399", Some("2024")),
            ("D:191001", Some("1910-01")),
            ("Friday", None),
            ("D:0000", None),
        ] {
            assert_eq!(day(raw).as_deref(), expected, "{raw}");
        }
    }

    #[test]
    fn strings_in_each_encoding() {
        assert_eq!(decode_string(b"\xFE\xFF\0H\0\xE9"), "Hé");
        assert_eq!(decode_string(b"\xEF\xBB\xBFH\xC3\xA9"), "Hé");
        assert_eq!(decode_string(b"H\xE9"), "Hé");
    }

    #[test]
    fn the_packet_of_metadata_fills_the_gaps() {
        let packet = r#"<rdf:Description xmp:CreateDate="2021-05-04T10:00:00+02:00">
            <dc:title><rdf:Alt><rdf:li xml:lang="x-default">Rock &amp; sand</rdf:li></rdf:Alt></dc:title>
            <dc:creator><rdf:Seq><rdf:li>Ada</rdf:li><rdf:li>Bo</rdf:li></rdf:Seq></dc:creator>"#;
        let mut pdf = Pdf::new();
        let metadata = pdf.add_object(Stream::new(Dictionary::new(), packet.into()));
        let catalog = pdf.add_object(dictionary! { "Type" => "Catalog", "Metadata" => metadata });
        pdf.trailer.set("Root", catalog);
        let info = Info::read(&pdf);
        assert_eq!(info.title.as_deref(), Some("Rock & sand"));
        assert_eq!(info.author.as_deref(), Some("Ada; Bo"));
        assert_eq!(info.dated.as_deref(), Some("2021-05-04"));

        let dictionary = dictionary! {
            "Title" => Object::string_literal("Untitled"),
            "Author" => Object::string_literal("Cy"),
            "CreationDate" => Object::string_literal("D:20200102"),
        };
        let dictionary = pdf.add_object(dictionary);
        pdf.trailer.set("Info", dictionary);
        let info = Info::read(&pdf);
        assert_eq!(info.title.as_deref(), Some("Rock & sand"));
        assert_eq!(info.author.as_deref(), Some("Cy"));
        assert_eq!(info.dated.as_deref(), Some("2020-01-02"));
        assert_eq!(Info::read(&Pdf::new()), Info::default());
    }

    proptest! {
        #[test]
        fn no_packet_and_no_date_harm(xml in "(<dc:title>|</dc:title>|<|>|é| dc:title=\"|\"){0,12}", date in ".{0,20}") {
            values(&xml, "dc:title");
            day(&date);
        }
    }
}
