//! Runs the content of pages as far as it shows text.

use std::rc::Rc;

use lopdf::{Dictionary, Document as Pdf, Object, ObjectId, Stream};

use super::filters::decode;
use super::fonts::{Font, Fonts};
use super::info::decode_string;
use super::layout::{Glyph, Page};
use super::lexer::{Lexer, Token};
use super::matrix::Matrix;
use super::objects::{
    get, get_array, get_dictionary, get_integer, get_name, number, numbers, resolve,
};
use super::pages::{inherited, page_box, page_content};
use super::scan::PageFacts;

/// How much content of one page is run, with forms counted as often as they are used: against files
/// whose forms use one another over and over.
const MAX_PAGE_BYTES: usize = 128 << 20;
/// How deep forms may stand in one another.
const MAX_FORM_DEPTH: usize = 16;
/// How many saved states are kept; more are not saved.
const MAX_STATES: usize = 256;
/// How many operands an operator is given.
const MAX_OPERANDS: usize = 64;
/// Smaller pictures, as shares of the page, hold no text to speak of.
const MIN_PICTURE_SHARE: f64 = 0.02;
/// How many pictures of a page are remembered; scanners cut a page into strips.
const MAX_PICTURES: usize = 64;

/// What a page holds, as far as text and pictures go.
#[derive(Debug, Default)]
pub(super) struct PageContent<'a> {
    pub(super) text: String,
    /// The larger ones of its pictures, in the order in which they are painted.
    pub(super) pictures: Vec<&'a Stream>,
    /// How much of the page its pictures cover, added up; 1 for a full page.
    pub(super) picture_share: f64,
    /// Glyphs, and how many of them stand for nothing known.
    pub(super) glyphs: usize,
    pub(super) unknown_glyphs: usize,
    /// Why the page was not read in full.
    pub(super) trouble: Option<&'static str>,
}

impl PageContent<'_> {
    pub(super) fn facts(&self) -> PageFacts<'_> {
        PageFacts { text: &self.text, picture_share: self.picture_share }
    }
}

pub(super) struct Interpreter<'a> {
    pdf: &'a Pdf,
    fonts: Fonts<'a>,
    max_text_bytes: usize,
}

impl<'a> Interpreter<'a> {
    /// Pages are cut short after so many bytes of text.
    pub(super) fn new(pdf: &'a Pdf, max_text_bytes: usize) -> Self {
        Self { pdf, fonts: Fonts::new(pdf), max_text_bytes }
    }

    pub(super) fn read_page(&mut self, page: ObjectId) -> PageContent<'a> {
        let Ok(page) = self.pdf.get_dictionary(page) else {
            return PageContent { trouble: Some("it is missing"), ..PageContent::default() };
        };
        let size = page_box(self.pdf, page);
        let mut run = Run {
            pdf: self.pdf,
            fonts: &mut self.fonts,
            layout: Page::new(size),
            content: PageContent::default(),
            page_area: size
                .map_or(0.0, |[left, bottom, right, top]| (right - left) * (top - bottom)),
            left_bytes: MAX_PAGE_BYTES,
            max_text_bytes: self.max_text_bytes,
            marks: Vec::new(),
            replacement: None,
        };
        let (content, is_whole) = page_content(self.pdf, page, run.left_bytes);
        if !is_whole {
            run.content.trouble = Some("part of its content is missing");
        }
        let empty = empty_dictionary();
        let resources = inherited(self.pdf, page, "Resources")
            .and_then(|resources| resources.as_dict().ok())
            .unwrap_or(empty);
        run.run(&content, resources, State::new(Matrix::IDENTITY), 0);
        run.show_annotations(page, resources);
        let Run { layout, mut content, .. } = run;
        content.text = layout.into_text();
        content
    }
}

fn empty_dictionary() -> &'static Dictionary {
    static EMPTY: std::sync::OnceLock<Dictionary> = std::sync::OnceLock::new();
    EMPTY.get_or_init(Dictionary::new)
}

/// The graphics state as far as text needs it, with the matrices of text (PDF 2.0 §9.3 and §9.4).
#[derive(Clone)]
struct State<'a> {
    matrix: Matrix,
    text_matrix: Matrix,
    line_matrix: Matrix,
    font: Option<Rc<Font<'a>>>,
    size: f64,
    char_spacing: f64,
    word_spacing: f64,
    /// Horizontal scaling; 1 is the font's own width.
    scale: f64,
    leading: f64,
    rise: f64,
}

impl State<'_> {
    fn new(matrix: Matrix) -> Self {
        Self {
            matrix,
            text_matrix: Matrix::IDENTITY,
            line_matrix: Matrix::IDENTITY,
            font: None,
            size: 0.0,
            char_spacing: 0.0,
            word_spacing: 0.0,
            scale: 1.0,
            leading: 0.0,
            rise: 0.0,
        }
    }

    fn move_line(&mut self, x: f64, y: f64) {
        self.line_matrix = Matrix::translation(x, y).then(self.line_matrix);
        self.text_matrix = self.line_matrix;
    }

    fn move_along(&mut self, x: f64, y: f64) {
        self.text_matrix = Matrix::translation(x, y).then(self.text_matrix);
    }
}

/// Text that stands for what is shown within a marked stretch of content.
struct Replacement {
    text: String,
    is_used: bool,
}

struct Run<'a, 'r> {
    pdf: &'a Pdf,
    fonts: &'r mut Fonts<'a>,
    layout: Page,
    content: PageContent<'a>,
    page_area: f64,
    left_bytes: usize,
    max_text_bytes: usize,
    /// Marked stretches that are open, and whether each of them began the replacement.
    marks: Vec<bool>,
    replacement: Option<Replacement>,
}

impl<'a> Run<'a, '_> {
    fn run(&mut self, content: &[u8], resources: &'a Dictionary, state: State<'a>, depth: usize) {
        let Some(left) = self.left_bytes.checked_sub(content.len()) else {
            self.content.trouble = Some("it draws more than is read of one page");
            return;
        };
        self.left_bytes = left;
        let mut state = state;
        let mut states = Vec::new();
        let mut operands = Vec::new();
        let mut lexer = Lexer::new(content);
        while let Some(token) = lexer.next() {
            let Token::Word(operator) = token else {
                if operands.len() < MAX_OPERANDS {
                    operands.push(token);
                }
                continue;
            };
            match operator {
                b"q" if states.len() < MAX_STATES => states.push(state.clone()),
                b"Q" => {
                    if let Some(saved) = states.pop() {
                        state = saved;
                    }
                }
                b"ID" => lexer.skip_inline_image(),
                b"Do" => self.draw(&operands, resources, &state, depth),
                _ => self.operate(operator, &operands, resources, &mut state),
            }
            operands.clear();
            if self.layout.text_bytes() > self.max_text_bytes {
                self.content.trouble = Some("it holds more text than the limit");
                return;
            }
        }
    }

    fn operate(
        &mut self,
        operator: &[u8],
        operands: &[Token],
        resources: &'a Dictionary,
        state: &mut State<'a>,
    ) {
        let n = |index: usize| match operands.get(index) {
            Some(Token::Number(number)) => *number,
            _ => 0.0,
        };
        let matrix = || Matrix::new([n(0), n(1), n(2), n(3), n(4), n(5)]);
        match operator {
            b"cm" if operands.len() >= 6 => state.matrix = matrix().then(state.matrix),
            b"BT" => {
                state.text_matrix = Matrix::IDENTITY;
                state.line_matrix = Matrix::IDENTITY;
            }
            b"Tc" => state.char_spacing = n(0),
            b"Tw" => state.word_spacing = n(0),
            b"Tz" => state.scale = n(0) / 100.0,
            b"TL" => state.leading = n(0),
            b"Ts" => state.rise = n(0),
            b"Tf" => {
                if let Some(Token::Name(name)) = operands.first() {
                    let fonts = get_dictionary(self.pdf, resources, "Font");
                    state.font = fonts.and_then(|fonts| self.fonts.get(fonts, name));
                }
                state.size = n(1);
            }
            b"gs" => self.set_font_of_state(operands, resources, state),
            b"Td" => state.move_line(n(0), n(1)),
            b"TD" => {
                state.leading = -n(1);
                state.move_line(n(0), n(1));
            }
            b"Tm" if operands.len() >= 6 => {
                state.line_matrix = matrix();
                state.text_matrix = state.line_matrix;
            }
            b"T*" => state.move_line(0.0, -state.leading),
            b"Tj" => self.show_operand(operands.first(), state),
            b"TJ" => self.show_array(operands.first(), state),
            b"'" => {
                state.move_line(0.0, -state.leading);
                self.show_operand(operands.first(), state);
            }
            b"\"" => {
                (state.word_spacing, state.char_spacing) = (n(0), n(1));
                state.move_line(0.0, -state.leading);
                self.show_operand(operands.get(2), state);
            }
            b"BMC" => self.marks.push(false),
            b"BDC" => self.begin_mark(operands, resources),
            b"EMC" => self.end_mark(),
            _ => {}
        }
    }

    /// A font may also come with a named graphics state.
    fn set_font_of_state(
        &mut self,
        operands: &[Token],
        resources: &'a Dictionary,
        state: &mut State<'a>,
    ) {
        let Some(Token::Name(name)) = operands.first() else { return };
        let font = get_dictionary(self.pdf, resources, "ExtGState")
            .and_then(|states| states.get(name).ok())
            .and_then(|state| resolve(self.pdf, state)?.as_dict().ok())
            .and_then(|state| get_array(self.pdf, state, "Font"));
        if let Some([font, size]) = font {
            if let Some(font) = self.fonts.get_object(font) {
                state.font = Some(font);
            }
            state.size = number(self.pdf, size).unwrap_or(state.size);
        }
    }

    fn begin_mark(&mut self, operands: &[Token], resources: &'a Dictionary) {
        let text = match operands.get(1) {
            Some(Token::Dictionary(entries)) => {
                entries.iter().find_map(|(key, value)| match value {
                    Token::String(text) if key == b"ActualText" => Some(decode_string(text)),
                    _ => None,
                })
            }
            Some(Token::Name(name)) => get_dictionary(self.pdf, resources, "Properties")
                .and_then(|properties| properties.get(name).ok())
                .and_then(|properties| resolve(self.pdf, properties)?.as_dict().ok())
                .and_then(|properties| get(self.pdf, properties, "ActualText")?.as_str().ok())
                .map(decode_string),
            _ => None,
        };
        // A replacement within another is part of what that one stands for.
        let text = text.filter(|_| self.replacement.is_none());
        self.marks.push(text.is_some());
        if let Some(text) = text {
            self.replacement = Some(Replacement { text, is_used: false });
        }
    }

    fn end_mark(&mut self) {
        if self.marks.pop() == Some(true) {
            self.replacement = None;
        }
    }

    fn show_operand(&mut self, operand: Option<&Token>, state: &mut State<'a>) {
        if let Some(Token::String(string)) = operand {
            self.show(string, state);
        }
    }

    fn show_array(&mut self, operand: Option<&Token>, state: &mut State<'a>) {
        let Some(Token::Array(items)) = operand else { return };
        for item in items {
            match item {
                Token::String(string) => self.show(string, state),
                Token::Number(back) => {
                    let distance = -back / 1000.0 * state.size;
                    if state.font.as_ref().is_some_and(|font| font.is_vertical()) {
                        state.move_along(0.0, distance);
                    } else {
                        state.move_along(distance * state.scale, 0.0);
                    }
                }
                _ => {}
            }
        }
    }

    fn show(&mut self, string: &[u8], state: &mut State<'a>) {
        let Some(font) = state.font.clone() else { return };
        let is_vertical = font.is_vertical();
        let mut rest = string;
        while let Some(shown) = font.next(&mut rest) {
            let spacing =
                state.char_spacing + if shown.is_space { state.word_spacing } else { 0.0 };
            let length = shown.advance * state.size;
            let (glyph, advance) = if is_vertical {
                ((0.0, -length), (0.0, spacing - length))
            } else {
                ((length * state.scale, 0.0), ((length + spacing) * state.scale, 0.0))
            };
            self.content.glyphs += 1;
            self.content.unknown_glyphs += usize::from(shown.text.is_none());
            let is_replaced = self.replacement.is_some();
            let text = match &mut self.replacement {
                None => shown.text.as_deref(),
                Some(replacement) if replacement.is_used => Some(""),
                Some(replacement) => {
                    replacement.is_used = true;
                    Some(replacement.text.as_str())
                }
            };
            let to_page = state.text_matrix.then(state.matrix);
            let scale = (to_page.a * to_page.d - to_page.b * to_page.c).abs().sqrt();
            let along =
                if is_vertical { (0.0, -state.size) } else { (state.size * state.scale, 0.0) };
            self.layout.put(&Glyph {
                text: text.unwrap_or_default(),
                start: to_page.apply((0.0, state.rise)),
                end: to_page.apply((glyph.0, glyph.1 + state.rise)),
                pen: to_page.apply((advance.0, advance.1 + state.rise)),
                direction: to_page.apply_to_vector(along),
                size: (state.size * scale * font.em()).abs(),
                is_replaced,
            });
            state.move_along(advance.0, advance.1);
        }
    }

    /// Runs a form, and notes how much of the page a picture covers.
    fn draw(
        &mut self,
        operands: &[Token],
        resources: &'a Dictionary,
        state: &State<'a>,
        depth: usize,
    ) {
        let Some(Token::Name(name)) = operands.first() else { return };
        let object = get_dictionary(self.pdf, resources, "XObject")
            .and_then(|objects| resolve(self.pdf, objects.get(name).ok()?));
        let Some(Object::Stream(stream)) = object else { return };
        match get_name(self.pdf, &stream.dict, "Subtype") {
            Some(b"Image") => {
                let matrix = state.matrix;
                let area = (matrix.a * matrix.d - matrix.b * matrix.c).abs();
                if self.page_area > 0.0 {
                    let share = (area / self.page_area).min(1.0);
                    self.content.picture_share += share;
                    if share > MIN_PICTURE_SHARE && self.content.pictures.len() < MAX_PICTURES {
                        self.content.pictures.push(stream);
                    }
                }
            }
            _ if depth < MAX_FORM_DEPTH => self.run_form(stream, resources, state, depth),
            _ => self.content.trouble = Some("its forms stand too deep in one another"),
        }
    }

    fn run_form(
        &mut self,
        form: &'a Stream,
        resources: &'a Dictionary,
        state: &State<'a>,
        depth: usize,
    ) {
        let mut state = state.clone();
        if let Some(matrix) = get(self.pdf, &form.dict, "Matrix").and_then(|m| numbers(self.pdf, m))
        {
            state.matrix = Matrix::new(matrix).then(state.matrix);
        }
        let resources = get_dictionary(self.pdf, &form.dict, "Resources").unwrap_or(resources);
        let content = decode(self.pdf, form, self.left_bytes.saturating_add(1));
        self.run(&content, resources, state, depth + 1);
    }

    /// Shows what annotations look like: the fields of forms that were filled in, text boxes and
    /// stamps.
    fn show_annotations(&mut self, page: &'a Dictionary, resources: &'a Dictionary) {
        let annotations = get_array(self.pdf, page, "Annots").unwrap_or_default();
        for annotation in annotations {
            let annotation = resolve(self.pdf, annotation).and_then(|object| object.as_dict().ok());
            let Some(annotation) = annotation else { continue };
            let flags = get_integer(self.pdf, annotation, "F").unwrap_or(0);
            let is_shown = flags & (HIDDEN | NO_VIEW) == 0
                && matches!(
                    get_name(self.pdf, annotation, "Subtype"),
                    Some(b"Widget" | b"FreeText" | b"Stamp")
                );
            if !is_shown {
                continue;
            }
            match appearance(self.pdf, annotation) {
                Some((form, matrix)) => self.run_form(form, resources, &State::new(matrix), 0),
                None => self.show_value(annotation),
            }
        }
    }

    /// Shows the text that was filled into a field and not drawn: readers draw it when they open the
    /// file.
    fn show_value(&mut self, field: &'a Dictionary) {
        let value = inherited(self.pdf, field, "V").and_then(|value| value.as_str().ok());
        let place = get(self.pdf, field, "Rect").and_then(|place| numbers::<4>(self.pdf, place));
        if let (Some(value), Some([x0, y0, x1, y1])) = (value, place) {
            let baseline = y0.min(y1) + (y1 - y0).abs() * 0.3;
            let end = (x0.max(x1), baseline);
            self.layout.put(&Glyph {
                text: &decode_string(value),
                start: (x0.min(x1), baseline),
                end,
                pen: end,
                direction: (1.0, 0.0),
                size: (y1 - y0).abs().min(12.0),
                is_replaced: false,
            });
        }
    }
}

/// Flags of annotations (PDF 2.0 §12.5.3).
const HIDDEN: i64 = 1 << 1;
const NO_VIEW: i64 = 1 << 5;

/// The form that an annotation looks like and the way it is laid onto the page (PDF 2.0 §12.5.5).
fn appearance<'a>(pdf: &'a Pdf, annotation: &'a Dictionary) -> Option<(&'a Stream, Matrix)> {
    let appearances = get_dictionary(pdf, annotation, "AP")?;
    let form = match get(pdf, appearances, "N")? {
        Object::Stream(form) => form,
        // One for each state, such as the two of a check box.
        Object::Dictionary(states) => {
            let state = get_name(pdf, annotation, "AS")?;
            resolve(pdf, states.get(state).ok()?)?.as_stream().ok()?
        }
        _ => return None,
    };
    let [x0, y0, x1, y1] = numbers::<4>(pdf, annotation.get(b"Rect").ok()?)?;
    let [form_x0, form_y0, form_x1, form_y1] = numbers::<4>(pdf, form.dict.get(b"BBox").ok()?)?;
    let matrix = get(pdf, &form.dict, "Matrix").and_then(|matrix| numbers(pdf, matrix));
    let matrix = matrix.map_or(Matrix::IDENTITY, Matrix::new);
    let corners = [(form_x0, form_y0), (form_x0, form_y1), (form_x1, form_y0), (form_x1, form_y1)]
        .map(|corner| matrix.apply(corner));
    let least = corners.iter().fold((f64::MAX, f64::MAX), |l, c| (l.0.min(c.0), l.1.min(c.1)));
    let most = corners.iter().fold((f64::MIN, f64::MIN), |m, c| (m.0.max(c.0), m.1.max(c.1)));
    let scale = |from: f64, to: f64| if from.abs() > 1e-6 { to / from } else { 1.0 };
    let a = scale(most.0 - least.0, (x1 - x0).abs());
    let d = scale(most.1 - least.1, (y1 - y0).abs());
    let (e, f) = (x0.min(x1) - a * least.0, y0.min(y1) - d * least.1);
    Some((form, Matrix { a, b: 0.0, c: 0.0, d, e, f }))
}

#[cfg(test)]
mod tests;
