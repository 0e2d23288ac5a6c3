//! The part of a passage worth showing: a window around the words that were searched for.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation;

/// What marks a side on which text was left out.
const ELLIPSIS: char = '…';

/// A piece of text for a result list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snippet {
    /// On one line: white space and control characters are single spaces. Where text was cut off
    /// there is an ellipsis.
    pub text: String,
    /// What to highlight, in bytes of `text`: ascending, apart from one another, not empty, never
    /// within a character as a reader sees it.
    pub highlights: Vec<Range<usize>>,
}

/// Picks the window of at most `max_chars` characters (Unicode scalar values, ellipses included)
/// that holds most different terms of the query; among equals the one with more terms in the
/// query's order side by side, then the one with more matches, then the first. It begins and ends
/// with a sentence if that fits, otherwise with a word. Without any match it is the beginning.
///
/// `term_of` gives the number of the query term that a token matches, counted in the order of the
/// query, or `None`. It is called with each word as Unicode delimits them (UAX #29), as written, and
/// with each character and each two adjacent characters of Chinese or Japanese text.
pub fn snippet(
    passage: &str,
    max_chars: usize,
    term_of: &dyn Fn(&str) -> Option<usize>,
) -> Snippet {
    let text = on_one_line(passage);
    if text.is_empty() {
        return Snippet { text, highlights: Vec::new() };
    }
    let matches = find_matches(&text, term_of);
    let window = Layout::new(&text).window(max_chars, best_cluster(&text, &matches, max_chars));
    let (before, after) = (window.start > 0, window.end < text.len());
    // Room for the ellipses was left, unless there is room for next to nothing.
    let ellipses = max_chars >= MIN_CHARS_WITH_ELLIPSES;

    let mut snippet = Snippet { text: String::new(), highlights: Vec::new() };
    if before && ellipses {
        snippet.text.push(ELLIPSIS);
    }
    let shift = snippet.text.len();
    snippet.text.push_str(&text[window.clone()]);
    if after && ellipses {
        snippet.text.push(ELLIPSIS);
    }
    for found in &matches {
        let start = found.bytes.start.max(window.start);
        let end = found.bytes.end.min(window.end);
        if start < end {
            let range = start - window.start + shift..end - window.start + shift;
            match snippet.highlights.last_mut() {
                Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
                _ => snippet.highlights.push(range),
            }
        }
    }
    snippet
}

/// Below this, a snippet is too short to spend characters on ellipses.
const MIN_CHARS_WITH_ELLIPSES: usize = 8;

/// Characters that a window may have within a snippet.
fn budget(max_chars: usize) -> usize {
    if max_chars < MIN_CHARS_WITH_ELLIPSES { max_chars } else { max_chars - 2 }
}

/// White space and control characters, which could also command a terminal, become single spaces.
fn on_one_line(passage: &str) -> String {
    let separates = |c: char| c.is_whitespace() || c.is_control();
    let mut line = String::with_capacity(passage.len());
    for word in passage.split(separates).filter(|word| !word.is_empty()) {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    line
}

/// A token of the text that matches a term of the query.
#[derive(Debug, Clone, PartialEq)]
struct Match {
    bytes: Range<usize>,
    /// Characters before its start and before its end.
    chars: Range<usize>,
    /// Its place among all tokens.
    token: usize,
    term: usize,
}

/// Where tokens stand that match a term of the query: ranges of bytes, ascending and apart from one another. `term_of`
/// is that of [`snippet`].
pub fn highlights(text: &str, term_of: &dyn Fn(&str) -> Option<usize>) -> Vec<Range<usize>> {
    let mut highlights: Vec<Range<usize>> = Vec::new();
    for found in find_matches(text, term_of) {
        match highlights.last_mut() {
            Some(last) if found.bytes.start < last.end => last.end = last.end.max(found.bytes.end),
            _ => highlights.push(found.bytes),
        }
    }
    highlights
}

/// In order of their start; those of Chinese and Japanese text overlap.
fn find_matches(text: &str, term_of: &dyn Fn(&str) -> Option<usize>) -> Vec<Match> {
    let mut matches: Vec<Match> = Vec::new();
    let (mut counted_bytes, mut chars) = (0, 0);
    let mut previous: Option<Range<usize>> = None;
    for (token, bytes) in tokens(text).enumerate() {
        chars += text[counted_bytes..bytes.start].chars().count();
        counted_bytes = bytes.start;
        let pair = previous.take().filter(|p| p.end == bytes.start && is_cjk(text, &bytes));
        let pair = pair.and_then(|p| Some((p.start, term_of(&text[p.start..bytes.end])?)));
        if let Some((start, term)) = pair {
            let length = text[bytes.clone()].chars().count();
            let from = chars - text[start..bytes.start].chars().count();
            let (bytes, chars) = (start..bytes.end, from..chars + length);
            matches.push(Match { bytes, chars, token, term });
        }
        if let Some(term) = term_of(&text[bytes.clone()]) {
            let length = text[bytes.clone()].chars().count();
            let chars = chars..chars + length;
            matches.push(Match { bytes: bytes.clone(), chars, token, term });
        }
        previous = is_cjk(text, &bytes).then_some(bytes);
    }
    matches.sort_by_key(|found| (found.bytes.start, found.bytes.end));
    matches
}

/// Words and, of Chinese and Japanese text, characters.
fn tokens(text: &str) -> impl Iterator<Item = Range<usize>> + '_ {
    text.unicode_word_indices().flat_map(|(start, word)| {
        let whole = start..start + word.len();
        // Katakana comes as whole words from Unicode's rules, but is searched for in pairs as well.
        let split = is_cjk(word, &(0..word.len())) && word.graphemes(true).nth(1).is_some();
        let parts: Vec<Range<usize>> = if split {
            let part = |(at, g): (usize, &str)| start + at..start + at + g.len();
            word.grapheme_indices(true).map(part).collect()
        } else {
            vec![whole]
        };
        parts
    })
}

/// Whether a token is of a script that is written without spaces and searched for in pairs.
fn is_cjk(text: &str, bytes: &Range<usize>) -> bool {
    text[bytes.clone()].chars().next().is_some_and(|c| {
        matches!(u32::from(c),
            0x3040..=0x30FF | 0x31F0..=0x31FF | 0x3400..=0x4DBF | 0x4E00..=0x9FFF
            | 0xF900..=0xFAFF | 0xFF66..=0xFF9F | 0x2_0000..=0x3_FFFF)
    })
}

/// The byte range from the first to the last match of the best window; `None` without matches.
fn best_cluster(text: &str, matches: &[Match], max_chars: usize) -> Option<Range<usize>> {
    let budget = budget(max_chars);
    let mut best: Option<((usize, usize, usize), Range<usize>)> = None;
    let mut end = 0;
    let mut seen = Seen::default();
    for (start, first) in matches.iter().enumerate() {
        while end < matches.len()
            && (end == start || matches[end].chars.end <= first.chars.start + budget)
        {
            seen.add(matches, start, end);
            end += 1;
        }
        let value = seen.value();
        if best.as_ref().is_none_or(|(highest, _)| value > *highest) {
            let last = matches[start..end].iter().map(|m| m.bytes.end).max();
            let last = last.unwrap_or(text.len());
            best = Some((value, first.bytes.start..last));
        }
        seen.remove(matches, start, end);
    }
    best.map(|(_, bytes)| bytes)
}

/// What the matches of a sliding window amount to.
#[derive(Default)]
struct Seen {
    terms: HashMap<usize, usize>,
    /// Terms that stand next to their successor in the query.
    pairs: HashMap<usize, usize>,
    total: usize,
}

impl Seen {
    fn value(&self) -> (usize, usize, usize) {
        (self.terms.len(), self.pairs.len(), self.total)
    }

    fn add(&mut self, matches: &[Match], start: usize, new: usize) {
        *self.terms.entry(matches[new].term).or_default() += 1;
        self.total += 1;
        if new > start && successive(matches, new - 1) {
            *self.pairs.entry(matches[new - 1].term).or_default() += 1;
        }
    }

    /// Takes out the first match of a window that ends before `end`.
    fn remove(&mut self, matches: &[Match], start: usize, end: usize) {
        decrease(&mut self.terms, matches[start].term);
        self.total -= 1;
        if start + 1 < end && successive(matches, start) {
            decrease(&mut self.pairs, matches[start].term);
        }
    }
}

fn decrease(counts: &mut HashMap<usize, usize>, key: usize) {
    if let Some(count) = counts.get_mut(&key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(&key);
        }
    }
}

/// Whether a match and the next are two terms side by side in the order of the query.
fn successive(matches: &[Match], at: usize) -> bool {
    let (this, next) = (&matches[at], &matches[at + 1]);
    next.token == this.token + 1 && next.term == this.term + 1
}

/// Where a text can be cut.
struct Layout<'a> {
    text: &'a str,
    /// Between any two characters as a reader sees them, both ends included.
    cuts: Vec<Cut>,
}

#[derive(Debug, Clone, Copy)]
struct Cut {
    byte: usize,
    /// Characters before it.
    chars: usize,
    between_words: bool,
    between_sentences: bool,
}

impl<'a> Layout<'a> {
    fn new(text: &'a str) -> Self {
        let words: HashSet<usize> = text.split_word_bound_indices().map(|(at, _)| at).collect();
        let sentences: HashSet<usize> =
            text.split_sentence_bound_indices().map(|(at, _)| at).collect();
        let mut cuts = Vec::with_capacity(text.len() + 1);
        let mut chars = 0;
        for (byte, grapheme) in text.grapheme_indices(true) {
            let (between_words, between_sentences) =
                (words.contains(&byte), sentences.contains(&byte));
            cuts.push(Cut { byte, chars, between_words, between_sentences });
            chars += grapheme.chars().count();
        }
        let byte = text.len();
        cuts.push(Cut { byte, chars, between_words: true, between_sentences: true });
        Self { text, cuts }
    }

    /// The byte range to show, around the cluster if there is one.
    fn window(&self, max_chars: usize, cluster: Option<Range<usize>>) -> Range<usize> {
        let end = self.cuts[self.cuts.len() - 1];
        if end.chars <= max_chars {
            return 0..end.byte;
        }
        let budget = budget(max_chars);
        let cluster = cluster.unwrap_or(0..0);
        let (first, last) = (self.cut_at_or_before(cluster.start), self.cut_from(cluster.end));
        let spare = budget.saturating_sub(last.chars - first.chars);
        let mut start = self.start(first, spare);
        if end.chars - start.chars <= budget {
            // The window reaches the end of the text: rather show more of what comes before.
            let more = self.start_after(end.chars - budget, start);
            start = more.unwrap_or(start);
        }
        let end = self.end(start, last, budget);
        let shown = &self.text[start.byte..end.byte];
        let leading = shown.len() - shown.trim_start().len();
        let length = shown.trim().len();
        start.byte + leading..start.byte + leading + length
    }

    /// Where to begin so that the cluster still fits: with its sentence, or some words before it.
    fn start(&self, first: Cut, spare: usize) -> Cut {
        let reach = first.chars.saturating_sub(spare);
        let reachable =
            |cut: &&Cut| cut.byte <= first.byte && cut.chars >= reach && cut.byte < self.text.len();
        let sentence = self.cuts.iter().rev().find(|c| reachable(c) && c.between_sentences);
        // Most of the room is for what follows, which a reader needs more.
        let near = first.chars.saturating_sub(spare / 3);
        let words = || {
            self.cuts
                .iter()
                .find(|c| reachable(c) && c.between_words && c.chars >= near && !self.is_space(c))
        };
        sentence.or_else(words).copied().unwrap_or(first)
    }

    /// The first sentence, or else word, from some character on and before a cut.
    fn start_after(&self, chars: usize, before: Cut) -> Option<Cut> {
        let between = |c: &&Cut| c.chars >= chars && c.byte < before.byte && !self.is_space(c);
        let sentence = self.cuts.iter().find(|c| between(c) && c.between_sentences);
        sentence.or_else(|| self.cuts.iter().find(|c| between(c) && c.between_words)).copied()
    }

    /// Where to end: after a sentence if that leaves little room unused, or after a word.
    fn end(&self, start: Cut, last: Cut, budget: usize) -> Cut {
        let limit = start.chars + budget;
        let fits = |cut: &&Cut| cut.chars <= limit && cut.byte > start.byte;
        let mut backwards = self.cuts.iter().rev().filter(fits);
        let Some(&farthest) = backwards.clone().next() else { return start };
        let full_enough = start.chars + budget * 3 / 5;
        let sentence = backwards
            .clone()
            .take_while(|c| c.chars >= full_enough && c.byte >= last.byte)
            .find(|c| c.between_sentences);
        let word = backwards.find(|c| c.between_words);
        // A word longer than the whole window is cut between its characters.
        sentence.or(word).copied().unwrap_or(farthest)
    }

    fn is_space(&self, cut: &Cut) -> bool {
        self.text[cut.byte..].starts_with(' ')
    }

    fn cut_at_or_before(&self, byte: usize) -> Cut {
        let after = self.cuts.partition_point(|cut| cut.byte <= byte);
        self.cuts[after.saturating_sub(1)]
    }

    fn cut_from(&self, byte: usize) -> Cut {
        let at = self.cuts.partition_point(|cut| cut.byte < byte);
        self.cuts[at.min(self.cuts.len() - 1)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Terms are matched in lower case, with an English plural.
    fn make(passage: &str, max_chars: usize, terms: &[&str]) -> Snippet {
        snippet(passage, max_chars, &|token| {
            let token = token.to_lowercase();
            let token = token.strip_suffix('s').unwrap_or(&token);
            terms.iter().position(|term| *term == token)
        })
    }

    fn marked(snippet: &Snippet) -> Vec<&str> {
        snippet.highlights.iter().map(|range| &snippet.text[range.clone()]).collect()
    }

    const PASSAGE: &str = "The tenant keeps the garden. The landlord repairs the roof and the walls \
        in good time. Notice is given in writing, three months before the end of a quarter. \
        Whoever moves out leaves the rooms swept, and hands over all keys to the landlord. A garden \
        notice hangs at the gate.";

    #[test]
    fn a_short_passage_is_shown_whole() {
        let found =
            make("Notice is\n\n  given\tin writing.\u{1b}[31m ", 100, &["notice", "writing"]);
        assert_eq!(found.text, "Notice is given in writing. [31m");
        assert_eq!(marked(&found), ["Notice", "writing"]);
        let empty = make(" \n ", 100, &["a"]);
        assert_eq!((empty.text.as_str(), empty.highlights.len()), ("", 0));
    }

    #[test]
    fn without_a_match_it_is_the_beginning() {
        let found = make(PASSAGE, 60, &["dragon"]);
        assert_eq!(found.text, "The tenant keeps the garden. The landlord repairs the roof…");
        assert!(found.highlights.is_empty());
    }

    #[test]
    fn it_shows_the_sentence_with_most_different_terms() {
        let found = make(PASSAGE, 100, &["notice", "month", "quarter"]);
        assert_eq!(
            found.text,
            "…Notice is given in writing, three months before the end of a quarter.…"
        );
        assert_eq!(marked(&found), ["Notice", "months", "quarter"]);
    }

    #[test]
    fn terms_side_by_side_count_more() {
        // Both terms also occur apart, earlier, within one window.
        let passage = format!("A notice in the garden. {PASSAGE}");
        let found = make(&passage, 60, &["garden", "notice"]);
        assert_eq!(marked(&found), ["garden", "notice"]);
        assert!(found.text.contains("garden notice"), "{}", found.text);
    }

    #[test]
    fn a_match_far_into_a_long_sentence_is_shown() {
        let passage = format!("{}needle {}", "hay and straw ".repeat(40), "more hay ".repeat(40));
        let found = make(&passage, 80, &["needle"]);
        assert_eq!(marked(&found), ["needle"]);
        assert!(found.text.starts_with('…') && found.text.ends_with('…'));
        assert!(found.text.chars().count() <= 80 && found.text.chars().count() > 60);
        let inside = found.text.trim_matches('…');
        assert!(passage.contains(&format!(" {inside} ")), "whole words: {inside}");
    }

    #[test]
    fn near_the_end_it_shows_what_comes_before() {
        let found = make(PASSAGE, 120, &["gate"]);
        assert!(found.text.ends_with("hangs at the gate."), "{}", found.text);
        assert!(found.text.chars().count() > 80, "{}", found.text);
    }

    #[test]
    fn japanese_is_matched_in_pairs() {
        let passage = "契約の解除は書面で通知しなければならない。".repeat(10);
        let terms = ["解除", "通知", "ロン"];
        let found = snippet(&passage, 40, &|token| terms.iter().position(|term| *term == token));
        assert!(marked(&found).contains(&"解除") && marked(&found).contains(&"通知"));
        assert!(found.text.chars().count() <= 40);
        let found = snippet("クローン", 40, &|token| (token == "ローン").then_some(0));
        assert!(found.highlights.is_empty(), "pairs only");
        let found =
            snippet("クローン", 40, &|token| ["ロー", "ーン"].iter().position(|t| *t == token));
        assert_eq!(marked(&found), ["ローン"]);
    }

    #[test]
    fn a_word_longer_than_the_window_is_cut() {
        let passage = "e\u{301}".repeat(300);
        let found = make(&passage, 50, &[&"e\u{301}".repeat(300)]);
        assert_eq!(found.text, format!("{}…", "e\u{301}".repeat(24)));
        assert_eq!(marked(&found), ["e\u{301}".repeat(24)]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]
        #[test]
        fn snippets_are_well_formed(
            pieces in prop::collection::vec(prop_oneof![
                3 => "[a-c]{1,3}", 3 => Just(" ".to_owned()), 1 => "\\PC{1,4}", 1 => any::<char>().prop_map(String::from),
                1 => prop::sample::select(vec![". ", "! ", "\n", "漢字", "カナ", "e\u{301}", "👩‍👩‍👧", "🇩🇪", "क्षि", "\r\n", "\u{200d}"]).prop_map(str::to_owned),
            ], 0..120),
            max_chars in 0usize..90,
        ) {
            let passage = pieces.concat();
            let found = snippet(&passage, max_chars, &|token| match token {
                "a" | "漢字" => Some(0), "b" | "字カ" => Some(1), "ab" => Some(2), _ => None,
            });
            prop_assert!(found.text.chars().count() <= max_chars);
            let line = on_one_line(&passage);
            let cut = found.text != line;
            let inside = if cut && max_chars >= MIN_CHARS_WITH_ELLIPSES { found.text.trim_matches('…') } else { &found.text };
            prop_assert!(line.contains(inside));
            // Cut only between graphemes: those of the window are graphemes of the line.
            let at: HashSet<usize> = line.grapheme_indices(true).map(|(at, _)| at).chain([line.len()]).collect();
            let whole_graphemes = line.match_indices(inside).any(|(start, _)| {
                at.contains(&start) && at.contains(&(start + inside.len()))
            });
            prop_assert!(inside.is_empty() || whole_graphemes || line.contains('…'));
            let mut end = 0;
            for (n, range) in found.highlights.iter().enumerate() {
                prop_assert!((range.start > end || n == 0) && range.start < range.end);
                prop_assert!(found.text.get(range.clone()).is_some());
                end = range.end;
            }
            prop_assert!(end <= found.text.len());
            if line.chars().count() <= max_chars {
                prop_assert_eq!(&found.text, &line);
            }
            let has_match = line.unicode_words().any(|word| word == "a" || word == "b");
            if max_chars >= MIN_CHARS_WITH_ELLIPSES && has_match {
                prop_assert!(!found.highlights.is_empty());
            }
        }

        #[test]
        fn the_window_has_as_many_different_terms_as_any(
            words in prop::collection::vec(prop::sample::select(vec!["x", "y", "z", "hay", "straw"]), 1..80),
            max_chars in 10usize..60,
        ) {
            let passage = words.join(" ");
            let found = make(&passage, max_chars, &["x", "y", "z"]);
            let distinct = |words: &[&str]| words.iter().filter(|w| w.len() == 1).collect::<HashSet<_>>().len();
            let mut most = 0;
            for start in 0..words.len() {
                for end in start + 1..=words.len() {
                    if words[start..end].join(" ").len() <= max_chars - 2 {
                        most = most.max(distinct(&words[start..end]));
                    }
                }
            }
            prop_assert!(marked(&found).iter().collect::<HashSet<_>>().len() >= most);
        }
    }
}
