//! The content of texts and presentations.

use super::super::super::flow::{Flow, Paragraph};
use super::super::super::xml::{Element, Token, Xml};
use super::super::docx::comment_start;
use super::super::slides::{Slide, write_slide};
use super::lists::{Counts, Lists};
use super::styles::Styles;

/// Reads a part into a [`Flow`].
pub(super) struct Body<'a> {
    styles: &'a Styles,
    flow: &'a mut Flow,
    /// The layout's page breaks are all there.
    has_pages: bool,
    /// Paragraphs that are open, each within a shape or note of the one before.
    open: Vec<OpenParagraph>,
    lists: Vec<Lists>,
    outline: Counts,
    /// What each frame is kept apart for.
    frames: Vec<Frame>,
    slide: Option<Slide>,
    in_notes: bool,
    /// The words of the paragraph in the style of a title.
    pub(super) title: Option<String>,
}

#[derive(Default)]
struct OpenParagraph {
    paragraph: Paragraph,
    is_title: bool,
}

enum Frame {
    Shape(Role),
    Note { number: String },
    Comment { author: String },
}

/// What a shape on a slide is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Title,
    Notes,
    /// What is the same on every slide.
    Furniture,
    Other,
}

impl<'a> Body<'a> {
    pub(super) fn new(styles: &'a Styles, flow: &'a mut Flow) -> Self {
        Self {
            styles,
            flow,
            has_pages: false,
            open: Vec::new(),
            lists: vec![Lists::default()],
            outline: Counts::default(),
            frames: Vec::new(),
            slide: None,
            in_notes: false,
            title: None,
        }
    }

    /// Reads the part; `Some` says why it could not be read to its end.
    pub(super) fn read(&mut self, text: &str) -> Option<String> {
        let mut xml = Xml::new(text);
        while let Some(token) = xml.next() {
            match token {
                Token::Text(text) => {
                    if let Some(open) = self.open.last_mut() {
                        open.paragraph.push(&text);
                    }
                }
                Token::Open(element) => self.open(&element, &mut xml),
                Token::Close(end) => self.close(end.name()),
            }
            if self.flow.is_full() {
                break;
            }
        }
        while !self.open.is_empty() {
            self.close_paragraph();
        }
        self.close_slide();
        xml.error().map(str::to_owned)
    }

    fn open(&mut self, element: &Element, xml: &mut Xml) {
        let style = || element.attribute("style-name");
        match element.name() {
            "text" if element.attribute("use-soft-page-breaks").as_deref() == Some("true") => {
                self.has_pages = true;
                self.flow.begin_page();
            }
            "p" | "h" => self.open_paragraph(element, xml),
            "span" if self.styles.is_hidden("text", style().as_deref()) => xml.skip(),
            "s" => self.with_paragraph(Paragraph::space),
            "tab" => self.with_paragraph(Paragraph::tab),
            "line-break" => self.with_paragraph(Paragraph::line_break),
            "soft-page-break" if self.has_pages && self.frames.is_empty() => {
                match self.open.last_mut() {
                    Some(open) => open.paragraph.page_break(),
                    None => self.flow.begin_page(),
                }
            }
            "list" => {
                if let Some(lists) = self.lists.last_mut() {
                    lists.open_list(element);
                }
            }
            "list-item" => {
                if let Some(lists) = self.lists.last_mut() {
                    lists.open_item(element);
                }
            }
            "section" => {
                let is_hidden = element.attribute("display").as_deref() == Some("none")
                    || self.styles.is_hidden("section", style().as_deref());
                if is_hidden {
                    xml.skip();
                }
            }
            "table" => {
                self.break_page("table", style().as_deref());
                self.flow.open_table();
            }
            "table-cell" => self.flow.open_cell(),
            "note" => self.open_frame(Frame::Note { number: String::new() }),
            "note-citation" => {
                let citation = xml.inner_text();
                if let Some(Frame::Note { number }) = self.frames.last_mut() {
                    *number = citation.trim().to_owned();
                }
            }
            "annotation" => self.open_frame(Frame::Comment { author: String::new() }),
            "creator" if matches!(self.frames.last(), Some(Frame::Comment { .. })) => {
                let name = xml.inner_text();
                if let Some(Frame::Comment { author }) = self.frames.last_mut() {
                    *author = name;
                }
            }
            "page" => {
                self.close_slide();
                self.slide = Some(Slide::default());
                self.flow.begin_page();
            }
            "notes" => self.in_notes = true,
            "hidden-text" | "hidden-paragraph"
                if element.attribute("is-hidden").as_deref() != Some("false") =>
            {
                xml.skip();
            }
            name if is_shape(name) => {
                let class = element.attribute("class");
                let role = match class.as_deref() {
                    Some("title") if !self.in_notes => Role::Title,
                    Some("header" | "footer" | "date-time" | "page-number" | "page") => {
                        Role::Furniture
                    }
                    _ if self.in_notes => Role::Notes,
                    _ => Role::Other,
                };
                self.open_frame(Frame::Shape(role));
            }
            // What was deleted; templates of indexes; descriptions of pictures; the pronunciation of
            // words; data for machines.
            "tracked-changes"
            | "table-of-content-source"
            | "illustration-index-source"
            | "table-index-source"
            | "object-index-source"
            | "user-index-source"
            | "alphabetical-index-source"
            | "bibliography-source"
            | "title"
            | "desc"
            | "ruby-text"
            | "forms"
            | "script"
            | "scripts"
            | "automatic-styles"
            | "object"
            | "binary-data"
            | "date"
            | "date-string"
            | "creator"
            | "initials" => xml.skip(),
            _ => {}
        }
    }

    fn close(&mut self, name: &str) {
        match name {
            "p" | "h" => self.close_paragraph(),
            "list" => {
                if let Some(lists) = self.lists.last_mut() {
                    lists.close_list();
                }
            }
            "list-item" => {
                if let Some(lists) = self.lists.last_mut() {
                    lists.close_item();
                }
            }
            "table-cell" => self.flow.close_cell(),
            "table-row" => self.flow.close_row(false),
            "table" => self.flow.close_table(),
            "note" | "annotation" => self.close_frame(),
            "notes" => self.in_notes = false,
            "page" => self.close_slide(),
            name if is_shape(name) => self.close_frame(),
            _ => {}
        }
    }

    fn open_paragraph(&mut self, element: &Element, xml: &mut Xml) {
        let style = element.attribute("style-name");
        if self.styles.is_hidden("paragraph", style.as_deref()) {
            return xml.skip();
        }
        if self.open.is_empty() {
            self.break_page("paragraph", style.as_deref());
        }
        let mut paragraph = Paragraph::default();
        let styles = self.styles;
        if let Some((label, level)) =
            self.lists.last_mut().and_then(|lists| lists.label(|name| styles.list(name)))
        {
            paragraph.label = Some(label);
            paragraph.list_level = level;
        }
        if element.name() == "h" {
            let level: u8 = element
                .attribute("outline-level")
                .and_then(|level| level.parse().ok())
                .filter(|level| (1..=10).contains(level))
                .unwrap_or(1);
            paragraph.heading = Some(level);
            let is_counted = element.attribute("is-list-header").as_deref() != Some("true");
            if paragraph.label.is_none()
                && is_counted
                && self.frames.is_empty()
                && let Some(outline) = styles.outline(style.as_deref())
            {
                let start = element.attribute("start-value").and_then(|start| start.parse().ok());
                paragraph.label = self.outline.next(outline, usize::from(level) - 1, start);
            }
        }
        let is_title = self.title.is_none() && styles.is_title(style.as_deref());
        self.open.push(OpenParagraph { paragraph, is_title });
    }

    fn close_paragraph(&mut self) {
        let Some(OpenParagraph { paragraph, is_title }) = self.open.pop() else { return };
        if is_title && !paragraph.is_empty() {
            self.title.get_or_insert_with(|| paragraph.text().to_owned());
        }
        self.flow.paragraph(paragraph);
    }

    fn with_paragraph(&mut self, change: impl FnOnce(&mut Paragraph)) {
        if let Some(open) = self.open.last_mut() {
            change(&mut open.paragraph);
        }
    }

    /// A new page, if the style begins one and it is not the first.
    fn break_page(&mut self, family: &str, style: Option<&str>) {
        if self.has_pages
            && self.frames.is_empty()
            && !self.flow.is_empty()
            && self.styles.breaks_page(family, style)
        {
            self.flow.begin_page();
        }
    }

    fn open_frame(&mut self, frame: Frame) {
        self.frames.push(frame);
        // A list around the note or shape has nothing to do with what is in it.
        self.lists.push(Lists::default());
        self.flow.open_frame();
    }

    fn close_frame(&mut self) {
        let Some(frame) = self.frames.pop() else { return };
        self.lists.pop();
        let mut content = self.flow.close_frame();
        if let Some(first) = content.first_mut() {
            match &frame {
                Frame::Note { number } => first.prepend(&format!("[{number}] ")),
                Frame::Comment { author } => first.prepend(&comment_start(author)),
                Frame::Shape(_) => {}
            }
        }
        match (&mut self.slide, frame) {
            (Some(slide), frame) if self.frames.is_empty() => {
                let place = match frame {
                    Frame::Shape(Role::Furniture) => return,
                    Frame::Shape(Role::Title) => &mut slide.titles,
                    Frame::Shape(Role::Notes) => &mut slide.notes,
                    Frame::Shape(Role::Other) | Frame::Note { .. } => &mut slide.content,
                    Frame::Comment { .. } => &mut slide.comments,
                };
                place.extend(content);
            }
            _ => self.flow.behind(content),
        }
    }

    fn close_slide(&mut self) {
        let Some(slide) = self.slide.take() else { return };
        let title = write_slide(self.flow, slide);
        if self.title.is_none() {
            // Only that of the first slide counts, even if it has none.
            self.title = Some(title.unwrap_or_default());
        }
    }
}

fn is_shape(name: &str) -> bool {
    matches!(
        name,
        "frame"
            | "custom-shape"
            | "rect"
            | "circle"
            | "ellipse"
            | "line"
            | "polyline"
            | "polygon"
            | "regular-polygon"
            | "path"
            | "connector"
            | "caption"
            | "measure"
    )
}
