//! Documents into sections: a text read from the index, and tokenised part by part.

use std::collections::HashSet;
use std::error::Error;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use lsearch_engine::{Clock, Encoder, EngineError, Section};
use lsearch_index::{ContentKey, IndexError, Pending, StoredContent, Writer};

use super::produce::Cutter;
use crate::errors::CliError;

/// What comes out of a document.
pub enum Piece {
    /// The next section.
    Section(Section, Place),
    /// No further section can be made of it.
    Failed(FailedDocument),
    /// Nothing at all can be read any more.
    Fatal(CliError),
}

/// Where a section on its way through the encoder belongs.
#[derive(Debug, Clone)]
pub struct Place {
    /// The document.
    pub content: ContentKey,
    /// Index of the section's first passage.
    pub first_passage: usize,
    /// Whether the document ends with it.
    pub last: bool,
    /// Bytes of the text that it covers.
    pub bytes: u64,
}

/// A document that cannot be cut into sections.
pub struct FailedDocument {
    /// The document.
    pub content: ContentKey,
    /// Bytes of its text that get no vectors.
    pub bytes: u64,
    /// Why.
    pub error: Box<dyn Error + Send + Sync>,
    /// Whether its text is spoilt, so that the file has to be read again.
    pub unreadable: bool,
}

/// Documents of which nothing is to be encoded any more, because a section of theirs failed: sections
/// must follow on one another.
#[derive(Debug, Default)]
pub struct GivenUp(Mutex<HashSet<ContentKey>>);

impl GivenUp {
    /// Gives a document up; false if it was before.
    pub fn add(&self, content: &ContentKey) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(*content)
    }

    /// Every document that was given up.
    pub fn into_contents(self) -> HashSet<ContentKey> {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a document was given up.
    pub fn contains(&self, content: &ContentKey) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(content)
    }
}

/// Cuts stored texts into sections.
pub struct SectionCutter<'a> {
    /// Where the texts are.
    pub writer: &'a Writer,
    /// Whose tokens count.
    pub encoder: &'a Encoder,
    /// Documents to leave.
    pub given_up: &'a GivenUp,
    /// Time that reading took.
    pub reading: &'a Clock,
}

/// A passage's vector costs memory even where it has hardly a token.
const PASSAGE_WEIGHT: usize = 4;

impl Cutter for SectionCutter<'_> {
    type Document = Pending;
    type Piece = Piece;

    fn text_bytes(&self, document: &Pending) -> u64 {
        document.text_bytes
    }

    fn cut(&self, document: &Pending) -> impl Iterator<Item = Piece> {
        let state = match self.reading.time(|| self.writer.content(&document.content)) {
            Ok(stored) => State::Text(Text {
                passages: stored.passages.iter().map(|span| span.start..span.end).collect(),
                next: document.next_passage,
                stored,
            }),
            // One text that a failing disk has spoilt must not keep the others from their vectors.
            Err(error @ (IndexError::Damaged { .. } | IndexError::UnknownContent { .. })) => {
                State::Last(Piece::Failed(FailedDocument {
                    content: document.content,
                    bytes: document.text_bytes,
                    error: error.into(),
                    unreadable: true,
                }))
            }
            Err(error) => State::Last(Piece::Fatal(error.into())),
        };
        DocumentSections { cutter: self, content: document.content, state }
    }

    fn weight(piece: &Piece) -> usize {
        match piece {
            Piece::Section(section, _) => {
                section.tokens() + PASSAGE_WEIGHT * section.passages.len()
            }
            Piece::Failed(_) | Piece::Fatal(_) => 1,
        }
    }
}

/// One document, as far as it is cut.
struct DocumentSections<'a> {
    cutter: &'a SectionCutter<'a>,
    content: ContentKey,
    state: State,
}

enum State {
    Text(Text),
    Last(Piece),
    Done,
}

struct Text {
    stored: StoredContent,
    passages: Vec<Range<usize>>,
    next: usize,
}

impl Iterator for DocumentSections<'_> {
    type Item = Piece;

    fn next(&mut self) -> Option<Piece> {
        match std::mem::replace(&mut self.state, State::Done) {
            State::Text(text) if !self.cutter.given_up.contains(&self.content) => {
                self.section(text)
            }
            State::Last(piece) => Some(piece),
            State::Text(_) | State::Done => None,
        }
    }
}

impl DocumentSections<'_> {
    fn section(&mut self, mut text: Text) -> Option<Piece> {
        let encoder = self.cutter.encoder;
        let cut = encoder.next_section(&text.stored.text, &text.passages, text.next);
        let section = match cut {
            Ok(section) => section?,
            // A text that the tokenizer cannot take is this document's own matter.
            Err(error @ (EngineError::Tokenize { .. } | EngineError::PassagesInvalid { .. })) => {
                let from = text.next.checked_sub(1).map_or(0, |last| text.passages[last].end);
                return Some(Piece::Failed(FailedDocument {
                    content: self.content,
                    bytes: (text.stored.text.len() - from) as u64,
                    error: error.into(),
                    unreadable: false,
                }));
            }
            Err(error) => return Some(Piece::Fatal(error.into())),
        };
        text.next = section.passages.end;
        let place = Place {
            content: self.content,
            first_passage: section.passages.start,
            last: text.next >= text.passages.len(),
            bytes: section.bytes.len() as u64,
        };
        if !place.last {
            self.state = State::Text(text);
        }
        Some(Piece::Section(section, place))
    }
}
