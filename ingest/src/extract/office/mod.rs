//! What office programs write: Office Open XML (DOCX, PPTX, XLSX), OpenDocument (ODT, ODP, ODS) and
//! the older formats in compound files (DOC, PPT, XLS).

mod doc;
mod docx;
mod numerals;
mod odf;
mod ooxml;
mod ppt;
mod pptx;
mod sheet;
mod slides;
mod summary;

pub(super) use docx::comment_start;

use super::package::Package;
use super::{ExtractLimits, Extracted, Outcome, rtf};
use crate::{FailReason, title};

/// What an office file says about itself, apart from its text.
#[derive(Debug, Default, PartialEq, Eq)]
struct Properties {
    title: Option<String>,
    author: Option<String>,
    dated: Option<String>,
}

impl Properties {
    /// Gives them to a document; its own title, where it has one, comes first.
    fn put_on(self, extracted: &mut Extracted, own_title: Option<String>) {
        extracted.title = own_title.and_then(|title| title::clean(&title)).or(self.title);
        extracted.author = self.author;
        extracted.dated = self.dated;
    }
}

pub(super) fn extract(
    bytes: Vec<u8>,
    format: &str,
    limits: &ExtractLimits,
) -> Result<Extracted, Outcome> {
    let limit = limits.max_text_bytes;
    match format {
        "rtf" => Ok(rtf::extract(&bytes, limit)),
        "doc" => doc::extract(&bytes, limit),
        "ppt" => ppt::extract(&bytes, limit),
        "xls" => sheet::extract_xls(&bytes, limit),
        _ => {
            let mut package = Package::open(&bytes, format)?;
            let mut extracted = match format {
                "odt" | "odp" | "ods" => odf::extract(&mut package, limit),
                "pptx" => pptx::extract(&mut package, limit),
                "xlsx" | "xlsb" => sheet::extract(&mut package, &bytes, format, limit),
                _ => docx::extract(&mut package, limit),
            }?;
            extracted.warnings.extend(package.take_warnings());
            Ok(extracted)
        }
    }
}

fn damaged(format: &str, detail: impl Into<String>) -> Outcome {
    Outcome::Failed(FailReason::Damaged { format: format.to_owned(), detail: detail.into() })
}

/// Names divided by `;` or by white space other than spaces, as one line.
pub(super) fn author(raw: &str) -> Option<String> {
    let names: Vec<&str> =
        raw.split([';', '\n']).map(str::trim).filter(|name| !name.is_empty()).collect();
    title::clean(&names.join("; "))
}

/// The day of a moment such as `2024-03-01T09:30:00Z`, or as much of it as is given.
pub(super) fn day(raw: &str) -> Option<String> {
    let raw = raw.trim();
    let date = raw.split(['T', ' ']).next().unwrap_or_default();
    let mut parts = date.split('-');
    let is_number =
        |part: &str, digits| part.len() == digits && part.bytes().all(|byte| byte.is_ascii_digit());
    let year = parts.next().filter(|year| is_number(year, 4) && *year >= "1000")?;
    let mut day = year.to_owned();
    for part in parts.take(2) {
        if !is_number(part, 2) {
            return None;
        }
        day.push('-');
        day.push_str(part);
    }
    Some(day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_of_moments() {
        assert_eq!(day("2024-03-01T09:30:00Z").as_deref(), Some("2024-03-01"));
        assert_eq!(day(" 2024-03 ").as_deref(), Some("2024-03"));
        assert_eq!(day("1999").as_deref(), Some("1999"));
        assert_eq!(day("0000-00-00"), None);
        assert_eq!(day("March 2024"), None);
        assert_eq!(day("2024-3-1"), None);
    }

    #[test]
    fn authors_are_divided_alike() {
        assert_eq!(author("A. Bell;C. Dow").as_deref(), Some("A. Bell; C. Dow"));
        assert_eq!(author(" ; "), None);
    }
}
