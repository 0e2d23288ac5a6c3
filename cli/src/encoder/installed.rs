//! The encoders of a data folder: which there are, which is wanted, and which answers while the wanted one still reads.

use std::path::{Path, PathBuf};

use lsearch_engine::{Bundle, Verify};
use lsearch_index::{Reader, Status};

use super::{SHIPPED, shipped};
use crate::app::App;
use crate::config::Config;
use crate::errors::CliError;
use crate::nearest::nearest;
use crate::places::path_variable;

/// Whether an encoder can have this name: that of a folder, and no option.
pub fn is_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    !name.is_empty() && !name.starts_with(['.', '-']) && name.chars().all(plain)
}

/// Where the encoders lie, each in a folder of its name.
pub fn folder(app: &App) -> PathBuf {
    app.places.data.join("encoders")
}

/// The names of all encoders, the shipped one among them.
pub fn names(app: &App) -> Vec<String> {
    let mut names = vec![SHIPPED.to_owned()];
    // Without the folder there are no others.
    let entries = fs_err::read_dir(folder(app)).into_iter().flatten().flatten();
    names.extend(
        entries
            .filter(|entry| entry.path().join("manifest.json").is_file())
            .filter_map(|entry| entry.file_name().into_string().ok())
            .filter(|name| name != SHIPPED && is_name(name)),
    );
    names[1..].sort();
    names
}

/// The name of the encoder that documents are read with. The file is looked at anew: a daemon that runs for weeks goes
/// by what stands in it now.
pub fn wanted(app: &App) -> String {
    Config::load(&app.places).map_or_else(|_| app.config.encoder.clone(), |config| config.encoder)
}

/// The encoder's bundle: the one in the folder named by `LSEARCH_ENCODER`, otherwise that of the configuration.
pub fn bundle(app: &App, verify: Verify) -> Result<Bundle, CliError> {
    match path_variable("LSEARCH_ENCODER") {
        Some(folder) => open(&folder, verify),
        None => named(app, &wanted(app), verify),
    }
}

/// The bundle of a name.
pub fn named(app: &App, name: &str, verify: Verify) -> Result<Bundle, CliError> {
    let folder = folder(app);
    if name == SHIPPED {
        app.places.create_data()?;
        return open(&shipped::unpack(&folder)?, verify);
    }
    let folder = folder.join(name);
    if !folder.join("manifest.json").is_file() {
        let names = names(app);
        let near = nearest(name, names.iter().map(String::as_str));
        let near = near.map(|near| format!("did you mean `{near}`? ")).unwrap_or_default();
        return Err(CliError::new(format!("there is no encoder `{name}`")).hint(format!(
            "{near}`lsearch model list` shows those there are, `lsearch model use {SHIPPED}` goes back to the shipped one"
        )));
    }
    open(&folder, verify)
}

fn open(folder: &Path, verify: Verify) -> Result<Bundle, CliError> {
    Bundle::open(folder, verify).map_err(|error| {
        CliError::from(error).hint(format!(
            "the encoder's files in {} are damaged or not whole: delete that folder and run the command \
             again\n(searching by word works without it: --mode keyword)",
            folder.display()
        ))
    })
}

/// The encoder that queries are read with: the wanted one, unless another has encoded more of the documents. So the old
/// vectors go on serving until the new ones are there.
pub fn serving(app: &App) -> Result<Bundle, CliError> {
    let wanted = bundle(app, Verify::Sizes);
    let names = names(app);
    if path_variable("LSEARCH_ENCODER").is_some() || names.len() == 1 {
        return wanted;
    }
    // Without an index, or with one that cannot be read, which others tell, there is nothing to choose by.
    let status = Reader::open(&app.places.data).and_then(|reader| reader.status()).ok();
    let Some(status) = status else { return wanted };
    let documents = |bundle: &Bundle| encoded(&status, bundle.fingerprint());
    let most = status.encoders.iter().map(|encoder| encoder.documents).max().unwrap_or(0);
    if wanted.as_ref().is_ok_and(|wanted| documents(wanted) >= most) {
        return wanted;
    }
    let others = names.iter().filter_map(|name| named(app, name, Verify::Sizes).ok());
    let best = others.max_by_key(documents).filter(|best| documents(best) > 0);
    match (best, wanted) {
        (Some(best), Ok(wanted)) if documents(&best) <= documents(&wanted) => Ok(wanted),
        (Some(best), _) => Ok(best),
        (None, wanted) => wanted,
    }
}

/// Documents that an encoder has encoded.
pub fn encoded(status: &Status, fingerprint: &str) -> usize {
    let counts = status.encoders.iter().find(|encoder| encoder.fingerprint == fingerprint);
    counts.map_or(0, |encoder| encoder.documents)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_folders_and_no_options() {
        for name in ["minilm", "e5-base-v2", "gte_large.v1"] {
            assert!(is_name(name), "{name}");
        }
        for name in ["", "..", ".hidden", "-rf", "a/b", "a b", "ä"] {
            assert!(!is_name(name), "{name}");
        }
    }
}
