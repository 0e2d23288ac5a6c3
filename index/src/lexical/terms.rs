//! What of a text counts as a word of the query, for choosing passages and marking snippets.

use std::collections::HashMap;

/// The words of a query, each with its number.
#[derive(Clone, Debug, Default)]
pub(crate) struct QueryTerms {
    /// Stems, each with its number.
    pub(crate) known: HashMap<String, usize>,
    /// The same by native stems, see [`super::language`].
    pub(crate) native: HashMap<String, usize>,
    /// Forms that a pattern of the query stands for, or words like one of it: all of one pattern
    /// have its number.
    pub(crate) forms: HashMap<String, usize>,
    count: usize,
}

impl QueryTerms {
    /// Adds a word by its stem, unless that is there, and by its native stems.
    pub(crate) fn add<'a>(&mut self, stem: &str, native: impl IntoIterator<Item = &'a str>) {
        let number = match self.known.get(stem) {
            Some(&number) => number,
            None => {
                self.known.insert(stem.to_owned(), self.count);
                self.count += 1;
                self.count - 1
            }
        };
        for stem in native {
            self.native.entry(stem.to_owned()).or_insert(number);
        }
    }

    /// Adds what one pattern stands for.
    pub(crate) fn add_forms(&mut self, forms: impl IntoIterator<Item = String>) {
        for form in forms {
            self.forms.entry(form).or_insert(self.count);
        }
        self.count += 1;
    }
}
