//! Ctrl-C and SIGTERM: a flag that long work looks at, so that it ends between two commits.

use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use crate::errors::EXIT_INTERRUPTED;

static STOP: OnceLock<Arc<AtomicBool>> = OnceLock::new();

/// Makes the first Ctrl-C set the flag and a second one end the process at once.
///
/// # Errors
/// The operating system's, when the handlers cannot be installed.
pub fn install() -> std::io::Result<()> {
    let stop = STOP.get_or_init(|| Arc::new(AtomicBool::new(false)));
    for signal in [SIGINT, SIGTERM] {
        // Order matters: the conditional exit is looked at first, so only the second signal finds the flag set.
        flag::register_conditional_shutdown(signal, EXIT_INTERRUPTED.into(), Arc::clone(stop))?;
        flag::register(signal, Arc::clone(stop))?;
    }
    Ok(())
}

/// True once Ctrl-C was pressed (or SIGTERM came).
pub fn requested() -> bool {
    STOP.get().is_some_and(|stop| stop.load(Ordering::Relaxed))
}
