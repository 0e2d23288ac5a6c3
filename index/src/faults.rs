//! Named places at which tests make the index fail or stop, as a full disk or a kill would.
//!
//! Outside of tests each is an empty function.

use crate::error::Result;

/// Passes a step between two durable writes.
pub(crate) fn reach(point: &'static str) -> Result<()> {
    #[cfg(test)]
    if armed::strikes(point) {
        let path = std::path::Path::new(point);
        return Err(crate::error::IndexError::io(path, std::io::Error::other("stopped by a test")));
    }
    let _ = point;
    Ok(())
}

/// Passes a write.
pub(crate) fn io(point: &'static str) -> std::io::Result<()> {
    #[cfg(test)]
    if armed::strikes(point) {
        return Err(std::io::ErrorKind::StorageFull.into());
    }
    let _ = point;
    Ok(())
}

/// Makes the next passage of `point` on this thread fail.
#[cfg(test)]
pub(crate) fn fail_next(point: &'static str) {
    armed::POINTS.with_borrow_mut(|points| points.push((point, 0)));
}

/// Forgets what was armed.
#[cfg(test)]
pub(crate) fn clear() {
    armed::POINTS.with_borrow_mut(Vec::clear);
}

#[cfg(test)]
mod armed {
    use std::cell::RefCell;

    thread_local! {
        /// Points that fail, with how many times each is passed unharmed before.
        pub(super) static POINTS: RefCell<Vec<(&'static str, usize)>> =
            const { RefCell::new(Vec::new()) };
    }

    pub(super) fn strikes(point: &str) -> bool {
        POINTS.with_borrow_mut(|points| {
            let Some(at) = points.iter().position(|(name, _)| *name == point) else {
                return false;
            };
            if points[at].1 > 0 {
                points[at].1 -= 1;
                return false;
            }
            points.remove(at);
            true
        })
    }
}
