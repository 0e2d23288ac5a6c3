//! A desk with a daemon.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::{Desk, Ran, repository};

/// A slow machine may take so long for what should take a second.
const PATIENCE: Duration = Duration::from_secs(60);

/// A desk with a daemon, which ends with it.
pub struct Office {
    pub desk: Desk,
}

impl Office {
    pub fn new() -> Self {
        Self { desk: Desk::new() }
    }

    /// The same with a tiny encoder: what is found by meaning is of no matter then.
    pub fn command(&self, args: &[&str]) -> std::process::Command {
        let mut command = self.desk.command(args);
        command.env("LSEARCH_ENCODER", repository().join("engine/tests/tiny-whole"));
        command
    }

    #[track_caller]
    pub fn run(&self, args: &[&str]) -> Ran {
        Ran::of(self.command(args).output().expect("a runnable lsearch"))
    }

    #[track_caller]
    pub fn start(&self) {
        self.run(&["daemon", "start"]).ok().says("is running");
    }

    /// `lsearch daemon status --json`.
    pub fn status(&self) -> Value {
        self.run(&["daemon", "status", "--json"]).json()
    }

    pub fn pid(&self) -> u64 {
        self.status()["pid"].as_u64().expect("a process")
    }

    pub fn kill(&self) {
        let pid = self.pid().to_string();
        std::process::Command::new("kill").args(["-KILL", &pid]).status().unwrap();
        self.wait_until("the daemon is gone", || {
            !Path::new("/proc").join(&pid).exists() || is_zombie(&pid)
        });
    }

    #[track_caller]
    pub fn find(&self, query: &str) -> Vec<String> {
        let ran =
            self.run(&["search", "--json", "--all", "-n", "1000", "--mode", "keyword", query]);
        assert!(matches!(ran.code, 0 | 1), "{ran:?}");
        let mut found = self.desk.relative(&ran.json());
        found.sort();
        found
    }

    /// Waits until a word finds exactly these documents.
    #[track_caller]
    pub fn comes_to(&self, query: &str, expected: &[&str]) {
        let until = Instant::now() + PATIENCE;
        loop {
            let found = self.find(query);
            if found == expected {
                return;
            }
            if Instant::now() > until {
                let log = self.run(&["daemon", "logs", "-n", "40"]).stdout;
                panic!("{query} finds {found:?}, not {expected:?}\n{log}");
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    #[track_caller]
    pub fn wait_until(&self, what: &str, is: impl Fn() -> bool) {
        let until = Instant::now() + PATIENCE;
        while !is() {
            assert!(Instant::now() < until, "{what}: not within {PATIENCE:?}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    pub fn docs(&self) -> PathBuf {
        self.desk.docs()
    }

    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        self.desk.write(name, text)
    }
}

impl Drop for Office {
    fn drop(&mut self) {
        let holder = std::fs::read_to_string(self.desk.data().join("DAEMON")).unwrap_or_default();
        if !holder.is_empty() {
            let _ = std::process::Command::new("kill").args(["-KILL", holder.trim()]).status();
        }
    }
}

/// Whether a process has ended and nobody has asked how.
pub fn is_zombie(pid: &str) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| stat.contains(") Z "))
}
