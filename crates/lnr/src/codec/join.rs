// SPDX-License-Identifier: MIT OR Apache-2.0

use super::AccessUnit;
use crate::base::{Error, Result, Tau};
use crate::bitstream::{self, GroupHeader, Timeline, Unit};

/// Writes the times and numbers of groups anew, so that streams which stand one after another become
/// one. Payloads are not touched.
#[derive(Default)]
pub struct Joiner {
    timeline: Timeline,
    n_groups: u64,
    group: Option<Group>,
}

/// The group that is being read.
struct Group {
    header: GroupHeader,
    /// The number and the time of its first frame that it gets.
    id: u8,
    pts: u64,
    payload: Vec<u8>,
    /// Which times its access units show.
    shows: Vec<Tau>,
}

impl Joiner {
    /// Takes the next access unit, and returns those of the group before when it begins a group.
    ///
    /// # Errors
    /// [`Error::Damaged`] when it is none, belongs to a group whose start was not seen, or ends after
    /// the end of time; [`Error::Limit`] or [`Error::Unsupported`] as [`bitstream::parse`]. It is left
    /// out then, and joining can go on.
    pub fn push(&mut self, unit: &[u8]) -> Result<Vec<AccessUnit>> {
        match bitstream::parse(unit)? {
            Unit::Group { header, shows, payload } => {
                let place = self.timeline.enter(&header)?;
                let mut before = self.group.take();
                if let Some(before) = before.as_mut().filter(|_| place.is_restart) {
                    // What follows now is not what the encoder saw.
                    before.header.continues = false;
                }
                self.group = Some(Group {
                    header: *header,
                    id: self.n_groups as u8,
                    pts: place.begin,
                    payload: payload.to_vec(),
                    shows: vec![shows],
                });
                self.n_groups += 1;
                Ok(before.map(Group::units).unwrap_or_default())
            }
            Unit::Frame { group, shows } => {
                let of = self.group.as_mut().filter(|of| {
                    let before = of.shows.last().copied().unwrap_or_default();
                    of.header.has_frame(group, shows, before)
                });
                let missing = || Error::damaged("a frame of a group whose start is missing");
                of.ok_or_else(missing)?.shows.push(shows);
                Ok(Vec::new())
            }
        }
    }

    /// The access units of the last group.
    pub fn finish(&mut self) -> Vec<AccessUnit> {
        self.group.take().map(Group::units).unwrap_or_default()
    }
}

impl Group {
    fn units(self) -> Vec<AccessUnit> {
        let header = &GroupHeader { id: self.id, pts: self.pts, ..self.header };
        let ends = self.shows.iter().skip(1).copied().chain([Tau::frame(header.n_frames())]);
        let unit = |(i, (&shows, end)): (usize, (&Tau, Tau))| {
            let pts = header.time_of(shows);
            AccessUnit {
                data: match i {
                    0 => bitstream::write_group(header, shows, &self.payload),
                    _ => bitstream::write_frame(header.id, shows),
                },
                pts,
                duration: header.time_of(end) - pts,
                is_key: i == 0,
            }
        };
        self.shows.iter().zip(ends).enumerate().map(unit).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::spec::ModelSpec;
    use crate::base::{Chroma, PictureFormat};

    fn header(id: u8, pts: u64) -> GroupHeader {
        GroupHeader {
            id,
            format: PictureFormat::new(16, 16, Chroma::Gray, 8),
            frame_rate: (25, 1),
            pts,
            durations: vec![40_000_000; 2],
            continues: true,
            model: ModelSpec::default(),
        }
    }

    fn part(id: u8, pts: u64) -> [Vec<u8>; 2] {
        let group = bitstream::write_group(&header(id, pts), Tau::frame(0), &[id; 20]);
        [group, bitstream::write_frame(id, Tau::from_units(384))]
    }

    #[test]
    fn parts_become_one_stream() {
        let mut joiner = Joiner::default();
        let mut units = Vec::new();
        let frame = &part(0, 0)[1];
        assert!(joiner.push(frame).is_err());
        for unit in [part(0, 0), part(0, 0), part(1, 80_000_000)].as_flattened() {
            units.extend(joiner.push(unit).unwrap());
        }
        assert!(joiner.push(frame).is_err(), "of another group");
        units.extend(joiner.finish());
        let times: Vec<_> = units.iter().map(|u| (u.pts / 1_000_000, u.duration)).collect();
        let (a, b) = (60_000_000, 20_000_000);
        assert_eq!(times, [(0, a), (60, b), (80, a), (140, b), (160, a), (220, b)]);
        let headers: Vec<_> = units
            .iter()
            .filter_map(|u| match bitstream::parse(&u.data).unwrap() {
                Unit::Group { header, payload, .. } => {
                    Some((header.id, header.pts / 1_000_000, header.continues, payload[0]))
                }
                Unit::Frame { .. } => None,
            })
            .collect();
        assert_eq!(headers, [(0, 0, false, 0), (1, 80, true, 0), (2, 160, true, 1)]);
    }
}
