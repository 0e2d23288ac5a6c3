//! ODS: a heading for each worksheet, a line for each row.

use super::super::super::flow::{Flow, Paragraph};
use super::super::super::xml::{Element, Token, Xml};
use super::super::docx::comment_start;
use super::super::sheet::Row;

/// A row that is repeated is written no more often than this.
const MAX_REPEATED_ROWS: u32 = 1000;
/// Nor is a cell.
const MAX_REPEATED_CELLS: u32 = 100;

/// Reads the content; gives why it could not be read to its end.
pub(super) fn read(content: &str, flow: &mut Flow, warnings: &mut Vec<String>) -> Option<String> {
    let mut sheet = Sheet::default();
    let mut hidden_styles: Vec<String> = Vec::new();
    let mut hidden_sheets = 0;
    let mut xml = Xml::new(content);
    while let Some(token) = xml.next() {
        match token {
            Token::Text(text) => sheet.text(&text),
            Token::Open(element) => match element.name() {
                "style" if element.attribute("family").as_deref() == Some("table") => {
                    let mut is_hidden = false;
                    xml.each_within(|element, _| {
                        is_hidden |= element.name() == "table-properties"
                            && element.attribute("display").as_deref() == Some("false");
                    });
                    if is_hidden {
                        hidden_styles.extend(element.attribute("name"));
                    }
                }
                "table" => {
                    let style = element.attribute("style-name");
                    if style.is_some_and(|style| hidden_styles.contains(&style)) {
                        hidden_sheets += 1;
                        xml.skip();
                        continue;
                    }
                    let name = element.attribute("name").unwrap_or_default();
                    flow.paragraph(Paragraph::heading(1, &name));
                }
                "table-row" => sheet.open_row(&element),
                "table-cell" => sheet.open_cell(&element),
                "covered-table-cell" => {
                    sheet.open_cell(&element);
                    xml.skip();
                    sheet.close_cell();
                }
                "p" => sheet.open_paragraph(),
                "s" | "tab" | "line-break" => sheet.text(" "),
                "annotation" => sheet.open_comment(),
                "creator" if sheet.comment.is_some() => sheet.author = xml.inner_text(),
                "automatic-styles" | "styles" | "body" | "spreadsheet" | "document-content" => {}
                "tracked-changes"
                | "date"
                | "creator"
                | "title"
                | "desc"
                | "object"
                | "calculation-settings"
                | "content-validations"
                | "forms"
                | "number-style" => {
                    xml.skip();
                }
                _ => {}
            },
            Token::Close(end) => match end.name() {
                "p" => sheet.close_paragraph(),
                "table-cell" => sheet.close_cell(),
                "table-row" => sheet.close_row(flow),
                "annotation" => sheet.close_comment(),
                "table" => {
                    for comment in std::mem::take(&mut sheet.comments) {
                        flow.paragraph(comment);
                    }
                }
                _ => {}
            },
        }
        if flow.is_full() {
            break;
        }
    }
    if hidden_sheets > 0 {
        warnings.push(super::super::sheet::hidden_warning(hidden_sheets));
    }
    xml.error().map(str::to_owned)
}

#[derive(Default)]
struct Sheet {
    row: Row,
    repeated_rows: u32,
    repeated_cells: u32,
    /// Column of the next cell.
    column: u32,
    cell: String,
    comment: Option<Paragraph>,
    author: String,
    comments: Vec<Paragraph>,
    in_paragraph: bool,
}

impl Sheet {
    fn open_row(&mut self, element: &Element) {
        self.row = Row::default();
        self.column = 0;
        self.repeated_rows = repeated(element, "number-rows-repeated");
    }

    fn open_cell(&mut self, element: &Element) {
        self.cell.clear();
        self.repeated_cells = repeated(element, "number-columns-repeated");
    }

    fn close_cell(&mut self) {
        for offset in 0..self.repeated_cells.min(MAX_REPEATED_CELLS) {
            self.row.push(self.column.saturating_add(offset), &self.cell);
            if self.cell.is_empty() {
                break;
            }
        }
        self.column = self.column.saturating_add(self.repeated_cells);
        self.cell.clear();
    }

    fn close_row(&mut self, flow: &mut Flow) {
        let row = std::mem::take(&mut self.row);
        for _ in 0..self.repeated_rows.min(MAX_REPEATED_ROWS) {
            row.write(flow);
            if row.is_empty() || flow.is_full() {
                break;
            }
        }
    }

    fn open_paragraph(&mut self) {
        self.in_paragraph = true;
        self.text(" ");
    }

    fn close_paragraph(&mut self) {
        self.in_paragraph = false;
    }

    fn text(&mut self, text: &str) {
        if !self.in_paragraph {
            return;
        }
        match &mut self.comment {
            Some(comment) => comment.push(text),
            None => self.cell.push_str(text),
        }
    }

    fn open_comment(&mut self) {
        self.comment = Some(Paragraph::default());
        self.author.clear();
    }

    fn close_comment(&mut self) {
        if let Some(mut comment) = self.comment.take().filter(|comment| !comment.is_empty()) {
            comment.prepend(&comment_start(&self.author));
            self.comments.push(comment);
        }
    }
}

fn repeated(element: &Element, attribute: &str) -> u32 {
    element.attribute(attribute).and_then(|count| count.parse().ok()).unwrap_or(1)
}
