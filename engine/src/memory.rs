//! How much memory there is for a run.

use crate::device::Device;

/// Bytes that runs on the CPU may still take, where the system tells: what Linux calls available, or
/// what a control group leaves, whichever is less.
pub(crate) fn available() -> Option<u64> {
    let system = fs_err::read_to_string("/proc/meminfo").ok().and_then(|text| {
        field(&text, "MemAvailable:").map(|kibibytes| kibibytes.saturating_mul(1024))
    });
    let group = control_group();
    match (system, group) {
        (Some(system), Some(group)) => Some(system.min(group)),
        (system, group) => system.or(group),
    }
}

/// What the process's control group (version 2, as containers see it) leaves. The page cache counts
/// as used there, but gives way.
fn control_group() -> Option<u64> {
    let read = |name: &str| fs_err::read_to_string(format!("/sys/fs/cgroup/{name}")).ok();
    let limit: u64 = read("memory.max")?.trim().parse().ok()?;
    let used: u64 = read("memory.current")?.trim().parse().ok()?;
    let cached = read("memory.stat").map_or(0, |text| {
        field(&text, "inactive_file").unwrap_or(0) + field(&text, "active_file").unwrap_or(0)
    });
    Some(limit.saturating_sub(used.saturating_sub(cached)))
}

/// The number after a name at the start of a line.
fn field(text: &str, name: &str) -> Option<u64> {
    let of = |line: &str| -> Option<u64> {
        let mut words = line.split_whitespace();
        (words.next()? == name).then(|| words.next()?.parse().ok())?
    };
    text.lines().find_map(of)
}

/// Free bytes of a CUDA device's memory, where its driver tells.
pub(crate) fn cuda_free(device: i32) -> Option<u64> {
    use std::ffi::c_int;
    type SetDevice = unsafe extern "C" fn(c_int) -> c_int;
    type MemGetInfo = unsafe extern "C" fn(*mut usize, *mut usize) -> c_int;
    const LIBRARY: &str = if cfg!(windows) { "cudart64_13.dll" } else { "libcudart.so.13" };
    // SAFETY: this is the library that ONNX Runtime's provider is linked to and has loaded, so that
    // nothing new runs when it is opened, and the two functions have these types in all of CUDA 13.
    unsafe {
        let library = libloading::Library::new(LIBRARY).ok()?;
        let set_device: libloading::Symbol<'_, SetDevice> = library.get(b"cudaSetDevice").ok()?;
        let get_info: libloading::Symbol<'_, MemGetInfo> = library.get(b"cudaMemGetInfo").ok()?;
        let (mut free, mut total) = (0, 0);
        (set_device(device) == 0 && get_info(&mut free, &mut total) == 0).then_some(free as u64)
    }
}

/// What limits the memory of runs on a device.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limit {
    device: Device,
    /// For CUDA: what was free when the encoder was opened, or what the caller allows. What runs
    /// take stays in ONNX Runtime's arena, so that the driver's later figures say nothing.
    bytes: Option<u64>,
}

/// Part of a GPU's free memory that is left alone: libraries' workspaces, and what other programs
/// come to need.
const CUDA_SHARE: f64 = 0.85;

impl Limit {
    pub(crate) fn cpu() -> Limit {
        Limit { device: Device::Cpu, bytes: None }
    }

    pub(crate) fn cuda(device: i32, allowed: Option<usize>) -> Limit {
        let free = cuda_free(device).map(|free| (free as f64 * CUDA_SHARE) as u64);
        let allowed = allowed.map(|bytes| bytes as u64);
        let bytes = match (free, allowed) {
            (Some(free), Some(allowed)) => Some(free.min(allowed)),
            (free, allowed) => free.or(allowed),
        };
        Limit { device: Device::Cuda, bytes }
    }

    /// Bytes that a run may take now; `None` where nobody knows.
    pub(crate) fn bytes(&self) -> Option<u64> {
        match self.device {
            Device::Cpu => available(),
            Device::Cuda => self.bytes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_by_their_whole_name() {
        let text = "MemTotal:       24000 kB\nMemAvailable:   12345 kB\nfile 7\nactive_file 9\n";
        assert_eq!(field(text, "MemAvailable:"), Some(12345));
        assert_eq!(field(text, "active_file"), Some(9));
        assert_eq!(field(text, "Mem"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn linux_tells_what_is_available() {
        assert!(available().is_some_and(|bytes| bytes > 1 << 20));
    }

    #[test]
    fn without_a_driver_only_what_the_caller_allows_is_known() {
        if cuda_free(0).is_none() {
            assert_eq!(Limit::cuda(0, Some(5)).bytes(), Some(5));
            assert_eq!(Limit::cuda(0, None).bytes(), None);
        }
    }
}
