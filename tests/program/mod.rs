// SPDX-License-Identifier: MIT OR Apache-2.0
//! The program `lnr` of this source tree, for tests of packages that cannot have it from cargo.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

/// Where `lnr` lies. A run of all tests has built it; where only some are run, it is built if it is
/// missing or older than its sources.
pub fn lnr() -> PathBuf {
    let exe = std::env::current_exe().expect("own path");
    let folder = exe.ancestors().nth(2).expect("the folder of the build").to_owned();
    let program = folder.join("lnr");
    let built = program.metadata().and_then(|m| m.modified());
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let changed = newest(&root.join("crates"));
    if built.is_err() || built.is_ok_and(|built| built < changed) {
        let mut command = Command::new(env!("CARGO"));
        command.args(["build", "--quiet", "--locked", "-p", "lnr-cli", "--target-dir"]);
        command.arg(folder.parent().expect("the folder of all builds")).current_dir(root);
        if folder.ends_with("release") {
            command.arg("--release");
        }
        assert!(command.status().expect("cargo runs").success(), "lnr is not built");
    }
    program
}

/// When the last of the sources below `path` was changed.
fn newest(path: &Path) -> SystemTime {
    let time = match path.extension() {
        Some(e) if e == "rs" || e == "toml" => path.metadata().and_then(|m| m.modified()).ok(),
        _ => None,
    };
    let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
    let of_entries = entries.map(|e| newest(&e.path())).max();
    time.max(of_entries).unwrap_or(SystemTime::UNIX_EPOCH)
}
