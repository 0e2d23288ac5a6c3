//! The command line as clap sees it: every verb, flag and help text, and nothing else.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};
use clap_complete::engine::ArgValueCandidates;
use serde::{Deserialize, Serialize};

use crate::commands::{completions, version};
use crate::places::path_variable;

/// Search your own documents, whole, by meaning and by word, on your own machine.
#[derive(Debug, Parser)]
#[command(
    name = "lsearch",
    version = version::VERSION,
    propagate_version = true,
    after_help = "Start with:\n  lsearch add ~/Documents\n  lsearch search \"who pays for the repairs\"\n\n\
                  Exit codes: 0 found or done, 1 nothing found, 2 error, 130 stopped by Ctrl-C."
)]
pub struct Cli {
    /// What every verb understands.
    #[command(flatten)]
    pub global: GlobalArgs,
    /// The verb; without one it is told how everything stands.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Heading of the options that every verb has.
const EVERYWHERE: &str = "Options everywhere";

/// Options that stand before or after any verb.
#[derive(Debug, Clone, Args)]
pub struct GlobalArgs {
    /// Folder that holds the index [default: the platform's data folder, e.g. ~/.local/share/lsearch]
    #[arg(
        long,
        global = true,
        help_heading = EVERYWHERE,
        value_name = "DIR",
        env = "LSEARCH_DATA_DIR",
        hide_env_values = true
    )]
    pub data_dir: Option<PathBuf>,
    /// Configuration file [default: e.g. ~/.config/lsearch/config.toml]
    #[arg(
        long,
        global = true,
        help_heading = EVERYWHERE,
        value_name = "FILE",
        env = "LSEARCH_CONFIG",
        hide_env_values = true
    )]
    pub config: Option<PathBuf>,
    /// Where the encoder runs; cuda fails rather than falling back to the CPU
    #[arg(long, global = true, help_heading = EVERYWHERE, value_enum, value_name = "DEVICE")]
    pub device: Option<DeviceArg>,
    /// Say nothing but results and errors
    #[arg(short, long, global = true, help_heading = EVERYWHERE, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Say more (files as they are read, repairs, timings)
    #[arg(short, long, global = true, help_heading = EVERYWHERE, action = clap::ArgAction::Count)]
    pub verbose: u8,
}

impl GlobalArgs {
    /// What the environment alone says.
    pub fn from_environment() -> Self {
        let (data_dir, config) =
            (path_variable("LSEARCH_DATA_DIR"), path_variable("LSEARCH_CONFIG"));
        Self { data_dir, config, device: None, quiet: false, verbose: 0 }
    }
}

/// `--device`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DeviceArg {
    /// CUDA when there is a usable GPU, otherwise the CPU
    Auto,
    /// The CPU
    Cpu,
    /// An NVIDIA GPU, or an error
    Cuda,
}

impl DeviceArg {
    /// As on the command line.
    pub fn name(self) -> &'static str {
        match self {
            DeviceArg::Auto => "auto",
            DeviceArg::Cpu => "cpu",
            DeviceArg::Cuda => "cuda",
        }
    }
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Index folders, or bring the ones already added up to date
    Add(AddArgs),
    /// Forget folders and everything indexed from them (your files are not touched)
    #[command(visible_alias = "rm")]
    Remove(RemoveArgs),
    /// List the folders that are indexed
    #[command(visible_alias = "ls")]
    Folders(FoldersArgs),
    /// Search by meaning and by word
    #[command(visible_alias = "query", alias = "s")]
    Search(SearchArgs),
    /// Find documents like one, by meaning
    Similar(SimilarArgs),
    /// Print a document's text, a page or some lines of it
    Get(GetArgs),
    /// Open a document with the desktop's program for it
    Open(OpenArgs),
    /// Show what is indexed, what is waiting and what failed
    Status(StatusArgs),
    /// Read the files again that failed
    Retry(RetryArgs),
    /// Build the indexes anew from the stored texts and vectors (nothing is encoded twice)
    #[command(
        after_help = "Rarely needed: every add mends what it finds damaged. `lsearch doctor` tells.\n\n\
                            Examples:\n  lsearch rebuild\n  lsearch rebuild && lsearch add"
    )]
    Rebuild,
    /// Keep the folders indexed by themselves, in the background
    #[command(
        subcommand,
        after_help = "Examples:\n  lsearch daemon start             # until the machine is shut down\n  \
                                        lsearch daemon install           # now and after every login\n  \
                                        lsearch daemon pause --for 2h    # files are still found by word\n  \
                                        lsearch daemon logs -f"
    )]
    Daemon(DaemonCommand),
    /// Search in the browser: a page for you alone, on this machine
    Serve(ServeArgs),
    /// Serve the documents to an assistant (Model Context Protocol on stdio)
    #[command(after_help = "For an assistant's configuration:\n  \
        {\"mcpServers\": {\"lsearch\": {\"command\": \"lsearch\", \"args\": [\"mcp\"]}}}")]
    Mcp,
    /// Measure retrieval quality on a collection in the BEIR layout
    Eval(EvalArgs),
    /// Check the installation and the index, and say how to mend what is wrong
    Doctor(DoctorArgs),
    /// Show and change the configuration
    Config(ConfigArgs),
    /// Fetch ONNX Runtime (done by itself on first need), with --gpu the one for NVIDIA GPUs
    Setup(SetupArgs),
    /// The encoders: which there are, bringing your own, and which one is used
    #[command(subcommand)]
    Model(ModelCommand),
    /// Print a completion script for a shell: verbs, options, indexed folders and types
    #[command(after_help = "To have them in every new shell:\n  \
        bash        echo 'source <(lsearch completions bash)' >> ~/.bashrc\n  \
        zsh         echo 'source <(lsearch completions zsh)' >> ~/.zshrc   # after compinit\n  \
        fish        lsearch completions fish > ~/.config/fish/completions/lsearch.fish\n  \
        PowerShell  lsearch completions powershell >> $PROFILE\n  \
        elvish      lsearch completions elvish >> ~/.config/elvish/rc.elv\n\
        The Debian package brings those of bash, zsh and fish.")]
    Completions {
        /// The shell
        shell: ShellArg,
    },
    /// Write the manual pages into a folder. For those who make packages.
    #[command(hide = true)]
    Manual {
        /// The folder
        #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
        folder: PathBuf,
    },
    /// The extraction child: reads requests on stdin. Not for people.
    #[command(hide = true)]
    ExtractWorker,
}

/// `lsearch model`.
#[derive(Debug, Subcommand)]
pub enum ModelCommand {
    /// List the encoders there are; the one in use has a star
    List {
        /// Machine-readable output
        #[arg(long)]
        json: bool,
    },
    /// Tell everything about one
    Info {
        /// Its name [default: the one in use]
        #[arg(value_name = "NAME", add = ArgValueCandidates::new(completions::encoders))]
        name: Option<String>,
        /// Machine-readable output: its manifest
        #[arg(long)]
        json: bool,
    },
    /// Bring your own: a folder in the layout of Hugging Face with an ONNX file
    Add(ModelAddArgs),
    /// Read documents with this one from now on; the one of before answers until all are encoded
    Use {
        /// Its name
        #[arg(value_name = "NAME", add = ArgValueCandidates::new(completions::encoders))]
        name: String,
    },
    /// Delete one
    #[command(visible_alias = "rm")]
    Remove {
        /// Its name
        #[arg(value_name = "NAME", add = ArgValueCandidates::new(completions::encoders))]
        name: String,
    },
}

/// `lsearch model add`.
#[derive(Debug, Args)]
#[command(
    after_help = "What the flags do not say is read from config.json, tokenizer.json, 1_Pooling/config.json, modules.json,\n\
        sentence_bert_config.json and config_sentence_transformers.json. The model is copied, and tried first.\n\n\
        Examples:\n  lsearch model add ~/models/bge-base-en-v1.5\n  \
        lsearch model add ~/models/e5-base-v2 --query-prefix 'query: ' --document-prefix 'passage: '\n  \
        lsearch model add ~/models/minilm --name minilm-4k --extend grouped --max-tokens 4096"
)]
pub struct ModelAddArgs {
    /// The model's folder
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub folder: PathBuf,
    /// What to call it [default: the folder's name]
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// The ONNX file in the folder [default: onnx/model.onnx or model.onnx]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub onnx: Option<PathBuf>,
    /// How token vectors become one
    #[arg(long, value_enum)]
    pub pooling: Option<PoolingArg>,
    /// Where passages have their vectors from [default: spans with mean pooling, otherwise sequences]
    #[arg(long, value_enum)]
    pub passages: Option<PassagesArg>,
    /// Text put before a query
    #[arg(long, value_name = "TEXT")]
    pub query_prefix: Option<String>,
    /// Text put before a document
    #[arg(long, value_name = "TEXT")]
    pub document_prefix: Option<String>,
    /// Tokens it takes at once, special ones included
    #[arg(long, value_name = "N")]
    pub max_tokens: Option<usize>,
    /// Read documents in windows even if it takes long ones whole
    #[arg(long)]
    pub windows: bool,
    /// Pad every text to the full length, for models that are made so
    #[arg(long, conflicts_with = "windows")]
    pub fixed_length: bool,
    /// Stretch the trained length to --max-tokens by positions (for graphs that take position_ids)
    #[arg(long, value_enum, requires = "max_tokens")]
    pub extend: Option<ExtendArg>,
}

/// `--pooling`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PoolingArg {
    /// The mean of all
    Mean,
    /// The first
    Cls,
    /// The last
    Last,
    /// The graph pools by itself
    Output,
}

/// `--passages`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PassagesArg {
    /// Means of token vectors, from the pass that reads the document
    Spans,
    /// Each passage is read by itself
    Sequences,
    /// They have the document's
    None,
}

/// `--extend`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExtendArg {
    /// Neighbours share a position
    Grouped,
    /// Positions begin again
    Recurrent,
}

/// `lsearch completions`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "lowercase")]
pub enum ShellArg {
    /// GNU Bash
    Bash,
    /// Z shell
    Zsh,
    /// Fish
    Fish,
    /// PowerShell
    PowerShell,
    /// Elvish
    Elvish,
}

impl ShellArg {
    /// As on the command line.
    pub fn name(self) -> &'static str {
        match self {
            ShellArg::Bash => "bash",
            ShellArg::Zsh => "zsh",
            ShellArg::Fish => "fish",
            ShellArg::PowerShell => "powershell",
            ShellArg::Elvish => "elvish",
        }
    }
}

/// `lsearch add`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  lsearch add ~/Documents ~/src\n  lsearch add ~/papers --exclude 'drafts/**'\n  \
                        lsearch add -n ~/Downloads  # only tell what is in there\n  \
                        lsearch add                 # bring every folder up to date"
)]
pub struct AddArgs {
    /// Folders to index; with none, every folder already added is brought up to date
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub folders: Vec<PathBuf>,
    /// Leave out paths that match (gitignore syntax, relative to the folder; may be repeated)
    #[arg(long, value_name = "GLOB")]
    pub exclude: Vec<String>,
    /// Return when everything is searchable by word; meaning follows with the next add
    #[arg(long)]
    pub no_wait: bool,
    /// Only tell what would be read and left out, and how long it would take
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// Do not ask, not even about a whole disk or home folder
    #[arg(short, long)]
    pub yes: bool,
}

/// `lsearch remove`.
#[derive(Debug, Args)]
#[command(
    after_help = "Your files are not touched. Vectors are kept for a while, so that adding the folder again costs little.\n\nExamples:\n  lsearch remove ~/Downloads\n  lsearch rm /media/disk/papers     # also where it is not there any more"
)]
pub struct RemoveArgs {
    /// Folders to forget
    #[arg(value_name = "DIR", required = true, add = ArgValueCandidates::new(completions::folders))]
    pub folders: Vec<PathBuf>,
}

/// `lsearch folders`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  lsearch folders\n  lsearch folders --why ~/Documents/notes/plan.txt"
)]
pub struct FoldersArgs {
    /// Tell whether this file or folder is indexed and which rule decides it (exit code 0: in, 1: out)
    #[arg(long, value_name = "PATH")]
    pub why: Option<PathBuf>,
    /// Machine-readable output
    #[arg(long)]
    pub json: bool,
}

/// `lsearch search`.
#[derive(Debug, Clone, Default, Args, Serialize, Deserialize)]
#[serde(default)]
#[command(after_help = "The query:\n  \
    rent arrears                 documents about it, by word and by meaning\n  \
    \"notice of termination\"      the exact phrase must stand in the document\n  \
    lease -draft                 without the word\n  \
    terminat*  organi?ation      any word spelt so\n  \
    tenant~                      words like it, with a typing error or two\n  \
    title:lease type:pdf         fields: title: author: path: type: after: before:\n\n\
    Examples:\n  lsearch search \"who may end the lease early\"\n  lsearch s -n 3 --type pdf indemnity\n  \
    lsearch s --json \"boiler pressure\" | jq .hits[0].path\n  \
    lsearch s -i                 # as you type; Enter opens, Ctrl-O prints the path")]
pub struct SearchArgs {
    /// What to look for; several words are one query
    #[arg(value_name = "QUERY", allow_hyphen_values = false)]
    pub query: Vec<String>,
    /// Search as you type, with a preview; Enter opens at the place, Ctrl-O prints the path and leaves
    #[arg(short, long, conflicts_with_all = ["json", "jsonl", "paths_only", "explain", "context"])]
    #[serde(skip)]
    pub interactive: bool,
    /// Which signals to use
    #[arg(long, value_enum, default_value_t = ModeArg::Hybrid)]
    pub mode: ModeArg,
    /// Which documents, and how they are shown
    #[command(flatten)]
    #[serde(flatten)]
    pub results: ResultArgs,
}

/// `lsearch similar`.
#[derive(Debug, Clone, Default, Args, Serialize, Deserialize)]
#[serde(default)]
#[command(
    after_help = "Examples:\n  lsearch similar 17\n  lsearch similar -n 3 --type pdf ~/Documents/lease.pdf"
)]
pub struct SimilarArgs {
    /// The number a search showed (17 or #17), or a path; the file need not be indexed
    #[arg(value_name = "ID|PATH")]
    pub document: String,
    /// Which documents, and how they are shown
    #[command(flatten)]
    #[serde(flatten)]
    pub results: ResultArgs,
}

/// Which documents a search may find, and how it shows them.
#[derive(Debug, Clone, Args, Serialize, Deserialize)]
#[serde(default)]
pub struct ResultArgs {
    /// How many documents to show
    #[arg(short = 'n', long, value_name = "N", default_value_t = 10)]
    pub limit: usize,
    /// Only paths that match (may be repeated)
    #[arg(long, value_name = "GLOB")]
    pub path: Vec<String>,
    /// Only these kinds or formats, e.g. pdf,markdown,rust
    #[arg(
        long = "type",
        value_name = "LIST",
        value_delimiter = ',',
        add = ArgValueCandidates::new(completions::types)
    )]
    pub types: Vec<String>,
    /// Only files changed on or after this day (2024, 2024-05, 2024-05-31, today, 7d, 3m)
    #[arg(long, value_name = "DATE")]
    pub after: Option<String>,
    /// Only files changed before this day
    #[arg(long, value_name = "DATE")]
    pub before: Option<String>,
    /// Print paths only, one a line
    #[arg(short = 'l', long = "paths-only", conflicts_with_all = ["json", "jsonl"])]
    pub paths_only: bool,
    /// One JSON object with all hits
    #[arg(long, conflicts_with = "jsonl")]
    pub json: bool,
    /// One JSON object a hit, one a line
    #[arg(long)]
    pub jsonl: bool,
    /// Show each signal's raw and standardised value, its weight and its rank
    #[arg(long)]
    pub explain: bool,
    /// Also show this many passages before and after the best one
    #[arg(short = 'C', long, value_name = "N", default_value_t = 0)]
    pub context: usize,
    /// Show copies of the same document each on its own
    #[arg(long)]
    pub all: bool,
}

impl Default for ResultArgs {
    fn default() -> Self {
        Self {
            limit: 10,
            path: Vec::new(),
            types: Vec::new(),
            after: None,
            before: None,
            paths_only: false,
            json: false,
            jsonl: false,
            explain: false,
            context: 0,
            all: false,
        }
    }
}

/// `--mode`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ModeArg {
    /// By word and by meaning
    #[default]
    Hybrid,
    /// By word only
    Keyword,
    /// By meaning only
    Semantic,
}

/// `lsearch get`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  lsearch get 17\n  lsearch get ~/Documents/lease.pdf --page 12\n  lsearch get src/scan.rs --lines 100:140\n  lsearch get 'old.zip!/2019/lease.pdf'"
)]
pub struct GetArgs {
    /// The number a search showed (17 or #17), or a path
    #[arg(value_name = "ID|PATH")]
    pub document: String,
    /// Only this page
    #[arg(long, value_name = "N", conflicts_with = "lines")]
    pub page: Option<u32>,
    /// Only these lines, first and last, e.g. 10:40, 10: or :40
    #[arg(long, value_name = "A:B")]
    pub lines: Option<String>,
    /// Machine-readable output
    #[arg(long)]
    pub json: bool,
}

/// `lsearch open`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  lsearch open 17\n  lsearch open 17 --page 12\n  EDITOR=nvim lsearch open src/scan.rs --line 120"
)]
pub struct OpenArgs {
    /// The number a search showed (17 or #17), or a path
    #[arg(value_name = "ID|PATH")]
    pub document: String,
    /// At this page, in a PDF viewer that can be told (evince, okular, zathura and others)
    #[arg(long, value_name = "N", conflicts_with = "line")]
    pub page: Option<u32>,
    /// At this line, in the editor that VISUAL or EDITOR names
    #[arg(long, value_name = "N")]
    pub line: Option<u32>,
}

/// `lsearch status`.
#[derive(Debug, Args)]
#[command(
    after_help = "With -v it lists every reason and every failed file. `lsearch folders --why PATH` tells of one file.\n\nExamples:\n  lsearch status\n  lsearch status --wait && lsearch search \"boiler pressure\"\n  lsearch status --json | jq .documents"
)]
pub struct StatusArgs {
    /// Machine-readable output
    #[arg(long)]
    pub json: bool,
    /// Wait until nothing is being read or encoded any more
    #[arg(long)]
    pub wait: bool,
}

/// `lsearch retry`.
#[derive(Debug, Args)]
#[command(
    after_help = "For files that failed although nothing about them changed: after a format became readable, with `ocr = true`,\nor with more memory or time (`lsearch config`).\n\nExamples:\n  lsearch retry\n  lsearch config set ocr true && lsearch retry"
)]
pub struct RetryArgs {
    /// Return when everything is searchable by word
    #[arg(long)]
    pub no_wait: bool,
}

/// `lsearch daemon`.
#[derive(Debug, Subcommand)]
pub enum DaemonCommand {
    /// Run it here, in the foreground (what a service manager calls)
    Run {
        /// Leave the terminal's session
        #[arg(long, hide = true)]
        detached: bool,
    },
    /// Start it in the background; returns when the folders are watched
    Start,
    /// End it; what is indexed stays searchable
    Stop,
    /// Show what it does, which folders it watches and how
    Status {
        /// Machine-readable output
        #[arg(long)]
        json: bool,
    },
    /// Stop encoding for a while; files are still made searchable by word
    Pause {
        /// For so long, e.g. 30m, 2h or 1d [default: until resume]
        #[arg(long = "for", value_name = "TIME")]
        time: Option<String>,
    },
    /// Go on encoding
    Resume,
    /// Have the system start it at every login (systemd or launchd), and start it now
    Install {
        /// Print the service file instead of installing it
        #[arg(long)]
        print: bool,
    },
    /// Take that back, and end it
    Uninstall,
    /// Print its log
    Logs {
        /// How many lines
        #[arg(short = 'n', long, value_name = "N", default_value_t = 50)]
        lines: usize,
        /// Go on printing what is added, until Ctrl-C
        #[arg(short, long)]
        follow: bool,
    },
}

/// `lsearch serve`.
#[derive(Debug, Args)]
#[command(
    after_help = "It prints an address that holds a key; whoever opens it on this machine may search. The page is gone \
                  when the command ends (Ctrl-C).\n\nExamples:\n  lsearch serve --open\n  lsearch serve --port 8080"
)]
pub struct ServeArgs {
    /// The port; 0 is one of the system's choosing [default: 7734, or another where that is taken]
    #[arg(long, value_name = "N")]
    pub port: Option<u16>,
    /// Open the page in the browser
    #[arg(long)]
    pub open: bool,
}

/// `lsearch eval`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  lsearch eval ~/collections/cuad\n  lsearch eval ~/collections --mode hybrid --queries 100 --save before.json\n  lsearch eval ~/collections --mode hybrid --queries 100 --against before.json"
)]
pub struct EvalArgs {
    /// A collection in the layout of BEIR, MTEB, LongEmbed or LoCoV1, or a folder of collections
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
    /// Signals to measure (may be repeated) [default: keyword, semantic and hybrid]
    #[arg(long, value_enum)]
    pub mode: Vec<ModeArg>,
    /// At most this many queries a task (0: all)
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub queries: usize,
    /// Machine-readable output
    #[arg(long)]
    pub json: bool,
    /// Weights of keyword, document and passage scores in hybrid mode, e.g. 1,0.3,0.3
    #[arg(long, value_name = "K,D,P", value_delimiter = ',', num_args = 1)]
    pub weights: Vec<f32>,
    /// Keep each query's scores in a file, for --against
    #[arg(long, value_name = "FILE")]
    pub save: Option<PathBuf>,
    /// Compare with scores kept before, query by query, and say whether chance explains the difference
    #[arg(long, value_name = "FILE")]
    pub against: Option<PathBuf>,
    /// Write run files in TREC's form into this folder
    #[arg(long, value_name = "DIR")]
    pub runs: Option<PathBuf>,
    /// Where encoded collections are kept between runs
    #[arg(long, value_name = "DIR")]
    pub cache_dir: Option<PathBuf>,
}

/// `lsearch doctor`.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit code 2 when there is a problem, 0 otherwise, warnings or not.\n\nExamples:\n  lsearch doctor\n  lsearch doctor -v                # every part of the index\n  lsearch doctor --json | jq '.[] | select(.level != \"good\")'"
)]
pub struct DoctorArgs {
    /// Machine-readable output
    #[arg(long)]
    pub json: bool,
}

/// `lsearch config`.
#[derive(Debug, Args)]
#[command(
    after_help = "Without a subcommand it shows every key.\n\nExamples:\n  lsearch config\n  \
                  lsearch config set threads 4\n  lsearch config set exclude --add '*.log' 'node_modules/'\n  \
                  lsearch config unset threads"
)]
pub struct ConfigArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: Option<ConfigCommand>,
}

/// What `lsearch config` does.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Print every key with its value, where that comes from and what it is for
    Show {
        /// Only these keys
        #[arg(value_name = "KEY", add = ArgValueCandidates::new(completions::keys))]
        keys: Vec<String>,
        /// Machine-readable output
        #[arg(long)]
        json: bool,
    },
    /// Set a key in the file, which is made if there is none
    #[command(after_help = "Examples:\n  lsearch config set device cpu\n  \
                            lsearch config set exclude '*.log' 'drafts/'     # these alone\n  \
                            lsearch config set exclude --add '*.bak'         # this one, too")]
    Set {
        /// The key
        #[arg(add = ArgValueCandidates::new(completions::keys))]
        key: String,
        /// Its value; of a list, each entry on its own, or all as in the file: '["*.log"]'
        #[arg(value_name = "VALUE", required = true)]
        values: Vec<String>,
        /// Add to a list
        #[arg(long, conflicts_with = "remove")]
        add: bool,
        /// Take out of a list
        #[arg(long)]
        remove: bool,
    },
    /// Take a key out of the file, so that it has its default again
    Unset {
        /// The key
        #[arg(add = ArgValueCandidates::new(completions::keys))]
        key: String,
    },
    /// Print where the file stands, or would
    Path,
}

/// `lsearch setup`.
#[derive(Debug, Args)]
#[command(
    after_help = "From then on the GPU is used wherever there is one; --device cpu keeps to the CPU, \
                  and lsearch doctor tells what is used.\n\nExamples:\n  lsearch setup\n  lsearch setup --gpu"
)]
pub struct SetupArgs {
    /// Fetch what an NVIDIA GPU needs, as far as it is missing, and try it
    #[arg(long)]
    pub gpu: bool,
    /// Fetch even if a usable one is installed elsewhere; with --gpu also where there is no GPU (for an image)
    #[arg(long)]
    pub force: bool,
}
