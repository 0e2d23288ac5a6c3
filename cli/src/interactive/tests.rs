//! What is drawn, and what keys and answers do, on a terminal that is none.

use std::path::PathBuf;

use lsearch_index::{Hit, PassageHit, Ranks, SearchResults, Signals};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::style::Modifier;

use super::draw::{Theme, draw};
use super::preview::Preview;
use super::state::{Action, Progress, State};
use super::workers::News;
use crate::args::ModeArg;

const LEASE: &str = "LEASE\n\nArticle I. The premises are let to the tenant.\n\nArticle II. Either party may end \
    this lease by giving notice of ninety days in writing.\n\nArticle III. Rent is due on the first day of each month.\n";

fn hit(id: u64, path: &str, title: &str, passage: (usize, usize)) -> Hit {
    let (start, end) = passage;
    Hit {
        rank: id as usize,
        id,
        path: PathBuf::from(path),
        title: title.to_owned(),
        kind: "text".to_owned(),
        format: "text".to_owned(),
        author: None,
        dated: None,
        size_bytes: 0,
        modified_ns: 0,
        score: 1.0,
        exact_name: false,
        scores: Signals::default(),
        standardised: Signals::default(),
        ranks: Ranks::default(),
        passage: Some(PassageHit {
            text: String::new(),
            page: None,
            line: 5,
            heading: None,
            start,
            end,
            snippet: String::new(),
            highlights: Vec::new(),
        }),
        also_at: Vec::new(),
    }
}

fn found(generation: u64, hits: Vec<Hit>, done: bool) -> News {
    let results = SearchResults { total: hits.len(), hits, ..SearchResults::default() };
    News::Found { generation, results, notes: Vec::new(), done }
}

fn lease() -> (Hit, Preview) {
    let start = LEASE.find("Article II.").unwrap();
    let end = LEASE.find("Article III.").unwrap();
    let mark = LEASE.find("notice").unwrap();
    let preview =
        Preview::new(1, LEASE.to_owned(), start..end, std::iter::once(mark..mark + 6).collect());
    (hit(1, "/docs/contracts/lease.txt", "Lease of a flat", (start, end)), preview)
}

fn with_hits() -> State {
    let mut state = State::new("end the lease", ModeArg::Hybrid);
    let (first, preview) = lease();
    let second = hit(2, "/docs/letters/2024/to the landlord about the heating.txt", "", (0, 9));
    assert!(state.hear(found(0, vec![first, second], true)));
    assert!(!state.hear(News::Read { preview }));
    state
}

fn key(code: KeyCode) -> KeyEvent {
    KeyEvent::new(code, KeyModifiers::NONE)
}

fn control(c: char) -> KeyEvent {
    KeyEvent::new(KeyCode::Char(c), KeyModifiers::CONTROL)
}

fn shown(state: &mut State, width: u16, height: u16, theme: &Theme) -> Terminal<TestBackend> {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw(frame, state, theme)).unwrap();
    terminal
}

fn rows(state: &mut State, width: u16, height: u16) -> String {
    shown(state, width, height, &Theme::coloured()).backend().to_string()
}

#[test]
fn hits_and_text_stand_side_by_side() {
    insta::assert_snapshot!(rows(&mut with_hits(), 100, 14));
}

#[test]
fn a_narrow_terminal_shows_one_of_them() {
    let mut state = with_hits();
    insta::assert_snapshot!("narrow_list", rows(&mut state, 44, 10));
    assert_eq!(state.press(key(KeyCode::PageDown)), Action::Nothing);
    insta::assert_snapshot!("narrow_text", rows(&mut state, 44, 10));
    assert_eq!(state.press(key(KeyCode::Esc)), Action::Nothing);
    assert_eq!(state.press(key(KeyCode::Esc)), Action::Leave);
}

#[test]
fn nothing_found_is_said() {
    let mut state = State::new("xylophone", ModeArg::Keyword);
    assert!(!state.hear(found(0, Vec::new(), true)));
    insta::assert_snapshot!(rows(&mut state, 90, 6));
}

#[test]
fn wide_characters_keep_their_columns() {
    let mut state = State::new("契約の解除", ModeArg::Hybrid);
    let text = "契約の解除は書面で通知しなければならない。貸主は三か月前に通知する。\n";
    let preview = Preview::new(1, text.to_owned(), 0..text.len(), std::iter::once(9..15).collect());
    assert!(state.hear(found(
        0,
        vec![hit(1, "/docs/契約書/賃貸借契約書.txt", "賃貸借契約書", (0, text.len()))],
        false
    )));
    state.hear(News::Read { preview });
    insta::assert_snapshot!(rows(&mut state, 82, 7));
}

#[test]
fn any_size_can_be_drawn() {
    for width in [1, 11, 12, 13, 20, 39, 40, 79, 80, 200] {
        for height in [1, 3, 4, 5, 6, 40] {
            let mut state = with_hits();
            rows(&mut state, width, height);
            state.reading = true;
            rows(&mut state, width, height);
        }
    }
}

#[test]
fn words_are_marked_without_colours_too() {
    let mut state = with_hits();
    for theme in [Theme::coloured(), Theme::plain()] {
        let terminal = shown(&mut state, 100, 14, &theme);
        let buffer = terminal.backend().buffer();
        let marked: String = buffer
            .content()
            .iter()
            .filter(|cell| cell.modifier.contains(Modifier::BOLD) && cell.symbol() != " ")
            .map(|cell| cell.symbol())
            .collect();
        assert!(marked.contains("notice"), "{marked}");
    }
    let terminal = shown(&mut state, 100, 14, &Theme::plain());
    let coloured = |cell: &&ratatui::buffer::Cell| cell.fg != ratatui::style::Color::Reset;
    assert_eq!(terminal.backend().buffer().content().iter().filter(coloured).count(), 0);
}

#[test]
fn stale_answers_are_dropped() {
    let mut state = State::new("leas", ModeArg::Hybrid);
    assert_eq!(state.press(key(KeyCode::Char('e'))), Action::Search);
    assert_eq!(state.generation, 1);
    assert!(!state.hear(found(0, vec![lease().0], true)));
    assert!(state.hits.is_empty() && state.progress == Progress::Searching);
    state.hear(News::Failed { generation: 0, message: "of before".to_owned() });
    assert_eq!(state.message, None);
    assert!(state.hear(found(1, vec![lease().0], false)));
    assert!(state.awaits() && state.progress == Progress::ByWord);
    // The text of a document that is not selected any more.
    let other = Preview::new(9, "other".to_owned(), 0..1, Vec::new());
    state.hear(News::Read { preview: other });
    assert!(state.preview.is_none());
}

#[test]
fn a_chosen_hit_stays_chosen_when_better_answers_come() {
    let mut state = with_hits();
    assert_eq!(state.press(key(KeyCode::Down)), Action::Show);
    assert_eq!(state.press(key(KeyCode::Down)), Action::Nothing);
    let hits = vec![hit(3, "/c", "C", (0, 1)), hit(2, "/b", "B", (0, 9)), lease().0];
    state.hear(found(0, hits.clone(), true));
    assert_eq!(state.hit().unwrap().id, 2);
    // Of another query the first is shown.
    state.press(key(KeyCode::Char('s')));
    state.hear(found(1, hits, true));
    assert_eq!(state.hit().unwrap().id, 3);
}

#[test]
fn keys_do_what_the_foot_says() {
    let mut state = with_hits();
    for (pressed, action) in [
        (key(KeyCode::Enter), Action::Open),
        (control('o'), Action::Choose),
        (control('y'), Action::Copy),
        (control('c'), Action::Interrupt),
        (control('n'), Action::Show),
        // The text of the first is still there.
        (control('p'), Action::Nothing),
        (key(KeyCode::Left), Action::Nothing),
        (key(KeyCode::Tab), Action::Search),
        (key(KeyCode::Esc), Action::Leave),
    ] {
        assert_eq!(state.press(pressed), action, "{pressed:?}");
    }
    assert_eq!(state.mode, ModeArg::Keyword);
    assert_eq!(state.press(control('e')), Action::Nothing);
    assert_eq!(state.press(control('u')), Action::Search);
    assert!(state.hits.is_empty() && state.progress == Progress::Nothing && !state.awaits());
    assert_eq!(state.paste("new\nquery"), Action::Search);
    assert_eq!(state.line.text(), "new query");
}

#[test]
fn a_query_that_is_not_understood_keeps_the_hits() {
    let mut state = with_hits();
    state.press(key(KeyCode::Char('x')));
    let message =
        "no document is of the type `pfd`\n  type:pfd\n       ^^^\n  did you mean pdf?".to_owned();
    state.hear(News::Failed { generation: 1, message });
    assert_eq!(state.hits.len(), 2);
    let shown = rows(&mut state, 100, 8);
    assert!(shown.contains("no document is of the type `pfd`  did you mean pdf?"), "{shown}");
}
