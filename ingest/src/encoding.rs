//! Bytes into text.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, ISO_2022_JP, UTF_8, UTF_16BE, UTF_16LE};

/// How much of a file the detection of legacy encodings looks at, from about the first character
/// that is not ASCII.
const DETECT_BYTES: usize = 128 << 10;

/// Text made from bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decoded {
    /// The text, with `\n` line ends and without byte order mark and NUL characters.
    pub text: String,
    /// The encoding when it was not UTF-8, by its WHATWG name.
    pub encoding: Option<String>,
    /// Whether bytes that mean nothing in the encoding were replaced by U+FFFD.
    pub replaced: bool,
}

/// Decodes text of unknown encoding: UTF-8 where it fits, UTF-16 by its byte order mark or its
/// pattern of zero bytes, else the legacy encoding that is likeliest. `declared` is an encoding
/// label that the document itself names; it is believed unless the bytes are plainly UTF-8.
///
/// Takes the bytes so that UTF-8, the common case, becomes text without a copy.
pub fn decode(bytes: Vec<u8>, declared: Option<&str>) -> Decoded {
    let bytes = match String::from_utf8(bytes) {
        Ok(mut text) => {
            if text.starts_with('\u{FEFF}') {
                text.drain(..'\u{FEFF}'.len_utf8());
            }
            if let Some(decoded) = iso_2022_jp(&text) {
                return decoded;
            }
            // Text of ASCII letters in UTF-16 is valid UTF-8, with a NUL after each letter.
            if !text.contains('\0') || utf16_without_mark(text.as_bytes()).is_none() {
                return Decoded { text: normalize(text), encoding: None, replaced: false };
            }
            text.into_bytes()
        }
        Err(error) => error.into_bytes(),
    };
    if let Some((encoding, mark_bytes)) = Encoding::for_bom(&bytes)
        && encoding != UTF_8
    {
        return decode_as(encoding, &bytes[mark_bytes..]);
    }
    if let Some(encoding) = utf16_without_mark(&bytes) {
        return decode_as(encoding, &bytes);
    }
    if is_mostly_utf8(&bytes) {
        return decode_as(UTF_8, &bytes);
    }
    let declared = declared.and_then(|label| Encoding::for_label(label.as_bytes()));
    // A page that says UTF-8 or UTF-16 and is not was saved by something that changed the bytes.
    if let Some(encoding) = declared.filter(|e| ![UTF_8, UTF_16LE, UTF_16BE].contains(e)) {
        return decode_as(encoding, &bytes);
    }
    decode_as(guess_legacy(&bytes), &bytes)
}

/// Japanese text in seven bits, as mail programs wrote it: ASCII to look at, but for the escape
/// sequences that switch to another set of characters.
fn iso_2022_jp(text: &str) -> Option<Decoded> {
    let switches = text.contains("\u{1B}$B") || text.contains("\u{1B}$@");
    let decoded = (switches && text.is_ascii()).then(|| decode_as(ISO_2022_JP, text.as_bytes()))?;
    (!decoded.replaced).then_some(decoded)
}

fn guess_legacy(bytes: &[u8]) -> &'static Encoding {
    let first = bytes.iter().position(|byte| !byte.is_ascii()).unwrap_or(0);
    // With a little of what stands before it, which is ASCII and cannot be the middle of anything.
    let telling = &bytes[first.saturating_sub(64)..];
    let telling = &telling[..telling.len().min(DETECT_BYTES)];
    // ISO-2022-JP is made of ASCII bytes only, and so does not come to this: see `iso_2022_jp`.
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(telling, true);
    detector.guess(None, Utf8Detection::Deny)
}

/// Whether a file's first bytes can be the start of text: no NUL bytes outside of UTF-16, and
/// hardly any control characters.
pub(crate) fn looks_like_text(head: &[u8]) -> bool {
    if matches!(Encoding::for_bom(head), Some((encoding, _)) if encoding != UTF_8) {
        return true;
    }
    if utf16_without_mark(head).is_some() {
        return true;
    }
    let is_control = |&&byte: &&u8| matches!(byte, 0x01..=0x06 | 0x0E..=0x1A | 0x1C..=0x1F | 0x7F);
    // Escape stays out of the count: terminal logs are full of it.
    !head.contains(&0) && head.iter().filter(is_control).count() * 50 <= head.len()
}

fn decode_as(encoding: &'static Encoding, bytes: &[u8]) -> Decoded {
    let (text, replaced) = encoding.decode_without_bom_handling(bytes);
    let name = (encoding != UTF_8).then(|| encoding.name().to_owned());
    Decoded { text: normalize(text.into_owned()), encoding: name, replaced }
}

/// UTF-16 without a byte order mark.
fn utf16_without_mark(bytes: &[u8]) -> Option<&'static Encoding> {
    utf16_by_zeros(bytes).or_else(|| utf16_by_script(bytes))
}

/// Text in mostly Latin letters has a zero in nearly every other byte, always on the same side.
fn utf16_by_zeros(bytes: &[u8]) -> Option<&'static Encoding> {
    let head = &bytes[..bytes.len().min(4096) & !1];
    if head.len() < 8 {
        return None;
    }
    let zeros = |offset| head.iter().skip(offset).step_by(2).filter(|&&byte| byte == 0).count();
    let (even, odd) = (zeros(0), zeros(1));
    let pairs = head.len() / 2;
    if odd * 10 >= pairs * 7 && even == 0 {
        Some(UTF_16LE)
    } else if even * 10 >= pairs * 7 && odd == 0 {
        Some(UTF_16BE)
    } else {
        None
    }
}

/// Text in other scripts has few zeros, those of its spaces, line ends and digits. Read the right
/// way it is made of letters and of few scripts; data of another sort is not, whichever way it is
/// read.
fn utf16_by_script(bytes: &[u8]) -> Option<&'static Encoding> {
    let head = &bytes[..bytes.len().min(8192) & !1];
    // No text in another encoding has a zero at all.
    if head.len() < 16 || !head.contains(&0) {
        return None;
    }
    let pairs = || head.chunks_exact(2);
    let little = scripts_of(pairs().map(|pair| u16::from_le_bytes([pair[0], pair[1]])));
    let big = scripts_of(pairs().map(|pair| u16::from_be_bytes([pair[0], pair[1]])));
    match (little, big) {
        (Some(little), Some(big)) if little == big => None,
        (Some(little), Some(big)) => Some(if little < big { UTF_16LE } else { UTF_16BE }),
        (Some(_), None) => Some(UTF_16LE),
        (None, Some(_)) => Some(UTF_16BE),
        (None, None) => None,
    }
}

/// How many rows of 256 characters the text uses; `None` where the units make no text.
fn scripts_of(units: impl Iterator<Item = u16> + Clone) -> Option<usize> {
    let mut rows = [false; 256];
    let (mut characters, mut odd, mut gaps) = (0_usize, 0_usize, 0_usize);
    let mut decoded = char::decode_utf16(units).peekable();
    while let Some(unit) = decoded.next() {
        // The last one may be cut in two.
        let Ok(c) = unit else {
            if decoded.peek().is_some() {
                return None;
            }
            break;
        };
        let is_gap = matches!(c, '\t' | '\n' | '\r' | ' ');
        if c.is_control() && !is_gap && c != '\u{C}' {
            return None;
        }
        let is_mark = matches!(c, '\u{300}'..='\u{36F}' | '\u{591}'..='\u{5C7}' | '\u{600}'..='\u{6FF}'
            | '\u{900}'..='\u{E7F}' | '\u{2010}'..='\u{205E}' | '\u{20A0}'..='\u{2122}' | '\u{3000}'..='\u{303F}'
            | '\u{FF00}'..='\u{FFEF}');
        characters += 1;
        gaps += usize::from(is_gap);
        odd += usize::from(!(is_gap || is_mark || c.is_alphanumeric() || c.is_ascii_punctuation()));
        rows[(u32::from(c) >> 8) as usize & 0xFF] = true;
    }
    let is_text = gaps > 0 && odd * 20 <= characters;
    is_text.then(|| rows.iter().filter(|used| **used).count())
}

/// Whether the bytes are UTF-8 with some damage, rather than another encoding.
///
/// In East Asian encodings well-formed sequences come about by chance, one among two to nine
/// ill-formed ones, but hardly ever with ASCII on both sides; in Western ones they hardly do at all.
fn is_mostly_utf8(bytes: &[u8]) -> bool {
    let (mut well_formed, mut among_ascii, mut invalid) = (0_usize, 0_usize, 0_usize);
    for chunk in bytes.utf8_chunks() {
        invalid += usize::from(!chunk.invalid().is_empty());
        let mut run = None;
        for c in chunk.valid().chars() {
            if c.is_ascii() {
                among_ascii += run.unwrap_or(0);
                run = Some(0);
            } else {
                well_formed += 1;
                run = run.map(|length| length + 1);
            }
        }
    }
    well_formed * 2 > invalid || among_ascii * 5 > invalid
}

/// Makes every line end `\n` and every NUL a space, in place.
fn normalize(text: String) -> String {
    if !text.bytes().any(|byte| byte == b'\r' || byte == 0) {
        return text;
    }
    let mut bytes = text.into_bytes();
    let mut kept = 0;
    for at in 0..bytes.len() {
        bytes[kept] = match bytes[at] {
            b'\r' if bytes.get(at + 1) == Some(&b'\n') => continue,
            b'\r' => b'\n',
            0 => b' ',
            byte => byte,
        };
        kept += 1;
    }
    bytes.truncate(kept);
    String::from_utf8(bytes).expect("only whole ASCII characters were changed or dropped")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn utf8_with_and_without_mark() {
        assert_eq!(decode(b"a\r\nb\rc\n".to_vec(), None).text, "a\nb\nc\n");
        let marked = decode("\u{FEFF}Grüße".into(), None);
        assert_eq!((marked.text.as_str(), marked.encoding), ("Grüße", None));
    }

    #[test]
    fn utf16_both_ways() {
        let text = "Minutes of the meeting — Zürich\r\nsecond line";
        for (swap, mark) in [(false, true), (true, true), (false, false), (true, false)] {
            let mut bytes = Vec::new();
            for unit in mark.then_some(0xFEFF).into_iter().chain(text.encode_utf16()) {
                bytes.extend(if swap { unit.to_be_bytes() } else { unit.to_le_bytes() });
            }
            assert!(looks_like_text(&bytes));
            let decoded = decode(bytes, None);
            assert_eq!(decoded.text, text.replace("\r\n", "\n"));
            let name = if swap { "UTF-16BE" } else { "UTF-16LE" };
            assert_eq!(decoded.encoding.as_deref(), Some(name));
        }
    }

    #[test]
    fn latin_1_german_is_recognised() {
        let text = "Sehr geehrte Damen und Herren, für die Übersendung der Schlüssel danken wir.";
        let (bytes, _, _) = encoding_rs::WINDOWS_1252.encode(text);
        let decoded = decode(bytes.into_owned(), None);
        assert_eq!(decoded.text, text);
        assert_eq!(decoded.encoding.as_deref(), Some("windows-1252"));
        assert!(!decoded.replaced);
    }

    #[test]
    fn a_declared_encoding_is_believed_unless_the_bytes_are_utf8() {
        let (bytes, _, _) = encoding_rs::KOI8_R.encode("Да");
        assert_eq!(decode(bytes.to_vec(), Some("koi8-r")).text, "Да");
        assert_eq!(decode("Да".into(), Some("koi8-r")).text, "Да");
    }

    #[test]
    fn damaged_utf8_is_not_taken_for_latin_1() {
        let mut bytes = "Größe, Maß, Übergröße, Füße".as_bytes().to_vec();
        bytes.push(0xFF);
        let decoded = decode(bytes, None);
        assert!(decoded.replaced);
        assert_eq!(decoded.text, "Größe, Maß, Übergröße, Füße\u{FFFD}");
        assert_eq!(decoded.encoding, None);
        let bytes =
            b"a na\xc3\xafve caf\xc3\xa9 \x80\xbf ..\xc0\xaf..\xc0\xafgauge \xe2\x82".to_vec();
        assert!(decode(bytes, None).text.starts_with("a naïve café \u{FFFD}"));
    }

    #[test]
    fn legacy_asian_text_is_not_taken_for_damaged_utf8() {
        let chinese =
            "合同双方经协商一致，就租赁房屋事宜订立本合同，租期为三年，自签订之日起生效。";
        let japanese =
            "契約の当事者は、以下の条項に同意し、本契約を締結するものとする。漢字とかな。";
        for (encoding, text) in [
            (encoding_rs::GBK, chinese),
            (encoding_rs::SHIFT_JIS, japanese),
            (encoding_rs::EUC_JP, japanese),
        ] {
            let (bytes, _, _) = encoding.encode(text);
            assert!(!is_mostly_utf8(&bytes), "{}", encoding.name());
            assert_eq!(decode(bytes.repeat(3), None).text, text.repeat(3), "{}", encoding.name());
        }
    }

    #[test]
    fn japanese_mail_in_seven_bits_is_recognised() {
        let text = "Subject: 会議\n契約の当事者は、以下の条項に同意する。\n";
        let (bytes, _, _) = encoding_rs::ISO_2022_JP.encode(text);
        let decoded = decode(bytes.into_owned(), None);
        assert_eq!(decoded.text, text);
        assert_eq!(decoded.encoding.as_deref(), Some("ISO-2022-JP"));
        let log = "\u{1B}[1mbold\u{1B}(B\u{1B}[m and \u{1B}$B nonsense\u{1B}";
        assert_eq!(decode(log.into(), None).text, log);
    }

    const SAMPLES: [(&str, &str); 8] = [
        (
            "russian",
            "Договор аренды заключён между сторонами сроком на пять лет.\nАрендатор обязуется вносить плату ежемесячно, не позднее десятого числа.\n",
        ),
        (
            "greek",
            "Η σύμβαση μίσθωσης συνάπτεται για πέντε έτη.\nΟ μισθωτής καταβάλλει το μίσθωμα κάθε μήνα.\n",
        ),
        (
            "chinese",
            "合同双方经协商一致，就租赁房屋事宜订立本合同。\n租期为三年，自签订之日起生效，一方不得擅自解除。\n",
        ),
        (
            "japanese",
            "契約の当事者は、以下の条項に同意し、本契約を締結するものとする。\n賃料は毎月末日までに支払う。\n",
        ),
        (
            "korean",
            "임대차 계약은 양 당사자의 합의로 체결된다.\n임차인은 매월 말일까지 차임을 지급한다.\n",
        ),
        ("hebrew", "חוזה השכירות נערך בין הצדדים לתקופה של חמש שנים.\nהשוכר ישלם מדי חודש.\n"),
        ("arabic", "يبرم عقد الإيجار بين الطرفين لمدة خمس سنوات.\nيدفع المستأجر الأجرة كل شهر.\n"),
        ("hindi", "किराया अनुबंध पाँच वर्षों के लिए किया जाता है।\nकिरायेदार हर महीने भुगतान करेगा।\n"),
    ];

    #[test]
    fn utf16_in_any_script_without_a_mark() {
        for (language, text) in SAMPLES {
            for swap in [false, true] {
                let bytes: Vec<u8> = text
                    .encode_utf16()
                    .flat_map(|unit| if swap { unit.to_be_bytes() } else { unit.to_le_bytes() })
                    .collect();
                assert!(looks_like_text(&bytes), "{language} {swap}");
                let decoded = decode(bytes, None);
                assert_eq!(decoded.text, text, "{language} {swap}");
            }
        }
    }

    #[test]
    fn numbers_are_no_text_in_utf16() {
        let numbers = |step: u32, mask: u32| -> Vec<u8> {
            let values = (0..2000_u32).map(|n| (n.wrapping_mul(step) ^ (n >> 3)) & mask);
            values.flat_map(|value| (value as u16).to_le_bytes()).collect()
        };
        for (step, mask) in [
            (1, 0xFFFF),
            (2_654_435_761, 0xFFFF),
            (7, 0x3FF),
            (1_103_515_245, 0x0FFF),
            (40_503, 0x7FFF),
        ] {
            assert!(!looks_like_text(&numbers(step, mask)), "{step} {mask:x}");
        }
        let floats: Vec<u8> = (0..500).flat_map(|n| (n as f32 * 0.37).to_le_bytes()).collect();
        assert!(!looks_like_text(&floats));
    }

    #[test]
    fn legacy_encodings_are_told_apart() {
        use encoding_rs::*;
        let czech = "Smlouva o nájmu se uzavírá na dobu pěti let. Nájemce je povinen platit nájemné měsíčně, nejpozději k desátému dni. Žádná ze stran nesmí smlouvu ukončit dříve.";
        let french = "Le bail est conclu pour une durée de cinq années entières. Le preneur s’engage à payer le loyer à l’échéance, où qu’il réside.";
        let samples: [(&Encoding, &str); 10] = [
            (SHIFT_JIS, SAMPLES[3].1),
            (EUC_JP, SAMPLES[3].1),
            (GB18030, SAMPLES[2].1),
            (EUC_KR, SAMPLES[4].1),
            (KOI8_R, SAMPLES[0].1),
            (WINDOWS_1251, SAMPLES[0].1),
            (WINDOWS_1252, french),
            (ISO_8859_2, czech),
            (WINDOWS_1253, SAMPLES[1].1),
            (WINDOWS_1255, SAMPLES[5].1),
        ];
        for (encoding, text) in samples {
            let text = text.repeat(4);
            let (bytes, _, unmappable) = encoding.encode(&text);
            assert!(!unmappable && looks_like_text(&bytes), "{}", encoding.name());
            let decoded = decode(bytes.into_owned(), None);
            assert_eq!(decoded.text, text, "{} read as {:?}", encoding.name(), decoded.encoding);
        }
    }

    #[test]
    fn bytes_that_are_no_text() {
        assert!(!looks_like_text(b"abc\0def"));
        assert!(!looks_like_text(&[1, 2, 3, 4, b'a', b'b']));
        assert!(looks_like_text(b"\x1b[1mbold\x1b[0m and \x0c page"));
    }

    proptest! {
        #[test]
        fn utf8_text_survives(text in "\\PC{0,200}") {
            prop_assume!(!text.starts_with('\u{FEFF}'));
            prop_assert_eq!(decode(text.clone().into_bytes(), None).text, text);
        }

        #[test]
        fn utf16_text_survives(text in "[a-zA-Z\u{4e00}-\u{4fff}äöü \\n]{0,200}") {
            let bytes: Vec<u8> = std::iter::once(0xFEFF_u16)
                .chain(text.encode_utf16())
                .flat_map(u16::to_le_bytes)
                .collect();
            prop_assert_eq!(decode(bytes, None).text, text);
        }

        #[test]
        fn any_bytes_give_text_without_carriage_returns(bytes: Vec<u8>) {
            let decoded = decode(bytes, None);
            prop_assert!(!decoded.text.contains(['\r', '\0']));
        }
    }
}
