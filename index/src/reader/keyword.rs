//! The signal by word, and which documents may be found at all.

use std::collections::HashSet;
use std::path::Path;

use tantivy::collector::{Collector, DocSetCollector, SegmentCollector};
use tantivy::columnar::StrColumn;
use tantivy::query::Query as LexicalQuery;
use tantivy::{DocAddress, DocId, Score, SegmentOrdinal, SegmentReader};

use super::view::{Documents, View};
use super::within::Within;
use crate::error::{PathContext, Result};
use crate::fuse::{Moments, Population, keyword_population};
use crate::lexical::{RankingWords, Statistics, guarded};
use crate::query::Filters;
use crate::vectors::exact;

/// Scores of every matching document: the fused ranking needs them all, for its statistics.
struct AllScores;

struct SegmentScores {
    segment: SegmentOrdinal,
    scores: Vec<(DocId, Score)>,
}

impl Collector for AllScores {
    type Fruit = Vec<(SegmentOrdinal, Vec<(DocId, Score)>)>;
    type Child = SegmentScores;

    fn for_segment(
        &self,
        segment: SegmentOrdinal,
        _: &SegmentReader,
    ) -> tantivy::Result<SegmentScores> {
        Ok(SegmentScores { segment, scores: Vec::new() })
    }

    fn requires_scoring(&self) -> bool {
        true
    }

    fn merge_fruits(
        &self,
        fruits: Vec<(SegmentOrdinal, Vec<(DocId, Score)>)>,
    ) -> tantivy::Result<Self::Fruit> {
        Ok(fruits)
    }
}

impl SegmentCollector for SegmentScores {
    type Fruit = (SegmentOrdinal, Vec<(DocId, Score)>);

    fn collect(&mut self, doc: DocId, score: Score) {
        self.scores.push((doc, score));
    }

    fn harvest(self) -> Self::Fruit {
        (self.segment, self.scores)
    }
}

/// Which documents may be found, by place; `None` when all may.
pub(super) type Allowed = Option<Vec<bool>>;

pub(super) fn is_allowed(allowed: &Allowed, place: usize) -> bool {
    allowed.as_ref().is_none_or(|allowed| allowed[place])
}

/// The documents that fulfil the required clauses and the filters.
pub(super) fn allowed(
    view: &View,
    required: Option<&dyn LexicalQuery>,
    filters: &Filters,
) -> Result<Allowed> {
    if required.is_none() && filters.is_empty() {
        return Ok(None);
    }
    let documents = view.documents()?;
    let mut allowed = match required {
        None => vec![true; documents.all.len()],
        Some(required) => {
            let mut allowed = vec![false; documents.all.len()];
            for place in matching(view, required)? {
                allowed[place] = true;
            }
            allowed
        }
    };
    if !filters.is_empty() {
        filter(view, filters, &mut allowed)?;
    }
    Ok(Some(allowed))
}

/// Places of the documents that a query matches.
pub(super) fn matching(view: &View, query: &dyn LexicalQuery) -> Result<Vec<usize>> {
    let folder = &view.lexical.folder;
    let found = guarded(folder, || view.searcher.search(query, &DocSetCollector).at(folder))?;
    let documents = view.documents()?;
    Ok(found.into_iter().filter_map(|at| documents.place(at)).collect())
}

fn filter(view: &View, filters: &Filters, allowed: &mut [bool]) -> Result<()> {
    let folder = &view.lexical.folder;
    // Names are only looked up where a filter asks for them.
    let names = !(filters.paths.is_empty() && filters.types.is_empty());
    guarded(folder, || {
        let documents = view.documents()?;
        for (ordinal, segment) in view.searcher.segment_readers().iter().enumerate() {
            let fast = segment.fast_fields();
            let modified = fast.i64("modified").at(folder)?;
            let column = |name: &str| -> Result<Names> {
                match fast.str(name).at(folder)? {
                    Some(column) if names => Names::read(column).at(folder),
                    _ => Ok(Names::default()),
                }
            };
            let (paths, kinds, formats) = (column("path")?, column("kind")?, column("format")?);
            for doc in segment.doc_ids_alive() {
                let at = DocAddress::new(ordinal as u32, doc);
                let Some(place) = documents.place(at) else { continue };
                let modified_sec = modified.first(doc).unwrap_or(0).div_euclid(1_000_000_000);
                let path = Path::new(paths.of(doc));
                allowed[place] &=
                    filters.matches(path, kinds.of(doc), formats.of(doc), modified_sec);
            }
        }
        Ok(())
    })
}

/// A column of text, decoded whole: looking terms up one by one is a hundred times slower.
#[derive(Default)]
pub(super) struct Names {
    terms: Vec<String>,
    column: Option<StrColumn>,
}

impl Names {
    pub(super) fn read(column: StrColumn) -> tantivy::Result<Self> {
        let mut terms = Vec::with_capacity(column.num_terms());
        let mut stream = column.dictionary().stream()?;
        while stream.advance() {
            terms.push(String::from_utf8_lossy(stream.key()).into_owned());
        }
        Ok(Names { terms, column: Some(column) })
    }

    /// Every name once.
    pub(super) fn all(&self) -> &[String] {
        &self.terms
    }

    fn of(&self, doc: DocId) -> &str {
        let term = self.column.as_ref().and_then(|column| column.term_ords(doc).next());
        term.and_then(|term| self.terms.get(term as usize)).map_or("", String::as_str)
    }
}

/// The signal by word: every matching document that may be found, by place, best first. A score is
/// BM25 of the whole document and what [`Within`] adds for words that stand near one another.
#[derive(Default)]
pub(super) struct KeywordScores {
    pub(super) ranked: Vec<(usize, f32)>,
    /// Over the documents that may be found; those that do not match count as 0, within the limit
    /// of [`keyword_population`].
    pub(super) population: Population,
    /// So many of the ranked, from the first on, have their whole score.
    complete: usize,
}

/// Words are looked for near one another in this many documents, the best by their whole text; in fewer where the
/// query has many words.
const PASSAGES_OF: usize = 2000;
/// Words times documents that are looked up for it (some 10 ms).
const LOOK_UPS: usize = 40_000;
/// Documents that the rest is judged by.
const SAMPLE: usize = 500;

/// Scores all documents by word. `live` is the number of documents that may be found, `k` the number
/// of those wanted.
pub(super) fn scores<'a>(
    view: &'a View,
    query: Option<&dyn LexicalQuery>,
    statistics: &Statistics,
    words: &'a RankingWords,
    allowed: &Allowed,
    live: usize,
    k: usize,
) -> Result<(KeywordScores, Option<Within<'a>>)> {
    let Some(query) = query else { return Ok(Default::default()) };
    let folder = &view.lexical.folder;
    let statistics = statistics.of(&view.searcher);
    let found = guarded(folder, || {
        let searcher = &view.searcher;
        searcher.search_with_statistics_provider(query, &AllScores, &statistics).at(folder)
    })?;
    let documents = view.documents()?;
    let mut ranked = Vec::new();
    for (segment_ord, scores) in found {
        for (doc_id, score) in scores {
            let at = DocAddress { segment_ord, doc_id };
            let Some(place) = documents.place(at) else { continue };
            if is_allowed(allowed, place) {
                ranked.push((place, score));
            }
        }
    }
    sort(documents, &mut ranked);

    let complete = (LOOK_UPS / words.words.len().max(1)).min(PASSAGES_OF).max(k).min(ranked.len());
    let rest = &ranked[complete..];
    let sample: Vec<(usize, f32)> = exact::sample(rest, SAMPLE).copied().collect();
    let stands_for = rest.len() as f32 / sample.len().max(1) as f32;
    let at = |(place, _): &(usize, f32)| documents.all[*place].at;
    let looked_at: Vec<DocAddress> = ranked[..complete].iter().chain(&sample).map(at).collect();
    let (within, added) =
        Within::new(
            view,
            words,
            &looked_at,
            |document| {
                if document < complete { 1.0 } else { stands_for }
            },
        )?;
    let (mut moments, mut sampled) = (Moments::default(), Moments::default());
    let (of_ranked, of_sample) = added.split_at(complete);
    for ((_, score), added) in ranked[..complete].iter_mut().zip(of_ranked) {
        *score += added;
        moments.push(f64::from(*score));
    }
    for ((_, score), added) in sample.iter().zip(of_sample) {
        sampled.push(f64::from(score + added));
    }
    moments.merge(&sampled.standing_for((ranked.len() - complete) as u64));
    sort(documents, &mut ranked[..complete]);
    let population = keyword_population(&moments, live as u64);
    Ok((KeywordScores { ranked, population, complete }, Some(within)))
}

impl KeywordScores {
    /// Completes the scores of documents that were found otherwise.
    pub(super) fn complete(
        &mut self,
        within: &Within<'_>,
        documents: &Documents,
        wanted: &HashSet<usize>,
    ) -> Result<()> {
        let rest = &mut self.ranked[self.complete..];
        let mut missing: Vec<&mut (usize, f32)> =
            rest.iter_mut().filter(|(place, _)| wanted.contains(place)).collect();
        let at: Vec<DocAddress> =
            missing.iter().map(|(place, _)| documents.all[*place].at).collect();
        for ((_, score), added) in missing.iter_mut().zip(within.scores(&at)?) {
            *score += added;
        }
        Ok(())
    }
}

/// Best first, equal ones by number.
fn sort(documents: &Documents, ranked: &mut [(usize, f32)]) {
    ranked.sort_by(|(a_place, a), (b_place, b)| {
        let (a_id, b_id) = (documents.all[*a_place].id, documents.all[*b_place].id);
        b.total_cmp(a).then(a_id.cmp(&b_id))
    });
}
