//! Opening a bundle's graphs on the device that is wanted, or on the one that is there.

use crate::bundle::{Bundle, Graph, Mode};
use crate::device::{self, Device, DeviceChoice};
use crate::encoder::EncoderOptions;
use crate::error::EngineError;
use crate::runtime::Runtime;
use crate::session::{GraphSession, Input, SessionSettings};
use crate::worker::{LazySession, Sessions};

/// Everything needed to open the sessions of a worker.
#[derive(Clone)]
pub(crate) struct Opening {
    pub(crate) bundle: Bundle,
    pub(crate) runtime: Runtime,
    pub(crate) settings: SessionSettings,
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
        let trial = self.trial();
        let options = ort::session::RunOptions::new()
            .map_err(|error| EngineError::CudaUnavailable { reason: error.to_string() })?;
        if let Some(plain) = &mut sessions.plain {
            plain.run(&trial, &options).map_err(unavailable)?;
        }
        if let Some(smallest) = sessions.masked.first_mut() {
            smallest.session()?.run(&trial, &options).map_err(unavailable)?;
        }
        Ok(sessions)
    }

    /// One short sequence, of a length that the graphs take.
    fn trial(&self) -> Input {
        let length = 8;
        let tokens = match &self.bundle.manifest().mode {
            Mode::Windows { .. } => length,
            Mode::Whole { buckets, .. } => {
                buckets.iter().copied().find(|&bucket| bucket >= length).unwrap_or(length)
            }
        };
        let spans = vec![std::iter::once(0..length).collect()];
        Input { ids: vec![0; tokens], lengths: vec![length], tokens, spans }
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
        if whole || device == Device::Cuda {
            let mut graphs: Vec<&Graph> = self.bundle.graphs(device, true).collect();
            graphs.sort_by_key(|graph| graph.max_tokens);
            masked.extend(graphs.into_iter().map(|g| LazySession::new(g.clone(), self.clone())));
        }
        let missing = if whole { masked.is_empty() } else { plain.is_none() };
        if missing {
            return Err(EngineError::GraphMissing {
                path: self.bundle.manifest_path(),
                device: device.to_string(),
            });
        }
        if let Some(smallest) = masked.first_mut() {
            smallest.session()?;
        }
        Ok(Sessions { plain, masked })
    }

    /// Loads one graph.
    pub(crate) fn session(&self, graph: &Graph) -> Result<GraphSession, EngineError> {
        GraphSession::open(&self.bundle, graph, &self.runtime, &self.settings)
    }
}
