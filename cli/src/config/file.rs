//! The configuration file as it stands on the disk: what it sets, on which line, and what is wrong with it.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;

use lsearch_index::query::Place;
use toml_edit::Document;

use super::keys::{self, KEYS, Key};
use super::{Config, Edited};
use crate::errors::CliError;
use crate::nearest::nearest;
use crate::output::pointer::pointed;
use crate::places::{Places, shorten_home};

/// A configuration file, or none.
pub struct File {
    /// Where it stands, or would.
    pub path: PathBuf,
    /// `None` where there is none.
    text: Option<String>,
}

/// What a file sets.
#[derive(Default)]
pub struct Set {
    /// The whole configuration; what is wrong has its default.
    pub config: Config,
    /// The lines, counted from 1, of the keys that stand in the file.
    pub lines: BTreeMap<&'static str, usize>,
    /// What is wrong, from top to bottom.
    pub problems: Vec<CliError>,
}

impl File {
    /// Reads the file.
    ///
    /// # Errors
    /// When there is one that cannot be read, or none where the person named it.
    pub fn read(places: &Places) -> Result<Self, CliError> {
        let file = Self::read_if_there(places)?;
        if file.text.is_none() && places.config_file_named {
            return Err(CliError::new(format!("{}: no such file", file.path.display())).hint(
                "it was named by --config or LSEARCH_CONFIG; `lsearch config set KEY VALUE` makes it",
            ));
        }
        Ok(file)
    }

    /// The same where a file that is not there is no error.
    pub fn read_if_there(places: &Places) -> Result<Self, CliError> {
        let path = places.config_file.clone();
        match std::fs::read_to_string(&path) {
            Ok(text) => Ok(Self { path, text: Some(text) }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                Ok(Self { path, text: None })
            }
            Err(error) if error.kind() == std::io::ErrorKind::InvalidData => {
                Err(CliError::new(format!("{}: not a text file (UTF-8)", path.display()))
                    .hint("mend the configuration file, or move it away to have the defaults"))
            }
            Err(error) => Err(CliError::io(&path, &error).hint(
                "it is the configuration file: let yourself read it, or name another with --config",
            )),
        }
    }

    /// A file of this text.
    #[cfg(test)]
    pub fn of(text: &str) -> Self {
        Self { path: "config.toml".into(), text: Some(text.to_owned()) }
    }

    /// Whether there is one.
    pub fn is_there(&self) -> bool {
        self.text.is_some()
    }

    /// The configuration it makes.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn config(&self) -> Result<Config, CliError> {
        let set = self.set()?;
        match set.problems.into_iter().next() {
            Some(problem) => Err(problem),
            None => Ok(set.config),
        }
    }

    /// What it sets, and what is wrong with that.
    ///
    /// # Errors
    /// When it is no TOML.
    pub fn set(&self) -> Result<Set, CliError> {
        let text = self.text.as_deref().unwrap_or_default();
        let document = Document::parse(text).map_err(|error| {
            let message = error.message().trim().replace('\n', "; ");
            self.wrong(
                error.span().unwrap_or(0..0),
                &message,
                "mend the line, or remove it to have the default",
            )
        })?;
        let mut set = Set::default();
        for (name, item) in document.as_table() {
            let place = document.as_table().key(name).and_then(|key| key.span()).unwrap_or(0..0);
            let Some(key) = keys::find(name) else {
                set.problems.push(self.wrong(
                    place,
                    &format!("there is no key `{name}`"),
                    &advice(name),
                ));
                continue;
            };
            set.lines.insert(key.name, line_of(text, place.start).0);
            let outcome = match item.as_value() {
                Some(value) => key.set(&mut set.config, value),
                None => Err(format!("takes {}", key.takes())),
            };
            if let Err(wrong) = outcome {
                let place = item.span().unwrap_or(place);
                let advice = format!("`lsearch config unset {name}` goes back to the default");
                set.problems.push(self.wrong(place, &format!("`{name}` {wrong}"), &advice));
            }
        }
        Ok(set)
    }

    /// The text with a change that can be written.
    ///
    /// # Errors
    /// When it is no TOML.
    pub fn edit(&self) -> Result<Edited, CliError> {
        self.set()?;
        let text = self.text.as_deref().unwrap_or_default();
        let document = text.parse().map_err(|error: toml_edit::TomlError| {
            CliError::new(format!("{}: {error}", self.path.display()))
        })?;
        Ok(Edited { path: self.path.clone(), document })
    }

    /// Something wrong at a place, with the line shown.
    fn wrong(&self, place: Range<usize>, message: &str, advice: &str) -> CliError {
        let text = self.text.as_deref().unwrap_or_default();
        let (number, line) = line_of(text, place.start);
        let start = text[..place.start.min(text.len())].rfind('\n').map_or(0, |at| at + 1);
        let chars = |bytes: Range<usize>| text.get(bytes).map_or(0, |part| part.chars().count());
        let end = place.end.min(start + line.len()).max(place.start);
        let pointed_at =
            pointed(line, Place { at: chars(start..place.start), length: chars(place.start..end) });
        CliError::new(format!("{}:{number}: {message}", shorten_home(&self.path)))
            .hint(format!("{pointed_at}\n{advice}"))
    }
}

/// The key of a name.
///
/// # Errors
/// When there is none, with the nearest.
pub fn key(name: &str) -> Result<&'static Key, CliError> {
    keys::find(name).ok_or_else(|| {
        CliError::new(format!("there is no key `{name}` in the configuration")).hint(advice(name))
    })
}

/// What to do about a name that is none.
fn advice(name: &str) -> String {
    match nearest(name, KEYS.iter().map(|key| key.name)) {
        Some(near) => format!("did you mean `{near}`? `lsearch config` shows all keys"),
        None => "`lsearch config` shows all keys".to_owned(),
    }
}

/// The number, counted from 1, and the text of the line that holds a byte.
fn line_of(text: &str, at: usize) -> (usize, &str) {
    let at = at.min(text.len());
    let before = &text.as_bytes()[..at];
    let number = before.iter().filter(|byte| **byte == b'\n').count();
    (number + 1, text.split('\n').nth(number).unwrap_or_default().trim_end_matches('\r'))
}
