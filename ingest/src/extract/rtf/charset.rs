//! Character sets of fonts and code pages.

use encoding_rs::Encoding;

/// How the bytes of text are to be read.
#[derive(Debug, Clone, Copy)]
pub(super) enum Charset {
    Encoding(&'static Encoding),
    /// Pictures in place of letters.
    Symbol,
}

impl Charset {
    /// The set with the number that fonts give; `None` for that of the document.
    pub(super) fn of_font(number: i32) -> Option<Self> {
        Some(Self::Encoding(match number {
            2 => return Some(Self::Symbol),
            77 => encoding_rs::MACINTOSH,
            128 => encoding_rs::SHIFT_JIS,
            129 | 130 => encoding_rs::EUC_KR,
            134 => encoding_rs::GBK,
            136 => encoding_rs::BIG5,
            161 => encoding_rs::WINDOWS_1253,
            162 => encoding_rs::WINDOWS_1254,
            163 => encoding_rs::WINDOWS_1258,
            177 => encoding_rs::WINDOWS_1255,
            178 => encoding_rs::WINDOWS_1256,
            186 => encoding_rs::WINDOWS_1257,
            204 => encoding_rs::WINDOWS_1251,
            222 => encoding_rs::WINDOWS_874,
            238 => encoding_rs::WINDOWS_1250,
            _ => return None,
        }))
    }
}

/// The encoding of a code page of Windows.
pub(in super::super) fn code_page(number: i32) -> Option<&'static Encoding> {
    Some(match number {
        866 => encoding_rs::IBM866,
        874 => encoding_rs::WINDOWS_874,
        932 => encoding_rs::SHIFT_JIS,
        936 => encoding_rs::GBK,
        949 => encoding_rs::EUC_KR,
        950 => encoding_rs::BIG5,
        1250 => encoding_rs::WINDOWS_1250,
        1251 => encoding_rs::WINDOWS_1251,
        1252 => encoding_rs::WINDOWS_1252,
        1253 => encoding_rs::WINDOWS_1253,
        1254 => encoding_rs::WINDOWS_1254,
        1255 => encoding_rs::WINDOWS_1255,
        1256 => encoding_rs::WINDOWS_1256,
        1257 => encoding_rs::WINDOWS_1257,
        1258 => encoding_rs::WINDOWS_1258,
        10000 => encoding_rs::MACINTOSH,
        20866 => encoding_rs::KOI8_R,
        54936 => encoding_rs::GB18030,
        65001 => encoding_rs::UTF_8,
        _ => return None,
    })
}
