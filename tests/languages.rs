//! Documents in German, French and Russian beside English ones, found in their own languages.

use crate::common::{Desk, note};

const LEASE: &str = "# Mietvertrag über Wohnraum\n\n\
    Zwischen dem Vermieter und den Mietern wird der folgende Vertrag geschlossen.\n\n\
    ## Dauer und Kündigungsfrist\n\n\
    Das Mietverhältnis beginnt am ersten Mai und läuft auf unbestimmte Zeit. Die Kündigungsfrist beträgt drei \
    Monate zum Ende eines Kalendermonats; die Erklärung muss schriftlich erfolgen.\n\n\
    ## Betriebskosten\n\n\
    Über die Vorauszahlungen wird einmal im Jahr abgerechnet. Nachzahlungen sind innerhalb von dreißig Tagen zu leisten.\n";

const BAIL: &str = "# Contrat de location\n\n\
    Le bailleur et le locataire sont convenus de ce qui suit pour l'appartement situé au premier étage.\n\n\
    ## Fin du contrat\n\n\
    La résiliation est notifiée par lettre recommandée. Le préavis est de trois mois, sauf dans les cas prévus à \
    l'article douze, où il est réduit à un mois.\n\n\
    ## Charges\n\n\
    Les provisions sont versées chaque mois et régularisées à la fin de l'année.\n";

const LEASE_IN_RUSSIAN: &str = "# Договор аренды квартиры\n\n\
    Собственник передаёт квартиру арендатору, а арендатор обязуется платить за неё каждый месяц.\n\n\
    ## Окончание\n\n\
    Расторжение возможно по письменному заявлению одной из сторон, поданному за два месяца. Ключи возвращаются \
    в последний день, о чём составляется акт.\n";

fn desk() -> Desk {
    let desk = Desk::new();
    desk.write("vertrag.md", LEASE);
    desk.write("bail.md", BAIL);
    desk.write("kvartira.md", LEASE_IN_RUSSIAN);
    desk.write("harbour.txt", note("the harbour"));
    desk.write("lighthouse.txt", note("the lighthouse keeper"));
    desk.run(["add", "docs", "--no-wait"]).ok();
    desk
}

#[test]
fn other_forms_of_a_word_are_found() {
    let desk = desk();
    for (query, file) in [
        ("Kündigungsfristen", "vertrag.md"),
        ("kundigungsfristen", "vertrag.md"),
        ("Kuendigungsfristen", "vertrag.md"),
        ("\"dreißig Tag\"", "vertrag.md"),
        ("title:Mietverträge", "vertrag.md"),
        ("résiliations", "bail.md"),
        ("\"lettres recommandées\"", "bail.md"),
        ("articles", "bail.md"),
        ("договоры", "kvartira.md"),
        ("\"письменные заявления\"", "kvartira.md"),
    ] {
        assert_eq!(desk.find(query), [file], "{query}");
    }
    let results = desk.run(["search", "--json", "--mode", "keyword", "Kündigungsfristen"]).ok();
    let hit = &results.json()["hits"][0];
    let passage = &hit["passage"];
    assert!(passage["text"].as_str().unwrap().contains("beträgt drei"), "{passage:#}");
    let marked = desk.run(["search", "--mode", "keyword", "résiliations"]).ok();
    assert!(!marked.stderr.contains("résiliation"), "no correction: {}", marked.stderr);
}

#[test]
fn questions_are_put_in_the_documents_language() {
    let desk = desk();
    for (question, file) in [
        ("Welche Frist gilt für die Kündigungsfristen?", "vertrag.md"),
        ("quel est le délai de la résiliation", "bail.md"),
        ("за сколько месяцев возможно расторжение договоров", "kvartira.md"),
    ] {
        assert_eq!(desk.find(question), [file], "{question}");
    }
    // English ones as ever.
    assert_eq!(desk.find("where is the lighthouse keeper")[0], "lighthouse.txt");
}

#[test]
fn an_index_of_before_is_made_again_with_what_it_has() {
    let desk = desk();
    // What stands for one whose lexical index has another form: its list of fields is not this release's.
    let meta = desk.data().join("lexical/meta.json");
    let text = std::fs::read_to_string(&meta).unwrap();
    let (json, _) = text.split_once("\ncrc32 ").unwrap();
    let older = json.replace("\"native_body\"", "\"another_body\"");
    assert_ne!(older, json);
    std::fs::write(&meta, older).unwrap();
    desk.run(["search", "lighthouse"])
        .exits(2)
        .says("made by another release of lsearch")
        .says("`lsearch add` makes it anew");
    desk.run(["add", "--no-wait"]).ok().says("another release's form");
    assert_eq!(desk.find("Kündigungsfristen"), ["vertrag.md"]);
    assert_eq!(desk.find("lighthouse"), ["lighthouse.txt"]);
}
