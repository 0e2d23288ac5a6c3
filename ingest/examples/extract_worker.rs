//! The smallest program that an `Extractor` can use. With the argument `--misbehave` it goes wrong
//! in the way that the name of each file asks for, which the tests of the sandbox need.

use std::path::Path;
use std::time::Duration;
use std::{env, hint, io, process, thread};

fn main() -> io::Result<()> {
    let misbehaves = env::args().any(|argument| argument == "--misbehave");
    lsearch_ingest::worker_process_with(&|path| {
        if misbehaves {
            misbehave(path);
        }
    })
}

fn misbehave(path: &Path) {
    let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    match name.as_str() {
        "hang" => thread::sleep(Duration::from_secs(3600)),
        "spin" => loop {
            hint::spin_loop();
        },
        "abort" => process::abort(),
        "exit" => process::exit(3),
        "memory" => {
            let mut hoard: Vec<Vec<u8>> = Vec::new();
            loop {
                hoard.push(hint::black_box(vec![1; 1 << 20]));
            }
        }
        "overflow" => {
            hint::black_box(recurse(0));
        }
        "print" => {
            println!("a library that prints");
            eprintln!("{}", "and complains ".repeat(20_000));
        }
        _ => {}
    }
}

#[expect(unconditional_recursion, reason = "running out of stack is the point")]
fn recurse(depth: usize) -> usize {
    let frame = hint::black_box([depth; 64]);
    recurse(depth + 1) + frame[depth % 64]
}
