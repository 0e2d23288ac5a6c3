//! `lsearch model`: the encoders there are, bringing one's own, and which one is used.

use lsearch_engine::import::{self, Extension, ImportOptions};
use lsearch_engine::{Bundle, Manifest, Mode, Passages, Pooling, PositionKind, Verify};
use serde::Serialize;

use super::status;
use crate::app::App;
use crate::args::{ExtendArg, ModelAddArgs, ModelCommand, PassagesArg, PoolingArg};
use crate::config::{self, File};
use crate::daemon::client;
use crate::encoder::{self, SHIPPED, installed};
use crate::errors::{CliError, EXIT_OK};
use crate::output::{self, json, units};
use crate::places::{path_variable, shorten_home};

/// Does what is asked.
pub fn run(app: &App, command: &ModelCommand) -> Result<u8, CliError> {
    match command {
        ModelCommand::List { json } => list(app, *json),
        ModelCommand::Info { name, json } => info(app, name.as_deref(), *json),
        ModelCommand::Add(args) => add(app, args),
        ModelCommand::Use { name } => choose(app, name),
        ModelCommand::Remove { name } => remove(app, name),
    }
}

#[derive(Serialize)]
struct Line {
    name: String,
    /// Whether documents are read with it.
    wanted: bool,
    /// Whether queries are.
    serving: bool,
    dimensions: usize,
    max_tokens: usize,
    /// Documents that it has encoded.
    documents: usize,
    bytes: u64,
    fingerprint: String,
}

fn list(app: &App, as_json: bool) -> Result<u8, CliError> {
    let status = status::read(app)?;
    let wanted = installed::wanted(app);
    let serving = encoder::serving(app).ok();
    let mut lines = Vec::new();
    for name in installed::names(app) {
        let bundle = match installed::named(app, &name, Verify::Sizes) {
            Ok(bundle) => bundle,
            Err(error) => {
                app.warn(error);
                continue;
            }
        };
        let is_serving = |serving: &Bundle| serving.fingerprint() == bundle.fingerprint();
        lines.push(Line {
            wanted: name == wanted,
            serving: serving.as_ref().is_some_and(is_serving),
            dimensions: bundle.dimensions(),
            max_tokens: longest(bundle.manifest()),
            documents: installed::encoded(&status, bundle.fingerprint()),
            bytes: bundle.bytes(),
            fingerprint: bundle.fingerprint().to_owned(),
            name,
        });
    }
    if as_json {
        output::print(&json::line(&lines)?)?;
        return Ok(EXIT_OK);
    }
    let width = lines.iter().map(|line| line.name.len()).max().unwrap_or(0);
    let mut text = String::new();
    for line in &lines {
        let mark = if line.wanted { '*' } else { ' ' };
        text.push_str(&format!(
            "{mark} {:width$}  {:>5} dimensions  {:>6} tokens  {:>8}  {}{}\n",
            line.name,
            line.dimensions,
            units::count(line.max_tokens as u64),
            units::bytes(line.bytes),
            units::plural(line.documents as u64, "document"),
            if line.serving && !line.wanted { ", answers until then" } else { "" },
        ));
    }
    output::print(&text)?;
    if let Some(folder) = path_variable("LSEARCH_ENCODER") {
        app.say(format_args!("LSEARCH_ENCODER has {} used instead", folder.display()));
    }
    Ok(EXIT_OK)
}

fn info(app: &App, name: Option<&str>, as_json: bool) -> Result<u8, CliError> {
    let bundle = match name {
        Some(name) => installed::named(app, name, Verify::Full)?,
        None => encoder::bundle(app, Verify::Full)?,
    };
    let manifest = bundle.manifest();
    if as_json {
        let path = bundle.dir().join("manifest.json");
        let text = fs_err::read_to_string(&path).map_err(|error| CliError::io(&path, &error))?;
        output::print(&text)?;
        return Ok(EXIT_OK);
    }
    let mut text = String::new();
    let mut line = |name: &str, value: String| {
        if !value.is_empty() {
            text.push_str(&format!("{name:12}  {value}\n"));
        }
    };
    line("name", bundle.name().to_owned());
    line("about", manifest.description.clone());
    line("licence", manifest.licence.clone());
    line("source", manifest.source.clone());
    line("vectors", format!("{} dimensions, {}", bundle.dimensions(), pooling(manifest.pooling)));
    line("documents", documents(manifest));
    line("passages", passages(manifest.passages()).to_owned());
    line("positions", positions(manifest));
    line("query", shown(&manifest.query_prefix));
    line("document", shown(&manifest.document_prefix));
    for graph in &manifest.graphs {
        let devices = graph.devices.join(", ");
        line("graph", format!("{} ({:?}, {devices})", graph.file, graph.precision).to_lowercase());
    }
    line("size", format!("{}, every file checked", units::bytes(bundle.bytes())));
    line("folder", shorten_home(bundle.dir()));
    line("fingerprint", bundle.fingerprint().to_owned());
    output::print(&text)?;
    Ok(EXIT_OK)
}

fn pooling(pooling: Pooling) -> &'static str {
    match pooling {
        Pooling::Mean => "the mean of the tokens",
        Pooling::Cls => "the first token",
        Pooling::Last => "the last token",
        Pooling::Output => "pooled by the graph",
    }
}

fn passages(passages: Passages) -> &'static str {
    match passages {
        Passages::Spans => "from the same pass as their document",
        Passages::Sequences => "each read by itself, too",
        Passages::None => "have their section's vector",
    }
}

fn longest(manifest: &Manifest) -> usize {
    manifest.graphs.iter().map(|graph| graph.max_tokens).max().unwrap_or(0)
}

fn documents(manifest: &Manifest) -> String {
    match &manifest.mode {
        Mode::Whole { max_tokens, .. } => {
            format!("read whole, up to {} tokens at once", units::count(*max_tokens as u64))
        }
        Mode::Windows { window_tokens, .. } => {
            format!("read in windows of {} tokens", units::count(*window_tokens as u64))
        }
    }
}

fn positions(manifest: &Manifest) -> String {
    match manifest.positions.kind {
        PositionKind::Plain => String::new(),
        PositionKind::Grouped { group } => format!("{group} neighbours share one"),
        PositionKind::Recurrent { period } => format!("begin again after {period}"),
    }
}

/// A prefix in quotes; nothing where there is none.
fn shown(prefix: &str) -> String {
    if prefix.is_empty() { String::new() } else { format!("{prefix:?} is put before it") }
}

fn add(app: &App, args: &ModelAddArgs) -> Result<u8, CliError> {
    if let Some(name) = &args.name
        && !encoder::is_name(name)
    {
        return Err(CliError::new(format!("an encoder cannot be called {name:?}"))
            .hint("use letters, digits, `-`, `_` and `.`"));
    }
    let options = ImportOptions {
        name: args.name.clone(),
        onnx: args.onnx.clone(),
        pooling: args.pooling.map(|pooling| match pooling {
            PoolingArg::Mean => Pooling::Mean,
            PoolingArg::Cls => Pooling::Cls,
            PoolingArg::Last => Pooling::Last,
            PoolingArg::Output => Pooling::Output,
        }),
        passages: args.passages.map(|passages| match passages {
            PassagesArg::Spans => Passages::Spans,
            PassagesArg::Sequences => Passages::Sequences,
            PassagesArg::None => Passages::None,
        }),
        query_prefix: args.query_prefix.clone(),
        document_prefix: args.document_prefix.clone(),
        max_tokens: args.max_tokens,
        windows: args.windows,
        fixed_length: args.fixed_length,
        extend: args.extend.map(|extend| match extend {
            ExtendArg::Grouped => Extension::Grouped,
            ExtendArg::Recurrent => Extension::Recurrent,
        }),
    };
    app.places.create_data()?;
    let runtime = encoder::load_runtime(&encoder::ensure_runtime(app)?)?;
    let encoders = installed::folder(app);
    let said = |step: &str| app.say(format_args!("{step} …"));
    let imported =
        import::import(&args.folder, &encoders, &options, &runtime, &said).map_err(|error| {
            CliError::from(error)
                .hint("nothing was changed; `lsearch model add --help` tells of the flags")
        })?;
    for note in &imported.notes {
        app.say(format_args!("note: {note}"));
    }
    let (bundle, manifest) = (&imported.bundle, imported.bundle.manifest());
    output::print(&format!(
        "{}: {} dimensions, {}; {}, passages {}\n",
        bundle.name(),
        bundle.dimensions(),
        pooling(manifest.pooling),
        documents(manifest),
        passages(manifest.passages()),
    ))?;
    app.say(format_args!("`lsearch model use {}` has documents read with it", bundle.name()));
    Ok(EXIT_OK)
}

fn choose(app: &App, name: &str) -> Result<u8, CliError> {
    let bundle = installed::named(app, name, Verify::Full)?;
    let key = config::key("encoder")?;
    let mut edited = File::read_if_there(&app.places)?.edit()?;
    if name == SHIPPED {
        edited.unset(key.name);
    } else {
        edited.set(key, name.into());
    }
    edited.write()?;
    let status = status::read(app)?;
    let waiting =
        status.documents.keyword.saturating_sub(installed::encoded(&status, bundle.fingerprint()));
    let mut text = format!("documents are read with {name} from now on\n");
    if waiting > 0 {
        let before = encoder::serving(app)?;
        let documents = units::plural(waiting as u64, "document");
        text.push_str(&format!(
            "{documents} wait to be encoded with it: `lsearch add` does it now\n"
        ));
        if before.name() != name {
            text.push_str(&format!("until that is done, {} answers as before\n", before.name()));
        }
    }
    output::print(&text)?;
    if let Ok(Some(_)) = client::connect(app) {
        app.say("the daemon takes it up with what it does next; `lsearch add` has it begin now");
    }
    if path_variable("LSEARCH_ENCODER").is_some() {
        app.warn("LSEARCH_ENCODER is set and goes before it");
    }
    Ok(EXIT_OK)
}

fn remove(app: &App, name: &str) -> Result<u8, CliError> {
    if name == SHIPPED {
        return Err(CliError::new(format!("{name} belongs to lsearch and stays"))
            .hint("`lsearch model use NAME` uses another one"));
    }
    // Found first, so that the nearest name is told where there is none.
    let folder = match installed::named(app, name, Verify::Sizes) {
        Ok(bundle) => bundle.dir().to_path_buf(),
        Err(error) if !installed::names(app).iter().any(|one| one == name) => return Err(error),
        // One that is damaged can go all the same.
        Err(_) => installed::folder(app).join(name),
    };
    if installed::wanted(app) == name {
        return Err(CliError::new(format!("documents are read with {name}"))
            .hint(format!("`lsearch model use {SHIPPED}`, or another one, first")));
    }
    fs_err::remove_dir_all(&folder).map_err(|error| CliError::io(&folder, &error))?;
    output::print(&format!("{name} is gone; the vectors it made stay in the index\n"))?;
    Ok(EXIT_OK)
}
