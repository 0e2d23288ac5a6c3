//! HTML: the visible text, with a line for each block.

mod meta;
mod writer;

use scraper::node::Element;
use scraper::{Html, Node};

use super::{Extracted, plain};
use crate::encoding::{Decoded, decode};
use crate::title;
use writer::Writer;

/// Bytes at the start of a page within which it must declare its encoding.
const DECLARATION_BYTES: usize = 1024;

pub(super) fn extract(bytes: Vec<u8>) -> Extracted {
    let declared = declared_encoding(&bytes[..bytes.len().min(DECLARATION_BYTES)]);
    let Decoded { text: mut source, encoding, replaced } = decode(bytes, declared.as_deref());
    if is_xhtml(&source) {
        source = with_end_tags(&source);
    }
    let html = Html::parse_document(&source);
    drop(source);

    let mut page = read(&html, true);
    // Some pages are nothing but navigation, and some put everything under one.
    if page.text.trim().is_empty() {
        page = read(&html, false);
    }
    let first_heading = page
        .headings
        .iter()
        .find(|heading| heading.level == 1)
        .or(page.headings.first())
        .map(|heading| &page.text[heading.bytes.clone()]);
    let title = page
        .title
        .as_deref()
        .and_then(title::clean)
        .or_else(|| first_heading.and_then(title::clean))
        .or_else(|| title::from_first_line(&page.text));
    let mut warnings = Vec::new();
    if replaced {
        warnings.push(plain::replaced_warning());
    }
    let declared = meta::declared(&html);
    let (text, headings) = (page.text, page.headings);
    let (author, dated) = (declared.author, declared.dated);
    Extracted { text, title, author, dated, headings, encoding, warnings, ..Extracted::default() }
}

/// The label in `<meta charset=…>` or `<meta http-equiv … content="…; charset=…">`, or of an XML
/// declaration.
fn declared_encoding(head: &[u8]) -> Option<String> {
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    ["charset", "encoding"].into_iter().find_map(|key| {
        // The word may also stand in a comment or a description.
        head.match_indices(key).find_map(|(at, _)| {
            let rest = head[at + key.len()..].trim_start().strip_prefix('=')?.trim_start();
            let label = rest.trim_start_matches(['"', '\'']);
            let end = label.find(|c: char| !(c.is_ascii_alphanumeric() || "-_:.".contains(c)))?;
            (end > 0).then(|| label[..end].to_owned())
        })
    })
}

/// Whether a page says that it is XML.
fn is_xhtml(source: &str) -> bool {
    let head = &source[..source.floor_char_boundary(DECLARATION_BYTES)];
    head.trim_start().starts_with("<?xml") || head.contains("http://www.w3.org/1999/xhtml")
}

/// Gives empty elements in the manner of XML an end tag: `<script src="a.js"/>` begins a script to
/// HTML, which would take all of the page that follows for its content.
fn with_end_tags(source: &str) -> String {
    const VOID: [&str; 14] = [
        "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param",
        "source", "track", "wbr",
    ];
    let mut written = String::with_capacity(source.len() + 1024);
    let mut rest = source;
    while let Some((before, after)) = rest.split_once("/>") {
        let tag = before.rfind('<').map_or("", |start| &before[start + 1..]);
        let name = tag.split(|c: char| c.is_whitespace()).next().unwrap_or_default();
        let is_element = name.starts_with(|c: char| c.is_ascii_alphabetic())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        written.push_str(before);
        if is_element && !tag.contains('>') && !VOID.contains(&name) {
            written.extend(["></", name, ">"]);
        } else {
            written.push_str("/>");
        }
        rest = after;
    }
    written.push_str(rest);
    written
}

/// Goes through the tree without recursion, since pages may be nested without bound.
fn read(html: &Html, without_navigation: bool) -> writer::Page {
    let mut writer = Writer::default();
    let root = html.tree.root();
    let mut node = root;
    loop {
        let descend = match node.value() {
            Node::Text(text) => {
                writer.text(text);
                false
            }
            Node::Element(element) if is_left_out(element, without_navigation) => false,
            Node::Element(element) => {
                writer.open(element);
                true
            }
            Node::Document | Node::Fragment => true,
            _ => false,
        };
        if descend && let Some(child) = node.first_child() {
            node = child;
            continue;
        }
        let mut close = descend;
        loop {
            if close && let Node::Element(element) = node.value() {
                writer.close(element.name());
            }
            if node.id() == root.id() {
                return writer.finish();
            }
            if let Some(next) = node.next_sibling() {
                node = next;
                break;
            }
            let Some(parent) = node.parent() else { return writer.finish() };
            node = parent;
            close = true;
        }
    }
}

fn is_left_out(element: &Element, without_navigation: bool) -> bool {
    let is_hidden = element.attr("hidden").is_some()
        || element.attr("aria-hidden") == Some("true")
        || element.attr("style").is_some_and(|style| {
            let style: String = style.chars().filter(|c| !c.is_whitespace()).collect();
            style.contains("display:none")
        });
    let name = element.name();
    let never = matches!(
        name,
        "script"
            | "style"
            | "noscript"
            | "template"
            | "svg"
            | "math"
            | "iframe"
            | "object"
            | "embed"
            | "canvas"
            | "audio"
            | "video"
            | "select"
            | "button"
            | "input"
            | "textarea"
            | "datalist"
            | "map"
    );
    let is_navigation = name == "nav" || element.attr("role") == Some("navigation");
    // `hidden` on the body is a trick of pages that show themselves by script.
    never
        || (is_hidden && !matches!(name, "html" | "body"))
        || (without_navigation && is_navigation)
}

#[cfg(test)]
mod tests;
