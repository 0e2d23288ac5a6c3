//! Where things live on this machine: the only code that asks the environment for folders.

use std::env;
use std::path::{Path, PathBuf};

use directories::ProjectDirs;

use crate::args::GlobalArgs;
use crate::errors::CliError;

/// The folders and files one invocation works with.
#[derive(Debug, Clone)]
pub struct Places {
    /// The index: `folders.json`, catalog, lexical, vectors, graph, encoders, runtime.
    pub data: PathBuf,
    /// The data folder used when nothing else is asked for; what is costly to fetch is shared from here.
    pub default_data: PathBuf,
    /// `config.toml`, which need not exist.
    pub config_file: PathBuf,
    /// True when the person named the configuration file, so that its absence is an error.
    pub config_file_named: bool,
    /// Caches that can be deleted at any time.
    pub cache: PathBuf,
    /// Logs.
    pub state: PathBuf,
    /// The daemon's socket; its folder is its owner's alone.
    pub socket: PathBuf,
}

/// A socket's path may be no longer than this on any system (108 bytes with the final zero on Linux, 104 on macOS).
const SOCKET_PATH_BYTES: usize = 100;

impl Places {
    /// Works out the folders from flags, `LSEARCH_*` variables and the platform's conventions.
    pub fn find(global: &GlobalArgs) -> Result<Self, CliError> {
        let project = ProjectDirs::from("", "", "lsearch");
        let default_data = match (&project, &global.data_dir) {
            (Some(project), _) => project.data_dir().to_path_buf(),
            (None, Some(given)) => given.clone(),
            (None, None) => {
                return Err(CliError::new(
                    "no home folder is known, so there is no place for the index",
                )
                .hint("set HOME, or say where with --data-dir DIR"));
            }
        };
        let data = match &global.data_dir {
            Some(given) => absolute(given)?,
            None => default_data.clone(),
        };
        let fallback = |name: &str| data.join(name);
        Ok(Self {
            config_file: match (&global.config, &project) {
                (Some(given), _) => given.clone(),
                (None, Some(project)) => project.config_dir().join("config.toml"),
                (None, None) => fallback("config.toml"),
            },
            config_file_named: global.config.is_some(),
            cache: match &project {
                Some(project) => project.cache_dir().to_path_buf(),
                None => fallback("cache"),
            },
            state: match project.as_ref().and_then(ProjectDirs::state_dir) {
                Some(state) => state.to_path_buf(),
                None => fallback("log"),
            },
            socket: socket(&data, &default_data),
            data,
            default_data,
        })
    }
}

/// Where the daemon of a data folder listens: in the person's runtime folder, which is gone after a restart of the
/// machine, otherwise in the data folder.
fn socket(data: &Path, default_data: &Path) -> PathBuf {
    // Each data folder has a daemon of its own.
    let name = if data == default_data {
        "daemon.sock".to_owned()
    } else {
        let hash = blake3::hash(data.as_os_str().as_encoded_bytes()).to_hex();
        format!("daemon-{}.sock", &hash[..12])
    };
    let short = |path: &PathBuf| path.as_os_str().len() <= SOCKET_PATH_BYTES;
    let runtime = path_variable("XDG_RUNTIME_DIR").filter(|folder| folder.is_absolute());
    let in_runtime = runtime.map(|folder| folder.join("lsearch").join(&name)).filter(short);
    let in_data = data.join("run").join("daemon.sock");
    in_runtime.or_else(|| Some(in_data).filter(short)).unwrap_or_else(|| {
        let user = rustix::process::getuid().as_raw();
        std::env::temp_dir().join(format!("lsearch-{user}")).join(name)
    })
}

impl Places {
    /// Makes the data folder if it is not there, open to its owner alone: it will hold texts and names of documents,
    /// whichever verb comes first.
    pub fn create_data(&self) -> Result<(), CliError> {
        create_private(&self.data).map_err(|error| CliError::io(&self.data, &error))
    }
}

/// Makes a folder that is its owner's alone, with those above it, unless it is there.
pub fn create_private(folder: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// An absolute path without touching the file system, with an empty path refused.
pub fn absolute(path: &Path) -> Result<PathBuf, CliError> {
    std::path::absolute(path)
        .map_err(|error| CliError::new(format!("{}: not a usable path: {error}", path.display())))
}

/// An environment variable as a path; unset and empty are the same.
pub fn path_variable(name: &str) -> Option<PathBuf> {
    env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}

/// The first program of these names in the folders of the PATH.
pub fn find_program(names: &[&str]) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path)
        .flat_map(|folder| names.iter().map(move |name| folder.join(name)))
        .find(|candidate| candidate.is_file())
}

/// The path for reading: the home folder shortened to `~`, and nothing in it that a terminal would obey.
pub fn shorten_home(path: &Path) -> String {
    shortened(path).replace(char::is_control, " ")
}

fn shortened(path: &Path) -> String {
    if let Some(base) = directories::BaseDirs::new()
        && let Ok(rest) = path.strip_prefix(base.home_dir())
        && base.home_dir() != Path::new("/")
    {
        let home = Path::new("~");
        let shown = if rest == Path::new("") { home.to_owned() } else { home.join(rest) };
        return shown.display().to_string();
    }
    path.display().to_string()
}
