#![no_main]

libfuzzer_sys::fuzz_target!(|input: (Vec<u8>, Option<String>)| {
    let (bytes, declared) = input;
    let decoded = lsearch_ingest::decode(bytes, declared.as_deref());
    assert!(!decoded.text.contains(['\r', '\0']));
});
