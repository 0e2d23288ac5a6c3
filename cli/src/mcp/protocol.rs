//! JSON-RPC 2.0 as far as the protocol uses it.

use serde_json::{Value, json};

/// Versions of the protocol that are understood, newest first.
pub(super) const VERSIONS: [&str; 4] = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"];

/// What was sent is no JSON.
pub(super) const PARSE_ERROR: i64 = -32700;
/// It is JSON, but no message.
pub(super) const INVALID_REQUEST: i64 = -32600;
/// There is no such method.
pub(super) const METHOD_NOT_FOUND: i64 = -32601;
/// The method does not take these parameters.
pub(super) const INVALID_PARAMS: i64 = -32602;

/// What a client sends.
#[derive(Debug, PartialEq)]
pub(super) enum Message {
    /// To be answered under its id.
    Request {
        /// Text or number.
        id: Value,
        /// What is wanted.
        method: String,
        /// With what.
        params: Value,
    },
    /// Not to be answered.
    Notification {
        /// What happened.
        method: String,
        /// To what.
        params: Value,
    },
    /// An answer; nothing is ever asked of a client, so it means nothing.
    Response,
}

/// Understands one message.
///
/// # Errors
/// The answer that tells what is wrong with it.
pub(super) fn message(value: Value) -> Result<Message, Value> {
    let Value::Object(mut fields) = value else {
        return Err(error(&Value::Null, INVALID_REQUEST, "a message is a JSON object"));
    };
    let id = fields.remove("id");
    let known_id = id.clone().filter(|id| id.is_string() || id.is_number());
    let wrong =
        |what: &str| error(known_id.as_ref().unwrap_or(&Value::Null), INVALID_REQUEST, what);
    if fields.get("jsonrpc").and_then(Value::as_str) != Some("2.0") {
        return Err(wrong("`jsonrpc` must be \"2.0\""));
    }
    if !fields.contains_key("method")
        && (fields.contains_key("result") || fields.contains_key("error"))
    {
        return Ok(Message::Response);
    }
    let Some(Value::String(method)) = fields.remove("method") else {
        return Err(wrong("`method` must be a string"));
    };
    let params = fields.remove("params").unwrap_or_else(|| json!({}));
    if !params.is_object() {
        return Err(wrong("`params` must be an object"));
    }
    match (id, &known_id) {
        (None, _) => Ok(Message::Notification { method, params }),
        (Some(id), Some(_)) => Ok(Message::Request { id, method, params }),
        (Some(_), None) => Err(wrong("`id` must be a string or a number")),
    }
}

/// A request's answer.
pub(super) fn result(id: &Value, result: &Value) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "result": result})
}

/// The answer to what cannot be answered.
pub(super) fn error(id: &Value, code: i64, message: &str) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "error": {"code": code, "message": message}})
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn messages_are_told_apart() {
        let request = message(json!({"jsonrpc": "2.0", "id": 1, "method": "ping"})).unwrap();
        assert_eq!(
            request,
            Message::Request { id: json!(1), method: "ping".into(), params: json!({}) }
        );
        let note = message(json!({"jsonrpc": "2.0", "method": "x", "params": {"a": 1}})).unwrap();
        assert_eq!(note, Message::Notification { method: "x".into(), params: json!({"a": 1}) });
        let response = json!({"jsonrpc": "2.0", "id": 1, "result": {}});
        assert_eq!(message(response), Ok(Message::Response));
    }

    #[test]
    fn what_is_no_message_is_refused_under_its_id() {
        for (wrong, id) in [
            (json!(7), json!(null)),
            (json!({"id": 4, "method": "ping"}), json!(4)),
            (json!({"jsonrpc": "2.0", "id": "a"}), json!("a")),
            (json!({"jsonrpc": "2.0", "id": {}, "method": "ping"}), json!(null)),
            (json!({"jsonrpc": "2.0", "id": null, "method": "ping"}), json!(null)),
            (json!({"jsonrpc": "2.0", "id": 5, "method": "ping", "params": [1]}), json!(5)),
        ] {
            let answer = message(wrong.clone()).unwrap_err();
            assert_eq!((&answer["error"]["code"], &answer["id"]), (&json!(-32600), &id), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn any_json_gets_a_message_or_an_error(text in r#"[\[\]{}",:0-9a-z. ]{0,60}"#) {
            if let Ok(value) = serde_json::from_str::<Value>(&text)
                && let Err(answer) = message(value)
            {
                prop_assert!(answer["error"]["code"].is_i64());
            }
        }
    }
}
