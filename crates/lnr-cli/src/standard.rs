// SPDX-License-Identifier: MIT OR Apache-2.0
//! Standard input and output as files, without the buffers of the standard library.

use std::fs::File;
use std::io::{Result, stdin, stdout};
#[cfg(unix)]
use std::os::fd::AsFd;
#[cfg(windows)]
use std::os::windows::io::AsHandle;

#[cfg(unix)]
pub fn input() -> Result<File> {
    stdin().as_fd().try_clone_to_owned().map(File::from)
}

#[cfg(unix)]
pub fn output() -> Result<File> {
    stdout().as_fd().try_clone_to_owned().map(File::from)
}

#[cfg(windows)]
pub fn input() -> Result<File> {
    stdin().as_handle().try_clone_to_owned().map(File::from)
}

#[cfg(windows)]
pub fn output() -> Result<File> {
    stdout().as_handle().try_clone_to_owned().map(File::from)
}
