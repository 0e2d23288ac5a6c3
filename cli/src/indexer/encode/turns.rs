//! Jobs done by several threads, their results taken in the order of the jobs.

use std::sync::{Mutex, PoisonError};

use crossbeam_channel::{Receiver, Sender, bounded};

/// Hands out jobs one by one, and notes their order.
pub struct Turns<J, R> {
    state: Mutex<State<J, R>>,
}

struct State<J, R> {
    jobs: J,
    /// The jobs in order, each as the channel its result comes through; gone after the last.
    order: Option<Sender<Receiver<R>>>,
}

/// Turns over a source of jobs, and the channel of their results in order. When `ahead` jobs are given
/// out of which no result was taken, the next job waits.
pub fn turns<J: Iterator, R>(jobs: J, ahead: usize) -> (Turns<J, R>, Receiver<Receiver<R>>) {
    let (order, results) = bounded(ahead);
    (Turns { state: Mutex::new(State { jobs, order: Some(order) }) }, results)
}

impl<J: Iterator, R> Turns<J, R> {
    /// Does one job after another until there are no more, `work` gives none, or no one wants the results.
    pub fn run(&self, mut work: impl FnMut(J::Item) -> R) {
        while let Some((job, result)) = self.next() {
            if result.send(work(job)).is_err() {
                return;
            }
        }
    }

    fn next(&self) -> Option<(J::Item, Sender<R>)> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let next = state.next();
        if next.is_none() {
            state.order = None;
        }
        next
    }
}

impl<J: Iterator, R> State<J, R> {
    fn next(&mut self) -> Option<(J::Item, Sender<R>)> {
        let order = self.order.as_ref()?;
        let job = self.jobs.next()?;
        let (sender, result) = bounded(1);
        order.send(result).ok()?;
        Some((job, sender))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn results_come_in_the_order_of_the_jobs(
            pauses in proptest::collection::vec(0u64..300, 0..40),
            threads in 1usize..4,
            ahead in 1usize..3,
        ) {
            let (turns, results) = turns(pauses.iter().copied().enumerate(), ahead);
            let mut got = Vec::new();
            std::thread::scope(|scope| {
                for _ in 0..threads {
                    scope.spawn(|| turns.run(|(number, pause)| {
                        std::thread::sleep(Duration::from_micros(pause));
                        number
                    }));
                }
                got.extend(results.iter().map(|result| result.recv().unwrap()));
            });
            prop_assert_eq!(got, (0..pauses.len()).collect::<Vec<_>>());
        }
    }

    #[test]
    fn threads_end_when_no_one_takes_the_results() {
        let (turns, results) = turns(0.., 1);
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| turns.run(|number: u32| number));
            }
            assert_eq!(results.recv().unwrap().recv(), Ok(0));
            drop(results);
        });
    }
}
