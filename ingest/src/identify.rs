//! What a file is, by its name and its first bytes together.

use std::path::Path;

use crate::encoding::looks_like_text;
use crate::extract::{looks_like_man, mail};
use crate::sniff::{self, Compound, Zipped};
use crate::{Guess, Kind, SkipReason, guess_by_name};

/// How many of a file's first bytes [`identify`] needs at most.
pub(crate) const HEAD_BYTES: usize = 8 * 1024;

/// Decides from the name and the first bytes (8 KiB of them are plenty) how a file is to be read.
/// The bytes outrank the name where they are sure. Of a container, such as a zip archive, only the
/// whole file can tell for sure what it holds: given the first bytes alone, it may be taken for a
/// document that it turns out not to be.
///
/// # Errors
/// The reason why the file cannot be read as a document.
pub fn identify(path: &Path, bytes: &[u8]) -> Result<(Kind, String), SkipReason> {
    if bytes.is_empty() {
        return Err(SkipReason::Empty);
    }
    let head = &bytes[..bytes.len().min(HEAD_BYTES)];
    let guess = guess_by_name(path);
    // Junk is allowed before the header, and common in files saved by mail programs.
    let pdf_header = find(&head[..head.len().min(1024)], b"%PDF-");
    let named_pdf = guess == Guess::Known(Kind::Pdf, "pdf");
    if pdf_header == Some(0) || (pdf_header.is_some() && named_pdf) {
        return Ok((Kind::Pdf, "pdf".to_owned()));
    }
    if trimmed(head).starts_with(b"{\\rtf") {
        return Ok((Kind::Word, "rtf".to_owned()));
    }
    if head.starts_with(sniff::ZIP) {
        return in_zip(bytes, guess);
    }
    if head.starts_with(sniff::COMPOUND) {
        return in_compound(path, bytes, guess);
    }
    if let Some(format) = by_signature(head) {
        return Err(match (&guess, format) {
            // A zip archive without entries.
            (Guess::Skip(reason), "zip") => reason.clone(),
            (_, "") => SkipReason::Binary,
            (_, format) => SkipReason::Unsupported { format: format.to_owned() },
        });
    }
    let is_text = looks_like_text(head);
    if named_pdf {
        // Downloads that failed leave the server's HTML answer under the name of the PDF, and collections of texts keep
        // the names of what they were made from.
        if is_text && pdf_header.is_none() && is_utf8(head) {
            let (kind, format) = by_content(path, head);
            return Ok((kind, format.to_owned()));
        }
        return Ok((Kind::Pdf, "pdf".to_owned()));
    }
    match guess {
        // Text under the name of an office file is a page or a table that a program saved so.
        Guess::Known(kind, _) if kind.is_packed() && is_text => {
            let (kind, format) = by_content(path, head);
            Ok((kind, format.to_owned()))
        }
        Guess::Known(kind, format) if kind.is_packed() => Ok((kind, format.to_owned())),
        _ if !is_text => Err(SkipReason::Binary),
        Guess::Known(kind, format) => Ok((kind, format.to_owned())),
        Guess::Skip(reason) => Err(reason),
        Guess::Container(_) | Guess::Unknown => {
            let (kind, format) = by_content(path, head);
            Ok((kind, format.to_owned()))
        }
    }
}

/// What a zip archive holds: what it says itself or, where it is too damaged for that, its name.
fn in_zip(bytes: &[u8], guess: Guess) -> Result<(Kind, String), SkipReason> {
    match (sniff::content_of_zip(bytes), guess) {
        (Zipped::Document(kind, format), _) => Ok((kind, format.to_owned())),
        (_, Guess::Known(kind, format)) if kind.is_packed() => Ok((kind, format.to_owned())),
        (Zipped::SomeDocument, _) => Ok((Kind::Word, "docx".to_owned())),
        (Zipped::Other, Guess::Skip(reason)) => Err(reason),
        (Zipped::Other, _) => Err(SkipReason::Unsupported { format: "zip".to_owned() }),
    }
}

/// What a compound file holds, in the same way.
fn in_compound(path: &Path, bytes: &[u8], guess: Guess) -> Result<(Kind, String), SkipReason> {
    let is_beginning = bytes.len() == HEAD_BYTES;
    match (sniff::content_of_compound(bytes), guess) {
        (Some(Compound::Encrypted), _) => Err(SkipReason::Encrypted),
        (Some(Compound::Document(kind, format)), _) => Ok((kind, format.to_owned())),
        (Some(Compound::Other(format)), _) => {
            Err(SkipReason::Unsupported { format: format.to_owned() })
        }
        (None, Guess::Known(kind, format)) if kind.is_packed() => Ok((kind, format.to_owned())),
        (None, Guess::Skip(reason)) => Err(reason),
        // The names of what it holds may stand at its end.
        (None, _) if is_beginning || is_named_doc(path) => Ok((Kind::Word, "doc".to_owned())),
        (None, _) => Err(SkipReason::Unsupported { format: "compound file".to_owned() }),
    }
}

/// Files of this name are as often plain text, so that the name alone decides nothing.
fn is_named_doc(path: &Path) -> bool {
    path.extension().is_some_and(|extension| {
        extension.eq_ignore_ascii_case("doc") || extension.eq_ignore_ascii_case("dot")
    })
}

/// The format of text whose name says nothing.
fn by_content(path: &Path, head: &[u8]) -> (Kind, &'static str) {
    if has_manual_section(path) && looks_like_man(head) {
        return (Kind::Text, "man");
    }
    if starts_like_html(head) {
        return (Kind::Html, "html");
    }
    if mail::is_message(head) {
        return (Kind::Mail, "eml");
    }
    if trimmed(head).starts_with(b"<?xml") {
        return (Kind::Code, "xml");
    }
    if head.starts_with(b"#!") {
        let line = head.split(|&byte| byte == b'\n').next().unwrap_or_default();
        let line = String::from_utf8_lossy(line);
        const INTERPRETERS: [(&str, &str); 8] = [
            ("python", "python"),
            ("node", "javascript"),
            ("ruby", "ruby"),
            ("perl", "perl"),
            ("lua", "lua"),
            ("php", "php"),
            ("awk", "awk"),
            ("sh", "shell"),
        ];
        for (program, format) in INTERPRETERS {
            if line.contains(program) {
                return (Kind::Code, format);
            }
        }
        return (Kind::Code, "script");
    }
    (Kind::Text, "text")
}

/// Whether the bytes are UTF-8, of which the last character may be cut off.
fn is_utf8(head: &[u8]) -> bool {
    std::str::from_utf8(head).map_or_else(|error| error.error_len().is_none(), |_| true)
}

/// `ls.1`, `Foo.3pm`.
fn has_manual_section(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    let rest = extension.strip_prefix(|c: char| matches!(c, '1'..='9' | 'n' | 'l'));
    rest.is_some_and(|rest| {
        rest.len() <= 6 && rest.bytes().all(|byte| byte.is_ascii_alphanumeric())
    })
}

fn starts_like_html(head: &[u8]) -> bool {
    let start: Vec<u8> =
        trimmed(head).iter().take(64).map(|byte| byte.to_ascii_lowercase()).collect();
    start.starts_with(b"<!doctype html") || start.starts_with(b"<html")
}

fn trimmed(head: &[u8]) -> &[u8] {
    head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head).trim_ascii_start()
}

/// The format that a file's first bytes give away; the empty string for executables and the like.
fn by_signature(head: &[u8]) -> Option<&'static str> {
    const SIGNATURES: &[(usize, &[u8], &str)] = &[
        (0, b"PK\x05\x06", "zip"),
        (0, b"\x1F\x8B", "gz"),
        (0, b"BZh", "bz2"),
        (0, b"\xFD7zXZ\0", "xz"),
        (0, b"\x28\xB5\x2F\xFD", "zst"),
        (0, b"7z\xBC\xAF\x27\x1C", "7z"),
        (0, b"Rar!\x1A\x07", "rar"),
        (257, b"ustar", "tar"),
        (0, b"\x89PNG\r\n\x1A\n", "png"),
        (0, b"\xFF\xD8\xFF", "jpeg"),
        (0, b"GIF87a", "gif"),
        (0, b"GIF89a", "gif"),
        (0, b"II*\0", "tiff"),
        (0, b"MM\0*", "tiff"),
        (8, b"WEBP", "webp"),
        (4, b"ftyp", "mp4"),
        (0, b"\x1A\x45\xDF\xA3", "mkv"),
        (0, b"OggS", "ogg"),
        (0, b"fLaC", "flac"),
        (0, b"ID3", "mp3"),
        (8, b"WAVE", "wav"),
        (0, b"%!PS", "ps"),
        (0, b"AT&TFORM", "djvu"),
        (0, b"\x7FELF", ""),
        (0, b"\xCA\xFE\xBA\xBE", ""),
        (0, b"\xCF\xFA\xED\xFE", ""),
        (0, b"\0asm", ""),
        (0, b"SQLite format 3\0", ""),
    ];
    // Signatures made of letters are also the beginnings of sentences ("ID3 tags are …"); what stands
    // behind them in a file of that format is not text. PostScript is text itself.
    let is_text_format = |format| format == "ps";
    let may_be_words = |signature: &[u8]| signature.iter().all(|byte| (0x20..0x7F).contains(byte));
    SIGNATURES
        .iter()
        .find(|(offset, signature, format)| {
            head.get(*offset..).is_some_and(|rest| rest.starts_with(signature))
                && (is_text_format(*format) || !may_be_words(signature) || !looks_like_text(head))
        })
        .map(|(_, _, format)| *format)
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ok(name: &str, head: &[u8]) -> (Kind, String) {
        identify(Path::new(name), head).unwrap()
    }

    #[test]
    fn bytes_outrank_the_name() {
        assert_eq!(ok("report.txt", b"%PDF-1.7\n"), (Kind::Pdf, "pdf".to_owned()));
        assert_eq!(ok("paper.pdf", b"<!DOCTYPE html><p>404"), (Kind::Html, "html".to_owned()));
        assert_eq!(
            identify(Path::new("a.txt"), b"\x89PNG\r\n\x1A\n\0\0"),
            Err(SkipReason::Unsupported { format: "png".to_owned() })
        );
        assert_eq!(identify(Path::new("a.txt"), b"\x7FELF\x02\x01"), Err(SkipReason::Binary));
        assert_eq!(identify(Path::new("a.txt"), &[0, 1, 2, 3, 0, 9, 8]), Err(SkipReason::Binary));
        assert_eq!(identify(Path::new("a.txt"), b""), Err(SkipReason::Empty));
    }

    #[test]
    fn letters_that_a_format_begins_with_may_begin_a_sentence_too() {
        for text in [
            "ID3 tags hold the title of a song.",
            "Chapter WAVE: on the sea",
            "Convert WEBP to PNG",
            "The ftyp box comes first.",
            "GIF89a came two years after GIF87a.",
            "BZh is how bzip2 files begin.",
        ] {
            assert_eq!(ok("notes.txt", text.as_bytes()).0, Kind::Text, "{text}");
        }
        for (bytes, format) in [
            (&b"ID3\x03\0\0\0\0\x0F\x76TIT2"[..], "mp3"),
            (b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0", "wav"),
            (b"\0\0\0\x18ftypmp42\0\0\0\0", "mp4"),
            (b"BZh91AY&SY\0\x12\x34\x56", "bz2"),
            (b"%!PS-Adobe-3.0\n", "ps"),
        ] {
            let unsupported = SkipReason::Unsupported { format: format.to_owned() };
            assert_eq!(identify(Path::new("notes.txt"), bytes), Err(unsupported));
        }
    }

    #[test]
    fn containers_are_told_by_what_they_hold_and_then_by_name() {
        let unsupported = |format: &str| {
            let format = format.to_owned();
            Err(SkipReason::Unsupported { format })
        };
        assert_eq!(ok("a.docx", b"PK\x03\x04...").1, "docx");
        assert_eq!(identify(Path::new("a.jar"), b"PK\x03\x04..."), unsupported("jar"));
        assert_eq!(identify(Path::new("a"), b"PK\x03\x04..."), unsupported("zip"));
        let compound = [sniff::COMPOUND, &[0; 600]].concat();
        assert_eq!(ok("a.xls", &compound), (Kind::Sheet, "xls".to_owned()));
        assert_eq!(ok("a.doc", &compound), (Kind::Word, "doc".to_owned()));
        assert_eq!(ok("a.ppt", &compound), (Kind::Slides, "ppt".to_owned()));
        assert_eq!(identify(Path::new("a.vsd"), &compound), unsupported("vsd"));
        assert_eq!(identify(Path::new("a"), &compound), unsupported("compound file"));
        // Of a beginning not even that is sure.
        let beginning = [sniff::COMPOUND, &[0; HEAD_BYTES - 8]].concat();
        assert_eq!(ok("a", &beginning), (Kind::Word, "doc".to_owned()));
    }

    #[test]
    fn office_files_may_be_something_else_under_their_name() {
        assert_eq!(ok("letter.doc", b"{\\rtf1\\ansi Dear Sir").1, "rtf");
        assert_eq!(ok("letter.rtf", b"Dear Sir").0, Kind::Text);
        assert_eq!(ok("report.xls", b"<html><table><tr><td>1").0, Kind::Html);
        assert_eq!(ok("report.docx", &[0, 1, 2, 3]), (Kind::Word, "docx".to_owned()));
    }

    #[test]
    fn nameless_text_is_told_by_its_start() {
        assert_eq!(ok("run", b"#!/usr/bin/env python3\n").1, "python");
        assert_eq!(ok("run", b"#!/bin/bash\n").1, "shell");
        assert_eq!(ok("page", b"\n <HTML><p>x").0, Kind::Html);
        assert_eq!(ok("ls.1", b".TH LS 1\n").1, "man");
        assert_eq!(ok("Foo.3pm", b"'\\\" t\n.Dd now\n").1, "man");
        assert_eq!(ok("notes.1", b"First notes\n").1, "text");
        assert_eq!(ok("letter", "Sehr geehrte Frau Müller".as_bytes()).0, Kind::Text);
        assert_eq!(ok("talk about %PDF- headers", b"About %PDF- headers").0, Kind::Text);
    }

    #[test]
    fn a_broken_pdf_stays_a_pdf() {
        assert_eq!(ok("a.pdf", &[0, 1, 2, 3]).0, Kind::Pdf);
        assert_eq!(ok("a.pdf", b"\n\n%PDF-1.4").0, Kind::Pdf);
        assert_eq!(ok("a.pdf", b"Opinion of the court\n").0, Kind::Text);
    }
}
