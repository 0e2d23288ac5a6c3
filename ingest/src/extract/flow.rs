//! The text of a document that is made of paragraphs, tables and pages.

use super::Extracted;
use crate::Heading;

/// A longer paragraph is no heading, whatever its style says.
const HEADING_BYTES: usize = 400;
/// Items of a list stand on neighbouring lines while they are no longer than this, else apart.
const SHORT_ITEM_BYTES: usize = 160;
/// A row stands on one line, its cells divided by tabs, unless cells of several paragraphs make it
/// longer than this: tables that only serve to lay out a page hold whole letters.
const ROW_BYTES: usize = 600;

/// A paragraph as it is being read.
#[derive(Debug, Default, Clone)]
pub(super) struct Paragraph {
    text: String,
    /// Places in the text where a new page starts.
    page_breaks: Vec<usize>,
    /// From 1 for the outermost level, when it is a heading.
    pub(super) heading: Option<u8>,
    /// The number before it, or `-`, when it is an item of a list.
    pub(super) label: Option<String>,
    /// How deep the list is within other lists, from 0.
    pub(super) list_level: usize,
    /// It is a row of a table.
    is_row: bool,
}

impl Paragraph {
    /// A paragraph of these words.
    pub(super) fn of(words: &str) -> Self {
        let mut paragraph = Self::default();
        paragraph.push(words);
        paragraph
    }

    /// A heading of these words.
    pub(super) fn heading(level: u8, words: &str) -> Self {
        Self { heading: Some(level), ..Self::of(words) }
    }

    /// Adds characters. White space is collapsed; characters that are only there for the layout
    /// are left out, since they would hide a word from a search.
    pub(super) fn push(&mut self, characters: &str) {
        for c in characters.chars() {
            match c {
                // Soft hyphen; zero-width space, joiner and byte order mark; marks of direction.
                '\u{AD}' | '\u{200B}' | '\u{2060}' | '\u{FEFF}' | '\u{200E}' | '\u{200F}' => {}
                // The hyphen at which no line is broken.
                '\u{2011}' => self.text.push('-'),
                '\t' => self.tab(),
                // A line end of old word processors.
                '\u{B}' => self.line_break(),
                // Symbol fonts have letters of their own, which mean nothing without the font.
                '\u{E000}'..='\u{F8FF}' => {}
                c if c.is_whitespace() => self.space(),
                c if c.is_control() => {}
                c => self.text.push(c),
            }
        }
    }

    /// Adds a space, unless white space stands there already.
    pub(super) fn space(&mut self) {
        if !self.text.is_empty() && !self.text.ends_with([' ', '\n', '\t']) {
            self.text.push(' ');
        }
    }

    /// Adds a tabulator, unless at the start.
    pub(super) fn tab(&mut self) {
        self.trim_spaces();
        if !self.text.is_empty() && !self.text.ends_with('\n') {
            self.text.push('\t');
        }
    }

    /// Ends the line, not the paragraph.
    pub(super) fn line_break(&mut self) {
        while self.text.ends_with([' ', '\t']) {
            self.text.pop();
        }
        if !self.text.is_empty() {
            self.text.push('\n');
        }
    }

    /// A new page starts here.
    pub(super) fn page_break(&mut self) {
        self.page_breaks.push(self.text.len());
    }

    /// Whether nothing that can be seen has been written.
    pub(super) fn is_empty(&self) -> bool {
        self.text.trim().is_empty()
    }

    /// The words so far.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Bytes of text.
    pub(super) fn len(&self) -> usize {
        self.text.len()
    }

    /// Puts words before those that are there.
    pub(super) fn prepend(&mut self, words: &str) {
        self.text.insert_str(0, words);
        for page_break in &mut self.page_breaks {
            *page_break += words.len();
        }
    }

    /// Makes a bullet or number that was written as text, with a tabulator behind it, the label.
    pub(super) fn take_label(&mut self) {
        /// Longer beginnings are words.
        const LABEL_BYTES: usize = 12;
        let Some((before, _)) = self.text.split_once('\t') else { return };
        let is_bullet = matches!(before, "•" | "·" | "–" | "—" | "-" | "*" | "o" | "▪" | "◦");
        let is_number = before.len() <= LABEL_BYTES
            && !before.contains(char::is_whitespace)
            && before.contains(char::is_alphanumeric)
            && before.ends_with(['.', ')']);
        if is_bullet || is_number {
            let label = if is_bullet { "-" } else { before }.to_owned();
            let taken = before.len() + 1;
            self.text.drain(..taken);
            for page_break in &mut self.page_breaks {
                *page_break = page_break.saturating_sub(taken);
            }
            self.label = Some(label);
        }
    }

    fn trim_spaces(&mut self) {
        while self.text.ends_with(' ') {
            self.text.pop();
        }
    }

    fn is_heading(&self) -> bool {
        self.heading.is_some() && self.text.len() <= HEADING_BYTES
    }
}

/// Writes paragraphs behind one another. Tables may be nested, and within a paragraph there may be
/// others, in text boxes and notes, which are written behind what is at hand.
#[derive(Debug)]
pub(super) struct Flow {
    text: String,
    headings: Vec<Heading>,
    pages: Vec<usize>,
    /// Pages that start with the next word.
    pages_due: usize,
    last: Last,
    limit_bytes: usize,
    /// The document itself, and within it whatever is read apart.
    frames: Vec<Frame>,
}

/// What was written last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Last {
    Other,
    Row,
    ShortItem,
}

/// Paragraphs that are kept together.
#[derive(Debug, Default)]
struct Frame {
    tables: Vec<Table>,
    /// The content, for any but the document itself, whose content is written at once.
    content: Vec<Paragraph>,
    /// What is to come behind the paragraph or table at hand.
    behind: Vec<Paragraph>,
}

#[derive(Debug, Default)]
struct Table {
    cells: Vec<Vec<Paragraph>>,
    /// Between the start and the end of a cell.
    in_cell: bool,
}

impl Flow {
    /// Stops taking in text once there are more bytes than this.
    pub(super) fn new(limit_bytes: u64) -> Self {
        Self {
            text: String::new(),
            headings: Vec::new(),
            pages: Vec::new(),
            pages_due: 0,
            last: Last::Other,
            limit_bytes: usize::try_from(limit_bytes).unwrap_or(usize::MAX),
            frames: vec![Frame::default()],
        }
    }

    /// Whether there is more text than may be; the rest need not be read.
    pub(super) fn is_full(&self) -> bool {
        self.text.len() > self.limit_bytes
    }

    /// Whether any word has been written.
    pub(super) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// A new page starts with the next word.
    pub(super) fn begin_page(&mut self) {
        self.pages_due += 1;
    }

    /// Takes in a paragraph that is complete.
    pub(super) fn paragraph(&mut self, paragraph: Paragraph) {
        let is_document = self.frames.len() == 1;
        let frame = self.frame();
        if let Some(table) = frame.tables.last_mut() {
            // What stands in a table outside of its cells, such as its caption, is kept.
            match table.cells.last_mut() {
                Some(cell) if table.in_cell => cell.push(paragraph),
                _ => table.cells.push(vec![paragraph]),
            }
        } else if is_document {
            self.write(paragraph);
            self.write_behind();
        } else {
            frame.content.push(paragraph);
            let behind = std::mem::take(&mut frame.behind);
            frame.content.extend(behind);
        }
    }

    /// Takes in paragraphs that are to stand behind the paragraph or table at hand.
    pub(super) fn behind(&mut self, paragraphs: Vec<Paragraph>) {
        self.frame().behind.extend(paragraphs);
    }

    pub(super) fn open_table(&mut self) {
        self.frame().tables.push(Table::default());
    }

    pub(super) fn open_cell(&mut self) {
        if let Some(table) = self.frame().tables.last_mut() {
            table.cells.push(Vec::new());
            table.in_cell = true;
        }
    }

    pub(super) fn close_cell(&mut self) {
        if let Some(table) = self.frame().tables.last_mut() {
            table.in_cell = false;
        }
    }

    /// Ends a row; one that is left out gives no text.
    pub(super) fn close_row(&mut self, is_left_out: bool) {
        let Some(table) = self.frame().tables.pop() else { return };
        if !is_left_out {
            self.row(table.cells);
        }
        self.frame().tables.push(Table::default());
    }

    pub(super) fn close_table(&mut self) {
        if let Some(table) = self.frame().tables.pop() {
            self.row(table.cells);
        }
        if self.frames.len() == 1 && self.frame().tables.is_empty() {
            self.write_behind();
        }
    }

    /// Takes in a row of cells, without the need of an open table.
    pub(super) fn row(&mut self, cells: Vec<Vec<Paragraph>>) {
        let is_document = self.frames.len() == 1;
        for paragraph in row_paragraphs(cells) {
            let frame = self.frame();
            if let Some(Table { cells, in_cell: true }) = frame.tables.last_mut()
                && let Some(cell) = cells.last_mut()
            {
                cell.push(paragraph);
            } else if is_document {
                self.write(paragraph);
            } else {
                frame.content.push(paragraph);
            }
        }
    }

    /// Takes in a row whose cells are divided already.
    pub(super) fn line(&mut self, cells: Paragraph) {
        self.paragraph(Paragraph { is_row: true, ..cells });
    }

    /// From here to [`close_frame`](Self::close_frame), paragraphs are kept apart.
    pub(super) fn open_frame(&mut self) {
        self.frames.push(Frame::default());
    }

    /// Whether paragraphs are being kept apart.
    pub(super) fn is_in_frame(&self) -> bool {
        self.frames.len() > 1
    }

    /// The paragraphs since [`open_frame`](Self::open_frame), without the empty ones.
    pub(super) fn close_frame(&mut self) -> Vec<Paragraph> {
        while !self.frame().tables.is_empty() && self.is_in_frame() {
            self.close_table();
        }
        if !self.is_in_frame() {
            return Vec::new();
        }
        let frame = self.frames.pop().unwrap_or_default();
        let all = frame.content.into_iter().chain(frame.behind);
        all.filter(|paragraph| !paragraph.is_empty()).collect()
    }

    /// The document, as far as it is text; frames and tables that are open are closed.
    pub(super) fn finish(mut self) -> Extracted {
        while self.is_in_frame() {
            let content = self.close_frame();
            self.behind(content);
        }
        while !self.frame().tables.is_empty() {
            self.close_table();
        }
        self.write_behind();
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        let end = self.text.len();
        self.pages.extend(std::iter::repeat_n(end, self.pages_due));
        Extracted {
            text: self.text,
            headings: self.headings,
            pages: self.pages,
            ..Extracted::default()
        }
    }

    fn frame(&mut self) -> &mut Frame {
        if self.frames.is_empty() {
            self.frames.push(Frame::default());
        }
        let last = self.frames.len() - 1;
        &mut self.frames[last]
    }

    fn write_behind(&mut self) {
        for paragraph in std::mem::take(&mut self.frame().behind) {
            self.write(paragraph);
        }
    }

    fn write(&mut self, paragraph: Paragraph) {
        if self.is_full() {
            return;
        }
        if paragraph.is_empty() {
            self.pages_due += paragraph.page_breaks.len();
            return;
        }
        let is_heading = paragraph.is_heading();
        let is_short_item = paragraph.label.is_some()
            && !is_heading
            && paragraph.len() <= SHORT_ITEM_BYTES
            && !paragraph.text.contains('\n');
        let this = match (paragraph.is_row, is_short_item) {
            (true, _) => Last::Row,
            (_, true) => Last::ShortItem,
            _ => Last::Other,
        };
        if !self.text.is_empty() {
            let same = this == self.last && this != Last::Other;
            self.text.push_str(if same { "\n" } else { "\n\n" });
        }
        self.last = this;

        self.pages.extend(std::iter::repeat_n(self.text.len(), self.pages_due));
        self.pages_due = 0;
        let start = self.text.len();
        if let Some(label) = &paragraph.label {
            if label == "-" {
                self.text.push_str(&"  ".repeat(paragraph.list_level.min(8)));
            }
            self.text.push_str(label);
            self.text.push(' ');
        }
        let leading = paragraph.text.len() - paragraph.text.trim_start().len();
        let words = paragraph.text.trim();
        let words_start = self.text.len();
        if is_heading {
            self.text.extend(words.chars().map(|c| if c == '\n' { ' ' } else { c }));
        } else {
            self.text.push_str(words);
        }
        let end = self.text.len();
        for page_break in paragraph.page_breaks {
            match page_break.saturating_sub(leading) {
                // Before the first word: the number belongs to the new page, too.
                0 => self.pages.push(start),
                at if words_start + at >= end => self.pages_due += 1,
                at => self.pages.push(words_start + at),
            }
        }
        if let Some(level) = paragraph.heading.filter(|_| is_heading) {
            self.headings.push(Heading { bytes: start..end, level: level.clamp(1, 6) });
        }
    }
}

/// A row as one line, or as the paragraphs of its cells where they are too long for that.
fn row_paragraphs(mut cells: Vec<Vec<Paragraph>>) -> Vec<Paragraph> {
    count_pages_once(&mut cells);
    for cell in &mut cells {
        cell.retain(|paragraph| !paragraph.is_empty() || !paragraph.page_breaks.is_empty());
    }
    let words = cells.iter().flatten().filter(|paragraph| !paragraph.is_empty());
    let bytes: usize = words.clone().map(Paragraph::len).sum();
    let several = cells.iter().any(|cell| cell.len() > 1);
    if words.clone().nth(1).is_none() || (several && bytes > ROW_BYTES) {
        let mut all: Vec<Paragraph> = cells.into_iter().flatten().collect();
        // A row of one cell is still a row, beside others.
        if let [only] = &mut all[..] {
            only.is_row = !only.is_heading();
        }
        return all;
    }
    let mut row = Paragraph { is_row: true, ..Paragraph::default() };
    for (index, cell) in cells.into_iter().enumerate() {
        if index > 0 {
            row.text.push('\t');
        }
        let cell_start = row.text.len();
        for paragraph in cell {
            if row.text.len() > cell_start && !paragraph.is_empty() {
                row.text.push(' ');
            }
            let start = row.text.len();
            if let Some(label) = &paragraph.label {
                row.text.push_str(label);
                row.text.push(' ');
            }
            let words_start = row.text.len();
            row.text.extend(paragraph.text.trim().chars().map(|c| match c {
                '\n' | '\t' => ' ',
                c => c,
            }));
            row.page_breaks.extend(paragraph.page_breaks.iter().map(|&at| match at {
                0 => start,
                at => row.text.floor_char_boundary(words_start + at),
            }));
        }
    }
    row.text.truncate(row.text.trim_end().len());
    vec![row]
}

/// A page that breaks within a row breaks in each of its cells: only the first is kept.
fn count_pages_once(cells: &mut [Vec<Paragraph>]) {
    let mut pages = 0;
    for cell in cells {
        let mut pages_of_cell = 0;
        for paragraph in cell {
            paragraph.page_breaks.retain(|_| {
                pages_of_cell += 1;
                pages_of_cell > pages
            });
        }
        pages = pages.max(pages_of_cell);
    }
}

#[cfg(test)]
mod tests;
