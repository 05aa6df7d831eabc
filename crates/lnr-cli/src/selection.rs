// SPDX-License-Identifier: MIT OR Apache-2.0

use lnr::InputFrame;

use crate::args::EncodeArgs;
use crate::console::Console;
use crate::exit::Outcome;
use crate::input::{self, Frame, Source, grid_time};
use crate::numbers::{Start, nanoseconds};

/// Times that are off the nominal frame grid by less than this are put on it: containers round them.
const SNAP_NS: u64 = 1_000_000;

/// The frames of a video that `--start`, `--frames` and `--duration` choose, with times that begin
/// with 0.
pub struct Selection<'a> {
    console: &'a Console,
    source: Box<dyn Source>,
    clock: Clock,
    n_expected: Option<u64>,
    /// How many more may come.
    n_left: u64,
    /// Time in ns from which on no frame counts.
    limit: u64,
    end: u64,
}

impl<'a> Selection<'a> {
    /// # Errors
    /// When there are no frames at `--start`, or the source fails.
    pub fn new(args: &EncodeArgs, source: Box<dyn Source>, console: &'a Console) -> Outcome<Self> {
        let source = input::begin_at(source, &args.input, args.start, console)?;
        let frame_rate = source.info().frame_rate;
        let frames_in = |seconds: f64| {
            let (n, d) = frame_rate;
            (n > 0).then(|| (seconds * f64::from(n) / f64::from(d)).ceil() as u64)
        };
        let by_time = args.duration.and_then(frames_in);
        let n_before = match args.start {
            Start::Frame(n) => Some(n),
            Start::Time(seconds) => frames_in(seconds),
        };
        let n_frames = source.info().n_frames;
        let available = n_frames.zip(n_before).map(|(n, before)| n.saturating_sub(before));
        Ok(Self {
            console,
            source,
            clock: Clock { first: None, frame_rate },
            n_expected: [available, args.frames, by_time].into_iter().flatten().min(),
            n_left: args.frames.unwrap_or(u64::MAX),
            limit: args.duration.map_or(u64::MAX, nanoseconds),
            end: 0,
        })
    }

    /// The next frame; none at the end.
    ///
    /// # Errors
    /// When the source fails, or the user asked to stop.
    pub fn next(&mut self) -> Outcome<Option<InputFrame>> {
        self.console.check()?;
        if self.n_left == 0 {
            return Ok(None);
        }
        let next = self.source.next();
        // A pipe fails when the user asks to stop.
        self.console.check()?;
        let Some(frame) = next? else {
            return Ok(None);
        };
        let (pts, duration) = self.clock.retime(&frame);
        if pts >= self.limit {
            self.n_left = 0;
            return Ok(None);
        }
        self.n_left -= 1;
        self.end = pts + duration;
        Ok(Some(InputFrame::new(frame.picture, pts, duration)))
    }

    /// How many frames there will be in all, when the input knows how many it has.
    pub fn n_expected(&self) -> Option<u64> {
        self.n_expected
    }

    /// When the last frame ends that was taken, in ns.
    pub fn end(&self) -> u64 {
        self.end
    }
}

/// Makes times begin with 0.
struct Clock {
    /// Time of the first frame, once it is known.
    first: Option<u64>,
    frame_rate: (u32, u32),
}

impl Clock {
    /// Time and duration of a frame in the output.
    fn retime(&mut self, frame: &Frame) -> (u64, u64) {
        let first = *self.first.get_or_insert(frame.pts);
        let pts = self.snap(frame.pts.saturating_sub(first));
        let end = self.snap((frame.pts + frame.duration).saturating_sub(first));
        // At least 1 ns, even where the input says 0 or both ends lie at the same nominal time.
        (pts, end.saturating_sub(pts).max(1))
    }

    fn snap(&self, time: u64) -> u64 {
        let (n, d) = self.frame_rate;
        if n == 0 {
            return time;
        }
        let number = (time as f64 * f64::from(n) / (1e9 * f64::from(d))).round() as u64;
        let nominal = grid_time(number, self.frame_rate);
        let near = SNAP_NS.min(grid_time(1, self.frame_rate) / 4);
        if nominal.abs_diff(time) <= near { nominal } else { time }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_near_the_grid_are_put_on_it() {
        let clock = Clock { first: Some(80), frame_rate: (30, 1) };
        assert_eq!(clock.snap(33_000_000), 33_333_333);
        assert_eq!(clock.snap(40_000_000), 40_000_000);
        let free = Clock { first: Some(0), frame_rate: (0, 1) };
        assert_eq!(free.snap(33_000_000), 33_000_000);
    }
}
