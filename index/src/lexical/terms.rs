//! What of a text counts as a word of the query, for choosing passages and marking snippets.

use std::collections::HashMap;

/// The words of a query, each with its number.
#[derive(Clone, Debug, Default)]
pub(crate) struct QueryTerms {
    /// Stems, each with its number.
    pub(crate) known: HashMap<String, usize>,
    /// Forms that a pattern of the query stands for, or words like one of it: all of one pattern
    /// have its number.
    pub(crate) forms: HashMap<String, usize>,
    count: usize,
}

impl QueryTerms {
    /// Adds a stem unless it is there.
    pub(crate) fn add(&mut self, stem: &str) {
        if !self.known.contains_key(stem) {
            self.known.insert(stem.to_owned(), self.count);
            self.count += 1;
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
