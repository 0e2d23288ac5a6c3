//! Extracted texts: compressed in pieces, so that one passage of a long book is read alone.

use std::collections::HashMap;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::content::{Content, ContentKey, ExtractKey, PassageSpan, ShortKey, StoredContent};
use crate::error::{IndexError, Result};
use crate::segments::{MAX_HEAD, RecordRef, Segments};

/// What segment files of texts hold.
pub(crate) const TEXT_KIND: [u8; 4] = *b"TEXT";
/// Bytes of text in one compressed piece.
const CHUNK: usize = 256 << 10;
const COMPRESSION_LEVEL: i32 = 3;

/// Head of a record in the text segments.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Head {
    /// A document's text. The payload is the tables, then the chunks.
    Text(Box<TextHead>),
    /// Another extraction that gave a text stored before. No payload.
    Alias { extract: ExtractKey, content: ContentKey },
    /// A text as above that says who wrote it or when.
    Signed { text: Box<TextHead>, author: Option<String>, dated: Option<String> },
}

/// What is known of a text without decompressing it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TextHead {
    pub(crate) content: ContentKey,
    /// The extraction it came from: kept here so that a lost catalog costs no extraction.
    pub(crate) extract: ExtractKey,
    pub(crate) title: String,
    pub(crate) kind: String,
    pub(crate) format: String,
    pub(crate) language: Option<String>,
    pub(crate) text_bytes: u64,
    pub(crate) passages: u32,
    tables: Chunk,
    chunks: Vec<Chunk>,
    /// Stored beside this in [`Head::Signed`], which texts written by older releases do not have.
    #[serde(skip)]
    author: Option<String>,
    #[serde(skip)]
    dated: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Chunk {
    compressed: u32,
    raw: u32,
    crc: u32,
}

/// What hangs on a text besides its bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Tables {
    pub(crate) headings: Vec<Range<usize>>,
    pub(crate) passages: Vec<PassageSpan>,
    pub(crate) pages: Vec<usize>,
    pub(crate) warnings: Vec<String>,
}

/// A record ready to be appended.
pub(crate) struct EncodedText {
    pub(crate) head: Vec<u8>,
    pub(crate) payload: Vec<Vec<u8>>,
}

impl EncodedText {
    /// Compresses a document; needs memory for the compressed text besides the text itself.
    pub(crate) fn new(
        extract: &ExtractKey,
        key: ContentKey,
        content: &Content<'_>,
    ) -> Result<Self> {
        let tables = Tables {
            headings: content.headings.to_vec(),
            passages: content.passages.to_vec(),
            pages: content.pages.to_vec(),
            warnings: content.warnings.to_vec(),
        };
        let mut compressor = zstd::bulk::Compressor::new(COMPRESSION_LEVEL)
            .map_err(|error| IndexError::input(format!("cannot compress: {error}")))?;
        let mut payload = Vec::new();
        let mut add = |raw: &[u8]| -> Result<Chunk> {
            let compressed = compressor
                .compress(raw)
                .map_err(|error| IndexError::input(format!("cannot compress: {error}")))?;
            let length = |bytes: &[u8]| {
                u32::try_from(bytes.len())
                    .map_err(|_| IndexError::input("a table of more than 4 GiB"))
            };
            let chunk = Chunk {
                compressed: length(&compressed)?,
                raw: length(raw)?,
                crc: crc32fast::hash(&compressed),
            };
            payload.push(compressed);
            Ok(chunk)
        };
        let tables = add(&to_bytes(&tables)?)?;
        let chunks = content.text.as_bytes().chunks(CHUNK).map(&mut add).collect::<Result<_>>()?;
        let head = TextHead {
            content: key,
            extract: extract.clone(),
            title: content.title.to_owned(),
            kind: content.kind.to_owned(),
            format: content.format.to_owned(),
            language: content.language.map(str::to_owned),
            text_bytes: content.text.len() as u64,
            passages: content.passages.len() as u32,
            tables,
            chunks,
            author: None,
            dated: None,
        };
        let text = Box::new(head);
        let head = match (content.author, content.dated) {
            (None, None) => Head::Text(text),
            (author, dated) => Head::Signed {
                text,
                author: author.map(str::to_owned),
                dated: dated.map(str::to_owned),
            },
        };
        Ok(EncodedText { head: to_bytes(&head)?, payload })
    }
}

/// The head of a record that says: this extraction gave that content, too.
pub(crate) fn encode_alias(extract: &ExtractKey, content: ContentKey) -> Result<Vec<u8>> {
    to_bytes(&Head::Alias { extract: extract.clone(), content })
}

fn to_bytes<T: Serialize>(value: &T) -> Result<Vec<u8>> {
    postcard::to_stdvec(value).map_err(|error| IndexError::input(format!("not storable: {error}")))
}

/// Where each text lies.
#[derive(Clone, Debug, Default)]
pub(crate) struct TextIndex {
    texts: HashMap<ShortKey, RecordRef>,
    extracts: HashMap<u128, (ShortKey, RecordRef)>,
}

impl TextIndex {
    /// Takes in records found in the segments; returns how many could not be understood.
    pub(crate) fn add_all(&mut self, segments: &Segments, records: &[RecordRef]) -> usize {
        records.iter().filter(|record| self.add(segments, record).is_err()).count()
    }

    pub(crate) fn add(&mut self, segments: &Segments, record: &RecordRef) -> Result<()> {
        match read_head(segments, record)? {
            Head::Text(head) | Head::Signed { text: head, .. } => {
                let key = head.content.short();
                self.texts.insert(key, *record);
                self.extracts.insert(head.extract.short(), (key, *record));
            }
            Head::Alias { extract, content } => {
                self.extracts.insert(extract.short(), (content.short(), *record));
            }
        }
        Ok(())
    }

    pub(crate) fn contains(&self, key: ShortKey) -> bool {
        self.texts.contains_key(&key)
    }

    /// The content an extraction gave, when its text is there.
    pub(crate) fn extracted(&self, extract: &ExtractKey) -> Option<ShortKey> {
        let (key, _) = self.extracts.get(&extract.short())?;
        self.texts.contains_key(key).then_some(*key)
    }

    pub(crate) fn record(&self, key: ShortKey) -> Option<&RecordRef> {
        self.texts.get(&key)
    }

    /// Forgets a text that was found damaged, so that it is extracted again.
    pub(crate) fn forget(&mut self, key: ShortKey) {
        self.texts.remove(&key);
    }

    /// Records that a compaction keeps: texts for which `live` holds, and what names them.
    pub(crate) fn keep(&self, live: impl Fn(ShortKey) -> bool) -> Vec<RecordRef> {
        let texts = self.texts.iter().filter(|(key, _)| live(**key)).map(|(_, record)| *record);
        let aliases =
            self.extracts.values().filter(|(key, _)| live(*key)).map(|(_, record)| *record);
        let mut keep: Vec<RecordRef> = texts.chain(aliases).collect();
        keep.sort_unstable_by_key(|record| (record.segment, record.offset));
        keep.dedup();
        keep
    }
}

fn read_head(segments: &Segments, record: &RecordRef) -> Result<Head> {
    let bytes = segments.head(record)?;
    debug_assert!(bytes.len() <= MAX_HEAD);
    postcard::from_bytes(bytes)
        .map_err(|error| segments.damaged(record, &format!("its head cannot be read: {error}")))
}

/// One stored text, opened for reading parts of it.
pub(crate) struct TextReader<'a> {
    segments: &'a Segments,
    record: RecordRef,
    pub(crate) head: TextHead,
}

impl<'a> TextReader<'a> {
    pub(crate) fn open(segments: &'a Segments, record: &RecordRef) -> Result<Self> {
        match read_head(segments, record)? {
            Head::Text(head) => Ok(TextReader { segments, record: *record, head: *head }),
            Head::Signed { text, author, dated } => {
                let head = TextHead { author, dated, ..*text };
                Ok(TextReader { segments, record: *record, head })
            }
            Head::Alias { .. } => Err(segments.damaged(record, "it holds no text")),
        }
    }

    /// Headings, passages, pages and warnings.
    pub(crate) fn tables(&self) -> Result<Tables> {
        let bytes = self.decompress(0, &self.head.tables)?;
        let tables: Tables = postcard::from_bytes(&bytes)
            .map_err(|error| self.damaged(&format!("its tables cannot be read: {error}")))?;
        let text_bytes = self.head.text_bytes as usize;
        let outside = tables.passages.iter().any(|p| p.start > p.end || p.end > text_bytes)
            || tables.headings.iter().any(|h| h.start > h.end || h.end > text_bytes);
        if outside {
            return Err(self.damaged("its tables point outside the text"));
        }
        Ok(tables)
    }

    /// The whole text.
    pub(crate) fn text(&self) -> Result<String> {
        self.slice(0..self.head.text_bytes as usize)
    }

    /// Part of the text; decompresses only the pieces it lies in. A range that begins or ends
    /// within a character is [`IndexError::Damaged`].
    pub(crate) fn slice(&self, range: Range<usize>) -> Result<String> {
        let mut bytes = Vec::with_capacity(range.len());
        let mut compressed_at = self.head.tables.compressed as usize;
        let mut raw_at = 0;
        for chunk in &self.head.chunks {
            let raw_end = raw_at + chunk.raw as usize;
            if raw_end > range.start && raw_at < range.end {
                let raw = self.decompress(compressed_at, chunk)?;
                let from = range.start.saturating_sub(raw_at);
                let to = raw.len().min(range.end - raw_at);
                bytes.extend_from_slice(&raw[from..to]);
            }
            compressed_at += chunk.compressed as usize;
            raw_at = raw_end;
        }
        if bytes.len() != range.len() {
            return Err(self.damaged("the text is shorter than its passages say"));
        }
        String::from_utf8(bytes).map_err(|_| self.damaged("the text is not UTF-8"))
    }

    fn decompress(&self, at: usize, chunk: &Chunk) -> Result<Vec<u8>> {
        let payload = self.segments.payload(&self.record)?;
        let compressed = payload
            .get(at..at + chunk.compressed as usize)
            .ok_or_else(|| self.damaged("a piece lies outside the record"))?;
        if crc32fast::hash(compressed) != chunk.crc {
            return Err(self.damaged("checksum of a piece differs"));
        }
        let raw = zstd::bulk::decompress(compressed, chunk.raw as usize)
            .map_err(|error| self.damaged(&format!("a piece cannot be decompressed: {error}")))?;
        if raw.len() != chunk.raw as usize {
            return Err(self.damaged("a piece is shorter than it should be"));
        }
        Ok(raw)
    }

    fn damaged(&self, reason: &str) -> IndexError {
        self.segments.damaged(&self.record, reason)
    }

    /// Everything, as the caller put it in.
    pub(crate) fn stored(self) -> Result<StoredContent> {
        let tables = self.tables()?;
        let text = self.text()?;
        let head = self.head;
        Ok(StoredContent {
            key: head.content,
            title: head.title,
            kind: head.kind,
            format: head.format,
            language: head.language,
            author: head.author,
            dated: head.dated,
            text,
            headings: tables.headings,
            passages: tables.passages,
            pages: tables.pages,
            warnings: tables.warnings,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::segments::{SegmentLog, Verify};

    fn extract(n: u8) -> ExtractKey {
        ExtractKey { file_hash: [n; 32], kind: "text/txt".into(), extractor_version: 1 }
    }

    fn span(start: usize, end: usize) -> PassageSpan {
        PassageSpan { start, end, page: Some(2), line: 3, heading: Some("H".into()) }
    }

    fn content<'a>(text: &'a str, passages: &'a [PassageSpan]) -> Content<'a> {
        Content {
            title: "Title",
            kind: "text",
            format: "txt",
            language: Some("en"),
            author: Some("A. Writer"),
            dated: Some("2024-03"),
            text,
            headings: &[],
            passages,
            pages: &[],
            warnings: &[],
        }
    }

    fn append(
        log: &mut SegmentLog,
        index: &mut TextIndex,
        n: u8,
        content: &Content<'_>,
    ) -> ContentKey {
        let key = ContentKey::of(content);
        let encoded = EncodedText::new(&extract(n), key, content).unwrap();
        let parts: Vec<&[u8]> = encoded.payload.iter().map(Vec::as_slice).collect();
        let record = log.append(&encoded.head, &parts).unwrap();
        index.add(log.read().unwrap(), &record).unwrap();
        key
    }

    #[test]
    fn a_text_of_many_pieces_is_read_in_part() {
        let dir = tempfile::tempdir().unwrap();
        let (mut log, _) = SegmentLog::open(dir.path(), TEXT_KIND, 1 << 20, Verify::Heads).unwrap();
        let text: String = (0..200_000).map(|n| format!("{n} é ")).collect();
        let passages = [span(0, 5), span(text.len() - 4, text.len())];
        let mut index = TextIndex::default();
        let key = append(&mut log, &mut index, 1, &content(&text, &passages));
        assert_eq!(index.extracted(&extract(1)), Some(key.short()));
        assert_eq!(index.extracted(&extract(2)), None);
        let segments = log.read().unwrap();
        let reader = TextReader::open(segments, index.record(key.short()).unwrap()).unwrap();
        assert!(reader.head.chunks.len() > 4);
        let middle = text[..CHUNK * 2].rfind(' ').unwrap();
        let middle = middle - 300..middle + 300;
        assert!(text.is_char_boundary(middle.start) && text.is_char_boundary(middle.end));
        assert_eq!(reader.slice(middle.clone()).unwrap(), text[middle]);
        assert_eq!(reader.stored().unwrap().text, text);
    }

    #[test]
    fn damage_in_one_piece_is_found_when_it_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let (mut log, _) = SegmentLog::open(dir.path(), TEXT_KIND, 1 << 20, Verify::Heads).unwrap();
        let text: String = (0..200_000).map(|n| format!("{n} ")).collect();
        let mut index = TextIndex::default();
        let key = append(&mut log, &mut index, 1, &content(&text, &[]));
        log.sync().unwrap();
        let record = *index.record(key.short()).unwrap();
        drop(log);
        let path = dir.path().join("00000001.seg");
        let mut bytes = std::fs::read(&path).unwrap();
        let last = record.payload_range().end - 3;
        bytes[last] ^= 16;
        std::fs::write(&path, bytes).unwrap();
        let (segments, changes) = Segments::open(dir.path(), TEXT_KIND).unwrap();
        let mut index = TextIndex::default();
        assert_eq!(index.add_all(&segments, &changes.records), 0);
        let reader = TextReader::open(&segments, index.record(key.short()).unwrap()).unwrap();
        assert_eq!(reader.slice(0..100).unwrap(), text[..100]);
        let error = reader.text().unwrap_err();
        assert!(error.to_string().contains("00000001.seg"), "{error}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn what_was_stored_comes_back(text in "\\PC{0,400}", cut in any::<prop::sample::Index>()) {
            let dir = tempfile::tempdir().unwrap();
            let (mut log, _) = SegmentLog::open(dir.path(), TEXT_KIND, 1 << 20, Verify::Heads).unwrap();
            let mut at = cut.index(text.len() + 1);
            while !text.is_char_boundary(at) { at -= 1; }
            let passages = [span(0, at), span(at, text.len())];
            let content = content(&text, &passages);
            let mut index = TextIndex::default();
            let key = append(&mut log, &mut index, 9, &content);
            let segments = log.read().unwrap();
            let record = index.record(key.short()).unwrap();
            let stored = TextReader::open(segments, record).unwrap().stored().unwrap();
            prop_assert_eq!(&stored.text, &text);
            prop_assert_eq!(&stored.passages[..], &passages[..]);
            prop_assert_eq!(stored.key, key);
        }
    }
}
