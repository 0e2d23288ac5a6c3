//! How closely a word of a document must be spelt as one of the query.

use std::fmt;

/// Letters that a pattern needs before its first wildcard, or else in all, and in all where it begins
/// with one: with fewer it would stand for half of all words.
const LETTERS_BEFORE: usize = 2;
const LETTERS_IN_ALL: usize = 4;
const LETTERS_AFTER: usize = 3;
/// Letters that a word needs for others to be near it.
const LETTERS_NEAR: usize = 3;

/// How closely a word of a document must be spelt as one of the query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spelling {
    /// In any form of the word, but no other.
    Exact,
    /// As the pattern says, letter by letter: `*` stands for any number of characters, `?` for one.
    Pattern,
    /// With so many letters wrong, left out, added or swapped with the next, at most; `None`: as
    /// many as its length allows, see [`typos_allowed`].
    Near(Option<u8>),
}

/// How many typing errors a word may have: more in a longer one.
#[must_use]
pub fn typos_allowed(word: &str) -> u8 {
    match word.chars().count() {
        0..=3 => 0,
        4..=7 => 1,
        _ => 2,
    }
}

/// What a word with wildcards or a tilde is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Spelt {
    /// No wildcards, or in places where they are text: in URLs, in arithmetic, in pointers of C.
    AsWritten,
    /// A pattern or a word to be matched nearly, without what surrounds it.
    As(String, Spelling),
    /// A wildcard was meant, perhaps, but cannot be one.
    Refused(&'static str),
    /// Nothing but `*`.
    LoneWildcard,
}

/// Looks for wildcards and a tilde in one word of a query.
pub(super) fn spelt(word: &str) -> Spelt {
    if !word.contains(['*', '?', '~']) {
        return Spelt::AsWritten;
    }
    if word.chars().all(|c| c == '*') {
        return Spelt::LoneWildcard;
    }
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '\'' | '’');
    let core = word.trim_matches(|c: char| !c.is_alphanumeric() && !matches!(c, '_' | '*' | '~'));
    if let Some(near) = near(core) {
        return near;
    }
    if !core.contains(['*', '?']) {
        return Spelt::AsWritten;
    }
    if !core.chars().all(|c| is_part(c) || matches!(c, '*' | '?')) {
        let deliberate = core.ends_with('*') && core.starts_with(is_part);
        return match core.starts_with("*.") {
            true => Spelt::Refused("to look for files by name, write path: before it"),
            false if deliberate => Spelt::Refused("a wildcard stands within one word of letters"),
            false => Spelt::AsWritten,
        };
    }
    // Scripts without spaces are found by any part of a word anyway.
    if core.chars().any(|c| c.is_alphabetic() && !has_spaces(c)) {
        return Spelt::AsWritten;
    }
    let before = core.chars().take_while(|c| is_part(*c)).count();
    let in_all = core.chars().filter(|c| is_part(*c)).count();
    let needed = if before == 0 { LETTERS_AFTER } else { LETTERS_IN_ALL };
    if before < LETTERS_BEFORE && in_all < needed {
        let deliberate = before > 0 && core.ends_with('*') && in_all == before;
        return match deliberate {
            true => Spelt::Refused("a wildcard needs two letters or more before it"),
            false => Spelt::AsWritten,
        };
    }
    let mut pattern = String::with_capacity(core.len());
    for c in core.chars() {
        if c != '*' || !pattern.ends_with('*') {
            pattern.push(c);
        }
    }
    Spelt::As(pattern, Spelling::Pattern)
}

/// `word~`, `word~1` and `word~2`.
fn near(core: &str) -> Option<Spelt> {
    let (word, number) = core.split_once('~')?;
    let typos = match number {
        "" => None,
        "1" => Some(1),
        "2" => Some(2),
        _ => return None,
    };
    let letters = word.chars().all(|c| c.is_alphabetic() && has_spaces(c));
    (letters && word.chars().count() >= LETTERS_NEAR)
        .then(|| Spelt::As(word.to_owned(), Spelling::Near(typos)))
}

/// Whether a letter is of a script that is written with spaces between words.
pub(crate) fn has_spaces(c: char) -> bool {
    !matches!(u32::from(c), 0x0E00..=0x0EFF | 0x1000..=0x109F | 0x1780..=0x17FF | 0x3005..=0x9FFF
        | 0xF900..=0xFAFF | 0xFF66..=0xFF9F | 0x20000..=0x3FFFF)
}

/// The letters of a pattern, for reading it as text.
pub(super) fn letters_of(pattern: &str) -> String {
    pattern.replace(['*', '?'], " ").split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether a word is spelt as a pattern says: the definition that what looks patterns up is held to.
#[cfg(test)]
pub(crate) fn matches_pattern(pattern: &str, word: &str) -> bool {
    let (mut pattern, mut word) = (pattern, word);
    // After the last `*`, and the rest of the word that it has not swallowed yet.
    let mut retry: Option<(&str, &str)> = None;
    loop {
        let (mut pattern_chars, mut word_chars) = (pattern.chars(), word.chars());
        match (pattern_chars.next(), word_chars.next()) {
            (Some('*'), _) => {
                pattern = pattern_chars.as_str();
                retry = Some((pattern, word));
                continue;
            }
            (Some(p), Some(w)) if p == '?' || p == w => {
                (pattern, word) = (pattern_chars.as_str(), word_chars.as_str());
                continue;
            }
            (None, None) => return true,
            _ => {}
        }
        let Some((after, rest)) = retry else { return false };
        let mut rest = rest.chars();
        if rest.next().is_none() {
            return false;
        }
        (pattern, word) = (after, rest.as_str());
        retry = Some((after, word));
    }
}

/// As it is written behind a word.
impl fmt::Display for Spelling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Spelling::Exact | Spelling::Pattern => Ok(()),
            Spelling::Near(None) => f.write_str("~"),
            Spelling::Near(Some(typos)) => write!(f, "~{typos}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pattern(word: &str) -> Option<String> {
        match spelt(word) {
            Spelt::As(pattern, Spelling::Pattern) => Some(pattern),
            _ => None,
        }
    }

    #[test]
    fn wildcards_of_people_are_patterns() {
        for (word, expected) in [
            ("lease*", "lease*"),
            ("(lease*)", "lease*"),
            ("lease**", "lease*"),
            ("organi?ation", "organi?ation"),
            ("col*r?", "col*r"),
            ("*tion", "*tion"),
            ("*mid*", "*mid*"),
            ("parse_*", "parse_*"),
            ("2019*", "2019*"),
            ("l?ase", "l?ase"),
        ] {
            assert_eq!(pattern(word).as_deref(), Some(expected), "{word}");
        }
    }

    #[test]
    fn stars_and_question_marks_of_text_are_text() {
        for word in [
            "lease?",
            "what??",
            "*p",
            "x*y",
            "**p",
            "a?b",
            "http://x.org/find?term=lease",
            "f(*args)",
            "検索*",
            "~/notes",
            "a~b",
            "foo~3",
            "~",
            "C*",
        ] {
            assert!(!matches!(spelt(word), Spelt::As(..)), "{word}");
        }
        assert_eq!(spelt("*"), Spelt::LoneWildcard);
        assert_eq!(spelt("**"), Spelt::LoneWildcard);
        assert!(matches!(spelt("C*"), Spelt::Refused(_)));
        assert!(matches!(spelt("*.rs"), Spelt::Refused(_)));
        assert!(matches!(spelt("wi-fi*"), Spelt::Refused(_)));
    }

    #[test]
    fn a_tilde_asks_for_words_like_it() {
        let near = |word, typos| Spelt::As(String::from(word), Spelling::Near(typos));
        assert_eq!(spelt("lease~"), near("lease", None));
        assert_eq!(spelt("lease~2,"), near("lease", Some(2)));
        assert_eq!(spelt("größe~1"), near("größe", Some(1)));
        assert_eq!(typos_allowed("abc"), 0);
        assert_eq!(typos_allowed("lease"), 1);
        assert_eq!(typos_allowed("termination"), 2);
    }

    #[test]
    fn patterns_match_as_people_expect() {
        for (pattern, word) in
            [("lease*", "lease"), ("l*e", "lettuce"), ("*a*b*", "xxaxxb"), ("gr??e", "große")]
        {
            assert!(matches_pattern(pattern, word), "{pattern} {word}");
        }
        for (pattern, word) in
            [("lease*", "leas"), ("l*e", "lettuces"), ("l?e", "le"), ("*ab", "aba")]
        {
            assert!(!matches_pattern(pattern, word), "{pattern} {word}");
        }
    }

    proptest! {
        /// Against the definition, tried out in all ways.
        #[test]
        fn patterns_match_as_defined(pattern in "[ab*?]{0,7}", word in "[abé]{0,8}") {
            fn defined(pattern: &[char], word: &[char]) -> bool {
                match pattern.split_first() {
                    None => word.is_empty(),
                    Some(('*', rest)) => (0..=word.len()).any(|at| defined(rest, &word[at..])),
                    Some((c, rest)) => word
                        .split_first()
                        .is_some_and(|(w, others)| (*c == '?' || c == w) && defined(rest, others)),
                }
            }
            let chars = |text: &str| text.chars().collect::<Vec<_>>();
            prop_assert_eq!(matches_pattern(&pattern, &word), defined(&chars(&pattern), &chars(&word)));
        }

        #[test]
        fn any_word_has_a_spelling(word in "\\PC{0,12}|[a-z*?~12_.漢]{0,8}") {
            if let Spelt::As(text, spelling) = spelt(&word) {
                // What was understood is understood in the same way when written again.
                let again = spelt(&format!("{text}{spelling}"));
                prop_assert_eq!(again, Spelt::As(text, spelling));
            }
        }
    }
}
