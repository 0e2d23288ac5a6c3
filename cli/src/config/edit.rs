//! Changes to the configuration file that leave its comments and its order as they are.

use std::io::Write;
use std::path::{Path, PathBuf};

use toml_edit::{Array, DocumentMut, Item, Value};

use super::Key;
use crate::errors::CliError;
use crate::places::create_private;

/// The file's text on its way to being changed.
pub struct Edited {
    pub(super) path: PathBuf,
    pub(super) document: DocumentMut,
}

impl Edited {
    /// Sets a key.
    pub fn set(&mut self, key: &Key, mut value: Value) {
        match self.document.get_mut(key.name).and_then(Item::as_value_mut) {
            Some(old) => {
                // With the comment behind it.
                *value.decor_mut() = old.decor().clone();
                *old = value;
            }
            None => {
                self.document.insert(key.name, Item::Value(value));
            }
        }
    }

    /// Takes a key out, whether there is such a key or not; false when it does not stand there. What is written above
    /// it in a paragraph of its own stays.
    pub fn unset(&mut self, name: &str) -> bool {
        let table = self.document.as_table_mut();
        let above = table
            .key(name)
            .and_then(|key| key.leaf_decor().prefix()?.as_str().map(str::to_owned))
            .unwrap_or_default();
        let follower =
            table.iter().map(|(name, _)| name.to_owned()).skip_while(|one| one != name).nth(1);
        if table.remove(name).is_none() {
            return false;
        }
        let Some(paragraphs) = above.rfind("\n\n").map(|end| &above[..end + 2]) else {
            return true;
        };
        match follower.and_then(|name| table.key_mut(&name).map(|key| (name, key))) {
            Some((_, mut key)) => {
                let own =
                    key.leaf_decor().prefix().and_then(|own| own.as_str()).unwrap_or_default();
                let both = format!("{paragraphs}{own}");
                key.leaf_decor_mut().set_prefix(both);
            }
            None => {
                let own = self.document.trailing().as_str().unwrap_or_default().to_owned();
                self.document.set_trailing(format!("{paragraphs}{own}"));
            }
        }
        true
    }

    /// Adds to a list what is not in it yet.
    pub fn add(&mut self, key: &Key, values: &Array) {
        let Some(list) = self.list(key) else { return self.set(key, values.clone().into()) };
        for value in values {
            if list.iter().any(|one| one.as_str() == value.as_str()) {
                continue;
            }
            // In a list that has a line for each, on a line of its own.
            let last =
                list.iter().last().filter(|_| list.len() > 1).map(prefix).unwrap_or_default();
            match last.rfind('\n') {
                Some(line) => list.push_formatted(value.clone().decorated(&last[line..], "")),
                None => list.push(value.clone()),
            }
        }
    }

    /// Takes out of a list what is in it; gives what was not.
    pub fn remove(&mut self, key: &Key, values: &Array) -> Vec<String> {
        let Some(list) = self.list(key) else {
            return values.iter().filter_map(Value::as_str).map(str::to_owned).collect();
        };
        let mut missing = Vec::new();
        for value in values.iter().filter_map(Value::as_str) {
            let Some(at) = list.iter().position(|one| one.as_str() == Some(value)) else {
                missing.push(value.to_owned());
                continue;
            };
            let removed = prefix(&list.remove(at));
            // What stands before an entry up to its own line is about the entry before it.
            let before = removed.rfind('\n').map_or("", |line| &removed[..line]);
            if let Some(next) = list.get_mut(at) {
                let own = prefix(next);
                // The first one stands where the first one stood.
                let first = at == 0 && !own.contains('\n');
                let both = if first { removed.clone() } else { format!("{before}{own}") };
                next.decor_mut().set_prefix(both);
            } else {
                let both = format!("{before}{}", list.trailing().as_str().unwrap_or_default());
                list.set_trailing(both);
            }
        }
        missing
    }

    fn list(&mut self, key: &Key) -> Option<&mut Array> {
        self.document.get_mut(key.name)?.as_array_mut()
    }

    /// The whole text.
    #[cfg(test)]
    pub fn text(&self) -> String {
        self.document.to_string()
    }

    /// Writes the file in one piece, with the folder it stands in.
    ///
    /// # Errors
    /// When it cannot be written; what was there before stays as it was.
    pub fn write(&self) -> Result<(), CliError> {
        // One that is a link, as those who keep their settings elsewhere have it, stays one.
        let path = fs_err::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone());
        let folder =
            path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
        let io = |path: &Path, error: &std::io::Error| {
            CliError::io(path, error).hint("nothing was changed")
        };
        create_private(folder).map_err(|error| io(folder, &error))?;
        let new = path.with_extension("toml.new");
        write_durably(&new, &path, self.document.to_string().as_bytes()).map_err(|error| {
            // What is left of the attempt is of no use to anyone; the error says what went wrong.
            let _ = std::fs::remove_file(&new);
            io(&path, &error)
        })
    }
}

/// What stands before an entry of a list.
fn prefix(value: &Value) -> String {
    value.decor().prefix().and_then(|prefix| prefix.as_str()).unwrap_or_default().to_owned()
}

fn write_durably(new: &Path, path: &Path, text: &[u8]) -> std::io::Result<()> {
    let mut file = std::fs::File::create(new)?;
    file.write_all(text)?;
    if let Ok(metadata) = std::fs::metadata(path) {
        file.set_permissions(metadata.permissions())?;
    }
    file.sync_all()?;
    std::fs::rename(new, path)
}
