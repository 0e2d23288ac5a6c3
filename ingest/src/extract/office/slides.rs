//! What the formats of presentations have in common.

use super::super::flow::{Flow, Paragraph};

/// A first line longer than this is no heading of a slide that has no title.
const HEADING_CHARS: usize = 80;

/// A slide in its parts.
#[derive(Debug, Default)]
pub(super) struct Slide {
    pub(super) titles: Vec<Paragraph>,
    pub(super) content: Vec<Paragraph>,
    /// The names in charts and diagrams.
    pub(super) graphics: Vec<Paragraph>,
    /// What the speaker is to say.
    pub(super) notes: Vec<Paragraph>,
    pub(super) comments: Vec<Paragraph>,
}

/// Writes a slide, its notes marked as such. Gives the title.
pub(super) fn write_slide(flow: &mut Flow, slide: Slide) -> Option<String> {
    let Slide { titles, mut content, graphics, notes, comments } = slide;
    let mut title: Option<Paragraph> = None;
    for part in titles {
        match &mut title {
            None => title = Some(part),
            Some(title) => {
                title.space();
                title.push(part.text());
            }
        }
    }
    // A slide is a section of its own even where it has no title: what stands on it must not seem to
    // belong to the title of the slide before.
    if title.is_none()
        && let Some(first) = content.first()
        && first.text().chars().count() <= HEADING_CHARS
        && !first.text().contains(['\n', '\t'])
    {
        title = Some(content.remove(0));
    }
    let words = title.as_ref().map(|title| title.text().to_owned());
    if let Some(mut title) = title {
        title.heading = Some(1);
        title.label = None;
        flow.paragraph(title);
    }
    for paragraph in content.into_iter().chain(graphics) {
        flow.paragraph(paragraph);
    }
    let mut notes = notes.into_iter();
    if let Some(mut first) = notes.next() {
        first.label = None;
        first.prepend("[Notes] ");
        flow.paragraph(first);
    }
    for paragraph in notes.chain(comments) {
        flow.paragraph(paragraph);
    }
    words
}
