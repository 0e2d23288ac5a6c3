//! The way through a file's members, however they lie within one another: what all kinds of containers have in common.

use std::cell::OnceCell;
use std::io::{self, Cursor, Read, Seek};
use std::path::{Path, PathBuf};

use super::budget::Budget;
use super::names::member_path;
use super::packed::Packing;
use super::{Format, MAX_DEPTH, MAX_MEMBERS, mailbox, recognise, tarball, zipped};
use crate::extract::{Course, extract};
use crate::identify::HEAD_BYTES;
use crate::kind::PACKED;
use crate::rules::{Rule, Rules};
use crate::{ExtractLimits, FailReason, Guess, Kind, Outcome, SkipReason, guess_by_name, identify};

/// Room that is made for a member at once; what claims to be larger has to show it.
const FIRST_ROOM_BYTES: u64 = 1 << 20;

/// Whoever takes the members that are found.
pub(crate) trait MemberSink: Sync {
    /// A member comes next, so that whoever hears it knows what is to blame if nothing more is heard.
    fn begin(&self, number: u64, path: &Path) -> io::Result<()>;
    /// Whether the member is to be read; `false` when it is known by its bytes.
    fn is_wanted(&self, offer: &Offer<'_>) -> io::Result<bool>;
    /// What came of it.
    fn done(&self, path: &Path, outcome: Outcome, has_members: bool) -> io::Result<()>;
}

/// A member whose bytes are there, before it is read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Offer<'a> {
    pub(crate) path: &'a Path,
    pub(crate) size_bytes: u64,
    pub(crate) hash: [u8; 32],
}

/// For callers who want a file's own document alone.
pub(crate) struct NoSink;

impl MemberSink for NoSink {
    fn begin(&self, _: u64, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn is_wanted(&self, _: &Offer<'_>) -> io::Result<bool> {
        Ok(false)
    }

    fn done(&self, _: &Path, _: Outcome, _: bool) -> io::Result<()> {
        Ok(())
    }
}

/// What ends a whole traversal.
#[derive(Debug)]
pub(crate) enum Stop {
    /// Nobody listens any more.
    Unheard,
    /// A limit was reached.
    Limit(FailReason),
}

impl From<io::Error> for Stop {
    fn from(_: io::Error) -> Self {
        Self::Unheard
    }
}

/// A file that hangs on a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Attachment {
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
}

/// What a container says of a member.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry<'a> {
    pub(super) name: &'a [u8],
    /// As the container claims.
    pub(super) size_bytes: u64,
    /// The container's format, to name what is damaged.
    pub(super) format: &'static str,
}

/// One traversal of one file on the disk.
pub(crate) struct Traversal<'a> {
    limits: &'a ExtractLimits,
    course: &'a Course<'a>,
    sink: &'a dyn MemberSink,
    rules: OnceCell<Rules>,
    budget: &'a Budget,
    next: u64,
}

/// Reads the container that a file on the disk is. `Ok` holds what the one file that is packed in it came to, or
/// that it was a container.
pub(crate) fn read_file(
    path: &Path,
    format: Format,
    file: impl Read + Seek,
    size_bytes: u64,
    limits: &ExtractLimits,
    course: &Course<'_>,
) -> Outcome {
    with_traversal(size_bytes, limits, course, |traversal| {
        let outcome = traversal.container(path, 1, format, file, &|_| Ok(true))?;
        Ok(outcome.unwrap_or(Outcome::Container { stopped: None }))
    })
}

/// Hands over what hangs on the message that a file on the disk is. Gives how many there were, and what kept the rest.
pub(crate) fn read_attachments(
    path: &Path,
    attachments: Vec<Attachment>,
    size_bytes: u64,
    limits: &ExtractLimits,
    course: &Course<'_>,
) -> Option<FailReason> {
    let outcome = with_traversal(size_bytes, limits, course, |traversal| {
        traversal.attachments(path, 1, attachments)?;
        Ok(Outcome::Container { stopped: None })
    });
    match outcome {
        Outcome::Container { stopped } => stopped,
        _ => None,
    }
}

fn with_traversal(
    size_bytes: u64,
    limits: &ExtractLimits,
    course: &Course<'_>,
    read: impl FnOnce(&mut Traversal<'_>) -> Result<Outcome, Stop>,
) -> Outcome {
    let budget = Budget::new(size_bytes, limits.max_file_bytes);
    let mut traversal = Traversal {
        limits,
        course,
        sink: course.sink.unwrap_or(&NoSink),
        rules: OnceCell::new(),
        budget: &budget,
        next: 0,
    };
    match read(&mut traversal) {
        Ok(outcome) => outcome,
        Err(Stop::Limit(reason)) => Outcome::Container { stopped: Some(reason) },
        Err(Stop::Unheard) => {
            Outcome::Failed(FailReason::Crashed { detail: "nobody listens".to_owned() })
        }
    }
}

impl Traversal<'_> {
    /// Ends the traversal when too much was unpacked.
    pub(super) fn within_budget(&self) -> Result<(), Stop> {
        self.budget.exceeded().map_or(Ok(()), |reason| Err(Stop::Limit(reason)))
    }

    /// Looks into a container. `is_wanted` is asked about a file that is packed alone before it is extracted; `None`
    /// when it is not.
    fn container(
        &mut self,
        path: &Path,
        depth: u32,
        format: Format,
        bytes: impl Read + Seek,
        is_wanted: &dyn Fn(&Traversal<'_>) -> Result<bool, Stop>,
    ) -> Result<Option<Outcome>, Stop> {
        if depth > MAX_DEPTH {
            return Ok(Some(Outcome::Failed(FailReason::TooNested { limit: MAX_DEPTH })));
        }
        let stopped = match format {
            Format::Packed(packing) => {
                return self.packed(path, depth, packing, bytes, is_wanted);
            }
            Format::Zip => zipped::read(self, path, depth, bytes)?,
            Format::Tar => tarball::read(self, path, depth, bytes)?,
            Format::Mailbox => mailbox::read(self, path, depth, bytes)?,
        };
        Ok(Some(Outcome::Container { stopped }))
    }

    fn packed(
        &mut self,
        path: &Path,
        depth: u32,
        packing: Packing,
        bytes: impl Read,
        is_wanted: &dyn Fn(&Traversal<'_>) -> Result<bool, Stop>,
    ) -> Result<Option<Outcome>, Stop> {
        let damaged = |error: &io::Error| {
            let (format, detail) = (packing.name().to_owned(), error.to_string());
            Some(Outcome::Failed(FailReason::Damaged { format, detail }))
        };
        let budget = self.budget;
        let decoder = match packing.decoder(bytes) {
            Ok(decoder) => decoder,
            Err(error) => return Ok(damaged(&error)),
        };
        let mut decoder = budget.metered(decoder);
        let mut bytes = Vec::new();
        let mut damage = (&mut decoder).take(HEAD_BYTES as u64).read_to_end(&mut bytes).err();
        self.within_budget()?;
        // What comes before the damage is worth having.
        if let Some(error) = damage.as_ref().filter(|_| bytes.is_empty()) {
            return Ok(damaged(error));
        }
        let names_tar = guess_by_name(path) == Guess::Container("tar");
        if tarball::is_archive(&bytes) || (names_tar && !bytes.is_empty()) {
            let archive = Cursor::new(bytes).chain(decoder);
            let stopped = tarball::read(self, path, depth, archive)?;
            return Ok(Some(Outcome::Container { stopped }));
        }
        let inner = without_packing(path);
        if let Err(reason) = identify(&inner, &bytes) {
            return Ok(Some(Outcome::Skipped(reason)));
        }
        if !is_wanted(self)? {
            return Ok(None);
        }
        let limit_bytes = self.limits.max_file_bytes;
        let room = (limit_bytes + 1).saturating_sub(bytes.len() as u64);
        if damage.is_none() {
            damage = decoder.take(room).read_to_end(&mut bytes).err();
            self.within_budget()?;
        }
        if bytes.len() as u64 > limit_bytes {
            return Ok(Some(Outcome::Skipped(SkipReason::TooLarge { limit_bytes })));
        }
        // Attachments of a message that is packed alone have no path of their own to go by.
        let (mut outcome, _) = extract(&inner, bytes, self.limits, self.course);
        if let (Outcome::Document(document), Some(error)) = (&mut outcome, damage) {
            let name = packing.name();
            document.warnings.push(format!("damaged {name} file ({error}): its end is missing"));
        }
        Ok(Some(outcome))
    }

    /// Takes up a member.
    pub(super) fn member(
        &mut self,
        container: &Path,
        depth: u32,
        entry: Entry<'_>,
        contents: &mut dyn Read,
    ) -> Result<(), Stop> {
        let Some((number, path)) = self.admit(container, entry)? else { return Ok(()) };
        let guess = guess_by_name(&path);
        if !self.is_due(number) && matches!(guess, Guess::Known(kind, _) if kind != Kind::Mail) {
            return Ok(());
        }
        if let Guess::Skip(reason) = guess {
            return self.report(number, &path, Outcome::Skipped(reason), false);
        }
        let budget = self.budget;
        let mut contents = budget.metered(contents);
        match self.contents(&path, entry, &mut contents)? {
            Ok(bytes) => self.bytes(number, &path, depth, bytes),
            Err(outcome) => self.report(number, &path, outcome, false),
        }
    }

    /// Takes up a member that cannot be read, and says why.
    pub(super) fn unread(
        &mut self,
        container: &Path,
        entry: Entry<'_>,
        outcome: Outcome,
    ) -> Result<(), Stop> {
        match self.admit(container, entry)? {
            Some((number, path)) => self.report(number, &path, outcome, false),
            None => Ok(()),
        }
    }

    /// Counts a member, and gives its number and path unless a rule leaves it out or a former try came to grief on it.
    fn admit(
        &mut self,
        container: &Path,
        entry: Entry<'_>,
    ) -> Result<Option<(u64, PathBuf)>, Stop> {
        self.within_budget()?;
        let number = self.next;
        if number >= MAX_MEMBERS {
            return Err(Stop::Limit(FailReason::TooManyMembers { limit: MAX_MEMBERS }));
        }
        self.next += 1;
        if self.course.skip_members.contains(&number) {
            return Ok(None);
        }
        let Some(path) = member_path(container, entry.name) else { return Ok(None) };
        let below = container_folder(container);
        let rules = self.rules.get_or_init(|| Rules::new(self.course.rules));
        match rules.against(&path, &below) {
            Some(Rule::Secret) => {
                self.report(number, &path, Outcome::Skipped(SkipReason::Secret), false)?;
                return Ok(None);
            }
            Some(_) => return Ok(None),
            None => {}
        }
        if self.is_due(number) {
            self.sink.begin(number, &path)?;
        }
        if entry.size_bytes == 0 {
            self.report(number, &path, Outcome::Skipped(SkipReason::Empty), false)?;
            return Ok(None);
        }
        Ok(Some((number, path)))
    }

    /// Whether a member was not handed over by a former try.
    fn is_due(&self, number: u64) -> bool {
        number >= self.course.first_member
    }

    fn report(
        &self,
        number: u64,
        path: &Path,
        outcome: Outcome,
        has_members: bool,
    ) -> Result<(), Stop> {
        if self.is_due(number) {
            self.sink.done(path, outcome, has_members)?;
        }
        Ok(())
    }

    /// The member's bytes, or what to report in their place.
    fn contents(
        &self,
        path: &Path,
        entry: Entry<'_>,
        contents: &mut dyn Read,
    ) -> Result<Result<Vec<u8>, Outcome>, Stop> {
        let damaged = |error: io::Error| -> Result<_, Stop> {
            self.within_budget()?;
            let (format, detail) = (entry.format.to_owned(), error.to_string());
            Ok(Err(Outcome::Failed(FailReason::Damaged { format, detail })))
        };
        let mut bytes = Vec::new();
        if let Err(error) = (&mut *contents).take(HEAD_BYTES as u64).read_to_end(&mut bytes) {
            return damaged(error);
        }
        if recognise(path, &bytes).is_none()
            && let Err(reason) = identify(path, &bytes)
        {
            return Ok(Err(Outcome::Skipped(reason)));
        }
        let limit_bytes = self.limits.max_file_bytes;
        let too_large = || Ok(Err(Outcome::Skipped(SkipReason::TooLarge { limit_bytes })));
        if entry.size_bytes > limit_bytes {
            return too_large();
        }
        bytes.reserve(entry.size_bytes.min(FIRST_ROOM_BYTES) as usize);
        let room = (limit_bytes + 1).saturating_sub(bytes.len() as u64);
        if let Err(error) = contents.take(room).read_to_end(&mut bytes) {
            return damaged(error);
        }
        if bytes.len() as u64 > limit_bytes {
            return too_large();
        }
        Ok(Ok(bytes))
    }

    /// Reads a member whose bytes are there: a document, or a container in its turn.
    fn bytes(&mut self, number: u64, path: &Path, depth: u32, bytes: Vec<u8>) -> Result<(), Stop> {
        let hash = *blake3::hash(&bytes).as_bytes();
        let offer = Offer { path, size_bytes: bytes.len() as u64, hash };
        if let Some(format) = recognise(path, &bytes[..bytes.len().min(HEAD_BYTES)]) {
            // Of a container nothing is known as one; of a single packed file its text may be.
            let is_wanted =
                |this: &Traversal<'_>| Ok(this.is_due(number) && this.sink.is_wanted(&offer)?);
            let contents = Cursor::new(&bytes);
            let outcome = match self.container(path, depth + 1, format, contents, &is_wanted)? {
                Some(Outcome::Document(mut document)) => {
                    document.file_hash = hash;
                    Outcome::Document(document)
                }
                Some(outcome) => outcome,
                None => return Ok(()),
            };
            // What it held may have come after the members that were handed over before.
            let last = self.next.saturating_sub(1).max(number);
            return self.report(last, path, outcome, false);
        }
        if self.is_due(number) && !self.sink.is_wanted(&offer)? {
            return Ok(());
        }
        let skip_pages =
            if number == self.course.first_member { self.course.skip_pages } else { &[] };
        let course = Course { skip_pages, ..*self.course };
        let (outcome, attachments) = extract(path, bytes, self.limits, &course);
        self.report(number, path, outcome, !attachments.is_empty())?;
        self.attachments(path, depth + 1, attachments)
    }

    fn attachments(
        &mut self,
        path: &Path,
        depth: u32,
        attachments: Vec<Attachment>,
    ) -> Result<(), Stop> {
        for Attachment { name, bytes } in attachments {
            let size_bytes = bytes.len() as u64;
            let entry = Entry { name: name.as_bytes(), size_bytes, format: "eml" };
            if depth > MAX_DEPTH {
                let reason = FailReason::TooNested { limit: MAX_DEPTH };
                self.unread(path, entry, Outcome::Failed(reason))?;
                continue;
            }
            self.member(path, depth, entry, &mut Cursor::new(bytes))?;
        }
        Ok(())
    }
}

/// What a packed file is called without its packing.
fn without_packing(path: &Path) -> PathBuf {
    let extension = path.extension().map(|extension| extension.to_string_lossy().to_lowercase());
    match extension {
        Some(extension) if PACKED.contains(&extension.as_str()) => path.with_extension(""),
        _ => path.to_owned(),
    }
}

/// The folder, as it were, that a container's members lie in.
fn container_folder(container: &Path) -> PathBuf {
    let mut folder = container.as_os_str().to_owned();
    folder.push("!");
    PathBuf::from(folder)
}
