//! Compression of one piece: gzip, bzip2, xz, zstd.

use std::io::{self, BufReader, Read};

use crate::encoding::looks_like_text;

/// Memory that a decoder may take for its dictionary, in KiB.
const DICTIONARY_KB: u32 = 256 << 10;

/// A form of compression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Packing {
    Gzip,
    Bzip2,
    Xz,
    Zstd,
}

impl Packing {
    /// By the first bytes.
    pub(super) fn of(head: &[u8]) -> Option<Self> {
        if head.starts_with(b"\x1F\x8B") {
            Some(Self::Gzip)
        } else if head.starts_with(b"BZh") && !looks_like_text(head) {
            Some(Self::Bzip2)
        } else if head.starts_with(b"\xFD7zXZ\0") {
            Some(Self::Xz)
        } else if head.starts_with(b"\x28\xB5\x2F\xFD") {
            Some(Self::Zstd)
        } else {
            None
        }
    }

    /// As in a file's extension.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gz",
            Self::Bzip2 => "bz2",
            Self::Xz => "xz",
            Self::Zstd => "zst",
        }
    }

    /// Unpacks; what was packed in several pieces comes out as one.
    pub(super) fn decoder<'a>(self, packed: impl Read + 'a) -> io::Result<Box<dyn Read + 'a>> {
        let packed = BufReader::new(packed);
        Ok(match self {
            Self::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(packed)),
            Self::Bzip2 => Box::new(bzip2::bufread::MultiBzDecoder::new(packed)),
            Self::Xz => Box::new(lzma_rust2::XzReader::new_mem_limit(packed, true, DICTIONARY_KB)),
            Self::Zstd => Box::new(zstd::stream::read::Decoder::with_buffer(packed)?),
        })
    }
}
