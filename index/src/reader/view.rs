//! What a reader sees: all parts as of one commit.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::{Arc, OnceLock};

use tantivy::{DocAddress, IndexReader, Searcher};

use crate::content::ShortKey;
use crate::encodings::{Encoding, EncodingIndex, VECTOR_KIND};
use crate::error::Result;
use crate::layout::Layout;
use crate::lexical::{Lexical, StoredRecord, guarded};
use crate::segments::{Changes, Segments};
use crate::texts::{TEXT_KIND, TextIndex, TextReader};

/// All parts as of one commit.
pub(super) struct View {
    pub(super) lexical: Lexical,
    pub(super) searcher: Searcher,
    texts: Segments,
    text_index: TextIndex,
    pub(super) vectors: Segments,
    pub(super) encodings: EncodingIndex,
    documents: OnceLock<Documents>,
    /// What of texts and of vectors cannot be read, one sentence each.
    damage: [Vec<String>; 2],
}

/// Every live document, in the order of the lexical index.
#[derive(Debug, Default)]
pub(super) struct Documents {
    pub(super) all: Vec<Document>,
    /// Whether two of them have the same content.
    pub(super) has_copies: bool,
    /// For each segment, the place in `all` of its first documents; `NONE` for dead ones.
    places: Vec<Vec<u32>>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Document {
    pub(super) id: u64,
    pub(super) content: ShortKey,
    pub(super) at: DocAddress,
}

const NONE: u32 = u32::MAX;

impl Documents {
    fn read(lexical: &Lexical, searcher: &Searcher) -> Result<Self> {
        let identities = lexical.identities(searcher)?;
        let mut places: Vec<Vec<u32>> = searcher
            .segment_readers()
            .iter()
            .map(|segment| vec![NONE; segment.max_doc() as usize])
            .collect();
        let mut contents = HashSet::with_capacity(identities.len());
        let has_copies = !identities.iter().all(|identity| contents.insert(identity.content));
        let all = identities
            .into_iter()
            .enumerate()
            .map(|(place, identity)| {
                let at = identity.at;
                places[at.segment_ord as usize][at.doc_id as usize] = place as u32;
                Document { id: identity.id, content: identity.content, at }
            })
            .collect();
        Ok(Documents { all, has_copies, places })
    }

    /// The place in `all` of a document of the lexical index.
    pub(super) fn place(&self, at: DocAddress) -> Option<usize> {
        let place = *self.places.get(at.segment_ord as usize)?.get(at.doc_id as usize)?;
        (place != NONE).then_some(place as usize)
    }
}

impl View {
    /// Looks at everything for the first time.
    pub(super) fn open(layout: &Layout, lexical: Lexical, reader: &IndexReader) -> Result<Self> {
        // Lexical first: the texts of what it holds are there by then.
        let searcher = reader.searcher();
        let (texts, changes) = Segments::open(&layout.texts(), TEXT_KIND)?;
        let mut text_index = TextIndex::default();
        let unreadable = text_index.add_all(&texts, &changes.records);
        let text_damage = damage_in(&texts, &changes, unreadable);
        let (vectors, changes) = Segments::open(&layout.vectors(), VECTOR_KIND)?;
        let mut encodings = EncodingIndex::default();
        let unreadable = encodings.add_all(&vectors, &changes.records);
        let damage = [text_damage, damage_in(&vectors, &changes, unreadable)];
        let documents = OnceLock::new();
        Ok(View { lexical, searcher, texts, text_index, vectors, encodings, documents, damage })
    }

    /// Looks again, reading only what was written since; `None` when nothing was.
    pub(super) fn refreshed(&self, reader: &IndexReader) -> Result<Option<Self>> {
        let searcher = reader.searcher();
        let same = searcher.generation().segments() == self.searcher.generation().segments();
        let (mut texts, mut vectors) = (self.texts.clone(), self.vectors.clone());
        let (new_texts, new_vectors) = (texts.refresh()?, vectors.refresh()?);
        if same && new_texts.is_empty() && new_vectors.is_empty() {
            return Ok(None);
        }
        let mut text_index = match new_texts.restarted {
            true => TextIndex::default(),
            false => self.text_index.clone(),
        };
        let unreadable = text_index.add_all(&texts, &new_texts.records);
        // Files that were begun anew were put right by a writer.
        let damage = |before: &Vec<String>, segments: &Segments, changes: &Changes, unreadable| {
            let before = if changes.restarted { &[][..] } else { &before[..] };
            [before, &damage_in(segments, changes, unreadable)].concat()
        };
        let text_damage = damage(&self.damage[0], &texts, &new_texts, unreadable);
        let mut encodings = match new_vectors.restarted {
            true => EncodingIndex::default(),
            false => self.encodings.clone(),
        };
        let unreadable = encodings.add_all(&vectors, &new_vectors.records);
        let vector_damage = damage(&self.damage[1], &vectors, &new_vectors, unreadable);
        Ok(Some(View {
            lexical: self.lexical.clone(),
            searcher,
            texts,
            text_index,
            vectors,
            encodings,
            documents: OnceLock::new(),
            damage: [text_damage, vector_damage],
        }))
    }

    /// Every live document; read when first asked for.
    pub(super) fn documents(&self) -> Result<&Documents> {
        if let Some(documents) = self.documents.get() {
            return Ok(documents);
        }
        let read = || Documents::read(&self.lexical, &self.searcher);
        let documents = guarded(&self.lexical.folder, read)?;
        Ok(self.documents.get_or_init(|| documents))
    }

    pub(super) fn stored(&self, at: DocAddress) -> Result<StoredRecord> {
        guarded(&self.lexical.folder, || self.lexical.stored(&self.searcher, at))
    }

    /// What cannot be read, one sentence each.
    pub(super) fn damage(&self) -> Vec<String> {
        self.damage.concat()
    }

    pub(super) fn texts_folder(&self) -> &Path {
        self.texts.folder()
    }

    /// A document's text, or `None` when it is not stored.
    pub(super) fn text(&self, content: ShortKey) -> Result<Option<TextReader<'_>>> {
        match self.text_index.record(content) {
            Some(record) => TextReader::open(&self.texts, record).map(Some),
            None => Ok(None),
        }
    }

    /// The live documents that an encoder has encoded, each content once.
    pub(super) fn encoded(&self, fingerprint: &str) -> Result<Encoded> {
        let documents = self.documents()?;
        let mut encoded = Encoded { row_of: vec![NONE; documents.all.len()], ..Encoded::default() };
        let Some(table) = self.encodings.encoder(fingerprint) else { return Ok(encoded) };
        encoded.dims = table.dims;
        let mut contents: HashMap<ShortKey, u32> = HashMap::new();
        for document in &documents.all {
            if let Some(encoding) = table.complete.get(&document.content)
                && contents.insert(document.content, NONE).is_none()
            {
                encoded.rows.push((document.content, encoding.clone()));
            }
        }
        // In the order of the files: comparing all then reads memory from front to back, which is
        // several times as fast as leaping about in it.
        encoded.rows.sort_unstable_by_key(|(_, encoding)| {
            (encoding.document.segment, encoding.document.offset)
        });
        for (row, (content, _)) in encoded.rows.iter().enumerate() {
            contents.insert(*content, row as u32);
        }
        for (place, document) in documents.all.iter().enumerate() {
            if let Some(&row) = contents.get(&document.content) {
                encoded.row_of[place] = row;
                encoded.documents += 1;
            }
        }
        Ok(encoded)
    }
}

/// What a look at segment files found that cannot be read. Half a record at a file's end does not
/// count: one may be on its way there now, or was when the writer was killed.
fn damage_in(segments: &Segments, changes: &Changes, unreadable: usize) -> Vec<String> {
    let mended = "the next writer mends this";
    let ranges = changes.damaged.iter().map(|(id, range)| {
        let (path, bytes) = (segments.path(*id), range.end - range.start);
        format!("{}: {bytes} bytes at {} are damaged; {mended}", path.display(), range.start)
    });
    let records = (unreadable > 0).then(|| {
        let folder = segments.folder().display();
        format!("{folder}: {unreadable} records cannot be understood; {mended}")
    });
    ranges.chain(records).collect()
}

/// What one encoder made of the live documents.
#[derive(Debug, Default)]
pub(super) struct Encoded {
    pub(super) dims: usize,
    /// Each content once.
    pub(super) rows: Vec<(ShortKey, Encoding)>,
    row_of: Vec<u32>,
    /// Live documents that have vectors.
    pub(super) documents: usize,
}

impl Encoded {
    /// The row of the document at a place.
    pub(super) fn row(&self, place: usize) -> Option<usize> {
        let row = *self.row_of.get(place)?;
        (row != NONE).then_some(row as usize)
    }

    pub(super) fn passages(&self) -> usize {
        self.rows.iter().map(|(_, encoding)| encoding.passages()).sum()
    }
}

/// [`Encoded`] of the encoders asked for, kept as long as the view.
pub(super) type EncodedCache = HashMap<String, Arc<Encoded>>;
