//! Collections in the layouts that people publish them in: which folders hold one, and its tasks.
//!
//! A folder is a collection when it has a corpus, `corpus.jsonl` or `documents.jsonl`, and queries
//! with judgements in one of these forms (every `.jsonl` may be `.jsonl.zst`):
//! - folders of `queries.jsonl` and `qrels.tsv`: several tasks on one corpus;
//! - `queries.jsonl` and `qrels/*.tsv`: BEIR's and MTEB's, each file of judgements a task;
//! - `queries.jsonl` and `qrels.jsonl`: LongEmbed's;
//! - `queries.jsonl` whose lines name the documents (`answer_pids`): LoCoV1's.
//!
//! Where documents say which `dataset` or `context_length` they are of, each of them is a collection
//! of its own, as those benchmarks measure them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::lines::{self, CorpusLine, Part, PartLine, existing};
use crate::errors::CliError;

/// One document of a corpus.
#[derive(Debug)]
pub struct CorpusDocument {
    /// The name that judgements use.
    pub id: String,
    /// May be empty.
    pub title: String,
    /// The whole text.
    pub text: String,
}

/// A corpus, or a part of one, and its tasks.
#[derive(Debug)]
pub struct Collection {
    /// The folder's name, and the part's.
    pub name: String,
    /// The corpus file.
    pub corpus: PathBuf,
    /// In order of name.
    pub tasks: Vec<Task>,
    /// Only documents and queries of this part.
    part: Option<Part>,
}

/// Queries and judgements over one corpus.
#[derive(Debug)]
pub struct Task {
    /// Name within the collection.
    pub name: String,
    /// The queries' file.
    pub queries: PathBuf,
    /// Where the judgements stand.
    pub judgements: Judgements,
    /// Strings that answer the queries, where somebody has written them down.
    pub answers: Option<PathBuf>,
}

/// Where judgements stand.
#[derive(Debug)]
pub enum Judgements {
    /// Lines of query, document and grade, with tabs between, after a header.
    Table(PathBuf),
    /// Lines of JSON with query and document.
    Lines(PathBuf),
    /// In the queries themselves.
    InQueries,
}

impl Collection {
    /// Calls `each` with every document, in file order.
    pub fn read_corpus(
        &self,
        mut each: impl FnMut(CorpusDocument) -> Result<(), CliError>,
    ) -> Result<(), CliError> {
        lines::read(&self.corpus, |line: CorpusLine| {
            if self.holds(&line.part) {
                each(CorpusDocument { id: line.id.0, title: line.title, text: line.text })?;
            }
            Ok(())
        })
    }

    /// Whether a line of the files belongs to it.
    pub fn holds(&self, line: &PartLine) -> bool {
        self.part.as_ref().is_none_or(|part| line.part().as_ref() == Some(part))
    }
}

/// The collections in a folder: itself, or its subfolders.
pub fn collections(dir: &Path) -> Result<Vec<Collection>, CliError> {
    let mut found = in_folder(dir)?;
    if found.is_empty() {
        for folder in subfolders(dir)? {
            found.extend(in_folder(&folder)?);
        }
    }
    if found.is_empty() {
        return Err(CliError::new(format!("{}: no collection there", dir.display())).hint(
            "a collection is a folder with corpus.jsonl (or documents.jsonl; each may end in .zst) and\n\
             queries.jsonl with qrels/*.tsv (BEIR, MTEB), qrels.jsonl (LongEmbed) or answer_pids (LoCoV1),\n\
             or a folder for each task with queries.jsonl and qrels.tsv; Parquet has to be turned into\n\
             JSON lines first",
        ));
    }
    Ok(found)
}

fn in_folder(dir: &Path) -> Result<Vec<Collection>, CliError> {
    let Some(corpus) = existing(dir, "corpus.jsonl").or_else(|| existing(dir, "documents.jsonl"))
    else {
        return Ok(Vec::new());
    };
    let canonical = fs_err::canonicalize(dir).map_err(|error| CliError::io(dir, &error))?;
    let name = canonical.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let folders = task_folders(dir)?;
    if !folders.is_empty() {
        return Ok(vec![Collection { name, corpus, tasks: folders, part: None }]);
    }
    let no_tasks = || {
        CliError::new(format!("{}: a corpus without tasks", dir.display())).hint(
            "beside it belong queries.jsonl with judgements (qrels/*.tsv, qrels.jsonl or answer_pids), or\n\
             a folder for each task with queries.jsonl and qrels.tsv",
        )
    };
    let queries = existing(dir, "queries.jsonl").ok_or_else(no_tasks)?;
    let parts = parts(&corpus)?;
    let parts: Vec<Option<Part>> = match parts.is_empty() {
        true => vec![None],
        false => parts.into_iter().map(Some).collect(),
    };
    let mut collections = Vec::with_capacity(parts.len());
    for part in parts {
        let tasks = tasks_beside(dir, &queries)?;
        if tasks.is_empty() {
            return Err(no_tasks());
        }
        let name = match &part {
            Some(part) => format!("{name}-{part}"),
            None => name.clone(),
        };
        collections.push(Collection { name, corpus: corpus.clone(), tasks, part });
    }
    Ok(collections)
}

/// Tasks in folders of their own.
fn task_folders(dir: &Path) -> Result<Vec<Task>, CliError> {
    let mut tasks = Vec::new();
    for folder in subfolders(dir)? {
        let table = folder.join("qrels.tsv");
        if let Some(queries) = existing(&folder, "queries.jsonl")
            && table.is_file()
        {
            let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let answers = existing(&folder, "answers.jsonl");
            tasks.push(Task { name, queries, judgements: Judgements::Table(table), answers });
        }
    }
    Ok(tasks)
}

/// Tasks whose queries stand beside the corpus.
fn tasks_beside(dir: &Path, queries: &Path) -> Result<Vec<Task>, CliError> {
    let task = |name: String, judgements| Task {
        name,
        queries: queries.to_owned(),
        judgements,
        answers: existing(dir, "answers.jsonl"),
    };
    let qrels = dir.join("qrels");
    if qrels.is_dir() {
        let mut tasks = Vec::new();
        for path in entries(&qrels)? {
            if path.extension().is_some_and(|ending| ending == "tsv") {
                let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
                tasks.push(task(name, Judgements::Table(path)));
            }
        }
        return Ok(tasks);
    }
    let table = dir.join("qrels.tsv");
    if table.is_file() {
        return Ok(vec![task("test".to_owned(), Judgements::Table(table))]);
    }
    if let Some(lines) = existing(dir, "qrels.jsonl") {
        return Ok(vec![task("test".to_owned(), Judgements::Lines(lines))]);
    }
    match lines::names_documents(queries)? {
        true => Ok(vec![task("test".to_owned(), Judgements::InQueries)]),
        false => Ok(Vec::new()),
    }
}

/// The parts that the documents of a corpus say they are of; none where one says nothing.
fn parts(corpus: &Path) -> Result<BTreeSet<Part>, CliError> {
    let mut parts = BTreeSet::new();
    let mut without = false;
    lines::read(corpus, |line: PartLine| {
        match line.part() {
            Some(part) => drop(parts.insert(part)),
            None => without = true,
        }
        Ok(())
    })?;
    if without {
        parts.clear();
    }
    Ok(parts)
}

fn subfolders(dir: &Path) -> Result<Vec<PathBuf>, CliError> {
    Ok(entries(dir)?.into_iter().filter(|path| path.is_dir()).collect())
}

/// What a folder holds, in order of name.
fn entries(dir: &Path) -> Result<Vec<PathBuf>, CliError> {
    let mut paths = Vec::new();
    for entry in fs_err::read_dir(dir).map_err(|error| CliError::io(dir, &error))? {
        paths.push(entry.map_err(|error| CliError::io(dir, &error))?.path());
    }
    paths.sort();
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use super::super::queries::read_task;
    use super::*;

    fn write(path: &Path, text: &str) {
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(path, text).unwrap();
    }

    fn ids(collection: &Collection) -> Vec<String> {
        let mut ids = Vec::new();
        collection
            .read_corpus(|document| {
                ids.push(document.id);
                Ok(())
            })
            .unwrap();
        ids
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
        write(&home.join("ask/answers.jsonl"), "{\"_id\":\"q1\",\"answers\":[\"two\"]}\n");
        for given in [home.as_path(), dir.path()] {
            let found = collections(given).unwrap();
            assert_eq!((found.len(), found[0].name.as_str()), (1, "small"));
        }
        let found = collections(&home).unwrap();
        assert_eq!(ids(&found[0]), ["d1", "d2"]);
        let queries = read_task(&found[0], &found[0].tasks[0]).unwrap();
        assert_eq!(queries.len(), 1);
        assert_eq!(queries[0].relevance["d2"], 1);
        assert_eq!(queries[0].answers, ["two"]);
    }

    #[test]
    fn beir_has_a_task_for_each_file_of_judgements() {
        let dir = tempfile::tempdir().unwrap();
        write(
            &dir.path().join("corpus.jsonl"),
            "{\"_id\":\"d1\",\"title\":\"\",\"text\":\"one\"}\n",
        );
        write(
            &dir.path().join("queries.jsonl"),
            "{\"_id\":\"q1\",\"text\":\"?\"}\n{\"_id\":\"q2\",\"text\":\"!\"}\n",
        );
        write(&dir.path().join("qrels/dev.tsv"), "query-id\tcorpus-id\tscore\nq2\td1\t2\n");
        write(&dir.path().join("qrels/test.tsv"), "query-id\tcorpus-id\tscore\nq1\td1\t1\n");
        let found = collections(dir.path()).unwrap();
        let names: Vec<&str> = found[0].tasks.iter().map(|task| task.name.as_str()).collect();
        assert_eq!(names, ["dev", "test"]);
        let queries = read_task(&found[0], &found[0].tasks[0]).unwrap();
        assert_eq!((queries[0].id.as_str(), queries[0].relevance["d1"]), ("q2", 2));
    }

    #[test]
    fn longembed_is_one_collection_for_each_length() {
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path().join("needle");
        write(
            &home.join("corpus.jsonl"),
            "{\"doc_id\":\"a\",\"text\":\"x\",\"context_length\":512}\n\
             {\"doc_id\":\"b\",\"text\":\"y\",\"context_length\":1024}\n",
        );
        write(
            &home.join("queries.jsonl"),
            "{\"qid\":\"q\",\"text\":\"?\",\"context_length\":512}\n\
             {\"qid\":\"r\",\"text\":\"!\",\"context_length\":1024}\n",
        );
        write(
            &home.join("qrels.jsonl"),
            "{\"qid\":\"q\",\"doc_id\":\"a\",\"context_length\":512}\n\
             {\"qid\":\"r\",\"doc_id\":\"b\",\"context_length\":1024}\n",
        );
        let found = collections(dir.path()).unwrap();
        let names: Vec<&str> = found.iter().map(|found| found.name.as_str()).collect();
        assert_eq!(names, ["needle-512", "needle-1024"]);
        assert_eq!(ids(&found[1]), ["b"]);
        let queries = read_task(&found[1], &found[1].tasks[0]).unwrap();
        assert_eq!((queries.len(), queries[0].relevance["b"]), (1, 1));
    }

    #[test]
    fn loco_is_one_collection_for_each_dataset() {
        let dir = tempfile::tempdir().unwrap();
        write(
            &dir.path().join("documents.jsonl"),
            "{\"pid\":\"p1\",\"dataset\":\"legal\",\"split\":\"test\",\"passage\":\"x\"}\n\
             {\"pid\":7,\"dataset\":\"films\",\"split\":\"test\",\"passage\":\"y\"}\n",
        );
        write(
            &dir.path().join("queries.jsonl"),
            "{\"qid\":\"q1\",\"dataset\":\"legal\",\"query\":\"?\",\"answer_pids\":[\"p1\"]}\n\
             {\"qid\":\"q2\",\"dataset\":\"films\",\"query\":\"!\",\"answer_pids\":[7]}\n",
        );
        let found = collections(dir.path()).unwrap();
        assert_eq!(found.len(), 2);
        assert!(found[0].name.ends_with("-films"), "{}", found[0].name);
        assert_eq!(ids(&found[0]), ["7"]);
        let queries = read_task(&found[0], &found[0].tasks[0]).unwrap();
        assert_eq!((queries[0].text.as_str(), queries[0].relevance["7"]), ("!", 1));
    }

    #[test]
    fn what_is_missing_is_named() {
        let dir = tempfile::tempdir().unwrap();
        assert!(collections(dir.path()).unwrap_err().to_string().contains("no collection"));
        write(&dir.path().join("corpus.jsonl"), "{\"_id\":\"d1\",\"text\":\"one\"}\n");
        assert!(collections(dir.path()).unwrap_err().to_string().contains("without tasks"));
        write(&dir.path().join("queries.jsonl"), "{\"_id\":\"q\",\"text\":\"one\"}\n");
        assert!(collections(dir.path()).unwrap_err().to_string().contains("without tasks"));
    }

    #[test]
    fn a_broken_line_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("corpus.jsonl");
        write(&path, "{\"_id\":\"d1\",\"text\":\"one\"}\n{\"_id\":\n");
        write(&dir.path().join("ask/queries.jsonl"), "{\"_id\":\"q\",\"text\":\"?\"}\n");
        write(&dir.path().join("ask/qrels.tsv"), "query-id\tcorpus-id\tscore\nq\td1\t1\n");
        let found = collections(dir.path()).unwrap();
        let error = found[0].read_corpus(|_| Ok(())).unwrap_err().to_string();
        assert!(error.contains("corpus.jsonl:2"), "{error}");
    }
}
