//! What the signal by word adds to BM25 of whole documents: how near to one another a query's words
//! stand. Two things are added:
//! - BM25 of the document's best passage, with [`PASSAGE`];
//! - BM25 of pairs of words that follow one another in the query and in the text, in the whole
//!   document ([`PAIRS`]) and in the passage ([`PAIRS_IN_PASSAGE`]). These are the ordered windows of
//!   Metzler and Croft's sequential dependence model ("A Markov random field model for term
//!   dependencies", SIGIR 2005), scored as if each pair were a word.
//!
//! The same scores choose the passage that a hit shows. What the query asks for as a phrase counts
//! there as much as its words once more.
//!
//! No further index is needed for it: the postings have the position of every word in its document,
//! and the lexical index has the position at which each passage begins. Passages are of about one
//! length, so BM25 goes without its correction for length there (b = 0). Measured on nine tasks
//! (`benches/QUALITY.md`).

use tantivy::fieldnorm::FieldNormReader;
use tantivy::postings::Postings;
use tantivy::schema::IndexRecordOption;
use tantivy::{DocAddress, DocSet};

use super::view::View;
use crate::error::{PathContext, Result};
use crate::lexical::{RankingWords, guarded};

/// Weight of the best passage beside the whole document.
const PASSAGE: f32 = 0.5;
/// Weight of pairs beside words, in the whole document.
const PAIRS: f32 = 1.0;
/// The same in the best passage.
const PAIRS_IN_PASSAGE: f32 = 0.5;
/// Two words are a pair when the second stands so many places after the first, at most: a word that
/// says little may stand between them.
const REACH: u32 = 2;

/// BM25's constants within passages.
const K1: f32 = 1.2;
/// And of pairs in whole documents, where a pair occurs less often than its words, and each time
/// says more.
const PAIRS_K1: f32 = 2.0;
const PAIRS_B: f32 = 0.75;

/// The words of a query, ready to be looked for near one another.
pub(super) struct Within<'a> {
    view: &'a View,
    wanted: &'a RankingWords,
    /// By feature.
    weights: Vec<Weight>,
}

/// How much a feature counts, by its inverse frequencies in passages and in documents.
#[derive(Clone, Copy, Default)]
struct Weight {
    in_passage: f32,
    /// The same in documents that have native stems.
    in_native_passage: f32,
    in_document: f32,
}

/// What documents hold of a query.
#[derive(Default)]
struct Contents {
    /// Documents one after the other, features in order.
    held: Vec<Held>,
    /// Length of each document, over that of a document of average length.
    lengths: Vec<f32>,
    /// Whether each has native stems.
    native: Vec<bool>,
}

/// How often one feature stands in one passage.
struct Held {
    /// Index into the documents that were asked about.
    document: usize,
    passage: u32,
    /// Index of a word; from the number of words on, of a pair, then of a phrase.
    feature: u32,
    count: u32,
}

impl<'a> Within<'a> {
    /// Reads the postings of some documents, which tell how many passages hold each word and how
    /// many documents each pair, and gives what their scores gain, too. `stands_for` says of each
    /// document how many it stands for.
    pub(super) fn new(
        view: &'a View,
        wanted: &'a RankingWords,
        documents: &[DocAddress],
        stands_for: impl Fn(usize) -> f32,
    ) -> Result<(Self, Vec<f32>)> {
        let contents = read(view, wanted, documents)?;
        // Passages and documents that hold each feature.
        let features = wanted.words.len() + wanted.pairs.len() + wanted.phrases.len();
        let mut counts = vec![(0.0_f32, 0.0_f32); features];
        let mut before = None;
        for one in &contents.held {
            let (passages, documents) = &mut counts[one.feature as usize];
            *passages += stands_for(one.document);
            // Those of one document and feature follow one another.
            if before != Some((one.document, one.feature)) {
                *documents += stands_for(one.document);
                before = Some((one.document, one.feature));
            }
        }
        let (of_words, others) = counts.split_at(wanted.words.len());
        let (of_pairs, _) = others.split_at(wanted.pairs.len());
        let all_passages = passages(view)? as f32;
        let all_documents = view.searcher.num_docs() as f32;
        let mut weights = Vec::with_capacity(counts.len());
        for (word, (in_passages, in_documents)) in wanted.words.iter().zip(of_words) {
            let a_document = in_passages / in_documents.max(1.0);
            let weight = |documents: u64| {
                word.weight * inverse_frequency(all_passages, documents as f32 * a_document)
            };
            weights.push(Weight {
                in_passage: weight(word.documents),
                in_native_passage: weight(word.native_documents),
                in_document: 0.0,
            });
        }
        // A document with a pair has both of its words, so it is among those that were looked at, or
        // one of them stands for it.
        weights.extend(of_pairs.iter().map(|&(in_passages, in_documents)| {
            let in_passage = PAIRS_IN_PASSAGE * inverse_frequency(all_passages, in_passages);
            let in_document = PAIRS * inverse_frequency(all_documents, in_documents);
            Weight { in_passage, in_native_passage: in_passage, in_document }
        }));
        weights.extend(
            wanted
                .phrases
                .iter()
                .map(|phrase| {
                    let sum = |of: fn(&Weight) -> f32| {
                        phrase.iter().map(|&(word, _)| of(&weights[word])).sum()
                    };
                    Weight {
                        in_passage: sum(|weight| weight.in_passage),
                        in_native_passage: sum(|weight| weight.in_native_passage),
                        in_document: 0.0,
                    }
                })
                .collect::<Vec<_>>(),
        );
        let within = Within { view, wanted, weights };
        let scores = within.gains(&contents);
        Ok((within, scores))
    }

    /// What the scores of other documents gain.
    pub(super) fn scores(&self, documents: &[DocAddress]) -> Result<Vec<f32>> {
        Ok(self.gains(&read(self.view, self.wanted, documents)?))
    }

    /// Scores of the passages of one document, up to the last that holds a word.
    pub(super) fn passages(&self, document: DocAddress) -> Result<Vec<f32>> {
        let mut scores = Vec::new();
        let contents = read(self.view, self.wanted, &[document])?;
        self.add_passages(&contents.held, contents.native[0], &mut scores);
        Ok(scores)
    }

    /// By document; 0 where no word stands.
    fn gains(&self, contents: &Contents) -> Vec<f32> {
        let mut gains = vec![0.0_f32; contents.lengths.len()];
        let mut passages: Vec<f32> = Vec::new();
        for of_document in contents.held.chunk_by(|a, b| a.document == b.document) {
            let document = of_document[0].document;
            let norm = PAIRS_K1 * (1.0 - PAIRS_B + PAIRS_B * contents.lengths[document]);
            let mut whole = 0.0;
            for of_feature in of_document.chunk_by(|a, b| a.feature == b.feature) {
                let weight = self.weights[of_feature[0].feature as usize];
                let count: u32 = of_feature.iter().map(|one| one.count).sum();
                whole += weight.in_document * saturated(count as f32, PAIRS_K1, norm);
            }
            passages.clear();
            self.add_passages(of_document, contents.native[document], &mut passages);
            gains[document] = whole + PASSAGE * passages.iter().copied().fold(0.0, f32::max);
        }
        gains
    }

    fn add_passages(&self, of_document: &[Held], native: bool, scores: &mut Vec<f32>) {
        for one in of_document {
            let at = one.passage as usize;
            if scores.len() <= at {
                scores.resize(at + 1, 0.0);
            }
            let weight = self.weights[one.feature as usize];
            let weight = if native { weight.in_native_passage } else { weight.in_passage };
            scores[at] += weight * saturated(one.count as f32, K1, K1);
        }
    }
}

/// BM25's inverse document frequency of what stands `with` times among `all`.
fn inverse_frequency(all: f32, with: f32) -> f32 {
    (1.0 + (all.max(with) - with + 0.5) / (with + 0.5)).ln()
}

/// How much `count` occurrences say: 1 for one in a text of average length, `k1` + 1 at most.
fn saturated(count: f32, k1: f32, norm: f32) -> f32 {
    count * (k1 + 1.0) / (count + norm)
}

/// Number of passages of all documents.
fn passages(view: &View) -> Result<u64> {
    let mut count = 0;
    for segment in view.searcher.segment_readers() {
        let starts = segment.fast_fields().u64("passage_starts").at(&view.lexical.folder)?;
        count += u64::from(segment.max_doc()) + u64::from(starts.values.num_vals());
    }
    Ok(count)
}

/// Reads what documents hold of some words.
fn read(view: &View, wanted: &RankingWords, documents: &[DocAddress]) -> Result<Contents> {
    let folder = &view.lexical.folder;
    let lengths = vec![1.0; documents.len()];
    let native = vec![false; documents.len()];
    let mut contents = Contents { held: Vec::new(), lengths, native };
    let average = average_length(view)?;
    // Postings are read from front to back.
    let mut order: Vec<usize> = (0..documents.len()).collect();
    order.sort_unstable_by_key(|&at| documents[at]);
    guarded(folder, || {
        let mut starts = Vec::new();
        let mut positions = vec![Vec::new(); wanted.words.len()];
        let mut of_stem = Vec::new();
        let mut together = Vec::new();
        for of_segment in
            order.chunk_by(|&a, &b| documents[a].segment_ord == documents[b].segment_ord)
        {
            let segment = view.searcher.segment_reader(documents[of_segment[0]].segment_ord);
            let column = segment.fast_fields().u64("passage_starts").at(folder)?;
            let body = view.lexical.fields.body;
            let norms = segment.get_fieldnorms_reader(body).at(folder)?;
            let native_body = view.lexical.fields.native_body;
            let native_norms = segment.get_fieldnorms_reader(native_body).at(folder)?;
            let mut postings = Vec::with_capacity(wanted.words.len());
            for (word, of_word) in wanted.words.iter().enumerate() {
                for term in &of_word.terms {
                    let index = segment.inverted_index(term.field()).at(folder)?;
                    let option = IndexRecordOption::WithFreqsAndPositions;
                    let read = index.read_postings(term, option);
                    let read = read.map_err(tantivy::TantivyError::from).at(folder)?;
                    postings.extend(read.map(|postings| (word, postings)));
                }
            }
            for &document in of_segment {
                let doc = documents[document].doc_id;
                contents.lengths[document] = length(&norms, doc) / average;
                contents.native[document] = native_norms.fieldnorm_id(doc) > 0;
                starts.clear();
                starts.extend(column.values_for_doc(doc).map(|start| start as u32));
                let mut held = |feature: usize, positions: &[u32]| {
                    count(positions, &starts, |passage, count| {
                        let feature = feature as u32;
                        contents.held.push(Held { document, passage, feature, count });
                    });
                };
                positions.iter_mut().for_each(Vec::clear);
                for (word, postings) in &mut postings {
                    if postings.doc() > doc || (postings.doc() < doc && postings.seek(doc) != doc) {
                        continue;
                    }
                    let positions = &mut positions[*word];
                    if positions.is_empty() {
                        postings.positions(positions);
                    } else {
                        // Where the word stands by one of its stems, it mostly does by the others.
                        postings.positions(&mut of_stem);
                        positions.extend_from_slice(&of_stem);
                        positions.sort_unstable();
                        positions.dedup();
                    }
                }
                for (word, positions) in positions.iter().enumerate() {
                    held(word, positions);
                }
                for (pair, &(first, second)) in wanted.pairs.iter().enumerate() {
                    followed(&positions[first], &positions[second], &mut together);
                    held(wanted.words.len() + pair, &together);
                }
                for (phrase, words) in wanted.phrases.iter().enumerate() {
                    standing(words, &positions, &mut together);
                    held(wanted.words.len() + wanted.pairs.len() + phrase, &together);
                }
            }
        }
        Ok(())
    })?;
    Ok(contents)
}

fn length(norms: &FieldNormReader, doc: tantivy::DocId) -> f32 {
    norms.fieldnorm(doc) as f32
}

/// Tokens of a document, on average; at least 1.
fn average_length(view: &View) -> Result<f32> {
    let (mut tokens, mut documents) = (0, 0);
    for segment in view.searcher.segment_readers() {
        let index = segment.inverted_index(view.lexical.fields.body).at(&view.lexical.folder)?;
        tokens += index.total_num_tokens();
        documents += u64::from(segment.max_doc());
    }
    Ok((tokens as f32 / documents.max(1) as f32).max(1.0))
}

/// Where a word stands that another follows within [`REACH`], as often as it is followed.
fn followed(first: &[u32], second: &[u32], found: &mut Vec<u32>) {
    found.clear();
    if first.len() <= second.len() {
        for &at in first {
            let after = &second[second.partition_point(|&other| other <= at)..];
            let near = after.iter().take_while(|&&other| other - at <= REACH);
            found.extend(near.map(|_| at));
        }
    } else {
        for &at in second {
            let from = first.partition_point(|&other| other.saturating_add(REACH) < at);
            found.extend(first[from..].iter().take_while(|&&other| other < at));
        }
    }
}

/// Where a phrase begins.
fn standing(phrase: &[(usize, u32)], positions: &[Vec<u32>], found: &mut Vec<u32>) {
    found.clear();
    let Some(((first, _), rest)) = phrase.split_first() else { return };
    found.extend(positions[*first].iter().filter(|&at| {
        rest.iter().all(|(word, offset)| positions[*word].binary_search(&(at + offset)).is_ok())
    }));
}

/// How many of some positions, in order, lie in each passage that has any.
fn count(positions: &[u32], starts: &[u32], mut passage: impl FnMut(u32, u32)) {
    let mut at = 0;
    let mut rest = positions;
    while let Some(&first) = rest.first() {
        at += starts[at..].partition_point(|&start| start <= first);
        let inside = match starts.get(at) {
            Some(&end) => rest.partition_point(|&position| position < end),
            None => rest.len(),
        };
        passage(at as u32, inside as u32);
        rest = &rest[inside..];
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_pair_within_reach_is_found(
            first in prop::collection::btree_set(0u32..40, 0..12),
            second in prop::collection::btree_set(0u32..40, 0..12),
        ) {
            let (first, second): (Vec<u32>, Vec<u32>) =
                (first.into_iter().collect(), second.into_iter().collect());
            let mut found = Vec::new();
            followed(&first, &second, &mut found);
            prop_assert!(found.is_sorted());
            let pairs = first.iter().flat_map(|&a| second.iter().map(move |&b| (a, b)));
            let expected: Vec<u32> =
                pairs.filter(|&(a, b)| a < b && b - a <= REACH).map(|(a, _)| a).collect();
            prop_assert_eq!(found, expected);
        }

        #[test]
        fn every_position_is_counted_in_its_passage(
            mut positions in prop::collection::vec(0u32..50, 0..30),
            mut starts in prop::collection::vec(1u32..50, 0..8),
        ) {
            positions.sort_unstable();
            starts.sort_unstable();
            let mut counted = Vec::new();
            count(&positions, &starts, |passage, count| counted.push((passage, count)));
            let mut expected: std::collections::BTreeMap<u32, u32> = Default::default();
            for position in positions {
                let passage = starts.iter().filter(|&&start| start <= position).count();
                *expected.entry(passage as u32).or_default() += 1;
            }
            prop_assert_eq!(counted, expected.into_iter().collect::<Vec<_>>());
        }
    }
}
