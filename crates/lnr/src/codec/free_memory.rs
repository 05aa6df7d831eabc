// SPDX-License-Identifier: MIT OR Apache-2.0
//! How much memory the system has left.

use std::fs::read_to_string;

/// Bytes that programs may take without others being pushed out, of the machine and of the control group
/// that a container runs in; `None` where the system does not say (it is no Linux).
pub fn bytes() -> Option<u64> {
    let machine = available(&read_to_string("/proc/meminfo").ok()?)?;
    let number = |file: &str| read_to_string(file).ok()?.trim().parse::<u64>().ok();
    let group = number("/sys/fs/cgroup/memory.max")
        .zip(number("/sys/fs/cgroup/memory.current"))
        .map(|(most, used)| most.saturating_sub(used));
    Some(group.map_or(machine, |group| group.min(machine)))
}

/// Bytes by the line `MemAvailable` of /proc/meminfo.
fn available(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    line.trim().strip_suffix(" kB")?.parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_kernel_is_read() {
        let text = "MemTotal:       32000000 kB\nMemAvailable:   22563880 kB\nBuffers: 1 kB\n";
        assert_eq!(available(text), Some(22_563_880 << 10));
        assert_eq!(available("MemTotal: 1 kB\n"), None);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn linux_says_how_much_is_free() {
        assert!(bytes().is_some_and(|bytes| bytes > 1 << 20));
    }
}
