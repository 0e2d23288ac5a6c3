//! The second stage: sections gathered into groups, and the groups encoded.

use std::collections::HashSet;
use std::ops::Range;

use lsearch_engine::{EngineError, Section, SectionVectors};

use super::sections::{FailedDocument, Piece, Place};
use crate::errors::CliError;

/// Passages gathered at most: text nearly without tokens would otherwise gather vectors without bound.
const GROUP_PASSAGES: usize = 8192;

/// Sections that are encoded together.
#[derive(Default)]
pub struct Group {
    /// The sections, those of one document in order.
    pub sections: Vec<Section>,
    /// Where each of them belongs.
    pub places: Vec<Place>,
    /// Documents that end here, after their sections.
    pub failed: Vec<FailedDocument>,
    /// Why this is the last group.
    pub fatal: Option<CliError>,
    tokens: usize,
    passages: usize,
}

/// Gathers pieces into groups.
pub struct Groups<P> {
    /// The pieces.
    pub pieces: P,
    /// Tokens from which on a group is full.
    pub tokens: usize,
}

impl<P: Iterator<Item = Piece>> Iterator for Groups<P> {
    type Item = Group;

    fn next(&mut self) -> Option<Group> {
        let mut group = Group::default();
        while group.tokens < self.tokens && group.passages < GROUP_PASSAGES {
            match self.pieces.next() {
                Some(Piece::Section(section, place)) => {
                    group.tokens += section.tokens();
                    group.passages += section.passages.len();
                    group.sections.push(section);
                    group.places.push(place);
                }
                Some(Piece::Failed(failed)) => group.failed.push(failed),
                Some(Piece::Fatal(error)) => {
                    group.fatal = Some(error);
                    break;
                }
                None => break,
            }
        }
        let is_empty =
            group.sections.is_empty() && group.failed.is_empty() && group.fatal.is_none();
        (!is_empty).then_some(group)
    }
}

/// What became of a section.
#[derive(Debug)]
pub enum Outcome {
    /// Its vectors.
    Vectors(SectionVectors),
    /// It cannot be encoded.
    Failed(EngineError),
    /// One before it failed, so that it was not tried.
    LeftOut,
}

/// Encodes sections together or, where that fails, each on its own: that finds the one at fault, and the
/// others get their vectors. `encode` is given indices of `places`. `None` when cancelled.
pub fn outcomes(
    places: &[Place],
    encode: impl Fn(Range<usize>) -> Result<Vec<SectionVectors>, EngineError>,
) -> Option<Vec<Outcome>> {
    match encode(0..places.len()) {
        Ok(vectors) => return Some(vectors.into_iter().map(Outcome::Vectors).collect()),
        Err(EngineError::Cancelled) => return None,
        Err(_) => {}
    }
    let mut failed = HashSet::new();
    let mut outcomes = Vec::with_capacity(places.len());
    for (at, place) in places.iter().enumerate() {
        if failed.contains(&place.content) {
            outcomes.push(Outcome::LeftOut);
            continue;
        }
        match encode(at..at + 1) {
            Ok(vectors) => outcomes.extend(vectors.into_iter().map(Outcome::Vectors)),
            Err(EngineError::Cancelled) => return None,
            Err(error) => {
                failed.insert(place.content);
                outcomes.push(Outcome::Failed(error));
            }
        }
    }
    Some(outcomes)
}

#[cfg(test)]
mod tests {
    use lsearch_index::{Content, ContentKey};

    use super::*;

    fn place(text: &str, first_passage: usize) -> Place {
        let content = ContentKey::of(&Content {
            title: "",
            kind: "text",
            format: "txt",
            language: None,
            author: None,
            dated: None,
            text,
            headings: &[],
            passages: &[],
            pages: &[],
            warnings: &[],
        });
        Place { content, first_passage, last: false, bytes: 1 }
    }

    fn vectors(at: usize) -> SectionVectors {
        SectionVectors { tokens: at, mean: vec![1.0], passages: Vec::new() }
    }

    fn words(outcomes: &[Outcome]) -> Vec<String> {
        let word = |outcome: &Outcome| match outcome {
            Outcome::Vectors(vectors) => vectors.tokens.to_string(),
            Outcome::Failed(_) => "failed".to_owned(),
            Outcome::LeftOut => "left out".to_owned(),
        };
        outcomes.iter().map(word).collect()
    }

    #[test]
    fn one_section_that_fails_takes_only_its_own_document_along() {
        let places = [place("a", 0), place("b", 0), place("b", 1), place("b", 2), place("c", 0)];
        let encode = |range: Range<usize>| match range.contains(&2) {
            true => Err(EngineError::BadOutput { what: "nonsense" }),
            false => Ok(range.map(vectors).collect()),
        };
        let outcomes = outcomes(&places, encode).unwrap();
        assert_eq!(words(&outcomes), ["0", "1", "failed", "left out", "4"]);
    }

    #[test]
    fn what_can_be_is_encoded_together() {
        let places = [place("a", 0), place("b", 0)];
        let outcomes = outcomes(&places, |range| {
            assert_eq!(range, 0..2);
            Ok(range.map(vectors).collect())
        });
        assert_eq!(words(&outcomes.unwrap()), ["0", "1"]);
    }

    #[test]
    fn cancelling_while_the_fault_is_looked_for_ends_it() {
        let places = [place("a", 0), place("b", 0)];
        let encode = |range: Range<usize>| match range.len() {
            1 => Err(EngineError::Cancelled),
            _ => Err(EngineError::BadOutput { what: "nonsense" }),
        };
        assert!(outcomes(&places, encode).is_none());
    }
}
