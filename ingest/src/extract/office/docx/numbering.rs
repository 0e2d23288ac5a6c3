//! The numbers of a DOCX's lists and headings, which its text does not contain.

use std::collections::{HashMap, HashSet};

use super::super::super::xml::{Element, Token, Xml};
use super::super::numerals::Numerals;
use super::styles::Styles;

pub(in super::super) const LEVELS: usize = 9;

/// How lists are numbered.
#[derive(Debug, Default)]
pub(in super::super) struct Numbering {
    /// The definitions, which several lists may share along with their counters.
    pub(in super::super) definitions: HashMap<String, Definition>,
    pub(in super::super) lists: HashMap<String, List>,
}

#[derive(Debug, Default, Clone)]
pub(in super::super) struct Definition {
    pub(in super::super) levels: [Level; LEVELS],
    /// A style whose list has the levels instead.
    style_link: Option<String>,
}

#[derive(Debug, Default, Clone)]
pub(in super::super) struct Level {
    pub(in super::super) numerals: Numerals,
    /// The pattern, in which `%1` stands for the number of the outermost level.
    pub(in super::super) pattern: String,
    pub(in super::super) start: Option<u32>,
    /// Goes on where it was after an item of a level further out.
    pub(in super::super) never_restarts: bool,
    /// Numbers of other levels appear as Arabic ones.
    pub(in super::super) is_legal: bool,
    /// Paragraphs of this style are on this level.
    style: Option<String>,
}

#[derive(Debug, Default)]
pub(in super::super) struct List {
    pub(in super::super) definition: String,
    pub(in super::super) starts: HashMap<usize, u32>,
    pub(in super::super) levels: HashMap<usize, Level>,
}

impl Numbering {
    pub(super) fn read(text: &str) -> Self {
        let mut numbering = Self::default();
        let mut xml = Xml::new(text);
        while let Some(token) = xml.next() {
            let Token::Open(element) = token else { continue };
            match element.name() {
                "abstractNum" => {
                    let Some(id) = element.attribute("abstractNumId") else { continue };
                    let mut definition = Definition::default();
                    let mut at = 0;
                    xml.each_within(|element, _| match element.name() {
                        "lvl" => at = level_number(element),
                        "numStyleLink" => definition.style_link = element.attribute("val"),
                        _ => {
                            if let Some(level) = definition.levels.get_mut(at) {
                                level.take_in(element);
                            }
                        }
                    });
                    numbering.definitions.insert(id, definition);
                }
                "num" => {
                    let Some(id) = element.attribute("numId") else { continue };
                    let mut list = List::default();
                    let mut at = 0;
                    let mut in_level = false;
                    xml.each_within(|element, _| match element.name() {
                        "abstractNumId" => {
                            list.definition = element.attribute("val").unwrap_or_default();
                        }
                        "lvlOverride" => {
                            at = level_number(element);
                            in_level = false;
                        }
                        "startOverride" => {
                            if let Some(start) = number(element) {
                                list.starts.insert(at, start);
                            }
                        }
                        "lvl" => {
                            in_level = true;
                            list.levels.insert(at, Level::default());
                        }
                        _ if in_level => {
                            list.levels.entry(at).or_default().take_in(element);
                        }
                        _ => {}
                    });
                    numbering.lists.insert(id, list);
                }
                _ => {}
            }
        }
        numbering
    }

    /// The level of a list that paragraphs of a style are on.
    pub(super) fn level_of_style(&self, list: &str, style: &str) -> Option<u8> {
        let definition = self.definitions.get(&self.lists.get(list)?.definition)?;
        let is_of_style = |level: &Level| level.style.as_deref() == Some(style);
        definition.levels.iter().position(is_of_style).map(|level| level as u8)
    }

    fn level(&self, list: &str, at: usize, styles: &Styles) -> Option<(&str, &Level)> {
        let mut list = self.lists.get(list)?;
        if let Some(level) = list.levels.get(&at) {
            return Some((&list.definition, level));
        }
        let mut definition = self.definitions.get(&list.definition)?;
        if let Some(style) = &definition.style_link
            && let Some(linked) = styles.list_of(style).and_then(|id| self.lists.get(id))
        {
            list = linked;
            definition = self.definitions.get(&list.definition)?;
        }
        Some((&list.definition, definition.levels.get(at)?))
    }
}

impl Level {
    fn take_in(&mut self, element: &Element) {
        match element.name() {
            "start" => self.start = number(element),
            "numFmt" => {
                self.numerals = element.attribute("val").map_or(Numerals::Arabic, |format| {
                    match format.as_str() {
                        "bullet" => Numerals::Bullet,
                        "none" => Numerals::None,
                        "lowerLetter" => Numerals::LowerLetter,
                        "upperLetter" => Numerals::UpperLetter,
                        "lowerRoman" => Numerals::LowerRoman,
                        "upperRoman" => Numerals::UpperRoman,
                        "decimalZero" => Numerals::ZeroPadded,
                        _ => Numerals::Arabic,
                    }
                });
            }
            "lvlText" => self.pattern = element.attribute("val").unwrap_or_default(),
            "lvlRestart" => self.never_restarts = number(element) == Some(0),
            "isLgl" => self.is_legal = element.is_on(),
            "pStyle" => self.style = element.attribute("val"),
            _ => {}
        }
    }
}

fn level_number(element: &Element) -> usize {
    element.attribute("ilvl").and_then(|level| level.parse().ok()).unwrap_or(0)
}

fn number(element: &Element) -> Option<u32> {
    element.attribute("val")?.parse().ok()
}

/// Counts the items as the document goes on.
#[derive(Debug, Default)]
pub(in super::super) struct Counters {
    /// By definition.
    counts: HashMap<String, [Option<u32>; LEVELS]>,
    /// Lists and levels whose own start has been used.
    started: HashSet<(String, usize)>,
}

impl Counters {
    /// The number of the next item of a list, such as `4.2` or `(a)`, or `-` for a bullet.
    pub(in super::super) fn next(
        &mut self,
        numbering: &Numbering,
        styles: &Styles,
        list: &str,
        level: u8,
    ) -> Option<String> {
        let at = usize::from(level);
        let (definition, found) = numbering.level(list, at, styles)?;
        let counts = self.counts.entry(definition.to_owned()).or_default();
        let own_start = numbering.lists.get(list).and_then(|list| list.starts.get(&at));
        let first_of_list = own_start.is_some() && self.started.insert((list.to_owned(), at));
        let count = match (own_start, counts[at]) {
            (Some(&start), _) if first_of_list => start,
            (_, Some(count)) => count.saturating_add(1),
            (_, None) => found.start.unwrap_or(1),
        };
        counts[at] = Some(count);
        for (deeper, count) in counts.iter_mut().enumerate().skip(at + 1) {
            let level = numbering.level(list, deeper, styles);
            if !level.is_some_and(|(_, level)| level.never_restarts) {
                *count = None;
            }
        }
        match found.numerals {
            Numerals::Bullet => return Some("-".to_owned()),
            Numerals::None if found.pattern.is_empty() => return None,
            _ => {}
        }
        let mut label = String::new();
        let mut pattern = found.pattern.chars().peekable();
        while let Some(c) = pattern.next() {
            let place = if c == '%' { pattern.peek().and_then(|c| c.to_digit(10)) } else { None };
            let Some(place @ 1..) = place else {
                label.push(c);
                continue;
            };
            pattern.next();
            let place = place as usize - 1;
            let Some((_, level)) = numbering.level(list, place, styles) else { continue };
            let count = *counts[place].get_or_insert(level.start.unwrap_or(1));
            let numerals = match level.numerals {
                Numerals::None => Numerals::None,
                _ if found.is_legal => Numerals::Arabic,
                numerals => numerals,
            };
            label.push_str(&numerals.write(count));
        }
        let label = label.trim();
        (!label.is_empty()).then(|| label.to_owned())
    }
}
