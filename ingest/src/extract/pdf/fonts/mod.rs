//! Fonts, as far as text needs them: which characters the codes stand for and how wide they are.

mod composite;
mod metrics;
mod names;
mod program;
mod simple;
mod to_unicode;

use std::borrow::Cow;
use std::collections::HashMap;
use std::rc::Rc;

use lopdf::{Dictionary, Document as Pdf, Object, ObjectId};

use super::filters::decode;
use super::objects::{as_dictionary, get, get_name};
use composite::{Collections, CompositeFont};
use simple::SimpleFont;
use to_unicode::ToUnicode;

/// Larger character maps are not read in full.
const MAX_MAP_BYTES: usize = 16 << 20;

pub(super) struct Font<'a>(Codes<'a>);

enum Codes<'a> {
    OfOneByte(SimpleFont),
    OfSeveral(Box<CompositeFont<'a>>),
}

/// One glyph of a string.
pub(super) struct Shown<'f> {
    /// `None` where the font does not tell.
    pub(super) text: Option<Cow<'f, str>>,
    /// How far it moves on, in multiples of the type size.
    pub(super) advance: f64,
    /// Whether word spacing applies to it.
    pub(super) is_space: bool,
}

impl<'a> Font<'a> {
    fn new(pdf: &'a Pdf, font: &'a Dictionary, collections: &mut Collections) -> Self {
        let to_unicode = match get(pdf, font, "ToUnicode") {
            Some(Object::Stream(map)) => Some(ToUnicode::parse(&decode(pdf, map, MAX_MAP_BYTES))),
            Some(Object::Name(name)) if name.starts_with(b"Identity") => {
                Some(ToUnicode::identity())
            }
            _ => None,
        };
        let to_unicode = to_unicode.filter(|map| !map.is_empty());
        if get_name(pdf, font, "Subtype") != Some(b"Type0") {
            return Self(Codes::OfOneByte(SimpleFont::new(pdf, font, to_unicode.as_ref())));
        }
        match CompositeFont::new(pdf, font, to_unicode, collections) {
            Some(font) => Self(Codes::OfSeveral(Box::new(font))),
            None => Self(Codes::OfOneByte(SimpleFont::new(pdf, font, None))),
        }
    }

    /// Whether lines run from top to bottom.
    pub(super) fn is_vertical(&self) -> bool {
        matches!(&self.0, Codes::OfSeveral(font) if font.is_vertical())
    }

    /// The height of the type in multiples of its nominal size: other than 1 only where glyphs are
    /// drawn in a space of their own.
    pub(super) fn em(&self) -> f64 {
        match &self.0 {
            Codes::OfOneByte(font) => font.em(),
            Codes::OfSeveral(_) => 1.0,
        }
    }

    /// Takes the first glyph off the string.
    pub(super) fn next(&self, string: &mut &[u8]) -> Option<Shown<'_>> {
        match &self.0 {
            Codes::OfOneByte(font) => {
                let (&code, rest) = string.split_first()?;
                *string = rest;
                let text = font.text(code).map(Cow::Borrowed);
                Some(Shown { text, advance: font.width(code), is_space: code == b' ' })
            }
            Codes::OfSeveral(font) => {
                let code = font.next_code(string)?;
                *string = &string[code.bytes..];
                let text = font.text(code).map(Cow::Owned);
                // A vertical line moves on by the height of a character, which is nearly always
                // that of a full square.
                let advance = if font.is_vertical() { 1.0 } else { font.width(code) };
                let is_space = code.bytes == 1 && code.code == u32::from(b' ');
                Some(Shown { text, advance, is_space })
            }
        }
    }
}

/// The fonts of a document, each read once.
pub(super) struct Fonts<'a> {
    pdf: &'a Pdf,
    known: HashMap<ObjectId, Rc<Font<'a>>>,
    collections: Collections,
}

impl<'a> Fonts<'a> {
    pub(super) fn new(pdf: &'a Pdf) -> Self {
        Self { pdf, known: HashMap::new(), collections: Collections::default() }
    }

    /// The font that a dictionary of resources has under its name.
    pub(super) fn get(&mut self, fonts: &'a Dictionary, name: &[u8]) -> Option<Rc<Font<'a>>> {
        self.get_object(fonts.get(name).ok()?)
    }

    /// The font that an object is or refers to.
    pub(super) fn get_object(&mut self, object: &'a Object) -> Option<Rc<Font<'a>>> {
        let id = object.as_reference().ok();
        if let Some(font) = id.and_then(|id| self.known.get(&id)) {
            return Some(Rc::clone(font));
        }
        let (_, object) = self.pdf.dereference(object).ok()?;
        let font = Rc::new(Font::new(self.pdf, as_dictionary(object)?, &mut self.collections));
        if let Some(id) = id {
            self.known.insert(id, Rc::clone(&font));
        }
        Some(font)
    }
}
