//! The places within reach of the last cut where the next one could fall.

use unicode_segmentation::{GraphemeCursor, UnicodeSegmentation};

use super::tokens::{Class, TokenCounter, estimate_tokens};

/// How good a place is for a cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Strength {
    /// Within an unbroken run.
    Character,
    /// Between words.
    Word,
    /// Between lines of one paragraph.
    Line,
    /// Between sentences or items of a list; in code, between lines at the outermost level.
    Sentence,
    /// Between paragraphs; in code, at an empty line.
    Paragraph,
    /// At several empty lines; in code, at an empty line before the outermost level.
    Block,
    /// Before a heading.
    Heading,
    /// The end of the text, or of the part before a very long gap.
    End,
}

impl Strength {
    /// The worth of such a place, to be set against how far the passage is from its target.
    fn worth(self) -> f64 {
        match self {
            Self::Character => 0.0,
            Self::Word => 1.0,
            Self::Line => 1.6,
            Self::Sentence => 2.1,
            Self::Paragraph => 2.7,
            Self::Block => 3.0,
            Self::Heading => 3.4,
            Self::End => 3.6,
        }
    }
}

/// A place for a cut: what stands before `at` would go into the passage.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) at: usize,
    /// Tokens from the start of the window.
    pub(super) tokens: usize,
    pub(super) strength: Strength,
    /// Would part a heading from what it heads.
    pub(super) after_heading: bool,
}

/// The sizes that passages should have.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sizes {
    pub(super) target: usize,
    pub(super) max: usize,
}

impl Sizes {
    /// What is left over should not be smaller than this.
    pub(super) fn small(self) -> usize {
        self.target / 4
    }
}

/// The places in order, none of them at the start of the window.
#[derive(Debug, Default)]
pub(super) struct Window {
    pub(super) places: Vec<Place>,
}

impl Window {
    /// The place that makes the best passage, if one of a fit size can be had.
    pub(super) fn best(&self, sizes: Sizes) -> Option<Place> {
        let end = self.places.last().filter(|place| place.strength == Strength::End);
        let score = |place: &Place| {
            let distance = place.tokens as f64 / sizes.target as f64 - 1.0;
            let is_end = place.strength == Strength::End;
            // The last piece is as short as it is.
            let distance = if is_end { distance.max(0.0) } else { distance };
            let leaves_little = !is_end
                && end.is_some_and(|end| end.tokens.saturating_sub(place.tokens) < sizes.small());
            place.strength.worth() - 2.0 * distance * distance - f64::from(u8::from(leaves_little))
        };
        self.places
            .iter()
            .filter(|place| {
                let least = match place.strength {
                    Strength::End => 0,
                    Strength::Heading => sizes.small(),
                    _ => sizes.target / 2,
                };
                (least..=sizes.max).contains(&place.tokens) && !place.after_heading
            })
            .max_by(|a, b| score(a).total_cmp(&score(b)))
            .copied()
    }

    /// The last place that keeps the passage within its size, however bad.
    pub(super) fn last_resort(&self, sizes: Sizes) -> Option<Place> {
        self.places.iter().rev().find(|place| place.tokens <= sizes.max).copied()
    }

    /// Raises the places where a sentence begins (Unicode Standard Annex #29) within
    /// `text[start..end]`, which is what the window covers.
    pub(super) fn mark_sentences(&mut self, text: &str, start: usize, end: usize) {
        let mut index = 0;
        let mut added = Vec::new();
        for (offset, sentence) in text[start..end].split_sentence_bound_indices().skip(1) {
            let at = start + offset;
            if sentence.starts_with(char::is_whitespace) || !ends_sentence(&text[start..at]) {
                continue;
            }
            while self.places.get(index).is_some_and(|place| place.at < at) {
                index += 1;
            }
            match self.places.get_mut(index) {
                Some(place) if place.at == at => {
                    place.strength = place.strength.max(Strength::Sentence);
                }
                // Scripts without spaces have sentences that begin where no word does.
                _ => {
                    let before = index.checked_sub(1).and_then(|i| self.places.get(i));
                    let (from, tokens) = before.map_or((start, 0), |p| (p.at, p.tokens));
                    let tokens = tokens + estimate_tokens(&text[from..at]);
                    let strength = Strength::Sentence;
                    added.push(Place { at, tokens, strength, after_heading: false });
                }
            }
        }
        if !added.is_empty() {
            self.places.extend(added);
            self.places.sort_by_key(|place| place.at);
        }
    }
}

/// Every line end is a sentence boundary to Unicode, though in prose with fixed line lengths most
/// of them stand in the middle of one.
fn ends_sentence(before: &str) -> bool {
    let end = before.trim_end();
    let closers = ['"', '\'', ')', ']', '”', '’', '»', '」', '』', '）', '*', '_'];
    end.trim_end_matches(closers)
        .ends_with(['.', '!', '?', '…', ':', '。', '！', '？', '．', '؟', '।'])
}

/// Whether a cut at `at` would leave what a reader takes for one character whole.
pub(super) fn is_grapheme_boundary(text: &str, at: usize) -> bool {
    // A little of the surroundings decides; runs of joining characters may have any length.
    let start = text.ceil_char_boundary(at.saturating_sub(64));
    let end = text.floor_char_boundary(at + 32);
    let around = &text[start..end];
    GraphemeCursor::new(at - start, around.len(), true).is_boundary(around, 0).unwrap_or(true)
}

/// Where a count of tokens goes over a limit.
#[derive(Debug)]
pub(super) struct Gauge {
    counter: TokenCounter,
    limit: usize,
    /// First character that no longer fits.
    pub(super) full_at: Option<usize>,
}

impl Gauge {
    pub(super) fn new(limit: usize) -> Self {
        Self { counter: TokenCounter::default(), limit, full_at: None }
    }

    #[inline]
    pub(super) fn push(&mut self, c: char, class: Class, at: usize) {
        self.counter.push(c, class);
        if self.full_at.is_none() && self.counter.tokens() > self.limit {
            self.full_at = Some(at);
        }
    }

    pub(super) fn tokens(&self) -> usize {
        self.counter.tokens()
    }
}
