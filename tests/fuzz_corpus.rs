// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the fuzz targets do, with the files that fuzzing has kept and those that once failed.
//! `fuzz/run.sh` searches for new ones.

#[path = "../fuzz/src/lib.rs"]
mod fuzz;

use std::panic::catch_unwind;
use std::path::Path;

fn replay(name: &str) {
    let (_, target) = fuzz::TARGETS.iter().find(|t| t.0 == name).expect("a target");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(name);
    let mut n_files = 0;
    for file in std::fs::read_dir(&folder).expect("a corpus").flatten() {
        let bytes = std::fs::read(file.path()).expect("readable");
        // The name of the file is what is wanted to know when a promise is broken.
        let result = catch_unwind(|| target(&bytes));
        assert!(result.is_ok(), "{}: the panic above", file.path().display());
        n_files += 1;
    }
    assert!(n_files > 2, "{n_files} files in {}", folder.display());
}

#[test]
fn units() {
    replay("units");
}

#[test]
fn headers() {
    replay("headers");
}

#[test]
fn grids() {
    replay("grids");
}

#[test]
fn coordinates() {
    replay("coordinates");
}

#[test]
fn latents() {
    replay("latents");
}

#[test]
fn join() {
    replay("join");
}

#[test]
fn parser() {
    replay("parser");
}

/// A target that is not named above would not be replayed; one without a program is never searched.
#[test]
fn every_target_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let this = include_str!("fuzz_corpus.rs");
    for (name, _) in fuzz::TARGETS {
        assert!(this.contains(&format!("replay(\"{name}\")")), "{name}");
        assert!(root.join(format!("fuzz/fuzz_targets/{name}.rs")).is_file(), "{name}");
    }
    for folder in ["fuzz_targets", "corpus"] {
        let entries = std::fs::read_dir(root.join("fuzz").join(folder)).expect("a folder");
        assert_eq!(entries.count(), fuzz::TARGETS.len(), "{folder}");
    }
}
