//! `lsearch search`: by word and by meaning, by the daemon where one runs, else in this process.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use lsearch_engine::Verify;
use lsearch_index::folders::Folders;
use lsearch_index::query::{Query, QueryError};
use lsearch_index::{Mode, Reader, SearchRequest};

use crate::app::{App, Message};
use crate::args::{DeviceArg, ModeArg, SearchArgs};
use crate::daemon::client as daemon;
use crate::daemon::protocol::Request;
use crate::encoder;
use crate::errors::{CliError, EXIT_NOTHING_FOUND, EXIT_OK};
use crate::output::style;
use crate::output::{self, hits, json, units};

/// Characters of a snippet: about three lines on a terminal.
const SNIPPET_CHARS: usize = 280;

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
    started: Instant,
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
    let rich = style::stdout_is_rich();
    match daemon::connect(app) {
        Ok(Some(client)) if client.is_like(app) => {
            return client.call(app, &Request::Search { args: args.clone(), rich });
        }
        Ok(_) => {}
        // What can be answered without it is.
        Err(error) => app.warn(format_args!("searching without the daemon: {error}")),
    }
    let asked = ask(app, args)?;
    if Folders::load(&app.places.data).is_ok_and(|list| list.folders.is_empty()) {
        // Perhaps nothing was ever added: no encoder is unpacked and no runtime fetched to say so.
        Reader::open(&app.places.data)?;
    }
    // The encoder takes longest to start, the index is opened beside it.
    let (reader, vector) = std::thread::scope(|scope| {
        let vector = scope.spawn(|| query_vector(app, &asked.query, asked.mode));
        let reader = Reader::open(&app.places.data);
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
    let query = parse(&text, args)?;
    for warning in &query.warnings {
        app.warn(format_args!("{} (at character {})", warning.message, warning.at + 1));
    }
    let mode = match args.mode {
        ModeArg::Hybrid => Mode::Hybrid,
        ModeArg::Keyword => Mode::Keyword,
        ModeArg::Semantic => Mode::Semantic,
    };
    Ok(Asked { text, query, mode, started })
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
    let results = reader.search(&SearchRequest {
        query: &asked.query,
        vector: vector.map(|(fingerprint, vector)| (fingerprint.as_str(), vector.as_slice())),
        mode: asked.mode,
        limit: args.limit,
        snippet_chars: SNIPPET_CHARS,
        collapse_duplicates: !args.all,
        ..SearchRequest::new(&asked.query)
    })?;
    for warning in &results.warnings {
        app.warn(warning);
    }
    if results.mode != Mode::Keyword && results.encoded < 0.9995 && !results.hits.is_empty() {
        app.say(format_args!(
            "note: {:.0}% of the documents can be found by meaning so far; the rest by word only",
            (results.encoded * 100.0).floor()
        ));
    }
    let took = asked.started.elapsed();
    let text = if args.json {
        json::search(&asked.text, results.mode, took, &results)?
    } else if args.jsonl {
        json::hits_by_line(&results)?
    } else if args.paths_only {
        hits::paths(&results)
    } else {
        hits::human(reader, &results, args, rich)?
    };
    let (remark, code) = if results.hits.is_empty() {
        ((Message::Say, format!("nothing found for {:?}", asked.text)), EXIT_NOTHING_FOUND)
    } else {
        let found = units::plural(results.total as u64, "document");
        ((Message::Detail, format!("{found} in {}", units::duration(took))), EXIT_OK)
    };
    Ok(Answer { text, remarks: vec![remark], code })
}

fn parse(text: &str, args: &SearchArgs) -> Result<Query, CliError> {
    let now =
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() as i64);
    let mut query = Query::parse(text, now).map_err(|error| query_error(text, &error))?;
    let filter = |error: lsearch_index::query::FilterError| CliError::new(error.to_string());
    for glob in &args.path {
        query.filters.add_path(glob, false).map_err(filter)?;
    }
    if !args.types.is_empty() {
        query.filters.add_types(&args.types.join(","), false).map_err(filter)?;
    }
    if let Some(date) = &args.after {
        query.filters.set_after(date, now).map_err(filter)?;
    }
    if let Some(date) = &args.before {
        query.filters.set_before(date, now).map_err(filter)?;
    }
    Ok(query)
}

fn query_error(text: &str, error: &QueryError) -> CliError {
    let cli = CliError::new(format!("{error}"));
    if text.trim().is_empty() {
        return cli.hint("say what to look for: lsearch search \"who pays for the repairs\"");
    }
    cli.hint(format!("{text}\n{}^", " ".repeat(error.at())))
}

/// The query's vector, by an encoder opened for it.
fn query_vector(app: &App, query: &Query, mode: Mode) -> Result<QueryVector, CliError> {
    vector_or_words(app, mode, || {
        let bundle = encoder::bundle(app, Verify::Sizes)?;
        let encoder = encoder::open(app, &bundle)?;
        let vector = encoder.encode_query(&query.text_for_meaning)?;
        Ok((bundle.fingerprint().to_owned(), vector))
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
