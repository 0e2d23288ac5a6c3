//! RTF: control words among bytes of text.
//!
//! Tracked changes are read as if they were accepted. Numbers of lists stand in the file. A note or
//! comment stands behind the paragraph that refers to it, headers and footers once at the end.

mod charset;
mod scan;
mod state;

use std::collections::HashMap;

use super::Extracted;
use super::flow::{Flow, Paragraph};
use super::office::comment_start;
use crate::headings::find_headings;
use crate::title;
use charset::Charset;
pub(super) use charset::code_page;
use scan::{Scanner, Token};
use state::{Destination, Frame, Group};

/// Groups are nested by what is nested in the document; no program goes this far.
const MAX_DEPTH: usize = 1000;

pub(super) fn extract(bytes: &[u8], limit_bytes: u64) -> Extracted {
    let mut reader = Reader::new(limit_bytes);
    let is_too_deep = reader.read(bytes);
    let mut extracted = reader.finish();
    if is_too_deep {
        extracted.warnings.push("groups are nested too deeply, the rest was left out".to_owned());
    }
    extracted
}

struct Reader {
    flow: Flow,
    group: Group,
    outer: Vec<Group>,
    /// Bytes of text that wait for the rest of their character.
    bytes: Vec<u8>,
    /// The first half of a character of two 16-bit units.
    surrogate: Option<u16>,
    /// Characters to pass over, which stand in for the one before in programs without Unicode.
    fallback_left: u32,
    /// The next control word names a destination that may be passed over.
    is_optional: bool,
    default_charset: Charset,
    default_font: Option<i32>,
    fonts: HashMap<i32, Charset>,
    styles: HashMap<i32, Style>,
    /// The style that is being defined.
    defined: Style,
    /// The words of a destination that are no part of the text.
    words: String,
    paragraph: Paragraph,
    cell: Vec<Paragraph>,
    row: Vec<Vec<Paragraph>>,
    /// What was at hand when each note or text box began.
    suspended: Vec<Suspended>,
    notes: u32,
    comment_author: String,
    headers: Vec<Paragraph>,
    own_title: Option<String>,
    title: Option<String>,
    author: Option<String>,
    created: Date,
    revised: Date,
}

#[derive(Debug, Default, Clone)]
struct Style {
    name: String,
    /// From 0.
    outline_level: Option<i32>,
}

#[derive(Default)]
struct Suspended {
    paragraph: Paragraph,
    cell: Vec<Paragraph>,
    row: Vec<Vec<Paragraph>>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Date {
    year: i32,
    month: i32,
    day: i32,
}

impl Date {
    fn written(self) -> Option<String> {
        let Self { year, month, day } = self;
        let is_date =
            (1970..=2200).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
        is_date.then(|| format!("{year:04}-{month:02}-{day:02}"))
    }
}

impl Reader {
    fn new(limit_bytes: u64) -> Self {
        Self {
            flow: Flow::new(limit_bytes),
            group: Group::default(),
            outer: Vec::new(),
            bytes: Vec::new(),
            surrogate: None,
            fallback_left: 0,
            is_optional: false,
            default_charset: Charset::Encoding(encoding_rs::WINDOWS_1252),
            default_font: None,
            fonts: HashMap::new(),
            styles: HashMap::new(),
            defined: Style::default(),
            words: String::new(),
            paragraph: Paragraph::default(),
            cell: Vec::new(),
            row: Vec::new(),
            suspended: Vec::new(),
            notes: 0,
            comment_author: String::new(),
            headers: Vec::new(),
            own_title: None,
            title: None,
            author: None,
            created: Date::default(),
            revised: Date::default(),
        }
    }

    /// Reads up to the end of the outermost group; true when it is nested too deeply.
    fn read(&mut self, bytes: &[u8]) -> bool {
        let mut scanner = Scanner::new(bytes);
        while let Some(token) = scanner.next() {
            match token {
                Token::Open => {
                    self.flush();
                    self.fallback_left = 0;
                    if self.outer.len() == MAX_DEPTH {
                        return true;
                    }
                    self.outer.push(self.group.clone());
                    self.group.frame = None;
                    self.group.is_destination = false;
                }
                Token::Close => {
                    self.close_group();
                    if self.outer.is_empty() {
                        break;
                    }
                }
                Token::Byte(byte) => self.byte(byte),
                Token::Symbol(symbol) => self.symbol(symbol),
                Token::Word(word, number) => {
                    if word == b"bin" {
                        scanner.skip(usize::try_from(number.unwrap_or(0)).unwrap_or(0));
                        continue;
                    }
                    self.word(word, number);
                }
            }
            if self.flow.is_full() {
                break;
            }
        }
        false
    }

    fn finish(mut self) -> Extracted {
        while !self.outer.is_empty() {
            self.close_group();
        }
        self.flush();
        self.end_paragraph();
        self.end_row();
        for paragraph in std::mem::take(&mut self.headers) {
            self.flow.paragraph(paragraph);
        }
        let mut extracted = self.flow.finish();
        if extracted.headings.is_empty() {
            extracted.headings = find_headings(&extracted.text);
        }
        extracted.title = self
            .own_title
            .and_then(|title| title::clean(&title))
            .or(self.title)
            .or_else(|| title::from_first_line(&extracted.text));
        extracted.author = self.author;
        extracted.dated = self.revised.written().or_else(|| self.created.written());
        extracted
    }

    fn close_group(&mut self) {
        self.flush();
        self.fallback_left = 0;
        let outer = self.outer.pop().unwrap_or_default();
        let closed = std::mem::replace(&mut self.group, outer);
        if let Some(frame) = closed.frame {
            self.close_frame(frame);
        }
        if !closed.is_destination {
            // Each style of the style sheet stands in a group of its own.
            if closed.destination == Destination::StyleSheet {
                self.define_style(closed.style);
            }
            return;
        }
        match closed.destination {
            Destination::StyleSheet => self.words.clear(),
            Destination::Title => self.title = title::from_properties(&self.words),
            Destination::Author => self.author = super::office::author(&self.words),
            Destination::CommentAuthor => self.comment_author = std::mem::take(&mut self.words),
            Destination::Label => {
                // Bullets are letters of symbol fonts.
                let label = self.words.trim();
                let is_number = label.contains(char::is_alphanumeric) && label.len() <= 40;
                self.paragraph.label = Some(if is_number { label } else { "-" }.to_owned());
                self.paragraph.list_level = usize::try_from(closed.list_level).unwrap_or(0);
            }
            _ => {}
        }
    }

    fn define_style(&mut self, number: i32) {
        let mut style = std::mem::take(&mut self.defined);
        style.name = std::mem::take(&mut self.words).trim().trim_end_matches(';').to_lowercase();
        if style.outline_level.is_none()
            && let Some(("heading", level)) = style.name.split_once(' ')
        {
            style.outline_level = level.parse().ok().map(|level: i32| level.saturating_sub(1));
        }
        self.styles.insert(number, style);
    }

    fn byte(&mut self, byte: u8) {
        if self.fallback_left > 0 {
            self.fallback_left -= 1;
        } else if self.group.destination.takes_text() && !self.group.is_hidden() {
            self.bytes.push(byte);
        }
    }

    /// Writes the bytes that wait, in the encoding of the font at hand.
    fn flush(&mut self) {
        if self.bytes.is_empty() {
            return;
        }
        let bytes = std::mem::take(&mut self.bytes);
        match self.charset() {
            Charset::Symbol => {}
            Charset::Encoding(encoding) => {
                let (text, _) = encoding.decode_without_bom_handling(&bytes);
                self.text(&text);
            }
        }
    }

    fn charset(&self) -> Charset {
        let by_font = self.group.font.and_then(|font| self.fonts.get(&font));
        by_font.copied().unwrap_or(self.default_charset)
    }

    fn text(&mut self, text: &str) {
        if self.group.is_hidden() {
            return;
        }
        match self.group.destination {
            Destination::Text => self.paragraph.push(text),
            destination if destination.takes_text() => self.words.push_str(text),
            _ => {}
        }
    }

    fn symbol(&mut self, symbol: u8) {
        match symbol {
            b'*' => self.is_optional = true,
            b'~' => self.plain_text(" "),
            b'_' => self.plain_text("-"),
            b'{' | b'}' | b'\\' => self.byte(symbol),
            b'\n' | b'\r' => self.word(b"par", None),
            // Where a word may be divided, and marks of index entries.
            _ => {}
        }
    }

    fn plain_text(&mut self, text: &str) {
        self.flush();
        if self.fallback_left > 0 {
            self.fallback_left -= 1;
        } else {
            self.text(text);
        }
    }

    fn word(&mut self, word: &[u8], number: Option<i32>) {
        if word == b"'" {
            return self.byte(number.unwrap_or(0) as u8);
        }
        let is_optional = std::mem::take(&mut self.is_optional);
        self.flush();
        if self.destination(word, is_optional) {
            return;
        }
        let value = number.unwrap_or(0);
        let is_on = number != Some(0);
        match word {
            b"u" => self.unicode(value),
            b"uc" => self.group.fallback = u32::try_from(value).unwrap_or(1),
            b"ansi" => self.default_charset = Charset::Encoding(encoding_rs::WINDOWS_1252),
            b"mac" => self.default_charset = Charset::Encoding(encoding_rs::MACINTOSH),
            b"ansicpg" => self.set_code_page(value),
            b"deff" => {
                self.default_font = number;
                self.group.font = number;
            }
            b"f" => self.group.font = Some(value),
            b"fcharset" if self.group.destination == Destination::FontTable => {
                if let (Some(font), Some(charset)) = (self.group.font, Charset::of_font(value)) {
                    self.fonts.insert(font, charset);
                }
            }
            b"cpg" if self.group.destination == Destination::FontTable => {
                if let (Some(font), Some(encoding)) = (self.group.font, charset::code_page(value)) {
                    self.fonts.insert(font, Charset::Encoding(encoding));
                }
            }
            b"s" => self.group.style = value,
            b"outlinelevel" => {
                if self.group.destination == Destination::StyleSheet {
                    self.defined.outline_level = Some(value);
                } else {
                    self.group.outline_level = Some(value);
                }
            }
            b"ilvl" => self.group.list_level = value,
            b"v" => self.group.is_invisible = is_on,
            b"deleted" => self.group.is_deleted = is_on,
            b"plain" => {
                self.group.font = self.default_font;
                self.group.is_invisible = false;
                self.group.is_deleted = false;
            }
            b"pard" => self.group.reset_paragraph(),
            b"intbl" => self.group.in_table = true,
            b"itap" => self.group.in_table = value > 0,
            b"yr" | b"mo" | b"dy" => self.date(word[0], value),
            _ if self.group.destination != Destination::Text => {
                if let Some(text) = character(word) {
                    self.text(text);
                }
            }
            // A paragraph ends whether or not what stands in it is to be seen.
            b"par" | b"sect" => self.end_paragraph(),
            b"cell" => self.end_cell(),
            b"nestcell" => self.end_nested_cell(),
            b"row" => self.end_row(),
            b"line" | b"softline" | b"page" | b"column" if !self.group.is_hidden() => {
                self.paragraph.line_break();
            }
            b"tab" if !self.group.is_hidden() => self.paragraph.tab(),
            word => {
                if let Some(text) = character(word) {
                    self.text(text);
                }
            }
        }
    }

    /// Enters a destination, if the word names one; true where nothing else is to be done.
    fn destination(&mut self, word: &[u8], is_optional: bool) -> bool {
        if self.group.destination == Destination::Skipped {
            return true;
        }
        let Some(destination) = state::destination(word, self.group.destination) else {
            if is_optional {
                self.group.enter(Destination::Skipped);
            }
            return is_optional;
        };
        if let Some(frame) = Frame::of(word) {
            self.open_frame(frame);
        }
        if destination.takes_text() && destination != Destination::Text {
            self.words.clear();
        }
        self.group.enter(destination);
        true
    }

    fn set_code_page(&mut self, page: i32) {
        if let Some(encoding) = charset::code_page(page) {
            self.default_charset = Charset::Encoding(encoding);
        }
    }

    fn unicode(&mut self, value: i32) {
        self.fallback_left = self.group.fallback;
        // Values above 32,767 are written as negative ones.
        let unit = (value & 0xFFFF) as u16;
        let first = self.surrogate.take();
        let character = match (first, unit) {
            (_, 0xD800..=0xDBFF) => {
                self.surrogate = Some(unit);
                return;
            }
            (Some(first), 0xDC00..=0xDFFF) => {
                char::decode_utf16([first, unit]).next().and_then(Result::ok)
            }
            _ if value > 0xFFFF => u32::try_from(value).ok().and_then(char::from_u32),
            _ => char::from_u32(u32::from(unit)),
        };
        if let Some(c) = character {
            self.text(c.encode_utf8(&mut [0; 4]));
        }
    }

    fn date(&mut self, part: u8, value: i32) {
        let date = match self.group.destination {
            Destination::Created => &mut self.created,
            Destination::Revised => &mut self.revised,
            _ => return,
        };
        match part {
            b'y' => date.year = value,
            b'm' => date.month = value,
            _ => date.day = value,
        }
    }

    fn end_paragraph(&mut self) {
        let mut paragraph = std::mem::take(&mut self.paragraph);
        let style = self.styles.get(&self.group.style);
        let level = self.group.outline_level.or(style.and_then(|style| style.outline_level));
        paragraph.heading =
            level.filter(|level| (0..9).contains(level)).map(|level| level as u8 + 1);
        if paragraph.label.is_none() {
            paragraph.take_label();
        }
        if self.own_title.is_none()
            && !paragraph.is_empty()
            && style.is_some_and(|style| style.name == "title")
        {
            self.own_title = Some(paragraph.text().to_owned());
        }
        if self.group.in_table {
            self.cell.push(paragraph);
        } else {
            if !self.row.is_empty() || !self.cell.is_empty() {
                self.end_row();
            }
            self.flow.paragraph(paragraph);
        }
    }

    fn end_cell(&mut self) {
        self.end_nested_cell();
        self.row.push(std::mem::take(&mut self.cell));
    }

    /// The cells of a table within a table are paragraphs of the outer cell.
    fn end_nested_cell(&mut self) {
        let in_table = std::mem::replace(&mut self.group.in_table, true);
        self.end_paragraph();
        self.group.in_table = in_table;
    }

    fn end_row(&mut self) {
        let last = std::mem::take(&mut self.cell);
        if !last.is_empty() {
            self.row.push(last);
        }
        let row = std::mem::take(&mut self.row);
        if !row.is_empty() {
            self.flow.row(row);
        }
    }

    fn open_frame(&mut self, frame: Frame) {
        self.group.frame = Some(frame);
        self.group.reset_paragraph();
        self.suspended.push(Suspended {
            paragraph: std::mem::take(&mut self.paragraph),
            cell: std::mem::take(&mut self.cell),
            row: std::mem::take(&mut self.row),
        });
        self.flow.open_frame();
    }

    fn close_frame(&mut self, frame: Frame) {
        // The paragraph's properties are gone with the group; what ends here is text.
        let paragraph = std::mem::take(&mut self.paragraph);
        self.flow.paragraph(paragraph);
        self.end_row();
        let mut content = self.flow.close_frame();
        let Suspended { paragraph, cell, row } = self.suspended.pop().unwrap_or_default();
        (self.paragraph, self.cell, self.row) = (paragraph, cell, row);
        match frame {
            Frame::Note => {
                self.notes += 1;
                if let Some(first) = content.first_mut() {
                    first.prepend(&format!("[{}] ", self.notes));
                }
            }
            Frame::Comment => {
                let author = std::mem::take(&mut self.comment_author);
                if let Some(first) = content.first_mut() {
                    first.prepend(&comment_start(&author));
                }
            }
            Frame::TextBox => {}
            Frame::Header => {
                content.retain(|paragraph| {
                    paragraph.text().contains(char::is_alphabetic)
                        && self.headers.iter().all(|header| header.text() != paragraph.text())
                });
                for mut paragraph in content {
                    paragraph.heading = None;
                    self.headers.push(paragraph);
                }
                return;
            }
        }
        self.flow.behind(content);
    }
}

/// The character that a control word stands for.
fn character(word: &[u8]) -> Option<&'static str> {
    Some(match word {
        b"emdash" => "—",
        b"endash" => "–",
        b"lquote" => "‘",
        b"rquote" => "’",
        b"ldblquote" => "“",
        b"rdblquote" => "”",
        b"bullet" => "•",
        b"emspace" | b"enspace" | b"qmspace" | b"tab" => " ",
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
