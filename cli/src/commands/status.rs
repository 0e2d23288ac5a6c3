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
use crate::app::App;
use crate::args::StatusArgs;
use crate::daemon::client;
use crate::daemon::protocol::{DaemonStatus, Request};
use crate::encoder;
use crate::errors::{CliError, EXIT_OK};
use crate::interrupt;
use crate::output::style::{self, paint};
use crate::output::{self, json, units};
use crate::places::shorten_home;

/// Failed files named before the rest is only counted (all of them in `--json`).
const FAILURES_SHOWN: usize = 20;

/// `status --json`.
#[derive(Serialize)]
pub struct JsonStatus {
    folders: Vec<JsonFolder>,
    documents: JsonDocuments,
    queue: u64,
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
            status.documents.semantic = encoded_by(&status, bundle.fingerprint());
        }
        Ok(Self { status, bundle, daemon })
    }

    fn to_json(&self, app: &App) -> Result<JsonStatus, CliError> {
        to_json(app, &self.status, self.bundle.as_ref(), self.daemon.clone().unwrap_or_default())
    }

    fn human(&self, app: &App) -> Result<String, CliError> {
        let name = self.bundle.as_ref().map_or("cannot be used", |bundle| bundle.name());
        human(app, &self.status, name, self.daemon.as_ref())
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

fn read(app: &App) -> Result<Status, CliError> {
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
        status.documents.semantic = encoded_by(&status, bundle.fingerprint());
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

/// Documents that the encoder in use has encoded: another's vectors answer no query of today.
fn encoded_by(status: &Status, fingerprint: &str) -> usize {
    let counts = status.encoders.iter().find(|encoder| encoder.fingerprint == fingerprint);
    counts.map_or(0, |encoder| encoder.documents)
}

/// Documents that are found by word and not yet by meaning.
fn waiting(status: &Status) -> u64 {
    status.documents.keyword.saturating_sub(status.documents.semantic) as u64
}

fn human(
    app: &App,
    status: &Status,
    encoder: &str,
    daemon: Option<&DaemonStatus>,
) -> Result<String, CliError> {
    let folders = Folders::load(&app.places.data)?;
    let mut text = String::new();
    if folders.folders.is_empty() {
        text.push_str("no folder is added yet: lsearch add ~/Documents\n");
    }
    for folder in &folders.folders {
        let offline = if folder.path.is_dir() { "" } else { "  (not there now)" };
        text.push_str(&format!(
            "{}  {}{offline}\n",
            paint(style::PATH, shorten_home(&folder.path)),
            units::plural(documents_in(status, &folder.path), "document")
        ));
    }
    let waiting = waiting(status);
    text.push_str(&format!(
        "\nby word     {}\nby meaning  {}{}\nencoder     {encoder}\nindex       {} in {}\n",
        units::plural(status.documents.keyword as u64, "document"),
        units::plural(status.documents.semantic as u64, "document"),
        if waiting > 0 { format!(" ({} waiting)", units::count(waiting)) } else { String::new() },
        units::bytes(status.index_bytes.total()),
        shorten_home(&app.places.data),
    ));
    if let Some(daemon) = daemon {
        text.push_str(&daemon_lines(daemon));
    }
    match (status.writer_alive, status.writer_pid) {
        _ if daemon.is_some() => {}
        (true, Some(pid)) => {
            text.push_str(&format!("working     process {pid} is adding documents now\n"));
        }
        (true, None) => text.push_str("working     another process is adding documents now\n"),
        (false, _) if waiting > 0 => {
            text.push_str("            `lsearch add` goes on with those waiting\n");
        }
        (false, _) => {}
    }
    if !status.skipped.is_empty() {
        text.push_str(&format!(
            "\nleft out    {}\n",
            units::plural(status.documents.skipped as u64, "file")
        ));
        let mut reasons: Vec<_> = status.skipped.iter().collect();
        reasons.sort_by_key(|(reason, number)| (std::cmp::Reverse(**number), reason.as_str()));
        for (reason, number) in reasons {
            text.push_str(&format!("  {:>8}  {reason}\n", units::count(*number as u64)));
        }
    }
    if !status.failed.is_empty() {
        text.push_str(&format!(
            "\nfailed      {}\n",
            units::plural(status.documents.failed as u64, "file")
        ));
        for (path, reason) in status.failed.iter().take(FAILURES_SHOWN) {
            text.push_str(&format!("  {}: {reason}\n", shorten_home(path)));
        }
        if status.documents.failed > FAILURES_SHOWN {
            text.push_str(&format!(
                "  … and {} more (status --json lists up to {})\n",
                units::count((status.documents.failed - FAILURES_SHOWN) as u64),
                units::count(Status::FAILED_LISTED as u64)
            ));
        }
        text.push_str("  `lsearch retry` reads them again\n");
    }
    Ok(text)
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
        assert_eq!(encoded_by(&status, "in use"), 3);
        assert_eq!(encoded_by(&status, "never used"), 0);
    }
}
