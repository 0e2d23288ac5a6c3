//! Sections through a worker: windows cut, batched, run, and pooled again.

use std::collections::VecDeque;

use crate::batch::{self, Batch, Batching};
use crate::bundle::{Passages, Pooling};
use crate::encoder::SectionVectors;
use crate::error::EngineError;
use crate::input::Input;
use crate::pool::Mean;
use crate::section::Section;
use crate::window::{Span, Window, Windowing};
use crate::worker::{Pending, Worker};

/// How sequences are batched for a bundle on its device.
#[derive(Debug)]
pub(crate) struct BatchSettings {
    pub(crate) batching: Batching,
    /// Padded tokens in a run at most.
    pub(crate) batch_tokens: usize,
    pub(crate) pad_id: u32,
    pub(crate) dimensions: usize,
    pub(crate) pooling: Pooling,
    pub(crate) passages: Passages,
}

/// Sections on their way through one worker.
pub(crate) struct Run<'a> {
    pub(crate) settings: &'a BatchSettings,
    pub(crate) worker: &'a Worker,
    pub(crate) windowing: &'a Windowing,
    /// Whether it goes before other work: a query does.
    pub(crate) urgent: bool,
}

/// Batches given to the worker before the first of them is waited for: it never stands idle, and
/// little is lost when cancelled.
const IN_FLIGHT: usize = 2;

/// A sequence to be run: a window of a section, or of one of its passages.
struct Sequence {
    section: usize,
    /// The passage that is read by itself; `None` for the section's own windows.
    passage: Option<usize>,
    window: Window,
}

impl Run<'_> {
    /// Means of all sections, in order.
    pub(crate) fn sections(
        &self,
        sections: &[&Section],
        cancel: &dyn Fn() -> bool,
        progress: &dyn Fn(usize),
    ) -> Result<Vec<Pooled>, EngineError> {
        let sequences = self.sequences(sections);
        let tokens = |sequence: &Sequence| self.windowing.sequence_tokens(&sequence.window);
        let lengths: Vec<usize> = sequences.iter().map(tokens).collect();
        let new = |section: &&Section| Pooled::new(self.settings, section.spans.len());
        let mut pooled: Vec<Pooled> = sections.iter().map(new).collect();
        let mut done = 0;
        let mut in_flight: VecDeque<(Pending, &Batch, Vec<Labelled>)> = VecDeque::new();
        let plan = batch::plan(&lengths, self.settings.batch_tokens, &self.settings.batching);
        let mut batches = plan.iter();
        loop {
            if cancel() {
                return Err(EngineError::Cancelled);
            }
            while in_flight.len() < IN_FLIGHT
                && let Some(batch) = batches.next()
            {
                let (input, spans) = self.input(batch, sections, &sequences);
                let pending = self.worker.submit(input, batch.masked, self.urgent, cancel)?;
                in_flight.push_back((pending, batch, spans));
            }
            let Some((pending, batch, spans)) = in_flight.pop_front() else { return Ok(pooled) };
            let output = pending.wait(cancel)?;
            let dimensions = self.settings.dimensions;
            for (sum, span) in output.sums.chunks_exact(dimensions).zip(spans) {
                pooled[span.section].add(sum, &span);
            }
            for (vector, &index) in output.documents.chunks_exact(dimensions).zip(&batch.sequences)
            {
                let sequence = &sequences[index];
                pooled[sequence.section].add_vector(vector, tokens(sequence), sequence.passage);
            }
            let owned = |&index: &usize| self.own_tokens(&sequences[index]);
            done += batch.sequences.iter().map(owned).sum::<usize>();
            progress(done);
        }
    }

    /// Everything that is to be run for these sections.
    fn sequences(&self, sections: &[&Section]) -> Vec<Sequence> {
        let mut sequences = Vec::new();
        for (index, section) in sections.iter().enumerate() {
            let windows = self.windowing.windows(section.tokens()).into_iter();
            sequences.extend(windows.map(|window| Sequence {
                section: index,
                passage: None,
                window,
            }));
            if self.settings.passages != Passages::Sequences {
                continue;
            }
            for (passage, span) in section.spans.iter().enumerate() {
                // One without tokens, or with all of them, has the section's vector in any case.
                if span.is_empty() || span.len() == section.tokens() {
                    continue;
                }
                let windows = self.windowing.windows(span.len()).into_iter();
                sequences.extend(windows.map(|window| Sequence {
                    section: index,
                    passage: Some(passage),
                    window: window.shifted(span.start),
                }));
            }
        }
        sequences
    }

    /// Tokens by which a sequence brings the work on: those that no other sequence of its kind counts.
    fn own_tokens(&self, sequence: &Sequence) -> usize {
        let special = self.windowing.head.len() + self.windowing.tail.len();
        special + sequence.window.owned.len()
    }

    /// Lays a batch out for the graph, with what each of its spans belongs to.
    fn input(
        &self,
        batch: &Batch,
        sections: &[&Section],
        sequences: &[Sequence],
    ) -> (Input, Vec<Labelled>) {
        let mut labelled = Vec::new();
        let mut input = Input {
            ids: Vec::with_capacity(batch.sequences.len() * batch.tokens),
            lengths: Vec::with_capacity(batch.sequences.len()),
            tokens: batch.tokens,
            spans: Vec::with_capacity(batch.sequences.len()),
        };
        for (row, &index) in batch.sequences.iter().enumerate() {
            let sequence = &sequences[index];
            let ids = &sections[sequence.section].ids;
            input.ids.extend(self.windowing.sequence(ids, &sequence.window));
            input.ids.resize((row + 1) * batch.tokens, i64::from(self.settings.pad_id));
            input.lengths.push(self.windowing.sequence_tokens(&sequence.window));
            let spans = self.spans(sections, sequence);
            input.spans.push(spans.iter().map(|span| span.rows.clone()).collect());
            let label =
                |span| Labelled { section: sequence.section, alone: sequence.passage, span };
            labelled.extend(spans.into_iter().map(label));
        }
        (input, labelled)
    }

    /// The rows of a sequence's output that are summed.
    fn spans(&self, sections: &[&Section], sequence: &Sequence) -> Vec<Span> {
        match (self.settings.passages, self.settings.pooling) {
            (Passages::Spans, _) => {
                self.windowing.spans(sections[sequence.section], &sequence.window)
            }
            (_, Pooling::Mean) => self.windowing.whole_span(&sequence.window),
            // Nothing is: a sequence has a vector of its own.
            _ => Vec::new(),
        }
    }
}

/// A span, the section it is of, and the passage that was read alone, if one was.
struct Labelled {
    section: usize,
    alone: Option<usize>,
    span: Span,
}

/// Means of a section and its passages while their windows come in.
pub(crate) struct Pooled {
    pooling: Pooling,
    /// Of its token vectors.
    tokens: Mean,
    /// Of its sequences' own vectors, if they have any.
    sequences: Mean,
    passages: Vec<Mean>,
}

impl Pooled {
    fn new(settings: &BatchSettings, passages: usize) -> Pooled {
        let empty = Mean::new(settings.dimensions);
        Pooled {
            pooling: settings.pooling,
            tokens: empty.clone(),
            sequences: empty.clone(),
            passages: vec![empty; passages],
        }
    }

    /// Adds the vector of a sequence: of a window of the section, or of a passage alone.
    fn add_vector(&mut self, vector: &[f32], tokens: usize, passage: Option<usize>) {
        match passage {
            None => self.sequences.add_mean(vector, tokens),
            // A mean has its passages from sums.
            Some(_) if self.pooling == Pooling::Mean => {}
            Some(passage) => self.passages[passage].add_mean(vector, tokens),
        }
    }

    fn add(&mut self, sum: &[f32], labelled: &Labelled) {
        let tokens = labelled.span.rows.len();
        if labelled.alone.is_none() {
            self.tokens.add(sum, tokens);
        }
        if let Some(passage) = labelled.alone.or(labelled.span.passage) {
            self.passages[passage].add(sum, tokens);
        }
    }

    /// The vector that a query of this text has: queries are pooled as the manifest says, whatever else the graph makes
    /// of a document.
    pub(crate) fn query(&self) -> Result<Vec<f32>, EngineError> {
        let mean = match self.pooling {
            Pooling::Mean => &self.tokens,
            Pooling::Cls | Pooling::Last | Pooling::Output => &self.sequences,
        };
        mean.unit().ok_or(EngineError::BadOutput { what: "a zero vector" })
    }

    /// The section's vectors, once all of its windows are in.
    pub(crate) fn finish(self) -> Result<SectionVectors, EngineError> {
        let section = self.query()?;
        let passages = self.passages.iter();
        let document = if self.sequences.tokens() > 0 { &self.sequences } else { &self.tokens };
        Ok(SectionVectors {
            tokens: match self.tokens.tokens() {
                0 => self.sequences.tokens(),
                tokens => tokens,
            },
            mean: document.mean(),
            passages: passages
                .map(|passage| passage.unit().unwrap_or_else(|| section.clone()))
                .collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::*;
    use crate::bundle::{Bundle, Verify};
    use crate::device::Device;
    use crate::notice::Notices;
    use crate::opening::Opening;
    use crate::runtime::{self, Candidates, Runtime};
    use crate::session::SessionSettings;
    use crate::tokens::Tokens;
    use crate::worker::LazySession;

    /// The library that the tests in `tests/` use, too.
    fn runtime() -> Runtime {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/onnxruntime");
        let candidates = Candidates {
            explicit: std::env::var_os("LSEARCH_ORT_LIB").map(PathBuf::from),
            folders: vec![folder.clone()],
            ..Default::default()
        };
        let library = match runtime::find(&candidates).unwrap() {
            Some(found) => found.path,
            None => runtime::install(&folder, Path::new("python3"), &|_| {}).unwrap(),
        };
        runtime::load(&library).unwrap()
    }

    /// As a GPU batches windows, with both graphs, which on a CPU only this test does.
    #[test]
    fn short_windows_padded_together_give_what_they_give_alone() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tiny-windows");
        let bundle = Bundle::open(&folder, Verify::Full).unwrap();
        let settings = SessionSettings {
            device: Device::Cpu,
            threads: 1,
            cuda_device: 0,
            cuda_memory_bytes: None,
        };
        let notices = Notices::default();
        let opening = Opening { bundle: bundle.clone(), runtime: runtime(), settings, notices };
        let mut sessions = opening.sessions().unwrap();
        assert!(sessions.plain.is_some() && sessions.masked.is_empty(), "one by one on a CPU");
        let masked = bundle.graph(Device::Cpu, true).unwrap().clone();
        sessions.masked.push(LazySession::new(masked, opening));
        let worker = Worker::start(sessions).unwrap();

        let tokens = Tokens::open(&bundle).unwrap();
        let text = "the boat waits for the tide and the ferry returns to find a bridge ".repeat(60);
        // With three special tokens each; the last two are of more than one window.
        let sections: Vec<Section> = [1, 2, 9, 10, 11, 70, 71, 240, 253, 254, 296, 297, 350, 700]
            .iter()
            .map(|&count| {
                let ids = tokens.ids(&text).unwrap()[..count].to_vec();
                let spans = vec![0..count / 3, count / 3..count];
                Section { bytes: 0..0, passages: 0..2, ids, spans }
            })
            .collect();
        let windowing = Windowing::new(bundle.manifest(), &[]).unwrap();
        let vectors = |batching: Batching| {
            let settings = BatchSettings {
                batching,
                batch_tokens: 4096,
                pad_id: bundle.manifest().special.pad_id,
                dimensions: bundle.dimensions(),
                pooling: bundle.manifest().pooling,
                passages: bundle.manifest().passages(),
            };
            let (worker, windowing) = (&worker, &windowing);
            let run = Run { settings: &settings, worker, windowing, urgent: false };
            let sections: Vec<&Section> = sections.iter().collect();
            let pooled = run.sections(&sections, &|| false, &|_| {}).unwrap();
            pooled.into_iter().map(|pooled| pooled.finish().unwrap()).collect::<Vec<_>>()
        };
        let alone = vectors(Batching::Equal);
        let together = vectors(Batching::MaskedShort { masked_tokens: 256 });
        for (section, (alone, together)) in sections.iter().zip(alone.iter().zip(&together)) {
            assert_eq!(alone.tokens, together.tokens);
            let pairs = alone.passages.iter().zip(&together.passages);
            for (a, b) in pairs.chain([(&alone.mean, &together.mean)]) {
                let apart = a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
                assert!(apart < 1e-5, "{} tokens: {apart}", section.tokens());
            }
        }
    }
}
