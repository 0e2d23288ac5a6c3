//! What the interface shows, and what becomes of keys and answers.

use lsearch_index::Hit;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::line::Line;
use super::preview::Preview;
use super::workers::News;
use crate::args::ModeArg;

/// What a key has the interface do beyond showing something else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    Nothing,
    /// The query or the mode is another one.
    Search,
    /// Another hit is selected.
    Show,
    /// Open it at its place.
    Open,
    /// Copy its path.
    Copy,
    /// Leave with its path.
    Choose,
    Leave,
    Interrupt,
}

/// How far the answer to the query is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    /// There is no query.
    Nothing,
    /// No hits yet.
    Searching,
    /// Hits by word; those by meaning follow.
    ByWord,
    /// All is there.
    Done,
}

/// Everything that is shown.
#[derive(Debug)]
pub(super) struct State {
    pub(super) line: Line,
    pub(super) mode: ModeArg,
    pub(super) hits: Vec<Hit>,
    /// Documents found, those that are not among the hits too.
    pub(super) total: usize,
    pub(super) progress: Progress,
    pub(super) selected: usize,
    pub(super) preview: Option<Preview>,
    /// What went wrong, or what there is to know.
    pub(super) message: Option<String>,
    /// Whether the preview is shown where there is room for one pane only.
    pub(super) reading: bool,
    /// Whether there is room for both, as last drawn.
    pub(super) wide: bool,
    /// Rows of the preview, as last drawn.
    pub(super) page: usize,
    /// Counts queries, so that answers to one before can be told.
    pub(super) generation: u64,
    /// Whether a hit was selected by hand since the query changed.
    moved: bool,
    /// Whether the preview of the selected hit is awaited.
    loading: bool,
}

impl State {
    pub(super) fn new(query: &str, mode: ModeArg) -> Self {
        let line = Line::new(query);
        let progress =
            if line.text().trim().is_empty() { Progress::Nothing } else { Progress::Searching };
        Self {
            line,
            mode,
            hits: Vec::new(),
            total: 0,
            progress,
            selected: 0,
            preview: None,
            message: None,
            reading: false,
            wide: true,
            page: 10,
            generation: 0,
            moved: false,
            loading: false,
        }
    }

    /// The selected hit.
    pub(super) fn hit(&self) -> Option<&Hit> {
        self.hits.get(self.selected)
    }

    /// Whether an answer is to come.
    pub(super) fn awaits(&self) -> bool {
        self.loading || matches!(self.progress, Progress::Searching | Progress::ByWord)
    }

    /// Shows a message until the next key.
    pub(super) fn say(&mut self, message: &str) {
        self.message = Some(message.to_owned());
    }

    /// A key is pressed.
    pub(super) fn press(&mut self, key: KeyEvent) -> Action {
        if key.kind == KeyEventKind::Release {
            return Action::Nothing;
        }
        if key.modifiers.contains(KeyModifiers::CONTROL) {
            return self.press_control(key.code);
        }
        match key.code {
            KeyCode::Char(c) if !key.modifiers.contains(KeyModifiers::ALT) => {
                self.edit(|line| line.insert(c.encode_utf8(&mut [0; 4])))
            }
            KeyCode::Backspace => self.edit(Line::backspace),
            KeyCode::Delete => self.edit(Line::delete),
            KeyCode::Left => self.edit(Line::left),
            KeyCode::Right => self.edit(Line::right),
            KeyCode::Home => self.edit(Line::home),
            KeyCode::End => self.edit(Line::end),
            KeyCode::Up => self.select(self.selected.saturating_sub(1)),
            KeyCode::Down => self.select(self.selected + 1),
            KeyCode::PageUp => self.scroll(-1),
            KeyCode::PageDown => self.scroll(1),
            KeyCode::Tab | KeyCode::BackTab => self.next_mode(),
            KeyCode::Enter => Action::Open,
            KeyCode::Esc if self.reading && !self.wide => {
                self.reading = false;
                Action::Nothing
            }
            KeyCode::Esc => Action::Leave,
            _ => Action::Nothing,
        }
    }

    fn press_control(&mut self, code: KeyCode) -> Action {
        match code {
            KeyCode::Char('c') => Action::Interrupt,
            KeyCode::Char('n') => self.select(self.selected + 1),
            KeyCode::Char('p') => self.select(self.selected.saturating_sub(1)),
            KeyCode::Char('o') => Action::Choose,
            KeyCode::Char('y') => Action::Copy,
            KeyCode::Char('a') => self.edit(Line::home),
            KeyCode::Char('e') => self.edit(Line::end),
            KeyCode::Char('w') => self.edit(Line::delete_word),
            KeyCode::Char('u') => self.edit(Line::delete_to_start),
            // Backspace, as some terminals send it.
            KeyCode::Char('h') => self.edit(Line::backspace),
            _ => Action::Nothing,
        }
    }

    /// Text is pasted.
    pub(super) fn paste(&mut self, text: &str) -> Action {
        self.edit(|line| line.insert(text))
    }

    /// Takes an answer in; true where the preview is another document's, or another passage's, from now on.
    pub(super) fn hear(&mut self, news: News) -> bool {
        match news {
            News::Found { generation, results, notes, done } if generation == self.generation => {
                let before = self.hit().filter(|_| self.moved).map(|hit| hit.id);
                let again = before.and_then(|id| results.hits.iter().position(|hit| hit.id == id));
                self.selected = again.unwrap_or(0);
                self.hits = results.hits;
                self.total = results.total;
                self.progress = if done { Progress::Done } else { Progress::ByWord };
                self.message = notes.into_iter().next();
                self.changed()
            }
            News::Failed { generation, message } if generation == self.generation => {
                // The hits of before stay: a condition may be only half typed.
                self.progress = Progress::Done;
                self.message = Some(message);
                false
            }
            News::Read { preview } => {
                let wanted = |hit: &Hit| {
                    let start = hit.passage.as_ref().map_or(0, |passage| passage.start);
                    hit.id == preview.id && preview.at == start
                };
                if self.hit().is_some_and(wanted) {
                    self.preview = Some(preview);
                    self.loading = false;
                }
                false
            }
            News::Unreadable { id, message } => {
                if self.hit().is_some_and(|hit| hit.id == id) {
                    self.preview = None;
                    self.loading = false;
                    self.message = Some(message);
                }
                false
            }
            News::Found { .. } | News::Failed { .. } => false,
        }
    }

    /// Whether the preview is to be read anew; one that stays is not scrolled back.
    fn changed(&mut self) -> bool {
        let shown = self.preview.as_ref().map(|preview| (preview.id, preview.at));
        let wanted =
            self.hit().map(|hit| (hit.id, hit.passage.as_ref().map_or(0, |passage| passage.start)));
        if wanted.is_none() {
            self.preview = None;
            self.reading = false;
        }
        self.loading = wanted.is_some() && shown != wanted;
        self.loading
    }

    fn edit(&mut self, edit: impl FnOnce(&mut Line)) -> Action {
        let before = self.line.text().to_owned();
        edit(&mut self.line);
        if self.line.text() == before { Action::Nothing } else { self.begin() }
    }

    fn next_mode(&mut self) -> Action {
        self.mode = match self.mode {
            ModeArg::Hybrid => ModeArg::Keyword,
            ModeArg::Keyword => ModeArg::Semantic,
            ModeArg::Semantic => ModeArg::Hybrid,
        };
        self.begin()
    }

    /// What is answered from now on is another query.
    fn begin(&mut self) -> Action {
        self.generation += 1;
        self.moved = false;
        self.message = None;
        self.progress = Progress::Searching;
        if self.line.text().trim().is_empty() {
            self.progress = Progress::Nothing;
            self.hits.clear();
            (self.total, self.selected) = (0, 0);
            self.changed();
        }
        Action::Search
    }

    fn select(&mut self, at: usize) -> Action {
        let at = at.min(self.hits.len().saturating_sub(1));
        self.moved = true;
        self.message = None;
        if at == self.selected {
            return Action::Nothing;
        }
        self.selected = at;
        if self.changed() { Action::Show } else { Action::Nothing }
    }

    fn scroll(&mut self, pages: isize) -> Action {
        // Where there is room for one pane only, the first press brings the text into view.
        if !self.wide && !self.reading {
            self.reading = self.preview.is_some();
        } else if let Some(preview) = &mut self.preview {
            preview.scroll(pages * self.page.saturating_sub(2).max(1) as isize);
        }
        Action::Nothing
    }
}
