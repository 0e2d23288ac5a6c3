//! Append-only, checksummed files of records: what must not be lost is written here.

mod log;
mod map;
mod record;

pub(crate) use log::{SegmentLog, Verify};
pub(crate) use map::{Changes, Segments};
pub(crate) use record::{MAX_HEAD, RecordRef};
