//! Names of glyphs and codes of the predefined encodings into text.

use lopdf::{Dictionary, Document as Pdf, Object, dictionary};

/// StandardEncoding (PDF 2.0 Annex D) from code 0xA0 on; a space where no glyph is.
const STANDARD_FROM_A0: &str = " ¡¢£⁄¥ƒ§¤'“«‹›ﬁﬂ –†‡· ¶•‚„”»…‰ ¿ `´ˆ˜¯˘˙¨ ˚¸ ˝˛ˇ—                Æ ª    ŁØŒº     æ   ı  łøœß    ";

/// The font Symbol's own encoding from code 0x20 on.
const SYMBOL_FROM_20: &str = " !∀#∃%&∋()∗+,−./0123456789:;<=>?≅ΑΒΧΔΕΦΓΗΙϑΚΛΜΝΟΠΘΡΣΤΥςΩΞΨΖ[∴]⊥_ αβχδεφγηιϕκλμνοπθρστυϖωξψζ{|}∼                                 €ϒ′≤⁄∞ƒ♣♦♥♠↔←↑→↓°±″≥×∝∂•÷≠≡≈…  ↵ℵℑℜ℘⊗⊕∅∩∪⊃⊇⊄⊂⊆∈∉∠∇®©™∏√⋅¬∧∨⇔⇐⇑⇒⇓◊〈®©™∑           〉∫⌠ ⌡         ";

/// The character that a code stands for in one of the encodings that PDF predefines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BaseEncoding {
    Standard,
    WinAnsi,
    MacRoman,
    Symbol,
    /// The font's own, unknown: no code stands for anything.
    Unknown,
}

impl BaseEncoding {
    pub(super) fn from_name(name: &[u8]) -> Option<Self> {
        match name {
            b"StandardEncoding" => Some(Self::Standard),
            b"WinAnsiEncoding" | b"PDFDocEncoding" => Some(Self::WinAnsi),
            b"MacRomanEncoding" => Some(Self::MacRoman),
            _ => None,
        }
    }

    pub(super) fn text(self, code: u8) -> Option<String> {
        let of_table = |table: &str, first: u8| {
            code.checked_sub(first).and_then(|at| table.chars().nth(usize::from(at)))
        };
        let character = match self {
            Self::Unknown => None,
            Self::Symbol => of_table(SYMBOL_FROM_20, 0x20),
            Self::Standard => match code {
                b'\'' => Some('’'),
                b'`' => Some('‘'),
                0x20..0x7F => Some(code as char),
                _ => of_table(STANDARD_FROM_A0, 0xA0),
            },
            Self::WinAnsi | Self::MacRoman => {
                let encoding = if self == Self::WinAnsi {
                    encoding_rs::WINDOWS_1252
                } else {
                    encoding_rs::MACINTOSH
                };
                let decoded = encoding.decode_without_bom_handling(&[code]).0.chars().next();
                // Codes that are free in WinAnsiEncoding stand for a bullet, as readers show it.
                decoded.map(|c| if (0x7F..0xA0).contains(&(c as u32)) { '•' } else { c })
            }
        };
        let character = character.filter(|c| !c.is_control() && (*c != ' ' || code == b' '));
        character.map(String::from)
    }
}

/// The text that a glyph of this name stands for (Adobe's glyph list and its rules for names that
/// are not in it, such as `f_i`, `a.small` and `uni0041`).
pub(super) fn text_of_name(name: &[u8]) -> Option<String> {
    if let Some(text) = listed(name) {
        return Some(text);
    }
    // What follows a full stop says how the glyph looks.
    let stem = name.split(|byte| *byte == b'.').next().filter(|stem| !stem.is_empty())?;
    let mut text = String::new();
    for part in stem.split(|byte| *byte == b'_') {
        text.push_str(&listed(part).or_else(|| from_code_point(part))?);
    }
    Some(text)
}

/// Names that programs make up from a character's code: `G41`, `c65`, `a097`. TeX's programs do so
/// for fonts of dots, whose codes are TeX's own below the letters.
pub(super) fn text_of_numbered_name(name: &[u8]) -> Option<String> {
    let name = std::str::from_utf8(name).ok()?;
    let number = name.strip_prefix(|c: char| c.is_ascii_alphabetic())?;
    let code = match name.as_bytes()[0] {
        b'G' if number.len() == 2 => u32::from_str_radix(number, 16).ok()?,
        _ if (1..=3).contains(&number.len()) => number.parse().ok()?,
        _ => return None,
    };
    let of_tex = match code {
        11 => "ff",
        12 => "fi",
        13 => "fl",
        14 => "ffi",
        15 => "ffl",
        16 => "ı",
        25 => "ß",
        _ => "",
    };
    if !of_tex.is_empty() {
        return Some(of_tex.to_owned());
    }
    let code = u8::try_from(code).ok().filter(|code| *code >= 0x20)?;
    BaseEncoding::WinAnsi.text(code)
}

/// Looks the name up in the glyph list that the parser carries; it can be had only by way of an
/// encoding in which the glyph has a code.
fn listed(name: &[u8]) -> Option<String> {
    match name {
        // The list has the signs for ohm and increment, which fonts do not mean.
        b"Omega" => return Some("Ω".to_owned()),
        b"Delta" => return Some("Δ".to_owned()),
        _ => {}
    }
    let differences = vec![Object::Integer(0), Object::Name(name.to_vec())];
    let font: Dictionary = dictionary! {
        "Type" => "Font",
        "Encoding" => dictionary! { "Type" => "Encoding", "Differences" => differences },
    };
    // An unknown name makes it fall back to the standard encoding, where no glyph has code 0.
    let pdf = Pdf::new();
    let text = font.get_font_encoding(&pdf).ok()?.bytes_to_string(&[0]).ok()?;
    (!text.is_empty()).then_some(text)
}

/// `uni` and groups of four digits, or `u` and four to six digits.
fn from_code_point(name: &[u8]) -> Option<String> {
    let name = std::str::from_utf8(name).ok()?;
    let is_hex = |digits: &str| digits.bytes().all(|b| b.is_ascii_hexdigit());
    if let Some(digits) = name.strip_prefix("uni").filter(|d| d.len() >= 4 && d.len() % 4 == 0)
        && is_hex(digits)
    {
        let units: Option<Vec<u16>> = digits
            .as_bytes()
            .chunks(4)
            .map(|group| u16::from_str_radix(std::str::from_utf8(group).ok()?, 16).ok())
            .collect();
        return String::from_utf16(&units?).ok();
    }
    let digits = name.strip_prefix('u').filter(|d| (4..=6).contains(&d.len()) && is_hex(d))?;
    u32::from_str_radix(digits, 16).ok().and_then(char::from_u32).map(String::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_glyphs() {
        for (name, text) in [
            ("A", Some("A")),
            ("eacute", Some("é")),
            ("fi", Some("ﬁ")),
            ("f_j", Some("fj")),
            ("a.small", Some("a")),
            ("T_h.liga", Some("Th")),
            ("uni00E9", Some("é")),
            ("uni00660069", Some("fi")),
            ("u1F600", Some("😀")),
            ("hyphen", Some("-")),
            (".notdef", None),
            ("g12", None),
            ("", None),
        ] {
            assert_eq!(text_of_name(name.as_bytes()).as_deref(), text, "{name}");
        }
        assert_eq!(text_of_numbered_name(b"G41").as_deref(), Some("A"));
        assert_eq!(text_of_numbered_name(b"c65").as_deref(), Some("A"));
        assert_eq!(text_of_numbered_name(b"a12").as_deref(), Some("fi"));
        assert_eq!(text_of_numbered_name(b"c9"), None);
        assert_eq!(text_of_numbered_name(b"A"), None);
    }

    #[test]
    fn predefined_encodings() {
        let text = |encoding: BaseEncoding, code| encoding.text(code).unwrap_or_default();
        assert_eq!(text(BaseEncoding::Standard, b'\''), "’");
        assert_eq!(text(BaseEncoding::Standard, 0xAE), "ﬁ");
        assert_eq!(text(BaseEncoding::Standard, 0xD0), "—");
        assert_eq!(text(BaseEncoding::Standard, 0xE1), "Æ");
        assert_eq!(text(BaseEncoding::Standard, 0xF5), "ı");
        assert_eq!(text(BaseEncoding::Standard, 0xFB), "ß");
        assert_eq!(text(BaseEncoding::WinAnsi, 0x93), "“");
        assert_eq!(text(BaseEncoding::WinAnsi, 0x81), "•");
        assert_eq!(text(BaseEncoding::MacRoman, 0x8E), "é");
        assert_eq!(text(BaseEncoding::Symbol, b'a'), "α");
        assert_eq!(text(BaseEncoding::Symbol, 0xA0), "€");
        assert_eq!(text(BaseEncoding::Symbol, 0xB7), "•");
        assert_eq!(text(BaseEncoding::Symbol, 0xE5), "∑");
        assert_eq!(text(BaseEncoding::Symbol, 0xF2), "∫");
        assert_eq!(text(BaseEncoding::Unknown, b'a'), "");
        assert_eq!(text(BaseEncoding::Standard, 0), "");
    }
}
