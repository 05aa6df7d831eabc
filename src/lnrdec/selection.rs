// SPDX-License-Identifier: MIT OR Apache-2.0

use gst::{ClockTime, SegmentFlags};

/// What becomes of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Choice {
    Show,
    /// It lies outside of the segment, or the way of playing leaves it out.
    LeaveOut,
    /// It begins behind the segment, and so does all that follows.
    End,
}

/// Which frames are shown: those inside the segment that its way of playing asks for.
#[derive(Debug, Default)]
pub(super) struct Selection {
    /// Where frames may be left out, the place on the grid of frames that was filled last.
    slot: Option<u64>,
    /// Somebody downstream counts frames that come late. Backwards, that is known only when a whole group
    /// was rendered: so fast playing leaves out frames beforehand.
    pub is_timed: bool,
}

impl Selection {
    pub fn choose(
        &mut self,
        segment: &gst::Segment,
        pts: Option<ClockTime>,
        duration: Option<ClockTime>,
        is_key: bool,
    ) -> Choice {
        let flags = segment.flags();
        let (Some(segment), Some(pts)) = (segment.downcast_ref::<ClockTime>(), pts) else {
            return Choice::Show;
        };
        let end = duration.map(|duration| pts.saturating_add(duration));
        let Some((start, end)) = segment.clip(Some(pts), end) else {
            let is_behind = segment.stop().is_some_and(|stop| pts >= stop);
            return if segment.rate() > 0.0 && is_behind { Choice::End } else { Choice::LeaveOut };
        };
        if flags.contains(SegmentFlags::TRICKMODE_KEY_UNITS) {
            return if is_key { Choice::Show } else { Choice::LeaveOut };
        }
        // Nothing depends on any frame, so all hints that frames may be left out mean the same.
        let hints = SegmentFlags::TRICKMODE | SegmentFlags::TRICKMODE_FORWARD_PREDICTED;
        let rate = segment.rate();
        if rate.abs() > 1.0 && (flags.intersects(hints) || rate < 0.0 && self.is_timed) {
            // Backwards, a frame is reached where it ends.
            let reached = if rate > 0.0 { start } else { end.or(start) };
            return self.thin(segment.to_running_time(reached), duration);
        }
        Choice::Show
    }

    /// Leaves as many frames in a time as play in it at rate 1.
    fn thin(&mut self, running: Option<ClockTime>, duration: Option<ClockTime>) -> Choice {
        let (Some(running), Some(duration)) = (running, duration.filter(|d| !d.is_zero())) else {
            return Choice::Show;
        };
        let slot = Some(running.nseconds() / duration.nseconds());
        match std::mem::replace(&mut self.slot, slot) == slot {
            true => Choice::LeaveOut,
            false => Choice::Show,
        }
    }

    /// Other frames follow, for the same sink.
    pub fn reset(&mut self) {
        self.slot = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The frames, of which every fourth begins a group, that are shown; and whether the end was seen.
    fn shown(
        rate: f64,
        flags: SegmentFlags,
        range: std::ops::Range<u64>,
        frames: impl Iterator<Item = u64>,
    ) -> (Vec<u64>, bool) {
        gst::init().expect("GStreamer");
        let ms = ClockTime::from_mseconds;
        let mut segment = gst::FormattedSegment::<ClockTime>::new();
        segment.set_rate(rate);
        segment.set_flags(flags);
        segment.set_start(ms(range.start));
        segment.set_stop(ms(range.end));
        let mut selection = Selection::default();
        let mut end = false;
        let mut choose = |&i: &u64| {
            let (pts, duration) = (Some(ms(40 * i)), Some(ms(40)));
            let choice = selection.choose(segment.upcast_ref(), pts, duration, i % 4 == 0);
            end |= choice == Choice::End;
            choice == Choice::Show
        };
        let shown = frames.filter(|i| choose(i)).collect();
        (shown, end)
    }

    #[test]
    fn frames_outside_of_the_segment_are_left_out() {
        let none = SegmentFlags::empty();
        assert_eq!(shown(1.0, none, 50..200, 0..5), (vec![1, 2, 3, 4], false));
        assert_eq!(shown(1.0, none, 50..160, 0..5), (vec![1, 2, 3], true));
        assert_eq!(shown(-1.0, none, 80..160, 0..5), (vec![2, 3], false));
        assert_eq!(shown(1.0, none, 900..1000, 0..5), (vec![], false));
    }

    #[test]
    fn key_units_only() {
        let flags = SegmentFlags::TRICKMODE | SegmentFlags::TRICKMODE_KEY_UNITS;
        for rate in [0.5, 1.0, 8.0, -1.0, -4.0] {
            assert_eq!(shown(rate, flags, 0..2000, 0..13).0, [0, 4, 8, 12], "rate {rate}");
        }
    }

    #[test]
    fn hints_thin_out_frames_by_the_rate() {
        let hints = [SegmentFlags::TRICKMODE, SegmentFlags::TRICKMODE_FORWARD_PREDICTED];
        for flags in hints {
            assert_eq!(shown(1.0, flags, 0..2000, 0..5).0, [0, 1, 2, 3, 4]);
            assert_eq!(shown(2.0, flags, 0..2000, 0..8).0, [0, 2, 4, 6]);
            assert_eq!(shown(8.0, flags, 0..2000, 0..24).0, [0, 8, 16]);
            assert_eq!(shown(1.5, flags, 0..2000, 0..6).0.len(), 4);
            // Backwards, groups come one after the other, each of them forwards.
            let groups = [4, 5, 6, 7, 0, 1, 2, 3];
            let (seen, _) = shown(-2.0, flags, 0..320, groups.into_iter());
            assert_eq!(seen, [4, 6, 0, 2]);
        }
        // Without a hint all are shown.
        assert_eq!(shown(8.0, SegmentFlags::empty(), 0..2000, 0..24).0.len(), 24);
    }
}
