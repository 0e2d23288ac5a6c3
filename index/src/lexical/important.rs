//! The words that tell a document from the others.

use std::collections::HashMap;

use tantivy::tokenizer::TokenStream;
use tantivy::{Searcher, Term};

use super::Lexical;
use super::forms::form_analyzer;
use super::tokens::{is_stop_word, word_analyzer};
use crate::error::{PathContext, Result};
use crate::query::has_spaces;

/// So much of a long text is looked at.
const READ_BYTES: usize = 2 << 20;
/// Letters that such a word has at least.
const LETTERS: usize = 3;
/// Distinct words that are looked up, the most frequent ones of the text.
const LOOKED_UP: usize = 2000;

/// The words of a text that stand often in it and in few other documents, but in some, the most
/// telling first and each in one form only.
pub(crate) fn important_words(
    lexical: &Lexical,
    searcher: &Searcher,
    text: &str,
    most: usize,
) -> Result<Vec<String>> {
    let mut end = READ_BYTES.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    // By form first: stemming each of the words would take longer than all else.
    let mut forms: HashMap<String, usize> = HashMap::new();
    let mut analyzer = form_analyzer();
    let mut tokens = analyzer.token_stream(&text[..end]);
    while tokens.advance() {
        let form = tokens.token().text.as_str();
        if form.chars().all(|c| c.is_alphabetic() && has_spaces(c))
            && form.chars().count() >= LETTERS
        {
            match forms.get_mut(form) {
                Some(count) => *count += 1,
                None => drop(forms.insert(form.to_owned(), 1)),
            }
        }
    }
    let mut stems: HashMap<String, (usize, String)> = HashMap::new();
    let mut stemmer = word_analyzer();
    for (form, count) in by_count(forms) {
        let mut stream = stemmer.token_stream(&form);
        let Some(token) = stream.next().filter(|token| !is_stop_word(&token.text)) else {
            continue;
        };
        stems.entry(token.text.clone()).or_insert((0, form.clone())).0 += count;
    }
    let all = searcher.num_docs() as f32;
    let mut telling = Vec::new();
    let counted = stems.into_iter().map(|(stem, (count, form))| ((stem, form), count));
    for ((stem, form), count) in by_count(counted).into_iter().take(LOOKED_UP) {
        let term = Term::from_field_text(lexical.fields.body, &stem);
        let with = searcher.doc_freq(&term).at(&lexical.folder)? as f32;
        // What stands in this document alone leads to no other.
        if with > 1.0 {
            let idf = (1.0 + (all.max(with) - with + 0.5) / (with + 0.5)).ln();
            telling.push(((1.0 + (count as f32).ln()) * idf, form));
        }
    }
    telling.sort_by(|(a, a_form), (b, b_form)| b.total_cmp(a).then_with(|| a_form.cmp(b_form)));
    telling.truncate(most);
    Ok(telling.into_iter().map(|(_, form)| form).collect())
}

/// The most frequent first, equal ones in their own order.
fn by_count<T: Ord>(counts: impl IntoIterator<Item = (T, usize)>) -> Vec<(T, usize)> {
    let mut counts: Vec<(T, usize)> = counts.into_iter().collect();
    counts
        .sort_unstable_by(|(a, a_count), (b, b_count)| b_count.cmp(a_count).then_with(|| a.cmp(b)));
    counts
}
