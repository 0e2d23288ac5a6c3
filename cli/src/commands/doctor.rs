//! `lsearch doctor`: a checklist, each line with its fix.

use std::path::Path;

use lsearch_engine::{Encoder, Verify};
use lsearch_index::folders::Folders;
use lsearch_index::{Reader, Severity, check};
use lsearch_ingest::watch::limits;
use serde::Serialize;

use super::daemon::in_words;
use crate::app::{App, Verbosity};
use crate::args::DoctorArgs;
use crate::config::File;
use crate::daemon::client;
use crate::daemon::lock::{self, Holder};
use crate::encoder;
use crate::encoder::gpu::{self, State};
use crate::errors::{CliError, EXIT_ERROR, EXIT_OK};
use crate::indexer::open_extractor;
use crate::output::style::{self, paint};
use crate::output::{self, json, units};
use crate::places::shorten_home;

/// Free room below which indexing may soon fail.
const LOW_DISK_BYTES: u64 = 500_000_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
enum Level {
    Good,
    Warning,
    Error,
}

#[derive(Debug, Serialize)]
struct Check {
    name: &'static str,
    level: Level,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    fix: Option<String>,
}

/// Runs every check; exit code 2 when one of them is an error.
pub fn run(app: &App, args: &DoctorArgs) -> Result<u8, CliError> {
    let mut checks = vec![configuration(app), data_folder(app), disk(app)];
    checks.extend(folders(app));
    checks.extend(index(app));
    checks.extend(documents(app));
    checks.extend(daemon(app));
    checks.push(extraction(app));
    checks.extend(encoder(app));
    checks.extend(cuda(app));
    let worst = checks.iter().map(|check| check.level).max().unwrap_or(Level::Good);
    if args.json {
        output::print(&json::line(&checks)?)?;
    } else {
        output::print(&human(&checks, app.verbosity == Verbosity::Verbose))?;
    }
    Ok(if worst == Level::Error { EXIT_ERROR } else { EXIT_OK })
}

fn good(name: &'static str, message: String) -> Check {
    Check { name, level: Level::Good, message, fix: None }
}

fn bad(name: &'static str, level: Level, message: String, fix: &str) -> Check {
    Check { name, level, message, fix: Some(fix.to_owned()) }
}

/// What is wrong with the file keeps every command from working, this one, too: here it is only told what it sets.
fn configuration(app: &App) -> Check {
    let file = File::read(&app.places).and_then(|file| Ok((file.set()?.lines.len(), file)));
    match file {
        Ok((_, file)) if !file.is_there() => {
            good("configuration", "all defaults; `lsearch config` shows them".to_owned())
        }
        Ok((keys, file)) => {
            let keys = units::plural(keys as u64, "key");
            good("configuration", format!("{} sets {keys}", shorten_home(&file.path)))
        }
        Err(error) => failed("configuration", &error),
    }
}

/// What is indexed, and what keeps the rest from being so.
fn documents(app: &App) -> Option<Check> {
    // What is wrong with the index stands in its own line.
    let status = Reader::open(&app.places.data).and_then(|reader| reader.status()).ok()?;
    let counts = &status.documents;
    // Files that are broken are no fault of the installation.
    let failed = match counts.failed {
        0 => String::new(),
        failed => format!(
            "; {} could not be read (`lsearch status` tells which and why)",
            units::plural(failed as u64, "file")
        ),
    };
    let message = format!(
        "{} found by word, {} by meaning{failed}",
        units::plural(counts.keyword as u64, "document"),
        units::count(counts.semantic as u64)
    );
    Some(good("documents", message))
}

fn data_folder(app: &App) -> Check {
    let data = &app.places.data;
    let shown = shorten_home(data);
    match fs_err::metadata(data) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            good("data folder", format!("{shown} is not there yet; the first add makes it"))
        }
        Err(error) => bad(
            "data folder",
            Level::Error,
            error.to_string(),
            "let yourself read the folders above it, or choose another with --data-dir DIR",
        ),
        Ok(metadata) => unwritable(data)
            .or_else(|| private(data, &metadata))
            .unwrap_or_else(|| good("data folder", shown)),
    }
}

/// Everything can be searched where nothing can be written, and nothing be added.
fn unwritable(data: &Path) -> Option<Check> {
    use rustix::fs::Access;
    let error =
        rustix::fs::access(data, Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK).err()?;
    let fix = match error {
        rustix::io::Errno::ROFS => {
            "choose one on a disk that can be written, with --data-dir DIR".to_owned()
        }
        _ => format!("chown -R \"$USER\" '{0}' && chmod 700 '{0}'", data.display()),
    };
    let message = format!("{} cannot be written: {error}", shorten_home(data));
    Some(bad("data folder", Level::Error, message, &fix))
}

#[cfg(unix)]
fn private(data: &Path, metadata: &std::fs::Metadata) -> Option<Check> {
    use std::os::unix::fs::PermissionsExt;
    let mode = metadata.permissions().mode() & 0o777;
    (mode & 0o077 != 0).then(|| {
        bad(
            "data folder",
            Level::Warning,
            format!("{} can be read by others (mode {mode:o})", shorten_home(data)),
            &format!("chmod 700 '{}'      # it holds the text of your documents", data.display()),
        )
    })
}

#[cfg(not(unix))]
fn private(_data: &Path, _metadata: &std::fs::Metadata) -> Option<Check> {
    None
}

fn disk(app: &App) -> Check {
    let existing =
        app.places.data.ancestors().find(|folder| folder.is_dir()).unwrap_or(Path::new("/"));
    match rustix::fs::statvfs(existing) {
        Ok(stat) => {
            let free = stat.f_bavail * stat.f_frsize;
            if free < LOW_DISK_BYTES {
                bad(
                    "disk",
                    Level::Warning,
                    format!("only {} free", units::bytes(free)),
                    "free some room: the index takes roughly as much as the text it holds",
                )
            } else {
                good("disk", format!("{} free", units::bytes(free)))
            }
        }
        Err(error) => bad(
            "disk",
            Level::Warning,
            format!("{}: {error}", existing.display()),
            "check that the disk is mounted and readable",
        ),
    }
}

fn folders(app: &App) -> Vec<Check> {
    let folders = match Folders::load(&app.places.data) {
        Ok(folders) => folders,
        Err(error) => {
            return vec![bad(
                "folders",
                Level::Error,
                error.to_string(),
                "move folders.json away and add your folders again; nothing is encoded twice",
            )];
        }
    };
    if folders.folders.is_empty() {
        return vec![bad(
            "folders",
            Level::Warning,
            "none is added yet".to_owned(),
            "lsearch add ~/Documents",
        )];
    }
    let mut checks = vec![good(
        "folders",
        format!("{} added", units::plural(folders.folders.len() as u64, "folder")),
    )];
    for folder in folders.folders.iter().filter(|folder| !folder.path.is_dir()) {
        checks.push(bad(
            "folders",
            Level::Warning,
            format!("{} is not there now", shorten_home(&folder.path)),
            &format!(
                "mount it again, or: lsearch remove '{}'      # its documents are kept until then",
                folder.path.display()
            ),
        ));
    }
    checks
}

fn index(app: &App) -> Vec<Check> {
    check(&app.places.data)
        .into_iter()
        .map(|finding| Check {
            name: "index",
            level: match finding.severity {
                Severity::Fine => Level::Good,
                Severity::Warning => Level::Warning,
                Severity::Error => Level::Error,
            },
            message: match finding.message.contains(&*finding.path.to_string_lossy()) {
                true => finding.message.clone(),
                false => format!("{}: {}", shorten_home(&finding.path), finding.message),
            },
            fix: match finding.severity {
                Severity::Fine => None,
                Severity::Warning => Some("lsearch add".to_owned()),
                Severity::Error => Some(
                    "lsearch add      # and `lsearch rebuild` if it is still there then".to_owned(),
                ),
            },
        })
        .collect()
}

/// The daemon, and what it needs of the system.
fn daemon(app: &App) -> Vec<Check> {
    let holder = lock::holder(&app.places.data);
    let status = client::reach(app).and_then(|found| found.map(|one| one.status(app)).transpose());
    let mut checks = Vec::new();
    match (status, holder) {
        (Ok(Some(status)), _) => {
            let running = format!("process {} {}", status.pid, in_words(&status));
            checks.push(match &status.trouble {
                None => good("daemon", running),
                Some(trouble) => {
                    let fix = "it goes on by itself once that is mended; `lsearch daemon logs` tells more";
                    bad("daemon", Level::Warning, format!("{running}: {trouble}"), fix)
                }
            });
            for root in status.roots.iter().filter(|root| root.reason.is_some()) {
                let path = shorten_home(Path::new(&root.path));
                checks.push(bad(
                    "daemon",
                    Level::Warning,
                    format!("{path} is looked at only every now and then"),
                    root.reason.as_deref().unwrap_or_default(),
                ));
            }
        }
        (Ok(None), None) => checks.push(good(
            "daemon",
            "not running; `lsearch daemon start` keeps the folders indexed by itself".to_owned(),
        )),
        (Ok(None), Some(Holder(pid))) => {
            let pid = pid.map_or_else(|| "?".to_owned(), |pid| pid.to_string());
            checks.push(bad(
                "daemon",
                Level::Error,
                format!("process {pid} runs, but its socket is gone"),
                "lsearch daemon stop && lsearch daemon start",
            ));
        }
        (Err(error), _) => checks.push(failed("daemon", &error)),
    }
    let limits: Vec<String> = limits()
        .iter()
        .filter_map(|limit| Some(format!("{} {}", limit.name, limit.value?)))
        .collect();
    if !limits.is_empty() {
        checks.push(good("watches", format!("the system allows {}", limits.join(", "))));
    }
    checks
}

/// The processes that read files, and what they are kept from.
fn extraction(app: &App) -> Check {
    let opened = open_extractor(app, Vec::new()).map_err(|error| error.to_string());
    let kept_from = match opened.and_then(|extractor| extractor.confinement()) {
        Ok(kept_from) => kept_from,
        Err(error) => {
            let fix = "run lsearch from where it is installed, with memory to spare";
            return bad("extraction", Level::Error, error, fix);
        }
    };
    let limits = format!(
        "files are read in a process of their own, with at most {} of memory and {} s",
        units::bytes(app.config.extract_memory_bytes()),
        app.config.extract_wall_sec
    );
    let reach = match (kept_from.files, kept_from.network) {
        (true, true) => {
            "it can read your folders, and neither write anywhere nor reach the network"
        }
        (true, false) => "it can read your folders, and write nowhere",
        (false, true) => "it cannot reach the network; its files are not confined",
        (false, _) => "this system cannot confine it further (Linux 5.13 with Landlock can)",
    };
    good("extraction", format!("{limits}; {reach}"))
}

fn encoder(app: &App) -> Vec<Check> {
    let bundle = match encoder::bundle(app, Verify::Full) {
        Ok(bundle) => bundle,
        Err(error) => return vec![failed("encoder", &error)],
    };
    let mut checks = vec![good(
        "encoder",
        format!("{} ({} dimensions), every file checked", bundle.name(), bundle.dimensions()),
    )];
    let found = match encoder::find_runtime(app) {
        Ok(found) => found,
        Err(error) => {
            checks.push(failed("ONNX Runtime", &error));
            return checks;
        }
    };
    let Some(library) = found else {
        checks.push(bad(
            "ONNX Runtime",
            Level::Warning,
            "not there yet".to_owned(),
            "lsearch setup      # or wait: it is fetched by itself on first need",
        ));
        return checks;
    };
    checks.push(good("ONNX Runtime", shorten_home(&library)));
    match encoder::open(app, &bundle)
        .and_then(|encoder| encoder.encode_query("a trial").map(|_| encoder).map_err(Into::into))
    {
        Ok(encoder) => checks.push(device(app, &encoder)),
        Err(error) => checks.push(failed("device", &error)),
    }
    checks
}

/// Where everything for the GPU is there and it is not used all the same, the reason matters.
fn device(app: &App, encoder: &Encoder) -> Check {
    let worked = format!("{}; a trial encoding worked", encoder.device());
    match (encoder.cuda_obstacle(), gpu::state(app)) {
        (Some(obstacle), Ok(State::Ready(_))) => bad(
            "device",
            Level::Warning,
            format!("{worked}, but not on the GPU: {obstacle}"),
            "see what `nvidia-smi` says; CUDA 13 needs NVIDIA's driver 580 or newer",
        ),
        _ => good("device", worked),
    }
}

/// Nothing where ONNX Runtime itself is at fault, which has a line of its own.
fn cuda(app: &App) -> Option<Check> {
    let missing = |what: String| {
        let fix = if gpu::can_be_fetched() {
            "lsearch setup --gpu      # fetches what is missing; until then the CPU encodes"
        } else {
            "install an ONNX Runtime with CUDA and set LSEARCH_ORT_LIB to its library file"
        };
        bad("CUDA", Level::Warning, format!("{}; {what}", gpu::device_shown()), fix)
    };
    Some(match gpu::state(app).ok()? {
        State::NoDevice => good("CUDA", "no NVIDIA GPU; the CPU encodes".to_owned()),
        State::Unwanted => {
            good("CUDA", format!("{}, not used: the device is set to cpu", gpu::device_shown()))
        }
        State::NoRuntime => missing("no ONNX Runtime with CUDA".to_owned()),
        State::NoLibraries(packages) => {
            let names: Vec<&str> = packages.iter().map(|package| package.title()).collect();
            missing(format!("not there: {}", names.join(", ")))
        }
        State::Ready(folders) => good(
            "CUDA",
            format!("{}, libraries in {}", gpu::device_shown(), gpu::shown(&folders, ", ")),
        ),
    })
}

/// A check from an error that carries its own hint.
fn failed(name: &'static str, error: &CliError) -> Check {
    let text = error.to_string();
    let (message, fix) = text.split_once('\n').unwrap_or((&text, ""));
    let fix = fix.split_whitespace().collect::<Vec<_>>().join(" ");
    Check {
        name,
        level: Level::Error,
        message: message.to_owned(),
        fix: (!fix.is_empty()).then_some(fix),
    }
}

fn human(checks: &[Check], verbose: bool) -> String {
    let mut text = String::new();
    let mut whole: Vec<&str> = Vec::new();
    let is_bad = |check: &Check| check.name == "index" && check.level != Level::Good;
    let whole_parts = match checks.iter().any(is_bad) {
        true => "the other parts are whole (-v lists them)",
        false => "all parts are whole (-v lists them)",
    };
    for check in checks {
        // Each part of the index has a line only where it is wrong, or asked for.
        if check.name == "index" && check.level == Level::Good && !verbose {
            whole.push(&check.message);
            continue;
        }
        match std::mem::take(&mut whole).as_slice() {
            [] => {}
            [one] => text.push_str(&line(Level::Good, "index", one)),
            _ => text.push_str(&line(Level::Good, "index", whole_parts)),
        }
        text.push_str(&line(check.level, check.name, &check.message));
        if let Some(fix) = &check.fix {
            text.push_str(&format!(
                "                        → {}\n",
                fix.replace('\n', "\n                          ")
            ));
        }
    }
    let count = |level| checks.iter().filter(|check| check.level == level).count() as u64;
    text.push_str(&match (count(Level::Error), count(Level::Warning)) {
        (0, 0) => "\neverything is in order\n".to_owned(),
        (0, warnings) => format!("\nit works; {}\n", units::plural(warnings, "warning")),
        (problems, 0) => format!("\n{}\n", units::plural(problems, "problem")),
        (problems, warnings) => format!(
            "\n{}, {}\n",
            units::plural(problems, "problem"),
            units::plural(warnings, "warning")
        ),
    });
    text
}

fn line(level: Level, name: &str, message: &str) -> String {
    let sign = match level {
        Level::Good => paint(style::GOOD, "ok     "),
        Level::Warning => paint(style::WARNING, "warning"),
        Level::Error => paint(style::ERROR, "problem"),
    };
    format!("{sign}  {name:13}  {message}\n")
}
