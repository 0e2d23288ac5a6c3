//! Fusing several rankings into one by standardised scores.
//!
//! Each signal's score is turned into a standard score, z = (score - mean) / standard deviation,
//! and a document's fused score is Σ weight · z. The population that mean and deviation are over
//! is **every live document that the filters let through**, not only those a signal ranked highest:
//! - keyword (BM25): a document without any of the words counts, with score 0, so that matching at
//!   all is worth the more the fewer documents match; up to a limit, see [`keyword_population`];
//! - vectors: every encoded document, from the exact scan; where a graph answers, from an even
//!   sample of a thousand or more.
//!
//! Standard scores keep what reciprocal rank fusion throws away: how far ahead a document is. On
//! collections of long documents, where BM25 is strong, RRF (k 60) came out below BM25 alone (77.0
//! against 79.4 nDCG@10) and z(BM25) + 0.3 z(document) + 0.3 z(passage) above it (81.6). The default
//! [`Weights`] hold beside today's signal by word, too (`benches/QUALITY.md`).
//!
//! Since z does not change when a signal is scaled or shifted, neither does the fused order.

use std::collections::{HashMap, HashSet};

/// Count, mean and spread of values as they come, by Welford's method; two of them merge by that of
/// Chan, Golub and `LeVeque` ("Algorithms for computing the sample variance", 1983).
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Moments {
    count: u64,
    mean: f64,
    squares: f64,
}

impl Moments {
    /// Adds one value. NaN and infinities are left out.
    pub fn push(&mut self, value: f64) {
        if value.is_finite() {
            self.count += 1;
            let from_old_mean = value - self.mean;
            self.mean += from_old_mean / self.count as f64;
            self.squares += from_old_mean * (value - self.mean);
        }
    }

    /// Adds `count` values of 0: the documents that a keyword query does not match.
    pub fn push_zeros(&mut self, count: u64) {
        self.merge(&Moments { count, mean: 0.0, squares: 0.0 });
    }

    /// Adds the values that another has seen.
    pub fn merge(&mut self, other: &Moments) {
        if other.count == 0 {
            return;
        }
        let count = self.count + other.count;
        let apart = other.mean - self.mean;
        let share = other.count as f64 / count as f64;
        self.squares += other.squares + apart * apart * self.count as f64 * share;
        self.mean += apart * share;
        self.count = count;
    }

    /// As if `count` values had been seen of which these are a fair sample.
    #[must_use]
    pub fn standing_for(&self, count: u64) -> Self {
        let share = count as f64 / self.count.max(1) as f64;
        Self { count, mean: self.mean, squares: self.squares * share }
    }

    /// The population seen so far.
    #[must_use]
    pub fn population(&self) -> Population {
        let variance = if self.count == 0 { 0.0 } else { self.squares / self.count as f64 };
        Population { count: self.count, mean: self.mean, std: variance.max(0.0).sqrt() }
    }
}

/// Statistics of one signal's scores over all documents that could have been found.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Population {
    /// Number of documents.
    pub count: u64,
    /// Mean score.
    pub mean: f64,
    /// Standard deviation of the scores, dividing by `count`; not negative.
    pub std: f64,
}

/// Documents without a match that count for each one with a match.
const MISSES_PER_MATCH: u64 = 99;

/// The population of BM25 scores, from those of the documents that match and the number of `live`
/// documents that could have.
///
/// Documents without a match count as 0, but only 99 for each match. The standard score of a match
/// grows with √(live / matching): were all of them counted, then among a hundred thousand documents
/// a word that ten of them hold would standardise to 100, and no vector could say which of the ten
/// is about it. With the limit a lone match stands at about 10, well above anything that two vector
/// signals of weight 0.3 reach, so rare names and identifiers stay on top, and the order among a few
/// matches is still open to meaning. In collections of a few hundred documents, such as the weights
/// were measured on, the limit hardly ever applies.
#[must_use]
pub fn keyword_population(matching: &Moments, live: u64) -> Population {
    let misses = live.saturating_sub(matching.count);
    let mut moments = *matching;
    moments.push_zeros(misses.min(matching.count.saturating_mul(MISSES_PER_MATCH)));
    moments.population()
}

impl Population {
    /// The standard score, 0 where the population has no spread to measure by.
    fn standardise(&self, score: f32) -> Option<f64> {
        if !score.is_finite() {
            return None;
        }
        let z = (f64::from(score) - self.mean) / self.std;
        Some(if self.has_spread() && z.is_finite() { z } else { 0.0 })
    }

    /// Whether scores differ by more than f32 rounding: a thousand equal cosines can, summed up,
    /// show a deviation of 1e-9, and dividing by that would make noise decide the order.
    fn has_spread(&self) -> bool {
        self.count > 1 && self.std > f64::from(f32::EPSILON) * self.mean.abs() && self.std > 0.0
    }
}

/// How much each signal counts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Weights {
    /// BM25 over the whole document.
    pub keyword: f32,
    /// Cosine of query and document vector.
    pub document: f32,
    /// Highest cosine of the query with one of the document's passages.
    pub passage: f32,
}

impl Weights {
    /// Those that find most where words count, too: see the module.
    pub const HYBRID: Self = Self { keyword: 1.0, document: 0.3, passage: 0.3 };
    /// Those that find most by meaning alone.
    pub const SEMANTIC: Self = Self { keyword: 0.0, document: 0.2, passage: 0.6 };
}

/// What stands in for a score that a document does not have.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Missing {
    /// A known score: 0 for BM25, where no match means no score.
    Score(f32),
    /// Nothing is known yet: the document has not been encoded. It gets what encoded candidates
    /// with as good a keyword score have on average.
    Estimate,
}

/// One signal's scores of the candidates, and what they are measured against.
#[derive(Debug, Clone)]
pub struct Signal<'a> {
    /// Name for explanations, such as `keyword`.
    pub name: &'static str,
    /// Factor of the standard score, not negative.
    pub weight: f32,
    /// Score by document id. A score that is not finite counts as missing.
    pub scores: &'a HashMap<u64, f32>,
    /// Statistics over the whole collection behind the filters, not over `scores`.
    pub population: Population,
    /// What stands in for documents that are not in `scores`.
    pub missing: Missing,
}

/// A candidate's place in the fused ranking.
#[derive(Debug, Clone, PartialEq)]
pub struct Fused {
    /// Document id.
    pub id: u64,
    /// Σ weight · standard score.
    pub score: f32,
    /// Whether the document was named exactly, which puts it before all that were not.
    pub exact: bool,
    /// The standard score for each signal, in the order given; `None` where it was estimated.
    pub standardised: Vec<Option<f32>>,
}

/// Ranks the candidates by their fused score, best first, equal ones by id.
///
/// `exact` holds the documents whose file name, title or identifier is what was asked for. They
/// come before all others, ranked among themselves by the fused score: who types a name wants that
/// document, whatever else resembles it.
///
/// A document that has no vectors yet must neither lose nor win by that. Were the signal left out or
/// set to the mean (z = 0), it would lose against every encoded document that matches as well,
/// because documents matching by word mostly are near by meaning too. So its z is estimated as
/// slope · z(keyword), by least squares through the population means over the candidates that have
/// both; the keyword signal is the first whose missing scores are known. The slope is kept within
/// 0..=1 and the estimate at most at the best z observed; with fewer than [`ESTIMATE_FROM`]
/// candidates to learn from it is 0. Unencoded documents thus keep their order by word.
pub fn fuse(
    signals: &[Signal<'_>],
    candidates: impl IntoIterator<Item = u64>,
    exact: &HashSet<u64>,
) -> Vec<Fused> {
    let mut ids: Vec<u64> = candidates.into_iter().collect();
    ids.sort_unstable();
    ids.dedup();
    let columns: Vec<Vec<Option<f64>>> =
        signals.iter().map(|signal| standardised_column(signal, &ids)).collect();
    let keyword = signals.iter().position(|signal| matches!(signal.missing, Missing::Score(_)));
    let estimates: Vec<Estimate> = columns
        .iter()
        .map(|column| keyword.map_or(Estimate::NONE, |k| Estimate::learn(&columns[k], column)))
        .collect();

    let mut ranking: Vec<(f64, Fused)> = Vec::with_capacity(ids.len());
    for (row, &id) in ids.iter().enumerate() {
        let keyword_z = keyword.and_then(|k| columns[k][row]).unwrap_or(0.0);
        let mut score = 0.0;
        for ((signal, column), estimate) in signals.iter().zip(&columns).zip(&estimates) {
            let z = column[row].unwrap_or_else(|| estimate.at(keyword_z));
            score += f64::from(signal.weight) * z;
        }
        let standardised = columns.iter().map(|column| column[row].map(|z| z as f32)).collect();
        let exact = exact.contains(&id);
        ranking.push((score, Fused { id, score: score as f32, exact, standardised }));
    }
    // By the f64 score: documents that differ must not become equal by rounding to f32.
    ranking.sort_by(|(a_score, a), (b_score, b)| {
        b.exact.cmp(&a.exact).then_with(|| b_score.total_cmp(a_score)).then_with(|| a.id.cmp(&b.id))
    });
    ranking.into_iter().map(|(_, fused)| fused).collect()
}

/// Candidates with both scores from which on an estimate is ventured.
pub const ESTIMATE_FROM: usize = 10;

fn standardised_column(signal: &Signal<'_>, ids: &[u64]) -> Vec<Option<f64>> {
    let of_missing = match signal.missing {
        Missing::Score(score) => signal.population.standardise(score),
        Missing::Estimate => None,
    };
    ids.iter()
        .map(|id| {
            let score = signal.scores.get(id)?;
            signal.population.standardise(*score)
        })
        .map(|z| z.or(of_missing))
        .collect()
}

/// The line through the origin that gives one signal's z from the keyword signal's.
struct Estimate {
    slope: f64,
    highest: f64,
}

impl Estimate {
    const NONE: Self = Self { slope: 0.0, highest: 0.0 };

    /// Choosing candidates by their keyword score does not bias a regression on that score, and
    /// those chosen by their vectors alone lie near keyword z = 0, where they weigh little.
    fn learn(keyword: &[Option<f64>], signal: &[Option<f64>]) -> Self {
        let pairs: Vec<(f64, f64)> =
            keyword.iter().zip(signal).filter_map(|(&x, &y)| x.zip(y)).collect();
        let spread: f64 = pairs.iter().map(|(x, _)| x * x).sum();
        if pairs.len() < ESTIMATE_FROM || spread <= 0.0 {
            return Self::NONE;
        }
        let slope = pairs.iter().map(|(x, y)| x * y).sum::<f64>() / spread;
        let highest = pairs.iter().map(|&(_, y)| y).fold(0.0, f64::max);
        Self { slope: slope.clamp(0.0, 1.0), highest }
    }

    fn at(&self, keyword_z: f64) -> f64 {
        (self.slope * keyword_z).min(self.highest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn population(values: &[f32]) -> Population {
        let mut moments = Moments::default();
        values.iter().for_each(|&v| moments.push(f64::from(v)));
        moments.population()
    }

    fn scores(values: &[(u64, f32)]) -> HashMap<u64, f32> {
        values.iter().copied().collect()
    }

    fn order(ranking: &[Fused]) -> Vec<u64> {
        ranking.iter().map(|fused| fused.id).collect()
    }

    fn keyword<'a>(scores: &'a HashMap<u64, f32>, population: Population) -> Signal<'a> {
        let missing = Missing::Score(0.0);
        Signal { name: "keyword", weight: 1.0, scores, population, missing }
    }

    fn vectors<'a>(scores: &'a HashMap<u64, f32>, population: Population) -> Signal<'a> {
        let missing = Missing::Estimate;
        Signal { name: "document", weight: 0.3, scores, population, missing }
    }

    #[test]
    fn a_fused_score_is_the_weighted_sum_of_standard_scores() {
        let words = scores(&[(1, 8.0), (2, 4.0)]);
        let mut moments = Moments::default();
        moments.push(8.0);
        moments.push(4.0);
        moments.push_zeros(2);
        let words_population = moments.population();
        assert_eq!((words_population.count, words_population.mean), (4, 3.0));
        let std = 11.0f64.sqrt();
        assert!((words_population.std - std).abs() < 1e-12);
        let cosines = scores(&[(1, 0.2), (2, 0.4), (3, 0.6), (4, 0.0)]);
        let cosine_population = population(&[0.2, 0.4, 0.6, 0.0]);
        let signals = [keyword(&words, words_population), vectors(&cosines, cosine_population)];
        let ranking = fuse(&signals, [1, 2, 3, 2], &HashSet::new());
        assert_eq!(order(&ranking), [1, 2, 3]);
        let expected = (8.0 - 3.0) / std + 0.3 * (0.2 - 0.3) / 0.05f64.sqrt();
        assert!((f64::from(ranking[0].score) - expected).abs() < 1e-5);
        // A document without the words has BM25 0, which is below the mean.
        assert!((f64::from(ranking[2].standardised[0].unwrap()) + 3.0 / std).abs() < 1e-5);
    }

    #[test]
    fn a_signal_without_spread_decides_nothing() {
        let none = HashMap::new();
        let mut no_match = Moments::default();
        no_match.push_zeros(1_000);
        let cosines = scores(&[(1, 0.1), (2, 0.5), (3, 0.3)]);
        let signals = [
            keyword(&none, no_match.population()),
            vectors(&cosines, population(&[0.1, 0.5, 0.3])),
        ];
        let ranking = fuse(&signals, [1, 2, 3], &HashSet::new());
        assert_eq!(order(&ranking), [2, 3, 1]);
        assert_eq!(ranking[0].standardised[0], Some(0.0));

        let equal = [0.1f32; 1000];
        let one = scores(&[(1, 0.1), (2, 0.1 + f32::EPSILON / 16.0)]);
        let ranking = fuse(&[vectors(&one, population(&equal))], [1, 2], &HashSet::new());
        assert!(ranking.iter().all(|fused| fused.score == 0.0));

        let alone = scores(&[(7, 3.0)]);
        let ranking = fuse(&[keyword(&alone, population(&[3.0]))], [7], &HashSet::new());
        assert_eq!((ranking[0].id, ranking[0].score), (7, 0.0));
        assert!(fuse(&[], [], &HashSet::new()).is_empty());
        assert_eq!(order(&fuse(&[], [3, 1], &HashSet::new())), [1, 3]);
    }

    #[test]
    fn rare_matches_stand_high_but_not_without_bound() {
        let mut matching = Moments::default();
        matching.push(12.0);
        let z = |live| keyword_population(&matching, live).standardise(12.0).unwrap();
        assert_eq!(z(1), 0.0, "the only document is average");
        assert!((z(101) - 9.95).abs() < 0.01 && z(50) < z(101));
        assert_eq!(z(101), z(100_000));
        assert_eq!(keyword_population(&Moments::default(), 500), Population::default());

        // A rare identifier stays before the best by meaning that does not hold it.
        let words = scores(&[(1, 12.0)]);
        let cosines = scores(&[(1, 0.1), (2, 0.8)]);
        let nearness = Population { count: 100_000, mean: 0.1, std: 0.1 };
        let signals =
            [keyword(&words, keyword_population(&matching, 100_000)), vectors(&cosines, nearness)];
        assert_eq!(order(&fuse(&signals, [1, 2], &HashSet::new())), [1, 2]);
    }

    #[test]
    fn exact_names_come_first() {
        let words = scores(&[(1, 9.0), (2, 1.0), (3, 5.0), (4, 0.5)]);
        let signals = [keyword(&words, population(&[9.0, 1.0, 5.0, 0.5]))];
        let ranking = fuse(&signals, 1..=4, &HashSet::from([2, 4, 99]));
        assert_eq!(order(&ranking), [2, 4, 1, 3]);
        assert!(ranking[1].exact && !ranking[2].exact);
    }

    /// Twenty documents, BM25 and cosine rising together; one of them loses its vector.
    #[test]
    fn an_unencoded_document_keeps_its_place() {
        let words: HashMap<u64, f32> = (0..20).map(|id| (id, id as f32)).collect();
        let cosines: HashMap<u64, f32> = (0..20).map(|id| (id, 0.3 + 0.02 * id as f32)).collect();
        let word_population = population(&words.values().copied().collect::<Vec<_>>());
        let complete = fuse(
            &[
                keyword(&words, word_population),
                vectors(&cosines, population(&cosines.values().copied().collect::<Vec<_>>())),
            ],
            0..20,
            &HashSet::new(),
        );
        for missing in 0..20u64 {
            let mut partial = cosines.clone();
            partial.remove(&missing);
            let cosine_population = population(&partial.values().copied().collect::<Vec<_>>());
            let signals = [keyword(&words, word_population), vectors(&partial, cosine_population)];
            let ranking = fuse(&signals, 0..20, &HashSet::new());
            let place = |ranking: &[Fused]| {
                ranking.iter().position(|fused| fused.id == missing).unwrap() as i64
            };
            assert!((place(&ranking) - place(&complete)).abs() <= 1, "document {missing}");
            let row = ranking.iter().find(|fused| fused.id == missing).unwrap();
            assert_eq!(row.standardised[1], None);
        }
    }

    #[test]
    fn without_anything_to_learn_from_an_unencoded_document_is_average() {
        let words = scores(&[(1, 2.0), (2, 1.0)]);
        let cosines = scores(&[(2, 0.9)]);
        let cosine_population = Population { count: 100, mean: 0.5, std: 0.2 };
        let signals =
            [keyword(&words, population(&[2.0, 1.0])), vectors(&cosines, cosine_population)];
        let ranking = fuse(&signals, [1, 2], &HashSet::new());
        let first = ranking.iter().find(|fused| fused.id == 1).unwrap();
        assert!((first.score - 1.0).abs() < 1e-6, "z(keyword) alone");
    }

    #[test]
    fn numbers_that_are_none_are_missing_scores() {
        let words = scores(&[(1, f32::NAN), (2, 1.0), (3, f32::INFINITY)]);
        let broken = Population { count: 5, mean: f64::NAN, std: f64::INFINITY };
        let signals = [keyword(&words, population(&[1.0, 0.0, 2.0])), keyword(&words, broken)];
        let ranking = fuse(&signals, [1, 2, 3], &HashSet::new());
        assert_eq!(order(&ranking), [2, 1, 3]);
        assert!(ranking.iter().all(|fused| fused.score.is_finite()));
    }

    proptest! {
        #[test]
        fn moments_do_not_depend_on_how_values_are_split(
            values in prop::collection::vec(-100.0f64..100.0, 0..200), cut in 0usize..200, zeros in 0u64..50,
        ) {
            let cut = cut.min(values.len());
            let (mut left, mut right) = (Moments::default(), Moments::default());
            values[..cut].iter().for_each(|&v| left.push(v));
            values[cut..].iter().for_each(|&v| right.push(v));
            right.push_zeros(zeros);
            left.merge(&right);
            let found = left.population();
            let n = values.len() as f64 + zeros as f64;
            prop_assert_eq!(found.count as f64, n);
            if n > 0.0 {
                let mean = values.iter().sum::<f64>() / n;
                let squares = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() + zeros as f64 * mean * mean;
                prop_assert!((found.mean - mean).abs() < 1e-9);
                prop_assert!((found.std - (squares / n).sqrt()).abs() < 1e-6);
            }
        }

        #[test]
        fn scaling_and_shifting_a_signal_changes_nothing(
            rows in prop::collection::vec((0u8..100, prop::option::of(0u8..100)), 2..60),
            power in -4i32..6, shift in -8i8..8, which in 0usize..2,
        ) {
            let words: HashMap<u64, f32> = rows.iter().enumerate().map(|(i, r)| (i as u64, f32::from(r.0))).collect();
            let cosines: HashMap<u64, f32> =
                rows.iter().enumerate().filter_map(|(i, r)| Some((i as u64, f32::from(r.1?) / 128.0))).collect();
            // By a power of two and whole steps, so that f32 rounds nothing and ties stay ties.
            let factor = 2.0f32.powi(power);
            let changed = |values: &HashMap<u64, f32>| -> HashMap<u64, f32> {
                values.iter().map(|(&id, &v)| (id, (v + f32::from(shift)) * factor)).collect()
            };
            let all = |values: &HashMap<u64, f32>| {
                let mut ids: Vec<_> = values.iter().collect();
                ids.sort_by_key(|(id, _)| **id);
                population(&ids.iter().map(|(_, v)| **v).collect::<Vec<_>>())
            };
            let (words2, cosines2) =
                if which == 0 { (changed(&words), cosines.clone()) } else { (words.clone(), changed(&cosines)) };
            let rank = |words: &HashMap<u64, f32>, cosines: &HashMap<u64, f32>| {
                fuse(&[keyword(words, all(words)), vectors(cosines, all(cosines))], 0..rows.len() as u64, &HashSet::new())
            };
            let (one, two) = (rank(&words, &cosines), rank(&words2, &cosines2));
            for fused in &two {
                prop_assert!(fused.score.is_finite());
                let before = one.iter().find(|f| f.id == fused.id).unwrap();
                prop_assert!((before.score - fused.score).abs() < 1e-4);
            }
            for pair in two.windows(2) {
                // The same order, but for scores equal up to rounding.
                let score = |id| one.iter().find(|f| f.id == id).unwrap().score;
                prop_assert!(score(pair[0].id) >= score(pair[1].id) - 1e-4);
            }
        }

        #[test]
        fn a_higher_score_never_ranks_lower(
            rows in prop::collection::vec((0.0f32..20.0, -1.0f32..1.0), 2..40), at in any::<prop::sample::Index>(), more in 0.0f32..5.0,
        ) {
            let words: HashMap<u64, f32> = rows.iter().enumerate().map(|(i, r)| (i as u64, r.0)).collect();
            let cosines: HashMap<u64, f32> = rows.iter().enumerate().map(|(i, r)| (i as u64, r.1)).collect();
            let populations = (Population { count: 1000, mean: 1.0, std: 3.0 }, Population { count: 1000, mean: 0.2, std: 0.1 });
            let place = |words: &HashMap<u64, f32>, id: u64| {
                let signals = [keyword(words, populations.0), vectors(&cosines, populations.1)];
                fuse(&signals, 0..rows.len() as u64, &HashSet::new()).iter().position(|f| f.id == id).unwrap()
            };
            let id = at.index(rows.len()) as u64;
            let before = place(&words, id);
            let mut raised = words.clone();
            *raised.get_mut(&id).unwrap() += more;
            prop_assert!(place(&raised, id) <= before);
        }
    }
}
