//! Numbers of lists in letters and figures.

/// How the items of a list are numbered.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum Numerals {
    #[default]
    Arabic,
    /// `01`, `02` … `10`.
    ZeroPadded,
    LowerLetter,
    UpperLetter,
    LowerRoman,
    UpperRoman,
    /// A mark that is the same for every item.
    Bullet,
    /// Counted, but not shown.
    None,
}

impl Numerals {
    /// The number as it stands before an item.
    pub(super) fn write(self, number: u32) -> String {
        match self {
            Self::Arabic => number.to_string(),
            Self::ZeroPadded => format!("{number:02}"),
            Self::LowerLetter => letters(number),
            Self::UpperLetter => letters(number).to_uppercase(),
            Self::LowerRoman => roman(number),
            Self::UpperRoman => roman(number).to_uppercase(),
            Self::Bullet | Self::None => String::new(),
        }
    }
}

/// a to z, then aa, bb and so on, as word processors count.
fn letters(number: u32) -> String {
    /// Beyond this, a letter would be repeated more often than makes sense.
    const MOST_REPEATED: u32 = 30;
    let Some(index) = number.checked_sub(1).filter(|index| index / 26 < MOST_REPEATED) else {
        return number.to_string();
    };
    let letter = char::from(b'a' + (index % 26) as u8);
    String::from_iter(std::iter::repeat_n(letter, (index / 26 + 1) as usize))
}

fn roman(mut number: u32) -> String {
    const VALUES: [(u32, &str); 13] = [
        (1000, "m"),
        (900, "cm"),
        (500, "d"),
        (400, "cd"),
        (100, "c"),
        (90, "xc"),
        (50, "l"),
        (40, "xl"),
        (10, "x"),
        (9, "ix"),
        (5, "v"),
        (4, "iv"),
        (1, "i"),
    ];
    if number == 0 || number >= 4000 {
        return number.to_string();
    }
    let mut written = String::new();
    for (value, letters) in VALUES {
        while number >= value {
            written.push_str(letters);
            number -= value;
        }
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_every_way() {
        assert_eq!(Numerals::Arabic.write(12), "12");
        assert_eq!(Numerals::ZeroPadded.write(7), "07");
        assert_eq!(Numerals::LowerLetter.write(2), "b");
        assert_eq!(Numerals::UpperLetter.write(28), "BB");
        assert_eq!(Numerals::LowerRoman.write(1994), "mcmxciv");
        assert_eq!(Numerals::UpperRoman.write(4), "IV");
        assert_eq!(Numerals::LowerLetter.write(0), "0");
        assert_eq!(Numerals::UpperRoman.write(u32::MAX), u32::MAX.to_string());
        assert_eq!(Numerals::LowerLetter.write(u32::MAX), u32::MAX.to_string());
    }
}
