// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the frames of a file mean, read from it without decoding a picture.

use std::path::Path;

#[cfg(feature = "clip")]
use lnr::align::Space;
use lnr::stream::{GroupHeader, Timeline};
use lnr::{EmbeddingReader, EmbeddingTrack, Tau};

use crate::console::Console;
use crate::exit::{Failure, Outcome};
use crate::input::{Damage, Item, open_units};

/// A group of a file, and what its frames mean.
pub struct GroupTrack {
    /// When it is shown, in ns.
    pub begin: u64,
    pub end: u64,
    /// With its time in the file.
    header: GroupHeader,
    pub track: EmbeddingTrack,
}

impl GroupTrack {
    /// Its time nodes: when each is shown in ns, and its vector, of length 1.
    pub fn nodes(&self) -> impl Iterator<Item = (u64, Vec<f32>)> + '_ {
        self.track.nodes().iter().map(|tau| (self.time_of(*tau), self.track.at(*tau)))
    }

    /// Its frames: when each is shown in ns, and its vector, of length 1.
    pub fn frames(&self) -> impl Iterator<Item = (u64, Vec<f32>)> + '_ {
        let taus = (0..self.header.n_frames()).map(Tau::frame);
        taus.map(|tau| (self.time_of(tau), self.track.at(tau)))
    }

    /// The vector of the frame that is shown at a time in ns, of length 1.
    pub fn at(&self, time: u64) -> Vec<f32> {
        let shown = |i: &u32| self.time_of(Tau::frame(*i)) <= time;
        let frame = (0..self.header.n_frames()).take_while(shown).last().unwrap_or(0);
        self.track.at(Tau::frame(frame))
    }

    fn time_of(&self, tau: Tau) -> u64 {
        self.header.time_of(tau)
    }
}

/// What the frames of a file mean.
#[derive(Default)]
pub struct FileTracks {
    /// The groups that say it, in the order of their times.
    pub groups: Vec<GroupTrack>,
    /// Groups in all.
    pub n_groups: usize,
    /// When the first one begins, in ns.
    pub begin: u64,
    /// When the last one ends, in ns.
    pub duration: u64,
    /// What could not be read.
    pub damage: Damage,
}

impl FileTracks {
    /// Reads a .lnr file, or a container that holds LNR video.
    ///
    /// # Errors
    /// When it cannot be read or holds no group at all.
    pub fn read(path: &Path, console: &Console) -> Outcome<Self> {
        let mut units = open_units(path, console)?;
        let mut tracks = Self::default();
        let (mut timeline, mut reader) = (Timeline::default(), EmbeddingReader::default());
        while let Some(item) = units.next()? {
            console.check()?;
            let unit = match item {
                Item::Unit(unit) => unit,
                Item::Index(_) => continue,
                Item::Damage { cause, .. } => {
                    tracks.damage.found(cause);
                    continue;
                }
            };
            match reader.push(&unit) {
                Ok(None) => {}
                Ok(Some((header, track))) => match timeline.enter(&header) {
                    Ok(place) => {
                        tracks.damage.good_group();
                        if tracks.n_groups == 0 {
                            tracks.begin = place.begin;
                        }
                        tracks.n_groups += 1;
                        tracks.duration = place.end;
                        let (begin, end) = (place.begin, place.end);
                        let header = GroupHeader { pts: begin, ..*header };
                        let group = track.map(|track| GroupTrack { begin, end, header, track });
                        tracks.groups.extend(group);
                    }
                    Err(e) => tracks.damage.found(e.to_string()),
                },
                Err(e) => tracks.damage.found(e.to_string()),
            }
        }
        match tracks.n_groups {
            0 => {
                let cause = tracks.damage.first_cause.take();
                let cause = cause.unwrap_or_else(|| "no access units".into());
                Err(Failure::damaged(path, format!("no LNR group in it: {cause}")))
            }
            _ => Ok(tracks),
        }
    }

    /// The space of the vectors: that of the first group that has any.
    #[cfg(feature = "clip")]
    pub fn space(&self) -> Option<&Space> {
        Some(self.groups.first()?.track.space())
    }
}
