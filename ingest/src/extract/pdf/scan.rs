//! Telling pages of text from pictures of pages.

use std::collections::{HashMap, HashSet};

/// A page covered by pictures as far as this may be a picture of a page.
const PICTURE_SHARE: f64 = 0.5;
/// Letters and digits that a page of pictures may have and still not be a page of text: a page
/// number, a date, a number stamped on.
const STRAY_CHARS: usize = 24;

/// What is known of a page.
pub(super) struct PageFacts<'t> {
    pub(super) text: &'t str,
    /// How much of the page is covered by pictures.
    pub(super) picture_share: f64,
}

/// The indexes of pages that are pictures with no text but strays: page numbers, and what a scanner
/// stamps on every page.
pub(super) fn pictures_without_text(pages: &[PageFacts]) -> Vec<usize> {
    let stamps = stamps(pages);
    let is_picture = |page: &PageFacts| {
        let lines = page.text.lines().map(plain).filter(|line| !stamps.contains(line));
        let own: usize = lines.map(|line| line.chars().count()).sum();
        page.picture_share >= PICTURE_SHARE && own <= STRAY_CHARS
    };
    (0..pages.len()).filter(|&index| is_picture(&pages[index])).collect()
}

/// Lines that stand, but for their digits, on at least half of the pages.
fn stamps(pages: &[PageFacts]) -> HashSet<String> {
    let mut counts: HashMap<String, usize> = HashMap::new();
    for page in pages {
        let lines: HashSet<String> = page.text.lines().map(plain).collect();
        for line in lines {
            *counts.entry(line).or_default() += 1;
        }
    }
    let least = pages.len().div_ceil(2).max(2);
    counts.into_iter().filter(|(_, count)| *count >= least).map(|(line, _)| line).collect()
}

/// Letters, and zeros for digits.
fn plain(line: &str) -> String {
    let plain = |c: char| if c.is_numeric() { '0' } else { c };
    line.chars().filter(|c| c.is_alphanumeric()).map(plain).collect()
}

/// Page numbers in words: "2, 5-7".
pub(super) fn list_pages(indexes: &[usize]) -> String {
    const LISTED: usize = 8;
    let mut ranges: Vec<(usize, usize)> = Vec::new();
    for number in indexes.iter().map(|index| index + 1) {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == number => *last = number,
            _ => ranges.push((number, number)),
        }
    }
    let mut words: Vec<String> = ranges
        .iter()
        .take(LISTED)
        .map(
            |(first, last)| {
                if first == last { format!("{first}") } else { format!("{first}-{last}") }
            },
        )
        .collect();
    if ranges.len() > LISTED {
        words.push("…".to_owned());
    }
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pictures(pages: &[(f64, &str)]) -> Vec<usize> {
        let facts = |&(picture_share, text)| PageFacts { text, picture_share };
        pictures_without_text(&pages.iter().map(facts).collect::<Vec<_>>())
    }

    #[test]
    fn scans_with_page_numbers_and_stamps() {
        let stamp = "Scanned with the Everyday Scanner, free version, get it at example.com";
        let stamped = |number| format!("{stamp}\nACME 00{number}\n");
        let (first, second) = (stamped(1), stamped(2));
        assert_eq!(pictures(&[(1.0, &first), (0.9, &second), (1.0, "")]), [0, 1, 2]);
        assert_eq!(pictures(&[(1.0, "12 March 2019\n7")]), [0]);
    }

    #[test]
    fn pages_of_text_stay_so() {
        let text = "The roof is of slate, the walls are of brick.";
        assert_eq!(pictures(&[(1.0, text), (0.1, "7"), (0.0, ""), (2.0, "8")]), [3]);
        // A text layer under the picture.
        assert_eq!(pictures(&[(1.0, text), (1.0, &text.to_uppercase())]), [0_usize; 0]);
    }

    #[test]
    fn pages_in_words() {
        assert_eq!(list_pages(&[]), "");
        assert_eq!(list_pages(&[1, 4, 5, 6, 9]), "2, 5-7, 10");
        let even: Vec<usize> = (0..40).step_by(2).collect();
        assert_eq!(list_pages(&even), "1, 3, 5, 7, 9, 11, 13, 15, …");
    }
}
