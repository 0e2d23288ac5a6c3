//! `lsearch setup`: fetch ONNX Runtime now rather than on first need, and try the encoder.

use lsearch_engine::Verify;

use crate::app::App;
use crate::args::SetupArgs;
use crate::encoder;
use crate::errors::{CliError, EXIT_OK};
use crate::output;

/// Fetches, then encodes one sentence to prove that everything fits together.
pub fn run(app: &App, args: &SetupArgs) -> Result<u8, CliError> {
    let library =
        if args.force { encoder::fetch_runtime(app)? } else { encoder::ensure_runtime(app)? };
    let bundle = encoder::bundle(app, Verify::Full)?;
    let encoder = encoder::open(app, &bundle)?;
    let vector = encoder.encode_query("a sentence to try the encoder with")?;
    output::print(&format!(
        "ONNX Runtime  {}\nencoder       {} ({} dimensions, checked)\ndevice        {}\n",
        library.display(),
        bundle.name(),
        vector.len(),
        encoder.device()
    ))?;
    Ok(EXIT_OK)
}
