//! The main part of a DOCX and those that are built like it.

use std::collections::HashMap;

use super::super::super::flow::{Flow, Paragraph};
use super::super::super::xml::{Element, Token, Xml};
use super::super::numerals::Numerals;
use super::Surroundings;
use super::numbering::Counters;
use super::styles::ParagraphProperties;

/// Reads a part into a [`Flow`].
pub(super) struct Body<'a> {
    surroundings: &'a Surroundings,
    counters: &'a mut Counters,
    flow: &'a mut Flow,
    /// Page breaks of the last layout are of use.
    has_pages: bool,
    /// Paragraphs that are open, each within a text box of the one before.
    open: Vec<OpenParagraph>,
    /// A paragraph whose end was deleted, which goes on in the next one.
    unended: Option<Paragraph>,
    /// Fields that are open, whether what they show has begun.
    fields: Vec<bool>,
    /// Rows of tables that are open, whether a tracked change deletes them.
    rows: Vec<bool>,
    /// Within an element whose characters are text.
    in_text: bool,
    footnotes: u32,
    endnotes: u32,
    note: Option<(String, String)>,
    /// The notes or comments, where the part is a list of them.
    pub(super) notes: HashMap<String, Vec<Paragraph>>,
    /// The words of the paragraph in the style of a title.
    pub(super) title: Option<String>,
    /// Relations to the headers and footers.
    pub(super) headers: Vec<String>,
}

#[derive(Default)]
struct OpenParagraph {
    paragraph: Paragraph,
    properties: ParagraphProperties,
    is_run_hidden: bool,
    /// Text that is hidden has been left out.
    has_hidden: bool,
}

impl<'a> Body<'a> {
    pub(super) fn new(
        surroundings: &'a Surroundings,
        counters: &'a mut Counters,
        flow: &'a mut Flow,
        has_pages: bool,
    ) -> Self {
        Self {
            surroundings,
            counters,
            flow,
            has_pages,
            open: Vec::new(),
            unended: None,
            fields: Vec::new(),
            rows: Vec::new(),
            in_text: false,
            footnotes: 0,
            endnotes: 0,
            note: None,
            notes: HashMap::new(),
            title: None,
            headers: Vec::new(),
        }
    }

    /// Reads the part; `Some` says why it could not be read to its end.
    pub(super) fn read(&mut self, text: &str) -> Option<String> {
        let mut xml = Xml::new(text);
        while let Some(token) = xml.next() {
            match token {
                Token::Text(text) => {
                    if self.in_text
                        && let Some(paragraph) = self.visible()
                    {
                        paragraph.push(&text);
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
        if let Some(unended) = self.unended.take() {
            self.flow.paragraph(unended);
        }
        xml.error().map(str::to_owned)
    }

    fn open(&mut self, element: &Element, xml: &mut Xml) {
        match element.name() {
            "p" => self.open.push(OpenParagraph {
                paragraph: self.unended.take().unwrap_or_default(),
                ..OpenParagraph::default()
            }),
            "pPr" => self.paragraph_properties(xml),
            "r" => self.set_run_hidden(false),
            "rPr" => self.run_properties(xml),
            "t" => self.in_text = true,
            "tab" | "ptab" => self.with_visible(Paragraph::tab),
            "br" | "cr" => self.with_visible(Paragraph::line_break),
            "noBreakHyphen" => self.with_visible(|paragraph| paragraph.push("-")),
            "sym" => {
                let code = element.attribute("char");
                let code = code.and_then(|code| u32::from_str_radix(&code, 16).ok());
                if let (Some(c), Some(paragraph)) = (code.and_then(char::from_u32), self.visible())
                {
                    paragraph.push(c.encode_utf8(&mut [0; 4]));
                }
            }
            "lastRenderedPageBreak" => {
                if self.has_pages
                    && !self.flow.is_in_frame()
                    && let Some(open) = self.open.last_mut()
                {
                    open.paragraph.page_break();
                }
            }
            "fldChar" => match element.attribute("fldCharType").as_deref() {
                Some("begin") => self.fields.push(false),
                Some("separate") => {
                    if let Some(shows) = self.fields.last_mut() {
                        *shows = true;
                    }
                }
                Some("end") => drop(self.fields.pop()),
                _ => {}
            },
            "tbl" => self.flow.open_table(),
            "tr" => self.rows.push(false),
            "tc" => self.flow.open_cell(),
            "trPr" => {
                let mut is_deleted = false;
                xml.each_within(|element, _| is_deleted |= element.name() == "del");
                if let Some(row) = self.rows.last_mut() {
                    *row |= is_deleted;
                }
            }
            "txbxContent" => self.flow.open_frame(),
            "footnoteReference" => {
                self.footnotes += 1;
                let number = self.footnotes.to_string();
                self.refer(element, &number, &self.surroundings.footnotes);
            }
            "endnoteReference" => {
                self.endnotes += 1;
                let number = Numerals::LowerRoman.write(self.endnotes);
                self.refer(element, &number, &self.surroundings.endnotes);
            }
            "commentReference" => self.refer(element, "", &self.surroundings.comments),
            "chart" => self.show(element.prefixed_attribute("id")),
            "relIds" => self.show(element.prefixed_attribute("dm")),
            "footnote" | "endnote" | "comment" => {
                // Those with a type are the lines that divide notes from text.
                let is_note = element.attribute("type").is_none_or(|kind| kind == "normal");
                let Some(id) = element.attribute("id").filter(|_| is_note) else {
                    return xml.skip();
                };
                self.note = Some((id, element.attribute("author").unwrap_or_default()));
                self.flow.open_frame();
            }
            "sectPr" => {
                let headers = &mut self.headers;
                xml.each_within(|element, _| header(element, headers));
            }
            // What was deleted or moved away; the same text box again for older programs; the
            // pronunciation of words; properties.
            "del" | "moveFrom" | "Fallback" | "rt" | "sdtPr" | "sdtEndPr" | "customXmlPr"
            | "smartTagPr" | "tblPr" | "tblGrid" | "tcPr" => xml.skip(),
            _ => {}
        }
    }

    fn close(&mut self, name: &str) {
        match name {
            "p" => self.close_paragraph(),
            "t" => self.in_text = false,
            "r" => self.set_run_hidden(false),
            "tc" => self.flow.close_cell(),
            "tr" => {
                let is_deleted = self.rows.pop().unwrap_or(false);
                self.flow.close_row(is_deleted);
            }
            "tbl" => self.flow.close_table(),
            "txbxContent" => {
                let content = self.flow.close_frame();
                self.flow.behind(content);
            }
            "footnote" | "endnote" | "comment" => {
                let Some((id, author)) = self.note.take() else { return };
                let mut content = self.flow.close_frame();
                for paragraph in &mut content {
                    paragraph.heading = None;
                }
                if name == "comment"
                    && let Some(first) = content.first_mut()
                {
                    first.prepend(&comment_start(&author));
                }
                self.notes.insert(id, content);
            }
            _ => {}
        }
    }

    fn paragraph_properties(&mut self, xml: &mut Xml) {
        let mut properties = ParagraphProperties::default();
        let headers = &mut self.headers;
        xml.each_within(|element, visit| {
            properties.take_in(element, visit);
            header(element, headers);
        });
        if let Some(open) = self.open.last_mut() {
            open.properties = properties;
        }
    }

    fn run_properties(&mut self, xml: &mut Xml) {
        let mut hidden = None;
        let mut style = None;
        xml.each_within(|element, visit| match element.name() {
            "vanish" => hidden = Some(element.is_on()),
            "rStyle" => style = element.attribute("val"),
            "rPrChange" => visit.leave_out(),
            _ => {}
        });
        let by_style = self.surroundings.styles.is_hidden(style.as_deref());
        self.set_run_hidden(hidden.unwrap_or(by_style));
    }

    fn set_run_hidden(&mut self, is_hidden: bool) {
        if let Some(open) = self.open.last_mut() {
            open.is_run_hidden = is_hidden;
        }
    }

    /// The paragraph at hand, unless what comes is not to be seen.
    fn visible(&mut self) -> Option<&mut Paragraph> {
        let open = self.open.last_mut()?;
        if open.is_run_hidden {
            open.has_hidden = true;
            return None;
        }
        self.fields.iter().all(|shows| *shows).then_some(&mut open.paragraph)
    }

    fn with_visible(&mut self, change: impl FnOnce(&mut Paragraph)) {
        if let Some(paragraph) = self.visible() {
            change(paragraph);
        }
    }

    fn close_paragraph(&mut self) {
        let Some(OpenParagraph { mut paragraph, properties, has_hidden, .. }) = self.open.pop()
        else {
            return;
        };
        // The instructions of a field end with the paragraph at the latest; a field that is never
        // ended would otherwise hide the rest of the document.
        self.fields.fill(true);
        if properties.is_end_deleted {
            self.unended = Some(paragraph);
            return;
        }
        let is_gone = has_hidden && paragraph.is_empty();
        let styles = &self.surroundings.styles;
        let properties = styles.complete(properties);
        paragraph.heading =
            properties.outline_level.filter(|level| *level < 9).map(|level| level + 1);
        if let Some(list) = properties.list.filter(|list| list != "0" && !is_gone) {
            let numbering = &self.surroundings.numbering;
            let by_style =
                || properties.style.as_deref().and_then(|s| numbering.level_of_style(&list, s));
            let level = properties.list_level.or_else(by_style).unwrap_or(0);
            paragraph.list_level = usize::from(level);
            paragraph.label = self.counters.next(numbering, styles, &list, level);
        }
        if self.title.is_none()
            && !paragraph.is_empty()
            && styles.is_title(properties.style.as_deref())
        {
            self.title = Some(paragraph.text().to_owned());
        }
        self.flow.paragraph(paragraph);
    }

    /// Has a note written behind the paragraph at hand.
    fn refer(
        &mut self,
        element: &Element,
        number: &str,
        notes: &'a HashMap<String, Vec<Paragraph>>,
    ) {
        let Some(id) = element.attribute("id") else { return };
        let Some(note) = notes.get(&id) else { return };
        let mut note = note.clone();
        if let Some(first) = note.first_mut()
            && !number.is_empty()
        {
            first.prepend(&format!("[{number}] "));
        }
        self.flow.behind(note);
    }

    /// Has the text of a chart or diagram written behind the paragraph at hand.
    fn show(&mut self, id: Option<String>) {
        if let Some(text) = id.and_then(|id| self.surroundings.graphics.get(&id)) {
            self.flow.behind(text.clone());
        }
    }
}

/// Keeps the relation to a header or footer.
fn header(element: &Element, headers: &mut Vec<String>) {
    if matches!(element.name(), "headerReference" | "footerReference") {
        headers.extend(element.prefixed_attribute("id"));
    }
}

/// What stands before a comment.
pub(in super::super::super) fn comment_start(author: &str) -> String {
    let author = author.trim();
    if author.is_empty() { "[Comment] ".to_owned() } else { format!("[Comment, {author}] ") }
}
