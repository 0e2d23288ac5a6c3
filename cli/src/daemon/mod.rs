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
pub mod manners;
pub mod protocol;
pub mod queries;
mod roots;
mod server;
mod service;
mod shared;
pub mod unit;

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::errors::CliError;

pub use service::run;

/// What a mutex guards, whether or not a thread failed while it held it.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a client is told who cannot have done what they want because the index cannot be written now.
fn tries_again(trouble: &str) -> CliError {
    CliError::new(trouble)
        .hint("the daemon tries again by itself; what was indexed before can be searched")
}
