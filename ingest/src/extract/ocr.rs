//! Reading pictures of text with a program that the user has: `tesseract`.

use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

/// How pages that are pictures are read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ocr {
    /// The `tesseract` program, by its whole path.
    pub program: PathBuf,
    /// Languages in its terms: `eng`, or several as `eng+deu`.
    pub languages: String,
    /// Time on the clock for the pictures of one file in seconds; the rest is left unread, with a
    /// warning.
    pub seconds: u64,
}

/// Longest text that one picture may have.
const MAX_TEXT_BYTES: u64 = 4 << 20;
/// How often a running program is looked after.
const LOOK_EVERY: Duration = Duration::from_millis(10);

impl Ocr {
    /// The text in a picture, which is given as a file's bytes. Kills the program when the moment
    /// has come.
    ///
    /// # Errors
    /// In words: what kept the program from reading it.
    pub(crate) fn read(&self, picture: &[u8], deadline: Instant) -> Result<String, String> {
        let name = self.program.display();
        let mut program = Command::new(&self.program)
            .args(["stdin", "stdout", "-l", &self.languages])
            // As many run at the same time as there are workers.
            .env("OMP_THREAD_LIMIT", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|e| format!("{name}: {e}"))?;
        let (input, output) = (program.stdin.take(), program.stdout.take());
        thread::scope(|scope| {
            // A program that ends early closes the pipe, and says why by its exit status.
            scope.spawn(move || input.map(|mut input| input.write_all(picture)));
            let reader = scope.spawn(move || {
                let mut text = Vec::new();
                output.map(|output| output.take(MAX_TEXT_BYTES).read_to_end(&mut text));
                text
            });
            let ended = wait(&mut program, deadline);
            let text = reader.join().unwrap_or_default();
            match ended {
                Ok(true) => Ok(String::from_utf8_lossy(&text).into_owned()),
                Ok(false) => Err(format!("{name} failed")),
                Err(detail) => Err(format!("{name}: {detail}")),
            }
        })
    }
}

/// Waits for the end of a program and tells whether it was a good one.
fn wait(program: &mut Child, deadline: Instant) -> Result<bool, String> {
    loop {
        match program.try_wait() {
            Ok(Some(status)) => return Ok(status.success()),
            Ok(None) if Instant::now() < deadline => thread::sleep(LOOK_EVERY),
            Ok(None) => {
                // Its pipes close with it, which ends both threads.
                let _ = program.kill();
                let _ = program.wait();
                return Err("no time is left".to_owned());
            }
            Err(e) => return Err(e.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    use super::*;

    /// A program that does what the script says.
    fn fake(folder: &Path, script: &str) -> Ocr {
        let program = folder.join("tesseract");
        fs_err::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs_err::set_permissions(&program, PermissionsExt::from_mode(0o755)).unwrap();
        Ocr { program, languages: "eng+deu".to_owned(), seconds: 10 }
    }

    fn soon(seconds: u64) -> Instant {
        Instant::now() + Duration::from_secs(seconds)
    }

    #[test]
    fn a_picture_goes_in_and_its_text_comes_out() {
        let folder = tempfile::tempdir().unwrap();
        let ocr = fake(folder.path(), "echo \"$*\"; wc -c");
        let text = ocr.read(&[b'x'; 300_000], soon(60)).unwrap();
        assert_eq!(
            text.split_whitespace().collect::<Vec<_>>().join(" "),
            "stdin stdout -l eng+deu 300000"
        );
    }

    #[test]
    fn programs_that_fail_or_hang_give_a_reason() {
        let folder = tempfile::tempdir().unwrap();
        let failing = fake(folder.path(), "exit 3");
        assert!(
            failing.read(&[b'x'; 300_000], soon(60)).unwrap_err().ends_with("tesseract failed")
        );
        let hanging = fake(folder.path(), "exec sleep 1000");
        assert!(hanging.read(b"x", soon(0)).unwrap_err().ends_with("no time is left"));
        let missing = Ocr { program: "/nowhere/tesseract".into(), ..hanging };
        assert!(missing.read(b"x", soon(1)).is_err());
    }
}
