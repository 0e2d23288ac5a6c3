//! File systems whose changes nobody is told of: they have to be looked at now and then.

use std::path::Path;

/// A file system that does not tell of all changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Remote {
    /// Its usual name.
    pub name: &'static str,
}

/// Whether changes under a path may come unannounced: other machines, or the other side of a virtual one, make
/// changes on these that the kernel here does not see.
#[cfg(target_os = "linux")]
pub fn remote(path: &Path) -> Option<Remote> {
    let kind = rustix::fs::statfs(path).ok()?.f_type as u64 & 0xFFFF_FFFF;
    by_magic(kind).map(|name| Remote { name })
}

/// Elsewhere the system watches whole trees and tells of what it can.
#[cfg(not(target_os = "linux"))]
pub fn remote(_path: &Path) -> Option<Remote> {
    None
}

/// The numbers are those of `statfs(2)`.
#[cfg(any(target_os = "linux", test))]
fn by_magic(magic: u64) -> Option<&'static str> {
    Some(match magic {
        0x6969 => "NFS",
        0x517B => "SMB",
        0xFF53_4D42 => "CIFS",
        0xFE53_4D42 => "SMB 2",
        0x6573_5546 => "FUSE",
        0x0102_1997 => "9P",
        0x5346_414F => "AFS",
        0x7375_7245 => "Coda",
        0x00C3_6400 => "Ceph",
        0x564C => "NCP",
        0x0BD0_0BD0 => "Lustre",
        0x786F_4256 => "VirtualBox shared folder",
        0xBACB_ACBC => "VMware shared folder",
        0x4750_4653 => "GPFS",
        0x0116_1970 => "GFS2",
        0x7461_636F => "OCFS2",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_file_systems_are_watched_and_those_of_others_are_not() {
        for local in [0xEF53, 0x9123_683E, 0x5846_5342, 0x0102_1994, 0x794C_7630] {
            assert_eq!(by_magic(local), None);
        }
        assert_eq!(by_magic(0x6969), Some("NFS"));
        assert_eq!(by_magic(0x6573_5546), Some("FUSE"));
        let here = tempfile::tempdir().unwrap();
        assert_eq!(remote(here.path()).map(|remote| remote.name), None);
    }
}
