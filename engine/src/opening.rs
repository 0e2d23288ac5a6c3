//! Opening a bundle's graphs on the device that is wanted, or on the one that is there.

use crate::bundle::{Bundle, Graph, Mode};
use crate::device::{self, Device, DeviceChoice};
use crate::encoder::EncoderOptions;
use crate::error::EngineError;
use crate::input::Input;
use crate::notice::Notices;
use crate::runtime::Runtime;
use crate::session::{GraphSession, SessionSettings};
use crate::worker::{Fallback, LazySession, Sessions};

/// Everything needed to open the sessions of a worker.
#[derive(Clone)]
pub(crate) struct Opening {
    pub(crate) bundle: Bundle,
    pub(crate) runtime: Runtime,
    pub(crate) settings: SessionSettings,
    pub(crate) notices: Notices,
}

/// Opens the sessions on the device that the options ask for, as far as it is there.
pub(crate) fn open_on_device(
    mut opening: Opening,
    options: &EncoderOptions,
) -> Result<(Opening, Sessions, Option<String>), EngineError> {
    let mut obstacle = None;
    if options.device != DeviceChoice::Cpu {
        opening.settings.device = Device::Cuda;
        match opening.cuda_sessions(options) {
            Ok(sessions) => return Ok((opening, sessions, None)),
            Err(error) if options.device == DeviceChoice::Cuda => return Err(error),
            Err(error) => obstacle = Some(error.to_string()),
        }
        opening.settings.device = Device::Cpu;
    }
    let sessions = opening.sessions()?;
    Ok((opening, sessions, obstacle))
}

impl Opening {
    /// As [`Opening::sessions`] on CUDA; every failure is [`EngineError::CudaUnavailable`].
    fn cuda_sessions(&self, options: &EncoderOptions) -> Result<Sessions, EngineError> {
        if let Some(reason) = device::cuda_obstacle(self.runtime.path()) {
            return Err(EngineError::CudaUnavailable { reason });
        }
        device::preload_cuda(&options.cuda_folders)?;
        let unavailable =
            |error: EngineError| EngineError::CudaUnavailable { reason: error.to_string() };
        let mut sessions = self.sessions().map_err(|error| match error {
            EngineError::CudaUnavailable { .. } => error,
            other => unavailable(other),
        })?;
        // A driver too old for the card or the kernels shows only when something runs.
        let options = ort::session::RunOptions::new()
            .map_err(|error| EngineError::CudaUnavailable { reason: error.to_string() })?;
        if let Some(plain) = &mut sessions.plain {
            plain.run(&trial(TRIAL), &options).map_err(unavailable)?;
        }
        // All of them, so that none turns out to be unusable half-way through somebody's documents.
        for (masked, trial) in sessions.masked.iter_mut().zip(self.masked_trials()) {
            masked.session()?.run(&trial, &options).map_err(unavailable)?;
        }
        Ok(sessions)
    }

    /// One sequence for each masked graph, in their order: the shortest that runs in it.
    fn masked_trials(&self) -> Vec<Input> {
        let buckets: &[usize] = match &self.bundle.manifest().mode {
            Mode::Windows { .. } => &[],
            Mode::Whole { buckets, .. } => buckets,
        };
        let mut below = 0;
        let mut trials = Vec::new();
        for graph in self.masked_graphs() {
            let bucket = buckets.iter().copied().find(|&bucket| bucket > below);
            trials.push(trial(bucket.unwrap_or(TRIAL)));
            below = graph.max_tokens;
        }
        trials
    }

    /// The device's graphs for sequences of unequal length, the smallest first.
    fn masked_graphs(&self) -> Vec<&Graph> {
        let mut graphs: Vec<&Graph> = self.bundle.graphs(self.settings.device, true).collect();
        graphs.sort_by_key(|graph| graph.max_tokens);
        graphs
    }

    /// Loads the graphs that the device and the mode need; of several masked ones the smallest.
    pub(crate) fn sessions(&self) -> Result<Sessions, EngineError> {
        let device = self.settings.device;
        let whole = matches!(self.bundle.manifest().mode, Mode::Whole { .. });
        let plain = match self.bundle.graph(device, false) {
            Some(graph) if !whole => Some(self.session(graph)?),
            _ => None,
        };
        // On the CPU short sequences run faster one by one than masked together: 3,800 tokens/s
        // against 3,300.
        let mut masked = Vec::new();
        if plain.is_none() || device == Device::Cuda {
            let lazy = |graph: &Graph| LazySession::new(graph.clone(), self.clone());
            masked.extend(self.masked_graphs().into_iter().map(lazy));
        }
        if plain.is_none() && masked.is_empty() {
            return Err(EngineError::GraphMissing {
                path: self.bundle.manifest_path(),
                device: device.to_string(),
            });
        }
        if let Some(smallest) = masked.first_mut() {
            smallest.session()?;
        }
        let fallback = (device == Device::Cuda).then(|| Fallback::new(self.on_cpu()));
        Ok(Sessions { plain, masked, fallback })
    }

    /// The same on the CPU.
    fn on_cpu(&self) -> Opening {
        let settings = SessionSettings { device: Device::Cpu, ..self.settings.clone() };
        Opening { settings, ..self.clone() }
    }

    /// Padded tokens that a run may have within the device's memory; `None` where nobody knows.
    pub(crate) fn tokens_within_memory(&self) -> Option<usize> {
        let free = self.settings.limit().bytes()?;
        let graphs = self.bundle.manifest().graphs.iter();
        let device = self.settings.device.as_str();
        let costs = graphs.filter(|graph| graph.devices.iter().any(|name| name == device));
        costs.filter_map(|graph| Some(graph.memory?.tokens_within(free))).min()
    }

    /// Loads one graph.
    pub(crate) fn session(&self, graph: &Graph) -> Result<GraphSession, EngineError> {
        GraphSession::open(&self.bundle, graph, &self.runtime, &self.settings)
    }
}

/// Tokens of a trial where the mode leaves the length open.
const TRIAL: usize = 8;

/// One sequence without text.
fn trial(tokens: usize) -> Input {
    let spans = vec![std::iter::once(0..tokens).collect()];
    Input { ids: vec![0; tokens], lengths: vec![tokens], tokens, spans }
}
