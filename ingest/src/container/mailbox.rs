//! Mailboxes in the mbox format: messages one after another, each behind a line that begins with `From `.

use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::Path;

use super::traversal::{Entry, Stop, Traversal};
use crate::extract::mail;
use crate::{FailReason, Outcome, SkipReason};

/// Longest message that is read, in bytes; the servers that carry mail allow less.
const MAX_MESSAGE_BYTES: usize = 128 << 20;

/// Whether a file of no telling name begins as a mailbox.
pub(super) fn is_mailbox(head: &[u8]) -> bool {
    let mut lines = head.split(|byte| *byte == b'\n');
    lines.next().is_some_and(|line| line.starts_with(b"From "))
        && lines.next().is_some_and(mail::is_header_line)
}

/// Hands over the messages in it, named by day and subject.
pub(super) fn read(
    traversal: &mut Traversal<'_>,
    at: &Path,
    depth: u32,
    mailbox: impl Read,
) -> Result<Option<FailReason>, Stop> {
    let mut messages = Messages { lines: BufReader::new(mailbox), begun: false, next: None };
    let mut names = HashMap::new();
    loop {
        let message = match messages.next() {
            Ok(Some(message)) => message,
            Ok(None) => return Ok(None),
            Err(error) => {
                traversal.within_budget()?;
                let detail = error.to_string();
                return Ok(Some(FailReason::Damaged { format: "mbox".to_owned(), detail }));
            }
        };
        let name = unused_name(&mut names, mail::file_name(&message.bytes));
        let size_bytes = message.bytes.len() as u64;
        let entry = Entry { name: name.as_bytes(), size_bytes, format: "mbox" };
        if message.too_long {
            let limit_bytes = MAX_MESSAGE_BYTES as u64;
            traversal.unread(at, entry, Outcome::Skipped(SkipReason::TooLarge { limit_bytes }))?;
            continue;
        }
        traversal.member(at, depth, entry, &mut Cursor::new(message.bytes))?;
    }
}

/// The name, numbered where an earlier message has it already.
fn unused_name(names: &mut HashMap<String, u32>, name: String) -> String {
    let times = names.entry(name.clone()).or_insert(0);
    *times += 1;
    match *times {
        1 => format!("{name}.eml"),
        times => format!("{name} ({times}).eml"),
    }
}

struct Message {
    bytes: Vec<u8>,
    /// Whether the end was left out.
    too_long: bool,
}

struct Messages<R> {
    lines: BufReader<R>,
    /// Whether the first dividing line has been seen.
    begun: bool,
    /// A line that was read ahead.
    next: Option<Vec<u8>>,
}

impl<R: Read> Messages<R> {
    fn next(&mut self) -> io::Result<Option<Message>> {
        let mut message = Message { bytes: Vec::new(), too_long: false };
        let mut after_blank = false;
        while let Some(mut line) = self.line()? {
            if line.starts_with(b"From ") && (after_blank || !self.begun) {
                // Only what stands before a header divides; the word also begins sentences.
                let following = self.line()?;
                let divides = following.as_deref().is_none_or(mail::is_header_line);
                self.next = following;
                if divides && self.begun {
                    return Ok(Some(message));
                }
                if divides {
                    self.begun = true;
                    continue;
                }
            }
            if !self.begun {
                continue;
            }
            after_blank = line.iter().all(|byte| matches!(byte, b'\r' | b'\n'));
            // A line that would divide is written with a mark before it.
            if line.starts_with(b">") && line.trim_ascii_start_matches(b'>').starts_with(b"From ") {
                line.remove(0);
            }
            if message.bytes.len() + line.len() > MAX_MESSAGE_BYTES {
                message.too_long = true;
            } else {
                message.bytes.extend_from_slice(&line);
            }
        }
        let is_empty = message.bytes.is_empty();
        Ok((!is_empty).then_some(message))
    }

    /// The next line with its end; a longer one than a message may be comes in pieces.
    fn line(&mut self) -> io::Result<Option<Vec<u8>>> {
        if let Some(line) = self.next.take() {
            return Ok(Some(line));
        }
        let mut line = Vec::new();
        let limit = MAX_MESSAGE_BYTES as u64;
        (&mut self.lines).take(limit).read_until(b'\n', &mut line)?;
        Ok((!line.is_empty()).then_some(line))
    }
}

trait TrimStart {
    fn trim_ascii_start_matches(&self, byte: u8) -> &[u8];
}

impl TrimStart for [u8] {
    /// Without the bytes of this value that it begins with.
    fn trim_ascii_start_matches(&self, byte: u8) -> &[u8] {
        let start = self.iter().position(|one| *one != byte).unwrap_or(self.len());
        &self[start..]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(mailbox: &str) -> Vec<String> {
        let lines = BufReader::new(mailbox.as_bytes());
        let mut messages = Messages { lines, begun: false, next: None };
        let mut found = Vec::new();
        while let Some(message) = messages.next().unwrap() {
            found.push(String::from_utf8(message.bytes).unwrap());
        }
        found
    }

    #[test]
    fn messages_are_divided_where_headers_follow() {
        let mailbox = "From a@example.com Mon Mar  4 10:00:00 2024\nSubject: one\n\nFrom here on\n\n\
                       From where we stand\nthe sea is seen.\n>From the shore, too.\n\n\
                       From b@example.com Tue Mar  5 10:00:00 2024\nSubject: two\n\nText\n";
        let messages = split(mailbox);
        assert_eq!(messages.len(), 2, "{messages:#?}");
        assert!(
            messages[0].contains("From where we stand") && messages[0].contains("\nFrom the shore")
        );
        assert_eq!(messages[1], "Subject: two\n\nText\n");
        assert!(is_mailbox(mailbox.as_bytes()));
        assert!(!is_mailbox(b"From here on\nthe sea is seen.\n"));
        assert_eq!(split(""), Vec::<String>::new());
    }

    #[test]
    fn equal_names_are_numbered() {
        let mut names = HashMap::new();
        let mut name = |name: &str| unused_name(&mut names, name.to_owned());
        assert_eq!(name("a"), "a.eml");
        assert_eq!(name("b"), "b.eml");
        assert_eq!(name("a"), "a (2).eml");
    }
}
