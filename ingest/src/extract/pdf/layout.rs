//! From glyphs at places on a page to lines and paragraphs.

use pdf_extract::{MediaBox, OutputDev, OutputError, Transform};

/// Writes the pages of a PDF as text in the order in which their glyphs are painted, which for
/// nearly all documents is the order of reading.
pub(super) struct PageWriter<'a> {
    at_page: Option<&'a (dyn Fn(u32) + Sync)>,
    done: Vec<(u32, String)>,
    page: Option<Page>,
}

/// Where a glyph stands, in coordinates along and across the direction of writing.
#[derive(Debug, Clone, Copy)]
struct Place {
    along: f64,
    /// Grows downwards, from line to line.
    across: f64,
    size: f64,
    /// Direction of writing, as a unit vector.
    direction: (f64, f64),
}

#[derive(Debug, Default)]
struct Page {
    number: u32,
    lines: Vec<Line>,
    /// Whether the next glyph is the first of a string, and so may stand anywhere.
    begins_string: bool,
    last: Option<Place>,
    /// Where the last glyph ends along its line.
    last_end: f64,
}

#[derive(Debug, Default)]
struct Line {
    text: String,
    /// Distance from the line before in multiples of the type size; `None` where the text jumps.
    pitch: Option<f64>,
}

impl<'a> PageWriter<'a> {
    pub(super) fn new(at_page: Option<&'a (dyn Fn(u32) + Sync)>) -> Self {
        Self { at_page, done: Vec::new(), page: None }
    }

    /// Whether a page was begun and not ended: the one that a failure fell into.
    pub(super) fn is_within_page(&self) -> bool {
        self.page.is_some()
    }

    /// The pages with their numbers; the last one as far as it was read.
    pub(super) fn finish(mut self) -> Vec<(u32, String)> {
        self.close_page();
        self.done
    }

    fn close_page(&mut self) {
        if let Some(page) = self.page.take() {
            self.done.push((page.number, page.into_text()));
        }
    }
}

impl OutputDev for PageWriter<'_> {
    fn begin_page(
        &mut self,
        number: u32,
        _: &MediaBox,
        _: Option<(f64, f64, f64, f64)>,
    ) -> Result<(), OutputError> {
        self.close_page();
        if let Some(at_page) = self.at_page {
            at_page(number);
        }
        self.page = Some(Page { number, begins_string: true, ..Page::default() });
        Ok(())
    }

    fn end_page(&mut self) -> Result<(), OutputError> {
        self.close_page();
        Ok(())
    }

    fn output_character(
        &mut self,
        matrix: &Transform,
        width: f64,
        _spacing: f64,
        font_size: f64,
        glyph: &str,
    ) -> Result<(), OutputError> {
        if let Some(page) = &mut self.page {
            page.put(Place::of(matrix, font_size), width, glyph);
        }
        Ok(())
    }

    fn begin_word(&mut self) -> Result<(), OutputError> {
        if let Some(page) = &mut self.page {
            page.begins_string = true;
        }
        Ok(())
    }

    fn end_word(&mut self) -> Result<(), OutputError> {
        Ok(())
    }

    fn end_line(&mut self) -> Result<(), OutputError> {
        Ok(())
    }
}

impl Place {
    fn of(matrix: &Transform, font_size: f64) -> Self {
        let (dx, dy) = (matrix.m11, matrix.m12);
        let length = dx.hypot(dy);
        let direction = if length > 0.0 && length.is_finite() {
            (dx / length, dy / length)
        } else {
            (1.0, 0.0)
        };
        let determinant = matrix.m11 * matrix.m22 - matrix.m12 * matrix.m21;
        let size = (determinant.abs().sqrt() * font_size).abs();
        let (x, y) = (matrix.m31, matrix.m32);
        Self {
            along: x * direction.0 + y * direction.1,
            across: x * direction.1 - y * direction.0,
            size: if size.is_finite() && size > 0.0 { size } else { 1.0 },
            direction,
        }
    }
}

impl Page {
    fn put(&mut self, place: Place, width: f64, glyph: &str) {
        match self.last {
            None => self.lines.push(Line::default()),
            Some(last) if self.begins_string => self.move_to(last, place),
            Some(_) => {}
        }
        if let Some(line) = self.lines.last_mut() {
            line.text.push_str(glyph);
        }
        self.begins_string = false;
        let end = place.along + width * place.size;
        self.last_end = if end.is_finite() { end } else { place.along };
        self.last = Some(place);
    }

    /// Begins a line or a word where the way from the last glyph calls for it.
    fn move_to(&mut self, last: Place, place: Place) {
        let turn = last.direction.0 * place.direction.0 + last.direction.1 * place.direction.1;
        if turn < 0.99 {
            self.lines.push(Line::default());
            return;
        }
        let size = place.size.max(last.size);
        let down = place.across - last.across;
        let gap = place.along - self.last_end;
        // Half the type size lets superscripts and subscripts stay in their line.
        if down.abs() > size * 0.5 {
            let pitch = (down > 0.0).then_some(down / size);
            self.lines.push(Line { text: String::new(), pitch });
        } else if gap < -size * 2.0 && !self.is_overprint(place, last) {
            // Back towards the start of the same line: another column or a cell painted late.
            self.lines.push(Line::default());
        } else if gap > place.size.min(last.size) * 0.1
            && let Some(line) = self.lines.last_mut()
        {
            line.text.push(' ');
        }
    }

    /// Accents and underlines are painted over what stands already, a short way back.
    fn is_overprint(&self, place: Place, last: Place) -> bool {
        (place.along - last.along).abs() < last.size
    }

    /// Lines with an empty one wherever the distance is clearly above the page's usual one.
    fn into_text(self) -> String {
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

    /// Lays out strings of glyphs half as wide as they are high, 10 units in size.
    fn lay_out(strings: &[(f64, f64, &str)]) -> String {
        let mut writer = PageWriter::new(None);
        let media_box = MediaBox { llx: 0.0, lly: 0.0, urx: 600.0, ury: 800.0 };
        writer.begin_page(1, &media_box, None).unwrap();
        for (x, y, string) in strings {
            writer.begin_word().unwrap();
            for (index, glyph) in string.chars().enumerate() {
                let x = x + index as f64 * 5.0;
                let matrix = Transform::row_major(1.0, 0.0, 0.0, 1.0, x, *y);
                writer.output_character(&matrix, 0.5, 0.0, 10.0, &glyph.to_string()).unwrap();
            }
        }
        writer.end_page().unwrap();
        writer.finish().remove(0).1
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
        let mut writer = PageWriter::new(None);
        let media_box = MediaBox { llx: 0.0, lly: 0.0, urx: 600.0, ury: 800.0 };
        writer.begin_page(7, &media_box, None).unwrap();
        for (index, glyph) in ["u", "p"].iter().enumerate() {
            let y = 100.0 + index as f64 * 5.0;
            let matrix = Transform::row_major(0.0, 1.0, -1.0, 0.0, 50.0, y);
            writer.begin_word().unwrap();
            writer.output_character(&matrix, 0.5, 0.0, 10.0, glyph).unwrap();
        }
        // The page is not ended, as after a panic in the middle of it.
        assert_eq!(writer.finish(), [(7, "up".to_owned())]);
    }
}
