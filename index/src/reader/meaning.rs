//! The two signals by meaning: the document's vector, and its nearest passage.

use std::collections::HashSet;

use rayon::prelude::*;

use super::keyword::{Allowed, is_allowed};
use super::view::{Documents, Encoded, View};
use crate::error::Result;
use crate::fuse::{Moments, Population};
use crate::vectors::graph::Graph;
use crate::vectors::{QueryVector, VectorError, exact};

/// Up to this many passage vectors are all compared with the query (384 MB of them take some 50 ms);
/// beyond, only those of candidates.
const SCAN_PASSAGES: usize = 1_000_000;
/// The graph answers only when at least this share of the documents may be found; the fewer may,
/// the more of it has to be walked, and the cheaper is comparing those few.
const GRAPH_SHARE: f32 = 0.2;
/// Documents that population statistics are drawn from when not all are compared.
const SAMPLE: usize = 1000;

/// Scores by row of [`Encoded`].
#[derive(Debug, Default)]
pub(super) struct MeaningScores {
    /// Cosine with the document vector; `None` where it was not compared.
    pub(super) document: Vec<Option<f32>>,
    /// Index and cosine of the nearest passage; `None` where none was compared.
    pub(super) passage: Vec<Option<(usize, f32)>>,
    pub(super) document_population: Population,
    pub(super) passage_population: Population,
    /// Rows best by one of the two, without order.
    pub(super) best_rows: HashSet<usize>,
    /// Rows left out because their vectors are damaged.
    pub(super) damaged: usize,
}

/// What the signals are computed from.
pub(super) struct Meaning<'a> {
    pub(super) view: &'a View,
    pub(super) documents: &'a Documents,
    pub(super) encoded: &'a Encoded,
    pub(super) query: QueryVector,
    pub(super) graph: Option<&'a Graph>,
}

impl<'a> Meaning<'a> {
    pub(super) fn new(
        view: &'a View,
        encoded: &'a Encoded,
        vector: &[f32],
        graph: Option<&'a Graph>,
    ) -> Result<Self> {
        let query = QueryVector::new(vector)?;
        if !encoded.rows.is_empty() && encoded.dims != query.dims() {
            let (expected, found) = (encoded.dims, query.dims());
            return Err(VectorError::Dimensions { expected, found }.into());
        }
        Ok(Meaning { view, documents: view.documents()?, encoded, query, graph })
    }

    /// Scores the rows that may be found; `candidates` are places found by word, which get every
    /// score whatever else is left out. The best `k` rows by each signal are named.
    pub(super) fn scores(
        &self,
        allowed: &Allowed,
        candidates: impl Iterator<Item = usize>,
        k: usize,
    ) -> MeaningScores {
        let open = self.open_rows(allowed);
        let count = open.iter().filter(|&&open| open).count();
        let share = count as f32 / open.len().max(1) as f32;
        let graph = self.graph.filter(|_| share >= GRAPH_SHARE);
        let scan_documents = graph.is_none();
        let scan_passages = scan_documents && self.encoded.passages() <= SCAN_PASSAGES;

        let mut scores = MeaningScores {
            document: vec![None; open.len()],
            passage: vec![None; open.len()],
            ..MeaningScores::default()
        };
        let all: Vec<usize> = (0..open.len()).filter(|&row| open[row]).collect();
        let by_document = match graph {
            None => {
                self.compare_documents(&all, &mut scores);
                best(&all, k, |row| scores.document[row])
            }
            Some(graph) => self.ask_graph(graph, &open, k),
        };
        let mut wanted: HashSet<usize> =
            candidates.filter_map(|place| self.encoded.row(place)).collect();
        wanted.extend(&by_document);
        let sample: Vec<usize> = if scan_passages {
            all.clone()
        } else {
            exact::sample(&all, SAMPLE).copied().collect()
        };
        let mut rows: Vec<usize> = wanted.iter().chain(&sample).copied().collect();
        rows.sort_unstable();
        rows.dedup();
        if !scan_documents {
            self.compare_documents(&rows, &mut scores);
        }
        self.compare_passages(&rows, &mut scores);
        // Of a document whose passages are damaged nothing is believed.
        let (whole, damaged): (Vec<usize>, Vec<usize>) =
            rows.iter().partition(|&&row| self.is_whole(row));
        for &row in &damaged {
            scores.document[row] = None;
        }
        let population = |rows: &[usize], score: &dyn Fn(usize) -> Option<f32>| {
            let mut moments = Moments::default();
            rows.iter().filter_map(|&row| score(row)).for_each(|s| moments.push(f64::from(s)));
            moments.population()
        };
        let compared = if scan_documents { &all } else { &sample };
        scores.document_population = population(compared, &|row| scores.document[row]);
        scores.passage_population = population(&sample, &|row| Some(scores.passage[row]?.1));
        scores.best_rows.extend(by_document.iter().filter(|row| self.is_whole(**row)));
        scores.best_rows.extend(best(&whole, k, |row| Some(scores.passage[row]?.1)));
        scores.damaged = damaged.len();
        scores
    }

    /// Rows of which some document may be found.
    fn open_rows(&self, allowed: &Allowed) -> Vec<bool> {
        let mut open = vec![allowed.is_none(); self.encoded.rows.len()];
        if allowed.is_some() {
            for place in 0..self.documents.all.len() {
                if is_allowed(allowed, place)
                    && let Some(row) = self.encoded.row(place)
                {
                    open[row] = true;
                }
            }
        }
        open
    }

    fn is_whole(&self, row: usize) -> bool {
        self.encoded.rows[row].1.is_whole(&self.view.vectors)
    }

    fn compare_documents(&self, rows: &[usize], scores: &mut MeaningScores) {
        let segments = &self.view.vectors;
        let compared: Vec<Option<f32>> = rows
            .par_iter()
            .with_min_len(256)
            .map(|&row| {
                let encoding = &self.encoded.rows[row].1;
                if !encoding.document_is_whole(segments) {
                    return None;
                }
                encoding.vector(segments).ok().map(|vector| self.query.cosine(&vector))
            })
            .collect();
        for (&row, score) in rows.iter().zip(compared) {
            scores.document[row] = score;
        }
    }

    fn compare_passages(&self, rows: &[usize], scores: &mut MeaningScores) {
        let segments = &self.view.vectors;
        let compared: Vec<Option<(usize, f32)>> = rows
            .par_iter()
            .with_min_len(16)
            .map(|&row| {
                let encoding = &self.encoded.rows[row].1;
                if !encoding.is_whole(segments) {
                    return None;
                }
                encoding.best_passage(segments, &self.query)
            })
            .collect();
        for (&row, score) in rows.iter().zip(compared) {
            scores.passage[row] = score;
        }
    }

    /// Rows near to the query by the graph, and by comparing those that are not in it yet.
    fn ask_graph(&self, graph: &Graph, open: &[bool], k: usize) -> Vec<usize> {
        let rows = &self.encoded.rows;
        let by_id: std::collections::HashMap<u64, usize> =
            rows.iter().enumerate().map(|(row, (key, _))| (key.graph_id(), row)).collect();
        let may = |id: u64| by_id.get(&id).is_some_and(|&row| open[row]);
        let near = graph.search(self.query.as_slice(), k, 2 * k, &may).unwrap_or_default();
        let fresh: Vec<usize> = (0..rows.len())
            .filter(|&row| open[row] && !graph.contains(rows[row].0.graph_id()))
            .collect();
        let mut others =
            MeaningScores { document: vec![None; rows.len()], ..MeaningScores::default() };
        self.compare_documents(&fresh, &mut others);
        let near =
            near.into_iter().filter_map(|(id, score)| Some((*by_id.get(&id)? as u64, score)));
        let fresh = fresh.iter().filter_map(|&row| Some((row as u64, others.document[row]?)));
        exact::top_k(near.chain(fresh), k).into_iter().map(|(row, _)| row as usize).collect()
    }

    /// Cosine of each passage of a document.
    pub(super) fn passages(&self, place: usize) -> Vec<f32> {
        match self.encoded.row(place) {
            Some(row) if self.is_whole(row) => {
                self.encoded.rows[row].1.passage_scores(&self.view.vectors, &self.query)
            }
            _ => Vec::new(),
        }
    }
}

fn best(rows: &[usize], k: usize, score: impl Fn(usize) -> Option<f32>) -> Vec<usize> {
    let scored = rows.iter().filter_map(|&row| Some((row as u64, score(row)?)));
    exact::top_k(scored, k).into_iter().map(|(row, _)| row as usize).collect()
}
