//! `lsearch search -i` in a pseudo-terminal, which Python's `pty` makes.

use std::process::Command;

use serde_json::{Value, json};

use crate::common::{Desk, note};

/// Runs a command with a pseudo-terminal as stdin and stderr, and a pipe as stdout. Takes its words, and steps: what
/// must have been drawn before something is typed, or a signal sent.
const TERMINAL: &str = r#"
import fcntl, json, os, pty, select, signal, struct, sys, termios, time
words, steps = json.loads(sys.argv[1]), json.loads(sys.argv[2])
outer, inner = pty.openpty()
fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
before = termios.tcgetattr(inner)
results, child_results = os.pipe()
pid = os.fork()
if pid == 0:
    os.setsid()
    fcntl.ioctl(inner, termios.TIOCSCTTY, 0)
    os.dup2(inner, 0); os.dup2(child_results, 1); os.dup2(inner, 2)
    os.execvp(words[0], words)
os.close(child_results)
drawn, late = b"", None
def read(seconds):
    global drawn
    if select.select([outer], [], [], seconds)[0]:
        drawn += os.read(outer, 65536)
since = 0
for expected, action in steps:
    end = time.time() + 60
    while expected.encode() not in drawn[since:]:
        read(0.1)
        if time.time() > end:
            late = expected
            break
    if late:
        os.kill(pid, signal.SIGKILL)
        break
    since = drawn.index(expected.encode(), since) + len(expected.encode())
    if action == "TERM":
        os.kill(pid, signal.SIGTERM)
    else:
        os.write(outer, action.encode())
while True:
    done, status = os.waitpid(pid, os.WNOHANG)
    read(0.05)
    if done:
        break
read(0)
printed = os.read(results, 65536).decode()
restored = termios.tcgetattr(inner)[:4] == before[:4]
print(json.dumps({"code": os.waitstatus_to_exitcode(status), "printed": printed, "restored": restored,
                  "late": late, "drawn": drawn.decode(errors="replace")}))
"#;

const ENTERED: &str = "\x1b[?1049h";
const LEFT: &str = "\x1b[?1049l";

/// What came of a session; `None` where there is no Python with a `pty`.
fn session(desk: &Desk, flags: &[&str], steps: &Value) -> Option<Value> {
    let sample = desk.command(["search", "-i", "--mode", "keyword"].iter().chain(flags));
    let mut words = vec![sample.get_program().to_str().unwrap().to_owned()];
    words.extend(sample.get_args().map(|word| word.to_str().unwrap().to_owned()));
    let mut python = Command::new("python3");
    python.args(["-c", TERMINAL, &json!(words).to_string(), &steps.to_string()]);
    python.current_dir(desk.home()).env_clear().env("TERM", "xterm-256color");
    python.env("VISUAL", desk.home().join("vim"));
    for (name, value) in sample.get_envs() {
        if let Some(value) = value {
            python.env(name, value);
        }
    }
    let output = match python.output() {
        Ok(output) if output.status.success() => output,
        other => {
            eprintln!("not tried: no pseudo-terminal by python3 here: {other:?}");
            return None;
        }
    };
    let seen: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(seen["late"], Value::Null, "{seen:#}");
    let drawn = seen["drawn"].as_str().expect("text");
    assert!(drawn.contains(ENTERED) && drawn.rfind(LEFT) > drawn.rfind(ENTERED), "{drawn:?}");
    assert_eq!(seen["restored"], true, "the terminal's settings");
    Some(seen)
}

fn desk_of_notes() -> Desk {
    let desk = Desk::new();
    desk.write("harbour.txt", note("the harbour"));
    desk.write("tide.rs", "// One.\n\n/// Height of the tide in metres.\nfn tide_height(hour: u32) -> f64 {\n    f64::from(hour)\n}\n");
    desk.run(["add", "docs", "--no-wait"]).ok();
    desk
}

#[test]
fn a_path_is_typed_for_and_printed() {
    let desk = desk_of_notes();
    let steps = json!([["type", "harbour"], ["harbour.txt", "\u{f}"]]);
    let Some(seen) = session(&desk, &[], &steps) else { return };
    assert_eq!(seen["printed"], format!("{}\n", desk.docs().join("harbour.txt").display()));
    assert_eq!(seen["code"], 0);
    assert!(!seen["drawn"].as_str().unwrap().contains("\x1b[6n"), "a question to the terminal");
}

#[test]
fn it_is_left_with_nothing_by_esc_ctrl_c_and_a_signal() {
    let desk = desk_of_notes();
    for (action, code) in [("\u{1b}", 1), ("\u{3}", 130), ("TERM", 130)] {
        let Some(seen) = session(&desk, &["harbour"], &json!([["harbour.txt", action]])) else {
            return;
        };
        assert_eq!((&seen["code"], &seen["printed"]), (&json!(code), &json!("")), "{action:?}");
    }
}

#[test]
fn enter_opens_the_editor_at_the_line_and_comes_back() {
    use std::os::unix::fs::PermissionsExt;
    let desk = desk_of_notes();
    let editor = desk.home().join("vim");
    std::fs::write(&editor, "#!/bin/sh\necho \"$@\" > edited\necho in the editor\n").unwrap();
    std::fs::set_permissions(&editor, std::fs::Permissions::from_mode(0o755)).unwrap();
    let steps = json!([["tide.rs", "\r"], ["editor", ""], ["tide.rs", "\u{1b}"]]);
    let Some(seen) = session(&desk, &["tide_height"], &steps) else { return };
    assert_eq!((&seen["code"], &seen["printed"]), (&json!(0), &json!("")));
    let edited = std::fs::read_to_string(desk.home().join("edited")).unwrap();
    let (line, path) = edited.trim().split_once(' ').expect("two words");
    assert!(line.starts_with('+') && path.ends_with("docs/tide.rs"), "{edited}");
}

#[test]
fn without_a_terminal_it_says_so() {
    let desk = desk_of_notes();
    desk.run(["search", "-i", "harbour"]).exits(2).says("needs a terminal");
    desk.run(["search", "-i", "--json", "harbour"]).exits(2).says("--json");
    desk.run(["search"]).exits(2).says("lsearch search \"");
}
