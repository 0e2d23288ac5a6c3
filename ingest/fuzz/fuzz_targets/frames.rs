#![no_main]

use lsearch_ingest::ExtractLimits;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let limits = ExtractLimits { max_file_bytes: 4096, max_text_bytes: 4096 };
    // An error is the right answer to nonsense; a panic is not.
    let _ = lsearch_ingest::worker_main(bytes, Vec::new(), &limits);
});
