//! The files of the page, within the binary.

use hyper::StatusCode;

use super::reply::{Reply, bytes};

/// One file of the page.
pub struct File {
    path: &'static str,
    content_type: &'static str,
    body: &'static str,
    /// Shown to those without the key, too: it says nothing of anyone's documents.
    public: bool,
}

static FILES: [File; 6] = [
    File {
        path: "/",
        content_type: "text/html; charset=utf-8",
        body: include_str!("page/index.html"),
        public: false,
    },
    File {
        path: "/style.css",
        content_type: "text/css; charset=utf-8",
        body: include_str!("page/style.css"),
        public: true,
    },
    File {
        path: "/script.js",
        content_type: "text/javascript; charset=utf-8",
        body: include_str!("page/script.js"),
        public: false,
    },
    File {
        path: "/asking.js",
        content_type: "text/javascript; charset=utf-8",
        body: include_str!("page/asking.js"),
        public: false,
    },
    File {
        path: "/element.js",
        content_type: "text/javascript; charset=utf-8",
        body: include_str!("page/element.js"),
        public: false,
    },
    File {
        path: "/icon.svg",
        content_type: "image/svg+xml",
        body: include_str!("page/icon.svg"),
        public: true,
    },
];

/// The file of this path.
pub fn find(path: &str) -> Option<&'static File> {
    FILES.iter().find(|file| file.path == path)
}

impl File {
    /// Whether it is for everyone.
    pub fn is_public(&self) -> bool {
        self.public
    }

    /// Whether this is the page itself.
    pub fn is_page(&self) -> bool {
        self.path == "/"
    }

    /// As an answer.
    pub fn reply(&self) -> Reply {
        bytes(StatusCode::OK, self.content_type, self.body)
    }
}

/// For a browser without the key.
pub fn locked() -> Reply {
    let body = include_str!("page/locked.html");
    bytes(StatusCode::UNAUTHORIZED, "text/html; charset=utf-8", body)
}
