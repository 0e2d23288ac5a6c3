//! `lsearch add`: the folders' documents become searchable, by word first, then by meaning.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use lsearch_engine::Verify;
use lsearch_index::Writer;
use lsearch_index::folders::{Added, Folder, Folders};
use lsearch_ingest::check_patterns;

use super::ahead;
use crate::app::App;
use crate::args::AddArgs;
use crate::daemon::client;
use crate::daemon::protocol::Request;
use crate::encoder;
use crate::errors::{CliError, EXIT_INTERRUPTED, EXIT_OK};
use crate::indexer::{self, EncodeReport, ScanReport, Update, UpdateReport, escape_glob};
use crate::interrupt;
use crate::nearest::nearest;
use crate::output::units;
use crate::places::shorten_home;

/// Failures shown by name before the rest is only counted.
const FAILURES_SHOWN: usize = 5;

/// Adds the folders (or takes all that were added before) and brings them up to date.
pub fn run(app: &App, args: &AddArgs) -> Result<u8, CliError> {
    interrupt::install()
        .map_err(|error| CliError::new(format!("cannot watch for Ctrl-C: {error}")))?;
    // Everything wrong with the folders is told before anything is touched.
    let wanted =
        args.folders.iter().map(|folder| check_folder(folder)).collect::<Result<Vec<_>, _>>()?;
    for folder in &wanted {
        check_not_own(app, folder)?;
    }
    check_exclude(&args.exclude)?;
    if args.dry_run {
        return ahead::tell(app, &wanted, &args.exclude);
    }
    if !args.yes && !ahead::is_meant(app, &wanted, &args.exclude)? {
        app.say("nothing was added");
        return Ok(EXIT_OK);
    }
    if let Some(client) = client::connect(app)? {
        client.warn_if_unlike(app);
        let (exclude, no_wait) = (args.exclude.clone(), args.no_wait);
        return client.call(app, &Request::Add { folders: wanted, exclude, no_wait });
    }
    let writer = indexer::open_writer(app, &app.places.data)?;
    let mut folders = Folders::load(&app.places.data)?;
    let roots = register(app, &mut folders, &wanted, &args.exclude)?;
    let code = update(app, &writer, &roots, args.no_wait)?;
    if code == EXIT_OK && !wanted.is_empty() {
        app.say("`lsearch daemon start` keeps this up to date by itself");
    }
    Ok(code)
}

/// Refuses the data folder and what lies in it: an index of itself would change with every look at it.
fn check_not_own(app: &App, folder: &Path) -> Result<(), CliError> {
    match fs_err::canonicalize(&app.places.data) {
        Ok(data) if folder.starts_with(&data) => {
            Err(CliError::new(format!("{}: lsearch keeps its index there", folder.display()))
                .hint("add the folders that hold your documents; nothing was changed"))
        }
        _ => Ok(()),
    }
}

/// Refuses patterns that are none before they are written down, where every later add would meet them.
fn check_exclude(exclude: &[String]) -> Result<(), CliError> {
    check_patterns(exclude).map_err(|error| {
        CliError::from(error).hint("write it as in a .gitignore; nothing was changed")
    })
}

/// What to do about a folder that is none.
fn near_folder(folder: &Path) -> String {
    let above = folder.parent().filter(|above| *above != Path::new("")).unwrap_or(Path::new("."));
    let folders = std::fs::read_dir(above).into_iter().flatten().flatten();
    let folders = folders.filter(|entry| entry.path().is_dir());
    let names: Vec<String> =
        folders.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    let name = folder.file_name().map(|name| name.to_string_lossy().into_owned());
    match nearest(&name.unwrap_or_default(), names.iter().map(String::as_str)) {
        Some(near) => format!("did you mean {}?", folder.with_file_name(near).display()),
        None if above.is_dir() => "check the spelling".to_owned(),
        None => format!("there is no {} either: check the spelling", above.display()),
    }
}

/// An existing folder's canonical path, or an error that names what is wrong with it.
fn check_folder(folder: &Path) -> Result<PathBuf, CliError> {
    let shown = folder.display();
    let metadata = fs_err::metadata(folder).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => CliError::new(format!("{shown}: no such folder"))
            .hint(format!("{}\nnothing was changed", near_folder(folder))),
        _ => CliError::io(folder, &error),
    })?;
    if !metadata.is_dir() {
        return Err(CliError::new(format!("{shown}: not a folder")).hint(
            "lsearch indexes folders: add the one it is in, with --exclude for what you do not want",
        ));
    }
    if let Err(error) = std::fs::read_dir(folder) {
        return Err(CliError::io(folder, &error));
    }
    fs_err::canonicalize(folder).map_err(|error| CliError::io(folder, &error))
}

/// Writes the folders down and gives the roots to scan with their exclusions; with none given, all of them.
///
/// # Errors
/// When there is none at all.
pub fn register(
    app: &App,
    folders: &mut Folders,
    wanted: &[PathBuf],
    exclude: &[String],
) -> Result<Vec<(PathBuf, Vec<String>)>, CliError> {
    let mut chosen: Vec<PathBuf> = Vec::new();
    for path in wanted {
        let folder = Folder {
            path: path.clone(),
            exclude: with_known(folders, path, exclude),
            added: Timestamp::now().as_second(),
        };
        match folders.add(folder) {
            Added::Known { .. } => chosen.push(path.clone()),
            Added::Inside { parent } => {
                app.say(format_args!(
                    "{} lies inside {}, which is already added",
                    shorten_home(path),
                    shorten_home(&parent)
                ));
                exclude_below(folders, &parent, path, exclude);
                chosen.push(parent);
            }
            Added::New { absorbed } => {
                for child in &absorbed {
                    let (parent, shown) = (shorten_home(path), shorten_home(&child.path));
                    app.say(format_args!("{parent} takes in {shown}"));
                    exclude_below(folders, path, &child.path, &child.exclude);
                }
                chosen.push(path.clone());
            }
        }
    }
    if !wanted.is_empty() {
        folders.save(&app.places.data)?;
    } else {
        chosen = folders.folders.iter().map(|folder| folder.path.clone()).collect();
    }
    chosen.sort();
    chosen.dedup();
    let roots: Vec<_> = folders
        .folders
        .iter()
        .filter(|folder| chosen.contains(&folder.path))
        .map(|folder| (folder.path.clone(), folder.exclude.clone()))
        .collect();
    if roots.is_empty() {
        return Err(no_folder());
    }
    Ok(roots)
}

/// There is nothing to bring up to date.
pub fn no_folder() -> CliError {
    CliError::new("no folder is added yet").hint("name one: lsearch add ~/Documents")
}

/// The exclusions given now beside those the folder had: adding again never lifts one.
pub fn with_known(folders: &Folders, path: &Path, exclude: &[String]) -> Vec<String> {
    let known = folders.folders.iter().find(|folder| folder.path == path);
    let mut all = known.map(|folder| folder.exclude.clone()).unwrap_or_default();
    for glob in exclude {
        if !all.contains(glob) {
            all.push(glob.clone());
        }
    }
    all
}

/// Gives a listed folder the exclusions that were meant for one inside it.
fn exclude_below(folders: &mut Folders, listed: &Path, inside: &Path, exclude: &[String]) {
    let Ok(below) = inside.strip_prefix(listed) else { return };
    if let Some(folder) = folders.folders.iter_mut().find(|folder| folder.path == listed) {
        for glob in exclude.iter().filter_map(|glob| glob_below(below, glob)) {
            if !folder.exclude.contains(&glob) {
                folder.exclude.push(glob);
            }
        }
    }
}

/// A `.gitignore` pattern of a folder as one of a folder above it; `None` for a comment or a blank.
fn glob_below(below: &Path, glob: &str) -> Option<String> {
    if glob.trim().is_empty() || glob.starts_with('#') {
        return None;
    }
    let (not, pattern) = match glob.strip_prefix('!') {
        Some(pattern) => ("!", pattern),
        None => ("", glob),
    };
    let folder = escape_glob(&below.to_string_lossy());
    // Only one without a slash before its end holds at any depth.
    let anchored = pattern.trim_end_matches('/').contains('/');
    let anywhere = if anchored { "" } else { "**/" };
    Some(format!("{not}/{folder}/{anywhere}{}", pattern.trim_start_matches('/')))
}

/// Scans and encodes; shared by `add` and `retry`.
pub fn update(
    app: &App,
    writer: &Writer,
    roots: &[(PathBuf, Vec<String>)],
    no_wait: bool,
) -> Result<u8, CliError> {
    let update = Update { app, writer, announce: true };
    let report = update.scan_all(roots, None, None)?;
    say_update(app, &report);
    if report.scan.cancelled {
        app.say("stopped; what was read is kept. Run `lsearch add` again to go on");
        return Ok(EXIT_INTERRUPTED);
    }
    let code = encode(app, &update, no_wait)?;
    if code == EXIT_OK { code_of(report) } else { Ok(code) }
}

/// Tells what an update came to.
pub fn say_update(app: &App, report: &UpdateReport) {
    for root in &report.offline {
        app.warn(format_args!(
            "{} is not there now{}; its documents are kept (lsearch remove forgets them)",
            shorten_home(root),
            if root.is_dir() { ", or stands empty" } else { "" }
        ));
    }
    for (_, error) in &report.unreadable {
        app.warn(format_args!("{error}; its documents are kept"));
    }
    say_scan(app, &report.scan);
}

/// The exit code of an update that went to its end.
pub fn code_of(report: UpdateReport) -> Result<u8, CliError> {
    match report.unreadable.into_iter().next() {
        Some((root, _)) => {
            Err(CliError::new(format!("{}: could not be brought up to date", shorten_home(&root)))
                .hint("give yourself the right to read it, or forget it with `lsearch remove`"))
        }
        None => Ok(EXIT_OK),
    }
}

fn encode(app: &App, update: &Update<'_>, no_wait: bool) -> Result<u8, CliError> {
    let bundle = encoder::bundle(app, Verify::Sizes)?;
    let pending = update.writer.pending(bundle.fingerprint())?;
    let waiting = pending.len() as u64;
    indexer::note_waiting(app, waiting, pending.iter().map(|one| one.text_bytes).sum());
    if waiting == 0 {
        update.writer.maintain(&|| app.stop.requested())?;
        return Ok(EXIT_OK);
    }
    if no_wait {
        app.say(format_args!(
            "{} searchable by word; `lsearch add` adds meaning",
            units::plural(waiting, "document")
        ));
        return Ok(EXIT_OK);
    }
    let encoder = encoder::open(app, &bundle)?;
    encoder::gpu::advise(app, &encoder);
    let report = update.encode(&encoder)?;
    say_encode(app, &report);
    if report.cancelled {
        app.say("stopped; what was encoded is kept. Run `lsearch add` again to go on");
        return Ok(EXIT_INTERRUPTED);
    }
    update.writer.maintain(&|| app.stop.requested())?;
    Ok(EXIT_OK)
}

fn say_scan(app: &App, scan: &ScanReport) {
    let mut parts = vec![format!("{} seen", units::plural(scan.seen, "file"))];
    parts.extend(scan.parts());
    app.say(format_args!("{} in {}", parts.join(", "), units::duration(scan.elapsed)));
    for (path, reason) in scan.failures.iter().take(FAILURES_SHOWN) {
        app.warn(format_args!("{}: {reason}", shorten_home(path)));
    }
    if scan.failures.len() > FAILURES_SHOWN {
        app.warn(format_args!(
            "{} more failed; `lsearch status` lists them",
            units::count((scan.failures.len() - FAILURES_SHOWN) as u64)
        ));
    }
}

fn say_encode(app: &App, report: &EncodeReport) {
    let seconds = report.elapsed.as_secs_f64().max(0.001);
    app.say(format_args!(
        "{} encoded in {}: {} tokens, {} tokens/s",
        units::plural(report.documents, "document"),
        units::duration(report.elapsed),
        units::count(report.tokens),
        units::count((report.tokens as f64 / seconds) as u64)
    ));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exclusions_of_a_folder_inside_hold_for_that_folder() {
        let below = |glob| glob_below(Path::new("papers"), glob);
        assert_eq!(below("*.log").as_deref(), Some("/papers/**/*.log"));
        assert_eq!(below("drafts/").as_deref(), Some("/papers/**/drafts/"));
        assert_eq!(below("drafts/**").as_deref(), Some("/papers/drafts/**"));
        assert_eq!(below("/top.txt").as_deref(), Some("/papers/top.txt"));
        assert_eq!(below("!kept.log").as_deref(), Some("!/papers/**/kept.log"));
        assert_eq!(below("# a remark"), None);
        assert_eq!(glob_below(Path::new("a b/[old]"), "x").as_deref(), Some(r"/a\ b/\[old\]/**/x"));
    }
}
