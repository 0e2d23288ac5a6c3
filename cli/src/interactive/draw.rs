//! What the interface looks like.

use std::ops::Range;

use lsearch_index::Hit;
use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use super::preview::Row;
use super::state::{Progress, State};
use super::wrap;
use crate::args::ModeArg;
use crate::output::{hits, units};
use crate::places::shorten_home;

/// Columns from which there is room for hits and text side by side.
const WIDE: u16 = 80;
const PROMPT: &str = "search: ";
/// Rows of a hit in the list.
const HIT_ROWS: usize = 2;

/// The styles in use.
pub(super) struct Theme {
    path: Style,
    mark: Style,
    wrong: Style,
}

impl Theme {
    /// With colours, unless `NO_COLOR` is set.
    pub(super) fn of_environment() -> Self {
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        if plain { Self::plain() } else { Self::coloured() }
    }

    pub(super) fn coloured() -> Self {
        Self {
            path: Style::new().fg(Color::Cyan),
            mark: Style::new().fg(Color::Yellow).add_modifier(Modifier::BOLD),
            wrong: Style::new().fg(Color::Yellow),
        }
    }

    pub(super) fn plain() -> Self {
        let plain = Style::new();
        Self {
            path: plain,
            mark: plain.add_modifier(Modifier::BOLD | Modifier::UNDERLINED),
            wrong: plain,
        }
    }
}

const TITLE: Style = Style::new().add_modifier(Modifier::BOLD);
const DIM: Style = Style::new().add_modifier(Modifier::DIM);
const SELECTED: Style = Style::new().add_modifier(Modifier::REVERSED);

/// Draws everything.
pub(super) fn draw(frame: &mut Frame<'_>, state: &mut State, theme: &Theme) {
    let area = frame.area();
    state.wide = area.width >= WIDE;
    if area.height < 4 || area.width < 12 {
        return;
    }
    let buffer = frame.buffer_mut();
    let cursor = query(buffer, area, state);
    rule(buffer, Rect { y: area.y + 1, height: 1, ..area });
    let body = Rect { y: area.y + 2, height: area.height - 3, ..area };
    if state.wide {
        let list_width = (area.width * 2 / 5).min(64);
        list(buffer, Rect { width: list_width, ..body }, state, theme);
        for y in body.y..body.bottom() {
            buffer.set_string(body.x + list_width, y, "│", DIM);
        }
        let x = body.x + list_width + 1;
        text(buffer, Rect { x, width: area.right() - x, ..body }, state, theme);
    } else if state.reading {
        text(buffer, body, state, theme);
    } else {
        list(buffer, body, state, theme);
    }
    foot(buffer, Rect { y: area.bottom() - 1, height: 1, ..area }, state, theme);
    frame.set_cursor_position(cursor);
}

/// The query, and at the right what is shown; gives the cursor's place.
fn query(buffer: &mut Buffer, area: Rect, state: &State) -> (u16, u16) {
    let mode = match state.mode {
        ModeArg::Hybrid => "hybrid",
        ModeArg::Keyword => "keyword",
        ModeArg::Semantic => "semantic",
    };
    let found = match state.progress {
        Progress::Nothing => String::new(),
        Progress::Searching => " · …".to_owned(),
        Progress::ByWord => format!(" · {} …", units::count(state.total as u64)),
        Progress::Done => format!(" · {}", units::count(state.total as u64)),
    };
    let right = format!(" {mode}{found} ");
    let prompt = if area.width < 40 { "" } else { PROMPT };
    let used = prompt.width() + right.width();
    let columns = usize::from(area.width).saturating_sub(used).max(4);
    let (shown, cursor) = state.line.shown(columns);
    let (x, _) = buffer.set_stringn(area.x, area.y, prompt, prompt.len(), DIM);
    buffer.set_stringn(x, area.y, shown, columns, Style::new());
    let at = area.right().saturating_sub(right.width() as u16);
    if at >= x + columns as u16 {
        buffer.set_stringn(at, area.y, &right, right.width(), DIM);
    }
    (x + cursor as u16, area.y)
}

fn rule(buffer: &mut Buffer, area: Rect) {
    buffer.set_string(area.x, area.y, "─".repeat(area.width.into()), DIM);
}

fn list(buffer: &mut Buffer, area: Rect, state: &State, theme: &Theme) {
    if state.hits.is_empty() {
        let (said, style) = match state.progress {
            Progress::Done => ("nothing found", Style::new()),
            Progress::Nothing => ("type what you look for", DIM),
            Progress::Searching | Progress::ByWord => ("", DIM),
        };
        buffer.set_stringn(area.x + 1, area.y, said, usize::from(area.width) - 1, style);
        return;
    }
    let fit = usize::from(area.height) / HIT_ROWS;
    let first = (state.selected + 1).saturating_sub(fit.max(1));
    for (at, hit) in state.hits.iter().enumerate().skip(first).take(fit.max(1)) {
        let y = area.y + ((at - first) * HIT_ROWS) as u16;
        one_hit(
            buffer,
            Rect { y, height: HIT_ROWS as u16, ..area },
            hit,
            at == state.selected,
            theme,
        );
    }
}

fn one_hit(buffer: &mut Buffer, area: Rect, hit: &Hit, selected: bool, theme: &Theme) {
    let width = usize::from(area.width) - 2;
    let title = hits::title(hit);
    let shown = from_left(&title, width);
    buffer.set_stringn(area.x + 1, area.y, shown, width, TITLE);
    let place = hit.passage.as_ref().map(|passage| hits::place(hit, passage)).unwrap_or_default();
    // The end of the path tells most; the place behind it is cut first.
    let path = shorten_home(&hit.path);
    let place_width = place.width().min(width.saturating_sub(path.width().min(width / 2)));
    let path = from_right(&path, width - place_width);
    let y = area.y + 1;
    if y < buffer.area.bottom() {
        let (x, _) = buffer.set_stringn(area.x + 1, y, &path, width, theme.path);
        buffer.set_stringn(x, y, from_left(&place, place_width), place_width, Style::new());
    }
    if selected {
        let title_row = Rect { height: 1, width: area.width - 1, ..area };
        buffer.set_style(title_row, SELECTED);
    }
}

/// Text that is too wide without its end.
fn from_left(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut shown = String::new();
    for grapheme in text.graphemes(true) {
        if shown.width() + grapheme.width() + 1 > width {
            break;
        }
        shown.push_str(grapheme);
    }
    if width > 0 {
        shown.push('…');
    }
    shown
}

/// Text that is too wide without its beginning.
fn from_right(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let (mut start, mut used) = (text.len(), 1);
    for (at, grapheme) in text.grapheme_indices(true).rev() {
        used += grapheme.width();
        if used > width {
            break;
        }
        start = at;
    }
    if width == 0 { String::new() } else { format!("…{}", &text[start..]) }
}

fn text(buffer: &mut Buffer, area: Rect, state: &mut State, theme: &Theme) {
    state.page = area.height.into();
    let Some(preview) = &mut state.preview else { return };
    // A bar beside the passage, a column of air at both sides.
    let width = usize::from(area.width.saturating_sub(3)).max(1);
    for (row, y) in preview.rows(width, area.height.into()).into_iter().zip(area.y..) {
        if row.in_passage {
            buffer.set_string(area.x, y, "▌", theme.path);
        }
        text_row(buffer, (area.x + 2, y), width, &row, theme);
    }
}

fn text_row(buffer: &mut Buffer, (x, y): (u16, u16), width: usize, row: &Row<'_>, theme: &Theme) {
    let mut column = 0;
    for (at, grapheme) in row.text.grapheme_indices(true) {
        let marked = |mark: &Range<usize>| mark.start < at + grapheme.len() && at < mark.end;
        let style = if row.marks.iter().any(marked) { theme.mark } else { Style::new() };
        let columns = wrap::columns(grapheme);
        if column + columns > width {
            return;
        }
        buffer.set_stringn(x + column as u16, y, wrap::shown(grapheme), columns, style);
        column += columns;
    }
}

/// What there is to know, or else the keys.
fn foot(buffer: &mut Buffer, area: Rect, state: &State, theme: &Theme) {
    let width = usize::from(area.width);
    if let Some(message) = &state.message {
        let message = from_left(&on_one_line(message), width);
        buffer.set_stringn(area.x, area.y, message, width, theme.wrong);
        return;
    }
    let keys = [
        "Enter open",
        "Tab mode",
        if state.wide { "PgDn scroll" } else { "PgDn read" },
        "^O print path",
        "^Y copy path",
        if state.reading && !state.wide { "Esc back" } else { "Esc leave" },
    ];
    let mut x = area.x;
    for key in keys {
        if x + key.width() as u16 > area.right() {
            break;
        }
        (x, _) = buffer.set_stringn(x, area.y, key, width, DIM);
        x += 3;
    }
}

/// A message without the lines that point at a place of the query, which is seen above.
fn on_one_line(message: &str) -> String {
    let lines: Vec<&str> = message.lines().map(str::trim).collect();
    let points = |at: usize| {
        lines.get(at).is_some_and(|line| !line.is_empty() && line.chars().all(|c| c == '^'))
    };
    let kept = (0..lines.len()).filter(|at| !points(*at) && !points(at + 1));
    hits::on_one_line(&kept.map(|at| lines[at]).collect::<Vec<_>>().join("  "))
}
