use std::path::Path;

use proptest::prelude::*;

use super::*;

/// 2024-03-31, 15:30 UTC.
const NOW: i64 = 1_711_899_000;

fn parse(text: &str) -> Query {
    Query::parse(text, NOW).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// The clauses in short: `+` required, `-` excluded, `t:` title, `a:` author, quotes for phrases.
fn clauses(text: &str) -> Vec<String> {
    let short = |clause: &Clause| {
        let sign = if clause.exclude { "-" } else { "" };
        let sign = if clause.required() { "+" } else { sign };
        let field = match clause.field {
            Field::Any => "",
            Field::Title => "t:",
            Field::Author => "a:",
        };
        let quote = if clause.phrase { "'" } else { "" };
        format!("{sign}{field}{quote}{}{quote}", clause.text)
    };
    parse(text).clauses.iter().map(short).collect()
}

fn warned_at(text: &str) -> Vec<usize> {
    parse(text).warnings.iter().map(|warning| warning.place.at).collect()
}

#[test]
fn words_phrases_and_exclusions() {
    let text = r#"how to  cancel "annual  contract" -draft -"not valid" lease?"#;
    let expected =
        ["how", "to", "cancel", "+'annual contract'", "-draft", "-'not valid'", "lease?"];
    assert_eq!(clauses(text), expected);
    let query = parse(text);
    assert_eq!(query.text_for_meaning, "how to cancel annual contract lease?");
    assert!(query.warnings.is_empty() && query.filters.is_empty() && query.has_conditions());
    assert!(!parse("how to cancel").has_conditions());
    assert_eq!(clauses("“curly quotes” „unten“ «guillemets»").len(), 3);
    assert_eq!(clauses("“say \"hello\" twice”"), ["+'say hello twice'"]);
}

#[test]
fn flags_of_programs_are_text() {
    let query = parse("date -d in shell");
    assert!(query.clauses.iter().all(|clause| !clause.exclude));
    assert_eq!(query.text_for_meaning, "date -d in shell");
    assert!(parse("鼠 -猫").clauses[1].exclude, "one character can be a word elsewhere");
}

#[test]
fn fields() {
    let text = "title:report Title:\"annual report\" -title:draft revenue";
    assert_eq!(clauses(text), ["+t:report", "+t:'annual report'", "-t:draft", "revenue"]);
    assert_eq!(parse(text).text_for_meaning, "report annual report revenue");

    let text = "Author:doe -author:\"jane roe\" authority";
    assert_eq!(clauses(text), ["+a:doe", "-a:'jane roe'", "authority"]);

    let query =
        parse("revenue path:\"My Files/*.pdf\" TYPE:PDF,.md -type:code after:2023 before:7d");
    assert_eq!(query.clauses.len(), 1);
    assert_eq!(query.filters.paths[0].pattern(), "My Files/*.pdf");
    let types: Vec<_> = query.filters.types.iter().map(|t| (t.name.as_str(), t.exclude)).collect();
    assert_eq!(types, [("pdf", false), ("md", false), ("code", true)]);
    assert_eq!(query.filters.after_sec, parse_date("2023", NOW));
    assert_eq!(query.filters.before_sec, parse_date("2024-03-24", NOW));
    assert_eq!(
        query.to_string(),
        "revenue path:\"My Files/*.pdf\" type:pdf type:md -type:code after:2023-01-01 before:2024-03-24"
    );
}

#[test]
fn text_with_punctuation_survives() {
    let words = [
        "std::fs",
        "http://example.org/a?b=c",
        "12:30",
        r"C:\x",
        r"\\server\share",
        "foo:bar",
        "C++",
        "--verbose",
        "->",
        "a-b",
        "it's",
        "6\"",
        "x=\"y\"",
        "path::join",
        "-",
        "#42",
        "@home",
        "50%",
        "e.g.",
        "subtitle:x",
        "a?b",
        "*p",
        "x*y",
        "~/notes",
    ];
    for word in words {
        let text = format!("find {word} now");
        assert_eq!(clauses(&text), ["find", word, "now"], "{word}");
        assert!(parse(&text).warnings.is_empty(), "{word}");
    }
}

#[test]
fn a_backslash_makes_operators_text() {
    assert_eq!(
        clauses(r#"rm \-rf \path:x \"quoted \\-yes \n"#),
        ["rm", "-rf", "path:x", "\"quoted", r"\-yes", r"\n"]
    );
    // Right after a closing quote a minus is a hyphen.
    let query = parse("\"state\"-owned \"a\"\"b\"");
    let texts: Vec<&str> = query.clauses.iter().map(|clause| clause.text.as_str()).collect();
    assert_eq!(texts, ["state", "-owned", "a", "b"]);
    assert!(query.clauses.iter().all(|clause| !clause.exclude));
}

#[test]
fn an_open_quote_is_plain_text_with_a_warning() {
    let query = parse("café \"unclosed -phrase type:pdf");
    assert_eq!(query.text_for_meaning, "café unclosed -phrase type:pdf");
    assert!(query.clauses.iter().all(|clause| !clause.exclude && !clause.required()));
    assert!(query.filters.is_empty());
    // In characters, not bytes.
    assert_eq!(warned_at("café \"unclosed"), [5]);
    assert_eq!(clauses("a -\"b c"), ["a", "-b", "c"]);
    assert_eq!(clauses("a path:\"b c"), ["a", "path:b", "c"]);
    assert_eq!(warned_at("a path:\"b c"), [7]);
}

#[test]
fn what_may_be_text_is_text_with_a_warning() {
    let cases = [
        ("x \"\"", "x \"\"", 2, 2),
        ("x path:", "x path:", 2, 5),
        ("x title: lease", "x title: lease", 2, 6),
        ("x tittle:lease", "x tittle:lease", 2, 7),
        ("x filetype:pdf", "x filetype:pdf", 2, 9),
        ("x C* y", "x C* y", 2, 2),
        ("x *.rs", "x *.rs", 2, 4),
        ("x \"a leas*\"", "x a leas*", 2, 9),
    ];
    for (text, meaning, at, length) in cases {
        let query = parse(text);
        assert_eq!(query.text_for_meaning, meaning, "{text}");
        assert!(query.filters.is_empty(), "{text}");
        assert_eq!(query.warnings.len(), 1, "{text}");
        assert_eq!(query.warnings[0].place, Place { at, length }, "{text}");
    }
    assert_eq!(warned_at("x after:2024 before:2023"), [2]);
    assert!(warned_at("x after:2023 before:2024").is_empty());
    assert!(parse("x tittle:lease").warnings[0].message.contains("title:"));
}

#[test]
fn what_can_only_be_a_filter_is_an_error() {
    let place = |text| Query::parse(text, NOW).unwrap_err().place().map(|p| (p.at, p.length));
    assert_eq!(place("x after:someday"), Some((8, 7)));
    assert_eq!(place("x before:\"next year\" y"), Some((9, 11)));
    assert_eq!(place("x -after:2024"), Some((2, 11)));
    assert_eq!(place("x type:,"), Some((7, 1)));
    assert_eq!(place("x path:[a"), Some((7, 2)));
    assert_eq!(place("x title:!!"), Some((2, 8)));
    assert_eq!(place("x title:*"), Some((2, 7)));
    assert_eq!(place("*"), Some((0, 1)));
    // Among other words it is one of them, as in a line of SQL.
    assert!(parse("select * from t").warnings.is_empty());
}

#[test]
fn types_are_remembered_with_their_places() {
    let types = |text: &str| -> Vec<(String, usize, usize)> {
        let at = |(name, place): (String, Place)| (name, place.at, place.length);
        parse(text).types_at.into_iter().map(at).collect()
    };
    assert_eq!(types("x type:PDF,.md"), [("pdf".into(), 7, 3), ("md".into(), 12, 2)]);
    assert_eq!(types("x -type:code"), [("code".into(), 8, 4)]);
}

#[test]
fn words_may_stand_for_many() {
    let query = parse("lease* organi?ation title:rent* -draft* wrod~ author:smiht~2 plain");
    let spelt: Vec<String> =
        query.clauses.iter().map(|c| format!("{} {:?}", c.text, c.spelling)).collect();
    assert_eq!(
        spelt,
        [
            "lease* Pattern",
            "organi?ation Pattern",
            "rent* Pattern",
            "draft* Pattern",
            "wrod Near(None)",
            "smiht Near(Some(2))",
            "plain Exact"
        ]
    );
    assert_eq!(query.text_for_meaning, "lease organi ation rent wrod smiht plain");
    assert!(query.warnings.is_empty());
    let literal = parse(r"\lease* plain");
    assert_eq!(
        (literal.clauses[0].text.as_str(), literal.clauses[0].spelling),
        ("lease*", Spelling::Exact)
    );
    assert_eq!(literal.to_string(), r"\lease* plain");
}

#[test]
fn one_typo_is_one_change() {
    for (a, b) in [("tittle", "title"), ("tilte", "title"), ("titl", "title"), ("tytle", "title")] {
        assert!(parse::is_one_typo(a, b) && parse::is_one_typo(b, a), "{a}");
    }
    for (a, b) in [("title", "title"), ("tle", "title"), ("elttit", "title"), ("", "ab")] {
        assert!(!parse::is_one_typo(a, b), "{a}");
    }
}

#[test]
fn queries_without_anything_to_find() {
    let error = |text| Query::parse(text, NOW).unwrap_err();
    assert_eq!(error(""), QueryError::Empty);
    assert_eq!(error("  ?! "), QueryError::Empty);
    let place = Place { at: 2, length: 6 };
    assert_eq!(error("  -draft type:pdf"), QueryError::OnlyExclusions { place });
    assert_eq!(error("  type:a"), QueryError::OnlyFilters { place });
    assert_eq!(error(" -path:x").place(), Some(Place { at: 1, length: 7 }));
    assert!(Query::parse("😀", NOW).is_ok());
}

fn passes(filters: &str, path: &str) -> bool {
    parse(&format!("x {filters}")).filters.matches(Path::new(path), "document", "pdf", 1_000)
}

#[test]
fn paths() {
    let path = "/home/ada/My Docs/2023/Report.PDF";
    for filter in [
        "path:report",
        "path:2023",
        "path:*.pdf",
        "path:2023/*.pdf",
        "path:./2023/*.pdf",
        "path:./2023/report",
        "path:\"my docs/**\"",
        "path:/home/**/*.pdf",
        "path:/home/*",
        "path:ada/*/2023",
        "path:20??",
        "path:{a,r}*.pdf",
        "path:\"My Docs/*/\"",
        "-path:tax",
        "path:2023 path:report",
        "path:/home/ada",
    ] {
        assert!(passes(filter, path), "{filter}");
    }
    for filter in [
        "path:tax",
        "path:*.md",
        "path:/*.pdf",
        "path:ada/*.pdf",
        "-path:report",
        "-path:*.pdf",
        "path:2023 path:tax",
        "path:ocs/*",
        "path:/My*",
    ] {
        assert!(!passes(filter, path), "{filter}");
    }
}

#[test]
fn types_and_dates() {
    for filter in ["type:pdf", "type:PDF", "type:document", "type:md,pdf", "-type:code", "type:txt"]
    {
        assert!(passes(filter, "/a/b.txt"), "{filter}");
    }
    for filter in ["type:md", "-type:pdf", "type:pdf -type:txt", "type:b"] {
        assert!(!passes(filter, "/a/b.txt"), "{filter}");
    }
    let mut filters = Filters::default();
    let matches = |filters: &Filters, sec| filters.matches(Path::new("/a"), "", "", sec);
    assert!(matches(&filters, i64::MIN));
    filters.set_after("2024-01-01", NOW).unwrap();
    filters.set_before("2024-01-02", NOW).unwrap();
    let start = parse_date("2024-01-01", NOW).unwrap();
    assert!(!matches(&filters, start - 1) && matches(&filters, start));
    assert!(matches(&filters, start + 86_399) && !matches(&filters, start + 86_400));
    filters.set_after("2023", NOW).unwrap();
    assert_eq!(filters.after_sec, Some(start), "conditions add up");
    assert_eq!(filters.set_before("never", NOW), Err(FilterError::Date("never".into())));
    assert!(filters.add_path(" ", false).is_err());
}

/// Text in which operators are likely.
fn query_text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => "[a-zé漢0-9_]{1,4}",
        2 => Just(" ".to_owned()),
        2 => prop::sample::select(vec![
            "\"", "“", "”", "„", "«", "»", "-", "\\", ":", ",", ".", "*", "?", "~", "~2", "[", "\u{a0}", "title:", "author:",
            "path:", "type:", "after:", "before:", "Type:", "2024-02-01", "7d", "today", "--", "İ",
        ])
        .prop_map(str::to_owned),
        1 => "\\PC{1,3}",
    ];
    prop::collection::vec(piece, 0..16).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]
    #[test]
    fn printing_and_parsing_again_is_stable(text in query_text()) {
        let Ok(query) = Query::parse(&text, NOW) else { return Ok(()) };
        let printed = query.to_string();
        let again = Query::parse(&printed, NOW + 1_000_000).unwrap();
        prop_assert_eq!(&again.clauses, &query.clauses, "{}", &printed);
        prop_assert_eq!(&again.filters, &query.filters, "{}", &printed);
        prop_assert_eq!(&again.text_for_meaning, &query.text_for_meaning);
        prop_assert_eq!(again.to_string(), printed);
        prop_assert!(query.clauses.iter().any(|clause| !clause.exclude));
        let length = text.chars().count();
        let types = query.types_at.iter().map(|(_, place)| *place);
        for place in query.warnings.iter().map(|warning| warning.place).chain(types) {
            prop_assert!(place.length > 0 && place.at + place.length <= length);
        }
    }

    #[test]
    fn words_without_operators_are_kept_as_they_are(words in prop::collection::vec("[a-zA-Zé漢0-9]{1,8}", 1..8)) {
        let text = words.join(" ");
        let query = parse(&text);
        prop_assert_eq!(query.clauses.len(), words.len());
        prop_assert_eq!(query.text_for_meaning, text);
    }

    #[test]
    fn anything_at_all_can_be_typed(text in any::<String>(), now in any::<i32>()) {
        let _ = Query::parse(&text, i64::from(now));
    }
}
