use proptest::prelude::*;

use super::*;

fn read(source: &str) -> Extracted {
    extract(source.into())
}

#[test]
fn a_paper() {
    let source = "\\documentclass[11pt]{article}\n\\usepackage{amsmath} % math\n\\newcommand{\\R}[1]{\\mathbb{#1}}\n\\title{Tides of the \\emph{North}}\n\
                  \\author{Ada Osei\\\\Univ. of X \\and S\\o ren L\\\"und\\thanks{Paid}}\n\\date{March 1, 2024}\n\\begin{document}\n\\maketitle\n\
                  \\section{How high?}\\label{sec:h}\nCaf\\'e na\\\"{\\i}ve --- ``so''~\\cite{a}, 5\\% of $x_1$ \\& more\\footnote{See \\url{a.b}.}.\n\
                  \\subsection*{Far}\n\\begin{itemize}\n\\item One\n\\end{itemize}\n\\begin{equation}\n a &= b % kept\n\\end{equation}\n\
                  \\begin{verbatim}\n\\section{none}\n\\end{verbatim}\n\\end{document}\nleft out\n";
    let extracted = read(source);
    assert_eq!(extracted.title.as_deref(), Some("Tides of the North"));
    assert_eq!(extracted.author.as_deref(), Some("Ada Osei; Søren Lünd"));
    assert_eq!(extracted.dated.as_deref(), Some("2024-03-01"));
    let headings: Vec<_> =
        extracted.headings.iter().map(|h| (&extracted.text[h.bytes.clone()], h.level)).collect();
    assert_eq!(headings, [("How high?", 2), ("Far", 3)]);
    let lines: Vec<&str> = extracted.text.lines().map(str::trim).collect();
    assert_eq!(lines[9], "Café naïve — “so” , 5% of $x_1$ & more (See a.b.).");
    assert_eq!(lines[12], "- One");
    assert_eq!(&lines[14..17], ["\\begin{equation}", "a &= b % kept", "\\end{equation}"]);
    assert_eq!(lines[18], "\\section{none}");
    assert!(!extracted.text.contains("amsmath") && !extracted.text.contains("left out"));
    assert!(!extracted.text.contains("mathbb"));
}

#[test]
fn a_piece_without_preamble() {
    let extracted = read(
        "\\chapter{Wells}\n\\v{S}koda \\c{c}a \\'a\\.z\n\\href{http://a.b}{here} it is \\verb|\\x|\n",
    );
    assert_eq!(extracted.text, "Wells\nŠkoda ça áż\nhere it is \\x\n");
    assert_eq!(extracted.title.as_deref(), Some("Wells"));
}

#[test]
fn what_is_broken_stays_readable() {
    for source in [
        "\\section{open",
        "}}}} text",
        "costs $5 today\n\nand $ more",
        "\\begin{equation} x",
        "\\",
        "\\'",
        "\\verb",
        "\\begin",
    ] {
        let extracted = read(source);
        assert!(extracted.text.len() <= source.len() + 4, "{source}");
    }
    assert_eq!(read("costs $5 today").text, "costs $5 today");
}

fn any_source() -> impl Strategy<Value = String> {
    let pieces = prop_oneof![
        4 => prop::sample::select(vec![
            "\\section{", "\\title{", "\\author{", "\\begin{document}", "\\end{document}", "\\begin{verbatim}", "\\end{verbatim}",
            "\\begin{align}", "\\end{align}", "\\item", "{", "}", "$", "$$", "\\(", "\\)", "%", "\\'", "\\c", "\\v{", "\\\\", "[", "]",
            "\\def\\x", "\\verb|", "|", "\\o ", "--", "é",
        ]).prop_map(str::to_owned),
        2 => Just("\n".to_owned()),
        2 => "[a-zé ]{0,8}",
        1 => "\\PC{0,6}",
    ];
    prop::collection::vec(pieces, 0..60).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn lines_stay_and_headings_are_pieces_of_the_text(source in any_source()) {
        let extracted = read(&source);
        let cut = source.find("\\end{document}").unwrap_or(source.len());
        prop_assert!(extracted.text.matches('\n').count() <= source.matches('\n').count());
        if cut == source.len() {
            prop_assert_eq!(extracted.text.matches('\n').count(), source.matches('\n').count());
        }
        let mut end = 0;
        for heading in extracted.headings {
            prop_assert!(heading.bytes.start >= end);
            end = heading.bytes.end;
            prop_assert!(!extracted.text[heading.bytes].trim().is_empty());
        }
    }
}
