//! Who may ask: this machine's own browser, with the key that the person was given.
//!
//! Other people of this machine reach a loopback port as well, and so does every page that a browser shows. The key
//! keeps out the former. Against the latter stand the host (a name that an attacker points here is not one of ours),
//! the origin, and where the browser says that a request comes from.

use blake3::Hash;
use hyper::header::{COOKIE, HOST, HeaderMap, HeaderName, HeaderValue, ORIGIN};
use hyper::{Method, Uri};

use crate::errors::CliError;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Knows the key and the names by which this server is reached.
pub struct Guard {
    /// 256 random bits in hexadecimal digits.
    key: String,
    key_hash: Hash,
    cookie: String,
    port: u16,
    hosts: Vec<String>,
}

/// Why a request is refused that comes from the wrong place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// It asks for another host.
    Host,
    /// A page of another origin sent it.
    Origin,
}

impl Refusal {
    /// For a person.
    pub fn message(self) -> &'static str {
        match self {
            Refusal::Host => "this server answers to 127.0.0.1, localhost and [::1] alone",
            Refusal::Origin => "a page from elsewhere asked for this; open the address yourself",
        }
    }
}

impl Guard {
    /// With a new key.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn new(port: u16) -> Result<Self, CliError> {
        let mut bytes = [0_u8; 32];
        getrandom::fill(&mut bytes).map_err(|error| {
            CliError::new(format!("the system gives no random bytes for a key: {error}"))
        })?;
        Ok(Self::with_key(port, &Hash::from_bytes(bytes).to_hex()))
    }

    fn with_key(port: u16, key: &str) -> Self {
        let mut hosts: Vec<String> =
            ["127.0.0.1", "localhost", "[::1]"].map(|name| format!("{name}:{port}")).into();
        if port == 80 {
            // Browsers leave this one out.
            hosts.extend(["127.0.0.1", "localhost", "[::1]"].map(str::to_owned));
        }
        Self {
            key: key.to_owned(),
            key_hash: blake3::hash(key.as_bytes()),
            // Cookies know nothing of ports: servers side by side need names of their own.
            cookie: format!("lsearch-{port}"),
            port,
            hosts,
        }
    }

    /// The address that lets a person in.
    pub fn address(&self) -> String {
        format!("http://127.0.0.1:{}/?token={}", self.port, self.key)
    }

    /// Refuses what does not come from this server's own page, or from the person directly.
    pub fn check_source(
        &self,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
    ) -> Result<(), Refusal> {
        let host = single(headers, &HOST).ok_or(Refusal::Host)?;
        let is_ours = |name: &str| self.hosts.iter().any(|host| host.eq_ignore_ascii_case(name));
        if !is_ours(host) || uri.authority().is_some_and(|other| !is_ours(other.as_str())) {
            return Err(Refusal::Host);
        }
        match headers.get(ORIGIN) {
            None if matches!(*method, Method::GET | Method::HEAD) => {}
            None => return Err(Refusal::Origin),
            Some(_) => {
                let origin = single(headers, &ORIGIN).and_then(|one| one.strip_prefix("http://"));
                if !origin.is_some_and(|origin| origin.eq_ignore_ascii_case(host)) {
                    return Err(Refusal::Origin);
                }
            }
        }
        let site = headers.get(SEC_FETCH_SITE).is_none_or(|_| {
            matches!(single(headers, &SEC_FETCH_SITE), Some("same-origin" | "none"))
        });
        if site { Ok(()) } else { Err(Refusal::Origin) }
    }

    /// Whether this is the key. Takes as long for any other.
    pub fn is_key(&self, given: &str) -> bool {
        // Hashes are compared in constant time, and tell nothing of what was hashed.
        blake3::hash(given.as_bytes()) == self.key_hash
    }

    /// Whether the browser was let in before.
    pub fn knows(&self, headers: &HeaderMap) -> bool {
        let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut pairs =
            cookies.flat_map(|value| value.split(';')).filter_map(|pair| pair.split_once('='));
        pairs.any(|(name, value)| name.trim() == self.cookie && self.is_key(value.trim()))
    }

    /// Lets a browser in, until it is closed.
    pub fn cookie(&self) -> Option<HeaderValue> {
        let (name, key) = (&self.cookie, &self.key);
        HeaderValue::from_str(&format!("{name}={key}; HttpOnly; SameSite=Strict; Path=/")).ok()
    }
}

/// The header's value where it stands once.
fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(method: Method, pairs: &[(&'static str, &str)]) -> Result<(), Refusal> {
        check_at(method, "/", pairs)
    }

    fn check_at(method: Method, uri: &str, pairs: &[(&'static str, &str)]) -> Result<(), Refusal> {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        Guard::with_key(7734, "secret").check_source(&method, &uri.parse().unwrap(), &headers)
    }

    #[test]
    fn only_names_of_this_machine_are_answered_to() {
        for host in ["127.0.0.1:7734", "localhost:7734", "LOCALHOST:7734", "[::1]:7734"] {
            assert_eq!(check(Method::GET, &[("host", host)]), Ok(()), "{host}");
        }
        for host in ["evil.example:7734", "127.0.0.1", "127.0.0.1:80", "localhost.evil:7734", ""] {
            assert_eq!(check(Method::GET, &[("host", host)]), Err(Refusal::Host), "{host}");
        }
        assert_eq!(check(Method::GET, &[]), Err(Refusal::Host));
        let twice = [("host", "127.0.0.1:7734"), ("host", "127.0.0.1:7734")];
        assert_eq!(check(Method::GET, &twice), Err(Refusal::Host));
        let ours = [("host", "127.0.0.1:7734")];
        assert_eq!(check_at(Method::GET, "http://evil.example/", &ours), Err(Refusal::Host));
    }

    #[test]
    fn only_the_page_itself_and_the_person_may_ask() {
        let host = ("host", "127.0.0.1:7734");
        let of = |origin: &str| check(Method::GET, &[host, ("origin", origin)]);
        assert_eq!(of("http://127.0.0.1:7734"), Ok(()));
        for origin in [
            "null",
            "http://evil.example",
            "https://127.0.0.1:7734",
            "http://127.0.0.1:8080",
            // One of our names, but not the one by which it was reached.
            "http://localhost:7734",
        ] {
            assert_eq!(of(origin), Err(Refusal::Origin), "{origin}");
        }
        assert_eq!(check(Method::POST, &[host]), Err(Refusal::Origin));
        let ours = ("origin", "http://127.0.0.1:7734");
        assert_eq!(check(Method::POST, &[host, ours]), Ok(()));
        for (site, expected) in [
            ("none", Ok(())),
            ("same-origin", Ok(())),
            ("same-site", Err(Refusal::Origin)),
            ("cross-site", Err(Refusal::Origin)),
            ("tomorrow's", Err(Refusal::Origin)),
        ] {
            let headers = [host, ours, ("sec-fetch-site", site)];
            assert_eq!(check(Method::POST, &headers), expected, "{site}");
        }
    }

    #[test]
    fn the_cookie_lets_in_and_nothing_else_does() {
        let guard = Guard::with_key(7734, "secret");
        let knows = |cookies: &[&str]| {
            let mut headers = HeaderMap::new();
            for cookie in cookies {
                headers.append(COOKIE, cookie.parse().unwrap());
            }
            guard.knows(&headers)
        };
        assert!(knows(&["lsearch-7734=secret"]));
        assert!(knows(&["a=b; lsearch-7734=secret; c=d"]));
        assert!(knows(&["a=b", "lsearch-7734=secret"]));
        assert!(!knows(&[]) && !knows(&["lsearch-7735=secret"]) && !knows(&["lsearch-7734="]));
        assert!(!knows(&["lsearch-7734=secrets"]) && !knows(&["xlsearch-7734=secret"]));
        let cookie = guard.cookie().unwrap();
        assert!(cookie.to_str().unwrap().contains("HttpOnly; SameSite=Strict"));
    }

    #[test]
    fn every_key_is_another() {
        let (one, other) = (Guard::new(1).unwrap(), Guard::new(1).unwrap());
        assert_eq!(one.key.len(), 64);
        assert!(one.is_key(&one.key) && !one.is_key(&other.key));
        assert!(one.address().ends_with(&one.key));
    }
}
