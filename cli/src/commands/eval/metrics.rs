//! Retrieval metrics over one ranked list.

use std::collections::HashMap;

/// Relevance of documents to one query, by document name; absent means 0.
pub type Relevance = HashMap<String, u32>;

/// nDCG at `k` with gain 2^rel - 1 and discount log2(rank + 1) (Järvelin and Kekäläinen 2002; Burges et al. 2005).
pub fn ndcg_at(ranked: &[String], relevance: &Relevance, k: usize) -> f64 {
    let mut ideal: Vec<u32> = relevance.values().copied().filter(|grade| *grade > 0).collect();
    ideal.sort_unstable_by(|a, b| b.cmp(a));
    let best = dcg(ideal.into_iter().take(k));
    if best == 0.0 {
        return 0.0;
    }
    dcg(ranked.iter().take(k).map(|name| relevance.get(name).copied().unwrap_or(0))) / best
}

fn dcg(grades: impl Iterator<Item = u32>) -> f64 {
    grades
        .enumerate()
        .map(|(at, grade)| (f64::from(grade).exp2() - 1.0) / (at as f64 + 2.0).log2())
        .sum()
}

/// 1 when the first document is relevant, otherwise 0.
pub fn accuracy_at_1(ranked: &[String], relevance: &Relevance) -> f64 {
    let hit =
        ranked.first().is_some_and(|name| relevance.get(name).is_some_and(|grade| *grade > 0));
    f64::from(u8::from(hit))
}

/// The share of the relevant documents among the first `k`.
pub fn recall_at(ranked: &[String], relevance: &Relevance, k: usize) -> f64 {
    let relevant = relevance.values().filter(|grade| **grade > 0).count();
    if relevant == 0 {
        return 0.0;
    }
    let found = ranked
        .iter()
        .take(k)
        .filter(|name| relevance.get(*name).is_some_and(|grade| *grade > 0))
        .count();
    found as f64 / relevant as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn names(list: &[&str]) -> Vec<String> {
        list.iter().map(ToString::to_string).collect()
    }

    fn grades(list: &[(&str, u32)]) -> Relevance {
        list.iter().map(|(name, grade)| ((*name).to_owned(), *grade)).collect()
    }

    #[test]
    fn one_relevant_document_at_rank_two() {
        let relevance = grades(&[("a", 1)]);
        let ranked = names(&["x", "a"]);
        assert!((ndcg_at(&ranked, &relevance, 10) - 1.0 / 3f64.log2()).abs() < 1e-12);
        assert_eq!(accuracy_at_1(&ranked, &relevance), 0.0);
        assert_eq!(recall_at(&ranked, &relevance, 100), 1.0);
    }

    #[test]
    fn graded_relevance_by_hand() {
        // Gains 1, 7, 0 in rank order against the ideal 7, 1.
        let relevance = grades(&[("a", 1), ("b", 3)]);
        let found = 1.0 + 7.0 / 3f64.log2();
        let best = 7.0 + 1.0 / 3f64.log2();
        let ndcg = ndcg_at(&names(&["a", "b", "c"]), &relevance, 10);
        assert!((ndcg - found / best).abs() < 1e-12);
    }

    #[test]
    fn beyond_k_counts_for_nothing() {
        let relevance = grades(&[("a", 1)]);
        assert_eq!(ndcg_at(&names(&["x", "y", "a"]), &relevance, 2), 0.0);
        assert_eq!(recall_at(&names(&["x", "y", "a"]), &relevance, 2), 0.0);
    }

    proptest! {
        #[test]
        fn all_lie_between_0_and_1(order in Just((0..12).collect::<Vec<u32>>()).prop_shuffle(),
                                   grades in prop::collection::vec(0u32..4, 12)) {
            let relevance: Relevance =
                grades.iter().enumerate().map(|(at, grade)| (at.to_string(), *grade)).collect();
            let ranked: Vec<String> = order.iter().map(ToString::to_string).collect();
            for value in [
                ndcg_at(&ranked, &relevance, 10),
                accuracy_at_1(&ranked, &relevance),
                recall_at(&ranked, &relevance, 5),
            ] {
                prop_assert!((0.0..=1.0 + 1e-12).contains(&value), "{value}");
            }
        }
    }
}
