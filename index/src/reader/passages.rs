//! The passage of a hit that answers best, and the piece of it to show.

use std::cell::RefCell;

use super::matcher::Matcher;
use super::results::PassageHit;
use crate::error::Result;
use crate::snippet::snippet;
use crate::texts::TextReader;

/// Passages that are looked through for one that holds what a pattern of the query stands for.
const LOOKED_THROUGH: usize = 100;
/// Weight of meaning beside words.
const MEANING: f32 = 0.5;

/// Picks the best passage of one document. `matcher` knows the query's words, `by_word` holds the scores of passages by word, as far as
/// they have any, and `cosines` each passage's nearness to the query by meaning, or nothing.
pub(super) fn best_passage(
    text: &TextReader<'_>,
    mut matcher: Matcher<'_>,
    mut by_word: Vec<f32>,
    cosines: &[f32],
    snippet_chars: usize,
) -> Result<Option<PassageHit>> {
    let passages = text.tables()?.passages;
    if passages.is_empty() {
        return Ok(None);
    }
    let mut scores = vec![0.0; passages.len()];
    by_word.resize(passages.len(), 0.0);
    add_scaled(&mut scores, &by_word, 1.0);
    // A document encoded before its passages were cut anew cannot occur: both hang on one key.
    if cosines.len() == passages.len() {
        add_scaled(&mut scores, cosines, MEANING);
    }
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]).then(a.cmp(&b)));
    let mut best = order[0];
    if matcher.has_patterns() {
        // Scores go by stems, which more words have than a pattern stands for.
        for &one in order.iter().take(LOOKED_THROUGH) {
            let span = &passages[one];
            if matcher.has_form(&text.slice(span.start..span.end)?) {
                best = one;
                break;
            }
        }
    }
    let span = &passages[best];
    let passage = text.slice(span.start..span.end)?;
    let matcher = RefCell::new(matcher);
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

/// Adds values brought to 0..=`weight`.
fn add_scaled(scores: &mut [f32], values: &[f32], weight: f32) {
    let least = values.iter().copied().fold(f32::INFINITY, f32::min);
    let most = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    if most > least {
        for (score, value) in scores.iter_mut().zip(values) {
            *score += weight * (value - least) / (most - least);
        }
    }
}
