//! What a file is by its name alone.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::SkipReason;

/// The sort of a document, which decides how it is read and cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Plain text, line by line.
    Text,
    /// Markdown.
    Markdown,
    /// HTML.
    Html,
    /// Source code, configuration and other text made for machines.
    Code,
    /// PDF.
    Pdf,
    /// What word processors write: DOCX, DOC, ODT, RTF.
    Word,
    /// Presentations, a page for each slide: PPTX, PPT, ODP.
    Slides,
    /// Spreadsheets: XLSX, XLS, ODS.
    Sheet,
    /// Books: EPUB.
    Book,
    /// One message of e-mail.
    Mail,
}

impl Kind {
    /// Every kind, in a fixed order.
    pub const ALL: [Self; 10] = [
        Self::Text,
        Self::Markdown,
        Self::Html,
        Self::Code,
        Self::Pdf,
        Self::Word,
        Self::Slides,
        Self::Sheet,
        Self::Book,
        Self::Mail,
    ];

    /// Whether lines of the text are those of the file, so that an editor finds them there.
    pub fn keeps_lines(self, format: &str) -> bool {
        matches!(self, Self::Text | Self::Markdown | Self::Code) && !REWRITTEN.contains(&format)
    }

    /// The kind as it is written in filters and output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Markdown => "markdown",
            Self::Html => "html",
            Self::Code => "code",
            Self::Pdf => "pdf",
            Self::Word => "word",
            Self::Slides => "slides",
            Self::Sheet => "sheet",
            Self::Book => "book",
            Self::Mail => "mail",
        }
    }

    /// Whether files of the kind are no text but a container, such as a zip archive.
    pub(crate) fn is_packed(self) -> bool {
        matches!(self, Self::Word | Self::Slides | Self::Sheet | Self::Book)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Kind {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == name)
            .ok_or_else(|| format!("{name:?} is not a kind of document"))
    }
}

/// What a file's name says about it, before a byte of it is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Guess {
    /// The name stands for a kind and format that can be read.
    Known(Kind, &'static str),
    /// The name stands for a file that holds several documents, in this format.
    Container(&'static str),
    /// The name says nothing; the bytes must decide.
    Unknown,
    /// The name stands for something that cannot be read.
    Skip(SkipReason),
}

/// Guesses from the file name alone; opens nothing.
pub fn guess_by_name(path: &Path) -> Guess {
    let Some(name) = path.file_name() else { return Guess::Unknown };
    let name = name.to_string_lossy().to_ascii_lowercase();
    if let Some((kind, format)) = by_whole_name(&name) {
        return Guess::Known(kind, format);
    }
    let Some((stem, extension)) = name.rsplit_once('.') else { return Guess::Unknown };
    if stem.is_empty() {
        return Guess::Unknown;
    }
    // What is packed alone is what it is without its packing.
    if PACKED.contains(&extension) {
        return match guess_by_name(Path::new(stem)) {
            Guess::Container("tar") => Guess::Container("tar"),
            Guess::Container(_) => Guess::Unknown,
            guess => guess,
        };
    }
    if let Some((_, format)) = CONTAINERS.iter().find(|(known, _)| *known == extension) {
        return Guess::Container(format);
    }
    if let Some((kind, format)) = by_extension(extension) {
        return Guess::Known(kind, format);
    }
    if UNSUPPORTED.contains(&extension) {
        return Guess::Skip(SkipReason::Unsupported { format: extension.to_owned() });
    }
    if BINARY.contains(&extension) {
        return Guess::Skip(SkipReason::Binary);
    }
    Guess::Unknown
}

fn by_whole_name(name: &str) -> Option<(Kind, &'static str)> {
    Some(match name {
        "makefile" | "gnumakefile" => (Kind::Code, "make"),
        "dockerfile" | "containerfile" => (Kind::Code, "dockerfile"),
        "cmakelists.txt" => (Kind::Code, "cmake"),
        "jenkinsfile" => (Kind::Code, "groovy"),
        "gemfile" | "rakefile" => (Kind::Code, "ruby"),
        "requirements.txt" => (Kind::Text, "text"),
        "readme" | "license" | "licence" | "copying" | "authors" | "changelog" | "changes"
        | "news" | "todo" | "notice" | "install" => (Kind::Text, "text"),
        _ => return None,
    })
}

fn by_extension(extension: &str) -> Option<(Kind, &'static str)> {
    let row = EXTENSIONS.iter().find(|(extensions, ..)| extensions.contains(&extension))?;
    Some((row.1, row.2))
}

/// Every name of a kind, format or extension of documents that can be read, some more than once.
pub fn type_names() -> impl Iterator<Item = &'static str> {
    let extensions = EXTENSIONS.iter().flat_map(|(extensions, _, format)| {
        extensions.iter().copied().chain(std::iter::once(*format))
    });
    Kind::ALL.into_iter().map(Kind::as_str).chain(extensions).chain(NAMED_FORMATS)
}

/// Formats that are told by a whole name or by their bytes alone.
const NAMED_FORMATS: [&str; 3] = ["dockerfile", "man", "doc"];

/// What each extension stands for.
#[rustfmt::skip]
const EXTENSIONS: &[(&[&str], Kind, &str)] = &[
    (&["txt", "text", "log", "asc", "nfo"], Kind::Text, "text"),
    (&["csv"], Kind::Text, "csv"),
    (&["tsv", "tab"], Kind::Text, "tsv"),
    (&["rst"], Kind::Text, "rst"),
    (&["adoc", "asciidoc"], Kind::Text, "asciidoc"),
    (&["org"], Kind::Text, "org"),
    (&["mediawiki", "wiki"], Kind::Text, "mediawiki"),
    (&["tex", "latex", "ltx"], Kind::Text, "tex"),
    (&["bib"], Kind::Text, "bibtex"),
    (&["srt", "vtt"], Kind::Text, "subtitles"),
    (&["po", "pot"], Kind::Text, "po"),
    (&["diff", "patch"], Kind::Code, "diff"),
    (&["md", "markdown", "mdown", "mkd", "mdx", "qmd", "rmd"], Kind::Markdown, "md"),
    (&["ipynb"], Kind::Markdown, "ipynb"),
    (&["html", "htm", "xhtml", "xht"], Kind::Html, "html"),
    (&["pdf"], Kind::Pdf, "pdf"),
    (&["docx", "docm", "dotx", "dotm"], Kind::Word, "docx"),
    (&["odt", "ott"], Kind::Word, "odt"),
    (&["rtf"], Kind::Word, "rtf"),
    (&["pptx", "pptm", "ppsx", "ppsm", "potx", "potm"], Kind::Slides, "pptx"),
    (&["odp", "otp"], Kind::Slides, "odp"),
    (&["ppt", "pps"], Kind::Slides, "ppt"),
    (&["xlsx", "xlsm", "xltx", "xltm"], Kind::Sheet, "xlsx"),
    (&["xlsb"], Kind::Sheet, "xlsb"),
    (&["xls", "xlt"], Kind::Sheet, "xls"),
    (&["ods", "ots"], Kind::Sheet, "ods"),
    (&["epub"], Kind::Book, "epub"),
    (&["eml"], Kind::Mail, "eml"),
    (&["rs"], Kind::Code, "rust"),
    (&["py", "pyi", "pyw"], Kind::Code, "python"),
    (&["js", "mjs", "cjs", "jsx"], Kind::Code, "javascript"),
    (&["ts", "mts", "cts", "tsx"], Kind::Code, "typescript"),
    (&["c", "h"], Kind::Code, "c"),
    (&["cc", "cpp", "cxx", "hh", "hpp", "hxx", "ipp", "tpp", "cu", "cuh"], Kind::Code, "cpp"),
    (&["m", "mm"], Kind::Code, "objective-c"),
    (&["cs"], Kind::Code, "csharp"),
    (&["fs", "fsi", "fsx"], Kind::Code, "fsharp"),
    (&["java"], Kind::Code, "java"),
    (&["kt", "kts"], Kind::Code, "kotlin"),
    (&["scala", "sc"], Kind::Code, "scala"),
    (&["groovy", "gradle"], Kind::Code, "groovy"),
    (&["clj", "cljs", "cljc", "edn"], Kind::Code, "clojure"),
    (&["go"], Kind::Code, "go"),
    (&["swift"], Kind::Code, "swift"),
    (&["rb"], Kind::Code, "ruby"),
    (&["php"], Kind::Code, "php"),
    (&["pl", "pm"], Kind::Code, "perl"),
    (&["lua"], Kind::Code, "lua"),
    (&["r"], Kind::Code, "r"),
    (&["jl"], Kind::Code, "julia"),
    (&["hs"], Kind::Code, "haskell"),
    (&["ml", "mli"], Kind::Code, "ocaml"),
    (&["ex", "exs"], Kind::Code, "elixir"),
    (&["erl", "hrl"], Kind::Code, "erlang"),
    (&["elm"], Kind::Code, "elm"),
    (&["dart"], Kind::Code, "dart"),
    (&["zig"], Kind::Code, "zig"),
    (&["nim"], Kind::Code, "nim"),
    (&["lisp", "cl", "el", "scm", "ss", "rkt"], Kind::Code, "lisp"),
    (&["pas", "pp"], Kind::Code, "pascal"),
    (&["f", "f90", "f95", "for"], Kind::Code, "fortran"),
    (&["asm", "s"], Kind::Code, "assembly"),
    (&["v", "sv", "vhd", "vhdl"], Kind::Code, "hdl"),
    (&["sol"], Kind::Code, "solidity"),
    (&["sh", "bash", "zsh", "fish", "ksh"], Kind::Code, "shell"),
    (&["ps1", "psm1"], Kind::Code, "powershell"),
    (&["bat", "cmd"], Kind::Code, "batch"),
    (&["awk"], Kind::Code, "awk"),
    (&["sql"], Kind::Code, "sql"),
    (&["graphql", "gql"], Kind::Code, "graphql"),
    (&["proto"], Kind::Code, "protobuf"),
    (&["vue"], Kind::Code, "vue"),
    (&["svelte"], Kind::Code, "svelte"),
    (&["css", "scss", "sass", "less"], Kind::Code, "css"),
    (&["json", "jsonl", "ndjson", "json5", "geojson"], Kind::Code, "json"),
    (&["yaml", "yml"], Kind::Code, "yaml"),
    (&["toml"], Kind::Code, "toml"),
    (&["xml", "xsd", "xsl", "xslt", "rss", "atom", "plist"], Kind::Code, "xml"),
    (&["ini", "cfg", "conf", "config", "properties"], Kind::Code, "ini"),
    (&["cmake"], Kind::Code, "cmake"),
    (&["mk", "mak"], Kind::Code, "make"),
    (&["tf", "hcl"], Kind::Code, "hcl"),
    (&["nix"], Kind::Code, "nix"),
    (&["bzl", "bazel"], Kind::Code, "starlark"),
    (&["vim"], Kind::Code, "vim"),
    (&["tcl"], Kind::Code, "tcl"),
];

/// Extensions of one file that is compressed.
pub(crate) const PACKED: [&str; 4] = ["gz", "bz2", "xz", "zst"];

/// Extensions of files that hold several documents, with the format below any compression.
const CONTAINERS: [(&str, &str); 8] = [
    ("zip", "zip"),
    ("tar", "tar"),
    ("tgz", "tar"),
    ("tbz2", "tar"),
    ("txz", "tar"),
    ("tzst", "tar"),
    ("mbox", "mbox"),
    ("mbx", "mbox"),
];

/// Formats of line-by-line kinds whose text is made anew from the file.
const REWRITTEN: &[&str] = &["ipynb", "subtitles", "man"];

/// Extensions of formats that hold text or pictures of it and that a reader may expect to find.
#[rustfmt::skip]
const UNSUPPORTED: &[&str] = &[
    "odg", "odf", "wpd", "wps", "pages", "numbers", "key", "one", "vsd", "vsdx",
    "mobi", "azw", "azw3", "fb2", "djvu", "chm", "ps", "eps", "xps", "oxps", "tnef",
    "msg", "pst", "ost",
    "png", "jpg", "jpeg", "jfif", "gif", "bmp", "tif", "tiff", "webp", "heic", "heif", "avif", "ico", "icns", "svg",
    "svgz", "psd", "ai", "xcf", "raw", "cr2", "cr3", "nef", "arw", "dng", "orf", "exr", "hdr", "tga", "jp2", "jxl",
    "mp3", "wav", "flac", "ogg", "oga", "opus", "m4a", "aac", "wma", "aif", "aiff", "mid", "midi", "amr",
    "mp4", "m4v", "mkv", "mov", "avi", "webm", "wmv", "flv", "mpg", "mpeg", "3gp", "ogv",
    "lz4", "lz", "lzma", "7z", "rar", "cab", "ar", "cpio",
    "iso", "img", "dmg", "vmdk", "vdi", "qcow2", "jar", "war", "apk", "aab", "ipa", "deb", "rpm", "msi", "whl",
    "crx", "xpi", "appimage", "flatpak", "nupkg", "ear", "aar", "vsix", "egg", "gem", "crate", "conda", "unitypackage",
];

/// Extensions of files that are no documents at all.
#[rustfmt::skip]
const BINARY: &[&str] = &[
    "exe", "dll", "so", "dylib", "a", "lib", "o", "obj", "ko", "bin", "elf", "sys", "pdb", "class",
    "pyc", "pyo", "pyd", "wasm", "bc", "rlib", "rmeta", "beam", "swf", "dex", "node",
    "ttf", "otf", "ttc", "woff", "woff2", "eot", "pfb", "afm",
    "sqlite", "sqlite3", "db", "db3", "mdb", "accdb", "dbf", "frm", "ibd", "rdb", "lmdb", "realm",
    "parquet", "feather", "arrow", "orc", "avro", "npy", "npz", "pkl", "pickle", "h5", "hdf5", "mat", "rds", "rdata",
    "onnx", "pt", "pth", "ckpt", "safetensors", "gguf", "tflite", "pb",
    "blend", "fbx", "stl", "glb", "dwg", "dxf", "skp", "3ds", "ply",
    "swp", "swo", "part", "crdownload", "lock-wal", "pack", "idx", "mo", "gmo", "cache", "core", "dmp",
    "torrent", "pcap", "pcapng", "keystore", "jks", "msf", "pdn", "sketch", "fig",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn guess(name: &str) -> Guess {
        guess_by_name(Path::new(name))
    }

    #[test]
    fn names_decide_kind_and_format() {
        assert_eq!(guess("/a/Notes.MD"), Guess::Known(Kind::Markdown, "md"));
        assert_eq!(guess("src/main.rs"), Guess::Known(Kind::Code, "rust"));
        assert_eq!(guess("Makefile"), Guess::Known(Kind::Code, "make"));
        assert_eq!(guess("lease.pdf"), Guess::Known(Kind::Pdf, "pdf"));
        assert_eq!(guess("letter"), Guess::Unknown);
        assert_eq!(guess(".txt"), Guess::Unknown);
        assert_eq!(guess("a.docx"), Guess::Known(Kind::Word, "docx"));
        assert_eq!(
            guess("a.vsd"),
            Guess::Skip(SkipReason::Unsupported { format: "vsd".to_owned() })
        );
        assert_eq!(guess("lib.so"), Guess::Skip(SkipReason::Binary));
        // As often text as not, a document of one sort or another, or no extension: the bytes decide.
        for name in [
            "letter.doc",
            "readings.dat",
            "customers.dump",
            "letter to anna@example.com",
            "help.snap",
        ] {
            assert_eq!(guess(name), Guess::Unknown, "{name}");
        }
    }

    #[test]
    fn packed_files_are_what_is_in_them() {
        assert_eq!(guess("notes.txt.gz"), Guess::Known(Kind::Text, "text"));
        assert_eq!(guess("backup.tar.xz"), Guess::Container("tar"));
        assert_eq!(guess("backup.TGZ"), Guess::Container("tar"));
        assert_eq!(guess("old.zip"), Guess::Container("zip"));
        assert_eq!(guess("ls.1.gz"), Guess::Unknown);
        assert_eq!(guess("photo.png.gz"), guess("photo.png"));
        assert_eq!(guess("letter.eml"), Guess::Known(Kind::Mail, "eml"));
        assert_eq!(guess("Archive.mbox"), Guess::Container("mbox"));
    }

    #[test]
    fn no_extension_is_both_readable_and_not() {
        for extension in UNSUPPORTED.iter().chain(BINARY) {
            assert_eq!(by_extension(extension), None, "{extension}");
        }
        for extension in UNSUPPORTED {
            assert!(!BINARY.contains(extension), "{extension}");
        }
    }

    #[test]
    fn lines_are_those_of_the_file_where_the_text_is() {
        assert!(Kind::Code.keeps_lines("rust") && Kind::Text.keeps_lines("text"));
        assert!(!Kind::Html.keeps_lines("html") && !Kind::Markdown.keeps_lines("ipynb"));
    }

    #[test]
    fn kinds_are_written_and_read_alike() {
        for kind in Kind::ALL {
            assert_eq!(kind.as_str().parse::<Kind>(), Ok(kind));
            assert_eq!(serde_json::to_string(&kind).unwrap(), format!("{:?}", kind.as_str()));
        }
        assert!("picture".parse::<Kind>().is_err());
    }
}
