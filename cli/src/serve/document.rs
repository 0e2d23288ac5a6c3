//! A document's text for reading: some of its passages at a time, with pages and headings.

use std::ops::Range;

use hyper::StatusCode;
use lsearch_index::{DocumentRef, StoredDocument};
use lsearch_ingest::Kind;
use serde::Serialize;

use super::api::{refused, unknown, wrong};
use super::flow::flowed;
use super::parameters::{Mistake, Parameters};
use super::reply::{self, Reply};
use super::state::State;
use crate::output::hits::{Place, harmless};
use crate::output::units;

/// Text in one answer, in bytes: some twenty pages before and behind.
const WINDOW_BYTES: usize = 48 << 10;

/// A document, and the part of it that was asked for.
#[derive(Serialize)]
struct Shown<'a> {
    id: u64,
    path: std::borrow::Cow<'a, str>,
    title: &'a str,
    #[serde(rename = "type")]
    kind: &'a str,
    format: &'a str,
    author: Option<&'a str>,
    dated: Option<&'a str>,
    modified: String,
    size_bytes: u64,
    pages: usize,
    /// Whether its lines are to be kept as they are, letter under letter.
    code: bool,
    /// Passages of the whole document.
    passages: usize,
    /// The passage that was asked for, counted from 0.
    at: usize,
    parts: Vec<Part>,
    warnings: &'a [String],
}

/// A passage with what stands between it and the next.
#[derive(Serialize)]
struct Part {
    /// Counted from 0.
    index: usize,
    start: usize,
    end: usize,
    place: String,
    blocks: Vec<Block>,
}

/// What stands together.
#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Block {
    /// A page begins.
    Page(usize),
    Heading(String),
    Text(String),
}

/// `GET /api/documents/17`: around the passage that holds byte `at`, from passage `from` on, or before passage `until`.
pub fn answer(state: &State, id: u64, parameters: &Parameters) -> Reply {
    let wanted = match Wanted::read(parameters) {
        Ok(wanted) => wanted,
        Err(mistake) => return wrong(&mistake),
    };
    match state.reader().map(|reader| reader.document(DocumentRef::Id(id))) {
        Ok(Ok(Some(document))) => reply::json(StatusCode::OK, &shown(&document, &wanted)),
        Ok(Ok(None)) => unknown(),
        Ok(Err(error)) => refused(&error.into()),
        Err(error) => refused(&error),
    }
}

/// Which passages are asked for.
enum Wanted {
    Around { byte: usize },
    From(usize),
    Until(usize),
}

impl Wanted {
    fn read(parameters: &Parameters) -> Result<Self, Mistake> {
        if let Some(from) = parameters.number("from")? {
            return Ok(Wanted::From(from));
        }
        if let Some(until) = parameters.number("until")? {
            return Ok(Wanted::Until(until));
        }
        Ok(Wanted::Around { byte: parameters.number("at")?.unwrap_or(0) })
    }
}

fn shown<'a>(document: &'a StoredDocument, wanted: &Wanted) -> Shown<'a> {
    let bounds = bounds(document);
    let (at, range) = window(&bounds, wanted);
    let parts =
        range.map(|index| part(document, index, bounds[index]..bounds[index + 1])).collect();
    Shown {
        id: document.id,
        path: document.path.to_string_lossy(),
        title: &document.title,
        kind: &document.kind,
        format: &document.format,
        author: document.author.as_deref(),
        dated: document.dated.as_deref(),
        modified: units::rfc3339(document.modified_ns),
        size_bytes: document.size_bytes,
        pages: document.pages.len(),
        code: is_code(document),
        passages: bounds.len() - 1,
        at,
        parts,
        warnings: &document.warnings,
    }
}

fn is_code(document: &StoredDocument) -> bool {
    document.kind.parse() == Ok(Kind::Code)
}

/// Where each passage begins, the first with the text, and the end of the text: at least two numbers.
fn bounds(document: &StoredDocument) -> Vec<usize> {
    let text = &document.text;
    let mut bounds = vec![0];
    for passage in document.passages.iter().skip(1) {
        let last = bounds[bounds.len() - 1];
        if passage.start > last
            && passage.start < text.len()
            && text.is_char_boundary(passage.start)
        {
            bounds.push(passage.start);
        }
    }
    bounds.push(text.len());
    bounds
}

/// The passage that is asked for and those shown with it, never none.
fn window(bounds: &[usize], wanted: &Wanted) -> (usize, Range<usize>) {
    let passages = bounds.len() - 1;
    let at = match *wanted {
        Wanted::Around { byte } => bounds.partition_point(|start| *start <= byte).saturating_sub(1),
        Wanted::From(from) => from,
        Wanted::Until(until) => until.saturating_sub(1),
    };
    let at = at.min(passages - 1);
    let bytes = |range: &Range<usize>| bounds[range.end] - bounds[range.start];
    let (mut range, before) = match wanted {
        // A third of the window for what was before.
        Wanted::Around { .. } => (at..at + 1, WINDOW_BYTES / 3),
        Wanted::From(_) => (at..at + 1, 0),
        Wanted::Until(_) => (at..at + 1, WINDOW_BYTES),
    };
    while range.start > 0 && bytes(&(range.start - 1..range.end)) <= before {
        range.start -= 1;
    }
    let forward = !matches!(wanted, Wanted::Until(_));
    while forward && range.end < passages && bytes(&(range.start..range.end + 1)) <= WINDOW_BYTES {
        range.end += 1;
    }
    (at, range)
}

fn part(document: &StoredDocument, index: usize, bytes: Range<usize>) -> Part {
    let passage = document.passages.iter().find(|passage| bytes.contains(&passage.start));
    let place = passage.map(|passage| {
        let heading = passage.heading.as_deref();
        Place::new(&document.kind, &document.format, passage.page, passage.line, heading).in_words()
    });
    Part {
        index,
        start: bytes.start,
        end: bytes.end,
        place: place.unwrap_or_default(),
        blocks: blocks(document, bytes),
    }
}

/// The bytes cut where a page begins and around headings. Headings of code are its own lines and stay in it.
fn blocks(document: &StoredDocument, bytes: Range<usize>) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut at = bytes.start;
    let headings = document.headings.iter().filter(|heading| {
        !is_code(document) && bytes.start <= heading.start && heading.end <= bytes.end
    });
    let pages = document.pages.iter().enumerate().filter(|(_, start)| bytes.contains(start));
    let mut cuts: Vec<(usize, Option<usize>, Block)> = Vec::new();
    for (index, start) in pages {
        cuts.push((*start, None, Block::Page(index + 1)));
    }
    for heading in headings {
        let Some(text) = document.text.get(heading.clone()) else { continue };
        let text = harmless(text.trim().trim_start_matches('#').trim());
        if !text.is_empty() {
            cuts.push((heading.start, Some(heading.end), Block::Heading(text)));
        }
    }
    cuts.sort_by_key(|(start, end, _)| (*start, end.is_some()));
    for (start, end, block) in cuts {
        push_text(&mut blocks, document, at..start.max(at));
        blocks.push(block);
        at = end.unwrap_or(start).max(at);
    }
    push_text(&mut blocks, document, at..bytes.end.max(at));
    blocks
}

fn push_text(blocks: &mut Vec<Block>, document: &StoredDocument, bytes: Range<usize>) {
    let Some(text) = document.text.get(bytes) else { return };
    // The first line keeps its indentation.
    let text = text.trim_end();
    let leading = text.len() - text.trim_start().len();
    let first_line = text[..leading].rfind('\n').map_or(0, |newline| newline + 1);
    if leading < text.len() {
        let text = harmless(&text[first_line..]);
        blocks.push(Block::Text(if is_code(document) { text } else { flowed(&text) }));
    }
}

#[cfg(test)]
mod tests {
    use lsearch_index::{Content, ContentKey, PassageSpan};
    use proptest::prelude::*;

    use super::*;

    fn document(kind: &str, text: &str, starts: &[usize]) -> StoredDocument {
        let ends = starts.iter().skip(1).copied().chain([text.len()]);
        let span = |(start, end): (&usize, usize)| PassageSpan {
            start: *start,
            end,
            page: None,
            line: 1,
            heading: None,
        };
        StoredDocument {
            id: 1,
            path: "/a".into(),
            root: "/".into(),
            content: ContentKey::of(&Content {
                title: "",
                kind,
                format: kind,
                language: None,
                author: None,
                dated: None,
                text,
                headings: &[],
                passages: &[],
                pages: &[],
                warnings: &[],
            }),
            title: String::new(),
            kind: kind.to_owned(),
            format: kind.to_owned(),
            language: None,
            author: None,
            dated: None,
            size_bytes: 0,
            modified_ns: 0,
            text: text.to_owned(),
            headings: Vec::new(),
            passages: starts.iter().zip(ends).map(span).collect(),
            pages: Vec::new(),
            warnings: Vec::new(),
        }
    }

    #[test]
    fn pages_and_headings_stand_by_themselves() {
        let mut one = document("pdf", "## Rent\nIt is due.\n\nLate rent\n  costs more.", &[0, 20]);
        one.headings = vec![0..7, 20..29];
        one.pages = vec![0, 20];
        let shown = shown(&one, &Wanted::Around { byte: 25 });
        assert_eq!((shown.passages, shown.at, shown.parts.len()), (2, 1, 2));
        let text = |text: &str| Block::Text(text.to_owned());
        let heading = |text: &str| Block::Heading(text.to_owned());
        assert_eq!(shown.parts[0].blocks, [Block::Page(1), heading("Rent"), text("It is due.")]);
        assert_eq!(
            shown.parts[1].blocks,
            [Block::Page(2), heading("Late rent"), text("  costs more.")]
        );
        one.kind = "code".to_owned();
        assert_eq!(blocks(&one, 0..19), [Block::Page(1), text("## Rent\nIt is due.")]);
    }

    #[test]
    fn long_documents_come_in_windows_that_join() {
        let text = "word ".repeat(100_000);
        let starts: Vec<usize> = (0..500).map(|index| index * 1000).collect();
        let one = document("text", &text, &starts);
        let bounds = bounds(&one);
        let (at, around) = window(&bounds, &Wanted::Around { byte: 250_500 });
        assert_eq!(at, 250);
        assert!(around.start < 240 && around.end > 260 && around.len() <= 50, "{around:?}");
        let (_, next) = window(&bounds, &Wanted::From(around.end));
        assert!(next.start == around.end && next.len() > 40, "{next:?}");
        let (_, before) = window(&bounds, &Wanted::Until(around.start));
        assert!(before.end == around.start && before.len() > 40, "{before:?}");
        assert_eq!(window(&bounds, &Wanted::From(9999)).1, 499..500);
        let empty = document("text", "", &[]);
        assert_eq!(shown(&empty, &Wanted::Around { byte: 7 }).parts.len(), 1);
    }

    proptest! {
        #[test]
        fn no_character_is_lost_or_told_twice(
            text in "[a-zé \n#]{0,200}",
            starts in prop::collection::vec(0_usize..220, 0..8),
            headings in prop::collection::vec((0_usize..220, 0_usize..40), 0..6),
            pages in prop::collection::vec(0_usize..220, 0..5),
            byte in 0_usize..300,
        ) {
            let mut sorted = starts;
            sorted.sort_unstable();
            let mut one = document("text", &text, &sorted);
            one.headings = headings.into_iter().map(|(start, length)| start..start + length).collect();
            one.headings.sort_by_key(|heading| heading.start);
            one.pages = pages;
            one.pages.sort_unstable();
            let shown = shown(&one, &Wanted::Around { byte });
            // Whatever the marks say, the parts follow one another from the beginning to the end.
            prop_assert_eq!(shown.parts.len(), shown.passages);
            prop_assert_eq!(shown.parts[0].start, 0);
            prop_assert_eq!(shown.parts[shown.parts.len() - 1].end, text.len());
            prop_assert!(shown.parts.windows(2).all(|pair| pair[0].end == pair[1].start));
            one.headings.clear();
            one.pages.clear();
            let letters = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
            let all = self::shown(&one, &Wanted::Around { byte }).parts.into_iter();
            let told: String = all
                .flat_map(|part| part.blocks)
                .map(|block| match block {
                    Block::Text(text) => text,
                    _ => String::new(),
                })
                .collect();
            prop_assert_eq!(letters(&told), letters(&text));
        }
    }
}
