use std::path::Path;

use proptest::prelude::*;

use super::*;

const FORMATS: [&str; 41] = [
    "rust",
    "python",
    "javascript",
    "typescript",
    "c",
    "cpp",
    "objective-c",
    "java",
    "groovy",
    "csharp",
    "kotlin",
    "scala",
    "swift",
    "dart",
    "go",
    "php",
    "zig",
    "solidity",
    "protobuf",
    "graphql",
    "ruby",
    "perl",
    "lua",
    "julia",
    "elixir",
    "nim",
    "haskell",
    "ocaml",
    "r",
    "lisp",
    "shell",
    "powershell",
    "vim",
    "tcl",
    "fortran",
    "pascal",
    "hdl",
    "cmake",
    "sql",
    "toml",
    "diff",
];

/// Each item as its level and its words.
fn found(format: &str, text: &str) -> Vec<String> {
    headings(text, &language(format).unwrap())
        .iter()
        .map(|h| format!("{} {}", h.level, title::clean(&text[h.bytes.clone()]).unwrap()))
        .collect()
}

#[test]
fn rust() {
    let text = r##"
//! fn none() {}
pub(crate) struct Scanner<'a> { text: &'a str, quote: char }
impl<'a> Iterator for Scanner<'a>
where
    Self: Sized,
{
    type Item = char;
    /* a comment /* in a */ fn none() {} */
    fn next(&mut self) -> Option<char> {
        let c = '{'; let s = "}} fn none() {"; let raw = r#"" fn none() {"#;
        fn inner() {}
    }
}
pub const LIMIT: usize = 3;
const fn limit() -> usize { LIMIT }
mod elsewhere;
mod tests { #[test] async unsafe fn works() {} }
macro_rules! make { ($x:ident) => {}; }
trait Walk { fn walk(&self); }
"##;
    assert_eq!(
        found("rust", text),
        [
            "1 struct Scanner",
            "1 impl<'a> Iterator for Scanner<'a>",
            "2 fn next",
            "3 fn inner",
            "1 fn limit",
            "1 mod tests",
            "2 fn works",
            "1 macro_rules! make",
            "1 trait Walk",
            "2 fn walk",
        ]
    );
}

#[test]
fn python() {
    let text = "'''def none(): pass\n'''\nclass A(B):\n    '''class None:'''\n    @property\n    def b(self):\n        \
                async def inner():\n            pass\n\nif x:\n    def c(): pass\nclassic = 1\ndef\n";
    assert_eq!(found("python", text), ["1 class A", "2 def b", "3 def inner", "1 def c"]);
}

#[test]
fn javascript_and_typescript() {
    let text = "export default class A extends B {\n  static async load(x) {\n    if (x) { y() }\n  }\n  #go = () => {\n  }\n}\n\
                const f = async (a, b) => a\nconst n = /class X {'/.test(y)\nfunction* g() {\n  const s = `}${'`'} function none() {`\n}\n\
                (function () {\n  function inner() {}\n})()\nA.prototype.c = function () {}\n";
    assert_eq!(
        found("javascript", text),
        ["1 class A", "2 load", "1 f", "1 function* g", "1 function inner", "1 A.prototype.c"]
    );
    let text = "declare module 'x' {\n}\nexport interface Shape<T> {\n  area: () => number\n}\n\
                type Name = string\nabstract class C {\n  private go<T>(x: T): Promise<{ a: T }> {\n  }\n}\n\
                export const enum Color { Red }\nconst typed: Handler = (x) => x\n";
    assert_eq!(
        found("typescript", text),
        ["1 interface Shape", "1 type Name", "1 class C", "2 go", "1 enum Color", "1 typed"]
    );
}

#[test]
fn c_and_cpp() {
    let text = "#define OPEN {\n#if 0\nint none(void) {\n#else\n#endif\nstruct point { int x; };\nstruct point *origin;\n\
                static struct point *\nmake(int x, char c)\n{\n  if (c == '{') { call(\"}\"); }\n  return 0;\n}\n\
                int table[] = { 1, 2 };\nAPI(int) shown(void) {\n}\nint proto(int);\n";
    assert_eq!(found("c", text), ["1 struct point", "1 make", "1 shown"]);
    let text = "namespace a::b {\ntemplate <typename T = int>\nclass EXPORT Box final : public Base<T> {\n public:\n  Box(int n) : n_(n) {}\n  \
                ~Box() {}\n  bool operator==(const Box& o) const { return true; }\n  virtual void f() = 0;\n};\n\
                void Box::g(int x = 1) const noexcept {\n  auto f = [&](int y) { return y; };\n  for (;;) {}\n}\n}\n\
                extern \"C\" {\nvoid h() {}\n}\nenum class E : int { A };\n";
    assert_eq!(
        found("cpp", text),
        [
            "1 namespace a::b",
            "2 class EXPORT Box",
            "3 Box",
            "3 ~Box",
            "3 operator==",
            "2 Box::g",
            "1 h",
            "1 class E"
        ]
    );
}

#[test]
fn java_and_its_kin() {
    let text = "package a;\n@Service(name = \"{\")\npublic final class Store<K> implements Map<K> {\n  \
                private final int size = count();\n  public Store(int n) { super(n); }\n  \
                @Override public <T> Map<T, ?> all(T x) throws E {\n    run(new Task() {\n      public void go() {}\n    });\n  }\n  \
                abstract int left();\n  enum Kind { A(1), B(2); }\n}\n";
    assert_eq!(
        found("java", text),
        ["1 class Store", "2 Store", "2 all", "3 go", "2 left", "2 enum Kind"]
    );
    let text = "namespace N\n{\n    [Serializable]\n    public partial class C<T> : B where T : new()\n    {\n        public string Name { get; set; }\n        \
                public int Sum(int a) => a;\n        public async Task<T> Get<U>()\n        {\n            using (x) { }\n        }\n    }\n}\n";
    assert_eq!(found("csharp", text), ["1 namespace N", "2 class C", "3 Sum", "3 Get"]);
    let text = "data class P(val x: Int)\nfun <T> List<T>.second(): T = get(1)\nclass Q {\n  companion object {\n    fun of() = Q()\n  }\n  \
                override fun toString() = \"{\"\n}\nenum class E { A }\n";
    assert_eq!(
        found("kotlin", text),
        [
            "1 class P",
            "1 fun <T> List<T>.second",
            "1 class Q",
            "2 fun of",
            "2 fun toString",
            "1 class E"
        ]
    );
    let text =
        "object Main extends App {\n  def run[T](x: T): Unit = {\n  }\n  case class C(x: Int)\n}\n";
    assert_eq!(found("scala", text), ["1 object Main", "2 def run", "2 class C"]);
    let text = "public extension Array where Element: P {\n  mutating func sort() {}\n  init?(x: Int) {}\n  class func make() {}\n}\n";
    assert_eq!(found("swift", text), ["1 extension Array", "2 func sort", "2 init", "2 func make"]);
    let text = "package a\n\ntype T struct {\n\tx int `json:\"{\"`\n}\n\nfunc (t *T) Run(f func() int) error {\n\treturn nil\n}\nfunc main() {}\n";
    assert_eq!(found("go", text), ["1 type T", "1 func (t *T) Run", "1 func main"]);
    let text = "it's <b>\n<?php\nnamespace A\\B;\nabstract class C {\n  # a { comment\n  public static function &d() {}\n}\n?>\nfunction none() {\n";
    assert_eq!(found("php", text), ["1 namespace A\\B", "1 class C", "2 function &d"]);
}

#[test]
fn languages_read_line_by_line() {
    let ruby = "module A\n  class B < C\n    def self.d(x)\n      y = <<~SQL\n        def none\n      SQL\n    end\n    def ok?; end\n  end\nend\n";
    assert_eq!(found("ruby", ruby), ["1 module A", "2 class B", "3 def self.d", "3 def ok?"]);
    let shell = "#!/bin/sh\nusage() {\n  cat <<EOF\nnone() {\nEOF\n}\nfunction run {\n  echo \"${#x} it's\"\n}\nx=$(call)\n";
    assert_eq!(found("shell", shell), ["1 usage", "1 function run"]);
    let sql = "-- create table none\nCREATE TABLE IF NOT EXISTS shop.orders(\n  id int\n);\ncreate or replace function total(x int)\nCREATE UNIQUE INDEX i ON t(x);\nSELECT 'create table none';\n";
    assert_eq!(
        found("sql", sql),
        ["1 TABLE IF NOT EXISTS shop.orders", "1 function total", "1 INDEX i"]
    );
    assert_eq!(
        found("toml", "a = 1\n[package]\nname = 'x'\n[[bin]] # two\nx = [\n [1],\n]\n"),
        ["1 package", "1 bin"]
    );
    assert_eq!(
        found("lua", "local function a.b:c(x)\n--[[ function none() ]]\n"),
        ["1 function a.b:c"]
    );
    assert_eq!(
        found("lisp", "(defun f (x) 1)\n(define (g x) 2)\n; (defun none ())\n"),
        ["1 defun f", "1 define (g"]
    );
    assert_eq!(found("r", "sum2 <- function(a) a\nx <- 3\n"), ["1 sum2"]);
    assert_eq!(found("perl", "package A::B;\nsub run {\n}\n"), ["1 package A::B", "1 sub run"]);
    assert_eq!(found("diff", "diff --git a/x b/x\n+def none\n"), ["1 diff --git a/x b/x"]);
    assert_eq!(found("fortran", "      PURE FUNCTION area(r)\n"), ["1 FUNCTION area"]);
    assert_eq!(
        found("objective-c", "@implementation A\n- (void)go:(int)x {\n}\n"),
        ["1 @implementation A", "2 go"]
    );
}

#[test]
fn a_module_says_what_it_is_about() {
    let title = |name: &str, text: &str| {
        let format = match name.rsplit_once('.').unwrap().1 {
            "py" => "python",
            "rs" => "rust",
            "go" => "go",
            _ => "c",
        };
        extract(text.into(), Path::new(name), format).title.unwrap()
    };
    assert_eq!(
        title("a.py", "#!/usr/bin/python\n\"\"\"Reads tide tables.\n\nLong.\n\"\"\"\n"),
        "Reads tide tables"
    );
    assert_eq!(title("a.py", "'''\nReads tide tables,\nslowly.\n'''\n"), "a.py");
    assert_eq!(
        title("a.rs", "// Copyright\n//! Search results for people.\n\nuse a;\n"),
        "Search results for people"
    );
    assert_eq!(title("a.rs", "//! Search results\n//! on two lines.\n"), "a.rs");
    assert_eq!(
        title("a.go", "// Copyright\n\n// Package a walks.\npackage a\n"),
        "Package a walks"
    );
    assert_eq!(title("a.c", "/* Copyright (C) 2020 A */\n"), "a.c");
    assert_eq!(title("a.c", "/**\n * Event loop for sockets.\n */\n"), "Event loop for sockets");
    assert_eq!(title("a.c", "int x;\n"), "a.c");
}

#[test]
fn data_in_the_shape_of_code_takes_no_time() {
    for text in [
        "(".repeat(300_000),
        "{".repeat(300_000),
        "<<A ".repeat(100_000),
        "=/[".repeat(100_000),
        "new A()".repeat(50_000) + "{",
        "a<".repeat(100_000) + "(){",
        "`${".repeat(100_000),
        "impl ".repeat(100_000),
        "template<".repeat(100_000),
        "# ".repeat(100_000),
    ] {
        for format in ["javascript", "cpp", "java", "rust", "shell", "php", "python"] {
            headings(&text, &language(format).unwrap());
        }
    }
}

fn any_code() -> impl Strategy<Value = String> {
    let pieces = prop_oneof![
        4 => prop::sample::select(vec![
            "fn f", "class A", "def g", "function h", "impl X for Y", "struct s", "const k = ", "() =>", "(a, b)",
            "#if 0", "#else", "#endif", "<?php", "?>", "<<EOF\n", "EOF", "\"\"\"", "/*", "*/", "//", "#", "--", "r#\"",
            "R\"x(", "@\"", "new A()", "namespace", "template<", "operator", "CREATE TABLE t", "[x]", "where", "'a",
        ]).prop_map(str::to_owned),
        3 => prop::sample::select(vec!["{", "}", "(", ")", "[", "]", ";", ":", "=", "<", ">", "`", "\"", "'", "\\", "/", "${", "é"])
            .prop_map(str::to_owned),
        3 => Just("\n".to_owned()),
        2 => Just("    ".to_owned()),
        1 => "\\PC{0,8}",
        1 => "[a-z_]{1,6}",
    ];
    prop::collection::vec(pieces, 0..80).prop_map(|pieces| pieces.join(" "))
}

proptest! {
    #[test]
    fn items_are_ordered_pieces_of_the_text(text in any_code(), which in 0..FORMATS.len()) {
        let mut end = 0;
        for heading in headings(&text, &language(FORMATS[which]).unwrap()) {
            prop_assert!(heading.bytes.start >= end, "{}", FORMATS[which]);
            prop_assert!((1..=6).contains(&heading.level));
            prop_assert!(heading.bytes.len() <= WORDS_BYTES);
            end = heading.bytes.end;
            prop_assert!(!text[heading.bytes].trim().is_empty());
        }
    }

    #[test]
    fn a_mask_keeps_lines_and_length(text in any_code(), which in 0..FORMATS.len()) {
        let code = mask::mask(&text, &language(FORMATS[which]).unwrap().lexis);
        prop_assert_eq!(code.len(), text.len());
        for (masked, byte) in code.iter().zip(text.bytes()) {
            prop_assert!(*masked == byte || (*masked == b' ' && byte != b'\n'));
        }
    }
}
