//! From characters to a [`Query`]. What can be text is text; only what cannot is an error.

use super::spelling::{Spelt, spelt};
use super::{Clause, Field, FilterError, Filters, Place, Query, QueryError, Spelling, Warning};

/// Names before a colon that mean something.
const FIELDS: [&str; 6] = ["title", "author", "path", "type", "after", "before"];
/// Names that other programs have for some of them.
const OTHER_NAMES: [(&str, &str); 9] = [
    ("intitle", "title"),
    ("inauthor", "author"),
    ("file", "path"),
    ("filename", "path"),
    ("folder", "path"),
    ("filetype", "type"),
    ("kind", "type"),
    ("since", "after"),
    ("until", "before"),
];

pub(super) fn parse(text: &str, now_sec: i64) -> Result<Query, QueryError> {
    let mut parser = Parser {
        chars: text.chars().collect(),
        at: 0,
        now_sec,
        clauses: Vec::new(),
        filters: Filters::default(),
        types_at: Vec::new(),
        warnings: Vec::new(),
        first_exclusion: None,
        first_filter: None,
        lone_wildcard: None,
    };
    parser.run()?;
    parser.finish()
}

/// A plain word as it has to be written to be read as one.
pub(super) fn escaped(word: &str) -> String {
    let chars: Vec<char> = word.chars().skip_while(|&c| c == '\\').collect();
    let means_something = Operator::at(&chars).is_some()
        || matches!(spelt(&String::from_iter(&chars)), Spelt::As(..));
    if means_something { format!("\\{word}") } else { word.to_owned() }
}

/// A field's value, in quotes if it would not be read as one otherwise.
pub(super) fn quoted_if_needed(value: &str) -> String {
    let needed = value.starts_with(is_quote) || value.contains(char::is_whitespace);
    if needed { format!("\"{value}\"") } else { value.to_owned() }
}

/// Straight quotes, and those that keyboards and word processors make of them.
pub(super) fn is_quote(c: char) -> bool {
    closing_quotes(c).is_some()
}

fn closing_quotes(opening: char) -> Option<&'static [char]> {
    match opening {
        '"' => Some(&['"']),
        '“' => Some(&['”']),
        '„' => Some(&['“', '”']),
        '«' => Some(&['»']),
        _ => None,
    }
}

/// What a word begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Operator {
    exclude: bool,
    field: Option<&'static str>,
    quoted: bool,
    /// Characters before the value or the opening quote.
    length: usize,
}

impl Operator {
    /// The operator at the start of some characters, if a value follows.
    fn at(chars: &[char]) -> Option<Self> {
        let exclude = chars.first() == Some(&'-');
        let minus = usize::from(exclude);
        let field = field_at(&chars[minus..]);
        let length = minus + field.map_or(0, |name| name.len() + 1);
        let value = &chars[length..];
        let first = value.first().copied().filter(|c| !c.is_whitespace())?;
        let quoted = is_quote(first);
        // A word is excluded only by a minus right before it: `--verbose`, `->` and `-` are text,
        // and so is `-d`, which is a program's flag sooner than a word someone wants to be without.
        let word = word_at(value);
        let flag = word.len() == 1 && first.is_ascii();
        let excludable = (first.is_alphanumeric() || first == '_') && !flag;
        let means_something =
            field.is_some() || quoted || (exclude && excludable && has_letter(word));
        means_something.then_some(Self { exclude, field, quoted, length })
    }
}

/// The field that some characters begin with, colon included.
fn field_at(chars: &[char]) -> Option<&'static str> {
    FIELDS.into_iter().find(|name| {
        // `path::join` and `title::after` are names in code.
        chars.get(name.len()) == Some(&':')
            && chars.get(name.len() + 1) != Some(&':')
            && chars.iter().zip(name.chars()).all(|(c, n)| c.to_ascii_lowercase() == n)
    })
}

fn word_at(chars: &[char]) -> &[char] {
    let end = chars.iter().position(|c| c.is_whitespace()).unwrap_or(chars.len());
    &chars[..end]
}

fn has_letter(chars: &[char]) -> bool {
    chars.iter().any(|c| c.is_alphanumeric())
}

/// The field that was meant, perhaps, by another name before a colon.
fn field_meant(word: &[char]) -> Option<(String, &'static str)> {
    let colon = word.iter().position(|&c| c == ':')?;
    let (name, value) = (&word[..colon], &word[colon + 1..]);
    let starts_value = value.first().is_some_and(|&c| c.is_alphanumeric() || is_quote(c));
    if !starts_value || !name.iter().all(char::is_ascii_alphabetic) {
        return None;
    }
    let name: String = name.iter().map(char::to_ascii_lowercase).collect();
    let other = OTHER_NAMES.into_iter().find(|(other, _)| *other == name).map(|(_, field)| field);
    let near = || FIELDS.into_iter().find(|field| field.len() > 3 && is_one_typo(&name, field));
    let field = other.or_else(near)?;
    Some((name, field))
}

/// Whether one letter is wrong, left out, added or swapped with the next.
#[must_use]
pub fn is_one_typo(a: &str, b: &str) -> bool {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let start = a.iter().zip(&b).take_while(|(a, b)| a == b).count();
    let (a, b) = (&a[start..], &b[start..]);
    match (a, b) {
        ([], []) => false,
        ([_, rest @ ..], _) if rest == b => true,
        (_, [_, rest @ ..]) if rest == a => true,
        ([a1, a2, a_rest @ ..], [b1, b2, b_rest @ ..]) if a1 == b2 && a2 == b1 => a_rest == b_rest,
        ([_, a_rest @ ..], [_, b_rest @ ..]) => a_rest == b_rest,
        _ => false,
    }
}

struct Parser {
    chars: Vec<char>,
    at: usize,
    now_sec: i64,
    clauses: Vec<Clause>,
    filters: Filters,
    types_at: Vec<(String, Place)>,
    warnings: Vec<Warning>,
    first_exclusion: Option<Place>,
    first_filter: Option<Place>,
    lone_wildcard: Option<Place>,
}

impl Parser {
    fn run(&mut self) -> Result<(), QueryError> {
        while self.at < self.chars.len() {
            let rest = &self.chars[self.at..];
            if rest[0].is_whitespace() {
                self.at += 1;
            } else if let Some(operator) = Operator::at(rest) {
                self.operator(operator)?;
            } else {
                self.plain_word();
            }
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Query, QueryError> {
        let words: Vec<_> =
            self.clauses.iter().filter(|c| !c.exclude).map(Clause::letters).collect();
        let text_for_meaning = words.join(" ");
        // Symbols outside ASCII (an emoji, say) can mean something to an encoder.
        if !text_for_meaning.chars().any(|c| c.is_alphanumeric() || !c.is_ascii()) {
            return Err(match (self.lone_wildcard, self.first_exclusion, self.first_filter) {
                (Some(place), ..) => QueryError::LoneWildcard { place },
                (None, Some(place), _) => QueryError::OnlyExclusions { place },
                (None, None, Some(place)) => QueryError::OnlyFilters { place },
                (None, None, None) => QueryError::Empty,
            });
        }
        if let (Some(after), Some(before)) = (self.filters.after_sec, self.filters.before_sec)
            && after >= before
        {
            let place = self.first_filter.unwrap_or(Place { at: 0, length: self.chars.len() });
            self.warn(place, "no time is both after the one date and before the other");
        }
        self.warnings.sort_by_key(|warning| warning.place.at);
        let Self { clauses, filters, types_at, warnings, .. } = self;
        Ok(Query { text_for_meaning, clauses, filters, types_at, warnings })
    }

    fn plain_word(&mut self) {
        let start = self.at;
        let word = word_at(&self.chars[start..]).to_vec();
        self.at += word.len();
        let place = self.since(start);
        let unescaped = word.iter().position(|&c| c != '\\').unwrap_or(word.len());
        let bare: String = word[unescaped..].iter().collect();
        let means_something =
            Operator::at(&word[unescaped..]).is_some() || matches!(spelt(&bare), Spelt::As(..));
        let escape = usize::from(unescaped > 0 && means_something);
        let text: String = word[escape..].iter().collect();
        if word.last() == Some(&':') && field_at(&word).is_some() {
            let message = format!("`{text}` needs a value right after it; searched for as text");
            self.warn(place, &message);
        } else if let Some((name, field)) = field_meant(&word) {
            let message =
                format!("`{name}:` is no field, searched for as text: did you mean {field}:?");
            self.warn(Place { at: start, length: name.len() + 1 }, &message);
        }
        if unescaped > 0 {
            return self.push_word(text);
        }
        match spelt(&text) {
            Spelt::As(text, spelling) => {
                self.clauses.push(Clause { spelling, ..plain(text) });
                return;
            }
            Spelt::Refused(reason) => self.warn(place, &format!("searched for as text: {reason}")),
            Spelt::LoneWildcard => self.lone_wildcard = self.lone_wildcard.or(Some(place)),
            Spelt::AsWritten => {}
        }
        self.push_word(text);
    }

    fn operator(&mut self, operator: Operator) -> Result<(), QueryError> {
        let start = self.at;
        let value_start = start + operator.length;
        let value: String = if operator.quoted {
            let Some(end) = self.closing_quote(value_start) else {
                self.unbalanced_quote(start, value_start);
                return Ok(());
            };
            self.at = end + 1;
            // A straight quote between curly ones would end the phrase when written out again.
            self.chars[value_start + 1..end].iter().filter(|&&c| c != '"').collect()
        } else {
            let word = word_at(&self.chars[value_start..]);
            self.at = value_start + word.len();
            word.iter().collect()
        };
        match operator.field {
            None => self.clause(operator, Field::Any, start, &value)?,
            Some("title") => self.clause(operator, Field::Title, start, &value)?,
            Some("author") => self.clause(operator, Field::Author, start, &value)?,
            Some(field) => self.filter(field, operator, start, &value)?,
        }
        if operator.quoted {
            self.rest_of_word();
        }
        Ok(())
    }

    fn clause(
        &mut self,
        operator: Operator,
        field: Field,
        start: usize,
        value: &str,
    ) -> Result<(), QueryError> {
        let place = self.since(start);
        let written = if operator.quoted { Spelt::AsWritten } else { spelt(value) };
        if written == Spelt::LoneWildcard {
            return Err(QueryError::LoneWildcard { place });
        }
        let text = value.split_whitespace().collect::<Vec<_>>().join(" ");
        if !text.chars().any(char::is_alphanumeric) {
            let Some(field) = operator.field else {
                self.warn(place, "there is no word to look for; searched for as text");
                self.push_words(start, self.at);
                return Ok(());
            };
            return Err(QueryError::NoWord { field, place });
        }
        if operator.exclude {
            self.first_exclusion.get_or_insert(place);
        }
        let (text, spelling) = match written {
            Spelt::As(text, spelling) => (text, spelling),
            Spelt::Refused(reason) => {
                self.warn(place, &format!("without its wildcard: {reason}"));
                (text, Spelling::Exact)
            }
            Spelt::AsWritten | Spelt::LoneWildcard => (text, Spelling::Exact),
        };
        let wildcard = operator.quoted
            && value.split_whitespace().any(|word| matches!(spelt(word), Spelt::As(..)));
        if wildcard {
            self.warn(place, "wildcards and ~ are not looked at within quotes");
        }
        self.clauses.push(Clause {
            spelling,
            phrase: operator.quoted,
            field,
            exclude: operator.exclude,
            text,
        });
        Ok(())
    }

    fn filter(
        &mut self,
        field: &'static str,
        operator: Operator,
        start: usize,
        value: &str,
    ) -> Result<(), QueryError> {
        let place = self.since(start);
        let value_start = start + operator.length;
        let exclude = operator.exclude;
        let known_types = self.filters.types.len();
        let added = match field {
            "path" => self.filters.add_path(value, exclude),
            "type" => self.filters.add_types(value, exclude),
            "after" | "before" if exclude => {
                let instead = if field == "after" { "before" } else { "after" };
                return Err(QueryError::ExcludedDate { field, instead, place });
            }
            "after" => self.filters.set_after(value, self.now_sec),
            _ => self.filters.set_before(value, self.now_sec),
        };
        self.first_filter.get_or_insert(place);
        let of_value = self.since(value_start);
        for filter in &self.filters.types[known_types..] {
            let written = self.place_of(&filter.name, of_value);
            self.types_at.push((filter.name.clone(), written));
        }
        added.map_err(|error: FilterError| QueryError::Filter { error, place: of_value })
    }

    /// Where a name stands within a part of the query, or else all of the part.
    fn place_of(&self, name: &str, within: Place) -> Place {
        let name: Vec<char> = name.chars().collect();
        let same = |a: &[char]| a.iter().zip(&name).all(|(a, b)| a.to_lowercase().eq([*b]));
        let part = &self.chars[within.at..within.at + within.length];
        let found = part.windows(name.len().max(1)).position(same);
        found.map_or(within, |at| Place { at: within.at + at, length: name.len() })
    }

    /// From the quote on, everything is plain text, operators too: what the person meant to quote
    /// cannot be told from the rest.
    fn unbalanced_quote(&mut self, start: usize, quote: usize) {
        let place = Place { at: quote, length: 1 };
        self.warn(place, "this quote is not closed; searched for as plain words from here on");
        self.chars.remove(quote);
        self.push_words(start, self.chars.len());
        self.at = self.chars.len();
    }

    fn closing_quote(&self, opening: usize) -> Option<usize> {
        let closing = closing_quotes(self.chars[opening])?;
        let after = &self.chars[opening + 1..];
        after.iter().position(|c| closing.contains(c)).map(|offset| opening + 1 + offset)
    }

    /// What hangs on to a closing quote is a word without operators: `"state"-owned`.
    fn rest_of_word(&mut self) {
        let rest = &self.chars[self.at..];
        if rest.first().is_some_and(|&c| !is_quote(c)) {
            let word: String = word_at(rest).iter().collect();
            self.at += word.chars().count();
            self.push_word(word);
        }
    }

    fn push_words(&mut self, start: usize, end: usize) {
        let text: String = self.chars[start..end].iter().collect();
        text.split_whitespace().for_each(|word| self.push_word(word.to_owned()));
    }

    fn push_word(&mut self, text: String) {
        if !text.is_empty() {
            self.clauses.push(plain(text));
        }
    }

    /// What was read from `start` on.
    fn since(&self, start: usize) -> Place {
        Place { at: start, length: self.at - start }
    }

    fn warn(&mut self, place: Place, message: &str) {
        self.warnings.push(Warning { place, message: message.to_owned() });
    }
}

fn plain(text: String) -> Clause {
    Clause { text, spelling: Spelling::Exact, phrase: false, field: Field::Any, exclude: false }
}
