//! Word 6 to 2003. The text lies in pieces all over one stream, in bytes or in UTF-16; another stream has the table
//! that orders the pieces, and where paragraphs and characters get what they look like.

mod formatting;
mod lists;
mod pieces;
mod styles;

use std::collections::HashSet;
use std::ops::Range;

use super::super::flow::{Flow, Paragraph};
use super::super::{Extracted, Outcome};
use super::docx::comment_start;
use super::docx::numbering::{Counters, Numbering};
use super::numerals::Numerals;
use super::{damaged, summary};
use crate::compound::{Compound, size_at, u16_at};
use crate::{SkipReason, title};
use formatting::{Characters, Look, Paragraphs};
use pieces::Pieces;
use styles::Styles;

/// Fields within fields, beyond which what they hold is taken for text.
const MAX_FIELDS: usize = 64;

/// The places of what is needed of the header (FIB) of the main stream.
mod header {
    pub(super) const MAGIC: u16 = 0xA5EC;
    /// That of Word 6 and 95.
    pub(super) const OLD_MAGIC: u16 = 0xA5DC;
    pub(super) const FLAGS_AT: usize = 10;
    pub(super) const IS_ENCRYPTED: u16 = 1 << 8;
    pub(super) const HAS_SECOND_TABLE: u16 = 1 << 9;
    /// Characters of the text, the footnotes, the headers, the macros, the comments, the endnotes and the text boxes.
    pub(super) const LENGTHS_AT: usize = 0x4C;
    /// Places and lengths of tables in the table stream, eight bytes each.
    pub(super) const TABLES_AT: usize = 0x9A;

    /// In Word 6 and 95: where the text begins, its characters, and the place and length of the table of its pieces.
    pub(super) const OLD_TEXT_AT: usize = 0x18;
    pub(super) const OLD_LENGTHS_AT: usize = 0x34;
    pub(super) const OLD_PIECES_AT: usize = 0x160;
}

/// Tables by their number in the header.
#[derive(Clone, Copy)]
enum Table {
    Styles = 1,
    FootnoteReferences = 2,
    Footnotes = 3,
    CommentReferences = 4,
    Comments = 5,
    Headers = 11,
    CharacterPages = 12,
    ParagraphPages = 13,
    Pieces = 33,
    EndnoteReferences = 46,
    Endnotes = 47,
    Lists = 73,
    ListOverrides = 74,
}

pub(super) fn extract(bytes: &[u8], limit_bytes: u64) -> Result<Extracted, Outcome> {
    let file = Compound::open(bytes).map_err(|detail| damaged("doc", detail))?;
    let main =
        file.stream("WordDocument").ok_or_else(|| damaged("doc", "it has no main stream"))?;
    let number = |at| u16_at(&main, at).unwrap_or(0);
    let flags = number(header::FLAGS_AT);
    if flags & header::IS_ENCRYPTED != 0 {
        return Err(Outcome::Skipped(SkipReason::Encrypted));
    }
    let properties = summary::properties(&file);
    let reader = match number(0) {
        header::MAGIC => {
            let names = match flags & header::HAS_SECOND_TABLE {
                0 => ["0Table", "1Table"],
                _ => ["1Table", "0Table"],
            };
            // Where the one that is named is missing, the other is better than none.
            let tables = names.iter().find_map(|name| file.stream(name));
            Reader::new(&main, tables.unwrap_or_default())?
        }
        header::OLD_MAGIC => Reader::old(&main)?,
        magic => return Err(damaged("doc", format!("it begins with {magic:#x}"))),
    };
    let mut extracted = reader.read(limit_bytes);
    properties.put_on(&mut extracted, None);
    extracted.title = extracted.title.or_else(|| title::from_first_line(&extracted.text));
    Ok(extracted)
}

/// The parts of the text, in the order in which they follow one another.
#[derive(Clone, Copy)]
enum Part {
    Text = 0,
    Footnotes = 1,
    Headers = 2,
    Comments = 4,
    Endnotes = 5,
    TextBoxes = 6,
}

struct Reader<'a> {
    main: &'a [u8],
    tables: Vec<u8>,
    /// Where the lengths of the parts of the text stand.
    lengths_at: usize,
    pieces: Pieces,
    paragraphs: Paragraphs,
    characters: Characters,
    styles: Styles,
    numbering: Numbering,
}

impl<'a> Reader<'a> {
    fn new(main: &'a [u8], tables: Vec<u8>) -> Result<Self, Outcome> {
        let table = |table| table_of(main, &tables, table);
        let pieces = Pieces::read(table(Table::Pieces), main.len())
            .ok_or_else(|| damaged("doc", "the table of its text is lost"))?;
        let paragraphs = Paragraphs::read(main, table(Table::ParagraphPages));
        let characters = Characters::read(main, table(Table::CharacterPages));
        let styles = Styles::read(table(Table::Styles));
        let numbering = lists::read(
            // The levels stand behind the table, and are not counted to it.
            tables.get(range_of_table(main, Table::Lists).start..).unwrap_or_default(),
            table(Table::ListOverrides),
        );
        let lengths_at = header::LENGTHS_AT;
        Ok(Self { main, tables, lengths_at, pieces, paragraphs, characters, styles, numbering })
    }

    /// For Word 6 and 95, of which the text is read and not what it looks like.
    fn old(main: &'a [u8]) -> Result<Self, Outcome> {
        let number = |at| size_at(main, at).unwrap_or(0);
        let at = header::OLD_PIECES_AT;
        let table = main.get(number(at)..).and_then(|table| table.get(..number(at + 4)));
        let length = number(header::OLD_LENGTHS_AT);
        let pieces = Pieces::read_old(table.unwrap_or_default(), main.len())
            .unwrap_or_else(|| Pieces::of_run(number(header::OLD_TEXT_AT), length, main.len()));
        Ok(Self {
            main,
            tables: Vec::new(),
            lengths_at: header::OLD_LENGTHS_AT,
            pieces,
            paragraphs: Paragraphs::default(),
            characters: Characters::default(),
            styles: Styles::default(),
            numbering: Numbering::default(),
        })
    }

    fn read(&self, limit_bytes: u64) -> Extracted {
        let mut flow = Flow::new(limit_bytes);
        let notes = [
            (Part::Footnotes, Table::FootnoteReferences, Table::Footnotes, 2),
            (Part::Endnotes, Table::EndnoteReferences, Table::Endnotes, 2),
            (Part::Comments, Table::CommentReferences, Table::Comments, 30),
        ];
        let mut behind = Vec::new();
        for (part, references, texts, data_bytes) in notes {
            behind.extend(self.notes(part, references, texts, data_bytes));
        }
        behind.sort_by_key(|note| note.at);
        let mut behind = behind.into_iter().peekable();
        self.write(&mut flow, self.part(Part::Text), &mut |flow, end| {
            while let Some(note) = behind.next_if(|note| note.at < end) {
                let mut content = self.content(note.text);
                if let Some(first) = content.first_mut() {
                    first.prepend(&note.start);
                }
                flow.behind(content);
            }
        });
        for paragraph in self.content(self.part(Part::TextBoxes)).into_iter().chain(self.headers())
        {
            flow.paragraph(paragraph);
        }
        flow.finish()
    }

    /// Headers and footers of all sections, each that is the same as one before it left out.
    fn headers(&self) -> Vec<Paragraph> {
        /// Before them stand the lines that divide notes from text.
        const FIRST: usize = 6;
        let table = table_of(self.main, &self.tables, Table::Headers);
        let whole = self.part(Part::Headers);
        let mut headers = Vec::new();
        let mut seen = HashSet::new();
        for index in FIRST..(table.len() / 4).saturating_sub(1) {
            let Some(text) = text_between(table, index, &whole) else { break };
            let content = self.content(text);
            let words: String = content.iter().map(Paragraph::text).collect();
            // Often no more than the number of a page.
            if !title::is_number(&words) && seen.insert(words) {
                headers.extend(content);
            }
        }
        headers
    }

    /// Where a part of the text begins and ends, in characters.
    fn part(&self, part: Part) -> Range<usize> {
        let length = |index| size_at(self.main, self.lengths_at + index * 4).unwrap_or(0);
        let start = (0..part as usize).map(length).fold(0, usize::saturating_add);
        start..start.saturating_add(length(part as usize))
    }

    /// Notes and where they are referred to.
    fn notes(&self, part: Part, references: Table, texts: Table, data_bytes: usize) -> Vec<Note> {
        let references = table_of(self.main, &self.tables, references);
        let texts = table_of(self.main, &self.tables, texts);
        let whole = self.part(part);
        // One more place than there are notes stands before what belongs to each.
        let count = references.len().saturating_sub(4) / (4 + data_bytes);
        (0..count)
            .map_while(|index| {
                let text = text_between(texts, index, &whole)?;
                let at = size_at(references, index * 4)?;
                let number = index as u32 + 1;
                let start = match part {
                    Part::Footnotes => format!("[{number}] "),
                    Part::Endnotes => format!("[{}] ", Numerals::LowerRoman.write(number)),
                    _ => comment_start(""),
                };
                Some(Note { at, start, text })
            })
            .collect()
    }

    /// The paragraphs of a part of the text that stands apart.
    fn content(&self, range: Range<usize>) -> Vec<Paragraph> {
        let mut flow = Flow::new(u64::MAX);
        flow.open_frame();
        self.write(&mut flow, range, &mut |_, _| ());
        flow.close_frame()
    }

    /// The number before a paragraph. One without words is not counted.
    fn label(&self, counters: &mut Counters, look: Look, paragraph: &Paragraph) -> Option<String> {
        let item = look.item.or(self.styles.item(look.style));
        let list = item.list.filter(|&list| list != 0 && !paragraph.is_empty())?.to_string();
        // There are no styles that stand for lists.
        let styles = super::docx::styles::Styles::default();
        counters.next(&self.numbering, &styles, &list, item.level.unwrap_or(0))
    }

    /// Writes a part of the text. `at_end` is called with the end of each paragraph before it is taken in.
    fn write(
        &self,
        flow: &mut Flow,
        range: Range<usize>,
        at_end: &mut dyn FnMut(&mut Flow, usize),
    ) {
        let mut paragraph = Paragraph::default();
        let mut fields = Fields::default();
        let mut in_table = false;
        let mut in_cell = false;
        let mut counters = Counters::default();
        for (at, character, place) in self.pieces.characters(self.main, range) {
            if flow.is_full() {
                return;
            }
            let is_end = matches!(character, '\r' | '\u{7}' | '\u{C}');
            if !is_end {
                if !self.characters.is_hidden(place) && fields.is_shown(character) {
                    push(&mut paragraph, character);
                }
                continue;
            }
            let look = self.paragraphs.at(place);
            if look.in_table && !in_table {
                flow.open_table();
                in_table = true;
            } else if !look.in_table && in_table {
                flow.close_table();
                (in_table, in_cell) = (false, false);
            }
            at_end(flow, at + 1);
            if look.is_row_end {
                paragraph = Paragraph::default();
                flow.close_row(false);
                in_cell = false;
                continue;
            }
            if in_table && !in_cell {
                flow.open_cell();
                in_cell = true;
            }
            let level = look.outline_level.or_else(|| self.styles.outline_level(look.style));
            paragraph.heading = level.filter(|_| !in_table).map(|level| level + 1);
            paragraph.label = self.label(&mut counters, look, &paragraph);
            if paragraph.label.is_none() {
                paragraph.take_label();
            }
            flow.paragraph(std::mem::take(&mut paragraph));
            if character == '\u{7}' && in_table {
                flow.close_cell();
                in_cell = false;
            }
        }
        flow.paragraph(paragraph);
        if in_table {
            flow.close_table();
        }
    }
}

/// A table of the table stream; empty where it is not all there.
fn table_of<'a>(main: &[u8], tables: &'a [u8], table: Table) -> &'a [u8] {
    tables.get(range_of_table(main, table)).unwrap_or_default()
}

fn range_of_table(main: &[u8], table: Table) -> Range<usize> {
    let at = header::TABLES_AT + table as usize * 8;
    let number = |at| size_at(main, at).unwrap_or(0);
    // A table of no length is none, wherever it claims to be.
    match (number(at), number(at + 4)) {
        (_, 0) => usize::MAX..usize::MAX,
        (start, length) => start..start.saturating_add(length),
    }
}

/// The text between two places of a table, in a part of the text. `None` where they do not follow one another: so no
/// more text is between all of them than the part has.
fn text_between(places: &[u8], index: usize, part: &Range<usize>) -> Option<Range<usize>> {
    let (from, to) = (size_at(places, index * 4)?, size_at(places, index * 4 + 4)?);
    let place = |at: usize| part.start.saturating_add(at).min(part.end);
    (from <= to).then(|| place(from)..place(to))
}

/// What is written beside the text.
struct Note {
    /// The character that refers to it.
    at: usize,
    start: String,
    text: Range<usize>,
}

fn push(paragraph: &mut Paragraph, character: char) {
    match character {
        // A line end within the paragraph, and the end of a column.
        '\u{B}' | '\u{E}' => paragraph.line_break(),
        '\u{1E}' => paragraph.push("-"),
        // Places of pictures, drawings, notes and comments are other control characters, which are dropped.
        character => paragraph.push(character.encode_utf8(&mut [0; 4])),
    }
}

/// Fields, of which only what they come to is text: it stands between the second mark and the third.
#[derive(Default)]
struct Fields {
    /// For each field that is open, whether its result has begun.
    open: Vec<bool>,
}

impl Fields {
    fn is_shown(&mut self, character: char) -> bool {
        match character {
            '\u{13}' => {
                if self.open.len() < MAX_FIELDS {
                    self.open.push(false);
                }
                false
            }
            '\u{14}' => {
                if let Some(last) = self.open.last_mut() {
                    *last = true;
                }
                false
            }
            '\u{15}' => {
                self.open.pop();
                false
            }
            _ => self.open.iter().all(|&has_result| has_result),
        }
    }
}

#[cfg(test)]
mod tests;
