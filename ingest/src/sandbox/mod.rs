//! Extraction in child processes, so that no file can bring down or stall its caller.

mod child;
mod confine;
mod extractor;
mod protocol;
mod worker;

pub use confine::Confinement;
pub use extractor::{Extractor, ExtractorOptions, Member, MemberVisitor, NewBytes};
#[doc(hidden)]
pub use worker::worker_process_with;
pub use worker::{worker_main, worker_process};
