//! Documents of several languages in one index.

use super::support::*;
use crate::{FileState, Mode, Reader, Writer};

fn put_in(writer: &Writer, language: &str, name: &str, title: &str, text: &str) {
    // The first line is a heading.
    let heading = 0..text.find('\n').unwrap_or(text.len());
    let content = put_of_language(writer, title, text, &[heading], ("text", "txt"), language);
    put_as(writer, name, text, FileState::Document { content });
}

/// Documents in English, German, French and Russian.
fn library(dir: &std::path::Path) -> Reader {
    let writer = open(dir);
    put_in(
        &writer,
        "deu",
        "m.txt",
        "Mietvertrag über Wohnraum",
        "Kündigung des Mieters\nDer Mieter hat eine Frist von drei Monaten einzuhalten.\n\
         Die Gebühren sind am Monatsende zu zahlen.\nDer Garten steht allen Bewohnern offen.\n",
    );
    put_in(
        &writer,
        "deu",
        "g.txt",
        "Hausordnung",
        "Ruhezeiten\nMusik ist nach zehn Uhr leise zu stellen.\nDie Frist für den Wasserzähler.\n",
    );
    put_in(
        &writer,
        "fra",
        "b.txt",
        "Contrat de bail",
        "Résiliation du bail\nLe locataire respecte le délai fixé à l'article douze.\n\
         Les charges sont payées chaque mois.\n",
    );
    put_in(
        &writer,
        "rus",
        "d.txt",
        "Договор аренды",
        "Расторжение договора\nАрендатор возвращает ключи в день расторжения.\n",
    );
    put_in(
        &writer,
        "eng",
        "l.txt",
        "Lease of a flat",
        "Termination by the tenant\nThe tenant observes a notice period of three months.\n\
         The universe of news is die cast.\n",
    );
    encode_pending(&writer);
    writer.commit().unwrap();
    Reader::open(dir).unwrap()
}

fn in_order(reader: &Reader, text: &str) -> Vec<String> {
    let mut names = names(&search(reader, text, Mode::Keyword));
    names.sort();
    names
}

#[test]
fn words_are_found_in_any_form_of_their_language() {
    let dir = tempfile::tempdir().unwrap();
    let reader = library(dir.path());
    for (query, files) in [
        ("Kündigungen", &["m.txt"][..]),
        ("kuendigungen", &["m.txt"]),
        ("kundigung", &["m.txt"]),
        ("Fristen", &["g.txt", "m.txt"]),
        ("résiliations", &["b.txt"]),
        ("résilier", &["b.txt"]),
        ("resiliation", &["b.txt"]),
        ("articles", &["b.txt"]),
        ("договорам", &["d.txt"]),
        ("terminated tenants", &["l.txt"]),
        // Fields, phrases, exclusions and patterns.
        ("title:договоры", &["d.txt"]),
        ("title:Kündigungen", &[]),
        ("\"drei Monate\"", &["m.txt"]),
        ("\"delais fixés\"", &["b.txt"]),
        ("\"Monate drei\"", &[]),
        ("Frist -Gebühr", &["g.txt"]),
        ("articl*", &["b.txt"]),
        ("kündig*", &["m.txt"]),
        ("расторжен*", &["d.txt"]),
        ("artikle~", &["b.txt"]),
    ] {
        assert_eq!(in_order(&reader, query), files, "{query}");
    }
    // Headings and titles rank.
    assert_eq!(names(&search(&reader, "Ruhezeit Musik", Mode::Keyword))[0], "g.txt");
    for mode in [Mode::Hybrid, Mode::Semantic] {
        assert_eq!(names(&search(&reader, "\"drei Monate\"", mode)), ["m.txt"], "{mode:?}");
    }
}

#[test]
fn the_words_passage_is_chosen_and_they_are_marked() {
    let dir = tempfile::tempdir().unwrap();
    let reader = library(dir.path());
    for (query, line, marked) in [
        ("Gebühr Monatsenden", 3, &["Gebühren", "Monatsende"][..]),
        ("gartens", 4, &["Garten"]),
        ("les articles", 2, &["l'article"]),
        ("ключ", 2, &["ключи"]),
        ("\"drei Monate\"", 2, &["drei", "Monaten"]),
    ] {
        let results = search(&reader, query, Mode::Keyword);
        let passage = results.hits[0].passage.as_ref().unwrap();
        assert_eq!(passage.line, line, "{query}");
        let highlights = passage.highlights.iter().map(|range| &passage.snippet[range.clone()]);
        let highlights: Vec<&str> = highlights.collect();
        assert!(marked.iter().all(|word| highlights.contains(word)), "{query}: {highlights:?}");
    }
    let text = "Die Gebühren der Mieter";
    let marks = reader.highlights(&query("Gebühr"), text).unwrap();
    assert_eq!(marks.iter().map(|range| &text[range.clone()]).collect::<Vec<_>>(), ["Gebühren"]);
}

#[test]
fn a_known_word_in_another_form_is_no_typing_error() {
    let dir = tempfile::tempdir().unwrap();
    let reader = library(dir.path());
    for (text, corrected) in [
        ("Kündigungen", None),
        ("Gebühr Garten", None),
        ("welche Frist", None),
        ("Kündigugn", Some("kundigung")),
        ("locatiare", Some("locataire")),
    ] {
        let mut query = query(text);
        let corrections = reader.correct(&mut query).unwrap();
        let meant = corrections.first().map(|correction| correction.meant.as_str());
        assert_eq!(meant, corrected, "{text}");
    }
}

#[test]
fn questions_rank_by_what_they_ask_about() {
    let dir = tempfile::tempdir().unwrap();
    let reader = library(dir.path());
    let count = |text: &str| search(&reader, text, Mode::Keyword).total;
    // Without function words only documents with the other words are found.
    assert_eq!(names(&search(&reader, "Was gilt für die Kündigung?", Mode::Keyword)), ["m.txt"]);
    assert_eq!(
        names(&search(&reader, "quel est le délai de la résiliation", Mode::Keyword)),
        ["b.txt"]
    );
    assert_eq!(names(&search(&reader, "в какой день возвращает ключи", Mode::Keyword)), ["d.txt"]);
    // One alone may be a word of another language, and a query is never left without words.
    assert_eq!(count("die cast"), 3);
    assert_eq!(count("für die"), 3);
    assert_eq!(count("der die"), 3);
}

#[test]
fn a_wrong_guess_at_the_language_hides_nothing() {
    let texts = [
        "The tenants terminated the leases of organisations.",
        "Die Verträge der Gesellschaften über die Häuser.",
    ];
    let queries =
        ["terminating", "lease", "\"tenant terminated\"", "organisation", "Vertrage", "Haus"];
    let found_in = |languages: [&str; 2]| -> Vec<Vec<String>> {
        let dir = tempfile::tempdir().unwrap();
        let writer = open(dir.path());
        for (language, (number, text)) in languages.iter().zip(texts.iter().enumerate()) {
            put_in(&writer, language, &format!("{number}.txt"), "", text);
        }
        writer.commit().unwrap();
        let reader = Reader::open(dir.path()).unwrap();
        queries.map(|query| in_order(&reader, query)).to_vec()
    };
    let as_english = found_in(["eng", "eng"]);
    for languages in [["deu", "fra"], ["fin", "rus"], ["nld", "deu"], ["tur", "xyz"]] {
        for (query, (found, before)) in
            queries.iter().zip(found_in(languages).iter().zip(&as_english))
        {
            assert!(before.iter().all(|name| found.contains(name)), "{query} {languages:?}");
        }
    }
}

#[test]
fn scores_of_english_documents_do_not_depend_on_the_others() {
    let english = [
        ("a.txt", "The tenant pays the rent and the tenant keeps the garden.\n"),
        ("b.txt", "A landlord repairs what the tenant breaks.\nRents are paid monthly.\n"),
        ("c.txt", "Gardens are watered by the landlord.\n"),
    ];
    let scores = |others: &str| {
        let dir = tempfile::tempdir().unwrap();
        let writer = open(dir.path());
        for (name, text) in english {
            put_in(&writer, "eng", name, "", text);
        }
        put_in(
            &writer,
            others,
            "other.txt",
            "",
            "Zwanzig Boote liegen vor einer Insel. Renten, Gardens!\n",
        );
        writer.commit().unwrap();
        let reader = Reader::open(dir.path()).unwrap();
        let queries = ["tenants paying rent", "\"the landlord\"", "garden~", "landlord water*"];
        queries.map(|text| {
            let hits = search(&reader, text, Mode::Keyword).hits;
            let scores = hits.iter().map(|hit| (name(&hit.path), hit.score));
            scores.filter(|(name, _)| name != "other.txt").collect::<Vec<_>>()
        })
    };
    assert_eq!(scores("deu"), scores("eng"));
}

#[test]
fn forms_of_a_word_count_as_one_word() {
    let dir = tempfile::tempdir().unwrap();
    let writer = open(dir.path());
    // Documents of equal length, so that only words decide.
    for number in 0..6 {
        let text = format!("Die Vertrag Nummer {number} Wasser Feuer\n");
        put_in(&writer, "deu", &format!("v{number}.txt"), "", &text);
    }
    put_in(&writer, "deu", "n.txt", "", "Die Nachbarn Nummer sieben Wasser Feuer\n");
    put_in(&writer, "deu", "z.txt", "", "Die Zaun Nummer neun Wasser Feuer\n");
    writer.commit().unwrap();
    let reader = Reader::open(dir.path()).unwrap();
    // "Verträge" stands nowhere, but it is a frequent word all the same.
    let results = search(&reader, "Verträgen Zäune", Mode::Keyword);
    assert_eq!(names(&results)[0], "z.txt");
    let score = |query: &str| search(&reader, query, Mode::Keyword).hits[0].score;
    assert_eq!(score("Verträgen"), score("Vertrag"));
}
