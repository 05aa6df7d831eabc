// SPDX-License-Identifier: MIT OR Apache-2.0
//! The index of a folder: what the frames of all its videos mean, in one place. It is a cache: the files are
//! the truth.

mod args;
mod build;
mod entry;
mod read;
mod rows;
mod save;
mod stored;
mod walk;

pub use args::IndexArgs;
pub use build::run;
pub use entry::Entry;
pub use read::read_file;
pub use rows::{Needle, SpaceRows, key_of, rows_of};
pub use save::NAME;
pub use stored::{Section, Stored};
pub use walk::{Found, may_hold_lnr, walk};
