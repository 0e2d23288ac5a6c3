//! `lsearch eval DIR`: retrieval quality through the real index and the real query path.

mod collection;
mod compare;
mod lines;
mod metrics;
mod queries;
mod report;
mod runs;

use std::collections::HashMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use self::collection::{Collection, CorpusDocument, Task};
use self::compare::{Difference, Kept, QueryScore};
use self::queries::JudgedQuery;
use self::report::{Report, TaskReport};
use self::runs::Runs;
use crate::app::App;
use crate::args::{EvalArgs, ModeArg};
use crate::encoder;
use crate::errors::{CliError, EXIT_INTERRUPTED, EXIT_OK};
use crate::indexer::{self, Course, encode_pending};
use crate::interrupt;
use crate::output::progress::Stage;
use crate::output::{self, json, units};
use lsearch_engine::{Bundle, Encoder, Verify};
use lsearch_index::fuse::Weights;
use lsearch_index::{
    Content, ExtractKey, FileStat, FileState, Mode, Reader, SearchRequest, Writer,
};
use lsearch_ingest::{Document, Kind, PassageOptions, detect_language, passages};

/// Documents retrieved for each query: recall is measured at 100.
const DEPTH: usize = 100;
/// Length of the snippet of a passage that is looked at for an answer: the passage counts, whole.
const SNIPPET_CHARS: usize = 300;
/// The root that a collection's documents are filed under; nothing there exists on disk.
const ROOT: &str = "/collection";

/// Indexes (or finds indexed) each collection, runs its tasks and prints the scores.
pub fn run(app: &App, args: &EvalArgs) -> Result<u8, CliError> {
    interrupt::install()
        .map_err(|error| CliError::new(format!("cannot watch for Ctrl-C: {error}")))?;
    let collections = collection::collections(&args.dir)?;
    let weights = weights(&args.weights)?;
    let modes: Vec<Mode> = if args.mode.is_empty() {
        vec![Mode::Keyword, Mode::Semantic, Mode::Hybrid]
    } else {
        args.mode.iter().map(|mode| mode_of(*mode)).collect()
    };
    let cache = args.cache_dir.clone().unwrap_or_else(|| app.places.cache.join("eval"));
    let needs_encoder = modes.iter().any(|mode| *mode != Mode::Keyword);
    let encoder = if needs_encoder {
        let bundle = encoder::bundle(app, Verify::Full)?;
        let encoder = encoder::open(app, &bundle)?;
        Some((bundle, encoder))
    } else {
        None
    };
    let kept = args.against.as_deref().map(Kept::read).transpose()?;
    let mut tasks = Vec::new();
    let mut scores = Vec::new();
    for collection in &collections {
        let (home, names) = prepare(app, collection, &cache, encoder.as_ref())?;
        if interrupt::requested() {
            app.say("stopped; what was encoded is kept");
            return Ok(EXIT_INTERRUPTED);
        }
        let reader = Reader::open(&home)?;
        let encoder = encoder.as_ref();
        let measurement = Measurement { app, args, collection, reader, names, weights, encoder };
        for task in &collection.tasks {
            for (mode, measured) in modes.iter().zip(measurement.run(task, &modes)?) {
                let against = kept.as_ref().and_then(|kept| kept.against(&measured.scores));
                tasks.push(measured.report(
                    collection,
                    task,
                    measurement.names.len(),
                    *mode,
                    against,
                ));
                scores.extend(measured.scores);
            }
        }
    }
    if kept.is_some() && tasks.iter().all(|task| task.against.is_none()) {
        app.say(
            "nothing of these tasks and modes is in the run that they were to be compared with",
        );
    }
    if let Some(path) = &args.save {
        compare::keep(path, &scores)?;
    }
    let modes: Vec<&str> = modes.iter().map(|mode| json::mode_name(*mode)).collect();
    let report = Report::new(tasks, &modes);
    output::print(&if args.json { json::line(&report)? } else { report.table() })?;
    Ok(EXIT_OK)
}

fn mode_of(mode: ModeArg) -> Mode {
    match mode {
        ModeArg::Hybrid => Mode::Hybrid,
        ModeArg::Keyword => Mode::Keyword,
        ModeArg::Semantic => Mode::Semantic,
    }
}

/// The weights given, if any.
fn weights(given: &[f32]) -> Result<Option<Weights>, CliError> {
    match given {
        [] => Ok(None),
        [keyword, document, passage]
            if given.iter().all(|weight| weight.is_finite() && *weight >= 0.0) =>
        {
            Ok(Some(Weights { keyword: *keyword, document: *document, passage: *passage }))
        }
        _ => Err(CliError::new("--weights: not three numbers of 0 or more")
            .hint("keyword, document and passage with commas between, e.g. --weights 1,0.3,0.3")),
    }
}

/// The collection's index in the cache, named by what is in it, brought up to date. Also gives the document
/// names by the path each document is filed under: a path that tells nothing, so that it cannot help.
fn prepare(
    app: &App,
    collection: &Collection,
    cache: &Path,
    encoder: Option<&(Bundle, Encoder)>,
) -> Result<(PathBuf, HashMap<PathBuf, String>), CliError> {
    let hash = hash_of(&collection.corpus)?;
    let home = cache.join(format!("{}-{}", collection.name, &hash[..16]));
    fs_err::create_dir_all(&home).map_err(|error| CliError::io(&home, &error))?;
    let writer = indexer::open_writer(app, &home)?;
    let names = index(app, collection, &writer)?;
    if let Some((_, encoder)) = encoder {
        let report = encode_pending(app, &writer, encoder, &mut Course::default())?;
        if report.documents > 0 {
            app.say(format_args!(
                "{}: {} encoded in {}, {} tokens/s",
                collection.name,
                units::plural(report.documents, "document"),
                units::duration(report.elapsed),
                units::count(
                    (report.tokens as f64 / report.elapsed.as_secs_f64().max(0.001)) as u64
                )
            ));
        }
        writer.maintain(&interrupt::requested)?;
    }
    Ok((home, names))
}

fn hash_of(path: &Path) -> Result<String, CliError> {
    let mut file = fs_err::File::open(path).map_err(|error| CliError::io(path, &error))?;
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        match file.read(&mut buffer).map_err(|error| CliError::io(path, &error))? {
            0 => return Ok(hasher.finalize().to_hex().to_string()),
            read => hasher.update(&buffer[..read]),
        };
    }
}

/// Files every document of the corpus in the index; those already there cost a look-up.
fn index(
    app: &App,
    collection: &Collection,
    writer: &Writer,
) -> Result<HashMap<PathBuf, String>, CliError> {
    let stage = Stage::new(app, "reading");
    let mut names = HashMap::new();
    collection.read_corpus(|document| {
        let path = Path::new(ROOT).join(format!("{:07}", names.len()));
        file_document(writer, &path, &document)?;
        names.insert(path, document.id);
        stage.update(names.len() as u64, 0, || format!("{} documents", names.len()));
        Ok(())
    })?;
    writer.commit()?;
    Ok(names)
}

fn file_document(writer: &Writer, path: &Path, document: &CorpusDocument) -> Result<(), CliError> {
    let mut hasher = blake3::Hasher::new();
    hasher.update(document.title.as_bytes()).update(&[0]).update(document.text.as_bytes());
    let file_hash = *hasher.finalize().as_bytes();
    let key = ExtractKey {
        file_hash,
        kind: "collection".to_owned(),
        extractor_version: lsearch_ingest::EXTRACTOR_VERSION,
    };
    let content = match writer.content_of(&key)? {
        Some(content) => content,
        None => {
            let text = if document.title.trim().is_empty() {
                document.text.clone()
            } else {
                format!("{}\n\n{}", document.title, document.text)
            };
            let read = Document {
                file_hash,
                kind: Kind::Text,
                format: "text".to_owned(),
                title: document.title.clone(),
                author: None,
                dated: None,
                language: detect_language(&text),
                text,
                headings: Vec::new(),
                pages: Vec::new(),
                encoding: None,
                warnings: Vec::new(),
            };
            let spans: Vec<_> =
                passages(&read, &PassageOptions::default()).iter().map(indexer::span_of).collect();
            writer.put_content(
                &key,
                &Content {
                    title: &read.title,
                    kind: read.kind.as_str(),
                    format: &read.format,
                    language: read.language.as_deref(),
                    author: None,
                    dated: None,
                    text: &read.text,
                    headings: &[],
                    passages: &spans,
                    pages: &[],
                    warnings: &[],
                },
            )?
        }
    };
    let stat = FileStat { size_bytes: document.text.len() as u64, ..FileStat::default() };
    let state = FileState::Document { content };
    Ok(writer.put_file(path, Path::new(ROOT), &stat, Some(file_hash), state)?)
}

/// One collection, ready to be asked.
struct Measurement<'a> {
    app: &'a App,
    args: &'a EvalArgs,
    collection: &'a Collection,
    reader: Reader,
    /// Documents by the path each is filed under.
    names: HashMap<PathBuf, String>,
    weights: Option<Weights>,
    encoder: Option<&'a (Bundle, Encoder)>,
}

/// What came of one task in one mode.
#[derive(Default)]
struct Measured {
    scores: Vec<QueryScore>,
    time: Duration,
}

impl Measurement<'_> {
    /// Puts every query of a task in each of the modes.
    fn run(&self, task: &Task, modes: &[Mode]) -> Result<Vec<Measured>, CliError> {
        let mut queries = queries::read_task(self.collection, task)?;
        if self.args.queries > 0 {
            queries.truncate(self.args.queries);
        }
        let stage = Stage::new(self.app, "searching");
        let mut measured: Vec<Measured> = modes.iter().map(|_| Measured::default()).collect();
        let mut runs = Runs::create(self.args.runs.as_deref(), self.collection, task, modes)?;
        for (at, query) in queries.iter().enumerate() {
            if interrupt::requested() {
                return Err(CliError::interrupted("stopped"));
            }
            let mut parsed = query.parse()?;
            self.reader.correct(&mut parsed)?;
            let started = Instant::now();
            let vector = match self.encoder {
                Some((bundle, encoder)) => {
                    Some((bundle.fingerprint(), encoder.encode_query(&parsed.text_for_meaning)?))
                }
                None => None,
            };
            let encode_time = started.elapsed();
            for (at, (mode, measured)) in modes.iter().zip(&mut measured).enumerate() {
                let request = SearchRequest {
                    vector: vector.as_ref().map(|(print, vector)| (*print, vector.as_slice())),
                    mode: *mode,
                    limit: DEPTH,
                    snippet_chars: 0,
                    collapse_duplicates: false,
                    weights: self.weights,
                    ..SearchRequest::new(&parsed)
                };
                let started = Instant::now();
                let results = self.reader.search(&request)?;
                measured.time += started.elapsed();
                if *mode != Mode::Keyword {
                    measured.time += encode_time;
                }
                let ranked: Vec<(String, f32)> = results
                    .hits
                    .iter()
                    .filter_map(|hit| Some((self.names.get(&hit.path)?.clone(), hit.score)))
                    .collect();
                runs.write(at, &query.id, &ranked)?;
                let names: Vec<String> = ranked.into_iter().map(|(name, _)| name).collect();
                let answered = self.answered(&request, query, &names)?;
                measured.scores.push(QueryScore {
                    collection: self.collection.name.clone(),
                    task: task.name.clone(),
                    mode: json::mode_name(*mode).to_owned(),
                    query: query.id.clone(),
                    ndcg_at_10: metrics::ndcg_at(&names, &query.relevance, 10),
                    accuracy_at_1: metrics::accuracy_at_1(&names, &query.relevance),
                    recall_at_100: metrics::recall_at(&names, &query.relevance, DEPTH),
                    answered,
                });
            }
            let of = queries.len() as u64;
            stage.update(at as u64, of, || format!("{} {}", self.collection.name, task.name));
        }
        Ok(measured)
    }

    /// Whether the passage shown of the first relevant document holds an answer.
    fn answered(
        &self,
        request: &SearchRequest<'_>,
        query: &JudgedQuery,
        ranked: &[String],
    ) -> Result<Option<bool>, CliError> {
        let relevant = ranked.iter().position(|name| query.relevance.contains_key(name));
        let (Some(offset), false) = (relevant, query.answers.is_empty()) else { return Ok(None) };
        let shown = SearchRequest { offset, limit: 1, snippet_chars: SNIPPET_CHARS, ..*request };
        let results = self.reader.search(&shown)?;
        let passage = results.hits.first().and_then(|hit| hit.passage.as_ref());
        Ok(Some(passage.is_some_and(|passage| {
            query.answers.iter().any(|answer| passage.text.contains(answer.as_str()))
        })))
    }
}

impl Measured {
    fn report(
        &self,
        collection: &Collection,
        task: &Task,
        documents: usize,
        mode: Mode,
        against: Option<Difference>,
    ) -> TaskReport {
        let mean = |of: fn(&QueryScore) -> f64| report::mean(self.scores.iter().map(of));
        let answered: Vec<bool> = self.scores.iter().filter_map(|score| score.answered).collect();
        let of_answered =
            report::mean(answered.iter().map(|answered| f64::from(u8::from(*answered))));
        TaskReport {
            collection: collection.name.clone(),
            task: task.name.clone(),
            queries: self.scores.len(),
            documents,
            mode: json::mode_name(mode),
            ndcg_at_10: mean(|score| score.ndcg_at_10),
            accuracy_at_1: mean(|score| score.accuracy_at_1),
            recall_at_100: mean(|score| score.recall_at_100),
            ms_per_query: self.time.as_secs_f64() * 1000.0 / self.scores.len().max(1) as f64,
            answered: (!answered.is_empty()).then_some(of_answered),
            against,
        }
    }
}
