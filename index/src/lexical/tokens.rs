//! Text into tokens: words of any language, identifiers whole and in parts, East Asian text in
//! pairs of characters.

use std::ops::Range;

use tantivy::tokenizer::{
    AsciiFoldingFilter, RawTokenizer, TextAnalyzer, Token, TokenStream, Tokenizer,
};

use super::stem::RememberingStemmer;
use unicode_segmentation::UnicodeSegmentation;

/// Longer runs are data, not words: they take a position but are not indexed.
const MAX_TOKEN_BYTES: usize = 255;
/// Longest run handed to word segmentation at once.
const MAX_RUN_BYTES: usize = 1024;

/// What the tokens are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// For the index: everything a query may ask for.
    Index,
    /// For a query: of overlapping tokens only the most specific.
    Query,
}

/// The analyzer of all text fields: words, lower case, without accents, stemmed.
pub(crate) fn analyzer(purpose: Purpose) -> TextAnalyzer {
    TextAnalyzer::builder(WordTokenizer { purpose })
        .filter(AsciiFoldingFilter)
        .filter(RememberingStemmer)
        .build()
}

/// What [`analyzer`] does to each word after cutting: for words cut and in lower case already.
pub(crate) fn word_analyzer() -> TextAnalyzer {
    TextAnalyzer::builder(RawTokenizer::default())
        .filter(AsciiFoldingFilter)
        .filter(RememberingStemmer)
        .build()
}

/// [`word_analyzer`] without stemming: the form of a word.
pub(crate) fn folding_analyzer() -> TextAnalyzer {
    TextAnalyzer::builder(RawTokenizer::default()).filter(AsciiFoldingFilter).build()
}

/// For each of some places in a text, in order, the position of the first token that begins there or
/// after it. `word` is called for every token of the text, with what is written there.
pub(crate) fn positions_at<'a>(
    text: &'a str,
    places: impl IntoIterator<Item = usize>,
    mut word: impl FnMut(&'a str),
) -> Vec<u32> {
    let mut stream = WordTokenizer::for_index();
    let mut stream = stream.token_stream(text);
    let mut positions = Vec::new();
    let mut places = places.into_iter().peekable();
    while let Some(piece) = stream.cut_next() {
        while places.next_if(|&place| place <= piece.bytes.start).is_some() {
            positions.push(piece.position as u32);
        }
        word(&text[piece.bytes]);
    }
    positions.extend(places.map(|_| stream.position as u32));
    positions
}

/// A word as the index spells it: in lower case, without marks that are not seen.
pub(crate) fn normalised(word: &str) -> String {
    let mut normalised = String::with_capacity(word.len());
    push_normalised(&mut normalised, word);
    normalised
}

/// Cuts text into tokens; see the module.
#[derive(Clone, Debug)]
pub(crate) struct WordTokenizer {
    purpose: Purpose,
}

impl WordTokenizer {
    /// Cuts as for the index.
    pub(crate) fn for_index() -> Self {
        WordTokenizer { purpose: Purpose::Index }
    }

    /// Cuts as for a query.
    pub(super) fn for_query() -> Self {
        WordTokenizer { purpose: Purpose::Query }
    }
}

impl Tokenizer for WordTokenizer {
    type TokenStream<'a> = WordStream<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> WordStream<'a> {
        WordStream {
            text,
            purpose: self.purpose,
            at: 0,
            after_unspaced: false,
            position: 0,
            pieces: Vec::new(),
            next_piece: 0,
            token: Token::default(),
            only: None,
            count: 0,
        }
    }
}

/// The tokens of one text.
#[derive(Debug)]
pub(crate) struct WordStream<'a> {
    text: &'a str,
    purpose: Purpose,
    /// Everything before is cut into tokens.
    at: usize,
    /// The character before `at` belongs to a script without spaces.
    after_unspaced: bool,
    position: usize,
    /// Tokens of the run cut last, handed out one by one.
    pieces: Vec<Piece>,
    next_piece: usize,
    token: Token,
    /// Tokens that begin with another ASCII byte than these are counted but not handed out.
    only: Option<&'a [bool; 256]>,
    count: usize,
}

#[derive(Clone, Debug)]
struct Piece {
    bytes: Range<usize>,
    position: usize,
    span: usize,
}

impl TokenStream for WordStream<'_> {
    fn advance(&mut self) -> bool {
        loop {
            while let Some(piece) = self.pieces.get(self.next_piece) {
                self.next_piece += 1;
                if piece.bytes.len() <= MAX_TOKEN_BYTES {
                    let first = self.text.as_bytes()[piece.bytes.start].to_ascii_lowercase();
                    self.count += 1;
                    if first.is_ascii() && self.only.is_some_and(|only| !only[usize::from(first)]) {
                        continue;
                    }
                    self.token.position = piece.position;
                    self.token.position_length = piece.span;
                    self.token.offset_from = piece.bytes.start;
                    self.token.offset_to = piece.bytes.end;
                    self.token.text.clear();
                    push_normalised(&mut self.token.text, &self.text[piece.bytes.clone()]);
                    if !self.token.text.is_empty() {
                        return true;
                    }
                    self.count -= 1;
                }
            }
            self.pieces.clear();
            self.next_piece = 0;
            if !self.cut_next_run() {
                return false;
            }
        }
    }

    fn token(&self) -> &Token {
        &self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        &mut self.token
    }
}

impl<'a> WordStream<'a> {
    /// Hands out only tokens whose first byte, in lower case, is one of these or is not ASCII:
    /// making a token's text takes longer than finding where it stands.
    pub(crate) fn only(mut self, first_bytes: &'a [bool; 256]) -> Self {
        self.only = Some(first_bytes);
        self
    }

    /// Number of tokens so far, those not handed out included.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// Where the next token stands, without its text; not to be mixed with [`Self::advance`].
    fn cut_next(&mut self) -> Option<Piece> {
        while self.next_piece == self.pieces.len() {
            self.pieces.clear();
            self.next_piece = 0;
            if !self.cut_next_run() {
                return None;
            }
        }
        self.next_piece += 1;
        self.pieces.get(self.next_piece - 1).cloned()
    }

    /// Cuts the next run of word characters into pieces; false at the end of the text.
    fn cut_next_run(&mut self) -> bool {
        let bytes = self.text.as_bytes();
        // Most text is ASCII: skip what is not a word byte by byte.
        while self.at < bytes.len() && bytes[self.at].is_ascii() && !is_word_byte(bytes[self.at]) {
            self.at += 1;
            self.after_unspaced = false;
        }
        let Some(first) = self.text[self.at..].chars().next() else { return false };
        if is_unspaced(first) {
            self.cut_unspaced(first);
            return true;
        }
        self.after_unspaced = false;
        let start = self.at;
        let mut end = start;
        while end < bytes.len() && is_word_byte(bytes[end]) {
            end += 1;
        }
        if end == bytes.len() || bytes[end].is_ascii() {
            let bare = trim_apostrophes(bytes, start..end);
            self.at = end.max(start + 1);
            self.cut_ascii(bare);
        } else {
            self.cut_unicode(start);
        }
        true
    }

    /// One character of a script without spaces: alone and together with the next.
    fn cut_unspaced(&mut self, first: char) {
        let start = self.at;
        let end = start + first.len_utf8();
        let second = self.text[end..].chars().next().filter(|&next| is_unspaced(next));
        let alone = match self.purpose {
            Purpose::Index => true,
            Purpose::Query => second.is_none() && !self.after_unspaced,
        };
        let position = self.position;
        if alone {
            self.pieces.push(Piece { bytes: start..end, position, span: 1 });
        }
        if let Some(second) = second {
            let pair = start..end + second.len_utf8();
            self.pieces.push(Piece { bytes: pair, position, span: 1 });
        }
        self.position += 1;
        self.at = end;
        self.after_unspaced = true;
    }

    /// A word of ASCII letters, digits, underscores and apostrophes.
    fn cut_ascii(&mut self, word: Range<usize>) {
        if word.is_empty() {
            return;
        }
        let bytes = &self.text.as_bytes()[word.clone()];
        let first_position = self.position;
        let before = self.pieces.len();
        let mut start = 0;
        for at in 1..=bytes.len() {
            if at == bytes.len() || is_seam(bytes, at) {
                let part = trim_underscores(bytes, start..at);
                if !part.is_empty() {
                    let part = word.start + part.start..word.start + part.end;
                    self.pieces.push(Piece { bytes: part, position: self.position, span: 1 });
                    self.position += 1;
                }
                start = at;
            }
        }
        let parts = self.pieces.len() - before;
        if parts > 1 {
            let whole = Piece { bytes: word, position: first_position, span: parts };
            self.pieces.insert(before, whole);
        }
    }

    /// A run that holds other characters than ASCII: words by Unicode's rules.
    fn cut_unicode(&mut self, start: usize) {
        let mut end = start;
        for (offset, c) in self.text[start..].char_indices() {
            let word = if c.is_ascii() { is_word_byte(c as u8) } else { !c.is_whitespace() };
            if !word || is_unspaced(c) || offset >= MAX_RUN_BYTES {
                break;
            }
            end = start + offset + c.len_utf8();
        }
        let text = self.text;
        // White space outside ASCII, such as a no-break space, begins no word: pass over it.
        self.at = match text[start..].chars().next() {
            Some(c) if end == start => start + c.len_utf8(),
            _ => end,
        };
        for (offset, word) in text[start..end].unicode_word_indices() {
            let bytes = start + offset..start + offset + word.len();
            if word.is_ascii() {
                self.cut_ascii(trim_apostrophes(text.as_bytes(), bytes));
            } else {
                self.pieces.push(Piece { bytes, position: self.position, span: 1 });
                self.position += 1;
            }
        }
    }
}

fn is_word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'\''
}

/// Whether an identifier's next part begins at `at`: after an underscore, at `aB`, and at the `C`
/// of `ABCd`.
fn is_seam(bytes: &[u8], at: usize) -> bool {
    let (before, here) = (bytes[at - 1], bytes[at]);
    if before == b'_' || here == b'_' {
        return (before == b'_') != (here == b'_');
    }
    let hump = before.is_ascii_lowercase() && here.is_ascii_uppercase();
    let last_capital = before.is_ascii_uppercase()
        && here.is_ascii_uppercase()
        && bytes.get(at + 1).is_some_and(u8::is_ascii_lowercase)
        // The plural of an abbreviation ("PDFs", "URLs") is no new word.
        && !(bytes[at + 1] == b's' && bytes.get(at + 2).is_none_or(|b| !b.is_ascii_alphanumeric()));
    hump || last_capital
}

fn trim_apostrophes(bytes: &[u8], range: Range<usize>) -> Range<usize> {
    trim(bytes, range, b'\'')
}

fn trim_underscores(bytes: &[u8], range: Range<usize>) -> Range<usize> {
    trim(bytes, range, b'_')
}

fn trim(bytes: &[u8], mut range: Range<usize>, byte: u8) -> Range<usize> {
    while !range.is_empty() && bytes[range.start] == byte {
        range.start += 1;
    }
    while !range.is_empty() && bytes[range.end - 1] == byte {
        range.end -= 1;
    }
    range
}

/// Scripts written without spaces between words.
fn is_unspaced(c: char) -> bool {
    matches!(u32::from(c),
        0x0E00..=0x0EFF      // Thai, Lao
        | 0x1000..=0x109F    // Myanmar
        | 0x1780..=0x17FF    // Khmer
        | 0x3005..=0x3007 | 0x3041..=0x30FF | 0x31F0..=0x31FF // Kana
        | 0x3400..=0x4DBF | 0x4E00..=0x9FFF | 0xF900..=0xFAFF // Han
        | 0xFF66..=0xFF9F    // half-width Katakana
        | 0x20000..=0x3FFFF) // Han, rare
        && c.is_alphanumeric()
}

/// Lower case, straight apostrophes, no accents written as separate characters.
fn push_normalised(out: &mut String, word: &str) {
    if word.is_ascii() {
        out.push_str(word);
        out.make_ascii_lowercase();
        return;
    }
    for c in word.chars() {
        match c {
            '\u{300}'..='\u{36f}' | '\u{200b}'..='\u{200d}' | '\u{ad}' => {}
            '\u{2019}' => out.push('\''),
            _ => out.extend(c.to_lowercase()),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tokens(purpose: Purpose, text: &str) -> Vec<(String, usize)> {
        let mut tokens = Vec::new();
        analyzer(purpose).token_stream(text).process(&mut |token| {
            tokens.push((token.text.clone(), token.position));
        });
        tokens
    }

    fn index(text: &str) -> Vec<(String, usize)> {
        tokens(Purpose::Index, text)
    }

    fn expect(list: &[(&str, usize)]) -> Vec<(String, usize)> {
        list.iter().map(|(text, position)| ((*text).to_owned(), *position)).collect()
    }

    #[test]
    fn prose_is_words_stemmed() {
        assert_eq!(
            index("The Cats' toys, ran!"),
            expect(&[("the", 0), ("cat", 1), ("toy", 2), ("ran", 3)])
        );
        assert_eq!(index("don’t don't"), expect(&[("don't", 0), ("don't", 1)]));
    }

    #[test]
    fn identifiers_are_whole_and_in_parts() {
        assert_eq!(
            index("parseHTTPRequest x"),
            expect(&[("parsehttprequest", 0), ("pars", 0), ("http", 1), ("request", 2), ("x", 3)])
        );
        assert_eq!(
            index("__snake_case__"),
            expect(&[("__snake_case__", 0), ("snake", 0), ("case", 1)])
        );
        assert_eq!(index("PDFs"), expect(&[("pdfs", 0)]));
        assert_eq!(index("std::fs utf8"), expect(&[("std", 0), ("fs", 1), ("utf8", 2)]));
    }

    #[test]
    fn accents_do_not_matter() {
        let composed = index("Café Größe Ångström");
        assert_eq!(composed, index("Cafe\u{301} Größe A\u{30a}ngstro\u{308}m"));
        assert_eq!(composed[0].0, "cafe");
    }

    #[test]
    fn east_asian_text_is_found_by_any_pair() {
        assert_eq!(
            index("検索機"),
            expect(&[("検", 0), ("検索", 0), ("索", 1), ("索機", 1), ("機", 2)])
        );
        assert_eq!(tokens(Purpose::Query, "検索機"), expect(&[("検索", 0), ("索機", 1)]));
        assert_eq!(tokens(Purpose::Query, "猫"), expect(&[("猫", 0)]));
        assert_eq!(tokens(Purpose::Query, "猫 a"), expect(&[("猫", 0), ("a", 1)]));
        // Korean is written with spaces.
        assert_eq!(index("검색 엔진").len(), 2);
    }

    #[test]
    fn white_space_outside_ascii_ends_words() {
        // No-break, thin and ideographic space, line separator, next line: alone, they once
        // kept the tokenizer from moving on.
        for space in ["\u{a0}", "\u{2009}", "\u{3000}", "\u{2028}", "\u{85}"] {
            assert_eq!(
                index(&format!("one{space}{space} two{space}")),
                expect(&[("one", 0), ("two", 1)])
            );
            assert_eq!(index(space), expect(&[]));
        }
    }

    #[test]
    fn data_is_not_indexed_but_takes_its_place() {
        let text = format!("a {} b", "x".repeat(300));
        assert_eq!(index(&text), expect(&[("a", 0), ("b", 2)]));
    }

    proptest! {
        #[test]
        fn tokens_lie_in_the_text_in_order(text in "(\\PC|[\u{a0}\u{85}\u{2009}\u{3000} \n']){0,120}") {
            let mut analyzer = analyzer(Purpose::Index);
            let mut stream = analyzer.token_stream(&text);
            let mut last = 0;
            while stream.advance() {
                let token = stream.token();
                prop_assert!(text.get(token.offset_from..token.offset_to).is_some());
                prop_assert!(token.position >= last);
                last = token.position;
            }
        }

        #[test]
        fn what_a_query_asks_for_is_in_the_index(text in "[a-zA-Z_' éß検索猫ไทย1]{0,40}") {
            let known: Vec<String> = index(&text).into_iter().map(|t| t.0).collect();
            for (token, _) in tokens(Purpose::Query, &text) {
                prop_assert!(known.contains(&token), "{} in {:?}", token, known);
            }
        }
    }
}
