//! Bookmarks, and where in the text they point.

use std::collections::{HashMap, HashSet};

use lopdf::{Dictionary, Document as Pdf, Object, ObjectId};

use super::info::decode_string;
use super::objects::{as_dictionary, get, get_array, get_dictionary, get_name, resolve};
use crate::Heading;

/// More bookmarks are not read.
const MAX_ITEMS: usize = 20_000;
/// More names of destinations are not read.
const MAX_NAMES: usize = 200_000;
/// How deep trees of bookmarks and of names may be.
const MAX_DEPTH: usize = 32;
/// How many lines a heading may have.
const MAX_HEADING_LINES: usize = 3;
/// How long the number before a heading may be that its bookmark leaves out.
const MAX_NUMBER_CHARS: usize = 12;

/// A bookmark whose page is known.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Bookmark {
    title: String,
    /// 1 for the outermost.
    level: u8,
    /// Index of the page.
    page: usize,
}

/// The bookmarks in their order, as far as they point to a page of the document.
pub(super) fn bookmarks(pdf: &Pdf, pages: &[ObjectId]) -> Vec<Bookmark> {
    let Ok(catalog) = pdf.catalog() else { return Vec::new() };
    let Some(outline) = get_dictionary(pdf, catalog, "Outlines") else { return Vec::new() };
    let index = pages.iter().enumerate().map(|(index, id)| (*id, index)).collect();
    let mut walk = Walk {
        pdf,
        pages: index,
        destinations: destinations(pdf, catalog),
        seen: HashSet::new(),
        found: Vec::new(),
    };
    walk.children(outline, 1);
    walk.found
}

struct Walk<'a> {
    pdf: &'a Pdf,
    pages: HashMap<ObjectId, usize>,
    destinations: HashMap<Vec<u8>, &'a Object>,
    /// Items that were met, so that none is met twice in a list that runs in circles.
    seen: HashSet<ObjectId>,
    found: Vec<Bookmark>,
}

impl<'a> Walk<'a> {
    fn children(&mut self, parent: &'a Dictionary, depth: usize) {
        let mut next = parent.get(b"First");
        while let Ok(item) = next.and_then(Object::as_reference) {
            if depth > MAX_DEPTH || self.seen.len() >= MAX_ITEMS || !self.seen.insert(item) {
                return;
            }
            let Ok(item) = self.pdf.get_dictionary(item) else { return };
            let title = get(self.pdf, item, "Title").and_then(|title| title.as_str().ok());
            let title = title.map(decode_string);
            if let (Some(title), Some(page)) = (title, self.page(item)) {
                let level = depth.min(6) as u8;
                self.found.push(Bookmark { title, level, page });
            }
            self.children(item, depth + 1);
            next = item.get(b"Next");
        }
    }

    /// The page that the item points to.
    fn page(&self, item: &'a Dictionary) -> Option<usize> {
        let mut target = get(self.pdf, item, "Dest").or_else(|| {
            let action = get_dictionary(self.pdf, item, "A")?;
            let goes = get_name(self.pdf, action, "S") == Some(b"GoTo");
            get(self.pdf, action, "D").filter(|_| goes)
        })?;
        if let Object::Name(name) | Object::String(name, _) = target {
            target = self.destinations.get(name)?;
        }
        if let Object::Dictionary(details) = target {
            target = get(self.pdf, details, "D")?;
        }
        match target.as_array().ok()?.first()? {
            Object::Reference(page) => self.pages.get(page).copied(),
            // Not meant for the same file, but written.
            Object::Integer(page) => {
                usize::try_from(*page).ok().filter(|page| *page < self.pages.len())
            }
            _ => None,
        }
    }
}

/// Destinations by name, old style and new.
fn destinations<'a>(pdf: &'a Pdf, catalog: &'a Dictionary) -> HashMap<Vec<u8>, &'a Object> {
    let mut found = HashMap::new();
    for (name, target) in get_dictionary(pdf, catalog, "Dests").into_iter().flatten() {
        if let Some(target) = resolve(pdf, target) {
            found.insert(name.clone(), target);
        }
    }
    let names = get_dictionary(pdf, catalog, "Names");
    if let Some(root) = names.and_then(|names| get_dictionary(pdf, names, "Dests")) {
        let mut nodes = vec![(root, 0)];
        let mut visits = 0;
        while let Some((node, depth)) = nodes.pop() {
            visits += 1;
            if visits > MAX_NAMES || found.len() > MAX_NAMES {
                break;
            }
            for pair in get_array(pdf, node, "Names").unwrap_or_default().chunks_exact(2) {
                let name = resolve(pdf, &pair[0]).and_then(|name| name.as_str().ok());
                if let (Some(name), Some(target)) = (name, resolve(pdf, &pair[1])) {
                    found.insert(name.to_vec(), target);
                }
            }
            if depth < MAX_DEPTH {
                let kids = get_array(pdf, node, "Kids").unwrap_or_default().iter().rev();
                let kids = kids.filter_map(|kid| as_dictionary(resolve(pdf, kid)?));
                nodes.extend(kids.map(|kid| (kid, depth + 1)));
            }
        }
    }
    found
}

/// The headings that bookmarks name, found in the text of the pages they point to, in the order of
/// the text. `starts` says where each page begins.
pub(super) fn headings(bookmarks: &[Bookmark], text: &str, starts: &[usize]) -> Vec<Heading> {
    let mut headings: Vec<Heading> = Vec::new();
    let mut page_lines = (usize::MAX, Vec::new());
    for bookmark in bookmarks {
        let wanted = squeeze(&bookmark.title);
        let Some(&start) = starts.get(bookmark.page).filter(|_| !wanted.is_empty()) else {
            continue;
        };
        if page_lines.0 != bookmark.page {
            let end = starts.get(bookmark.page + 1).copied().unwrap_or(text.len());
            page_lines = (bookmark.page, lines(text, start, end));
        }
        // Bookmarks of one page mostly follow one another, as their headings do.
        let after = headings.last().map_or(0, |last| last.bytes.end);
        let found = find(&page_lines.1, &wanted, after)
            .or_else(|| find(&page_lines.1, &wanted, 0))
            .filter(|(start, end)| !text[*start..*end].trim().is_empty());
        if let Some((start, end)) = found {
            headings.push(Heading { bytes: start..end, level: bookmark.level });
        }
    }
    headings.sort_by_key(|heading| heading.bytes.start);
    headings.dedup_by(|next, kept| next.bytes.start < kept.bytes.end);
    headings
}

/// A line without what does not count in comparing, and its bytes.
struct Line {
    start: usize,
    end: usize,
    squeezed: String,
}

fn lines(text: &str, start: usize, end: usize) -> Vec<Line> {
    let mut at = start;
    let mut lines = Vec::new();
    for raw in text[start..end].split_inclusive('\n') {
        let trimmed = raw.trim();
        if !trimmed.is_empty() {
            let start = at + (raw.len() - raw.trim_start().len());
            let squeezed = squeeze(trimmed);
            lines.push(Line { start, end: start + trimmed.len(), squeezed });
        }
        at += raw.len();
    }
    lines
}

/// Letters and digits only, in small letters.
fn squeeze(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// The first lines from a place on that together are the title, be it with a number before it.
fn find(lines: &[Line], wanted: &str, after: usize) -> Option<(usize, usize)> {
    let is_wanted = |joined: &str| {
        joined.strip_suffix(wanted).is_some_and(|number| {
            let is_digit = |c: char| c.is_ascii_digit() || "ivxlc".contains(c);
            number.chars().count() <= MAX_NUMBER_CHARS
                && number.chars().next_back().is_none_or(is_digit)
        })
    };
    (0..lines.len()).filter(|&first| lines[first].start >= after).find_map(|first| {
        let mut joined = String::new();
        lines[first..].iter().take(MAX_HEADING_LINES).find_map(|line| {
            joined.push_str(&line.squeezed);
            is_wanted(&joined).then_some((lines[first].start, line.end))
        })
    })
}

#[cfg(test)]
mod tests {
    use lopdf::dictionary;
    use proptest::prelude::*;

    use super::*;

    fn bookmark(title: &str, level: u8, page: usize) -> Bookmark {
        Bookmark { title: title.to_owned(), level, page }
    }

    fn found(bookmarks: &[Bookmark], pages: &[&str]) -> Vec<(String, u8)> {
        let mut text = String::new();
        let mut starts = Vec::new();
        for page in pages {
            starts.push(text.len());
            text.push_str(page);
        }
        let headings = headings(bookmarks, &text, &starts);
        headings.into_iter().map(|h| (text[h.bytes].to_owned(), h.level)).collect()
    }

    #[test]
    fn headings_are_found_on_their_pages() {
        let bookmarks = [
            bookmark("Introduction", 1, 0),
            bookmark("Long  title in two lines", 2, 0),
            bookmark("Scope", 2, 1),
            bookmark("Missing", 2, 1),
            bookmark("Scope", 3, 1),
            bookmark("Beyond", 1, 9),
        ];
        let pages = [
            "Introduction\nThis introduction is short.\nLong title\nin two lines:\nbody\n",
            "Introduction\n1.2 Scope\nthe scope\nSCOPE\n",
        ];
        let expected =
            [("Introduction", 1), ("Long title\nin two lines:", 2), ("1.2 Scope", 2), ("SCOPE", 3)];
        let expected = expected.map(|(heading, level)| (heading.to_owned(), level));
        assert_eq!(found(&bookmarks, &pages), expected);
    }

    #[test]
    fn bookmarks_of_each_form() {
        let mut pdf = Pdf::new();
        let pages = [pdf.add_object(dictionary! {}), pdf.add_object(dictionary! {})];
        let [fifth, fourth, third, second, first] = [(50, 0), (40, 0), (30, 0), (20, 0), (10, 0)];
        let text = Object::string_literal;
        let to = |page: usize| Object::Array(vec![pages[page].into(), "Fit".into()]);
        let mut add = |id, dictionary: Dictionary| pdf.objects.insert(id, dictionary.into());
        add(
            first,
            dictionary! { "Title" => text("direct"), "Dest" => to(1), "Next" => third, "First" => second },
        );
        let go = dictionary! { "S" => "GoTo", "D" => text("by name") };
        add(second, dictionary! { "Title" => text("within"), "A" => go, "Next" => second });
        add(third, dictionary! { "Title" => text("old"), "Dest" => "Old", "Next" => fourth });
        let uri = dictionary! { "S" => "URI" };
        add(fourth, dictionary! { "Title" => text("nowhere"), "A" => uri, "Next" => fifth });
        // Back to the first: a circle.
        add(
            fifth,
            dictionary! { "Title" => text("number"), "Dest" => vec![0.into()], "Next" => first },
        );
        let kid =
            dictionary! { "Names" => vec![text("by name"), dictionary! { "D" => to(0) }.into()] };
        let tree = dictionary! { "Kids" => vec![kid.into()] };
        let catalog = pdf.add_object(dictionary! {
            "Outlines" => dictionary! { "First" => first },
            "Dests" => dictionary! { "Old" => to(1) },
            "Names" => dictionary! { "Dests" => tree },
        });
        pdf.trailer.set("Root", catalog);
        assert_eq!(
            bookmarks(&pdf, &pages),
            [
                bookmark("direct", 1, 1),
                bookmark("within", 2, 0),
                bookmark("old", 1, 1),
                bookmark("number", 1, 0),
            ]
        );
    }

    #[test]
    fn trees_without_end_are_left() {
        let mut pdf = Pdf::new();
        let node = pdf.new_object_id();
        pdf.objects.insert(node, dictionary! { "Kids" => vec![node.into(), node.into()] }.into());
        let catalog = pdf.add_object(dictionary! {
            "Outlines" => dictionary! { "First" => node },
            "Names" => dictionary! { "Dests" => node },
        });
        pdf.trailer.set("Root", catalog);
        assert_eq!(bookmarks(&pdf, &[]), []);
    }

    proptest! {
        #[test]
        fn headings_are_ordered_pieces_of_the_text(
            titles in prop::collection::vec(("[abé 1]{0,4}", 1_u8..7, 0_usize..4), 0..8),
            pages in prop::collection::vec("[abé 1\n]{0,20}", 0..4),
        ) {
            let (mut text, mut starts) = (String::new(), Vec::new());
            for page in &pages {
                starts.push(text.len());
                text.push_str(page);
            }
            let bookmarks: Vec<Bookmark> =
                titles.iter().map(|(title, level, page)| bookmark(title, *level, *page)).collect();
            let mut end = 0;
            for heading in headings(&bookmarks, &text, &starts) {
                prop_assert!(heading.bytes.start >= end);
                end = heading.bytes.end;
                prop_assert!(!text[heading.bytes].trim().is_empty());
            }
        }
    }
}
