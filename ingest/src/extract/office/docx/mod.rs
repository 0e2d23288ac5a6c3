//! DOCX: paragraphs, headings, numbers of lists, tables, notes, comments and text boxes.
//!
//! Tracked changes are read as if they were accepted. A note or comment stands behind the paragraph
//! or table that refers to it, headers and footers once at the end. Pages are those of the last
//! layout that the program saved, if it saved any.

mod body;
pub(super) mod numbering;
pub(super) mod styles;

use std::collections::{BTreeMap, HashMap, HashSet};

use super::super::flow::{Flow, Paragraph};
use super::super::package::Package;
use super::super::{Extracted, Outcome};
use super::ooxml::{self, Relations};
use crate::headings::find_headings;
use crate::title;
use body::Body;
pub(in super::super) use body::comment_start;
use numbering::{Counters, Numbering};
use styles::Styles;

/// What the main part refers to.
#[derive(Debug, Default)]
struct Surroundings {
    styles: Styles,
    numbering: Numbering,
    footnotes: HashMap<String, Vec<Paragraph>>,
    endnotes: HashMap<String, Vec<Paragraph>>,
    comments: HashMap<String, Vec<Paragraph>>,
    /// Text of charts and diagrams, by the number of the relation.
    graphics: BTreeMap<String, Vec<Paragraph>>,
}

pub(super) fn extract(package: &mut Package, limit_bytes: u64) -> Result<Extracted, Outcome> {
    let main = ooxml::main_part(package, "word/document.xml")?;
    let text = package.required_text(&main)?;
    let relations = Relations::of(package, &main)?;
    let properties = ooxml::properties(package)?;
    // Where the relations are lost, parts have the names that all programs give them.
    let mut first_text = |kind: &str| match relations.parts(kind).next() {
        Some(part) => package.text(part).map(Option::unwrap_or_default),
        None => package.text(&format!("word/{kind}.xml")).map(Option::unwrap_or_default),
    };
    let mut surroundings = Surroundings {
        styles: Styles::read(&first_text("styles")?),
        numbering: Numbering::read(&first_text("numbering")?),
        ..Surroundings::default()
    };
    let notes = ["footnotes", "endnotes", "comments"].map(&mut first_text);
    let [footnotes, endnotes, comments] = notes;
    surroundings.footnotes = read_notes(&footnotes?, &surroundings);
    surroundings.endnotes = read_notes(&endnotes?, &surroundings);
    surroundings.comments = read_notes(&comments?, &surroundings);
    surroundings.graphics = ooxml::graphics(package, &relations)?;

    let mut flow = Flow::new(limit_bytes);
    let mut counters = Counters::default();
    let has_pages = text.contains("lastRenderedPageBreak");
    if has_pages {
        flow.begin_page();
    }
    let mut body = Body::new(&surroundings, &mut counters, &mut flow, has_pages);
    let error = body.read(&text);
    let (own_title, headers) = (body.title.take(), std::mem::take(&mut body.headers));
    if flow.is_empty()
        && let Some(error) = &error
    {
        return Err(package.damaged(format!("{main}: {error}")));
    }
    for paragraph in read_headers(package, &relations, &headers, &surroundings)? {
        flow.paragraph(paragraph);
    }
    let mut extracted = flow.finish();
    if let Some(error) = error {
        extracted.warnings.push(format!("{main} could not be read to its end: {error}"));
    }
    if extracted.headings.is_empty() {
        extracted.headings = find_headings(&extracted.text);
    }
    properties.put_on(&mut extracted, own_title);
    extracted.title = extracted.title.or_else(|| title::from_first_line(&extracted.text));
    Ok(extracted)
}

/// The notes or comments of a part by their numbers.
fn read_notes(text: &str, surroundings: &Surroundings) -> HashMap<String, Vec<Paragraph>> {
    let mut flow = Flow::new(u64::MAX);
    let mut counters = Counters::default();
    let mut body = Body::new(surroundings, &mut counters, &mut flow, false);
    // Notes that cannot be read are missing; the document itself is what matters.
    body.read(text);
    body.notes
}

/// The paragraphs of all headers and footers that are in use, each once.
fn read_headers(
    package: &mut Package,
    relations: &Relations,
    ids: &[String],
    surroundings: &Surroundings,
) -> Result<Vec<Paragraph>, Outcome> {
    let mut all: Vec<Paragraph> = Vec::new();
    let mut parts: Vec<&str> = ids.iter().filter_map(|id| relations.part(id)).collect();
    let mut seen = HashSet::new();
    parts.retain(|part| seen.insert(*part));
    for part in parts {
        let Some(text) = package.text(part)? else { continue };
        let mut flow = Flow::new(u64::MAX);
        flow.open_frame();
        let mut counters = Counters::default();
        Body::new(surroundings, &mut counters, &mut flow, false).read(&text);
        for mut paragraph in flow.close_frame() {
            paragraph.heading = None;
            let has_words = paragraph.text().contains(char::is_alphabetic);
            if has_words && all.iter().all(|other| other.text() != paragraph.text()) {
                all.push(paragraph);
            }
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests;
