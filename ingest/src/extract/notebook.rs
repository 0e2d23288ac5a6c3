//! Jupyter notebooks: Markdown cells as they are, code cells and what they printed in fences.

use serde::Deserialize;
use serde_json::Value;

use super::{Extracted, markdown, plain};
use crate::encoding::{Decoded, decode};

/// What one output may add to the text: the beginning of a long log says what it is.
const OUTPUT_BYTES: usize = 2000;

/// Format 4 has cells at the top, format 3 in worksheets.
#[derive(Deserialize)]
struct Notebook {
    #[serde(default)]
    cells: Vec<Cell>,
    #[serde(default)]
    worksheets: Vec<Worksheet>,
    #[serde(default)]
    metadata: Value,
}

#[derive(Deserialize)]
struct Worksheet {
    #[serde(default)]
    cells: Vec<Cell>,
}

#[derive(Deserialize)]
struct Cell {
    #[serde(default)]
    cell_type: String,
    #[serde(default, alias = "input")]
    source: Source,
    /// Of headings, which format 3 has as cells.
    #[serde(default)]
    level: Option<u8>,
    #[serde(default)]
    outputs: Vec<Output>,
}

#[derive(Deserialize)]
struct Output {
    #[serde(default)]
    text: Source,
    #[serde(default)]
    data: Data,
    #[serde(default)]
    ename: Option<String>,
    #[serde(default)]
    evalue: Option<String>,
}

/// The forms of an output; pictures and pages of HTML are left where they are.
#[derive(Default, Deserialize)]
struct Data {
    #[serde(default, rename = "text/plain")]
    plain: Source,
    #[serde(default, rename = "text/markdown")]
    markdown: Source,
}

/// Text in one piece or by lines.
#[derive(Deserialize)]
#[serde(untagged)]
enum Source {
    Whole(String),
    Lines(Vec<String>),
    Other(serde::de::IgnoredAny),
}

impl Default for Source {
    fn default() -> Self {
        Self::Whole(String::new())
    }
}

impl Source {
    fn text(&self) -> String {
        match self {
            Self::Whole(text) => text.clone(),
            Self::Lines(lines) => lines.concat(),
            Self::Other(_) => String::new(),
        }
    }
}

pub(super) fn extract(bytes: Vec<u8>) -> Extracted {
    let Decoded { text: source, encoding, replaced } = decode(bytes, None);
    let notebook = match serde_json::from_str::<Notebook>(&source) {
        Ok(notebook) => notebook,
        Err(error) => {
            let warnings = vec![format!("damaged notebook, taken as plain text: {error}")];
            return Extracted { text: source, encoding, warnings, ..Extracted::default() };
        }
    };
    let mut extracted = markdown::read(written(&notebook));
    extracted.encoding = encoding;
    extracted.author = extracted.author.or_else(|| authors(&notebook.metadata));
    let title = notebook.metadata.get("title").and_then(Value::as_str);
    extracted.title = title.and_then(crate::title::clean).or(extracted.title);
    if replaced {
        extracted.warnings.push(plain::replaced_warning());
    }
    extracted
}

fn written(notebook: &Notebook) -> String {
    let language = ["/kernelspec/language", "/language_info/name"]
        .iter()
        .find_map(|key| notebook.metadata.pointer(key)?.as_str())
        .filter(|name| name.bytes().all(|byte| byte.is_ascii_alphanumeric()))
        .unwrap_or_default();
    let mut text = String::new();
    let cells = notebook.worksheets.iter().flat_map(|sheet| &sheet.cells).chain(&notebook.cells);
    for cell in cells {
        let source = cell.source.text();
        match cell.cell_type.as_str() {
            "markdown" | "raw" => block(&mut text, &source),
            "heading" => {
                let marks = "#".repeat(usize::from(cell.level.unwrap_or(1).clamp(1, 6)));
                block(&mut text, &format!("{marks} {}", source.trim()));
            }
            _ => {
                fence(&mut text, language, &source);
                cell.outputs.iter().for_each(|output| printed(&mut text, output));
            }
        }
    }
    text
}

fn printed(text: &mut String, output: &Output) {
    let markdown = output.data.markdown.text();
    if !markdown.trim().is_empty() {
        // Within a fence, since its headings are none of the notebook's.
        return fence(text, "", bounded(&markdown));
    }
    let plain = [output.text.text(), output.data.plain.text()].concat();
    fence(text, "", bounded(&plain));
    if let Some(name) = &output.ename {
        let value = output.evalue.as_deref().unwrap_or_default();
        fence(text, "", bounded(&format!("{name}: {value}")));
    }
}

fn bounded(text: &str) -> &str {
    &text[..text.floor_char_boundary(OUTPUT_BYTES)]
}

fn block(text: &mut String, source: &str) {
    let source = source.trim_matches('\n').trim_end();
    if !source.trim().is_empty() {
        text.push_str(source);
        text.push_str("\n\n");
    }
}

fn fence(text: &mut String, language: &str, source: &str) {
    if source.trim().is_empty() {
        return;
    }
    // Longer than any row of backticks within.
    let longest = source.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let marks = "`".repeat(longest.max(2) + 1);
    block(text, &format!("{marks}{language}\n{}\n{marks}", source.trim_matches('\n').trim_end()));
}

fn authors(metadata: &Value) -> Option<String> {
    let names = metadata.get("authors")?.as_array()?.iter().take(20).filter_map(|author| {
        author.as_str().or_else(|| author.get("name")?.as_str()).and_then(crate::title::clean)
    });
    let names = names.collect::<Vec<_>>().join("; ");
    (!names.is_empty()).then_some(names)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn cells_become_markdown() {
        let source = r##"{"nbformat": 4, "metadata": {"kernelspec": {"language": "python"}, "authors": [{"name": "A. Osei"}]},
            "cells": [
                {"cell_type": "markdown", "source": ["# Tides\n", "\n", "How high?"]},
                {"cell_type": "code", "source": "# no heading\nprint(1)", "outputs": [
                    {"output_type": "stream", "text": ["1\n"]},
                    {"output_type": "display_data", "data": {"image/png": "iVBOR", "text/plain": ["<Figure>"]}},
                    {"output_type": "error", "ename": "ValueError", "evalue": "bad", "traceback": ["\u001b[0m"]}]}
            ]}"##;
        let extracted = extract(source.into());
        assert_eq!(
            extracted.text,
            "# Tides\n\nHow high?\n\n```python\n# no heading\nprint(1)\n```\n\n```\n1\n```\n\n```\n<Figure>\n```\n\n\
             ```\nValueError: bad\n```\n\n"
        );
        assert_eq!(extracted.title.as_deref(), Some("Tides"));
        assert_eq!(extracted.headings.len(), 1);
        assert_eq!(extracted.author.as_deref(), Some("A. Osei"));
    }

    #[test]
    fn the_older_format_has_worksheets() {
        let source = r#"{"nbformat": 3, "worksheets": [{"cells": [
            {"cell_type": "heading", "level": 2, "source": ["Wells"]},
            {"cell_type": "code", "input": ["x = '```'"], "outputs": [{"text": ["y"]}]}]}]}"#;
        let extracted = extract(source.into());
        assert_eq!(extracted.text, "## Wells\n\n````\nx = '```'\n````\n\n```\ny\n```\n\n");
        assert_eq!(extracted.headings[0].level, 2);
    }

    #[test]
    fn a_damaged_notebook_is_text() {
        let extracted = extract(b"{\"cells\": [{\"source\": \"kept".to_vec());
        assert_eq!(extracted.text, "{\"cells\": [{\"source\": \"kept");
        assert!(extracted.warnings[0].starts_with("damaged notebook"), "{:?}", extracted.warnings);
        let deep = format!("{{\"cells\": {}", "[".repeat(100_000));
        assert_eq!(extract(deep.clone().into()).text, deep);
    }

    proptest! {
        #[test]
        fn every_cell_is_in_the_text(cells in prop::collection::vec("[a-z`#\\n ]{0,40}", 0..6), is_code: bool) {
            let kind = if is_code { "code" } else { "markdown" };
            let cells: Vec<Value> =
                cells.iter().map(|source| serde_json::json!({"cell_type": kind, "source": source})).collect();
            let notebook = serde_json::json!({ "cells": cells }).to_string();
            let extracted = extract(notebook.into());
            for cell in &cells {
                prop_assert!(extracted.text.contains(cell["source"].as_str().unwrap().trim()));
            }
            let mut end = 0;
            for heading in &extracted.headings {
                prop_assert!(heading.bytes.start >= end && heading.bytes.end <= extracted.text.len());
                end = heading.bytes.end;
            }
        }
    }
}
