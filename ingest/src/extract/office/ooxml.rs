//! What the formats of Office Open XML have in common: relations between parts, and properties.

use std::collections::BTreeMap;

use super::super::Outcome;
use super::super::flow::Paragraph;
use super::super::package::{Package, folder_of, resolve};
use super::super::xml::{Token, Xml};
use super::{Properties, author, day};
use crate::title;

/// A chart names its series and categories; more of them are data rather than names.
const MAX_CHART_NAMES: usize = 200;

/// The relations from one part to others.
#[derive(Debug, Default)]
pub(super) struct Relations(Vec<Relation>);

#[derive(Debug)]
struct Relation {
    id: String,
    /// The last word of the type's address, such as `slide`.
    kind: String,
    target: String,
}

impl Relations {
    /// Those of a part; none where nothing is said.
    pub(super) fn of(package: &mut Package, part: &str) -> Result<Self, Outcome> {
        let folder = folder_of(part);
        let name = &part[folder.len()..];
        let Some(text) = package.text(&format!("{folder}_rels/{name}.rels"))? else {
            return Ok(Self::default());
        };
        let mut relations = Vec::new();
        let mut xml = Xml::new(&text);
        while let Some(token) = xml.next() {
            let Token::Open(element) = token else { continue };
            if element.name() != "Relationship"
                || element.attribute("TargetMode").as_deref() == Some("External")
            {
                continue;
            }
            if let (Some(id), Some(kind), Some(target)) =
                (element.attribute("Id"), element.attribute("Type"), element.attribute("Target"))
            {
                let kind = kind.rsplit('/').next().unwrap_or_default().to_owned();
                relations.push(Relation { id, kind, target: resolve(folder, &target) });
            }
        }
        Ok(Self(relations))
    }

    /// The part with this number.
    pub(super) fn part(&self, id: &str) -> Option<&str> {
        self.0.iter().find(|relation| relation.id == id).map(|relation| relation.target.as_str())
    }

    /// The parts of a kind, such as `styles`.
    pub(super) fn parts<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a str> {
        let of_kind = move |relation: &&Relation| relation.kind == kind;
        self.0.iter().filter(of_kind).map(|relation| relation.target.as_str())
    }
}

/// The name of the part that holds the document itself.
pub(super) fn main_part(package: &mut Package, usual: &str) -> Result<String, Outcome> {
    let relations = Relations::of(package, "")?;
    let main = relations.parts("officeDocument").find(|part| package.contains(part));
    Ok(main.unwrap_or(usual).to_owned())
}

/// Title, author and the day of the last change: a document that began as a copy of another keeps
/// the day on which that one was made, so the day of its making is used only where there is no other.
pub(super) fn properties(package: &mut Package) -> Result<Properties, Outcome> {
    let relations = Relations::of(package, "")?;
    let part = relations.parts("core-properties").next().unwrap_or("docProps/core.xml");
    let Some(text) = package.text(part)? else { return Ok(Properties::default()) };
    let mut properties = Properties::default();
    let (mut created, mut modified) = (None, None);
    let mut xml = Xml::new(&text);
    while let Some(token) = xml.next() {
        let Token::Open(element) = token else { continue };
        match element.name() {
            "title" => properties.title = title::from_properties(&xml.inner_text()),
            "creator" => properties.author = author(&xml.inner_text()),
            "created" => created = day(&xml.inner_text()),
            "modified" => modified = day(&xml.inner_text()),
            _ => {}
        }
    }
    properties.dated = modified.or(created);
    Ok(properties)
}

/// The text of the charts and diagrams that a part shows, by the number of the relation to them.
pub(super) fn graphics(
    package: &mut Package,
    relations: &Relations,
) -> Result<BTreeMap<String, Vec<Paragraph>>, Outcome> {
    let mut graphics = BTreeMap::new();
    for relation in &relations.0 {
        if matches!(relation.kind.as_str(), "chart" | "diagramData")
            && let Some(text) = package.text(&relation.target)?
        {
            graphics.insert(relation.id.clone(), drawn_paragraphs(&text));
        }
    }
    Ok(graphics)
}

/// Paragraphs of DrawingML, and the names of a chart's series and categories.
pub(super) fn drawn_paragraphs(text: &str) -> Vec<Paragraph> {
    let mut paragraphs = Vec::new();
    let mut names: Vec<String> = Vec::new();
    let mut paragraph = Paragraph::default();
    let mut in_text = false;
    let mut in_names = false;
    let mut xml = Xml::new(text);
    while let Some(token) = xml.next() {
        match token {
            Token::Open(element) => match element.name() {
                "t" => in_text = true,
                "br" => paragraph.line_break(),
                "strCache" => in_names = true,
                "v" if in_names => {
                    let name = xml.inner_text();
                    if !names.contains(&name) && names.len() < MAX_CHART_NAMES {
                        names.push(name);
                    }
                }
                _ => {}
            },
            Token::Close(end) => match end.name() {
                "t" => in_text = false,
                "p" => paragraphs.push(std::mem::take(&mut paragraph)),
                "strCache" => in_names = false,
                _ => {}
            },
            Token::Text(text) if in_text => paragraph.push(&text),
            Token::Text(_) => {}
        }
    }
    paragraphs.push(paragraph);
    paragraphs.push(Paragraph::of(&names.join("; ")));
    paragraphs.retain(|paragraph| !paragraph.is_empty());
    paragraphs
}
