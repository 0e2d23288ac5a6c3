//! What must not get into the index, and how a person finds out what does.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::common::office::Office;
use crate::common::pack::{message, tar, zip};
use crate::common::{Desk, note};

/// A word that stands in one secret and nowhere else.
fn canary(number: usize) -> String {
    format!("canary{number:03}qz")
}

/// Secrets under the names that they have, each with a word of its own.
fn secrets() -> Vec<(&'static str, String, usize)> {
    const NAMES: [&str; 37] = [
        ".env",
        "deploy/.env.production",
        "production.env",
        ".ssh/id_ed25519",
        "backup/id_rsa",
        "certificates/server.key",
        "certificates/chain.pem",
        "certificates/client.p12",
        "certificates/client.pfx",
        "vault.kdbx",
        "login.keychain",
        ".netrc",
        "_netrc",
        ".npmrc",
        ".pypirc",
        ".pgpass",
        ".my.cnf",
        ".git-credentials",
        ".aws/credentials",
        "aws/credentials",
        ".kube/config",
        "staging.kubeconfig",
        "kubeconfig",
        ".docker/config.json",
        ".dockercfg",
        "gcloud/service-account.json",
        "gcloud/application_default_credentials.json",
        "credentials.json",
        "www/.htpasswd",
        "www/htpasswd",
        "infra/terraform.tfstate",
        "infra/terraform.tfstate.backup",
        "infra/production.tfvars",
        ".gnupg/secring.gpg",
        "keys/secring.gpg",
        ".bash_history",
        "home/zsh_history",
    ];
    let named = NAMES.iter().enumerate().map(|(number, name)| {
        (*name, format!("password = {0} and {0} once more\n", canary(number)), number)
    });
    let key = |number: usize| {
        format!(
            "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQE\n-----END PRIVATE KEY-----\n{}\n",
            canary(number)
        )
    };
    let by_content = [
        ("notes/key.txt", key(100), 100),
        ("notes/no-extension", key(101), 101),
        (
            "gcloud/my-project-1234.json",
            format!(
                "{{\"project_id\": \"{}\", \"private_key\": \"-----BEGIN PRIVATE KEY-----\\nMII\"}}",
                canary(102)
            ),
            102,
        ),
        (
            "wg0.conf",
            format!("[Interface]\nPrivateKey = {}=\n# {}\n", "A".repeat(43), canary(103)),
            103,
        ),
    ];
    named.chain(by_content).collect()
}

/// Every file below a folder.
fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let Ok(entries) = std::fs::read_dir(folder) else { return files };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() { files.extend(files_below(&path)) } else { files.push(path) }
    }
    files
}

#[test]
fn no_secret_is_in_the_index_the_snippets_or_the_log() {
    let office = Office::new();
    let secrets = secrets();
    assert!(secrets.len() > 20);
    let mut packed: Vec<(&[u8], &[u8])> = Vec::new();
    for (name, text, _) in &secrets {
        office.write(name, text);
        packed.push((name.as_bytes(), text.as_bytes()));
    }
    let packed_too: Vec<(&str, &[u8])> =
        secrets.iter().map(|(name, text, _)| (*name, text.as_bytes())).collect();
    office.write("backup.tar", tar(&packed));
    office
        .write("backup.zip", zip(&[("inner.zip", &zip(&packed_too)), ("a.txt", b"A harbour.\n")]));
    office.write("mail.eml", message("Keys", "Attached.", ("id_rsa", &canary(0))));
    office.write("README.md", note("passwords, and where they are kept"));
    // With all that is ever told.
    let said = office.run(&["-v", "add", "docs", "--no-wait"]).ok();
    let daemon = office.command(&["-v", "daemon", "run"]).spawn().expect("a daemon");
    office.wait_until("the daemon answers", || office.status()["pid"].is_u64());
    office.write("late.txt", note("a late arrival"));
    office.write("late/.netrc", format!("password {}\n", canary(200)));
    office.write("late/key", format!("{}{}", secrets[37].1, canary(201)));
    office.comes_to("arrival", &["late.txt"]);
    let log = office.run(&["daemon", "logs", "-n", "1000"]).stdout;
    office.run(&["daemon", "stop"]).ok();
    drop(daemon);
    let numbers = secrets.iter().map(|(_, _, number)| *number).chain([200, 201]);
    for number in numbers {
        let word = canary(number);
        assert!(office.find(&word).is_empty(), "{word}: {:?}", office.find(&word));
        assert!(!said.stderr.contains(&word) && !log.contains(&word), "{word} was told");
        for file in files_below(&office.desk.data()) {
            let bytes = std::fs::read(&file).unwrap();
            let there = bytes.windows(word.len()).any(|part| part == word.as_bytes());
            assert!(!there, "{word} stands in {}", file.display());
        }
    }
    // Nothing of what is stored is one of them, compressed or not: every document is listed here.
    let list = |word| {
        office.run(&["search", "-l", "--all", "-n", "1000", "--mode", "keyword", word]).ok().stdout
    };
    let all: String = ["arrival", "passwords", "attached", "harbour"].map(list).concat();
    assert!(all.contains("README.md") && all.contains("mail.eml"), "{all}");
    let keyword = office.desk.count("keyword");
    assert_eq!(keyword, 4, "README.md, a.txt, mail.eml and late.txt: {all}");
}

/// What `folders --why` says, with its exit code.
#[track_caller]
fn why(desk: &Desk, path: &str, code: i32) -> Value {
    let ran = desk.run(["folders", "--json", "--why", path]).exits(code);
    let why = ran.json();
    assert_eq!(why["in"], code == 0, "{why:#}");
    assert!(why["reason"].as_str().unwrap().len() > 5, "{why:#}");
    why
}

#[test]
fn why_a_file_is_in_or_out() {
    let desk = Desk::new();
    desk.write("page.txt", note("the harbour"));
    desk.write(".gitignore", "# logs\n\n*.log\n");
    desk.write("sub/.lsearchignore", "drafts/\n");
    for name in
        ["run.log", "sub/drafts/x.txt", "old/x.txt", ".hidden/x.txt", "x/.netrc", "x/notes.tmp"]
    {
        desk.write(name, note("the lighthouse"));
    }
    desk.write("server.pem", "key");
    desk.write("key.txt", "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQE\n");
    desk.write("photo.png", b"\x89PNG\r\n\x1A\n");
    desk.write("program", [0_u8, 1, 2, 3, 0, 9, 8].repeat(100));
    desk.write("empty.txt", "");
    desk.write("broken.pdf", "%PDF-1.4 and nothing more");
    desk.write(
        "a.zip",
        zip(&[
            ("in/b.txt", note("a viaduct").as_bytes()),
            ("c.png", b"\x89PNG"),
            ("old/d.txt", b"d"),
        ]),
    );
    let big = desk.write("big.txt", "x");
    std::fs::File::options().write(true).open(big).unwrap().set_len(2 << 30).unwrap();
    std::os::unix::fs::symlink("sub", desk.docs().join("link")).unwrap();
    let config = desk.home().join("config.toml");
    std::fs::write(&config, "exclude = [\"*.tmp\"]\n").unwrap();
    let config = config.to_string_lossy().into_owned();
    desk.run(["--config", &config, "add", "docs", "--no-wait", "--exclude", "old/"]).ok();

    let page = why(&desk, "docs/page.txt", 0);
    assert_eq!(page["rule"], "indexed");
    assert!(page["document"].is_u64() && page["reason"].as_str().unwrap().contains("document #"));
    assert_eq!(why(&desk, "docs", 0)["rule"], "folder");
    assert_eq!(why(&desk, "docs/sub", 0)["rule"], "folder");
    assert_eq!(why(&desk, "docs/a.zip", 0)["rule"], "container");
    let member = why(&desk, "docs/a.zip!/in/b.txt", 0);
    assert!(member["reason"].as_str().unwrap().contains("a.zip"), "{member:#}");

    let ignored = why(&desk, "docs/run.log", 1);
    assert_eq!(
        (&ignored["rule"], &ignored["line"], &ignored["pattern"]),
        (&"ignored".into(), &3.into(), &"*.log".into())
    );
    assert!(ignored["file"].as_str().unwrap().ends_with("docs/.gitignore"));
    let ignored = why(&desk, "docs/sub/drafts/x.txt", 1);
    assert!(ignored["file"].as_str().unwrap().ends_with("sub/.lsearchignore"));
    assert_eq!(why(&desk, "docs/sub/drafts", 1)["rule"], "ignored");
    let excluded = why(&desk, "docs/old/x.txt", 1);
    assert!(excluded["reason"].as_str().unwrap().contains("--exclude"), "{excluded:#}");
    assert_eq!(why(&desk, "docs/a.zip!/old/d.txt", 1)["pattern"], "old/");
    let told = desk.run(["--config", &config, "folders", "--why", "docs/x/notes.tmp"]).exits(1);
    assert!(told.stdout.contains("config.toml") && told.stdout.starts_with("out: "), "{told:?}");
    for (name, rule) in [
        (".hidden/x.txt", "hidden"),
        ("x/.netrc", "hidden"),
        ("server.pem", "secret"),
        ("key.txt", "secret"),
        ("photo.png", "unsupported"),
        ("a.zip!/c.png", "unsupported"),
        ("program", "binary"),
        ("empty.txt", "empty"),
        ("big.txt", "failed"),
        ("broken.pdf", "failed"),
        ("link", "symlink"),
        ("link/drafts/x.txt", "symlink"),
    ] {
        assert_eq!(why(&desk, &format!("docs/{name}"), 1)["rule"], rule, "{name}");
    }
    desk.write("new.txt", note("a railway"));
    assert_eq!(why(&desk, "docs/new.txt", 1)["rule"], "not_read_yet");
    assert_eq!(why(&desk, "config.toml", 1)["rule"], "not_added");
    desk.run(["folders", "--why", "docs/missing.txt"]).exits(2).says("no such file");
    desk.run(["folders", "--why", "docs/a.zip!/missing.txt"]).exits(2).says("no such document");
}

/// ONNX Runtime's packages report to their makers unless they are told not to, before they are loaded: they would keep
/// an identifier of the machine and what is to be sent in the cache folder.
#[test]
fn onnx_runtime_keeps_nothing_to_report() {
    let desk = Desk::new();
    desk.write("a.txt", note("the harbour"));
    desk.add();
    desk.run(["search", "--mode", "semantic", "harbour"]).ok();
    // Not even where the environment asks for it.
    let mut command = desk.command(["search", "--mode", "semantic", "harbour"]);
    assert!(command.env("ORT_DISABLE_TELEMETRY", "0").status().unwrap().success());
    let left: Vec<PathBuf> = ["Microsoft", ".cache/Microsoft", "Library/Caches/Microsoft"]
        .map(|folder| desk.home().join(folder))
        .into_iter()
        .filter(|folder| folder.exists())
        .collect();
    assert!(left.is_empty(), "{left:?}");
}
