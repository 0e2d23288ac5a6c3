//! One search: candidates by every signal, every signal for every candidate, fused.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use rayon::prelude::*;

use super::keyword::{self, Allowed, KeywordScores, is_allowed};
use super::matcher::Matcher;
use super::meaning::{Meaning, MeaningScores};
use super::passages::best_passage;
use super::results::{Hit, Mode, PassageHit, Ranks, SearchRequest, SearchResults, Signals};
use super::view::{Documents, Encoded, View};
use super::within::Within;
use crate::error::{IndexError, Result};
use crate::fuse::{Missing, Signal, Weights, fuse};
use crate::lexical::{Language, QueryTerms, compile};
use crate::paths::path_from_bytes;
use crate::vectors::graph::Graph;

/// Candidates taken from each signal, unless the page asked for lies further back.
const CANDIDATES: usize = 200;

/// A ranked document before anything is read of it.
#[derive(Clone, Debug, Default)]
struct Ranked {
    place: usize,
    score: f32,
    exact: bool,
    scores: Signals,
    standardised: Signals,
    ranks: Ranks,
    also: Vec<usize>,
}

/// Runs one search over a view. `encoded` belongs to the request's encoder.
pub(super) fn search(
    view: &View,
    encoded: Option<&Arc<Encoded>>,
    graph: Option<&Graph>,
    request: &SearchRequest<'_>,
) -> Result<SearchResults> {
    let documents = view.documents()?;
    let warnings = view.damage();
    let mut results =
        SearchResults { mode: request.mode, encoded: 1.0, warnings, ..Default::default() };
    let meaning = match (request.vector, encoded) {
        (Some((_, vector)), Some(encoded)) if request.mode != Mode::Keyword => {
            results.encoded = encoded.documents as f32 / documents.all.len().max(1) as f32;
            Some(Meaning::new(view, encoded, vector, graph)?)
        }
        _ => None,
    };
    results.mode = mode_used(request, meaning.as_ref(), &mut results.warnings)?;
    let meaning = meaning.filter(|_| results.mode != Mode::Keyword);
    let measured = match results.mode {
        Mode::Semantic => Weights::SEMANTIC,
        Mode::Hybrid | Mode::Keyword => Weights::HYBRID,
    };
    let weights = request.weights.unwrap_or(measured);
    results.weights = (results.mode != Mode::Keyword).then_some(weights);

    let compiled = compile(&view.lexical, &view.searcher, request.query)?;
    results.warnings.extend(compiled.remarks.iter().cloned());
    let mut allowed = keyword::allowed(view, compiled.required.as_deref(), &request.query.filters)?;
    if let Some(content) = request.without {
        let allowed = allowed.get_or_insert_with(|| vec![true; documents.all.len()]);
        for (allowed, document) in allowed.iter_mut().zip(&documents.all) {
            *allowed &= document.content != content.short();
        }
    }
    let live = match &allowed {
        None => documents.all.len(),
        Some(allowed) => allowed.iter().filter(|allowed| **allowed).count(),
    };
    // No more than there are, for a person may ask for any number.
    let page = request.offset.saturating_add(request.limit).min(documents.all.len());
    let k = CANDIDATES.max(2 * page);
    let (by_word, within) = match results.mode {
        Mode::Semantic => Default::default(),
        Mode::Hybrid | Mode::Keyword => {
            let scoring = compiled.scoring.as_deref();
            let (statistics, words) = (&compiled.statistics, &compiled.words);
            keyword::scores(view, scoring, statistics, words, &allowed, live, k)?
        }
    };
    let exact: HashSet<usize> = match (&compiled.exact_name, results.mode) {
        (Some(name), Mode::Hybrid | Mode::Keyword) => keyword::matching(view, name.as_ref())?
            .into_iter()
            .filter(|place| is_allowed(&allowed, *place))
            .collect(),
        _ => HashSet::new(),
    };
    let ranked = match &meaning {
        None => rank_by_word(documents, by_word, &exact, request.explain),
        Some(meaning) => {
            let within = within.as_ref();
            let input = Fusion { documents, meaning, by_word, within, exact: &exact, weights, k };
            input.rank(&allowed, request, results.mode, &mut results.warnings)?
        }
    };
    let ranked = match request.collapse_duplicates && documents.has_copies {
        true => collapse(documents, ranked),
        false => ranked,
    };
    results.total = ranked.len();
    let page: Vec<(usize, Ranked)> =
        ranked.into_iter().enumerate().skip(request.offset).take(request.limit).collect();
    let (meaning, within) = (meaning.as_ref(), within.as_ref());
    let shower = Shower { view, documents, meaning, within, terms: &compiled.terms };
    let shown: Vec<(Hit, Option<String>)> = page
        .into_par_iter()
        .map(|(at, ranked)| shower.show(at + 1, ranked, request))
        .collect::<Result<_>>()?;
    for (hit, warning) in shown {
        results.hits.push(hit);
        results.warnings.extend(warning);
    }
    Ok(results)
}

/// What can be done with what there is.
fn mode_used(
    request: &SearchRequest<'_>,
    meaning: Option<&Meaning<'_>>,
    warnings: &mut Vec<String>,
) -> Result<Mode> {
    let encoded = meaning.is_some_and(|meaning| !meaning.encoded.rows.is_empty());
    match request.mode {
        Mode::Keyword => Ok(Mode::Keyword),
        Mode::Semantic if request.vector.is_none() => {
            Err(IndexError::input("a search by meaning needs the query's vector"))
        }
        Mode::Hybrid if request.vector.is_none() => Ok(Mode::Keyword),
        Mode::Hybrid if !encoded => {
            warnings.push("no document is encoded yet: these are found by word alone".to_owned());
            Ok(Mode::Keyword)
        }
        Mode::Semantic => {
            if !encoded {
                warnings.push("no document is encoded yet".to_owned());
            }
            Ok(Mode::Semantic)
        }
        Mode::Hybrid => Ok(Mode::Hybrid),
    }
}

/// BM25's order, with documents that go by the query's name before all others.
fn rank_by_word(
    documents: &Documents,
    by_word: KeywordScores,
    exact: &HashSet<usize>,
    explain: bool,
) -> Vec<Ranked> {
    let population = by_word.population;
    let matched: HashSet<usize> = match exact.is_empty() {
        true => HashSet::new(),
        false => by_word.ranked.iter().map(|(place, _)| *place).collect(),
    };
    let mut unmatched: Vec<usize> =
        exact.iter().filter(|place| !matched.contains(place)).copied().collect();
    unmatched.sort_unstable_by_key(|&place| documents.all[place].id);
    let scored = by_word.ranked.into_iter().map(|(place, score)| (place, Some(score)));
    let mut ranked: Vec<Ranked> = scored
        .chain(unmatched.into_iter().map(|place| (place, None)))
        .enumerate()
        .map(|(at, (place, score))| {
            let z = score
                .filter(|_| population.std > 0.0)
                .map(|score| ((f64::from(score) - population.mean) / population.std) as f32);
            Ranked {
                place,
                score: score.unwrap_or(0.0),
                exact: exact.contains(&place),
                scores: Signals { keyword: score, ..Signals::default() },
                standardised: Signals { keyword: z, ..Signals::default() },
                ranks: Ranks {
                    keyword: score.filter(|_| explain).map(|_| at + 1),
                    ..Ranks::default()
                },
                also: Vec::new(),
            }
        })
        .collect();
    // Stable: within both groups BM25's order stays.
    ranked.sort_by_key(|ranked| !ranked.exact);
    ranked
}

struct Fusion<'a> {
    documents: &'a Documents,
    meaning: &'a Meaning<'a>,
    by_word: KeywordScores,
    within: Option<&'a Within<'a>>,
    exact: &'a HashSet<usize>,
    weights: Weights,
    /// Candidates taken from each signal.
    k: usize,
}

impl Fusion<'_> {
    fn rank(
        mut self,
        allowed: &Allowed,
        request: &SearchRequest<'_>,
        mode: Mode,
        warnings: &mut Vec<String>,
    ) -> Result<Vec<Ranked>> {
        let words = self.by_word.ranked.iter().take(self.k).map(|(place, _)| *place);
        let scores =
            self.meaning.scores(allowed, words.clone().chain(self.exact.iter().copied()), self.k);
        if scores.damaged > 0 {
            warnings.push(format!(
                "the vectors of {} documents are damaged and were left out; a rebuild repairs this",
                scores.damaged
            ));
        }
        let mut places: HashSet<usize> = words.chain(self.exact.iter().copied()).collect();
        for place in 0..self.documents.all.len() {
            if is_allowed(allowed, place)
                && self.meaning.encoded.row(place).is_some_and(|row| scores.is_best[row])
            {
                places.insert(place);
            }
        }
        if let Some(within) = self.within {
            self.by_word.complete(within, self.documents, &places)?;
        }
        Ok(self.fuse(&places, &scores, request, mode))
    }

    fn fuse(
        &self,
        places: &HashSet<usize>,
        scores: &MeaningScores,
        request: &SearchRequest<'_>,
        mode: Mode,
    ) -> Vec<Ranked> {
        let id = |place: usize| self.documents.all[place].id;
        let place_of: HashMap<u64, usize> =
            places.iter().map(|&place| (id(place), place)).collect();
        let keyword: HashMap<u64, f32> = self
            .by_word
            .ranked
            .iter()
            .filter(|(place, _)| places.contains(place))
            .map(|(place, score)| (id(*place), *score))
            .collect();
        let by_row = |score: &dyn Fn(usize) -> Option<f32>| -> HashMap<u64, f32> {
            let row = |place| self.meaning.encoded.row(place).and_then(score);
            places.iter().filter_map(|&place| Some((id(place), row(place)?))).collect()
        };
        let document = by_row(&|row| scores.document[row]);
        let passage = by_row(&|row| Some(scores.passage[row]?.1));
        let weights = self.weights;
        let mut signals = vec![
            Signal {
                name: "document",
                weight: weights.document,
                scores: &document,
                population: scores.document_population,
                missing: Missing::Estimate,
            },
            Signal {
                name: "passage",
                weight: weights.passage,
                scores: &passage,
                population: scores.passage_population,
                missing: Missing::Estimate,
            },
        ];
        if mode == Mode::Hybrid {
            signals.push(Signal {
                name: "keyword",
                weight: weights.keyword,
                scores: &keyword,
                population: self.by_word.population,
                missing: Missing::Score(0.0),
            });
        }
        let order = Order::of(&self.by_word, scores, request.explain);
        let exact: HashSet<u64> = self.exact.iter().map(|&place| id(place)).collect();
        fuse(&signals, place_of.keys().copied(), &exact)
            .into_iter()
            .map(|fused| {
                let z = |at: usize| fused.standardised.get(at).copied().flatten();
                let scores = Signals {
                    keyword: keyword.get(&fused.id).copied(),
                    document: document.get(&fused.id).copied(),
                    passage: passage.get(&fused.id).copied(),
                };
                Ranked {
                    place: place_of[&fused.id],
                    score: fused.score,
                    exact: fused.exact,
                    scores,
                    standardised: Signals { document: z(0), passage: z(1), keyword: z(2) },
                    ranks: order.ranks(scores),
                    also: Vec::new(),
                }
            })
            .collect()
    }
}

/// The scores of every document by each signal, best first.
struct Order([Vec<f32>; 3]);

impl Order {
    /// Empty unless they are wanted.
    fn of(by_word: &KeywordScores, by_meaning: &MeaningScores, wanted: bool) -> Self {
        if !wanted {
            return Order(Default::default());
        }
        let keyword = by_word.ranked.iter().map(|(_, score)| *score).collect();
        let document = by_meaning.document.iter().filter_map(|score| *score).collect();
        let passage = by_meaning.passage.iter().filter_map(|score| Some((*score)?.1)).collect();
        Order([keyword, document, passage].map(|mut scores: Vec<f32>| {
            scores.sort_unstable_by(|a, b| b.total_cmp(a));
            scores
        }))
    }

    /// Equal scores have one rank.
    fn ranks(&self, scores: Signals) -> Ranks {
        let rank = |order: &[f32], score: Option<f32>| {
            let score = score.filter(|_| !order.is_empty())?;
            Some(order.partition_point(|other| *other > score) + 1)
        };
        let Order([keyword, document, passage]) = self;
        Ranks {
            keyword: rank(keyword, scores.keyword),
            document: rank(document, scores.document),
            passage: rank(passage, scores.passage),
        }
    }
}

/// Keeps the best of the documents of equal content; the others are named with it.
fn collapse(documents: &Documents, ranked: Vec<Ranked>) -> Vec<Ranked> {
    let mut first: HashMap<_, usize> = HashMap::new();
    let mut kept: Vec<Ranked> = Vec::with_capacity(ranked.len());
    for candidate in ranked {
        match first.entry(documents.all[candidate.place].content) {
            std::collections::hash_map::Entry::Occupied(at) => {
                kept[*at.get()].also.push(candidate.place);
            }
            std::collections::hash_map::Entry::Vacant(slot) => {
                slot.insert(kept.len());
                kept.push(candidate);
            }
        }
    }
    kept
}

/// Reads what a hit shows.
struct Shower<'a> {
    view: &'a View,
    documents: &'a Documents,
    meaning: Option<&'a Meaning<'a>>,
    within: Option<&'a Within<'a>>,
    terms: &'a QueryTerms,
}

impl Shower<'_> {
    fn show(
        &self,
        rank: usize,
        ranked: Ranked,
        request: &SearchRequest<'_>,
    ) -> Result<(Hit, Option<String>)> {
        let document = self.documents.all[ranked.place];
        let record = self.view.stored(document.at)?;
        let path = path_from_bytes(&record.path);
        let language = record.language.as_deref().and_then(Language::of);
        let (passage, warning) = match self.passage(&ranked, language, request) {
            Ok(passage) => (passage, None),
            // A hit without its passage is better than no hit.
            Err(error @ (IndexError::Damaged { .. } | IndexError::Io { .. })) => {
                (None, Some(format!("{}: {error}; a rebuild repairs this", path.display())))
            }
            Err(error) => return Err(error),
        };
        let mut also_at = Vec::with_capacity(ranked.also.len());
        for &place in &ranked.also {
            let record = self.view.stored(self.documents.all[place].at)?;
            also_at.push(path_from_bytes(&record.path));
        }
        let hit = Hit {
            rank,
            id: document.id,
            path,
            title: record.title,
            kind: record.kind,
            format: record.format,
            author: record.author,
            dated: record.dated,
            size_bytes: record.row.stat.size_bytes,
            modified_ns: record.row.stat.modified_ns,
            score: ranked.score,
            exact_name: ranked.exact,
            scores: ranked.scores,
            standardised: ranked.standardised,
            ranks: ranked.ranks,
            passage,
            also_at,
        };
        Ok((hit, warning))
    }

    fn passage(
        &self,
        ranked: &Ranked,
        language: Option<&'static Language>,
        request: &SearchRequest<'_>,
    ) -> Result<Option<PassageHit>> {
        if request.snippet_chars == 0 {
            return Ok(None);
        }
        let document = self.documents.all[ranked.place];
        let Some(text) = self.view.text(document.content)? else {
            return Err(IndexError::damaged(
                self.view.texts_folder(),
                "the document's text is gone",
            ));
        };
        let cosines = self.meaning.map(|meaning| meaning.passages(ranked.place));
        let cosines = cosines.unwrap_or_default();
        let by_word = self.within.map(|within| within.passages(document.at)).transpose()?;
        let by_word = by_word.unwrap_or_default();
        let matcher = Matcher::new(self.terms, language.as_slice());
        best_passage(&text, matcher, by_word, &cosines, request.snippet_chars)
    }
}
