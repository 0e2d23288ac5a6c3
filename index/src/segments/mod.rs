//! Append-only, checksummed files of records: what must not be lost is written here.

mod log;
mod map;
mod record;

pub(crate) use log::SegmentLog;
pub(crate) use map::Segments;
pub(crate) use record::{MAX_HEAD, RecordRef};
