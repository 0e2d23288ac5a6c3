//! Targets that take more than a file.

use lsearch_ingest::{Document, ExtractLimits, Heading, Kind, PassageOptions, decode, worker_main};

use super::check;

/// Text in an encoding that is unknown, or that the first byte says.
pub(crate) fn decoded(bytes: &[u8]) {
    const LABELS: [Option<&str>; 6] =
        [None, Some("utf-16le"), Some("shift_jis"), Some("iso-8859-2"), Some("gb18030"), Some("?")];
    let (first, rest) = bytes.split_first().unwrap_or((&0, &[]));
    let label = LABELS[usize::from(*first) % LABELS.len()];
    let decoded = decode(rest.to_vec(), label);
    assert!(!decoded.text.contains(['\r', '\0']));
}

/// What a parent may send to an extraction worker: frames as they are, or lines of JSON that are put into frames. An
/// error is the right answer to nonsense; a panic is not.
pub(crate) fn frames(bytes: &[u8]) {
    let mut frames = bytes.to_vec();
    if bytes.starts_with(b"{") {
        let path = b"/dev/null";
        frames.clear();
        for header in bytes.split(|&byte| byte == b'\n') {
            let body: &[u8] = if header.starts_with(b"{\"Extract\"") { path } else { b"" };
            frames.extend_from_slice(&(header.len() as u32).to_le_bytes());
            frames.extend_from_slice(&(body.len() as u64).to_le_bytes());
            frames.extend_from_slice(header);
            frames.extend_from_slice(body);
        }
    }
    let limits = ExtractLimits { max_file_bytes: 4096, max_text_bytes: 4096 };
    let _ = worker_main(&frames[..], Vec::new(), &limits);
}

/// The cutter on any text with any headings and sizes: three bytes for the options, one for the number of headings,
/// three for each of them, and the text.
pub(crate) fn cut(bytes: &[u8]) {
    let Some((&[target, extra, is_code, count], rest)) = bytes.split_first_chunk() else { return };
    let marks_bytes = (usize::from(count) * 3).min(rest.len() / 3 * 3);
    let (marks, text) = rest.split_at(marks_bytes);
    let text = String::from_utf8_lossy(text).into_owned();
    let mut headings = Vec::new();
    let mut end = 0;
    for mark in marks.chunks_exact(3) {
        let skip = usize::from(u16::from_be_bytes([mark[0], mark[1]]));
        let start = text.ceil_char_boundary((end + skip).min(text.len()));
        end = text.ceil_char_boundary((start + usize::from(mark[2])).min(text.len()));
        headings.push(Heading { bytes: start..end, level: mark[2] % 6 + 1 });
    }
    let document = Document {
        file_hash: [0; 32],
        kind: if is_code % 2 == 1 { Kind::Code } else { Kind::Text },
        format: String::new(),
        title: "Title".to_owned(),
        author: None,
        dated: None,
        text,
        headings,
        pages: Vec::new(),
        language: None,
        encoding: None,
        warnings: Vec::new(),
    };
    let target_tokens = usize::from(target);
    let max_tokens = target_tokens + usize::from(extra);
    check::document(&document, &PassageOptions { target_tokens, max_tokens });
}
