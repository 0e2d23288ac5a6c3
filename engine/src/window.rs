//! Windows: the sequences a section is cut into, and which of their tokens count where.

use std::ops::Range;

use crate::bundle::{Manifest, Mode};
use crate::section::Section;

/// How sections become sequences: sizes, and the ids around each.
#[derive(Debug, Clone)]
pub(crate) struct Windowing {
    /// Ids before the text's own, a prefix text's included.
    pub(crate) head: Vec<u32>,
    /// Ids after the text's own.
    pub(crate) tail: Vec<u32>,
    /// Tokens of text in a window at most.
    capacity: usize,
    /// Tokens shared by neighbouring windows.
    overlap: usize,
    /// Whether several windows are of one length, rather than the last as short as it comes out: it would know little
    /// of the document, and its vector would stand beside those of windows many times as long.
    even: bool,
}

/// One sequence: a stretch of a section's tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Window {
    /// Tokens of the section that the graph is given.
    pub(crate) content: Range<usize>,
    /// The part of them that is pooled from this window; the rest is context, pooled elsewhere.
    pub(crate) owned: Range<usize>,
}

/// Rows of a sequence's output that are summed together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) rows: Range<usize>,
    /// Index of the passage within its section; `None` for special tokens and text between passages.
    pub(crate) passage: Option<usize>,
}

impl Window {
    /// The same stretch so many tokens later.
    pub(crate) fn shifted(self, by: usize) -> Window {
        let shift = |range: Range<usize>| range.start + by..range.end + by;
        Window { content: shift(self.content), owned: shift(self.owned) }
    }
}

impl Windowing {
    /// `prefix` are the ids of the manifest's query or document prefix. `None` where prefix and
    /// overlap leave no room for text.
    pub(crate) fn new(manifest: &Manifest, prefix: &[u32]) -> Option<Windowing> {
        let special = &manifest.special;
        let (tokens, overlap, even) = match manifest.mode {
            Mode::Windows { window_tokens, overlap_tokens } => {
                (window_tokens, overlap_tokens, false)
            }
            Mode::Whole { max_tokens, overlap_tokens, .. } => {
                (max_tokens.checked_sub(manifest.special_tokens())?, overlap_tokens, true)
            }
        };
        let capacity = tokens.checked_sub(prefix.len())?;
        (capacity > overlap).then(|| Windowing {
            head: [&special.prefix_ids, prefix].concat(),
            tail: special.suffix_ids.clone(),
            capacity,
            overlap,
            even,
        })
    }

    /// Cuts `tokens` tokens into windows; text without tokens still makes one, of special tokens.
    ///
    /// Where windows overlap, the earlier one owns the first half of what they share and the later
    /// one the second, so that each token has context on both sides and counts once.
    pub(crate) fn windows(&self, tokens: usize) -> Vec<Window> {
        let count = 1 + tokens.saturating_sub(self.capacity).div_ceil(self.capacity - self.overlap);
        let capacity = match self.even && count > 1 {
            true => (tokens + (count - 1) * self.overlap).div_ceil(count),
            false => self.capacity,
        };
        let stride = capacity - self.overlap;
        let border = |index: usize| match index {
            0 => 0,
            index if index == count => tokens,
            index => index * stride + self.overlap / 2,
        };
        let window = |index: usize| Window {
            content: index * stride..tokens.min(index * stride + capacity),
            owned: border(index)..border(index + 1),
        };
        (0..count).map(window).collect()
    }

    /// Length of a window's sequence, the ids around it included.
    pub(crate) fn sequence_tokens(&self, window: &Window) -> usize {
        self.head.len() + window.content.len() + self.tail.len()
    }

    /// The ids of a window's sequence.
    pub(crate) fn sequence<'a>(
        &'a self,
        ids: &'a [u32],
        window: &Window,
    ) -> impl Iterator<Item = i64> + 'a {
        let content = &ids[window.content.clone()];
        self.head.iter().chain(content).chain(&self.tail).map(|&id| i64::from(id))
    }

    /// All rows of a window's output that are its own, and the special tokens, as spans of no passage.
    pub(crate) fn whole_span(&self, window: &Window) -> Vec<Span> {
        let row_of = |token: usize| self.head.len() + token - window.content.start;
        let end = self.head.len() + window.content.len();
        let owned = row_of(window.owned.start)..row_of(window.owned.end);
        let rows = [0..self.head.len(), owned, end..end + self.tail.len()];
        let rows = rows.into_iter().filter(|rows| !rows.is_empty());
        rows.map(|rows| Span { rows, passage: None }).collect()
    }

    /// The rows of a window's output to sum: each owned token once, parted by passage, and the
    /// special tokens.
    pub(crate) fn spans(&self, section: &Section, window: &Window) -> Vec<Span> {
        let row_of = |token: usize| self.head.len() + token - window.content.start;
        let mut spans = Vec::new();
        let mut push = |rows: Range<usize>, passage| {
            if !rows.is_empty() {
                spans.push(Span { rows, passage });
            }
        };
        push(0..self.head.len(), None);
        let mut done = window.owned.start;
        let first = section.spans.partition_point(|span| span.end <= window.owned.start);
        for (passage, span) in section.spans.iter().enumerate().skip(first) {
            if span.start >= window.owned.end {
                break;
            }
            let start = span.start.max(done);
            let end = span.end.min(window.owned.end);
            push(row_of(done)..row_of(start), None);
            push(row_of(start)..row_of(end), Some(passage));
            done = end.max(start);
        }
        push(row_of(done)..row_of(window.owned.end), None);
        let end = self.head.len() + window.content.len();
        push(end..end + self.tail.len(), None);
        spans
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn windowing(capacity: usize, overlap: usize) -> Windowing {
        Windowing { head: vec![101], tail: vec![102], capacity, overlap, even: false }
    }

    fn section(tokens: usize, spans: Vec<Range<usize>>) -> Section {
        let ids = (0..tokens as u32).collect();
        Section { bytes: 0..0, passages: 0..spans.len(), ids, spans }
    }

    #[test]
    fn windows_without_overlap_are_consecutive() {
        let windows = windowing(510, 0).windows(1200);
        let content: Vec<_> = windows.iter().map(|window| window.content.clone()).collect();
        assert_eq!(content, [0..510, 510..1020, 1020..1200]);
        assert!(windows.iter().all(|window| window.content == window.owned));
        assert_eq!(windowing(510, 0).windows(510).len(), 1);
        assert_eq!(windowing(510, 0).windows(1020).len(), 2);
        assert_eq!(windowing(510, 0).windows(0), [Window { content: 0..0, owned: 0..0 }]);
    }

    #[test]
    fn overlapping_windows_share_the_middle() {
        let windows = windowing(10, 4).windows(20);
        let content: Vec<_> = windows.iter().map(|window| window.content.clone()).collect();
        let owned: Vec<_> = windows.iter().map(|window| window.owned.clone()).collect();
        assert_eq!(content, [0..10, 6..16, 12..20]);
        assert_eq!(owned, [0..8, 8..14, 14..20]);
    }

    #[test]
    fn even_windows_are_of_one_length() {
        let even = Windowing { even: true, ..windowing(10, 4) };
        let ends = |tokens| -> Vec<_> {
            let windows = even.windows(tokens).into_iter();
            windows.map(|window| (window.content.start, window.content.end)).collect()
        };
        assert_eq!(ends(10), [(0, 10)]);
        assert_eq!(ends(11), [(0, 8), (4, 11)]);
        assert_eq!(ends(20), [(0, 10), (6, 16), (12, 20)]);
    }

    #[test]
    fn a_sequence_has_the_special_ids_around_it() {
        let windowing = windowing(3, 0);
        let ids = [7, 8, 9, 10];
        let windows = windowing.windows(4);
        let sequence: Vec<i64> = windowing.sequence(&ids, &windows[1]).collect();
        assert_eq!(sequence, [101, 10, 102]);
        assert_eq!(windowing.sequence_tokens(&windows[1]), 3);
    }

    #[test]
    fn spans_part_passages_gaps_and_special_tokens() {
        let windowing = windowing(6, 0);
        let section = section(10, vec![1..3, 3..3, 4..8]);
        let windows = windowing.windows(10);
        let spans = |index: usize| {
            let spans = windowing.spans(&section, &windows[index]);
            spans.into_iter().map(|span| (span.rows, span.passage)).collect::<Vec<_>>()
        };
        assert_eq!(
            spans(0),
            [
                (0..1, None),
                (1..2, None),
                (2..4, Some(0)),
                (4..5, None),
                (5..7, Some(2)),
                (7..8, None)
            ]
        );
        assert_eq!(spans(1), [(0..1, None), (1..3, Some(2)), (3..5, None), (5..6, None)]);
    }

    proptest! {
        #[test]
        fn every_token_is_owned_once_and_lies_in_its_window(
            tokens in 0usize..3000, capacity in 2usize..600, overlap in 0usize..599, even: bool,
        ) {
            prop_assume!(overlap < capacity);
            let windowing = Windowing { even, ..windowing(capacity, overlap) };
            let mut next = 0;
            let windows = windowing.windows(tokens);
            let lengths: Vec<usize> = windows.iter().map(|window| window.content.len()).collect();
            let uneven = lengths.iter().max().unwrap() - lengths.iter().min().unwrap();
            prop_assert!(!even || uneven < windows.len(), "{:?}", lengths);
            for window in windows {
                prop_assert_eq!(window.owned.start, next);
                prop_assert!(window.content.start <= window.owned.start);
                prop_assert!(window.owned.end <= window.content.end);
                prop_assert!(window.content.len() <= capacity);
                next = window.owned.end;
            }
            prop_assert_eq!(next, tokens);
        }

        #[test]
        fn spans_count_every_token_once(
            lengths in proptest::collection::vec((0usize..30, 0usize..5), 0..40),
            capacity in 2usize..50, overlap in 0usize..49,
        ) {
            prop_assume!(overlap < capacity);
            let mut spans = Vec::new();
            let mut tokens = 0;
            for (length, gap) in &lengths {
                spans.push(tokens..tokens + length);
                tokens += length + gap;
            }
            let section = section(tokens, spans.clone());
            let windowing = windowing(capacity, overlap);
            let mut per_passage = vec![0; spans.len()];
            let mut other = 0;
            let windows = windowing.windows(tokens);
            for window in &windows {
                let mut row = 0;
                for span in windowing.spans(&section, window) {
                    prop_assert!(span.rows.start >= row);
                    row = span.rows.end;
                    match span.passage {
                        Some(passage) => per_passage[passage] += span.rows.len(),
                        None => other += span.rows.len(),
                    }
                }
                prop_assert!(row <= windowing.sequence_tokens(window));
            }
            let lengths_only: Vec<usize> = spans.iter().map(Range::len).collect();
            prop_assert_eq!(&per_passage, &lengths_only);
            prop_assert_eq!(other, tokens - lengths_only.iter().sum::<usize>() + 2 * windows.len());
        }
    }
}
