//! Looking an index over without changing it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::catalog::{self, CatalogMeta, Row};
use crate::encodings::{EncodingIndex, VECTOR_KIND};
use crate::error::{IndexError, PathContext, Result};
use crate::files::FileState;
use crate::folders::Folders;
use crate::layout::{Layout, writer_alive};
use crate::lexical::{Identity, Lexical, guarded};
use crate::paths::{path_from_bytes, path_hash};
use crate::segments::{RecordRef, Segments};
use crate::texts::{TEXT_KIND, TextIndex};
use crate::vectors::graph::{Graph, GraphError};

/// How grave a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// In order.
    Fine,
    /// Puts itself right at the next start of a writer, or costs nothing but time.
    Warning,
    /// Something is wrong that needs a rebuild or a person.
    Error,
}

/// One thing found when looking an index over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How grave it is.
    pub severity: Severity,
    /// The file or folder concerned.
    pub path: PathBuf,
    /// What was found, in words.
    pub message: String,
}

/// Looks an index over: versions, sizes, checksums, and whether its parts agree. Reads every byte,
/// and takes as long as that takes. While a writer is at work the catalog is left out.
pub fn check(data_dir: &Path) -> Vec<Finding> {
    let layout = Layout::new(data_dir);
    let mut check = Check { layout, findings: Vec::new() };
    match check.layout.read_version() {
        Ok(None) => {
            let path = check.layout.root.clone();
            check.add(Severity::Fine, path, "nothing is indexed yet");
            return check.findings;
        }
        Ok(Some(version)) => {
            let path = check.layout.version();
            check.add(Severity::Fine, path, format!("format {version}"));
        }
        Err(error) => {
            let path = check.layout.version();
            check.add(Severity::Error, path, error.to_string());
            return check.findings;
        }
    }
    check.folders();
    let texts = check.texts();
    let encodings = check.vectors();
    let identities = check.lexical();
    check.graph(encodings.as_ref());
    check.agreement(texts.as_ref(), identities.as_deref());
    check.findings
}

struct Check {
    layout: Layout,
    findings: Vec<Finding>,
}

impl Check {
    fn add(&mut self, severity: Severity, path: PathBuf, message: impl Into<String>) {
        self.findings.push(Finding { severity, path, message: message.into() });
    }

    /// Notes damage to a part that the next writer makes again from the others; `None` for it.
    fn mended<T>(&mut self, result: Result<T>, path: &Path) -> Option<T> {
        match result {
            Err(
                error @ (IndexError::Damaged { .. }
                | IndexError::Catalog { .. }
                | IndexError::Lexical { .. }),
            ) => {
                let message = format!("{error}; the next writer makes it again");
                self.add(Severity::Warning, path.to_owned(), message);
                None
            }
            result => self.passed(result, path),
        }
    }

    /// Notes a failure; `None` for what failed.
    fn passed<T>(&mut self, result: Result<T>, path: &Path) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(error) => {
                self.add(Severity::Error, path.to_owned(), error.to_string());
                None
            }
        }
    }

    fn folders(&mut self) {
        let path = self.layout.folders();
        if let Some(folders) = self.passed(Folders::load(&self.layout.root), &path) {
            self.add(Severity::Fine, path, format!("{} folders", folders.folders.len()));
        }
    }

    fn texts(&mut self) -> Option<TextIndex> {
        let folder = self.layout.texts();
        let (segments, records) = self.segments(&folder, TEXT_KIND)?;
        let mut index = TextIndex::default();
        let unreadable = index.add_all(&segments, &records);
        self.unreadable(&folder, unreadable);
        Some(index)
    }

    fn vectors(&mut self) -> Option<EncodingIndex> {
        let folder = self.layout.vectors();
        let (segments, records) = self.segments(&folder, VECTOR_KIND)?;
        let mut index = EncodingIndex::default();
        let unreadable = index.add_all(&segments, &records);
        self.unreadable(&folder, unreadable);
        Some(index)
    }

    fn unreadable(&mut self, folder: &Path, count: usize) {
        if count > 0 {
            let message = format!("{count} records cannot be understood");
            self.add(Severity::Error, folder.to_owned(), message);
        }
    }

    /// Walks segment files and compares every checksum.
    fn segments(&mut self, folder: &Path, kind: [u8; 4]) -> Option<(Segments, Vec<RecordRef>)> {
        let (segments, changes) = self.passed(Segments::open(folder, kind), folder)?;
        let before = self.findings.len();
        for (id, range) in &changes.damaged {
            let message = format!("bytes {} to {} are damaged", range.start, range.end);
            self.add(Severity::Warning, segments.path(*id), message);
        }
        for id in &changes.bad_headers {
            self.add(Severity::Warning, segments.path(*id), "its header is damaged");
        }
        if writer_alive(&self.layout).is_none() {
            for (id, bytes) in &changes.tails {
                let message = format!("{bytes} bytes at its end were written half");
                self.add(Severity::Warning, segments.path(*id), message);
            }
        }
        for record in &changes.records {
            if let Err(error) = segments.checked_payload(record) {
                let message = format!("{error}; a rebuild drops and remakes it");
                self.add(Severity::Error, segments.path(record.segment), message);
            }
        }
        if self.findings.len() == before {
            let message = format!("{} records, all whole", changes.records.len());
            self.add(Severity::Fine, folder.to_owned(), message);
        }
        Some((segments, changes.records))
    }

    fn lexical(&mut self) -> Option<Vec<Identity>> {
        let folder = self.layout.lexical();
        if !Lexical::exists(&folder) {
            self.add(Severity::Warning, folder, "missing; the next writer makes it again");
            return None;
        }
        let read = || -> Result<(u64, Vec<Identity>)> {
            let lexical = Lexical::open(&folder)?;
            lexical.verify()?;
            let reader = guarded(&folder, || lexical.index.reader().at(&folder))?;
            let identities = guarded(&folder, || lexical.identities(&reader.searcher()))?;
            Ok((lexical.sequence()?, identities))
        };
        let (sequence, identities) = self.mended(read(), &folder)?;
        let message = format!("{} documents, commit {sequence}", identities.len());
        self.add(Severity::Fine, folder, message);
        Some(identities)
    }

    fn graph(&mut self, encodings: Option<&EncodingIndex>) {
        let folder = self.layout.graph();
        let encoders = encodings.map(EncodingIndex::by_use).unwrap_or_default();
        let Some((fingerprint, table)) = encoders.first() else { return };
        match Graph::load(&folder, fingerprint, table.dims) {
            Ok(graph) => {
                self.add(Severity::Fine, folder, format!("{} documents", graph.len()));
            }
            // Small collections have none.
            Err(GraphError::Missing { .. }) => {}
            Err(error) => {
                let message = format!("{error}; the next maintenance makes it again");
                self.add(Severity::Warning, folder, message);
            }
        }
    }

    /// Compares catalog, lexical index and texts.
    fn agreement(&mut self, texts: Option<&TextIndex>, identities: Option<&[Identity]>) {
        let folder = self.layout.catalog();
        // Held shut while the catalog is open: its store cannot be opened twice.
        let lock = std::fs::File::open(self.layout.lock());
        if !lock.as_ref().is_ok_and(|file| file.try_lock().is_ok()) {
            self.add(Severity::Fine, folder, "in use by a writer; not looked at");
            return;
        }
        let Some((rows, meta)) = self.mended(catalog::inspect(&folder), &folder) else { return };
        let message = format!("{} files, commit {}", rows.len(), meta.sequence);
        self.add(Severity::Fine, folder.clone(), message);
        if let Some(texts) = texts {
            let lost = lost_texts(&rows, texts);
            if lost > 0 {
                let message =
                    format!("the text of {lost} documents is gone; they will be read again");
                self.add(Severity::Warning, self.layout.texts(), message);
            }
        }
        if let Some(identities) = identities {
            self.compare(&rows, &meta, identities);
        }
    }

    fn compare(&mut self, rows: &[(Vec<u8>, Row)], meta: &CatalogMeta, identities: &[Identity]) {
        let mut expected: HashMap<u64, _> = HashMap::new();
        for (path, row) in rows {
            if let FileState::Document { content } = &row.state {
                let hash = path_hash(&path_from_bytes(path));
                expected.insert(row.document_id, (content.short(), hash));
            }
        }
        let documents = expected.len();
        let mut foreign = 0;
        for identity in identities {
            if expected.get(&identity.id) == Some(&(identity.content, identity.path_hash)) {
                expected.remove(&identity.id);
            } else {
                foreign += 1;
            }
        }
        let folder = self.layout.lexical();
        if expected.is_empty() && foreign == 0 {
            let message = format!("agrees with the catalog on {documents} documents");
            self.add(Severity::Fine, folder, message);
            return;
        }
        let message = format!(
            "of the catalog's {documents} documents {} are missing and {foreign} are not known \
             to it (commit {}); the next writer puts this right",
            expected.len(),
            meta.lexical_sequence
        );
        self.add(Severity::Warning, folder, message);
    }
}

fn lost_texts(rows: &[(Vec<u8>, Row)], texts: &TextIndex) -> usize {
    rows.iter()
        .filter(|(_, row)| match &row.state {
            FileState::Document { content } => !texts.contains(content.short()),
            FileState::Skipped { .. } | FileState::Failed { .. } | FileState::Container { .. } => {
                false
            }
        })
        .count()
}
