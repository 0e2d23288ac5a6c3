//! Batches: which sequences run together, padded to which length.

/// How sequences may be put together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Batching {
    /// Only equal lengths share a run: the graph has no mask.
    Equal,
    /// As `Equal`, but sequences of up to `masked_tokens` tokens go to the graph with a mask, with
    /// others of nearly their length. Pays on a GPU, where short runs are all overhead.
    MaskedShort { masked_tokens: usize },
    /// Every sequence is padded to the next of these lengths (ascending); equal ones share a run.
    Buckets(Vec<usize>),
}

/// Sequences that run together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Batch {
    /// Indices of the sequences.
    pub(crate) sequences: Vec<usize>,
    /// Length each is padded to.
    pub(crate) tokens: usize,
    /// Whether the graph with a mask is to run it.
    pub(crate) masked: bool,
}

/// Padding a masked batch may have: a sequence is at least this part of the longest beside it.
const MASKED_FILL: (usize, usize) = (3, 4);

/// Puts sequences of the given lengths into batches of at most `budget` padded tokens; a sequence
/// longer than the budget runs alone. Long batches come first, so that memory peaks at the start.
pub(crate) fn plan(lengths: &[usize], budget: usize, batching: &Batching) -> Vec<Batch> {
    let mut order: Vec<usize> = (0..lengths.len()).collect();
    order.sort_by_key(|&index| (std::cmp::Reverse(lengths[index]), index));
    let mut batches: Vec<Batch> = Vec::new();
    for index in order {
        let length = lengths[index];
        let (tokens, masked) = match batching {
            Batching::Equal => (length, false),
            Batching::MaskedShort { masked_tokens } => (length, length <= *masked_tokens),
            Batching::Buckets(buckets) => {
                let bucket = buckets.partition_point(|&bucket| bucket < length);
                (buckets.get(bucket).copied().unwrap_or(length), true)
            }
        };
        match batches.last_mut() {
            Some(batch)
                if batch.masked == masked
                    && fits(batch, tokens, batching)
                    && (batch.sequences.len() + 1) * batch.tokens <= budget =>
            {
                batch.sequences.push(index);
            }
            _ => batches.push(Batch { sequences: vec![index], tokens, masked }),
        }
    }
    batches
}

fn fits(batch: &Batch, tokens: usize, batching: &Batching) -> bool {
    let nearly = tokens * MASKED_FILL.1 >= batch.tokens * MASKED_FILL.0;
    // Buckets are never mixed: a sequence runs in its own, whatever runs beside it.
    batch.tokens == tokens
        || (batch.masked && nearly && matches!(batching, Batching::MaskedShort { .. }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn equal_lengths_go_together_under_the_budget() {
        let batches = plan(&[512, 100, 512, 512, 100], 1024, &Batching::Equal);
        let sequences: Vec<_> = batches.iter().map(|b| b.sequences.clone()).collect();
        assert_eq!(sequences, [vec![0, 2], vec![3], vec![1, 4]]);
    }

    #[test]
    fn short_sequences_are_padded_to_their_neighbours_when_masked() {
        let batching = Batching::MaskedShort { masked_tokens: 128 };
        let batches = plan(&[512, 120, 100, 60, 511], 4096, &batching);
        let parts: Vec<_> =
            batches.iter().map(|b| (b.sequences.clone(), b.tokens, b.masked)).collect();
        assert_eq!(
            parts,
            [
                (vec![0], 512, false),
                (vec![4], 511, false),
                (vec![1, 2], 120, true),
                (vec![3], 60, true)
            ]
        );
    }

    #[test]
    fn buckets_round_up() {
        let batches = plan(&[3, 17, 16, 128], 64, &Batching::Buckets(vec![16, 32, 64, 128]));
        let parts: Vec<_> = batches.iter().map(|b| (b.sequences.clone(), b.tokens)).collect();
        assert_eq!(parts, [(vec![3], 128), (vec![1], 32), (vec![2, 0], 16)]);
    }

    #[test]
    fn buckets_that_lie_close_are_not_mixed() {
        let batches = plan(&[100, 60, 90], 4096, &Batching::Buckets(vec![64, 96, 128]));
        let parts: Vec<_> = batches.iter().map(|b| (b.sequences.clone(), b.tokens)).collect();
        assert_eq!(parts, [(vec![0], 128), (vec![2], 96), (vec![1], 64)]);
    }

    fn batchings() -> impl Strategy<Value = Batching> {
        prop_oneof![
            Just(Batching::Equal),
            (1usize..600).prop_map(|masked_tokens| Batching::MaskedShort { masked_tokens }),
            Just(Batching::Buckets(vec![16, 64, 256, 600])),
        ]
    }

    proptest! {
        #[test]
        fn each_sequence_runs_once_within_the_budget(
            lengths in proptest::collection::vec(1usize..600, 0..200),
            budget in 1usize..5000,
            batching in batchings(),
        ) {
            let batches = plan(&lengths, budget, &batching);
            let mut seen: Vec<usize> = batches.iter().flat_map(|b| b.sequences.clone()).collect();
            seen.sort_unstable();
            prop_assert_eq!(seen, (0..lengths.len()).collect::<Vec<_>>());
            for batch in &batches {
                prop_assert!(
                    batch.sequences.len() == 1 || batch.sequences.len() * batch.tokens <= budget
                );
                for &index in &batch.sequences {
                    prop_assert!(lengths[index] <= batch.tokens);
                    prop_assert!(batch.masked || lengths[index] == batch.tokens);
                }
            }
        }
    }
}
