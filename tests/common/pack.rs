//! Archives made by hand, the ill-meant ones too.

use std::io::{Cursor, Write};

use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// A zip archive.
pub fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        writer.start_file(*name, SimpleFileOptions::default()).expect("a new file");
        writer.write_all(bytes).expect("room in memory");
    }
    writer.finish().expect("an archive").into_inner()
}

/// A tar archive; the names go in as they are, whatever they are.
pub fn tar(files: &[(&[u8], &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        let mut header = tar::Header::new_gnu();
        // The builder itself refuses names that climb.
        header.as_old_mut().name[..name.len()].copy_from_slice(name);
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        builder.append(&header, *bytes).expect("room in memory");
    }
    builder.into_inner().expect("an archive")
}

/// What gzip makes of bytes.
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).expect("room in memory");
    encoder.finish().expect("a stream")
}

/// A message with a text attachment.
pub fn message(subject: &str, words: &str, attachment: (&str, &str)) -> String {
    format!(
        "From: Anna Schmidt <anna@example.com>\nTo: Bob <bob@example.com>\n\
         Date: Fri, 1 Mar 2024 10:00:00 +0000\nSubject: {subject}\n\
         Content-Type: multipart/mixed; boundary=b\n\n--b\n\n{words}\n\n--b\n\
         Content-Type: text/plain; name=\"{}\"\nContent-Disposition: attachment\n\n{}\n--b--\n",
        attachment.0, attachment.1
    )
}
