//! `lsearch mcp`: whole conversations with the real binary over pipes.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use serde_json::{Value, json};

use crate::common::{Desk, note};

/// An assistant's end of the pipes.
struct Client {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
    last: u64,
}

impl Client {
    fn start(desk: &Desk) -> Self {
        let mut command = desk.command(["mcp"]);
        command.env("LSEARCH_ENCODER", crate::common::tiny_encoder());
        let mut child =
            command.stdin(Stdio::piped()).stderr(Stdio::null()).spawn().expect("a server");
        let stdin = child.stdin.take();
        let stdout = BufReader::new(child.stdout.take().expect("stdout"));
        Self { child, stdin, stdout, last: 0 }
    }

    fn greeted(desk: &Desk) -> Self {
        let mut client = Self::start(desk);
        let about = json!({"name": "test", "version": "1"});
        let greeting = client.ask(
            "initialize",
            json!({
                "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": about,
            }),
        );
        assert_eq!(greeting["result"]["protocolVersion"], "2025-06-18");
        client.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}).to_string());
        client
    }

    fn send(&mut self, line: &str) {
        let stdin = self.stdin.as_mut().expect("an open stdin");
        writeln!(stdin, "{line}").expect("a server that listens");
    }

    #[track_caller]
    fn hear(&mut self) -> Value {
        let mut line = String::new();
        self.stdout.read_line(&mut line).expect("an answer");
        let answer: Value = serde_json::from_str(&line).unwrap_or_else(|e| panic!("{e}: {line:?}"));
        assert_eq!(answer["jsonrpc"], "2.0");
        answer
    }

    #[track_caller]
    fn ask(&mut self, method: &str, params: Value) -> Value {
        self.last += 1;
        let id = self.last;
        self.send(
            &json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}).to_string(),
        );
        let answer = self.hear();
        assert_eq!(answer["id"], id);
        answer
    }

    #[track_caller]
    fn call(&mut self, tool: &str, arguments: Value) -> Value {
        let answer = self.ask("tools/call", json!({"name": tool, "arguments": arguments}));
        answer.get("result").unwrap_or_else(|| panic!("{answer:#}")).clone()
    }

    /// What a tool answers as data.
    #[track_caller]
    fn data(&mut self, tool: &str, arguments: Value) -> Value {
        let result = self.call(tool, arguments);
        assert_eq!(result["isError"], false, "{result:#}");
        result["structuredContent"].clone()
    }

    /// What a tool says when it cannot.
    #[track_caller]
    fn refusal(&mut self, tool: &str, arguments: Value) -> String {
        let result = self.call(tool, arguments);
        assert_eq!(result["isError"], true, "{result:#}");
        result["content"][0]["text"].as_str().expect("a text").to_owned()
    }

    /// Ends stdin; gives the exit code and what was still said.
    fn end(mut self) -> (i32, String) {
        drop(self.stdin.take());
        let mut rest = String::new();
        std::io::Read::read_to_string(&mut self.stdout, &mut rest).expect("UTF-8");
        (self.child.wait().expect("an end").code().unwrap_or(-1), rest)
    }
}

fn desk_of_notes() -> Desk {
    let desk = Desk::new();
    desk.write("harbour.txt", note("the harbour"));
    desk.write("lighthouse.md", format!("# The lighthouse\n\n{}", note("the lighthouse keeper")));
    desk.write("tide.rs", "/// Height of the tide in metres.\nfn tide_height(hour: u32) -> f64 {\n    f64::from(hour)\n}\n");
    let mut add = desk.command(["add", "docs"]);
    add.env("LSEARCH_ENCODER", crate::common::tiny_encoder());
    assert!(add.output().expect("a runnable lsearch").status.success());
    desk
}

#[test]
fn a_whole_session() {
    let desk = desk_of_notes();
    let mut client = Client::greeted(&desk);
    assert_eq!(client.ask("ping", json!({}))["result"], json!({}));
    let tools = client.ask("tools/list", json!({}));
    let tools = tools["result"]["tools"].as_array().expect("tools").clone();
    let names: Vec<_> = tools.iter().map(|tool| tool["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["search", "get", "similar", "status"]);

    let found = client.data("search", json!({"query": "tide height", "type": "rust"}));
    let hit = &found["hits"][0];
    assert!(hit["path"].as_str().unwrap().ends_with("docs/tide.rs"), "{found:#}");
    assert!(hit["text"].as_str().unwrap().contains("tide_height") && hit["line"].is_u64());
    let id = hit["id"].clone();

    let whole = client.data("get", json!({"document": id}));
    assert!(whole["text"].as_str().unwrap().starts_with("/// Height"), "{whole:#}");
    let line = client.data("get", json!({"document": id.to_string(), "lines": "2:2"}));
    assert_eq!(line["text"], "fn tide_height(hour: u32) -> f64 {\n");
    let passage =
        client.data("get", json!({"document": id, "passage": hit["passage"], "neighbours": 1}));
    assert!(passage["text"].as_str().unwrap().contains("tide_height"));

    let by_path = desk.docs().join("harbour.txt");
    let alike = client.data("similar", json!({"document": by_path, "limit": 1}));
    assert_eq!(alike["hits"].as_array().unwrap().len(), 1);
    assert!(!alike["hits"][0]["path"].as_str().unwrap().ends_with("harbour.txt"));

    let status = client.data("status", json!({}));
    assert_eq!(
        (&status["documents"]["keyword"], &status["documents"]["semantic"]),
        (&json!(3), &json!(3))
    );
    assert_eq!(client.end(), (0, String::new()));
}

#[test]
fn text_for_reading_names_place_id_and_passage() {
    let desk = desk_of_notes();
    let mut client = Client::greeted(&desk);
    let result =
        client.call("search", json!({"query": "lighthouse", "mode": "keyword", "limit": 1}));
    let text = result["content"][0]["text"].as_str().unwrap();
    assert!(text.starts_with("1 of 1 document for \"lighthouse\", mode keyword"), "{text}");
    assert!(text.contains("lighthouse.md:") && text.contains("[id "), "{text}");
    assert!(text.contains("nothing else") && text.contains("(passage "), "{text}");
    assert!(!text.contains('\x1b'), "{text:?}");
    let none = client.call("search", json!({"query": "xylophone", "mode": "keyword"}));
    assert_eq!(none["isError"], false);
    assert!(none["content"][0]["text"].as_str().unwrap().contains("nothing found"));
    // What the command line says on stderr goes along.
    let typo = client.data("search", json!({"query": "lighthuose", "mode": "keyword"}));
    assert!(typo["notes"][0].as_str().unwrap().contains("lighthouse"), "{typo:#}");
}

#[test]
fn what_is_committed_meanwhile_is_found() {
    let desk = desk_of_notes();
    let mut client = Client::greeted(&desk);
    let found = |client: &mut Client| {
        client.data("search", json!({"query": "dredger", "mode": "keyword"}))["total"].clone()
    };
    assert_eq!(found(&mut client), 0);
    desk.write("dredger.txt", note("the dredger"));
    desk.run(["add", "--no-wait"]).ok();
    assert_eq!(found(&mut client), 1);
}

#[test]
fn a_long_document_comes_in_parts() {
    let desk = Desk::new();
    let lines: Vec<String> =
        (1..=9000).map(|n| format!("line {n} of the log of the pilots\n")).collect();
    let text = lines.concat();
    desk.write("pilots.txt", &text);
    desk.run(["add", "docs", "--no-wait"]).ok();
    let mut client = Client::greeted(&desk);
    let mut arguments = json!({"document": desk.docs().join("pilots.txt")});
    let (mut whole, mut answers) = (String::new(), 0);
    loop {
        arguments["max_chars"] = json!(100_000);
        let part = client.data("get", arguments);
        let shown = part["text"].as_str().unwrap();
        assert!(shown.chars().count() <= 100_000);
        whole.push_str(shown);
        answers += 1;
        arguments = part["next"].clone();
        if arguments.is_null() {
            break;
        }
    }
    assert!(whole == text && answers == 4, "{answers} answers");
}

#[test]
fn what_is_wrong_is_said_and_the_session_goes_on() {
    let desk = desk_of_notes();
    let outside = desk.home().join("secret.txt");
    std::fs::write(&outside, "not indexed").unwrap();
    let mut client = Client::greeted(&desk);
    // Errors of the protocol.
    for (line, code) in [
        ("{\"jsonrpc\":", -32700),
        ("17", -32600),
        (r#"{"jsonrpc":"1.0","id":9,"method":"ping"}"#, -32600),
        (r#"{"jsonrpc":"2.0","id":9,"method":"resources/list"}"#, -32601),
        (r#"{"jsonrpc":"2.0","id":9,"method":"server/discover"}"#, -32601),
        (r#"{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"delete"}}"#, -32602),
        (
            r#"{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"get","arguments":[]}}"#,
            -32602,
        ),
    ] {
        client.send(line);
        assert_eq!(client.hear()["error"]["code"], code, "{line}");
    }
    // Errors of tools, which an assistant can mend.
    for (tool, arguments, part) in [
        ("search", json!({}), "query"),
        ("search", json!({"query": "x", "colour": 1}), "colour"),
        ("search", json!({"query": "x", "limit": 900}), "1 to 50"),
        ("search", json!({"query": "type:pfd lease"}), "did you mean pdf"),
        ("search", json!({"query": "lease", "after": "yesteryear"}), "yesteryear"),
        ("get", json!({"document": 4711}), "no such document"),
        ("get", json!({"document": outside}), "no such document"),
        ("similar", json!({"document": outside}), "no such document"),
        ("get", json!({"document": desk.docs().join("tide.rs"), "lines": "9:3"}), "range of lines"),
        ("get", json!({"document": desk.docs().join("tide.rs"), "page": 1}), "no pages"),
        ("status", json!({"wait": true}), "wait"),
    ] {
        let said = client.refusal(tool, arguments.clone());
        assert!(said.contains(part), "{tool} {arguments}: {said}");
    }
    let too_long = format!(r#"{{"jsonrpc":"2.0","id":9,"method":"{}"}}"#, "x".repeat(5 << 20));
    client.send(&too_long);
    assert_eq!(client.hear()["error"]["code"], -32600);
    assert_eq!(client.ask("ping", json!({}))["result"], json!({}));
    assert_eq!(client.end().0, 0);
}

#[test]
fn nothing_indexed_yet_is_a_tools_answer() {
    let desk = Desk::new();
    let mut client = Client::greeted(&desk);
    assert!(client.refusal("search", json!({"query": "harbour"})).contains("lsearch add"));
    assert_eq!(client.data("status", json!({}))["documents"]["seen"], 0);
}

#[test]
fn what_was_asked_before_the_end_is_answered() {
    let desk = desk_of_notes();
    let mut client = Client::greeted(&desk);
    for id in 10..15 {
        let call = json!({"name": "search", "arguments": {"query": "harbour", "mode": "keyword"}});
        client.send(
            &json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": call})
                .to_string(),
        );
    }
    let (code, rest) = client.end();
    assert_eq!((code, rest.lines().count()), (0, 5), "{rest}");
}
