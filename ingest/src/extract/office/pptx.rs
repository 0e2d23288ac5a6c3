//! PPTX: a page for each slide, in the order in which they are shown, with its title as heading,
//! speaker notes and comments at its end.

use super::super::flow::{Flow, Paragraph};
use super::super::package::Package;
use super::super::xml::{Element, Token, Xml};
use super::super::{Extracted, Outcome};
use super::docx::comment_start;
use super::ooxml::{self, Relations};
use super::slides::{Slide, write_slide};
use crate::title;

pub(super) fn extract(package: &mut Package, limit_bytes: u64) -> Result<Extracted, Outcome> {
    let main = ooxml::main_part(package, "ppt/presentation.xml")?;
    let text = package.required_text(&main)?;
    let relations = Relations::of(package, &main)?;
    let properties = ooxml::properties(package)?;
    let mut flow = Flow::new(limit_bytes);
    let mut own_title = None;
    let mut warnings = Vec::new();
    for (index, id) in slide_ids(&text).iter().enumerate() {
        if flow.is_full() {
            break;
        }
        flow.begin_page();
        let Some(part) = relations.part(id) else { continue };
        let Some(text) = package.text(part)? else {
            warnings.push(format!("slide {} is missing from the file", index + 1));
            continue;
        };
        let relations = Relations::of(package, part)?;
        let mut shapes = Shapes::default();
        shapes.read(&text);
        if let Some(error) = shapes.error.take() {
            warnings.push(format!("slide {} could not be read to its end: {error}", index + 1));
        }
        let graphics = ooxml::graphics(package, &relations)?;
        let mut slide = Slide {
            titles: shapes.take(|role| role == Role::Title),
            content: shapes.take(|_| true),
            graphics: shapes
                .graphics
                .iter()
                .filter_map(|id| graphics.get(id))
                .flatten()
                .cloned()
                .collect(),
            ..Slide::default()
        };
        for part in relations.parts("notesSlide") {
            let mut notes = Shapes::default();
            notes.read(&package.text(part)?.unwrap_or_default());
            slide.notes.extend(notes.take(|role| role == Role::Body));
        }
        for part in relations.parts("comments") {
            slide.comments.extend(read_comments(&package.text(part)?.unwrap_or_default()));
        }
        let title = write_slide(&mut flow, slide);
        if index == 0 {
            own_title = title;
        }
    }
    let mut extracted = flow.finish();
    extracted.warnings = warnings;
    properties.put_on(&mut extracted, own_title);
    extracted.title = extracted.title.or_else(|| title::from_first_line(&extracted.text));
    Ok(extracted)
}

/// The relations to the slides, in their order.
fn slide_ids(presentation: &str) -> Vec<String> {
    let mut ids = Vec::new();
    let mut xml = Xml::new(presentation);
    while let Some(token) = xml.next() {
        if let Token::Open(element) = token
            && element.name() == "sldId"
        {
            ids.extend(element.prefixed_attribute("id"));
        }
    }
    ids
}

/// What a shape is for.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Role {
    Title,
    /// The points of a slide; on a page of notes, the notes.
    Body,
    /// The number of the slide, the date, a footer that is the same on every slide.
    Furniture,
    #[default]
    Other,
}

/// The shapes on a slide or on a page of notes.
#[derive(Debug, Default)]
struct Shapes {
    shapes: Vec<(Role, Vec<Paragraph>)>,
    /// Relations to charts and diagrams.
    graphics: Vec<String>,
    error: Option<String>,
}

impl Shapes {
    /// The paragraphs of the shapes that are for something, which are then gone.
    fn take(&mut self, is_wanted: impl Fn(Role) -> bool) -> Vec<Paragraph> {
        let (wanted, others): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.shapes).into_iter().partition(|(role, _)| is_wanted(*role));
        self.shapes = others;
        wanted.into_iter().flat_map(|(_, content)| content).collect()
    }

    fn read(&mut self, text: &str) {
        // Within a frame, nothing is written: the flow only takes tables apart.
        let mut flow = Flow::new(u64::MAX);
        let mut role = Role::Other;
        let mut paragraph: Option<Paragraph> = None;
        let mut in_text = false;
        let mut xml = Xml::new(text);
        flow.open_frame();
        while let Some(token) = xml.next() {
            match token {
                Token::Text(text) => {
                    if let Some(paragraph) = paragraph.as_mut().filter(|_| in_text) {
                        paragraph.push(&text);
                    }
                }
                Token::Open(element) => match element.name() {
                    "sp" | "graphicFrame" | "cxnSp" | "pic" => {
                        self.keep(Role::Other, flow.close_frame());
                        flow.open_frame();
                        role = Role::Other;
                    }
                    "ph" => role = role_of(&element),
                    "p" => {
                        // The points of a slide have bullets unless something else is said.
                        let label = (role == Role::Body).then(|| "-".to_owned());
                        paragraph.insert(Paragraph::default()).label = label;
                    }
                    "pPr" => {
                        if let Some(paragraph) = &mut paragraph {
                            paragraph_properties(&element, &mut xml, paragraph);
                        }
                    }
                    "t" => in_text = true,
                    "br" => {
                        if let Some(paragraph) = &mut paragraph {
                            paragraph.line_break();
                        }
                    }
                    "tab" => {
                        if let Some(paragraph) = &mut paragraph {
                            paragraph.tab();
                        }
                    }
                    "tbl" => flow.open_table(),
                    "tc" => flow.open_cell(),
                    "chart" => self.graphics.extend(element.prefixed_attribute("id")),
                    "relIds" => self.graphics.extend(element.prefixed_attribute("dm")),
                    "Fallback" => xml.skip(),
                    _ => {}
                },
                Token::Close(end) => match end.name() {
                    "t" => in_text = false,
                    "p" => {
                        if let Some(paragraph) = paragraph.take() {
                            flow.paragraph(paragraph);
                        }
                    }
                    "tc" => flow.close_cell(),
                    "tr" => flow.close_row(false),
                    "tbl" => flow.close_table(),
                    "sp" | "graphicFrame" | "cxnSp" | "pic" => {
                        self.keep(role, flow.close_frame());
                        flow.open_frame();
                        role = Role::Other;
                    }
                    _ => {}
                },
            }
        }
        self.keep(role, flow.close_frame());
        self.error = xml.error().map(str::to_owned);
    }

    fn keep(&mut self, role: Role, content: Vec<Paragraph>) {
        if role != Role::Furniture && !content.is_empty() {
            self.shapes.push((role, content));
        }
    }
}

fn role_of(placeholder: &Element) -> Role {
    match placeholder.attribute("type").as_deref() {
        Some("title" | "ctrTitle") => Role::Title,
        Some("body" | "obj") | None => Role::Body,
        Some("sldNum" | "dt" | "ftr" | "hdr" | "sldImg") => Role::Furniture,
        _ => Role::Other,
    }
}

fn paragraph_properties(element: &Element, xml: &mut Xml, paragraph: &mut Paragraph) {
    let level = element.attribute("lvl").and_then(|level| level.parse().ok()).unwrap_or(0);
    paragraph.list_level = usize::from(u8::min(level, 8));
    xml.each_within(|element, visit| {
        match element.name() {
            "buChar" | "buAutoNum" | "buBlip" => paragraph.label = Some("-".to_owned()),
            "buNone" => paragraph.label = None,
            _ => {}
        }
        visit.leave_out();
    });
}

/// The comments on a slide, old ones and those that can be answered.
fn read_comments(text: &str) -> Vec<Paragraph> {
    let mut comments = Vec::new();
    let mut comment = Paragraph::default();
    let mut xml = Xml::new(text);
    while let Some(token) = xml.next() {
        match token {
            Token::Open(element) if matches!(element.name(), "text" | "t") => {
                comment.space();
                comment.push(&xml.inner_text());
            }
            Token::Close(end) if matches!(end.name(), "cm" | "reply") => {
                comments.push(std::mem::take(&mut comment));
            }
            _ => {}
        }
    }
    comments.push(comment);
    comments.retain(|comment| !comment.is_empty());
    for comment in &mut comments {
        comment.prepend(&comment_start(""));
    }
    comments
}

#[cfg(test)]
mod tests;
