//! The thread that answers calls of tools, one after the other, with reader and encoder in memory.

use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError};
use serde_json::{Value, json};

use super::session::Session;
use super::{Out, protocol, tools};
use crate::app::{App, Listener, Notes};
use crate::daemon::queries::Queries;
use crate::errors::CliError;

/// How often it is looked whether the encoder is still needed in memory.
const TIDY_EVERY: Duration = Duration::from_secs(60);

/// A tool is to be used.
#[derive(Debug)]
pub(super) struct Call {
    /// Under which the client waits.
    pub(super) id: Value,
    /// Which one.
    pub(super) tool: String,
    /// With what.
    pub(super) arguments: Value,
}

/// What a tool answers.
pub(super) struct Reply {
    /// For reading.
    pub(super) text: String,
    /// The same as data.
    pub(super) data: Value,
}

/// Answers calls until there are no more to come.
pub(super) fn serve(
    app: &App,
    queries: &Queries,
    session: &Session,
    out: &Out,
    calls: &Receiver<Call>,
) {
    loop {
        match calls.recv_timeout(TIDY_EVERY) {
            Ok(call) if !session.wants(&call.id) => {}
            Ok(call) => {
                let answer = answer(app, queries, &call);
                if session.close(&call.id) {
                    out.write(&protocol::result(&call.id, &answer));
                }
            }
            Err(RecvTimeoutError::Timeout) => queries.cool_down(),
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

fn answer(app: &App, queries: &Queries, call: &Call) -> Value {
    // Others write to the index at any time; looking costs next to nothing.
    queries.index_changed();
    let notes = Arc::new(Notes::default());
    let app = app.heard_by(Arc::clone(&notes) as Arc<dyn Listener>);
    let reply = tools::call(&app, queries, call);
    let notes = notes.take();
    match reply {
        Ok(Reply { mut text, mut data }) => {
            for note in &notes {
                text.push_str(&format!("\nnote: {note}\n"));
            }
            if !notes.is_empty() {
                data["notes"] = json!(notes);
            }
            json!({
                "content": [{"type": "text", "text": text}],
                "structuredContent": data,
                "isError": false,
            })
        }
        Err(error) => failure(&error),
    }
}

/// What an assistant can mend is a tool's answer, not the protocol's error.
fn failure(error: &CliError) -> Value {
    let text = format!("error: {error}");
    json!({"content": [{"type": "text", "text": text}], "isError": true})
}
