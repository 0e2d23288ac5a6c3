//! Text into vectors: one vector for a whole document, one for each of its passages, one for a query.
//!
//! An encoder is a [`Bundle`] on disk (manifest, tokenizer, ONNX graphs, weights), run by ONNX
//! Runtime, which is found and loaded as a shared library by [`runtime`]. A document goes through an
//! [`Encoder`] in three steps:
//!
//! 1. [`Encoder::next_section`] tokenises the text lazily and cuts it into [`Section`]s at passage
//!    boundaries. A section is a unit of memory, of progress worth keeping and of cancellation.
//! 2. [`Encoder::encode_sections`] cuts sections into windows, batches the windows of all of them by
//!    length, runs them and pools the token vectors into [`SectionVectors`].
//! 3. [`combine`] makes the document vector of its sections.
//!
//! Nothing here prints, reads the environment or looks for a home directory: folders, devices and
//! thread counts come in as arguments.

mod batch;
mod bundle;
mod device;
mod encoder;
mod error;
pub mod import;
mod input;
mod memory;
mod notice;
mod opening;
mod output;
mod placement;
mod pool;
mod run;
pub mod runtime;
mod section;
mod session;
mod times;
mod tokens;
mod window;
mod worker;

pub use bundle::{
    Bundle, BundleFile, Graph, GraphMemory, Manifest, Mode, Passages, Pooling, PositionKind,
    Positions, Precision, Special, Verify,
};
pub use device::{Device, DeviceChoice, nvidia_device_present};
pub use encoder::{Encoder, EncoderOptions, SectionVectors};
pub use error::EngineError;
pub use notice::Notice;
pub use pool::combine;
pub use runtime::Runtime;
pub use section::Section;
pub use times::{Clock, EncoderTimes};
