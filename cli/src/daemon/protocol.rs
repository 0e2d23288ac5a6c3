//! What the daemon and its clients say to each other over the socket: JSON, one object a line.
//!
//! The daemon speaks first ([`Hello`]). The client sends one [`Request`] and reads [`Event`]s up to
//! [`Event::End`] or [`Event::Error`]; then the connection is closed. `docs/DAEMON.md` describes it for other
//! programs. Fields may be added within a version: unknown ones are to be ignored.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::args::{SearchArgs, SimilarArgs};

/// Changes when a client of before would misunderstand a daemon of now, or the other way round.
pub const PROTOCOL: u32 = 2;

/// A request may be no longer than this.
pub const REQUEST_BYTES: u64 = 1 << 20;

/// The daemon's first line.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Hello {
    /// The program's version.
    pub lsearch: String,
    /// [`PROTOCOL`].
    pub protocol: u32,
    /// Its process.
    pub pid: u32,
    /// Whether the watches stand.
    pub ready: bool,
    /// `auto`, `cpu` or `cuda`.
    pub device: String,
    /// The encoder named by `LSEARCH_ENCODER`.
    pub encoder: Option<String>,
    /// The configuration file it read.
    pub config: String,
}

/// What a client may ask for.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "snake_case")]
pub enum Request {
    /// Search; the answer comes as [`Event::Out`].
    Search {
        /// As on the command line.
        #[serde(flatten)]
        args: SearchArgs,
        /// Whether the person's terminal shows links.
        #[serde(default)]
        rich: bool,
    },
    /// Find documents like one; the answer comes as [`Event::Out`].
    Similar {
        /// As on the command line; a path is absolute.
        #[serde(flatten)]
        args: SimilarArgs,
        /// Whether the person's terminal shows links.
        #[serde(default)]
        rich: bool,
    },
    /// Index folders (absolute, without links), or with none bring all up to date.
    Add {
        #[serde(default, with = "paths")]
        folders: Vec<PathBuf>,
        #[serde(default)]
        exclude: Vec<String>,
        /// End when everything is searchable by word.
        #[serde(default)]
        no_wait: bool,
    },
    /// Forget added folders.
    Remove {
        #[serde(with = "paths")]
        folders: Vec<PathBuf>,
    },
    /// Read the failed files again.
    Retry {
        #[serde(default)]
        no_wait: bool,
    },
    /// Build the caches anew.
    Rebuild,
    /// Tell how the daemon stands: [`Event::Status`].
    Status,
    /// End when nothing waits any more.
    Wait,
    /// Stop encoding, for so many seconds or until it is resumed.
    Pause {
        #[serde(default)]
        seconds: Option<u64>,
    },
    /// Go on encoding.
    Resume,
    /// End the daemon.
    Stop,
}

/// What the daemon answers.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A message for the person.
    Say { text: String },
    /// A message that only the curious want.
    Detail { text: String },
    /// A warning.
    Warn { text: String },
    /// How far a stage of work has come.
    Progress { stage: String, done: u64, total: u64, words: String },
    /// Part of the result.
    Out { text: String },
    /// How the daemon stands.
    Status { daemon: DaemonStatus },
    /// It is done; the code is that of the command.
    End { code: u8 },
    /// It could not be done.
    Error { message: String, hint: Option<String>, code: u8 },
}

/// How the daemon stands.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct DaemonStatus {
    /// Always true: there is someone who answers.
    pub running: bool,
    /// Its process.
    pub pid: u32,
    /// The program's version.
    pub version: String,
    /// Seconds since it started.
    pub uptime_sec: u64,
    /// `starting`, `reading`, `encoding`, `paused`, `trouble` or `idle`.
    pub state: String,
    /// The same in words, with how far it has come.
    pub doing: String,
    /// Why encoding is paused.
    pub paused: Option<String>,
    /// What keeps it from writing the index, or from encoding.
    pub trouble: Option<String>,
    /// Seconds since all folders were last compared with the disk.
    pub reconciled_sec_ago: Option<u64>,
    /// Changed paths that wait to be looked at, and jobs.
    pub waiting: u64,
    /// Folders that are watched one by one.
    pub watched_folders: u64,
    /// The added folders.
    pub roots: Vec<RootStatus>,
    /// Whether the queries' encoder is in memory.
    pub encoder_loaded: bool,
    /// Resident memory.
    pub memory_bytes: u64,
    /// Where it writes its log.
    pub log: String,
}

/// How an added folder is followed.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RootStatus {
    /// The folder.
    pub path: String,
    /// Whether it is there.
    pub online: bool,
    /// `events`, or `polling`.
    pub watching: String,
    /// Why it is polled, and what to do about it.
    pub reason: Option<String>,
}

/// Paths as JSON text; one that is not UTF-8 as an array of its bytes.
mod paths {
    use std::ffi::OsString;
    use std::os::unix::ffi::{OsStrExt, OsStringExt};
    use std::path::PathBuf;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    #[serde(untagged)]
    enum Text {
        Unicode(String),
        Bytes(Vec<u8>),
    }

    pub(super) fn serialize<S: Serializer>(
        paths: &[PathBuf],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let text = paths.iter().map(|path| match path.to_str() {
            Some(text) => Text::Unicode(text.to_owned()),
            None => Text::Bytes(path.as_os_str().as_bytes().to_vec()),
        });
        text.collect::<Vec<_>>().serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<PathBuf>, D::Error> {
        let texts = Vec::<Text>::deserialize(deserializer)?;
        let path = |text| match text {
            Text::Unicode(text) => PathBuf::from(text),
            Text::Bytes(bytes) => PathBuf::from(OsString::from_vec(bytes)),
        };
        Ok(texts.into_iter().map(path).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_other_programs_may_leave_out_has_a_default() {
        let request = r#"{"verb":"search","query":["boiler"],"json":true,"limit":3}"#;
        let Request::Search { args, rich } = serde_json::from_str(request).unwrap() else {
            panic!("not a search")
        };
        assert_eq!(
            (args.query.as_slice(), args.results.limit, rich),
            (["boiler".to_owned()].as_slice(), 3, false)
        );
        assert!(args.results.json);
        let add: Request = serde_json::from_str(r#"{"verb":"add","of_tomorrow":1}"#).unwrap();
        assert!(matches!(add, Request::Add { folders, no_wait: false, .. } if folders.is_empty()));
        assert!(serde_json::from_str::<Request>(r#"{"verb":"dance"}"#).is_err());
    }

    #[test]
    fn paths_that_are_not_unicode_come_through() {
        use std::os::unix::ffi::OsStringExt;
        let path = PathBuf::from(std::ffi::OsString::from_vec(b"/a/\xff".to_vec()));
        let request = Request::Remove { folders: vec![path.clone(), PathBuf::from("/ü")] };
        let line = serde_json::to_string(&request).unwrap();
        let Request::Remove { folders } = serde_json::from_str(&line).unwrap() else { panic!() };
        assert_eq!(folders, [path, PathBuf::from("/ü")]);
    }
}
