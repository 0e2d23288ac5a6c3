//! What the page asks for, as JSON: hits, documents like one, how things stand.

use std::sync::Arc;

use hyper::StatusCode;
use lsearch_index::DocumentRef;
use lsearch_ingest::Kind;
use serde::Serialize;

use super::parameters::Parameters;
use super::reply::{self, Reply};
use super::state::{Remarks, State};
use crate::app::Listener;
use crate::commands::open::hand_over;
use crate::commands::search::{SNIPPET_CHARS, remark};
use crate::commands::similar::like_indexed;
use crate::commands::status;
use crate::errors::CliError;
use crate::opening::file_of;
use crate::output::json;

/// What `search --json` prints, and what is said besides.
#[derive(Serialize)]
struct Found<T: Serialize> {
    #[serde(flatten)]
    found: T,
    messages: Vec<String>,
}

/// `GET /api/search`.
pub fn search(state: &State, parameters: &Parameters) -> Reply {
    let (args, offset) = match (parameters.search(), parameters.offset()) {
        (Ok(args), Ok(offset)) => (args, offset),
        (Err(mistake), _) | (_, Err(mistake)) => return wrong(&mistake),
    };
    let remarks = Arc::new(Remarks::default());
    let app = state.app.heard_by(Arc::clone(&remarks) as Arc<dyn Listener>);
    state.look();
    match state.queries.find(&app, &args, offset, SNIPPET_CHARS) {
        Ok((asked, results, _)) => {
            // What was said of misspelt words stands among the corrections.
            let mut messages = remarks.take_warnings();
            remark(&app, &results);
            messages.append(&mut remarks.take());
            let (took, corrections) = (asked.took(), &asked.corrections);
            let found = json::found(&asked.text, corrections, took, &results, false);
            reply::json(StatusCode::OK, &Found { found, messages })
        }
        Err(error) => refused(&error),
    }
}

/// `GET /api/documents/17/similar`.
pub fn similar(state: &State, id: u64, parameters: &Parameters) -> Reply {
    let args = match parameters.results() {
        Ok(args) => args,
        Err(mistake) => return wrong(&mistake),
    };
    let remarks = Arc::new(Remarks::default());
    let app = state.app.heard_by(Arc::clone(&remarks) as Arc<dyn Listener>);
    let started = std::time::Instant::now();
    let found = state.reader().and_then(|reader| {
        let document = reader.document(DocumentRef::Id(id))?;
        document.map(|one| like_indexed(&app, &args, &reader, one)).transpose()
    });
    match found {
        Ok(Some(results)) => {
            remark(&app, &results);
            let asked = id.to_string();
            let found = json::found(&asked, &[], started.elapsed(), &results, false);
            reply::json(StatusCode::OK, &Found { found, messages: remarks.take() })
        }
        Ok(None) => unknown(),
        Err(error) => refused(&error),
    }
}

/// `POST /api/documents/17/open`.
pub fn open(state: &State, id: u64) -> Reply {
    let document = match state.reader().map(|reader| reader.document(DocumentRef::Id(id))) {
        Ok(Ok(Some(document))) => document,
        Ok(Ok(None)) => return unknown(),
        Ok(Err(error)) => return refused(&error.into()),
        Err(error) => return refused(&error),
    };
    match file_of(&document.path).and_then(|path| hand_over(path.as_os_str())) {
        Ok(()) => reply::done(),
        Err(error) => refused(&error),
    }
}

/// `GET /api/status`: what `status --json` prints, and what the page needs besides.
pub fn status(state: &State) -> Reply {
    #[derive(Serialize)]
    struct Status {
        #[serde(flatten)]
        status: status::JsonStatus,
        version: &'static str,
        /// The kinds that documents are of.
        kinds: Vec<&'static str>,
        /// What is written as `~`.
        home: Option<String>,
    }
    let remarks = Arc::new(Remarks::default());
    let app = state.app.heard_by(remarks as Arc<dyn Listener>);
    // Nothing is indexed yet: that is a state, too.
    let reader = state.reader().ok();
    let types = reader.as_ref().and_then(|reader| reader.types().ok()).unwrap_or_default();
    let kinds = Kind::ALL.into_iter().map(Kind::as_str).filter(|kind| types.contains(*kind));
    let home = directories::BaseDirs::new().map(|base| base.home_dir().display().to_string());
    match status::from_open(&app, reader.as_deref(), state.bundle().as_deref()) {
        Ok(status) => reply::json(
            StatusCode::OK,
            &Status { status, version: env!("CARGO_PKG_VERSION"), kinds: kinds.collect(), home },
        ),
        Err(error) => refused(&error),
    }
}

/// A parameter that is none.
pub fn wrong(mistake: &str) -> Reply {
    reply::error(StatusCode::BAD_REQUEST, mistake)
}

/// What was asked for is understood, and cannot be done.
pub fn refused(error: &CliError) -> Reply {
    reply::failure(StatusCode::UNPROCESSABLE_ENTITY, error)
}

/// No document has this number.
pub fn unknown() -> Reply {
    reply::error(StatusCode::NOT_FOUND, "this document is not in the index any more")
}
