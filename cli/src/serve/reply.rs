//! Answers, each with the headers that keep a browser from doing anything else with them.

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{self, HeaderName, HeaderValue};
use hyper::{Response, StatusCode};
use serde::Serialize;

use crate::errors::CliError;

/// An answer in memory.
pub type Reply = Response<Full<Bytes>>;

/// On every answer. Scripts may make no markup of text at all (`trusted-types 'none'`), whatever a document says.
const HEADERS: [(HeaderName, &str); 8] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; \
         trusted-types 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::CACHE_CONTROL, "no-store"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("x-dns-prefetch-control"), "off"),
];

/// Bytes of a type.
pub fn bytes(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Reply {
    let mut reply = Response::new(Full::new(body.into()));
    *reply.status_mut() = status;
    let headers = reply.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    reply
}

/// A value as JSON.
pub fn json(status: StatusCode, value: &impl Serialize) -> Reply {
    match serde_json::to_vec(value) {
        Ok(body) => bytes(status, "application/json", body),
        // Nothing that is sent here has keys that are no text.
        Err(_) => bytes(StatusCode::INTERNAL_SERVER_ERROR, "application/json", "{}"),
    }
}

/// An error as the page and programs read it.
pub fn error(status: StatusCode, message: &str) -> Reply {
    failure(status, &CliError::new(message))
}

/// The same with what can be done about it.
pub fn failure(status: StatusCode, error: &CliError) -> Reply {
    #[derive(Serialize)]
    struct Failure<'a> {
        error: Words<'a>,
    }
    #[derive(Serialize)]
    struct Words<'a> {
        message: &'a str,
        hint: Option<&'a str>,
    }
    json(status, &Failure { error: Words { message: error.message(), hint: error.hint_text() } })
}

/// Done, with nothing to tell.
pub fn done() -> Reply {
    bytes(StatusCode::NO_CONTENT, "text/plain", Bytes::new())
}

/// On to the page itself, without the key in its address.
pub fn let_in(cookie: HeaderValue) -> Reply {
    let mut reply = bytes(StatusCode::SEE_OTHER, "text/plain; charset=utf-8", Bytes::new());
    reply.headers_mut().insert(header::LOCATION, HeaderValue::from_static("/"));
    reply.headers_mut().insert(header::SET_COOKIE, cookie);
    reply
}
