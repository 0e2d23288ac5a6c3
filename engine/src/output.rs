//! What a run of a graph gives.

/// Vectors of a batch, as they leave the device.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Output {
    /// Sums of token vectors: `[spans of all sequences, dimensions]`.
    pub(crate) sums: Vec<f32>,
    /// Each sequence's own vector: `[sequences, dimensions]`. Empty where a sequence is the mean of its token
    /// vectors.
    pub(crate) documents: Vec<f32>,
}

impl Output {
    /// Adds the vectors of the sequences that come next.
    pub(crate) fn append(&mut self, next: Output) {
        self.sums.extend(next.sums);
        self.documents.extend(next.documents);
    }
}
