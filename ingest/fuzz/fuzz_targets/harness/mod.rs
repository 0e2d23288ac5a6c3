//! What the programs have in common.

/// Has the target of this name run on whatever the fuzzer makes up. Panics that extraction catches end the run only
/// where they are our own.
#[allow(unused_macros)]
macro_rules! target {
    ($name:literal) => {
        libfuzzer_sys::fuzz_target!(
            init: {
                let abort = std::panic::take_hook();
                lsearch_ingest_fuzz::heed_own_panics(move |panic| abort(panic));
            },
            |bytes: &[u8]| lsearch_ingest_fuzz::run($name, bytes)
        );
    };
}

/// The same for zip archives of parts: changes are made to a list of the parts.
#[allow(unused_macros)]
macro_rules! package_target {
    ($name:literal) => {
        target!($name);

        libfuzzer_sys::fuzz_mutator!(|bytes: &mut [u8], size: usize, max_size: usize, _seed: u32| {
            let mut size = size;
            if let Some(list) = lsearch_ingest_fuzz::package::to_parts(&bytes[..size])
                && list.len() <= max_size
            {
                size = list.len();
                bytes[..size].copy_from_slice(&list);
            }
            libfuzzer_sys::fuzzer_mutate(bytes, size, max_size)
        });
    };
}
