//! What font programs inside of the file tell about the characters of their glyphs.

use std::collections::HashMap;

use lopdf::{Dictionary, Document as Pdf};
use ttf_parser::{GlyphId, PlatformId, RawFace, Tag, cff, cmap, post};

use super::names::text_of_name;
use crate::extract::pdf::filters::decode;
use crate::extract::pdf::lexer::{Lexer, Token};
use crate::extract::pdf::objects::get_stream;

/// Larger font programs are not looked into.
const MAX_PROGRAM_BYTES: usize = 64 << 20;

/// The name or the text of the glyph at each code of a simple font, as its program has it.
pub(super) fn texts_by_code(pdf: &Pdf, descriptor: &Dictionary) -> Option<Vec<Option<String>>> {
    let program = |key| {
        let stream = get_stream(pdf, descriptor, key)?;
        Some(decode(pdf, stream, MAX_PROGRAM_BYTES))
    };
    if let Some(program) = program("FontFile") {
        return type1_encoding(&program);
    }
    if let Some(program) = program("FontFile2") {
        return truetype_texts(&program);
    }
    let program = program("FontFile3")?;
    // Either compact outlines as such or an OpenType font around them.
    let face = RawFace::parse(&program, 0).ok();
    let outlines = face.and_then(|face| face.table(Tag::from_bytes(b"CFF ")));
    compact_texts(outlines.unwrap_or(&program)).or_else(|| truetype_texts(&program))
}

/// The text of each glyph by its number, for composite fonts.
pub(super) fn texts_by_glyph(pdf: &Pdf, descriptor: &Dictionary) -> HashMap<u32, String> {
    let stream = ["FontFile2", "FontFile3"].iter().find_map(|key| get_stream(pdf, descriptor, key));
    let Some(program) = stream.map(|stream| decode(pdf, stream, MAX_PROGRAM_BYTES)) else {
        return HashMap::new();
    };
    let mut texts = HashMap::new();
    let face = RawFace::parse(&program, 0).ok();
    let table = |tag: &[u8; 4]| face.and_then(|face| face.table(Tag::from_bytes(tag)));
    if let Some(map) = table(b"cmap").and_then(cmap::Table::parse) {
        for subtable in map.subtables.into_iter().filter(cmap::Subtable::is_unicode) {
            subtable.codepoints(|code_point| {
                if let (Some(glyph), Some(character)) =
                    (subtable.glyph_index(code_point), char::from_u32(code_point))
                    && !('\u{E000}'..='\u{F8FF}').contains(&character)
                {
                    texts.entry(u32::from(glyph.0)).or_insert_with(|| character.to_string());
                }
            });
        }
    }
    if texts.is_empty()
        && let Some(outlines) = cff::Table::parse(table(b"CFF ").unwrap_or(&program))
    {
        for glyph in 0..outlines.number_of_glyphs() {
            let name = outlines.glyph_name(GlyphId(glyph));
            if let Some(text) = name.and_then(|name| text_of_name(name.as_bytes())) {
                texts.insert(u32::from(glyph), text);
            }
        }
    }
    texts
}

/// The encoding that stands in the clear at the beginning of a Type 1 font: `dup 65 /A put` and so
/// on. `None` where it is the standard one.
fn type1_encoding(program: &[u8]) -> Option<Vec<Option<String>>> {
    let key = b"/Encoding";
    let start = program.windows(key.len()).position(|window| window == key)?;
    let mut lexer = Lexer::new(&program[start + key.len()..]);
    let mut texts = vec![None; 256];
    let mut seen = false;
    while let Some(token) = lexer.next() {
        match token {
            Token::Word(b"dup") => {
                if let (Some(Token::Number(code)), Some(Token::Name(name))) =
                    (lexer.next(), lexer.next())
                    && let Some(place) = texts.get_mut(code as usize)
                {
                    *place = text_of_name(&name);
                    seen = true;
                }
            }
            Token::Word(b"def" | b"readonly" | b"eexec" | b"StandardEncoding") => break,
            _ => {}
        }
    }
    seen.then_some(texts)
}

fn compact_texts(outlines: &[u8]) -> Option<Vec<Option<String>>> {
    let outlines = cff::Table::parse(outlines)?;
    let text = |code| {
        let name = outlines.glyph_name(outlines.glyph_index(code)?)?;
        text_of_name(name.as_bytes())
    };
    Some((0..=255).map(text).collect())
}

/// By way of the code's glyph: that glyph's name, or the character that has the same glyph.
fn truetype_texts(program: &[u8]) -> Option<Vec<Option<String>>> {
    let face = RawFace::parse(program, 0).ok()?;
    let map = cmap::Table::parse(face.table(Tag::from_bytes(b"cmap"))?)?;
    let names = face.table(Tag::from_bytes(b"post")).and_then(post::Table::parse);
    let subtables = || map.subtables.into_iter();
    let mut characters = HashMap::new();
    for subtable in subtables().filter(cmap::Subtable::is_unicode) {
        subtable.codepoints(|code_point| {
            if let (Some(glyph), Some(character)) =
                (subtable.glyph_index(code_point), char::from_u32(code_point))
            {
                characters.entry(glyph).or_insert(character);
            }
        });
    }
    let glyph = |code: u32| {
        subtables().find_map(|subtable| match (subtable.platform_id, subtable.encoding_id) {
            // Symbol fonts have their codes in one of these ranges.
            (PlatformId::Windows, 0) => [0xF000, 0, 0xF100, 0xF200]
                .iter()
                .find_map(|start| subtable.glyph_index(start + code)),
            (PlatformId::Macintosh, 0) => subtable.glyph_index(code),
            _ => None,
        })
    };
    let text = |code| {
        let glyph = glyph(code)?;
        let name = names.and_then(|names| names.glyph_name(glyph));
        name.and_then(|name| text_of_name(name.as_bytes()))
            .or_else(|| characters.get(&glyph).map(char::to_string))
    };
    let texts: Vec<Option<String>> = (0..=255).map(text).collect();
    texts.iter().any(Option::is_some).then_some(texts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_of_type_1_fonts() {
        let program = b"%!PS-AdobeFont-1.0\n/Encoding 256 array\n\
            0 1 255 {1 index exch /.notdef put} for\n\
            dup 11 /ff put\ndup 65 /Alpha put\ndup 999 /x put\nreadonly def\ndup 66 /B put eexec";
        let texts = type1_encoding(program).unwrap();
        assert_eq!(texts[11].as_deref(), Some("ﬀ"));
        assert_eq!(texts[65].as_deref(), Some("Α"));
        assert_eq!(texts[66], None);
        assert_eq!(type1_encoding(b"/Encoding StandardEncoding def dup 65 /B put"), None);
    }

    #[test]
    fn programs_that_are_none() {
        assert!(compact_texts(b"\x01\x00\x04\x04nothing").is_none());
        assert!(truetype_texts(b"\x00\x01\x00\x00nothing").is_none());
    }
}
