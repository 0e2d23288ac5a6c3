//! How each language writes comments, strings and items.

use super::mask::{Lexis, Oddity, Quote};

/// How the items of a language are found.
#[derive(Debug, Clone, Copy)]
pub(super) struct Language {
    pub(super) lexis: Lexis,
    pub(super) layout: Layout,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Layout {
    /// Braces hold what belongs to an item.
    Braces(Braces),
    /// What belongs to an item is indented, or the language has no items within items.
    Lines(Lines),
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Braces {
    /// Words that begin an item and stand before its name.
    pub(super) keywords: &'static [&'static str],
    /// Those of them whose braces hold items rather than statements.
    pub(super) containers: &'static [&'static str],
    /// Words that may stand before the keyword.
    pub(super) modifiers: &'static [&'static str],
    /// Keywords that need no name.
    pub(super) nameless: &'static [&'static str],
    /// Keywords that name an item only where its braces follow: `struct x y;` is a variable.
    pub(super) with_body: &'static [&'static str],
    pub(super) functions: Functions,
    /// Whether a statement ends with its line.
    pub(super) line_ends: bool,
}

/// Where `name(…) {` without a keyword is a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Functions {
    /// Nowhere.
    Keyword,
    /// Among the members of a class.
    Methods,
    /// There, and `name(…);` too.
    MethodsWithoutBody,
    /// Outside of functions.
    Anywhere,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Lines {
    pub(super) rule: Rule,
    pub(super) keywords: &'static [&'static str],
    pub(super) modifiers: &'static [&'static str],
    /// Whether keywords may be written in capitals.
    pub(super) any_case: bool,
}

/// What a line of an item looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    /// A keyword and a name.
    Keyword,
    /// The same, or `name() {`.
    Shell,
    /// `[name]` in a line of its own.
    Section,
    /// `CREATE … TABLE name`.
    Sql,
    /// `(define name` or `(define (name`, with keywords that begin with the given ones.
    Lisp,
    /// `name <- function`.
    R,
    /// `diff --git a/name b/name`, or `+++ name` where there are none.
    Diff,
    /// `@interface name`, `- (type)name`.
    ObjectiveC,
}

const fn escaped(mark: &'static str) -> Quote {
    Quote { mark, escapes: true, lines: false }
}

const fn escaped_lines(mark: &'static str) -> Quote {
    Quote { mark, escapes: true, lines: true }
}

const fn plain(mark: &'static str) -> Quote {
    Quote { mark, escapes: false, lines: false }
}

const fn plain_lines(mark: &'static str) -> Quote {
    Quote { mark, escapes: false, lines: true }
}

const C_LIKE: Lexis = Lexis {
    line_comments: &["//"],
    block_comments: &[("/*", "*/")],
    nested_comments: false,
    strings: &[escaped("\""), escaped("'")],
    oddities: &[],
};

const HASH: Lexis = Lexis {
    line_comments: &["#"],
    block_comments: &[],
    nested_comments: false,
    strings: &[escaped("\""), escaped("'")],
    oddities: &[],
};

/// For languages whose quotes stand for other things too.
const NO_STRINGS: Lexis = Lexis {
    line_comments: &[],
    block_comments: &[],
    nested_comments: false,
    strings: &[],
    oddities: &[],
};

const BRACES: Braces = Braces {
    keywords: &[],
    containers: &[],
    modifiers: &[],
    nameless: &[],
    with_body: &[],
    functions: Functions::Keyword,
    line_ends: false,
};

const LINES: Lines = Lines { rule: Rule::Keyword, keywords: &[], modifiers: &[], any_case: false };

const fn braces(lexis: Lexis, braces: Braces) -> Language {
    Language { lexis, layout: Layout::Braces(braces) }
}

const fn lines(lexis: Lexis, lines: Lines) -> Language {
    Language { lexis, layout: Layout::Lines(lines) }
}

/// The language of a format of code; `None` where it has no items, or none that we can tell.
pub(super) fn language(format: &str) -> Option<Language> {
    Some(match format {
        "rust" => RUST,
        "python" | "starlark" => PYTHON,
        "javascript" | "vue" | "svelte" => JAVASCRIPT,
        "typescript" => TYPESCRIPT,
        "c" => C,
        "cpp" => CPP,
        "objective-c" => OBJECTIVE_C,
        "java" => JAVA,
        "groovy" => GROOVY,
        "csharp" => CSHARP,
        "kotlin" => KOTLIN,
        "scala" => SCALA,
        "swift" => SWIFT,
        "dart" => DART,
        "go" => GO,
        "php" => PHP,
        "zig" => ZIG,
        "solidity" => SOLIDITY,
        "protobuf" => PROTOBUF,
        "graphql" => GRAPHQL,
        "ruby" => RUBY,
        "perl" => PERL,
        "lua" => LUA,
        "julia" => JULIA,
        "elixir" => ELIXIR,
        "nim" => NIM,
        "haskell" | "elm" => HASKELL,
        "ocaml" | "fsharp" => OCAML,
        "r" => R,
        "lisp" | "clojure" => LISP,
        "shell" | "script" => SHELL,
        "powershell" => POWERSHELL,
        "vim" => VIM,
        "tcl" => TCL,
        "fortran" => FORTRAN,
        "pascal" => PASCAL,
        "hdl" => HDL,
        "cmake" => CMAKE,
        "sql" => SQL,
        "toml" | "ini" => SECTIONS,
        "diff" => DIFF,
        _ => return None,
    })
}

const RUST: Language = braces(
    Lexis {
        nested_comments: true,
        strings: &[escaped_lines("\"")],
        oddities: &[Oddity::RustLiterals],
        ..C_LIKE
    },
    Braces {
        keywords: &["fn", "struct", "enum", "union", "trait", "impl", "mod", "macro_rules"],
        containers: &["trait", "impl", "mod"],
        modifiers: &["pub", "const", "async", "unsafe", "extern", "default", "auto", "safe"],
        with_body: &["mod", "union"],
        ..BRACES
    },
);

const PYTHON: Language = lines(
    Lexis {
        strings: &[escaped_lines("\"\"\""), escaped_lines("'''"), escaped("\""), escaped("'")],
        ..HASH
    },
    Lines { keywords: &["def", "class", "cdef class"], modifiers: &["async"], ..LINES },
);

const JAVASCRIPT_LEXIS: Lexis = Lexis { oddities: &[Oddity::JavaScriptLiterals], ..C_LIKE };

const JAVASCRIPT: Language = braces(
    JAVASCRIPT_LEXIS,
    Braces {
        keywords: &["function", "class", "const", "let", "var"],
        containers: &["class"],
        modifiers: &["export", "default", "async", "static"],
        functions: Functions::Methods,
        line_ends: true,
        ..BRACES
    },
);

const TYPESCRIPT: Language = braces(
    JAVASCRIPT_LEXIS,
    Braces {
        keywords: &[
            "function",
            "class",
            "interface",
            "enum",
            "namespace",
            "module",
            "type",
            "const",
            "let",
            "var",
        ],
        containers: &["class", "interface", "namespace", "module"],
        modifiers: &[
            "export",
            "default",
            "async",
            "static",
            "declare",
            "abstract",
            "public",
            "private",
            "protected",
            "readonly",
            "override",
        ],
        with_body: &["module"],
        functions: Functions::Methods,
        line_ends: true,
        ..BRACES
    },
);

const C: Language = braces(
    Lexis { oddities: &[Oddity::Preprocessor, Oddity::CppLiterals], ..C_LIKE },
    Braces {
        keywords: &["struct", "union", "enum"],
        modifiers: &["typedef", "static", "const", "extern", "volatile"],
        with_body: &["struct", "union", "enum"],
        functions: Functions::Anywhere,
        ..BRACES
    },
);

const CPP: Language = braces(
    Lexis { oddities: &[Oddity::Preprocessor, Oddity::CppLiterals], ..C_LIKE },
    Braces {
        keywords: &["struct", "union", "enum", "class", "namespace", "concept"],
        containers: &["struct", "union", "class", "namespace"],
        modifiers: &["typedef", "static", "const", "extern", "inline", "volatile"],
        with_body: &["struct", "union", "enum", "class", "namespace"],
        functions: Functions::Anywhere,
        ..BRACES
    },
);

const OBJECTIVE_C: Language = lines(
    C_LIKE,
    Lines {
        rule: Rule::ObjectiveC,
        keywords: &["@interface", "@implementation", "@protocol", "function", "classdef"],
        ..LINES
    },
);

const JAVA: Language = braces(
    Lexis { strings: &[escaped_lines("\"\"\""), escaped("\""), escaped("'")], ..C_LIKE },
    Braces {
        keywords: &["class", "interface", "enum", "record"],
        containers: &["class", "interface", "enum", "record"],
        modifiers: &[
            "public",
            "protected",
            "private",
            "static",
            "final",
            "abstract",
            "sealed",
            "strictfp",
            "non-sealed",
        ],
        functions: Functions::MethodsWithoutBody,
        ..BRACES
    },
);

const GROOVY: Language = braces(
    Lexis {
        strings: &[escaped_lines("\"\"\""), escaped_lines("'''"), escaped("\""), escaped("'")],
        ..C_LIKE
    },
    Braces {
        keywords: &["class", "interface", "enum", "trait"],
        containers: &["class", "interface", "enum", "trait"],
        modifiers: &["public", "protected", "private", "static", "final", "abstract"],
        functions: Functions::Methods,
        line_ends: true,
        ..BRACES
    },
);

const CSHARP: Language = braces(
    Lexis {
        strings: &[plain_lines("\"\"\""), escaped("\""), escaped("'")],
        oddities: &[Oddity::VerbatimStrings, Oddity::Preprocessor],
        ..C_LIKE
    },
    Braces {
        keywords: &["class", "interface", "enum", "struct", "record", "namespace"],
        containers: &["class", "interface", "struct", "record", "namespace"],
        modifiers: &[
            "public",
            "protected",
            "private",
            "internal",
            "static",
            "sealed",
            "abstract",
            "partial",
            "readonly",
            "unsafe",
            "new",
            "file",
            "ref",
        ],
        functions: Functions::MethodsWithoutBody,
        ..BRACES
    },
);

const KOTLIN: Language = braces(
    Lexis {
        nested_comments: true,
        strings: &[plain_lines("\"\"\""), escaped("\""), escaped("'")],
        ..C_LIKE
    },
    Braces {
        keywords: &["class", "interface", "object", "fun"],
        containers: &["class", "interface", "object"],
        modifiers: &[
            "public",
            "protected",
            "private",
            "internal",
            "open",
            "final",
            "abstract",
            "sealed",
            "data",
            "inner",
            "inline",
            "value",
            "annotation",
            "enum",
            "override",
            "suspend",
            "operator",
            "infix",
            "tailrec",
            "external",
            "expect",
            "actual",
            "companion",
            "const",
            "lateinit",
            "noinline",
        ],
        line_ends: true,
        ..BRACES
    },
);

const SCALA: Language = braces(
    Lexis { nested_comments: true, strings: &[plain_lines("\"\"\""), escaped("\"")], ..C_LIKE },
    Braces {
        keywords: &["class", "object", "trait", "def", "enum"],
        containers: &["class", "object", "trait", "enum"],
        modifiers: &[
            "private",
            "protected",
            "final",
            "abstract",
            "sealed",
            "case",
            "implicit",
            "override",
            "lazy",
            "inline",
            "package",
            "open",
            "transparent",
        ],
        line_ends: true,
        ..BRACES
    },
);

const SWIFT: Language = braces(
    Lexis { nested_comments: true, strings: &[escaped_lines("\"\"\""), escaped("\"")], ..C_LIKE },
    Braces {
        keywords: &[
            "class",
            "struct",
            "enum",
            "protocol",
            "extension",
            "actor",
            "func",
            "init",
            "deinit",
            "subscript",
        ],
        containers: &["class", "struct", "enum", "protocol", "extension", "actor"],
        modifiers: &[
            "public",
            "private",
            "fileprivate",
            "internal",
            "open",
            "final",
            "static",
            "override",
            "mutating",
            "nonmutating",
            "indirect",
            "required",
            "convenience",
            "prefix",
            "postfix",
            "infix",
            "dynamic",
            "optional",
            "nonisolated",
            "isolated",
            "package",
            "lazy",
            "weak",
            "borrowing",
            "consuming",
        ],
        nameless: &["init", "deinit", "subscript"],
        line_ends: true,
        ..BRACES
    },
);

const DART: Language = braces(
    Lexis {
        strings: &[escaped_lines("\"\"\""), escaped_lines("'''"), escaped("\""), escaped("'")],
        nested_comments: true,
        ..C_LIKE
    },
    Braces {
        keywords: &["class", "mixin", "extension", "enum"],
        containers: &["class", "mixin", "extension", "enum"],
        modifiers: &["abstract", "base", "final", "interface", "sealed", "external"],
        functions: Functions::Anywhere,
        ..BRACES
    },
);

const GO: Language = braces(
    Lexis { strings: &[plain_lines("`"), escaped("\""), escaped("'")], ..C_LIKE },
    Braces { keywords: &["func", "type"], line_ends: true, ..BRACES },
);

const PHP: Language = braces(
    Lexis {
        line_comments: &["//", "#"],
        block_comments: &[("/*", "*/")],
        nested_comments: false,
        strings: &[escaped_lines("\""), escaped_lines("'")],
        oddities: &[Oddity::PhpTags, Oddity::Heredocs],
    },
    Braces {
        keywords: &["function", "class", "interface", "trait", "enum", "namespace"],
        containers: &["class", "interface", "trait", "enum", "namespace"],
        modifiers: &["abstract", "final", "public", "protected", "private", "static", "readonly"],
        ..BRACES
    },
);

const ZIG: Language = braces(
    Lexis { block_comments: &[], ..C_LIKE },
    Braces {
        keywords: &["fn"],
        modifiers: &["pub", "export", "extern", "inline", "noinline"],
        ..BRACES
    },
);

const SOLIDITY: Language = braces(
    C_LIKE,
    Braces {
        keywords: &[
            "contract",
            "interface",
            "library",
            "function",
            "struct",
            "enum",
            "modifier",
            "event",
        ],
        containers: &["contract", "interface", "library"],
        modifiers: &["abstract"],
        ..BRACES
    },
);

const PROTOBUF: Language = braces(
    C_LIKE,
    Braces {
        keywords: &["message", "service", "enum", "rpc", "extend"],
        containers: &["message", "service"],
        with_body: &["message", "service", "enum", "extend"],
        ..BRACES
    },
);

const GRAPHQL: Language = braces(
    Lexis { strings: &[plain_lines("\"\"\""), escaped("\"")], ..HASH },
    Braces {
        keywords: &[
            "type",
            "interface",
            "input",
            "enum",
            "union",
            "scalar",
            "query",
            "mutation",
            "fragment",
            "subscription",
        ],
        modifiers: &["extend"],
        line_ends: true,
        ..BRACES
    },
);

const RUBY: Language = lines(
    Lexis {
        block_comments: &[("=begin", "=end")],
        oddities: &[Oddity::Heredocs, Oddity::WordHash],
        ..HASH
    },
    Lines {
        keywords: &["def", "class", "module"],
        modifiers: &["private", "protected", "public", "private_class_method"],
        ..LINES
    },
);

const PERL: Language = lines(
    Lexis {
        oddities: &[Oddity::Heredocs, Oddity::WordHash],
        block_comments: &[("\n=", "\n=cut")],
        ..HASH
    },
    Lines { keywords: &["sub", "package"], ..LINES },
);

const LUA: Language = lines(
    Lexis { line_comments: &["--"], block_comments: &[("--[[", "]]"), ("[[", "]]")], ..HASH },
    Lines { keywords: &["function"], modifiers: &["local"], ..LINES },
);

const JULIA: Language = lines(
    Lexis {
        block_comments: &[("#=", "=#")],
        strings: &[escaped_lines("\"\"\""), escaped("\"")],
        ..HASH
    },
    Lines {
        keywords: &["function", "macro", "module", "struct"],
        modifiers: &["mutable", "baremodule"],
        ..LINES
    },
);

const ELIXIR: Language = lines(
    Lexis { strings: &[escaped_lines("\"\"\""), escaped_lines("'''"), escaped("\"")], ..HASH },
    Lines {
        keywords: &["def", "defp", "defmodule", "defmacro", "defmacrop", "defprotocol", "defimpl"],
        ..LINES
    },
);

const NIM: Language = lines(
    Lexis {
        strings: &[plain_lines("\"\"\""), escaped("\"")],
        block_comments: &[("#[", "]#")],
        ..HASH
    },
    Lines {
        keywords: &["proc", "func", "method", "iterator", "template", "macro", "converter"],
        ..LINES
    },
);

const HASKELL: Language = lines(
    Lexis {
        line_comments: &["--"],
        block_comments: &[("{-", "-}")],
        nested_comments: true,
        strings: &[escaped("\"")],
        oddities: &[],
    },
    Lines { keywords: &["data", "newtype", "type", "class", "module", "port"], ..LINES },
);

const OCAML: Language = lines(
    Lexis {
        block_comments: &[("(*", "*)")],
        nested_comments: true,
        strings: &[escaped_lines("\"")],
        ..NO_STRINGS
    },
    Lines { keywords: &["module", "type", "class", "exception", "namespace"], ..LINES },
);

const R: Language = lines(HASH, Lines { rule: Rule::R, ..LINES });

const LISP: Language = lines(
    Lexis {
        line_comments: &[";"],
        block_comments: &[("#|", "|#")],
        strings: &[escaped_lines("\"")],
        ..NO_STRINGS
    },
    Lines { rule: Rule::Lisp, keywords: &["def", "ns"], ..LINES },
);

const SHELL: Language = lines(
    Lexis { oddities: &[Oddity::Heredocs, Oddity::WordHash], ..HASH },
    Lines { rule: Rule::Shell, keywords: &["function"], ..LINES },
);

const POWERSHELL: Language = lines(
    Lexis {
        block_comments: &[("<#", "#>")],
        oddities: &[Oddity::WordHash],
        strings: &[plain("\""), plain("'")],
        ..HASH
    },
    Lines {
        keywords: &["function", "filter", "class", "enum", "workflow"],
        any_case: true,
        ..LINES
    },
);

const VIM: Language = lines(
    NO_STRINGS,
    Lines {
        keywords: &["function", "function!", "fun", "fun!", "func", "func!", "def"],
        modifiers: &["export"],
        ..LINES
    },
);

const TCL: Language = lines(
    Lexis { line_comments: &["#"], oddities: &[Oddity::WordHash], ..NO_STRINGS },
    Lines { keywords: &["proc", "namespace eval", "oo::class create", "method"], ..LINES },
);

const FORTRAN: Language = lines(
    Lexis { line_comments: &["!"], strings: &[plain("\""), plain("'")], ..NO_STRINGS },
    Lines {
        keywords: &["program", "module", "subroutine", "function", "interface"],
        modifiers: &[
            "pure",
            "elemental",
            "recursive",
            "integer",
            "real",
            "logical",
            "double",
            "precision",
            "complex",
        ],
        any_case: true,
        ..LINES
    },
);

const PASCAL: Language = lines(
    Lexis {
        line_comments: &["//"],
        block_comments: &[("{", "}"), ("(*", "*)")],
        strings: &[plain("'")],
        ..NO_STRINGS
    },
    Lines {
        keywords: &[
            "program",
            "unit",
            "procedure",
            "function",
            "constructor",
            "destructor",
            "library",
        ],
        modifiers: &["class"],
        any_case: true,
        ..LINES
    },
);

const HDL: Language = lines(
    Lexis {
        line_comments: &["//", "--"],
        block_comments: &[("/*", "*/")],
        strings: &[escaped("\"")],
        ..NO_STRINGS
    },
    Lines {
        keywords: &[
            "module",
            "interface",
            "package",
            "class",
            "function",
            "task",
            "entity",
            "architecture",
            "procedure",
            "program",
        ],
        modifiers: &["virtual", "automatic", "static"],
        any_case: true,
        ..LINES
    },
);

const CMAKE: Language = lines(
    Lexis { strings: &[escaped_lines("\"")], ..HASH },
    Lines { keywords: &["function(", "macro("], any_case: true, ..LINES },
);

const SQL: Language = lines(
    Lexis {
        line_comments: &["--"],
        block_comments: &[("/*", "*/")],
        strings: &[plain_lines("'")],
        ..NO_STRINGS
    },
    Lines { rule: Rule::Sql, any_case: true, ..LINES },
);

const SECTIONS: Language = lines(
    Lexis { strings: &[plain_lines("\"\"\""), plain_lines("'''")], ..NO_STRINGS },
    Lines { rule: Rule::Section, ..LINES },
);

const DIFF: Language = lines(NO_STRINGS, Lines { rule: Rule::Diff, ..LINES });
