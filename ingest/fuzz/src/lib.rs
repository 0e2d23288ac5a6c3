//! What the fuzz targets do, shared with the test of mutated files: each target is a function of bytes that panics
//! when something does not hold that must hold for any bytes at all.

mod check;
pub mod package;
mod pdf;
mod structured;

use std::panic::{PanicHookInfo, set_hook};
use std::path::Path;

use lsearch_ingest::identify;

/// A way into the library that takes any bytes.
#[derive(Clone, Copy)]
pub struct Target {
    /// The name of the target, of its program and of the folder of its seeds.
    pub name: &'static str,
    /// Whether the bytes are a zip archive of parts; such a target also takes them in the form of [`package`].
    pub is_package: bool,
    run: Run,
}

#[derive(Clone, Copy)]
enum Run {
    /// As a file of this name.
    File(&'static str),
    /// As a file of this name, with all that it holds.
    Container(&'static str),
    /// In a way of its own.
    Own(fn(&[u8])),
}

impl Target {
    fn run(&self, bytes: &[u8]) {
        let unpacked = if self.is_package { package::from_parts(bytes) } else { None };
        let bytes = unpacked.as_deref().unwrap_or(bytes);
        match self.run {
            Run::File(name) => check::file(name, bytes),
            Run::Container(name) => check::container(name, bytes),
            Run::Own(run) => run(bytes),
        }
    }
}

const fn file(name: &'static str, file: &'static str) -> Target {
    Target { name, is_package: false, run: Run::File(file) }
}

const fn package(name: &'static str, file: &'static str) -> Target {
    Target { name, is_package: true, run: Run::File(file) }
}

const fn container(name: &'static str, file: &'static str) -> Target {
    Target { name, is_package: false, run: Run::Container(file) }
}

const fn own(name: &'static str, run: fn(&[u8])) -> Target {
    Target { name, is_package: false, run: Run::Own(run) }
}

/// Every target.
pub const TARGETS: &[Target] = &[
    file("asciidoc", "guide.adoc"),
    file("bibtex", "references.bib"),
    own("code", code),
    own("decode", structured::decoded),
    file("doc", "letter.doc"),
    package("docx", "letter.docx"),
    package("epub", "book.epub"),
    own("frames", structured::frames),
    file("html", "page.html"),
    own("identify", identified),
    file("latex", "paper.tex"),
    container("mail", "message.eml"),
    container("mailbox", "inbox.mbox"),
    file("man", "tool.1"),
    file("markdown", "notes.md"),
    file("mediawiki", "page.wiki"),
    file("notebook", "work.ipynb"),
    package("odp", "talk.odp"),
    package("ods", "table.ods"),
    package("odt", "letter.odt"),
    file("org", "notes.org"),
    container("packed", "papers.tar.gz"),
    own("passages", structured::cut),
    file("pdf", "paper.pdf"),
    own("pdf_cmap", |bytes| check::file("paper.pdf", &pdf::with_character_map(bytes))),
    own("pdf_content", |bytes| check::file("paper.pdf", &pdf::with_content(bytes))),
    own("pdf_font", |bytes| check::file("paper.pdf", &pdf::with_font(bytes))),
    file("ppt", "talk.ppt"),
    package("pptx", "talk.pptx"),
    file("restructured", "guide.rst"),
    file("rtf", "letter.rtf"),
    file("subtitles", "talk.srt"),
    container("tar", "papers.tar"),
    file("text", "notes.txt"),
    file("xls", "table.xls"),
    package("xlsx", "table.xlsx"),
    container("zip", "papers.zip"),
];

/// Runs the target of this name.
///
/// # Panics
/// When there is none, or when an invariant is broken.
pub fn run(name: &str, bytes: &[u8]) {
    let target = TARGETS.iter().find(|target| target.name == name);
    target.unwrap_or_else(|| panic!("no target is called {name}")).run(bytes);
}

/// Has every panic reported that is not in a library of somebody else's. Extraction catches panics, since the parsers
/// of others have them; in our own code one is a mistake even where it is caught.
pub fn heed_own_panics(report: impl Fn(&PanicHookInfo<'_>) + Send + Sync + 'static) {
    set_hook(Box::new(move |panic| {
        let place = panic.location().map_or("", |location| location.file());
        if !place.contains("/registry/src/") {
            report(panic);
        }
    }));
}

/// One extension for each format of source code that is read in a way of its own.
#[rustfmt::skip]
pub const CODE: [&str; 50] = [
    "rs", "py", "js", "ts", "tsx", "c", "cpp", "m", "cs", "fs", "java", "kt", "scala", "groovy", "clj", "go", "swift",
    "rb", "php", "pl", "lua", "r", "jl", "hs", "ml", "ex", "erl", "elm", "dart", "zig", "nim", "lisp", "pas", "f90",
    "s", "v", "sol", "sh", "ps1", "bat", "awk", "sql", "graphql", "proto", "vue", "css", "json", "yaml", "toml", "xml",
];

/// As source code in the language that the first byte chooses.
fn code(bytes: &[u8]) {
    let (first, rest) = bytes.split_first().unwrap_or((&0, &[]));
    let extension = CODE[usize::from(*first) % CODE.len()];
    check::file(&format!("source.{extension}"), rest);
}

/// As the beginning and as the whole of a file of which the name says this and that.
fn identified(bytes: &[u8]) {
    const HEAD_BYTES: usize = 8 << 10;
    for name in
        ["unknown", "a.txt", "a.pdf", "a.docx", "a.xls", "a.zip", "a.epub", "a.tar.gz", "ls.1"]
    {
        let head = &bytes[..bytes.len().min(HEAD_BYTES)];
        let whole = identify(Path::new(name), bytes);
        assert_eq!(identify(Path::new(name), bytes), whole);
        // The beginning of a text is a text.
        if bytes.len() <= HEAD_BYTES {
            assert_eq!(identify(Path::new(name), head), whole);
        }
    }
}
