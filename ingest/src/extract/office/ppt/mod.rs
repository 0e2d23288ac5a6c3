//! PowerPoint 97 to 2003. One stream holds the records of slides and notes; each save writes those that changed behind
//! the others, with a directory that tells where each of them is now.

mod records;

use std::collections::HashMap;

use super::super::flow::{Flow, Paragraph};
use super::super::{Extracted, Outcome};
use super::docx::comment_start;
use super::slides::{Slide, write_slide};
use super::{damaged, summary};
use crate::compound::{Compound, size_at, u32_at};
use crate::{SkipReason, title};
use records::{Descendants, Record, kinds};

/// No presentation was saved so often without being written anew.
const MAX_EDITS: usize = 10_000;

pub(super) fn extract(bytes: &[u8], limit_bytes: u64) -> Result<Extracted, Outcome> {
    const ENCRYPTED: u32 = 0xF3D1_C4DF;
    let file = Compound::open(bytes).map_err(|detail| damaged("ppt", detail))?;
    let stream = file
        .stream("PowerPoint Document")
        .ok_or_else(|| damaged("ppt", "it has no stream of slides"))?;
    let user = file.stream("Current User").unwrap_or_default();
    if u32_at(&user, 12) == Some(ENCRYPTED) {
        return Err(Outcome::Skipped(SkipReason::Encrypted));
    }
    let properties = summary::properties(&file);
    let mut flow = Flow::new(limit_bytes);
    let mut warnings = Vec::new();
    let directory = Directory::read(&stream, size_at(&user, 16));
    if directory.is_encrypted {
        return Err(Outcome::Skipped(SkipReason::Encrypted));
    }
    let own_title = match directory.document(&stream) {
        Some(document) => write_slides(&mut flow, &stream, &directory, document),
        None => {
            warnings.push("the list of slides is lost, its text is out of order".to_owned());
            write_all_texts(&mut flow, &stream);
            None
        }
    };
    let mut extracted = flow.finish();
    extracted.warnings = warnings;
    properties.put_on(&mut extracted, own_title);
    extracted.title = extracted.title.or_else(|| title::from_first_line(&extracted.text));
    Ok(extracted)
}

/// Where the records are that others name by number.
#[derive(Debug, Default)]
struct Directory {
    places: HashMap<u32, usize>,
    document: Option<u32>,
    is_encrypted: bool,
}

impl Directory {
    /// Follows the saves from the last one back. Where the last one is not known, the stream is searched for it.
    fn read(stream: &[u8], last_edit: Option<usize>) -> Self {
        let is_edit = |at: &usize| {
            Record::at(stream, *at).is_some_and(|record| record.kind == kinds::USER_EDIT)
        };
        let mut next = last_edit.filter(is_edit).or_else(|| last_edit_of(stream));
        let mut directory = Self::default();
        for _ in 0..MAX_EDITS {
            let Some(at) = next else { break };
            let Some(edit) = Record::at(stream, at).filter(|edit| edit.kind == kinds::USER_EDIT)
            else {
                break;
            };
            directory.is_encrypted |=
                edit.content.len() >= 32 && u32_at(edit.content, 28) != Some(0);
            directory.document = directory.document.or(u32_at(edit.content, 16));
            if let Some(places) = size_at(edit.content, 12).and_then(|at| Record::at(stream, at))
                && places.kind == kinds::PERSIST_DIRECTORY
            {
                directory.add(places.content);
            }
            // Each save stands behind the one before it; anything else would go round in circles.
            next = size_at(edit.content, 8).filter(|&before| before != 0 && before < at);
        }
        directory
    }

    /// Takes in rows of places, each behind the number of its first and how many there are. What is known is newer.
    fn add(&mut self, mut rows: &[u8]) {
        while let Some(head) = u32_at(rows, 0) {
            let (first, count) = (head & 0xF_FFFF, head >> 20);
            for index in 0..count {
                let Some(place) = size_at(rows, 4 + index as usize * 4) else { return };
                self.places.entry(first + index).or_insert(place);
            }
            rows = rows.get(4 + count as usize * 4..).unwrap_or_default();
        }
    }

    fn record<'a>(&self, stream: &'a [u8], number: u32) -> Option<Record<'a>> {
        Record::at(stream, *self.places.get(&number)?)
    }

    fn document<'a>(&self, stream: &'a [u8]) -> Option<Record<'a>> {
        let document = self.record(stream, self.document?)?;
        (document.kind == kinds::DOCUMENT).then_some(document)
    }
}

fn last_edit_of(stream: &[u8]) -> Option<usize> {
    let mut at = 0;
    let mut last = None;
    while let Some(record) = Record::at(stream, at) {
        if record.kind == kinds::USER_EDIT {
            last = Some(at);
        }
        at += 8 + record.content.len();
    }
    last
}

/// Writes the slides in their order. Gives the title of the first.
fn write_slides(
    flow: &mut Flow,
    stream: &[u8],
    directory: &Directory,
    document: Record<'_>,
) -> Option<String> {
    const SLIDES: u16 = 0;
    const NOTES: u16 = 2;
    let lists = document.children().filter(|record| record.kind == kinds::SLIDE_LIST);
    let (mut slides, mut notes) = (Vec::new(), HashMap::new());
    for list in lists {
        match list.instance {
            SLIDES => slides.extend(entries(list)),
            NOTES => {
                for entry in entries(list) {
                    let Some(page) = directory.record(stream, entry.number) else { continue };
                    if let Some((slide, texts)) = notes_of(page) {
                        notes.insert(slide, texts);
                    }
                }
            }
            _ => {}
        }
    }
    let mut own_title = None;
    // A list may name one slide many times over, which must not unfold it as often.
    let mut left_bytes = stream.len();
    for (index, entry) in slides.into_iter().enumerate() {
        if flow.is_full() {
            break;
        }
        flow.begin_page();
        let mut slide = Slide::default();
        let record = directory.record(stream, entry.number);
        if let Some(record) = record.filter(|record| record.kind == kinds::SLIDE)
            && let Some(left) = left_bytes.checked_sub(record.content.len())
        {
            left_bytes = left;
            read_slide(record, &entry.texts, &mut slide);
        } else {
            for text in &entry.texts {
                text.put_on(&mut slide);
            }
        }
        slide.notes = notes.remove(&entry.slide).unwrap_or_default();
        let title = write_slide(flow, slide);
        if index == 0 {
            own_title = title;
        }
    }
    own_title
}

/// What the list of slides says of one.
struct Entry {
    /// Its number in the directory.
    number: u32,
    /// The number that its notes know it by.
    slide: u32,
    /// The texts of its placeholders.
    texts: Vec<Text>,
}

fn entries(list: Record<'_>) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut texts = Texts::default();
    for record in list.children() {
        if record.kind == kinds::SLIDE_PERSIST {
            let number = u32_at(record.content, 0).unwrap_or(0);
            let slide = u32_at(record.content, 12).unwrap_or(0);
            entries.push(Entry { number, slide, texts: Vec::new() });
        } else if let Some(text) = texts.take(&record)
            && let Some(entry) = entries.last_mut()
        {
            entry.texts.push(text);
        }
    }
    entries
}

/// What a text is for.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Role {
    Title,
    /// The points of a slide.
    Body,
    Notes,
    #[default]
    Other,
}

#[derive(Debug, Clone)]
struct Text {
    role: Role,
    words: String,
}

impl Text {
    fn put_on(&self, slide: &mut Slide) {
        match self.role {
            Role::Title => slide.titles.extend(self.paragraphs(false)),
            Role::Notes => {}
            role => slide.content.extend(self.paragraphs(role == Role::Body)),
        }
    }

    fn paragraphs(&self, are_points: bool) -> impl Iterator<Item = Paragraph> {
        self.words.split(['\r', '\n']).filter_map(move |words| {
            let mut paragraph = Paragraph::of(words);
            paragraph.label = are_points.then(|| "-".to_owned());
            (!paragraph.is_empty()).then_some(paragraph)
        })
    }
}

/// Makes texts of the records that follow one another: what it is for, then the characters.
#[derive(Debug, Default)]
struct Texts {
    role: Role,
}

impl Texts {
    fn take(&mut self, record: &Record<'_>) -> Option<Text> {
        let words = match record.kind {
            kinds::TEXT_HEADER => {
                self.role = match u32_at(record.content, 0) {
                    Some(0 | 6) => Role::Title,
                    Some(1 | 5 | 7 | 8) => Role::Body,
                    Some(2) => Role::Notes,
                    _ => Role::Other,
                };
                return None;
            }
            kinds::TEXT_WIDE => wide(record.content),
            // The lower halves of UTF-16.
            kinds::TEXT_NARROW => record.content.iter().copied().map(char::from).collect(),
            _ => return None,
        };
        Some(Text { role: self.role, words })
    }
}

fn wide(bytes: &[u8]) -> String {
    let units = bytes.chunks_exact(2).map(|unit| u16::from_le_bytes([unit[0], unit[1]]));
    char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

/// The texts of a slide's shapes; those of placeholders may stand in the list of slides instead.
fn read_slide(record: Record<'_>, outline: &[Text], slide: &mut Slide) {
    let mut is_used = vec![false; outline.len()];
    for_each_text(record, &mut |found| match found {
        Found::Own(text) => text.put_on(slide),
        Found::Outline(index) => {
            if let (Some(text), Some(used)) = (outline.get(index), is_used.get_mut(index))
                && !std::mem::replace(used, true)
            {
                text.put_on(slide);
            }
        }
        Found::Comment(words) => {
            let mut comment = Paragraph::of(&words);
            if !comment.is_empty() {
                comment.prepend(&comment_start(""));
                slide.comments.push(comment);
            }
        }
    });
    for (text, _) in outline.iter().zip(is_used).filter(|(_, used)| !used) {
        text.put_on(slide);
    }
}

/// The number of the slide and the words of a page of notes.
fn notes_of(record: Record<'_>) -> Option<(u32, Vec<Paragraph>)> {
    if record.kind != kinds::NOTES {
        return None;
    }
    let atom = record.children().find(|record| record.kind == kinds::NOTES_ATOM)?;
    let slide = u32_at(atom.content, 0)?;
    let mut paragraphs = Vec::new();
    for_each_text(record, &mut |found| {
        if let Found::Own(text) = found
            && text.role == Role::Notes
        {
            paragraphs.extend(text.paragraphs(false));
        }
    });
    Some((slide, paragraphs))
}

enum Found {
    Own(Text),
    /// A text of the list of slides, by its number there.
    Outline(usize),
    Comment(String),
}

fn for_each_text(record: Record<'_>, take: &mut dyn FnMut(Found)) {
    const COMMENT_TEXT: u16 = 1;
    let mut texts = Texts::default();
    let mut is_furniture = false;
    let mut in_comment = false;
    for record in record.descendants() {
        match record.kind {
            kinds::SHAPE => {
                is_furniture = false;
                texts = Texts::default();
            }
            // Date, number, footer and header, which are the same on every slide.
            kinds::PLACEHOLDER => {
                is_furniture = matches!(record.content.get(4), Some(7..=10));
            }
            kinds::OUTLINE_TEXT if !is_furniture => {
                if let Some(index) = size_at(record.content, 0) {
                    take(Found::Outline(index));
                }
            }
            kinds::COMMENT => in_comment = true,
            kinds::COMMENT_ATOM => in_comment = false,
            // The others are the author's name and initials.
            kinds::STRING if in_comment && record.instance == COMMENT_TEXT => {
                take(Found::Comment(wide(record.content)));
            }
            _ => {
                if let Some(text) = texts.take(&record).filter(|_| !is_furniture) {
                    take(Found::Own(text));
                }
            }
        }
    }
}

/// Writes whatever is text, for a stream whose directory is lost.
fn write_all_texts(flow: &mut Flow, stream: &[u8]) {
    let mut texts = Texts::default();
    for record in Descendants::of(stream) {
        if flow.is_full() {
            return;
        }
        if let Some(text) = texts.take(&record) {
            for paragraph in text.paragraphs(false) {
                flow.paragraph(paragraph);
            }
        }
    }
}

#[cfg(test)]
mod tests;
