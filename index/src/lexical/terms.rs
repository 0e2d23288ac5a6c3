//! What of a text counts as a word of the query, for choosing passages and marking snippets.

use std::collections::HashMap;

/// The words of a query, each with its number and with how much it says.
#[derive(Clone, Debug, Default)]
pub(crate) struct QueryTerms {
    /// Stems, each with its number and inverse document frequency.
    pub(crate) known: HashMap<String, (usize, f32)>,
    /// Forms that a pattern of the query stands for, or words like one of it: all of one pattern
    /// have its number.
    pub(crate) forms: HashMap<String, (usize, f32)>,
    /// Tokens that belong together, in order.
    pub(crate) phrases: Vec<Vec<String>>,
    count: usize,
}

impl QueryTerms {
    /// Adds a stem unless it is there.
    pub(crate) fn add(&mut self, stem: &str, idf: f32) {
        if !self.known.contains_key(stem) {
            self.known.insert(stem.to_owned(), (self.count, idf));
            self.count += 1;
        }
    }

    /// Adds what one pattern stands for.
    pub(crate) fn add_forms(&mut self, forms: impl IntoIterator<Item = String>, idf: f32) {
        for form in forms {
            self.forms.entry(form).or_insert((self.count, idf));
        }
        self.count += 1;
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.known.is_empty() && self.forms.is_empty()
    }

    /// The inverse document frequencies by number.
    pub(crate) fn idfs(&self) -> Vec<f32> {
        let mut idfs = vec![0.0; self.count];
        for (number, idf) in self.known.values().chain(self.forms.values()) {
            idfs[*number] = *idf;
        }
        idfs
    }
}
