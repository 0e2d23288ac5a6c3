//! The daemon: folders stay indexed by themselves, and queries find everything warm.
//!
//! ```text
//! watcher ──▶ settle ──▶ keeper (one thread: scans, the only one to change the list of folders)
//! clients ──▶ server ──▶   │ jobs
//!                │         ▼
//!                │       encoding (one thread: texts to vectors, a slice at a time)
//!                └─────▶ queries (reader and a query encoder of their own, in the connection's thread)
//! ```
//!
//! Keeper and encoding share one writer for as long as it works: a session. When the index cannot be written (a full
//! disk, damage), the session ends, queries go on, and the keeper opens it again after a pause.

pub mod client;
mod encoding;
mod hub;
mod keeper;
pub mod lock;
pub mod log;
mod look;
mod manners;
pub mod protocol;
mod queries;
mod roots;
mod server;
mod service;
mod shared;
pub mod unit;

pub use service::run;
