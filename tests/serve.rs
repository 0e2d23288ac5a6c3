//! `lsearch serve`: what it answers, and to whom.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::common::browser::Serve;
use crate::common::{Desk, note, repository, tiny_encoder};

fn command(desk: &Desk, args: &[&str]) -> Command {
    let mut command = desk.command(["serve", "--port", "0"].iter().chain(args));
    command.env("LSEARCH_ENCODER", tiny_encoder());
    command
}

fn serve(desk: &Desk) -> Serve {
    Serve::start(command(desk, &[]))
}

/// A desk with a few documents, found by word and by meaning.
fn desk() -> Desk {
    let desk = Desk::new();
    desk.write("harbour.txt", note("the harbour"));
    desk.write("letters/harbour-dues.txt", note("dues of the harbour"));
    desk.write(
        "mill.md",
        format!("# Windmills\n\n## Sails\n\n{}", note("the windmill <b>&amp;</b>")),
    );
    let mut add = desk.command(["add", "docs"]);
    add.env("LSEARCH_ENCODER", tiny_encoder());
    assert!(add.output().expect("a runnable lsearch").status.success());
    desk
}

#[test]
fn it_searches_as_the_command_line_does() {
    let desk = desk();
    let serve = serve(&desk);
    let found = serve.json("/api/search?q=windmill&mode=keyword");
    assert_eq!(desk.relative(&found), ["mill.md"]);
    let hit = &found["hits"][0];
    assert_eq!(hit["passage"]["place"], "line 1, § Windmills");
    let snippet = hit["passage"]["snippet"].as_str().unwrap();
    let [start, end] = [0, 1].map(|at| hit["passage"]["highlights"][0][at].as_u64().unwrap());
    assert_eq!(snippet[start as usize..end as usize].to_lowercase(), "windmills");

    let search = |query: &str| desk.relative(&serve.json(&format!("/api/search?{query}")));
    assert_eq!(search("q=harbour&mode=keyword").len(), 2);
    assert_eq!(search("q=harbour&mode=keyword&n=1").len(), 1);
    let [all, second] =
        ["", "&n=1&offset=1"].map(|more| search(&format!("q=harbour&mode=keyword{more}")));
    assert_eq!(second, all[1..]);
    assert_eq!(search("q=harbour&mode=keyword&path=letters%2F**"), ["letters/harbour-dues.txt"]);
    assert_eq!(search("q=about&mode=keyword&type=markdown"), ["mill.md"]);
    assert_eq!(search("q=harbour&mode=keyword&before=2001-01-01").len(), 0);
    assert_eq!(search("q=harbour&after=2001-01-01").len(), 3, "hybrid ranks what is meant, too");
    assert_eq!(search("q=anything&mode=semantic").len(), 3);

    let misspelt = serve.json("/api/search?q=harbuor&mode=keyword");
    assert_eq!(misspelt["corrections"][0]["meant"], "harbour");
    assert_eq!(misspelt["messages"].as_array().unwrap().len(), 0, "it is said once: {misspelt}");
    let open = serve.json("/api/search?q=%22windmill&mode=keyword");
    assert!(open["messages"][0].as_str().unwrap().contains('^'), "{open}");

    for (query, status) in
        [("q=x&n=1000", 400), ("q=x&mode=psychic", 400), ("q=", 422), ("q=type:pfd", 422)]
    {
        let answer = serve.get(&format!("/api/search?{query}"));
        assert_eq!(answer.status, status, "{query}: {}", answer.text());
        assert!(answer.json()["error"]["message"].is_string(), "{query}");
    }
}

#[test]
fn documents_are_read_in_parts_and_compared() {
    let desk = desk();
    let long: String = (0..4000).map(|at| format!("Line {at} of the long report.\n")).collect();
    desk.write("long.txt", long);
    let mut add = desk.command(["add", "docs", "--no-wait"]);
    add.env("LSEARCH_ENCODER", tiny_encoder());
    assert!(add.output().unwrap().status.success());
    let serve = serve(&desk);
    let found = serve.json("/api/search?q=windmill&mode=keyword");
    let (id, start) = (&found["hits"][0]["id"], &found["hits"][0]["passage"]["start"]);
    let shown = serve.json(&format!("/api/documents/{id}?at={start}"));
    let at = shown["at"].as_u64().unwrap() as usize;
    assert_eq!(shown["parts"][at]["start"], *start);
    let blocks = shown["parts"].to_string();
    assert!(blocks.contains(r#"{"heading":"Sails"}"#), "{blocks}");
    // Markup stays text, and JSON is no page whatever a browser thinks of it.
    assert!(blocks.contains("<b>&amp;</b>"), "{blocks}");

    let like = serve.json(&format!("/api/documents/{id}/similar?n=2"));
    assert_eq!(like["hits"].as_array().unwrap().len(), 2, "{like}");
    assert!(!desk.relative(&like).contains(&"mill.md".to_owned()));

    let found = serve.json("/api/search?q=%22line+2000%22&mode=keyword");
    let (id, start) = (&found["hits"][0]["id"], &found["hits"][0]["passage"]["start"]);
    let shown = serve.json(&format!("/api/documents/{id}?at={start}"));
    let passages = shown["passages"].as_u64().unwrap();
    let parts = shown["parts"].as_array().unwrap();
    let at = shown["at"].as_u64().unwrap();
    let found = parts.iter().find(|part| part["index"] == at).unwrap();
    assert!(found.to_string().contains("Line 2000 of"), "{found}");
    let (first, last) =
        (parts[0]["index"].as_u64().unwrap(), parts[parts.len() - 1]["index"].as_u64().unwrap());
    assert!(first > 0 && last + 1 < passages, "{first} to {last} of {passages}");
    let next = serve.json(&format!("/api/documents/{id}?from={}", last + 1));
    assert_eq!(next["parts"][0]["start"], parts[parts.len() - 1]["end"]);
    let before = serve.json(&format!("/api/documents/{id}?until={first}"));
    let before = before["parts"].as_array().unwrap();
    assert_eq!(before[before.len() - 1]["end"], parts[0]["start"]);

    assert_eq!(serve.get("/api/documents/999999").status, 404);
    assert_eq!(serve.get("/api/documents/999999/similar").status, 404);
    assert_eq!(serve.get(&format!("/api/documents/{id}?from=x")).status, 400);
}

#[test]
fn only_those_with_the_key_are_let_in() {
    let desk = desk();
    let serve = serve(&desk);
    // The address lets the browser in and is left behind.
    let path = serve.address.strip_prefix(&format!("http://{}", serve.host)).unwrap();
    let entered = serve.ask("GET", path, &["Sec-Fetch-Site: none"], b"");
    assert_eq!((entered.status, entered.header("location")), (303, Some("/")));
    let cookie = entered.header("set-cookie").unwrap();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
    assert!(cookie.starts_with(&format!("lsearch-{}=", serve.port())), "{cookie}");
    assert_eq!(serve.get("/").status, 200);

    let wrong = format!("Cookie: lsearch-{}={}", serve.port(), "0".repeat(64));
    for path in
        ["/", "/script.js", "/api/search?q=windmill", "/api/status", "/api/documents/1", "/nothing"]
    {
        for headers in [&[][..], &[wrong.as_str()][..]] {
            let answer = serve.ask("GET", path, headers, b"");
            assert_eq!(answer.status, 401, "{path} {headers:?}");
            assert!(!answer.text().contains("windmill"), "{}", answer.text());
        }
    }
    let origin = format!("Origin: http://{}", serve.host);
    assert_eq!(serve.ask("POST", "/api/documents/1/open", &[&origin], b"").status, 401);
    assert_eq!(serve.ask("GET", &format!("/?token={}", "0".repeat(64)), &[], b"").status, 401);
    assert_eq!(serve.ask("GET", "/?token=", &[], b"").status, 401);
    // Another server's key is of no use here.
    let other = self::serve(&desk);
    assert_ne!(serve.token, other.token);
    assert_eq!(serve.ask("GET", "/api/status", &[&other.cookie()], b"").status, 401);
}

#[test]
fn requests_from_elsewhere_are_refused_even_with_the_key() {
    let desk = desk();
    let serve = serve(&desk);
    let (cookie, port) = (serve.cookie(), serve.port());
    let ask = |method: &str, headers: &[&str]| {
        let headers: Vec<&str> = headers.iter().copied().chain([cookie.as_str()]).collect();
        serve.ask(method, "/api/status", &headers, b"").status
    };
    for host in [
        "evil.example".to_owned(),
        format!("evil.example:{port}"),
        format!("127.0.0.2:{port}"),
        "127.0.0.1:1".to_owned(),
    ] {
        assert_eq!(ask("GET", &[&format!("Host: {host}")]), 403, "{host}");
    }
    for host in [format!("localhost:{port}"), format!("[::1]:{port}")] {
        assert_eq!(ask("GET", &[&format!("Host: {host}")]), 200, "{host}");
    }
    for origin in
        ["http://evil.example", "null", "http://127.0.0.1:1", &format!("https://127.0.0.1:{port}")]
    {
        assert_eq!(ask("GET", &[&format!("Origin: {origin}")]), 403, "{origin}");
    }
    for site in ["cross-site", "same-site"] {
        assert_eq!(ask("GET", &[&format!("Sec-Fetch-Site: {site}")]), 403, "{site}");
    }
    assert_eq!(ask("GET", &["Sec-Fetch-Site: same-origin"]), 200);
    // A form of another page could post without saying where it comes from, in an old browser.
    assert_eq!(serve.ask("POST", "/api/documents/1/open", &[&cookie], b"").status, 403);
    let absolute = format!(
        "GET http://evil.example/api/status HTTP/1.1\r\nHost: {}\r\n{cookie}\r\nConnection: close\r\n\r\n",
        serve.host
    );
    assert_eq!(serve.raw(absolute.as_bytes()).status, 403);
    let without = format!("GET /api/status HTTP/1.1\r\n{cookie}\r\nConnection: close\r\n\r\n");
    assert_eq!(serve.raw(without.as_bytes()).status, 403);
}

#[test]
fn nothing_but_documents_and_the_page_is_given_out() {
    let desk = desk();
    std::fs::write(desk.home().join("secret.txt"), "the vault").unwrap();
    let serve = serve(&desk);
    for path in [
        "/../secret.txt",
        "/%2e%2e/secret.txt",
        "/..%2fsecret.txt",
        "//etc/passwd",
        "/etc/passwd",
        "/api/documents/../../../etc/passwd",
        "/api/documents/%2Fetc%2Fpasswd",
        "/api/documents/-1",
        "/page/index.html",
        "/style.css/../../Cargo.toml",
        "/favicon.ico",
    ] {
        let answer = serve.get(path);
        assert_eq!(answer.status, 404, "{path}: {}", answer.text());
    }
    for (method, path, allowed) in [
        ("POST", "/api/search?q=x", "GET, HEAD"),
        ("DELETE", "/api/documents/1", "GET, HEAD"),
        ("PUT", "/", "GET, HEAD"),
        ("GET", "/api/documents/1/open", "POST"),
    ] {
        let origin = format!("Origin: http://{}", serve.host);
        let answer = serve.ask(method, path, &[&serve.cookie(), &origin], b"");
        assert_eq!(
            (answer.status, answer.header("allow")),
            (405, Some(allowed)),
            "{method} {path}"
        );
    }
    let head = serve.ask("HEAD", "/api/search?q=windmill", &[&serve.cookie()], b"");
    assert_eq!((head.status, head.body.len()), (200, 0));
}

#[test]
fn too_much_is_refused_and_the_rest_served_on() {
    let desk = desk();
    let serve = serve(&desk);
    let cookie = serve.cookie();
    let origin = format!("Origin: http://{}", serve.host);
    assert_eq!(serve.get(&format!("/api/search?q={}", "a".repeat(9000))).status, 414);
    let huge = serve.get(&format!("/api/search?q={}", "a".repeat(100_000)));
    assert!(matches!(huge.status, 414 | 431), "{}", huge.status);
    let header = format!("X-Long: {}", "a".repeat(100_000));
    assert_eq!(serve.ask("GET", "/api/status", &[&cookie, &header], b"").status, 431);
    let body = vec![b'x'; 1 << 20];
    let post = serve.ask("POST", "/api/documents/1/open", &[&cookie, &origin], &body);
    assert_eq!(post.status, 413);
    assert_eq!(serve.raw(b"\x16\x03\x01 this is TLS, or noise\r\n\r\n").status, 400);
    // Many who connect and say nothing: others are let in as soon as one of them goes.
    let mut idle: Vec<TcpStream> =
        (0..63).map(|_| TcpStream::connect(&serve.host).unwrap()).collect();
    idle[0].write_all(b"GET / HT").unwrap();
    assert_eq!(serve.get("/api/status").status, 200);
    drop(idle);
    // Searches that nobody waits for any more.
    for _ in 0..40 {
        let mut stream = TcpStream::connect(&serve.host).unwrap();
        let host = &serve.host;
        // One that is one too many is closed at once.
        let _ = write!(
            stream,
            "GET /api/search?q=harbour HTTP/1.1\r\nHost: {host}\r\n{cookie}\r\n\r\n"
        );
    }
    let until = Instant::now() + Duration::from_secs(60);
    loop {
        // Those may still hold all places.
        let mut stream = TcpStream::connect(&serve.host).unwrap();
        let request = format!(
            "GET /api/search?q=windmill HTTP/1.1\r\nHost: {}\r\n{cookie}\r\nConnection: close\r\n\r\n",
            serve.host
        );
        let mut answer = String::new();
        let asked =
            stream.write_all(request.as_bytes()).and_then(|()| stream.read_to_string(&mut answer));
        if asked.is_ok() && answer.contains("mill.md") {
            break;
        }
        assert!(Instant::now() < until, "{answer}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn every_answer_is_harmless_to_the_browser() {
    let desk = desk();
    let serve = serve(&desk);
    let origin = "Origin: http://evil.example";
    let answers = [
        serve.get("/"),
        serve.get("/script.js"),
        serve.get("/api/search?q=windmill"),
        serve.get("/nothing"),
        serve.ask("GET", "/", &[], b""),
        serve.ask("GET", "/", &[origin], b""),
        serve.ask("GET", &format!("/?token={}", serve.token), &[], b""),
    ];
    for answer in &answers {
        let policy = answer.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_eq!(answer.header("cross-origin-resource-policy"), Some("same-origin"));
        assert_eq!(answer.header("access-control-allow-origin"), None);
    }
    assert_eq!(answers[0].header("content-type"), Some("text/html; charset=utf-8"));
    assert_eq!(answers[2].header("content-type"), Some("application/json"));
    // Nothing on the page comes from elsewhere, and nothing in it stands inline.
    let files = ["/", "/style.css", "/script.js", "/asking.js", "/element.js"];
    let page: String = files.map(|file| serve.get(file).text()).concat();
    for foreign in
        ["https://", "http://", "url(", "@import", "<style", "onclick=", "innerHTML", "eval("]
    {
        assert!(!page.contains(foreign), "{foreign}");
    }
    assert!(page.contains("lsearch"));
}

#[test]
fn what_is_added_is_found_without_a_restart() {
    let desk = Desk::new();
    let serve = serve(&desk);
    let status = serve.json("/api/status");
    assert_eq!(status["documents"]["keyword"], 0);
    let nothing = serve.get("/api/search?q=lighthouse");
    assert_eq!(nothing.status, 422);
    assert!(nothing.json()["error"]["hint"].as_str().unwrap().contains("lsearch add"));

    let add = || {
        let mut add = desk.command(["add", "docs"]);
        add.env("LSEARCH_ENCODER", tiny_encoder());
        assert!(add.output().unwrap().status.success());
    };
    let comes_to = |expected: &[&str]| {
        let until = Instant::now() + Duration::from_secs(30);
        loop {
            let found = desk.relative(&serve.json("/api/search?q=lighthouse&mode=keyword"));
            if found == expected {
                break;
            }
            assert!(Instant::now() < until, "{found:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    desk.write("a.txt", note("the lighthouse"));
    add();
    comes_to(&["a.txt"]);
    desk.write("b.txt", note("another lighthouse"));
    std::fs::remove_file(desk.docs().join("a.txt")).unwrap();
    add();
    comes_to(&["b.txt"]);
    let status = serve.json("/api/status");
    assert_eq!(
        (&status["documents"]["keyword"], &status["documents"]["semantic"]),
        (&1.into(), &1.into())
    );
    assert_eq!(status["kinds"], serde_json::json!(["text"]));
    assert_eq!(status["daemon"]["running"], false);
    desk.run(["rebuild"]).ok();
    comes_to(&["b.txt"]);
}

#[test]
fn documents_are_opened_by_the_desktop() {
    let desk = desk();
    // In place of the desktop's opener one that tells what it was given.
    let script = "printf '%s\\n' \"$1\" >> \"$HOME/opened\"\ncase $1 in *mill*) exit 3;; esac";
    let mut command = command(&desk, &["--open"]);
    command.env("PATH", opener_before_others(&desk, script));
    let serve = Serve::start(command);
    let open = |query: &str| {
        let found = serve.json(&format!("/api/search?mode=keyword&q={query}"));
        serve.post(&format!("/api/documents/{}/open", found["hits"][0]["id"]))
    };
    assert_eq!(open("dues").status, 204);
    let failed = open("windmill");
    assert!(failed.status == 422 && failed.text().contains("could not open"), "{}", failed.text());
    std::fs::remove_file(desk.docs().join("letters/harbour-dues.txt")).unwrap();
    let gone = open("dues");
    assert!(gone.status == 422 && gone.text().contains("not there now"), "{}", gone.text());
    assert_eq!(serve.post("/api/documents/999999/open").status, 404);
    let opened = std::fs::read_to_string(desk.home().join("opened")).unwrap();
    let expected: Vec<String> = vec![
        serve.address.clone(),
        desk.docs().join("letters/harbour-dues.txt").display().to_string(),
        desk.docs().join("mill.md").display().to_string(),
    ];
    assert_eq!(opened.lines().collect::<Vec<_>>(), expected);
}

#[test]
fn it_ends_in_order_and_tells_nothing_of_what_was_asked() {
    let desk = desk();
    for signal in ["-INT", "-TERM"] {
        let mut command = command(&desk, &["-v"]);
        command.env("RUST_BACKTRACE", "0");
        let serve = Serve::start(command);
        serve.json("/api/search?q=windmil+harbour");
        serve.get("/api/search?q=type:windmill");
        // One that is being typed does not hold it up.
        let mut half = TcpStream::connect(&serve.host).unwrap();
        half.write_all(b"GET /api/search?q=").unwrap();
        let address = serve.host.clone();
        let token = serve.token.clone();
        let (code, said) = serve.end(signal);
        assert_eq!(code, 130, "{said}");
        for private in ["windmil", "harbour", token.as_str()] {
            assert!(!said.contains(private), "{said}");
        }
        assert!(TcpStream::connect(&address).is_err(), "nobody listens any more");
    }
}

#[test]
fn ports_are_taken_as_they_are_wanted() {
    let desk = Desk::new();
    let one = serve(&desk);
    let port = one.port().to_owned();
    let taken = desk.run(["serve", "--port", &port]).exits(2).says("leave out --port");
    assert_eq!(taken.stdout, "");
    // The usual port, or another where that is taken.
    let [first, second] = [0, 1].map(|_| {
        let mut command = desk.command(["serve"]);
        command.env("LSEARCH_ENCODER", tiny_encoder());
        Serve::start(command)
    });
    assert_ne!(first.host, second.host);
    assert!(first.host.starts_with("127.0.0.1:") && second.host.starts_with("127.0.0.1:"));
    // No address but the loopback ones.
    if let Some(outside) = outside_address() {
        assert!(TcpStream::connect((outside, one.port().parse().unwrap())).is_err(), "{outside}");
    }
}

/// An address of this machine by which others reach it.
fn outside_address() -> Option<std::net::IpAddr> {
    let socket = std::net::UdpSocket::bind("0.0.0.0:0").ok()?;
    // Nothing is sent: the system only chooses the way.
    socket.connect("192.0.2.1:9").ok()?;
    Some(socket.local_addr().ok()?.ip()).filter(|ip| !ip.is_loopback() && !ip.is_unspecified())
}

/// A person without a mouse, in a real browser: `LSEARCH_PLAYWRIGHT` names the folder of playwright-core and
/// `LSEARCH_CHROMIUM` the browser (and `node` is on the path).
#[test]
fn the_page_is_used_by_keys_alone() {
    let (Some(playwright), Some(chromium)) =
        (std::env::var_os("LSEARCH_PLAYWRIGHT"), std::env::var_os("LSEARCH_CHROMIUM"))
    else {
        eprintln!("skipped: LSEARCH_PLAYWRIGHT and LSEARCH_CHROMIUM name no browser");
        return;
    };
    let desk = Desk::new();
    let library = repository().join("fixtures/library");
    let mut add = desk.command(["add".as_ref(), library.as_os_str()]);
    add.env("LSEARCH_ENCODER", tiny_encoder());
    assert!(add.output().expect("a runnable lsearch").status.success());
    let mut command = command(&desk, &[]);
    command.env("PATH", opener_before_others(&desk, "exit 0"));
    let serve = Serve::start(command);
    let ran = Command::new("node")
        .arg(repository().join("tests/page/page.mjs"))
        .args([&serve.address, "run"])
        .env("LSEARCH_PLAYWRIGHT", playwright)
        .env("LSEARCH_CHROMIUM", chromium)
        .output()
        .expect("a runnable node");
    let said = [ran.stdout, ran.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    assert!(ran.status.success() && said[0].contains("by keys"), "{}", said.concat());
}

/// A PATH whose desktop opener is a script.
fn opener_before_others(desk: &Desk, script: &str) -> String {
    let programs = desk.home().join("programs");
    std::fs::create_dir(&programs).unwrap();
    let opener = programs.join(if cfg!(target_os = "macos") { "open" } else { "xdg-open" });
    std::fs::write(&opener, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(&opener, std::fs::Permissions::from_mode(0o700)).unwrap();
    format!("{}:{}", programs.display(), std::env::var("PATH").unwrap_or_default())
}
