//! Command lines that cannot be understood, with what was meant, perhaps.

use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Command, CommandFactory};

use crate::args::Cli;
use crate::errors::{CliError, EXIT_ERROR};
use crate::nearest::nearest;
use crate::output;

/// What other programs call it, and what it is called here.
const ELSEWHERE: [(&[&str], &str); 15] = [
    (&["find", "grep", "look", "ask", "lookup"], "search"),
    (&["index", "scan", "update", "sync", "reindex", "import", "watch"], "add"),
    (&["list", "sources", "collections"], "folders"),
    (&["delete", "forget", "del", "unadd"], "remove"),
    (&["info", "stats", "progress", "failed"], "status"),
    (&["show", "cat", "print", "read", "view"], "get"),
    (&["start"], "daemon start"),
    (&["stop"], "daemon stop"),
    (&["logs", "log"], "daemon logs"),
    (&["web", "ui", "gui", "server", "browse"], "serve"),
    (&["tui", "interactive"], "search -i"),
    (&["settings", "set", "configure"], "config"),
    (&["check", "diagnose", "repair", "fix"], "doctor"),
    (&["related", "like", "neighbours", "neighbors"], "similar"),
    (&["install", "download", "init"], "setup"),
];

/// Tells what is wrong with a command line, or what was asked about it (`--help`).
pub fn tell(error: &clap::Error) -> ExitCode {
    let unknown = match error.get(ContextKind::InvalidSubcommand) {
        Some(ContextValue::String(name)) if error.kind() == ErrorKind::InvalidSubcommand => name,
        _ => {
            // Whoever closed the pipe has read enough.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(EXIT_ERROR));
        }
    };
    let words: Vec<String> =
        std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
    let error = unknown_command(unknown, &words);
    output::error(&error);
    ExitCode::from(error.code())
}

/// `words` are all that was typed.
fn unknown_command(name: &str, words: &[String]) -> CliError {
    let command = Cli::command();
    let group = words.iter().take_while(|word| *word != name).find(|word| !word.starts_with('-'));
    // Of a command that has commands of its own, such as `daemon`.
    if let Some(group) = group {
        let meant = near(command.find_subcommand(group).unwrap_or(&command), name);
        let meant = meant.map(|near| format!("did you mean `lsearch {group} {near}`? "));
        return CliError::new(format!("`lsearch {group}` has no command `{name}`"))
            .hint(format!("{}`lsearch {group} --help` lists them", meant.unwrap_or_default()));
    }
    let by_name = |(names, _): &&(&[&str], &str)| names.contains(&name.to_lowercase().as_str());
    let elsewhere = ELSEWHERE.iter().find(by_name).map(|(_, here)| *here);
    let near = near(&command, name);
    let meant = elsewhere.or(near.as_deref());
    let mut hints = Vec::new();
    if let Some(meant) = meant {
        hints.push(format!("did you mean `lsearch {meant}`?"));
    }
    let query = words.iter().skip_while(|word| *word != name).filter(|word| !word.starts_with('-'));
    let mut query: Vec<&str> = query.map(String::as_str).collect();
    // Another's word for searching is none to be searched for.
    if meant == Some("search") && query.len() > 1 {
        query.remove(0);
    }
    hints.push(format!("to search for it: lsearch search {}", quoted(&query.join(" "))));
    hints.push("`lsearch --help` lists all commands".to_owned());
    CliError::new(format!("there is no command `{name}`")).hint(hints.join("\n"))
}

/// The command of a group that is most like a name.
fn near(group: &Command, name: &str) -> Option<String> {
    let visible = group.get_subcommands().filter(|command| !command.is_hide_set());
    nearest(name, visible.map(Command::get_name)).map(str::to_owned)
}

/// A query as a shell takes it for one word.
fn quoted(query: &str) -> String {
    if query.contains(['"', '$', '`', '\\', '!']) {
        format!("'{}'", query.replace('\'', r"'\''"))
    } else {
        format!("\"{query}\"")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(name: &str, line: &[&str]) -> String {
        let words: Vec<String> = line.iter().map(|word| (*word).to_owned()).collect();
        unknown_command(name, &words).to_string()
    }

    #[test]
    fn a_forgotten_verb_is_told_as_the_search_it_was_meant_for() {
        let text = told("boiler pressure", &["-v", "boiler pressure"]);
        assert!(text.contains("lsearch search \"boiler pressure\""), "{text}");
        let text = told("boiler", &["boiler", "pressure", "--json"]);
        assert!(text.contains("lsearch search \"boiler pressure\""), "{text}");
        let text = told("say \"it's\" $HOME", &["say \"it's\" $HOME"]);
        assert!(text.contains(r#"lsearch search 'say "it'\''s" $HOME'"#), "{text}");
    }

    #[test]
    fn what_others_call_it_is_understood() {
        let text = told("find", &["find", "a lease"]);
        assert!(text.contains("did you mean `lsearch search`?"), "{text}");
        assert!(text.contains("lsearch search \"a lease\""), "{text}");
        assert!(told("serach", &["serach", "x"]).contains("`lsearch search`"));
        let daemon = told("strat", &["daemon", "strat"]);
        assert!(daemon.contains("`lsearch daemon start`"), "{daemon}");
        assert!(!daemon.contains("search for"), "{daemon}");
        let boiler = told("boiler", &["boiler"]);
        assert!(!boiler.contains("did you mean"), "{boiler}");
    }

    #[test]
    fn every_meant_command_is_one() {
        let command = Cli::command();
        for (names, here) in ELSEWHERE {
            let verb = here.split(' ').next().unwrap_or(here);
            assert!(command.find_subcommand(verb).is_some(), "{here}");
            assert!(names.iter().all(|name| command.find_subcommand(name).is_none()), "{names:?}");
        }
    }
}
