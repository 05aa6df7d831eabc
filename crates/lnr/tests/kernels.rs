// SPDX-License-Identifier: MIT OR Apache-2.0
//! The compiled kernels: made from the sources that are there, for every architecture, within their
//! limits of registers and spills. `python3 kernels/build.py` makes them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

const ARCHITECTURES: [u32; 6] = [80, 86, 89, 90, 100, 120];

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../kernels")
}

fn text(name: &str) -> String {
    std::fs::read_to_string(folder().join(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
}

/// FNV-1a, 64 bits.
fn hash(bytes: &[u8]) -> u64 {
    let step = |hash: u64, b: &u8| (hash ^ u64::from(*b)).wrapping_mul(0x0100_0000_01B3);
    bytes.iter().fold(0xCBF2_9CE4_8422_2325, step)
}

/// Every source and its hash, by its path in the folder.
fn collect(inner: &str, found: &mut BTreeMap<String, String>) {
    for entry in std::fs::read_dir(folder().join(inner)).expect("a folder of kernels") {
        let path = entry.expect("an entry").path();
        let name =
            path.strip_prefix(folder()).expect("inside").to_string_lossy().replace('\\', "/");
        if path.is_dir() {
            collect(&name, found);
        } else if [".cu", ".cuh", "sizes.h", "build.py"].iter().any(|end| name.ends_with(end)) {
            found.insert(name, format!("{:016x}", hash(&std::fs::read(path).expect("a source"))));
        }
    }
}

#[test]
fn they_are_made_from_these_sources() {
    let mut now = BTreeMap::new();
    collect("", &mut now);
    assert!(now.len() > 5, "{now:?}");
    let then: BTreeMap<String, String> = text("compiled/sources.txt")
        .lines()
        .filter_map(|line| line.split_once(' '))
        .map(|(hash, name)| (name.to_owned(), hash.to_owned()))
        .collect();
    assert_eq!(then, now, "the compiled kernels are stale: run python3 kernels/build.py");
}

/// Most registers of a thread and most spilled bytes. 168 registers leave room for three blocks of
/// 128 threads, which is what shared memory leaves room for; 128 for two of 256, more than 168 for two
/// of 128.
fn limits(kernel: &str) -> (u32, u32) {
    match kernel {
        "frame_train_16" => (168, 0),
        k if k.starts_with("frame_") && k.ends_with("_16") => (144, 0),
        "frame_train_64" => (255, 0),
        k if k.starts_with("frame_") => (224, 0),
        // Weights fill the shared memory: one or two blocks of 128 threads.
        "fused_128" => (216, 0),
        "fused_64" => (144, 0),
        _ => (128, 8),
    }
}

#[test]
fn registers_and_spills_are_within_their_limits() {
    let mut seen: BTreeMap<String, BTreeSet<u32>> = BTreeMap::new();
    for line in text("compiled/resources.txt").lines().filter(|l| !l.starts_with('#')) {
        let words: Vec<&str> = line.split(' ').collect();
        let [kernel, numbers @ ..] = &words[..] else { panic!("{line}") };
        let numbers: Vec<u32> = numbers.iter().map(|n| n.parse().expect("a number")).collect();
        let (registers, spills) = limits(kernel);
        assert!(numbers[1] <= registers && numbers[2] <= spills, "{line}: {registers} {spills}");
        seen.entry((*kernel).to_owned()).or_default().insert(numbers[0]);
    }
    for (kernel, architectures) in &seen {
        assert!(architectures.iter().eq(&ARCHITECTURES), "{kernel}: {architectures:?}");
    }
    let names = text("compiled/names.in");
    let names: BTreeSet<&str> = names.split('"').skip(1).step_by(2).collect();
    assert!(names.iter().copied().eq(seen.keys().map(String::as_str)), "{names:?}");
}
