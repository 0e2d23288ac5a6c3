//! The smallest program that an `Extractor` can use. With the argument `--misbehave` it goes wrong
//! in the way that the name of each file asks for, which the tests of the sandbox need.

use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::path::Path;
use std::time::Duration;
use std::{env, fs, hint, io, process, thread};

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
        // Each of these is what a confined process cannot do: one that can ends with a code of its own.
        "reach" => {
            if fs::read("/etc/passwd").is_ok() || fs::read_dir("/").is_ok() {
                process::exit(11);
            }
            if fs::write(path.with_extension("written"), "").is_ok()
                || fs::remove_file(path).is_ok()
            {
                process::exit(12);
            }
            if process::Command::new("/bin/true").status().is_ok() {
                process::exit(13);
            }
            let answers = [
                TcpListener::bind("127.0.0.1:0").err(),
                TcpStream::connect("127.0.0.1:9").err(),
                UdpSocket::bind("127.0.0.1:0").err(),
                UdpSocket::bind("[::1]:0").err(),
                UnixStream::connect("/run/nobody-listens").err(),
                UnixDatagram::unbound().err(),
            ];
            let refused = |error: &Option<io::Error>| {
                error.as_ref().is_some_and(|error| error.kind() == io::ErrorKind::PermissionDenied)
            };
            if !answers.iter().all(refused) {
                process::exit(14);
            }
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
