//! Finds the files under a folder.

use std::collections::BTreeSet;
use std::fs::Metadata;
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use fs_err as fs;
use ignore::gitignore::{Gitignore, GitignoreBuilder};
use ignore::{DirEntry, WalkBuilder, WalkState};

use crate::{FailReason, Guess, IngestError, SkipReason, guess_by_name, is_secret, read};

/// The ignore file of this program's own.
const OWN_IGNORE_FILE: &str = ".lsearchignore";
/// The ignore files that are heeded in every folder.
pub(crate) const IGNORE_FILES: [&str; 3] = [OWN_IGNORE_FILE, ".ignore", ".gitignore"];

/// Whether a file says what is left out of the folder it stands in.
pub fn is_ignore_file(path: &Path) -> bool {
    path.file_name().is_some_and(|name| IGNORE_FILES.iter().any(|one| name == *one))
}

/// What a walk leaves out beyond the ignore files it finds.
#[derive(Debug, Clone)]
pub struct WalkOptions {
    /// Patterns in the syntax of a `.gitignore` that stands in the root.
    pub exclude: Vec<String>,
    /// Files with more bytes are reported as skipped.
    pub max_file_bytes: Option<u64>,
    /// Leave out keys, passwords and credentials, see [`is_secret`].
    pub skip_secrets: bool,
    /// Threads that read folders; 0 chooses by the machine.
    pub threads: usize,
    /// Look at these alone and at what lies below them, under the rules of a whole walk; `None` for all.
    pub only: Option<Arc<Places>>,
    /// Tell at the end how many entries rules left out ([`WalkEvent::LeftOut`]); every folder is listed twice for it.
    pub count_left_out: bool,
}

/// Places within a root: files, or folders with everything below them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Places(BTreeSet<PathBuf>);

impl Places {
    /// Whether a path is one of the places or lies below one.
    pub fn hold(&self, path: &Path) -> bool {
        path.ancestors().any(|above| self.0.contains(above))
    }

    /// Whether one of the places lies below a folder.
    fn lead_through(&self, folder: &Path) -> bool {
        // Paths are ordered by their components: what lies below a folder follows it at once.
        let from = (Bound::Included(folder), Bound::Unbounded);
        self.0.range::<Path, _>(from).next().is_some_and(|next| next.starts_with(folder))
    }

    /// The places, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Path> {
        self.0.iter().map(PathBuf::as_path)
    }
}

impl FromIterator<PathBuf> for Places {
    fn from_iter<I: IntoIterator<Item = PathBuf>>(paths: I) -> Self {
        Places(paths.into_iter().collect())
    }
}

impl Default for WalkOptions {
    fn default() -> Self {
        Self {
            exclude: Vec::new(),
            max_file_bytes: None,
            skip_secrets: true,
            threads: 0,
            only: None,
            count_left_out: false,
        }
    }
}

/// A file that is worth reading, with what the file system says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundFile {
    /// The root as it was given, joined with the way down from it.
    pub path: PathBuf,
    /// Size in bytes.
    pub size_bytes: u64,
    /// Time of the last modification in nanoseconds since 1970 (UTC).
    pub modified_ns: i64,
    /// Number of the file within its file system; 0 where there is none.
    pub inode: u64,
    /// What the name says; the file has not been opened.
    pub guess: Guess,
}

impl FoundFile {
    /// The file as it is now; `None` when there is no regular file any more.
    ///
    /// # Errors
    /// Those of the file system but that nothing is there.
    pub fn again(&self) -> std::io::Result<Option<Self>> {
        match fs::symlink_metadata(&self.path) {
            Ok(metadata) if metadata.is_file() => {
                let (modified_ns, inode) = read::stamp(&metadata);
                let size_bytes = metadata.len();
                Ok(Some(Self { size_bytes, modified_ns, inode, ..self.clone() }))
            }
            Ok(_) => Ok(None),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// How many entries rules about names left out: files, and folders that were not gone into.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// Their names begin with a dot.
    pub hidden: u64,
    /// An ignore file names them.
    pub ignored: u64,
    /// A pattern of [`WalkOptions::exclude`] names them.
    pub excluded: u64,
    /// Folders of version control, and the kernel's own file systems.
    pub system: u64,
}

/// One thing a walk came upon. Ignored, excluded and hidden entries give no event of their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WalkEvent {
    /// A folder whose entries come next. It is open by now, but nothing of it is listed: what appears in it
    /// from here on is either listed or can be watched for.
    Folder(PathBuf),
    /// A file to read.
    File(FoundFile),
    /// A file, or a whole folder of secrets, that is left out.
    Skipped {
        /// The file or folder.
        path: PathBuf,
        /// Why it is left out.
        reason: SkipReason,
    },
    /// A file or folder that could not be looked at. What was known of the things under it may
    /// still be true.
    Failed {
        /// The file or folder.
        path: PathBuf,
        /// Why it failed.
        reason: FailReason,
    },
    /// The last event of a walk that was to count these and was not cancelled.
    LeftOut(LeftOut),
}

/// Walks `root`, a folder or a single file, and calls `visit` from several threads, in no
/// particular order.
///
/// `.gitignore` (also outside of repositories, and from the folders above `root` in the same
/// repository), `.ignore` and `.lsearchignore` files are heeded, hidden entries and version control
/// folders passed over. Symbolic links below the root are not followed. No file is opened except
/// those ignore files. When `cancel` says true the walk stops soon and returns `Ok`.
///
/// # Errors
/// When the root is missing or unreadable or a pattern is invalid. Trouble below the root is
/// reported as [`WalkEvent::Failed`] and the walk goes on.
pub fn walk(
    root: &Path,
    options: &WalkOptions,
    visit: &(dyn Fn(WalkEvent) + Sync),
    cancel: &(dyn Fn() -> bool + Sync),
) -> Result<(), IngestError> {
    let metadata = fs::metadata(root).map_err(|e| IngestError::io(root, e))?;
    if !metadata.is_dir() && !metadata.is_file() {
        let what = read::describe(metadata.file_type());
        return Err(IngestError::NotRegular { path: root.to_owned(), what });
    }
    if options.skip_secrets && is_secret(root) {
        visit(WalkEvent::Skipped { path: root.to_owned(), reason: SkipReason::Secret });
        return Ok(());
    }
    // A root that is itself a link is followed; paths are reported under the name it was given.
    let real_root = fs::canonicalize(root).map_err(|e| IngestError::io(root, e))?;
    let walker = Walker {
        given_root: root,
        real_root: &real_root,
        exclude: exclude_matcher(&real_root, &options.exclude)?,
        above: matchers_above(&real_root),
        options,
        visit,
        root_error: Mutex::new(None),
        tally: Tally::default(),
    };
    if metadata.is_file() {
        walker.file(root, &metadata);
        return Ok(());
    }

    let mut builder = WalkBuilder::new(&real_root);
    builder
        .require_git(false)
        // Reads the environment to find the file; and parents are handled by `matchers_above`.
        .git_global(false)
        .parents(false)
        .follow_links(false)
        .add_custom_ignore_filename(OWN_IGNORE_FILE)
        .threads(options.threads);
    builder.build_parallel().run(|| {
        Box::new(|entry| {
            if cancel() {
                return WalkState::Quit;
            }
            match entry {
                Ok(entry) => walker.entry(&entry),
                Err(error) => {
                    walker.error(&error);
                    WalkState::Continue
                }
            }
        })
    });
    if options.count_left_out && !cancel() {
        visit(WalkEvent::LeftOut(walker.tally.left_out()));
    }
    match walker.root_error.into_inner() {
        Ok(Some(source)) => Err(IngestError::io(root, source)),
        _ => Ok(()),
    }
}

struct Walker<'a> {
    given_root: &'a Path,
    real_root: &'a Path,
    exclude: Gitignore,
    above: Vec<Gitignore>,
    options: &'a WalkOptions,
    visit: &'a (dyn Fn(WalkEvent) + Sync),
    root_error: Mutex<Option<std::io::Error>>,
    tally: Tally,
}

/// Counts what is listed and what comes of it: the walking library passes over hidden and ignored entries in silence.
#[derive(Debug, Default)]
struct Tally {
    listed: AtomicU64,
    listed_hidden: AtomicU64,
    came: AtomicU64,
    came_hidden: AtomicU64,
    ignored_from_above: AtomicU64,
    excluded: AtomicU64,
    system: AtomicU64,
}

impl Tally {
    fn list(&self, real_folder: &Path) {
        // One that cannot be listed is told by the walk itself.
        let Ok(entries) = fs::read_dir(real_folder) else { return };
        for entry in entries.flatten() {
            count(&self.listed, true);
            count(&self.listed_hidden, is_hidden(Path::new(&entry.file_name())));
        }
    }

    fn come(&self, real_path: &Path) {
        count(&self.came, true);
        count(&self.came_hidden, is_hidden(real_path));
    }

    fn left_out(&self) -> LeftOut {
        let get = |number: &AtomicU64| number.load(Ordering::Relaxed);
        // Entries come and go between the two listings.
        let hidden = get(&self.listed_hidden).saturating_sub(get(&self.came_hidden));
        let all = get(&self.listed).saturating_sub(get(&self.came));
        LeftOut {
            hidden,
            ignored: all.saturating_sub(hidden) + get(&self.ignored_from_above),
            excluded: get(&self.excluded),
            system: get(&self.system),
        }
    }
}

fn count(number: &AtomicU64, is_one: bool) {
    number.fetch_add(u64::from(is_one), Ordering::Relaxed);
}

fn is_hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
}

impl Walker<'_> {
    fn entry(&self, entry: &DirEntry) -> WalkState {
        let Some(file_type) = entry.file_type() else { return WalkState::Continue };
        let is_dir = file_type.is_dir();
        let real_path = entry.path();
        if entry.depth() == 0 {
            (self.visit)(WalkEvent::Folder(self.given_root.to_owned()));
            self.list(real_path);
            return WalkState::Continue;
        }
        self.tally.come(real_path);
        if let Some(only) = &self.options.only {
            let path = self.as_given(real_path);
            let on_the_way = is_dir && only.lead_through(&path);
            if !on_the_way && !only.hold(&path) {
                return WalkState::Skip;
            }
        }
        if self.is_left_out(real_path, is_dir) {
            return WalkState::Skip;
        }
        let path = self.as_given(real_path);
        if self.options.skip_secrets && is_secret(&path) {
            self.skipped(path, SkipReason::Secret);
            return WalkState::Skip;
        }
        if is_dir {
            (self.visit)(WalkEvent::Folder(path));
            self.list(real_path);
            return WalkState::Continue;
        }
        if file_type.is_symlink() {
            self.skipped(path, SkipReason::Symlink);
        } else if !file_type.is_file() {
            self.skipped(path, SkipReason::Special { what: read::describe(file_type) });
        } else {
            match fs::symlink_metadata(real_path) {
                Ok(metadata) => self.file(&path, &metadata),
                // Deleted since its folder was listed: as if it had never been there.
                Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
                Err(e) => self.failed(path, FailReason::from_io(&e)),
            }
        }
        WalkState::Continue
    }

    fn file(&self, path: &Path, metadata: &Metadata) {
        let size_bytes = metadata.len();
        let reason = match guess_by_name(path) {
            _ if size_bytes == 0 => SkipReason::Empty,
            Guess::Skip(reason) => reason,
            guess => match self.options.max_file_bytes {
                Some(limit_bytes) if size_bytes > limit_bytes => {
                    SkipReason::TooLarge { limit_bytes }
                }
                _ => {
                    let (modified_ns, inode) = read::stamp(metadata);
                    let path = path.to_owned();
                    let found = FoundFile { path, size_bytes, modified_ns, inode, guess };
                    return (self.visit)(WalkEvent::File(found));
                }
            },
        };
        self.skipped(path.to_owned(), reason);
    }

    fn list(&self, real_folder: &Path) {
        if self.options.count_left_out {
            self.tally.list(real_folder);
        }
    }

    fn is_left_out(&self, real_path: &Path, is_dir: bool) -> bool {
        let by = if is_dir && is_never_walked(real_path) {
            &self.tally.system
        } else if self.exclude.matched(real_path, is_dir).is_ignore() {
            &self.tally.excluded
        } else if is_ignored_by_nearest(&self.above, real_path, is_dir)
            && !self.is_kept_from_below(real_path, is_dir)
        {
            &self.tally.ignored_from_above
        } else {
            return false;
        };
        count(by, true);
        true
    }

    /// Whether an ignore file at or below the root says that the entry stays (`!name`): it stands
    /// nearer than those above the root and outranks them. Only asked of what they would leave out.
    fn is_kept_from_below(&self, real_path: &Path, is_dir: bool) -> bool {
        let folders = real_path.ancestors().skip(1);
        folders.take_while(|folder| folder.starts_with(self.real_root)).any(|folder| {
            IGNORE_FILES.iter().any(|name| {
                ignore_file(folder, name)
                    .is_some_and(|matcher| matcher.matched(real_path, is_dir).is_whitelist())
            })
        })
    }

    fn as_given(&self, real_path: &Path) -> PathBuf {
        match real_path.strip_prefix(self.real_root) {
            Ok(below) => self.given_root.join(below),
            Err(_) => real_path.to_owned(),
        }
    }

    fn error(&self, error: &ignore::Error) {
        let Some((real_path, source)) = path_and_io(error) else { return };
        if real_path == self.real_root {
            *self.root_error.lock().unwrap_or_else(|e| e.into_inner()) = Some(source);
        } else if source.kind() != std::io::ErrorKind::NotFound {
            self.failed(self.as_given(&real_path), FailReason::from_io(&source));
        }
    }

    fn skipped(&self, path: PathBuf, reason: SkipReason) {
        (self.visit)(WalkEvent::Skipped { path, reason });
    }

    fn failed(&self, path: PathBuf, reason: FailReason) {
        (self.visit)(WalkEvent::Failed { path, reason });
    }
}

/// Whether patterns can be understood, without a walk.
///
/// # Errors
/// The first that cannot.
pub fn check_patterns(patterns: &[String]) -> Result<(), IngestError> {
    exclude_matcher(Path::new("/"), patterns).map(drop)
}

fn exclude_matcher(root: &Path, patterns: &[String]) -> Result<Gitignore, IngestError> {
    let invalid = |pattern: &str, e: &ignore::Error| IngestError::Pattern {
        pattern: pattern.to_owned(),
        message: e.to_string(),
    };
    let mut builder = GitignoreBuilder::new(root);
    for pattern in patterns {
        builder.add_line(None, pattern).map_err(|e| invalid(pattern, &e))?;
    }
    builder.build().map_err(|e| invalid(&patterns.join(" "), &e))
}

/// Whether the first of the matchers that says anything leaves the entry out.
fn is_ignored_by_nearest(matchers: &[Gitignore], real_path: &Path, is_dir: bool) -> bool {
    let mut verdicts = matchers.iter().map(|matcher| matcher.matched(real_path, is_dir));
    verdicts.find(|verdict| !verdict.is_none()).is_some_and(|verdict| verdict.is_ignore())
}

/// The version control folders that are not hidden, and the kernel's own file systems.
pub(crate) fn is_never_walked(real_path: &Path) -> bool {
    let name = real_path.file_name().unwrap_or_default();
    name == "CVS"
        || name == "_darcs"
        || ["/proc", "/sys", "/dev"].iter().any(|kernel| real_path == Path::new(kernel))
}

/// The text of an ignore file; `None` when there is none that can be read.
pub(crate) fn read_ignore_file(folder: &Path, name: &str) -> Option<String> {
    let file = folder.join(name);
    // Only plain files: opening a named pipe would wait for a writer.
    if !file.is_file() {
        return None;
    }
    fs::read(&file).ok().map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

fn ignore_file(folder: &Path, name: &str) -> Option<Gitignore> {
    let file = folder.join(name);
    // Only plain files: opening a named pipe would wait for a writer.
    if !file.is_file() {
        return None;
    }
    let mut builder = GitignoreBuilder::new(folder);
    // Lines that are not valid globs are left out; the others still hold.
    let _ = builder.add(&file);
    builder.build().ok()
}

/// The top of the repository that a folder lies in.
pub(crate) fn repository_above(folder: &Path) -> Option<&Path> {
    folder.ancestors().find(|folder| folder.join(".git").exists())
}

/// The `.gitignore` files above the root within the same repository, the nearest first.
///
/// One that leaves out the root itself is passed over: who adds a folder wants it, and many a home
/// folder is a repository that ignores everything.
fn matchers_above(real_root: &Path) -> Vec<Gitignore> {
    let Some(top) = repository_above(real_root) else { return Vec::new() };
    real_root
        .ancestors()
        .skip(1)
        .take_while(|folder| folder.starts_with(top))
        .filter_map(|folder| ignore_file(folder, ".gitignore"))
        .filter(|matcher| !matcher.matched_path_or_any_parents(real_root, true).is_ignore())
        .collect()
}

fn path_and_io(error: &ignore::Error) -> Option<(PathBuf, std::io::Error)> {
    match error {
        ignore::Error::WithPath { path, err } => {
            let source = match path_and_io(err) {
                Some((_, source)) => source,
                None => std::io::Error::other(err.to_string()),
            };
            Some((path.clone(), source))
        }
        ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => {
            path_and_io(err)
        }
        ignore::Error::Io(source) => {
            // `io::Error` is not `Clone`; the kind and number are what matters.
            let copy = match source.raw_os_error() {
                Some(code) => std::io::Error::from_raw_os_error(code),
                None => std::io::Error::new(source.kind(), source.to_string()),
            };
            Some((PathBuf::new(), copy))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
