//! Vectors: similarity kernels, int8 quantisation, exact scans and the HNSW graph.
//!
//! Everything here is pure: it works on slices handed in and, for [`graph`], on one folder named by
//! the caller. All scores are cosines, between -1 and 1; vectors are made unit length on the way in,
//! so that a cosine is a dot product.

pub mod exact;
pub mod graph;
mod kernels;
mod quantise;
#[cfg(test)]
pub(crate) mod testing;

pub use kernels::{dot_f32, normalise};
pub use quantise::{QuantisedVector, QueryVector, quantise};

/// Why a vector was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VectorError {
    /// The vector has no components.
    #[error("the vector is empty")]
    Empty,
    /// A component is NaN or infinite.
    #[error("component {at} of the vector is not a finite number")]
    NotFinite {
        /// Index of the first such component.
        at: usize,
    },
    /// All components are zero, so the vector has no direction.
    #[error("the vector is zero and has no direction")]
    Zero,
    /// The vector has another length than those it is to be compared with.
    #[error("the vector has {found} dimensions where {expected} were expected")]
    Dimensions {
        /// Length that the vectors already there have.
        expected: usize,
        /// Length of the vector refused.
        found: usize,
    },
}
