//! What documents are made of, for understanding a query: their words and their types.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::Reader;
use super::keyword::Names;
use super::matcher::Matcher;
use crate::error::{PathContext, Result};
use crate::lexical::{Correction, Language, compile, correct, guarded};
use crate::query::Query;
use crate::snippet::highlights;

impl Reader {
    /// Puts words of documents in the place of words of the query that no document has and that are
    /// misspelt, by all appearances, and tells of these and of words that may be misspelt.
    ///
    /// # Errors
    /// [`crate::IndexError::Damaged`] and those of reading.
    pub fn correct(&self, query: &mut Query) -> Result<Vec<Correction>> {
        let current = self.current();
        correct(&current.view.lexical, &current.view.searcher, query)
    }

    /// Where words of a query stand in a text: ranges of bytes, ascending and apart from one another.
    ///
    /// # Errors
    /// [`crate::IndexError::Damaged`] and those of reading.
    pub fn highlights(&self, query: &Query, text: &str) -> Result<Vec<Range<usize>>> {
        let current = self.current();
        let languages = Language::all_in(&current.view.lexical, &current.view.searcher)?;
        let compiled = compile(&current.view.lexical, &current.view.searcher, query)?;
        let matcher = RefCell::new(Matcher::new(&compiled.terms, &languages));
        Ok(highlights(text, &|word| matcher.borrow_mut().first(word)))
    }

    /// The paths of documents whose names are to be compared with one that is none; some may be gone since.
    ///
    /// # Errors
    /// [`crate::IndexError::Damaged`] and those of reading.
    pub fn paths(&self) -> Result<BTreeSet<PathBuf>> {
        let current = self.current();
        let folder = &current.view.lexical.folder;
        let mut paths = BTreeSet::new();
        guarded(folder, || {
            for segment in current.view.searcher.segment_readers() {
                let Some(column) = segment.fast_fields().str("path").at(folder)? else { continue };
                paths.extend(Names::read(column).at(folder)?.all().iter().map(PathBuf::from));
            }
            Ok(())
        })?;
        Ok(paths)
    }

    /// The kinds, formats and extensions (in lower case) that documents have.
    ///
    /// # Errors
    /// [`crate::IndexError::Damaged`] and those of reading.
    pub fn types(&self) -> Result<BTreeSet<String>> {
        let current = self.current();
        let folder = &current.view.lexical.folder;
        let mut types = BTreeSet::new();
        guarded(folder, || {
            for segment in current.view.searcher.segment_readers() {
                let fast = segment.fast_fields();
                for name in ["kind", "format", "path"] {
                    let Some(column) = fast.str(name).at(folder)? else { continue };
                    for value in Names::read(column).at(folder)?.all() {
                        let extension = || Some(Path::new(value).extension()?.to_str()?.to_owned());
                        let found = if name == "path" { extension() } else { Some(value.clone()) };
                        types.extend(found.map(|found| found.to_lowercase()));
                    }
                }
            }
            Ok(())
        })?;
        Ok(types)
    }
}
