//! Extracts every file given and prints, tab-separated, what became of it and how long it took.
//! With `--text FOLDER` the texts are written there, with a form feed before each page but the first;
//! with `--worker PROGRAM` the files are extracted in child processes, with the documents that they hold; with
//! `--headings` each heading is printed too, with its line and level.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;
use std::{env, fs};

use lsearch_ingest::{
    Document, ExtractLimits, Extractor, ExtractorOptions, Member, MemberVisitor, NewBytes, Outcome,
    PassageOptions, RuleFiles, extract_in_process, passages,
};

fn main() -> io::Result<()> {
    let mut arguments = env::args_os().skip(1).peekable();
    let mut texts: Option<PathBuf> = None;
    if arguments.peek().is_some_and(|argument| argument == "--text") {
        arguments.next();
        texts = arguments.next().map(PathBuf::from);
    }
    let headings = arguments.next_if(|argument| argument == "--headings").is_some();
    let mut extractor = None;
    if arguments.peek().is_some_and(|argument| argument == "--worker") {
        arguments.next();
        extractor = arguments.next().map(|program| extractor_with(program.into()));
    }
    std::panic::set_hook(Box::new(|_| ()));
    let mut out = io::stdout().lock();
    for path in arguments {
        let path = Path::new(&path);
        let start = Instant::now();
        let mut members = Members::default();
        let outcome = match &extractor {
            Some(extractor) => extractor.extract_all(path, &RuleFiles::none(), &mut members).0,
            None => extract_in_process(path, &ExtractLimits::default()),
        };
        let extract_ms = start.elapsed().as_secs_f64() * 1e3;
        let name = path.display();
        match outcome {
            Outcome::Document(document) => {
                let start = Instant::now();
                let pieces = passages(&document, &PassageOptions::default());
                let cut_ms = start.elapsed().as_secs_f64() * 1e3;
                writeln!(
                    out,
                    "{name}\t{}\t{extract_ms:.1} ms\t{} bytes\t{} pages\t{} headings\t{} passages\t\
                     {cut_ms:.1} ms\t{}\t{}\t{}",
                    document.format,
                    document.text.len(),
                    document.pages.len(),
                    document.headings.len(),
                    pieces.len(),
                    document.language.as_deref().unwrap_or("-"),
                    document.title,
                    document.warnings.join("; ")
                )?;
                if headings {
                    write_headings(&mut out, path, &document)?;
                }
                if let (Some(folder), Some(name)) = (&texts, path.file_name()) {
                    let mut name = name.to_owned();
                    name.push(".out");
                    fs::write(folder.join(name), with_form_feeds(&document))?;
                }
            }
            Outcome::Container { stopped } => {
                let stopped = stopped.map(|reason| reason.to_string()).unwrap_or_default();
                let Members { documents, others } = members;
                writeln!(
                    out,
                    "{name}\tcontainer\t{extract_ms:.1} ms\t{documents} documents\t{others} others\t{stopped}"
                )?;
            }
            Outcome::Skipped(reason) => writeln!(out, "{name}\tskipped\t{reason}")?,
            Outcome::Failed(reason) => writeln!(out, "{name}\tfailed\t{reason}")?,
        }
    }
    Ok(())
}

/// How many members gave a document, and how many did not.
#[derive(Default)]
struct Members {
    documents: usize,
    others: usize,
}

impl MemberVisitor for Members {
    fn is_wanted(&mut self, _: &NewBytes) -> bool {
        true
    }

    fn member(&mut self, member: Member) {
        match member.outcome {
            Outcome::Document(_) => self.documents += 1,
            // A container within the container is counted by its members.
            Outcome::Container { .. } => {}
            Outcome::Skipped(_) | Outcome::Failed(_) => self.others += 1,
        }
    }
}

/// The text with its pages divided as in printing.
fn with_form_feeds(document: &Document) -> String {
    let ends = document.pages.iter().copied().skip(1).chain([document.text.len()]);
    let mut start = 0;
    let pages: Vec<&str> =
        ends.map(|end| &document.text[std::mem::replace(&mut start, end)..end]).collect();
    pages.join("\u{c}")
}

fn write_headings(out: &mut impl Write, path: &Path, document: &Document) -> io::Result<()> {
    let (mut line, mut counted) = (1, 0);
    for heading in &document.headings {
        let start = heading.bytes.start;
        line += document.text[counted..start].matches('\n').count();
        counted = start;
        let words = document.text[heading.bytes.clone()].replace('\n', " ");
        writeln!(out, "{}\theading\t{line}\t{}\t{words}", path.display(), heading.level)?;
    }
    Ok(())
}

fn extractor_with(worker_program: PathBuf) -> Extractor {
    Extractor::new(ExtractorOptions {
        worker_program,
        worker_args: Vec::new(),
        readable: vec!["/".into()],
        workers: 1,
        memory_bytes: 1 << 30,
        cpu_sec: 120,
        wall_sec: 300,
        max_file_bytes: 1 << 30,
        max_text_bytes: 1 << 30,
        ocr: None,
    })
}
