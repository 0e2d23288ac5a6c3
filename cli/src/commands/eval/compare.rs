//! Scores by query, kept in a file, and whether two settings differ by more than chance.
//!
//! The test is Fisher's paired randomisation test on nDCG@10, two-sided: how often a difference at
//! least as large comes about when each query's two scores change places at random (Smucker, Allan
//! and Carterette, "A comparison of statistical significance tests for information retrieval
//! evaluation", CIKM 2007).

use std::collections::HashMap;
use std::io::Write;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::lines;
use crate::errors::CliError;

/// How often places are changed.
const DRAWS: usize = 10_000;

/// What one query of one task scored in one mode.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct QueryScore {
    /// The collection's name.
    pub collection: String,
    /// The task's.
    pub task: String,
    /// `keyword`, `semantic` or `hybrid`.
    pub mode: String,
    /// The query's.
    pub query: String,
    /// 0 to 1.
    pub ndcg_at_10: f64,
    /// 0 or 1.
    pub accuracy_at_1: f64,
    /// 0 to 1.
    pub recall_at_100: f64,
    /// Whether the passage shown of the first relevant document holds an answer; `None` where nobody
    /// has written answers down, or no relevant document was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered: Option<bool>,
}

/// One task in one mode, beside what was kept of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Difference {
    /// Queries that both have.
    pub queries: usize,
    /// nDCG@10 now, less what it was: on average.
    pub ndcg_at_10: f64,
    /// Queries that score higher now, and lower.
    pub better: usize,
    /// Queries that score lower.
    pub worse: usize,
    /// Probability of a difference as large by chance alone.
    pub p: f64,
}

/// Scores of an earlier run.
#[derive(Debug, Default)]
pub struct Kept {
    /// By collection, task and mode, then by query.
    scores: HashMap<(String, String, String), HashMap<String, f64>>,
}

impl Kept {
    /// Reads what [`keep`] wrote.
    pub fn read(path: &Path) -> Result<Self, CliError> {
        let mut kept = Kept::default();
        lines::read(path, |line: QueryScore| {
            let task = (line.collection, line.task, line.mode);
            kept.scores.entry(task).or_default().insert(line.query, line.ndcg_at_10);
            Ok(())
        })?;
        Ok(kept)
    }

    /// How a task's scores now differ from those kept: from those of the same mode, or of the only
    /// mode that was kept. `None` where there is nothing to compare.
    pub fn against(&self, now: &[QueryScore]) -> Option<Difference> {
        let first = now.first()?;
        let task = |mode: &str| (first.collection.clone(), first.task.clone(), mode.to_owned());
        let before = self.scores.get(&task(&first.mode)).or_else(|| {
            let mut modes: Vec<&str> =
                self.scores.keys().map(|(_, _, mode)| mode.as_str()).collect();
            modes.sort_unstable();
            modes.dedup();
            match modes[..] {
                [only] => self.scores.get(&task(only)),
                _ => None,
            }
        })?;
        let differences: Vec<f64> = now
            .iter()
            .filter_map(|score| Some(score.ndcg_at_10 - before.get(&score.query)?))
            .collect();
        (!differences.is_empty()).then(|| Difference {
            queries: differences.len(),
            ndcg_at_10: mean(&differences),
            better: differences.iter().filter(|difference| **difference > 0.0).count(),
            worse: differences.iter().filter(|difference| **difference < 0.0).count(),
            p: probability(&differences),
        })
    }
}

/// Writes scores, one a line.
pub fn keep(path: &Path, scores: &[QueryScore]) -> Result<(), CliError> {
    let io = |error: std::io::Error| CliError::io(path, &error);
    let mut file = std::io::BufWriter::new(fs_err::File::create(path).map_err(io)?);
    for score in scores {
        serde_json::to_writer(&mut file, score)
            .map_err(|error| CliError::new(format!("{}: {error}", path.display())))?;
        file.write_all(b"\n").map_err(io)?;
    }
    file.flush().map_err(io)
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

/// The paired randomisation test; the same in every run.
fn probability(differences: &[f64]) -> f64 {
    let observed = differences.iter().sum::<f64>().abs();
    // Queries that do not differ change nothing when they change places.
    let differing: Vec<f64> = differences.iter().copied().filter(|d| *d != 0.0).collect();
    let mut random = SplitMix(0x1234_5678);
    let mut as_large = 0;
    for _ in 0..DRAWS {
        let mut sum = 0.0;
        for chunk in differing.chunks(64) {
            let mut signs = random.next();
            for difference in chunk {
                sum += if signs & 1 == 1 { *difference } else { -difference };
                signs >>= 1;
            }
        }
        // Equal sums may differ by rounding.
        as_large += usize::from(sum.abs() >= observed - 1e-9);
    }
    // The order observed is one of those possible.
    (as_large + 1) as f64 / (DRAWS + 1) as f64
}

/// SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014).
struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn scores(mode: &str, values: &[f64]) -> Vec<QueryScore> {
        values
            .iter()
            .enumerate()
            .map(|(at, value)| QueryScore {
                collection: "c".to_owned(),
                task: "t".to_owned(),
                mode: mode.to_owned(),
                query: format!("q{at}"),
                ndcg_at_10: *value,
                accuracy_at_1: 0.0,
                recall_at_100: 1.0,
                answered: None,
            })
            .collect()
    }

    #[test]
    fn few_queries_by_hand() {
        // Of the eight ways to give three equal differences signs, two are as extreme.
        let p = probability(&[0.5, 0.5, 0.5]);
        assert!((p - 0.25).abs() < 0.02, "{p}");
        let p = probability(&[0.5; 10]);
        assert!((p - 2.0 / 1024.0).abs() < 0.002, "{p}");
        assert_eq!(probability(&[0.0, 0.0]), 1.0);
    }

    #[test]
    fn kept_scores_are_met_by_query_and_mode() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("before.jsonl");
        keep(&path, &scores("keyword", &[1.0, 0.5, 0.0])).unwrap();
        let kept = Kept::read(&path).unwrap();
        let difference = kept.against(&scores("hybrid", &[1.0, 1.0, 0.5, 0.7])).unwrap();
        assert_eq!((difference.queries, difference.better, difference.worse), (3, 2, 0));
        assert!((difference.ndcg_at_10 - 1.0 / 3.0).abs() < 1e-12);
        let both = [scores("keyword", &[1.0]), scores("semantic", &[0.0])].concat();
        keep(&path, &both).unwrap();
        assert_eq!(Kept::read(&path).unwrap().against(&scores("hybrid", &[1.0])), None);
        assert!(Kept::read(&path).unwrap().against(&scores("semantic", &[1.0])).is_some());
    }

    proptest! {
        #[test]
        fn a_probability_that_knows_no_direction(
            differences in prop::collection::vec(-1.0f64..1.0, 1..40),
        ) {
            let p = probability(&differences);
            prop_assert!(p > 0.0 && p <= 1.0);
            let turned: Vec<f64> = differences.iter().map(|d| -d).collect();
            prop_assert!((probability(&turned) - p).abs() < 0.03);
        }
    }
}
