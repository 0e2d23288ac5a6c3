//! Vectors on their way in: which documents still need them, and sections as they are made.

use super::options::{Pending, SectionRecord};
use super::state::State;
use crate::content::{ContentKey, ShortKey};
use crate::encodings::{
    NewRecord, Section, encode_document, encode_section, encode_short_document, next_passage,
};
use crate::error::{IndexError, Result};
use crate::texts::TextReader;
use crate::vectors::VectorError;

impl State {
    /// Live contents that this encoder has not finished, in the order their texts came in.
    /// Documents without passages have nothing to encode.
    pub(super) fn pending(&mut self, fingerprint: &str) -> Result<Vec<Pending>> {
        let live: Vec<ShortKey> = self.tally.live().collect();
        let mut pending = Vec::new();
        for key in live {
            let table = self.encodings.encoder(fingerprint);
            if table.is_some_and(|table| table.complete.contains_key(&key)) {
                continue;
            }
            let Some(record) = self.text_index.record(key).copied() else { continue };
            let head = TextReader::open(self.texts.read()?, &record)?.head;
            if head.passages == 0 {
                continue;
            }
            if next_passage(self.begun(fingerprint, key)) == head.passages as usize {
                // A kill came between the last section and the record that completes it.
                match self.complete(fingerprint, &head.content) {
                    Ok(()) => continue,
                    // Its sections are forgotten by now: it is encoded from the beginning.
                    Err(IndexError::Damaged { .. } | IndexError::Vector(_)) => {}
                    Err(error) => return Err(error),
                }
            }
            let begun = self.begun(fingerprint, key);
            let entry = Pending {
                content: head.content,
                text_bytes: head.text_bytes,
                sections_done: begun.len(),
                next_passage: next_passage(begun),
            };
            pending.push(((record.segment, record.offset), entry));
        }
        pending.sort_unstable_by_key(|(place, _)| *place);
        Ok(pending.into_iter().map(|(_, entry)| entry).collect())
    }

    /// Stores a section; the last one completes the document.
    pub(super) fn put_section(
        &mut self,
        fingerprint: &str,
        content: &ContentKey,
        section: &SectionRecord<'_>,
    ) -> Result<()> {
        let key = content.short();
        let Some(record) = self.text_index.record(key) else {
            return Err(IndexError::UnknownContent { content: *content });
        };
        let passages = TextReader::open(self.texts.read()?, record)?.head.passages as usize;
        let table = self.encodings.encoder(fingerprint);
        if table.is_some_and(|table| table.complete.contains_key(&key)) {
            return Ok(());
        }
        let dims = section.mean.len();
        if let Some(expected) = table.map(|table| table.dims).filter(|&known| known != dims) {
            return Err(VectorError::Dimensions { expected, found: dims }.into());
        }
        let expected = table.map_or(0, |table| next_passage(table.begun(key)));
        let first = section.first_passage;
        // Beginning anew is always allowed: it replaces what was begun.
        if first != expected && first != 0 {
            return Err(IndexError::input(format!(
                "a section that begins at passage {first} where {expected} comes next"
            )));
        }
        let end = first + section.passages.len();
        if end > passages || (section.last && end != passages) {
            return Err(IndexError::input(format!(
                "sections that end at passage {end} of a document of {passages}"
            )));
        }
        let new = encode_section(
            fingerprint,
            *content,
            first,
            section.tokens,
            section.mean,
            section.passages,
        )?;
        self.append_vectors(new)?;
        match (section.last, first) {
            (false, _) => Ok(()),
            // Most documents are short, and mapping the file anew for each would cost more than
            // all the rest.
            (true, 0) => {
                let document = encode_short_document(fingerprint, *content, section.mean);
                self.complete_with(fingerprint, content, document)
            }
            (true, _) => self.complete(fingerprint, content),
        }
    }

    fn append_vectors(&mut self, new: NewRecord) -> Result<()> {
        let record = self.vectors.append(&new.head_bytes()?, &[&new.payload])?;
        if self.encodings.insert(new.head, &record) {
            return Ok(());
        }
        Err(IndexError::input("vectors of another length than their head says"))
    }

    fn begun(&self, fingerprint: &str, key: ShortKey) -> &[Section] {
        self.encodings.encoder(fingerprint).map_or(&[], |table| table.begun(key))
    }

    /// Adds a document's sections up. If they cannot be, they are forgotten.
    fn complete(&mut self, fingerprint: &str, content: &ContentKey) -> Result<()> {
        let key = content.short();
        let dims = self.encodings.encoder(fingerprint).map_or(0, |table| table.dims);
        let segments = self.vectors.read()?;
        let begun = self.encodings.encoder(fingerprint).map_or(&[][..], |table| table.begun(key));
        let document = encode_document(segments, fingerprint, *content, dims, begun);
        self.complete_with(fingerprint, content, document)
    }

    fn complete_with(
        &mut self,
        fingerprint: &str,
        content: &ContentKey,
        document: Result<NewRecord>,
    ) -> Result<()> {
        if matches!(document, Err(IndexError::Damaged { .. } | IndexError::Vector(_))) {
            self.encodings.forget_begun(fingerprint, content.short());
        }
        self.append_vectors(document?)
    }
}
