//! Vectors as encoders made them: sections of documents, and the document vectors they add up to.
//!
//! This is the one part that is dear: a vector is never computed twice for the same content and
//! encoder, whatever happens to the caches.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use serde::{Deserialize, Serialize};

use crate::content::{ContentKey, ShortKey};
use crate::error::{IndexError, Result};
use crate::segments::{RecordRef, Segments};
use crate::vectors::{QueryVector, VectorError, normalise, quantise};

/// What segment files of vectors hold.
pub(crate) const VECTOR_KIND: [u8; 4] = *b"VECT";

/// Head of a record in the vector segments.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Head {
    /// One section. Payload: the mean (`dims` f32), a scale for each passage (f32), then each
    /// passage's vector (`dims` i8).
    Section {
        fingerprint: String,
        content: ContentKey,
        first_passage: u32,
        passages: u32,
        tokens: u64,
        dims: u32,
    },
    /// All sections are there. Payload: the document vector (`dims` f32, unit length).
    Document { fingerprint: String, content: ContentKey, sections: u32, dims: u32 },
}

/// A stored section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Section {
    pub(crate) record: RecordRef,
    pub(crate) first_passage: u32,
    pub(crate) passages: u32,
    pub(crate) tokens: u64,
}

/// A document that is encoded whole.
#[derive(Clone, Debug)]
pub(crate) struct Encoding {
    pub(crate) document: RecordRef,
    pub(crate) sections: Vec<Section>,
    /// Whether the checksums of the document vector and of the sections were compared, and with what
    /// result; shared by all copies.
    checked: Arc<[AtomicU8; 2]>,
}

const UNCHECKED: u8 = 0;
const WHOLE: u8 = 1;
const DAMAGED: u8 = 2;

impl Encoding {
    /// Number of passage vectors.
    pub(crate) fn passages(&self) -> usize {
        self.sections.iter().map(|section| section.passages as usize).sum()
    }

    /// Whether all its vectors are as they were written; compares checksums the first time.
    pub(crate) fn is_whole(&self, segments: &Segments) -> bool {
        let sections = || self.sections.iter().map(|section| &section.record);
        self.document_is_whole(segments) && self.check(1, segments, sections)
    }

    /// Whether the document vector is as it was written, without a look at those of the passages,
    /// which are many times as long.
    pub(crate) fn document_is_whole(&self, segments: &Segments) -> bool {
        self.check(0, segments, || std::iter::once(&self.document))
    }

    fn check<'a, R: Iterator<Item = &'a RecordRef>>(
        &self,
        which: usize,
        segments: &Segments,
        records: impl FnOnce() -> R,
    ) -> bool {
        match self.checked[which].load(Ordering::Relaxed) {
            UNCHECKED => {
                let whole = records().all(|record| segments.checked_payload(record).is_ok());
                self.checked[which].store(if whole { WHOLE } else { DAMAGED }, Ordering::Relaxed);
                whole
            }
            known => known == WHOLE,
        }
    }

    /// The document vector, unit length.
    pub(crate) fn vector<'a>(&self, segments: &'a Segments) -> Result<Cow<'a, [f32]>> {
        Ok(as_f32(segments.payload(&self.document)?))
    }

    /// Index and cosine of the passage nearest to a query; `None` when there is no passage.
    pub(crate) fn best_passage(
        &self,
        segments: &Segments,
        query: &QueryVector,
    ) -> Option<(usize, f32)> {
        let mut best: Option<(usize, f32)> = None;
        for section in &self.sections {
            let payload = segments.payload(&section.record).ok()?;
            let vectors = PassageVectors::split(payload, query.dims(), section.passages as usize)?;
            if let Some((at, score)) = query.best_passage(vectors.iter())
                && best.is_none_or(|(_, best)| score > best)
            {
                best = Some((section.first_passage as usize + at, score));
            }
        }
        best
    }

    /// Cosine of every passage, in order; empty when they cannot be read.
    pub(crate) fn passage_scores(&self, segments: &Segments, query: &QueryVector) -> Vec<f32> {
        let mut scores = Vec::with_capacity(self.passages());
        for section in &self.sections {
            let payload = segments.payload(&section.record).unwrap_or_default();
            let Some(vectors) =
                PassageVectors::split(payload, query.dims(), section.passages as usize)
            else {
                return Vec::new();
            };
            scores.extend(vectors.iter().map(|(scale, values)| query.cosine_i8(scale, values)));
        }
        scores
    }
}

/// Everything one encoder made.
#[derive(Clone, Debug, Default)]
pub(crate) struct EncoderTable {
    pub(crate) dims: usize,
    pub(crate) complete: HashMap<ShortKey, Encoding>,
    /// Documents of which some sections are there, in order from the first.
    partial: HashMap<ShortKey, Vec<Section>>,
    /// Grows with every record, so that the encoder used last is known.
    used: u64,
}

impl EncoderTable {
    /// The sections of a document that is not complete yet.
    pub(crate) fn begun(&self, key: ShortKey) -> &[Section] {
        self.partial.get(&key).map_or(&[], Vec::as_slice)
    }
}

/// Index of the first passage that has no vector yet.
pub(crate) fn next_passage(sections: &[Section]) -> usize {
    sections.last().map_or(0, |last| (last.first_passage + last.passages) as usize)
}

/// Where each vector lies, by encoder.
#[derive(Clone, Debug, Default)]
pub(crate) struct EncodingIndex {
    encoders: HashMap<String, EncoderTable>,
    clock: u64,
}

impl EncodingIndex {
    /// Takes in records found in the segments; returns how many could not be understood.
    pub(crate) fn add_all(&mut self, segments: &Segments, records: &[RecordRef]) -> usize {
        records.iter().filter(|record| self.add(segments, record).is_err()).count()
    }

    fn add(&mut self, segments: &Segments, record: &RecordRef) -> Result<()> {
        match self.insert(read_head(segments, record)?, record) {
            true => Ok(()),
            false => Err(segments.damaged(record, "its vectors have another length")),
        }
    }

    /// Takes in a record just written, without reading it back; false when its vectors do not have
    /// the length they should.
    pub(crate) fn insert(&mut self, head: Head, record: &RecordRef) -> bool {
        let (fingerprint, dims) = match &head {
            Head::Section { fingerprint, dims, .. } | Head::Document { fingerprint, dims, .. } => {
                (fingerprint, *dims as usize)
            }
        };
        self.clock += 1;
        if !self.encoders.contains_key(fingerprint) {
            self.encoders.insert(fingerprint.clone(), EncoderTable { dims, ..Default::default() });
        }
        let table = self.encoders.get_mut(fingerprint).expect("inserted above");
        table.used = self.clock;
        if table.dims != dims || record.payload_len != expected_len(&head) {
            return false;
        }
        match head {
            Head::Section { content, first_passage, passages, tokens, .. } => {
                let section = Section { record: *record, first_passage, passages, tokens };
                let begun = table.partial.entry(content.short()).or_default();
                // A section that does not follow belongs to one lost to damage; it is made again.
                if first_passage == 0 {
                    *begun = vec![section];
                } else if next_passage(begun) == first_passage as usize {
                    begun.push(section);
                }
            }
            Head::Document { content, sections, .. } => {
                let key = content.short();
                if table.begun(key).len() == sections as usize {
                    let sections = table.partial.remove(&key).unwrap_or_default();
                    let checked = Arc::new([UNCHECKED, UNCHECKED].map(AtomicU8::new));
                    let encoding = Encoding { document: *record, sections, checked };
                    table.complete.insert(key, encoding);
                }
            }
        }
        true
    }

    /// Forgets the sections of a document that is not complete, so that it is begun anew.
    pub(crate) fn forget_begun(&mut self, fingerprint: &str, key: ShortKey) {
        if let Some(table) = self.encoders.get_mut(fingerprint) {
            table.partial.remove(&key);
        }
    }

    pub(crate) fn encoder(&self, fingerprint: &str) -> Option<&EncoderTable> {
        self.encoders.get(fingerprint)
    }

    /// Encoders by when they were last used, the latest first.
    pub(crate) fn by_use(&self) -> Vec<(&str, &EncoderTable)> {
        let mut encoders: Vec<_> =
            self.encoders.iter().map(|(name, table)| (name.as_str(), table)).collect();
        encoders.sort_by_key(|(_, table)| std::cmp::Reverse(table.used));
        encoders
    }

    /// Records that a compaction keeps, in the order they were written.
    pub(crate) fn keep(&self, live: impl Fn(ShortKey) -> bool) -> Vec<RecordRef> {
        let mut keep = Vec::new();
        for table in self.encoders.values() {
            for (_, encoding) in table.complete.iter().filter(|(key, _)| live(**key)) {
                keep.push(encoding.document);
                keep.extend(encoding.sections.iter().map(|section| section.record));
            }
            for (_, sections) in table.partial.iter().filter(|(key, _)| live(**key)) {
                keep.extend(sections.iter().map(|section| section.record));
            }
        }
        keep.sort_unstable_by_key(|record| (record.segment, record.offset));
        keep
    }
}

fn expected_len(head: &Head) -> u64 {
    match head {
        Head::Section { passages, dims, .. } => {
            let (passages, dims) = (u64::from(*passages), u64::from(*dims));
            4 * dims + passages * (4 + dims)
        }
        Head::Document { dims, .. } => 4 * u64::from(*dims),
    }
}

fn read_head(segments: &Segments, record: &RecordRef) -> Result<Head> {
    postcard::from_bytes(segments.head(record)?)
        .map_err(|error| segments.damaged(record, &format!("its head cannot be read: {error}")))
}

/// A record on its way into the log.
#[derive(Debug)]
pub(crate) struct NewRecord {
    pub(crate) head: Head,
    pub(crate) payload: Vec<u8>,
}

impl NewRecord {
    /// The head as it is stored.
    pub(crate) fn head_bytes(&self) -> Result<Vec<u8>> {
        postcard::to_stdvec(&self.head)
            .map_err(|error| IndexError::input(format!("not storable: {error}")))
    }
}

/// One section on its way into the log.
pub(crate) fn encode_section(
    fingerprint: &str,
    content: ContentKey,
    first_passage: usize,
    tokens: usize,
    mean: &[f32],
    passages: &[Vec<f32>],
) -> Result<NewRecord> {
    if mean.is_empty() {
        return Err(VectorError::Empty.into());
    }
    if let Some(at) = mean.iter().position(|value| !value.is_finite()) {
        return Err(VectorError::NotFinite { at }.into());
    }
    let mut payload = Vec::with_capacity(4 * mean.len() + passages.len() * (4 + mean.len()));
    put_f32(&mut payload, mean);
    let mut quantised = Vec::with_capacity(passages.len());
    for passage in passages {
        if passage.len() != mean.len() {
            let (expected, found) = (mean.len(), passage.len());
            return Err(VectorError::Dimensions { expected, found }.into());
        }
        let (scale, values) = quantise(passage)?;
        put_f32(&mut payload, &[scale]);
        quantised.push(values);
    }
    payload.extend(quantised.iter().flatten().map(|&value| value as u8));
    let head = Head::Section {
        fingerprint: fingerprint.to_owned(),
        content,
        first_passage: to_u32(first_passage)?,
        passages: to_u32(passages.len())?,
        tokens: tokens as u64,
        dims: to_u32(mean.len())?,
    };
    Ok(NewRecord { head, payload })
}

/// The record that completes a document: the token-weighted mean of its sections, unit length.
pub(crate) fn encode_document(
    segments: &Segments,
    fingerprint: &str,
    content: ContentKey,
    dims: usize,
    sections: &[Section],
) -> Result<NewRecord> {
    let mut sum = vec![0f64; dims];
    for section in sections {
        let payload = segments.checked_payload(&section.record)?;
        // A section without tokens must not make the whole document vanish.
        let weight = section.tokens.max(1) as f64;
        for (total, value) in sum.iter_mut().zip(read_f32(&payload[..4 * dims])) {
            *total += weight * f64::from(value);
        }
    }
    document_of(fingerprint, content, sections.len(), &sum)
}

/// The same for a document of one section, whose mean is at hand: it need not be read back.
pub(crate) fn encode_short_document(
    fingerprint: &str,
    content: ContentKey,
    mean: &[f32],
) -> Result<NewRecord> {
    let sum: Vec<f64> = mean.iter().map(|&value| f64::from(value)).collect();
    document_of(fingerprint, content, 1, &sum)
}

fn document_of(
    fingerprint: &str,
    content: ContentKey,
    sections: usize,
    sum: &[f64],
) -> Result<NewRecord> {
    let largest = sum.iter().fold(0f64, |most, value| most.max(value.abs()));
    let mut vector: Vec<f32> =
        sum.iter().map(|value| (value / largest.max(f64::MIN_POSITIVE)) as f32).collect();
    normalise(&mut vector)?;
    let mut payload = Vec::with_capacity(4 * vector.len());
    put_f32(&mut payload, &vector);
    let head = Head::Document {
        fingerprint: fingerprint.to_owned(),
        content,
        sections: to_u32(sections)?,
        dims: to_u32(vector.len())?,
    };
    Ok(NewRecord { head, payload })
}

fn to_u32(number: usize) -> Result<u32> {
    u32::try_from(number).map_err(|_| IndexError::input(format!("{number} is too large a count")))
}

fn put_f32(bytes: &mut Vec<u8>, values: &[f32]) {
    bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
}

/// Little-endian floats.
pub(crate) fn read_f32(bytes: &[u8]) -> impl Iterator<Item = f32> + '_ {
    bytes.chunks_exact(4).map(|four| f32::from_le_bytes(four.try_into().expect("4 bytes")))
}

/// The passage vectors of one section, where they lie in the file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PassageVectors<'a> {
    scales: &'a [u8],
    values: &'a [i8],
    dims: usize,
}

impl<'a> PassageVectors<'a> {
    /// Splits a section's payload, whose checksum the caller has compared.
    pub(crate) fn split(payload: &'a [u8], dims: usize, passages: usize) -> Option<Self> {
        let rest = payload.get(4 * dims..)?;
        let (scales, values) = rest.split_at_checked(4 * passages)?;
        (dims > 0 && values.len() == passages * dims).then(|| PassageVectors {
            scales,
            values: as_i8(values),
            dims,
        })
    }

    /// Scale and values of each passage vector.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (f32, &'a [i8])> + use<'a> {
        read_f32(self.scales).zip(self.values.chunks_exact(self.dims))
    }
}

/// Floats where they lie in the mapping, or copied where that cannot be.
fn as_f32(bytes: &[u8]) -> Cow<'_, [f32]> {
    if cfg!(target_endian = "little") {
        // SAFETY: every bit pattern is a valid f32, and `align_to` keeps to the alignment.
        let (before, floats, after) = unsafe { bytes.align_to::<f32>() };
        if before.is_empty() && after.is_empty() {
            return Cow::Borrowed(floats);
        }
    }
    Cow::Owned(read_f32(bytes).collect())
}

fn as_i8(bytes: &[u8]) -> &[i8] {
    // SAFETY: u8 and i8 have the same size and alignment, and every bit pattern is valid for both.
    unsafe { std::slice::from_raw_parts(bytes.as_ptr().cast(), bytes.len()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::segments::{SegmentLog, Verify};

    const KEY: ContentKey = ContentKey([7; 32]);

    fn unit(values: &[f32]) -> Vec<f32> {
        let mut vector = values.to_vec();
        normalise(&mut vector).unwrap();
        vector
    }

    fn append(log: &mut SegmentLog, index: &mut EncodingIndex, record: NewRecord) {
        let at = log.append(&record.head_bytes().unwrap(), &[&record.payload]).unwrap();
        index.add(log.read().unwrap(), &at).unwrap();
    }

    fn section(first: usize, tokens: usize, mean: &[f32], passages: usize) -> NewRecord {
        let passages: Vec<_> = (0..passages).map(|n| unit(&[n as f32, 1.0, -1.0])).collect();
        encode_section("e", KEY, first, tokens, mean, &passages).unwrap()
    }

    #[test]
    fn sections_add_up_to_the_weighted_mean() {
        let dir = tempfile::tempdir().unwrap();
        let (mut log, _) =
            SegmentLog::open(dir.path(), VECTOR_KIND, 1 << 20, Verify::Heads).unwrap();
        let mut index = EncodingIndex::default();
        append(&mut log, &mut index, section(0, 30, &[1.0, 0.0, 0.5], 2));
        append(&mut log, &mut index, section(2, 10, &[0.0, 2.0, 0.5], 3));
        let begun = index.encoder("e").unwrap().begun(KEY.short()).to_vec();
        assert_eq!((begun.len(), next_passage(&begun)), (2, 5));
        let record = encode_document(log.read().unwrap(), "e", KEY, 3, &begun).unwrap();
        append(&mut log, &mut index, record);
        let table = index.encoder("e").unwrap();
        let encoding = &table.complete[&KEY.short()];
        assert!(table.begun(KEY.short()).is_empty());
        assert_eq!(encoding.passages(), 5);
        let segments = log.read().unwrap();
        let stored: Vec<f32> =
            read_f32(segments.checked_payload(&encoding.document).unwrap()).collect();
        let expected = unit(&[30.0, 20.0, 20.0]);
        for (a, b) in stored.iter().zip(&expected) {
            assert!((a - b).abs() < 1e-6, "{stored:?} {expected:?}");
        }
        let payload = segments.checked_payload(&encoding.sections[1].record).unwrap();
        let vectors = PassageVectors::split(payload, 3, 3).unwrap();
        for (n, (scale, values)) in vectors.iter().enumerate() {
            let back: Vec<f32> = values.iter().map(|&v| f32::from(v) * scale).collect();
            for (a, b) in back.iter().zip(unit(&[n as f32, 1.0, -1.0])) {
                assert!((a - b).abs() < 0.01, "{back:?}");
            }
        }
    }

    #[test]
    fn a_short_document_is_completed_without_reading_as_with_it() {
        let dir = tempfile::tempdir().unwrap();
        let (mut log, _) =
            SegmentLog::open(dir.path(), VECTOR_KIND, 1 << 20, Verify::Heads).unwrap();
        let mut index = EncodingIndex::default();
        let mean = [0.3, -2.0, 1e-3];
        append(&mut log, &mut index, section(0, 12, &mean, 2));
        let begun = index.encoder("e").unwrap().begun(KEY.short()).to_vec();
        let read = encode_document(log.read().unwrap(), "e", KEY, 3, &begun).unwrap();
        let at_hand = encode_short_document("e", KEY, &mean).unwrap();
        assert_eq!(at_hand.head, read.head);
        let close = |(a, b): (f32, f32)| (a - b).abs() < 1e-6;
        assert!(read_f32(&at_hand.payload).zip(read_f32(&read.payload)).all(close));
    }

    #[test]
    fn a_document_vector_is_checked_without_reading_its_passages() {
        let dir = tempfile::tempdir().unwrap();
        let (mut log, _) =
            SegmentLog::open(dir.path(), VECTOR_KIND, 1 << 20, Verify::Heads).unwrap();
        let mut index = EncodingIndex::default();
        append(&mut log, &mut index, section(0, 30, &[1.0, 0.0, 0.5], 2));
        let begun = index.encoder("e").unwrap().begun(KEY.short()).to_vec();
        let record = encode_document(log.read().unwrap(), "e", KEY, 3, &begun).unwrap();
        append(&mut log, &mut index, record);
        log.sync().unwrap();
        let passages = begun[0].record.payload_range().end - 1;
        drop(log);
        let path = dir.path().join("00000001.seg");
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[passages] ^= 1;
        std::fs::write(&path, bytes).unwrap();
        let (segments, changes) = Segments::open(dir.path(), VECTOR_KIND).unwrap();
        let mut index = EncodingIndex::default();
        assert_eq!(index.add_all(&segments, &changes.records), 0);
        let encoding = &index.encoder("e").unwrap().complete[&KEY.short()];
        assert!(encoding.document_is_whole(&segments));
        assert!(!encoding.is_whole(&segments));
        assert!(encoding.document_is_whole(&segments), "remembered apart");
    }

    #[test]
    fn a_section_that_does_not_follow_is_left_out() {
        let dir = tempfile::tempdir().unwrap();
        let (mut log, _) =
            SegmentLog::open(dir.path(), VECTOR_KIND, 1 << 20, Verify::Heads).unwrap();
        let mut index = EncodingIndex::default();
        append(&mut log, &mut index, section(0, 1, &[1.0, 0.0, 0.0], 2));
        append(&mut log, &mut index, section(5, 1, &[1.0, 0.0, 0.0], 2));
        assert_eq!(index.encoder("e").unwrap().begun(KEY.short()).len(), 1);
        append(&mut log, &mut index, section(0, 1, &[1.0, 0.0, 0.0], 3));
        assert_eq!(next_passage(index.encoder("e").unwrap().begun(KEY.short())), 3);
    }

    #[test]
    fn what_is_not_a_vector_is_refused() {
        let refused = |mean: &[f32], passage: &[f32]| {
            encode_section("e", KEY, 0, 1, mean, &[passage.to_vec()]).unwrap_err()
        };
        assert!(matches!(refused(&[], &[]), IndexError::Vector(VectorError::Empty)));
        assert!(matches!(
            refused(&[1.0, f32::NAN], &[1.0, 0.0]),
            IndexError::Vector(VectorError::NotFinite { at: 1 })
        ));
        assert!(matches!(
            refused(&[1.0, 0.0], &[1.0]),
            IndexError::Vector(VectorError::Dimensions { .. })
        ));
        assert!(matches!(refused(&[1.0, 0.0], &[0.0, 0.0]), IndexError::Vector(VectorError::Zero)));
    }
}
