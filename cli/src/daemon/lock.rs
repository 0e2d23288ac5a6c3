//! One daemon a data folder: a lock that dies with its process.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;
use std::time::Duration;

use crate::errors::CliError;

/// The lock's file in the data folder.
const FILE: &str = "DAEMON";
/// Whoever has just taken the lock has written its number by then.
const PID_ATTEMPTS: u32 = 40;
const PID_PAUSE: Duration = Duration::from_millis(25);

/// Held for as long as the daemon lives.
#[derive(Debug)]
pub struct Lock(File);

/// Who holds the lock, where it is held by someone else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holder(pub Option<u32>);

impl Lock {
    /// Takes the lock of a data folder.
    ///
    /// # Errors
    /// The file system's. That another daemon runs is no error but an answer.
    pub fn take(data: &Path) -> Result<Result<Self, Holder>, CliError> {
        let path = data.join(FILE);
        let error = |error: &std::io::Error| CliError::io(&path, error);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&path).map_err(|e| error(&e))?;
        for attempt in 0.. {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) => {
                    let pid = read_pid(&mut file);
                    // One that asks who is there holds it for a moment, too.
                    if pid.is_some_and(is_alive) || attempt >= PID_ATTEMPTS {
                        return Ok(Err(Holder(pid)));
                    }
                    std::thread::sleep(PID_PAUSE);
                }
                Err(TryLockError::Error(e)) => return Err(error(&e)),
            }
        }
        let write = |file: &mut File| -> std::io::Result<()> {
            file.set_len(0)?;
            file.rewind()?;
            file.write_all(std::process::id().to_string().as_bytes())
        };
        write(&mut file).map_err(|e| error(&e))?;
        Ok(Ok(Self(file)))
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        let _ = self.0.set_len(0);
    }
}

/// The daemon that runs on a data folder, whether it answers or not.
pub fn holder(data: &Path) -> Option<Holder> {
    let mut file = File::open(data.join(FILE)).ok()?;
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => Some(Holder(read_pid(&mut file))),
        Ok(()) | Err(TryLockError::Error(_)) => None,
    }
}

fn read_pid(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.rewind().and_then(|()| file.read_to_string(&mut text)).ok()?;
    text.trim().parse().ok()
}

fn is_alive(pid: u32) -> bool {
    let pid = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw);
    pid.is_some_and(|pid| rustix::process::test_kill_process(pid).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_holds_it_and_the_others_learn_who() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(holder(folder.path()), None);
        let lock = Lock::take(folder.path()).unwrap().unwrap();
        let me = Holder(Some(std::process::id()));
        assert_eq!(Lock::take(folder.path()).unwrap().unwrap_err(), me);
        assert_eq!(holder(folder.path()), Some(me));
        drop(lock);
        assert_eq!(holder(folder.path()), None);
        assert!(Lock::take(folder.path()).unwrap().is_ok());
    }
}
