// SPDX-License-Identifier: MIT OR Apache-2.0
//! Programs that see the plugin of this build, and no other copy of it.
#![allow(dead_code)] // each test file uses a part

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

/// The library of this build: cargo leaves it beside the tests, and a folder higher when asked for it.
pub fn library() -> PathBuf {
    let exe = std::env::current_exe().expect("own path");
    let built = |folder: &Path| {
        let path = folder.join("libgstlnr.so");
        let time = path.metadata().and_then(|m| m.modified()).ok()?;
        Some((time, path))
    };
    let newest = exe.ancestors().skip(1).take(2).filter_map(built).max();
    newest.expect("libgstlnr.so was built").1
}

/// Where the plugin and a registry lie, for all tests of a program.
fn folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let name = module_path!().replace("::", "-");
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::create_dir_all(&folder).expect("a folder");
        std::fs::copy(library(), folder.join("libgstlnr.so")).expect("copied");
        folder
    })
}

/// A command that sees the plugin.
pub fn command(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    command
        .env("GST_PLUGIN_PATH", folder())
        .env("GST_REGISTRY", folder().join("registry"))
        .env("GST_DEBUG_NO_COLOR", "1");
    command
}

/// What a command wrote to standard output and standard error.
///
/// # Panics
/// When it fails.
pub fn succeed(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    let text = text(&output);
    assert!(output.status.success(), "{command:?}\n{text}");
    text
}

/// Standard output and standard error.
pub fn text(output: &Output) -> String {
    let (out, err) = (&output.stdout, &output.stderr);
    format!("{}\n{}", String::from_utf8_lossy(out), String::from_utf8_lossy(err))
}
