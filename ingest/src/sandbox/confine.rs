//! What a child may reach, on top of what it may take: its parent's folders to read, and nothing else.
//!
//! On Linux by Landlock and a filter of system calls, as far as the kernel has them. Where it does not, the limits
//! stand alone; nothing fails for it.

use serde::{Deserialize, Serialize};

/// What a child is kept from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confinement {
    /// From every file but those of its folders, and from writing anything anywhere (Linux 5.13).
    pub files: bool,
    /// From opening a socket of any kind: neither the network nor another process can be reached (seccomp filters, on
    /// x86-64, ARM and RISC-V of 64 bits).
    pub network: bool,
}

/// Confines the calling thread and those it starts from now on to reading below these paths. Where it is to run a
/// program (`runs`), it may read and run anything, as programs need libraries and data of their own; writing and the
/// network stay closed to it and to them.
#[cfg(target_os = "linux")]
pub(super) fn confine(readable: &[std::path::PathBuf], runs: bool) -> Confinement {
    let files = confine_files(readable, runs) && !runs;
    Confinement { files, network: refuse_sockets().is_ok() }
}

/// Files by Landlock, with TCP besides (Linux 6.7) for where sockets cannot be refused altogether.
#[cfg(target_os = "linux")]
fn confine_files(readable: &[std::path::PathBuf], runs: bool) -> bool {
    use std::path::Path;

    use landlock::{
        ABI, Access, AccessFs, AccessNet, BitFlags, LandlockStatus, PathBeneath, PathFd,
        RestrictionStatus, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetError, RulesetStatus,
        Scope,
    };

    /// Newer kernels are asked for no more than this, and older ones for what they have.
    const ABI_KNOWN: ABI = ABI::V6;

    let restrict = || -> Result<RestrictionStatus, RulesetError> {
        let mut ruleset = Ruleset::default()
            .handle_access(AccessFs::from_all(ABI_KNOWN))?
            .handle_access(AccessNet::from_all(ABI_KNOWN))?
            .scope(Scope::from_all(ABI_KNOWN))?
            .create()?;
        let read = |path: &Path| match path.is_dir() {
            true => AccessFs::ReadFile | AccessFs::ReadDir,
            false => AccessFs::ReadFile.into(),
        };
        let mut open: Vec<(&Path, BitFlags<AccessFs>)> =
            readable.iter().map(|path| (path.as_path(), read(path))).collect();
        if runs {
            let run = AccessFs::ReadFile | AccessFs::ReadDir | AccessFs::Execute;
            open.push((Path::new("/"), run));
            open.push((Path::new("/dev/null"), AccessFs::ReadFile | AccessFs::WriteFile));
        }
        for (path, access) in open {
            // What is not there cannot be read anyway.
            let Ok(path) = PathFd::new(path) else { continue };
            ruleset = ruleset.add_rule(PathBeneath::new(path, access))?;
        }
        ruleset.restrict_self()
    };
    matches!(
        restrict(),
        Ok(RestrictionStatus {
            ruleset: RulesetStatus::FullyEnforced | RulesetStatus::PartiallyEnforced,
            landlock: LandlockStatus::Available { .. },
            ..
        })
    )
}

/// Makes every way to a new socket fail with a permission error, for the calling thread and what it starts. Pairs of
/// connected sockets lead nowhere and stay.
#[cfg(target_os = "linux")]
fn refuse_sockets() -> seccompiler::Result<()> {
    use std::env::consts::ARCH;

    use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, apply_filter};

    /// Set in the numbers that the calls have in the x32 convention of x86-64 kernels.
    const X32: libc::c_long = 0x4000_0000;

    // Without a condition on its arguments, a call is refused whatever they are.
    let refused = [libc::SYS_socket, libc::SYS_socket | X32, libc::SYS_io_uring_setup]
        .map(|call| (call, Vec::new()))
        .into();
    let refusal = SeccompAction::Errno(libc::EACCES as u32);
    let filter = SeccompFilter::new(refused, SeccompAction::Allow, refusal, ARCH.try_into()?)?;
    apply_filter(&BpfProgram::try_from(filter)?)
}

/// Other systems have nothing of the kind that a process can ask for by itself.
#[cfg(not(target_os = "linux"))]
pub(super) fn confine(_readable: &[std::path::PathBuf], _runs: bool) -> Confinement {
    Confinement::default()
}
