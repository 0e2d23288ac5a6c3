//! What a page says of itself to programs.

use scraper::{Html, Node};

use crate::extract::declared::Declared;

const AUTHORS: [&str; 7] = [
    "author",
    "article:author",
    "dc.creator",
    "dcterms.creator",
    "citation_author",
    "parsely-author",
    "sailthru.author",
];

/// Of these the first that is given counts: when something appeared says more than when it was
/// changed.
const DATES: [&str; 14] = [
    "article:published_time",
    "datepublished",
    "citation_publication_date",
    "citation_date",
    "dcterms.issued",
    "dc.date.issued",
    "dcterms.created",
    "dc.date.created",
    "dcterms.date",
    "dc.date",
    "pubdate",
    "publish-date",
    "date",
    "dcterms.modified",
];

/// Authors and date, in `<meta>` elements and in microdata.
pub(super) fn declared(html: &Html) -> Declared {
    let mut declared = Declared::default();
    let mut dates: [Option<String>; DATES.len()] = Default::default();
    for node in html.tree.nodes() {
        let Node::Element(element) = node.value() else { continue };
        let is_meta = element.name() == "meta";
        let key = ["name", "property", "itemprop"].iter().find_map(|key| element.attr(key));
        let (Some(key), true) = (key, is_meta || element.name() == "time") else { continue };
        let Some(content) = element.attr("content").or_else(|| element.attr("datetime")) else {
            continue;
        };
        let key = key.trim().to_ascii_lowercase();
        // Some give the address of a profile.
        if is_meta && AUTHORS.contains(&key.as_str()) && !content.contains("://") {
            declared.note_author(content);
        } else if let Some(rank) = DATES.iter().position(|known| *known == key) {
            dates[rank].get_or_insert_with(|| content.to_owned());
        }
    }
    dates.iter().flatten().for_each(|date| declared.note_date(date));
    declared
}
