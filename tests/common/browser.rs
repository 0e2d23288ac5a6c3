//! `lsearch serve`, and the least of an HTTP client: it says exactly what a test wants said.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use serde_json::Value;

/// A slow machine may take so long for what should take a moment.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running `lsearch serve`, which ends with it.
pub struct Serve {
    child: Child,
    /// As it was printed.
    pub address: String,
    /// 127.0.0.1 and the port.
    pub host: String,
    /// What the address holds.
    pub token: String,
}

/// What was answered.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Serve {
    /// Starts `lsearch serve`, already given its arguments, and waits for its address.
    #[track_caller]
    pub fn start(mut command: Command) -> Self {
        let mut child = command.spawn().expect("a runnable lsearch");
        let stdout = child.stdout.take().expect("its stdout");
        let mut address = String::new();
        BufReader::new(stdout).read_line(&mut address).expect("an address");
        let address = address.trim_end().to_owned();
        let rest = address.strip_prefix("http://").expect("a URL");
        let (host, token) = rest.split_once("/?token=").expect("a token");
        let (host, token) = (host.to_owned(), token.to_owned());
        assert_eq!(token.len(), 64, "{address}");
        Self { child, address, host, token }
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The port of the host.
    pub fn port(&self) -> &str {
        self.host.rsplit(':').next().expect("a port")
    }

    /// The header that lets in.
    pub fn cookie(&self) -> String {
        format!("Cookie: lsearch-{}={}", self.port(), self.token)
    }

    /// Sends bytes as they are and reads all that comes back.
    pub fn raw(&self, request: &[u8]) -> Answer {
        let mut stream = TcpStream::connect(&self.host).expect("a connection");
        stream.set_read_timeout(Some(PATIENCE)).expect("a patience");
        // One that is refused in the middle does not take the rest.
        let _ = stream.write_all(request);
        let mut bytes = Vec::new();
        if let Err(error) = stream.read_to_end(&mut bytes) {
            assert!(!bytes.is_empty(), "no answer: {error}");
        }
        Answer::read(&bytes)
    }

    /// A request with these header lines, of which Host is one unless it is given.
    pub fn ask(&self, method: &str, path: &str, headers: &[&str], body: &[u8]) -> Answer {
        let host = format!("Host: {}", self.host);
        let length = format!("Content-Length: {}", body.len());
        let mut lines = vec![format!("{method} {path} HTTP/1.1")];
        if !headers.iter().any(|header| header.starts_with("Host:")) {
            lines.push(host);
        }
        lines.extend(headers.iter().map(|&header| header.to_owned()));
        if !body.is_empty() || method == "POST" {
            lines.push(length);
        }
        lines.push("Connection: close\r\n\r\n".to_owned());
        self.raw(&[lines.join("\r\n").as_bytes(), body].concat())
    }

    /// `GET` with the key.
    pub fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &[&self.cookie()], b"")
    }

    /// `GET` with the key, which must be answered with JSON.
    #[track_caller]
    pub fn json(&self, path: &str) -> Value {
        let answer = self.get(path);
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        answer.json()
    }

    /// `POST` as the page does it.
    pub fn post(&self, path: &str) -> Answer {
        let origin = format!("Origin: http://{}", self.host);
        self.ask("POST", path, &[&self.cookie(), &origin, "Sec-Fetch-Site: same-origin"], b"")
    }

    /// Sends a signal and waits for the end; gives the exit code and what it said on stderr.
    pub fn end(mut self, signal: &str) -> (i32, String) {
        let pid = self.pid().to_string();
        Command::new("kill").args([signal, &pid]).status().expect("a runnable kill");
        let until = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("a child") {
                break status;
            }
            assert!(Instant::now() < until, "it does not end");
            std::thread::sleep(Duration::from_millis(20));
        };
        let mut said = String::new();
        if let Some(mut stderr) = self.child.stderr.take() {
            stderr.read_to_string(&mut said).expect("UTF-8");
        }
        (status.code().unwrap_or(-1), said)
    }
}

impl Drop for Serve {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Answer {
    #[track_caller]
    fn read(bytes: &[u8]) -> Self {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
        let end = end.unwrap_or_else(|| panic!("no head in {:?}", String::from_utf8_lossy(bytes)));
        let head = std::str::from_utf8(&bytes[..end]).expect("a head in ASCII");
        let mut lines = head.lines();
        let status = lines.next().and_then(|line| line.split(' ').nth(1)).expect("a status line");
        let headers = lines.filter_map(|line| line.split_once(": "));
        Self {
            status: status.parse().expect("a status"),
            headers: headers.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect(),
            body: bytes[end + 4..].to_vec(),
        }
    }

    /// The header of this name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The body.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("not JSON: {error}\n{}", self.text()))
    }
}
