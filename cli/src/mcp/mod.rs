//! `lsearch mcp`: the documents as tools of an assistant, by the Model Context Protocol over stdin and stdout.
//!
//! ```text
//! stdin ─▶ messages (this thread: initialize, ping, tools/list) ─▶ calls (one thread: the tools) ─▶ stdout
//! ```
//!
//! The protocol is JSON-RPC 2.0, one message a line. Whatever is no answer to a message goes to stderr.

mod answers;
mod arguments;
mod calls;
mod protocol;
mod session;
mod tools;

use std::io::{BufRead, Read, Write};
use std::sync::Mutex;

use serde_json::Value;

use crate::app::App;
use crate::daemon::queries::Queries;
use crate::errors::{CliError, EXIT_OK};
use session::Session;

/// A message may be no longer than this.
const MESSAGE_BYTES: u64 = 4 << 20;

/// Serves until stdin ends, and answers what was asked until then.
pub fn run(app: &App) -> Result<u8, CliError> {
    let queries = Queries::new(app.clone());
    let out = Out(Mutex::new(std::io::stdout()));
    let session = Session::default();
    let (send, receive) = crossbeam_channel::unbounded();
    std::thread::scope(|scope| {
        scope.spawn(|| calls::serve(app, &queries, &session, &out, &receive));
        let mut input = std::io::stdin().lock();
        let mut line = Vec::new();
        while next_line(&mut input, &mut line)? {
            for answer in session.hear(&line, &send) {
                out.write(&answer);
            }
        }
        // The thread of the calls ends with the last of them.
        drop(send);
        Ok(EXIT_OK)
    })
}

/// Where answers go, each a line.
struct Out(Mutex<std::io::Stdout>);

impl Out {
    /// An answer that nobody takes is nobody's loss: stdin ends next.
    fn write(&self, answer: &Value) {
        let mut out = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let _ = writeln!(out, "{answer}").and_then(|()| out.flush());
    }
}

/// Reads a line without its end; false at the end of input. Of a line that is too long no more is kept than tells
/// that it is.
fn next_line(input: &mut impl BufRead, line: &mut Vec<u8>) -> Result<bool, CliError> {
    let failed = |error| CliError::new(format!("cannot read messages from stdin: {error}"));
    line.clear();
    let read = input.by_ref().take(MESSAGE_BYTES + 1).read_until(b'\n', line).map_err(failed)?;
    if read as u64 > MESSAGE_BYTES && !line.ends_with(b"\n") {
        input.skip_until(b'\n').map_err(failed)?;
    }
    Ok(read > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_is_too_long_does_not_swallow_the_next() {
        let mut input = vec![b'x'; MESSAGE_BYTES as usize + 9];
        input.extend_from_slice(b"\nnext\nlast");
        let (mut input, mut line) = (input.as_slice(), Vec::new());
        assert!(next_line(&mut input, &mut line).unwrap());
        assert_eq!(line.len() as u64, MESSAGE_BYTES + 1);
        assert!(next_line(&mut input, &mut line).unwrap());
        assert_eq!(line, b"next\n");
        assert!(next_line(&mut input, &mut line).unwrap());
        assert_eq!(line, b"last");
        assert!(!next_line(&mut input, &mut line).unwrap());
    }
}
