//! The two signals by meaning: the document's vector, and its nearest passage.

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
    /// Rows best by one of the two.
    pub(super) is_best: Vec<bool>,
    /// Rows left out because their vectors are damaged.
    pub(super) damaged: usize,
}

/// Whether passages are compared with the query besides the documents' own vectors.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Passages {
    Compared,
    LeftOut,
}

/// What came of one row.
#[derive(Clone, Copy, Default)]
struct Compared {
    document: Option<f32>,
    passage: Option<(usize, f32)>,
    damaged: bool,
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
            is_best: vec![false; open.len()],
            ..MeaningScores::default()
        };
        let all: Vec<usize> = (0..open.len()).filter(|&row| open[row]).collect();
        let by_document = match graph {
            None => {
                // Where all passages are compared, too, one way through the files does for both.
                let passages = if scan_passages { Passages::Compared } else { Passages::LeftOut };
                self.compare(&all, passages, &mut scores);
                best(&all, k, |row| scores.document[row])
            }
            Some(graph) => self.ask_graph(graph, &open, k),
        };
        let sample: Vec<usize> = exact::sample(&all, SAMPLE).copied().collect();
        let rows = match scan_passages {
            true => all.clone(),
            false => {
                let by_word = candidates.filter_map(|place| self.encoded.row(place));
                let mut rows: Vec<usize> =
                    by_word.chain(by_document.iter().chain(&sample).copied()).collect();
                rows.sort_unstable();
                rows.dedup();
                self.compare(&rows, Passages::Compared, &mut scores);
                rows
            }
        };
        let population = |rows: &[usize], score: &dyn Fn(usize) -> Option<f32>| {
            let mut moments = Moments::default();
            rows.iter().filter_map(|&row| score(row)).for_each(|s| moments.push(f64::from(s)));
            moments.population()
        };
        let documents = if scan_documents { &all } else { &sample };
        let passages = if scan_passages { &all } else { &sample };
        scores.document_population = population(documents, &|row| scores.document[row]);
        scores.passage_population = population(passages, &|row| Some(scores.passage[row]?.1));
        let by_passage = best(&rows, k, |row| Some(scores.passage[row]?.1));
        // A document whose passages turned out to be damaged has lost its score.
        let by_document = by_document.iter().filter(|row| scores.document[**row].is_some());
        for &row in by_document.chain(&by_passage) {
            scores.is_best[row] = true;
        }
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

    /// Scores rows; of a document whose passages are damaged nothing is believed.
    fn compare(&self, rows: &[usize], passages: Passages, scores: &mut MeaningScores) {
        let segments = &self.view.vectors;
        let compared: Vec<Compared> = rows
            .par_iter()
            .with_min_len(16)
            .map(|&row| {
                let encoding = &self.encoded.rows[row].1;
                let whole = match passages {
                    Passages::Compared => encoding.is_whole(segments),
                    Passages::LeftOut => encoding.document_is_whole(segments),
                };
                if !whole {
                    return Compared { damaged: true, ..Compared::default() };
                }
                let vector = encoding.vector(segments).ok();
                let document = vector.map(|vector| self.query.cosine(&vector));
                let passage = match passages {
                    Passages::Compared => encoding.best_passage(segments, &self.query),
                    Passages::LeftOut => None,
                };
                Compared { document, passage, damaged: false }
            })
            .collect();
        for (&row, compared) in rows.iter().zip(compared) {
            scores.document[row] = compared.document;
            scores.passage[row] = compared.passage;
            scores.damaged += usize::from(compared.damaged && passages == Passages::Compared);
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
        let mut others = MeaningScores {
            document: vec![None; rows.len()],
            passage: vec![None; rows.len()],
            ..MeaningScores::default()
        };
        self.compare(&fresh, Passages::LeftOut, &mut others);
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
