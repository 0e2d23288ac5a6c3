//! `lsearch config`: the configuration file shown, changed and found.

use std::collections::BTreeMap;

use serde::Serialize;
use toml_edit::{Array, Value};

use crate::args::{ConfigCommand, GlobalArgs};
use crate::config::{self, Config, File, KEYS, Key};
use crate::daemon::lock;
use crate::errors::{CliError, EXIT_OK};
use crate::output::style::{self, paint};
use crate::output::{self, json};
use crate::places::{Places, shorten_home};

/// Environment variables that decide something, and what.
const VARIABLES: [(&str, &str); 6] = [
    ("LSEARCH_DATA_DIR", "where the index lies (also --data-dir)"),
    ("LSEARCH_CONFIG", "the configuration file (also --config)"),
    ("LSEARCH_ORT_LIB", "the ONNX Runtime library to load"),
    ("LSEARCH_ENCODER", "an encoder bundle to use instead of the shipped one"),
    ("LSEARCH_NO_DAEMON", "if not empty, a running daemon is not asked"),
    ("LSEARCH_PYTHON", "the Python that fetches ONNX Runtime"),
];

#[derive(Serialize)]
struct JsonConfig<'a> {
    file: std::borrow::Cow<'a, str>,
    exists: bool,
    keys: Vec<JsonKey>,
    /// Variables that are set.
    environment: BTreeMap<&'static str, String>,
}

#[derive(Serialize)]
struct JsonKey {
    key: &'static str,
    value: serde_json::Value,
    default: serde_json::Value,
    /// `default`, `file` or `flag`.
    source: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    takes: String,
    about: &'static str,
    effect: &'static str,
}

/// Does what is asked. The file may be wrong: these are the commands that mend it.
pub fn run(global: &GlobalArgs, command: Option<&ConfigCommand>) -> Result<u8, CliError> {
    let places = Places::find(global)?;
    match command {
        None => show(global, &places, &[], false)?,
        Some(ConfigCommand::Show { keys, json }) => show(global, &places, keys, *json)?,
        Some(ConfigCommand::Path) => {
            output::print(&format!("{}\n", places.config_file.display()))?;
        }
        Some(ConfigCommand::Set { key, values, add, remove }) => {
            set(global, &places, key, values, (*add, *remove))?;
        }
        Some(ConfigCommand::Unset { key }) => unset(global, &places, key)?,
    }
    Ok(EXIT_OK)
}

fn show(
    global: &GlobalArgs,
    places: &Places,
    names: &[String],
    as_json: bool,
) -> Result<(), CliError> {
    let chosen = names.iter().map(|name| config::key(name)).collect::<Result<Vec<_>, _>>()?;
    let chosen = if names.is_empty() { KEYS.iter().collect() } else { chosen };
    let file = File::read(places)?;
    let mut set = file.set()?;
    if let Some(problem) = set.problems.into_iter().next() {
        return Err(problem);
    }
    if let Some(device) = global.device {
        set.config.device = device;
    }
    let source = |key: &Key| match set.lines.get(key.name) {
        _ if key.name == "device" && global.device.is_some() => ("flag", None),
        Some(line) => ("file", Some(*line)),
        None => ("default", None),
    };
    if as_json {
        let keys = chosen.iter().map(|key| {
            let (source, line) = source(key);
            JsonKey {
                key: key.name,
                value: to_json(&key.value(&set.config)),
                default: to_json(&key.value(&Config::default())),
                source,
                line,
                takes: key.takes(),
                about: key.about,
                effect: key.effect,
            }
        });
        let shown = JsonConfig {
            file: file.path.to_string_lossy(),
            exists: file.is_there(),
            keys: keys.collect(),
            environment: variables().map(|(name, value, _)| (name, value)).collect(),
        };
        return output::print(&json::line(&shown)?);
    }
    let mut text = String::new();
    let mut remark = |line: String| text.push_str(&format!("{}\n", paint(style::DIM, line)));
    if names.is_empty() {
        let not_there =
            if file.is_there() { "" } else { " (not there; `lsearch config set` makes it)" };
        remark(format!("# {}{not_there}", shorten_home(&file.path)));
        for (name, value, about) in variables() {
            remark(format!("# {name} is set to {value}: {about}"));
        }
    }
    for key in chosen {
        let from = match source(key) {
            ("flag", _) => "from --device".to_owned(),
            (_, Some(line)) => format!("line {line}"),
            _ => "default".to_owned(),
        };
        let line = format!("{} = {}", key.name, key.value(&set.config).to_string().trim());
        text.push_str(&format!(
            "\n{}\n{line:<36}  {}\n",
            paint(style::DIM, format_args!("# {} Takes {}.", key.about, key.takes())),
            paint(style::DIM, format_args!("# {from}"))
        ));
    }
    output::print(&text)
}

/// The variables that are set, with their values and what they decide.
fn variables() -> impl Iterator<Item = (&'static str, String, &'static str)> {
    VARIABLES.iter().filter_map(|(name, about)| {
        let value = std::env::var_os(name).filter(|value| !value.is_empty())?;
        Some((*name, value.to_string_lossy().replace(char::is_control, " "), *about))
    })
}

fn to_json(value: &Value) -> serde_json::Value {
    match value {
        Value::String(text) => text.value().as_str().into(),
        Value::Integer(number) => (*number.value()).into(),
        Value::Boolean(switch) => (*switch.value()).into(),
        Value::Array(list) => list.iter().map(to_json).collect(),
        other => other.to_string().into(),
    }
}

fn set(
    global: &GlobalArgs,
    places: &Places,
    name: &str,
    values: &[String],
    (add, remove): (bool, bool),
) -> Result<(), CliError> {
    let key = config::key(name)?;
    if (add || remove) && !key.is_list() {
        return Err(CliError::new(format!(
            "`{name}` is no list, to which --add and --remove apply"
        ))
        .hint(format!("it takes {}: lsearch config set {name} VALUE", key.takes())));
    }
    let value = key.parse(values).map_err(|wrong| {
        CliError::new(format!("`{name}` {wrong}"))
            .hint(format!("{}\nnothing was changed", key.about))
    })?;
    let file = File::read_if_there(places)?;
    let mut edited = file.edit()?;
    let list = || value.as_array().cloned().unwrap_or_else(Array::new);
    if add {
        edited.add(key, &list());
    } else if remove {
        let missing = edited.remove(key, &list());
        if let Some(first) = missing.first() {
            return Err(CliError::new(format!("`{name}` does not hold {first:?}"))
                .hint(format!("`lsearch config show {name}` shows it; nothing was changed")));
        }
    } else {
        edited.set(key, value);
    }
    edited.write()?;
    changed(global, places, key)
}

fn unset(global: &GlobalArgs, places: &Places, name: &str) -> Result<(), CliError> {
    let file = File::read_if_there(places)?;
    let mut edited = file.edit()?;
    if edited.unset(name) {
        edited.write()?;
        // What is no key may be taken out, too: that is how a file is mended.
        return config::find(name).map_or(Ok(()), |key| changed(global, places, key));
    }
    config::key(name)?;
    say(global, format_args!("`{name}` does not stand in {}", shorten_home(&file.path)));
    Ok(())
}

/// Tells what the change comes to, and what else is wrong with the file.
fn changed(global: &GlobalArgs, places: &Places, key: &Key) -> Result<(), CliError> {
    let set = File::read_if_there(places)?.set()?;
    let value = key.value(&set.config).to_string();
    say(
        global,
        format_args!(
            "{} = {} in {}; takes effect {}",
            key.name,
            value.trim(),
            shorten_home(&places.config_file),
            key.effect
        ),
    );
    if let Some(holder) = lock::holder(&places.data) {
        let process = holder.0.map(|pid| format!(" (process {pid})")).unwrap_or_default();
        say(
            global,
            format_args!(
                "the daemon{process} goes on as it was started: lsearch daemon stop && lsearch daemon start"
            ),
        );
    }
    for problem in set.problems {
        if !global.quiet {
            output::warning(problem);
        }
    }
    Ok(())
}

fn say(global: &GlobalArgs, message: std::fmt::Arguments<'_>) {
    if !global.quiet {
        anstream::eprintln!("{message}");
    }
}
