//! `lsearch daemon`: start, stop, look after and install it.

use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::app::{App, Verbosity};
use crate::args::{DaemonCommand, DeviceArg};
use crate::daemon::protocol::{DaemonStatus, Request};
use crate::daemon::unit::{self, Program};
use crate::daemon::{self, client, lock, log};
use crate::errors::{CliError, EXIT_NOTHING_FOUND, EXIT_OK};
use crate::interrupt;
use crate::output::style::{self, paint};
use crate::output::{self, json, units};
use crate::places::shorten_home;

/// Starting waits so long for the watches to stand.
const START_PATIENCE: Duration = Duration::from_secs(60);
/// Stopping waits so long for the work in hand.
const STOP_PATIENCE: Duration = Duration::from_secs(30);
const LOOK_EVERY: Duration = Duration::from_millis(30);

/// Does what is asked.
pub fn run(app: &App, command: &DaemonCommand) -> Result<u8, CliError> {
    match command {
        DaemonCommand::Run { detached } => daemon::run(app, *detached),
        DaemonCommand::Start => start(app),
        DaemonCommand::Stop => stop(app),
        DaemonCommand::Status { json } => status(app, *json),
        DaemonCommand::Pause { time } => pause(app, time.as_deref()),
        DaemonCommand::Resume => {
            running(app)?.call(app, &Request::Resume)?;
            app.say("encoding goes on");
            Ok(EXIT_OK)
        }
        DaemonCommand::Install { print } => install(app, *print),
        DaemonCommand::Uninstall => uninstall(app),
        DaemonCommand::Logs { lines, follow } => logs(app, *lines, *follow),
    }
}

/// The daemon, or an error that says there is none.
fn running(app: &App) -> Result<client::Client, CliError> {
    client::reach(app)?.ok_or_else(|| {
        CliError::new("no daemon is running").hint("start it with `lsearch daemon start`")
    })
}

fn start(app: &App) -> Result<u8, CliError> {
    if let Some(client) = client::reach(app)? {
        app.say(format_args!("the daemon is running already (process {})", client.hello.pid));
        return Ok(EXIT_OK);
    }
    app.places.create_data()?;
    let mut child = spawn(app)?;
    let until = Instant::now() + START_PATIENCE;
    loop {
        if let Some(client) = client::reach(app)?
            && client.hello.ready
        {
            app.say(match client.hello.pid == child.id() {
                true => format!("the daemon is running (process {})", client.hello.pid),
                // Another start was quicker.
                false => format!("the daemon is running already (process {})", client.hello.pid),
            });
            return Ok(EXIT_OK);
        }
        if let Ok(Some(_)) = child.try_wait()
            && lock::holder(&app.places.data).is_none()
        {
            return Err(not_started(app, child));
        }
        if Instant::now() > until {
            app.say(
                "the daemon is still looking through the folders; it goes on in the background",
            );
            return Ok(EXIT_OK);
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

/// Starts the background process; what it says before it has a log comes through a pipe.
fn spawn(app: &App) -> Result<Child, CliError> {
    let program = this_program()?;
    let mut command = Command::new(&program);
    command
        .args(["daemon", "run", "--detached"])
        .args(own_flags(app))
        // A folder that is to be unmounted or removed must not be held.
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    command.spawn().map_err(|error| CliError::io(&program, &error))
}

fn not_started(app: &App, mut child: Child) -> CliError {
    let mut said = String::new();
    if let Some(stderr) = &mut child.stderr {
        let _ = stderr.read_to_string(&mut said);
    }
    let said = said.trim().trim_start_matches("error:").trim();
    let error = CliError::new(match said {
        "" => "the daemon ended at once".to_owned(),
        said => format!("the daemon ended at once: {said}"),
    });
    error.hint(format!("its log: {}", shorten_home(&log_path(app))))
}

fn this_program() -> Result<PathBuf, CliError> {
    std::env::current_exe()
        .map_err(|error| CliError::new(format!("cannot find the lsearch program itself: {error}")))
}

/// The flags under which a daemon finds what this invocation found.
fn own_flags(app: &App) -> Vec<String> {
    let mut flags = Vec::new();
    let places = &app.places;
    if places.data != places.default_data {
        flags.extend(["--data-dir".to_owned(), places.data.to_string_lossy().into_owned()]);
    }
    if places.config_file_named {
        let file =
            std::path::absolute(&places.config_file).unwrap_or_else(|_| places.config_file.clone());
        flags.extend(["--config".to_owned(), file.to_string_lossy().into_owned()]);
    }
    if app.device != DeviceArg::Auto {
        flags.extend(["--device".to_owned(), app.device.name().to_owned()]);
    }
    if app.verbosity == Verbosity::Verbose {
        flags.push("-v".to_owned());
    }
    flags
}

/// The variables under which a daemon finds what this invocation found, beside [`own_flags`].
fn own_environment() -> Vec<(String, String)> {
    let matters = |name: &str| match name {
        "LSEARCH_NO_DAEMON" | "LSEARCH_DATA_DIR" => false,
        "XDG_DATA_HOME" | "XDG_CONFIG_HOME" | "XDG_STATE_HOME" | "XDG_CACHE_HOME" => true,
        name => name.starts_with("LSEARCH_"),
    };
    let mut found: Vec<_> = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .filter(|(name, value)| matters(name) && !value.is_empty())
        .collect();
    found.sort();
    found
}

fn stop(app: &App) -> Result<u8, CliError> {
    interrupt::install()
        .map_err(|error| CliError::new(format!("cannot watch for Ctrl-C: {error}")))?;
    let Some(holder) = lock::holder(&app.places.data) else {
        app.say("no daemon is running");
        return Ok(EXIT_OK);
    };
    // One that hangs does not answer, but a signal may still reach it.
    let asked = client::reach(app).and_then(|client| {
        client.map_or(Ok(false), |one| one.call(app, &Request::Stop).map(|_| true))
    });
    if !asked.unwrap_or(false) {
        terminate(holder.0);
    }
    let until = Instant::now() + STOP_PATIENCE;
    while lock::holder(&app.places.data).is_some() {
        if interrupt::requested() {
            return Err(CliError::interrupted("stopped waiting; the daemon ends when it can"));
        }
        if Instant::now() > until {
            let pid = holder.0.map_or("?".to_owned(), |pid| pid.to_string());
            return Err(CliError::new(format!("the daemon (process {pid}) does not end"))
                .hint(format!("kill -9 {pid} ends it; nothing that was indexed is lost")));
        }
        std::thread::sleep(LOOK_EVERY);
    }
    app.say("the daemon has ended");
    Ok(EXIT_OK)
}

fn terminate(pid: Option<u32>) {
    let pid = pid.and_then(|pid| i32::try_from(pid).ok()).and_then(rustix::process::Pid::from_raw);
    if let Some(pid) = pid {
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
    }
}

fn status(app: &App, as_json: bool) -> Result<u8, CliError> {
    let Some(client) = client::reach(app)? else {
        if as_json {
            output::print(&json::line(&DaemonStatus::default())?)?;
        } else {
            app.say("no daemon is running; `lsearch daemon start` starts it");
        }
        return Ok(EXIT_NOTHING_FOUND);
    };
    let status = client.status(app)?;
    output::print(&if as_json { json::line(&status)? } else { human(&status) })?;
    Ok(EXIT_OK)
}

fn human(status: &DaemonStatus) -> String {
    let uptime = units::duration(Duration::from_secs(status.uptime_sec));
    let mut text = format!(
        "process     {} (lsearch {}), for {uptime}\ndoes        {}\n",
        status.pid,
        status.version,
        in_words(status)
    );
    if let Some(trouble) = &status.trouble {
        text.push_str(&format!("trouble     {trouble}\n"));
    }
    if let Some(reason) = &status.paused {
        text.push_str(&format!("paused      {reason}\n"));
    }
    let checked = match status.reconciled_sec_ago {
        Some(seconds) => format!("{} ago", units::duration(Duration::from_secs(seconds))),
        None => "not yet".to_owned(),
    };
    text.push_str(&format!(
        "checked     {checked}\nmemory      {}{}\nlog         {}\n",
        units::bytes(status.memory_bytes),
        if status.encoder_loaded { ", ready for queries by meaning" } else { "" },
        shorten_home(Path::new(&status.log))
    ));
    text.push_str(&format!("watches     {}\n", units::plural(status.watched_folders, "folder")));
    for root in &status.roots {
        let note = match (root.online, &root.reason) {
            (false, _) => "  (not there now)".to_owned(),
            (true, Some(reason)) => format!("  (looked at every now and then: {reason})"),
            (true, None) => String::new(),
        };
        text.push_str(&format!(
            "  {}{note}\n",
            paint(style::PATH, shorten_home(Path::new(&root.path)))
        ));
    }
    text
}

/// What the daemon does, in a few words.
pub fn in_words(status: &DaemonStatus) -> String {
    match (status.state.as_str(), status.doing.as_str()) {
        ("idle", _) => "waits for changes".to_owned(),
        ("paused", _) => "waits for changes; encoding is paused".to_owned(),
        ("trouble", _) => "cannot write the index now, and tries again".to_owned(),
        ("starting", _) => "looks through the folders".to_owned(),
        (state, "") => state.to_owned(),
        (state, doing) => format!("{state}: {doing}"),
    }
}

fn pause(app: &App, time: Option<&str>) -> Result<u8, CliError> {
    let seconds = time.map(parse_time).transpose()?;
    running(app)?.call(app, &Request::Pause { seconds })?;
    app.say(match time {
        Some(time) => format!("encoding is paused for {time}"),
        None => "encoding is paused until `lsearch daemon resume`".to_owned(),
    });
    Ok(EXIT_OK)
}

/// `90s`, `30m`, `2h` or `1d` in seconds.
fn parse_time(text: &str) -> Result<u64, CliError> {
    let wrong = || {
        CliError::new(format!("--for {text}: not a length of time")).hint("use e.g. 30m, 2h or 1d")
    };
    let unit = text.chars().next_back().ok_or_else(wrong)?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        _ => return Err(wrong()),
    };
    let number: u64 = text[..text.len() - 1].parse().map_err(|_| wrong())?;
    number.checked_mul(seconds).filter(|seconds| *seconds > 0).ok_or_else(wrong)
}

fn log_path(app: &App) -> PathBuf {
    log::path(&app.places.state, &app.places.socket)
}

fn logs(app: &App, lines: usize, follow: bool) -> Result<u8, CliError> {
    let path = log_path(app);
    let mut file = match std::fs::File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            app.say(format_args!("no log yet: {}", shorten_home(&path)));
            return Ok(EXIT_NOTHING_FOUND);
        }
        Err(error) => return Err(CliError::io(&path, &error)),
    };
    // Someone else's locale may have been at work on it.
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).map_err(|error| CliError::io(&path, &error))?;
    let text = String::from_utf8_lossy(&bytes);
    let all: Vec<&str> = text.lines().collect();
    let shown = &all[all.len().saturating_sub(lines)..];
    output::print(&shown.iter().map(|line| format!("{line}\n")).collect::<String>())?;
    if follow {
        follow_log(&path, bytes.len() as u64)?;
    }
    Ok(EXIT_OK)
}

fn follow_log(path: &Path, mut at: u64) -> Result<(), CliError> {
    interrupt::install()
        .map_err(|error| CliError::new(format!("cannot watch for Ctrl-C: {error}")))?;
    while !interrupt::requested() {
        std::thread::sleep(Duration::from_millis(200));
        let Ok(mut file) = std::fs::File::open(path) else { continue };
        let length = file.metadata().map_or(0, |metadata| metadata.len());
        // A new file was begun.
        if length < at {
            at = 0;
        }
        let mut more = Vec::new();
        let read = file.seek(SeekFrom::Start(at)).and_then(|_| file.read_to_end(&mut more));
        at += read.map_err(|error| CliError::io(path, &error))? as u64;
        output::print(&String::from_utf8_lossy(&more))?;
    }
    Ok(())
}

/// A service file and the commands that put it to work.
struct Service {
    file: PathBuf,
    text: String,
    enable: Vec<Vec<String>>,
    disable: Vec<Vec<String>>,
}

fn service(app: &App) -> Result<Service, CliError> {
    let dirs = directories::BaseDirs::new()
        .ok_or_else(|| CliError::new("no home folder is known").hint("set HOME"))?;
    let (binary, args) = (this_program()?, own_flags(app));
    let environment = own_environment();
    let program = Program { binary: &binary, args: &args, environment: &environment };
    let words = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
    if cfg!(target_os = "macos") {
        let file = unit::launchd_path(dirs.home_dir());
        let shown = file.to_string_lossy().into_owned();
        return Ok(Service {
            text: unit::launchd(&program),
            enable: vec![vec!["launchctl".into(), "load".into(), "-w".into(), shown.clone()]],
            disable: vec![vec!["launchctl".into(), "unload".into(), "-w".into(), shown]],
            file,
        });
    }
    let name = unit::SYSTEMD_NAME;
    Ok(Service {
        file: unit::systemd_path(dirs.config_dir()),
        text: unit::systemd(&program),
        enable: vec![
            words("systemctl --user daemon-reload"),
            words(&format!("systemctl --user enable {name}")),
            words(&format!("systemctl --user restart {name}")),
        ],
        disable: vec![words(&format!("systemctl --user disable --now {name}"))],
    })
}

fn install(app: &App, print: bool) -> Result<u8, CliError> {
    let service = service(app)?;
    if print {
        output::print(&service.text)?;
        return Ok(EXIT_OK);
    }
    let folder = service.file.parent().unwrap_or(Path::new("/"));
    std::fs::create_dir_all(folder).map_err(|error| CliError::io(folder, &error))?;
    std::fs::write(&service.file, &service.text)
        .map_err(|error| CliError::io(&service.file, &error))?;
    app.say(format_args!("{} written", shorten_home(&service.file)));
    // One that was started by hand would stand in the service's way.
    if lock::holder(&app.places.data).is_some() {
        stop(app)?;
    }
    for command in &service.enable {
        if let Err(reason) = quietly(command) {
            let by_hand: Vec<String> = service.enable.iter().map(|one| one.join(" ")).collect();
            return Err(CliError::new(format!("{}: {reason}", command.join(" "))).hint(format!(
                "the service file is in place; where your session has a service manager, run:\n{}\n\
                 (`lsearch daemon start` runs the daemon until the machine is shut down)",
                by_hand.join("\n")
            )));
        }
    }
    app.say(
        "the daemon runs now and after every login; `lsearch daemon uninstall` takes that back",
    );
    Ok(EXIT_OK)
}

fn uninstall(app: &App) -> Result<u8, CliError> {
    let service = service(app)?;
    let installed = service.file.exists();
    if installed {
        for command in &service.disable {
            if let Err(reason) = quietly(command) {
                app.detail(format_args!("{}: {reason}", command.join(" ")));
            }
        }
        std::fs::remove_file(&service.file).map_err(|error| CliError::io(&service.file, &error))?;
        app.say(format_args!("{} removed", shorten_home(&service.file)));
    }
    if lock::holder(&app.places.data).is_some() {
        stop(app)?;
    }
    if !installed {
        app.say("the daemon was not installed");
    }
    Ok(EXIT_OK)
}

/// Runs a command; what it said when it failed.
fn quietly(command: &[String]) -> Result<(), String> {
    let output = Command::new(&command[0])
        .args(&command[1..])
        .stdin(Stdio::null())
        .output()
        .map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(if said.is_empty() { output.status.to_string() } else { said })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time() {
        assert_eq!(parse_time("90s").unwrap(), 90);
        assert_eq!(parse_time("2h").unwrap(), 7200);
        for wrong in ["", "m", "2", "-1h", "0m", "2w", "99999999999999999999d", "1é"] {
            assert!(parse_time(wrong).is_err(), "{wrong}");
        }
    }
}
