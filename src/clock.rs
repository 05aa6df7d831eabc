// SPDX-License-Identifier: MIT OR Apache-2.0

use lnr::stream::{
    GroupHeader, Metadata, Place, Scan, Timeline, Unit, metadata, parse, parse_group_header, scan,
};
use lnr::{Error, Result, Tau};

/// When an access unit is shown, by the timeline of its stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Timing {
    pub pts: gst::ClockTime,
    pub duration: gst::ClockTime,
    /// It begins a group.
    pub is_key: bool,
    /// Its group was joined to what precedes it: times do not go on in the stream.
    pub is_restart: bool,
    /// Its header is good, its payload is not.
    pub is_damaged: bool,
}

/// Follows access units to tell when each is shown, and for how long.
#[derive(Debug)]
pub(super) struct UnitClock {
    header: Option<GroupHeader>,
    timeline: Timeline,
    /// Where the next group lies, if that is known.
    known: Option<Place>,
    /// Where the group lies that began last.
    place: Option<Place>,
    metadata: Metadata,
    shown: Tau,
    /// Distance of neighbouring access units in units of [`Tau`]: less than a frame after `lnrinterp`.
    step: u32,
}

impl Default for UnitClock {
    fn default() -> Self {
        Self {
            header: None,
            timeline: Timeline::default(),
            known: None,
            place: None,
            metadata: Metadata::default(),
            shown: Tau::default(),
            step: Tau::UNIT,
        }
    }
}

impl UnitClock {
    /// The times of `unit`. `following` is what comes after it, if that is known: then the duration
    /// is exact, otherwise it is that of the access unit before.
    ///
    /// # Errors
    /// [`Error::Damaged`] when it is none, belongs to a group whose start was not seen, or ends after
    /// the end of time.
    pub fn next(&mut self, unit: &[u8], following: Option<&[u8]>) -> Result<Timing> {
        let entered = self.enter(unit)?;
        let Some(header) = &self.header else {
            return Err(unknown_group());
        };
        let end = Tau::frame(header.n_frames());
        let until = match following.map(|data| what_follows(header, data)) {
            Some(Following::Shows(tau)) if tau > self.shown => {
                self.step = tau.units() - self.shown.units();
                tau
            }
            Some(Following::OtherGroup) => end,
            _ => Tau::from_units(self.shown.units() + self.step).min(end),
        };
        let pts = self.timeline.time_of(header, self.shown);
        let duration = self.timeline.time_of(header, until).saturating_sub(pts);
        Ok(Timing {
            pts: gst::ClockTime::from_nseconds(pts),
            duration: gst::ClockTime::from_nseconds(duration),
            is_key: entered.is_key,
            is_restart: entered.is_restart,
            is_damaged: entered.is_damaged,
        })
    }

    fn enter(&mut self, unit: &[u8]) -> Result<Entered> {
        match parse(unit) {
            Ok(Unit::Group { header, shows, payload }) => {
                // What cannot be read there is for the decoder to complain about.
                self.metadata = metadata(payload).unwrap_or_default();
                self.enter_group(*header, shows, false)
            }
            Ok(Unit::Frame { group, shows }) => {
                let is_here = |h: &GroupHeader| h.has_frame(group, shows, self.shown);
                if !self.header.as_ref().is_some_and(is_here) {
                    return Err(unknown_group());
                }
                if shows > self.shown {
                    self.step = shows.units() - self.shown.units();
                }
                self.shown = shows;
                Ok(Entered::default())
            }
            Err(e) => {
                let header = parse_group_header(unit).map_err(|_| e)?;
                self.enter_group(header, Tau::default(), true)
            }
        }
    }

    fn enter_group(
        &mut self,
        header: GroupHeader,
        shows: Tau,
        is_damaged: bool,
    ) -> Result<Entered> {
        self.header = None;
        let place = match self.known.take() {
            Some(place) => {
                self.timeline.place(&header, &place);
                place
            }
            None => self.timeline.enter(&header)?,
        };
        self.header = Some(header);
        self.place = Some(place);
        self.shown = shows;
        Ok(Entered { is_key: true, is_restart: place.is_restart, is_damaged })
    }

    /// Tells where the group lies that the next access unit begins.
    pub fn place_next(&mut self, place: Option<Place>) {
        self.known = place;
    }

    /// The header of the current group.
    pub fn header(&self) -> Option<&GroupHeader> {
        self.header.as_ref()
    }

    /// Where the group lies that began last.
    pub fn place(&self) -> Option<Place> {
        self.place
    }

    /// What the current group says of the whole stream; a damaged one says what the one before said.
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// The nominal rate of access units: that of the frames, times what `lnrinterp` inserted.
    pub fn unit_rate(&self) -> Option<gst::Fraction> {
        let (n, d) = self.header.as_ref()?.frame_rate;
        let n = i32::try_from(n).ok()?.checked_mul(Tau::UNIT as i32)?;
        let d = i32::try_from(d).ok()?.checked_mul(self.step.max(1) as i32)?;
        Some(gst::Fraction::new(n, d))
    }

    /// Forgets the current group: its other access units cannot be used.
    pub fn lose_group(&mut self) {
        self.header = None;
        self.shown = Tau::default();
    }

    /// Other groups follow, as after a seek.
    pub fn reset(&mut self) {
        self.lose_group();
        self.known = None;
        self.timeline.jump();
    }
}

/// What an access unit is to its stream.
#[derive(Default)]
struct Entered {
    is_key: bool,
    is_restart: bool,
    is_damaged: bool,
}

enum Following {
    /// An access unit of the same group that shows this time.
    Shows(Tau),
    /// Another group, or the end.
    OtherGroup,
    /// Damaged bytes.
    Unknown,
}

fn what_follows(header: &GroupHeader, data: &[u8]) -> Following {
    match scan(data) {
        Scan::Unit { is_group: true, .. } => Following::OtherGroup,
        Scan::Unit { len, .. } => match parse(data.get(..len).unwrap_or(data)) {
            Ok(Unit::Frame { group, shows }) if group == header.id => Following::Shows(shows),
            _ => Following::Unknown,
        },
        _ if data.is_empty() => Following::OtherGroup,
        _ => Following::Unknown,
    }
}

fn unknown_group() -> Error {
    Error::damaged("the group of this access unit did not begin in what was seen of the stream")
}

#[cfg(test)]
mod tests {
    use super::*;
    use lnr::stream::spec::ModelSpec;
    use lnr::stream::{write_frame, write_group};
    use lnr::{Chroma, PictureFormat};

    fn header(durations: &[u64]) -> GroupHeader {
        GroupHeader {
            id: 9,
            format: PictureFormat::new(4, 4, Chroma::Gray, 8),
            frame_rate: (0, 1),
            pts: 1000,
            durations: durations.to_vec(),
            continues: false,
            model: ModelSpec::default(),
        }
    }

    fn times(clock: &mut UnitClock, unit: &[u8], following: Option<&[u8]>) -> (u64, u64) {
        let timing = clock.next(unit, following).unwrap();
        (timing.pts.nseconds(), timing.duration.nseconds())
    }

    #[test]
    fn what_follows_makes_durations_exact() {
        let group = write_group(&header(&[100, 300, 50]), Tau::default(), &[]);
        let half = write_frame(9, Tau::from_units(384));
        let last = write_frame(9, Tau::frame(2));
        let mut clock = UnitClock::default();
        assert_eq!(times(&mut clock, &group, Some(&half)), (1000, 250));
        assert_eq!(times(&mut clock, &half, Some(&last)), (1250, 150));
        assert_eq!(times(&mut clock, &last, Some(&group)), (1400, 50));
        assert_eq!(times(&mut clock, &last, Some(&[])), (1400, 50));
    }

    #[test]
    fn without_it_the_last_step_is_repeated() {
        let group = write_group(&header(&[100, 100]), Tau::default(), &[]);
        let mut clock = UnitClock::default();
        assert_eq!(times(&mut clock, &group, None), (1000, 100));
        assert_eq!(times(&mut clock, &write_frame(9, Tau::from_units(128)), None), (1050, 50));
        assert_eq!(times(&mut clock, &write_frame(9, Tau::from_units(256)), None), (1100, 50));
        // The group again: it is shown behind itself.
        assert_eq!(times(&mut clock, &group, None), (1200, 50));
        assert!(clock.next(&write_frame(8, Tau::frame(1)), None).is_err());
    }

    #[test]
    fn times_go_on_where_streams_are_joined() {
        let group = write_group(&header(&[100, 100]), Tau::default(), &[]);
        let last = write_frame(9, Tau::frame(1));
        let mut clock = UnitClock::default();
        for (begin, is_restart) in [(1000, false), (1200, true), (1400, true)] {
            let timing = clock.next(&group, Some(&last)).unwrap();
            assert_eq!((timing.pts.nseconds(), timing.is_restart), (begin, is_restart));
            assert_eq!(times(&mut clock, &last, Some(&group)), (begin + 100, 100));
        }
        // After a seek its own times count, or what an index knows.
        clock.reset();
        assert_eq!(times(&mut clock, &group, Some(&last)), (1400, 100));
        clock.place_next(Some(Place { begin: 7000, end: 7200, is_restart: false }));
        assert_eq!(times(&mut clock, &group, Some(&last)), (7000, 100));
        assert_eq!(times(&mut clock, &group, Some(&last)), (7200, 100));
    }

    #[test]
    fn a_frame_of_a_lost_group_with_the_same_id_is_told() {
        let mut clock = UnitClock::default();
        let group = write_group(&header(&[100; 4]), Tau::default(), &[]);
        let frame = |i| write_frame(9, Tau::frame(i));
        for unit in [&group, &frame(1), &frame(3)] {
            clock.next(unit, None).unwrap();
        }
        assert!(clock.next(&frame(1), None).is_err());
        assert!(clock.next(&frame(4), None).is_err(), "beyond the group");
    }

    #[test]
    fn a_damaged_payload_still_tells_the_time() {
        let mut group = write_group(&header(&[100]), Tau::default(), &[1, 2, 3]);
        let n = group.len();
        group[n - 5] ^= 1;
        let timing = UnitClock::default().next(&group, None).unwrap();
        assert!(timing.is_damaged && timing.is_key && timing.pts.nseconds() == 1000);
    }
}
