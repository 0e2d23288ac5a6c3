//! What the commands of LaTeX mean for a reader of words.

/// Commands of one letter that set an accent.
pub(super) const ACCENT_LETTERS: &str = "cvHurk";

/// What a command does to the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    Begin,
    End,
    Heading(u8),
    Title,
    Author,
    Date,
    Footnote,
    /// Divides authors.
    And,
    Item,
    Space,
    Verbatim,
    /// Its arguments, so many at most, are no words; others behind them are.
    SkipArguments(usize),
    /// It defines something.
    Definition,
    /// The command goes, its argument stays.
    Nothing,
}

pub(super) fn effect(name: &str) -> Effect {
    match name {
        "begin" => Effect::Begin,
        "end" => Effect::End,
        "part" | "chapter" => Effect::Heading(1),
        "section" => Effect::Heading(2),
        "subsection" => Effect::Heading(3),
        "subsubsection" => Effect::Heading(4),
        "paragraph" => Effect::Heading(5),
        "subparagraph" => Effect::Heading(6),
        "title" => Effect::Title,
        "author" => Effect::Author,
        "date" => Effect::Date,
        "footnote" | "footnotetext" => Effect::Footnote,
        "and" => Effect::And,
        "item" => Effect::Item,
        "par" | "quad" | "qquad" | "newline" | "linebreak" | "space" | "enspace" | "hfill"
        | "smallskip" | "medskip" | "bigskip" | "newpage" | "clearpage" => Effect::Space,
        "verb" | "lstinline" => Effect::Verbatim,
        "newcommand"
        | "renewcommand"
        | "providecommand"
        | "def"
        | "gdef"
        | "edef"
        | "DeclareMathOperator"
        | "newenvironment"
        | "renewenvironment"
        | "let"
        | "newtheorem"
        | "DeclareRobustCommand" => Effect::Definition,
        "label" | "ref" | "eqref" | "pageref" | "autoref" | "cref" | "Cref" | "nameref"
        | "vref" | "cite" | "citep" | "citet" | "citealp" | "citeauthor" | "citeyear"
        | "autocite" | "parencite" | "textcite" | "footcite" | "nocite" | "usepackage"
        | "RequirePackage" | "documentclass" | "documentstyle" | "includegraphics"
        | "bibliography" | "bibliographystyle" | "addbibresource" | "input" | "include"
        | "includeonly" | "pagestyle" | "thispagestyle" | "vspace" | "hspace" | "index"
        | "glossary" | "hypersetup" | "graphicspath" | "pagenumbering" | "thanks" | "geometry"
        | "tikzset" | "usetikzlibrary" | "color" | "href" | "textcolor" | "raisebox" | "parbox"
        | "colorbox" | "scalebox" | "hyphenation" | "selectlanguage" | "lstset"
        | "captionsetup" | "theoremstyle" | "bibitem" | "hypertarget" | "hyperref"
        | "fontfamily" | "tag" | "email" | "pgfplotsset" | "sisetup" | "externaldocument" => {
            Effect::SkipArguments(1)
        }
        "setlength"
        | "addtolength"
        | "setcounter"
        | "addtocounter"
        | "multicolumn"
        | "multirow"
        | "resizebox"
        | "rule"
        | "definecolor"
        | "fontsize"
        | "newcolumntype"
        | "DeclareUnicodeCharacter" => Effect::SkipArguments(2),
        "addcontentsline" | "fancyhead" | "fancyfoot" | "markboth" | "titleformat" => {
            Effect::SkipArguments(3)
        }
        _ => Effect::Nothing,
    }
}

/// The letter or sign that a command stands for.
pub(super) fn symbol(name: &str) -> Option<&'static str> {
    Some(match name {
        "ss" => "ß",
        "o" => "ø",
        "O" => "Ø",
        "ae" => "æ",
        "AE" => "Æ",
        "oe" => "œ",
        "OE" => "Œ",
        "aa" => "å",
        "AA" => "Å",
        "l" => "ł",
        "L" => "Ł",
        "i" => "ı",
        "j" => "ȷ",
        "dh" => "ð",
        "th" => "þ",
        "ldots" | "dots" | "textellipsis" => "…",
        "copyright" | "textcopyright" => "©",
        "textregistered" => "®",
        "texttrademark" => "™",
        "S" => "§",
        "P" => "¶",
        "dag" => "†",
        "ddag" => "‡",
        "pounds" | "textsterling" => "£",
        "euro" | "texteuro" => "€",
        "textdegree" => "°",
        "textbullet" => "•",
        "textendash" => "–",
        "textemdash" => "—",
        "textbackslash" => "\\",
        "textasciitilde" => "~",
        "textasciicircum" => "^",
        "textunderscore" => "_",
        "textquoteleft" => "‘",
        "textquoteright" => "’",
        "textquotedblleft" => "“",
        "textquotedblright" => "”",
        "guillemotleft" => "«",
        "guillemotright" => "»",
        "textless" => "<",
        "textgreater" => ">",
        "textbar" => "|",
        "LaTeX" => "LaTeX",
        "TeX" => "TeX",
        "BibTeX" => "BibTeX",
        "today" => "",
        _ => return None,
    })
}
