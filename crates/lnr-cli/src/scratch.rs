// SPDX-License-Identifier: MIT OR Apache-2.0
//! Files and folders that must not outlive this process, for an end that runs no destructors.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

static PATHS: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

fn paths() -> MutexGuard<'static, Vec<PathBuf>> {
    PATHS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Has [`remove_all`] remove `path`.
pub fn remember(path: &Path) {
    paths().push(path.to_owned());
}

/// `path` is gone, or has become a file of the user's.
pub fn forget(path: &Path) {
    paths().retain(|p| p != path);
}

pub fn remove_all() {
    for path in paths().drain(..) {
        // Nothing is left to do when it stays.
        let _ = std::fs::remove_file(&path).or_else(|_| std::fs::remove_dir_all(&path));
    }
}
