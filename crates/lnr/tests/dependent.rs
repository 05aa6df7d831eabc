// SPDX-License-Identifier: MIT OR Apache-2.0
//! A crate that depends on the library without its default features: it builds, works, and brings
//! nothing of GStreamer, of the command line or of CUDA with it.

use std::path::{Path, PathBuf};
use std::process::Command;

/// What must not be among its dependencies: the beginnings of packages' names.
const FOREIGN: [&str; 9] =
    ["gst", "glib", "gobject", "gio", "clap", "cudarc", "bytemuck", "indicatif", "serde"];

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the repository")
}

/// A copy of `tests/dependent` with the versions of this workspace, which are there without a network.
fn package() -> PathBuf {
    let (from, to) = (repository(), Path::new(env!("CARGO_TARGET_TMPDIR")).join("dependent"));
    std::fs::create_dir_all(to.join("src")).expect("a folder");
    let manifest = std::fs::read_to_string(from.join("tests/dependent/Cargo.toml")).expect("it");
    let library = from.join("crates/lnr").display().to_string().replace('\\', "/");
    assert!(manifest.contains("\"../../crates/lnr\""));
    let manifest = manifest.replace("../../crates/lnr", &library);
    std::fs::write(to.join("Cargo.toml"), manifest).expect("written");
    let main = "src/main.rs";
    std::fs::copy(from.join("tests/dependent").join(main), to.join(main)).expect("copied");
    std::fs::copy(from.join("Cargo.lock"), to.join("Cargo.lock")).expect("copied");
    to
}

fn cargo(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO"))
        .args(arguments)
        .args(["--offline", "--color", "never"])
        .current_dir(folder)
        .env("CARGO_TARGET_DIR", folder.join("target"))
        // What the test itself runs with must not decide what is built.
        .env_remove("RUSTFLAGS")
        .env_remove("RUSTDOCFLAGS")
        .output()
        .expect("cargo runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cargo {arguments:?}\n{errors}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn a_dependent_crate_gets_the_codec_and_nothing_else() {
    let folder = package();
    let tree = cargo(&folder, &["tree", "--edges", "all", "--prefix", "none"]);
    assert!(tree.lines().any(|l| l.starts_with("lnr v")), "{tree}");
    let foreign = |l: &&str| FOREIGN.iter().any(|f| l.starts_with(f));
    let found: Vec<_> = tree.lines().filter(foreign).collect();
    assert!(found.is_empty(), "{found:?} in\n{tree}");
    assert_eq!(cargo(&folder, &["run", "--quiet"]), "2 frames\n");
}
