use whatlang::detect;

/// Bytes of text that are looked at, at each of [`SAMPLES`] places.
const SAMPLE_BYTES: usize = 1200;
const SAMPLES: usize = 4;

/// The language most of the text is in, as an ISO 639-3 code; `None` when unsure.
///
/// Looks at samples spread over the text, since the first page is often a cover, a licence or a
/// table of contents.
pub fn detect_language(text: &str) -> Option<String> {
    let mut sample = String::with_capacity(SAMPLES * (SAMPLE_BYTES + 1));
    if text.len() <= SAMPLES * SAMPLE_BYTES {
        sample.push_str(text);
    } else {
        let step = (text.len() - SAMPLE_BYTES) / (SAMPLES - 1);
        for index in 0..SAMPLES {
            let start = text.floor_char_boundary(index * step);
            let end = text.floor_char_boundary(start + SAMPLE_BYTES);
            sample.push_str(&text[start..end]);
            sample.push(' ');
        }
    }
    let info = detect(&sample)?;
    info.is_reliable().then(|| info.lang().code().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_are_told_apart() {
        let english = "The tenant shall keep the premises in good repair and return the keys. ";
        let german =
            "Der Mieter hat die Räume in gutem Zustand zu halten und die Schlüssel abzugeben. ";
        assert_eq!(detect_language(&english.repeat(3)).as_deref(), Some("eng"));
        assert_eq!(detect_language(&german.repeat(500)).as_deref(), Some("deu"));
        assert_eq!(detect_language("42"), None);
        assert_eq!(detect_language(""), None);
    }
}
