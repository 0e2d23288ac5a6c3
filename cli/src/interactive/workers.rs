//! The threads that search and read, so that no key waits for them.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender};
use lsearch_index::query::Query;
use lsearch_index::{DocumentRef, SearchResults};

use super::preview::Preview;
use super::state::State;
use crate::app::{App, Listener, Notes};
use crate::args::{ModeArg, SearchArgs};
use crate::commands::search::{SNIPPET_CHARS, remark};
use crate::daemon::queries::Queries;
use crate::errors::CliError;

/// A pause in typing that is long enough to search.
const PAUSE: Duration = Duration::from_millis(50);
/// Hits that are listed, unless more are asked for.
const HITS: usize = 50;
/// Words are marked within so many bytes before and after the passage.
const MARKED_BYTES: usize = 512 << 10;

/// What the threads tell.
#[derive(Debug)]
pub(super) enum News {
    /// An answer to a query; unless it is `done`, a better one follows.
    Found { generation: u64, results: SearchResults, notes: Vec<String>, done: bool },
    /// A query that cannot be answered.
    Failed { generation: u64, message: String },
    /// A document's text.
    Read { preview: Preview },
    /// A document's text cannot be read.
    Unreadable { id: u64, message: String },
}

/// A query to be answered.
struct Wish {
    generation: u64,
    text: String,
    mode: ModeArg,
}

/// A document to be read.
struct Show {
    id: u64,
    start: usize,
    end: usize,
}

/// The threads. They end with the process: nothing they do is to be waited for.
pub(super) struct Workers {
    wishes: Sender<Wish>,
    shows: Sender<Show>,
    news: Receiver<News>,
    threads: [JoinHandle<()>; 2],
}

impl Workers {
    /// Starts them.
    pub(super) fn start(app: &App, args: &SearchArgs) -> Result<Self, CliError> {
        let notes = Arc::new(Notes::default());
        let app = app.heard_by(Arc::clone(&notes) as Arc<dyn Listener>);
        let queries = Arc::new(Queries::new(app.clone()));
        let asked = Arc::new(Mutex::new(None));
        let (wishes, searching) = crossbeam_channel::unbounded();
        let (shows, reading) = crossbeam_channel::unbounded();
        let (tell, news) = crossbeam_channel::unbounded();
        let mut args = args.clone();
        args.results.limit = args.results.limit.max(HITS);
        let searcher = Searcher {
            app,
            args,
            queries: Arc::clone(&queries),
            notes,
            asked: Arc::clone(&asked),
            tell: tell.clone(),
        };
        let searching = spawn("searching", move || searcher.serve(&searching))?;
        let reading = spawn("reading", move || {
            while let Some(show) = latest(&reading) {
                if tell.send(read(&queries, &asked, &show)).is_err() {
                    return;
                }
            }
        })?;
        Ok(Self { wishes, shows, news, threads: [searching, reading] })
    }

    /// Has the query answered, if there is one.
    pub(super) fn search(&self, state: &State) {
        let (generation, text) = (state.generation, state.line.text().to_owned());
        // A thread that is gone is told by `news`.
        let _ = self.wishes.send(Wish { generation, text, mode: state.mode });
    }

    /// Has the selected hit's text read.
    pub(super) fn show(&self, state: &State) {
        let Some(hit) = state.hit() else { return };
        let (start, end) = hit.passage.as_ref().map_or((0, 0), |one| (one.start, one.end));
        let _ = self.shows.send(Show { id: hit.id, start, end });
    }

    /// What they tell, without waiting.
    pub(super) fn news(&self) -> Result<Option<News>, CliError> {
        match self.news.try_recv() {
            Ok(news) => Ok(Some(news)),
            // They only end before this one when something in them is broken.
            Err(_) if self.threads.iter().any(JoinHandle::is_finished) => {
                Err(CliError::new("the search ended unexpectedly"))
            }
            Err(_) => Ok(None),
        }
    }
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, CliError> {
    let spawned = std::thread::Builder::new().name(name.to_owned()).spawn(work);
    spawned.map_err(|error| CliError::new(format!("cannot start a thread: {error}")))
}

/// The last of what waits, waiting for one; `None` when nobody can ask any more.
fn latest<T>(wanted: &Receiver<T>) -> Option<T> {
    let first = wanted.recv().ok()?;
    Some(wanted.try_iter().last().unwrap_or(first))
}

struct Searcher {
    app: App,
    args: SearchArgs,
    queries: Arc<Queries>,
    notes: Arc<Notes>,
    /// The query of the last answer, for marking its words.
    asked: Arc<Mutex<Option<Query>>>,
    tell: Sender<News>,
}

impl Searcher {
    fn serve(&self, wishes: &Receiver<Wish>) {
        while let Some(mut wish) = latest(wishes) {
            while let Ok(newer) = wishes.recv_timeout(PAUSE) {
                wish = newer;
            }
            if wish.text.trim().is_empty() {
                continue;
            }
            // Another process may have written.
            self.queries.index_changed();
            // By word takes milliseconds, by meaning some more, and the first time an encoder.
            let told = match wish.mode {
                ModeArg::Hybrid => {
                    self.answer(&wish, ModeArg::Keyword, false)
                        && (!wishes.is_empty() || self.answer(&wish, ModeArg::Hybrid, true))
                }
                mode => self.answer(&wish, mode, true),
            };
            if !told {
                return;
            }
        }
    }

    /// False when nobody hears it.
    fn answer(&self, wish: &Wish, mode: ModeArg, done: bool) -> bool {
        let generation = wish.generation;
        let args = SearchArgs { query: vec![wish.text.clone()], mode, ..self.args.clone() };
        let found = self.queries.find(&self.app, &args, 0, SNIPPET_CHARS);
        let news = match found {
            Ok((asked, results, _)) => {
                remark(&self.app, &results);
                *self.asked.lock().unwrap_or_else(PoisonError::into_inner) = Some(asked.query);
                News::Found { generation, results, notes: self.notes.take(), done }
            }
            Err(error) => {
                self.notes.take();
                News::Failed { generation, message: error.to_string() }
            }
        };
        self.tell.send(news).is_ok()
    }
}

fn read(queries: &Queries, asked: &Mutex<Option<Query>>, show: &Show) -> News {
    let id = show.id;
    let read = || -> Result<Option<Preview>, CliError> {
        let reader = queries.reader()?;
        let Some(document) = reader.document(DocumentRef::Id(id))? else { return Ok(None) };
        let text = document.text;
        let query = asked.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let from = text.floor_char_boundary(show.start.saturating_sub(MARKED_BYTES));
        let to = text.floor_char_boundary(show.end.saturating_add(MARKED_BYTES));
        let mut marks = match query {
            Some(query) => reader.highlights(&query, &text[from..to])?,
            None => Vec::new(),
        };
        for mark in &mut marks {
            *mark = mark.start + from..mark.end + from;
        }
        let passage = show.start..show.end;
        Ok(Some(Preview::new(id, text, passage, marks)))
    };
    match read() {
        Ok(Some(preview)) => News::Read { preview },
        Ok(None) => {
            News::Unreadable { id, message: "the document is gone from the index".to_owned() }
        }
        Err(error) => News::Unreadable { id, message: error.to_string() },
    }
}
