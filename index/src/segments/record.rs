//! One record of a segment file.
//!
//! A file begins with [`FILE_HEADER`] bytes: eight of [`FILE_MAGIC`], four that name what it holds,
//! four of CRC-32 over those twelve. Records follow, each beginning on a multiple of [`ALIGN`]:
//!
//! | bytes | what (little-endian) |
//! |---|---|
//! | 4 | [`RECORD_MAGIC`] |
//! | 4 | length of the head |
//! | 8 | length of the payload |
//! | 4 | CRC-32 of the payload |
//! | 4 | CRC-32 of the twenty bytes above and the head |
//! | … | head, then zeros to the next multiple of [`ALIGN`] |
//! | … | payload, then zeros to the next multiple of [`ALIGN`] |
//!
//! Heads are small and read at every start; payloads are read when needed.

/// Length of a file's own header.
pub(crate) const FILE_HEADER: u64 = 16;
pub(crate) const FILE_MAGIC: [u8; 8] = *b"lsearch1";
const RECORD_MAGIC: u32 = 0x5f63_6572;
/// Records and payloads begin on multiples of this, so that vectors are aligned in the mapping.
pub(crate) const ALIGN: u64 = 16;
/// Length of a record before its head.
const FIXED: u64 = 24;
/// No head is larger; a longer one in a file means damage.
pub(crate) const MAX_HEAD: usize = 64 << 20;

/// Where a record lies and how long it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RecordRef {
    pub(crate) segment: u32,
    pub(crate) offset: u64,
    pub(crate) head_len: u32,
    pub(crate) payload_len: u64,
    pub(crate) payload_crc: u32,
}

impl RecordRef {
    pub(crate) fn head_range(&self) -> std::ops::Range<usize> {
        let start = (self.offset + FIXED) as usize;
        start..start + self.head_len as usize
    }

    pub(crate) fn payload_range(&self) -> std::ops::Range<usize> {
        let start = align(self.offset + FIXED + u64::from(self.head_len)) as usize;
        start..start + self.payload_len as usize
    }

    /// Offset just after the record.
    pub(crate) fn end(&self) -> u64 {
        align(self.payload_range().end as u64)
    }

    /// Bytes the record takes in its file.
    pub(crate) fn bytes(&self) -> u64 {
        self.end() - self.offset
    }
}

pub(crate) fn align(offset: u64) -> u64 {
    offset.next_multiple_of(ALIGN)
}

/// The header of a file that holds records of one kind.
pub(crate) fn file_header(kind: [u8; 4]) -> [u8; FILE_HEADER as usize] {
    let mut header = [0; FILE_HEADER as usize];
    header[..8].copy_from_slice(&FILE_MAGIC);
    header[8..12].copy_from_slice(&kind);
    let crc = crc32fast::hash(&header[..12]);
    header[12..].copy_from_slice(&crc.to_le_bytes());
    header
}

/// A record's bytes up to its payload, padding included.
pub(crate) fn encode_front(head: &[u8], payload_len: u64, payload_crc: u32) -> Vec<u8> {
    let mut front = Vec::with_capacity(FIXED as usize + head.len() + ALIGN as usize);
    front.extend_from_slice(&RECORD_MAGIC.to_le_bytes());
    front.extend_from_slice(&(head.len() as u32).to_le_bytes());
    front.extend_from_slice(&payload_len.to_le_bytes());
    front.extend_from_slice(&payload_crc.to_le_bytes());
    let mut crc = crc32fast::Hasher::new();
    crc.update(&front);
    crc.update(head);
    front.extend_from_slice(&crc.finalize().to_le_bytes());
    front.extend_from_slice(head);
    front.resize(align(front.len() as u64) as usize, 0);
    front
}

/// What stands at an offset.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Parsed {
    /// A whole record with an undamaged head.
    Record(RecordRef),
    /// An undamaged head whose payload goes on past the end of the file.
    CutOff,
    /// Nothing that could be a record.
    Nothing,
}

/// Reads the record at `offset` of a file of which `bytes` are known.
pub(crate) fn parse(bytes: &[u8], segment: u32, offset: u64) -> Parsed {
    let Some(fixed) = usize::try_from(offset)
        .ok()
        .and_then(|start| bytes.get(start..start.checked_add(FIXED as usize)?))
    else {
        return Parsed::Nothing;
    };
    let word = |at: usize| u32::from_le_bytes(fixed[at..at + 4].try_into().expect("4 bytes"));
    if word(0) != RECORD_MAGIC {
        return Parsed::Nothing;
    }
    let head_len = word(4);
    if head_len as usize > MAX_HEAD {
        return Parsed::Nothing;
    }
    let payload_len = u64::from_le_bytes(fixed[8..16].try_into().expect("8 bytes"));
    let record = RecordRef { segment, offset, head_len, payload_len, payload_crc: word(16) };
    let Some(head) = bytes.get(record.head_range()) else { return Parsed::Nothing };
    let mut crc = crc32fast::Hasher::new();
    crc.update(&fixed[..20]);
    crc.update(head);
    if crc.finalize() != word(20) {
        return Parsed::Nothing;
    }
    // Only now is the length known to be what was written.
    if record.payload_len > bytes.len() as u64 || record.end() > bytes.len() as u64 {
        return Parsed::CutOff;
    }
    Parsed::Record(record)
}

/// What walking a file found.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Scan {
    pub(crate) records: Vec<RecordRef>,
    /// Ranges in the middle that hold no readable record.
    pub(crate) damaged: Vec<std::ops::Range<u64>>,
    /// Offset after the last whole record.
    pub(crate) end: u64,
}

/// Walks the records from `offset` on.
pub(crate) fn scan(bytes: &[u8], segment: u32, mut offset: u64) -> Scan {
    let mut scan = Scan { end: offset, ..Scan::default() };
    let length = bytes.len() as u64;
    while offset < length {
        match parse(bytes, segment, offset) {
            Parsed::Record(record) => {
                offset = record.end();
                scan.end = offset;
                scan.records.push(record);
            }
            Parsed::CutOff => break,
            Parsed::Nothing => {
                // A damaged head: the next readable record, if there is one, bounds the damage.
                let mut next = align(offset + 1);
                while next < length && matches!(parse(bytes, segment, next), Parsed::Nothing) {
                    next += ALIGN;
                }
                if next >= length {
                    break;
                }
                if matches!(parse(bytes, segment, next), Parsed::Record(_)) {
                    scan.damaged.push(offset..next);
                    offset = next;
                } else {
                    break;
                }
            }
        }
    }
    scan
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn file(records: &[(Vec<u8>, Vec<u8>)]) -> (Vec<u8>, Vec<u64>) {
        let mut bytes = file_header(*b"TEST").to_vec();
        let mut offsets = Vec::new();
        for (head, payload) in records {
            offsets.push(bytes.len() as u64);
            bytes.extend(encode_front(head, payload.len() as u64, crc32fast::hash(payload)));
            bytes.extend(payload);
            bytes.resize(align(bytes.len() as u64) as usize, 0);
        }
        (bytes, offsets)
    }

    fn records() -> impl Strategy<Value = Vec<(Vec<u8>, Vec<u8>)>> {
        let bytes = |n| proptest::collection::vec(any::<u8>(), 0..n);
        proptest::collection::vec((bytes(40), bytes(90)), 1..8)
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(records in records()) {
            let (bytes, offsets) = file(&records);
            let scan = scan(&bytes, 3, FILE_HEADER);
            prop_assert!(scan.damaged.is_empty());
            prop_assert_eq!(scan.end, bytes.len() as u64);
            prop_assert_eq!(scan.records.len(), records.len());
            for ((record, offset), (head, payload)) in scan.records.iter().zip(offsets).zip(&records) {
                prop_assert_eq!(record.offset, offset);
                prop_assert_eq!(&bytes[record.head_range()], &head[..]);
                prop_assert_eq!(&bytes[record.payload_range()], &payload[..]);
            }
        }

        #[test]
        fn a_cut_file_keeps_its_whole_records(records in records(), cut in 0.0f64..1.0) {
            let (bytes, _) = file(&records);
            let whole = scan(&bytes, 0, FILE_HEADER);
            let length = FILE_HEADER as usize
                + ((bytes.len() - FILE_HEADER as usize) as f64 * cut) as usize;
            let scan = scan(&bytes[..length], 0, FILE_HEADER);
            let expected: Vec<_> =
                whole.records.into_iter().filter(|r| r.end() <= length as u64).collect();
            prop_assert_eq!(scan.records, expected);
            prop_assert!(scan.damaged.is_empty());
        }

        #[test]
        fn damage_to_one_head_loses_that_record_alone(
            records in records(), which in any::<prop::sample::Index>(), bit in 0usize..192,
        ) {
            let (mut bytes, offsets) = file(&records);
            let which = which.index(records.len());
            bytes[offsets[which] as usize + bit / 8] ^= 1 << (bit % 8);
            let scan = scan(&bytes, 0, FILE_HEADER);
            let found: Vec<u64> = scan.records.iter().map(|r| r.offset).collect();
            let expected: Vec<u64> =
                offsets.iter().copied().filter(|&o| o != offsets[which]).collect();
            prop_assert_eq!(found, expected);
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            scan(&bytes, 0, 0);
        }
    }
}
