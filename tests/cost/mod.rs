// SPDX-License-Identifier: MIT OR Apache-2.0
//! What reading streams may cost, and how it is measured.
#![cfg(target_os = "linux")]

/// Seconds of CPU time of a process (its number, or "self") so far: other programs beside it do not
/// count. None where there is no such process any more.
pub fn cpu_time(process: impl std::fmt::Display) -> Option<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let fields: Vec<&str> = stat.rsplit(')').next()?.split_whitespace().collect();
    // User and system time in ticks, 100 a second.
    Some((fields.get(11)?.parse::<f64>().ok()? + fields.get(12)?.parse::<f64>().ok()?) / 100.0)
}

/// Seconds for a stream of so many bytes: two, and one per MB; five times that, because tests are
/// built with checks, other programs share caches and memory, and the same machine is twice as slow at times
/// (7 to 11 s were seen for 4000 groups of the same build).
pub fn allowed(n_bytes: usize) -> f64 {
    5.0 * (2.0 + n_bytes as f64 / 1e6)
}
