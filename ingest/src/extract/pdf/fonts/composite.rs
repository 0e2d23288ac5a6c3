//! Fonts whose codes are of several bytes (Type 0).

use std::cell::OnceCell;
use std::collections::HashMap;
use std::rc::Rc;

use hayro_cmap::{BfString, CMap, CMapName, CidFamily, WritingMode, load_embedded};
use lopdf::{Dictionary, Document as Pdf, Object};

use super::program::texts_by_glyph;
use super::to_unicode::ToUnicode;
use crate::extract::pdf::filters::decode;
use crate::extract::pdf::objects::{
    as_dictionary, get, get_array, get_dictionary, get_number, get_stream, number, resolve,
};

/// Larger character maps are not read.
const MAX_MAP_BYTES: usize = 16 << 20;

pub(super) struct CompositeFont<'a> {
    pdf: &'a Pdf,
    encoding: Encoding,
    to_unicode: Option<ToUnicode>,
    /// From the numbers of a public character collection to text.
    collection: Option<Rc<CMap>>,
    descendant: &'a Dictionary,
    widths: Widths,
    /// Texts by glyph from the font's program, looked for when nothing else knows a character.
    by_glyph: OnceCell<HashMap<u32, String>>,
    glyph_numbers: OnceCell<Vec<u8>>,
}

/// From codes to numbers of characters (CIDs).
enum Encoding {
    /// Two bytes a character, which are its number.
    Identity {
        is_vertical: bool,
    },
    Map(Box<CMap>),
}

/// A code as it stands in a string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Code {
    pub(super) code: u32,
    pub(super) bytes: usize,
    /// The number of the character in its collection.
    cid: u32,
}

impl<'a> CompositeFont<'a> {
    pub(super) fn new(
        pdf: &'a Pdf,
        font: &'a Dictionary,
        to_unicode: Option<ToUnicode>,
        collections: &mut Collections,
    ) -> Option<Self> {
        let descendant = get(pdf, font, "DescendantFonts")
            .and_then(|fonts| match fonts {
                Object::Array(fonts) => resolve(pdf, fonts.first()?),
                other => Some(other),
            })
            .and_then(as_dictionary)?;
        let encoding = read_encoding(pdf, font);
        let collection = family(pdf, descendant, &encoding)
            .and_then(|family| family.ucs2_cmap())
            .and_then(|name| collections.get(name));
        Some(Self {
            pdf,
            encoding,
            to_unicode,
            collection,
            descendant,
            widths: Widths::read(pdf, descendant),
            by_glyph: OnceCell::new(),
            glyph_numbers: OnceCell::new(),
        })
    }

    pub(super) fn is_vertical(&self) -> bool {
        match &self.encoding {
            Encoding::Identity { is_vertical } => *is_vertical,
            Encoding::Map(map) => map.metadata().writing_mode == Some(WritingMode::Vertical),
        }
    }

    /// The first code of the string; `None` where it is empty.
    pub(super) fn next_code(&self, string: &[u8]) -> Option<Code> {
        let number = |bytes: usize| {
            string[..bytes].iter().fold(0, |code, byte| code << 8 | u32::from(*byte))
        };
        let usual = string.len().min(2);
        match &self.encoding {
            _ if string.is_empty() => None,
            Encoding::Identity { .. } => {
                let code = number(usual);
                Some(Code { code, bytes: usual, cid: code })
            }
            Encoding::Map(map) => {
                let mapped = (1..=string.len().min(4)).find_map(|bytes| {
                    let code = number(bytes);
                    let cid = map.lookup_cid_code(code, bytes as u8)?;
                    Some(Code { code, bytes, cid })
                });
                // A code of no character: one byte where those are plain, else two.
                let bytes = if string[0] < 0x80 && map.lookup_cid_code(0x20, 1).is_some() {
                    1
                } else {
                    usual
                };
                mapped.or(Some(Code { code: number(bytes), bytes, cid: 0 }))
            }
        }
    }

    pub(super) fn text(&self, code: Code) -> Option<String> {
        if let Some(text) = self.to_unicode.as_ref().and_then(|map| map.text(code.code)) {
            return Some(text);
        }
        if let Some(collection) = &self.collection {
            return match collection.lookup_bf_string(code.cid)? {
                BfString::Char(character) => Some(character.to_string()),
                BfString::String(text) => Some(text),
            };
        }
        let descriptor = get_dictionary(self.pdf, self.descendant, "FontDescriptor")?;
        let by_glyph = self.by_glyph.get_or_init(|| texts_by_glyph(self.pdf, descriptor));
        by_glyph.get(&self.glyph_number(code.cid)).cloned()
    }

    /// The glyph of a character in the font's program.
    fn glyph_number(&self, cid: u32) -> u32 {
        let numbers = self.glyph_numbers.get_or_init(|| {
            get_stream(self.pdf, self.descendant, "CIDToGIDMap")
                .map(|stream| decode(self.pdf, stream, 1 << 17))
                .unwrap_or_default()
        });
        match numbers.chunks_exact(2).nth(cid as usize) {
            Some(pair) => u32::from(u16::from_be_bytes([pair[0], pair[1]])),
            None => cid,
        }
    }

    /// The width in multiples of the type size.
    pub(super) fn width(&self, code: Code) -> f64 {
        self.widths.get(code.cid)
    }
}

fn read_encoding(pdf: &Pdf, font: &Dictionary) -> Encoding {
    let identity = |is_vertical| Encoding::Identity { is_vertical };
    let map = match get(pdf, font, "Encoding") {
        Some(Object::Name(name)) => match CMapName::from_bytes(name) {
            CMapName::IdentityH => return identity(false),
            CMapName::IdentityV => return identity(true),
            name => load_embedded(name).and_then(|map| CMap::parse(map, load_embedded)),
        },
        Some(Object::Stream(stream)) => {
            CMap::parse(&decode(pdf, stream, MAX_MAP_BYTES), load_embedded)
        }
        _ => None,
    };
    map.map_or(identity(false), |map| Encoding::Map(Box::new(map)))
}

/// The public character collection that the font's characters are numbered by.
fn family(pdf: &Pdf, descendant: &Dictionary, encoding: &Encoding) -> Option<CidFamily> {
    let stated = get_dictionary(pdf, descendant, "CIDSystemInfo").and_then(|info| {
        let string = |key| get(pdf, info, key)?.as_str().ok();
        Some(CidFamily::from_registry_ordering(string("Registry")?, string("Ordering")?))
    });
    let of_encoding = || match encoding {
        Encoding::Map(map) => Some(map.metadata().character_collection.as_ref()?.family.clone()),
        Encoding::Identity { .. } => None,
    };
    stated.filter(|family| family.ucs2_cmap().is_some()).or_else(of_encoding)
}

/// The maps of public character collections, read once a document.
#[derive(Default)]
pub(super) struct Collections(Vec<(CMapName<'static>, Option<Rc<CMap>>)>);

impl Collections {
    fn get(&mut self, name: CMapName<'static>) -> Option<Rc<CMap>> {
        if let Some((_, map)) = self.0.iter().find(|(known, _)| *known == name) {
            return map.clone();
        }
        let map = load_embedded(name).and_then(|map| CMap::parse(map, load_embedded)).map(Rc::new);
        self.0.push((name, map.clone()));
        map
    }
}

/// The entries `W` and `DW` of a font.
struct Widths {
    singles: HashMap<u32, f64>,
    /// First and last number and width, ordered.
    ranges: Vec<(u32, u32, f64)>,
    usual: f64,
}

impl Widths {
    fn read(pdf: &Pdf, descendant: &Dictionary) -> Self {
        let usual = get_number(pdf, descendant, "DW").unwrap_or(1000.0) / 1000.0;
        let mut widths = Self { singles: HashMap::new(), ranges: Vec::new(), usual };
        let mut items = get_array(pdf, descendant, "W").unwrap_or_default().iter();
        while let Some(first) = items.next().and_then(|item| number(pdf, item)) {
            let first = first.max(0.0) as u32;
            match items.next().and_then(|item| resolve(pdf, item)) {
                Some(Object::Array(listed)) => {
                    for (cid, width) in (first..).zip(listed) {
                        if let Some(width) = number(pdf, width) {
                            widths.singles.insert(cid, width / 1000.0);
                        }
                    }
                }
                Some(last) => {
                    let last = number(pdf, last).map(|last| last.max(0.0) as u32);
                    let width = items.next().and_then(|item| number(pdf, item));
                    if let (Some(last), Some(width)) = (last, width) {
                        widths.ranges.push((first, last, width / 1000.0));
                    }
                }
                None => break,
            }
        }
        widths.ranges.sort_by_key(|(first, ..)| *first);
        widths
    }

    fn get(&self, cid: u32) -> f64 {
        if let Some(width) = self.singles.get(&cid) {
            return *width;
        }
        let after = self.ranges.partition_point(|(first, ..)| *first <= cid);
        match self.ranges[..after].last() {
            Some((_, last, width)) if cid <= *last => *width,
            _ => self.usual,
        }
    }
}

#[cfg(test)]
mod tests {
    use lopdf::{Stream, dictionary};

    use super::*;

    fn descendant(ordering: &str) -> Object {
        let info = dictionary! {
            "Registry" => Object::string_literal("Adobe"),
            "Ordering" => Object::string_literal(ordering),
        };
        let widths =
            vec![1.into(), vec![500.into(), 600.into()].into(), 10.into(), 20.into(), 700.into()];
        Object::Dictionary(dictionary! { "CIDSystemInfo" => info, "W" => widths, "DW" => 900 })
    }

    fn text(font: &Dictionary, pdf: &Pdf, string: &[u8]) -> String {
        let mut collections = Collections::default();
        let font = CompositeFont::new(pdf, font, None, &mut collections).unwrap();
        let (mut text, mut rest) = (String::new(), string);
        while let Some(code) = font.next_code(rest) {
            text.push_str(&font.text(code).unwrap_or_default());
            rest = &rest[code.bytes..];
        }
        text
    }

    #[test]
    fn predefined_maps_of_east_asia() {
        for (ordering, encoding, string, expected) in [
            ("Japan1", "90ms-RKSJ-H", &b"\x93\xFA\x96{ A\xB1"[..], "日本\u{2002}Aｱ"),
            ("Japan1", "UniJIS-UTF16-H", b"\x65\xE5\x67\x2C\0A", "日本A"),
            ("GB1", "GBK-EUC-H", b"\xD6\xD0\xCE\xC4 a", "中文\u{2002}a"),
            ("CNS1", "ETen-B5-H", b"\xA4\xA4\xA4\xE5", "中文"),
            ("Korea1", "KSCms-UHC-H", b"\xC7\xD1\xB1\xDB", "한글"),
            ("Japan1", "Identity-H", b"\x00\x22\x03\x4B", "Aあ"),
        ] {
            let font = dictionary! {
                "Subtype" => "Type0",
                "Encoding" => encoding,
                "DescendantFonts" => vec![descendant(ordering)],
            };
            assert_eq!(text(&font, &Pdf::new(), string), expected, "{encoding}");
        }
    }

    #[test]
    fn a_map_of_ones_own() {
        let mut pdf = Pdf::new();
        let map = b"1 begincodespacerange <00> <FF> endcodespacerange\n\
            2 begincidrange <41> <42> 34 <E0> <E1> 843 endcidrange";
        let encoding = pdf.add_object(Stream::new(Dictionary::new(), map.to_vec()));
        let font = dictionary! {
            "Encoding" => encoding,
            "DescendantFonts" => vec![descendant("Japan1")],
        };
        assert_eq!(text(&font, &pdf, b"AB\xE0"), "ABあ");
    }

    #[test]
    fn widths_in_lists_and_ranges() {
        let descendant = descendant("Identity");
        let widths = Widths::read(&Pdf::new(), descendant.as_dict().unwrap());
        let widths = [1, 2, 3, 10, 20, 21].map(|cid| widths.get(cid));
        assert_eq!(widths, [0.5, 0.6, 0.9, 0.7, 0.7, 0.9]);
    }

    #[test]
    fn fonts_without_their_parts() {
        let mut collections = Collections::default();
        assert!(
            CompositeFont::new(&Pdf::new(), &Dictionary::new(), None, &mut collections).is_none()
        );
        let font = dictionary! { "DescendantFonts" => vec![descendant("Custom")] };
        assert_eq!(text(&font, &Pdf::new(), b"\x01\x02\x03"), "");
    }
}
