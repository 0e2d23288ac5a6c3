//! Sections: the parts of a document that are encoded, kept and resumed one by one.

use std::ops::Range;

use crate::error::EngineError;
use crate::tokens::Encoded;

/// A part of a document, tokenised and ready to be encoded.
///
/// Sections end at passage boundaries and hold at most the bundle's `section_tokens`; only a single
/// passage longer than that makes a longer section of its own, for a passage is never divided. They
/// hold some thousand passages at most, which comes to bear only where passages have hardly a token.
#[derive(Debug, Clone)]
pub struct Section {
    /// The bytes of the text it covers. Sections of a document follow one another without gaps,
    /// from the first byte to the last.
    pub bytes: Range<usize>,
    /// Indices of its passages. The next section starts at `passages.end`.
    pub passages: Range<usize>,
    /// Token ids of the text.
    pub(crate) ids: Vec<u32>,
    /// For each passage, its tokens: those that start inside it. Ascending; tokens between passages
    /// belong to none.
    pub(crate) spans: Vec<Range<usize>>,
}

impl Section {
    /// Tokens of text in the section, special tokens not counted.
    pub fn tokens(&self) -> usize {
        self.ids.len()
    }
}

/// Bytes to read for a token that is still missing. English has four to five, so a section seldom
/// needs more than two readings and little is read in vain.
const BYTES_PER_TOKEN: usize = 4;

/// Bytes read at least, so that the last few tokens of a section do not come word by word.
const MIN_READ_BYTES: usize = 4 << 10;

/// Passages in a section at most. A word of more than some hundred letters is one token to many
/// tokenizers, so that passages of encoded data have next to none, and each costs a vector's memory.
const MAX_PASSAGES: usize = 4096;

/// Turns parts of a text into tokens.
pub(crate) trait Reader {
    /// Tokens of a range, with starts counted from the beginning of the text.
    fn read(&self, text: &str, range: Range<usize>) -> Result<Encoded, EngineError>;
    /// The end of a part of about `bytes` bytes that tokens do not reach across.
    fn safe_end(&self, text: &str, from: usize, bytes: usize) -> usize;
}

impl Reader for crate::tokens::Tokens {
    fn read(&self, text: &str, range: Range<usize>) -> Result<Encoded, EngineError> {
        self.encode(text, range)
    }

    fn safe_end(&self, text: &str, from: usize, bytes: usize) -> usize {
        self.safe_end(text, from, bytes)
    }
}

/// The section that starts with passage `first`; `None` past the last passage.
pub(crate) fn next_section(
    reader: &impl Reader,
    text: &str,
    passages: &[Range<usize>],
    first: usize,
    section_tokens: usize,
) -> Result<Option<Section>, EngineError> {
    if first >= passages.len() {
        return Ok(None);
    }
    let start = if first == 0 { 0 } else { passages[first - 1].end };
    check_passage(text, passages, first, start)?;
    // The bytes up to which passage `index` reaches: the last takes whatever text comes after it.
    let end_of = |index: usize| {
        if index + 1 == passages.len() { text.len() } else { passages[index].end }
    };
    let end_passage = passages.len().min(first.saturating_add(MAX_PASSAGES));
    let mut window = Reading { reader, text, tokens: Encoded::default(), read_to: start };
    // Passages that far on are not checked yet.
    window.read_tokens(section_tokens, end_of(end_passage - 1).min(text.len()))?;
    window.read_bytes(end_of(first))?;
    let mut last = first;
    while last + 1 < end_passage {
        check_passage(text, passages, last + 1, passages[last].end)?;
        let end = end_of(last + 1);
        // Reading stopped short of it only because there were tokens enough.
        if end > window.read_to || window.tokens_before(end) > section_tokens {
            break;
        }
        last += 1;
    }
    let end = end_of(last);
    let count = window.tokens_before(end);
    let spans = spans(&window.tokens.starts[..count], &passages[first..=last]);
    let mut ids = window.tokens.ids;
    ids.truncate(count);
    ids.shrink_to_fit();
    Ok(Some(Section { bytes: start..end, passages: first..last + 1, ids, spans }))
}

fn check_passage(
    text: &str,
    passages: &[Range<usize>],
    index: usize,
    earliest: usize,
) -> Result<(), EngineError> {
    let Range { start, end } = passages[index];
    if start < earliest || end < start || text.get(start..end).is_none() {
        return Err(EngineError::PassagesInvalid { index, start, end });
    }
    Ok(())
}

/// For each passage the tokens that start inside it. Both lists ascend.
fn spans(starts: &[usize], passages: &[Range<usize>]) -> Vec<Range<usize>> {
    let mut from = 0;
    let mut spans = Vec::with_capacity(passages.len());
    for passage in passages {
        from += starts[from..].partition_point(|&start| start < passage.start);
        let to = from + starts[from..].partition_point(|&start| start < passage.end);
        spans.push(from..to);
        from = to;
    }
    spans
}

/// Tokens read so far, from the section's first byte up to `read_to`.
struct Reading<'a, R> {
    reader: &'a R,
    text: &'a str,
    tokens: Encoded,
    read_to: usize,
}

impl<R: Reader> Reading<'_, R> {
    /// Reads until there are more than `count` tokens or `end` is covered.
    fn read_tokens(&mut self, count: usize, end: usize) -> Result<(), EngineError> {
        while self.read_to < end && self.tokens.len() <= count {
            let missing = count + 1 - self.tokens.len();
            self.read_part(missing.saturating_mul(BYTES_PER_TOKEN))?;
        }
        Ok(())
    }

    /// Reads on until `end` is covered.
    fn read_bytes(&mut self, end: usize) -> Result<(), EngineError> {
        while self.read_to < end {
            self.read_part(end - self.read_to)?;
        }
        Ok(())
    }

    fn read_part(&mut self, bytes: usize) -> Result<(), EngineError> {
        let to = self.reader.safe_end(self.text, self.read_to, bytes.max(MIN_READ_BYTES));
        self.tokens.append(self.reader.read(self.text, self.read_to..to)?);
        self.read_to = to;
        Ok(())
    }

    /// Tokens that start before a byte.
    fn tokens_before(&self, byte: usize) -> usize {
        self.tokens.starts.partition_point(|&start| start < byte)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// One token a word; its id is the word's length.
    struct Words;

    impl Reader for Words {
        fn read(&self, text: &str, range: Range<usize>) -> Result<Encoded, EngineError> {
            let mut encoded = Encoded::default();
            let base = text.as_ptr() as usize;
            for word in text[range].split_whitespace() {
                encoded.ids.push(word.len() as u32);
                encoded.starts.push(word.as_ptr() as usize - base);
            }
            Ok(encoded)
        }

        fn safe_end(&self, text: &str, from: usize, bytes: usize) -> usize {
            let target = from + bytes;
            let rest = text.as_bytes().get(target..).unwrap_or(&[]);
            rest.iter().position(|&b| b == b' ').map_or(text.len(), |space| target + space)
        }
    }

    fn sections(text: &str, passages: &[Range<usize>], limit: usize) -> Vec<Section> {
        let mut sections: Vec<Section> = Vec::new();
        loop {
            let first = sections.last().map_or(0, |section| section.passages.end);
            match next_section(&Words, text, passages, first, limit).unwrap() {
                Some(section) => sections.push(section),
                None => return sections,
            }
        }
    }

    #[test]
    fn sections_end_at_the_last_passage_that_fits() {
        let text = "one two  three four five  six";
        let passages = [0..7, 9..24, 26..29];
        let cut = sections(text, &passages, 3);
        let parts: Vec<_> = cut.iter().map(|s| (s.bytes.clone(), s.passages.clone())).collect();
        assert_eq!(parts, [(0..7, 0..1), (7..24, 1..2), (24..29, 2..3)]);
        assert_eq!(sections(text, &passages, 6).len(), 1);
        assert_eq!(sections(text, &passages, 5).len(), 2);
    }

    #[test]
    fn a_passage_over_the_limit_is_a_section_of_its_own() {
        let text = "a b ".repeat(20_000);
        let passages = [0..4, 4..text.len() - 4, text.len() - 4..text.len()];
        let cut = sections(&text, &passages, 10);
        let tokens: Vec<_> = cut.iter().map(Section::tokens).collect();
        assert_eq!(tokens, [2, 39_996, 2]);
    }

    #[test]
    fn text_outside_all_passages_is_not_lost() {
        let text = "before one between two after";
        let cut = sections(text, &[7..10, 19..22], 100);
        assert_eq!(cut.len(), 1);
        assert_eq!(cut[0].bytes, 0..text.len());
        assert_eq!(cut[0].tokens(), 5);
        assert_eq!(cut[0].spans, [1..2, 3..4]);
    }

    #[test]
    fn a_passage_without_tokens_has_an_empty_span() {
        let cut = sections("one   \n\n  two", &[0..3, 4..9, 10..13], 100);
        assert_eq!(cut[0].spans, [0..1, 1..1, 1..2]);
    }

    #[test]
    fn passages_without_tokens_do_not_gather_without_bound() {
        let text = "x".repeat(30_000);
        let passages: Vec<_> = (0..10_000).map(|i| i * 3..i * 3 + 3).collect();
        let cut = sections(&text, &passages, 1000);
        let counts: Vec<_> = cut.iter().map(|section| section.passages.len()).collect();
        assert_eq!(counts, [MAX_PASSAGES, MAX_PASSAGES, 10_000 - 2 * MAX_PASSAGES]);
        assert_eq!(cut.last().unwrap().bytes.end, text.len());
    }

    #[test]
    fn bad_passages_are_refused() {
        let backwards = Range { start: 3, end: 1 };
        for passages in [&[0..3, 2..5], &[0..3, backwards], &[0..3, 3..99], &[0..1, 1..2]] {
            let error = next_section(&Words, "é two", passages, 0, 9).unwrap_err();
            assert!(matches!(error, EngineError::PassagesInvalid { .. }), "{passages:?}: {error}");
        }
    }

    proptest! {
        /// Every token and passage lands in exactly one section, and the limit is kept except by
        /// single passages.
        #[test]
        fn sections_partition_the_document(
            lengths in proptest::collection::vec(1usize..800, 1..16),
            limit in 1usize..2000,
        ) {
            let mut text = String::new();
            let mut passages = Vec::new();
            for (i, words) in lengths.iter().enumerate() {
                let start = text.len();
                text.push_str(&"wörd ".repeat(*words));
                passages.push(start..text.len());
                if i % 3 == 0 {
                    text.push_str("  \n");
                }
            }
            let cut = sections(&text, &passages, limit);
            let mut bytes = 0;
            let mut passage = 0;
            for section in &cut {
                prop_assert_eq!(section.bytes.start, bytes);
                prop_assert_eq!(section.passages.start, passage);
                bytes = section.bytes.end;
                passage = section.passages.end;
                prop_assert!(section.tokens() <= limit || section.passages.len() == 1);
                for (span, index) in section.spans.iter().zip(section.passages.clone()) {
                    prop_assert_eq!(span.len(), lengths[index]);
                }
            }
            prop_assert_eq!(bytes, text.len());
            prop_assert_eq!(passage, passages.len());
            // Greedy: no two neighbours would have fitted together.
            for pair in cut.windows(2) {
                let next = lengths[pair[1].passages.start];
                prop_assert!(pair[0].tokens() + next > limit);
            }
        }
    }
}
