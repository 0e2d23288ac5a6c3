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
    const FOLDERS: [&str; 9] = [
        ".ssh",
        ".gnupg",
        ".gpg",
        ".password-store",
        "password-store",
        "keyrings",
        ".pki",
        ".docker-secrets",
        ".vault",
    ];
    FOLDERS.contains(&name)
}

fn is_secret_file(name: &str, folder: Option<&str>) -> bool {
    const NAMES: [&str; 16] = [
        ".netrc",
        "_netrc",
        ".pgpass",
        ".htpasswd",
        ".npmrc",
        ".pypirc",
        ".git-credentials",
        ".my.cnf",
        ".s3cfg",
        ".boto",
        ".vault-token",
        "credentials.json",
        "client_secret.json",
        "kubeconfig",
        "master.key",
        "shadow",
    ];
    const EXTENSIONS: [&str; 15] = [
        "pem",
        "key",
        "kdbx",
        "kdb",
        "keychain",
        "keychain-db",
        "keyring",
        "gpg",
        "pgp",
        "p12",
        "pfx",
        "ppk",
        "jks",
        "keystore",
        "ovpn",
    ];
    const KEY_STEMS: [&str; 4] = ["id_rsa", "id_dsa", "id_ecdsa", "id_ed25519"];

    if NAMES.contains(&name) {
        return true;
    }
    // `.env` and `.env.production`, but neither `.envrc` nor the committed `.env.example`.
    if name == ".env"
        || name
            .strip_prefix(".env.")
            .is_some_and(|rest| !matches!(rest, "example" | "sample" | "template"))
    {
        return true;
    }
    // The public half of a key pair is no secret.
    if KEY_STEMS.iter().any(|stem| name.starts_with(stem)) && !name.ends_with(".pub") {
        return true;
    }
    if let Some((_, extension)) = name.rsplit_once('.')
        && EXTENSIONS.contains(&extension)
    {
        return true;
    }
    matches!(
        (folder, name),
        (Some(".aws" | "aws"), "credentials")
            | (Some(".kube"), "config")
            | (Some(".docker"), "config.json")
            | (Some(".cargo"), "credentials" | "credentials.toml")
    )
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
            "/",
        ] {
            assert!(!is_secret(Path::new(path)), "{path}");
        }
    }
}
