//! EPUB: the chapters of a book in their order.

use std::collections::{HashMap, HashSet};

use super::office::{author, day};
use super::package::{Package, folder_of, resolve};
use super::xml::{Element, Token, Xml};
use super::{ExtractLimits, Extracted, Outcome, html};
use crate::{Heading, SkipReason, title};

/// A place in the table of contents whose words stand farther down a chapter is not looked for.
const SEARCHED_BYTES: usize = 1 << 20;

pub(super) fn extract(bytes: &[u8], limits: &ExtractLimits) -> Result<Extracted, Outcome> {
    let mut package = Package::open(bytes, "epub")?;
    if is_encrypted(&package.text("META-INF/encryption.xml")?.unwrap_or_default()) {
        return Err(Outcome::Skipped(SkipReason::Encrypted));
    }
    let container = package.required_text("META-INF/container.xml")?;
    let Some(main) = root_file(&container) else {
        return Err(package.damaged("META-INF/container.xml names no book".to_owned()));
    };
    let text = package.required_text(&main)?;
    let book = Book::read(&text, folder_of(&main));
    let contents = read_contents(&mut package, &book)?;

    let mut whole = Extracted::default();
    let mut is_damaged = false;
    for part in &book.spine {
        if whole.text.len() as u64 > limits.max_text_bytes {
            break;
        }
        // A list of the chapters is not one of them.
        if book.contents.as_ref() == Some(part) {
            continue;
        }
        match package.bytes(part) {
            Ok(Some(bytes)) => {
                let mut chapter = html::extract(bytes);
                name_chapter(&mut chapter, contents.get(part).map_or(&[][..], Vec::as_slice));
                append(&mut whole, chapter);
            }
            Ok(None) => {
                is_damaged = true;
                whole.warnings.push(format!("{part} is missing from the book"));
            }
            Err(Outcome::Failed(reason)) => {
                is_damaged = true;
                whole.warnings.push(format!("{part} could not be read: {reason}"));
            }
            Err(skipped) => return Err(skipped),
        }
    }
    if is_damaged && whole.text.is_empty() {
        return Err(package.damaged(whole.warnings.swap_remove(0)));
    }
    whole.warnings.extend(package.take_warnings());
    whole.title = book
        .title
        .as_deref()
        .and_then(title::clean)
        .or_else(|| title::from_first_line(&whole.text));
    whole.author = author(&book.authors.join("; "));
    whole.dated = book.dated;
    Ok(whole)
}

/// Whether more than the fonts is encrypted.
fn is_encrypted(encryption: &str) -> bool {
    let mut xml = Xml::new(encryption);
    while let Some(token) = xml.next() {
        let Token::Open(element) = token else { continue };
        if element.name() == "EncryptionMethod" {
            let method = element.attribute("Algorithm").unwrap_or_default();
            // The two ways of making fonts useless outside of the book.
            let is_of_font = method.contains("idpf.org/2008/embedding")
                || method.contains("ns.adobe.com/pdf/enc#RC");
            if !is_of_font {
                return true;
            }
        }
    }
    false
}

fn root_file(container: &str) -> Option<String> {
    let mut xml = Xml::new(container);
    while let Some(token) = xml.next() {
        if let Token::Open(element) = token
            && element.name() == "rootfile"
        {
            return Some(resolve("", &unescaped(&element.attribute("full-path")?)));
        }
    }
    None
}

/// What the book's main part says.
#[derive(Debug, Default)]
struct Book {
    title: Option<String>,
    authors: Vec<String>,
    dated: Option<String>,
    /// The parts with the chapters, in their order.
    spine: Vec<String>,
    /// The table of contents as a page, as EPUB 3 has it.
    contents: Option<String>,
    /// The table of contents of EPUB 2.
    ncx: Option<String>,
}

impl Book {
    fn read(text: &str, folder: &str) -> Self {
        let mut book = Self::default();
        let mut parts: HashMap<String, String> = HashMap::new();
        let mut seen = HashSet::new();
        let mut xml = Xml::new(text);
        while let Some(token) = xml.next() {
            let Token::Open(element) = token else { continue };
            match element.name() {
                "title" if book.title.is_none() => book.title = Some(xml.inner_text()),
                "creator" => book.authors.push(xml.inner_text()),
                // The first is that of the publication.
                "date" if book.dated.is_none() => book.dated = day(&xml.inner_text()),
                "item" => {
                    let (Some(id), Some(part)) =
                        (element.attribute("id"), target(&element, "href", folder))
                    else {
                        continue;
                    };
                    let properties = element.attribute("properties").unwrap_or_default();
                    let media = element.attribute("media-type").unwrap_or_default();
                    if properties.split_whitespace().any(|word| word == "nav") {
                        book.contents = Some(part.clone());
                    }
                    if media == "application/x-dtbncx+xml" {
                        book.ncx = Some(part.clone());
                    }
                    parts.insert(id, part);
                }
                "itemref" => {
                    let id = element.attribute("idref").unwrap_or_default();
                    if let Some(part) = parts.get(&id)
                        && seen.insert(part.clone())
                    {
                        book.spine.push(part.clone());
                    }
                }
                _ => {}
            }
        }
        book
    }
}

/// A place in the table of contents.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    words: String,
    level: u8,
}

/// The entries of the table of contents by the parts that they lead to.
fn read_contents(
    package: &mut Package,
    book: &Book,
) -> Result<HashMap<String, Vec<Entry>>, Outcome> {
    for part in [&book.contents, &book.ncx].into_iter().flatten() {
        // A book whose table of contents is damaged still has its chapters.
        let Ok(Some(text)) = package.text(part) else { continue };
        let entries = entries(&text, folder_of(part));
        if !entries.is_empty() {
            return Ok(entries);
        }
    }
    Ok(HashMap::new())
}

/// Reads both kinds: lists of links in a page, and nested points with a label and a target.
fn entries(text: &str, folder: &str) -> HashMap<String, Vec<Entry>> {
    let mut entries: HashMap<String, Vec<Entry>> = HashMap::new();
    let mut depth = 0_usize;
    let mut label = String::new();
    let mut xml = Xml::new(text);
    while let Some(token) = xml.next() {
        match token {
            Token::Open(element) => {
                let found = match element.name() {
                    "ol" | "navPoint" => {
                        depth += 1;
                        None
                    }
                    // Lists of pages, pictures and landmarks.
                    "nav" if element.attribute("type").is_some_and(|kind| kind != "toc") => {
                        xml.skip();
                        None
                    }
                    "pageList" | "navList" => {
                        xml.skip();
                        None
                    }
                    "navLabel" => {
                        label = xml.inner_text();
                        None
                    }
                    "content" => target(&element, "src", folder).map(|part| (part, label.clone())),
                    "a" => target(&element, "href", folder).map(|part| (part, xml.inner_text())),
                    _ => None,
                };
                if let Some((part, words)) = found
                    && let Some(words) = title::clean(&words)
                {
                    let level = depth.clamp(1, 6) as u8;
                    entries.entry(part).or_default().push(Entry { words, level });
                }
            }
            Token::Close(end) if matches!(end.name(), "ol" | "navPoint") => {
                depth = depth.saturating_sub(1);
            }
            _ => {}
        }
    }
    entries
}

/// The part that an attribute leads to, without the place within it.
fn target(element: &Element, attribute: &str, folder: &str) -> Option<String> {
    let target = element.attribute(attribute)?;
    let part = target.split('#').next().unwrap_or_default();
    (!part.is_empty()).then(|| resolve(folder, &unescaped(part)))
}

/// `%20` and the like as the bytes that they stand for.
fn unescaped(address: &str) -> String {
    let mut bytes = Vec::with_capacity(address.len());
    let mut rest = address.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let digit = |at: usize| after.get(at).and_then(|byte| char::from(*byte).to_digit(16));
        match (byte, digit(0), digit(1)) {
            (b'%', Some(high), Some(low)) => {
                bytes.push((high * 16 + low) as u8);
                rest = &after[2..];
            }
            _ => {
                bytes.push(byte);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Gives a chapter without headings those of the table of contents: where their words stand on a
/// line of their own, else the first of them before everything.
fn name_chapter(chapter: &mut Extracted, entries: &[Entry]) {
    if !chapter.headings.is_empty() || chapter.text.is_empty() {
        return;
    }
    let searched = chapter.text.floor_char_boundary(SEARCHED_BYTES);
    let mut wanted = entries.iter().peekable();
    let mut start = 0;
    for line in chapter.text[..searched].split_inclusive('\n') {
        let Some(entry) = wanted.peek() else { break };
        let words = line.trim();
        if same_words(words, &entry.words) {
            let from = start + (line.len() - line.trim_start().len());
            let bytes = from..from + words.len();
            chapter.headings.push(Heading { bytes, level: entry.level });
            wanted.next();
        }
        start += line.len();
    }
    if chapter.headings.is_empty()
        && let Some(Entry { words, level }) = entries.first()
    {
        chapter.text.insert_str(0, &format!("{words}\n\n"));
        chapter.headings.push(Heading { bytes: 0..words.len(), level: *level });
    }
}

fn same_words(line: &str, words: &str) -> bool {
    // Lines of prose are most of a chapter, and need not be looked at word by word.
    line.len() <= words.len() * 2
        && line
            .split_whitespace()
            .map(str::to_lowercase)
            .eq(words.split_whitespace().map(str::to_lowercase))
}

fn append(whole: &mut Extracted, chapter: Extracted) {
    if chapter.text.trim().is_empty() {
        return;
    }
    if !whole.text.is_empty() {
        whole.text.push('\n');
    }
    let start = whole.text.len();
    whole.text.push_str(&chapter.text);
    whole.headings.extend(chapter.headings.into_iter().map(|heading| Heading {
        bytes: heading.bytes.start + start..heading.bytes.end + start,
        level: heading.level,
    }));
    for warning in chapter.warnings {
        if !whole.warnings.contains(&warning) {
            whole.warnings.push(warning);
        }
    }
}

#[cfg(test)]
mod tests;
