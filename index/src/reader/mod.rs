//! Readers: any number, in other processes too.

mod keyword;
mod matcher;
mod meaning;
mod passages;
mod results;
mod search;
mod similar;
mod view;
mod within;
mod words;

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

pub use results::{
    DocumentRef, Hit, Mode, PassageHit, Ranks, SearchRequest, SearchResults, Signals,
    StoredDocument,
};
pub use similar::SimilarRequest;
use tantivy::query::TermQuery;
use tantivy::schema::IndexRecordOption;
use tantivy::{IndexReader, ReloadPolicy, Term};
use view::{Encoded, EncodedCache, View};

use crate::error::{IndexError, PathContext, Result};
use crate::layout::{Layout, folder_bytes, writer_alive};
use crate::lexical::{Lexical, guarded};
use crate::paths::{path_bytes, path_from_bytes, path_hash};
use crate::status::{DocumentCounts, EncoderCounts, Snapshot, Status};
use crate::vectors::graph::Graph;

/// Up to this size the lexical index's checksums are compared when it is opened: it costs some
/// milliseconds, and tantivy itself never looks at them.
const VERIFY_BYTES: u64 = 32 << 20;
/// How often opening is tried again while a writer is at work, and how long is waited in between.
const OPEN_ATTEMPTS: usize = 8;
const OPEN_PAUSE: std::time::Duration = std::time::Duration::from_millis(5);

/// A view of an index as of its last commit. All methods take `&self`; several threads may share it.
///
/// A reader needs no lock and never holds a writer up. It sees later commits after
/// [`Reader::refresh`].
pub struct Reader {
    layout: Layout,
    reader: IndexReader,
    view: RwLock<Arc<Shared>>,
    graph: Mutex<Option<Arc<Graph>>>,
}

/// A view with what was computed from it so far.
struct Shared {
    view: View,
    encoded: Mutex<EncodedCache>,
}

impl Shared {
    fn new(view: View) -> Arc<Self> {
        Arc::new(Shared { view, encoded: Mutex::new(HashMap::new()) })
    }

    fn encoded(&self, fingerprint: &str) -> Result<Arc<Encoded>> {
        let mut cache = self.encoded.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(encoded) = cache.get(fingerprint) {
            return Ok(Arc::clone(encoded));
        }
        let encoded = Arc::new(self.view.encoded(fingerprint)?);
        cache.insert(fingerprint.to_owned(), Arc::clone(&encoded));
        Ok(encoded)
    }
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader").field("data_dir", &self.layout.root).finish_non_exhaustive()
    }
}

impl Reader {
    /// Opens an index for reading.
    ///
    /// # Errors
    /// [`IndexError::Empty`] when nothing was ever indexed, [`IndexError::NewerFormat`], and
    /// [`IndexError::Damaged`] with the file's name; the next writer repairs what is damaged.
    pub fn open(data_dir: &Path) -> Result<Reader> {
        let layout = Layout::new(data_dir);
        for _ in 0..OPEN_ATTEMPTS {
            match Self::try_open(&layout) {
                // A writer at work merges files of the lexical index and removes them, perhaps
                // between our reading of their names and our opening them: look again.
                Err(IndexError::Lexical { .. } | IndexError::Damaged { .. })
                    if writer_alive(&layout).is_some() =>
                {
                    std::thread::sleep(OPEN_PAUSE);
                }
                opened => return opened,
            }
        }
        Self::try_open(&layout)
    }

    fn try_open(layout: &Layout) -> Result<Reader> {
        let layout = layout.clone();
        let folder = layout.lexical();
        if layout.read_version()?.is_none() || !Lexical::exists(&folder) {
            return Err(IndexError::Empty { path: layout.root });
        }
        let lexical = Lexical::open(&folder)?;
        let seen = Snapshot::load(&layout)?.map_or(0, |snapshot| snapshot.documents.seen);
        if lexical.sequence()? == 0 && seen == 0 {
            return Err(IndexError::Empty { path: layout.root });
        }
        if folder_bytes(&folder) <= VERIFY_BYTES {
            lexical.verify()?;
        }
        let reader = guarded(&folder, || {
            let builder = lexical.index.reader_builder().reload_policy(ReloadPolicy::Manual);
            builder.try_into().at(&folder)
        })?;
        let view = View::open(&layout, lexical, &reader)?;
        let view = RwLock::new(Shared::new(view));
        Ok(Reader { layout, reader, view, graph: Mutex::new(None) })
    }

    /// Looks for commits since; returns whether there were any. Searches that run go on with what
    /// they began with.
    pub fn refresh(&self) -> Result<bool> {
        let folder = self.layout.lexical();
        guarded(&folder, || self.reader.reload().at(&folder))?;
        let current = self.current();
        match current.view.refreshed(&self.reader)? {
            None => Ok(false),
            Some(view) => {
                *self.view.write().unwrap_or_else(PoisonError::into_inner) = Shared::new(view);
                Ok(true)
            }
        }
    }

    /// Reads ahead what searches by meaning with this encoder need, and loads the graph when there
    /// is one. Worth the while for a reader that stays: a reader for one search is quicker without.
    pub fn warm(&self, fingerprint: &str) -> Result<()> {
        let current = self.current();
        let encoded = current.encoded(fingerprint)?;
        let folder = self.layout.graph();
        let latest = Graph::latest_generation(&folder)?;
        let mut held = self.graph.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = held.as_ref().is_some_and(|graph| {
            graph.generation() == latest && graph.fingerprint() == fingerprint
        });
        if !fresh && latest.is_some() {
            // A graph that cannot be loaded is made again by the next maintenance; until then
            // every vector is compared, which is slower and just as right.
            *held = Graph::load(&folder, fingerprint, encoded.dims).ok().map(Arc::new);
        }
        Ok(())
    }

    /// Answers a query.
    ///
    /// # Errors
    /// [`IndexError::Vector`] for a vector of another length than the encoder's,
    /// [`IndexError::Input`] for a search by meaning without a vector, [`IndexError::Damaged`].
    pub fn search(&self, request: &SearchRequest<'_>) -> Result<SearchResults> {
        let current = self.current();
        let wanted = request.vector.filter(|_| request.mode != Mode::Keyword);
        let encoded = wanted.map(|(fingerprint, _)| current.encoded(fingerprint)).transpose()?;
        let graph = self.graph.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let graph = graph.filter(|graph| {
            wanted.is_some_and(|(fingerprint, _)| graph.fingerprint() == fingerprint)
        });
        search::search(&current.view, encoded.as_ref(), graph.as_deref(), request)
    }

    /// A document with its whole text; `None` when it is not indexed.
    ///
    /// # Errors
    /// [`IndexError::UnknownContent`] or [`IndexError::Damaged`] when its text cannot be read.
    pub fn document(&self, document: DocumentRef<'_>) -> Result<Option<StoredDocument>> {
        let current = self.current();
        let view = &current.view;
        let fields = view.lexical.fields;
        let term = match document {
            DocumentRef::Id(id) => Term::from_field_u64(fields.id, id),
            DocumentRef::Path(path) => Term::from_field_u64(fields.path_hash, path_hash(path)),
        };
        let query = TermQuery::new(term, IndexRecordOption::Basic);
        for place in keyword::matching(view, &query)? {
            let found = view.documents()?.all[place];
            let record = view.stored(found.at)?;
            if let DocumentRef::Path(path) = document
                && path_bytes(path) != record.path
            {
                continue;
            }
            let text = view
                .text(found.content)?
                .ok_or(IndexError::UnknownContent { content: record.content })?
                .stored()?;
            return Ok(Some(StoredDocument {
                id: found.id,
                path: path_from_bytes(&record.path),
                root: path_from_bytes(&record.row.root),
                content: record.content,
                title: record.title,
                kind: record.kind,
                format: record.format,
                language: record.language,
                author: record.author,
                dated: record.dated,
                size_bytes: record.row.stat.size_bytes,
                modified_ns: record.row.stat.modified_ns,
                text: text.text,
                headings: text.headings,
                passages: text.passages,
                pages: text.pages,
                warnings: text.warnings,
            }));
        }
        Ok(None)
    }

    /// How the index stands: from the writer's last snapshot, with what this reader sees itself.
    pub fn status(&self) -> Result<Status> {
        let current = self.current();
        let view = &current.view;
        let documents = view.documents()?.all.len();
        let snapshot = Snapshot::load(&self.layout)?.unwrap_or_else(|| Snapshot {
            documents: DocumentCounts { seen: documents, ..DocumentCounts::default() },
            ..Snapshot::default()
        });
        let mut status = snapshot.into_status(&self.layout);
        status.documents.keyword = documents;
        for (fingerprint, table) in view.encodings.by_use() {
            let encoded = current.encoded(fingerprint)?;
            status.encoders.push(EncoderCounts {
                fingerprint: fingerprint.to_owned(),
                dimensions: table.dims,
                documents: encoded.documents,
                passages: encoded.passages(),
            });
        }
        status.documents.semantic = status.encoders.first().map_or(0, |first| first.documents);
        Ok(status)
    }

    fn current(&self) -> Arc<Shared> {
        Arc::clone(&self.view.read().unwrap_or_else(PoisonError::into_inner))
    }
}
