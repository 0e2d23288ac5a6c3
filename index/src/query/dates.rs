//! Dates as people write them, to Unix time in UTC.

const DAY_SEC: i64 = 86_400;

/// The first second of the day, month or year that a date names, in Unix time (UTC).
///
/// Understood are `2024`, `2024-05`, `2024-05-17`, `today`, `yesterday`, and a number of days,
/// weeks, months or years before today: `7d`, `3w`, `6m`, `1y`. Upper and lower case are the same.
/// Where the earlier month is shorter, `1m` before its end is its last day.
#[must_use]
pub fn parse_date(text: &str, now_sec: i64) -> Option<i64> {
    let text = text.to_ascii_lowercase();
    let today = now_sec.div_euclid(DAY_SEC);
    let day = match text.as_str() {
        "today" => today,
        "yesterday" => today - 1,
        _ => calendar_day(&text).or_else(|| day_before(&text, today))?,
    };
    Some(day * DAY_SEC)
}

/// The day that a time falls on, as `YYYY-MM-DD`.
pub(super) fn format_day(time_sec: i64) -> String {
    let (year, month, day) = to_calendar(time_sec.div_euclid(DAY_SEC));
    format!("{year:04}-{month:02}-{day:02}")
}

/// `2024`, `2024-05` or `2024-05-17`.
fn calendar_day(text: &str) -> Option<i64> {
    let mut parts = text.split('-');
    let year = number(parts.next()?, 4)?;
    let month = parts.next().map_or(Some(1), |part| number(part, 2))?;
    let day = parts.next().map_or(Some(1), |part| number(part, 2))?;
    let valid = parts.next().is_none()
        && year >= 1
        && (1..=12).contains(&month)
        && (1..=days_in_month(year, month)).contains(&day);
    valid.then(|| from_calendar(year, month, day))
}

/// `7d`, `3w`, `6m` or `1y` before today, no earlier than year 1.
fn day_before(text: &str, today: i64) -> Option<i64> {
    let unit = text.chars().next_back()?;
    let digits = text.strip_suffix(unit)?;
    if digits.len() > 6 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let count: i64 = digits.parse().ok()?;
    let day = match unit {
        'd' => today - count,
        'w' => today - 7 * count,
        'm' => months_before(today, count),
        'y' => months_before(today, 12 * count),
        _ => return None,
    };
    Some(day.max(from_calendar(1, 1, 1)))
}

fn months_before(today: i64, count: i64) -> i64 {
    let (year, month, day) = to_calendar(today);
    let months = year * 12 + month - 1 - count;
    let (year, month) = (months.div_euclid(12), months.rem_euclid(12) + 1);
    from_calendar(year, month, day.min(days_in_month(year, month)))
}

/// A number of exactly so many digits: `24` is no year.
fn number(text: &str, digits: usize) -> Option<i64> {
    let well_formed = text.len() == digits && text.bytes().all(|b| b.is_ascii_digit());
    if well_formed { text.parse().ok() } else { None }
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from the first of January of year 1 to the first of January of `year`.
fn days_before_year(year: i64) -> i64 {
    let past = year - 1;
    past * 365 + past.div_euclid(4) - past.div_euclid(100) + past.div_euclid(400)
}

/// Days before a month in its year.
fn days_before_month(year: i64, month: i64) -> i64 {
    (1..month).map(|earlier| days_in_month(year, earlier)).sum()
}

/// Days from 1970-01-01 to a date of the proleptic Gregorian calendar.
fn from_calendar(year: i64, month: i64, day: i64) -> i64 {
    days_before_year(year) - days_before_year(1970) + days_before_month(year, month) + day - 1
}

/// Year, month and day of a number of days since 1970-01-01.
fn to_calendar(day: i64) -> (i64, i64, i64) {
    let since_year_1 = day + days_before_year(1970);
    // At most one too high or low, since 400 years have 146,097 days.
    let mut year = (since_year_1 * 400).div_euclid(146_097) + 1;
    while days_before_year(year) > since_year_1 {
        year -= 1;
    }
    while days_before_year(year + 1) <= since_year_1 {
        year += 1;
    }
    let mut left = since_year_1 - days_before_year(year);
    let mut month = 1;
    while left >= days_in_month(year, month) {
        left -= days_in_month(year, month);
        month += 1;
    }
    (year, month, left + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// 2024-03-31, 15:30 UTC.
    const NOW: i64 = 1_711_899_000;

    fn day_of(text: &str) -> Option<String> {
        parse_date(text, NOW).map(format_day)
    }

    #[test]
    fn absolute_dates() {
        assert_eq!(parse_date("1970", NOW), Some(0));
        assert_eq!(parse_date("2024-05-17", NOW), Some(1_715_904_000));
        assert_eq!(parse_date("2000-02-29", NOW), Some(951_782_400));
        assert_eq!(parse_date("1969-12-31", NOW), Some(-86_400));
        assert_eq!(day_of("2024-05").as_deref(), Some("2024-05-01"));
        assert_eq!(day_of("0001").as_deref(), Some("0001-01-01"));
        assert_eq!(day_of("9999-12-31").as_deref(), Some("9999-12-31"));
    }

    #[test]
    fn dates_before_today() {
        let expected = [
            ("today", "2024-03-31"),
            ("Yesterday", "2024-03-30"),
            ("0d", "2024-03-31"),
            ("7d", "2024-03-24"),
            ("3W", "2024-03-10"),
            ("1m", "2024-02-29"),
            ("6m", "2023-09-30"),
            ("13m", "2023-02-28"),
            ("1y", "2023-03-31"),
            ("99999y", "0001-01-01"),
        ];
        for (text, day) in expected {
            assert_eq!(day_of(text).as_deref(), Some(day), "{text}");
        }
        assert_eq!(parse_date("today", NOW).unwrap() % DAY_SEC, 0);
        assert_eq!(format_day(parse_date("1d", -1).unwrap()), "1969-12-30");
    }

    #[test]
    fn what_is_no_date() {
        let texts = [
            "",
            "24",
            "20245",
            "2024-13",
            "2024-00",
            "2023-02-29",
            "2024-1-1",
            "2024-01-01-01",
            "d",
            "7",
            "-7d",
            "7.5d",
            "7days",
            "1234567d",
            "tomorrow",
            "２０２４",
            "7д",
            "2024-",
            "0000",
        ];
        for text in texts {
            assert_eq!(parse_date(text, NOW), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn days_and_dates_agree(day in -800_000i64..3_000_000) {
            let (year, month, date) = to_calendar(day);
            prop_assert!((1..=12).contains(&month) && (1..=days_in_month(year, month)).contains(&date));
            prop_assert_eq!(from_calendar(year, month, date), day);
            prop_assert!(to_calendar(day + 1) > (year, month, date));
        }

        #[test]
        fn never_panics(text in "\\PC{0,12}", now in any::<i32>()) {
            let _ = parse_date(&text, i64::from(now));
        }
    }
}
