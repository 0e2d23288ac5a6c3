use proptest::prelude::*;

use super::*;

fn found(format: &str, text: &str) -> Vec<String> {
    let extracted = extract(text.into(), format);
    extracted
        .headings
        .iter()
        .map(|h| format!("{} {}", h.level, &extracted.text[h.bytes.clone()]))
        .collect()
}

fn said(format: &str, text: &str) -> [String; 3] {
    let extracted = extract(text.into(), format);
    [extracted.title, extracted.author, extracted.dated].map(Option::unwrap_or_default)
}

#[test]
fn restructured_text() {
    let text = "=====\nTides\n=====\n:Author: A. Osei <a@b.c>, B. Lund\n:Date: 2024-03-01\n\nHow high\n========\n\nText\nwithout\n-------\n\n\
                Far out\n~~~~~~~\n\n=== ===\na   b\n=== ===\n\nBack\n====\n";
    assert_eq!(found("rst", text), ["1 Tides", "2 How high", "3 Far out", "2 Back"]);
    assert_eq!(said("rst", text), ["Tides", "A. Osei; B. Lund", "2024-03-01"]);
    let pep = "PEP: 1\nTitle: Purpose of them\nAuthor: Barry Lund\nCreated: 13-Jun-2000\n\nAbstract\n========\n";
    assert_eq!(said("rst", pep), ["Purpose of them", "Barry Lund", "2000-06-13"]);
}

#[test]
fn asciidoc() {
    let text = "= Tides of the North\nAda Osei <a@b.c>; Bo Lund\nv1.0, 2014-01-02: first\n:toc:\n\n== How high\n\n----\n== none\n----\n\n=== Far\n\nOld style\n---------\n";
    assert_eq!(
        found("asciidoc", text),
        ["1 Tides of the North", "2 How high", "3 Far", "2 Old style"]
    );
    assert_eq!(said("asciidoc", text), ["Tides of the North", "Ada Osei; Bo Lund", "2014-01-02"]);
}

#[test]
fn org() {
    let text = "#+TITLE: Tides\n#+author: A. Osei\n#+DATE: <2024-03-01 Fri>\n* TODO [#A] How high :sea:moon:\n:PROPERTIES:\n:ID: é1\n:END:\nText *bold*\n** Far\n#+begin_src c\n* none\n#+end_src\n";
    assert_eq!(found("org", text), ["1 How high", "2 Far"]);
    assert_eq!(said("org", text), ["Tides", "A. Osei", "2024-03-01"]);
    let extracted = extract(text.into(), "org");
    assert!(!extracted.text.contains("PROPERTIES") && !extracted.text.contains("é1"));
    assert_eq!(extracted.text.lines().count(), text.lines().count());
    assert_eq!(extracted.text.len(), text.len());
}

#[test]
fn wikis_entries_and_tables() {
    assert_eq!(found("mediawiki", "=Tides=\n== How high ==\n=== x\n"), ["1 Tides", "2 How high"]);
    assert_eq!(
        found("bibtex", "@string{a = \"b\"}\n@article{osei24,\n  title={Tides}\n}\n"),
        ["1 osei24"]
    );
    assert_eq!(found("csv", "name,height (m)\n1,2\n"), ["1 name,height (m)"]);
    assert_eq!(found("csv", "name;height\na;1,2\n"), ["1 name;height"]);
    assert_eq!(found("csv", "a,1\nb,2\n"), [""; 0]);
    assert_eq!(found("tsv", "name\theight\n1\t2\n"), ["1 name\theight"]);
    assert_eq!(said("csv", "name,height\n1,2\n"), ["", "", ""]);
    assert_eq!(found("po", "msgid \"\"\nmsgstr \"\"\n\nCHAPTER 1\n"), [""; 0]);
    assert_eq!(found("text", "Chapter 1\n\nIt rained.\n"), ["1 Chapter 1"]);
}

fn any_markup() -> impl Strategy<Value = String> {
    let pieces = prop_oneof![
        3 => prop::sample::select(vec![
            "= T", "== S ==", "* H", "** TODO x :a:", ":END:", ":ID:", "====", "----", "~~~~", "#+begin_x", "#+end_x", "@a{b,",
            "#+title: x", ":author: y", "Date: 2024", "v1, 2024-01-01", "a,b", "....", "//// ",
        ]).prop_map(str::to_owned),
        2 => Just("\n".to_owned()),
        1 => "[A-Za-zé ]{0,12}",
        1 => "\\PC{0,8}",
    ];
    prop::collection::vec(pieces, 0..40).prop_map(|pieces| pieces.join("\n"))
}

proptest! {
    #[test]
    fn headings_are_ordered_pieces_of_the_text(text in any_markup(), which in 0..7_usize) {
        let format = ["rst", "asciidoc", "org", "mediawiki", "bibtex", "csv", "tsv"][which];
        let extracted = extract(text.clone().into(), format);
        prop_assert_eq!(extracted.text.lines().count(), text.lines().count());
        let mut end = 0;
        for heading in extracted.headings {
            prop_assert!(heading.bytes.start >= end, "{}", format);
            end = heading.bytes.end;
            prop_assert!((1..=6).contains(&heading.level));
            let words = &extracted.text[heading.bytes];
            prop_assert!(!words.is_empty() && words.trim() == words);
        }
    }
}
