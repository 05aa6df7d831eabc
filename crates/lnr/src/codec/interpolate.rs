// SPDX-License-Identifier: MIT OR Apache-2.0

use super::AccessUnit;
use crate::base::{Error, Result, Tau};
use crate::bitstream::{self, Unit};

/// Inserts access units at times between frames (paper Eq. 4 does the rest in the decoder).
pub struct Interpolator {
    factor: u32,
    group: Option<Group>,
}

/// The current group.
struct Group {
    id: u8,
    /// Of its frames, in ns.
    durations: Vec<u64>,
}

impl Group {
    /// Units of time from one access unit that lasts `duration` to the next: a frame, or a part of it where
    /// units were inserted before. Containers round durations, so the nearest counts; but times are
    /// multiples of the distance, whatever is made of the duration of the last one.
    fn spacing(&self, shows: Tau, duration: u64) -> u32 {
        let frame = self.durations.get(shows.floor() as usize).copied().unwrap_or(duration);
        let is_short = |spacing: u32| {
            duration > 0
                && 4 * u128::from(duration) * u128::from(Tau::UNIT)
                    < 3 * u128::from(frame) * u128::from(spacing)
        };
        let mut spacing = 1 << (Tau::UNIT | shows.units()).trailing_zeros();
        while spacing > 1 && is_short(spacing) {
            spacing /= 2;
        }
        spacing
    }
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
    /// ones. `pts` and `duration` are those of `unit`, in ns. Durations add up to `duration` exactly.
    /// Units that were inserted before are known by their duration, which is a fraction of their
    /// frame's. After the last frame of a group the inserted units hold that frame, because nothing
    /// may be interpolated across groups.
    ///
    /// # Errors
    /// [`Error::Damaged`] when `unit` is none, or belongs to a group whose start was not seen;
    /// [`Error::Limit`] when it ends beyond 2^64 ns, or a frame would get more parts than the format has.
    pub fn push(&mut self, unit: &[u8], pts: u64, duration: u64) -> Result<Vec<AccessUnit>> {
        let beyond = || Error::limit(format!("{pts} ns and {duration} ns are more than 2^64"));
        pts.checked_add(duration).ok_or_else(beyond)?;
        let (shows, is_key) = match bitstream::parse(unit) {
            Ok(Unit::Group { header, shows, .. }) => {
                self.group = Some(Group { id: header.id, durations: header.durations });
                (shows, true)
            }
            Ok(Unit::Frame { group, shows }) => match &self.group {
                Some(of) if of.id == group && (shows.floor() as usize) < of.durations.len() => {
                    (shows, false)
                }
                _ => return Err(Error::damaged("a frame of a group whose start is missing")),
            },
            Err(e) => {
                self.group = None;
                return Err(e);
            }
        };
        let Some(group) = &self.group else { return Ok(Vec::new()) };
        let spacing = group.spacing(shows, duration);
        if spacing < self.factor {
            let (n, most) = (Tau::UNIT / spacing, Tau::UNIT);
            let parts =
                format!("{n} parts of a frame, each to become {}: at most {most}", self.factor);
            return Err(Error::limit(parts));
        }
        let factor = u128::from(self.factor);
        let at = |i: u32| (u128::from(duration) * u128::from(i) / factor) as u64;
        let mut units = vec![AccessUnit { data: unit.to_vec(), pts, duration: at(1), is_key }];
        for i in 1..self.factor {
            let tau = Tau::from_units(shows.units() + i * spacing / self.factor);
            units.push(AccessUnit {
                data: bitstream::write_frame(group.id, tau),
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
