//! The lexical index: BM25 over whole documents, and what a hit shows. A cache made from the
//! catalog and the texts.

mod analysis;
mod compile;
mod correct;
mod directory;
mod entry;
mod forms;
mod important;
mod language;
mod lookup;
mod native;
mod schema;
mod spread;
mod stem;
mod stop_words;
mod terms;
mod tokens;
mod writer;

use std::path::{Path, PathBuf};

use tantivy::schema::Value;
use tantivy::tokenizer::TextAnalyzer;
use tantivy::{DocAddress, Index, IndexSettings, Searcher, TantivyDocument};

pub(crate) use compile::{RankingWords, compile};
pub use correct::Correction;
pub(crate) use correct::correct;
use directory::{CheckedFolder, Failures};
pub(crate) use entry::LexicalEntry;
pub(crate) use important::important_words;
pub(crate) use language::Language;
pub(crate) use lookup::Statistics;
pub(crate) use schema::{Fields, StoredRecord};
pub(crate) use terms::QueryTerms;
pub(crate) use tokens::{Purpose, WordTokenizer, analyzer, folding_analyzer, word_analyzer};
pub(crate) use writer::LexicalWriter;

use crate::error::{IndexError, OTHER_RELEASE, PathContext, Result};
use crate::guard::caught;

/// An open lexical index.
#[derive(Clone)]
pub(crate) struct Lexical {
    pub(crate) index: Index,
    pub(crate) fields: Fields,
    pub(crate) folder: PathBuf,
    failures: Failures,
}

impl Lexical {
    /// Opens the index of a folder. One of another release's form is [`IndexError::Damaged`]: it
    /// is a cache and is made again.
    pub(crate) fn open(folder: &Path) -> Result<Self> {
        let (expected, fields) = schema::schema();
        let directory = CheckedFolder::open(folder).at(folder)?;
        let failures = directory.failures();
        let index = guarded(folder, || Index::open(directory).at(folder))?;
        if index.schema() != expected {
            return Err(IndexError::damaged(folder, OTHER_RELEASE));
        }
        Ok(Self::with(index, fields, folder, failures))
    }

    /// Makes an empty index in an empty folder.
    pub(crate) fn create(folder: &Path) -> Result<Self> {
        let (schema, fields) = schema::schema();
        let directory = CheckedFolder::open(folder).at(folder)?;
        let failures = directory.failures();
        let index = Index::create(directory, schema, IndexSettings::default());
        let index = index.map_err(|error| failure(&failures, folder, error))?;
        Ok(Self::with(index, fields, folder, failures))
    }

    fn with(index: Index, fields: Fields, folder: &Path, failures: Failures) -> Self {
        index.tokenizers().register(schema::ANALYZER, analyzer(Purpose::Index));
        let native = TextAnalyzer::from(native::NativeTokenizer::for_index());
        index.tokenizers().register(schema::NATIVE_ANALYZER, native);
        index.tokenizers().register(schema::FORMS_ANALYZER, forms::stored_forms());
        Lexical { index, fields, folder: folder.to_owned(), failures }
    }

    /// The result of a change, with the disk's own error where that is the cause.
    fn written<T>(&self, result: tantivy::Result<T>) -> Result<T> {
        result.map_err(|error| failure(&self.failures, &self.folder, error))
    }

    /// Whether there is an index at all.
    pub(crate) fn exists(folder: &Path) -> bool {
        folder.join("meta.json").exists()
    }

    /// Compares the checksums of all files.
    pub(crate) fn verify(&self) -> Result<()> {
        let damaged = guarded(&self.folder, || self.index.validate_checksum().at(&self.folder))?;
        match damaged.into_iter().next() {
            None => Ok(()),
            Some(file) => Err(IndexError::damaged(&self.folder.join(file), "checksum differs")),
        }
    }

    /// Number of the commit that this index stands at; 0 before the first.
    pub(crate) fn sequence(&self) -> Result<u64> {
        let metas = self.index.load_metas().at(&self.folder)?;
        match metas.payload {
            None => Ok(0),
            Some(payload) => payload.parse().map_err(|_| {
                IndexError::damaged(&self.folder.join("meta.json"), "its commit has no number")
            }),
        }
    }

    /// What is stored of one document.
    pub(crate) fn stored(&self, searcher: &Searcher, at: DocAddress) -> Result<StoredRecord> {
        let document: TantivyDocument = searcher.doc(at).at(&self.folder)?;
        let value = document.get_first(self.fields.record);
        let bytes = value.as_ref().and_then(Value::as_bytes).unwrap_or_default();
        postcard::from_bytes(bytes).map_err(|error| {
            IndexError::damaged(&self.folder, format!("a stored record cannot be read: {error}"))
        })
    }

    /// Identity of every live document.
    pub(crate) fn identities(&self, searcher: &Searcher) -> Result<Vec<Identity>> {
        let mut identities = Vec::with_capacity(searcher.num_docs() as usize);
        for (ordinal, segment) in searcher.segment_readers().iter().enumerate() {
            let fast = segment.fast_fields();
            let column = |name: &str| fast.u64(name).at(&self.folder);
            let (ids, highs) = (column("id")?, column("content_high")?);
            let (lows, paths) = (column("content_low")?, column("path_hash")?);
            for doc in segment.doc_ids_alive() {
                identities.push(Identity {
                    id: ids.first(doc).unwrap_or(0),
                    content: crate::content::ShortKey::from_halves(
                        highs.first(doc).unwrap_or(0),
                        lows.first(doc).unwrap_or(0),
                    ),
                    path_hash: paths.first(doc).unwrap_or(0),
                    at: DocAddress::new(ordinal as u32, doc),
                });
            }
        }
        Ok(identities)
    }
}

/// What the lexical index and the catalog must agree on for each document.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Identity {
    pub(crate) id: u64,
    pub(crate) content: crate::content::ShortKey,
    pub(crate) path_hash: u64,
    pub(crate) at: DocAddress,
}

fn failure(failures: &Failures, folder: &Path, error: tantivy::TantivyError) -> IndexError {
    match failures.take() {
        Some((path, source)) => IndexError::io(&path, source),
        None => IndexError::lexical(folder, error),
    }
}

/// Runs something over files that may be damaged: tantivy asserts where it trusts its checksums.
pub(crate) fn guarded<T>(folder: &Path, run: impl FnOnce() -> Result<T>) -> Result<T> {
    caught(run).unwrap_or_else(|_| {
        Err(IndexError::damaged(folder, "reading it failed; its files are not what was written"))
    })
}
