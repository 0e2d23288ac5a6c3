//! The files that make the system start the daemon: a systemd user unit, or a launchd agent.

use std::path::{Path, PathBuf};

/// What a service file runs.
pub struct Program<'a> {
    /// The binary.
    pub binary: &'a Path,
    /// Its arguments after `daemon run`, each as it is.
    pub args: &'a [String],
    /// Variables of its environment.
    pub environment: &'a [(String, String)],
}

/// The systemd user unit.
pub fn systemd(program: &Program<'_>) -> String {
    let mut command = systemd_quoted(&program.binary.to_string_lossy());
    for arg in ["daemon", "run"].into_iter().map(str::to_owned).chain(program.args.iter().cloned())
    {
        command.push(' ');
        command.push_str(&systemd_quoted(&arg));
    }
    let environment: String = program
        .environment
        .iter()
        .map(|(name, value)| {
            format!(
                "Environment={}\n",
                systemd_quoted(&format!("{name}={value}")).replace("$$", "$")
            )
        })
        .collect();
    format!(
        "[Unit]\n\
         Description=lsearch: keeps your documents searchable\n\
         \n\
         [Service]\n\
         Type=simple\n\
         ExecStart={command}\n\
         {environment}\
         Restart=on-failure\n\
         RestartSec=5\n\
         Nice=5\n\
         TimeoutStopSec=30\n\
         \n\
         [Install]\n\
         WantedBy=default.target\n"
    )
}

/// Where systemd looks for a person's own units.
pub fn systemd_path(config_home: &Path) -> PathBuf {
    config_home.join("systemd/user").join(SYSTEMD_NAME)
}

/// The unit's name.
pub const SYSTEMD_NAME: &str = "lsearch.service";

/// In double quotes, with what systemd would expand written so that it does not.
fn systemd_quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            '%' => quoted.push_str("%%"),
            '$' => quoted.push_str("$$"),
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

/// The launchd agent.
pub fn launchd(program: &Program<'_>) -> String {
    let args = [program.binary.to_string_lossy().into_owned(), "daemon".into(), "run".into()];
    let args: String = args
        .iter()
        .chain(program.args)
        .map(|arg| format!("    <string>{}</string>\n", xml(arg)))
        .collect();
    let environment: String = program
        .environment
        .iter()
        .map(|(name, value)| {
            format!("    <key>{}</key>\n    <string>{}</string>\n", xml(name), xml(value))
        })
        .collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \
         \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n\
         <plist version=\"1.0\">\n<dict>\n\
         \x20 <key>Label</key>\n  <string>{LAUNCHD_LABEL}</string>\n\
         \x20 <key>ProgramArguments</key>\n  <array>\n{args}  </array>\n\
         \x20 <key>EnvironmentVariables</key>\n  <dict>\n{environment}  </dict>\n\
         \x20 <key>RunAtLoad</key>\n  <true/>\n\
         \x20 <key>KeepAlive</key>\n  <dict>\n    <key>SuccessfulExit</key>\n    <false/>\n  </dict>\n\
         \x20 <key>ProcessType</key>\n  <string>Background</string>\n\
         </dict>\n</plist>\n"
    )
}

/// Where launchd looks for a person's own agents.
pub fn launchd_path(home: &Path) -> PathBuf {
    home.join("Library/LaunchAgents").join(format!("{LAUNCHD_LABEL}.plist"))
}

/// The agent's name.
pub const LAUNCHD_LABEL: &str = "lsearch.daemon";

fn xml(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_odd_names(text: impl Fn(&Program<'_>) -> String) -> String {
        text(&Program {
            binary: Path::new("/opt/my \"tools\"/lsearch"),
            args: &["--data-dir".into(), "/d/100% $HOME & <co>".into()],
            environment: &[("LSEARCH_ENCODER".into(), "/e $x & 5%".into())],
        })
    }

    #[test]
    fn a_unit_runs_the_program_with_odd_names_as_they_are() {
        let unit = with_odd_names(systemd);
        let line = |name: &str| unit.lines().find(|line| line.starts_with(name)).unwrap();
        assert_eq!(
            line("ExecStart="),
            r#"ExecStart="/opt/my \"tools\"/lsearch" "daemon" "run" "--data-dir" "/d/100%% $$HOME & <co>""#
        );
        // Variables are not expanded there.
        assert_eq!(line("Environment="), r#"Environment="LSEARCH_ENCODER=/e $x & 5%%""#);
        assert!(
            unit.contains("\nRestart=on-failure\n") && unit.contains("WantedBy=default.target")
        );
    }

    #[test]
    fn an_agent_is_well_formed() {
        let agent = with_odd_names(launchd);
        assert!(agent.contains("<string>/d/100% $HOME &amp; &lt;co&gt;</string>"), "{agent}");
        assert!(agent.contains("<key>LSEARCH_ENCODER</key>"), "{agent}");
        let count = |tag: &str| agent.matches(tag).count();
        for tag in ["dict", "array", "string", "key", "plist"] {
            let opened = count(&format!("<{tag}>")) + count(&format!("<{tag} "));
            assert_eq!(opened, count(&format!("</{tag}>")), "{tag} in {agent}");
        }
    }
}
