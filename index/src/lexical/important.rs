//! The words that tell a document from the others.

use std::collections::HashMap;

use tantivy::Searcher;
use tantivy::tokenizer::{TokenStream, Tokenizer};

use super::Lexical;
use super::analysis::{Analyzed, QueryAnalyzer, is_stop_word};
use super::language::{Language, language_of};
use super::lookup::Lookup;
use super::tokens::WordTokenizer;
use crate::error::Result;
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
    let mut tokenizer = WordTokenizer::for_index();
    let mut tokens = tokenizer.token_stream(&text[..end]);
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
    let languages = Language::all_in(lexical, searcher)?;
    let mut analyzer = QueryAnalyzer::new(&languages);
    let words: Vec<(String, Analyzed, usize)> = by_count(forms)
        .into_iter()
        .filter_map(|(form, count)| Some((analyzer.analyze(&form).pop()?, form, count)))
        .map(|(word, form, count)| (form, word, count))
        .collect();
    let english = words.iter().filter(|(_, word, _)| is_stop_word(&word.text));
    let english = english.map(|(_, _, count)| count).sum();
    let counts = words.iter().map(|(_, word, count)| (word.form.as_str(), *count));
    let language = language_of(&languages, counts, english);
    let stem_of = |word: &Analyzed| match language {
        None => word.text.clone(),
        Some(language) => {
            let at = languages.iter().position(|one| one.code == language.code);
            at.and_then(|at| word.native.get(at)).unwrap_or(&word.text).clone()
        }
    };
    let mut stems: HashMap<String, (usize, String)> = HashMap::new();
    let mut analyzed: HashMap<String, Analyzed> = HashMap::new();
    for (form, word, count) in words {
        let says_little = is_stop_word(&word.text)
            || language.is_some_and(|language| language.is_stop_word(&word.form));
        if !says_little {
            let stem = stem_of(&word);
            stems.entry(stem.clone()).or_insert((0, form)).0 += count;
            analyzed.entry(stem).or_insert(word);
        }
    }
    let all = searcher.num_docs() as f32;
    let mut lookup = Lookup::new(lexical, searcher, &languages);
    let mut telling = Vec::new();
    let counted = stems.into_iter().map(|(stem, (count, form))| ((stem, form), count));
    for ((stem, form), count) in by_count(counted).into_iter().take(LOOKED_UP) {
        let word = &analyzed[&stem];
        let native = word.native.iter().map(String::as_str);
        let terms = lookup.terms(lexical.fields.body, &word.text, native)?;
        let with = lookup.documents(&terms)? as f32;
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
