//! Keeping the index in shape: the graph over document vectors, and space given back.

use std::collections::HashSet;

use super::options::MaintainReport;
use super::state::State;
use crate::content::ShortKey;
use crate::encodings::{EncodingIndex, read_f32};
use crate::error::{IndexError, PathContext, Result};
use crate::segments::{RecordRef, SegmentLog};
use crate::texts::TextIndex;
use crate::vectors::graph::{Graph, GraphError, GraphParams};

/// Segment files are rewritten when more than half of what they hold is dead, and only when that
/// is worth the while.
const LEAST_FREED_BYTES: u64 = 1 << 20;
/// Vectors put into the graph between two looks at whether to stop.
const INSERT_BATCH: usize = 2000;
/// The graph is extended when it lacks this share of the documents; the rest is scanned exactly.
const EXTEND_SHARE: f32 = 0.1;

/// Vectors for the graph, copied out so that building does not hold the writer up.
pub(super) struct GraphWork {
    fingerprint: String,
    dims: usize,
    items: Vec<(u64, Vec<f32>)>,
}

impl State {
    /// The vectors of the encoder used last, when they are many enough for a graph.
    pub(super) fn graph_work(&mut self) -> Result<Option<GraphWork>> {
        let threshold = self.options.graph_threshold;
        let segments = self.vectors.read()?;
        let encoders = self.encodings.by_use();
        let Some((fingerprint, table)) = encoders.first() else { return Ok(None) };
        let live: Vec<_> =
            table.complete.iter().filter(|(key, _)| self.tally.is_live(**key)).collect();
        if live.len() < threshold.max(1) {
            return Ok(None);
        }
        let mut items = Vec::with_capacity(live.len());
        for (key, encoding) in live {
            // A damaged vector is left to the next rebuild; the graph does without it.
            if let Ok(payload) = segments.checked_payload(&encoding.document) {
                items.push((key.graph_id(), read_f32(payload).collect()));
            }
        }
        Ok(Some(GraphWork { fingerprint: (*fingerprint).to_owned(), dims: table.dims, items }))
    }

    /// Drops what no file refers to any more, where that is more than half.
    pub(super) fn compact(&mut self) -> Result<u64> {
        self.commit()?;
        let State { texts, text_index, vectors, encodings, tally, fresh, .. } = self;
        let live = |key: ShortKey| {
            tally.is_live(key) || fresh.iter().any(|contents| contents.contains(&key))
        };
        let mut freed = 0;
        let keep = text_index.keep(live);
        if let Some((records, bytes)) = replace_if_worn(texts, &keep)? {
            *text_index = TextIndex::default();
            text_index.add_all(texts.read()?, &records);
            freed += bytes;
        }
        let keep = encodings.keep(live);
        if let Some((records, bytes)) = replace_if_worn(vectors, &keep)? {
            *encodings = EncodingIndex::default();
            encodings.add_all(vectors.read()?, &records);
            freed += bytes;
        }
        Ok(freed)
    }

    /// Compares every checksum of texts and vectors and drops what is damaged. Contents lost this
    /// way are extracted or encoded again. Returns the number of records dropped.
    pub(super) fn scrub(&mut self) -> Result<usize> {
        let all = |_: ShortKey| true;
        let mut dropped = 0;
        let keep = self.text_index.keep(all);
        if let Some((records, bad)) = drop_damaged(&mut self.texts, &keep)? {
            self.text_index = TextIndex::default();
            self.text_index.add_all(self.texts.read()?, &records);
            dropped += bad;
        }
        let keep = self.encodings.keep(all);
        if let Some((records, bad)) = drop_damaged(&mut self.vectors, &keep)? {
            self.encodings = EncodingIndex::default();
            self.encodings.add_all(self.vectors.read()?, &records);
            dropped += bad;
        }
        Ok(dropped)
    }

    pub(super) fn rebuild_caches(&mut self) -> Result<usize> {
        self.commit()?;
        self.scrub()?;
        let graph = self.layout.graph();
        match fs_err::remove_dir_all(&graph) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(IndexError::io(&graph, error));
            }
            _ => fs_err::create_dir(&graph).at(&graph)?,
        }
        let documents = self.refill_lexical()?;
        self.commit()?;
        Ok(documents)
    }
}

/// All records of a log now, and the bytes given back.
type Replaced = (Vec<RecordRef>, u64);

fn replace_if_worn(log: &mut SegmentLog, keep: &[RecordRef]) -> Result<Option<Replaced>> {
    let segments = log.read()?;
    let ids: Vec<u32> = segments.ids().collect();
    let all: u64 = ids.iter().map(|&id| segments.end(id)).sum();
    let kept: u64 = keep.iter().map(RecordRef::bytes).sum();
    let dead = all.saturating_sub(kept);
    if dead < LEAST_FREED_BYTES || dead <= all / 2 {
        return Ok(None);
    }
    // Copying checks payloads; what is damaged cannot be kept.
    let whole: Vec<RecordRef> =
        keep.iter().filter(|record| segments.checked_payload(record).is_ok()).copied().collect();
    Ok(Some((log.replace(&ids, &whole)?, dead)))
}

fn drop_damaged(
    log: &mut SegmentLog,
    records: &[RecordRef],
) -> Result<Option<(Vec<RecordRef>, usize)>> {
    let segments = log.read()?;
    let bad: Vec<RecordRef> = records
        .iter()
        .filter(|record| segments.checked_payload(record).is_err())
        .copied()
        .collect();
    if bad.is_empty() {
        return Ok(None);
    }
    let files: HashSet<u32> = bad.iter().map(|record| record.segment).collect();
    let keep: Vec<RecordRef> = records
        .iter()
        .filter(|record| files.contains(&record.segment) && !bad.contains(record))
        .copied()
        .collect();
    let files: Vec<u32> = files.into_iter().collect();
    Ok(Some((log.replace(&files, &keep)?, bad.len())))
}

impl GraphWork {
    /// Builds the graph, or extends the one that is there; `None` when it is good as it is.
    pub(super) fn run(
        &self,
        folder: &std::path::Path,
        cancel: &dyn Fn() -> bool,
        report: &mut MaintainReport,
    ) -> Result<()> {
        let live: HashSet<u64> = self.items.iter().map(|(id, _)| *id).collect();
        let loaded = match Graph::load(folder, &self.fingerprint, self.dims) {
            Ok(graph) if !graph.worn(&|id| live.contains(&id)) => Some(graph),
            Ok(_) => None,
            Err(GraphError::Missing { .. } | GraphError::Damaged { .. }) => None,
            Err(GraphError::OtherEncoder { .. }) => None,
            Err(error) => return Err(error.into()),
        };
        let missing: Vec<(u64, &[f32])> = self
            .items
            .iter()
            .filter(|(id, _)| loaded.as_ref().is_none_or(|graph| !graph.contains(*id)))
            .map(|(id, vector)| (*id, vector.as_slice()))
            .collect();
        let enough = (self.items.len() as f32 * EXTEND_SHARE).ceil() as usize;
        if loaded.is_some() && missing.len() < enough {
            return Ok(());
        }
        let mut graph = loaded;
        for batch in missing.chunks(INSERT_BATCH) {
            if cancel() {
                return Err(IndexError::Cancelled);
            }
            match &mut graph {
                Some(graph) => graph.insert_many(batch)?,
                None => {
                    let params = GraphParams::default();
                    graph = Some(Graph::build(&self.fingerprint, batch, &params)?);
                }
            }
        }
        if let Some(mut graph) = graph {
            graph.save(folder)?;
            report.graph_documents = Some(graph.len());
        }
        Ok(())
    }
}
