//! A person at a terminal: an own data folder, an own folder of documents, and the real binary.

pub mod browser;
pub mod office;
pub mod pack;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;

use serde_json::Value;
use tempfile::TempDir;

/// The repository's root.
pub fn repository() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// An encoder of 20 KB: its vectors mean little and cost next to nothing.
pub fn tiny_encoder() -> PathBuf {
    repository().join("engine/tests/tiny-whole")
}

/// The ONNX Runtime that every test shares: `LSEARCH_ORT_LIB`, or fetched once into `target/onnxruntime`.
pub fn onnx_runtime() -> &'static Path {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        if let Some(named) = std::env::var_os("LSEARCH_ORT_LIB") {
            return PathBuf::from(named);
        }
        let folder = repository().join("target/onnxruntime");
        std::fs::create_dir_all(&folder).expect("a writable target folder");
        // Tests of several packages may want it at the same time; one fetches, the others wait.
        let lock = std::fs::File::create(folder.join("LOCK")).expect("a lock file");
        lock.lock().expect("the lock");
        let candidates = lsearch_engine::runtime::Candidates {
            folders: vec![folder.clone()],
            ..lsearch_engine::runtime::Candidates::default()
        };
        match lsearch_engine::runtime::find(&candidates).expect("a readable folder") {
            Some(found) => found.path,
            None => lsearch_engine::runtime::install(&folder, Path::new("python3"), &|_| {})
                .expect("ONNX Runtime by pip"),
        }
    })
}

/// What a command printed and how it ended.
#[derive(Debug)]
pub struct Ran {
    /// Exit code; -1 when a signal ended it.
    pub code: i32,
    /// Results.
    pub stdout: String,
    /// Everything else.
    pub stderr: String,
}

impl Ran {
    pub fn of(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).expect("UTF-8 results"),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// The exit code must be this one.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// Found, or done.
    #[track_caller]
    pub fn ok(self) -> Self {
        self.exits(0)
    }

    /// The results as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| {
            panic!("not JSON: {error}\nstdout:\n{}\nstderr:\n{}", self.stdout, self.stderr)
        })
    }

    /// stderr must say this.
    #[track_caller]
    pub fn says(self, part: &str) -> Self {
        assert!(self.stderr.contains(part), "no {part:?} in:\n{}", self.stderr);
        self
    }

    /// stderr must not say this.
    #[track_caller]
    pub fn does_not_say(self, part: &str) -> Self {
        assert!(!self.stderr.contains(part), "{part:?} in:\n{}", self.stderr);
        self
    }
}

/// A person's machine, gone at the end of the test.
pub struct Desk {
    home: TempDir,
}

impl Desk {
    /// An empty home with an empty folder of documents.
    pub fn new() -> Self {
        let home = TempDir::new().expect("a temporary folder");
        std::fs::create_dir(home.path().join("docs")).expect("a folder");
        Self { home }
    }

    /// The home folder, without symbolic links in its path.
    pub fn home(&self) -> PathBuf {
        std::fs::canonicalize(self.home.path()).expect("an existing folder")
    }

    /// The folder of documents.
    pub fn docs(&self) -> PathBuf {
        self.home().join("docs")
    }

    /// The data folder.
    pub fn data(&self) -> PathBuf {
        self.home().join("data")
    }

    /// Writes a document, with the folders above it.
    pub fn write(&self, name: &str, contents: impl AsRef<[u8]>) -> PathBuf {
        let path = self.docs().join(name);
        std::fs::create_dir_all(path.parent().expect("a folder above")).expect("folders");
        std::fs::write(&path, contents).expect("a written file");
        path
    }

    /// The command, not yet run: nothing of the real home or environment reaches it.
    pub fn command<I, S>(&self, args: I) -> Command
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        // Another one, such as an installed one, can be put to the test in place of the one just built.
        let named = std::env::var_os("LSEARCH_TEST_BINARY");
        let mut command =
            Command::new(named.unwrap_or_else(|| env!("CARGO_BIN_EXE_lsearch").into()));
        command
            .args(args)
            .current_dir(self.home())
            .env_clear()
            .env("HOME", self.home())
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("LSEARCH_DATA_DIR", self.data())
            .env("LSEARCH_ENCODER", repository().join("engine/encoders/monarch-32k-384"))
            .env("LSEARCH_ORT_LIB", onnx_runtime())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs it to its end.
    pub fn run<I, S>(&self, args: I) -> Ran
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        Ran::of(self.command(args).output().expect("a runnable lsearch"))
    }

    /// Starts it and does not wait.
    pub fn start<I, S>(&self, args: I) -> Child
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        self.command(args).spawn().expect("a runnable lsearch")
    }

    /// `lsearch add docs`, which must succeed.
    #[track_caller]
    pub fn add(&self) -> Ran {
        self.run(["add", "docs"]).ok()
    }

    /// The paths a keyword search finds, relative to the folder of documents, best first.
    #[track_caller]
    pub fn find(&self, query: &str) -> Vec<String> {
        self.find_with(&["--mode", "keyword"], query)
    }

    /// The same with flags of one's own.
    #[track_caller]
    pub fn find_with(&self, flags: &[&str], query: &str) -> Vec<String> {
        let ran = self.run(["search", "--json"].iter().chain(flags).chain(&["--", query]));
        assert!(ran.code == 0 || ran.code == 1, "{ran:?}");
        self.relative(&ran.json())
    }

    /// The paths of a `--json` result, relative to the folder of documents.
    pub fn relative(&self, results: &Value) -> Vec<String> {
        let docs = self.docs();
        results["hits"]
            .as_array()
            .expect("hits")
            .iter()
            .map(|hit| {
                let path = Path::new(hit["path"].as_str().expect("a path"));
                path.strip_prefix(&docs).unwrap_or(path).to_string_lossy().into_owned()
            })
            .collect()
    }

    /// `lsearch status --json`.
    #[track_caller]
    pub fn status(&self) -> Value {
        self.run(["status", "--json"]).ok().json()
    }

    /// One of the document counts: seen, keyword, semantic, failed or skipped.
    #[track_caller]
    pub fn count(&self, name: &str) -> u64 {
        self.status()["documents"][name].as_u64().expect("a count")
    }

    /// The reason that `status` gives for a failed document.
    #[track_caller]
    pub fn failure(&self, name: &str) -> String {
        let path = self.docs().join(name).to_string_lossy().into_owned();
        let status = self.status();
        let failed = status["failed"].as_array().expect("failures");
        let found = failed.iter().find(|failure| failure["path"] == path.as_str());
        found.unwrap_or_else(|| panic!("{name} has not failed: {failed:?}"))["reason"]
            .as_str()
            .expect("a reason")
            .to_owned()
    }
}

/// A text of its own: what one document says and no other does.
pub fn note(topic: &str) -> String {
    format!(
        "Notes on {topic}\n\nThis page is about {topic} and nothing else. Whoever wants to know about \
         {topic} should read it to the end, for {topic} is treated here with some care.\n"
    )
}

/// Runs a shell script, with lsearch as `$1`, in namespaces of its own (the flags of `unshare`); `None` where `probe`
/// shows that they are not to be had. Gives the exit code and all that was said.
#[cfg(target_os = "linux")]
pub fn in_namespace(desk: &Desk, flags: &str, probe: &str, script: &str) -> Option<(i32, String)> {
    let probed = Command::new("unshare").args([flags, "sh", "-c", probe]).output();
    if !probed.is_ok_and(|output| output.status.success()) {
        return None;
    }
    let template = desk.command(Vec::<String>::new());
    let environment = template.get_envs().filter_map(|(key, value)| Some((key, value?)));
    let output = Command::new("unshare")
        .args([flags, "sh", "-c", script, "sh"])
        .arg(template.get_program())
        .env_clear()
        .envs(environment)
        .current_dir(desk.home())
        .output()
        .expect("a runnable unshare");
    let said =
        [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    Some((output.status.code().unwrap_or(-1), said.concat()))
}
