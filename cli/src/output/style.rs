//! The few colours in use. `anstream` drops them where the output is no terminal or `NO_COLOR` is set.

use std::io::IsTerminal;
use std::path::Path;

use anstyle::{AnsiColor, Reset, Style};

/// The word "error:".
pub const ERROR: Style = AnsiColor::Red.on_default().bold();
/// The word "warning:".
pub const WARNING: Style = AnsiColor::Yellow.on_default().bold();
/// A hit's title.
pub const TITLE: Style = Style::new().bold();
/// Paths and places.
pub const PATH: Style = AnsiColor::Cyan.on_default();
/// What is there when wanted.
pub const DIM: Style = Style::new().dimmed();
/// The words that matched.
pub const MATCH: Style = AnsiColor::Yellow.on_default().bold();
/// A check that passed.
pub const GOOD: Style = AnsiColor::Green.on_default().bold();

/// Text in a style.
pub fn paint(style: Style, text: impl std::fmt::Display) -> String {
    format!("{style}{text}{Reset}")
}

/// True when stdout shows styles, so that links are safe too.
pub fn stdout_is_rich() -> bool {
    std::io::stdout().is_terminal()
        && !matches!(anstream::AutoStream::choice(&std::io::stdout()), anstream::ColorChoice::Never)
}

/// `text` as an OSC 8 link to a file, where the terminal is `rich` enough.
pub fn file_link(path: &Path, text: &str, rich: bool) -> String {
    if !rich {
        return text.to_owned();
    }
    let mut url = String::from("file://");
    for byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' | b'~' => {
                url.push(char::from(*byte));
            }
            other => url.push_str(&format!("%{other:02X}")),
        }
    }
    format!("\x1b]8;;{url}\x1b\\{text}\x1b]8;;\x1b\\")
}
