use std::io::Write;

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::*;

fn archive(parts: &[(&str, &str)]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in parts {
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
        writer.start_file(*name, options).unwrap();
        writer.write_all(content.as_bytes()).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

#[test]
fn packages_say_what_they_hold() {
    for (kind, format, name, content) in [
        (Kind::Book, "epub", "mimetype", "application/epub+zip"),
        (Kind::Word, "odt", "mimetype", "application/vnd.oasis.opendocument.text-template"),
        (Kind::Slides, "odp", "mimetype", "application/vnd.oasis.opendocument.presentation"),
        (Kind::Sheet, "ods", "mimetype", "application/vnd.oasis.opendocument.spreadsheet\n"),
        (Kind::Word, "docx", "[Content_Types].xml", "wordprocessingml.document.main+xml"),
        (Kind::Sheet, "xlsx", "[Content_Types].xml", "ms-excel.sheet.macroEnabled.main+xml"),
        (Kind::Sheet, "xlsb", "[Content_Types].xml", "ms-excel.sheet.binary.macroEnabled.main"),
        (Kind::Slides, "pptx", "[Content_Types].xml", "presentationml.slideshow.main+xml"),
    ] {
        let bytes = archive(&[(name, content), ("x", "y")]);
        assert_eq!(content_of_zip(&bytes), Zipped::Document(kind, format), "{content}");
    }
    for (name, content) in
        [("a.txt", "word"), ("mimetype", "text/plain"), ("[Content_Types].xml", "visio.drawing")]
    {
        assert_eq!(content_of_zip(&archive(&[(name, content)])), Zipped::Other, "{content}");
    }
}

#[test]
fn the_first_bytes_are_enough_to_go_on() {
    let long = "x".repeat(1000);
    let cut = |parts: &[(&str, &str)]| {
        let bytes = archive(parts);
        content_of_zip(&bytes[..bytes.len() - 500])
    };
    let book = Zipped::Document(Kind::Book, "epub");
    assert_eq!(cut(&[("mimetype", "application/epub+zip"), ("x", &long)]), book);
    let sheet = Zipped::Document(Kind::Sheet, "xlsx");
    assert_eq!(cut(&[("[Content_Types].xml", "?"), ("xl/a.xml", &long)]), sheet);
    let slides = Zipped::Document(Kind::Slides, "pptx");
    assert_eq!(cut(&[("_rels/.rels", "?"), ("ppt/a.xml", &long)]), slides);
    assert_eq!(cut(&[("[Content_Types].xml", &long)]), Zipped::SomeDocument);
    assert_eq!(cut(&[("a.txt", &long)]), Zipped::Other);
}

#[test]
fn compound_files_are_told_by_the_names_in_them() {
    let with = |names: &[&str]| {
        let mut bytes = [COMPOUND, &[0; 504]].concat();
        bytes.extend([0xAA; 512]);
        for name in names {
            let mut entry = [0; 128];
            for (place, unit) in entry.chunks_mut(2).zip(name.encode_utf16()) {
                place.copy_from_slice(&unit.to_le_bytes());
            }
            entry[64] = (name.len() as u8 + 1) * 2;
            entry[66] = 2;
            bytes.extend(entry);
        }
        content_of_compound(&bytes)
    };
    assert_eq!(with(&["Root Entry", "EncryptedPackage"]), Some(Compound::Encrypted));
    let xls = Compound::Document(Kind::Sheet, "xls");
    let doc = Compound::Document(Kind::Word, "doc");
    assert_eq!(with(&["Root Entry", "Workbook"]), Some(xls));
    assert_eq!(with(&["Workbook", "WordDocument"]), Some(doc));
    assert_eq!(with(&["Root Entry"]), None);
    assert_eq!(content_of_compound(COMPOUND), None);
}

#[test]
fn what_is_embedded_in_a_document_does_not_decide_what_it_is() {
    let mut file = cfb::CompoundFile::create(Cursor::new(Vec::new())).unwrap();
    for (folder, stream) in [("/", "Workbook"), ("/MBD0001", "WordDocument")] {
        file.create_storage_all(folder).unwrap();
        file.create_stream(format!("{folder}/{stream}")).unwrap();
    }
    file.flush().unwrap();
    let bytes = file.into_inner().into_inner();
    let xls = Compound::Document(Kind::Sheet, "xls");
    assert_eq!(content_of_compound(&bytes), Some(xls));
}
