//! `lsearch setup`: fetch ONNX Runtime now rather than on first need, and try the encoder.

use std::path::Path;

use lsearch_engine::{Verify, nvidia_device_present};

use crate::app::App;
use crate::args::{DeviceArg, SetupArgs};
use crate::encoder::{self, gpu};
use crate::errors::{CliError, EXIT_OK};
use crate::output;

/// Fetches, then encodes one sentence to prove that everything fits together.
pub fn run(app: &App, args: &SetupArgs) -> Result<u8, CliError> {
    if args.gpu {
        return run_gpu(app, args.force);
    }
    if args.force {
        encoder::fetch_runtime(app)?;
    }
    let library = encoder::ensure_runtime(app)?;
    output::print(&tried(app, &library)?)?;
    Ok(EXIT_OK)
}

/// The same for the GPU. Without one there is nothing to prove.
fn run_gpu(app: &App, force: bool) -> Result<u8, CliError> {
    gpu::fetch(app, force)?;
    if !nvidia_device_present() {
        output::print(
            "fetched for a machine with an NVIDIA GPU; not tried, as this one has none\n",
        )?;
        return Ok(EXIT_OK);
    }
    let app = &App { device: DeviceArg::Cuda, ..app.clone() };
    let library = encoder::ensure_runtime(app)?;
    let text = tried(app, &library).map_err(|error| {
        error.hint(
            "everything was fetched, but the GPU cannot be used: see what `nvidia-smi` says, update \
             NVIDIA's driver, then try `lsearch doctor`\n(until then the CPU encodes)",
        )
    })?;
    let folders = gpu::libraries(app, &library).folders;
    output::print(&format!("{text}CUDA          {}\n", gpu::shown(&folders, "\n              ")))?;
    Ok(EXIT_OK)
}

fn tried(app: &App, library: &Path) -> Result<String, CliError> {
    let bundle = encoder::bundle(app, Verify::Full)?;
    let encoder = encoder::open_with(app, &bundle, library)?;
    let vector = encoder.encode_query("a sentence to try the encoder with")?;
    Ok(format!(
        "ONNX Runtime  {}\nencoder       {} ({} dimensions, checked)\ndevice        {}\n",
        library.display(),
        bundle.name(),
        vector.len(),
        encoder.device()
    ))
}
