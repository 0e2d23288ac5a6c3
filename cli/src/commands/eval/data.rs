//! Collections in the BEIR layout: `corpus.jsonl[.zst]` with folders of `queries.jsonl` and `qrels.tsv`.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::metrics::Relevance;
use crate::errors::CliError;

/// One document of a corpus.
#[derive(Debug, Deserialize)]
pub struct CorpusDocument {
    /// The name that judgements use.
    #[serde(rename = "_id")]
    pub id: String,
    /// May be empty.
    #[serde(default)]
    pub title: String,
    /// The whole text.
    pub text: String,
}

#[derive(Debug, Deserialize)]
struct QueryLine {
    #[serde(rename = "_id")]
    id: String,
    text: String,
}

/// A collection's place and its tasks' places.
#[derive(Debug)]
pub struct Collection {
    /// The folder's name.
    pub name: String,
    /// The corpus file.
    pub corpus: PathBuf,
    /// Task folders in order of name.
    pub tasks: Vec<PathBuf>,
}

/// One judged query.
#[derive(Debug)]
pub struct JudgedQuery {
    /// What is asked.
    pub text: String,
    /// The relevant documents.
    pub relevance: Relevance,
}

/// The collections in a folder: itself, or its subfolders.
pub fn collections(dir: &Path) -> Result<Vec<Collection>, CliError> {
    if let Some(collection) = collection(dir)? {
        return Ok(vec![collection]);
    }
    let mut found = Vec::new();
    for folder in subfolders(dir)? {
        found.extend(collection(&folder)?);
    }
    if found.is_empty() {
        return Err(CliError::new(format!("{}: no collection there", dir.display())).hint(
            "a collection is a folder with corpus.jsonl or corpus.jsonl.zst and, for each task, a folder\n\
             with queries.jsonl and qrels.tsv (the BEIR layout)",
        ));
    }
    Ok(found)
}

fn collection(dir: &Path) -> Result<Option<Collection>, CliError> {
    let corpus = ["corpus.jsonl.zst", "corpus.jsonl"]
        .map(|name| dir.join(name))
        .into_iter()
        .find(|p| p.is_file());
    let Some(corpus) = corpus else {
        return Ok(None);
    };
    let tasks: Vec<PathBuf> = subfolders(dir)?
        .into_iter()
        .filter(|folder| {
            folder.join("queries.jsonl").is_file() && folder.join("qrels.tsv").is_file()
        })
        .collect();
    if tasks.is_empty() {
        return Err(CliError::new(format!("{}: a corpus without tasks", dir.display()))
            .hint("each task is a folder with queries.jsonl and qrels.tsv"));
    }
    let canonical = fs_err::canonicalize(dir).map_err(|error| CliError::io(dir, &error))?;
    let name = canonical.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok(Some(Collection { name, corpus, tasks }))
}

fn subfolders(dir: &Path) -> Result<Vec<PathBuf>, CliError> {
    let mut folders = Vec::new();
    for entry in fs_err::read_dir(dir).map_err(|error| CliError::io(dir, &error))? {
        let path = entry.map_err(|error| CliError::io(dir, &error))?.path();
        if path.is_dir() {
            folders.push(path);
        }
    }
    folders.sort();
    Ok(folders)
}

/// Calls `each` with every document of a corpus, in file order.
pub fn read_corpus(
    path: &Path,
    each: impl FnMut(CorpusDocument) -> Result<(), CliError>,
) -> Result<(), CliError> {
    let io = |error: std::io::Error| CliError::io(path, &error);
    let file = fs_err::File::open(path).map_err(io)?;
    let reader: Box<dyn Read> = if path.extension().is_some_and(|ending| ending == "zst") {
        Box::new(zstd::Decoder::new(file).map_err(io)?)
    } else {
        Box::new(file)
    };
    for_each_line(path, BufReader::new(reader), each)
}

/// A task's queries with their judgements; queries without a relevant document are left out.
pub fn read_task(dir: &Path) -> Result<Vec<JudgedQuery>, CliError> {
    let mut judgements = read_qrels(&dir.join("qrels.tsv"))?;
    let path = dir.join("queries.jsonl");
    let file = fs_err::File::open(&path).map_err(|error| CliError::io(&path, &error))?;
    let mut queries = Vec::new();
    for_each_line(&path, BufReader::new(file), |line: QueryLine| {
        if let Some(relevance) = judgements.remove(&line.id) {
            queries.push(JudgedQuery { text: line.text, relevance });
        }
        Ok(())
    })?;
    if queries.is_empty() {
        return Err(CliError::new(format!("{}: no query has a judgement", dir.display()))
            .hint("the ids in queries.jsonl and qrels.tsv do not meet"));
    }
    Ok(queries)
}

fn for_each_line<T: for<'de> Deserialize<'de>>(
    path: &Path,
    reader: impl BufRead,
    mut each: impl FnMut(T) -> Result<(), CliError>,
) -> Result<(), CliError> {
    for (at, line) in reader.lines().enumerate() {
        let line = line.map_err(|error| CliError::io(path, &error))?;
        if line.trim().is_empty() {
            continue;
        }
        let value = serde_json::from_str(&line)
            .map_err(|error| CliError::new(format!("{}:{}: {error}", path.display(), at + 1)))?;
        each(value)?;
    }
    Ok(())
}

/// `qrels.tsv`: a header, then query id, document id and grade.
fn read_qrels(path: &Path) -> Result<HashMap<String, Relevance>, CliError> {
    let text = fs_err::read_to_string(path).map_err(|error| CliError::io(path, &error))?;
    let mut judgements: HashMap<String, Relevance> = HashMap::new();
    for (at, line) in text.lines().enumerate().skip(1) {
        if line.trim().is_empty() {
            continue;
        }
        let mut fields = line.split('\t');
        let (query, document, grade) = (fields.next(), fields.next(), fields.next());
        let (Some(query), Some(document), Some(Ok(grade))) =
            (query, document, grade.map(|grade| grade.trim().parse::<u32>()))
        else {
            return Err(CliError::new(format!(
                "{}:{}: not a judgement: {line}",
                path.display(),
                at + 1
            ))
            .hint("each line is query-id, corpus-id and score, with tabs between"));
        };
        if grade > 0 {
            judgements.entry(query.to_owned()).or_default().insert(document.to_owned(), grade);
        }
    }
    Ok(judgements)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(path: &Path, text: &str) {
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(path, text).unwrap();
    }

    #[test]
    fn reads_a_collection_and_leaves_unjudged_queries_out() {
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path().join("small");
        write(
            &home.join("corpus.jsonl"),
            "{\"_id\":\"d1\",\"text\":\"one\"}\n\n{\"_id\":\"d2\",\"title\":\"T\",\"text\":\"two\"}\n",
        );
        write(
            &home.join("ask/queries.jsonl"),
            "{\"_id\":\"q1\",\"text\":\"?\"}\n{\"_id\":\"q2\",\"text\":\"!\"}\n",
        );
        write(&home.join("ask/qrels.tsv"), "query-id\tcorpus-id\tscore\nq1\td2\t1\nq2\td1\t0\n");
        for given in [home.as_path(), dir.path()] {
            let found = collections(given).unwrap();
            assert_eq!((found.len(), found[0].name.as_str()), (1, "small"));
        }
        let found = collections(&home).unwrap();
        let mut ids = Vec::new();
        read_corpus(&found[0].corpus, |document| {
            ids.push(document.id);
            Ok(())
        })
        .unwrap();
        assert_eq!(ids, ["d1", "d2"]);
        let queries = read_task(&found[0].tasks[0]).unwrap();
        assert_eq!(queries.len(), 1);
        assert_eq!(queries[0].relevance["d2"], 1);
    }

    #[test]
    fn a_broken_line_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("corpus.jsonl");
        write(&path, "{\"_id\":\"d1\",\"text\":\"one\"}\n{\"_id\":\n");
        let error = read_corpus(&path, |_| Ok(())).unwrap_err().to_string();
        assert!(error.contains("corpus.jsonl:2"), "{error}");
    }
}
