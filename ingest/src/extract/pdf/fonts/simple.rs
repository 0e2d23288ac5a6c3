//! Fonts whose codes are single bytes: Type 1, TrueType and Type 3.

use lopdf::{Dictionary, Document as Pdf, Object};

use super::metrics::usual_width;
use super::names::{BaseEncoding, text_of_name, text_of_numbered_name};
use super::program::texts_by_code;
use super::to_unicode::ToUnicode;
use crate::extract::pdf::objects::{
    as_dictionary, get, get_array, get_dictionary, get_integer, get_name, get_number, number,
    numbers, resolve,
};

/// The text and the width of every code.
pub(super) struct SimpleFont {
    texts: Vec<Option<String>>,
    widths: Vec<f64>,
    em: f64,
}

impl SimpleFont {
    pub(super) fn new(pdf: &Pdf, font: &Dictionary, to_unicode: Option<&ToUnicode>) -> Self {
        let mut texts = encoded_texts(pdf, font);
        if let Some(map) = to_unicode {
            for (code, text) in (0..).zip(&mut texts) {
                if let Some(mapped) = map.text(code) {
                    *text = Some(mapped);
                }
            }
        }
        let widths = widths(pdf, font, &texts);
        let em = em(pdf, font, &widths);
        Self { texts, widths, em }
    }

    /// What the code stands for, if that is known.
    pub(super) fn text(&self, code: u8) -> Option<&str> {
        self.texts[usize::from(code)].as_deref()
    }

    /// The height of the type in multiples of its nominal size.
    pub(super) fn em(&self) -> f64 {
        self.em
    }

    /// The width in multiples of the type size.
    pub(super) fn width(&self, code: u8) -> f64 {
        self.widths[usize::from(code)]
    }
}

/// The texts by the font's encoding and by its program, without its `ToUnicode` map.
fn encoded_texts(pdf: &Pdf, font: &Dictionary) -> Vec<Option<String>> {
    let descriptor = get_dictionary(pdf, font, "FontDescriptor");
    let encoding = get(pdf, font, "Encoding");
    let details = encoding.and_then(as_dictionary);
    let base = match (encoding, details) {
        (Some(Object::Name(name)), _) => BaseEncoding::from_name(name),
        (_, Some(details)) => {
            get_name(pdf, details, "BaseEncoding").and_then(BaseEncoding::from_name)
        }
        _ => None,
    };
    let of_base = |base: BaseEncoding| (0..=255).map(|code| base.text(code)).collect();
    let mut texts = match (base, descriptor) {
        (Some(base), _) => of_base(base),
        (None, Some(descriptor)) => texts_by_code(pdf, descriptor)
            .unwrap_or_else(|| of_base(implied_encoding(pdf, font, details.is_some()))),
        (None, None) => of_base(implied_encoding(pdf, font, details.is_some())),
    };
    if let Some(differences) = details.and_then(|details| get_array(pdf, details, "Differences")) {
        apply_differences(pdf, differences, &mut texts);
    }
    texts
}

/// The encoding of a font that names none and whose program says nothing.
fn implied_encoding(pdf: &Pdf, font: &Dictionary, has_differences: bool) -> BaseEncoding {
    let name = get_name(pdf, font, "BaseFont").unwrap_or_default();
    let has = |part: &[u8]| name.windows(part.len()).any(|window| window == part);
    match get_name(pdf, font, "Subtype") {
        // The names in its differences are all that a Type 3 font has.
        Some(b"Type3") => BaseEncoding::Unknown,
        _ if has(b"Dingbats") => BaseEncoding::Unknown,
        _ if has(b"Symbol") => BaseEncoding::Symbol,
        Some(b"TrueType") if !has_differences => BaseEncoding::WinAnsi,
        _ => BaseEncoding::Standard,
    }
}

/// Numbers say at which code the names after them begin.
fn apply_differences(pdf: &Pdf, differences: &[Object], texts: &mut [Option<String>]) {
    let mut named = Vec::new();
    let mut code = 0_i64;
    for item in differences.iter().filter_map(|item| resolve(pdf, item)) {
        match item {
            Object::Name(name) => {
                if let Ok(code) = u8::try_from(code)
                    && name != b".notdef"
                {
                    named.push((usize::from(code), name.as_slice()));
                }
                code = code.saturating_add(1);
            }
            item => code = number(pdf, item).map_or(code, |number| number as i64),
        }
    }
    // Where no name means anything they may be made up from the characters' codes.
    let resolved: Vec<Option<String>> = named.iter().map(|(_, name)| text_of_name(name)).collect();
    let is_numbered = named.len() > 1
        && resolved.iter().all(Option::is_none)
        && named.iter().filter(|(_, name)| text_of_numbered_name(name).is_some()).count() * 4
            > named.len() * 3;
    for ((code, name), text) in named.into_iter().zip(resolved) {
        texts[code] = if is_numbered { text_of_numbered_name(name) } else { text };
    }
}

/// Glyphs of Type 3 fonts are drawn in a space of any scale, which only their box or their widths
/// betray.
fn em(pdf: &Pdf, font: &Dictionary, widths: &[f64]) -> f64 {
    if get_name(pdf, font, "Subtype") != Some(b"Type3") {
        return 1.0;
    }
    let matrix = get(pdf, font, "FontMatrix").and_then(|matrix| numbers::<6>(pdf, matrix));
    let bounds = get(pdf, font, "FontBBox").and_then(|bounds| numbers::<4>(pdf, bounds));
    let height = match (matrix, bounds) {
        (Some(matrix), Some(bounds)) => ((bounds[3] - bounds[1]) * matrix[3]).abs(),
        _ => 0.0,
    };
    let widest = widths.iter().copied().fold(0.0, f64::max);
    // A box that does not fit the widths was never filled in.
    if height > widest * 0.3 && height < widest * 10.0 {
        height
    } else if widest > 0.0 {
        widest
    } else {
        1.0
    }
}

fn widths(pdf: &Pdf, font: &Dictionary, texts: &[Option<String>]) -> Vec<f64> {
    // Glyphs of Type 3 fonts say themselves how large their space is.
    let unit = match get_name(pdf, font, "Subtype") {
        Some(b"Type3") => get(pdf, font, "FontMatrix")
            .and_then(|matrix| numbers::<6>(pdf, matrix))
            .map_or(0.001, |matrix| matrix[0].abs()),
        _ => 0.001,
    };
    let descriptor = get_dictionary(pdf, font, "FontDescriptor");
    let missing = descriptor.and_then(|descriptor| get_number(pdf, descriptor, "MissingWidth"));
    if let Some(listed) = get_array(pdf, font, "Widths") {
        let mut widths = vec![missing.unwrap_or(0.0) * unit; 256];
        let first = get_integer(pdf, font, "FirstChar").unwrap_or(0);
        for (code, width) in (first..).zip(listed) {
            if let (Ok(code), Some(width)) = (u8::try_from(code), number(pdf, width)) {
                widths[usize::from(code)] = width * unit;
            }
        }
        return widths;
    }
    let name = get_name(pdf, font, "BaseFont").unwrap_or_default();
    let name = String::from_utf8_lossy(name);
    let width = |text: &Option<String>| usual_width(&name, text.as_deref().unwrap_or("\0"));
    texts.iter().map(width).collect()
}

#[cfg(test)]
mod tests {
    use lopdf::{Stream, dictionary};

    use super::*;

    fn font(dictionary: &Dictionary) -> SimpleFont {
        SimpleFont::new(&Pdf::new(), dictionary, None)
    }

    fn text(font: &SimpleFont, codes: &[u8]) -> String {
        codes.iter().filter_map(|code| font.text(*code)).collect()
    }

    #[test]
    fn differences_change_the_base_encoding() {
        let names = ["fi", "f_j", "unheard"].map(Object::from);
        let differences: Vec<Object> =
            [1.into()].into_iter().chain(names).chain([65.into(), "Omega".into()]).collect();
        let font = font(&dictionary! {
            "Subtype" => "Type1",
            "BaseFont" => "Times-Roman",
            "Encoding" => dictionary! {
                "BaseEncoding" => "WinAnsiEncoding",
                "Differences" => differences,
            },
        });
        assert_eq!(text(&font, b"\x01\x02\x03A\xE9"), "ﬁfjΩé");
        assert_eq!(font.width(b'B'), 0.667);
    }

    #[test]
    fn type_3_glyphs_by_name_or_number() {
        let font_with = |names: [&str; 3]| {
            let names = names.map(Object::from);
            font(&dictionary! {
                "Subtype" => "Type3",
                "FontMatrix" => vec![0.01.into(), 0.into(), 0.into(), 0.01.into(), 0.into(), 0.into()],
                "FirstChar" => 1,
                "Widths" => vec![50.into(), 60.into()],
                "Encoding" => dictionary! {
                    "Differences" => [1.into()].into_iter().chain(names).collect::<Vec<Object>>(),
                },
            })
        };
        assert_eq!(text(&font_with(["one", "two", "g3"]), b"\x01\x02\x03A"), "12");
        let numbered = font_with(["a65", "a66", ".notdef"]);
        assert_eq!(text(&numbered, b"\x01\x02\x03"), "AB");
        assert!((numbered.width(1) - 0.5).abs() < 1e-6 && numbered.width(3) == 0.0);
    }

    #[test]
    fn the_encoding_of_the_program_and_the_map_to_unicode() {
        let mut pdf = Pdf::new();
        let program = b"/Encoding 256 array dup 1 /A put dup 2 /fl put def".to_vec();
        let program = pdf.add_object(Stream::new(Dictionary::new(), program));
        let dictionary = dictionary! {
            "Subtype" => "Type1",
            "FontDescriptor" => dictionary! { "FontFile" => program, "Flags" => 4 },
        };
        let font = SimpleFont::new(&pdf, &dictionary, None);
        assert_eq!(text(&font, b"\x01\x02B"), "Aﬂ");
        let map = ToUnicode::parse(b"beginbfchar <01> <0061> <02> <F8FF> endbfchar");
        let font = SimpleFont::new(&pdf, &dictionary, Some(&map));
        assert_eq!(text(&font, b"\x01\x02"), "aﬂ");
    }

    #[test]
    fn fonts_that_say_nothing() {
        assert_eq!(text(&font(&Dictionary::new()), b"plain"), "plain");
        let symbol = font(&dictionary! { "Subtype" => "Type1", "BaseFont" => "Symbol" });
        assert_eq!(text(&symbol, b"abg"), "αβγ");
    }
}
