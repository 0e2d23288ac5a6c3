//! Calls into stores that panic where they do not expect damage, or a disk that fails.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

thread_local! {
    /// Whether a panic of this thread is handled and nobody need be told of it.
    static HANDLED: Cell<bool> = const { Cell::new(false) };
}

/// Runs something that may panic. Nothing is printed when it does: the caller says in an error of
/// its own what happened.
pub(crate) fn caught<T>(run: impl FnOnce() -> T) -> std::thread::Result<T> {
    static INSTALLED: Once = Once::new();
    // While a thread panics the hook cannot be exchanged; whatever is printed then does no harm.
    if !std::thread::panicking() {
        INSTALLED.call_once(|| {
            let told = take_hook();
            set_hook(Box::new(move |panic| {
                if !HANDLED.get() {
                    told(panic);
                }
            }));
        });
    }
    let before = HANDLED.replace(true);
    let result = catch_unwind(AssertUnwindSafe(run));
    HANDLED.set(before);
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_error() {
        assert_eq!(caught(|| 7).unwrap(), 7);
        assert!(caught(|| caught(|| -> u8 { panic!("within") }).is_err()).unwrap());
        let panic = caught(|| -> u8 { panic!("by itself") }).unwrap_err();
        assert_eq!(panic.downcast_ref(), Some(&"by itself"));
        assert!(!HANDLED.get(), "what panics later is told");
    }
}
