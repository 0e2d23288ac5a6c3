//! What an ONNX file says about itself, read before ONNX Runtime is given it: which operators it wants and which other
//! files its weights lie in. A few fields of the protocol-buffers format, as onnx.proto numbers them.

use std::collections::BTreeSet;

/// Facts of a model.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Model {
    /// Operators, each as its domain (empty for ONNX's own) and its name.
    pub(super) operators: BTreeSet<(String, String)>,
    /// Domains of functions that the model brings itself.
    functions: BTreeSet<String>,
    /// Files, as named, that hold weights.
    pub(super) external: BTreeSet<String>,
}

/// Domains that ONNX Runtime's packages have operators of.
const DOMAINS: [&str; 4] = ["", "ai.onnx", "ai.onnx.ml", "com.microsoft"];

/// Graphs within graphs that are followed; deeper ones no exporter makes.
const MAX_DEPTH: usize = 32;

impl Model {
    /// Reads the file's bytes; `None` where they are no ONNX model, or not all of one.
    pub(super) fn parse(bytes: &[u8]) -> Option<Model> {
        let mut model = Model::default();
        let mut has_graph = false;
        for field in fields(bytes) {
            match field? {
                (7, Value::Bytes(graph)) => {
                    has_graph = true;
                    model.graph(graph, 0)?;
                }
                (25, Value::Bytes(function)) => model.function(function)?,
                _ => {}
            }
        }
        has_graph.then_some(model)
    }

    /// The first operator that ONNX Runtime does not have.
    pub(super) fn custom_operator(&self) -> Option<&(String, String)> {
        self.operators.iter().find(|(domain, _)| {
            !DOMAINS.contains(&domain.as_str()) && !self.functions.contains(domain)
        })
    }

    /// Whether attention is one operator, which needs no memory in the square of the length.
    pub(super) fn has_fused_attention(&self) -> bool {
        self.operators
            .iter()
            .any(|(domain, name)| domain == "com.microsoft" && name.ends_with("Attention"))
    }

    fn graph(&mut self, bytes: &[u8], depth: usize) -> Option<()> {
        if depth > MAX_DEPTH {
            return None;
        }
        for field in fields(bytes) {
            match field? {
                (1, Value::Bytes(node)) => self.node(node, depth)?,
                (5, Value::Bytes(tensor)) => self.tensor(tensor)?,
                (15, Value::Bytes(sparse)) => {
                    for field in fields(sparse) {
                        if let (1 | 2, Value::Bytes(tensor)) = field? {
                            self.tensor(tensor)?;
                        }
                    }
                }
                _ => {}
            }
        }
        Some(())
    }

    fn node(&mut self, bytes: &[u8], depth: usize) -> Option<()> {
        let (mut name, mut domain) = (String::new(), String::new());
        for field in fields(bytes) {
            match field? {
                (4, Value::Bytes(text)) => name = text_of(text),
                (7, Value::Bytes(text)) => domain = text_of(text),
                (5, Value::Bytes(attribute)) => self.attribute(attribute, depth)?,
                _ => {}
            }
        }
        self.operators.insert((domain, name));
        Some(())
    }

    fn attribute(&mut self, bytes: &[u8], depth: usize) -> Option<()> {
        for field in fields(bytes) {
            match field? {
                (5 | 10, Value::Bytes(tensor)) => self.tensor(tensor)?,
                (6 | 11, Value::Bytes(graph)) => self.graph(graph, depth + 1)?,
                _ => {}
            }
        }
        Some(())
    }

    fn tensor(&mut self, bytes: &[u8]) -> Option<()> {
        for field in fields(bytes) {
            let (13, Value::Bytes(entry)) = field? else { continue };
            let (mut key, mut value) = (String::new(), String::new());
            for field in fields(entry) {
                match field? {
                    (1, Value::Bytes(text)) => key = text_of(text),
                    (2, Value::Bytes(text)) => value = text_of(text),
                    _ => {}
                }
            }
            if key == "location" {
                self.external.insert(value);
            }
        }
        Some(())
    }

    fn function(&mut self, bytes: &[u8]) -> Option<()> {
        for field in fields(bytes) {
            match field? {
                (7, Value::Bytes(node)) => self.node(node, 0)?,
                (10, Value::Bytes(domain)) => {
                    self.functions.insert(text_of(domain));
                }
                _ => {}
            }
        }
        Some(())
    }
}

fn text_of(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

enum Value<'a> {
    Bytes(&'a [u8]),
    Number,
}

/// The fields of a message, in order; a `None` where it breaks off or is none.
fn fields(bytes: &[u8]) -> Fields<'_> {
    Fields { rest: bytes, broken: false }
}

struct Fields<'a> {
    rest: &'a [u8],
    broken: bool,
}

impl<'a> Iterator for Fields<'a> {
    type Item = Option<(u64, Value<'a>)>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() || self.broken {
            return None;
        }
        let field = self.field();
        self.broken = field.is_none();
        Some(field)
    }
}

impl<'a> Fields<'a> {
    fn field(&mut self) -> Option<(u64, Value<'a>)> {
        let key = self.varint()?;
        let value = match key & 7 {
            0 => self.varint().map(|_| Value::Number)?,
            1 => self.take(8).map(|_| Value::Number)?,
            5 => self.take(4).map(|_| Value::Number)?,
            2 => {
                let length = usize::try_from(self.varint()?).ok()?;
                Value::Bytes(self.take(length)?)
            }
            _ => return None,
        };
        Some((key >> 3, value))
    }

    fn varint(&mut self) -> Option<u64> {
        let mut number = 0u64;
        for (index, &byte) in self.rest.iter().take(10).enumerate() {
            number |= u64::from(byte & 0x7f).checked_shl(7 * index as u32)?;
            if byte & 0x80 == 0 {
                self.rest = &self.rest[index + 1..];
                return Some(number);
            }
        }
        None
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(taken)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
        let mut message = vec![number << 3 | 2];
        let mut length = bytes.len();
        while length >= 0x80 {
            message.push(length as u8 | 0x80);
            length >>= 7;
        }
        message.push(length as u8);
        message.extend(bytes);
        message
    }

    fn node(domain: &str, name: &str) -> Vec<u8> {
        field(1, &[field(4, name.as_bytes()), field(7, domain.as_bytes())].concat())
    }

    fn model(parts: &[Vec<u8>]) -> Vec<u8> {
        [vec![0x08, 9], field(7, &parts.concat())].concat()
    }

    #[test]
    fn operators_and_files_of_weights_are_found() {
        let location = [field(1, b"location"), field(2, b"model.onnx_data")].concat();
        let tensor = field(5, &[field(8, b"w"), field(13, &location)].concat());
        // A node with a graph of its own, as `If` has.
        let inner = field(6, &node("com.microsoft", "MultiHeadAttention"));
        let branch = field(1, &[field(4, b"If"), field(5, &inner)].concat());
        let parsed = Model::parse(&model(&[node("", "MatMul"), tensor, branch])).unwrap();
        assert_eq!(parsed.external, BTreeSet::from(["model.onnx_data".to_owned()]));
        assert_eq!(parsed.operators.len(), 3);
        assert!(parsed.has_fused_attention());
        assert_eq!(parsed.custom_operator(), None);
    }

    #[test]
    fn operators_of_others_are_told() {
        let mut bytes = model(&[node("", "MatMul"), node("my.kernels", "FlashThing")]);
        let custom = ("my.kernels".to_owned(), "FlashThing".to_owned());
        assert_eq!(Model::parse(&bytes).unwrap().custom_operator(), Some(&custom));
        // Unless the model brings them, made of known ones. Field 25 takes two bytes.
        let function = field(10, b"my.kernels");
        bytes.extend([0xca, 0x01, function.len() as u8]);
        bytes.extend(function);
        assert_eq!(Model::parse(&bytes).unwrap().custom_operator(), None);
    }

    #[test]
    fn a_model_cut_short_is_none() {
        let bytes = model(&[node("", "MatMul"), node("", "Add")]);
        for length in 0..bytes.len() {
            assert_eq!(Model::parse(&bytes[..length]), None, "{length}");
        }
        assert_eq!(Model::parse(b"version https://git-lfs.github.com/spec/v1\n"), None);
    }

    proptest! {
        #[test]
        fn anything_is_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Model::parse(&bytes);
            let _ = Model::parse(&model(&[bytes]));
        }
    }
}
