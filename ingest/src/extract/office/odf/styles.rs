//! What an OpenDocument file says about its styles, as far as it matters to the text.

use std::collections::HashMap;

use super::super::super::xml::{Token, Xml};
use super::lists::ListStyle;

/// Styles have parents; a chain longer than this is taken to bite its own tail.
const MAX_CHAIN: usize = 32;

/// Styles by their names.
#[derive(Debug, Default)]
pub(super) struct Styles {
    /// By family and name, since each family has names of its own.
    by_name: HashMap<(String, String), Style>,
    lists: HashMap<String, ListStyle>,
    /// How headings are numbered.
    outline: ListStyle,
}

#[derive(Debug, Default)]
struct Style {
    parent: Option<String>,
    display_name: Option<String>,
    is_hidden: bool,
    breaks_page: bool,
    /// The list that numbers its paragraphs; the empty string for none.
    list: Option<String>,
}

impl Styles {
    /// Takes in the styles of a part. Those of the content itself come last and hold.
    pub(super) fn read(&mut self, text: &str) {
        let mut xml = Xml::new(text);
        while let Some(token) = xml.next() {
            let Token::Open(element) = token else { continue };
            match element.name() {
                "style" => {
                    let Some(name) = element.attribute("name") else { continue };
                    let family = element.attribute("family").unwrap_or_default();
                    let master = element.attribute("master-page-name");
                    let mut style = Style {
                        parent: element.attribute("parent-style-name"),
                        display_name: element.attribute("display-name"),
                        list: element.attribute("list-style-name"),
                        // Another sort of page can only begin on a new one.
                        breaks_page: master.is_some_and(|name| !name.is_empty()),
                        is_hidden: false,
                    };
                    xml.each_within(|element, _| match element.name() {
                        "text-properties" | "section-properties" => {
                            style.is_hidden |=
                                element.attribute("display").as_deref() == Some("none");
                        }
                        "paragraph-properties" | "table-properties" => {
                            style.breaks_page |=
                                element.attribute("break-before").as_deref() == Some("page");
                        }
                        _ => {}
                    });
                    self.by_name.insert((family, name), style);
                }
                "list-style" => {
                    let Some(name) = element.attribute("name") else { continue };
                    self.lists.insert(name, ListStyle::read(&mut xml));
                }
                "outline-style" => self.outline = ListStyle::read(&mut xml),
                "body" => return,
                _ => {}
            }
        }
    }

    /// The style of a list.
    pub(super) fn list(&self, name: &str) -> Option<&ListStyle> {
        self.lists.get(name)
    }

    /// How headings of a style are numbered; `None` where the style switches it off.
    pub(super) fn outline(&self, style: Option<&str>) -> Option<&ListStyle> {
        let list = self.chain("paragraph", style).find_map(|style| style.list.as_deref());
        (list != Some("")).then_some(&self.outline)
    }

    /// Whether text of a style is hidden.
    pub(super) fn is_hidden(&self, family: &str, style: Option<&str>) -> bool {
        self.chain(family, style).any(|style| style.is_hidden)
    }

    /// Whether a new page begins with a paragraph or table of the style.
    pub(super) fn breaks_page(&self, family: &str, style: Option<&str>) -> bool {
        self.chain(family, style).any(|style| style.breaks_page)
    }

    /// Whether the style is that of the document's title.
    pub(super) fn is_title(&self, style: Option<&str>) -> bool {
        style == Some("Title")
            || self.chain("paragraph", style).any(|style| {
                style.parent.as_deref() == Some("Title")
                    || style.display_name.as_deref() == Some("Title")
            })
    }

    /// The style and its parents.
    fn chain<'a>(
        &'a self,
        family: &'a str,
        style: Option<&str>,
    ) -> impl Iterator<Item = &'a Style> {
        let find = move |name: &str| self.by_name.get(&(family.to_owned(), name.to_owned()));
        std::iter::successors(style.and_then(find), move |style| find(style.parent.as_deref()?))
            .take(MAX_CHAIN)
    }
}
