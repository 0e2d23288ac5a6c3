//! A command's end of the socket.

use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use super::lock;
use super::protocol::{DaemonStatus, Event, Hello, PROTOCOL, Request};
use crate::app::{App, Message};
use crate::args::DeviceArg;
use crate::errors::CliError;
use crate::interrupt;
use crate::output;
use crate::output::progress::Stage;
use crate::places::path_variable;

/// A daemon that does not greet within this hangs.
const GREETING_PATIENCE: Duration = Duration::from_secs(5);
/// How often Ctrl-C is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// A connection to the daemon of the invocation's data folder.
pub struct Client {
    stream: UnixStream,
    reader: BufReader<UnixStream>,
    /// How it introduced itself.
    pub hello: Hello,
}

/// The daemon, where one runs and is to be asked.
///
/// # Errors
/// When one is there but does not answer, or speaks another protocol.
pub fn connect(app: &App) -> Result<Option<Client>, CliError> {
    if std::env::var_os("LSEARCH_NO_DAEMON").is_some_and(|value| !value.is_empty()) {
        return Ok(None);
    }
    reach(app)
}

/// The same whatever the environment says.
pub fn reach(app: &App) -> Result<Option<Client>, CliError> {
    let socket = &app.places.socket;
    let stream = match UnixStream::connect(socket) {
        Ok(stream) => stream,
        // Nobody there: none was started, or it was killed and left its socket.
        Err(error)
            if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) =>
        {
            return Ok(None);
        }
        Err(error) => {
            return Err(
                CliError::io(socket, &error).hint("LSEARCH_NO_DAEMON=1 works without the daemon")
            );
        }
    };
    let failed = |error: &std::io::Error| {
        let pid = lock::holder(&app.places.data).and_then(|holder| holder.0);
        let who = pid.map(|pid| format!(" (process {pid})")).unwrap_or_default();
        CliError::new(format!("the daemon{who} does not answer: {error}"))
            .hint("end it with `lsearch daemon stop`; LSEARCH_NO_DAEMON=1 works without it")
    };
    let greet = || -> std::io::Result<(BufReader<UnixStream>, String)> {
        stream.set_read_timeout(Some(GREETING_PATIENCE))?;
        stream.set_write_timeout(Some(GREETING_PATIENCE))?;
        let mut reader = BufReader::new(stream.try_clone()?);
        let mut line = String::new();
        reader.read_line(&mut line)?;
        Ok((reader, line))
    };
    let (reader, line) = greet().map_err(|error| failed(&error))?;
    if line.is_empty() {
        return Err(failed(&ErrorKind::UnexpectedEof.into()));
    }
    let hello: Hello = serde_json::from_str(&line).map_err(|error| {
        CliError::new(format!("{}: not an lsearch daemon: {error}", socket.display()))
    })?;
    Ok(Some(Client { stream, reader, hello }))
}

impl Client {
    /// Whether what it answers is what this invocation would: same encoder, device and configuration.
    pub fn is_like(&self, app: &App) -> bool {
        let encoder =
            path_variable("LSEARCH_ENCODER").map(|path| path.to_string_lossy().into_owned());
        let device = app.device == DeviceArg::Auto || self.hello.device == app.device.name();
        self.hello.protocol == PROTOCOL
            && device
            && self.hello.encoder == encoder
            && self.hello.config == app.places.config_file.to_string_lossy()
    }

    /// Tells a person whose choices the daemon does not share.
    pub fn warn_if_unlike(&self, app: &App) {
        if self.hello.protocol == PROTOCOL && !self.is_like(app) {
            app.warn(format_args!(
                "the daemon (process {}) does this with the device, encoder and configuration it was \
                 started with",
                self.hello.pid
            ));
        }
    }

    /// Has it do something and shows what it says; gives the command's exit code.
    pub fn call(self, app: &App, request: &Request) -> Result<u8, CliError> {
        self.ask(app, request, |_| {})
    }

    /// How the daemon stands.
    pub fn status(self, app: &App) -> Result<DaemonStatus, CliError> {
        let mut found = None;
        self.ask(app, &Request::Status, |status| found = Some(status))?;
        found.ok_or_else(|| CliError::new("the daemon did not tell how it stands"))
    }

    fn ask(
        mut self,
        app: &App,
        request: &Request,
        mut status: impl FnMut(DaemonStatus),
    ) -> Result<u8, CliError> {
        self.check_protocol()?;
        let pid = self.hello.pid;
        let lost = |error: &dyn std::fmt::Display| {
            CliError::new(format!("the daemon (process {pid}) went away: {error}"))
                .hint("`lsearch daemon logs` may tell why; run the command again to go on")
        };
        let mut line = serde_json::to_string(request)
            .map_err(|error| CliError::new(format!("cannot ask the daemon: {error}")))?;
        line.push('\n');
        self.stream.write_all(line.as_bytes()).map_err(|error| lost(&error))?;
        self.stream.set_read_timeout(Some(LOOK_EVERY)).map_err(|error| lost(&error))?;
        let mut shown = Shown::default();
        let mut line = Vec::new();
        loop {
            match self.reader.read_until(b'\n', &mut line) {
                Ok(0) => return Err(lost(&"no answer")),
                Ok(_) if line.ends_with(b"\n") => {}
                Ok(_) => return Err(lost(&"half an answer")),
                // What came so far stays in `line`.
                Err(error)
                    if matches!(
                        error.kind(),
                        ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted
                    ) =>
                {
                    if interrupt::requested() {
                        shown.end();
                        return Err(CliError::interrupted(
                            "stopped waiting; the daemon goes on (lsearch status tells how far it is)",
                        ));
                    }
                    continue;
                }
                Err(error) => return Err(lost(&error)),
            }
            let event: Event = serde_json::from_slice(&line).map_err(|error| {
                CliError::new(format!("the daemon said something unknown: {error}"))
            })?;
            line.clear();
            match event {
                Event::Say { text } => shown.message(app, Message::Say, &text),
                Event::Detail { text } => shown.message(app, Message::Detail, &text),
                Event::Warn { text } => shown.message(app, Message::Warn, &text),
                Event::Progress { stage, done, total, words } => {
                    shown.progress(app, &stage, done, total, words);
                }
                Event::Out { text } => output::print(&text)?,
                Event::Status { daemon } => status(daemon),
                Event::End { code } => return Ok(code),
                Event::Error { message, hint, code } => {
                    let error = CliError::new(message).exit_code(code);
                    return Err(match hint {
                        Some(hint) => error.hint(hint),
                        None => error,
                    });
                }
            }
        }
    }

    fn check_protocol(&self) -> Result<(), CliError> {
        let Hello { lsearch, protocol, pid, .. } = &self.hello;
        if *protocol == PROTOCOL {
            return Ok(());
        }
        Err(CliError::new(format!(
            "the daemon (process {pid}) is lsearch {lsearch} and speaks protocol {protocol}; this is {} \
             and speaks {PROTOCOL}",
            env!("CARGO_PKG_VERSION")
        ))
        .hint("restart it: lsearch daemon stop && lsearch daemon start"))
    }
}

/// A stage of work as the daemon tells of it.
#[derive(Default)]
struct Shown {
    stage: Option<(String, Stage)>,
}

impl Shown {
    fn message(&mut self, app: &App, kind: Message, text: &str) {
        // A bar would be drawn over the line.
        self.end();
        app.tell(kind, text);
    }

    fn progress(&mut self, app: &App, name: &str, done: u64, total: u64, words: String) {
        let label = match name {
            "reading" => "reading",
            "encoding" => "encoding",
            _ => return,
        };
        if self.stage.as_ref().is_none_or(|(shown, _)| shown != name) {
            self.stage = Some((name.to_owned(), Stage::new(app, label)));
        }
        if let Some((_, stage)) = &self.stage {
            stage.update(done, total, || words);
        }
    }

    fn end(&mut self) {
        self.stage = None;
    }
}
