//! Being unnoticed: low priority, no work on battery, memory given back.

use std::path::Path;

/// Puts the calling thread, and those it starts, behind everyone else; on Linux its input and output follow. Searches
/// are answered by threads that did not step back.
pub fn step_back() {
    // On Linux a priority is a thread's own, and zero means the calling one. Elsewhere it would be the whole
    // process's, searches and all.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::setpriority_process(None, 19);
}

/// Whether the machine runs on its battery; false where that cannot be told.
pub fn on_battery() -> bool {
    supplies_on_battery(Path::new("/sys/class/power_supply"))
}

fn supplies_on_battery(folder: &Path) -> bool {
    let Ok(supplies) = std::fs::read_dir(folder) else { return false };
    let read = |path: &Path| std::fs::read_to_string(path).unwrap_or_default().trim().to_owned();
    let (mut discharging, mut mains) = (false, false);
    for supply in supplies.flatten().map(|supply| supply.path()) {
        match read(&supply.join("type")).as_str() {
            "Mains" | "USB" => mains |= read(&supply.join("online")) == "1",
            // A mouse has a battery, too.
            "Battery" if read(&supply.join("scope")) != "Device" => {
                discharging |= read(&supply.join("status")) == "Discharging";
            }
            _ => {}
        }
    }
    discharging && !mains
}

/// Resident memory of this process in bytes; 0 where it cannot be told.
pub fn resident_bytes() -> u64 {
    let Ok(text) = std::fs::read_to_string("/proc/self/statm") else { return 0 };
    let pages: u64 = text.split_whitespace().nth(1).and_then(|text| text.parse().ok()).unwrap_or(0);
    pages * rustix::param::page_size() as u64
}

/// Keeps the C library from setting memory aside for each thread: there are many here that do little, and what each
/// was given stays with it. Call it before there are any.
pub fn share_memory() {
    // SAFETY: it sets a number in the C library; no other thread runs yet.
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, 2);
    }
}

/// Gives freed memory back to the system, which the C library otherwise keeps for later.
pub fn give_back_memory() {
    // SAFETY: it takes no pointers and may be called at any time from any thread.
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    unsafe {
        libc::malloc_trim(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_laptop_unplugged_is_on_battery() {
        let folder = tempfile::tempdir().unwrap();
        let set = |supply: &str, values: &[(&str, &str)]| {
            let supply = folder.path().join(supply);
            std::fs::create_dir_all(&supply).unwrap();
            for (name, value) in values {
                std::fs::write(supply.join(name), format!("{value}\n")).unwrap();
            }
        };
        assert!(!supplies_on_battery(folder.path()));
        set("mouse", &[("type", "Battery"), ("scope", "Device"), ("status", "Discharging")]);
        assert!(!supplies_on_battery(folder.path()), "only a mouse");
        set("AC", &[("type", "Mains"), ("online", "0")]);
        set("BAT0", &[("type", "Battery"), ("status", "Discharging")]);
        assert!(supplies_on_battery(folder.path()));
        set("AC", &[("online", "1")]);
        assert!(!supplies_on_battery(folder.path()), "plugged in");
        assert!(!supplies_on_battery(&folder.path().join("none")));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn memory_is_told() {
        assert!(resident_bytes() > 1_000_000);
    }
}
