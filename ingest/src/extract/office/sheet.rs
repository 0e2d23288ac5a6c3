//! Spreadsheets of Excel: a heading for each worksheet, a line for each row, cells divided by tabs.

use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};

use calamine::{
    Data, DataRef, ExcelDateTime, Reader, SheetVisible, Xls, XlsError, Xlsb, Xlsx, XlsxError,
};

use super::super::flow::{Flow, Paragraph};
use super::super::package::Package;
use super::super::xml::{Token, Xml};
use super::super::{Extracted, Outcome, panic_message};
use super::docx::comment_start;
use super::ooxml::{self, Relations};
use super::{Properties, author, damaged, day};
use crate::{SkipReason, title};

/// Worksheets are read as they are unpacked, so they may be large …
const MAX_SHEET_BYTES: u64 = 2 << 30;
/// … but all else is kept in memory.
const MAX_PART_BYTES: u64 = 256 << 20;
/// Empty cells between two others are no longer counted beyond this.
const MAX_TABS: u32 = 4;

/// XLSX and XLSB.
pub(super) fn extract(
    package: &mut Package,
    bytes: &[u8],
    format: &str,
    limit_bytes: u64,
) -> Result<Extracted, Outcome> {
    // The reader of sheets unpacks without bound.
    let names: Vec<String> = package.names().map(str::to_owned).collect();
    for name in names.iter().filter(|name| !name.contains("/media/")) {
        let is_sheet = name.starts_with("xl/worksheets/");
        package.check_size(name, if is_sheet { MAX_SHEET_BYTES } else { MAX_PART_BYTES })?;
    }
    let properties = ooxml::properties(package)?;
    let mut surroundings = Surroundings::read(package)?;
    let read = || {
        let mut flow = Flow::new(limit_bytes);
        let reader = Cursor::new(bytes);
        let warnings = if format == "xlsb" {
            let mut book = Xlsb::new(reader).map_err(|e| package.damaged(e.to_string()))?;
            read_sheets(&mut book, &mut flow, &mut surroundings, |book, name, rows| {
                let mut cells = book.worksheet_cells_reader(name).map_err(|e| e.to_string())?;
                while let Some(cell) = cells.next_cell().map_err(|e| e.to_string())? {
                    if !rows.cell(cell.get_position(), &written(cell.get_value())) {
                        break;
                    }
                }
                Ok(())
            })
        } else {
            let mut book = Xlsx::new(reader).map_err(|e| match e {
                XlsxError::Password => Outcome::Skipped(SkipReason::Encrypted),
                e => package.damaged(e.to_string()),
            })?;
            read_sheets(&mut book, &mut flow, &mut surroundings, |book, name, rows| {
                let mut cells = book.worksheet_cells_reader(name).map_err(|e| e.to_string())?;
                while let Some(cell) = cells.next_cell().map_err(|e| e.to_string())? {
                    if !rows.cell(cell.get_position(), &written(cell.get_value())) {
                        break;
                    }
                }
                Ok(())
            })
        };
        Ok((flow.finish(), warnings))
    };
    let (extracted, warnings) = guarded(format, read)?;
    Ok(complete(extracted, warnings, properties))
}

/// XLS, the format before 2007.
pub(super) fn extract_xls(bytes: &[u8], limit_bytes: u64) -> Result<Extracted, Outcome> {
    let read = || {
        let mut book = Xls::new(Cursor::new(bytes)).map_err(|e| match e {
            XlsError::Password => Outcome::Skipped(SkipReason::Encrypted),
            e => damaged("xls", e.to_string()),
        })?;
        let properties = book.workbook_properties().unwrap_or_default();
        let properties = Properties {
            title: properties.title.as_deref().and_then(title::from_properties),
            author: properties.creator.as_deref().and_then(author),
            dated: properties.modified.or(properties.created).as_deref().and_then(day),
        };
        let mut flow = Flow::new(limit_bytes);
        let mut surroundings = Surroundings::default();
        let warnings = read_sheets(&mut book, &mut flow, &mut surroundings, |book, name, rows| {
            let range = book.worksheet_range(name).map_err(|e| e.to_string())?;
            for (row, column, value) in range.used_cells() {
                if !rows.cell((row as u32, column as u32), &written(&reference(value))) {
                    break;
                }
            }
            Ok(())
        });
        Ok((flow.finish(), warnings, properties))
    };
    let (extracted, warnings, properties) = guarded("xls", read)?;
    Ok(complete(extracted, warnings, properties))
}

/// What is said when worksheets that nobody is to see are left out.
pub(super) fn hidden_warning(count: usize) -> String {
    match count {
        1 => "a hidden worksheet was left out".to_owned(),
        count => format!("{count} hidden worksheets were left out"),
    }
}

fn complete(mut extracted: Extracted, warnings: Vec<String>, properties: Properties) -> Extracted {
    extracted.warnings = warnings;
    properties.put_on(&mut extracted, None);
    extracted
}

/// Runs a reader that may panic on what is damaged.
fn guarded<T>(format: &str, read: impl FnOnce() -> Result<T, Outcome>) -> Result<T, Outcome> {
    catch_unwind(AssertUnwindSafe(read))
        .unwrap_or_else(|panic| Err(damaged(format, panic_message(&*panic))))
}

/// Writes every worksheet that can be seen; gives what was lost.
fn read_sheets<R: Reader<Cursor<B>>, B: AsRef<[u8]>>(
    book: &mut R,
    flow: &mut Flow,
    surroundings: &mut Surroundings,
    read_cells: impl Fn(&mut R, &str, &mut Rows) -> Result<(), String>,
) -> Vec<String> {
    let mut warnings = Vec::new();
    let sheets: Vec<_> = book.sheets_metadata().to_vec();
    let is_visible = |visible: &SheetVisible| matches!(visible, SheetVisible::Visible);
    // A book that shows none at all must have been hidden by mistake.
    let any_visible = sheets.iter().any(|sheet| is_visible(&sheet.visible));
    let hidden = sheets.iter().filter(|sheet| any_visible && !is_visible(&sheet.visible)).count();
    for sheet in sheets {
        if flow.is_full() {
            break;
        }
        if any_visible && !is_visible(&sheet.visible) {
            continue;
        }
        flow.paragraph(Paragraph::heading(1, &sheet.name));
        let mut rows = Rows { flow, row: Row::default(), at: 0 };
        if let Err(error) = read_cells(book, &sheet.name, &mut rows) {
            warnings.push(format!("worksheet {:?} could not be read in full: {error}", sheet.name));
        }
        rows.end();
        for paragraph in surroundings.of(&sheet.name) {
            flow.paragraph(paragraph);
        }
    }
    if hidden > 0 {
        warnings.push(hidden_warning(hidden));
    }
    warnings
}

/// Makes rows of cells that come one by one.
struct Rows<'a> {
    flow: &'a mut Flow,
    row: Row,
    at: u32,
}

impl Rows<'_> {
    /// Takes in a cell; false when no more text may be taken in.
    fn cell(&mut self, (row, column): (u32, u32), text: &str) -> bool {
        if row != self.at {
            self.end();
            self.at = row;
        }
        self.row.push(column, text);
        !self.flow.is_full()
    }

    fn end(&mut self) {
        std::mem::take(&mut self.row).write(self.flow);
    }
}

/// A row of a sheet.
#[derive(Debug, Default)]
pub(super) struct Row {
    cells: Paragraph,
    last: Option<u32>,
}

impl Row {
    /// Adds a cell; columns never descend.
    pub(super) fn push(&mut self, column: u32, text: &str) {
        if text.trim().is_empty() {
            return;
        }
        if let Some(last) = self.last {
            for _ in 0..column.saturating_sub(last).clamp(1, MAX_TABS) {
                self.cells.tab();
            }
        }
        self.last = Some(column);
        // A tab within a cell would look like the end of it.
        let mut pieces = text.split(['\t', '\u{B}']);
        self.cells.push(pieces.next().unwrap_or_default().trim_start());
        for piece in pieces {
            self.cells.space();
            self.cells.push(piece);
        }
    }

    /// Whether no cell has text.
    pub(super) fn is_empty(&self) -> bool {
        self.last.is_none()
    }

    pub(super) fn write(&self, flow: &mut Flow) {
        if !self.is_empty() {
            flow.line(self.cells.clone());
        }
    }
}

fn reference(data: &Data) -> DataRef<'_> {
    match data {
        Data::Int(number) => DataRef::Int(*number),
        Data::Float(number) => DataRef::Float(*number),
        Data::String(text) => DataRef::SharedString(text),
        Data::Bool(value) => DataRef::Bool(*value),
        Data::DateTime(moment) => DataRef::DateTime(*moment),
        Data::DateTimeIso(text) | Data::DurationIso(text) => DataRef::SharedString(text),
        Data::Error(error) => DataRef::Error(error.clone()),
        Data::Empty => DataRef::Empty,
    }
}

/// A cell as text. Numbers are written plainly, whatever their format, dates as `2024-03-01`.
fn written(cell: &DataRef) -> String {
    match cell {
        DataRef::Int(number) => number.to_string(),
        DataRef::Float(number) => number_text(*number),
        DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => {
            text.clone()
        }
        DataRef::SharedString(text) => (*text).to_owned(),
        DataRef::Bool(value) => if *value { "TRUE" } else { "FALSE" }.to_owned(),
        DataRef::DateTime(moment) => moment_text(moment),
        // What a formula failed with is no text.
        DataRef::Error(_) | DataRef::Empty => String::new(),
    }
}

/// A number with as many digits as a spreadsheet shows: 0.3 is kept as 0.30000000000000004.
fn number_text(number: f64) -> String {
    let rounded: f64 = format!("{number:.14e}").parse().unwrap_or(number);
    let size = rounded.abs();
    if size != 0.0 && !(1e-7..1e16).contains(&size) {
        return format!("{rounded:e}");
    }
    rounded.to_string()
}

fn moment_text(moment: &ExcelDateTime) -> String {
    let days = moment.as_f64();
    if !days.is_finite() || !(0.0..3e6).contains(&days) {
        return number_text(days);
    }
    if moment.is_duration() {
        let seconds = (days * 86400.0).round() as u64;
        return format!("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    }
    let (year, month, day, hour, minute, second, _) = moment.to_ymd_hms_milli();
    let time = match (hour, minute, second) {
        (hour, minute, 0) => format!("{hour:02}:{minute:02}"),
        _ => format!("{hour:02}:{minute:02}:{second:02}"),
    };
    match (days < 1.0, days.fract() * 86400.0 < 0.5) {
        (true, _) => time,
        (false, true) => format!("{year:04}-{month:02}-{day:02}"),
        (false, false) => format!("{year:04}-{month:02}-{day:02} {time}"),
    }
}

/// Comments and drawings, which stand in parts of their own, by the name of their worksheet.
#[derive(Debug, Default)]
struct Surroundings(Vec<(String, Vec<Paragraph>)>);

impl Surroundings {
    fn read(package: &mut Package) -> Result<Self, Outcome> {
        let main = ooxml::main_part(package, "xl/workbook.xml")?;
        // The binary workbook of an XLSB has none of this.
        let text = if main.ends_with(".xml") { package.text(&main)? } else { None };
        let Some(text) = text else { return Ok(Self::default()) };
        let relations = Relations::of(package, &main)?;
        let mut sheets = Vec::new();
        let mut xml = Xml::new(&text);
        while let Some(token) = xml.next() {
            if let Token::Open(element) = token
                && element.name() == "sheet"
                && let (Some(name), Some(id)) =
                    (element.attribute("name"), element.prefixed_attribute("id"))
                && let Some(part) = relations.part(&id)
            {
                sheets.push((name, part.to_owned()));
            }
        }
        let mut all = Vec::new();
        for (name, part) in sheets {
            let relations = Relations::of(package, &part)?;
            let mut paragraphs = Vec::new();
            for drawing in relations.parts("drawing") {
                let text = package.text(drawing)?.unwrap_or_default();
                paragraphs.extend(ooxml::drawn_paragraphs(&text));
                let graphics = Relations::of(package, drawing)?;
                paragraphs.extend(ooxml::graphics(package, &graphics)?.into_values().flatten());
            }
            // Comments that can be answered are kept twice, for older programs.
            let threaded: Vec<&str> = relations.parts("threadedComment").collect();
            let parts =
                if threaded.is_empty() { relations.parts("comments").collect() } else { threaded };
            for part in parts {
                paragraphs.extend(read_comments(&package.text(part)?.unwrap_or_default()));
            }
            all.push((name, paragraphs));
        }
        Ok(Self(all))
    }

    fn of(&mut self, sheet: &str) -> Vec<Paragraph> {
        let found = self.0.iter_mut().find(|(name, _)| name == sheet);
        found.map(|(_, paragraphs)| std::mem::take(paragraphs)).unwrap_or_default()
    }
}

fn read_comments(text: &str) -> Vec<Paragraph> {
    let mut comments = Vec::new();
    let mut comment: Option<Paragraph> = None;
    let mut in_text = false;
    let mut xml = Xml::new(text);
    while let Some(token) = xml.next() {
        match token {
            Token::Open(element) => match element.name() {
                "comment" | "threadedComment" => {
                    let cell = element.attribute("ref").unwrap_or_default();
                    comment = Some(Paragraph::of(&comment_start(&cell)));
                }
                // With runs of text in it or, where it can be answered, with the words themselves.
                "text" => in_text = true,
                "rPh" => xml.skip(),
                _ => {}
            },
            Token::Text(words) => {
                if let Some(comment) = comment.as_mut().filter(|_| in_text) {
                    comment.push(&words);
                }
            }
            Token::Close(end) => match end.name() {
                "text" => in_text = false,
                "comment" | "threadedComment" => comments.extend(comment.take()),
                _ => {}
            },
        }
    }
    comments
}

#[cfg(test)]
mod tests;
