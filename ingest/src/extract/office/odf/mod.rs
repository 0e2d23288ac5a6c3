//! OpenDocument: ODT, ODP and ODS.
//!
//! Tracked changes are read as if they were accepted. A note or comment stands behind the paragraph
//! or table that it belongs to, headers and footers once at the end. Pages of text are those of the
//! last layout, where the program saved them.

mod body;
mod lists;
mod sheet;
mod styles;

use std::collections::HashSet;

use super::super::flow::{Flow, Paragraph};
use super::super::package::Package;
use super::super::xml::{Token, Xml};
use super::super::{Extracted, Outcome};
use super::{Properties, author, day};
use crate::headings::find_headings;
use crate::{SkipReason, title};
use body::Body;
use styles::Styles;

pub(super) fn extract(package: &mut Package, limit_bytes: u64) -> Result<Extracted, Outcome> {
    // With a password, the parts hold noise; the manifest says how they were encrypted.
    let manifest = package.text("META-INF/manifest.xml")?.unwrap_or_default();
    if manifest.contains("encryption-data") {
        return Err(Outcome::Skipped(SkipReason::Encrypted));
    }
    let content = package.required_text("content.xml")?;
    let styles_text = package.text("styles.xml")?.unwrap_or_default();
    let properties = properties(&package.text("meta.xml")?.unwrap_or_default());
    let mut styles = Styles::default();
    styles.read(&styles_text);
    styles.read(&content);

    let mut flow = Flow::new(limit_bytes);
    let is_sheet = content.contains("<office:spreadsheet");
    let mut body = Body::new(&styles, &mut flow);
    let error = if is_sheet { None } else { body.read(&content) };
    let own_title = body.title.take();
    let mut warnings = Vec::new();
    let error = if is_sheet { sheet::read(&content, &mut flow, &mut warnings) } else { error };
    if flow.is_empty()
        && let Some(error) = &error
    {
        return Err(package.damaged(format!("content.xml: {error}")));
    }
    let is_text = content.contains("<office:text");
    if is_text {
        for paragraph in headers(&styles_text, &styles) {
            flow.paragraph(paragraph);
        }
    }
    let mut extracted = flow.finish();
    extracted.warnings = warnings;
    extracted
        .warnings
        .extend(error.map(|error| format!("content.xml could not be read to its end: {error}")));
    if is_text && extracted.headings.is_empty() {
        extracted.headings = find_headings(&extracted.text);
    }
    properties.put_on(&mut extracted, own_title);
    // The first cells of a sheet name nothing.
    if !is_sheet {
        extracted.title = extracted.title.or_else(|| title::from_first_line(&extracted.text));
    }
    Ok(extracted)
}

/// Title, first author and the day of the last change; see the same of Office Open XML.
fn properties(meta: &str) -> Properties {
    let mut properties = Properties::default();
    let (mut created, mut modified, mut last_author) = (None, None, None);
    let mut xml = Xml::new(meta);
    while let Some(token) = xml.next() {
        let Token::Open(element) = token else { continue };
        match element.name() {
            "title" => properties.title = title::from_properties(&xml.inner_text()),
            "initial-creator" => properties.author = author(&xml.inner_text()),
            "creator" => last_author = author(&xml.inner_text()),
            "creation-date" => created = day(&xml.inner_text()),
            "date" => modified = day(&xml.inner_text()),
            _ => {}
        }
    }
    properties.author = properties.author.or(last_author);
    properties.dated = modified.or(created);
    properties
}

/// The paragraphs of all headers and footers, each once.
fn headers(styles_text: &str, styles: &Styles) -> Vec<Paragraph> {
    let mut flow = Flow::new(u64::MAX);
    flow.open_frame();
    let Some(start) = styles_text.find("<office:master-styles") else { return Vec::new() };
    Body::new(styles, &mut flow).read(&styles_text[start..]);
    let mut seen = HashSet::new();
    let mut paragraphs = flow.close_frame();
    paragraphs.retain(|paragraph| {
        paragraph.text().contains(char::is_alphabetic) && seen.insert(paragraph.text().to_owned())
    });
    for paragraph in &mut paragraphs {
        paragraph.heading = None;
    }
    paragraphs
}

#[cfg(test)]
mod tests;
