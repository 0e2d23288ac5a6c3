//! From glyphs at places on a page to lines and paragraphs.

use std::collections::HashMap;

use unicode_normalization::char::compose;

/// A glyph in the coordinates of its page.
#[derive(Debug, Clone)]
pub(super) struct Glyph<'t> {
    /// What it stands for; empty where that is not known.
    pub(super) text: &'t str,
    pub(super) start: (f64, f64),
    /// Where it ends along its line.
    pub(super) end: (f64, f64),
    /// Where the next glyph of the same string stands: the end and what letters are spaced by.
    pub(super) pen: (f64, f64),
    /// Direction of writing.
    pub(super) direction: (f64, f64),
    pub(super) size: f64,
    /// Whether the text is given for several glyphs as a whole, spaces included.
    pub(super) is_replaced: bool,
}

/// Writes a page as text in the order in which its glyphs are painted, which for nearly all
/// documents is the order of reading.
#[derive(Debug)]
pub(super) struct Page {
    /// What is shown of the page: left, bottom, right, top.
    shown: Option<[f64; 4]>,
    lines: Vec<Line>,
    last: Option<Place>,
    painted: Painted,
    text_bytes: usize,
}

/// Where a glyph stands, in coordinates along and across the direction of writing.
#[derive(Debug, Clone, Copy)]
struct Place {
    along: f64,
    end: f64,
    pen: f64,
    /// Grows downwards, from line to line.
    across: f64,
    size: f64,
    /// Direction of writing, as a unit vector.
    direction: (f64, f64),
}

#[derive(Debug, Default)]
struct Line {
    text: String,
    /// Distance from the line before in multiples of the type size; `None` where the text jumps.
    pitch: Option<f64>,
}

impl Place {
    fn of(glyph: &Glyph) -> Self {
        let length = glyph.direction.0.hypot(glyph.direction.1);
        let direction = if length > 0.0 && length.is_finite() {
            (glyph.direction.0 / length, glyph.direction.1 / length)
        } else {
            (1.0, 0.0)
        };
        let along = |(x, y): (f64, f64)| x * direction.0 + y * direction.1;
        let across = |(x, y): (f64, f64)| x * direction.1 - y * direction.0;
        Self {
            along: along(glyph.start),
            end: along(glyph.end),
            pen: along(glyph.pen),
            across: across(glyph.start),
            size: if glyph.size.is_finite() && glyph.size > 0.0 { glyph.size } else { 1.0 },
            direction,
        }
    }
}

impl Page {
    /// A page of which this rectangle is shown: left, bottom, right, top.
    pub(super) fn new(shown: Option<[f64; 4]>) -> Self {
        Self { shown, lines: Vec::new(), last: None, painted: Painted::default(), text_bytes: 0 }
    }

    /// How much text was put onto the page.
    pub(super) fn text_bytes(&self) -> usize {
        self.text_bytes
    }

    pub(super) fn put(&mut self, glyph: &Glyph) {
        let place = Place::of(glyph);
        if !self.is_shown(glyph) || !place.along.is_finite() || !place.across.is_finite() {
            return;
        }
        if self.painted.has(glyph) {
            // Painted twice to look bold, or with a shadow.
            return;
        }
        match self.last {
            None => self.lines.push(Line::default()),
            // Moves within replaced text are part of it.
            Some(_) if glyph.is_replaced && glyph.text.is_empty() => {}
            Some(last) => self.move_to(last, place, glyph.text),
        }
        self.text_bytes += glyph.text.len() + 1;
        if let Some(line) = self.lines.last_mut()
            && !(self.last.is_some_and(|last| place.is_over(last))
                && put_accent(&mut line.text, glyph.text))
        {
            line.text.push_str(glyph.text);
        }
        self.last = Some(place);
    }

    /// Whether the glyph begins on the part of the page that is shown, or nearly so.
    fn is_shown(&self, glyph: &Glyph) -> bool {
        let Some([left, bottom, right, top]) = self.shown else { return true };
        let slack = glyph.size.max(2.0);
        let (x, y) = glyph.start;
        x > left - slack && x < right + slack && y > bottom - slack && y < top + slack
    }

    /// Begins a line or a word where the way from the last glyph calls for it.
    fn move_to(&mut self, last: Place, place: Place, text: &str) {
        let turn = last.direction.0 * place.direction.0 + last.direction.1 * place.direction.1;
        if turn < 0.99 {
            self.lines.push(Line::default());
            return;
        }
        let size = place.size.max(last.size);
        let down = place.across - last.across;
        let gap = place.along - last.pen;
        // Half the type size lets superscripts and subscripts stay in their line.
        if down.abs() > size * 0.5 {
            let pitch = (down > 0.0).then_some(down / size);
            self.lines.push(Line { text: String::new(), pitch });
        } else if gap < -size * 2.0 && !place.is_over(last) {
            // Back towards the start of the same line: another column or a cell painted late.
            self.lines.push(Line::default());
        } else if !text.is_empty()
            && let Some(line) = self.lines.last_mut()
            && (gap > place.size.min(last.size) * WORD_GAP
                || is_note_mark(last, place, &line.text, text))
        {
            line.text.push(' ');
        }
    }

    /// Lines with an empty one wherever the distance is clearly above the page's usual one.
    pub(super) fn into_text(self) -> String {
        let usual = usual_pitch(&self.lines);
        let mut text = String::new();
        for line in &self.lines {
            if !text.is_empty() {
                text.push('\n');
                if line.pitch.is_none_or(|pitch| pitch > usual * 1.3) {
                    text.push('\n');
                }
            }
            text.push_str(&line.text);
        }
        text
    }
}

/// A gap between words, in multiples of the type size; letters are moved by less for looks.
const WORD_GAP: f64 = 0.1;

/// Whether a number or a sign is set small and high at a word to point to a note, or ends here at
/// the note's first word. It is no part of the word, unlike in formulas and units.
fn is_note_mark(last: Place, place: Place, line: &str, text: &str) -> bool {
    let is_mark = |c: char| c.is_ascii_digit() || matches!(c, '*' | '†' | '‡' | '§');
    let rise = last.across - place.across;
    let begins = text.chars().next();
    if place.size < last.size * 0.85 && rise > last.size * 0.1 {
        let letters = line.chars().rev().take_while(|c| c.is_alphabetic()).take(4).count();
        begins.is_some_and(is_mark) && letters >= 4
    } else if last.size < place.size * 0.85 && -rise > place.size * 0.1 {
        line.ends_with(is_mark) && begins.is_some_and(char::is_alphabetic)
    } else {
        false
    }
}

impl Place {
    /// Accents and underlines are painted over what stands already, a short way back.
    fn is_over(&self, last: Self) -> bool {
        (self.along - last.along).abs() < last.size
            && (self.across - last.across).abs() < last.size
            && self.along < last.end - last.size * 0.05
    }
}

/// Accents as letters of their own, and what they are over another letter.
const ACCENTS: [(char, char); 13] = [
    ('`', '\u{300}'),
    ('´', '\u{301}'),
    ('ˆ', '\u{302}'),
    ('^', '\u{302}'),
    ('˜', '\u{303}'),
    ('¯', '\u{304}'),
    ('˘', '\u{306}'),
    ('˙', '\u{307}'),
    ('¨', '\u{308}'),
    ('˚', '\u{30A}'),
    ('˝', '\u{30B}'),
    ('ˇ', '\u{30C}'),
    ('¸', '\u{327}'),
];

/// Makes one letter of a letter and an accent that are painted over one another, in either order, as
/// old typesetters do. False where they are something else.
fn put_accent(line: &mut String, text: &str) -> bool {
    let mut characters = text.chars();
    let (Some(second), None, Some(first)) =
        (characters.next(), characters.next(), line.chars().next_back())
    else {
        return false;
    };
    let mark = |c: char| ACCENTS.iter().find(|(accent, _)| *accent == c).map(|(_, mark)| *mark);
    let (letter, mark) = match (mark(first), mark(second)) {
        (Some(mark), None) => (second, mark),
        (None, Some(mark)) => (first, mark),
        _ => return false,
    };
    let letter = match letter {
        'ı' => 'i',
        'ȷ' => 'j',
        letter => letter,
    };
    let Some(composed) = compose(letter, mark) else { return false };
    line.pop();
    line.push(composed);
    true
}

/// What was painted where, to know what is painted twice.
#[derive(Debug, Default)]
struct Painted {
    /// Places by character and cell of a grid as wide as the type.
    cells: HashMap<(char, i64, i64), Vec<(f64, f64)>>,
}

impl Painted {
    /// Whether the same glyph stands here already, or nearly; it does from now on.
    fn has(&mut self, glyph: &Glyph) -> bool {
        let Some(character) = glyph.text.chars().next().filter(|c| c.is_alphanumeric()) else {
            return false;
        };
        let width = glyph.size.max(0.1);
        let slack = width * 0.1;
        let (x, y) = glyph.start;
        let cell = |x: f64, y: f64| (character, (x / width) as i64, (y / width) as i64);
        let near = |(other_x, other_y): &(f64, f64)| {
            (other_x - x).abs() < slack && (other_y - y).abs() < slack
        };
        let home = cell(x, y);
        for corner in [home, cell(x - slack, y - slack), cell(x + slack, y + slack)]
            .into_iter()
            .chain([cell(x - slack, y + slack), cell(x + slack, y - slack)])
        {
            if self.cells.get(&corner).is_some_and(|places| places.iter().any(near)) {
                return true;
            }
        }
        self.cells.entry(home).or_default().push((x, y));
        false
    }
}

/// The median distance between lines, so that double spacing does not make every line a paragraph.
fn usual_pitch(lines: &[Line]) -> f64 {
    let mut pitches: Vec<f64> = lines
        .iter()
        .filter_map(|line| line.pitch)
        .filter(|pitch| (0.7..3.5).contains(pitch))
        .collect();
    if pitches.len() < 3 {
        return 1.25;
    }
    pitches.sort_by(f64::total_cmp);
    pitches[pitches.len() / 2]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Glyphs half as wide as they are high, 10 units in size.
    fn put(page: &mut Page, (x, y): (f64, f64), text: &str) {
        for (index, glyph) in text.chars().enumerate() {
            let x = x + index as f64 * 5.0;
            put_glyph(page, (x, y), (1.0, 0.0), &glyph.to_string());
        }
    }

    fn put_glyph(page: &mut Page, start: (f64, f64), direction: (f64, f64), text: &str) {
        let end = (start.0 + direction.0 * 5.0, start.1 + direction.1 * 5.0);
        let size = 10.0;
        page.put(&Glyph { text, start, end, pen: end, direction, size, is_replaced: false });
    }

    fn lay_out(strings: &[(f64, f64, &str)]) -> String {
        let mut page = Page::new(Some([0.0, 0.0, 600.0, 800.0]));
        for (x, y, string) in strings {
            put(&mut page, (*x, *y), string);
        }
        page.into_text()
    }

    #[test]
    fn gaps_make_words_and_kerning_does_not() {
        assert_eq!(
            lay_out(&[(0.0, 700.0, "ab"), (10.2, 700.0, "cd"), (25.0, 700.0, "e")]),
            "abcd e"
        );
        assert_eq!(lay_out(&[(0.0, 700.0, "m"), (5.5, 704.0, "2")]), "m2");
    }

    #[test]
    fn marks_of_notes_are_no_part_of_words() {
        let lay_out = |strings: &[(f64, &str, bool)]| {
            let mut page = Page::new(None);
            let mut x = 0.0;
            for (y, text, is_small) in strings {
                let size = if *is_small { 6.0 } else { 10.0 };
                for glyph in text.chars() {
                    let end = (x + size / 2.0, *y);
                    page.put(&Glyph {
                        text: &glyph.to_string(),
                        start: (x, *y),
                        end,
                        pen: end,
                        direction: (1.0, 0.0),
                        size,
                        is_replaced: false,
                    });
                    x = end.0;
                }
            }
            page.into_text()
        };
        assert_eq!(
            lay_out(&[(0.0, "Tenant", false), (3.0, "12", true), (0.0, "pays", false)]),
            "Tenant 12 pays"
        );
        assert_eq!(lay_out(&[(3.0, "1", true), (0.0, "This", false)]), "1 This");
        assert_eq!(lay_out(&[(0.0, "CO", false), (-2.0, "2", true), (0.0, "x", false)]), "CO2x");
        assert_eq!(lay_out(&[(0.0, "km", false), (3.0, "2", true)]), "km2");
        assert_eq!(lay_out(&[(0.0, "the 1", false), (3.0, "st", true)]), "the 1st");
    }

    #[test]
    fn wider_spacing_makes_paragraphs() {
        let lines = |pitch: f64| {
            let mut y = 700.0;
            let mut strings = Vec::new();
            for (line, text) in ["one", "two", "three", "four", "five"].iter().enumerate() {
                y -= if line == 3 { pitch * 2.0 } else { pitch };
                strings.push((0.0, y, *text));
            }
            lay_out(&strings)
        };
        assert_eq!(lines(12.0), "one\ntwo\nthree\n\nfour\nfive");
        assert_eq!(lines(24.0), "one\ntwo\nthree\n\nfour\nfive");
    }

    #[test]
    fn columns_and_rotated_text_do_not_run_together() {
        assert_eq!(lay_out(&[(300.0, 700.0, "right"), (0.0, 700.0, "left")]), "right\n\nleft");
        let mut page = Page::new(None);
        put(&mut page, (50.0, 90.0), "flat");
        put_glyph(&mut page, (50.0, 100.0), (0.0, 1.0), "u");
        put_glyph(&mut page, (50.0, 105.0), (0.0, 1.0), "p");
        // From top to bottom, with the second line to the left of the first.
        put_glyph(&mut page, (300.0, 700.0), (0.0, -1.0), "日");
        put_glyph(&mut page, (300.0, 695.0), (0.0, -1.0), "本");
        put_glyph(&mut page, (286.0, 700.0), (0.0, -1.0), "語");
        assert_eq!(page.into_text(), "flat\n\nup\n\n日本\n語");
    }

    #[test]
    fn what_is_painted_twice_is_there_once() {
        let bold = [(0.0, 700.0, "total"), (0.3, 700.0, "total"), (40.0, 700.0, "all")];
        assert_eq!(lay_out(&bold), "total all");
        assert_eq!(lay_out(&[(0.0, 700.0, "aa"), (0.0, 688.0, "aa")]), "aa\naa");
    }

    #[test]
    fn what_lies_outside_of_the_page_is_not_there() {
        assert_eq!(lay_out(&[(0.0, 700.0, "in"), (0.0, -50.0, "out"), (700.0, 10.0, "out")]), "in");
    }

    #[test]
    fn accents_painted_over_letters_become_one_with_them() {
        assert_eq!(lay_out(&[(0.0, 700.0, "caf´"), (15.5, 700.0, "e")]), "café");
        assert_eq!(lay_out(&[(0.0, 700.0, "fu"), (5.0, 701.0, "¨"), (10.0, 700.0, "r")]), "für");
        assert_eq!(lay_out(&[(0.0, 700.0, "´"), (0.5, 700.0, "ı")]), "í");
        assert_eq!(lay_out(&[(0.0, 700.0, "x^y `a")]), "x^y `a");
    }

    #[test]
    fn places_that_are_no_numbers_are_left_out() {
        let nowhere = (f64::NAN, f64::INFINITY);
        let mut page = Page::new(None);
        put_glyph(&mut page, nowhere, (f64::NAN, 0.0), "x");
        put_glyph(&mut page, (0.0, 0.0), (0.0, 0.0), "y");
        assert_eq!(page.into_text(), "y");
    }
}
