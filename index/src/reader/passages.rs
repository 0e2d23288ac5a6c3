//! The passage of a hit that answers best, and the piece of it to show.

use std::cell::RefCell;

use super::matcher::Matcher;
use super::results::PassageHit;
use crate::content::PassageSpan;
use crate::error::Result;
use crate::lexical::QueryTerms;
use crate::snippet::snippet;
use crate::texts::TextReader;

/// Longest stretch of one document that is searched for its best passage by word, so that one
/// enormous file cannot hold a search up for seconds. A hundred novels are shorter.
const SEARCHED_BYTES: usize = 64 << 20;
/// Text decompressed at a time.
const STRETCH_BYTES: usize = 1 << 20;
/// BM25's usual constants, here among the passages of one document.
const K1: f32 = 1.2;
const B: f32 = 0.75;

/// Picks the best passage of one document. `cosines` holds each passage's nearness to the query by
/// meaning, or nothing; `by_word` whether words count.
pub(super) fn best_passage(
    text: &TextReader<'_>,
    terms: &QueryTerms,
    cosines: &[f32],
    by_word: bool,
    snippet_chars: usize,
) -> Result<Option<PassageHit>> {
    let passages = text.tables()?.passages;
    if passages.is_empty() {
        return Ok(None);
    }
    let mut scores = vec![0.0; passages.len()];
    if by_word && !terms.known.is_empty() {
        add_scaled(&mut scores, &word_scores(text, &passages, terms)?);
    }
    // A document encoded before its passages were cut anew cannot occur: both hang on one key.
    if cosines.len() == passages.len() {
        add_scaled(&mut scores, cosines);
    }
    let best = (0..scores.len())
        .max_by(|&a, &b| scores[a].total_cmp(&scores[b]).then(b.cmp(&a)))
        .unwrap_or(0);
    let span = &passages[best];
    let passage = text.slice(span.start..span.end)?;
    let matcher = RefCell::new(Matcher::new(terms));
    let marked = snippet(&passage, snippet_chars, &|word| matcher.borrow_mut().first(word));
    Ok(Some(PassageHit {
        text: passage,
        page: span.page,
        line: span.line,
        heading: span.heading.clone(),
        start: span.start,
        end: span.end,
        snippet: marked.text,
        highlights: marked.highlights,
    }))
}

/// Adds values brought to 0..=1, so that words and meaning weigh alike.
fn add_scaled(scores: &mut [f32], values: &[f32]) {
    let least = values.iter().copied().fold(f32::INFINITY, f32::min);
    let most = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    if most > least {
        for (score, value) in scores.iter_mut().zip(values) {
            *score += (value - least) / (most - least);
        }
    }
}

/// What of the query one passage holds.
#[derive(Default)]
struct Held {
    length: usize,
    /// How often each term occurs, by its number.
    counts: Vec<(usize, u32)>,
    phrases: f32,
}

/// BM25 of each passage among the passages of its document, with each term weighted by how much it
/// says in the collection, too. Phrases that stand whole count their words twice over.
fn word_scores(
    text: &TextReader<'_>,
    passages: &[PassageSpan],
    terms: &QueryTerms,
) -> Result<Vec<f32>> {
    let held = read_passages(text, passages, terms)?;
    let mut passages_with = vec![0u32; terms.known.len()];
    for (number, _) in held.iter().flat_map(|held| &held.counts) {
        passages_with[*number] += 1;
    }
    let all = held.len() as f32;
    let mut weights = vec![0.0; terms.known.len()];
    for (number, in_collection) in terms.known.values() {
        let with = passages_with[*number] as f32;
        weights[*number] = in_collection + (1.0 + (all - with + 0.5) / (with + 0.5)).ln();
    }
    let mean = held.iter().map(|held| held.length).sum::<usize>() as f32 / all;
    let mut scores: Vec<f32> = held
        .iter()
        .map(|held| {
            let norm = K1 * (1.0 - B + B * held.length as f32 / mean.max(1.0));
            let words = held.counts.iter().map(|(number, count)| {
                weights[*number] * (K1 + 1.0) * *count as f32 / (*count as f32 + norm)
            });
            words.sum::<f32>() + held.phrases
        })
        .collect();
    scores.resize(passages.len(), 0.0);
    Ok(scores)
}

/// Looks through the passages from the first on, within [`SEARCHED_BYTES`].
fn read_passages(
    text: &TextReader<'_>,
    passages: &[PassageSpan],
    terms: &QueryTerms,
) -> Result<Vec<Held>> {
    let mut matcher = Matcher::new(terms);
    let mut held = Vec::with_capacity(passages.len());
    let begin = passages.first().map_or(0, |first| first.start);
    while held.len() < passages.len() {
        let first = &passages[held.len()];
        if first.end - begin > SEARCHED_BYTES {
            break;
        }
        let rest = &passages[held.len()..];
        let count = rest.iter().take_while(|p| p.end - first.start <= STRETCH_BYTES).count();
        let stretch = &rest[..count.max(1)];
        let end = stretch.last().map_or(first.end, |last| last.end);
        let bytes = text.slice(first.start..end)?;
        for span in stretch {
            let range = span.start - first.start..span.end - first.start;
            held.push(read_passage(&mut matcher, bytes.get(range).unwrap_or(""), terms));
        }
    }
    Ok(held)
}

fn read_passage(matcher: &mut Matcher<'_>, passage: &str, terms: &QueryTerms) -> Held {
    let mut held = Held::default();
    // Position and number of every word of the query, for finding phrases.
    let mut found: Vec<(usize, usize)> = Vec::new();
    held.length = matcher.matches(passage, |position, number| found.push((position, number)));
    for &(_, number) in &found {
        match held.counts.iter_mut().find(|(known, _)| *known == number) {
            Some((_, count)) => *count += 1,
            None => held.counts.push((number, 1)),
        }
    }
    for phrase in &terms.phrases {
        let wanted: Option<Vec<(usize, f32)>> =
            phrase.iter().map(|text| terms.known.get(text).copied()).collect();
        let Some(wanted) = wanted.filter(|wanted| wanted.len() > 1) else { continue };
        let stands = found.iter().filter(|(_, number)| *number == wanted[0].0).any(|(start, _)| {
            let mut rest = wanted.iter().enumerate().skip(1);
            rest.all(|(offset, (number, _))| found.contains(&(start + offset, *number)))
        });
        if stands {
            held.phrases += 2.0 * wanted.iter().map(|(_, idf)| idf).sum::<f32>();
        }
    }
    held
}
