//! The share of each stage in the time that encoding took.

use std::time::Duration;

use lsearch_engine::EncoderTimes;

/// Where the time went. The stages go on side by side, so that their times add up to more than
/// `elapsed`; the one that comes near it is the one that all waited for.
#[derive(Debug, Clone, Copy, Default)]
pub struct StageTimes {
    /// By the clock, from the list of what is to be encoded to the last commit.
    pub elapsed: Duration,
    /// Texts read from the index and decompressed, added up over the threads.
    pub read: Duration,
    /// In the tokenizer, added up over the threads: `threads` times `elapsed` at most.
    pub tokenise: Duration,
    /// Threads that tokenise.
    pub threads: usize,
    /// In runs of the encoder, by the clock: without waiting for tokens, without the laying out of
    /// batches and the pooling of their results, which other threads do meanwhile.
    pub encoder: Duration,
    /// Vectors put into the index and commits, the wait for the disk included; one thread's.
    pub store: Duration,
}

impl StageTimes {
    /// Takes in what the encoder did between two looks at its times.
    pub fn add_encoder(&mut self, before: EncoderTimes, after: EncoderTimes) {
        self.tokenise += after.tokenise.saturating_sub(before.tokenise);
        self.encoder += after.run.saturating_sub(before.run);
    }

    /// One line in words.
    pub fn line(&self, tokens: u64) -> String {
        let rate = tokens as f64 / self.elapsed.as_secs_f64().max(0.001);
        let seconds = |time: Duration| format!("{:.1} s", time.as_secs_f64());
        let threads = if self.threads == 1 { "thread" } else { "threads" };
        format!(
            "encoding: {} tokens in {} ({} tokens/s): read {}, tokenise {} over {} {threads}, encoder {}, store {}",
            short(tokens as f64),
            seconds(self.elapsed),
            short(rate),
            seconds(self.read),
            seconds(self.tokenise),
            self.threads,
            seconds(self.encoder),
            seconds(self.store),
        )
    }
}

/// `812`, `45.2K`, `1.26M`.
fn short(number: f64) -> String {
    match number {
        ..1e3 => format!("{number:.0}"),
        ..1e5 => format!("{:.1}K", number / 1e3),
        ..1e6 => format!("{:.0}K", number / 1e3),
        ..1e7 => format!("{:.2}M", number / 1e6),
        _ => format!("{:.1}M", number / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_names_every_stage() {
        let times = StageTimes {
            elapsed: Duration::from_millis(9800),
            read: Duration::from_millis(400),
            tokenise: Duration::from_millis(14_200),
            threads: 16,
            encoder: Duration::from_millis(8900),
            store: Duration::from_millis(700),
        };
        assert_eq!(
            times.line(12_345_678),
            "encoding: 12.3M tokens in 9.8 s (1.26M tokens/s): read 0.4 s, \
             tokenise 14.2 s over 16 threads, encoder 8.9 s, store 0.7 s"
        );
        assert_eq!(short(812.4), "812");
        assert_eq!(short(2815.0), "2.8K");
        assert_eq!(short(456_000.0), "456K");
    }
}
