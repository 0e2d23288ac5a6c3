//! From characters to a [`Query`]. There is no syntax error: what is not understood is plain text.

use super::{Clause, Field, FilterError, Filters, Query, QueryError, Warning};

/// Names before a colon that mean something.
const FIELDS: [&str; 6] = ["title", "author", "path", "type", "after", "before"];

pub(super) fn parse(text: &str, now_sec: i64) -> Result<Query, QueryError> {
    let mut parser = Parser {
        chars: text.chars().collect(),
        at: 0,
        now_sec,
        clauses: Vec::new(),
        filters: Filters::default(),
        warnings: Vec::new(),
        first_exclusion: None,
        first_filter: None,
    };
    parser.run();
    parser.finish()
}

/// A plain word as it has to be written to be read as one.
pub(super) fn escaped(word: &str) -> String {
    let chars: Vec<char> = word.chars().skip_while(|&c| c == '\\').collect();
    if Operator::at(&chars).is_some() { format!("\\{word}") } else { word.to_owned() }
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

struct Parser {
    chars: Vec<char>,
    at: usize,
    now_sec: i64,
    clauses: Vec<Clause>,
    filters: Filters,
    warnings: Vec<Warning>,
    first_exclusion: Option<usize>,
    first_filter: Option<usize>,
}

impl Parser {
    fn run(&mut self) {
        while self.at < self.chars.len() {
            let rest = &self.chars[self.at..];
            if rest[0].is_whitespace() {
                self.at += 1;
            } else if let Some(operator) = Operator::at(rest) {
                self.operator(operator);
            } else {
                self.plain_word();
            }
        }
    }

    fn finish(mut self) -> Result<Query, QueryError> {
        let words: Vec<&str> =
            self.clauses.iter().filter(|c| !c.exclude).map(|c| c.text.as_str()).collect();
        let text_for_meaning = words.join(" ");
        // Symbols outside ASCII (an emoji, say) can mean something to an encoder.
        if !text_for_meaning.chars().any(|c| c.is_alphanumeric() || !c.is_ascii()) {
            return Err(match (self.first_exclusion, self.first_filter) {
                (Some(at), _) => QueryError::OnlyExclusions { at },
                (None, Some(at)) => QueryError::OnlyFilters { at },
                (None, None) => QueryError::Empty,
            });
        }
        if let (Some(after), Some(before)) = (self.filters.after_sec, self.filters.before_sec)
            && after >= before
        {
            let at = self.first_filter.unwrap_or(0);
            self.warn(at, "no time is both after the one date and before the other");
        }
        self.warnings.sort_by_key(|warning| warning.at);
        let Self { clauses, filters, warnings, .. } = self;
        Ok(Query { text_for_meaning, clauses, filters, warnings })
    }

    fn plain_word(&mut self) {
        let start = self.at;
        let word = word_at(&self.chars[start..]);
        self.at += word.len();
        let field_without_value = word.last() == Some(&':') && field_at(word).is_some();
        let unescaped = word.iter().position(|&c| c != '\\').unwrap_or(word.len());
        let escape = usize::from(unescaped > 0 && Operator::at(&word[unescaped..]).is_some());
        let text: String = word[escape..].iter().collect();
        if field_without_value {
            let message = format!("`{text}` needs a value right after it; searched for as text");
            self.warn(start, &message);
        }
        self.push_word(text);
    }

    fn operator(&mut self, operator: Operator) {
        let start = self.at;
        let value_start = start + operator.length;
        let value = if operator.quoted {
            let Some(end) = self.closing_quote(value_start) else {
                return self.unbalanced_quote(start, value_start);
            };
            self.at = end + 1;
            // A straight quote between curly ones would end the phrase when written out again.
            self.chars[value_start + 1..end].iter().filter(|&&c| c != '"').collect()
        } else {
            let word = word_at(&self.chars[value_start..]);
            self.at = value_start + word.len();
            word.iter().collect::<String>()
        };
        match operator.field {
            None => self.clause(operator, Field::Any, start, &value),
            Some("title") => self.clause(operator, Field::Title, start, &value),
            Some("author") => self.clause(operator, Field::Author, start, &value),
            Some(field) => self.filter(field, operator, start, &value),
        }
        if operator.quoted {
            self.rest_of_word();
        }
    }

    fn clause(&mut self, operator: Operator, field: Field, start: usize, value: &str) {
        let text = value.split_whitespace().collect::<Vec<_>>().join(" ");
        if !text.chars().any(char::is_alphanumeric) {
            let message = "there is no word to look for; searched for as text";
            return self.as_text(start, message);
        }
        if operator.exclude {
            self.first_exclusion.get_or_insert(start);
        }
        self.clauses.push(Clause {
            text,
            phrase: operator.quoted,
            field,
            exclude: operator.exclude,
        });
    }

    fn filter(&mut self, field: &str, operator: Operator, start: usize, value: &str) {
        let exclude = operator.exclude;
        let added = match field {
            "path" => self.filters.add_path(value, exclude),
            "type" => self.filters.add_types(value, exclude),
            _ if exclude => {
                let message = format!("-{field}: is not known; searched for as text");
                return self.as_text(start, &message);
            }
            "after" => self.filters.set_after(value, self.now_sec),
            _ => self.filters.set_before(value, self.now_sec),
        };
        match added {
            Ok(()) => {
                self.first_filter.get_or_insert(start);
            }
            Err(
                error @ (FilterError::Pattern { .. } | FilterError::Date(_) | FilterError::Type),
            ) => {
                self.as_text(start, &format!("{error}; searched for as text"));
            }
        }
    }

    /// Takes what was read since `start` as plain words after all.
    fn as_text(&mut self, start: usize, message: &str) {
        self.warn(start, message);
        self.push_words(start, self.at);
    }

    /// From the quote on, everything is plain text, operators too: what the person meant to quote
    /// cannot be told from the rest.
    fn unbalanced_quote(&mut self, start: usize, quote: usize) {
        self.warn(quote, "this quote is not closed; searched for as plain words from here on");
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
            let plain = Clause { text, phrase: false, field: Field::Any, exclude: false };
            self.clauses.push(plain);
        }
    }

    fn warn(&mut self, at: usize, message: &str) {
        self.warnings.push(Warning { at, message: message.to_owned() });
    }
}
