//! `lsearch --version`: what someone who helps has to know.

use std::thread::available_parallelism;

use lsearch_engine::runtime;

use crate::app::App;
use crate::args::GlobalArgs;
use crate::encoder::{self, gpu};
use crate::errors::{CliError, EXIT_OK};
use crate::output;
use crate::places::{path_variable, shorten_home};

/// Number and commit, as `-V` prints them.
pub const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), " (", env!("LSEARCH_COMMIT"), ")");

/// Prints `-V`'s line; after `--version` also the encoder, ONNX Runtime and device that would be used. Nothing is
/// written, fetched or tried for it (`lsearch doctor` tries).
pub fn run(long: bool) -> Result<u8, CliError> {
    let mut text = format!("lsearch {VERSION}\n");
    if long {
        match App::new(&GlobalArgs::from_environment()) {
            Ok(app) => text.push_str(&parts(&app)),
            Err(error) => text.push_str(&format!("configuration  {}\n", error.message())),
        }
    }
    output::print(&text)?;
    Ok(EXIT_OK)
}

fn parts(app: &App) -> String {
    let encoder = match path_variable("LSEARCH_ENCODER") {
        Some(folder) => shorten_home(&folder),
        None => app.config.encoder.clone(),
    };
    format!(
        "encoder        {encoder}\nONNX Runtime   {}\ndevice         {}\n",
        onnx(app),
        device(app)
    )
}

fn onnx(app: &App) -> String {
    let library = match encoder::find_runtime(app) {
        Ok(Some(library)) => library,
        Ok(None) => return "not there yet; `lsearch setup` fetches it".to_owned(),
        Err(error) => return error.message().to_owned(),
    };
    match runtime::load(&library) {
        Ok(runtime) => format!("{} ({})", runtime.version(), shorten_home(&library)),
        Err(error) => error.to_string(),
    }
}

fn device(app: &App) -> String {
    let threads = app.config.threads();
    let cores = available_parallelism().map_or(threads, std::num::NonZero::get);
    let cpu = format!("CPU ({threads} threads, {cores} cores)");
    match gpu::state(app) {
        Ok(gpu::State::Ready(_)) => format!("{}, else {cpu}", gpu::device_shown()),
        Ok(gpu::State::NoRuntime | gpu::State::NoLibraries(_)) => {
            format!("{cpu}; {}, not usable: see `lsearch doctor`", gpu::device_shown())
        }
        Ok(gpu::State::NoDevice | gpu::State::Unwanted) | Err(_) => cpu,
    }
}
