//! Pooling: token vectors into passage, section and document vectors.

use std::ops::Range;

use crate::error::EngineError;

/// A running mean of token vectors. Sums are kept in f64: a section has tens of thousands.
#[derive(Debug, Clone)]
pub(crate) struct Mean {
    sum: Vec<f64>,
    tokens: usize,
}

impl Mean {
    pub(crate) fn new(dimensions: usize) -> Mean {
        Mean { sum: vec![0.0; dimensions], tokens: 0 }
    }

    /// Adds the sum of `tokens` token vectors.
    pub(crate) fn add(&mut self, sum: &[f32], tokens: usize) {
        for (total, &part) in self.sum.iter_mut().zip(sum) {
            *total += f64::from(part);
        }
        self.tokens += tokens;
    }

    /// Adds the mean of `tokens` token vectors.
    pub(crate) fn add_mean(&mut self, mean: &[f32], tokens: usize) {
        for (total, &part) in self.sum.iter_mut().zip(mean) {
            *total += f64::from(part) * tokens as f64;
        }
        self.tokens += tokens;
    }

    /// Token vectors added so far.
    pub(crate) fn tokens(&self) -> usize {
        self.tokens
    }

    /// The mean, of whatever length it has; zero if nothing was added.
    pub(crate) fn mean(&self) -> Vec<f32> {
        let tokens = self.tokens.max(1) as f64;
        self.sum.iter().map(|&total| (total / tokens) as f32).collect()
    }

    /// The mean scaled to unit length; `None` if it has no direction.
    pub(crate) fn unit(&self) -> Option<Vec<f32>> {
        unit(&self.sum)
    }
}

/// Sums rows of a matrix with `dimensions` columns.
pub(crate) fn sum_rows(matrix: &[f32], dimensions: usize, rows: Range<usize>, sum: &mut [f32]) {
    sum.fill(0.0);
    for row in matrix[rows.start * dimensions..rows.end * dimensions].chunks_exact(dimensions) {
        for (total, &value) in sum.iter_mut().zip(row) {
            *total += value;
        }
    }
}

/// A vector scaled to unit length; `None` if it is zero or not finite.
fn unit(vector: &[f64]) -> Option<Vec<f32>> {
    let norm = vector.iter().map(|value| value * value).sum::<f64>().sqrt();
    (norm.is_normal()).then(|| vector.iter().map(|&value| (value / norm) as f32).collect())
}

/// The document vector: the mean of its sections' means, each weighted by its tokens, scaled to unit
/// length. `sections` are [`SectionVectors::tokens`](crate::SectionVectors::tokens) and
/// [`SectionVectors::mean`](crate::SectionVectors::mean).
///
/// Without sections the result is empty. It is never zero or NaN for finite means: should they
/// cancel out, the heaviest section that has a direction speaks for the document.
///
/// # Panics
/// When the means are of different lengths.
pub fn combine(sections: &[(usize, &[f32])]) -> Vec<f32> {
    let Some((_, first)) = sections.first() else { return Vec::new() };
    let mut sum = vec![0.0; first.len()];
    for (tokens, mean) in sections {
        assert_eq!(mean.len(), sum.len(), "sections of one document have vectors of one length");
        for (total, &value) in sum.iter_mut().zip(*mean) {
            *total += f64::from(value) * *tokens as f64;
        }
    }
    let widened = |mean: &[f32]| mean.iter().map(|&value| f64::from(value)).collect::<Vec<_>>();
    unit(&sum)
        .or_else(|| {
            let mut heaviest: Vec<_> = sections.iter().collect();
            heaviest.sort_by_key(|(tokens, _)| std::cmp::Reverse(*tokens));
            heaviest.into_iter().find_map(|(_, mean)| unit(&widened(mean)))
        })
        .unwrap_or_else(|| first.to_vec())
}

/// Refuses sums that are not finite: one such token would spoil a whole document.
pub(crate) fn check_finite(sums: &[f32]) -> Result<(), EngineError> {
    // The sum of the magnitudes is finite exactly if all are (or nearly overflow, as bad a sign),
    // and needs no branch per value.
    let total: f32 = sums.iter().map(|value| value.abs()).sum();
    if total.is_finite() { Ok(()) } else { Err(EngineError::BadOutput { what: "NaN or infinity" }) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn rows_are_summed_by_column() {
        let matrix = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        let mut sum = [9.0; 2];
        sum_rows(&matrix, 2, 1..3, &mut sum);
        assert_eq!(sum, [8.0, 10.0]);
    }

    #[test]
    fn sections_weigh_as_many_tokens_as_they_have() {
        let vector = combine(&[(3, &[1.0, 0.0]), (1, &[0.0, 1.0])]);
        let norm = 10f32.sqrt();
        assert!((vector[0] - 3.0 / norm).abs() < 1e-6 && (vector[1] - 1.0 / norm).abs() < 1e-6);
    }

    #[test]
    fn opposite_sections_leave_the_heavier_one() {
        assert_eq!(combine(&[(1, &[-2.0, 0.0]), (2, &[1.0, 0.0])]), [1.0, 0.0]);
        assert_eq!(combine(&[]), Vec::<f32>::new());
    }

    #[test]
    fn nan_and_infinity_are_refused() {
        assert!(check_finite(&[1.0, -2.0, 0.0]).is_ok());
        assert!(check_finite(&[1.0, f32::NAN]).is_err());
        assert!(check_finite(&[f32::INFINITY, 1.0]).is_err());
        assert!(check_finite(&[f32::INFINITY, f32::NEG_INFINITY]).is_err());
    }

    #[test]
    fn a_zero_mean_has_no_direction() {
        let mut mean = Mean::new(2);
        assert_eq!(mean.unit(), None);
        mean.add(&[0.0, 4.0], 2);
        assert_eq!(mean.unit(), Some(vec![0.0, 1.0]));
        assert_eq!(mean.mean(), [0.0, 2.0]);
    }

    proptest! {
        /// Cutting the same tokens into sections differently does not move the document.
        #[test]
        fn combine_does_not_depend_on_where_sections_end(
            tokens in proptest::collection::vec(proptest::array::uniform4(-1.0f32..1.0), 2..60),
            cut in 1usize..59,
        ) {
            let cut = cut.min(tokens.len() - 1);
            let mean = |tokens: &[[f32; 4]]| {
                let mut mean = Mean::new(4);
                tokens.iter().for_each(|token| mean.add(token, 1));
                mean.mean()
            };
            let (a, b) = tokens.split_at(cut);
            let whole = combine(&[(tokens.len(), &mean(&tokens))]);
            prop_assume!(mean(&tokens).iter().map(|x| x * x).sum::<f32>().sqrt() > 1e-3);
            let parts = combine(&[(a.len(), &mean(a)), (b.len(), &mean(b))]);
            let cosine: f32 = whole.iter().zip(&parts).map(|(x, y)| x * y).sum();
            prop_assert!(cosine > 0.9999, "{cosine}");
        }
    }
}
