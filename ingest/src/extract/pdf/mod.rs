//! PDF: the text layer, page by page.
//!
//! ```text
//! lopdf: objects ──▶ interpreter: content of a page ──▶ layout: lines ──▶ clean: text as typed
//!                        fonts: codes into characters
//! ```

mod clean;
mod filters;
mod fonts;
mod info;
mod interpreter;
mod layout;
mod lexer;
mod matrix;
mod objects;
mod outline;
mod pages;
mod pictures;
mod repair;
mod scan;

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;
use std::time::{Duration, Instant};

use lopdf::encryption::DecryptionError;
use lopdf::{Document as Pdf, Error as PdfError, ObjectId, Stream};

use super::{Course, ExtractLimits, Extracted, Ocr, Outcome, panic_message};
use crate::headings::find_headings;
use crate::{FailReason, Heading, SkipReason, title};
use info::Info;
use interpreter::{Interpreter, PageContent};
use scan::PageFacts;

/// Address space for the stack of the parser, which recurses as deep as the file is nested.
const STACK_BYTES: usize = 64 << 20;
/// On how many pages a line may stand as a heading before it is a running one.
const MAX_REPEATS: usize = 3;

pub(super) fn extract(
    bytes: &[u8],
    limits: &ExtractLimits,
    course: &Course,
) -> Result<Extracted, Outcome> {
    let run = || read(bytes, limits, course);
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

fn read(bytes: &[u8], limits: &ExtractLimits, course: &Course) -> Result<Extracted, Outcome> {
    let (pdf, is_mended) = open_or_mend(bytes)?;
    let pages = pages::pages(&pdf);
    if pages.is_empty() {
        return Err(damaged("it has no pages".to_owned()));
    }
    let (contents, mut warnings) = read_pages(&pdf, &pages, limits, course)?;
    let glyphs_warning = unknown_glyphs_warning(&contents);
    let mut pictures = scan::pictures_without_text(
        &contents.iter().map(PageContent::facts).collect::<Vec<PageFacts>>(),
    );
    let (mut texts, images): (Vec<String>, Vec<Vec<&Stream>>) =
        contents.into_iter().map(|content| (content.text, content.pictures)).unzip();
    if let Some(ocr) = course.ocr {
        warnings.extend(read_pictures(&pdf, ocr, course, &images, &mut pictures, &mut texts));
    }
    let empty: Vec<usize> =
        (0..texts.len()).filter(|&index| texts[index].trim().is_empty()).collect();
    let has_text =
        (0..texts.len()).any(|index| !empty.contains(&index) && !pictures.contains(&index));
    let cleaned = clean::clean_pages(&texts);
    if !has_text || cleaned.text.trim().is_empty() {
        // Pages that hold pictures only, or pages that all failed: the two must not be confused.
        return Err(match warnings.pop() {
            Some(warning) if pictures.is_empty() => damaged(warning),
            None if is_mended => damaged("no text is left in it".to_owned()),
            _ => Outcome::Skipped(SkipReason::NoTextLayer),
        });
    }
    warnings.extend(glyphs_warning);
    if is_mended {
        warnings.push("the file is damaged; what could be found in it was read".to_owned());
    }
    let of = format!("of {} pages", pages.len());
    let blank: Vec<usize> =
        empty.iter().copied().filter(|index| !pictures.contains(index)).collect();
    if !blank.is_empty() {
        warnings.push(format!("{} {of} have no text: {}", blank.len(), scan::list_pages(&blank)));
    }
    if !pictures.is_empty() {
        let list = scan::list_pages(&pictures);
        warnings.push(format!("{} {of} are pictures without text: {list}", pictures.len()));
    }
    let Info { title, author, dated } = Info::read(&pdf);
    let title = title.or_else(|| title::from_first_line(&cleaned.text));
    let headings = headings(&pdf, &pages, &cleaned.text, &cleaned.starts);
    let (text, pages) = (cleaned.text, cleaned.starts);
    Ok(Extracted { text, title, author, dated, headings, pages, warnings, ..Extracted::default() })
}

/// Opens the file, with a new table of its objects if need be, and tells whether it was.
fn open_or_mend(bytes: &[u8]) -> Result<(Pdf, bool), Outcome> {
    let opened = open(bytes);
    let is_good = match &opened {
        Ok(pdf) => !pages::pages(pdf).is_empty(),
        Err(outcome) => matches!(outcome, Outcome::Skipped(_)),
    };
    if !is_good
        && let Some(mended) = repair::with_new_table(bytes)
        && let Ok(pdf) = open(&mended)
    {
        return Ok((pdf, true));
    }
    opened.map(|pdf| (pdf, false))
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

fn damaged(detail: String) -> Outcome {
    Outcome::Failed(FailReason::Damaged { format: "pdf".to_owned(), detail })
}

/// What every page holds, nothing where a page could not be read, and a warning for each such page.
fn read_pages<'a>(
    pdf: &'a Pdf,
    pages: &[ObjectId],
    limits: &ExtractLimits,
    course: &Course,
) -> Result<(Vec<PageContent<'a>>, Vec<String>), Outcome> {
    let limit_bytes = limits.max_text_bytes;
    let max_text_bytes = usize::try_from(limit_bytes).unwrap_or(usize::MAX);
    let mut interpreter = Interpreter::new(pdf, max_text_bytes);
    let mut failures: Vec<(u32, String)> = Vec::new();
    let mut contents = Vec::with_capacity(pages.len());
    let mut text_bytes = 0;
    for (number, page) in (1..).zip(pages) {
        if course.skip_pages.contains(&number) {
            failures.push((number, "it made the extraction crash".to_owned()));
            contents.push(PageContent::default());
            continue;
        }
        if let Some(at_page) = course.at_page {
            at_page(number);
        }
        // A bug in a parser of fonts may cost a page, but not the rest of the document.
        let content = catch_unwind(AssertUnwindSafe(|| interpreter.read_page(*page)))
            .unwrap_or_else(|panic| {
                failures.push((number, panic_message(&*panic)));
                PageContent::default()
            });
        failures.extend(content.trouble.map(|trouble| (number, trouble.to_owned())));
        text_bytes += content.text.len();
        if text_bytes > max_text_bytes {
            return Err(Outcome::Failed(FailReason::TextTooLong { limit_bytes }));
        }
        contents.push(content);
    }
    Ok((contents, failure_warnings(&failures)))
}

/// Has the pages that are pictures read. Those that give text are no longer among the pictures; the
/// warnings say what kept others from it.
fn read_pictures(
    pdf: &Pdf,
    ocr: &Ocr,
    course: &Course,
    images: &[Vec<&Stream>],
    pages: &mut Vec<usize>,
    texts: &mut [String],
) -> Vec<String> {
    let deadline = Instant::now() + Duration::from_secs(ocr.seconds);
    let mut trouble: Vec<String> = Vec::new();
    pages.retain(|&index| {
        let number = index as u32 + 1;
        if course.skip_pages.contains(&number) {
            return true;
        }
        if let Some(at_page) = course.at_page {
            at_page(number);
        }
        let mut text = String::new();
        for image in &images[index] {
            match pictures::as_file(pdf, image) {
                Some(file) => match ocr.read(&file, deadline) {
                    Ok(read) => text.push_str(&read),
                    Err(detail) => {
                        trouble.push(format!("page {number} was not recognised: {detail}"));
                    }
                },
                None => trouble.push(format!("page {number} is a picture of an unknown form")),
            }
        }
        let is_read = text.contains(char::is_alphanumeric);
        if is_read {
            texts[index] = text;
        }
        !is_read
    });
    const LISTED: usize = 3;
    let more = trouble.len().saturating_sub(LISTED);
    trouble.truncate(LISTED);
    trouble.extend((more > 0).then(|| format!("{more} more pictures were not recognised")));
    trouble
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

/// A warning where fonts do not tell what a good part of the text is.
fn unknown_glyphs_warning(contents: &[PageContent]) -> Option<String> {
    let all: usize = contents.iter().map(|content| content.glyphs).sum();
    let unknown: usize = contents.iter().map(|content| content.unknown_glyphs).sum();
    // Ornaments and bullets of symbol fonts are a few in a thousand.
    (unknown * 50 > all).then(|| {
        format!("{} % of the characters are unknown: their fonts do not tell", unknown * 100 / all)
    })
}

/// Headings by the bookmarks and, where these name few, those that look like headings too.
fn headings(pdf: &Pdf, pages: &[ObjectId], text: &str, starts: &[usize]) -> Vec<Heading> {
    let bookmarks = outline::bookmarks(pdf, pages);
    let mut headings = outline::headings(&bookmarks, text, starts);
    let are_many = headings.len() * 10 >= pages.len() && headings.len() * 2 >= bookmarks.len();
    if headings.is_empty() || !are_many {
        let found = without_running_lines(find_headings(text), text);
        headings.extend(found);
        // Sorting keeps those of bookmarks before others at the same place.
        headings.sort_by_key(|heading| heading.bytes.start);
        headings.dedup_by(|next, kept| next.bytes.start < kept.bytes.end);
    }
    headings
}

/// Leaves out what is printed as a heading again and again: headers and footers of pages.
fn without_running_lines(headings: Vec<Heading>, text: &str) -> Vec<Heading> {
    let plain = |heading: &Heading| -> String {
        text[heading.bytes.clone()].chars().filter(|c| c.is_alphabetic()).collect()
    };
    let mut counts: HashMap<String, usize> = HashMap::new();
    for heading in &headings {
        *counts.entry(plain(heading)).or_default() += 1;
    }
    let is_rare = |heading: &Heading| {
        // "Section 4" and "Section 5" are alike but for their numbers.
        let has_number = text[heading.bytes.clone()].contains(char::is_numeric);
        has_number || counts.get(&plain(heading)).is_none_or(|count| *count <= MAX_REPEATS)
    };
    headings.into_iter().filter(is_rare).collect()
}

#[cfg(test)]
mod tests;
