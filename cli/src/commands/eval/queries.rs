//! A task's queries, with what is relevant to them.

use std::collections::HashMap;
use std::path::Path;

use lsearch_index::query::Query;

use super::collection::{Collection, Judgements, Task};
use super::lines::{self, AnswerLine, JudgementLine, QueryLine};
use super::metrics::Relevance;
use crate::errors::CliError;

/// One judged query.
#[derive(Debug)]
pub struct JudgedQuery {
    /// Its name in the files.
    pub id: String,
    /// What is asked.
    pub text: String,
    /// The relevant documents.
    pub relevance: Relevance,
    /// A passage that holds one of these answers it; empty where nobody has written any down.
    pub answers: Vec<String>,
}

impl JudgedQuery {
    /// Judged queries are natural text, whose quotes and dashes are no operators: every word only
    /// ranks.
    ///
    /// # Errors
    /// When there is no word in it at all.
    pub fn parse(&self) -> Result<Query, CliError> {
        let words: String =
            self.text.chars().map(|c| if c.is_alphanumeric() { c } else { ' ' }).collect();
        let mut parsed = Query::parse(&words, 0).map_err(|error| {
            CliError::new(format!("the query {:?} cannot be searched: {error}", self.text))
        })?;
        parsed.text_for_meaning.clone_from(&self.text);
        Ok(parsed)
    }
}

/// The queries of a task; those without a relevant document are left out.
pub fn read_task(collection: &Collection, task: &Task) -> Result<Vec<JudgedQuery>, CliError> {
    let mut judgements = match &task.judgements {
        Judgements::Table(path) => read_table(path)?,
        Judgements::Lines(path) => read_lines(path)?,
        Judgements::InQueries => HashMap::new(),
    };
    let mut answers: HashMap<String, Vec<String>> = HashMap::new();
    if let Some(path) = &task.answers {
        lines::read(path, |line: AnswerLine| {
            answers.insert(line.id.0, line.answers);
            Ok(())
        })?;
    }
    let mut queries = Vec::new();
    lines::read(&task.queries, |line: QueryLine| {
        if !collection.holds(&line.part) {
            return Ok(());
        }
        let id = line.id.0;
        let named = line.answer_pids.into_iter().map(|document| (document.0, 1));
        let mut relevance: Relevance = judgements.remove(&id).unwrap_or_default();
        relevance.extend(named);
        if !relevance.is_empty() {
            let answers = answers.remove(&id).unwrap_or_default();
            queries.push(JudgedQuery { id, text: line.text, relevance, answers });
        }
        Ok(())
    })?;
    if queries.is_empty() {
        return Err(CliError::new(format!("{}: no query has a judgement", task.queries.display()))
            .hint("the ids of queries and judgements do not meet"));
    }
    Ok(queries)
}

/// A header, then query id, document id and grade.
fn read_table(path: &Path) -> Result<HashMap<String, Relevance>, CliError> {
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

fn read_lines(path: &Path) -> Result<HashMap<String, Relevance>, CliError> {
    let mut judgements: HashMap<String, Relevance> = HashMap::new();
    lines::read(path, |line: JudgementLine| {
        if line.score > 0 {
            judgements.entry(line.query.0).or_default().insert(line.document.0, line.score);
        }
        Ok(())
    })?;
    Ok(judgements)
}
