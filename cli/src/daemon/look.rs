//! Looking again at paths that changed, under the rules of a whole look.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use lsearch_index::Writer;
use lsearch_index::folders::{Folder, Folders};
use lsearch_ingest::is_ignore_file;
use lsearch_ingest::watch::Batch;

use super::shared::Shared;
use crate::app::App;
use crate::errors::CliError;
use crate::indexer::{Scan, ScanReport, Unscanned, Update, open_extractor, stands_empty};
use crate::output::units;
use crate::places::shorten_home;

/// So many changed paths in one root are a look at all of it.
const TOO_MANY: usize = 1000;

/// What a look at some paths came to.
#[derive(Debug, Default)]
pub struct Looked {
    /// Files that are there.
    pub found: Vec<PathBuf>,
    /// Roots that have to be looked at whole.
    pub whole: Vec<PathBuf>,
}

/// Looks at the paths of a batch.
pub fn at_batch(shared: &Shared, writer: &Writer, batch: &Batch) -> Result<Looked, CliError> {
    let app = &shared.app;
    let folders = Folders::load(&app.places.data)?;
    // All of these first: a folder that was moved may have a new name in the same batch.
    for (path, replaced) in &batch.paths {
        if *replaced && shared.roots.watches(path) {
            shared.roots.forget_under(path);
        }
    }
    let mut looked = Looked::default();
    for (root, paths) in by_root(&folders, batch) {
        let gone = !root.path.is_dir() || stands_empty(writer, &root.path)?;
        if gone || paths.len() > TOO_MANY || paths.contains(&root.path) {
            looked.whole.push(root.path.clone());
            continue;
        }
        let report = some_places(shared, app, writer, root, paths)?;
        looked.found.extend(report.found);
    }
    Ok(looked)
}

fn some_places(
    shared: &Shared,
    app: &App,
    writer: &Writer,
    root: &Folder,
    paths: Vec<PathBuf>,
) -> Result<ScanReport, CliError> {
    let scan = Scan {
        app,
        writer,
        extractor: &Arc::new(open_extractor(app, vec![root.path.clone()])?),
        root: &root.path,
        exclude: &root.exclude,
        only: Some(Arc::new(paths.into_iter().collect())),
        unchanged_too: false,
        on_folder: Some(shared.roots.hook(app, &root.path)),
        announce: false,
    };
    let mut report = match scan.run(None) {
        Ok(report) => report,
        Err(Unscanned::Index(error)) => return Err(error),
        // The root went between two looks; the next whole look tells.
        Err(Unscanned::Walk(error)) => {
            app.detail(format_args!("{}: {}", root.path.display(), error.message()));
            return Ok(ScanReport::default());
        }
    };
    say(app, &root.path, &mut report);
    if report.changed() > 0 {
        shared.index_changed();
    }
    Ok(report)
}

fn say(app: &App, root: &Path, report: &mut ScanReport) {
    let parts: Vec<String> = report.parts();
    if report.changed() > 0 || report.failed > 0 {
        app.say(format_args!(
            "{}: {} in {}",
            shorten_home(root),
            parts.join(", "),
            units::duration(report.elapsed)
        ));
    }
    for (path, reason) in std::mem::take(&mut report.failures) {
        app.warn(format_args!("{}: {reason}", shorten_home(&path)));
    }
}

/// The changed paths by the root that holds them, each as the place to look at.
fn by_root<'a>(folders: &'a Folders, batch: &Batch) -> Vec<(&'a Folder, Vec<PathBuf>)> {
    let mut by_root: BTreeMap<&Path, (&Folder, Vec<PathBuf>)> = BTreeMap::new();
    for path in batch.paths.keys() {
        // A rule that changed holds for all that lies beside it.
        let place = match path.parent() {
            Some(parent) if is_ignore_file(path) => parent,
            _ => path,
        };
        if let Some(root) = folders.covering(path) {
            let place = if place.starts_with(&root.path) { place } else { &root.path };
            by_root.entry(&root.path).or_insert((root, Vec::new())).1.push(place.to_owned());
        }
        // One that lies above a root takes the root with it.
        for root in folders.folders.iter().filter(|root| root.path.starts_with(path)) {
            by_root.entry(&root.path).or_insert((root, Vec::new())).1.push(root.path.clone());
        }
    }
    by_root.into_values().collect()
}

/// Looks at whole roots, taking up what changes meanwhile; tells what is ahead where a person waits for it.
pub fn at_roots(
    shared: &Shared,
    app: &App,
    writer: &Writer,
    roots: &[(PathBuf, Vec<String>)],
    announce: bool,
) -> Result<crate::indexer::UpdateReport, CliError> {
    let mut interlude = || -> Result<Vec<PathBuf>, CliError> {
        let batch = {
            let mut settle = shared.changes.settle();
            let batch = settle.take(Instant::now());
            if batch.everything {
                // Everything is being looked at, but what was lost may lie behind: once more, later.
                settle.lost(Instant::now());
            }
            batch
        };
        if batch.paths.is_empty() {
            return Ok(Vec::new());
        }
        let looked = at_batch(shared, writer, &batch)?;
        let mut settle = shared.changes.settle();
        for root in looked.whole {
            settle.changed(&root, true, Instant::now());
        }
        Ok(looked.found)
    };
    let update = Update { app, writer, announce };
    let mut whole = crate::indexer::UpdateReport::default();
    for root in roots {
        let started = Instant::now();
        let hook = Some(shared.roots.hook(app, &root.0));
        let report = update.scan_all(std::slice::from_ref(root), hook, Some(&mut interlude))?;
        let online = report.offline.is_empty() && report.unreadable.is_empty();
        shared.roots.looked(&root.0, online, started.elapsed());
        if report.scan.changed() > 0 {
            shared.index_changed();
        }
        whole.merge(report);
        if whole.scan.cancelled {
            break;
        }
    }
    Ok(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_go_to_the_root_that_holds_them() {
        let folder = |path: &str| Folder { path: path.into(), exclude: Vec::new(), added: 0 };
        let folders = Folders { folders: vec![folder("/a"), folder("/b/c")] };
        let paths = ["/a/x.txt", "/a/sub/.gitignore", "/a/.ignore", "/b", "/elsewhere/y"];
        let batch = Batch {
            paths: paths.iter().map(|path| (PathBuf::from(path), true)).collect(),
            everything: false,
        };
        let found: Vec<(&str, Vec<PathBuf>)> = by_root(&folders, &batch)
            .into_iter()
            .map(|(root, paths)| (root.path.to_str().unwrap(), paths))
            .collect();
        let paths = |paths: &[&str]| paths.iter().map(PathBuf::from).collect::<Vec<_>>();
        assert_eq!(
            found,
            [("/a", paths(&["/a", "/a/sub", "/a/x.txt"])), ("/b/c", paths(&["/b/c"]))]
        );
    }
}
