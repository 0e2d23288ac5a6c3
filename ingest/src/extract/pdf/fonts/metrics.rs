//! Widths of the fonts that every reader of PDF has, for files that do not say them.

/// Widths of the characters from space to tilde, in thousandths of the type size.
type Widths = [u16; 95];

#[rustfmt::skip]
const HELVETICA: Widths = [
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556,
    556, 556, 556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667,
    611, 778, 722, 278, 500, 667, 556, 833, 722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667,
    667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500,
    222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
];
#[rustfmt::skip]
const HELVETICA_BOLD: Widths = [
    278, 333, 474, 556, 556, 889, 722, 238, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556,
    556, 556, 556, 556, 556, 556, 556, 333, 333, 584, 584, 584, 611, 975, 722, 722, 722, 722, 667,
    611, 778, 722, 278, 556, 722, 611, 833, 722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667,
    667, 611, 333, 278, 333, 584, 556, 333, 556, 611, 556, 611, 556, 333, 611, 611, 278, 278, 556,
    278, 889, 611, 611, 611, 611, 389, 556, 333, 611, 556, 778, 556, 556, 500, 389, 280, 389, 584,
];
#[rustfmt::skip]
const TIMES: Widths = [
    250, 333, 408, 500, 500, 833, 778, 180, 333, 333, 500, 564, 250, 333, 250, 278, 500, 500, 500,
    500, 500, 500, 500, 500, 500, 500, 278, 278, 564, 564, 564, 444, 921, 722, 667, 667, 722, 611,
    556, 722, 722, 333, 389, 722, 611, 889, 722, 722, 556, 722, 667, 556, 611, 722, 722, 944, 722,
    722, 611, 333, 278, 333, 469, 500, 333, 444, 500, 444, 500, 444, 333, 500, 500, 278, 278, 500,
    278, 778, 500, 500, 500, 500, 333, 389, 278, 500, 500, 722, 500, 500, 444, 480, 200, 480, 541,
];
#[rustfmt::skip]
const TIMES_BOLD: Widths = [
    250, 333, 555, 500, 500, 1000, 833, 278, 333, 333, 500, 570, 250, 333, 250, 278, 500, 500, 500,
    500, 500, 500, 500, 500, 500, 500, 333, 333, 570, 570, 570, 500, 930, 722, 667, 722, 722, 667,
    611, 778, 778, 389, 500, 778, 667, 944, 722, 778, 611, 778, 722, 556, 667, 722, 722, 1000, 722,
    722, 667, 333, 278, 333, 581, 500, 333, 500, 556, 444, 556, 444, 333, 500, 556, 278, 333, 556,
    278, 833, 556, 500, 556, 556, 444, 389, 333, 556, 500, 722, 500, 500, 444, 394, 220, 394, 520,
];
/// Every character of a typewriter's font is as wide as any other.
const COURIER_WIDTH: f64 = 0.6;
/// About the mean of letters, for characters that are in no table.
const USUAL_WIDTH: f64 = 0.5;

/// About how wide the text is in a font of this name, in multiples of the type size.
pub(super) fn usual_width(font_name: &str, text: &str) -> f64 {
    let name = font_name.to_lowercase();
    let has = |parts: &[&str]| parts.iter().any(|part| name.contains(part));
    if has(&["courier", "mono", "consolas", "typewriter"]) {
        return COURIER_WIDTH;
    }
    let is_bold = has(&["bold", "black", "heavy"]);
    let is_serif = has(&["times", "serif", "roman", "georgia", "garamond", "palatino", "book"])
        && !has(&["sans"]);
    let widths = match (is_serif, is_bold) {
        (true, true) => &TIMES_BOLD,
        (true, false) => &TIMES,
        (false, true) => &HELVETICA_BOLD,
        (false, false) => &HELVETICA,
    };
    let width = text.chars().map(|c| {
        let place = (c as usize).checked_sub(usize::from(b' '));
        place.and_then(|at| widths.get(at)).map_or(USUAL_WIDTH, |&width| f64::from(width) / 1000.0)
    });
    width.sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths_by_name_of_font() {
        assert_eq!(usual_width("Courier-Bold", "i"), 0.6);
        assert_eq!(usual_width("ABCDEF+Arial,Bold", "!"), 0.333);
        assert_eq!(usual_width("TimesNewRomanPSMT", "A"), 0.722);
        assert_eq!(usual_width("Helvetica", "~"), 0.584);
        assert_eq!(usual_width("Helvetica", "é"), 0.5);
    }
}
