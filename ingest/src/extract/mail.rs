//! Messages of e-mail: the headers that a person reads, then the words.

use std::borrow::Cow;

use mail_parser::{Address, Message, MessageParser, MessagePart, MimeHeaders, PartType};

use super::{Extracted, html};
use crate::container::Attachment;
use crate::{FailReason, Outcome, title};

/// Longest name that is made of a subject, in characters.
const NAME_CHARS: usize = 80;
/// So much of a message tells its subject and date.
const HEADER_BYTES: usize = 64 << 10;

/// The headers that messages begin with.
const HEADERS: [&str; 16] = [
    "received",
    "return-path",
    "delivered-to",
    "from",
    "to",
    "date",
    "subject",
    "message-id",
    "mime-version",
    "content-type",
    "reply-to",
    "sender",
    "x-original-to",
    "dkim-signature",
    "envelope-to",
    "arc-seal",
];

pub(super) fn extract(bytes: &[u8]) -> Result<Extracted, Outcome> {
    let Some(message) = MessageParser::default().parse(bytes) else {
        let detail = "it has no headers".to_owned();
        return Err(Outcome::Failed(FailReason::Damaged { format: "eml".to_owned(), detail }));
    };
    let mut text = headers(&message);
    let mut warnings = Vec::new();
    for part in message.text_bodies() {
        if part.is_encoding_problem {
            warnings.push("parts whose encoding is damaged were read as they stand".to_owned());
        }
        let body = match &part.body {
            PartType::Text(body) => Cow::Borrowed(body.as_ref()),
            PartType::Html(body) => Cow::Owned(html::extract(marked(body)).text),
            _ => continue,
        };
        text.push('\n');
        text.extend(body.chars().filter(|c| *c != '\r' && *c != '\0'));
        if !text.ends_with('\n') {
            text.push('\n');
        }
    }
    warnings.dedup();
    let mut attachments = Vec::new();
    for part in message.attachments() {
        attachments.push(attachment(part, attachments.len() + 1));
    }
    let dated = message.date().filter(|date| date.is_valid());
    Ok(Extracted {
        text,
        title: message.subject().and_then(title::clean),
        author: message.from().map(people).filter(|people| !people.is_empty()),
        dated: dated.map(|date| format!("{:04}-{:02}-{:02}", date.year, date.month, date.day)),
        warnings,
        attachments,
        ..Extracted::default()
    })
}

/// `From: …` and the like, a line each.
fn headers(message: &Message<'_>) -> String {
    let date = message.date().filter(|date| date.is_valid()).map(|date| {
        let (year, month, day) = (date.year, date.month, date.day);
        format!("{year:04}-{month:02}-{day:02} {:02}:{:02}", date.hour, date.minute)
    });
    let lines = [
        ("From", message.from().map(names_and_addresses)),
        ("To", message.to().map(names_and_addresses)),
        ("Cc", message.cc().map(names_and_addresses)),
        ("Date", date),
        ("Subject", message.subject().map(one_line)),
    ];
    let lines = lines.into_iter().filter_map(|(name, value)| Some((name, value?)));
    lines
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| format!("{name}: {value}\n"))
        .collect()
}

fn names_and_addresses(address: &Address<'_>) -> String {
    let people = address.iter().filter_map(|one| match (one.name(), one.address()) {
        (Some(name), Some(address)) => Some(format!("{} <{}>", one_line(name), one_line(address))),
        (Some(one), None) | (None, Some(one)) => Some(one_line(one)),
        (None, None) => None,
    });
    people.collect::<Vec<_>>().join(", ")
}

/// Names where there are names, else addresses.
fn people(address: &Address<'_>) -> String {
    let people = address.iter().filter_map(|one| one.name().or(one.address())).map(one_line);
    people.filter(|one| !one.is_empty()).collect::<Vec<_>>().join("; ")
}

fn one_line(value: &str) -> String {
    let words = value.split_whitespace().collect::<Vec<_>>().join(" ");
    words.chars().filter(|c| !c.is_control()).collect()
}

fn attachment(part: &MessagePart<'_>, number: usize) -> Attachment {
    let bytes = match &part.body {
        // The parser has turned these into UTF-8 already, whatever they say of themselves.
        PartType::Text(text) | PartType::Html(text) => marked(text),
        PartType::Message(message) => message.raw_message().to_vec(),
        _ => part.contents().to_vec(),
    };
    let named = part.attachment_name().map(|name| one_line(&name.replace(['/', '\\'], "_")));
    let name = named.filter(|name| !name.is_empty()).unwrap_or_else(|| match &part.body {
        PartType::Message(message) => format!("{}.eml", file_name(message.raw_message())),
        PartType::Html(_) => format!("part {number}.html"),
        PartType::Text(_) => format!("part {number}.txt"),
        _ => {
            let subtype = part.content_type().and_then(|of| of.c_subtype.as_deref());
            format!("part {number}.{}", subtype.map(one_line).unwrap_or_default())
        }
    });
    Attachment { name, bytes }
}

/// Text as bytes that say that they are UTF-8.
fn marked(text: &str) -> Vec<u8> {
    let mut bytes = "\u{FEFF}".as_bytes().to_vec();
    bytes.extend_from_slice(text.as_bytes());
    bytes
}

/// A name for a message's file: the day it was sent and its subject.
pub(crate) fn file_name(message: &[u8]) -> String {
    let head = &message[..message.len().min(HEADER_BYTES)];
    let parsed = MessageParser::default().parse_headers(head);
    let date = parsed.as_ref().and_then(|message| message.date()).filter(|date| date.is_valid());
    let subject = parsed.as_ref().and_then(|message| message.subject()).and_then(title::clean);
    let mut name = match date {
        Some(date) => format!("{:04}-{:02}-{:02} ", date.year, date.month, date.day),
        None => String::new(),
    };
    let subject = subject.unwrap_or_else(|| "no subject".to_owned());
    name.extend(subject.chars().take(NAME_CHARS).map(|c| if c == '/' { '_' } else { c }));
    name.truncate(name.trim_end().len());
    name
}

/// Whether a line has the form of a header: a name of printable characters, and a colon.
pub(crate) fn is_header_line(line: &[u8]) -> bool {
    let Some(colon) = line.iter().position(|byte| *byte == b':') else { return false };
    let name = &line[..colon];
    let in_name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (1..=60).contains(&name.len()) && name.iter().all(in_name)
}

/// Whether text of no telling name is a message: it begins with headers, several of them those of mail.
pub(crate) fn is_message(head: &[u8]) -> bool {
    let mut of_mail = 0;
    let mut names_sender = false;
    for line in head.split(|byte| *byte == b'\n').take(200) {
        if line.starts_with(b" ") || line.starts_with(b"\t") {
            continue;
        }
        if !is_header_line(line) {
            // Headers end with a blank line.
            return line.trim_ascii().is_empty() && names_sender && of_mail >= 3;
        }
        let name = line.split(|byte| *byte == b':').next().unwrap_or_default();
        let name = String::from_utf8_lossy(name).to_ascii_lowercase();
        of_mail += usize::from(HEADERS.contains(&name.as_str()));
        names_sender |= matches!(name.as_str(), "from" | "return-path");
    }
    names_sender && of_mail >= 3
}

#[cfg(test)]
mod tests;
