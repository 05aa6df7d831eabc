// SPDX-License-Identifier: MIT OR Apache-2.0

use super::AccessUnit;
use crate::base::{Error, Result, Tau, limits};
use crate::bitstream::{self, Unit};

/// Inserts access units at times between frames (paper Eq. 4 does the rest in the decoder).
pub struct Interpolator {
    factor: u32,
    /// Id and number of frames of the current group.
    group: Option<(u8, u32)>,
}

impl Interpolator {
    /// One that makes `factor` access units of each.
    ///
    /// # Errors
    /// [`Error::InvalidSetting`] unless `factor` is 1, 2, 4 or 8.
    pub fn new(factor: u32) -> Result<Self> {
        if ![1, 2, 4, 8].contains(&factor) {
            return Err(Error::InvalidSetting(format!("factor {factor}: choose 1, 2, 4 or 8")));
        }
        Ok(Self { factor, group: None })
    }

    /// The access units that replace this one: itself with a shorter duration, then the inserted
    /// ones. `pts` and `duration` are those of `unit`, in ns. Durations add up to `duration` exactly. After the last frame of a group the inserted
    /// units hold that frame, because nothing may be interpolated across groups.
    ///
    /// # Errors
    /// [`Error::Damaged`] when `unit` is none, or belongs to a group whose start was not seen.
    pub fn push(&mut self, unit: &[u8], pts: u64, duration: u64) -> Result<Vec<AccessUnit>> {
        let (shows, is_key) = match bitstream::parse(unit) {
            Ok(Unit::Group { header, shows, .. }) => {
                self.group = Some((header.id, header.n_frames()));
                (shows, true)
            }
            Ok(Unit::Frame { group, shows }) => match self.group {
                Some((id, n_frames)) if id == group && shows < Tau::frame(n_frames) => {
                    (shows, false)
                }
                _ => return Err(Error::damaged("a frame of a group whose start is missing")),
            },
            Err(e) => {
                self.group = None;
                return Err(e);
            }
        };
        let Some((id, n_frames)) = self.group else { return Ok(Vec::new()) };
        debug_assert!(n_frames <= limits::MAX_GROUP_FRAMES);
        let at = |i: u32| duration * u64::from(i) / u64::from(self.factor);
        let mut units = vec![AccessUnit { data: unit.to_vec(), pts, duration: at(1), is_key }];
        for i in 1..self.factor {
            let tau = Tau::from_units(shows.units() + i * Tau::UNIT / self.factor);
            units.push(AccessUnit {
                data: bitstream::write_frame(id, tau),
                pts: pts + at(i),
                duration: at(i + 1) - at(i),
                is_key: false,
            });
        }
        Ok(units)
    }

    /// Forgets the current group (after a seek).
    pub fn reset(&mut self) {
        self.group = None;
    }
}
