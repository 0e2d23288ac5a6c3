//! Files that should not end up in an index unless their owner says so.

use std::path::{Component, Path};

/// Whether the name of the file, or of any folder above it, is one under which keys, passwords or
/// credentials are usually kept. Judges the name alone.
pub fn is_secret(path: &Path) -> bool {
    let mut names = path.components().filter_map(|component| match component {
        Component::Normal(name) => Some(name.to_string_lossy().to_ascii_lowercase()),
        _ => None,
    });
    let Some(last) = names.next_back() else { return false };
    let mut above = None;
    for folder in names {
        if is_secret_folder(&folder) {
            return true;
        }
        above = Some(folder);
    }
    is_secret_folder(&last) || is_secret_file(&last, above.as_deref())
}

fn is_secret_folder(name: &str) -> bool {
    const FOLDERS: [&str; 14] = [
        ".ssh",
        ".gnupg",
        ".gpg",
        ".password-store",
        "password-store",
        "keyrings",
        ".pki",
        ".docker-secrets",
        ".vault",
        ".azure",
        ".gcloud",
        "private-keys-v1.d",
        "kwalletd",
        "docker-secrets",
    ];
    // Password managers that keep a folder where others keep a file.
    FOLDERS.contains(&name) || name.ends_with(".agilekeychain") || name.ends_with(".opvault")
}

/// Files that are known by their whole name.
#[rustfmt::skip]
const NAMES: &[&str] = &[
    ".netrc", "_netrc", ".pgpass", "pgpass.conf", ".my.cnf", ".mylogin.cnf", ".htpasswd", "htpasswd", ".htdigest",
    ".npmrc", ".pypirc", ".yarnrc", ".git-credentials", "git-credentials", ".s3cfg", ".boto", ".vault-token",
    ".vault_pass", ".vault-pass", "vault_pass.txt", ".dockercfg", ".dockerconfigjson", ".terraformrc", "terraform.rc",
    "credentials.tfrc.json", "credentials.json", "credentials.csv", "rootkey.csv", "client_secret.json",
    "client_secrets.json", "application_default_credentials.json", "accesstokens.json", "msal_token_cache.json",
    "kubeconfig", "master.key", "shadow", "shadow-", "gshadow", "gshadow-", "trustdb.gpg", "wallet.dat", ".env",
    "secrets.yml", "secrets.yaml", "secrets.json", "secrets.toml", "secrets.env", ".viminfo", ".lesshst",
    "logins.json", "key3.db", "key4.db", "signons.sqlite", "login data",
];

/// Files that are known by their extension.
#[rustfmt::skip]
const EXTENSIONS: &[&str] = &[
    "pem", "key", "p8", "pk8", "kdbx", "kdb", "keychain", "keychain-db", "keyring", "kwallet", "gpg", "pgp", "kbx",
    "p12", "pfx", "ppk", "jks", "jceks", "bks", "keystore", "ovpn", "psafe3", "1pux", "1pif", "tfstate", "tfvars",
    "kubeconfig", "htpasswd", "agekey", "mobileconfig", "rdp", "pkpass",
];

/// What shells and other programs that are typed into keep of what was typed.
const HISTORIES: &[&str] = &[
    "bash",
    "zsh",
    "sh",
    "ksh",
    "fish",
    "history",
    "python",
    "psql",
    "mysql",
    "sqlite",
    "node_repl",
    "irb",
    "rediscli",
    "mongo",
];

fn is_secret_file(name: &str, folder: Option<&str>) -> bool {
    const KEY_STEMS: [&str; 4] = ["id_rsa", "id_dsa", "id_ecdsa", "id_ed25519"];
    // What is committed to show what a file of secrets looks like.
    const SPECIMEN: [&str; 5] = ["example", "sample", "template", "dist", "defaults"];

    if NAMES.contains(&name) {
        return true;
    }
    // `.env.production` and `production.env`, but neither `.envrc` nor `.env.example`.
    if let Some(rest) = name.strip_prefix(".env.").or_else(|| name.strip_suffix(".env"))
        && !SPECIMEN.contains(&rest)
    {
        return true;
    }
    // The public half of a key pair is no secret.
    let is_key = KEY_STEMS.iter().any(|stem| name.starts_with(stem))
        || (name.starts_with("ssh_host_") && name.contains("_key"));
    if is_key && !name.ends_with(".pub") {
        return true;
    }
    if let Some((stem, extension)) = name.rsplit_once('.') {
        if EXTENSIONS.contains(&extension) {
            return true;
        }
        // `terraform.tfstate.backup`, `prod.tfvars.json`
        if let Some((_, inner)) = stem.rsplit_once('.')
            && matches!(inner, "tfstate" | "tfvars")
        {
            return true;
        }
        let is_account = ["service-account", "service_account", "serviceaccount"]
            .iter()
            .any(|account| stem.starts_with(account));
        if is_account && extension == "json" {
            return true;
        }
    }
    if let Some(program) = name.strip_suffix("history")
        && HISTORIES.contains(&program.trim_matches(['.', '_']))
    {
        return true;
    }
    matches!(
        (folder, name),
        (Some(".aws" | "aws"), "credentials")
            | (Some(".kube"), "config")
            | (Some(".docker"), "config.json")
            | (Some(".cargo"), "credentials" | "credentials.toml")
            | (Some(".gem"), "credentials")
            | (Some("gh"), "hosts.yml")
    )
}

/// Lines from the top of a file within which a key may begin; others write a comment or attributes above it.
const LINES_ABOVE: usize = 20;

/// Whether the beginning of a file (a few KiB of it) is that of a private key, under whatever name.
pub(crate) fn begins_with_secret(head: &[u8]) -> bool {
    let text = String::from_utf8_lossy(head);
    let mut lines = text.lines().take(LINES_ABOVE).map(str::trim).peekable();
    while let Some(line) = lines.next() {
        let line = line.trim_start_matches('\u{FEFF}');
        if line.starts_with("PuTTY-User-Key-File-") || line.starts_with("AGE-SECRET-KEY-1") {
            return true;
        }
        // In prose about keys the words stand alone; below the line of a key stands the key.
        if is_key_line(line) && lines.peek().is_some_and(|next| is_key_material(next)) {
            return true;
        }
        // WireGuard's.
        if let Some((name, value)) = line.split_once('=')
            && name.trim().eq_ignore_ascii_case("privatekey")
            && value.trim().len() == 44
            && value.trim().ends_with('=')
        {
            return true;
        }
    }
    // As cloud services hand them out.
    text.contains("\"private_key\"")
        && text.contains("-----BEGIN ")
        && text.contains("PRIVATE KEY-----")
}

fn is_key_line(line: &str) -> bool {
    let name = line.strip_prefix("-----BEGIN ").and_then(|rest| rest.strip_suffix("-----"));
    name.is_some_and(|name| name.ends_with("PRIVATE KEY") || name == "PGP PRIVATE KEY BLOCK")
}

/// A line of base64, of headers such as `Proc-Type: 4,ENCRYPTED`, or the blank line before either.
fn is_key_material(line: &str) -> bool {
    let in_base64 = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=');
    line.chars().all(in_base64)
        || line.split_once(": ").is_some_and(|(name, _)| !name.contains(' '))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_passwords_are_secret() {
        for path in [
            "/h/.ssh/config",
            "/h/.gnupg/notes.txt",
            "/h/p/.env",
            "/h/p/.env.production",
            "/h/server.PEM",
            "/h/tls/site.key",
            "/h/old/id_rsa.bak",
            "/h/passwords.kdbx",
            "/h/.aws/credentials",
            "/h/.netrc",
            "/h/.local/share/keyrings/login.keyring",
            "/h/.password-store/mail.gpg",
            "/h/old/bash_history",
            "/h/.zsh_history",
            "/h/.python_history",
            "/h/infra/terraform.tfstate.backup",
            "/h/infra/prod.tfvars",
            "/h/production.env",
            "/h/service-account-prod.json",
            "/h/etc/ssh_host_rsa_key",
            "/h/k8s/staging.kubeconfig",
            "/h/AuthKey_ABC.p8",
        ] {
            assert!(is_secret(Path::new(path)), "{path}");
        }
    }

    #[test]
    fn ordinary_documents_are_not() {
        for path in [
            "/h/p/.env.example",
            "/h/id_rsa.pub",
            "/h/key.md",
            "/h/keys.txt",
            "/h/environment.txt",
            "/h/notes/credentials",
            "/h/kube/config",
            "/h/example.env",
            "/h/history",
            "/h/art_history.txt",
            "/h/A short history",
            "/h/service account of 1850.txt",
            "/h/etc/ssh_host_rsa_key.pub",
            "/",
        ] {
            assert!(!is_secret(Path::new(path)), "{path}");
        }
    }

    #[test]
    fn keys_are_known_by_their_beginning() {
        let key = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQ==\n";
        for head in [
            format!("-----BEGIN PRIVATE KEY-----\n{key}"),
            format!(
                "\u{FEFF}\r\n-----BEGIN RSA PRIVATE KEY-----\r\nProc-Type: 4,ENCRYPTED\r\n\r\n{key}"
            ),
            format!(
                "Bag Attributes\n    friendlyName: x\nKey Attributes: <No Attributes>\n-----BEGIN EC PRIVATE KEY-----\n{key}"
            ),
            format!("-----BEGIN OPENSSH PRIVATE KEY-----\n{key}"),
            "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nlQOYBF\n".to_owned(),
            "PuTTY-User-Key-File-2: ssh-rsa\n".to_owned(),
            "# created: 2024\n# public key: age1\nAGE-SECRET-KEY-1QQQ\n".to_owned(),
            "[Interface]\nPrivateKey = yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=\n".to_owned(),
            format!(
                "{{\"type\": \"service_account\", \"private_key\": \"-----BEGIN PRIVATE KEY-----\\n{key}\"}}"
            ),
        ] {
            assert!(begins_with_secret(head.as_bytes()), "{head}");
        }
    }

    #[test]
    fn words_about_keys_are_none() {
        for head in [
            "-----BEGIN PUBLIC KEY-----\nMIIBIjAN\n",
            "-----BEGIN CERTIFICATE-----\nMIIBIjAN\n",
            "A key begins with\n\n-----BEGIN PRIVATE KEY-----\n\u{2026} and so on\n",
            "The line `-----BEGIN PRIVATE KEY-----` marks a key.\nMore\n",
            "The \"private_key\" of an account is kept in a vault.\n",
            "PrivateKey = the name of a field\n",
            "",
        ] {
            assert!(!begins_with_secret(head.as_bytes()), "{head}");
        }
    }
}
