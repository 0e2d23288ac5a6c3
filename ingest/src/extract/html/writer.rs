use scraper::node::Element;

use crate::Heading;

/// The text of a page.
#[derive(Debug, Default)]
pub(super) struct Page {
    pub(super) title: Option<String>,
    pub(super) text: String,
    pub(super) headings: Vec<Heading>,
}

/// Writes text with white space collapsed as a browser would, and line ends where blocks meet.
#[derive(Debug, Default)]
pub(super) struct Writer {
    page: Page,
    /// Line ends owed before the next word: none, a line or an empty line between.
    line_ends: usize,
    /// A space owed before the next word on the same line.
    space: bool,
    /// What stands before the first word of a list item or table cell.
    marker: String,
    preformatted: usize,
    in_head: usize,
    in_title: usize,
    lists: Vec<List>,
    /// Cells begun in the current row of each table that is open.
    cells: Vec<usize>,
    /// No word of the current cell has been written yet.
    at_cell_start: bool,
    heading: Option<OpenHeading>,
}

#[derive(Debug)]
struct List {
    /// Number of the next item of a numbered list.
    next: Option<u64>,
}

#[derive(Debug)]
struct OpenHeading {
    level: u8,
    start: Option<usize>,
}

impl Writer {
    pub(super) fn text(&mut self, text: &str) {
        if self.in_title > 0 {
            self.page.title.get_or_insert_default().push_str(text);
        }
        if self.in_title > 0 || self.in_head > 0 {
            return;
        }
        if self.preformatted > 0 {
            self.preformatted(text);
            return;
        }
        // Soft hyphens are no letters: they only say where a word may be divided, and would hide it
        // from a search.
        let soft = ['\u{AD}'];
        let shown;
        let text = if text.contains(soft) {
            shown = text.replace(soft, "");
            &shown
        } else {
            text
        };
        let mut words = text.split_whitespace().peekable();
        if text.starts_with(char::is_whitespace) {
            self.space = true;
        }
        while let Some(word) = words.next() {
            self.word(word);
            self.space = words.peek().is_some() || text.ends_with(char::is_whitespace);
        }
    }

    pub(super) fn open(&mut self, element: &Element) {
        match element.name() {
            "head" => self.in_head += 1,
            "title" if self.in_head > 0 => self.in_title += 1,
            "br" => self.line_ends = (self.line_ends + 1).min(2),
            "pre" => {
                self.block(2);
                self.preformatted += 1;
            }
            "ol" => {
                let next = element.attr("start").and_then(|start| start.parse().ok()).unwrap_or(1);
                self.open_list(Some(next));
            }
            "ul" | "menu" | "dir" => self.open_list(None),
            "li" => {
                self.block(1);
                let indent = "  ".repeat(self.lists.len().saturating_sub(1).min(8));
                self.marker = match self.lists.last_mut() {
                    Some(List { next: Some(number) }) => {
                        let marker = format!("{indent}{number}. ");
                        *number = number.saturating_add(1);
                        marker
                    }
                    _ => format!("{indent}- "),
                };
            }
            "table" => {
                self.block(2);
                self.cells.push(0);
            }
            "tr" => {
                self.at_cell_start = false;
                self.block(1);
                if let Some(cells) = self.cells.last_mut() {
                    *cells = 0;
                }
            }
            "td" | "th" => {
                if let Some(cells) = self.cells.last_mut() {
                    *cells += 1;
                    if *cells > 1 {
                        self.cell_border();
                    }
                    self.at_cell_start = true;
                }
            }
            "img" => {
                let alt = element.attr("alt").unwrap_or_default();
                // An alternative text that is a file name describes nothing.
                if alt.contains(' ') {
                    self.text(alt);
                }
            }
            name => {
                if let Some(level) = heading_level(name) {
                    self.block(2);
                    self.heading = Some(OpenHeading { level, start: None });
                } else if let Some(line_ends) = block_of(name) {
                    self.block(line_ends);
                }
            }
        }
    }

    pub(super) fn close(&mut self, name: &str) {
        match name {
            "head" => self.in_head -= 1,
            "title" => self.in_title = self.in_title.saturating_sub(1),
            "pre" => {
                self.preformatted -= 1;
                self.block(2);
            }
            "ol" | "ul" | "menu" | "dir" => {
                self.lists.pop();
                self.block(if self.lists.is_empty() { 2 } else { 1 });
            }
            "li" => {
                self.marker.clear();
                self.block(1);
            }
            "table" => {
                self.cells.pop();
                self.block(2);
            }
            "td" | "th" if !self.cells.is_empty() => {
                // The row goes on behind the blocks of a cell.
                if !self.at_cell_start {
                    self.line_ends = 0;
                }
                self.at_cell_start = false;
            }
            "tr" => self.block(1),
            name => {
                if heading_level(name).is_some() {
                    self.close_heading();
                    self.block(2);
                } else if let Some(line_ends) = block_of(name) {
                    self.block(line_ends);
                }
            }
        }
    }

    pub(super) fn finish(mut self) -> Page {
        self.close_heading();
        if !self.page.text.is_empty() {
            self.page.text.push('\n');
        }
        self.page
    }

    fn word(&mut self, word: &str) {
        self.before_word();
        self.page.text.push_str(word);
    }

    /// Writes the white space and the marker that are owed.
    fn before_word(&mut self) {
        if self.page.text.is_empty() {
            self.line_ends = 0;
            self.space = false;
        }
        if self.line_ends > 0 {
            self.page.text.extend(std::iter::repeat_n('\n', self.line_ends));
        } else if self.space && self.marker.is_empty() {
            self.page.text.push(' ');
        }
        self.line_ends = 0;
        self.space = false;
        self.at_cell_start = false;
        self.page.text.push_str(&self.marker);
        self.marker.clear();
        if let Some(heading) = &mut self.heading {
            heading.start.get_or_insert(self.page.text.len());
        }
    }

    fn preformatted(&mut self, text: &str) {
        let mut lines = text.split('\n').peekable();
        while let Some(line) = lines.next() {
            // The piece after the last line end goes on in the next element.
            let line = if lines.peek().is_some() { line.trim_end() } else { line };
            if !line.is_empty() {
                self.space = false;
                self.before_word();
                self.page.text.push_str(line);
            }
            if lines.peek().is_some() {
                self.line_ends += 1;
            }
        }
    }

    fn open_list(&mut self, next: Option<u64>) {
        self.block(if self.lists.is_empty() { 2 } else { 1 });
        self.lists.push(List { next });
    }

    fn cell_border(&mut self) {
        if self.line_ends > 0 || self.page.text.is_empty() {
            // All cells before this one are empty: the row is yet to be begun.
            self.marker.push_str("| ");
        } else {
            self.page.text.push_str(" |");
            self.space = true;
        }
    }

    fn block(&mut self, line_ends: usize) {
        if !self.at_cell_start {
            self.line_ends = self.line_ends.max(line_ends);
        }
        self.space = false;
    }

    fn close_heading(&mut self) {
        if let Some(OpenHeading { level, start: Some(start) }) = self.heading.take() {
            self.page.headings.push(Heading { bytes: start..self.page.text.len(), level });
        }
    }
}

fn heading_level(name: &str) -> Option<u8> {
    match name.as_bytes() {
        [b'h', digit @ b'1'..=b'6'] => Some(digit - b'0'),
        _ => None,
    }
}

/// Line ends around a block: 1 for a line of its own, 2 for an empty line besides.
fn block_of(name: &str) -> Option<usize> {
    Some(match name {
        "p" | "blockquote" | "hr" | "dl" | "figure" | "article" | "section" => 2,
        "div" | "body" | "main" | "header" | "footer" | "aside" | "address" | "form"
        | "fieldset" | "legend" | "details" | "summary" | "figcaption" | "caption" | "dt"
        | "dd" | "center" | "nav" | "hgroup" | "option" | "thead" | "tbody" | "tfoot" | "label"
        | "noframes" => 1,
        _ => return None,
    })
}
