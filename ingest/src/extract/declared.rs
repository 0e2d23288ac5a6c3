//! What a document says of itself, as it is come by.

use crate::dated::iso_date;
use crate::title;

/// More names than this are a list of contributors.
const AUTHORS: usize = 20;

/// Title, authors and date; what is said first counts.
#[derive(Debug, Default)]
pub(super) struct Declared {
    pub(super) title: Option<String>,
    /// Divided by "; ".
    pub(super) author: Option<String>,
    pub(super) dated: Option<String>,
    authors: usize,
}

impl Declared {
    pub(super) fn note_title(&mut self, words: &str) {
        if self.title.is_none() {
            self.title = title::clean(words);
        }
    }

    pub(super) fn note_author(&mut self, words: &str) {
        let Some(name) = title::clean(words).filter(|name| name.chars().any(char::is_alphabetic))
        else {
            return;
        };
        if self.authors >= AUTHORS
            || self.author.as_ref().is_some_and(|known| known.split("; ").any(|one| one == name))
        {
            return;
        }
        self.authors += 1;
        match &mut self.author {
            Some(author) => author.extend(["; ", &name]),
            None => self.author = Some(name),
        }
    }

    /// Notes a date, if that is what the words are.
    pub(super) fn note_date(&mut self, words: &str) {
        if self.dated.is_none() {
            self.dated = iso_date(words);
        }
    }
}
