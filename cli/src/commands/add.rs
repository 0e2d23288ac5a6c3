//! `lsearch add`: the folders' documents become searchable, by word first, then by meaning.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use lsearch_engine::Verify;
use lsearch_index::Writer;
use lsearch_index::folders::{Added, Folder, Folders};

use crate::app::App;
use crate::args::AddArgs;
use crate::encoder;
use crate::errors::{CliError, EXIT_INTERRUPTED, EXIT_OK};
use crate::indexer::{self, EncodeReport, ScanReport, Update};
use crate::interrupt;
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
    let writer = indexer::open_writer(app, &app.places.data)?;
    let mut folders = Folders::load(&app.places.data)?;
    let roots = register(app, &mut folders, &wanted, &args.exclude)?;
    if roots.is_empty() {
        return Err(
            CliError::new("no folder is added yet").hint("name one: lsearch add ~/Documents")
        );
    }
    update(app, &writer, &roots, args.no_wait)
}

/// An existing folder's canonical path, or an error that names what is wrong with it.
fn check_folder(folder: &Path) -> Result<PathBuf, CliError> {
    let shown = folder.display();
    let metadata = fs_err::metadata(folder).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => CliError::new(format!("{shown}: no such folder"))
            .hint("check the spelling; nothing was changed"),
        _ => CliError::io(folder, &error),
    })?;
    if !metadata.is_dir() {
        return Err(CliError::new(format!("{shown}: not a folder")).hint(
            "lsearch indexes folders: add the one it is in, with --exclude for what you do not want",
        ));
    }
    fs_err::canonicalize(folder).map_err(|error| CliError::io(folder, &error))
}

/// Writes the folders down and gives the roots to scan with their exclusions.
fn register(
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
                chosen.push(parent);
            }
            Added::New { absorbed } => {
                for child in &absorbed {
                    let (parent, child) = (shorten_home(path), shorten_home(&child.path));
                    app.say(format_args!("{parent} takes in {child}"));
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
    let roots = folders
        .folders
        .iter()
        .filter(|folder| chosen.contains(&folder.path))
        .map(|folder| (folder.path.clone(), folder.exclude.clone()))
        .collect();
    Ok(roots)
}

/// The exclusions given now beside those the folder had: adding again never lifts one.
fn with_known(folders: &Folders, path: &Path, exclude: &[String]) -> Vec<String> {
    let known = folders.folders.iter().find(|folder| folder.path == path);
    let mut all = known.map(|folder| folder.exclude.clone()).unwrap_or_default();
    for glob in exclude {
        if !all.contains(glob) {
            all.push(glob.clone());
        }
    }
    all
}

/// Scans and encodes; shared by `add` and `retry`.
pub fn update(
    app: &App,
    writer: &Writer,
    roots: &[(PathBuf, Vec<String>)],
    no_wait: bool,
) -> Result<u8, CliError> {
    let update = Update { app, writer };
    let report = update.scan_all(roots)?;
    for root in &report.offline {
        app.warn(format_args!(
            "{} is not there now; its documents are kept (lsearch remove forgets them)",
            shorten_home(root)
        ));
    }
    say_scan(app, &report.scan);
    if report.scan.cancelled {
        app.say("stopped; what was read is kept. Run `lsearch add` again to go on");
        return Ok(EXIT_INTERRUPTED);
    }
    encode(app, &update, no_wait)
}

fn encode(app: &App, update: &Update<'_>, no_wait: bool) -> Result<u8, CliError> {
    let bundle = encoder::bundle(app, Verify::Sizes)?;
    let waiting = update.writer.pending(bundle.fingerprint())?.len() as u64;
    if waiting == 0 {
        update.writer.maintain(&interrupt::requested)?;
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
    let report = update.encode(&encoder)?;
    say_encode(app, &report);
    if report.cancelled {
        app.say("stopped; what was encoded is kept. Run `lsearch add` again to go on");
        return Ok(EXIT_INTERRUPTED);
    }
    update.writer.maintain(&interrupt::requested)?;
    Ok(EXIT_OK)
}

fn say_scan(app: &App, scan: &ScanReport) {
    let mut parts = vec![format!("{} seen", units::plural(scan.seen, "file"))];
    for (number, what) in [
        (scan.extracted, "read"),
        (scan.reused, "known by content"),
        (scan.unchanged, "unchanged"),
        (scan.removed, "gone"),
        (scan.skipped, "left out"),
        (scan.failed, "failed"),
    ] {
        if number > 0 {
            parts.push(format!("{} {what}", units::count(number)));
        }
    }
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
