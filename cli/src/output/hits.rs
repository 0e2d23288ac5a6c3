//! Search results for people.

use std::ops::Range;

use lsearch_index::{DocumentRef, Hit, PassageHit, Reader, SearchResults};
use lsearch_ingest::Kind;

use super::style::{self, paint};
use crate::args::ResultArgs;
use crate::errors::CliError;
use crate::opening::on_disk;
use crate::places::shorten_home;

/// Column where a hit's text begins, and the longest line of text after it.
const INDENT: usize = 4;
const WIDTH: usize = 96;

/// `search -l`: paths, one a line.
pub fn paths(results: &SearchResults) -> String {
    results.hits.iter().map(|hit| format!("{}\n", hit.path.display())).collect()
}

/// Each hit: title, path with place, and the passage that fits best.
pub fn human(
    reader: &Reader,
    results: &SearchResults,
    args: &ResultArgs,
    rich: bool,
) -> Result<String, CliError> {
    let mut text = String::new();
    for (at, hit) in results.hits.iter().enumerate() {
        if at > 0 {
            text.push('\n');
        }
        head(&mut text, hit, rich);
        if let Some(passage) = &hit.passage {
            if args.context > 0 {
                context(&mut text, reader, hit, passage, args.context)?;
            } else {
                block(&mut text, &marked(&passage.snippet, &passage.highlights));
            }
        }
        if args.explain {
            explain(&mut text, hit, results);
        }
    }
    Ok(text)
}

fn head(text: &mut String, hit: &Hit, rich: bool) {
    let shown = if rich { shorten_home(&hit.path) } else { hit.path.display().to_string() };
    let shown = on_one_line(&shown);
    let place = hit.passage.as_ref().map(|passage| place(hit, passage)).unwrap_or_default();
    text.push_str(&format!(
        "{:>2}  {}  {}\n    {}{place}\n",
        hit.rank,
        paint(style::TITLE, title(hit)),
        paint(style::DIM, format_args!("#{}", hit.id)),
        style::file_link(on_disk(&hit.path), &paint(style::PATH, shown), rich),
    ));
    for other in &hit.also_at {
        text.push_str(&format!(
            "    {}\n",
            paint(style::DIM, format_args!("also {}", on_one_line(&other.display().to_string())))
        ));
    }
}

/// The title, or the file's name where the document has none.
pub fn title(hit: &Hit) -> String {
    if !hit.title.trim().is_empty() {
        return on_one_line(&hit.title);
    }
    on_one_line(&hit.path.file_name().unwrap_or_default().to_string_lossy())
}

/// `:120  impl Scanner › fn walked` after a path whose lines an editor finds, and `, p. 12, § 4 Termination` or as
/// much of it as is known elsewhere.
pub fn place(hit: &Hit, passage: &PassageHit) -> String {
    let Place { page, line, heading } = place_of(hit, passage);
    let mut place = match (page, line) {
        (Some(page), _) => format!(", p. {page}"),
        // Two spaces behind it, as nothing may stick to what is to be clicked or copied.
        (None, Some(line)) => format!(":{line} "),
        (None, None) => String::new(),
    };
    if let Some(heading) = heading {
        let before = if place.ends_with(' ') { " " } else { ", " };
        place.push_str(&format!("{before}{heading}"));
    }
    place.truncate(place.trim_end().len());
    place
}

/// Where a passage stands, as far as a person can find it there.
pub struct Place {
    page: Option<u32>,
    /// Where the document's lines are those of its file.
    line: Option<u32>,
    /// The heading above it, with the sign of a section where it is one.
    heading: Option<String>,
}

impl Place {
    /// Of a passage in a document of this kind and format.
    pub fn new(
        kind: &str,
        format: &str,
        page: Option<u32>,
        line: u32,
        heading: Option<&str>,
    ) -> Self {
        let kind = kind.parse::<Kind>();
        let keeps_lines = kind.as_ref().is_ok_and(|kind| kind.keeps_lines(format));
        let heading = heading.map(|heading| heading.trim().trim_start_matches('#').trim_start());
        let heading = heading.filter(|heading| !heading.is_empty()).map(|heading| {
            // Items of code and marks of time are no sections.
            let is_section = kind != Ok(Kind::Code) && format != "subtitles";
            let sign = if is_section && !heading.starts_with('§') { "§ " } else { "" };
            format!("{sign}{}", on_one_line(heading))
        });
        Self { page, line: Some(line).filter(|_| page.is_none() && keeps_lines), heading }
    }

    /// `p. 12, § 4 Termination`, `line 120, impl Scanner › fn walked`, or as much of it as is known.
    pub fn in_words(&self) -> String {
        let page = self.page.map(|page| format!("p. {page}"));
        let line = self.line.map(|line| format!("line {line}"));
        let parts = [page, line, self.heading.clone()];
        parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }
}

/// Where the passage of a hit stands.
pub fn place_of(hit: &Hit, passage: &PassageHit) -> Place {
    let heading = passage.heading.as_deref();
    Place::new(&hit.kind, &hit.format, passage.page, passage.line, heading)
}

fn context(
    text: &mut String,
    reader: &Reader,
    hit: &Hit,
    passage: &PassageHit,
    around: usize,
) -> Result<(), CliError> {
    let Some(document) = reader.document(DocumentRef::Id(hit.id))? else {
        return Ok(());
    };
    let Some(best) = document.passages.iter().position(|span| span.start == passage.start) else {
        return Ok(());
    };
    let first = best.saturating_sub(around);
    let last = best.saturating_add(around).min(document.passages.len() - 1);
    for (at, span) in document.passages.iter().enumerate().take(last + 1).skip(first) {
        let body = harmless(document.text[span.start..span.end].trim_end());
        if at == best {
            block(text, &body);
        } else {
            block(text, &paint(style::DIM, body));
        }
    }
    Ok(())
}

/// Text from a document without the characters that command a terminal instead of being shown.
pub fn harmless(text: &str) -> String {
    text.replace(|c: char| c.is_control() && c != '\n' && c != '\t', " ")
}

/// The same for what belongs on one line: a title, a heading, a path.
pub fn on_one_line(text: &str) -> String {
    text.replace(char::is_control, " ")
}

/// Text with the matched ranges painted.
fn marked(snippet: &str, highlights: &[Range<usize>]) -> String {
    let mut text = String::with_capacity(snippet.len() + highlights.len() * 12);
    let mut at = 0;
    for range in highlights {
        text.push_str(&snippet[at..range.start]);
        text.push_str(&paint(style::MATCH, &snippet[range.clone()]));
        at = range.end;
    }
    text.push_str(&snippet[at..]);
    text
}

/// Indented lines, wrapped at words; painted text counts without its escape codes.
fn block(text: &mut String, body: &str) {
    for line in body.lines() {
        let mut column = 0;
        text.push_str(&" ".repeat(INDENT));
        for (at, word) in line.split(' ').enumerate() {
            let width = visible_width(word);
            if at > 0 && column + 1 + width > WIDTH {
                text.push('\n');
                text.push_str(&" ".repeat(INDENT));
                column = 0;
            } else if at > 0 {
                text.push(' ');
                column += 1;
            }
            text.push_str(word);
            column += width;
        }
        text.push('\n');
    }
}

fn visible_width(word: &str) -> usize {
    let mut width = 0;
    let mut in_escape = false;
    for character in word.chars() {
        match (in_escape, character) {
            (false, '\x1b') => in_escape = true,
            (true, 'm') => in_escape = false,
            (true, _) => {}
            (false, _) => width += 1,
        }
    }
    width
}

/// Each signal's raw score, its standard score with its weight, and the rank it alone would give.
fn explain(text: &mut String, hit: &Hit, results: &SearchResults) {
    let (raw, standard, ranks) = (&hit.scores, &hit.standardised, &hit.ranks);
    let weights = results.weights;
    let signals = [
        ("keyword", raw.keyword, standard.keyword, ranks.keyword, weights.map(|w| w.keyword)),
        ("document", raw.document, standard.document, ranks.document, weights.map(|w| w.document)),
        ("passage", raw.passage, standard.passage, ranks.passage, weights.map(|w| w.passage)),
    ];
    let mut line = format!("score {:.3}", hit.score);
    if hit.exact_name {
        line.push_str(", named exactly");
    }
    for (name, raw, standard, rank, weight) in signals {
        let Some(raw) = raw else {
            line.push_str(&format!("; {name} -"));
            continue;
        };
        let mut parts = Vec::new();
        parts.extend(rank.map(|rank| format!("rank {rank}")));
        parts.extend(standard.map(|z| match weight {
            Some(weight) => format!("z {z:+.2} × {weight}"),
            None => format!("z {z:+.2}"),
        }));
        line.push_str(&format!("; {name} {raw:.3} ({})", parts.join(", ")));
    }
    block(text, &paint(style::DIM, line));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hit(kind: &str, format: &str) -> Hit {
        Hit {
            rank: 1,
            id: 1,
            path: "/a".into(),
            title: String::new(),
            kind: kind.to_owned(),
            format: format.to_owned(),
            author: None,
            dated: None,
            size_bytes: 0,
            modified_ns: 0,
            score: 0.0,
            exact_name: false,
            scores: lsearch_index::Signals::default(),
            standardised: lsearch_index::Signals::default(),
            ranks: lsearch_index::Ranks::default(),
            passage: None,
            also_at: Vec::new(),
        }
    }

    fn passage(page: Option<u32>, heading: &str) -> PassageHit {
        PassageHit {
            text: String::new(),
            page,
            line: 120,
            heading: Some(heading.to_owned()).filter(|heading| !heading.is_empty()),
            start: 0,
            end: 0,
            snippet: String::new(),
            highlights: Vec::new(),
        }
    }

    #[test]
    fn places_read_as_people_and_editors_name_them() {
        let shown =
            |kind, format, page, heading| place(&hit(kind, format), &passage(page, heading));
        assert_eq!(shown("pdf", "pdf", Some(12), "4.2 Termination"), ", p. 12, § 4.2 Termination");
        assert_eq!(shown("pdf", "pdf", Some(12), ""), ", p. 12");
        assert_eq!(shown("code", "rust", None, "impl Scan › fn walk"), ":120  impl Scan › fn walk");
        assert_eq!(shown("markdown", "md", None, "## Rent"), ":120  § Rent");
        assert_eq!(shown("text", "text", None, ""), ":120");
        assert_eq!(shown("text", "text", None, "§ 4 Rent"), ":120  § 4 Rent");
        // Lines of a text that is not the file's own lead nowhere.
        assert_eq!(shown("html", "html", None, "Rent"), ", § Rent");
        assert_eq!(shown("text", "subtitles", None, "00:12:00"), ", 00:12:00");
        assert_eq!(shown("html", "html", None, ""), "");
    }

    #[test]
    fn places_stand_by_themselves_too() {
        let shown = |kind, format, page, heading| {
            place_of(&hit(kind, format), &passage(page, heading)).in_words()
        };
        assert_eq!(shown("pdf", "pdf", Some(12), "4.2 Termination"), "p. 12, § 4.2 Termination");
        assert_eq!(
            shown("code", "rust", None, "impl Scan › fn walk"),
            "line 120, impl Scan › fn walk"
        );
        assert_eq!(shown("html", "html", None, ""), "");
    }

    #[test]
    fn painted_words_wrap_by_what_is_seen() {
        assert_eq!(visible_width(&paint(style::MATCH, "lease")), 5);
        let long = vec!["word"; 60].join(" ");
        let mut text = String::new();
        block(&mut text, &long);
        assert!(text.lines().all(|line| line.chars().count() <= INDENT + WIDTH), "{text}");
        assert_eq!(text.split_whitespace().count(), 60);
    }

    #[test]
    fn a_document_commands_no_terminal() {
        assert_eq!(harmless("one\x1b]0;title\x07\ttwo\nthree\r"), "one ]0;title \ttwo\nthree ");
        assert_eq!(on_one_line("a\nb\u{9b}31mc"), "a b 31mc");
    }

    #[test]
    fn highlights_keep_the_text() {
        let painted = marked("the quick fox", &[4..9, 10..13]);
        assert_eq!(anstream::adapter::strip_str(&painted).to_string(), "the quick fox");
        assert!(painted.contains("\x1b["));
    }
}
