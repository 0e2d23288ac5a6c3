//! What a DOCX says about its styles, as far as it matters to the text.

use std::collections::HashMap;

use super::super::super::xml::{Element, Token, Visit, Xml};

/// Styles are based on one another; a chain longer than this is taken to bite its own tail.
const MAX_CHAIN: usize = 32;

/// The styles by their numbers.
#[derive(Debug, Default)]
pub(in super::super) struct Styles {
    by_id: HashMap<String, Style>,
    /// The style of paragraphs that name none.
    default_paragraph: Option<String>,
}

#[derive(Debug, Default)]
struct Style {
    based_on: Option<String>,
    /// The name that is the same in every language: "heading 1" for what a German Word calls
    /// "Überschrift 1".
    name: String,
    properties: ParagraphProperties,
    is_hidden: Option<bool>,
}

/// What a paragraph or a style says of itself.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct ParagraphProperties {
    pub(super) style: Option<String>,
    /// 0 for the outermost level to 8; 9 for text that is no heading.
    pub(super) outline_level: Option<u8>,
    /// Number of the list in `numbering.xml`; "0" for none.
    pub(super) list: Option<String>,
    /// From 0.
    pub(super) list_level: Option<u8>,
    /// A tracked change deletes the end of the paragraph.
    pub(super) is_end_deleted: bool,
}

impl ParagraphProperties {
    /// Takes in an element of `w:pPr`.
    pub(super) fn take_in(&mut self, element: &Element, visit: &mut Visit) {
        let value = || element.attribute("val");
        match element.name() {
            "pStyle" => self.style = value(),
            "outlineLvl" => self.outline_level = value().and_then(|level| level.parse().ok()),
            "numId" => self.list = value(),
            "ilvl" => self.list_level = value().and_then(|level| level.parse().ok()),
            // Only within `w:rPr`, which says how the paragraph's end looks.
            "del" | "moveFrom" => self.is_end_deleted = true,
            "pPrChange" | "rPrChange" | "sectPrChange" | "numberingChange" | "tabs" => {
                visit.leave_out();
            }
            _ => {}
        }
    }
}

impl Styles {
    pub(super) fn read(text: &str) -> Self {
        let mut styles = Self::default();
        let mut xml = Xml::new(text);
        while let Some(token) = xml.next() {
            let Token::Open(element) = token else { continue };
            if element.name() != "style" {
                continue;
            }
            let Some(id) = element.attribute("styleId") else { continue };
            let is_default = matches!(element.attribute("default").as_deref(), Some("1" | "true"));
            if is_default && element.attribute("type").as_deref() == Some("paragraph") {
                styles.default_paragraph = Some(id.clone());
            }
            let mut style = Style::default();
            xml.each_within(|element, visit| match element.name() {
                "name" => style.name = element.attribute("val").unwrap_or_default(),
                "basedOn" => style.based_on = element.attribute("val"),
                "vanish" => style.is_hidden = Some(element.is_on()),
                "tblStylePr" => visit.leave_out(),
                _ => style.properties.take_in(element, visit),
            });
            styles.by_id.insert(id, style);
        }
        styles
    }

    /// The properties with what the style adds to them.
    pub(super) fn complete(&self, mut properties: ParagraphProperties) -> ParagraphProperties {
        let own_list = properties.list.is_some();
        for style in self.chain(properties.style.as_deref()) {
            let inherited = &style.properties;
            properties.outline_level = properties
                .outline_level
                .or(inherited.outline_level)
                .or_else(|| heading_level(&style.name));
            properties.list = properties.list.or_else(|| inherited.list.clone());
            if !own_list {
                properties.list_level = properties.list_level.or(inherited.list_level);
            }
        }
        properties
    }

    /// Whether the style is that of the document's title.
    pub(super) fn is_title(&self, style: Option<&str>) -> bool {
        style.is_some() && self.chain(style).any(|style| style.name.eq_ignore_ascii_case("title"))
    }

    /// Whether text of this style is hidden.
    pub(super) fn is_hidden(&self, style: Option<&str>) -> bool {
        style.is_some() && self.chain(style).find_map(|style| style.is_hidden).unwrap_or(false)
    }

    /// The list that a style is part of.
    pub(super) fn list_of(&self, style: &str) -> Option<&str> {
        self.chain(Some(style)).find_map(|style| style.properties.list.as_deref())
    }

    /// The style and those that it is based on.
    fn chain<'a>(&'a self, style: Option<&str>) -> impl Iterator<Item = &'a Style> + use<'a> {
        let first = style.or(self.default_paragraph.as_deref());
        std::iter::successors(first.and_then(|id| self.by_id.get(id)), |style| {
            self.by_id.get(style.based_on.as_deref()?)
        })
        .take(MAX_CHAIN)
    }
}

/// The outline level, from 0, of a built-in heading style that does not state it.
fn heading_level(name: &str) -> Option<u8> {
    let (word, number) = name.split_once(' ')?;
    let level: u8 = number.trim().parse().ok().filter(|level| (1..=9).contains(level))?;
    word.eq_ignore_ascii_case("heading").then_some(level - 1)
}
