//! `lsearch search`: by word and by meaning, in this process.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use lsearch_engine::Verify;
use lsearch_index::folders::Folders;
use lsearch_index::query::{Query, QueryError};
use lsearch_index::{Mode, Reader, SearchRequest};

use crate::app::App;
use crate::args::{ModeArg, SearchArgs};
use crate::encoder;
use crate::errors::{CliError, EXIT_NOTHING_FOUND, EXIT_OK};
use crate::output::{self, hits, json, units};

/// Characters of a snippet: about three lines on a terminal.
const SNIPPET_CHARS: usize = 280;

/// A query's vector and the fingerprint of the encoder that made it.
type QueryVector = Option<(String, Vec<f32>)>;

/// Searches and prints.
pub fn run(app: &App, args: &SearchArgs) -> Result<u8, CliError> {
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
    if Folders::load(&app.places.data).is_ok_and(|list| list.folders.is_empty()) {
        // Perhaps nothing was ever added: no encoder is unpacked and no runtime fetched to say so.
        Reader::open(&app.places.data)?;
    }
    // The encoder takes longest to start, the index is opened beside it.
    let (reader, vector) = std::thread::scope(|scope| {
        let vector = scope.spawn(|| query_vector(app, &query, mode));
        let reader = Reader::open(&app.places.data);
        (reader, vector.join())
    });
    let reader = reader?;
    let vector = vector.map_err(|_| {
        CliError::new("the encoder failed while it read the query").hint("try --mode keyword")
    })??;
    let results = reader.search(&SearchRequest {
        query: &query,
        vector: vector
            .as_ref()
            .map(|(fingerprint, vector)| (fingerprint.as_str(), vector.as_slice())),
        mode,
        limit: args.limit,
        snippet_chars: SNIPPET_CHARS,
        collapse_duplicates: !args.all,
        ..SearchRequest::new(&query)
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
    let took = started.elapsed();
    let shown = if args.json {
        json::search(&text, results.mode, took, &results)?
    } else if args.jsonl {
        json::hits_by_line(&results)?
    } else if args.paths_only {
        hits::paths(&results)
    } else {
        hits::human(&reader, &results, args)?
    };
    output::print(&shown)?;
    if results.hits.is_empty() {
        app.say(format_args!("nothing found for {text:?}"));
        return Ok(EXIT_NOTHING_FOUND);
    }
    app.detail(format_args!(
        "{} in {}",
        units::plural(results.total as u64, "document"),
        units::duration(took)
    ));
    Ok(EXIT_OK)
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

/// The query's vector; `None` in keyword mode and, with a warning, in hybrid mode when there is no encoder.
fn query_vector(app: &App, query: &Query, mode: Mode) -> Result<QueryVector, CliError> {
    if mode == Mode::Keyword {
        return Ok(None);
    }
    let encoded = encoder::bundle(app, Verify::Sizes).and_then(|bundle| {
        let encoder = encoder::open(app, &bundle)?;
        let vector = encoder.encode_query(&query.text_for_meaning)?;
        Ok((bundle.fingerprint().to_owned(), vector))
    });
    match encoded {
        Ok(pair) => Ok(Some(pair)),
        // Someone who asked for a device or for meaning alone must not get something else.
        Err(error) if mode == Mode::Semantic || app.device == crate::args::DeviceArg::Cuda => {
            Err(error)
        }
        Err(error) => {
            app.warn(format_args!("searching by word only: {error}"));
            Ok(None)
        }
    }
}
