// SPDX-License-Identifier: MIT OR Apache-2.0
//! Access units from the bytes of a stream that nobody parsed before.

use gst::glib;
use gst_base::Adapter;

use crate::framing::{self, Found};
use lnr::Error;
use lnr::stream::{MAGIC, Scanner, parse};

/// Bytes that are looked at first: a frame's access unit, or all that precedes a header.
const HEAD: usize = 64;

/// What stands at the start of an adapter.
pub(super) enum Next {
    /// An access unit of so many bytes.
    Unit(usize),
    /// Bytes to drop, and why unless that was told since the last group began, or nothing is wrong.
    Skip { n: usize, cause: Option<Error> },
    /// More bytes are needed to tell.
    NeedData,
}

/// Finds access units in an adapter.
#[derive(Default)]
pub(super) struct Input {
    /// Stands where the adapter's bytes begin.
    scanner: Scanner,
    /// The adapter's bytes and more before them, once nothing follows: copied once, not for each look.
    rest: Option<glib::Bytes>,
    /// Those that the adapter should still have.
    n_left: usize,
    /// Something was dropped since the last group began.
    has_hole: bool,
}

impl Input {
    /// What comes next in `adapter`; the caller takes or drops it. `is_end` says that nothing follows.
    pub fn next(&mut self, adapter: &Adapter, is_end: bool) -> Result<Next, glib::BoolError> {
        let mut next = match is_end {
            true => self.look_at_end(adapter)?,
            false => self.look(adapter)?,
        };
        if let Next::Skip { cause, .. } = &mut next
            && cause.is_some()
            && std::mem::replace(&mut self.has_hole, true)
        {
            *cause = None;
        }
        if let Next::Unit(n) | Next::Skip { n, .. } = next {
            self.scanner.consume(n);
        }
        Ok(next)
    }

    fn look(&mut self, adapter: &Adapter) -> Result<Next, glib::BoolError> {
        let available = adapter.available();
        let mut size = available.min(HEAD);
        loop {
            let head = adapter.copy_bytes(0, size)?;
            size = match framing::find(&mut self.scanner, &head) {
                // A unit is looked at again with all its bytes: only then they are paid for.
                Found::More(n) | Found::Unit(n) | Found::Index(n)
                    if (size + 1..=available).contains(&n) =>
                {
                    n
                }
                Found::Unit(len) if len <= size => return Ok(self.unit(&head[..len])),
                Found::Index(n) if n <= size => return Ok(Next::Skip { n, cause: None }),
                Found::Garbage(n) => {
                    return Ok(Next::Skip { n, cause: Some(framing::garbage()) });
                }
                _ => return Ok(Next::NeedData),
            };
        }
    }

    fn look_at_end(&mut self, adapter: &Adapter) -> Result<Next, glib::BoolError> {
        let available = adapter.available();
        let rest = match self.rest.take() {
            Some(rest) if self.n_left == available => rest,
            _ => adapter.copy_bytes(0, available)?,
        };
        let data = &rest[rest.len() - available..];
        let next = match framing::find(&mut self.scanner, data) {
            Found::Unit(len) if len <= available => self.unit(&data[..len]),
            Found::Garbage(n) => Next::Skip { n, cause: Some(framing::garbage()) },
            Found::Index(n) if n <= available => Next::Skip { n, cause: None },
            Found::Unit(_) | Found::Index(_) | Found::More(_) => {
                let n = self.scanner.group_inside(data, true).unwrap_or(available);
                Next::Skip { n, cause: Some(framing::cut_off()) }
            }
        };
        if let Next::Unit(n) | Next::Skip { n, .. } = next {
            self.n_left = available - n;
            self.rest = Some(rest);
        }
        Ok(next)
    }

    fn unit(&mut self, unit: &[u8]) -> Next {
        match parse(unit).err() {
            // Where bytes are missing, the next group begins inside of what should be this one.
            Some(error) => match self.scanner.group_inside(unit, false) {
                Some(n) => Next::Skip { n, cause: Some(error) },
                None => Next::Unit(unit.len()),
            },
            None => {
                self.has_hole &= !unit.starts_with(&MAGIC);
                Next::Unit(unit.len())
            }
        }
    }

    /// Other bytes follow.
    pub fn reset(&mut self) {
        *self = Self::default();
    }
}
