// SPDX-License-Identifier: MIT OR Apache-2.0

use super::GroupHeader;
use crate::base::{Error, Result, Tau};

/// When the groups of a stream are shown (FORMAT section 1). Streams may be cut at groups and joined in
/// any order, so a group's own times may fall behind those of the group before it. Such a group is a
/// *restart*: it is shown when the group before it has ended, and what follows it by the same shift.
#[derive(Clone, Debug, Default)]
pub struct Timeline {
    /// Added to the times of headers, in ns. Both are below 2^63.
    shift: i64,
    before: Option<Before>,
}

/// The group before, by the timeline, in ns.
#[derive(Clone, Copy, Debug)]
struct Before {
    last_frame: u64,
    end: u64,
}

/// Where a group lies on the timeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// When its first frame is shown, in ns.
    pub begin: u64,
    /// When its last frame ends, in ns.
    pub end: u64,
    /// Its own times fell behind: there is a discontinuity before it.
    pub is_restart: bool,
}

impl Timeline {
    /// Takes the next group of the stream.
    ///
    /// # Errors
    /// [`Error::Damaged`] when it would end after 2^63 ns; it is left out of the timeline then.
    pub fn enter(&mut self, header: &GroupHeader) -> Result<Place> {
        let own = header.pts.checked_add_signed(self.shift);
        // One frame may overlap: sources round the duration of the last one.
        let is_behind = |before: &Before| own.is_none_or(|own| own <= before.last_frame);
        let fallen = self.before.filter(is_behind);
        let is_restart = fallen.is_some();
        let begin = fallen.map_or(own, |before| Some(before.end));
        let place = begin.and_then(|begin| {
            let end = begin.checked_add(header.duration()).filter(|&end| end <= i64::MAX as u64)?;
            Some(Place { begin, end, is_restart })
        });
        let place = place.ok_or_else(|| Error::damaged("a group ends after the end of time"))?;
        self.place(header, &place);
        Ok(place)
    }

    /// Takes a group whose place is known, as from an index after a seek.
    pub fn place(&mut self, header: &GroupHeader, place: &Place) {
        self.shift = place.begin.wrapping_sub(header.pts) as i64;
        let last = header.durations.last().copied().unwrap_or(0);
        self.before = Some(Before { last_frame: place.end.saturating_sub(last), end: place.end });
    }

    /// Other groups follow, as after a seek: the next one restarts nothing.
    pub fn jump(&mut self) {
        self.before = None;
    }

    /// When time `tau` of the group that was taken last is shown, in ns.
    pub fn time_of(&self, header: &GroupHeader, tau: Tau) -> u64 {
        header.time_of(tau).saturating_add_signed(self.shift)
    }

    /// When the group that was taken last ends, in ns; 0 before any.
    pub fn end(&self) -> u64 {
        self.before.map_or(0, |before| before.end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bitstream::tests::group_header;

    fn group(pts: u64, durations: &[u64]) -> GroupHeader {
        GroupHeader { pts, durations: durations.to_vec(), ..group_header(0) }
    }

    fn places(groups: &[GroupHeader]) -> Vec<(u64, bool)> {
        let mut timeline = Timeline::default();
        let place = |g: &GroupHeader| {
            let place = timeline.enter(g).unwrap();
            assert_eq!(place.end, place.begin + g.duration());
            assert_eq!(timeline.time_of(g, Tau::frame(0)), place.begin);
            assert_eq!(timeline.end(), place.end);
            (place.begin, place.is_restart)
        };
        groups.iter().map(place).collect()
    }

    #[test]
    fn times_go_on_where_they_restart() {
        let part = [group(0, &[10, 10]), group(20, &[10])];
        let joined = [&part[..], &part, &part].concat();
        let expected = [(0, false), (20, false), (30, true), (50, false), (60, true), (80, false)];
        assert_eq!(places(&joined), expected);
    }

    #[test]
    fn groups_out_of_order_and_repeated_ones_are_shown_one_after_another() {
        let [a, b, c] = [0, 20, 40].map(|pts| group(pts, &[10, 10]));
        assert_eq!(
            places(&[c.clone(), a.clone(), b.clone(), b]),
            [(40, false), (60, true), (80, false), (100, true)]
        );
        assert_eq!(places(&[a, c]), [(0, false), (40, false)], "a hole stays");
    }

    #[test]
    fn a_rounded_overlap_is_no_restart() {
        let a = group(0, &[10, 10]);
        assert_eq!(places(&[a.clone(), group(11, &[10])]), [(0, false), (11, false)]);
        assert_eq!(places(&[a, group(10, &[10])]), [(0, false), (20, true)]);
    }

    #[test]
    fn known_places_win_and_time_has_an_end() {
        let mut timeline = Timeline::default();
        let known = Place { begin: 5, end: 25, is_restart: false };
        let late = group(1000, &[10, 10]);
        timeline.place(&late, &known);
        assert_eq!(timeline.time_of(&late, Tau::frame(1)), 15);
        assert_eq!(timeline.enter(&group(1020, &[10])).unwrap().begin, 25);
        timeline.jump();
        assert_eq!(timeline.enter(&late).unwrap(), known, "it keeps the shift");
        let last = group(i64::MAX as u64 - 10, &[10]);
        let mut timeline = Timeline::default();
        timeline.enter(&last).unwrap();
        assert!(matches!(timeline.enter(&last), Err(Error::Damaged(_))));
    }
}
