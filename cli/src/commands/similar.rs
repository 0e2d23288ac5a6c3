//! `lsearch similar`: documents like one, which need not be indexed itself.

use std::path::{Path, PathBuf};
use std::time::Instant;

use lsearch_engine::Encoder;
use lsearch_index::query::Filters;
use lsearch_index::{ContentKey, Reader, SearchResults, SimilarRequest, StoredDocument};
use lsearch_ingest::{Document, Outcome, PassageOptions, passages};

use super::search::{Answer, SNIPPET_CHARS, Shown, filters};
use super::{advice_on_document, find_in};
use crate::app::App;
use crate::args::{DeviceArg, ResultArgs, SimilarArgs};
use crate::daemon::client as daemon;
use crate::daemon::protocol::Request;
use crate::encoder;
use crate::errors::CliError;
use crate::indexer;
use crate::output::{self, style};
use crate::places::absolute;

/// Finds and prints.
pub fn run(app: &App, args: &SimilarArgs) -> Result<u8, CliError> {
    let rich = style::stdout_is_rich();
    match daemon::connect(app) {
        Ok(Some(client)) if client.is_like(app) => {
            let document = name_for_others(&args.document)?;
            let args = SimilarArgs { document, ..args.clone() };
            return client.call(app, &Request::Similar { args, rich });
        }
        Ok(_) => {}
        Err(error) => app.warn(format_args!("searching without the daemon: {error}")),
    }
    let reader = Reader::open(&app.places.data)?;
    let answer = answer(app, args, &reader, rich, |document| {
        let bundle = encoder::serving(app)?;
        encode(&encoder::open(app, &bundle)?, document)
    })?;
    output::print(&answer.text)?;
    for (kind, text) in &answer.remarks {
        app.tell(*kind, text);
    }
    Ok(answer.code)
}

/// A path as another process, in another folder, finds it; a number as it is.
fn name_for_others(document: &str) -> Result<String, CliError> {
    let number = document.strip_prefix('#').unwrap_or(document);
    if number.parse::<u64>().is_ok() && !Path::new(document).exists() {
        return Ok(document.to_owned());
    }
    Ok(absolute(Path::new(document))?.to_string_lossy().into_owned())
}

/// The document that others are compared with.
struct Subject {
    text: String,
    content: Option<ContentKey>,
    /// Fingerprint of the encoder and vector.
    vector: Option<(String, Vec<f32>)>,
}

impl Subject {
    fn indexed(reader: &Reader, document: StoredDocument) -> Result<Self, CliError> {
        Ok(Self {
            vector: reader.vector_of(&document.content)?,
            content: Some(document.content),
            text: document.text,
        })
    }
}

/// Searches an open index; `encode` makes the vector of a file that is not indexed, with the
/// fingerprint of its encoder.
pub fn answer(
    app: &App,
    args: &SimilarArgs,
    reader: &Reader,
    rich: bool,
    encode: impl FnOnce(&Document) -> Result<(String, Vec<f32>), CliError>,
) -> Result<Answer, CliError> {
    let started = Instant::now();
    // What is wrong with the filters is told before a file is read for it.
    let filters = filters(&args.results, reader)?;
    let subject = match find_in(reader, &args.document)? {
        Some(document) => Subject::indexed(reader, document)?,
        None => {
            let document = read(app, reader, &args.document)?;
            let vector = match encode(&document) {
                Ok(vector) => Some(vector),
                // Someone who asked for a device must not get something else.
                Err(error) if app.device == DeviceArg::Cuda => return Err(error),
                Err(error) => {
                    app.warn(format_args!("comparing words only: {error}"));
                    None
                }
            };
            Subject { text: document.text, content: None, vector }
        }
    };
    let results = compare(app, &args.results, reader, &subject, &filters)?;
    let shown = Shown {
        asked: &args.document,
        corrections: &[],
        took: started.elapsed(),
        nothing: format!("nothing like {} was found", args.document),
    };
    shown.lay_out(app, &args.results, reader, &results, rich)
}

/// Finds documents like one of the index.
pub fn like_indexed(
    app: &App,
    args: &ResultArgs,
    reader: &Reader,
    document: StoredDocument,
) -> Result<SearchResults, CliError> {
    let filters = filters(args, reader)?;
    compare(app, args, reader, &Subject::indexed(reader, document)?, &filters)
}

fn compare(
    app: &App,
    args: &ResultArgs,
    reader: &Reader,
    subject: &Subject,
    filters: &Filters,
) -> Result<SearchResults, CliError> {
    if subject.vector.is_none() && subject.content.is_some() {
        app.say("note: the document is not encoded yet: these are found by its words alone");
    }
    Ok(reader.similar(&SimilarRequest {
        text: &subject.text,
        content: subject.content,
        vector: subject.vector.as_ref().map(|(name, vector)| (name.as_str(), vector.as_slice())),
        filters,
        limit: args.limit,
        snippet_chars: SNIPPET_CHARS,
        collapse_duplicates: !args.all,
        explain: args.explain,
    })?)
}

/// Reads a file that is not indexed as if it were.
fn read(app: &App, reader: &Reader, wanted: &str) -> Result<Document, CliError> {
    let unknown = || {
        CliError::new(format!("{wanted}: no such document in the index, and no such file"))
            .hint(advice_on_document(reader, wanted))
    };
    let path = absolute(Path::new(wanted))?;
    let path = fs_err::canonicalize(path).map_err(|_| unknown())?;
    if path.is_dir() {
        return Err(CliError::new(format!("{wanted}: is a folder"))
            .hint("name one document; `lsearch add` indexes folders"));
    }
    let folder = path.parent().map_or_else(PathBuf::new, Path::to_owned);
    let outcome = indexer::open_extractor(app, vec![folder])?.extract(&path);
    let reason = match outcome {
        Outcome::Document(document) if !document.text.trim().is_empty() => return Ok(*document),
        Outcome::Document(_) => "there is no text in it".to_owned(),
        Outcome::Container { .. } => "it holds several documents".to_owned(),
        Outcome::Skipped(reason) => reason.to_string(),
        Outcome::Failed(reason) => reason.to_string(),
    };
    Err(CliError::new(format!("{wanted}: cannot be compared: {reason}")))
}

/// The vector of a whole document, as the index would have it, and the encoder's fingerprint.
pub fn encode(encoder: &Encoder, document: &Document) -> Result<(String, Vec<f32>), CliError> {
    let spans: Vec<_> = passages(document, &PassageOptions::default())
        .into_iter()
        .map(|passage| passage.bytes)
        .collect();
    let mut sum = vec![0.0_f32; encoder.dimensions()];
    let mut next = 0;
    while let Some(section) = encoder.next_section(&document.text, &spans, next)? {
        next = section.passages.end;
        for vectors in encoder.encode_sections(&[section], &crate::interrupt::requested, &|_| {})? {
            for (sum, value) in sum.iter_mut().zip(&vectors.mean) {
                *sum += value * vectors.tokens as f32;
            }
        }
    }
    let length = sum.iter().map(|value| value * value).sum::<f32>().sqrt();
    if length <= 0.0 || !length.is_finite() {
        return Err(CliError::new("the encoder made nothing of the document"));
    }
    sum.iter_mut().for_each(|value| *value /= length);
    Ok((encoder.fingerprint().to_owned(), sum))
}
