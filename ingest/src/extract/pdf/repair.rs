//! A new table of objects for files whose own is missing or wrong, such as those cut off.

use std::collections::BTreeMap;

/// Larger files are not mended: it takes a copy of them.
const MAX_BYTES: usize = 256 << 20;
/// Where the mark of a PDF is looked for.
const MAX_LEADING_BYTES: usize = 1024;

/// The file with a table of the objects that are found in it. `None` where there is nothing to
/// build one from.
pub(super) fn with_new_table(bytes: &[u8]) -> Option<Vec<u8>> {
    if bytes.len() > MAX_BYTES {
        return None;
    }
    let head = &bytes[..bytes.len().min(MAX_LEADING_BYTES)];
    let start = head.windows(5).position(|window| window == b"%PDF-")?;
    let mut file = bytes[start..].to_vec();
    let objects = find_objects(&file);
    let root = last_entry(&file, b"/Root").or_else(|| {
        let is_catalog = |offset: usize| {
            let object = &file[offset..file.len().min(offset + 500)];
            let end = find(object, b"endobj").unwrap_or(object.len());
            find(&object[..end], b"/Catalog").is_some()
        };
        let (number, (_, generation)) =
            objects.iter().find(|(_, (offset, _))| is_catalog(*offset))?;
        Some(format!("{number} {generation} R"))
    })?;
    let table = file.len() + 1;
    let mut end = String::from("\nxref\n0 1\n0000000000 65535 f \n");
    for (number, (offset, generation)) in &objects {
        end.push_str(&format!("{number} 1\n{offset:010} {generation:05} n \n"));
    }
    let size = objects.keys().next_back()?.saturating_add(1);
    end.push_str(&format!("trailer\n<< /Size {size} /Root {root}"));
    for key in ["/Info", "/Encrypt"] {
        if let Some(value) = last_entry(&file, key.as_bytes()) {
            end.push_str(&format!(" {key} {value}"));
        }
    }
    file.extend(end.into_bytes());
    // The identifier takes part in decryption.
    if let Some(identifier) = identifier(bytes) {
        file.extend_from_slice(b" /ID ");
        file.extend_from_slice(identifier);
    }
    file.extend(format!(" >>\nstartxref\n{table}\n%%EOF\n").into_bytes());
    Some(file)
}

/// Number, offset and generation of all that begins like an object; of several with one number the
/// last, which replaced the others.
fn find_objects(file: &[u8]) -> BTreeMap<u32, (usize, u16)> {
    let mut objects = BTreeMap::new();
    for at in (0..file.len().saturating_sub(2)).filter(|&at| file[at..].starts_with(b"obj")) {
        let Some((before, generation)) = number_before(&file[..at]) else { continue };
        let Some((before, number)) = number_before(before) else { continue };
        let is_apart = before.last().is_none_or(|byte| !byte.is_ascii_alphanumeric());
        if let (true, Ok(number), Ok(generation)) =
            (is_apart, u32::try_from(number), u16::try_from(generation))
        {
            objects.insert(number, (before.len(), generation));
        }
    }
    objects
}

/// Takes a number and the white space after it off the end.
fn number_before(bytes: &[u8]) -> Option<(&[u8], u64)> {
    const MAX_DIGITS: usize = 10;
    let spaces = bytes.iter().rev().take_while(|byte| byte.is_ascii_whitespace()).count();
    let bytes = &bytes[..bytes.len() - spaces];
    let digits =
        bytes.iter().rev().take(MAX_DIGITS).take_while(|byte| byte.is_ascii_digit()).count();
    let (before, digits) = bytes.split_at(bytes.len() - digits);
    let number = std::str::from_utf8(digits).ok()?.parse().ok()?;
    Some((before, number))
}

/// The reference under the key where it stands last.
fn last_entry(file: &[u8], key: &[u8]) -> Option<String> {
    let mut end = file.len();
    loop {
        let at = file[..end].windows(key.len()).rposition(|window| window == key)?;
        let after = &file[at + key.len()..file.len().min(at + key.len() + 32)];
        let after = String::from_utf8_lossy(after);
        let mut words = after.split_whitespace();
        if let (Some(number), Some(generation), Some(mark)) =
            (words.next(), words.next(), words.next())
            && mark.starts_with('R')
            && let (Ok(number), Ok(generation)) = (number.parse::<u32>(), generation.parse::<u16>())
        {
            return Some(format!("{number} {generation} R"));
        }
        end = at;
    }
}

/// The array under `/ID` that stands last.
fn identifier(file: &[u8]) -> Option<&[u8]> {
    let at = file.windows(4).rposition(|window| window == b"/ID[" || window == b"/ID ")? + 3;
    let array = &file[at..];
    let array = &array[array.iter().position(|byte| *byte == b'[').filter(|at| *at < 4)?..];
    let end = array.iter().take(300).position(|byte| *byte == b']')?;
    Some(&array[..=end])
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use lopdf::Document as Pdf;
    use proptest::prelude::*;

    use super::*;

    const FILE: &[u8] =
        b"leading line\n%PDF-1.4\n1 0 obj << /Type /Catalog /Pages 2 0 R >> endobj\n\
        2 0 obj\n<< /Type /Pages /Kids [3 0 R] /Count 1 >>\nendobj\n\
        3 0 obj << /Type /Page /Old true >> endobj 3 0 obj << /Type /Page >> endobj\n\
        4 0 obj << /Title (cut";

    #[test]
    fn objects_are_found_where_they_stand() {
        let pdf = Pdf::load_mem(&with_new_table(FILE).unwrap()).unwrap();
        assert_eq!(pdf.page_iter().collect::<Vec<_>>(), [(3, 0)]);
        assert!(!pdf.get_dictionary((3, 0)).unwrap().has(b"Old"));
    }

    #[test]
    fn what_the_old_trailer_said_is_kept() {
        let mut file = FILE.to_vec();
        file.extend_from_slice(b"trailer << /Root 1 0 R /Info 4 0 R /ID [<01><02>] >> startxref");
        let mended = with_new_table(&file).unwrap();
        let end = String::from_utf8_lossy(&mended[file.len() - 20..]).into_owned();
        assert!(end.contains("/Root 1 0 R /Info 4 0 R /ID [<01><02>] >>"), "{end}");
    }

    #[test]
    fn where_nothing_is_found_nothing_is_made() {
        assert_eq!(with_new_table(b"%PDF-1.7 nothing"), None);
        assert_eq!(with_new_table(b"1 0 obj << /Type /Catalog >> endobj"), None);
        assert_eq!(with_new_table(b""), None);
    }

    proptest! {
        #[test]
        fn no_bytes_harm(text in "%PDF-([0-9]{1,12} |obj|/Root |R |/ID|\\[|\\]|/Catalog|x){0,20}") {
            with_new_table(text.as_bytes());
        }
    }
}
