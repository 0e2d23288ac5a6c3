//! XML as a row of tokens.
//!
//! Names are given without their namespace prefix: which prefix a program writes is its own affair,
//! and the formats read here do not depend on it. Entities that a document defines itself are never
//! expanded, and nothing here recurses.

use std::borrow::Cow;

use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesEnd, BytesStart, Event};
use quick_xml::reader::Reader;

/// One token.
#[derive(Debug)]
pub(super) enum Token<'a> {
    /// An element begins.
    Open(Element<'a>),
    /// An element ends.
    Close(End<'a>),
    /// Characters between two tags; may come in several pieces.
    Text(Cow<'a, str>),
}

/// The start of an element.
#[derive(Debug)]
pub(super) struct Element<'a>(BytesStart<'a>);

/// The end of an element.
#[derive(Debug)]
pub(super) struct End<'a>(BytesEnd<'a>);

impl End<'_> {
    /// Its name without prefix.
    pub(super) fn name(&self) -> &str {
        self.0.local_name().into_inner()
    }
}

impl Element<'_> {
    /// Its name without prefix.
    pub(super) fn name(&self) -> &str {
        self.0.local_name().into_inner()
    }

    /// The value of an attribute, whatever its prefix.
    pub(super) fn attribute(&self, name: &str) -> Option<String> {
        self.find(|_, local| local == name)
    }

    /// The value of an attribute that has a prefix, where another of the same name has none.
    pub(super) fn prefixed_attribute(&self, name: &str) -> Option<String> {
        self.find(|prefixed, local| prefixed && local == name)
    }

    /// Whether a property that is there or not is there: `<w:vanish/>` or `<w:vanish w:val="1"/>`.
    pub(super) fn is_on(&self) -> bool {
        !matches!(self.attribute("val").as_deref(), Some("0" | "false" | "off"))
    }

    fn find(&self, is_wanted: impl Fn(bool, &str) -> bool) -> Option<String> {
        let mut attributes = self.0.attributes();
        for attribute in attributes.with_checks(false).flatten() {
            let name = attribute.key.as_ref();
            let local = attribute.key.local_name().into_inner();
            if is_wanted(name.len() > local.len(), local) {
                let raw = attribute.value.as_ref();
                return Some(match quick_xml::escape::unescape(raw) {
                    Ok(value) => value.into_owned(),
                    // An entity of the document's own stays as it is written.
                    Err(_) => raw.to_owned(),
                });
            }
        }
        None
    }
}

/// Reads the tokens of a text.
pub(super) struct Xml<'a> {
    reader: Reader<&'a [u8]>,
    error: Option<String>,
}

impl<'a> Xml<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let mut reader = Reader::from_str(text);
        let config = reader.config_mut();
        config.expand_empty_elements = true;
        // What a careless program wrote is read as far as it makes sense.
        config.check_end_names = false;
        config.allow_unmatched_ends = true;
        config.allow_dangling_amp = true;
        Self { reader, error: None }
    }

    /// The next token; `None` at the end, or where it is no longer XML (see [`error`](Self::error)).
    pub(super) fn next(&mut self) -> Option<Token<'a>> {
        loop {
            return Some(match self.reader.read_event() {
                Ok(Event::Start(start) | Event::Empty(start)) => Token::Open(Element(start)),
                Ok(Event::End(end)) => Token::Close(End(end)),
                Ok(Event::Text(text)) => Token::Text(text.into_inner()),
                Ok(Event::CData(text)) => Token::Text(text.into_inner()),
                Ok(Event::GeneralRef(reference)) => {
                    let known = match reference.resolve_char_ref() {
                        Ok(Some(character)) => Some(Cow::Owned(character.to_string())),
                        _ => resolve_predefined_entity(&reference).map(Cow::Borrowed),
                    };
                    match known {
                        Some(text) => Token::Text(text),
                        None => continue,
                    }
                }
                Ok(Event::Eof) => return None,
                Ok(_) => continue,
                Err(e) => {
                    self.error.get_or_insert_with(|| e.to_string());
                    return None;
                }
            });
        }
    }

    /// Passes over the rest of the element that was opened last.
    pub(super) fn skip(&mut self) {
        let mut depth = 1_usize;
        while depth > 0 {
            match self.next() {
                Some(Token::Open(_)) => depth += 1,
                Some(Token::Close(_)) => depth -= 1,
                Some(Token::Text(_)) => {}
                None => return,
            }
        }
    }

    /// The characters within the element that was opened last, to its end.
    pub(super) fn inner_text(&mut self) -> String {
        let mut inner = String::new();
        let mut depth = 1_usize;
        while depth > 0 {
            match self.next() {
                Some(Token::Open(_)) => depth += 1,
                Some(Token::Close(_)) => depth -= 1,
                Some(Token::Text(text)) => inner.push_str(&text),
                None => break,
            }
        }
        inner
    }

    /// Calls `visit` with every element within the one that was opened last, to its end.
    pub(super) fn each_within(&mut self, mut visit: impl FnMut(&Element, &mut Visit)) {
        let mut depth = 1_usize;
        while depth > 0 {
            match self.next() {
                Some(Token::Open(element)) => {
                    let mut choice = Visit::default();
                    visit(&element, &mut choice);
                    if choice.is_left_out {
                        self.skip();
                    } else {
                        depth += 1;
                    }
                }
                Some(Token::Close(_)) => depth -= 1,
                Some(Token::Text(_)) => {}
                None => return,
            }
        }
    }

    /// Why reading ended before the end.
    pub(super) fn error(&self) -> Option<&str> {
        self.error.as_deref()
    }
}

/// What [`Xml::each_within`] is to do with an element.
#[derive(Debug, Default)]
pub(super) struct Visit {
    is_left_out: bool,
}

impl Visit {
    /// Passes over everything within the element.
    pub(super) fn leave_out(&mut self) {
        self.is_left_out = true;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all(text: &str) -> String {
        let mut xml = Xml::new(text);
        let mut seen = String::new();
        while let Some(token) = xml.next() {
            match token {
                Token::Open(element) => seen.push_str(&format!("<{}>", element.name())),
                Token::Close(end) => seen.push_str(&format!("</{}>", end.name())),
                Token::Text(text) => seen.push_str(&text),
            }
        }
        seen
    }

    #[test]
    fn prefixes_and_empty_elements_make_no_difference() {
        assert_eq!(
            all("<w:p a='1'><w:t>x &amp; &#xFC;</w:t><br/></w:p>"),
            "<p><t>x & ü</t><br></br></p>"
        );
    }

    #[test]
    fn attributes_are_found_with_and_without_prefix() {
        let mut xml = Xml::new("<sldId id='256' r:id=\"rId2\" name='A &lt; B'/>");
        let Some(Token::Open(element)) = xml.next() else { panic!() };
        assert_eq!(element.attribute("id").as_deref(), Some("256"));
        assert_eq!(element.prefixed_attribute("id").as_deref(), Some("rId2"));
        assert_eq!(element.attribute("name").as_deref(), Some("A < B"));
        assert_eq!(element.attribute("other"), None);
    }

    #[test]
    fn entities_of_the_document_are_not_expanded() {
        let bomb = "<!DOCTYPE a [<!ENTITY x \"xxxxxxxxxx\"><!ENTITY y \"&x;&x;&x;\">]><a b='&y;'>1&y;2</a>";
        assert_eq!(all(bomb), "<a>12</a>");
    }

    #[test]
    fn careless_xml_is_read_as_far_as_it_goes() {
        assert_eq!(all("<a>R & D<b></a>"), "<a>R & D<b></a>");
        let mut xml = Xml::new("<a>one<b c=");
        while xml.next().is_some() {}
        assert!(xml.error().is_some());
    }

    proptest! {
        #[test]
        fn any_text_comes_to_an_end(text in "[<>/a&;:\"'= !\\-\\[\\]?x#0ü]{0,80}") {
            all(&text);
            let mut xml = Xml::new(&text);
            while let Some(token) = xml.next() {
                if let Token::Open(element) = token {
                    element.attribute("x");
                    xml.skip();
                }
            }
        }
    }
}
