//! `lsearch search`: by word and by meaning, by the daemon where one runs, else in this process.

use std::sync::mpsc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use lsearch_index::folders::Folders;
use lsearch_index::query::{Filters, Query, QueryError};
use lsearch_index::{Correction, Mode, Reader, SearchRequest, SearchResults};

use crate::app::{App, Message};
use crate::args::{DeviceArg, ModeArg, ResultArgs, SearchArgs};
use crate::daemon::client as daemon;
use crate::daemon::protocol::Request;
use crate::encoder;
use crate::errors::{CliError, EXIT_NOTHING_FOUND, EXIT_OK};
use crate::indexer;
use crate::interactive;
use crate::output::pointer::pointed;
use crate::output::style;
use crate::output::{self, hits, json, units};
use crate::types;

/// Characters of a snippet: about three lines on a terminal.
pub const SNIPPET_CHARS: usize = 280;

/// A query's vector and the fingerprint of the encoder that made it.
pub type QueryVector = Option<(String, Vec<f32>)>;

/// What a person asks for.
pub struct Asked {
    /// As it was typed.
    pub text: String,
    /// Understood.
    pub query: Query,
    /// Which signals to use.
    pub mode: Mode,
    /// Words that were misspelt, perhaps.
    pub corrections: Vec<Correction>,
    started: Instant,
}

impl Asked {
    /// How long ago it was asked.
    pub fn took(&self) -> Duration {
        self.started.elapsed()
    }
}

/// What a person gets.
pub struct Answer {
    /// The results.
    pub text: String,
    /// What is said after them.
    pub remarks: Vec<(Message, String)>,
    /// Whether anything was found.
    pub code: u8,
}

/// Searches and prints.
pub fn run(app: &App, args: &SearchArgs) -> Result<u8, CliError> {
    if args.interactive {
        return interactive::run(app, args);
    }
    let rich = style::stdout_is_rich();
    match daemon::connect(app) {
        Ok(Some(client)) if client.is_like(app) => {
            return client.call(app, &Request::Search { args: args.clone(), rich });
        }
        Ok(_) => {}
        // What can be answered without it is.
        Err(error) => app.warn(format_args!("searching without the daemon: {error}")),
    }
    let mut asked = ask(app, args)?;
    if Folders::load(&app.places.data).is_ok_and(|list| list.folders.is_empty()) {
        // Perhaps nothing was ever added: no encoder is unpacked and no runtime fetched to say so.
        Reader::open(&app.places.data)?;
    }
    // The encoder takes longest to start: the index is opened, and says what the words mean, beside it.
    let (send, text) = mpsc::channel();
    let mode = asked.mode;
    let (reader, vector) = std::thread::scope(|scope| {
        let vector = scope.spawn(move || query_vector(app, mode, &text));
        let reader = Reader::open(&app.places.data).map_err(CliError::from).and_then(|reader| {
            settle(app, args, &mut asked, &reader)?;
            // An encoder that failed tells so itself.
            let _ = send.send(asked.query.text_for_meaning.clone());
            Ok(reader)
        });
        drop(send);
        (reader, vector.join())
    });
    let reader = reader?;
    let vector = vector.map_err(|_| {
        CliError::new("the encoder failed while it read the query").hint("try --mode keyword")
    })??;
    let answer = answer(app, args, &asked, &reader, vector.as_ref(), rich)?;
    output::print(&answer.text)?;
    for (kind, text) in &answer.remarks {
        app.tell(*kind, text);
    }
    Ok(answer.code)
}

/// Understands the query.
pub fn ask(app: &App, args: &SearchArgs) -> Result<Asked, CliError> {
    let started = Instant::now();
    let text = args.query.join(" ");
    let query = parse(&text, &args.results)?;
    for warning in &query.warnings {
        let place = indented(&pointed(&text, warning.place));
        app.warn(format_args!("{}\n{place}", warning.message));
    }
    let mode = match args.mode {
        ModeArg::Hybrid => Mode::Hybrid,
        ModeArg::Keyword => Mode::Keyword,
        ModeArg::Semantic => Mode::Semantic,
    };
    Ok(Asked { text, query, mode, corrections: Vec::new(), started })
}

/// Understands what only the index tells: whether there are such types, and which words are misspelt.
pub fn settle(
    app: &App,
    args: &SearchArgs,
    asked: &mut Asked,
    reader: &Reader,
) -> Result<(), CliError> {
    for (name, place) in &asked.query.types_at {
        types::check(name, reader, || pointed(&asked.text, *place))?;
    }
    for name in &args.results.types {
        types::check(name, reader, String::new)?;
    }
    asked.corrections = reader.correct(&mut asked.query)?;
    for Correction { written, meant, searched, documents } in &asked.corrections {
        let documents = if *documents == 0 { "no document has" } else { "few documents have" };
        if *searched {
            app.say(format_args!("{documents} “{written}”: searched for “{meant}”"));
        } else {
            app.say(format_args!("{documents} “{written}”: did you mean “{meant}”?"));
        }
    }
    Ok(())
}

/// Searches an open index and lays out what was found; `rich` where links are shown.
pub fn answer(
    app: &App,
    args: &SearchArgs,
    asked: &Asked,
    reader: &Reader,
    vector: Option<&(String, Vec<f32>)>,
    rich: bool,
) -> Result<Answer, CliError> {
    let results = results(args, asked, reader, vector, 0, SNIPPET_CHARS)?;
    let shown = Shown {
        asked: &asked.text,
        corrections: &asked.corrections,
        took: asked.took(),
        nothing: format!("nothing found for {:?}", asked.text),
    };
    let mut answer = shown.lay_out(app, &args.results, reader, &results, rich)?;
    if indexer::is_first_reading(&app.places.data) {
        let note = "note: files are being read for the first time just now: not all of them can be found yet";
        answer.remarks.push((Message::Say, note.to_owned()));
    } else if results.hits.is_empty() && reader.status()?.documents.keyword == 0 {
        let note =
            "no document is indexed; `lsearch status` tells of folders and of what was left out";
        answer.remarks.push((Message::Say, note.to_owned()));
    }
    Ok(answer)
}

/// Searches an open index, passing over the first hits.
pub fn results(
    args: &SearchArgs,
    asked: &Asked,
    reader: &Reader,
    vector: Option<&(String, Vec<f32>)>,
    offset: usize,
    snippet_chars: usize,
) -> Result<SearchResults, CliError> {
    Ok(reader.search(&SearchRequest {
        query: &asked.query,
        vector: vector.map(|(fingerprint, vector)| (fingerprint.as_str(), vector.as_slice())),
        mode: asked.mode,
        limit: args.results.limit,
        offset,
        snippet_chars,
        collapse_duplicates: !args.results.all,
        explain: args.results.explain,
        ..SearchRequest::new(&asked.query)
    })?)
}

/// What was asked, for laying out what was found.
pub struct Shown<'a> {
    /// The query, or the document, as it was typed.
    pub asked: &'a str,
    /// Words that were misspelt, perhaps.
    pub corrections: &'a [Correction],
    /// How long it took.
    pub took: Duration,
    /// What is said where nothing was found.
    pub nothing: String,
}

impl Shown<'_> {
    /// Says what there is to say of the results, and lays them out.
    pub fn lay_out(
        self,
        app: &App,
        args: &ResultArgs,
        reader: &Reader,
        results: &SearchResults,
        rich: bool,
    ) -> Result<Answer, CliError> {
        remark(app, results);
        let text = if args.json {
            json::search(self.asked, self.corrections, self.took, results, args.explain)?
        } else if args.jsonl {
            json::hits_by_line(results, args.explain)?
        } else if args.paths_only {
            hits::paths(results)
        } else {
            hits::human(reader, results, args, rich)?
        };
        let (remark, code) = if results.hits.is_empty() {
            ((Message::Say, self.nothing), EXIT_NOTHING_FOUND)
        } else {
            let found = units::plural(results.total as u64, "document");
            ((Message::Detail, format!("{found} in {}", units::duration(self.took))), EXIT_OK)
        };
        Ok(Answer { text, remarks: vec![remark], code })
    }
}

/// Says what a person should know about the results.
pub fn remark(app: &App, results: &SearchResults) {
    for warning in &results.warnings {
        app.warn(warning);
    }
    if results.mode != Mode::Keyword && results.encoded < 0.9995 && !results.hits.is_empty() {
        app.say(format_args!(
            "note: {:.0}% of the documents can be found by meaning so far; the rest by word only",
            (results.encoded * 100.0).floor()
        ));
    }
}

fn parse(text: &str, args: &ResultArgs) -> Result<Query, CliError> {
    let now = now();
    let mut query = Query::parse(text, now).map_err(|error| query_error(text, &error))?;
    add_filters(&mut query.filters, args, now)?;
    Ok(query)
}

/// The filters of `--path`, `--type`, `--after` and `--before`.
pub fn filters(args: &ResultArgs, reader: &Reader) -> Result<Filters, CliError> {
    for name in &args.types {
        types::check(name, reader, String::new)?;
    }
    let mut filters = Filters::default();
    add_filters(&mut filters, args, now())?;
    Ok(filters)
}

fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() as i64)
}

fn add_filters(filters: &mut Filters, args: &ResultArgs, now: i64) -> Result<(), CliError> {
    let filter = |error: lsearch_index::query::FilterError| CliError::new(error.to_string());
    for glob in &args.path {
        filters.add_path(glob, false).map_err(filter)?;
    }
    if !args.types.is_empty() {
        filters.add_types(&args.types.join(","), false).map_err(filter)?;
    }
    if let Some(date) = &args.after {
        filters.set_after(date, now).map_err(filter)?;
    }
    if let Some(date) = &args.before {
        filters.set_before(date, now).map_err(filter)?;
    }
    Ok(())
}

fn query_error(text: &str, error: &QueryError) -> CliError {
    let cli = CliError::new(format!("{error}"));
    match error.place() {
        Some(place) => cli.hint(pointed(text, place)),
        None => cli.hint("say what to look for: lsearch search \"who pays for the repairs\""),
    }
}

/// Two columns to the right, as hints of errors are.
fn indented(lines: &str) -> String {
    format!("  {}", lines.replace('\n', "\n  "))
}

/// The query's vector, by an encoder opened for it while its text is not settled yet; `None` when it
/// never is.
fn query_vector(
    app: &App,
    mode: Mode,
    text: &mpsc::Receiver<String>,
) -> Result<QueryVector, CliError> {
    if mode == Mode::Keyword {
        return Ok(None);
    }
    let opened = encoder::serving(app)
        .and_then(|bundle| Ok((encoder::open(app, &bundle)?, bundle.fingerprint().to_owned())));
    let Ok(text) = text.recv() else { return Ok(None) };
    vector_or_words(app, mode, || {
        let (encoder, fingerprint) = opened?;
        Ok((fingerprint, encoder.encode_query(&text)?))
    })
}

/// The query's vector; `None` in keyword mode and, with a warning, in hybrid mode when there is no encoder.
pub fn vector_or_words(
    app: &App,
    mode: Mode,
    encode: impl FnOnce() -> Result<(String, Vec<f32>), CliError>,
) -> Result<QueryVector, CliError> {
    if mode == Mode::Keyword {
        return Ok(None);
    }
    match encode() {
        Ok(pair) => Ok(Some(pair)),
        // Someone who asked for a device or for meaning alone must not get something else.
        Err(error) if mode == Mode::Semantic || app.device == DeviceArg::Cuda => Err(error),
        Err(error) => {
            app.warn(format_args!("searching by word only: {error}"));
            Ok(None)
        }
    }
}
