//! What leaves an entry out by its path alone, asked without a walk: for the members of archives, which no walk comes
//! by, and to tell a person why a file is out.
//!
//! The verdicts are those of [`walk`](crate::walk()).

use std::ffi::OsStr;
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder, Glob};
use serde::{Deserialize, Serialize};

use crate::walk::{IGNORE_FILES, is_never_walked, read_ignore_file, repository_above};
use crate::{WalkOptions, is_secret};

/// The patterns that hold in one folder: those of a walk's options, and of the ignore files in the folder and above it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleFiles {
    root: PathBytes,
    skip_secrets: bool,
    exclude: Vec<String>,
    /// From the folder up to the root, for each of the names of ignore files.
    within: Vec<RuleFile>,
    /// The `.gitignore` files above the root, the nearest first.
    above: Vec<RuleFile>,
}

/// One ignore file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct RuleFile {
    folder: PathBytes,
    name: String,
    lines: Vec<String>,
}

/// A path that survives JSON whatever its bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct PathBytes(Vec<u8>);

impl PathBytes {
    fn of(path: &Path) -> Self {
        Self(path.as_os_str().as_bytes().to_vec())
    }

    fn path(&self) -> &Path {
        Path::new(OsStr::from_bytes(&self.0))
    }
}

impl RuleFiles {
    /// Reads what holds in `folder`, which lies at or below `root`. Both are given without symbolic links in them.
    pub fn of_folder(root: &Path, options: &WalkOptions, folder: &Path) -> Self {
        let mut within = Vec::new();
        for name in IGNORE_FILES {
            let folders = folder.ancestors().take_while(|folder| folder.starts_with(root));
            within.extend(folders.filter_map(|folder| RuleFile::read(folder, name)));
        }
        let above = match repository_above(root) {
            None => Vec::new(),
            Some(top) => root
                .ancestors()
                .skip(1)
                .take_while(|folder| folder.starts_with(top))
                .filter_map(|folder| RuleFile::read(folder, ".gitignore"))
                // One that leaves out the root itself is passed over, as in a walk.
                .filter(|file| !file.compiled().matched_path_or_any_parents(root, true).is_ignore())
                .collect(),
        };
        Self {
            root: PathBytes::of(root),
            skip_secrets: options.skip_secrets,
            exclude: options.exclude.clone(),
            within,
            above,
        }
    }

    /// Whether keys, passwords and credentials are left out.
    pub(crate) fn skip_secrets(&self) -> bool {
        self.skip_secrets
    }

    /// No patterns at all, and secrets are left out.
    pub const fn none() -> Self {
        Self {
            root: PathBytes(Vec::new()),
            skip_secrets: true,
            exclude: Vec::new(),
            within: Vec::new(),
            above: Vec::new(),
        }
    }

    /// A number that changes with the patterns.
    pub fn digest(&self) -> u64 {
        let text = serde_json::to_vec(self).unwrap_or_default();
        let hash = blake3::hash(&text);
        let (first, _) = hash.as_bytes().split_at(8);
        first.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
    }
}

impl RuleFile {
    fn read(folder: &Path, name: &str) -> Option<Self> {
        let text = read_ignore_file(folder, name)?;
        let lines = text.lines().map(str::to_owned).collect();
        Some(Self { folder: PathBytes::of(folder), name: name.to_owned(), lines })
    }

    fn compiled(&self) -> Gitignore {
        let folder = self.folder.path();
        let from = folder.join(&self.name);
        let mut builder = GitignoreBuilder::new(folder);
        for line in &self.lines {
            // Lines that are not valid globs are left out; the others still hold.
            let _ = builder.add_line(Some(from.clone()), line);
        }
        builder.build().unwrap_or_else(|_| Gitignore::empty())
    }
}

/// What leaves an entry out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rule {
    /// Its name, or that of a folder above it, begins with a dot.
    Hidden {
        /// The hidden entry.
        path: PathBuf,
    },
    /// A version control folder, or one of the kernel's own file systems.
    System {
        /// The folder.
        path: PathBuf,
    },
    /// One of the patterns to exclude.
    Excluded {
        /// The pattern as it was given.
        pattern: String,
        /// The entry that it fits: the file or a folder above it.
        path: PathBuf,
    },
    /// A line of an ignore file.
    Ignored {
        /// The file.
        file: PathBuf,
        /// Number of the line, counted from 1.
        line: usize,
        /// The pattern in it.
        pattern: String,
        /// The entry that it fits: the file or a folder above it.
        path: PathBuf,
    },
    /// Its name is one for keys, passwords or credentials.
    Secret,
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hidden { path } => write!(f, "hidden: {} begins with a dot", name_of(path)),
            Self::System { path } => {
                write!(f, "{} is a folder of the system or of version control", path.display())
            }
            Self::Excluded { pattern, .. } => write!(f, "excluded by the pattern {pattern:?}"),
            Self::Ignored { file, line, pattern, .. } => {
                write!(f, "ignored by {}, line {line}: {pattern}", file.display())
            }
            Self::Secret => f.write_str("looks like a secret (key, password or credentials)"),
        }
    }
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// [`RuleFiles`] made ready to be asked.
#[derive(Debug)]
pub struct Rules {
    skip_secrets: bool,
    exclude: Gitignore,
    /// Nearest first, for each name of ignore files, the stronger name first.
    within: Vec<(RuleFile, Gitignore)>,
    above: Vec<(RuleFile, Gitignore)>,
}

impl Rules {
    /// Compiles the patterns; those that are no valid globs hold nothing back.
    pub fn new(files: &RuleFiles) -> Self {
        let mut exclude = GitignoreBuilder::new(files.root.path());
        for pattern in &files.exclude {
            let _ = exclude.add_line(None, pattern);
        }
        let compiled = |files: &[RuleFile]| {
            files.iter().map(|file| (file.clone(), file.compiled())).collect::<Vec<_>>()
        };
        Self {
            skip_secrets: files.skip_secrets,
            exclude: exclude.build().unwrap_or_else(|_| Gitignore::empty()),
            within: compiled(&files.within),
            above: compiled(&files.above),
        }
    }

    /// What leaves out the file at `path`, or a folder above it below `from`; `None` when nothing does.
    ///
    /// `from` is the folder, or the container, that is known to be in.
    pub fn against(&self, path: &Path, from: &Path) -> Option<Rule> {
        self.judge(path, from, false)
    }

    /// The same for a folder.
    pub fn against_folder(&self, path: &Path, from: &Path) -> Option<Rule> {
        self.judge(path, from, true)
    }

    fn judge(&self, path: &Path, from: &Path, is_folder: bool) -> Option<Rule> {
        let Ok(below) = path.strip_prefix(from) else { return None };
        let mut entry = from.to_owned();
        let mut components = below.components().peekable();
        while let Some(component) = components.next() {
            let Component::Normal(name) = component else { continue };
            entry.push(name);
            let is_dir = is_folder || components.peek().is_some();
            if let Some(rule) = self.against_entry(&entry, is_dir) {
                return Some(rule);
            }
        }
        None
    }

    fn against_entry(&self, path: &Path, is_dir: bool) -> Option<Rule> {
        let name = path.file_name().unwrap_or_default();
        if name.as_bytes().starts_with(b".") {
            // A pattern that says that it stays outranks the dot.
            let kept = || self.by_files(path, is_dir).is_some_and(|found| found.is_whitelist());
            return (!kept()).then(|| Rule::Hidden { path: path.to_owned() });
        }
        if is_dir && is_never_walked(path) {
            return Some(Rule::System { path: path.to_owned() });
        }
        if let Match::Ignore(glob) = self.exclude.matched(path, is_dir) {
            let pattern = glob.original().to_owned();
            return Some(Rule::Excluded { pattern, path: path.to_owned() });
        }
        let within = self.by_files(path, is_dir);
        let found = match &within {
            Some(found) => Some(found.clone()),
            None => nearest(&self.above, path, is_dir),
        };
        if let Some(Found { file, glob: Match::Ignore(glob) }) = found {
            let pattern = glob.original().to_owned();
            let line = file.lines.iter().rposition(|line| line.trim_end() == pattern.trim_end());
            return Some(Rule::Ignored {
                file: file.folder.path().join(&file.name),
                line: line.map_or(0, |at| at + 1),
                pattern,
                path: path.to_owned(),
            });
        }
        (self.skip_secrets && is_secret(path)).then_some(Rule::Secret)
    }

    /// The verdict of the ignore files at and below the root.
    fn by_files(&self, path: &Path, is_dir: bool) -> Option<Found<'_>> {
        nearest(&self.within, path, is_dir)
    }
}

#[derive(Clone)]
struct Found<'a> {
    file: &'a RuleFile,
    glob: Match<&'a Glob>,
}

impl Found<'_> {
    fn is_whitelist(&self) -> bool {
        self.glob.is_whitelist()
    }
}

/// The first verdict of files that stand in the order of their weight.
fn nearest<'a>(files: &'a [(RuleFile, Gitignore)], path: &Path, is_dir: bool) -> Option<Found<'a>> {
    files.iter().find_map(|(file, matcher)| {
        if !path.starts_with(file.folder.path()) {
            return None;
        }
        let glob = matcher.matched(path, is_dir);
        (!glob.is_none()).then_some(Found { file, glob })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(root: &Path, exclude: &[&str], folder: &str) -> Rules {
        let exclude = exclude.iter().map(|pattern| (*pattern).to_owned()).collect();
        let options = WalkOptions { exclude, ..WalkOptions::default() };
        Rules::new(&RuleFiles::of_folder(root, &options, &root.join(folder)))
    }

    #[test]
    fn each_rule_is_told_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        fs_err::create_dir_all(root.join("a/b")).unwrap();
        fs_err::write(root.join(".gitignore"), "# logs\n*.log\n!kept.log\n").unwrap();
        fs_err::write(root.join("a/.lsearchignore"), "\ndrafts/\n").unwrap();
        let rules = rules(&root, &["old/**"], "a/b");
        let against = |path: &str| rules.against(&root.join(path), &root);
        assert_eq!(against("a/b/page.txt"), None);
        assert_eq!(against("a/b/kept.log"), None);
        let Some(Rule::Ignored { file, line, pattern, .. }) = against("a/b/x.log") else {
            panic!()
        };
        assert_eq!((file, line, pattern.as_str()), (root.join(".gitignore"), 2, "*.log"));
        let Some(Rule::Ignored { file, line, path, .. }) = against("a/drafts/x/y.txt") else {
            panic!()
        };
        assert_eq!((file, line), (root.join("a/.lsearchignore"), 2));
        assert_eq!(path, root.join("a/drafts"));
        assert!(matches!(against("old/x.txt"), Some(Rule::Excluded { .. })));
        assert!(matches!(against("a/.hidden/x.txt"), Some(Rule::Hidden { .. })));
        assert!(matches!(against("a/CVS/x.txt"), Some(Rule::System { .. })));
        assert_eq!(against("a/server.pem"), Some(Rule::Secret));
    }

    #[test]
    fn members_are_judged_as_files_below_their_archive() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let rules = rules(&root, &["drafts/"], "");
        let archive = root.join("a.zip!");
        let against = |name: &str| rules.against(&archive.join(name), &archive);
        assert!(matches!(against("x/drafts/y.txt"), Some(Rule::Excluded { .. })));
        assert_eq!(against("x/drafts.txt"), None);
        assert_eq!(against("keys/id_rsa"), Some(Rule::Secret));
    }

    #[test]
    fn the_digest_follows_the_patterns() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let digest = || RuleFiles::of_folder(&root, &WalkOptions::default(), &root).digest();
        let before = digest();
        assert_eq!(digest(), before);
        fs_err::write(root.join(".ignore"), "*.log\n").unwrap();
        assert_ne!(digest(), before);
    }
}
