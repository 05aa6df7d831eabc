// SPDX-License-Identifier: MIT OR Apache-2.0

use std::path::{Path, PathBuf};

use lnr::stream::{GroupHeader, Metadata, Orientation, Timeline, Unit, parse, parse_group_header};
use lnr::{BackendInfo, Decoder, Error, Picture, PictureFormat, Tau};

use super::index::{index, missing_frames};
use super::units::open_units;
use super::{Damage, Frame, Item, Options, Source, Units, VideoInfo, grid_time};
use crate::console::Console;
use crate::exit::{Code, Failure, Outcome, input_name};
use crate::numbers::nanoseconds;

/// Which times of an LNR file to render.
#[derive(Clone, Copy, Debug, Default)]
pub struct Timing {
    /// Seconds to skip.
    pub start: f64,
    /// Most seconds to render.
    pub duration: Option<f64>,
    /// A constant frame rate to render at instead of what the access units ask for.
    pub frame_rate: Option<(u32, u32)>,
}

/// The pictures of an LNR file.
pub struct LnrSource {
    path: PathBuf,
    console: Console,
    units: Box<dyn Units>,
    decoder: Decoder,
    /// How its pictures will be turned, if they are.
    turns: Option<Orientation>,
    /// The user bounds the memory: what goes beyond is refused rather than left out.
    is_bounded: bool,
    info: VideoInfo,
    frame_rate: Option<(u32, u32)>,
    timeline: Timeline,
    /// Times to render in ns, by the timeline.
    begin: u64,
    end: u64,
    /// Frames rendered at a constant rate so far.
    n_rendered: u64,
    /// The rendered picture whose duration is not known yet.
    pending: Option<Frame>,
    /// The header of the group that is loaded, with its time by the timeline; none after damage.
    group: Option<GroupHeader>,
    /// What the last access unit showed of it.
    shown: Tau,
    n_groups: u64,
    damage: Damage,
    /// What ended the reading, told once the picture before it was given out.
    failure: Option<Failure>,
    at_end: bool,
}

impl LnrSource {
    /// # Errors
    /// When the file holds no group, or the backend is not available.
    pub fn open(path: &Path, options: Options, timing: Timing, console: &Console) -> Outcome<Self> {
        let index = index(path, console)?;
        let codec = |e| Failure::codec(path, e);
        // index() found at least one group
        let (Some(first), Some(last)) = (index.groups.first(), index.groups.last()) else {
            return Err(Failure::damaged(path, "no LNR group in it"));
        };
        let is_on_its_side = first.metadata.orientation.turns() % 2 == 1;
        let stored = first.header.format;
        let format = match options.size {
            Some(size) if is_on_its_side && !options.as_stored => {
                let (w, h) = size.of(&stored.resized(stored.height, stored.width));
                stored.resized(h, w)
            }
            Some(size) => {
                let (w, h) = size.of(&stored);
                stored.resized(w, h)
            }
            None => stored,
        };
        if let Err(e) = format.validate() {
            return Err(Failure::usage(format!("--size: {e}")));
        }
        let begin = first.place.begin.saturating_add(nanoseconds(timing.start));
        let mut end = last.place.end;
        if let Some(duration) = timing.duration {
            end = end.min(begin.saturating_add(nanoseconds(duration)));
        }
        let span = end.saturating_sub(begin) as f64;
        let n_frames = match timing.frame_rate {
            Some((n, d)) => (span * f64::from(n) / (1e9 * f64::from(d))).ceil(),
            None => index.n_units() as f64 * (span / index.duration().max(1) as f64).min(1.0),
        };
        Ok(Self {
            path: path.to_owned(),
            console: console.clone(),
            units: open_units(path, console)?,
            decoder: console.decoder(options.decoder).map_err(codec)?,
            turns: (!options.as_stored).then_some(first.metadata.orientation),
            is_bounded: options.decoder.limits.max_memory > 0,
            info: VideoInfo {
                format,
                frame_rate: timing.frame_rate.unwrap_or(first.header.frame_rate),
                // How it was encoded is nothing that another file could say of itself.
                metadata: Metadata { settings: String::new(), ..first.metadata.clone() },
                n_frames: Some(n_frames as u64),
            },
            frame_rate: timing.frame_rate,
            timeline: Timeline::default(),
            begin,
            end,
            n_rendered: 0,
            pending: None,
            group: None,
            shown: Tau::default(),
            n_groups: 0,
            damage: Damage::default(),
            failure: None,
            at_end: false,
        })
    }

    /// What it computes with.
    pub fn backend(&self) -> BackendInfo {
        self.decoder.backend()
    }

    /// Reads the next access unit that begins a group or, if `frames`, shows a frame of the current
    /// one; passes over damage and over groups before the first wanted time. Returns which time it
    /// shows, or none at the end.
    fn load(&mut self, frames: bool) -> Outcome<Option<(Tau, u64)>> {
        let mut is_skipping = false;
        while !self.at_end {
            self.console.check()?;
            let unit = match self.units.next()? {
                None => {
                    self.at_end = true;
                    let group = self.group.as_ref();
                    if let Some(cause) = group.and_then(|g| missing_frames(g, self.shown)) {
                        self.warn(&cause);
                    }
                    break;
                }
                Some(Item::Unit(unit)) => unit,
                Some(Item::Index(_)) => continue,
                Some(Item::Damage { n_bytes, cause }) => {
                    self.warn(&format!("{n_bytes} bytes passed over: {cause}"));
                    continue;
                }
            };
            let mut group = None;
            if let Ok(header) = parse_group_header(&unit) {
                let place = match self.timeline.enter(&header) {
                    Ok(place) => place,
                    Err(e) => {
                        self.group = None;
                        self.warn(&e.to_string());
                        continue;
                    }
                };
                is_skipping = place.end <= self.begin;
                if place.begin >= self.end {
                    break;
                }
                group = Some(GroupHeader { pts: place.begin, ..header });
            } else if !frames {
                self.note_frame(&unit);
                continue;
            } else if self.group.is_none() && !is_skipping && self.damage.n_parts > 0 {
                // The loss of its group was reported already.
                continue;
            }
            if is_skipping {
                continue;
            }
            match self.decoder.push(&unit) {
                // Ids repeat: what goes back is of another group, whose start was lost.
                Ok(shown) if !shown.is_key && shown.tau < self.shown => {
                    self.group = None;
                    self.warn("a frame of a group whose start is missing");
                }
                Ok(shown) => {
                    self.shown = shown.tau;
                    if group.is_some() {
                        self.damage.good_group();
                        self.group = group;
                        self.n_groups += 1;
                        self.check_format()?;
                    }
                    let Some(group) = &self.group else { continue };
                    return Ok(Some((shown.tau, group.time_of(shown.tau))));
                }
                // What follows would fail as well: this is no damage.
                Err(e @ Error::Backend(_)) => return Err(Failure::codec(&self.path, e)),
                Err(e @ Error::Limit(_)) if self.is_bounded => {
                    return Err(Failure::codec(&self.path, e));
                }
                Err(e) => {
                    self.group = None;
                    self.warn(&e.to_string());
                }
            }
        }
        self.at_end = true;
        Ok(None)
    }

    /// Notes what an access unit shows that is not asked for.
    fn note_frame(&mut self, unit: &[u8]) {
        if let (Some(of), Ok(Unit::Frame { group, shows })) = (&self.group, parse(unit))
            && of.id == group
        {
            self.shown = self.shown.max(shows);
        }
    }

    fn warn(&mut self, cause: &str) {
        self.damage.found(cause.to_owned());
        let path = input_name(&self.path);
        self.console.warn(&format!("{path}: {cause}"));
    }

    fn check_format(&self) -> Outcome<()> {
        let ours = &self.info.format;
        let shape = |f: &PictureFormat| (f.chroma, f.depth, f.color);
        // At another size a matrix that is not stated becomes one that is.
        let is_ours = |f: &PictureFormat| {
            [*f, f.resized(ours.width, ours.height)].iter().any(|f| shape(f) == shape(ours))
        };
        let orientation = self.decoder.metadata().map(|m| m.orientation);
        let changes = match &self.group {
            Some(g) if !is_ours(&g.format) => "changes the pixel format; split the file there",
            Some(_) if self.turns.is_some_and(|turns| Some(turns) != orientation) => {
                "is to be turned another way; split the file there, or use --no-rotate"
            }
            _ => return Ok(()),
        };
        Err(Failure::damaged(&self.path, format!("group {} {changes}", self.n_groups)))
    }

    fn render(&mut self, tau: Tau) -> Outcome<Picture> {
        let codec = |e| Failure::codec(&self.path, e);
        let mut picture = Picture::new(self.info.format).map_err(codec)?;
        self.decoder.render(tau, &mut picture).map_err(codec)?;
        Ok(picture)
    }

    /// What the access units ask for, one frame each.
    fn next_shown(&mut self) -> Outcome<Option<Frame>> {
        if let Some(failure) = self.failure.take() {
            return Err(failure);
        }
        loop {
            let old_end = self.group.as_ref().map(|g| g.pts + g.duration());
            let n_groups = self.n_groups;
            let shown = match self.load(true) {
                Err(f) if self.pending.is_some() && f.code != Code::Interrupted => {
                    self.failure = Some(f);
                    None
                }
                shown => shown?,
            };
            let is_same_group = self.n_groups == n_groups && self.group.is_some();
            let mut done = self.pending.take();
            if let Some(frame) = &mut done {
                let end = match shown {
                    Some((_, pts)) if is_same_group => pts,
                    _ => old_end.unwrap_or(frame.pts),
                };
                frame.duration = end.saturating_sub(frame.pts);
            }
            if let Some((tau, pts)) = shown
                && (self.begin..self.end).contains(&pts)
            {
                let picture = self.render(tau)?;
                self.pending = Some(Frame { picture, pts, duration: 0 });
            }
            if done.is_some() || shown.is_none() {
                return Ok(done);
            }
        }
    }

    /// Frames of a constant rate; where a group is lost the last picture stays.
    fn next_resampled(&mut self, rate: (u32, u32)) -> Outcome<Option<Frame>> {
        let [time, next] = [0, 1].map(|i| self.begin + grid_time(self.n_rendered + i, rate));
        if time >= self.end {
            // What is damaged behind the last picture counts, too.
            while self.load(false)?.is_some() {}
            return Ok(None);
        }
        while self.group.as_ref().is_none_or(|g| g.pts + g.duration() <= time) {
            if self.load(false)?.is_none() {
                return Ok(None);
            }
        }
        let Some(group) = &self.group else {
            return Ok(None);
        };
        let tau = tau_at(group, time);
        let held = self.pending.take().filter(|_| time < group.pts);
        let picture = match held {
            Some(held) => held.picture,
            None => self.render(tau)?,
        };
        self.n_rendered += 1;
        let frame = Frame { picture, pts: time, duration: next - time };
        self.pending = Some(frame.clone());
        Ok(Some(frame))
    }
}

impl Source for LnrSource {
    fn info(&self) -> &VideoInfo {
        &self.info
    }

    fn next(&mut self) -> Outcome<Option<Frame>> {
        match self.frame_rate {
            Some(rate) => self.next_resampled(rate),
            None => self.next_shown(),
        }
    }

    fn n_damaged(&self) -> u64 {
        self.damage.n_parts
    }
}

/// The time inside a group that is shown at `time` in ns. The last frame is held: nothing is
/// interpolated across groups.
fn tau_at(group: &GroupHeader, time: u64) -> Tau {
    let mut begin = group.pts;
    let last = group.durations.len() - 1;
    for (i, &duration) in group.durations.iter().enumerate() {
        let frame = Tau::frame(i as u32);
        if i == last || time < begin {
            return frame;
        }
        if time < begin + duration {
            let units = (time - begin) as f64 * f64::from(Tau::UNIT) / duration as f64;
            return Tau::from_units(frame.units() + units.round() as u32);
        }
        begin += duration;
    }
    Tau::frame(last as u32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use lnr::Chroma;
    use lnr::stream::spec::ModelSpec;

    #[test]
    fn times_become_taus() {
        let group = GroupHeader {
            id: 0,
            format: PictureFormat::new(16, 16, Chroma::Gray, 8),
            frame_rate: (0, 1),
            pts: 1000,
            durations: vec![100, 300, 100],
            continues: false,
            model: ModelSpec::default(),
        };
        for (time, units) in [
            (0, 0),
            (1000, 0),
            (1050, 128),
            (1100, 256),
            (1250, 384),
            (1400, 512),
            (1499, 512),
            (9999, 512),
        ] {
            assert_eq!(tau_at(&group, time).units(), units, "{time}");
        }
    }
}
