//! The first stage: documents cut into pieces by several threads, taken in order.

use std::sync::{Mutex, PoisonError};

use crossbeam_channel::{Receiver, Sender, unbounded};

use super::ahead::{Ahead, TextHeld};

/// What turns documents into pieces.
pub trait Cutter: Sync {
    /// A document to cut.
    type Document: Sync;
    /// What it is cut into.
    type Piece: Send;

    /// Length of a document's text.
    fn text_bytes(&self, document: &Self::Document) -> u64;
    /// The pieces of a document, each made when it is asked for.
    fn cut(&self, document: &Self::Document) -> impl Iterator<Item = Self::Piece>;
    /// What a piece counts for among those that wait.
    fn weight(piece: &Self::Piece) -> usize;
}

/// Cuts documents; any number of threads may [run](Producer::run) it.
pub struct Producer<'a, C: Cutter> {
    cutter: &'a C,
    documents: &'a [C::Document],
    ahead: &'a Ahead,
    claims: Mutex<Claims<C::Piece>>,
}

struct Claims<P> {
    next: usize,
    /// The documents in order, each as the channel its pieces come through; gone after the last.
    order: Option<Sender<Receiver<P>>>,
}

struct Claimed<'a, D, P> {
    number: usize,
    document: &'a D,
    pieces: Sender<P>,
    _text: TextHeld<'a>,
}

/// The pieces of all documents, in order.
pub struct Pieces<'a, P> {
    order: Receiver<Receiver<P>>,
    current: Option<Receiver<P>>,
    weight: fn(&P) -> usize,
    ahead: &'a Ahead,
}

/// A producer, and the end at which the pieces come out.
pub fn produce<'a, C: Cutter>(
    cutter: &'a C,
    documents: &'a [C::Document],
    ahead: &'a Ahead,
) -> (Producer<'a, C>, Pieces<'a, C::Piece>) {
    // Both this channel and those of the documents are bounded by what `ahead` lets through.
    let (order, documents_in_order) = unbounded();
    let claims = Mutex::new(Claims { next: 0, order: Some(order) });
    (
        Producer { cutter, documents, ahead, claims },
        Pieces { order: documents_in_order, current: None, weight: C::weight, ahead },
    )
}

impl<'a, C: Cutter> Producer<'a, C> {
    /// Cuts one document after another until there are no more, or no one wants them.
    pub fn run(&self) {
        while let Some(claimed) = self.claim() {
            self.document(&claimed);
        }
    }

    fn document(&self, claimed: &Claimed<'_, C::Document, C::Piece>) {
        // Before the text is read, too: a thread that would have to wait has no use for it.
        if !self.ahead.wait_for_room(claimed.number) {
            return;
        }
        for piece in self.cutter.cut(claimed.document) {
            self.ahead.made(claimed.number, C::weight(&piece));
            if claimed.pieces.send(piece).is_err() || !self.ahead.wait_for_room(claimed.number) {
                return;
            }
        }
    }

    /// The next document. Others wait meanwhile, for documents enter in order.
    fn claim(&self) -> Option<Claimed<'a, C::Document, C::Piece>> {
        let mut claims = self.claims.lock().unwrap_or_else(PoisonError::into_inner);
        let claimed = self.claim_next(&mut claims);
        if claimed.is_none() {
            claims.order = None;
        }
        claimed
    }

    fn claim_next(
        &self,
        claims: &mut Claims<C::Piece>,
    ) -> Option<Claimed<'a, C::Document, C::Piece>> {
        let order = claims.order.as_ref()?;
        let (number, document) = (claims.next, self.documents.get(claims.next)?);
        let text = self.ahead.enter(self.cutter.text_bytes(document))?;
        let (pieces, receiver) = unbounded();
        order.send(receiver).ok()?;
        claims.next += 1;
        Some(Claimed { number, document, pieces, _text: text })
    }
}

impl<P> Iterator for Pieces<'_, P> {
    type Item = P;

    fn next(&mut self) -> Option<P> {
        loop {
            let Some(pieces) = &self.current else {
                self.current = Some(self.order.recv().ok()?);
                continue;
            };
            if let Ok(piece) = pieces.recv() {
                self.ahead.taken((self.weight)(&piece));
                return Some(piece);
            }
            self.current = None;
            self.ahead.next_document();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use proptest::prelude::*;

    use super::super::ahead::AheadLimits;
    use super::*;

    /// A document is its number and how long each of its pieces takes; a piece is the number and its place.
    struct Numbers {
        made: AtomicUsize,
    }

    type Document = (usize, Vec<u8>);

    impl Cutter for Numbers {
        type Document = Document;
        type Piece = (usize, usize, usize);

        fn text_bytes(&self, document: &Document) -> u64 {
            document.1.len() as u64
        }

        fn cut(&self, (number, pauses): &Document) -> impl Iterator<Item = Self::Piece> {
            pauses.iter().enumerate().map(|(place, &pause)| {
                std::thread::sleep(Duration::from_micros(u64::from(pause)));
                self.made.fetch_add(1, Ordering::SeqCst);
                (*number, place, 1)
            })
        }

        fn weight(piece: &Self::Piece) -> usize {
            piece.2
        }
    }

    fn documents() -> impl Strategy<Value = Vec<Document>> {
        proptest::collection::vec(proptest::collection::vec(0u8..200, 0..9), 0..30)
            .prop_map(|all| all.into_iter().enumerate().collect())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn pieces_come_in_order_and_are_bounded(
            documents in documents(),
            threads in 1usize..6,
            weight in 1usize..6,
            text_bytes in 1u64..20,
        ) {
            let ahead = Ahead::new(AheadLimits { weight, text_bytes });
            let cutter = Numbers { made: AtomicUsize::new(0) };
            let (producer, pieces) = produce(&cutter, &documents, &ahead);
            let mut taken = Vec::new();
            let mut most = 0;
            std::thread::scope(|scope| {
                for _ in 0..threads {
                    scope.spawn(|| producer.run());
                }
                for (number, place, _) in pieces {
                    // The one in hand is taken already.
                    let waiting = cutter.made.load(Ordering::SeqCst) - taken.len() - 1;
                    most = most.max(waiting);
                    taken.push((number, place));
                }
            });
            let expected: Vec<(usize, usize)> = documents
                .iter()
                .flat_map(|(number, pauses)| (0..pauses.len()).map(move |place| (*number, place)))
                .collect();
            prop_assert_eq!(taken, expected);
            prop_assert!(most <= 2 * weight + threads, "{} waited", most);
        }

        #[test]
        fn stopping_ends_every_thread(documents in documents(), takes in 0usize..20) {
            let ahead = Ahead::new(AheadLimits { weight: 2, text_bytes: 8 });
            let cutter = Numbers { made: AtomicUsize::new(0) };
            let (producer, mut pieces) = produce(&cutter, &documents, &ahead);
            std::thread::scope(|scope| {
                for _ in 0..3 {
                    scope.spawn(|| producer.run());
                }
                pieces.by_ref().take(takes).for_each(drop);
                ahead.stop();
                // What was made before may still come; then it ends.
                pieces.for_each(drop);
            });
        }
    }
}
