//! Words of a query that are misspelt, perhaps: no document has them, or hardly any, and many have a
//! word that differs by a typing error.

use tantivy::collector::Count;
use tantivy::query::TermQuery;
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{Searcher, Term};

use super::analysis::{Analyzed, QueryAnalyzer, is_stop_word};
use super::forms::{Form, Wanted, as_form, forms};
use super::language::Language;
use super::{Lexical, guarded};
use crate::error::{PathContext, Result};
use crate::query::{Clause, Field as ClauseField, Query, Spelling, has_spaces, typos_allowed};

/// Shorter words have too many neighbours to tell which was meant.
const LETTERS: usize = 4;
/// Words of a query that are looked after: looking one up takes a millisecond or two.
const MOST_WORDS: usize = 8;
/// A longer query is a document.
const LONGEST_QUERY: usize = 256;
/// A word of no more documents than this may be a typing error in them, too...
const RARE_DOCUMENTS: u64 = 10;
/// ...where so many times as many documents have the word it resembles, and so many at least.
const TIMES_AS_MANY: u64 = 100;
/// Candidates that are looked at again for whether their documents are still there.
const CANDIDATES: usize = 16;

/// A word of a query that was misspelt, perhaps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Correction {
    /// As it stands in the query.
    pub written: String,
    /// The word that was meant, perhaps, as documents spell it.
    pub meant: String,
    /// Whether the query now has that word in its place; otherwise it is a suggestion.
    pub searched: bool,
    /// How many documents have the word as written.
    pub documents: u64,
}

/// Puts words of documents in the place of words that no document has, and tells of these and of
/// others that may be misspelt.
///
/// Left alone are long queries, phrases, exclusions, patterns, what has digits or capitals within, words of scripts
/// without spaces, and a query of which most words are unknown: it is of another language than the
/// documents.
pub(crate) fn correct(
    lexical: &Lexical,
    searcher: &Searcher,
    query: &mut Query,
) -> Result<Vec<Correction>> {
    if query.clauses.len() > LONGEST_QUERY {
        return Ok(Vec::new());
    }
    let languages = Language::all_in(lexical, searcher)?;
    let corrector = Corrector { lexical, searcher, languages: &languages };
    let mut suspects = Vec::new();
    let mut known = 0;
    for (number, clause) in query.clauses.iter().enumerate() {
        let Some((word, token)) = word_of(clause, &languages) else { continue };
        match corrector.documents_with(clause.field, &token)? {
            documents if documents > RARE_DOCUMENTS => known += 1,
            documents => suspects.push((number, clause.field, word, token, documents)),
        }
    }
    let unknown = suspects.iter().filter(|suspect| suspect.4 == 0).count();
    let is_foreign = unknown > 2 && unknown > known;
    if suspects.len() > MOST_WORDS || is_foreign {
        return Ok(Vec::new());
    }
    let mut corrections = Vec::new();
    for (number, field, written, token, documents) in suspects {
        let found = match documents {
            0 => corrector.nearest(field, &written)?,
            _ => corrector.frequent_neighbour(field, &written, &token, documents)?,
        };
        let Some((meant, searched)) = found else { continue };
        if searched {
            query.replace_word(number, &written, &meant);
        }
        corrections.push(Correction { written, meant, searched, documents });
    }
    Ok(corrections)
}

/// The one word that a clause consists of, and its stems, where it can have typing errors.
fn word_of(clause: &Clause, languages: &[&'static Language]) -> Option<(String, Analyzed)> {
    if clause.exclude || clause.phrase || clause.spelling != Spelling::Exact {
        return None;
    }
    let word = clause.text.trim_matches(|c: char| !c.is_alphanumeric());
    let letters = word.chars().all(|c| c.is_alphabetic() && has_spaces(c));
    // Capitals within are identifiers and abbreviations.
    if !letters || word.chars().count() < LETTERS || word.chars().skip(1).any(char::is_uppercase) {
        return None;
    }
    let mut tokens = QueryAnalyzer::new(languages).analyze(word);
    let token = tokens.pop().filter(|_| tokens.is_empty())?;
    let says_little = is_stop_word(&token.text)
        || languages.iter().any(|language| language.is_stop_word(&token.form));
    (!says_little).then(|| (word.to_owned(), token))
}

struct Corrector<'a> {
    lexical: &'a Lexical,
    searcher: &'a Searcher,
    languages: &'a [&'static Language],
}

impl Corrector<'_> {
    /// How many documents have a word where it is looked for; those that have one of its stems in one
    /// field are enough where they are many.
    fn documents_with(&self, field: ClauseField, word: &Analyzed) -> Result<u64> {
        let fields = self.lexical.fields;
        let fields: &[Field] = match field {
            ClauseField::Any => {
                &[fields.body, fields.title, fields.headings, fields.path_words, fields.author]
            }
            ClauseField::Title => &[fields.title],
            ClauseField::Author => &[fields.author],
        };
        let mut most = 0;
        for &field in fields {
            let native = self.lexical.fields.native(field);
            let native = native.into_iter().flat_map(|field| {
                word.native.iter().map(move |stem| Term::from_field_text(field, stem))
            });
            for term in [Term::from_field_text(field, &word.text)].into_iter().chain(native) {
                most = most.max(self.live(&term)?);
                if most > RARE_DOCUMENTS {
                    return Ok(most);
                }
            }
        }
        Ok(most)
    }

    /// How many documents that are still there have a term.
    fn live(&self, term: &Term) -> Result<u64> {
        let folder = &self.lexical.folder;
        let documents = self.searcher.doc_freq(term).at(folder)?;
        if documents == 0 || documents > RARE_DOCUMENTS * TIMES_AS_MANY {
            return Ok(documents);
        }
        let query = TermQuery::new(term.clone(), IndexRecordOption::Basic);
        Ok(guarded(folder, || self.searcher.search(&query, &Count).at(folder))? as u64)
    }

    /// The forms that a word may be a misspelling of, best first.
    fn candidates(&self, field: ClauseField, word: &str, typos: u8) -> Result<Vec<Form>> {
        let fields = self.lexical.fields;
        let field = match field {
            ClauseField::Any => fields.forms,
            ClauseField::Title => fields.title_forms,
            ClauseField::Author => fields.author_forms,
        };
        let mut found =
            forms(self.searcher, &self.lexical.folder, &[field], Wanted::Near(word, typos))?;
        found.retain(|form| {
            form.text != word
                && form.text.chars().all(char::is_alphabetic)
                && form.text.chars().count() >= LETTERS
                && !is_stop_word(&form.text)
        });
        // Stable: the more frequent stay first among both.
        found.sort_by_key(|form| !begin_alike(word, &form.text));
        found.truncate(CANDIDATES);
        for form in &mut found {
            form.documents = self.live(&Term::from_field_text(field, &form.text))?;
        }
        found.retain(|form| form.documents > 0);
        Ok(found)
    }

    /// The word that one which no document has stands for, and whether that is all but certain.
    fn nearest(&self, field: ClauseField, written: &str) -> Result<Option<(String, bool)>> {
        let word = as_form(written);
        for typos in 1..=typos_allowed(&word) {
            if let Some(form) = self.candidates(field, &word, typos)?.into_iter().next() {
                let certain = match word.chars().count() {
                    // Half of all words of four letters are one letter from another.
                    ..=LETTERS => are_swapped(&word, &form.text),
                    _ => begin_alike(&word, &form.text) || are_swapped(&word, &form.text),
                };
                return Ok(Some((form.text, certain)));
            }
        }
        Ok(None)
    }

    /// A word that differs by one typing error from a rare one and that very many documents have.
    fn frequent_neighbour(
        &self,
        field: ClauseField,
        written: &str,
        token: &Analyzed,
        documents: u64,
    ) -> Result<Option<(String, bool)>> {
        let word = as_form(written);
        // Names are rare, too.
        let may_be_name = written.starts_with(char::is_uppercase);
        if may_be_name || word.chars().count() <= LETTERS {
            return Ok(None);
        }
        let mut analyzer = QueryAnalyzer::new(self.languages);
        let mut found = self.candidates(field, &word, 1)?.into_iter();
        let frequent = found.find(|form| {
            let other = analyzer.analyze(&form.text);
            form.documents >= TIMES_AS_MANY * documents
                && begin_alike(&word, &form.text)
                && other.first().is_some_and(|other| {
                    let mut stems = other.native.iter().zip(&token.native);
                    other.text != token.text && stems.all(|(stem, other)| stem != other)
                })
        });
        Ok(frequent.map(|form| (form.text, false)))
    }
}

fn begin_alike(a: &str, b: &str) -> bool {
    a.chars().next() == b.chars().next()
}

/// Whether two letters side by side are swapped and nothing else differs.
fn are_swapped(a: &str, b: &str) -> bool {
    let apart: Vec<(usize, (char, char))> =
        a.chars().zip(b.chars()).enumerate().filter(|(_, (a, b))| a != b).collect();
    a.chars().count() == b.chars().count()
        && matches!(apart.as_slice(), [(at, (a, b)), (next, (c, d))] if *next == at + 1 && a == d && b == c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn swapped_letters_stand_side_by_side() {
        assert!(are_swapped("form", "from") && are_swapped("laese", "lease"));
        for (a, b) in [("form", "form"), ("form", "fort"), ("abcd", "dbca"), ("ab", "ba c")] {
            assert!(!are_swapped(a, b), "{a} {b}");
        }
    }

    #[test]
    fn only_plain_words_can_be_misspelt() {
        let word = |text: &str| {
            let query = Query::parse(&format!("{text} other"), 0).unwrap();
            word_of(&query.clauses[0], &[]).map(|(word, _)| word)
        };
        assert_eq!(word("terminaton?").as_deref(), Some("terminaton"));
        assert_eq!(word("title:terminaton").as_deref(), Some("terminaton"));
        for text in [
            "\"terminaton\"",
            "-draft",
            "leas*",
            "x86",
            "NASA",
            "parseHttp",
            "the",
            "検索機能",
            "a-b",
            "cat",
        ] {
            assert_eq!(word(text), None, "{text}");
        }
    }
}
