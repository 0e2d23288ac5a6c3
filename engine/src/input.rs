//! A batch, laid out as graphs take it.

use std::ops::Range;

use crate::bundle::Positions;

/// A batch of sequences, padded and laid out for a graph.
#[derive(Debug)]
pub(crate) struct Input {
    /// `[sequences, tokens]`, padded.
    pub(crate) ids: Vec<i64>,
    /// True length of each sequence.
    pub(crate) lengths: Vec<usize>,
    /// Length of a row.
    pub(crate) tokens: usize,
    /// Rows of each sequence's output to sum.
    pub(crate) spans: Vec<Vec<Range<usize>>>,
}

impl Input {
    /// Padded tokens of all sequences.
    pub(crate) fn padded_tokens(&self) -> usize {
        self.lengths.len() * self.tokens
    }

    /// The two halves of the batch; one sequence has none.
    pub(crate) fn halves(&self) -> Option<[Input; 2]> {
        let sequences = self.lengths.len();
        (sequences > 1).then(|| {
            let half = sequences / 2;
            [self.part(0..half), self.part(half..sequences)]
        })
    }

    /// One sequence with its padding.
    pub(crate) fn alone(&self, sequence: usize) -> Input {
        self.part(sequence..sequence + 1)
    }

    /// One sequence without padding.
    pub(crate) fn trimmed(&self, sequence: usize) -> Input {
        let mut input = self.alone(sequence);
        input.tokens = input.lengths[0];
        input.ids.truncate(input.tokens);
        input
    }

    fn part(&self, sequences: Range<usize>) -> Input {
        Input {
            ids: self.ids[sequences.start * self.tokens..sequences.end * self.tokens].to_vec(),
            lengths: self.lengths[sequences.clone()].to_vec(),
            tokens: self.tokens,
            spans: self.spans[sequences].to_vec(),
        }
    }

    /// First and end rows of all spans, counted over all sequences of the batch.
    pub(crate) fn flat_spans(&self) -> (Vec<i64>, Vec<i64>) {
        let rows = self.spans.iter().enumerate();
        rows.flat_map(|(row, spans)| {
            let first = row * self.tokens;
            spans.iter().map(move |s| ((first + s.start) as i64, (first + s.end) as i64))
        })
        .unzip()
    }

    /// The position that each token is said to have, padding included.
    pub(crate) fn positions(&self, positions: &Positions) -> Vec<i64> {
        let row: Vec<i64> = (0..self.tokens).map(|index| positions.of(index) as i64).collect();
        row.repeat(self.lengths.len())
    }

    /// One for each true token, zero for padding.
    pub(crate) fn mask(&self) -> Vec<i64> {
        let row = |&length: &usize| (0..self.tokens).map(move |token| i64::from(token < length));
        self.lengths.iter().flat_map(row).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bundle::PositionKind;

    #[test]
    fn the_mask_marks_true_tokens() {
        let input = Input { ids: vec![0; 6], lengths: vec![1, 3], tokens: 3, spans: vec![] };
        assert_eq!(input.mask(), [1, 0, 0, 1, 1, 1]);
    }

    #[test]
    fn positions_are_those_of_each_row() {
        let input = Input { ids: vec![0; 10], lengths: vec![2, 5], tokens: 5, spans: vec![] };
        let positions = |kind, offset| input.positions(&Positions { kind, offset })[5..].to_vec();
        assert_eq!(positions(PositionKind::Plain, 2), [2, 3, 4, 5, 6]);
        assert_eq!(positions(PositionKind::Grouped { group: 2 }, 0), [0, 0, 1, 1, 2]);
        assert_eq!(positions(PositionKind::Recurrent { period: 3 }, 1), [1, 2, 3, 1, 2]);
    }

    #[test]
    fn spans_count_over_the_whole_batch() {
        let spans = vec![vec![0..1, 1..3], vec![], vec![2..3]];
        let input = Input { ids: vec![0; 9], lengths: vec![3, 1, 3], tokens: 3, spans };
        assert_eq!(input.flat_spans(), (vec![0, 1, 8], vec![1, 3, 9]));
    }

    #[test]
    fn halves_keep_their_rows() {
        let input = Input {
            ids: (0..6).collect(),
            lengths: vec![1, 2, 2],
            tokens: 2,
            spans: vec![vec![0..1, 1..2], vec![0..2, 1..1], vec![1..2, 0..1]],
        };
        let [first, second] = input.halves().expect("three sequences");
        assert_eq!((first.ids, first.lengths), (vec![0, 1], vec![1]));
        assert_eq!(second.ids, [2, 3, 4, 5]);
        assert_eq!(second.lengths, [2, 2]);
        assert_eq!(second.spans, [[0..2, 1..1], [1..2, 0..1]]);
        assert_eq!(second.padded_tokens(), 4);
        assert_eq!(input.alone(0).ids, [0, 1]);
        assert_eq!((input.trimmed(0).ids, input.trimmed(0).tokens), (vec![0], 1));
        assert!(input.part(1..2).halves().is_none());
    }
}
