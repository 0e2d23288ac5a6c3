//! Cuts a text, one piece after another.
//!
//! The text is looked at through a window that starts at the last cut and holds a little more than
//! the largest passage, so that time is linear in the length of the text and memory does not grow
//! with it.

use std::ops::Range;

use super::PassageOptions;
use super::tokens::{Class, class_of};
use super::window::{Gauge, Place, Sizes, Strength, Window, is_grapheme_boundary};
use crate::{Document, Kind};

/// White space longer than this ends a passage: what stands behind it is far away.
const LONG_SPACE_BYTES: usize = 4096;
/// A run without white space may be cut every so many characters.
const UNBROKEN_CHARS: usize = 16;

pub(super) struct Cutter<'a> {
    text: &'a str,
    is_code: bool,
    /// Where no passage goes beyond.
    walls: &'a [usize],
    heading_lines: &'a [Range<usize>],
    /// First heading line that does not start before the current piece.
    next_heading: usize,
    sizes: Sizes,
    at: usize,
    window: Window,
}

/// A run of white space.
#[derive(Debug, Clone, Copy)]
struct Space {
    start: usize,
    line_ends: usize,
    /// Where the last line within it starts.
    line_start: usize,
}

impl<'a> Cutter<'a> {
    pub(super) fn new(
        document: &'a Document,
        heading_lines: &'a [Range<usize>],
        options: &PassageOptions,
    ) -> Self {
        let target = options.target_tokens.max(1);
        Self {
            text: &document.text,
            is_code: document.kind == Kind::Code,
            // A slide is a whole of its own, and a passage is to name the one that it is on.
            walls: if document.kind == Kind::Slides { &document.pages } else { &[] },
            heading_lines,
            next_heading: 0,
            sizes: Sizes { target, max: options.max_tokens.max(target) },
            at: 0,
            window: Window::default(),
        }
    }

    /// The next piece, without white space around it.
    pub(super) fn next_piece(&mut self) -> Option<Range<usize>> {
        let rest = &self.text[self.at..];
        let start = self.at + rest.len() - rest.trim_start().len();
        if start == self.text.len() {
            return None;
        }
        let (end, full_at) = self.look_ahead(start);
        let mut best = self.window.best(self.sizes);
        let needs_sentences = best.is_none_or(|place| place.strength < Strength::Paragraph);
        if needs_sentences && !self.is_code {
            // They are dear to find, and not needed where a paragraph ends in good time.
            self.window.mark_sentences(self.text, start, end);
            best = self.window.best(self.sizes);
        }
        let place = best.or_else(|| self.window.last_resort(self.sizes));
        // Where not even one character fits into very small passages, it is taken all the same.
        let least = start + self.text[start..].chars().next().map_or(0, char::len_utf8);
        self.at = place.map(|place| place.at).or(full_at).unwrap_or(end).max(least);
        Some(start..start + self.text[start..self.at].trim_end().len())
    }

    /// Fills the window with the places that a look at each character finds. Returns the end of the
    /// window and the last resort of all, the first character beyond the largest passage.
    fn look_ahead(&mut self, start: usize) -> (usize, Option<usize>) {
        let heading_lines = self.heading_lines;
        let passed = heading_lines[self.next_heading..].iter().take_while(|l| l.start < start);
        self.next_heading += passed.count();
        let mut headings = heading_lines[self.next_heading..].iter().peekable();
        let mut heading_end = match self.next_heading.checked_sub(1) {
            Some(last) => heading_lines[last].end,
            None => 0,
        };
        let mut is_heading = |at: usize, heading_end: &mut usize| {
            let mut found = false;
            while let Some(line) = headings.next_if(|line| line.start <= at) {
                found |= line.start == at;
                *heading_end = line.end.max(*heading_end);
            }
            found
        };
        is_heading(start, &mut heading_end);
        let wall = self.walls.get(self.walls.partition_point(|&wall| wall <= start)).copied();

        self.window.places.clear();
        let mut gauge = Gauge::new(self.sizes.max);
        let mut space: Option<Space> = None;
        let mut unbroken = 0;
        for (offset, c) in self.text[start..].char_indices() {
            let at = start + offset;
            let class = class_of(c);
            if class == Class::Space {
                let space = space.get_or_insert(Space { start: at, line_ends: 0, line_start: at });
                if c == '\n' {
                    space.line_ends += 1;
                    space.line_start = at + 1;
                }
                if at - space.start > LONG_SPACE_BYTES {
                    return self.end(space.start, gauge);
                }
                gauge.push(c, class, at);
                continue;
            }
            if wall.is_some_and(|wall| at >= wall) {
                return self.end(space.map_or(at, |space| space.start), gauge);
            }
            let tokens = gauge.tokens();
            if let Some(space) = space.take() {
                unbroken = 0;
                let after_heading = space.start <= heading_end;
                let strength = if is_heading(at, &mut heading_end) {
                    Strength::Heading
                } else {
                    self.strength(space, at)
                };
                self.window.places.push(Place { at, tokens, strength, after_heading });
            } else if unbroken >= UNBROKEN_CHARS && is_grapheme_boundary(self.text, at) {
                unbroken = 0;
                let after_heading = at <= heading_end;
                let strength = Strength::Character;
                self.window.places.push(Place { at, tokens, strength, after_heading });
            }
            gauge.push(c, class, at);
            unbroken += 1;
            // A little beyond, to see whether cutting here would leave a scrap behind.
            if gauge.tokens() > self.sizes.max + self.sizes.small() {
                return (at, gauge.full_at);
            }
        }
        self.end(self.text.len(), gauge)
    }

    fn end(&mut self, at: usize, gauge: Gauge) -> (usize, Option<usize>) {
        let tokens = gauge.tokens();
        self.window.places.push(Place {
            at,
            tokens,
            strength: Strength::End,
            after_heading: false,
        });
        (at, gauge.full_at)
    }

    fn strength(&self, space: Space, at: usize) -> Strength {
        let indent = at - space.line_start;
        let next = self.text[at..].chars().next().unwrap_or(' ');
        let closes = matches!(next, '}' | ')' | ']');
        match (space.line_ends, self.is_code) {
            (0, _) => Strength::Word,
            (1, true) if indent == 0 && !closes => Strength::Sentence,
            (1, true) => Strength::Line,
            (_, true) if indent == 0 && !closes => Strength::Block,
            (_, true) => Strength::Paragraph,
            (1, false) if indent >= 2 || self.begins_item(at) => Strength::Sentence,
            (1, false) => Strength::Line,
            (2, false) => Strength::Paragraph,
            (_, false) => Strength::Block,
        }
    }

    /// Whether a line is an item of a list or a row of a table.
    fn begins_item(&self, at: usize) -> bool {
        let line = &self.text.as_bytes()[at..];
        match line {
            [b'-' | b'*' | b'+', b' ', ..] | [b'|', ..] => true,
            _ => {
                let digits = line.iter().take(4).take_while(|byte| byte.is_ascii_digit()).count();
                digits > 0 && matches!(line.get(digits), Some(b'.' | b')' | b'|'))
            }
        }
    }
}
