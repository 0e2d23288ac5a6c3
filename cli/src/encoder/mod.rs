//! From a person's choices to an open encoder: which bundle, which ONNX Runtime, which device.

pub mod gpu;
pub mod installed;
mod shipped;

use std::path::{Path, PathBuf};

use lsearch_engine::runtime::{self, Candidates, Package};
use lsearch_engine::{Bundle, DeviceChoice, Encoder, EncoderOptions, Runtime};

use crate::app::App;
use crate::args::DeviceArg;
use crate::errors::CliError;
use crate::output::units;
use crate::places::{find_program, path_variable};

pub use installed::{bundle, is_name, serving};
pub use shipped::NAME as SHIPPED;

/// Opens the encoder, fetching ONNX Runtime if this machine has none.
pub fn open(app: &App, bundle: &Bundle) -> Result<Encoder, CliError> {
    open_with(app, bundle, &ensure_runtime(app)?)
}

/// The same with an ONNX Runtime library that was found before.
pub fn open_with(app: &App, bundle: &Bundle, library: &Path) -> Result<Encoder, CliError> {
    let runtime = load_runtime(library)?;
    let device = match app.device {
        DeviceArg::Auto => DeviceChoice::Auto,
        DeviceArg::Cpu => DeviceChoice::Cpu,
        DeviceArg::Cuda => DeviceChoice::Cuda,
    };
    let cuda_folders =
        if gpu::wanted(app) { gpu::libraries(app, library).folders } else { Vec::new() };
    let options = EncoderOptions {
        device,
        threads: app.config.threads(),
        cuda_folders,
        cuda_memory_bytes: app.config.cuda_memory_bytes(),
        ..EncoderOptions::default()
    };
    let encoder = Encoder::open(bundle, &runtime, &options)?;
    app.detail(format_args!(
        "encoder {} on {} (ONNX Runtime {})",
        bundle.name(),
        encoder.device(),
        library.display()
    ));
    Ok(encoder)
}

/// Loads ONNX Runtime.
pub fn load_runtime(library: &Path) -> Result<Runtime, CliError> {
    runtime::load(library).map_err(|error| {
        CliError::from(error).hint(
            "fetch a fitting ONNX Runtime with `lsearch setup --force`, or name one with LSEARCH_ORT_LIB",
        )
    })
}

/// The ONNX Runtime library to load, if this machine has a fitting one.
pub fn find_runtime(app: &App) -> Result<Option<PathBuf>, CliError> {
    let found = runtime::find(&candidates(app)).map_err(|error| {
        CliError::from(error).hint("correct LSEARCH_ORT_LIB, or unset it to have one fetched")
    })?;
    Ok(found.map(|found| found.path))
}

fn candidates(app: &App) -> Candidates {
    Candidates {
        explicit: path_variable("LSEARCH_ORT_LIB"),
        folders: runtime_folders(app),
        python: python(),
        prefer_cuda: gpu::wanted(app),
    }
}

/// Where fetched or packaged libraries lie; new ones go into the first.
fn runtime_folders(app: &App) -> Vec<PathBuf> {
    let mut folders = vec![app.places.data.join("runtime")];
    if app.places.default_data != app.places.data {
        folders.push(app.places.default_data.join("runtime"));
    }
    if let Ok(program) = std::env::current_exe()
        && let Some(prefix) = program.parent().and_then(Path::parent)
    {
        folders.push(prefix.join("lib/lsearch"));
    }
    folders
}

/// The ONNX Runtime library, fetched with pip if there is none.
pub fn ensure_runtime(app: &App) -> Result<PathBuf, CliError> {
    match find_runtime(app)? {
        Some(path) => Ok(path),
        None => fetch_runtime(app),
    }
}

/// Fetches ONNX Runtime into the data folder.
pub fn fetch_runtime(app: &App) -> Result<PathBuf, CliError> {
    let by_hand = "or get ONNX Runtime 1.24 or newer yourself and set LSEARCH_ORT_LIB to its library file\n\
                   (searching by word works without it: --mode keyword)";
    let Some(python) = python() else {
        return Err(CliError::new(
            "ONNX Runtime is not there, and there is no python3 to fetch it with",
        )
        .hint(format!("install python3 with pip and run the command again, {by_hand}")));
    };
    app.places.create_data()?;
    let bytes = runtime::download_bytes(Package::Cpu)?;
    app.say(format_args!("fetching ONNX Runtime, once ({}) …", units::bytes(bytes)));
    runtime::install(&app.places.data.join("runtime"), &python, &|line| app.detail(line)).map_err(
        |error| {
            CliError::from(error).hint(format!(
                "check the connection that pip uses and run `lsearch setup`, {by_hand}"
            ))
        },
    )
}

/// The Python to ask and to fetch with: `LSEARCH_PYTHON`, or the first `python3` or `python` on the PATH.
pub fn python() -> Option<PathBuf> {
    if let Some(named) = path_variable("LSEARCH_PYTHON") {
        return Some(named);
    }
    find_program(&["python3", "python"])
}
