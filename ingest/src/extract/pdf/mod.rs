//! PDF: the text layer, page by page.

mod clean;
mod layout;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use pdf_extract::encryption::DecryptionError;
use pdf_extract::{Document as Pdf, Error as PdfError, Object, ObjectId, OutputError};

use super::{Course, Extracted, Outcome, panic_message};
use crate::headings::find_headings;
use crate::{FailReason, SkipReason, title};
use layout::PageWriter;

/// Address space for the stack of the parser, which recurses as deep as the file is nested.
const STACK_BYTES: usize = 64 << 20;

pub(super) fn extract(bytes: &[u8], course: &Course) -> Result<Extracted, Outcome> {
    let run = || read(bytes, course);
    thread::scope(|scope| {
        let thread = thread::Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, run);
        match thread.map(|thread| thread.join()) {
            Ok(Ok(result)) => result,
            Ok(Err(panic)) => {
                Err(Outcome::Failed(FailReason::Crashed { detail: panic_message(&*panic) }))
            }
            Err(e) => Err(Outcome::Failed(FailReason::Unavailable { detail: e.to_string() })),
        }
    })
}

fn read(bytes: &[u8], course: &Course) -> Result<Extracted, Outcome> {
    let mut pdf = open(bytes)?;
    let pages: Vec<(u32, ObjectId)> = pdf.get_pages().into_iter().collect();
    if pages.is_empty() {
        return Err(damaged("it has no pages".to_owned()));
    }
    for (_, page) in &pages {
        give_media_box(&mut pdf, *page);
    }
    let (texts, mut warnings) = read_pages(&pdf, &pages, course);
    let cleaned = clean::clean_pages(&texts);
    if cleaned.text.trim().is_empty() {
        // Pages that hold pictures only, or pages that all failed: the two must not be confused.
        return Err(match warnings.pop() {
            Some(warning) => damaged(warning),
            None => Outcome::Skipped(SkipReason::NoTextLayer),
        });
    }
    let empty = cleaned.empty_pages;
    if empty > 0 {
        warnings.push(format!("{empty} of {} pages have no text", pages.len()));
    }
    let title = info_title(&pdf).or_else(|| title::from_first_line(&cleaned.text));
    let headings = find_headings(&cleaned.text);
    let (text, pages) = (cleaned.text, cleaned.starts);
    Ok(Extracted { text, title, headings, pages, warnings, ..Extracted::default() })
}

/// Parses the file, with the empty password if it has one.
fn open(bytes: &[u8]) -> Result<Pdf, Outcome> {
    let opened = catch_unwind(|| {
        let mut pdf = Pdf::load_mem(bytes)?;
        if pdf.is_encrypted() {
            pdf.decrypt("")?;
        }
        Ok::<_, PdfError>(pdf)
    });
    match opened {
        Ok(Ok(pdf)) => Ok(pdf),
        Ok(Err(
            PdfError::InvalidPassword
            | PdfError::UnsupportedSecurityHandler(_)
            | PdfError::Decryption(DecryptionError::IncorrectPassword),
        )) => Err(Outcome::Skipped(SkipReason::Encrypted)),
        Ok(Err(e)) => Err(damaged(e.to_string())),
        Err(panic) => Err(damaged(panic_message(&*panic))),
    }
}

/// Gives a page without a usable size one: readers of PDF take a letter's, the parser would give up.
fn give_media_box(pdf: &mut Pdf, page: ObjectId) {
    if has_media_box(pdf, page) {
        return;
    }
    if let Ok(Object::Dictionary(page)) = pdf.get_object_mut(page) {
        page.set("MediaBox", [0, 0, 612, 792].map(Object::Integer).to_vec());
    }
}

/// Whether the page or a node of the page tree above it says how large the page is.
fn has_media_box(pdf: &Pdf, page: ObjectId) -> bool {
    let is_number = |object: &Object| {
        pdf.dereference(object).is_ok_and(|(_, number)| number.as_float().is_ok())
    };
    let mut node = page;
    // Trees are a few levels deep; one that bites its own tail has no end.
    for _ in 0..64 {
        let Ok(dictionary) = pdf.get_dictionary(node) else { break };
        if let Ok(size) = dictionary.get(b"MediaBox") {
            return pdf.dereference(size).is_ok_and(|(_, size)| {
                size.as_array().is_ok_and(|s| s.len() >= 4 && s.iter().all(is_number))
            });
        }
        let Ok(parent) = dictionary.get(b"Parent").and_then(Object::as_reference) else { break };
        node = parent;
    }
    false
}

fn damaged(detail: String) -> Outcome {
    Outcome::Failed(FailReason::Damaged { format: "pdf".to_owned(), detail })
}

/// The text of every page, empty where a page could not be read, and a warning for each such page.
fn read_pages(pdf: &Pdf, pages: &[(u32, ObjectId)], course: &Course) -> (Vec<String>, Vec<String>) {
    let mut texts = vec![String::new(); pages.len()];
    let mut failures: Vec<(u32, String)> = Vec::new();
    let mut next = 0;
    // All pages in one go is much the cheaper way: asking for a single page walks the page tree
    // again. It stops at the first page that fails, and the rest are then read one by one.
    if course.skip_pages.is_empty() {
        let mut writer = PageWriter::new(course.at_page);
        let failure = guarded(|| pdf_extract::output_doc(pdf, &mut writer));
        // A page that failed before it began is not among those written; it is tried once more below.
        let failure = failure.filter(|_| writer.is_within_page());
        let read = writer.finish();
        next = read.len();
        failures.extend(read.last().zip(failure).map(|((number, _), detail)| (*number, detail)));
        for (text, (_, page)) in texts.iter_mut().zip(read) {
            *text = page;
        }
    }
    for (index, (number, _)) in pages.iter().enumerate().skip(next) {
        if course.skip_pages.contains(number) {
            failures.push((*number, "it made the extraction crash".to_owned()));
            continue;
        }
        let mut writer = PageWriter::new(course.at_page);
        let failure = guarded(|| pdf_extract::output_doc_page(pdf, &mut writer, *number));
        texts[index] = writer.finish().pop().map(|(_, text)| text).unwrap_or_default();
        failures.extend(failure.map(|detail| (*number, detail)));
    }
    (texts, failure_warnings(&failures))
}

/// Runs a reader of pages; `Some` holds what made it stop early.
fn guarded(read: impl FnOnce() -> Result<(), OutputError>) -> Option<String> {
    match catch_unwind(AssertUnwindSafe(read)) {
        Ok(Ok(())) => None,
        Ok(Err(e)) => Some(e.to_string()),
        Err(panic) => Some(panic_message(&*panic)),
    }
}

fn failure_warnings(failures: &[(u32, String)]) -> Vec<String> {
    const LISTED: usize = 5;
    let mut warnings: Vec<String> = failures
        .iter()
        .take(LISTED)
        .map(|(number, detail)| format!("page {number} could not be read in full: {detail}"))
        .collect();
    if failures.len() > LISTED {
        warnings.push(format!("{} more pages could not be read in full", failures.len() - LISTED));
    }
    warnings
}

/// The title in the document's information dictionary, unless it says no more than the name of the
/// program that made it or of the file it was made from.
fn info_title(pdf: &Pdf) -> Option<String> {
    let info = pdf.trailer.get(b"Info").ok()?;
    let (_, info) = pdf.dereference(info).ok()?;
    let (_, raw) = pdf.dereference(info.as_dict().ok()?.get(b"Title").ok()?).ok()?;
    meaningful_title(&decode_string(raw.as_str().ok()?))
}

/// A text string of PDF 2.0 §7.9.2.2: UTF-16 or UTF-8 by its mark, else PDFDocEncoding, which for
/// letters is Latin-1.
fn decode_string(raw: &[u8]) -> String {
    match raw {
        [0xFE, 0xFF, rest @ ..] => encoding_rs::UTF_16BE.decode_without_bom_handling(rest).0.into(),
        [0xFF, 0xFE, rest @ ..] => encoding_rs::UTF_16LE.decode_without_bom_handling(rest).0.into(),
        [0xEF, 0xBB, 0xBF, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        _ => encoding_rs::WINDOWS_1252.decode_without_bom_handling(raw).0.into(),
    }
}

fn meaningful_title(raw: &str) -> Option<String> {
    let title = title::clean(raw)?;
    let title = title.strip_prefix("Microsoft Word - ").unwrap_or(&title);
    let lower = title.to_lowercase();
    let is_file_name = !title.contains(' ')
        && lower.rsplit_once('.').is_some_and(|(_, extension)| (2..=4).contains(&extension.len()));
    let has_word = title.split(|c: char| !c.is_alphabetic()).any(|word| word.chars().count() >= 3);
    let says_nothing = ["untitled", "title", "document", "print", "scan"]
        .iter()
        .any(|word| lower == *word || lower.strip_prefix(word).is_some_and(is_number));
    let ends_like_a_file =
        [".doc", ".docx", ".rtf", ".indd", ".qxd", ".pdf", ".tex", ".dvi", ".htm", ".html", ".txt"]
            .iter()
            .any(|extension| lower.ends_with(extension));
    (has_word && !is_file_name && !says_nothing && !ends_like_a_file).then(|| title.to_owned())
}

fn is_number(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_digit() || c.is_whitespace() || ".-_".contains(c))
}

#[cfg(test)]
mod tests;
