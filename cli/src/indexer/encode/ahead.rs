//! How far tokenising may run ahead of the encoder.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// What may be held at a time.
#[derive(Debug, Clone, Copy)]
pub struct AheadLimits {
    /// Weight of the pieces that the encoder has not taken yet. Every thread may go beyond it by one
    /// piece, and the document whose turn it is has this much for itself, whatever those after it hold.
    pub weight: usize,
    /// Bytes of text being cut into pieces; one document may exceed it by itself.
    pub text_bytes: u64,
}

/// Keeps count of what was made and not yet taken, and makes those wait that would hold too much.
///
/// Documents are numbered in the order in which they are entered, which is that in which their pieces
/// are taken.
#[derive(Debug)]
pub struct Ahead {
    limits: AheadLimits,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    stopped: bool,
    text_bytes: u64,
    /// Weight of all pieces that wait.
    weight: usize,
    /// The document whose turn it is to be taken.
    turn: usize,
    /// Weight that waits of that document and those entered after it.
    waiting: VecDeque<usize>,
}

/// The right to hold a document's text; given back when dropped.
#[derive(Debug)]
pub struct TextHeld<'a> {
    ahead: &'a Ahead,
    bytes: u64,
}

impl Ahead {
    /// Nothing is held yet.
    pub fn new(limits: AheadLimits) -> Self {
        Self { limits, state: Mutex::default(), changed: Condvar::new() }
    }

    /// Enters the next document, once there is room for its text; `None` when stopped.
    ///
    /// Documents have to be entered one after another: if a later one could take the room, the one
    /// whose turn it is might wait for it for ever.
    pub fn enter(&self, bytes: u64) -> Option<TextHeld<'_>> {
        let has_room = |state: &State| {
            state.text_bytes == 0 || state.text_bytes + bytes <= self.limits.text_bytes
        };
        let mut state = self.wait_until(has_room)?;
        state.text_bytes += bytes;
        state.waiting.push_back(0);
        Some(TextHeld { ahead: self, bytes })
    }

    /// Waits until document `number` may make another piece; false when stopped.
    pub fn wait_for_room(&self, number: usize) -> bool {
        let has_room = |state: &State| {
            state.weight < self.limits.weight
                || (state.turn == number && state.waiting[0] < self.limits.weight)
        };
        self.wait_until(has_room).is_some()
    }

    /// A piece of document `number` was made.
    pub fn made(&self, number: usize, weight: usize) {
        let mut state = self.lock();
        state.weight += weight;
        let place = number - state.turn;
        state.waiting[place] += weight;
    }

    /// A piece of the document whose turn it is was taken.
    pub fn taken(&self, weight: usize) {
        let mut state = self.lock();
        state.weight -= weight;
        state.waiting[0] -= weight;
        self.changed.notify_all();
    }

    /// All pieces of the document whose turn it was are taken.
    pub fn next_document(&self) {
        let mut state = self.lock();
        state.turn += 1;
        state.waiting.pop_front();
        self.changed.notify_all();
    }

    /// Lets nobody wait any longer, nor begin anything.
    pub fn stop(&self) {
        self.lock().stopped = true;
        self.changed.notify_all();
    }

    /// Whether [`Ahead::stop`] was called.
    pub fn is_stopped(&self) -> bool {
        self.lock().stopped
    }

    /// Waits for a condition; `None` when stopped.
    fn wait_until(&self, condition: impl Fn(&State) -> bool) -> Option<MutexGuard<'_, State>> {
        let state = self
            .changed
            .wait_while(self.lock(), |state| !state.stopped && !condition(state))
            .unwrap_or_else(PoisonError::into_inner);
        (!state.stopped).then_some(state)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for TextHeld<'_> {
    fn drop(&mut self) {
        self.ahead.lock().text_bytes -= self.bytes;
        self.ahead.changed.notify_all();
    }
}

/// Stops when dropped: however the one that takes everything ends, no other waits for it then.
pub struct StopOnDrop<'a>(pub &'a Ahead);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.stop();
    }
}
