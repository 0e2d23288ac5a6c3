//! What the lexical index keeps of a document, field by field.

use serde::{Deserialize, Serialize};
use tantivy::schema::{
    FAST, Field, INDEXED, IndexRecordOption, STORED, Schema, TextFieldIndexing, TextOptions,
};

use crate::catalog::Row;
use crate::content::ContentKey;
use crate::paths::short_hash;

/// Name of the analyzer of all text fields.
pub(crate) const ANALYZER: &str = "words";
/// Name of the analyzer of the native fields.
pub(crate) const NATIVE_ANALYZER: &str = "native";
/// Name of the analyzer of the fields of forms.
pub(crate) const FORMS_ANALYZER: &str = "forms";

/// The fields, by name in the index.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fields {
    /// Document number.
    pub(crate) id: Field,
    /// Content key, first and second 64 bits.
    pub(crate) content_high: Field,
    pub(crate) content_low: Field,
    /// Hash of the path's bytes.
    pub(crate) path_hash: Field,
    /// Time of last modification, nanoseconds since 1970.
    pub(crate) modified: Field,
    /// The path, whole, for filters.
    pub(crate) path: Field,
    pub(crate) kind: Field,
    pub(crate) format: Field,
    /// Hashes of the names the document goes by: file name, stem, title.
    pub(crate) name: Field,
    /// The whole text.
    pub(crate) body: Field,
    pub(crate) title: Field,
    /// Who wrote it.
    pub(crate) author: Field,
    pub(crate) headings: Field,
    /// For each passage but the first, the position in the body of its first token.
    pub(crate) passage_starts: Field,
    /// The path's words.
    pub(crate) path_words: Field,
    /// ISO 639-3 code of the document's language, and whether it has native stems.
    pub(crate) language: Field,
    /// The same four by their native stems, of documents that have such; see [`super::language`].
    pub(crate) native_body: Field,
    pub(crate) native_title: Field,
    pub(crate) native_headings: Field,
    pub(crate) native_path_words: Field,
    /// The words of body, title, author and path as they are spelt, each once.
    pub(crate) forms: Field,
    /// The same of the title alone, and of the author.
    pub(crate) title_forms: Field,
    pub(crate) author_forms: Field,
    /// [`StoredRecord`].
    pub(crate) record: Field,
}

impl Fields {
    /// The field that has a field's words by their native stems.
    pub(super) fn native(&self, field: Field) -> Option<Field> {
        self.pairs().iter().find(|(english, _)| *english == field).map(|(_, native)| *native)
    }

    /// The field whose words a native field has.
    pub(super) fn english(&self, field: Field) -> Option<Field> {
        self.pairs().iter().find(|(_, native)| *native == field).map(|(english, _)| *english)
    }

    fn pairs(&self) -> [(Field, Field); 4] {
        [
            (self.body, self.native_body),
            (self.title, self.native_title),
            (self.headings, self.native_headings),
            (self.path_words, self.native_path_words),
        ]
    }
}

/// Everything about a document that a hit shows besides its passage, and all that is needed to
/// make the catalog's row again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredRecord {
    pub(crate) path: Vec<u8>,
    pub(crate) row: Row,
    pub(crate) content: ContentKey,
    pub(crate) title: String,
    pub(crate) kind: String,
    pub(crate) format: String,
    pub(crate) language: Option<String>,
    pub(crate) author: Option<String>,
    pub(crate) dated: Option<String>,
}

/// Builds the schema.
pub(crate) fn schema() -> (Schema, Fields) {
    let analyzed = |analyzer, option| {
        let indexing =
            TextFieldIndexing::default().set_tokenizer(analyzer).set_index_option(option);
        TextOptions::default().set_indexing_options(indexing)
    };
    let words = |option| analyzed(ANALYZER, option);
    let native = |option| analyzed(NATIVE_ANALYZER, option);
    let code = || {
        let indexing = TextFieldIndexing::default()
            .set_tokenizer("raw")
            .set_index_option(IndexRecordOption::Basic)
            .set_fieldnorms(false);
        TextOptions::default().set_indexing_options(indexing)
    };
    let forms = || {
        let indexing = TextFieldIndexing::default()
            .set_tokenizer(FORMS_ANALYZER)
            .set_index_option(IndexRecordOption::Basic)
            .set_fieldnorms(false);
        TextOptions::default().set_indexing_options(indexing)
    };
    let column = || TextOptions::default().set_fast("raw");
    let (positions, counts) =
        (IndexRecordOption::WithFreqsAndPositions, IndexRecordOption::WithFreqs);
    let mut schema = Schema::builder();
    let fields = Fields {
        id: schema.add_u64_field("id", INDEXED | FAST),
        content_high: schema.add_u64_field("content_high", INDEXED | FAST),
        content_low: schema.add_u64_field("content_low", FAST),
        path_hash: schema.add_u64_field("path_hash", INDEXED | FAST),
        modified: schema.add_i64_field("modified", FAST),
        path: schema.add_text_field("path", column()),
        kind: schema.add_text_field("kind", column()),
        format: schema.add_text_field("format", column()),
        name: schema.add_u64_field("name", INDEXED),
        body: schema.add_text_field("body", words(positions)),
        title: schema.add_text_field("title", words(positions)),
        author: schema.add_text_field("author", words(positions)),
        headings: schema.add_text_field("headings", words(counts)),
        passage_starts: schema.add_u64_field("passage_starts", FAST),
        path_words: schema.add_text_field("path_words", words(counts)),
        language: schema.add_text_field("language", code()),
        native_body: schema.add_text_field("native_body", native(positions)),
        native_title: schema.add_text_field("native_title", native(positions)),
        native_headings: schema.add_text_field("native_headings", native(counts)),
        native_path_words: schema.add_text_field("native_path_words", native(counts)),
        forms: schema.add_text_field("forms", forms()),
        title_forms: schema.add_text_field("title_forms", forms()),
        author_forms: schema.add_text_field("author_forms", forms()),
        record: schema.add_bytes_field("record", STORED),
    };
    (schema.build(), fields)
}

/// The hash a name is looked up by: case and spacing do not matter.
pub(crate) fn name_hash(name: &str) -> u64 {
    let mut normal = String::with_capacity(name.len());
    for word in name.split_whitespace() {
        if !normal.is_empty() {
            normal.push(' ');
        }
        normal.extend(word.chars().flat_map(char::to_lowercase));
    }
    short_hash("lsearch document name, version 1", normal.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_ignore_case_and_spacing() {
        assert_eq!(name_hash("Annual  Report\n"), name_hash("annual report"));
        assert_ne!(name_hash("annualreport"), name_hash("annual report"));
    }
}
