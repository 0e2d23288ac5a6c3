//! Opening a bundle's graphs on the device that is wanted, or on the one that is there.

use crate::bundle::{Bundle, Mode};
use crate::device::{self, Device, DeviceChoice};
use crate::encoder::EncoderOptions;
use crate::error::EngineError;
use crate::runtime::Runtime;
use crate::session::{GraphSession, Input, SessionSettings};
use crate::worker::Sessions;

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
        for session in [&mut sessions.plain, &mut sessions.masked].into_iter().flatten() {
            session.run(&trial, &options).map_err(unavailable)?;
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

    /// Loads the graphs that the device and the mode need.
    pub(crate) fn sessions(&self) -> Result<Sessions, EngineError> {
        let device = self.settings.device;
        let whole = matches!(self.bundle.manifest().mode, Mode::Whole { .. });
        let open = |masked: bool| {
            let graph = self.bundle.graph(device, masked);
            let session =
                |graph| GraphSession::open(&self.bundle, graph, &self.runtime, &self.settings);
            graph.map(session).transpose()
        };
        let plain = if whole { None } else { open(false)? };
        // On the CPU short sequences run faster one by one than masked together: 3,800 tokens/s
        // against 3,300.
        let masked = if whole || device == Device::Cuda { open(true)? } else { None };
        let needed = if whole { &masked } else { &plain };
        if needed.is_none() {
            return Err(EngineError::GraphMissing {
                path: self.bundle.manifest_path(),
                device: device.to_string(),
            });
        }
        Ok(Sessions { plain, masked })
    }
}
