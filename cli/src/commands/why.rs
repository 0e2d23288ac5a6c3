//! `lsearch folders --why`: whether a file is indexed, and the rule that decides it.

use std::borrow::Cow;
use std::path::{Component, Path, PathBuf};

use lsearch_index::folders::{Folder, Folders};
use lsearch_index::{DocumentRef, Reader, Status, StoredDocument};
use lsearch_ingest::{
    Extractor, FailReason, Guess, Member, MemberVisitor, NewBytes, Outcome, Rule, RuleFiles, Rules,
    SkipReason, container_of, guess_by_name,
};
use serde::Serialize;

use super::{canonical, is_empty_index};
use crate::app::App;
use crate::errors::{CliError, EXIT_NOTHING_FOUND, EXIT_OK};
use crate::indexer::{inside_of, open_extractor, walk_options};
use crate::output::{self, json, units};
use crate::places::{absolute, shorten_home};

/// The answer.
#[derive(Debug, Serialize)]
struct Why<'a> {
    path: Cow<'a, str>,
    #[serde(rename = "in")]
    is_in: bool,
    #[serde(flatten)]
    because: Because,
}

/// What decides it.
#[derive(Debug, Default, Serialize)]
struct Because {
    /// One word a rule.
    rule: &'static str,
    /// The rule in words.
    reason: String,
    /// The ignore file, the symbolic link or the hidden folder that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pattern: Option<String>,
    /// The document's number.
    #[serde(skip_serializing_if = "Option::is_none")]
    document: Option<u64>,
}

impl Because {
    fn new(rule: &'static str, reason: impl Into<String>) -> Self {
        Self { rule, reason: reason.into(), ..Self::default() }
    }
}

/// In, or out.
type Verdict = Result<Because, Because>;

/// Tells why a path is in or out.
pub fn run(app: &App, path: &Path, as_json: bool) -> Result<u8, CliError> {
    let path = absolute(path)?;
    let (path, verdict) = decide(app, &path)?;
    let (is_in, because) = match verdict {
        Ok(because) => (true, because),
        Err(because) => (false, because),
    };
    if as_json {
        let shown = Why { path: path.to_string_lossy(), is_in, because };
        output::print(&json::line(&shown)?)?;
    } else {
        let word = if is_in { "in" } else { "out" };
        output::print(&format!("{word}: {}\n    {}\n", shorten_home(&path), because.reason))?;
    }
    Ok(if is_in { EXIT_OK } else { EXIT_NOTHING_FOUND })
}

fn decide(app: &App, path: &Path) -> Result<(PathBuf, Verdict), CliError> {
    let folders = Folders::load(&app.places.data)?;
    // As the walk sees it, where it is below a folder as it is written: it follows no links.
    let path = match folders.covering(path) {
        Some(_) => path.to_owned(),
        None => beside_its_folder(path).unwrap_or_else(|| path.to_owned()),
    };
    let Some(folder) = folders.covering(&path) else {
        exists(on_disk(&path))?;
        let reason = "not below an added folder; `lsearch folders` lists them".to_owned();
        return Ok((path, Err(Because::new("not_added", reason))));
    };
    let asked = Asked { app, folder, index: Index::open(app)? };
    let verdict = asked.verdict(&path)?;
    Ok((path, verdict))
}

/// The file on the disk that a path leads to.
fn on_disk(path: &Path) -> &Path {
    match container_of(path) {
        Some(container) if path.symlink_metadata().is_err() => container,
        _ => path,
    }
}

/// The path with the links in the folders above it followed, but not one that it is itself.
fn beside_its_folder(path: &Path) -> Option<PathBuf> {
    if container_of(path).is_some() {
        return canonical(path);
    }
    match (path.parent(), path.file_name()) {
        (Some(parent), Some(name)) => Some(fs_err::canonicalize(parent).ok()?.join(name)),
        _ => fs_err::canonicalize(path).ok(),
    }
}

fn exists(path: &Path) -> Result<std::fs::Metadata, CliError> {
    path.symlink_metadata().map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => {
            CliError::new(format!("{}: no such file or folder", path.display()))
                .hint("check the spelling")
        }
        _ => CliError::io(path, &error),
    })
}

/// What is known by whoever only reads the index.
struct Index {
    reader: Option<Reader>,
    status: Status,
}

impl Index {
    fn open(app: &App) -> Result<Self, CliError> {
        match Reader::open(&app.places.data) {
            Ok(reader) => Ok(Self { status: reader.status()?, reader: Some(reader) }),
            Err(error) if is_empty_index(&error) => {
                Ok(Self { reader: None, status: Status::default() })
            }
            Err(error) => Err(error.into()),
        }
    }

    fn document(&self, path: &Path) -> Result<Option<StoredDocument>, CliError> {
        match &self.reader {
            Some(reader) => Ok(reader.document(DocumentRef::Path(path))?),
            None => Ok(None),
        }
    }

    fn failure(&self, path: &Path) -> Option<&str> {
        let failed = self.status.failed.iter().find(|(failed, _)| failed == path);
        failed.map(|(_, reason)| reason.as_str())
    }
}

/// One question.
struct Asked<'a> {
    app: &'a App,
    /// The added folder.
    folder: &'a Folder,
    index: Index,
}

impl Asked<'_> {
    fn verdict(&self, path: &Path) -> Result<Verdict, CliError> {
        if !self.folder.path.is_dir() {
            // A disk that is not mounted: what is indexed of it is kept.
            return Ok(match self.index.document(path)? {
                Some(document) => Ok(self.indexed(&document)),
                None => Err(Because::new(
                    "offline",
                    format!("{} is not there now", self.folder.path.display()),
                )),
            });
        }
        let file = on_disk(path);
        let metadata = exists(file)?;
        if let Some(because) = self.left_out_by_rule(file, metadata.is_dir()) {
            return Ok(Err(because));
        }
        if metadata.is_dir() {
            return Ok(Ok(self.walked(path)));
        }
        if file != path
            && let Some(rule) = self.rules(file).against(path, &inside_of(file))
        {
            return Ok(Err(self.ruled(rule)));
        }
        if let Some(document) = self.index.document(path)? {
            return Ok(Ok(self.indexed(&document)));
        }
        if let Some(reason) = self.index.failure(path) {
            return Ok(Err(Because::new("failed", format!("could not be read: {reason}"))));
        }
        if !metadata.is_file() {
            return Ok(Err(Because::new(
                "special",
                "not a regular file (a pipe, socket or device)",
            )));
        }
        if let Some(reason) = self.left_out_unread(path, file, &metadata) {
            return Ok(Err(skipped(&reason)));
        }
        self.by_reading(path, file)
    }

    fn rules(&self, file: &Path) -> Rules {
        let root = &self.folder.path;
        let options = walk_options(self.app, root, &self.folder.exclude);
        Rules::new(&RuleFiles::of_folder(root, &options, file.parent().unwrap_or(root)))
    }

    fn left_out_by_rule(&self, file: &Path, is_dir: bool) -> Option<Because> {
        let root = &self.folder.path;
        if let Some(link) = first_link(root, file) {
            let to = std::fs::read_link(&link).unwrap_or_default();
            let reason = format!(
                "{} is a symbolic link (to {}), not followed",
                link.display(),
                to.display()
            );
            return Some(Because { file: Some(link), ..Because::new("symlink", reason) });
        }
        let rules = self.rules(file);
        let rule = match is_dir {
            true => rules.against_folder(file, root),
            false => rules.against(file, root),
        };
        rule.map(|rule| self.ruled(rule))
    }

    fn ruled(&self, rule: Rule) -> Because {
        let reason = rule.to_string();
        match rule {
            Rule::Hidden { path } => Because { file: Some(path), ..Because::new("hidden", reason) },
            Rule::System { path } => Because { file: Some(path), ..Because::new("system", reason) },
            Rule::Secret => Because::new("secret", reason),
            Rule::Ignored { file, line, pattern, .. } => Because {
                file: Some(file),
                line: Some(line),
                pattern: Some(pattern),
                ..Because::new("ignored", reason)
            },
            Rule::Excluded { pattern, .. } => {
                let from = if self.folder.exclude.contains(&pattern) {
                    format!(
                        "given with `lsearch add {} --exclude`",
                        shorten_home(&self.folder.path)
                    )
                } else if self.app.config.exclude.contains(&pattern) {
                    format!("`exclude` in {}", shorten_home(&self.app.places.config_file))
                } else {
                    "lsearch keeps its own index there".to_owned()
                };
                let reason = format!("{reason} ({from})");
                Because { pattern: Some(pattern), ..Because::new("excluded", reason) }
            }
        }
    }

    fn indexed(&self, document: &StoredDocument) -> Because {
        let within = match container_of(&document.path) {
            Some(container) if !document.path.exists() => {
                format!(", in {}", shorten_home(container))
            }
            _ => String::new(),
        };
        let reason = format!(
            "indexed as document #{}{within} ({}, as of {}), below {}",
            document.id,
            document.kind,
            units::rfc3339(document.modified_ns),
            shorten_home(&self.folder.path)
        );
        Because { document: Some(document.id), ..Because::new("indexed", reason) }
    }

    fn walked(&self, folder: &Path) -> Because {
        let shown = shorten_home(&self.folder.path);
        Because::new(
            "folder",
            match folder == self.folder.path {
                true => {
                    format!("an added folder, with {}", units::plural(self.documents(), "document"))
                }
                false => format!("a folder below {shown}; its files are judged each on its own"),
            },
        )
    }

    fn documents(&self) -> u64 {
        let counts = self.index.status.roots.iter().find(|root| root.path == self.folder.path);
        counts.map_or(0, |root| root.documents as u64)
    }

    /// What leaves a file out before it is opened.
    fn left_out_unread(
        &self,
        path: &Path,
        file: &Path,
        metadata: &std::fs::Metadata,
    ) -> Option<SkipReason> {
        let limit_bytes = self.app.config.max_file_bytes();
        if metadata.len() == 0 {
            return Some(SkipReason::Empty);
        }
        for name in [file, path] {
            if let Guess::Skip(reason) = guess_by_name(name) {
                return Some(reason);
            }
        }
        (metadata.len() > limit_bytes).then_some(SkipReason::TooLarge { limit_bytes })
    }

    /// Reads it as an add would, to tell what that would come to.
    fn by_reading(&self, path: &Path, file: &Path) -> Result<Verdict, CliError> {
        let extractor: Extractor = open_extractor(self.app, vec![file.to_owned()])?;
        let root = &self.folder.path;
        let options = walk_options(self.app, root, &self.folder.exclude);
        let rules = RuleFiles::of_folder(root, &options, file.parent().unwrap_or(root));
        let mut heard = Heard { wanted: path, members: Vec::new(), outcome: None };
        let (outcome, _) = extractor.extract_all(file, &rules, &mut heard);
        let unread = || {
            Err(Because::new(
                "not_read_yet",
                "not read yet: `lsearch add` brings it into the index",
            ))
        };
        if file != path {
            return Ok(match (heard.outcome, outcome) {
                (Some(Outcome::Skipped(reason)), _) => Err(skipped(&reason)),
                (Some(Outcome::Failed(reason)), _) => Err(failed(&reason)),
                (Some(Outcome::Document(_) | Outcome::Container { .. }), _) => unread(),
                (None, Outcome::Failed(reason) | Outcome::Container { stopped: Some(reason) }) => {
                    Err(failed(&reason))
                }
                (None, _) => {
                    let shown = path.display();
                    return Err(CliError::new(format!(
                        "{shown}: no such document in {}",
                        file.display()
                    ))
                    .hint("search shows the paths of documents"));
                }
            });
        }
        Ok(match outcome {
            Outcome::Skipped(reason) => Err(skipped(&reason)),
            Outcome::Failed(reason) | Outcome::Container { stopped: Some(reason) } => {
                Err(failed(&reason))
            }
            Outcome::Document(_) => unread(),
            Outcome::Container { stopped: None } => {
                let mut documents = 0;
                for member in &heard.members {
                    documents += u64::from(self.index.document(member)?.is_some());
                }
                if documents == 0 && !heard.members.is_empty() {
                    return Ok(unread());
                }
                let reason =
                    format!("looked into; {} in it are indexed", units::plural(documents, "file"));
                Ok(Because::new("container", reason))
            }
        })
    }
}

fn skipped(reason: &SkipReason) -> Because {
    let rule = match reason {
        SkipReason::Binary => "binary",
        SkipReason::Unsupported { .. } => "unsupported",
        SkipReason::Empty => "empty",
        SkipReason::NoText | SkipReason::NoTextLayer => "no_text",
        SkipReason::Encrypted => "encrypted",
        SkipReason::TooLarge { .. } => "too_large",
        SkipReason::Secret => "secret",
        SkipReason::Symlink => "symlink",
        SkipReason::Special { .. } => "special",
    };
    Because::new(rule, reason.to_string())
}

fn failed(reason: &FailReason) -> Because {
    Because::new("failed", format!("cannot be read: {reason}"))
}

/// The first symbolic link on the way from the root to a path, the path itself included.
fn first_link(root: &Path, path: &Path) -> Option<PathBuf> {
    let mut entry = root.to_owned();
    for component in path.strip_prefix(root).ok()?.components() {
        let Component::Normal(name) = component else { continue };
        entry.push(name);
        if entry.is_symlink() {
            return Some(entry);
        }
    }
    None
}

/// Listens for one document in a file, and for the names of the others.
struct Heard<'a> {
    wanted: &'a Path,
    /// What could be documents.
    members: Vec<PathBuf>,
    outcome: Option<Outcome>,
}

impl MemberVisitor for Heard<'_> {
    fn is_wanted(&mut self, bytes: &NewBytes) -> bool {
        self.members.push(bytes.path.clone());
        bytes.path == self.wanted
    }

    fn member(&mut self, member: Member) {
        if member.path == self.wanted {
            self.outcome = Some(member.outcome);
        }
    }
}
