//! The engine with a real ONNX Runtime: one binary, because a process can load it only once.

// A list of one range is a document of one passage.
#![allow(clippy::single_range_in_vec_init)]

mod bundles;
mod documents;
mod families;
mod goldens;
mod runtimes;
mod support;
