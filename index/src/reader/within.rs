//! The signal by word within a passage: BM25 of each document's best passage.
//!
//! No index of passages is needed for it: the postings have the position of every word in its
//! document, and the lexical index has the position at which each passage begins. Passages are of
//! about one length, so BM25 goes without its correction for length (b = 0). Measured on nine tasks,
//! the best passage added to the whole document finds more than either (`benches/QUALITY.md`).

use tantivy::postings::Postings;
use tantivy::schema::IndexRecordOption;
use tantivy::{DocAddress, DocSet, Term};

use super::view::View;
use crate::error::{PathContext, Result};
use crate::lexical::guarded;

const K1: f32 = 1.2;

/// The words of a query, ready to be looked for within passages.
pub(super) struct Within<'a> {
    view: &'a View,
    words: &'a [(Term, f32)],
    /// By word: its inverse passage frequency times its weight.
    weights: Vec<f32>,
}

/// How often one word stands in one passage.
struct Held {
    /// Index into the documents that were asked about.
    document: usize,
    passage: u32,
    word: u32,
    count: u32,
}

impl<'a> Within<'a> {
    /// Reads the postings of some documents, which tell how many passages hold each word, and gives
    /// their scores, too. `stands_for` says of each document how many it stands for.
    pub(super) fn new(
        view: &'a View,
        words: &'a [(Term, f32)],
        documents: &[DocAddress],
        stands_for: impl Fn(usize) -> f32,
    ) -> Result<(Self, Vec<f32>)> {
        let held = read(view, words, documents)?;
        let all = passages(view)? as f32;
        let mut weights = Vec::with_capacity(words.len());
        // Passages and documents that hold each word.
        let mut counts = vec![(0.0_f32, 0.0_f32); words.len()];
        let mut before = None;
        for one in &held {
            let (passages, documents) = &mut counts[one.word as usize];
            *passages += stands_for(one.document);
            // Those of one document and word follow one another.
            if before != Some((one.document, one.word)) {
                *documents += stands_for(one.document);
                before = Some((one.document, one.word));
            }
        }
        for ((term, weight), (in_passages, in_documents)) in words.iter().zip(counts) {
            let a_document = in_passages / in_documents.max(1.0);
            let with = view.searcher.doc_freq(term).at(&view.lexical.folder)? as f32 * a_document;
            let idf = (1.0 + (all.max(with) - with + 0.5) / (with + 0.5)).ln();
            weights.push(weight * idf);
        }
        let within = Within { view, words, weights };
        let scores = within.best(&held, documents.len());
        Ok((within, scores))
    }

    /// Scores of other documents.
    pub(super) fn scores(&self, documents: &[DocAddress]) -> Result<Vec<f32>> {
        Ok(self.best(&read(self.view, self.words, documents)?, documents.len()))
    }

    /// BM25 of the best passage of each document; 0 where no word stands.
    fn best(&self, held: &[Held], documents: usize) -> Vec<f32> {
        let mut scores = vec![0.0_f32; documents];
        let mut passages: Vec<f32> = Vec::new();
        for of_document in held.chunk_by(|a, b| a.document == b.document) {
            passages.clear();
            for one in of_document {
                let at = one.passage as usize;
                if passages.len() <= at {
                    passages.resize(at + 1, 0.0);
                }
                let count = one.count as f32;
                passages[at] += self.weights[one.word as usize] * count * (K1 + 1.0) / (count + K1);
            }
            scores[of_document[0].document] = passages.iter().copied().fold(0.0, f32::max);
        }
        scores
    }
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

/// What the passages of documents hold of some words: documents one after the other, words in order.
fn read(view: &View, words: &[(Term, f32)], documents: &[DocAddress]) -> Result<Vec<Held>> {
    let folder = &view.lexical.folder;
    guarded(folder, || {
        // Postings are read from front to back.
        let mut order: Vec<usize> = (0..documents.len()).collect();
        order.sort_unstable_by_key(|&at| documents[at]);
        let mut held = Vec::new();
        let (mut starts, mut positions) = (Vec::new(), Vec::new());
        for of_segment in
            order.chunk_by(|&a, &b| documents[a].segment_ord == documents[b].segment_ord)
        {
            let segment = view.searcher.segment_reader(documents[of_segment[0]].segment_ord);
            let column = segment.fast_fields().u64("passage_starts").at(folder)?;
            let mut postings = Vec::with_capacity(words.len());
            for (term, _) in words {
                let index = segment.inverted_index(term.field()).at(folder)?;
                let positions = IndexRecordOption::WithFreqsAndPositions;
                postings.push(
                    index
                        .read_postings(term, positions)
                        .map_err(tantivy::TantivyError::from)
                        .at(folder)?,
                );
            }
            for &document in of_segment {
                let doc = documents[document].doc_id;
                starts.clear();
                starts.extend(column.values_for_doc(doc).map(|start| start as u32));
                for (word, postings) in postings.iter_mut().enumerate() {
                    let Some(postings) = postings else { continue };
                    if postings.doc() > doc || (postings.doc() < doc && postings.seek(doc) != doc) {
                        continue;
                    }
                    postings.positions(&mut positions);
                    count(&positions, &starts, |passage, count| {
                        let word = word as u32;
                        held.push(Held { document, passage, word, count });
                    });
                }
            }
        }
        Ok(held)
    })
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
