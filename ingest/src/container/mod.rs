//! Files that hold several documents: archives, mailboxes, messages with attachments.
//!
//! A document in one is a *member*. Its path is that of the container, `!`, and its own path in there:
//! `old/papers.zip!/2019/lease.pdf`, or `a.zip!/b.tar!/c.txt` where containers lie within one another.

mod budget;
mod mailbox;
mod names;
mod packed;
mod tarball;
mod traversal;
mod zipped;

use std::path::Path;

pub use names::{container_of, member_path};
pub(crate) use packed::Packing;
pub(crate) use traversal::{Attachment, MemberSink, Offer, read_attachments, read_file};

use crate::sniff::{self, Zipped};
use crate::{Guess, guess_by_name};

/// So many containers may lie within one another.
pub(crate) const MAX_DEPTH: u32 = 4;
/// So many members of one file are read.
pub(crate) const MAX_MEMBERS: u64 = 100_000;

/// How a container is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Zip,
    Tar,
    /// Compressed as one piece: a tar archive, or a single file.
    Packed(Packing),
    Mailbox,
}

/// What container a file is, by its name and first bytes; `None` when it is none that is looked into.
///
/// Formats that are archives to a program and not to a person (packages, documents of office programs) are known by
/// their names.
pub(crate) fn recognise(path: &Path, head: &[u8]) -> Option<Format> {
    let guess = guess_by_name(path);
    if matches!(guess, Guess::Skip(_)) || head.is_empty() {
        return None;
    }
    if let Some(packing) = Packing::of(head) {
        return Some(Format::Packed(packing));
    }
    let by_name = match guess {
        Guess::Container("zip") => Some(Format::Zip),
        Guess::Container("tar") => Some(Format::Tar),
        Guess::Container("mbox") => Some(Format::Mailbox),
        _ => None,
    };
    // An office file that was given the name of an archive is a document all the same.
    if by_name == Some(Format::Zip) && sniff::content_of_zip(head) != Zipped::Other {
        return None;
    }
    let unknown = guess == Guess::Unknown;
    let by_bytes = if zipped::is_archive(head) && (by_name.is_some() || unknown) {
        Some(Format::Zip)
    } else if tarball::is_archive(head) && (by_name.is_some() || unknown) {
        Some(Format::Tar)
    } else if unknown && mailbox::is_mailbox(head) {
        Some(Format::Mailbox)
    } else {
        None
    };
    by_bytes.or(by_name)
}

#[cfg(test)]
mod tests;
