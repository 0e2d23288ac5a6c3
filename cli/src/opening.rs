//! Opens documents at a place: texts in an editor at the line, PDFs in a viewer at the page, and everything else in the
//! desktop's program for it.

use std::ffi::OsString;
use std::fs::File;
use std::io::IsTerminal;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use lsearch_ingest::{Kind, container_of};

use crate::errors::CliError;
use crate::places::find_program;

/// The desktop's opener.
pub const OPENER: &str = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };

/// A place in a document, as far as programs can be told of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Place {
    /// Counted from 1.
    pub page: Option<u32>,
    /// Counted from 1.
    pub line: Option<u32>,
}

/// A program with its arguments.
#[derive(Debug, PartialEq, Eq)]
pub struct Opening {
    program: OsString,
    arguments: Vec<OsString>,
    manner: Manner,
}

/// How a program runs beside this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    /// In the terminal, until it ends.
    Terminal,
    /// In a window of its own, for as long as it likes.
    Window,
    /// It hands the file on and ends.
    Hands,
}

/// What programs the person prefers.
#[derive(Debug, Default)]
pub struct Preferences {
    /// `VISUAL` or `EDITOR`, with arguments.
    editor: Option<String>,
    /// `PDFVIEWER`, the desktop's, or the first that is installed.
    viewer: Option<String>,
}

impl Preferences {
    /// As environment and desktop have it; the desktop is only asked where a PDF is opened.
    pub fn find(kind: &str) -> Self {
        let variable =
            |name| std::env::var(name).ok().filter(|value: &String| !value.trim().is_empty());
        let viewer = || variable("PDFVIEWER").or_else(desktops_viewer);
        Self {
            editor: variable("VISUAL").or_else(|| variable("EDITOR")),
            viewer: if kind == Kind::Pdf.as_str() { viewer() } else { None },
        }
    }
}

/// The desktop's viewer of PDFs, or where the desktop tells of none the first that is installed.
fn desktops_viewer() -> Option<String> {
    let asked = Command::new("xdg-mime")
        .args(["query", "default", "application/pdf"])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output();
    let entry = asked.map(|asked| String::from_utf8_lossy(&asked.stdout).to_lowercase());
    let entry = entry.ok().filter(|entry| !entry.trim().is_empty());
    match entry {
        Some(entry) => VIEWERS.iter().find(|(name, _)| entry.contains(name)).map(|(name, _)| *name),
        None => VIEWERS.iter().map(|(name, _)| *name).find(|name| find_program(&[name]).is_some()),
    }
    .map(str::to_owned)
}

/// How an editor is told a line.
#[derive(Clone, Copy)]
enum LineBy {
    /// `+12 path`
    Plus,
    /// `-g path:12`
    Goto,
    /// `path:12`
    Colon,
    /// `-l 12 path`
    Dash,
    /// `--line 12 path`
    Word,
}

/// Editors by the names of their programs, how they are told a line, and whether they have windows of their own.
const EDITORS: [(&[&str], LineBy, Manner); 7] = [
    (
        &[
            "vi",
            "vim",
            "nvim",
            "view",
            "nano",
            "pico",
            "micro",
            "emacs",
            "emacsclient",
            "mg",
            "hx",
            "helix",
            "kak",
            "joe",
            "jed",
            "ne",
            "ex",
            "nvi",
            "vim.basic",
            "vim.tiny",
        ],
        LineBy::Plus,
        Manner::Terminal,
    ),
    (
        &["gvim", "gedit", "gnome-text-editor", "mousepad", "pluma", "xed", "nedit"],
        LineBy::Plus,
        Manner::Window,
    ),
    (
        &["code", "code-insiders", "codium", "vscodium", "cursor", "windsurf"],
        LineBy::Goto,
        Manner::Window,
    ),
    (&["subl", "sublime_text", "zed", "zeditor", "zedit"], LineBy::Colon, Manner::Window),
    (&["kate", "kwrite"], LineBy::Dash, Manner::Window),
    (
        &["idea", "pycharm", "clion", "goland", "webstorm", "rustrover"],
        LineBy::Word,
        Manner::Window,
    ),
    (&["mate"], LineBy::Dash, Manner::Window),
];

/// How a viewer is told a page.
#[derive(Clone, Copy)]
enum PageBy {
    /// `-i 12 path`, or another option.
    Option(&'static str),
    /// `path 12`
    Behind,
    /// `path#12`
    Fragment,
}

/// Viewers of PDFs by a part of the names of their programs and desktop entries.
const VIEWERS: [(&str, PageBy); 9] = [
    ("evince", PageBy::Option("-i")),
    ("papers", PageBy::Option("-i")),
    ("atril", PageBy::Option("-i")),
    ("xreader", PageBy::Option("-i")),
    ("okular", PageBy::Option("-p")),
    ("zathura", PageBy::Option("-P")),
    ("qpdfview", PageBy::Fragment),
    ("mupdf", PageBy::Behind),
    ("xpdf", PageBy::Behind),
];

/// The file that a program can open: of a document that lies in another, that one.
pub fn on_disk(path: &Path) -> &Path {
    match container_of(path) {
        Some(container) if !path.exists() => container,
        _ => path,
    }
}

/// The file on the disk that holds a document.
pub fn file_of(document: &Path) -> Result<&Path, CliError> {
    let path = on_disk(document);
    if !path.exists() {
        return Err(CliError::new(format!("{}: the file is not there now", path.display())).hint(
            "`lsearch add` brings the index up to date; `lsearch get` still prints its text",
        ));
    }
    Ok(path)
}

/// How a document of a kind and format is opened at a place.
///
/// # Errors
/// When its file is not there.
pub fn opening(
    document: &Path,
    kind: &str,
    format: &str,
    place: Place,
    preferences: &Preferences,
) -> Result<Opening, CliError> {
    let path = file_of(document)?;
    let desktop =
        || Opening { program: OPENER.into(), arguments: vec![path.into()], manner: Manner::Hands };
    // Places in what lies within a file are none in the file.
    if path != document {
        return Ok(desktop());
    }
    let keeps_lines = kind.parse::<Kind>().is_ok_and(|kind| kind.keeps_lines(format));
    let opening = match (place, preferences) {
        (Place { line: Some(line), .. }, Preferences { editor: Some(editor), .. })
            if keeps_lines =>
        {
            in_editor(editor, path, line)
        }
        (Place { page: Some(page), .. }, Preferences { viewer: Some(viewer), .. })
            if kind == Kind::Pdf.as_str() =>
        {
            in_viewer(viewer, path, page)
        }
        _ => None,
    };
    Ok(opening.unwrap_or_else(desktop))
}

fn in_editor(editor: &str, path: &Path, line: u32) -> Option<Opening> {
    let mut words = editor.split_whitespace();
    let program = words.next()?;
    let mut arguments: Vec<OsString> = words.map(OsString::from).collect();
    let name = Path::new(program).file_name()?.to_str()?;
    let known = EDITORS.iter().find(|(names, ..)| names.contains(&name));
    // An editor nobody knows takes at least the file, and has the terminal for itself.
    let manner = known.map_or(Manner::Terminal, |(.., manner)| *manner);
    let at_line = || {
        let mut path = path.as_os_str().to_owned();
        path.push(format!(":{line}"));
        path
    };
    match known.map(|(_, by, _)| *by) {
        Some(LineBy::Plus) => arguments.extend([format!("+{line}").into(), path.into()]),
        Some(LineBy::Goto) => arguments.extend(["-g".into(), at_line()]),
        Some(LineBy::Colon) => arguments.push(at_line()),
        Some(LineBy::Dash) => arguments.extend(["-l".into(), line.to_string().into(), path.into()]),
        Some(LineBy::Word) => {
            arguments.extend(["--line".into(), line.to_string().into(), path.into()]);
        }
        None => arguments.push(path.into()),
    }
    Some(Opening { program: program.into(), arguments, manner })
}

fn in_viewer(viewer: &str, path: &Path, page: u32) -> Option<Opening> {
    let mut words = viewer.split_whitespace();
    let program = words.next()?;
    let mut arguments: Vec<OsString> = words.map(OsString::from).collect();
    let name = Path::new(program).file_name()?.to_str()?.to_lowercase();
    let (_, by) = VIEWERS.iter().find(|(known, _)| name.contains(known))?;
    let number = || OsString::from(page.to_string());
    match by {
        PageBy::Option(option) => arguments.extend([option.into(), number(), path.into()]),
        PageBy::Behind => arguments.extend([path.into(), number()]),
        PageBy::Fragment => {
            let mut path = path.as_os_str().to_owned();
            path.push(format!("#{page}"));
            arguments.push(path);
        }
    }
    Some(Opening { program: program.into(), arguments, manner: Manner::Window })
}

impl Opening {
    /// Whether it takes the terminal until it ends.
    pub fn takes_terminal(&self) -> bool {
        self.manner == Manner::Terminal
    }

    /// Opens; `quietly` where nothing may be written to the terminal meanwhile.
    ///
    /// # Errors
    /// When the program cannot be run, or says that it could not.
    pub fn run(&self, quietly: bool) -> Result<(), CliError> {
        let program = self.program.to_string_lossy();
        let failed = |error: std::io::Error| {
            let files: Vec<_> = self.arguments.iter().map(|one| one.to_string_lossy()).collect();
            CliError::new(format!("cannot run {program}: {error}"))
                .hint(format!("open it yourself: {}", files.join(" ")))
        };
        let mut command = Command::new(&self.program);
        command.args(&self.arguments);
        let status = match self.manner {
            Manner::Window => {
                command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
                // Ctrl-C here is not meant for it.
                command.process_group(0).spawn().map_err(failed)?;
                return Ok(());
            }
            Manner::Hands => {
                command.stdin(Stdio::null());
                if quietly {
                    command.stdout(Stdio::null()).stderr(Stdio::null());
                }
                command.status().map_err(failed)?
            }
            Manner::Terminal => {
                // Where stdout is read by another program the editor is to have the terminal all the same.
                if !std::io::stdout().is_terminal()
                    && let Ok(terminal) = File::options().read(true).write(true).open("/dev/tty")
                {
                    command.stdout(terminal.try_clone().map_err(failed)?).stdin(terminal);
                }
                command.status().map_err(failed)?
            }
        };
        // How an editor was left is the person's affair.
        if !status.success() && self.manner == Manner::Hands {
            return Err(CliError::new(format!("{program} could not open it")).hint(format!(
                "open it yourself: {}",
                PathBuf::from(&self.arguments[0]).display()
            )));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(opening: &Opening) -> String {
        let arguments = opening.arguments.iter().map(|one| one.to_str().unwrap());
        std::iter::once(opening.program.to_str().unwrap())
            .chain(arguments)
            .collect::<Vec<_>>()
            .join(" ")
    }

    #[test]
    fn editors_are_told_the_line() {
        let path = Path::new("/a b.rs");
        for (editor, expected, manner) in [
            ("vim", "vim +12 /a b.rs", Manner::Terminal),
            ("/usr/bin/nvim -p", "/usr/bin/nvim -p +12 /a b.rs", Manner::Terminal),
            ("emacsclient -t", "emacsclient -t +12 /a b.rs", Manner::Terminal),
            ("nano", "nano +12 /a b.rs", Manner::Terminal),
            ("micro", "micro +12 /a b.rs", Manner::Terminal),
            ("hx", "hx +12 /a b.rs", Manner::Terminal),
            ("code -w", "code -w -g /a b.rs:12", Manner::Window),
            ("codium", "codium -g /a b.rs:12", Manner::Window),
            ("subl", "subl /a b.rs:12", Manner::Window),
            ("zed", "zed /a b.rs:12", Manner::Window),
            ("kate", "kate -l 12 /a b.rs", Manner::Window),
            ("idea", "idea --line 12 /a b.rs", Manner::Window),
            ("unheard-of", "unheard-of /a b.rs", Manner::Terminal),
        ] {
            let opening = in_editor(editor, path, 12).unwrap();
            assert_eq!((words(&opening).as_str(), opening.manner), (expected, manner));
        }
        assert!(in_editor("  ", path, 12).is_none());
    }

    #[test]
    fn viewers_are_told_the_page() {
        for (viewer, expected) in [
            ("evince", "evince -i 3 /a.pdf"),
            ("/usr/bin/okular", "/usr/bin/okular -p 3 /a.pdf"),
            ("zathura --fork", "zathura --fork -P 3 /a.pdf"),
            ("xpdf", "xpdf /a.pdf 3"),
            ("mupdf-x11", "mupdf-x11 /a.pdf 3"),
            ("qpdfview", "qpdfview /a.pdf#3"),
        ] {
            assert_eq!(words(&in_viewer(viewer, Path::new("/a.pdf"), 3).unwrap()), expected);
        }
        assert!(in_viewer("firefox", Path::new("/a.pdf"), 3).is_none());
    }

    #[test]
    fn what_has_no_place_goes_to_the_desktop() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.rs");
        std::fs::write(&path, "").unwrap();
        let preferences =
            Preferences { editor: Some("vim".to_owned()), viewer: Some("evince".to_owned()) };
        let program = |kind, format, page, line| {
            let opened = opening(&path, kind, format, Place { page, line }, &preferences).unwrap();
            opened.program.into_string().unwrap()
        };
        assert_eq!(program("code", "rust", None, Some(3)), "vim");
        assert_eq!(program("pdf", "pdf", Some(3), Some(3)), "evince");
        assert_eq!(program("code", "rust", None, None), OPENER);
        // Lines of a text that is not the file's own lead nowhere.
        assert_eq!(program("html", "html", None, Some(3)), OPENER);
        assert_eq!(program("word", "docx", Some(3), Some(3)), OPENER);
        let inside = path.join("!").join("b.rs");
        let missing = folder.path().join("gone.rs");
        for gone in [inside, missing] {
            let place = Place { page: None, line: Some(1) };
            assert!(opening(&gone, "code", "rust", place, &preferences).is_err());
        }
        let none = Preferences::default();
        let place = Place { page: None, line: Some(1) };
        assert_eq!(opening(&path, "code", "rust", place, &none).unwrap().program, OPENER);
    }
}
