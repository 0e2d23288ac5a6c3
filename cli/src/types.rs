//! Names of types that a person may filter by.

use std::collections::BTreeSet;
use std::path::Path;

use lsearch_index::Reader;
use lsearch_index::query::is_one_typo;
use lsearch_ingest::{Guess, Kind, guess_by_name, type_names};

use crate::errors::CliError;

/// Letters that must be the same for a longer or shorter name to be taken for the one that was meant.
const BEGINNING: usize = 3;
/// Names that are offered in the place of one that is none.
const OFFERED: usize = 4;

/// An error when nothing is, or ever could be, of this type. `place` shows where it stands in the query.
pub fn check(name: &str, reader: &Reader, place: impl FnOnce() -> String) -> Result<(), CliError> {
    let name = name.trim().trim_start_matches('.').to_lowercase();
    if name.is_empty() || is_known(&name) {
        return Ok(());
    }
    // An extension that says nothing by itself is a type where documents have it.
    let of_documents = reader.types()?;
    if of_documents.contains(&name) {
        return Ok(());
    }
    let near = near(&name, &of_documents);
    let advice = if near.is_empty() {
        let kinds: Vec<&str> = Kind::ALL.into_iter().map(Kind::as_str).collect();
        format!(
            "kinds are {}; formats (docx, rust) and extensions are types, too",
            kinds.join(", ")
        )
    } else {
        format!("did you mean {}?", near.join(" or "))
    };
    let place = place();
    let newline = if place.is_empty() { "" } else { "\n" };
    Err(CliError::new(format!("no document is of the type `{name}`"))
        .hint(format!("{place}{newline}{advice}")))
}

fn is_known(name: &str) -> bool {
    type_names().any(|known| known == name)
        || guess_by_name(Path::new(&format!("x.{name}"))) != Guess::Unknown
}

/// Names that differ by a typing error, or else begin in the same way.
fn near<'a>(name: &str, of_documents: &'a BTreeSet<String>) -> Vec<&'a str> {
    let mut all: BTreeSet<&'a str> = type_names().collect();
    all.extend(of_documents.iter().map(String::as_str));
    // Letters of two-letter names are all but arbitrary.
    let typos: Vec<&str> =
        all.iter().copied().filter(|known| known.len() > 2 && is_one_typo(name, known)).collect();
    let mut near = if typos.is_empty() {
        let alike = |known: &&str| {
            let shorter = name.len().min(known.len());
            shorter >= BEGINNING && (known.starts_with(name) || name.starts_with(*known))
        };
        all.iter().copied().filter(alike).collect()
    } else {
        typos
    };
    // What documents here are of comes first.
    near.sort_by_key(|known| !of_documents.contains(*known));
    near.truncate(OFFERED);
    near
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_were_meant_are_offered() {
        let none = BTreeSet::new();
        assert_eq!(near("pfd", &none), ["pdf"]);
        assert_eq!(near("pyton", &none), ["python"]);
        assert_eq!(near("javascripts", &none), ["javascript"]);
        assert!(near("zebra", &none).is_empty());
        let of_documents = BTreeSet::from(["notes".to_owned()]);
        assert_eq!(near("note", &of_documents), ["notes"]);
    }

    #[test]
    fn kinds_formats_and_extensions_are_known() {
        for name in ["code", "rust", "rs", "docx", "epub", "zip", "png", "man"] {
            assert!(is_known(name), "{name}");
        }
        assert!(!is_known("pfd"));
    }
}
