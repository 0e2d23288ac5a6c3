//! The table of all keys: from it the file is read, checked, shown, changed and documented.

use std::ops::RangeInclusive;

use lsearch_ingest::check_patterns;
use toml_edit::{Array, Value};

use super::Config;
use crate::args::DeviceArg;
use crate::encoder;

/// A key of the configuration.
pub struct Key {
    /// As it stands in the file.
    pub name: &'static str,
    /// What it is for, in one sentence.
    pub about: &'static str,
    /// When a change of it takes effect.
    pub effect: &'static str,
    field: Field,
}

/// Where a key's value stands, which also tells what it may be.
enum Field {
    Device,
    Number(RangeInclusive<u64>, fn(&mut Config) -> &mut u64),
    Switch(fn(&mut Config) -> &mut bool),
    Patterns(fn(&mut Config) -> &mut Vec<String>),
    Languages(fn(&mut Config) -> &mut String),
    Encoder,
}

const NEXT_COMMAND: &str = "with the next command";
const WHAT_IS_READ: &str =
    "with files that are read from then on; `lsearch retry` reads failed ones again";
const DAEMONS: &str = "in the daemon alone";

/// Every key, in the order in which they are shown.
pub const KEYS: [Key; 13] = [
    Key {
        name: "device",
        about: "Where the encoder runs; cuda fails where there is no usable GPU, auto takes the CPU then.",
        effect: NEXT_COMMAND,
        field: Field::Device,
    },
    Key {
        name: "encoder",
        about: "The encoder that documents are read with; `lsearch model use` sets it.",
        effect: "with the next `lsearch add`, which encodes everything with it; the one of before answers meanwhile",
        field: Field::Encoder,
    },
    Key {
        name: "threads",
        about: "Threads that read files and encode; 0 is one for each core.",
        effect: NEXT_COMMAND,
        field: Field::Number(0..=1024, |config| &mut config.threads),
    },
    Key {
        name: "cuda_memory_mb",
        about: "Memory of the GPU that the encoder may take, in MB; 0 is what is free.",
        effect: NEXT_COMMAND,
        field: Field::Number(0..=1_000_000, |config| &mut config.cuda_memory_mb),
    },
    Key {
        name: "exclude",
        about: "What is left out of every folder, in the syntax of a .gitignore.",
        effect: "with the next `lsearch add`, which forgets what is left out from then on",
        field: Field::Patterns(|config| &mut config.exclude),
    },
    Key {
        name: "max_file_mb",
        about: "Files that are larger, in MB, are reported instead of read.",
        effect: "with the next `lsearch add`",
        field: Field::Number(1..=1_000_000, |config| &mut config.max_file_mb),
    },
    Key {
        name: "extract_memory_mb",
        about: "Memory that the reading of one file may take, in MB.",
        effect: WHAT_IS_READ,
        field: Field::Number(64..=1_000_000, |config| &mut config.extract_memory_mb),
    },
    Key {
        name: "extract_wall_sec",
        about: "Time that the reading of one file may take, in seconds.",
        effect: WHAT_IS_READ,
        field: Field::Number(1..=86_400, |config| &mut config.extract_wall_sec),
    },
    Key {
        name: "ocr",
        about: "Read pages of PDFs that are pictures with tesseract, where that is installed.",
        effect: WHAT_IS_READ,
        field: Field::Switch(|config| &mut config.ocr),
    },
    Key {
        name: "ocr_languages",
        about: "The languages of these pages, as tesseract names them.",
        effect: WHAT_IS_READ,
        field: Field::Languages(|config| &mut config.ocr_languages),
    },
    Key {
        name: "graph_threshold_documents",
        about: "From so many encoded documents on, a graph of vectors is kept for quick searches.",
        effect: "with the next `lsearch add`",
        field: Field::Number(0..=1_000_000_000, |config| &mut config.graph_threshold_documents),
    },
    Key {
        name: "encode_share_percent",
        about: "The daemon encodes no more than this share of the time.",
        effect: DAEMONS,
        field: Field::Number(1..=100, |config| &mut config.encode_share_percent),
    },
    Key {
        name: "encode_on_battery",
        about: "The daemon encodes on battery, too.",
        effect: DAEMONS,
        field: Field::Switch(|config| &mut config.encode_on_battery),
    },
];

/// The key of a name.
pub fn find(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name == name)
}

impl Key {
    /// What it may be set to, in words.
    pub fn takes(&self) -> String {
        match &self.field {
            Field::Device => r#""auto", "cpu" or "cuda""#.to_owned(),
            Field::Number(range, _) => {
                format!("a number from {} to {}", range.start(), range.end())
            }
            Field::Switch(_) => "true or false".to_owned(),
            Field::Patterns(_) => r#"a list of patterns, such as ["*.log", "drafts/"]"#.to_owned(),
            Field::Languages(_) => r#"names such as "eng" or "eng+deu""#.to_owned(),
            Field::Encoder => "a name that `lsearch model list` shows".to_owned(),
        }
    }

    /// Whether it is a list, to which something can be added.
    pub fn is_list(&self) -> bool {
        matches!(self.field, Field::Patterns(_))
    }

    /// Its value in a configuration, as it stands in a file.
    pub fn value(&self, config: &Config) -> Value {
        let mut config = config.clone();
        match &self.field {
            Field::Device => config.device.name().into(),
            // Every range ends far below where the format's numbers do.
            Field::Number(_, field) => {
                i64::try_from(*field(&mut config)).unwrap_or(i64::MAX).into()
            }
            Field::Switch(field) => (*field(&mut config)).into(),
            Field::Patterns(field) => Array::from_iter(field(&mut config).iter()).into(),
            Field::Languages(field) => field(&mut config).as_str().into(),
            Field::Encoder => config.encoder.as_str().into(),
        }
    }

    /// Sets it in a configuration.
    ///
    /// # Errors
    /// What is wrong with the value, in words that follow the key's name.
    pub fn set(&self, config: &mut Config, value: &Value) -> Result<(), String> {
        let wrong = || format!("takes {}", self.takes());
        match &self.field {
            Field::Device => config.device = value.as_str().and_then(device).ok_or_else(wrong)?,
            Field::Number(range, field) => {
                let number = value.as_integer().and_then(|number| u64::try_from(number).ok());
                *field(config) =
                    number.filter(|number| range.contains(number)).ok_or_else(wrong)?;
            }
            Field::Switch(field) => *field(config) = value.as_bool().ok_or_else(wrong)?,
            Field::Patterns(field) => {
                let list = value.as_array().ok_or_else(wrong)?;
                let patterns: Option<Vec<String>> =
                    list.iter().map(|one| one.as_str().map(str::to_owned)).collect();
                let patterns = patterns.ok_or_else(wrong)?;
                check_patterns(&patterns)
                    .map_err(|error| format!("has a wrong pattern: {error}"))?;
                *field(config) = patterns;
            }
            Field::Languages(field) => {
                let names = value.as_str().filter(|names| names.split('+').all(is_language));
                *field(config) = names.ok_or_else(wrong)?.to_owned();
            }
            Field::Encoder => {
                let name = value.as_str().filter(|name| encoder::is_name(name));
                config.encoder = name.ok_or_else(wrong)?.to_owned();
            }
        }
        Ok(())
    }

    /// A value as a person writes it on the command line, where quotes are the shell's.
    ///
    /// # Errors
    /// As for [`Key::set`].
    pub fn parse(&self, words: &[String]) -> Result<Value, String> {
        let wrong = || format!("takes {}", self.takes());
        let one = || match words {
            [word] => Ok(word.trim()),
            _ => Err(wrong()),
        };
        let value: Value = match &self.field {
            Field::Patterns(_) => match words {
                [word] if word.trim_start().starts_with('[') => {
                    word.trim().parse::<Value>().map_err(|_| wrong())?
                }
                words => Array::from_iter(words.iter()).into(),
            },
            Field::Switch(_) => match one()?.to_lowercase().as_str() {
                "true" | "yes" | "on" => true.into(),
                "false" | "no" | "off" => false.into(),
                _ => return Err(wrong()),
            },
            Field::Number(..) => {
                one()?.replace('_', "").parse::<i64>().map_err(|_| wrong())?.into()
            }
            Field::Device | Field::Languages(_) | Field::Encoder => one()?.trim_matches('"').into(),
        };
        self.set(&mut Config::default(), &value)?;
        Ok(value)
    }
}

fn device(name: &str) -> Option<DeviceArg> {
    [DeviceArg::Auto, DeviceArg::Cpu, DeviceArg::Cuda].into_iter().find(|one| one.name() == name)
}

/// Whether a name can be one of a language, and no option of the program that is given it.
fn is_language(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "_-/".contains(c))
}
