//! `lsearch eval DIR`: retrieval quality through the real index and the real query path.

mod data;
mod metrics;

use std::collections::HashMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use lsearch_engine::{Bundle, Encoder, Verify};
use lsearch_index::fuse::Weights;
use lsearch_index::query::Query;
use lsearch_index::{
    Content, ExtractKey, FileStat, FileState, Mode, Reader, SearchRequest, Writer,
};
use lsearch_ingest::{Document, Kind, PassageOptions, passages};
use serde::Serialize;

use self::data::{Collection, CorpusDocument, JudgedQuery};
use crate::app::App;
use crate::args::{EvalArgs, ModeArg};
use crate::encoder;
use crate::errors::{CliError, EXIT_INTERRUPTED, EXIT_OK};
use crate::indexer::{self, Course, encode_pending};
use crate::interrupt;
use crate::output::progress::Stage;
use crate::output::{self, json, units};

/// Documents retrieved for each query: recall is measured at 100.
const DEPTH: usize = 100;
/// The root that a collection's documents are filed under; nothing there exists on disk.
const ROOT: &str = "/collection";

#[derive(Serialize)]
struct Report {
    tasks: Vec<TaskReport>,
    /// Over all of `tasks`: with one mode, that mode's.
    mean_ndcg_at_10: f64,
    modes: Vec<MeanReport>,
}

#[derive(Serialize)]
struct TaskReport {
    collection: String,
    task: String,
    queries: usize,
    documents: usize,
    mode: &'static str,
    ndcg_at_10: f64,
    accuracy_at_1: f64,
    recall_at_100: f64,
    ms_per_query: f64,
}

#[derive(Serialize)]
struct MeanReport {
    mode: &'static str,
    tasks: usize,
    ndcg_at_10: f64,
}

/// Indexes (or finds indexed) each collection, runs its tasks and prints the scores.
pub fn run(app: &App, args: &EvalArgs) -> Result<u8, CliError> {
    interrupt::install()
        .map_err(|error| CliError::new(format!("cannot watch for Ctrl-C: {error}")))?;
    let collections = data::collections(&args.dir)?;
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
    let mut tasks = Vec::new();
    for collection in &collections {
        let (home, names) = prepare(app, collection, &cache, encoder.as_ref())?;
        if interrupt::requested() {
            app.say("stopped; what was encoded is kept");
            return Ok(EXIT_INTERRUPTED);
        }
        let reader = Reader::open(&home)?;
        for task in &collection.tasks {
            tasks.extend(measure(
                app,
                args,
                collection,
                task,
                &reader,
                &names,
                &modes,
                weights,
                encoder.as_ref(),
            )?);
        }
    }
    let means = modes.iter().map(|mode| mean_of(&tasks, json::mode_name(*mode))).collect();
    let mean_ndcg_at_10 = mean(tasks.iter().map(|task| task.ndcg_at_10));
    let report = Report { tasks, mean_ndcg_at_10, modes: means };
    output::print(&if args.json { json::line(&report)? } else { table(&report) })?;
    Ok(EXIT_OK)
}

fn mode_of(mode: ModeArg) -> Mode {
    match mode {
        ModeArg::Hybrid => Mode::Hybrid,
        ModeArg::Keyword => Mode::Keyword,
        ModeArg::Semantic => Mode::Semantic,
    }
}

/// The weights given, or the measured ones.
fn weights(given: &[f32]) -> Result<Weights, CliError> {
    match given {
        [] => Ok(Weights::default()),
        [keyword, document, passage]
            if given.iter().all(|weight| weight.is_finite() && *weight >= 0.0) =>
        {
            Ok(Weights { keyword: *keyword, document: *document, passage: *passage })
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
    data::read_corpus(&collection.corpus, |document| {
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
                text,
                headings: Vec::new(),
                pages: Vec::new(),
                language: None,
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
                    language: None,
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

#[expect(
    clippy::too_many_arguments,
    reason = "one call site; a struct would only rename the arguments"
)]
fn measure(
    app: &App,
    args: &EvalArgs,
    collection: &Collection,
    task: &Path,
    reader: &Reader,
    names: &HashMap<PathBuf, String>,
    modes: &[Mode],
    weights: Weights,
    encoder: Option<&(Bundle, Encoder)>,
) -> Result<Vec<TaskReport>, CliError> {
    let mut queries = data::read_task(task)?;
    if args.queries > 0 {
        queries.truncate(args.queries);
    }
    let task_name = task.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let stage = Stage::new(app, "searching");
    let mut sums = vec![Sums::default(); modes.len()];
    for (at, query) in queries.iter().enumerate() {
        if interrupt::requested() {
            return Err(CliError::interrupted("stopped"));
        }
        let parsed = parse(query)?;
        let started = Instant::now();
        let vector = match encoder {
            Some((bundle, encoder)) => {
                Some((bundle.fingerprint(), encoder.encode_query(&parsed.text_for_meaning)?))
            }
            None => None,
        };
        let encode_time = started.elapsed();
        for (mode, sums) in modes.iter().zip(&mut sums) {
            let started = Instant::now();
            let results = reader.search(&SearchRequest {
                query: &parsed,
                vector: vector
                    .as_ref()
                    .map(|(fingerprint, vector)| (*fingerprint, vector.as_slice())),
                mode: *mode,
                limit: DEPTH,
                snippet_chars: 0,
                collapse_duplicates: false,
                weights,
                ..SearchRequest::new(&parsed)
            })?;
            sums.time += started.elapsed();
            if *mode != Mode::Keyword {
                sums.time += encode_time;
            }
            let ranked: Vec<String> =
                results.hits.iter().filter_map(|hit| names.get(&hit.path).cloned()).collect();
            sums.ndcg += metrics::ndcg_at(&ranked, &query.relevance, 10);
            sums.accuracy += metrics::accuracy_at_1(&ranked, &query.relevance);
            sums.recall += metrics::recall_at(&ranked, &query.relevance, DEPTH);
        }
        stage
            .update(at as u64, queries.len() as u64, || format!("{} {task_name}", collection.name));
    }
    let number = queries.len() as f64;
    Ok(modes
        .iter()
        .zip(sums)
        .map(|(mode, sums)| TaskReport {
            collection: collection.name.clone(),
            task: task_name.clone(),
            queries: queries.len(),
            documents: names.len(),
            mode: json::mode_name(*mode),
            ndcg_at_10: sums.ndcg / number,
            accuracy_at_1: sums.accuracy / number,
            recall_at_100: sums.recall / number,
            ms_per_query: sums.time.as_secs_f64() * 1000.0 / number,
        })
        .collect())
}

#[derive(Debug, Clone, Default)]
struct Sums {
    ndcg: f64,
    accuracy: f64,
    recall: f64,
    time: Duration,
}

/// Judged queries are natural text, whose quotes and dashes are no operators: every word only ranks.
///
/// # Errors
/// When there is no word in it at all.
fn parse(query: &JudgedQuery) -> Result<Query, CliError> {
    let words: String =
        query.text.chars().map(|c| if c.is_alphanumeric() { c } else { ' ' }).collect();
    let mut parsed = Query::parse(&words, 0).map_err(|error| {
        CliError::new(format!("the query {:?} cannot be searched: {error}", query.text))
    })?;
    parsed.text_for_meaning.clone_from(&query.text);
    Ok(parsed)
}

fn mean_of(tasks: &[TaskReport], mode: &'static str) -> MeanReport {
    let of_mode = || tasks.iter().filter(|task| task.mode == mode);
    MeanReport {
        mode,
        tasks: of_mode().count(),
        ndcg_at_10: mean(of_mode().map(|task| task.ndcg_at_10)),
    }
}

/// 0 for nothing.
fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, number) = values.fold((0.0, 0u32), |(sum, number), value| (sum + value, number + 1));
    sum / f64::from(number.max(1))
}

fn table(report: &Report) -> String {
    let width = report
        .tasks
        .iter()
        .map(|task| task.collection.len() + task.task.len() + 1)
        .max()
        .unwrap_or(0)
        .max("collection/task".len());
    let mut text = format!(
        "{:width$}  {:>6} {:>7}  {:8}  {:>7} {:>6} {:>6} {:>8}\n",
        "collection/task", "docs", "queries", "mode", "nDCG@10", "acc@1", "R@100", "ms/query"
    );
    for task in &report.tasks {
        text.push_str(&format!(
            "{:width$}  {:>6} {:>7}  {:8}  {:>7.1} {:>6.1} {:>6.1} {:>8.1}\n",
            format!("{}/{}", task.collection, task.task),
            task.documents,
            task.queries,
            task.mode,
            task.ndcg_at_10 * 100.0,
            task.accuracy_at_1 * 100.0,
            task.recall_at_100 * 100.0,
            task.ms_per_query
        ));
    }
    for mean in &report.modes {
        text.push_str(&format!(
            "mean of {:>2} tasks, {:8}  {:.1}\n",
            mean.tasks,
            mean.mode,
            mean.ndcg_at_10 * 100.0
        ));
    }
    text
}
