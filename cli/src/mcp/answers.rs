//! How documents and hits are told: text that reads well and costs few tokens, and the same as data.

use std::ops::Range;

use lsearch_index::{Hit, PassageHit, SearchResults, StoredDocument};
use serde_json::{Value, json};

use super::arguments::{Get, MOST_CHARS, Shown};
use super::calls::Reply;
use crate::commands::get;
use crate::errors::CliError;
use crate::output::{hits, json::mode_name, units};

/// Characters of a passage that are shown; passages are shorter, unless they have no place to be cut at.
const PASSAGE_CHARS: usize = 4_000;

/// Hits for reading.
pub(super) fn hits_as_text(asked: &str, results: &SearchResults, shown: Shown) -> String {
    if results.hits.is_empty() {
        return format!(
            "nothing found for {asked:?}\nTry other words, fewer conditions, or mode semantic; `status` tells what is \
             indexed.\n"
        );
    }
    let total = units::plural(results.total as u64, "document");
    let mode = mode_name(results.mode);
    let mut text = format!("{} of {total} for {asked:?}, mode {mode}\n", results.hits.len());
    for hit in &results.hits {
        text.push_str(&format!(
            "\n{}. {}  [id {}, score {:.2}]\n   {}{}\n",
            hit.rank,
            hits::title(hit),
            hit.id,
            hit.score,
            hits::on_one_line(&hit.path.to_string_lossy()),
            hit.passage.as_ref().map(|passage| hits::place(hit, passage)).unwrap_or_default(),
        ));
        for other in &hit.also_at {
            let other = hits::on_one_line(&other.to_string_lossy());
            text.push_str(&format!("   the same at {other}\n"));
        }
        if let Some(passage) = &hit.passage {
            let words = words(passage, shown);
            if !words.is_empty() {
                text.push_str(&format!("{words}\n   (passage {})\n", passage.start));
            }
        }
    }
    text
}

/// Hits as data.
pub(super) fn hits_as_data(asked: &str, results: &SearchResults, shown: Shown) -> Value {
    json!({
        "query": asked,
        "mode": mode_name(results.mode),
        "total": results.total,
        "hits": results.hits.iter().map(|hit| hit_as_data(hit, shown)).collect::<Vec<_>>(),
    })
}

fn hit_as_data(hit: &Hit, shown: Shown) -> Value {
    let mut data = json!({
        "rank": hit.rank,
        "id": hit.id,
        "title": hits::title(hit),
        "path": hit.path.to_string_lossy(),
        "type": hit.kind,
        "format": hit.format,
        "modified": units::rfc3339(hit.modified_ns),
        "score": (f64::from(hit.score) * 1000.0).round() / 1000.0,
    });
    let mut add = |name: &str, value: Value| data[name] = value;
    if let Some(author) = &hit.author {
        add("author", json!(author));
    }
    if let Some(dated) = &hit.dated {
        add("dated", json!(dated));
    }
    if !hit.also_at.is_empty() {
        let also: Vec<_> = hit.also_at.iter().map(|path| path.to_string_lossy()).collect();
        add("also_at", json!(also));
    }
    if let Some(passage) = &hit.passage {
        add("passage", json!(passage.start));
        add("line", json!(passage.line));
        if let Some(page) = passage.page {
            add("page", json!(page));
        }
        if let Some(heading) = &passage.heading {
            add("heading", json!(heading));
        }
        if shown != Shown::None {
            add("text", json!(words(passage, shown)));
        }
    }
    data
}

fn words(passage: &PassageHit, shown: Shown) -> String {
    let text = match shown {
        Shown::Passage => hits::harmless(passage.text.trim()),
        Shown::Snippet => hits::harmless(passage.snippet.trim()),
        Shown::None => String::new(),
    };
    match text.char_indices().nth(PASSAGE_CHARS) {
        Some((at, _)) => format!("{} …", &text[..at]),
        None => text,
    }
}

/// A part of a document, as much of it as is wanted.
///
/// # Errors
/// When there is no such part.
pub(super) fn part(document: &StoredDocument, wanted: &Get) -> Result<Reply, CliError> {
    if !(1..=MOST_CHARS).contains(&wanted.max_chars) {
        let what = format!("max_chars {}: must be from 1 to {MOST_CHARS}", wanted.max_chars);
        return Err(CliError::new(what));
    }
    let all = chosen(document, wanted)?;
    let chars = document.text[all.clone()].chars().count();
    if wanted.offset > chars || (wanted.offset == chars && chars > 0) {
        return Err(CliError::new(format!("offset {}: nothing is left there", wanted.offset))
            .hint(format!("what is asked for has {chars} characters")));
    }
    let cut = cut(&document.text, &all, wanted.offset, wanted.max_chars);
    let shown = &document.text[cut.clone()];
    let end = wanted.offset + shown.chars().count();
    let next = (end < chars).then(|| next(wanted, end));
    let place = Place::of(document, &cut);
    let mut text = format!(
        "{}  [id {}]\n{}{}\n\n{}\n",
        if document.title.trim().is_empty() { "(no title)" } else { document.title.trim() },
        document.id,
        hits::on_one_line(&document.path.to_string_lossy()),
        place.in_words(),
        hits::harmless(shown).trim_end_matches('\n'),
    );
    if let Some(next) = &next {
        text.push_str(&format!(
            "\n(cut: characters {} to {end} of {chars}; get {next} goes on)\n",
            wanted.offset
        ));
    }
    let data = json!({
        "id": document.id,
        "title": document.title,
        "path": document.path.to_string_lossy(),
        "type": document.kind,
        "format": document.format,
        "author": document.author,
        "dated": document.dated,
        "language": document.language,
        "pages": document.pages.len(),
        "lines": place.lines,
        "first_line": place.first_line,
        "last_line": place.last_line,
        "first_page": place.first_page,
        "last_page": place.last_page,
        "offset": wanted.offset,
        "characters": chars,
        "text": shown,
        "next": next,
    });
    Ok(Reply { text, data })
}

/// What is asked for, before it is cut.
fn chosen(document: &StoredDocument, wanted: &Get) -> Result<Range<usize>, CliError> {
    let Get { page, lines, passage, neighbours, .. } = wanted;
    let parts = usize::from(page.is_some()) + usize::from(lines.is_some());
    if parts + usize::from(passage.is_some()) > 1 {
        return Err(CliError::new("`page`, `lines` and `passage` exclude one another"));
    }
    let Some(at) = *passage else {
        if neighbours.is_some() {
            return Err(CliError::new("`neighbours` needs a `passage`"));
        }
        return get::part(document, *page, lines.as_deref());
    };
    let spans = &document.passages;
    let own = spans.partition_point(|span| span.start <= at).checked_sub(1);
    let Some(own) = own.filter(|_| at < document.text.len()) else {
        return Err(CliError::new(format!("{}: no passage {at}", document.path.display()))
            .hint("`passage` is the number that a hit of `search` has under this name"));
    };
    let around = neighbours.unwrap_or(1);
    let last = own.saturating_add(around).min(spans.len() - 1);
    Ok(spans[own.saturating_sub(around)].start..spans[last].end)
}

/// As much of a range as is wanted, to the end of a line or of a word where that costs little.
fn cut(text: &str, all: &Range<usize>, offset: usize, most: usize) -> Range<usize> {
    let after = |from: usize, chars: usize| {
        text[from..all.end].char_indices().nth(chars).map_or(all.end, |(at, _)| from + at)
    };
    let start = after(all.start, offset);
    let end = after(start, most);
    if end == all.end {
        return start..end;
    }
    let shown = &text[start..end];
    let costs_little = |at: &usize| *at >= shown.len() - shown.len() / 8;
    let line = shown.rfind('\n').map(|at| at + 1).filter(costs_little);
    let word = || shown.rfind(' ').map(|at| at + 1).filter(costs_little);
    start..start + line.or_else(word).unwrap_or(shown.len())
}

/// The arguments that go on where this answer ends.
fn next(wanted: &Get, offset: usize) -> Value {
    let mut next = json!({"document": wanted.document, "offset": offset});
    let others = [
        ("page", wanted.page.map(Value::from)),
        ("lines", wanted.lines.clone().map(Value::from)),
        ("passage", wanted.passage.map(Value::from)),
        ("neighbours", wanted.neighbours.map(Value::from)),
    ];
    for (name, value) in others {
        if let Some(value) = value {
            next[name] = value;
        }
    }
    next
}

/// Where a range of a text stands, counted from 1.
struct Place {
    first_line: usize,
    last_line: usize,
    lines: usize,
    first_page: Option<usize>,
    last_page: Option<usize>,
}

impl Place {
    fn of(document: &StoredDocument, range: &Range<usize>) -> Self {
        let line = |at: usize| document.text[..at].matches('\n').count() + 1;
        let page = |at: usize| {
            Some(document.pages.partition_point(|start| *start <= at)).filter(|page| *page > 0)
        };
        // The line end behind a line belongs to it.
        let shown = &document.text[range.clone()];
        let last = range.start + shown.trim_end_matches('\n').len();
        Self {
            first_line: line(range.start),
            last_line: line(last),
            lines: document.text.lines().count(),
            first_page: page(range.start),
            last_page: page(last.saturating_sub(1).max(range.start)),
        }
    }

    fn in_words(&self) -> String {
        let Self { first_line, last_line, lines, first_page, last_page } = self;
        let pages = match (first_page, last_page) {
            (Some(first), Some(last)) if first == last => format!(", p. {first}"),
            (Some(first), Some(last)) => format!(", p. {first}-{last}"),
            _ => String::new(),
        };
        format!("{pages}, lines {first_line}-{last_line} of {lines}")
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use lsearch_index::{ContentKey, content::PassageSpan};
    use proptest::prelude::*;

    use super::*;

    fn document(text: &str) -> StoredDocument {
        let middle = text.floor_char_boundary(text.len() / 2);
        let span = |start, end| PassageSpan { start, end, page: None, line: 1, heading: None };
        StoredDocument {
            id: 17,
            path: PathBuf::from("/docs/a.txt"),
            root: PathBuf::from("/docs"),
            content: ContentKey([0; 32]),
            title: "A".to_owned(),
            kind: "text".to_owned(),
            format: "text".to_owned(),
            language: None,
            author: None,
            dated: None,
            size_bytes: 0,
            modified_ns: 0,
            text: text.to_owned(),
            headings: Vec::new(),
            passages: vec![span(0, middle), span(middle, text.len())],
            pages: vec![0, middle],
            warnings: Vec::new(),
        }
    }

    fn wanted(arguments: Value) -> Get {
        super::super::arguments::read("get", arguments).unwrap()
    }

    #[test]
    fn a_part_is_named_by_lines_and_pages() {
        let document = document("one\ntwo\nthree\nfour\n");
        let reply = part(&document, &wanted(json!({"document": 17, "lines": "2:3"}))).unwrap();
        assert_eq!(reply.data["text"], "two\nthree\n");
        assert_eq!((&reply.data["first_line"], &reply.data["last_line"]), (&json!(2), &json!(3)));
        assert!(reply.text.contains("/docs/a.txt, p. 1-2, lines 2-3 of 4"), "{}", reply.text);
        let page = part(&document, &wanted(json!({"document": 17, "page": 2}))).unwrap();
        assert_eq!(page.data["first_page"], 2);
    }

    #[test]
    fn a_passage_comes_with_its_neighbours() {
        let document = document("one two. three four");
        let own = json!({"document": 17, "passage": 12, "neighbours": 0});
        assert_eq!(part(&document, &wanted(own)).unwrap().data["text"], "three four");
        let both = json!({"document": 17, "passage": 12});
        assert_eq!(part(&document, &wanted(both)).unwrap().data["text"], "one two. three four");
        for wrong in [
            json!({"document": 17, "passage": 99}),
            json!({"document": 17, "neighbours": 2}),
            json!({"document": 17, "passage": 1, "page": 1}),
            json!({"document": 17, "max_chars": 0}),
            json!({"document": 17, "offset": 19}),
        ] {
            assert!(part(&document, &wanted(wrong.clone())).is_err(), "{wrong}");
        }
    }

    proptest! {
        /// Going on with `next` until there is none gives all of the text, in order.
        #[test]
        fn nothing_is_lost_between_cuts(text in "[a-zéß検 \n]{0,200}", most in 1usize..40) {
            let document = document(&text);
            let mut arguments = json!({"document": 17});
            let mut whole = String::new();
            loop {
                let mut wanted = wanted(arguments);
                wanted.max_chars = most;
                let reply = part(&document, &wanted).unwrap();
                let shown = reply.data["text"].as_str().unwrap();
                prop_assert!(shown.chars().count() <= most);
                whole.push_str(shown);
                arguments = reply.data["next"].clone();
                if arguments.is_null() {
                    break;
                }
                prop_assert!(!shown.is_empty());
            }
            prop_assert_eq!(whole, text);
        }
    }
}
