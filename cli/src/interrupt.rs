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

/// Says when work is to end early: at Ctrl-C, or when whoever holds a clone asks for it.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Asks for an end.
    pub fn ask(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// True once an end is asked for, or Ctrl-C was pressed.
    pub fn requested(&self) -> bool {
        self.0.load(Ordering::Relaxed) || requested()
    }
}
