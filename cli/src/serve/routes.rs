//! From a request to its answer: is it allowed, what does it want, who does it.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::header::{ALLOW, HeaderValue};
use hyper::{Method, Request, StatusCode};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::parameters::Parameters;
use super::reply::{self, Reply};
use super::state::State;
use super::{api, document, page};

/// Path and query together may be no longer than this: a query of some pages.
const ADDRESS_BYTES: usize = 8 << 10;
/// No request has anything to say in its body.
const BODY_BYTES: usize = 1 << 10;
const BODY_PATIENCE: Duration = Duration::from_secs(5);

/// What a path stands for.
enum Route {
    File(&'static page::File),
    Search,
    Status,
    Document(u64),
    Similar(u64),
    Open(u64),
}

impl Route {
    /// Documents go by their numbers alone: no path of a file is ever read from an address.
    fn find(path: &str) -> Option<Self> {
        if let Some(file) = page::find(path) {
            return Some(Route::File(file));
        }
        let parts: Vec<&str> = path.strip_prefix("/api/")?.split('/').collect();
        match *parts.as_slice() {
            ["search"] => Some(Route::Search),
            ["status"] => Some(Route::Status),
            ["documents", id] => Some(Route::Document(number(id)?)),
            ["documents", id, "similar"] => Some(Route::Similar(number(id)?)),
            ["documents", id, "open"] => Some(Route::Open(number(id)?)),
            _ => None,
        }
    }

    fn methods(&self) -> &'static str {
        match self {
            Route::Open(_) => "POST",
            _ => "GET, HEAD",
        }
    }
}

fn number(digits: &str) -> Option<u64> {
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
}

/// Answers a request.
pub async fn answer(state: Arc<State>, request: Request<Incoming>) -> Result<Reply, Infallible> {
    Ok(route(&state, request).await)
}

async fn route(state: &Arc<State>, request: Request<Incoming>) -> Reply {
    let (head, body) = request.into_parts();
    if let Err(refusal) = state.guard.check_source(&head.method, &head.uri, &head.headers) {
        return reply::error(StatusCode::FORBIDDEN, refusal.message());
    }
    let (path, query) = (head.uri.path(), head.uri.query().unwrap_or_default());
    if path.len() + query.len() > ADDRESS_BYTES {
        return reply::error(StatusCode::URI_TOO_LONG, "the query is too long");
    }
    let parameters = Parameters::parse(query);
    if path == "/"
        && let Some(key) = parameters.get("token")
    {
        let cookie = state.guard.cookie().filter(|_| state.guard.is_key(key));
        return cookie.map_or_else(page::locked, reply::let_in);
    }
    let found = Route::find(path);
    let is_public = matches!(&found, Some(Route::File(file)) if file.is_public());
    if !is_public && !state.guard.knows(&head.headers) {
        return match found {
            Some(Route::File(file)) if file.is_page() => page::locked(),
            // Whoever has no key learns nothing of what there is.
            _ => reply::error(
                StatusCode::UNAUTHORIZED,
                "open the address that `lsearch serve` printed",
            ),
        };
    }
    let Some(route) = found else {
        return reply::error(StatusCode::NOT_FOUND, "there is nothing here");
    };
    let methods = route.methods();
    if !methods.split(", ").any(|method| method == head.method.as_str()) {
        let mut refused = reply::error(StatusCode::METHOD_NOT_ALLOWED, "not in this way");
        refused.headers_mut().insert(ALLOW, HeaderValue::from_static(methods));
        return refused;
    }
    if head.method == Method::POST {
        let read = timeout(BODY_PATIENCE, Limited::new(body, BODY_BYTES).collect()).await;
        if !matches!(read, Ok(Ok(_))) {
            return reply::error(StatusCode::PAYLOAD_TOO_LARGE, "the request says too much");
        }
    }
    match route {
        Route::File(file) => {
            if file.is_page() {
                // Whoever opens the page is about to search.
                let state = Arc::clone(state);
                tokio::task::spawn_blocking(move || state.queries.prepare());
            }
            file.reply()
        }
        Route::Search => apart(state, |s| &s.searches, move |s| api::search(s, &parameters)).await,
        Route::Similar(id) => {
            apart(state, |s| &s.searches, move |s| api::similar(s, id, &parameters)).await
        }
        Route::Document(id) => {
            apart(state, |s| &s.searches, move |s| document::answer(s, id, &parameters)).await
        }
        Route::Open(id) => apart(state, |s| &s.looks, move |s| api::open(s, id)).await,
        Route::Status => apart(state, |s| &s.looks, api::status).await,
    }
}

/// Does the work in a thread of its own, when it is its turn. A browser that has gone away by then takes the request
/// with it.
async fn apart(
    state: &Arc<State>,
    turns: impl Fn(&State) -> &Semaphore,
    work: impl FnOnce(&State) -> Reply + Send + 'static,
) -> Reply {
    let failed = || reply::error(StatusCode::INTERNAL_SERVER_ERROR, "the search itself failed");
    let Ok(_turn) = turns(state).acquire().await else { return failed() };
    let state = Arc::clone(state);
    tokio::task::spawn_blocking(move || work(&state)).await.unwrap_or_else(|_| failed())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_go_by_their_numbers_alone() {
        assert!(matches!(Route::find("/api/documents/17"), Some(Route::Document(17))));
        assert!(matches!(Route::find("/api/documents/17/open"), Some(Route::Open(17))));
        assert!(matches!(Route::find("/"), Some(Route::File(_))));
        for path in [
            "/api/documents/../../etc/passwd",
            "/api/documents/%2e%2e",
            "/api/documents/+7",
            "/api/documents/17/open/",
            "/api/documents/99999999999999999999999",
            "//style.css",
            "/page/style.css",
            "/../style.css",
            "/api",
            "",
        ] {
            assert!(Route::find(path).is_none(), "{path}");
        }
    }
}
