//! Dates as files write them, as ISO 8601 writes them.

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// A date that a file gives, as `2024-03-01`, or as much of it as is given (`2024-03`, `2024`).
///
/// Understands ISO 8601 with or without a time, and days and months written out in English. A date
/// that can be read in two ways, such as 3/4/2024, is none.
pub(crate) fn iso_date(written: &str) -> Option<String> {
    let written = written.trim().trim_matches(['"', '\'', '<', '>', '[', ']', '(', ')']).trim();
    let words: Vec<&str> = written
        .split(|c: char| c.is_whitespace() || c == ',')
        .filter(|word| !word.is_empty())
        .take(6)
        .collect();
    by_numbers(words.first()?).or_else(|| by_month(&words))
}

/// `2024-03-01T12:00:00Z`, `2024/03/01`, `20240301`, `2024-03`, `2024`.
fn by_numbers(word: &str) -> Option<String> {
    let day = word.split(['T', 't']).next()?;
    let parts: Vec<&str> = day.split(['-', '/', '.']).collect();
    match parts.as_slice() {
        [compact] if compact.len() == 8 && compact.bytes().all(|b| b.is_ascii_digit()) => date(
            number(&compact[..4], 4)?,
            Some(number(&compact[4..6], 2)?),
            Some(number(&compact[6..], 2)?),
        ),
        [year] => date(number(year, 4)?, None, None),
        [year, month] => date(number(year, 4)?, Some(number(month, 2)?), None),
        [year, month, day] => {
            date(number(year, 4)?, Some(number(month, 2)?), Some(number(day, 2)?))
        }
        _ => None,
    }
}

/// `1 March 2024`, `March 1, 2024`, `Mar 2024`, `Fri, 1 Mar 2024 12:00:00 +0000`.
fn by_month(words: &[&str]) -> Option<String> {
    let at = words.iter().position(|word| month_of(word).is_some())?;
    let month = month_of(words[at]);
    let ordinal = |word: &str| {
        let digits = word.trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == '.');
        number(digits, 1).or_else(|| number(digits, 2)).filter(|_| !digits.is_empty())
    };
    let year = |word: &&str| number(word.trim_end_matches('.'), 4);
    let before = at.checked_sub(1).and_then(|before| ordinal(words[before]));
    match (words.get(at + 1), words.get(at + 2)) {
        (Some(next), _) if year(next).is_some() => date(year(next)?, month, before),
        (Some(next), Some(behind)) if year(behind).is_some() && before.is_none() => {
            date(year(behind)?, month, Some(ordinal(next)?))
        }
        _ => None,
    }
}

fn month_of(word: &str) -> Option<u32> {
    let word = word.trim_end_matches('.').to_lowercase();
    let is_month = |month: &str| {
        month == word || (word.len() >= 3 && month.starts_with(&word) && word.len() <= 4)
    };
    Some(MONTHS.iter().position(|month| is_month(month))? as u32 + 1)
}

fn number(digits: &str, length: usize) -> Option<u32> {
    let fits = digits.len() == length && digits.bytes().all(|byte| byte.is_ascii_digit());
    fits.then(|| digits.parse().ok())?
}

fn date(year: u32, month: Option<u32>, day: Option<u32>) -> Option<String> {
    if !(1000..=2199).contains(&year) {
        return None;
    }
    let Some(month) = month else { return Some(format!("{year}")) };
    if !(1..=12).contains(&month) {
        return None;
    }
    let Some(day) = day else { return Some(format!("{year}-{month:02}")) };
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    (1..=days).contains(&day).then(|| format!("{year}-{month:02}-{day:02}"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn dates_come_out_as_far_as_they_are_known() {
        for (written, iso) in [
            ("2024-03-01", "2024-03-01"),
            (" \"2024-03-01T12:30:00+01:00\" ", "2024-03-01"),
            ("2024-03-01 12:30", "2024-03-01"),
            ("<2024-03-01 Fri>", "2024-03-01"),
            ("2024/3/1", ""),
            ("2024/03/01", "2024-03-01"),
            ("20240301", "2024-03-01"),
            ("2024-03", "2024-03"),
            ("2024", "2024"),
            ("March 1, 2024", "2024-03-01"),
            ("1st March 2024", "2024-03-01"),
            ("Fri, 01 Mar 2024 12:00:00 +0000", "2024-03-01"),
            ("01-Jun-1990", ""),
            ("Sept. 2023", "2023-09"),
            ("29 February 2023", ""),
            ("29 February 2024", "2024-02-29"),
            ("3/4/2024", ""),
            ("today", ""),
            ("March", ""),
            ("version 2", ""),
            ("", ""),
            ("2024-13-01", ""),
        ] {
            assert_eq!(iso_date(written).unwrap_or_default(), iso, "{written}");
        }
    }

    proptest! {
        #[test]
        fn what_comes_out_is_a_date(text in "[0-9a-zA-Z ,./:-]{0,24}") {
            if let Some(date) = iso_date(&text) {
                prop_assert!(matches!(date.len(), 4 | 7 | 10), "{}", date);
                prop_assert_eq!(iso_date(&date), Some(date.clone()));
                prop_assert!(text.contains(&date[..4]));
            }
        }
    }
}
