//! The numbers of lists and headings, which the text does not contain.

use std::collections::HashMap;

use super::super::super::xml::{Element, Xml};
use super::super::numerals::Numerals;

const LEVELS: usize = 10;

/// How a list is numbered.
#[derive(Debug, Default)]
pub(super) struct ListStyle {
    levels: [Level; LEVELS],
}

#[derive(Debug, Default)]
struct Level {
    /// `None` where the level is not defined.
    numerals: Option<Numerals>,
    prefix: String,
    suffix: String,
    /// A pattern that takes the place of all else, in which `%1%` is the outermost number.
    pattern: Option<String>,
    /// How many levels are shown, this one included.
    shown_levels: usize,
    start: Option<u32>,
}

impl ListStyle {
    /// Reads the levels of the style that was opened last.
    pub(super) fn read(xml: &mut Xml) -> Self {
        let mut style = Self::default();
        xml.each_within(|element, visit| {
            let is_bullet =
                matches!(element.name(), "list-level-style-bullet" | "list-level-style-image");
            let is_number =
                matches!(element.name(), "list-level-style-number" | "outline-level-style");
            if !is_bullet && !is_number {
                return;
            }
            visit.leave_out();
            let number = |name: &str| element.attribute(name).and_then(|n| n.parse::<u32>().ok());
            let at = number("level").and_then(|level| (level as usize).checked_sub(1));
            let Some(level) = at.and_then(|at| style.levels.get_mut(at)) else { return };
            *level = Level {
                numerals: Some(if is_bullet { Numerals::Bullet } else { numerals_of(element) }),
                prefix: element.attribute("num-prefix").unwrap_or_default(),
                suffix: element.attribute("num-suffix").unwrap_or_default(),
                pattern: element.attribute("num-list-format"),
                shown_levels: number("display-levels").unwrap_or(1) as usize,
                start: number("start-value"),
            };
        });
        style
    }
}

fn numerals_of(element: &Element) -> Numerals {
    match element.attribute("num-format").as_deref() {
        Some("a") => Numerals::LowerLetter,
        Some("A") => Numerals::UpperLetter,
        Some("i") => Numerals::LowerRoman,
        Some("I") => Numerals::UpperRoman,
        Some("") | None => Numerals::None,
        Some(_) => Numerals::Arabic,
    }
}

/// The numbers reached on each level.
#[derive(Debug, Default, Clone)]
pub(super) struct Counts([Option<u32>; LEVELS]);

impl Counts {
    /// The number of the next item on a level (from 0), or `-` for a bullet. `start` is the item's
    /// own number.
    pub(super) fn next(
        &mut self,
        style: &ListStyle,
        level: usize,
        start: Option<u32>,
    ) -> Option<String> {
        let at = level.min(LEVELS - 1);
        let definition = &style.levels[at];
        let first = definition.start.unwrap_or(1);
        let count =
            start.unwrap_or_else(|| self.0[at].map_or(first, |count| count.saturating_add(1)));
        self.0[at] = Some(count);
        self.0[at + 1..].fill(None);
        let own = match definition.numerals? {
            Numerals::Bullet => return Some("-".to_owned()),
            Numerals::None => return None,
            own => own,
        };
        let number = |at: usize| {
            let level = &style.levels[at];
            let count = self.0[at].unwrap_or(level.start.unwrap_or(1));
            level.numerals.unwrap_or(own).write(count)
        };
        let label = match &definition.pattern {
            Some(pattern) => fill(pattern, number),
            None => {
                let shown = definition.shown_levels.clamp(1, at + 1);
                let numbers: Vec<String> =
                    (at + 1 - shown..=at).map(number).filter(|number| !number.is_empty()).collect();
                format!("{}{}{}", definition.prefix, numbers.join("."), definition.suffix)
            }
        };
        let label = label.trim();
        (!label.is_empty()).then(|| label.to_owned())
    }
}

/// Puts numbers into a pattern such as `(%1%.%2%)`.
fn fill(pattern: &str, number: impl Fn(usize) -> String) -> String {
    let mut filled = String::new();
    for (index, piece) in pattern.split('%').enumerate() {
        match piece.parse::<usize>() {
            Ok(level @ 1..=LEVELS) if index % 2 == 1 => filled.push_str(&number(level - 1)),
            _ => filled.push_str(piece),
        }
    }
    filled
}

/// The lists that are open, and how far those before them were counted.
#[derive(Debug, Default)]
pub(super) struct Lists {
    open: Vec<OpenList>,
    counts: Counts,
    by_style: HashMap<String, Counts>,
    by_id: HashMap<String, Counts>,
}

#[derive(Debug)]
struct OpenList {
    style: Option<String>,
    id: Option<String>,
    /// An item has begun whose first paragraph is yet to come, with a number of its own or not.
    item: Option<Option<u32>>,
}

impl Lists {
    pub(super) fn open_list(&mut self, element: &Element) {
        let style = element.attribute("style-name");
        let inherited = self.open.last().and_then(|list| list.style.clone());
        if self.open.is_empty() {
            let continued = element.attribute("continue-list");
            let goes_on = element.attribute("continue-numbering").as_deref() == Some("true");
            let before = match (continued, &style) {
                (Some(id), _) => self.by_id.get(&id),
                (None, Some(style)) if goes_on => self.by_style.get(style),
                _ => None,
            };
            self.counts = before.cloned().unwrap_or_default();
        }
        let id = element.attribute("id");
        self.open.push(OpenList { style: style.or(inherited), id, item: None });
    }

    pub(super) fn close_list(&mut self) {
        let Some(list) = self.open.pop() else { return };
        if self.open.is_empty() {
            self.by_style.extend(list.style.map(|style| (style, self.counts.clone())));
            self.by_id.extend(list.id.map(|id| (id, self.counts.clone())));
        }
    }

    pub(super) fn open_item(&mut self, element: &Element) {
        if let Some(list) = self.open.last_mut() {
            list.item = Some(element.attribute("start-value").and_then(|n| n.parse().ok()));
        }
    }

    pub(super) fn close_item(&mut self) {
        if let Some(list) = self.open.last_mut() {
            list.item = None;
        }
    }

    /// The number for the paragraph that comes now, and its level, if it is the first of an item.
    pub(super) fn label<'s>(
        &mut self,
        find: impl Fn(&str) -> Option<&'s ListStyle>,
    ) -> Option<(String, usize)> {
        let level = self.open.len().checked_sub(1)?;
        let list = self.open.last_mut()?;
        let start = list.item.take()?;
        let style = list.style.as_deref().and_then(find);
        match style {
            Some(style) => self.counts.next(style, level, start).map(|label| (label, level)),
            None => Some(("-".to_owned(), level)),
        }
    }
}
