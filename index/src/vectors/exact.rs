//! Exact search: score everything, keep the best, and know the population of all scores.
//!
//! Up to some tens of thousands of documents, or behind a selective filter, this beats a graph; and
//! only a full scan tells the mean and spread of all scores, which fusing by standardised scores
//! needs (see [`crate::fuse`]).

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use rayon::prelude::*;

use crate::fuse::{Moments, Population};

/// Items that one thread scans at a time. Also the size from which scanning in parallel pays.
const BLOCK: usize = 4096;

/// What a scan found.
#[derive(Debug, Clone, PartialEq)]
pub struct Scan {
    /// The highest scores, best first, equal ones by id.
    pub top: Vec<(u64, f32)>,
    /// Count, mean and standard deviation of every score, not only the highest.
    pub population: Population,
}

/// Scores every item and keeps the `k` best.
///
/// `score` gives an item's id and score, or `None` for an item that does not take part (filtered
/// away, or without a vector): it is then neither in the top nor in the population. Scores that are
/// not finite do not take part either. The result is the same for any number of threads.
pub fn scan<T: Sync>(
    items: &[T],
    k: usize,
    score: impl Fn(&T) -> Option<(u64, f32)> + Sync,
) -> Scan {
    let scan_block = |block: &[T]| {
        let mut best = Best::new(k);
        let mut moments = Moments::default();
        for (id, score) in block.iter().filter_map(&score) {
            if score.is_finite() {
                best.offer(id, score);
                moments.push(f64::from(score));
            }
        }
        (best, moments)
    };
    let blocks: Vec<(Best, Moments)> = if items.len() > BLOCK {
        items.par_chunks(BLOCK).map(scan_block).collect()
    } else {
        vec![scan_block(items)]
    };
    // In order, since adding up in another order would change the last bits of the moments.
    let mut best = Best::new(k);
    let mut moments = Moments::default();
    for (block_best, block_moments) in blocks {
        for Candidate { id, score } in block_best.heap.into_iter().map(|Reverse(c)| c) {
            best.offer(id, score);
        }
        moments.merge(&block_moments);
    }
    Scan { top: best.into_sorted(), population: moments.population() }
}

/// The `k` highest of some scores, best first, equal ones by id; scores that are not finite are
/// left out.
pub fn top_k(scores: impl IntoIterator<Item = (u64, f32)>, k: usize) -> Vec<(u64, f32)> {
    let mut best = Best::new(k);
    for (id, score) in scores {
        if score.is_finite() {
            best.offer(id, score);
        }
    }
    best.into_sorted()
}

/// Items spread evenly over a slice, at least `at_least` of them if there are so many, and the same
/// each time: enough to estimate a population when a graph answers and nothing is scanned.
pub fn sample<T>(items: &[T], at_least: usize) -> impl Iterator<Item = &T> {
    items.iter().step_by((items.len() / at_least.max(1)).max(1))
}

/// A candidate, ordered by score and, for equal scores, by falling id: greater is better.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Candidate {
    id: u64,
    score: f32,
}

impl Eq for Candidate {}

impl Ord for Candidate {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.score.total_cmp(&other.score).then_with(|| other.id.cmp(&self.id))
    }
}

impl PartialOrd for Candidate {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// The best `k` so far, the worst of them on top of the heap.
struct Best {
    k: usize,
    heap: BinaryHeap<Reverse<Candidate>>,
}

impl Best {
    fn new(k: usize) -> Self {
        Self { k, heap: BinaryHeap::new() }
    }

    fn offer(&mut self, id: u64, score: f32) {
        // Minus zero would sort below zero though the two are equal.
        let candidate = Candidate { id, score: score + 0.0 };
        if self.heap.len() < self.k {
            self.heap.push(Reverse(candidate));
        } else if let Some(mut worst) = self.heap.peek_mut()
            && candidate > worst.0
        {
            *worst = Reverse(candidate);
        }
    }

    fn into_sorted(self) -> Vec<(u64, f32)> {
        self.heap.into_sorted_vec().into_iter().map(|Reverse(c)| (c.id, c.score)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vectors::QueryVector;
    use crate::vectors::testing::clustered;
    use proptest::prelude::*;

    fn naive(scores: &[(u64, f32)], k: usize) -> Vec<(u64, f32)> {
        let mut all: Vec<_> = scores.to_vec();
        all.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        all.truncate(k);
        all
    }

    proptest! {
        #[test]
        fn agrees_with_sorting(raw in prop::collection::vec(0i32..20, 0..300), k in 0usize..40) {
            // Few distinct scores, so that ties are common.
            let scores: Vec<(u64, f32)> =
                raw.iter().enumerate().map(|(i, s)| (i as u64 * 7 % 301, *s as f32 / 4.0)).collect();
            let expected = naive(&scores, k);
            prop_assert_eq!(&top_k(scores.iter().copied(), k), &expected);
            prop_assert_eq!(&scan(&scores, k, |item| Some(*item)).top, &expected);
        }
    }

    #[test]
    fn a_parallel_scan_equals_a_serial_one() {
        let vectors = clustered(10_000, 32, 20, 0.5, 3);
        let query = QueryVector::new(&vectors[17]).unwrap();
        let items: Vec<(u64, &[f32])> =
            vectors.iter().enumerate().map(|(i, v)| (i as u64, v.as_slice())).collect();
        let score = |(id, v): &(u64, &[f32])| (id % 3 != 0).then(|| (*id, query.cosine(v)));
        let found = scan(&items, 50, score);
        let scores: Vec<(u64, f32)> = items.iter().filter_map(score).collect();
        assert_eq!(found.top, naive(&scores, 50));
        assert_eq!(found.top[0].0, 17);
        let count = scores.len() as f64;
        let mean = scores.iter().map(|s| f64::from(s.1)).sum::<f64>() / count;
        let variance = scores.iter().map(|s| (f64::from(s.1) - mean).powi(2)).sum::<f64>() / count;
        assert_eq!(found.population.count, scores.len() as u64);
        assert!((found.population.mean - mean).abs() < 1e-9);
        assert!((found.population.std - variance.sqrt()).abs() < 1e-9);
        let one_thread = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        assert_eq!(one_thread.install(|| scan(&items, 50, score)), found);
    }

    #[test]
    fn scores_that_are_no_numbers_take_no_part() {
        let scores = [(1, f32::NAN), (2, 0.5), (3, f32::INFINITY), (4, 0.25)];
        let found = scan(&scores, 10, |s| Some(*s));
        assert_eq!(found.top, [(2, 0.5), (4, 0.25)]);
        assert_eq!(found.population.count, 2);
        assert_eq!(top_k(scores, 10), [(2, 0.5), (4, 0.25)]);
        assert_eq!(scan(&[] as &[(u64, f32)], 5, |s| Some(*s)).population.count, 0);
    }

    #[test]
    fn a_sample_is_large_enough_and_spread_out() {
        let items: Vec<usize> = (0..5_500).collect();
        let chosen: Vec<usize> = sample(&items, 1000).copied().collect();
        assert!(chosen.len() >= 1000 && chosen.len() < 2000);
        assert!(*chosen.last().unwrap() > 5_000);
        assert_eq!(sample(&items[..10], 1000).count(), 10);
        assert_eq!(sample(&items[..0], 0).count(), 0);
    }
}
