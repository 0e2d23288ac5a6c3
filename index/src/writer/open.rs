//! Opening: taking the lock, repairing what a kill or a failing disk left, and making the parts
//! agree.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use super::options::{OpenReport, WriterOptions};
use super::state::{State, document};
use super::tally::Tally;
use crate::catalog::{Catalog, OpenedCatalog, Row};
use crate::encodings::{EncodingIndex, VECTOR_KIND};
use crate::error::{IndexError, PathContext, Result};
use crate::layout::{Layout, WriterLock, folder_bytes, quarantine};
use crate::lexical::{Identity, Lexical, LexicalWriter, guarded};
use crate::paths::{path_from_bytes, path_hash};
use crate::segments::{SegmentLog, Verify};
use crate::texts::{TEXT_KIND, TextIndex};

/// Up to this size every checksum is compared at every start: it costs some milliseconds.
const VERIFY_ALWAYS_BYTES: u64 = 32 << 20;

pub(super) fn open(data_dir: &Path, options: WriterOptions) -> Result<(State, OpenReport)> {
    let layout = Layout::new(data_dir);
    layout.read_version().or_else(|error| match error {
        IndexError::Damaged { .. } => Ok(None),
        error => Err(error),
    })?;
    layout.create()?;
    let (lock, unclean) = WriterLock::take(&layout)?;
    layout.ensure_version()?;
    let mut report = OpenReport { unclean, ..OpenReport::default() };

    let open_log = |folder: &Path, kind| {
        let small = folder_bytes(folder) <= VERIFY_ALWAYS_BYTES;
        let verify = match (small, unclean) {
            (true, _) => Verify::All,
            (false, true) => Verify::Last,
            (false, false) => Verify::Heads,
        };
        SegmentLog::open(folder, kind, options.segment_bytes, verify)
    };
    let (mut texts, opened) = open_log(&layout.texts(), TEXT_KIND)?;
    report.notes.extend(opened.notes);
    let mut text_index = TextIndex::default();
    let unreadable = text_index.add_all(texts.read()?, &opened.records);
    note_unreadable(&mut report, "texts", unreadable);

    let (mut vectors, opened) = open_log(&layout.vectors(), VECTOR_KIND)?;
    report.notes.extend(opened.notes);
    let mut encodings = EncodingIndex::default();
    let unreadable = encodings.add_all(vectors.read()?, &opened.records);
    note_unreadable(&mut report, "vectors", unreadable);

    let OpenedCatalog { catalog, rows, meta, notes, replaced } = Catalog::open(&layout)?;
    report.notes.extend(notes);
    let OpenedLexical { lexical, identities, replaced: lexical_replaced } =
        open_lexical(&layout, unclean, &mut report)?;
    let lexical_sequence = lexical.sequence()?;
    let meta = meta.unwrap_or_default();
    let lexical = LexicalWriter::open(lexical, options.memory_bytes, options.threads)?;

    let tally: Tally =
        rows.iter().map(|(path, row)| (path_from_bytes(path), row.clone())).collect();
    let mut state = State {
        layout,
        options,
        texts,
        text_index,
        vectors,
        encodings,
        catalog,
        lexical,
        meta,
        changes: Default::default(),
        tally,
        fresh: Default::default(),
        broken: None,
        lock,
    };
    // The numbers do not tell of a store that lost rows in silence: what the two hold is compared
    // each time.
    let agree = lexical_sequence == meta.lexical_sequence && agree(&rows, &identities);
    if replaced || lexical_replaced || !agree {
        let truth = if replaced || lexical_sequence > meta.lexical_sequence {
            Truth::Lexical
        } else if lexical_replaced || lexical_sequence < meta.lexical_sequence {
            Truth::Catalog
        } else {
            Truth::Both
        };
        reconcile(&mut state, rows, truth, lexical_sequence, &mut report)?;
    } else {
        drop_lost_texts(&mut state, &rows, &mut report)?;
    }
    if state.is_dirty() {
        state.commit()?;
    }
    // It may be missing or stem from a writer that was killed.
    state.save_status();
    Ok((state, report))
}

fn note_unreadable(report: &mut OpenReport, part: &str, count: usize) {
    if count > 0 {
        report.note(format!("{part}: {count} records could not be understood and were left out"));
    }
}

/// The lexical index with the identity of every document in it.
struct OpenedLexical {
    lexical: Lexical,
    identities: Vec<Identity>,
    /// Whether it had to be begun anew.
    replaced: bool,
}

/// Opens the lexical index, putting a damaged one aside.
fn open_lexical(layout: &Layout, unclean: bool, report: &mut OpenReport) -> Result<OpenedLexical> {
    let folder = layout.lexical();
    if Lexical::exists(&folder) {
        let verify = unclean || folder_bytes(&folder) <= VERIFY_ALWAYS_BYTES;
        let opened = Lexical::open(&folder).and_then(|lexical| {
            lexical.sequence()?;
            if verify {
                lexical.verify()?;
            }
            // Opening the segments shows what their checksums do not cover.
            let identities = guarded(&folder, || {
                let reader = lexical.index.reader().at(&folder)?;
                lexical.identities(&reader.searcher())
            })?;
            Ok(OpenedLexical { lexical, identities, replaced: false })
        });
        match opened {
            Ok(opened) => return Ok(opened),
            Err(error) if is_transient(&error) => return Err(error),
            Err(error) => report.note(format!("{error}; the lexical index is made again")),
        }
    }
    let empty = fs_err::read_dir(&folder).at(&folder)?.next().is_none();
    if !empty {
        quarantine(&folder)?;
        layout.create()?;
    }
    let lexical = Lexical::create(&folder)?;
    Ok(OpenedLexical { lexical, identities: Vec::new(), replaced: true })
}

/// A full disk, missing rights or missing memory say nothing about the files.
fn is_transient(error: &IndexError) -> bool {
    use std::io::ErrorKind::{OutOfMemory, PermissionDenied, QuotaExceeded, StorageFull};
    let kind = match error {
        IndexError::Io { source, .. } => source.kind(),
        IndexError::Lexical { source, .. } => match source.as_ref() {
            tantivy::TantivyError::IoError(error) => error.kind(),
            tantivy::TantivyError::LockFailure(..) => return true,
            _ => return false,
        },
        _ => return false,
    };
    matches!(kind, OutOfMemory | PermissionDenied | QuotaExceeded | StorageFull)
}

/// Which of catalog and lexical index is believed about documents that only one of them holds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Truth {
    /// The catalog: it is written first, so it knows the newer state.
    Catalog,
    /// The lexical index: the catalog was lost, or has an older state than can be after a kill.
    Lexical,
    /// Both: they stand at the same commit, and one of them has lost some.
    Both,
}

/// Makes catalog and lexical index hold the same documents. Where the catalog has lost some, the
/// lexical index's records fill it.
fn reconcile(
    state: &mut State,
    rows: Vec<(Vec<u8>, Row)>,
    truth: Truth,
    lexical_sequence: u64,
    report: &mut OpenReport,
) -> Result<()> {
    let lexical = state.lexical.lexical.clone();
    let reader = lexical.index.reader().at(&lexical.folder)?;
    let searcher = reader.searcher();
    let identities = guarded(&lexical.folder, || lexical.identities(&searcher))?;
    let mut rows: HashMap<Vec<u8>, Row> = rows.into_iter().collect();

    if truth != Truth::Catalog {
        let mut restored = 0;
        let mut paths = HashSet::with_capacity(identities.len());
        for identity in &identities {
            let record = guarded(&lexical.folder, || lexical.stored(&searcher, identity.at))?;
            paths.insert(record.path.clone());
            if rows.get(&record.path) != Some(&record.row) {
                let old = state.row(&record.path)?;
                state.set_row(&record.path, old.as_ref(), Some(record.row.clone()));
                rows.insert(record.path, record.row);
                restored += 1;
            }
        }
        if restored > 0 {
            report.note(format!("catalog: {restored} documents were restored"));
        }
        // Rows of files that were removed or renamed since: to the next walk, what is there after
        // all is a new file.
        let numbers: HashSet<u64> = identities.iter().map(|identity| identity.id).collect();
        let stale: Vec<Vec<u8>> = rows
            .iter()
            .filter(|(path, row)| document(&row.state).is_some() && !paths.contains(*path))
            .filter(|(_, row)| truth == Truth::Lexical || numbers.contains(&row.document_id))
            .map(|(path, _)| path.clone())
            .collect();
        for path in &stale {
            let old = state.row(path)?;
            state.set_row(path, old.as_ref(), None);
            state.forget_container(path)?;
            rows.remove(path);
        }
        if !stale.is_empty() {
            report
                .note(format!("catalog: {} documents of an older state were dropped", stale.len()));
        }
    }
    let highest = identities.iter().map(|identity| identity.id);
    let highest = highest.chain(rows.values().map(|row| row.document_id)).max();
    let next = highest.map_or(0, |id| id + 1);
    state.meta.next_document_id = state.meta.next_document_id.max(next).max(1);
    state.meta.sequence = state.meta.sequence.max(lexical_sequence);

    let unwanted = unwanted(rows.iter(), &identities);
    let held: HashSet<u64> =
        identities.iter().map(|identity| identity.id).filter(|id| !unwanted.contains(id)).collect();
    for &id in &unwanted {
        state.lexical.remove(id);
    }
    let mut added = 0;
    let mut lost = 0;
    for (path, row) in &rows {
        let Some(content) = document(&row.state) else { continue };
        let there = held.contains(&row.document_id);
        if there && state.text_index.contains(content.short()) {
            continue;
        }
        if there {
            lost += usize::from(state.forget_stat(path)?);
            continue;
        }
        match state.index_file(&path_from_bytes(path), row, &content, false) {
            Ok(()) => added += 1,
            Err(IndexError::UnknownContent { .. } | IndexError::Damaged { .. }) => {
                // Nothing is left of it: to the next walk it is a new file.
                let current = state.row(path)?;
                state.set_row(path, current.as_ref(), None);
                state.forget_container(path)?;
                lost += 1;
            }
            Err(error) => return Err(error),
        }
    }
    let extra = unwanted.len().saturating_sub(added);
    if added > 0 {
        report.note(format!("lexical index: {added} documents were added from their stored text"));
    }
    if extra > 0 {
        report.note(format!("lexical index: {extra} documents that no file holds were removed"));
    }
    note_lost(report, lost);
    // Even when nothing differed the numbers must meet, or every start would compare again.
    if state.meta.lexical_sequence != lexical_sequence && !state.lexical.is_dirty() {
        state.meta.lexical_sequence = lexical_sequence;
        state.catalog.apply(&Default::default(), &state.meta)?;
        state.catalog.sync()?;
    }
    Ok(())
}

/// Whether both hold the same documents.
fn agree(rows: &[(Vec<u8>, Row)], identities: &[Identity]) -> bool {
    let rows = || rows.iter().map(|(path, row)| (path, row));
    let documents = rows().filter(|(_, row)| document(&row.state).is_some()).count();
    documents == identities.len() && unwanted(rows(), identities).is_empty()
}

/// Numbers of documents in the lexical index that are not exactly one row's document.
fn unwanted<'a>(
    rows: impl Iterator<Item = (&'a Vec<u8>, &'a Row)>,
    identities: &[Identity],
) -> HashSet<u64> {
    let expected: HashMap<u64, (crate::content::ShortKey, u64)> = rows
        .filter_map(|(path, row)| {
            let content = document(&row.state)?;
            let hash = path_hash(&path_from_bytes(path));
            Some((row.document_id, (content.short(), hash)))
        })
        .collect();
    let mut seen = HashSet::new();
    identities
        .iter()
        .filter(|identity| {
            let right = expected.get(&identity.id) == Some(&(identity.content, identity.path_hash));
            !right || !seen.insert(identity.id)
        })
        .map(|identity| identity.id)
        .collect()
}

/// Files whose stored text is gone are made to look changed, so that the next walk reads them.
fn drop_lost_texts(
    state: &mut State,
    rows: &[(Vec<u8>, Row)],
    report: &mut OpenReport,
) -> Result<()> {
    let mut lost = 0;
    for (path, row) in rows {
        let Some(content) = document(&row.state) else { continue };
        let known = row.stat == Default::default();
        if !known && !state.text_index.contains(content.short()) {
            lost += usize::from(state.forget_stat(path)?);
        }
    }
    note_lost(report, lost);
    state.meta.next_document_id = state.meta.next_document_id.max(1);
    Ok(())
}

fn note_lost(report: &mut OpenReport, lost: usize) {
    report.to_extract += lost;
    if lost > 0 {
        report.note(format!("{lost} documents have to be read again: their stored text is gone"));
    }
}
