// SPDX-License-Identifier: MIT OR Apache-2.0

use super::bitrates::Bitrates;
use super::index::Index;
use crate::clock::{Timing, UnitClock};
use crate::framing::{self, Found};
use lnr::stream::{FileIndex, Orientation, Scan, Scanner, scan};
use lnr::{Error, PictureFormat};
use lnr_gst::hdr::Hdr;

/// What to do with the bytes at the start of some data.
pub(super) enum Look {
    /// Push so many of them: an access unit.
    Unit(usize, Timing),
    /// Drop so many of them: an index.
    Index(usize, FileIndex),
    /// Drop so many of them, and why.
    Drop(usize, Error),
    /// Wait until so many are there.
    Need(usize),
}

/// What some data come behind.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Behind {
    #[default]
    Start,
    Seek,
    /// A group, at least, since the start or the last seek.
    Group,
}

/// What the parser knows of its stream.
#[derive(Default)]
pub(super) struct State {
    pub clock: UnitClock,
    /// Stands where the data of the next call begin.
    pub scanner: Scanner,
    /// Bytes from there on that should have been part of an access unit which turned out damaged.
    pub n_suspect: usize,
    /// Bytes of the stream before the data of the next call, unless there is a seek.
    position: u64,
    /// What the data of the next call come behind.
    behind: Behind,
    pub index: Index,
    pub bitrates: Bitrates,
    /// Upstream gives one access unit per buffer and its times.
    pub is_timed: bool,
    /// A buffer was pushed.
    pub has_begun: bool,
    /// What upstream says about the rate; it knows better than the stream after `lnrinterp`.
    pub upstream_rate: Option<gst::Fraction>,
    /// What upstream says about the display; what the stream says wins.
    pub upstream_hdr: Hdr,
    /// What the source pad's caps were made of.
    pub announced: Option<(PictureFormat, Option<gst::Fraction>, Hdr)>,
    /// What the tags say; none where they do not speak of it.
    pub orientation: Option<Orientation>,
    /// A warning about access units without a group was posted for this hole.
    pub has_warned: bool,
}

impl State {
    /// What to do with the start of `data`, which stands at byte `offset` of the stream, and behind
    /// which nothing follows if `is_draining`.
    pub fn look(&mut self, data: &[u8], offset: u64, is_draining: bool) -> Look {
        if std::mem::replace(&mut self.position, offset) != offset {
            self.jump();
        }
        let len = match framing::find(&mut self.scanner, data) {
            Found::Unit(len) if len <= data.len() => len,
            Found::Index(len) if len <= data.len() => {
                return match FileIndex::parse(&data[..len]) {
                    Ok(index) => Look::Index(len, index),
                    Err(error) => Look::Drop(1, error),
                };
            }
            Found::Unit(n) | Found::Index(n) | Found::More(n) if !is_draining => {
                return Look::Need(n);
            }
            // The end is inside of it. What follows may be whole: search on behind its start.
            Found::Unit(_) | Found::Index(_) | Found::More(_) => {
                let n = self.group_inside(data, true).unwrap_or(data.len());
                return Look::Drop(n, framing::cut_off());
            }
            Found::Garbage(n) => return Look::Drop(n, framing::garbage()),
        };
        let (unit, following) = data.split_at(len);
        if let (Scan::More(more), false, false) = (scan(following), self.is_timed, is_draining) {
            return Look::Need(len + more);
        }
        let lookahead = (!self.is_timed).then_some(following);
        // Behind others a group goes on from them, whatever the index says, which knows nothing of groups
        // that a false size hides.
        if self.behind != Behind::Group {
            self.clock.place_next(self.index.place_at(offset));
        }
        let timing = match self.clock.next(unit, lookahead) {
            Ok(timing) => timing,
            Err(error) => return Look::Drop(len, error),
        };
        self.behind = Behind::Group;
        match timing.is_damaged.then(|| self.group_inside(unit, false)).flatten() {
            None => Look::Unit(len, timing),
            Some(restart) => {
                self.clock.lose_group();
                Look::Drop(restart, Error::damaged("bytes of a group are missing"))
            }
        }
    }

    /// Other bytes follow, as after a seek.
    pub fn jump(&mut self) {
        self.clock.reset();
        self.scanner.reset();
        self.n_suspect = 0;
        self.behind = Behind::Seek;
    }

    /// Whether no group was seen since a seek, which may lead anywhere: what is dropped is no damage.
    pub fn is_searching(&self) -> bool {
        self.behind == Behind::Seek
    }

    /// Passes over so many bytes.
    pub fn consume(&mut self, n: usize) {
        self.position += n as u64;
        self.scanner.consume(n);
        self.n_suspect = self.n_suspect.saturating_sub(n);
    }

    /// Where the next group begins inside of an access unit that is damaged, or cut off at the end.
    fn group_inside(&mut self, unit: &[u8], is_end: bool) -> Option<usize> {
        self.n_suspect = self.n_suspect.max(unit.len());
        self.scanner.group_inside(unit, is_end)
    }

    /// Takes the orientation over, and says whether it is another one than was told. A stream that
    /// never was turned leaves it to upstream's tags.
    pub fn turn(&mut self, orientation: Orientation) -> bool {
        let has_turned = orientation != self.orientation.unwrap_or_default();
        if has_turned {
            self.orientation = Some(orientation);
        }
        has_turned
    }
}
