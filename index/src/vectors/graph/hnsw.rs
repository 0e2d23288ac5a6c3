//! What this crate needs of `hnsw_rs`, behind an interface that cannot be held wrong.

use std::fmt;
use std::mem::ManuallyDrop;
use std::path::Path;
use std::ptr::NonNull;
use std::sync::Arc;

use hnsw_rs::anndists::dist::distances::Distance;
use hnsw_rs::api::AnnT;
use hnsw_rs::hnsw::Point;
use hnsw_rs::hnswio::HnswIo;

use super::GraphParams;
use crate::guard::caught;
use crate::vectors::dot_f32;

/// Layers that `hnsw_rs` can write; it refuses to write a graph made with another number.
const LAYERS: usize = 16;

/// 1 - cosine of unit vectors. Rounding may put a dot product above 1, and `hnsw_rs` panics at a
/// negative distance.
#[derive(Debug, Clone, Copy, Default)]
struct CosineDistance;

impl Distance<f32> for CosineDistance {
    fn eval(&self, a: &[f32], b: &[f32]) -> f32 {
        (1.0 - dot_f32(a, b)).max(0.0)
    }
}

type Inner = hnsw_rs::hnsw::Hnsw<'static, f32, CosineDistance>;

/// A graph over unit vectors, whose points have the numbers 0, 1, 2, … in the order of insertion.
pub(super) struct Hnsw {
    /// Dropped by hand, before what it borrows.
    inner: ManuallyDrop<Inner>,
    /// What `inner` borrows if it was loaded.
    _reader: Option<Reader>,
}

impl Drop for Hnsw {
    fn drop(&mut self) {
        // SAFETY: `inner` is not used again; the fields drop after this, so the reader that it
        // borrows is still there.
        unsafe { ManuallyDrop::drop(&mut self.inner) }
    }
}

impl Hnsw {
    /// An empty graph, with room for `expected` points.
    pub(super) fn new(params: &GraphParams, expected: usize) -> Self {
        let inner = Inner::new(
            params.max_connections,
            expected,
            LAYERS,
            params.ef_construction,
            CosineDistance,
        );
        Self { inner: ManuallyDrop::new(inner), _reader: None }
    }

    /// Inserts unit vectors as the points `first_point`, `first_point + 1`, and so on.
    pub(super) fn insert(&mut self, first_point: usize, unit: &[Vec<f32>]) {
        let numbered: Vec<(&[f32], usize)> = unit
            .iter()
            .enumerate()
            .map(|(offset, vector)| (vector.as_slice(), first_point + offset))
            .collect();
        // Points inserted side by side into an empty graph all find no entry point and would stay
        // unlinked, so the first few go in one after the other.
        let alone = if first_point == 0 { numbered.len().min(32) } else { 0 };
        for item in &numbered[..alone] {
            self.inner.insert_slice(*item);
        }
        self.inner.parallel_insert_slice(&numbered[alone..].to_vec());
    }

    /// About the `k` nearest points to a unit vector, as number and cosine.
    pub(super) fn search(&self, unit: &[f32], k: usize) -> Vec<(usize, f32)> {
        let neighbours = self.inner.search(unit, k, k);
        neighbours.into_iter().map(|n| (n.d_id, 1.0 - n.distance)).collect()
    }

    /// All points with their vectors.
    pub(super) fn vectors(&self) -> impl Iterator<Item = PointRef> + '_ {
        let points = self.inner.get_point_indexation();
        let layers = 0..=usize::from(points.get_max_level_observed());
        layers.flat_map(|layer| points.get_layer_iterator(layer)).map(PointRef)
    }

    /// Number of points.
    pub(super) fn len(&self) -> usize {
        self.inner.get_nb_point()
    }

    /// Writes the graph into the folder and returns the base name that the two files got.
    pub(super) fn dump(&self, dir: &Path, base_name: &str) -> Result<String, String> {
        // `hnsw_rs` panics where it cannot open a file.
        match caught(|| self.inner.file_dump(dir, base_name)) {
            Ok(result) => result.map_err(|error| error.to_string()),
            Err(panic) => Err(panic_text(panic.as_ref())),
        }
    }

    /// Reads a graph that [`Hnsw::dump`] wrote. The files must have been checked: `hnsw_rs` ends the
    /// process on a truncated one.
    pub(super) fn load(dir: &Path, base_name: &str) -> Result<Self, String> {
        let reader = Reader::new(HnswIo::new(dir, base_name));
        // SAFETY: the reference goes into `inner`, which `Hnsw` drops before the reader.
        let source: &'static HnswIo = unsafe { reader.get() };
        let load = || source.load_hnsw_with_dist::<f32, CosineDistance>(CosineDistance);
        match caught(load) {
            Ok(Ok(mut inner)) => {
                // Reloading switches this on, though the graph was built without.
                inner.set_extend_candidates(false);
                Ok(Self { inner: ManuallyDrop::new(inner), _reader: Some(reader) })
            }
            Ok(Err(error)) => Err(error.to_string()),
            Err(panic) => Err(panic_text(panic.as_ref())),
        }
    }
}

impl fmt::Debug for Hnsw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hnsw").field("points", &self.len()).finish_non_exhaustive()
    }
}

/// A point and its vector.
pub(super) struct PointRef(Arc<Point<'static, f32>>);

impl PointRef {
    pub(super) fn id(&self) -> usize {
        self.0.get_origin_id()
    }

    pub(super) fn vector(&self) -> &[f32] {
        self.0.get_v()
    }
}

/// The reader that a loaded graph borrows, on the heap and owned by pointer: a `Box` beside its
/// borrower would assert, on each move, that nobody else refers to it.
struct Reader(NonNull<HnswIo>);

impl Reader {
    fn new(io: HnswIo) -> Self {
        Self(NonNull::from(Box::leak(Box::new(io))))
    }

    /// # Safety
    /// The reference must not be used after the reader is dropped.
    unsafe fn get<'a>(&self) -> &'a HnswIo {
        // SAFETY: the pointer comes from a `Box` that only `drop` frees, and nothing ever takes a
        // mutable reference; the lifetime is the caller's promise.
        unsafe { self.0.as_ref() }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        // SAFETY: the pointer was leaked from a `Box` in `new` and is freed only here.
        drop(unsafe { Box::from_raw(self.0.as_ptr()) });
    }
}

const fn assert_send_and_sync<T: Send + Sync>() {}
const _: () = assert_send_and_sync::<HnswIo>();

// SAFETY: a `Reader` is an owned `HnswIo`, which is `Send`.
unsafe impl Send for Reader {}
// SAFETY: a `Reader` gives out only shared references to an `HnswIo`, which is `Sync`.
unsafe impl Sync for Reader {}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "hnsw_rs panicked".to_owned())
}
