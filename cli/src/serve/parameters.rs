//! What stands behind the question mark of an address.

use std::str::FromStr;

use crate::args::{ModeArg, ResultArgs, SearchArgs};

/// Most hits in one answer.
const LIMIT: usize = 100;
/// Farther down nobody looks, and each page costs those before it.
const OFFSET: usize = 10_000;

/// Names and values, decoded.
pub struct Parameters(Vec<(String, String)>);

/// What is no parameter of a request, in words.
pub type Mistake = String;

impl Parameters {
    /// Reads `q=rent+arrears&n=5`.
    pub fn parse(query: &str) -> Self {
        let pairs = query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decoded(name), decoded(value))
        });
        Self(pairs.collect())
    }

    /// The value by its name; an empty one is none.
    pub fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// A number by its name.
    pub fn number<T: FromStr>(&self, name: &str) -> Result<Option<T>, Mistake> {
        let Some(text) = self.get(name) else { return Ok(None) };
        text.parse().map(Some).map_err(|_| format!("{name}={text}: not a number"))
    }

    /// The hits that are passed over first.
    pub fn offset(&self) -> Result<usize, Mistake> {
        match self.number("offset")?.unwrap_or(0) {
            offset if offset <= OFFSET => Ok(offset),
            offset => Err(format!("offset={offset}: at most {OFFSET}")),
        }
    }

    /// A search: `q`, `mode` and what [`Parameters::results`] reads.
    pub fn search(&self) -> Result<SearchArgs, Mistake> {
        let mode = match self.get("mode") {
            None | Some("hybrid") => ModeArg::Hybrid,
            Some("keyword") => ModeArg::Keyword,
            Some("semantic") => ModeArg::Semantic,
            Some(other) => return Err(format!("mode={other}: hybrid, keyword or semantic")),
        };
        let query = vec![self.get("q").unwrap_or_default().to_owned()];
        Ok(SearchArgs { query, mode, interactive: false, results: self.results()? })
    }

    /// Which documents: `n`, `type`, `path`, `after`, `before`.
    pub fn results(&self) -> Result<ResultArgs, Mistake> {
        let limit = self.number("n")?.unwrap_or(20);
        if !(1..=LIMIT).contains(&limit) {
            return Err(format!("n={limit}: 1 to {LIMIT}"));
        }
        Ok(ResultArgs {
            limit,
            path: self.get("path").map(str::to_owned).into_iter().collect(),
            types: self
                .get("type")
                .unwrap_or_default()
                .split_terminator(',')
                .map(str::to_owned)
                .collect(),
            after: self.get("after").map(str::to_owned),
            before: self.get("before").map(str::to_owned),
            ..ResultArgs::default()
        })
    }
}

/// Text as forms write it: `+` is a space, `%C3%A9` are bytes of UTF-8. What is not is kept as it stands.
fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let digit = |at: usize| bytes.get(at).and_then(|byte| char::from(*byte).to_digit(16));
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match (byte, digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                out.push((high * 16 + low) as u8);
                at += 2;
            }
            (b'+', ..) => out.push(b' '),
            (byte, ..) => out.push(*byte),
        }
        at += 1;
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn values_are_decoded_and_checked() {
        let given =
            Parameters::parse("q=rent+%22in+arrears%22%26c%C3%A9&n=5&type=pdf,word&mode=keyword");
        let search = given.search().unwrap();
        assert_eq!(search.query, ["rent \"in arrears\"&cé"]);
        assert_eq!((search.results.limit, search.mode), (5, ModeArg::Keyword));
        assert_eq!(search.results.types, ["pdf", "word"]);
        for wrong in ["n=0", "n=101", "n=-1", "n=x", "mode=psychic"] {
            assert!(Parameters::parse(wrong).search().is_err(), "{wrong}");
        }
        assert!(Parameters::parse("offset=10001").offset().is_err());
        assert_eq!(Parameters::parse("path=&q").get("path"), None);
    }

    proptest! {
        #[test]
        fn what_is_encoded_comes_back(text in any::<String>()) {
            let encoded: String = text.bytes().map(|byte| format!("%{byte:02x}")).collect();
            prop_assert_eq!(decoded(&encoded), text);
        }

        #[test]
        fn anything_is_read(text in any::<String>()) {
            let _ = Parameters::parse(&text).search();
        }
    }
}
