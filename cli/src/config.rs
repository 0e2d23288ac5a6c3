//! `config.toml`: a person's lasting choices. Flags win over it, it wins over the defaults.

use std::path::Path;

use serde::Deserialize;

use crate::args::DeviceArg;
use crate::errors::CliError;
use crate::places::Places;

/// The file's contents; every key may be left out.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// `auto`, `cpu` or `cuda`.
    device: Option<String>,
    /// Threads for extraction and for the encoder; 0 means one a core.
    pub threads: usize,
    /// GPU memory that the encoder may take, in MB; 0 means what is free.
    pub cuda_memory_mb: usize,
    /// Globs left out of every folder (gitignore syntax).
    pub exclude: Vec<String>,
    /// Files larger than this are reported as failed instead of read.
    pub max_file_mb: u64,
    /// Memory one extraction child may use.
    pub extract_memory_mb: u64,
    /// Wall-clock time one file's extraction may take.
    pub extract_wall_sec: u64,
    /// Pages of PDFs that are pictures are read with `tesseract`.
    pub ocr: bool,
    /// The languages they are in, as `tesseract` names them: `eng`, `eng+deu`.
    pub ocr_languages: String,
    /// From this many encoded documents on, the HNSW graph replaces the exact scan.
    pub graph_threshold_documents: usize,
    /// The daemon rests so that it encodes no more than this share of the time.
    pub encode_share_percent: u8,
    /// The daemon encodes on battery, too.
    pub encode_on_battery: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            device: None,
            threads: 0,
            cuda_memory_mb: 0,
            exclude: Vec::new(),
            max_file_mb: 1024,
            extract_memory_mb: 2048,
            extract_wall_sec: 300,
            ocr: false,
            ocr_languages: "eng".to_owned(),
            graph_threshold_documents: 50_000,
            encode_share_percent: 100,
            encode_on_battery: false,
        }
    }
}

impl Config {
    /// Reads the file, or gives the defaults where there is none.
    pub fn load(places: &Places) -> Result<Self, CliError> {
        let path = &places.config_file;
        match fs_err::read_to_string(path) {
            Ok(text) => Self::parse(&text, path),
            Err(error)
                if error.kind() == std::io::ErrorKind::NotFound && !places.config_file_named =>
            {
                Ok(Self::default())
            }
            Err(error) => Err(CliError::io(path, &error)),
        }
    }

    fn parse(text: &str, path: &Path) -> Result<Self, CliError> {
        let config: Self = toml::from_str(text).map_err(|error| {
            CliError::new(format!("{}: {}", path.display(), error.to_string().trim_end()))
                .hint("mend the file, or remove the line to get the default")
        })?;
        config.device()?;
        if !(1..=100).contains(&config.encode_share_percent) {
            return Err(CliError::new(format!(
                "{}: encode_share_percent = {} is not a share",
                path.display(),
                config.encode_share_percent
            ))
            .hint("use 1 to 100; 100 is as fast as it can"));
        }
        let is_language = |name: &str| {
            name.starts_with(|c: char| c.is_ascii_alphanumeric())
                && name.chars().all(|c| c.is_ascii_alphanumeric() || "_-/".contains(c))
        };
        if !config.ocr_languages.split('+').all(is_language) {
            return Err(CliError::new(format!(
                "{}: ocr_languages = \"{}\" names no languages",
                path.display(),
                config.ocr_languages
            ))
            .hint("use the names of tesseract, such as \"eng\" or \"eng+deu\""));
        }
        Ok(config)
    }

    /// The device asked for, `auto` by default.
    pub fn device(&self) -> Result<DeviceArg, CliError> {
        match self.device.as_deref() {
            None | Some("auto") => Ok(DeviceArg::Auto),
            Some("cpu") => Ok(DeviceArg::Cpu),
            Some("cuda") => Ok(DeviceArg::Cuda),
            Some(other) => {
                Err(CliError::new(format!("config: device = \"{other}\" is not a device"))
                    .hint("use \"auto\", \"cpu\" or \"cuda\""))
            }
        }
    }

    /// Bytes of GPU memory that the encoder may take, where that was limited.
    pub fn cuda_memory_bytes(&self) -> Option<usize> {
        (self.cuda_memory_mb > 0).then(|| self.cuda_memory_mb.saturating_mul(1_000_000))
    }

    /// Whether the daemon leaves encoding until the machine is plugged in.
    pub fn pauses_on_battery(&self) -> bool {
        !self.encode_on_battery
    }

    /// Threads to use: the configured number, or one a core.
    pub fn threads(&self) -> usize {
        if self.threads > 0 {
            self.threads
        } else {
            std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_key_is_refused_and_named() {
        let error =
            Config::parse("thread = 3\n", Path::new("config.toml")).unwrap_err().to_string();
        assert!(error.contains("config.toml"), "{error}");
        assert!(error.contains("thread") && error.contains("threads"), "{error}");
    }

    #[test]
    fn keys_left_out_keep_their_defaults() {
        let config = Config::parse("exclude = [\"*.log\"]\n", Path::new("c")).unwrap();
        assert_eq!(config.exclude, ["*.log"]);
        assert_eq!(config.max_file_mb, 1024);
        assert_eq!(config.device().unwrap(), DeviceArg::Auto);
    }

    #[test]
    fn languages_are_names_and_no_options() {
        let config = Config::parse("ocr = true\nocr_languages = \"eng+chi_sim\"", Path::new("c"));
        assert_eq!(config.unwrap().ocr_languages, "eng+chi_sim");
        for languages in ["", "--help", "eng+", "eng deu"] {
            let text = format!("ocr_languages = \"{languages}\"");
            let error = Config::parse(&text, Path::new("c")).unwrap_err().to_string();
            assert!(error.contains("ocr_languages"), "{error}");
        }
    }

    #[test]
    fn a_wrong_device_is_refused_when_the_file_is_read() {
        let error = Config::parse("device = \"gpu\"", Path::new("c")).unwrap_err().to_string();
        assert!(error.contains("gpu") && error.contains("cuda"), "{error}");
    }
}
