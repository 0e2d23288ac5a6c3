//! `lsearch status`: what is indexed, what waits, what failed and why.

use std::collections::BTreeMap;
use std::thread::sleep;
use std::time::Duration;

use lsearch_engine::{Bundle, Verify};
use lsearch_index::folders::Folders;
use lsearch_index::{Reader, Status};
use serde::Serialize;

use super::daemon::in_words;
use super::is_empty_index;
use crate::app::{App, Verbosity};
use crate::args::StatusArgs;
use crate::daemon::client;
use crate::daemon::protocol::{DaemonStatus, Request};
use crate::encoder;
use crate::errors::{CliError, EXIT_OK};
use crate::indexer::{Rates, likely_device};
use crate::interrupt;
use crate::output::style::{self, paint};
use crate::output::{self, json, units};
use crate::places::shorten_home;

/// Failed files, and reasons of what was left out, that are named without `-v`.
const FAILURES_SHOWN: usize = 10;
const REASONS_SHOWN: usize = 6;

/// `status --json`.
#[derive(Serialize)]
pub struct JsonStatus {
    folders: Vec<JsonFolder>,
    documents: JsonDocuments,
    queue: u64,
    /// How long what waits will take, as far as that is known.
    seconds_left: Option<u64>,
    failed: Vec<JsonFailure>,
    skipped: BTreeMap<String, u64>,
    /// `null` where the encoder cannot be used; why stands on stderr.
    encoder: Option<JsonEncoder>,
    index_bytes: u64,
    sequence: u64,
    writer: Option<u32>,
    daemon: DaemonStatus,
}

#[derive(Serialize)]
struct JsonFolder {
    path: String,
    documents: u64,
    online: bool,
}

#[derive(Serialize)]
struct JsonDocuments {
    seen: u64,
    keyword: u64,
    semantic: u64,
    failed: u64,
    skipped: u64,
}

#[derive(Serialize)]
struct JsonFailure {
    path: String,
    reason: String,
}

#[derive(Serialize)]
struct JsonEncoder {
    name: String,
    fingerprint: String,
    device: &'static str,
}

/// Prints the status, with `--wait` after everything is read and encoded.
pub fn run(app: &App, args: &StatusArgs) -> Result<u8, CliError> {
    if args.wait {
        wait(app)?;
    }
    let standing = Standing::read(app)?;
    if args.json {
        output::print(&json::line(&standing.to_json(app)?)?)?;
    } else {
        output::print(&standing.human(app)?)?;
    }
    Ok(EXIT_OK)
}

/// The status as a person reads it, without colours, and as a program does.
pub fn both(app: &App) -> Result<(String, serde_json::Value), CliError> {
    let standing = Standing::read(app)?;
    let text = anstream::adapter::strip_str(&standing.human(app)?).to_string();
    let value = serde_json::to_value(standing.to_json(app)?)
        .map_err(|error| CliError::new(format!("cannot write the status as JSON: {error}")))?;
    Ok((text, value))
}

/// How everything stands.
struct Standing {
    status: Status,
    /// The encoder, where it can be used.
    bundle: Option<Bundle>,
    /// The name of another that answers until this one has encoded everything.
    serving: Option<String>,
    daemon: Option<DaemonStatus>,
}

impl Standing {
    fn read(app: &App) -> Result<Self, CliError> {
        // A daemon that does not answer is no reason to tell nothing.
        let daemon =
            client::connect(app).and_then(|client| client.map(|one| one.status(app)).transpose());
        let daemon = daemon.unwrap_or_else(|error| {
            app.warn(error);
            None
        });
        let mut status = read(app)?;
        // What is indexed can be told without an encoder, too.
        let bundle = match encoder::bundle(app, Verify::Sizes) {
            Ok(bundle) => Some(bundle),
            Err(error) => {
                app.warn(error);
                None
            }
        };
        if let Some(bundle) = &bundle {
            status.documents.semantic = encoder::installed::encoded(&status, bundle.fingerprint());
        }
        let serving = bundle.as_ref().and_then(|wanted| {
            let serving = encoder::serving(app).ok()?;
            (serving.fingerprint() != wanted.fingerprint()).then(|| serving.name().to_owned())
        });
        Ok(Self { status, bundle, serving, daemon })
    }

    fn to_json(&self, app: &App) -> Result<JsonStatus, CliError> {
        to_json(app, &self.status, self.bundle.as_ref(), self.daemon.clone().unwrap_or_default())
    }
}

/// Waits for the daemon to have nothing to do, or without one for a running add.
fn wait(app: &App) -> Result<(), CliError> {
    interrupt::install()
        .map_err(|error| CliError::new(format!("cannot watch for Ctrl-C: {error}")))?;
    if let Some(client) = client::connect(app)? {
        return client.call(app, &Request::Wait).map(|_| ());
    }
    // Only the lock is looked at: opening a large index five times a second would slow the add down.
    while lsearch_index::is_being_written(&app.places.data) {
        if interrupt::requested() {
            return Err(CliError::interrupted("stopped waiting; the add goes on"));
        }
        sleep(Duration::from_millis(200));
    }
    Ok(())
}

/// The index's own status; that of an empty one where there is none yet.
pub fn read(app: &App) -> Result<Status, CliError> {
    match Reader::open(&app.places.data).and_then(|reader| reader.status()) {
        Ok(status) => Ok(status),
        Err(error) if is_empty_index(&error) => Ok(Status::default()),
        Err(error) => Err(error.into()),
    }
}

/// The same from what stays open, for a process that stays: `bundle` is the encoder in use, and a daemon that does not
/// answer is none.
pub fn from_open(
    app: &App,
    reader: Option<&Reader>,
    bundle: Option<&lsearch_engine::Bundle>,
) -> Result<JsonStatus, CliError> {
    let mut status = reader.map(Reader::status).transpose()?.unwrap_or_default();
    if let Some(bundle) = bundle {
        status.documents.semantic = encoder::installed::encoded(&status, bundle.fingerprint());
    }
    let daemon = client::connect(app).ok().flatten().and_then(|client| client.status(app).ok());
    to_json(app, &status, bundle, daemon.unwrap_or_default())
}

fn to_json(
    app: &App,
    status: &Status,
    bundle: Option<&Bundle>,
    daemon: DaemonStatus,
) -> Result<JsonStatus, CliError> {
    let folders = Folders::load(&app.places.data)?;
    Ok(JsonStatus {
        folders: folders
            .folders
            .iter()
            .map(|folder| JsonFolder {
                path: folder.path.to_string_lossy().into_owned(),
                documents: documents_in(status, &folder.path),
                online: folder.path.is_dir(),
            })
            .collect(),
        documents: JsonDocuments {
            seen: status.documents.seen as u64,
            keyword: status.documents.keyword as u64,
            semantic: status.documents.semantic as u64,
            failed: status.documents.failed as u64,
            skipped: status.documents.skipped as u64,
        },
        queue: waiting(status),
        seconds_left: Rates::load(&app.places.data)
            .encoding_waiting(likely_device(app), app.config.threads(), waiting(status))
            .map(|time| time.as_secs()),
        failed: status
            .failed
            .iter()
            .map(|(path, reason)| JsonFailure {
                path: path.to_string_lossy().into_owned(),
                reason: reason.clone(),
            })
            .collect(),
        skipped: status
            .skipped
            .iter()
            .map(|(reason, number)| (reason.clone(), *number as u64))
            .collect(),
        encoder: bundle.map(|bundle| JsonEncoder {
            name: bundle.name().to_owned(),
            fingerprint: bundle.fingerprint().to_owned(),
            device: app.device.name(),
        }),
        index_bytes: status.index_bytes.total(),
        sequence: status.sequence,
        writer: status.writer_pid.filter(|_| status.writer_alive),
        daemon,
    })
}

fn documents_in(status: &Status, path: &std::path::Path) -> u64 {
    status.roots.iter().find(|root| root.path == path).map_or(0, |root| root.documents as u64)
}

/// Documents that are found by word and not yet by meaning.
fn waiting(status: &Status) -> u64 {
    status.documents.keyword.saturating_sub(status.documents.semantic) as u64
}

/// The first lines of the status, and what they come to.
pub struct Glance {
    /// In a few lines.
    pub text: String,
    /// Something waits that nobody works on.
    pub is_unfinished: bool,
    /// Files failed.
    pub has_failures: bool,
    /// A daemon runs.
    pub has_daemon: bool,
}

/// How everything stands, at a glance.
pub fn glance(app: &App) -> Result<Glance, CliError> {
    let standing = Standing::read(app)?;
    Ok(Glance {
        text: standing.headline(app)?,
        is_unfinished: waiting(&standing.status) > 0 && !standing.is_worked_on(),
        has_failures: standing.status.documents.failed > 0,
        has_daemon: standing.daemon.is_some(),
    })
}

impl Standing {
    /// Whether someone encodes what waits.
    fn is_worked_on(&self) -> bool {
        match &self.daemon {
            Some(daemon) => daemon.paused.is_none() && daemon.trouble.is_none(),
            None => self.status.writer_alive,
        }
    }

    /// How long it will take until everything is found by meaning.
    fn time_left(&self, app: &App) -> Option<Duration> {
        let rates = Rates::load(&app.places.data);
        rates.encoding_waiting(likely_device(app), app.config.threads(), waiting(&self.status))
    }

    /// What matters most, each in a line.
    fn headline(&self, app: &App) -> Result<String, CliError> {
        let folders = Folders::load(&app.places.data)?;
        let counts = &self.status.documents;
        if folders.folders.is_empty() && counts.keyword == 0 {
            let daemon = self.daemon.as_ref().map(daemon_lines).unwrap_or_default();
            return Ok(format!("no folder is added yet: lsearch add ~/Documents\n{daemon}"));
        }
        let mut text = format!(
            "documents   {} in {}\nby meaning  {}\n",
            units::count(counts.keyword as u64),
            units::plural(folders.folders.len() as u64, "folder"),
            self.by_meaning(app)
        );
        text.push_str(&self.work());
        let offline: Vec<String> = folders
            .folders
            .iter()
            .filter(|folder| !folder.path.is_dir())
            .map(|folder| shorten_home(&folder.path))
            .collect();
        if !offline.is_empty() {
            let shown = offline.join(", ");
            text.push_str(&format!("not there   {shown}; what was indexed is kept\n"));
        }
        if counts.failed > 0 {
            let failed = units::plural(counts.failed as u64, "file");
            text.push_str(&format!("failed      {}\n", paint(style::WARNING, failed)));
        }
        if counts.skipped > 0 {
            let skipped = units::plural(counts.skipped as u64, "file");
            text.push_str(&format!("left out    {skipped}\n"));
        }
        Ok(text)
    }

    fn by_meaning(&self, app: &App) -> String {
        let counts = &self.status.documents;
        let waiting = waiting(&self.status);
        if waiting == 0 {
            return match counts.keyword {
                0 => "none yet".to_owned(),
                _ => "all of them".to_owned(),
            };
        }
        let time = self.time_left(app).map(units::about);
        let rest = match (self.is_worked_on(), time) {
            (true, Some(time)) => format!("{time} left"),
            (true, None) => "on the way".to_owned(),
            (false, time) => {
                let time = time.map(|time| format!(" in {time}")).unwrap_or_default();
                match &self.daemon {
                    Some(_) => format!("the rest{time} once the daemon goes on"),
                    None => format!("`lsearch add` does the rest{time}"),
                }
            }
        };
        format!(
            "{} ({}%), {} waiting; {rest}",
            units::count(counts.semantic as u64),
            // What is not everything is not a hundred.
            counts.semantic * 100 / counts.keyword.max(1),
            units::count(waiting)
        )
    }

    /// Who works, or that nobody does.
    fn work(&self) -> String {
        if let Some(daemon) = &self.daemon {
            return daemon_lines(daemon);
        }
        match (self.status.writer_alive, self.status.writer_pid) {
            (true, Some(pid)) => format!("working     process {pid} is adding documents now\n"),
            (true, None) => "working     another process is adding documents now\n".to_owned(),
            (false, _) => "daemon      not running (lsearch daemon start)\n".to_owned(),
        }
    }

    /// Everything, the most important first; with `-v` without an end.
    fn human(&self, app: &App) -> Result<String, CliError> {
        let folders = Folders::load(&app.places.data)?;
        let status = &self.status;
        let verbose = app.verbosity == Verbosity::Verbose;
        let mut text = self.headline(app)?;
        if !folders.folders.is_empty() {
            text.push('\n');
        }
        for folder in &folders.folders {
            let offline = if folder.path.is_dir() { "" } else { "  (not there now)" };
            text.push_str(&format!(
                "{}  {}{offline}\n",
                paint(style::PATH, shorten_home(&folder.path)),
                units::plural(documents_in(status, &folder.path), "document")
            ));
        }
        if !status.skipped.is_empty() {
            text.push_str("\nleft out, by reason\n");
            let mut reasons: Vec<_> = status.skipped.iter().collect();
            reasons.sort_by_key(|(reason, number)| (std::cmp::Reverse(**number), reason.as_str()));
            let shown = if verbose { usize::MAX } else { REASONS_SHOWN };
            for (reason, number) in reasons.iter().take(shown) {
                text.push_str(&format!("  {:>8}  {reason}\n", units::count(**number as u64)));
            }
            if reasons.len() > shown {
                let more = units::plural((reasons.len() - shown) as u64, "more reason");
                text.push_str(&format!("            {more} (lsearch status -v)\n"));
            }
        }
        if !status.failed.is_empty() {
            text.push_str("\nfailed; `lsearch retry` reads them again\n");
            let shown = if verbose { usize::MAX } else { FAILURES_SHOWN };
            for (path, reason) in status.failed.iter().take(shown) {
                text.push_str(&format!("  {}: {reason}\n", shorten_home(path)));
            }
            let listed = status.failed.len().min(shown);
            if status.documents.failed > listed {
                let more = units::count((status.documents.failed - listed) as u64);
                let how = if verbose { "" } else { " (lsearch status -v)" };
                text.push_str(&format!("  … and {more} more{how}\n"));
            }
        }
        if !folders.folders.is_empty() {
            let encoder = self.bundle.as_ref().map_or("cannot be used", |bundle| bundle.name());
            let serving = self.serving.as_ref();
            let until =
                serving.map(|name| format!(" ({name} answers until everything is encoded)"));
            let shown = format!(
                "index of {} in {}, encoder {encoder}{}",
                units::bytes(status.index_bytes.total()),
                shorten_home(&app.places.data),
                until.unwrap_or_default()
            );
            text.push_str(&format!("\n{}\n", paint(style::DIM, shown)));
        }
        Ok(text)
    }
}

/// How the daemon stands, in the manner of the lines before.
fn daemon_lines(daemon: &DaemonStatus) -> String {
    let mut text = format!("daemon      process {} {}\n", daemon.pid, in_words(daemon));
    if let Some(trouble) = &daemon.trouble {
        text.push_str(&format!("trouble     {trouble}\n"));
    }
    if let Some(reason) = &daemon.paused {
        text.push_str(&format!("paused      {reason}\n"));
    }
    if let Some(seconds) = daemon.reconciled_sec_ago {
        let ago = units::duration(Duration::from_secs(seconds));
        text.push_str(&format!("checked     {ago} ago against the disk\n"));
    }
    text
}

#[cfg(test)]
mod tests {
    use lsearch_index::EncoderCounts;

    use super::*;

    #[test]
    fn only_the_vectors_of_the_encoder_in_use_count() {
        let counts = |fingerprint: &str, documents| EncoderCounts {
            fingerprint: fingerprint.to_owned(),
            documents,
            ..EncoderCounts::default()
        };
        let encoders = vec![counts("used last", 7), counts("in use", 3)];
        let status = Status { encoders, ..Status::default() };
        assert_eq!(encoder::installed::encoded(&status, "in use"), 3);
        assert_eq!(encoder::installed::encoded(&status, "never used"), 0);
    }
}
