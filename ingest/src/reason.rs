//! Why a file gave no document, in words that can be shown to its owner as they are.

use std::fmt;
use std::io;

use serde::{Deserialize, Serialize};

/// The file was left out on purpose; trying again would not change that.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SkipReason {
    /// Its bytes are not text in any encoding we know, nor a format we read.
    Binary,
    /// A format that we know by name or by its first bytes, but do not read.
    Unsupported {
        /// Short name of the format, such as "docx" or "png".
        format: String,
    },
    /// No bytes at all.
    Empty,
    /// A readable file without any visible text.
    NoText,
    /// A PDF whose pages hold pictures only.
    NoTextLayer,
    /// A document that opens only with a password or a key.
    Encrypted,
    /// More bytes than the configured limit.
    TooLarge {
        /// The limit in bytes.
        limit_bytes: u64,
    },
    /// Keys, passwords and the like.
    Secret,
    /// Symbolic links are not followed, so that nothing is indexed twice or from outside the folder.
    Symlink,
    /// A named pipe, socket or device.
    Special {
        /// What it is, in words.
        what: String,
    },
}

impl fmt::Display for SkipReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Binary => f.write_str("binary file"),
            Self::Unsupported { format } => write!(f, "format not supported yet ({format})"),
            Self::Empty => f.write_str("empty file"),
            Self::NoText => f.write_str("no text in the file"),
            Self::NoTextLayer => f.write_str("no text layer (scanned PDF?)"),
            Self::Encrypted => f.write_str("encrypted with a password"),
            Self::TooLarge { limit_bytes } => {
                write!(
                    f,
                    "larger than the limit of {} (max_file_mb in the configuration)",
                    Size(*limit_bytes)
                )
            }
            Self::Secret => f.write_str("looks like a secret (key, password or credentials)"),
            Self::Symlink => f.write_str("symbolic link (not followed)"),
            Self::Special { what } => write!(f, "not a regular file ({what})"),
        }
    }
}

/// Something went wrong with the file; it may work after the file changes or on another try.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailReason {
    /// The file or folder may not be read by this user.
    PermissionDenied,
    /// It was gone when it was to be read.
    Vanished,
    /// It kept changing while it was being read.
    Changed,
    /// The operating system could not read it.
    Io {
        /// What the operating system said.
        message: String,
    },
    /// The file does not keep to its format.
    Damaged {
        /// Short name of the format.
        format: String,
        /// What was wrong, as far as it is known.
        detail: String,
    },
    /// The child process was refused more memory.
    MemoryLimit {
        /// The limit in bytes.
        limit_bytes: u64,
    },
    /// The child process used up its processor time.
    CpuLimit {
        /// The limit in seconds.
        limit_sec: u64,
    },
    /// The child process gave no answer in time.
    TimeLimit {
        /// The limit in seconds.
        limit_sec: u64,
    },
    /// More text than the configured limit.
    TextTooLong {
        /// The limit in bytes.
        limit_bytes: u64,
    },
    /// Nested so deeply that the stack ran out.
    TooDeep,
    /// An archive within archives, deeper than is followed.
    TooNested {
        /// How many may lie within one another.
        limit: u32,
    },
    /// An archive or mailbox of more documents than are read; those read are kept.
    TooManyMembers {
        /// The limit.
        limit: u64,
    },
    /// What it unpacks to is out of all proportion; what was read of it is kept.
    TooInflated {
        /// So much was unpacked.
        limit_bytes: u64,
    },
    /// Several documents in it brought down the process that read them; the others are kept.
    TooHarmful {
        /// How many.
        limit: usize,
    },
    /// The child process died or answered nonsense.
    Crashed {
        /// The signal, the exit status or the panic message.
        detail: String,
    },
    /// No child process could be started; says nothing about the file.
    Unavailable {
        /// Why not.
        detail: String,
    },
}

impl FailReason {
    /// Whether the trouble is of the moment rather than of the file, so that it should be tried
    /// again by itself and not be recorded against this version of the file.
    pub fn is_temporary(&self) -> bool {
        matches!(self, Self::Vanished | Self::Changed | Self::Unavailable { .. })
    }

    pub(crate) fn from_io(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::PermissionDenied => Self::PermissionDenied,
            io::ErrorKind::NotFound => Self::Vanished,
            _ => Self::Io { message: error.to_string() },
        }
    }
}

impl fmt::Display for FailReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PermissionDenied => f.write_str("permission denied"),
            Self::Vanished => f.write_str("the file went away before it was read"),
            Self::Changed => f.write_str("the file kept changing while it was read"),
            Self::Io { message } => write!(f, "cannot be read: {message}"),
            Self::Damaged { format, detail } => write!(f, "damaged {format} file: {detail}"),
            Self::MemoryLimit { limit_bytes } => {
                write!(f, "extraction ran over its memory limit of {}", Size(*limit_bytes))
            }
            Self::CpuLimit { limit_sec } => {
                write!(f, "extraction ran over its limit of {limit_sec} s of processor time")
            }
            Self::TimeLimit { limit_sec } => {
                write!(f, "extraction gave no answer within its limit of {limit_sec} s")
            }
            Self::TextTooLong { limit_bytes } => {
                write!(f, "holds more text than the limit of {}", Size(*limit_bytes))
            }
            Self::TooDeep => f.write_str("nested too deeply to be read"),
            Self::TooNested { limit } => {
                write!(f, "archives within archives are followed {limit} deep, this lies deeper")
            }
            Self::TooManyMembers { limit } => {
                write!(f, "holds more than {limit} documents; those after them are left out")
            }
            Self::TooInflated { limit_bytes } => write!(
                f,
                "unpacks to more than {}, out of all proportion (a decompression bomb?); the rest is left out",
                Size(*limit_bytes)
            ),
            Self::TooHarmful { limit } => {
                write!(f, "{limit} documents in it ended extraction; those after them are left out")
            }
            Self::Crashed { detail } => write!(f, "extraction crashed ({detail})"),
            Self::Unavailable { detail } => {
                write!(f, "the extraction process could not be started: {detail}")
            }
        }
    }
}

/// A number of bytes in the largest unit that keeps it exact to one decimal.
struct Size(u64);

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
        if self.0 < 1024 {
            return write!(f, "{} bytes", self.0);
        }
        let mut value = self.0 as f64 / 1024.0;
        let mut unit = 0;
        while value >= 1024.0 && unit + 1 < UNITS.len() {
            value /= 1024.0;
            unit += 1;
        }
        if value.fract() < 0.05 {
            write!(f, "{value:.0} {}", UNITS[unit])
        } else {
            write!(f, "{value:.1} {}", UNITS[unit])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_read_as_plain_words() {
        let skip = SkipReason::TooLarge { limit_bytes: 1 << 30 };
        assert_eq!(
            skip.to_string(),
            "larger than the limit of 1 GiB (max_file_mb in the configuration)"
        );
        let skip = SkipReason::Unsupported { format: "docx".to_owned() };
        assert_eq!(skip.to_string(), "format not supported yet (docx)");
        let fail = FailReason::MemoryLimit { limit_bytes: 1536 << 20 };
        assert_eq!(fail.to_string(), "extraction ran over its memory limit of 1.5 GiB");
        assert_eq!(Size(17).to_string(), "17 bytes");
    }

    #[test]
    fn reasons_survive_json() {
        let fail = FailReason::Damaged { format: "pdf".to_owned(), detail: "no xref".to_owned() };
        let json = serde_json::to_string(&fail).unwrap();
        assert_eq!(serde_json::from_str::<FailReason>(&json).unwrap(), fail);
        assert!(!fail.is_temporary());
        assert!(FailReason::Changed.is_temporary());
    }
}
