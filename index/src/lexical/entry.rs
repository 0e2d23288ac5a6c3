//! One document on its way into the lexical index.

use std::path::Path;

use tantivy::TantivyDocument;

use super::forms::FormList;
use super::language::{HAS_NATIVE, Language};
use super::native::told;
use super::schema::{Fields, StoredRecord, name_hash};
use super::tokens::positions_at;
use crate::catalog::Row;
use crate::content::{ContentKey, StoredContent};
use crate::paths::{path_bytes, path_from_bytes, path_hash};

/// A document and the file it lies in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LexicalEntry<'a> {
    pub(crate) path: &'a Path,
    pub(crate) row: &'a Row,
    pub(crate) content: &'a StoredContent,
}

impl LexicalEntry<'_> {
    /// The title a person knows the document by.
    pub(crate) fn title(&self) -> String {
        display_title(&self.content.title, &self.content.kind, self.path)
    }

    /// Bytes of text that the index takes.
    pub(crate) fn bytes(&self) -> usize {
        let native = self.content.language.as_deref().and_then(Language::of).is_some();
        self.content.text.len() * if native { 2 } else { 1 }
    }

    pub(crate) fn document(&self, fields: &Fields) -> TantivyDocument {
        let content = self.content;
        let title = self.title();
        let key: ContentKey = content.key;
        let (high, low) = key.short().halves();
        let record = StoredRecord {
            path: path_bytes(self.path).to_vec(),
            row: self.row.clone(),
            content: key,
            title: title.clone(),
            kind: content.kind.clone(),
            format: content.format.clone(),
            language: content.language.clone(),
            author: content.author.clone(),
            dated: content.dated.clone(),
        };
        // One allocation of the right size: growing by doubling would triple a large text.
        let mut document = TantivyDocument::with_capacity(content.text.len() + 4096);
        document.add_u64(fields.id, self.row.document_id);
        document.add_u64(fields.content_high, high);
        document.add_u64(fields.content_low, low);
        document.add_u64(fields.path_hash, path_hash(self.path));
        document.add_i64(fields.modified, self.row.stat.modified_ns);
        document.add_text(fields.path, self.path.to_string_lossy());
        document.add_text(fields.kind, &content.kind);
        document.add_text(fields.format, &content.format);
        let root = path_from_bytes(&self.row.root);
        let relative = self.path.strip_prefix(&root).unwrap_or(self.path);
        for name in names(relative, &title) {
            document.add_u64(fields.name, name);
        }
        document.add_text(fields.body, &content.text);
        let starts = content.passages.iter().skip(1).map(|passage| passage.start);
        let language = content.language.as_deref().and_then(Language::of);
        // Headings stand in the text.
        let mut forms = FormList::new(language);
        for position in positions_at(&content.text, starts, |word| forms.add(word)) {
            document.add_u64(fields.passage_starts, u64::from(position));
        }
        document.add_text(fields.title, &title);
        if let Some(author) = &content.author {
            document.add_text(fields.author, author);
        }
        let headings: Vec<&str> =
            content.headings.iter().filter_map(|range| content.text.get(range.clone())).collect();
        let headings = headings.join("\n");
        if !headings.is_empty() {
            document.add_text(fields.headings, &headings);
        }
        let relative = relative.to_string_lossy();
        document.add_text(fields.path_words, &relative);
        if let Some(code) = &content.language {
            document.add_text(fields.language, code);
        }
        if let Some(language) = language {
            document.add_text(fields.language, HAS_NATIVE);
            document.add_text(fields.native_body, told(language, &content.text));
            document.add_text(fields.native_title, told(language, &title));
            document.add_text(fields.native_headings, told(language, &headings));
            document.add_text(fields.native_path_words, told(language, &relative));
        }
        let author = content.author.as_deref().unwrap_or_default();
        let forms = forms.add_text(&title).add_text(author).add_text(&relative);
        document.add_text(fields.forms, forms.into_text());
        document.add_text(fields.title_forms, FormList::new(language).add_text(&title).into_text());
        document.add_text(fields.author_forms, FormList::new(None).add_text(author).into_text());
        let bytes = postcard::to_stdvec(&record).expect("plain data into memory");
        document.add_bytes(fields.record, &bytes);
        document
    }
}

/// The document's own title, or the file's name: with its ending for code, without it for prose.
pub(crate) fn display_title(title: &str, kind: &str, path: &Path) -> String {
    if !title.trim().is_empty() {
        return title.to_owned();
    }
    let name = if kind == "code" { path.file_name() } else { path.file_stem() };
    name.unwrap_or_default().to_string_lossy().into_owned()
}

/// Folders above a file that a person may name it with.
const FOLDERS_NAMED: usize = 4;

/// What a document goes by: its title, its file's name with and without its ending, and the end of its
/// path (`src/main.rs`).
fn names(relative: &Path, title: &str) -> Vec<u64> {
    let mut names = vec![name_hash(title)];
    for name in [relative.file_name(), relative.file_stem()].into_iter().flatten() {
        names.push(name_hash(&name.to_string_lossy()));
    }
    let components: Vec<_> = relative.components().map(|part| part.as_os_str()).collect();
    for folders in 1..=FOLDERS_NAMED.min(components.len().saturating_sub(1)) {
        let end: std::path::PathBuf = components[components.len() - folders - 1..].iter().collect();
        names.push(name_hash(&end.to_string_lossy()));
    }
    names.sort_unstable();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_path_is_a_name() {
        let known = names(Path::new("cli/src/Main.rs"), "Title");
        for name in ["main.rs", "MAIN", "src/main.rs", "cli/src/main.rs", "title"] {
            assert!(known.contains(&name_hash(name)), "{name}");
        }
        assert!(!known.contains(&name_hash("cli/src")));
        assert_eq!(names(Path::new("a"), "a").len(), 1);
    }

    #[test]
    fn a_document_without_a_title_goes_by_its_file() {
        assert_eq!(display_title("", "text", Path::new("/a/notes.txt")), "notes");
        assert_eq!(display_title(" ", "code", Path::new("/a/main.rs")), "main.rs");
        assert_eq!(display_title("T", "code", Path::new("/a/main.rs")), "T");
    }
}
