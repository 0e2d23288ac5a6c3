//! Approximate nearest neighbours: a hierarchical navigable small world graph (Malkov and Yashunin,
//! 2016, arXiv:1603.09320) over document vectors, by the crate `hnsw_rs`.
//!
//! The graph is a cache. It can be thrown away and built again from the vectors, and whoever holds it
//! does so when [`Graph::load`] refuses what is on disk or when [`Graph::worn`] says it pays.
//!
//! What the crate beneath does not do is done here:
//! - it has no removal and adds an id twice without a word: points are numbered by this module, an id
//!   inserted again moves to a new point, and points that are dead are filtered out;
//! - its filtered search slows down without bound as the filter gets narrower, and may miss results:
//!   a search widens, and past a point scans all vectors exactly, so it always finds as many as
//!   there are;
//! - it ends the process on a truncated file and believes a garbled one: see `store.rs`.

mod hnsw;
mod store;

use std::collections::HashMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use self::hnsw::Hnsw;
use super::exact;
use super::{QueryVector, VectorError, dot_f32, normalise};

/// Share of dead points above which a new graph is worth building.
const WORN_DEAD_SHARE: f32 = 0.25;

/// A search is not widened beyond this share of the points: scanning them is then as quick.
const SCAN_FROM_SHARE: usize = 8;

/// How densely a graph is linked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct GraphParams {
    /// Links of a point in each layer (M), twice that in the lowest; 2 to 255.
    pub max_connections: usize,
    /// Candidates looked at to place a point.
    pub ef_construction: usize,
}

impl Default for GraphParams {
    fn default() -> Self {
        Self { max_connections: 16, ef_construction: 200 }
    }
}

/// Why a graph could not be built, searched, written or read.
#[derive(Debug, thiserror::Error)]
pub enum GraphError {
    /// A graph needs at least one vector.
    #[error("a graph needs at least one vector")]
    Empty,
    /// The parameters are out of range.
    #[error("{0:?} are no usable parameters of a graph")]
    Params(GraphParams),
    /// A vector was refused; nothing was inserted.
    #[error("the vector of document {id} cannot be searched: {source}")]
    Vector {
        /// Document whose vector it is.
        id: u64,
        /// What is wrong with it.
        source: VectorError,
    },
    /// The query vector was refused.
    #[error("the query vector cannot be searched for: {0}")]
    Query(#[source] VectorError),
    /// No graph has been saved there.
    #[error("there is no graph in {}", path.display())]
    Missing {
        /// Folder looked into.
        path: PathBuf,
    },
    /// The files are not what was written. Build the graph again.
    #[error("the graph in {} is damaged: {reason}", path.display())]
    Damaged {
        /// File or folder that is damaged.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The graph holds vectors of another encoder. Build the graph again.
    #[error("the graph in {} is of encoder {found}, not of {expected}", path.display())]
    OtherEncoder {
        /// Folder of the graph.
        path: PathBuf,
        /// Fingerprint (and number of dimensions) asked for.
        expected: String,
        /// Fingerprint (and number of dimensions) found.
        found: String,
    },
    /// Reading or writing failed; the message names the file.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// The graph could not be written.
    #[error("writing the graph to {} failed: {reason}", path.display())]
    Write {
        /// Folder written to.
        path: PathBuf,
        /// What happened.
        reason: String,
    },
}

/// A graph of document vectors, in memory.
///
/// Searching takes `&self` from any number of threads; inserting takes `&mut self`.
#[derive(Debug)]
pub struct Graph {
    hnsw: Hnsw,
    fingerprint: String,
    dims: usize,
    params: GraphParams,
    /// Document id by point, in the order of insertion.
    ids: Vec<u64>,
    /// The one point by document id that counts: the last inserted.
    points: HashMap<u64, usize>,
    /// Number of points when the graph was built.
    built: usize,
    generation: Option<u64>,
}

impl Graph {
    /// Builds a graph of the given documents' vectors on all threads of the current rayon pool.
    /// `fingerprint` names the encoder that made them. Vectors are normalised; of several with the
    /// same id the last counts.
    ///
    /// # Errors
    /// If there are no items, a vector is empty, zero, not finite or of another length than the
    /// first, or the parameters are out of range.
    pub fn build(
        fingerprint: &str,
        items: &[(u64, &[f32])],
        params: &GraphParams,
    ) -> Result<Self, GraphError> {
        if !(2..=255).contains(&params.max_connections) || params.ef_construction == 0 {
            return Err(GraphError::Params(*params));
        }
        let dims = items.first().ok_or(GraphError::Empty)?.1.len();
        let mut graph = Self {
            hnsw: Hnsw::new(params, items.len()),
            fingerprint: fingerprint.to_owned(),
            dims,
            params: *params,
            ids: Vec::new(),
            points: HashMap::new(),
            built: 0,
            generation: None,
        };
        graph.insert_many(items)?;
        graph.built = graph.ids.len();
        Ok(graph)
    }

    /// Inserts one document's vector, in place of an earlier one of the same id.
    ///
    /// # Errors
    /// If the vector is zero, not finite or of another length than those already there.
    pub fn insert(&mut self, id: u64, vector: &[f32]) -> Result<(), GraphError> {
        self.insert_many(&[(id, vector)])
    }

    /// Inserts several documents' vectors, in parallel; either all or, on an error, none.
    ///
    /// # Errors
    /// As for [`Graph::insert`].
    pub fn insert_many(&mut self, items: &[(u64, &[f32])]) -> Result<(), GraphError> {
        // In blocks, so that the normalised copies of a large collection do not lie beside the ones
        // that the graph makes; all are checked before the first goes in.
        for (id, vector) in items {
            self.check(vector).map_err(|source| GraphError::Vector { id: *id, source })?;
        }
        for block in items.chunks(10_000) {
            let mut unit = Vec::with_capacity(block.len());
            for (id, vector) in block {
                let mut vector = vector.to_vec();
                normalise(&mut vector).map_err(|source| GraphError::Vector { id: *id, source })?;
                unit.push(vector);
            }
            let first_point = self.ids.len();
            self.hnsw.insert(first_point, &unit);
            for (offset, (id, _)) in block.iter().enumerate() {
                self.ids.push(*id);
                self.points.insert(*id, first_point + offset);
            }
        }
        Ok(())
    }

    /// The `k` documents nearest to the query among those that `filter` lets through, as id and
    /// cosine, best first, equal ones by id.
    ///
    /// `ef` is the number of candidates kept on the way, at least `k`: more finds more surely the
    /// true nearest. The search is approximate, but it returns `k` documents whenever so many pass
    /// the filter: it widens if too few of the nearest pass, and in the end scans all vectors. Where
    /// few pass, scanning those few instead of calling this is quicker still.
    ///
    /// # Errors
    /// If the query is zero, not finite or has another number of dimensions.
    pub fn search(
        &self,
        query: &[f32],
        k: usize,
        ef: usize,
        filter: &(dyn Fn(u64) -> bool + Sync),
    ) -> Result<Vec<(u64, f32)>, GraphError> {
        self.check(query).map_err(GraphError::Query)?;
        let query = QueryVector::new(query).map_err(GraphError::Query)?;
        if k == 0 {
            return Ok(Vec::new());
        }
        let widest = (self.ids.len() / SCAN_FROM_SHARE).max(1024);
        let mut breadth = ef.max(k);
        while breadth <= widest {
            let hits = self.hnsw.search(query.as_slice(), breadth);
            let live = hits.into_iter().filter_map(|(point, cosine)| {
                let id = self.live_id(point)?;
                filter(id).then_some((id, cosine))
            });
            let live = exact::top_k(live, k);
            if live.len() == k {
                return Ok(live);
            }
            breadth *= 4;
        }
        let live = self.hnsw.vectors().filter_map(|point| {
            let id = self.live_id(point.id())?;
            filter(id).then(|| (id, dot_f32(query.as_slice(), point.vector()).min(1.0)))
        });
        Ok(exact::top_k(live, k))
    }

    /// Number of documents, replaced ones not counted.
    #[must_use]
    pub fn len(&self) -> usize {
        self.points.len()
    }

    /// Whether there are no documents; never so for a graph that was built or loaded.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.points.is_empty()
    }

    /// Number of dimensions.
    #[must_use]
    pub fn dims(&self) -> usize {
        self.dims
    }

    /// Fingerprint of the encoder that made the vectors.
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Generation on disk that this graph was loaded from or last saved as.
    #[must_use]
    pub fn generation(&self) -> Option<u64> {
        self.generation
    }

    /// Whether the document is in the graph.
    #[must_use]
    pub fn contains(&self, id: u64) -> bool {
        self.points.contains_key(&id)
    }

    /// Ids of all documents, in no particular order.
    pub fn ids(&self) -> impl Iterator<Item = u64> + '_ {
        self.points.keys().copied()
    }

    /// Share of the points, 0 to 1, that stand for no live document: replaced, or not `live`.
    pub fn dead_share(&self, live: &dyn Fn(u64) -> bool) -> f32 {
        let alive = self.ids().filter(|&id| live(id)).count();
        1.0 - alive as f32 / self.ids.len().max(1) as f32
    }

    /// Whether a new graph is worth building: a quarter of the points are dead, or the graph has
    /// doubled since it was built (after a reload the crate beneath draws too few upper layers for
    /// what is inserted, which slows searches as such points come to prevail).
    pub fn worn(&self, live: &dyn Fn(u64) -> bool) -> bool {
        self.ids.len() > 2 * self.built || self.dead_share(live) > WORN_DEAD_SHARE
    }

    fn live_id(&self, point: usize) -> Option<u64> {
        let id = *self.ids.get(point)?;
        (self.points.get(&id) == Some(&point)).then_some(id)
    }

    fn check(&self, vector: &[f32]) -> Result<(), VectorError> {
        if vector.len() != self.dims {
            let (expected, found) = (self.dims, vector.len());
            return Err(VectorError::Dimensions { expected, found });
        }
        super::kernels::norm(vector).map(|_| ())
    }
}

#[cfg(test)]
mod tests;
