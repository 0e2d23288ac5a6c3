//! Conditions on the file that a document came from.

use std::fmt;
use std::path::Path;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use super::dates::{format_day, parse_date};
use super::parse::{is_quote, quoted_if_needed};

/// Which files take part in a search. The default lets all through.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Filters {
    /// Conditions on the path, all of which must hold.
    pub paths: Vec<PathFilter>,
    /// Types, one of which must match, and types that must not.
    pub types: Vec<TypeFilter>,
    /// Only files changed at this Unix time or later.
    pub after_sec: Option<i64>,
    /// Only files changed before this Unix time.
    pub before_sec: Option<i64>,
}

/// Why a filter is no filter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    /// The pattern is malformed.
    #[error("`{pattern}` is no path pattern: {reason}")]
    Pattern {
        /// The pattern as given.
        pattern: String,
        /// What is wrong with it.
        reason: String,
    },
    /// No date that is understood.
    #[error(
        "`{0}` is no date: write 2024, 2024-05, 2024-05-17, today, yesterday, or 7d, 3w, 6m, 1y (ago)"
    )]
    Date(String),
    /// No type is named.
    #[error("no type is named: write type:pdf or type:pdf,code")]
    Type,
}

impl Filters {
    /// Whether every file passes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.paths.is_empty()
            && self.types.is_empty()
            && self.after_sec.is_none()
            && self.before_sec.is_none()
    }

    /// Whether a file passes. `kind` and `format` are the index's own names for what the file is;
    /// `modified_sec` is Unix time.
    #[must_use]
    pub fn matches(&self, path: &Path, kind: &str, format: &str, modified_sec: i64) -> bool {
        self.after_sec.is_none_or(|after| modified_sec >= after)
            && self.before_sec.is_none_or(|before| modified_sec < before)
            && self.matches_type(path, kind, format)
            && self.paths.iter().all(|filter| filter.matches(path) != filter.exclude)
    }

    /// Adds a condition on the path; upper and lower case are the same.
    ///
    /// Without wildcards (`* ? [ {`) the path must contain the text. With them it is a glob, in
    /// which `*` stays within a folder's level and `**` does not. One that begins with `/` matches
    /// from the root, any other from any folder on; and what matches a folder matches all in it.
    ///
    /// # Errors
    /// If the glob is malformed or empty.
    pub fn add_path(&mut self, pattern: &str, exclude: bool) -> Result<(), FilterError> {
        self.paths.push(PathFilter::new(pattern, exclude)?);
        Ok(())
    }

    /// Adds types, separated by commas: formats (`pdf`), kinds (`code`) or extensions (`rs`).
    ///
    /// # Errors
    /// If none is named.
    pub fn add_types(&mut self, list: &str, exclude: bool) -> Result<(), FilterError> {
        let surrounding = |c: char| c == '.' || c.is_whitespace() || is_quote(c);
        let names: Vec<TypeFilter> = list
            .to_lowercase()
            .split(',')
            .map(|name| name.trim_matches(surrounding))
            .filter(|name| !name.is_empty())
            // Kept free of quotes within, too, so that it can be written in quotes.
            .map(|name| TypeFilter { name: name.replace('"', ""), exclude })
            .collect();
        if names.is_empty() {
            return Err(FilterError::Type);
        }
        self.types.extend(names);
        Ok(())
    }

    /// Adds the condition that a file was changed on or after a date; see [`parse_date`].
    ///
    /// # Errors
    /// If the date is not understood.
    pub fn set_after(&mut self, date: &str, now_sec: i64) -> Result<(), FilterError> {
        let sec = parse_date(date, now_sec).ok_or_else(|| FilterError::Date(date.to_owned()))?;
        self.after_sec = Some(self.after_sec.map_or(sec, |earlier| earlier.max(sec)));
        Ok(())
    }

    /// Adds the condition that a file was changed before a date; see [`parse_date`].
    ///
    /// # Errors
    /// If the date is not understood.
    pub fn set_before(&mut self, date: &str, now_sec: i64) -> Result<(), FilterError> {
        let sec = parse_date(date, now_sec).ok_or_else(|| FilterError::Date(date.to_owned()))?;
        self.before_sec = Some(self.before_sec.map_or(sec, |earlier| earlier.min(sec)));
        Ok(())
    }

    fn matches_type(&self, path: &Path, kind: &str, format: &str) -> bool {
        if self.types.is_empty() {
            return true;
        }
        let extension = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
        let is = |filter: &TypeFilter| {
            let name = &filter.name;
            *name == extension || *name == kind.to_lowercase() || *name == format.to_lowercase()
        };
        let (excluded, included): (Vec<_>, Vec<_>) =
            self.types.iter().partition(|filter| filter.exclude);
        !excluded.into_iter().any(is) && (included.is_empty() || included.into_iter().any(is))
    }
}

/// A kind, format or extension, in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypeFilter {
    /// Its name.
    pub name: String,
    /// Whether files of this type are left out.
    pub exclude: bool,
}

/// A condition on a path; see [`Filters::add_path`].
#[derive(Debug, Clone)]
pub struct PathFilter {
    pattern: String,
    exclude: bool,
    matcher: Matcher,
}

#[derive(Debug, Clone)]
enum Matcher {
    /// In lower case.
    Contains(String),
    Glob(GlobSet),
}

impl PathFilter {
    /// The pattern as it was written.
    #[must_use]
    pub fn pattern(&self) -> &str {
        &self.pattern
    }

    /// Whether files that match are left out.
    #[must_use]
    pub fn exclude(&self) -> bool {
        self.exclude
    }

    fn new(pattern: &str, exclude: bool) -> Result<Self, FilterError> {
        let malformed = |reason: &str| FilterError::Pattern {
            pattern: pattern.to_owned(),
            reason: reason.to_owned(),
        };
        if pattern.trim().is_empty() {
            return Err(malformed("it is empty"));
        }
        // A shell completes names of the folder one stands in with this in front.
        let bare = pattern.trim_start_matches("./");
        let matcher = if pattern.contains(['*', '?', '[', '{']) {
            let glob = folder_glob(bare).map_err(|error| malformed(&error.kind().to_string()))?;
            Matcher::Glob(glob)
        } else {
            Matcher::Contains(bare.to_lowercase())
        };
        Ok(Self { pattern: pattern.to_owned(), exclude, matcher })
    }

    fn matches(&self, path: &Path) -> bool {
        match &self.matcher {
            Matcher::Contains(text) => path.to_string_lossy().to_lowercase().contains(text),
            Matcher::Glob(glob) => glob.is_match(path),
        }
    }
}

impl PartialEq for PathFilter {
    fn eq(&self, other: &Self) -> bool {
        (&self.pattern, self.exclude) == (&other.pattern, other.exclude)
    }
}

/// The glob, and everything in a folder that it matches.
fn folder_glob(pattern: &str) -> Result<GlobSet, globset::Error> {
    let pattern = pattern.trim_end_matches('/');
    let anywhere = if pattern.starts_with('/') { "" } else { "**/" };
    let mut set = GlobSetBuilder::new();
    for inside in ["", "/**"] {
        let glob = format!("{anywhere}{pattern}{inside}");
        let mut builder = GlobBuilder::new(&glob);
        set.add(builder.case_insensitive(true).literal_separator(true).build()?);
    }
    set.build()
}

/// In the query language.
impl fmt::Display for Filters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let minus = |exclude| if exclude { "-" } else { "" };
        let mut parts = Vec::new();
        for PathFilter { pattern, exclude, .. } in &self.paths {
            parts.push(format!("{}path:{}", minus(*exclude), quoted_if_needed(pattern)));
        }
        for TypeFilter { name, exclude } in &self.types {
            parts.push(format!("{}type:{}", minus(*exclude), quoted_if_needed(name)));
        }
        parts.extend(self.after_sec.map(|sec| format!("after:{}", format_day(sec))));
        parts.extend(self.before_sec.map(|sec| format!("before:{}", format_day(sec))));
        f.write_str(&parts.join(" "))
    }
}
