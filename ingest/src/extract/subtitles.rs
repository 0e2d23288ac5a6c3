//! Subtitles (SubRip, WebVTT): what is said, without numbers and times, and a mark of time for each
//! minute, by which the place is found in the film.

use super::{Extracted, plain};
use crate::Heading;

/// Cues that are no farther apart belong to one paragraph.
const PAUSE_SEC: u64 = 4;

pub(super) fn extract(bytes: Vec<u8>) -> Extracted {
    let decoded = plain::decoded(bytes);
    let mut written = Written::default();
    let mut skips = false;
    // The line of time stands above what is said, and a number or name may stand above it.
    let mut lines = decoded.text.lines().peekable();
    let mut in_cue = false;
    while let Some(line) = lines.next() {
        let line = line.trim();
        if line.is_empty() {
            (in_cue, skips) = (false, false);
        } else if let Some((from, to)) = times(line) {
            written.cue(from, to);
            (in_cue, skips) = (true, false);
        } else if in_cue
            && !lines.peek().is_some_and(|next| is_number(line) && times(next).is_some())
        {
            written.line(line);
        } else if ["NOTE", "STYLE", "REGION"].iter().any(|word| line.starts_with(word)) {
            skips = true;
        } else if !in_cue && !skips && !is_number(line) && !line.starts_with("WEBVTT") {
            // Neither a number nor a block that we know: the name of the next cue, or text that lost
            // its times.
            if lines.peek().is_none_or(|next| times(next).is_none()) {
                written.line(line);
            }
        }
    }
    let (encoding, warnings) = (decoded.encoding, decoded.warnings);
    Extracted {
        text: written.text,
        headings: written.headings,
        encoding,
        warnings,
        ..Extracted::default()
    }
}

fn is_number(line: &str) -> bool {
    line.bytes().all(|byte| byte.is_ascii_digit())
}

/// `00:01:02,500 --> 00:01:04,000 align:start` in seconds.
fn times(line: &str) -> Option<(u64, u64)> {
    let (from, to) = line.split_once("-->")?;
    Some((seconds(from.trim())?, seconds(to.split_whitespace().next()?)?))
}

/// `01:02:03,004` or `02:03.004`.
fn seconds(time: &str) -> Option<u64> {
    let whole = time.split([',', '.']).next()?;
    let mut total = 0_u64;
    let mut parts = 0;
    for part in whole.split(':') {
        let number = part.parse::<u64>().ok().filter(|number| *number < 1000)?;
        total = total * 60 + number;
        parts += 1;
    }
    (2..=3).contains(&parts).then_some(total)
}

#[derive(Default)]
struct Written {
    text: String,
    headings: Vec<Heading>,
    /// The minute that is marked last.
    minute: Option<u64>,
    ended: u64,
    /// Said last, as captions that roll repeat it.
    last: String,
}

impl Written {
    fn cue(&mut self, from: u64, to: u64) {
        let minute = from / 60;
        if self.minute != Some(minute) {
            self.minute = Some(minute);
            if !self.text.is_empty() {
                self.text.push_str("\n\n");
            }
            let start = self.text.len();
            self.text.push_str(&format!("{:02}:{:02}:00", minute / 60, minute % 60));
            self.headings.push(Heading { bytes: start..self.text.len(), level: 1 });
            self.text.push_str("\n\n");
        } else if from > self.ended + PAUSE_SEC && !self.text.ends_with('\n') {
            self.text.push_str("\n\n");
        }
        self.ended = to;
    }

    fn line(&mut self, line: &str) {
        let said = without_tags(line);
        let said = said.trim();
        if said.is_empty() || said == self.last {
            return;
        }
        // A dash begins what another person says.
        let begins_line = said.starts_with(['-', '–', '—']) && !self.text.is_empty();
        if !self.text.is_empty() && !self.text.ends_with('\n') {
            self.text.push(if begins_line { '\n' } else { ' ' });
        }
        self.text.push_str(said);
        said.clone_into(&mut self.last);
    }
}

/// The words of a line, without `<i>`, `{\an8}` and times within; `<v Ada>` becomes `Ada:`.
fn without_tags(line: &str) -> String {
    let mut words = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find(['<', '{', '&']) {
        words.push_str(&rest[..at]);
        let from = &rest[at..];
        let close = match from.as_bytes()[0] {
            b'<' => from
                .find('>')
                .filter(|_| from[1..].starts_with(|c: char| c.is_ascii_alphanumeric() || c == '/')),
            b'{' => from.find('}').filter(|_| from.starts_with("{\\")),
            _ => None,
        };
        if let Some(close) = close {
            if let Some(speaker) = from[..close].strip_prefix("<v ") {
                words.extend([speaker, ": "]);
            }
            rest = &from[close + 1..];
            continue;
        }
        let entity = [("&amp;", "&"), ("&lt;", "<"), ("&gt;", ">"), ("&nbsp;", " ")];
        let (name, character) = entity
            .into_iter()
            .find(|(name, _)| from.starts_with(name))
            .unwrap_or((&from[..1], &from[..1]));
        words.push_str(character);
        rest = &from[name.len()..];
    }
    words.push_str(rest);
    words
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn cues_are_joined_and_minutes_marked() {
        let srt = "1\n00:00:01,000 --> 00:00:02,500\n<i>The tide</i> comes\nin.\n\n2\n00:00:03,000 --> 00:00:04,000\n{\\an8}- Slowly.\n\n\
                   3\n00:00:20,000 --> 00:00:21,000\nLater & <3.\n\n4\n01:02:03,000 --> 01:02:04,000\n1984\n";
        let extracted = extract(srt.into());
        assert_eq!(
            extracted.text,
            "00:00:00\n\nThe tide comes in.\n- Slowly.\n\nLater & <3.\n\n01:02:00\n\n1984"
        );
        assert_eq!(extracted.headings.len(), 2);
        let vtt = "WEBVTT - title\n\nNOTE\nnothing\n\nintro\n00:01.000 --> 00:02.000 align:start\n<v Ada>Hello<00:01.500> there\n\n\
                   00:02.000 --> 00:03.000\nHello there\n";
        assert_eq!(extract(vtt.into()).text, "00:00:00\n\nAda: Hello there Hello there");
    }

    proptest! {
        #[test]
        fn headings_are_ordered_marks(lines in prop::collection::vec(prop_oneof![
            Just("00:01:00,0 --> 00:01:02,0".to_owned()), Just("99:59:59.0 --> 0:0".to_owned()), Just(String::new()),
            "[0-9]{1,3}", "\\PC{0,20}", "<[a-zé]{0,4}>?\\{\\\\",
        ], 0..40)) {
            let extracted = extract(lines.join("\n").into());
            let mut end = 0;
            for heading in extracted.headings {
                prop_assert!(heading.bytes.start >= end);
                end = heading.bytes.end;
                prop_assert!(extracted.text[heading.bytes].ends_with(":00"));
            }
        }
    }
}
