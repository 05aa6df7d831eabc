// SPDX-License-Identifier: MIT OR Apache-2.0

mod adopt;

use std::time::Instant;

use super::coded::{self, Coded};
use super::engine::BackendInfo;
use super::memory;
use super::metrics::{psnr, rgb_mse};
use super::payload::{Coding, shape};
use super::plan::{self, BitBudget};
use super::{Control, EncoderSettings, Engine, Progress, RateControl, SceneDetector};
use crate::base::{Error, Metadata, Picture, Result, Tau, limits};
use crate::bitstream::{self, GroupHeader};
use crate::train::{Recipe, Report};

/// A picture to encode.
#[derive(Clone, Debug)]
pub struct InputFrame {
    /// Its samples, in the encoder's format.
    pub picture: Picture,
    /// Presentation time in ns.
    pub pts: u64,
    /// Duration in ns, at least 1. It counts for the last frame of a group; others last until the next.
    pub duration: u64,
    /// Whether it must begin a group.
    pub force_key: bool,
}

impl InputFrame {
    /// A picture that is shown at `pts` for `duration`, both in ns, and may stand anywhere in a group.
    pub fn new(picture: Picture, pts: u64, duration: u64) -> Self {
        Self { picture, pts, duration, force_key: false }
    }

    /// # Errors
    /// [`Error::InvalidSetting`] naming the number that no group can hold.
    fn check_times(&self) -> Result<()> {
        let (pts, duration) = (self.pts, self.duration);
        if !(1..=limits::MAX_FRAME_DURATION).contains(&duration) {
            return Err(Error::InvalidSetting(format!(
                "a frame that lasts {duration} ns: choose 1 to {}",
                limits::MAX_FRAME_DURATION
            )));
        }
        let end = pts.checked_add(duration);
        if end.is_none_or(|end| end > i64::MAX as u64) {
            return Err(Error::InvalidSetting(format!(
                "a frame at {pts} ns that lasts {duration} ns: it must end by {} ns",
                i64::MAX
            )));
        }
        Ok(())
    }
}

/// One encoded frame.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AccessUnit {
    /// Its bytes (FORMAT section 2).
    pub data: Vec<u8>,
    /// Presentation time in ns.
    pub pts: u64,
    /// Duration in ns.
    pub duration: u64,
    /// Whether it begins a group: decoding can start here.
    pub is_key: bool,
}

/// Running totals of an encoder.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct EncoderStats {
    /// Groups written.
    pub groups: u64,
    /// Frames written.
    pub frames: u64,
    /// Bytes written.
    pub bytes: u64,
    /// Mean over frames of the RGB PSNR in dB of what the written bytes decode to.
    pub psnr: f64,
    /// Training iterations so far.
    pub iterations: u64,
    /// Seconds spent so far.
    pub seconds: f64,
}

impl EncoderStats {
    /// Counts a group.
    fn add(&mut self, n_frames: usize, bytes: u64, psnr: f64) {
        let n = n_frames as f64;
        self.psnr = (self.psnr * self.frames as f64 + psnr * n) / (self.frames as f64 + n);
        self.groups += 1;
        self.frames += n_frames as u64;
        self.bytes += bytes;
    }
}

/// Collects frames into groups and trains a network for each.
pub struct Encoder {
    settings: EncoderSettings,
    engine: Engine,
    pending: Vec<InputFrame>,
    scenes: SceneDetector,
    budget: Option<BitBudget>,
    /// What groups that begin from now on aim at and say, where that is something else.
    next_rate_control: Option<RateControl>,
    next_metadata: Option<Metadata>,
    max_frames: usize,
    stats: EncoderStats,
}

impl Encoder {
    /// One with an engine of its own.
    ///
    /// # Errors
    /// Those of [`EncoderSettings::validate`] and of [`Engine::open`]; [`Error::InvalidSetting`] or
    /// [`Error::Backend`] when not even one frame fits into the memory that may be used.
    pub fn new(settings: EncoderSettings) -> Result<Self> {
        settings.validate()?;
        let engine = Engine::open(&settings)?;
        Self::with_engine(settings, engine)
    }

    /// With an engine that was opened for these settings.
    ///
    /// # Errors
    /// Those of [`EncoderSettings::validate`]; [`Error::InvalidSetting`] or [`Error::Backend`] when not
    /// even one frame fits into the memory that may be used; [`Error::Backend`] when the device fails.
    pub fn with_engine(settings: EncoderSettings, engine: Engine) -> Result<Self> {
        settings.validate()?;
        Ok(Self {
            pending: Vec::new(),
            scenes: SceneDetector::default(),
            budget: BitBudget::new(&settings),
            next_rate_control: None,
            next_metadata: None,
            max_frames: memory::max_group_frames(&settings, &engine)?,
            stats: EncoderStats::default(),
            settings,
            engine,
        })
    }

    /// Adds the next frame. When it closes a group, that group is trained, and its access units are
    /// returned: one per frame, in order.
    ///
    /// # Errors
    /// [`Error::Cancelled`] when `control` asks for a stop (the group being trained is lost);
    /// [`Error::InvalidSetting`] for a picture of another format, a time that goes backwards or that
    /// the format cannot hold (durations are 1..=2^50 ns, and a frame ends before 2^63 ns);
    /// [`Error::Diverged`] when training left the realm of numbers twice (the group is lost);
    /// [`Error::Backend`] when the device fails.
    pub fn push(&mut self, frame: InputFrame, control: &mut Control) -> Result<Vec<AccessUnit>> {
        if *frame.picture.format() != self.settings.format {
            return Err(Error::InvalidSetting(
                "a picture of another format: finish this encoder and start a new one".into(),
            ));
        }
        if self.pending.last().is_some_and(|last| frame.pts < last.pts) {
            return Err(Error::InvalidSetting(format!(
                "presentation times go backwards at {} ns: give frames in the order of display",
                frame.pts
            )));
        }
        frame.check_times()?;
        let is_cut = self.scenes.push(&frame.picture) && self.settings.scene_cut;
        // In a group a frame lasts until the next one: no frame of it could last so long.
        let is_gap = |last: &InputFrame| frame.pts - last.pts > limits::MAX_FRAME_DURATION;
        let is_far = self.pending.last().is_some_and(is_gap);
        let mut units = Vec::new();
        if !self.pending.is_empty() && (frame.force_key || is_cut || is_far) {
            units = self.encode_group(control)?;
        }
        if self.pending.is_empty() {
            self.take_over();
        }
        self.pending.push(frame);
        if self.pending.len() >= self.max_frames {
            units.extend(self.encode_group(control)?);
        }
        Ok(units)
    }

    /// Trains what is left as a shorter group; the encoder can go on with new frames after it.
    ///
    /// # Errors
    /// As [`Encoder::push`].
    pub fn finish(&mut self, control: &mut Control) -> Result<Vec<AccessUnit>> {
        let units = if self.pending.is_empty() { Vec::new() } else { self.encode_group(control)? };
        self.scenes = SceneDetector::default();
        Ok(units)
    }

    /// Discards the frames that were not trained yet.
    pub fn reset(&mut self) {
        self.pending.clear();
        self.scenes = SceneDetector::default();
    }

    /// Changes what to aim at, from the next group that begins on; a bit rate is met from there on.
    /// [`Encoder::settings`] tell it as soon as that group has begun.
    ///
    /// # Errors
    /// Those of [`EncoderSettings::validate`]; then everything stays as it is.
    pub fn set_rate_control(&mut self, rate_control: RateControl) -> Result<()> {
        self.settings.clone().rate_control(rate_control).validate()?;
        self.next_rate_control = Some(rate_control);
        Ok(())
    }

    /// Changes what the stream says of itself, from the next group that begins on.
    pub fn set_metadata(&mut self, metadata: Metadata) {
        self.next_metadata = Some(metadata);
    }

    /// Called where a group begins: what was set on the way counts now.
    fn take_over(&mut self) {
        if let Some(metadata) = self.next_metadata.take() {
            self.settings.metadata = metadata;
        }
        if let Some(next) = self.next_rate_control.take()
            && next != self.settings.rate_control
        {
            self.settings.rate_control = next;
            self.budget = BitBudget::new(&self.settings);
        }
    }

    /// Frames that wait for their group to close.
    pub fn n_pending(&self) -> usize {
        self.pending.len()
    }

    /// Most frames that `push` holds back before it returns their access units.
    pub fn max_delay_frames(&self) -> u32 {
        self.max_frames as u32
    }

    /// Totals so far.
    pub fn stats(&self) -> &EncoderStats {
        &self.stats
    }

    /// What it computes with.
    pub fn backend(&self) -> BackendInfo {
        self.engine.info()
    }

    /// The settings.
    pub fn settings(&self) -> &EncoderSettings {
        &self.settings
    }

    fn encode_group(&mut self, control: &mut Control) -> Result<Vec<AccessUnit>> {
        let start = Instant::now();
        // Taken out first: a cancelled group is lost, and must not be trained again.
        let frames = std::mem::take(&mut self.pending);
        let durations = durations(&frames);
        let mut recipe = plan::recipe(&self.settings, self.stats.groups);
        if let Some(budget) = &self.budget {
            let target = budget.target_bits(durations.iter().sum());
            recipe.lambda = budget.lambda(target / frames.len() as f64);
            // Headers and frame units are not trained.
            let rest = 8.0 * plan::fixed_bytes(frames.len());
            recipe.target_bits = Some((target - rest).max(0.1 * target));
        }
        let coded = self.train(&recipe, &frames, start, control)?;
        let header = GroupHeader {
            id: self.stats.groups as u8,
            format: self.settings.format,
            frame_rate: self.settings.frame_rate,
            pts: frames[0].pts,
            durations,
            continues: false,
            model: coded.model,
        };
        let units = access_units(&header, &coded.payload, &frames);
        let psnr = self.check(&units[0].data, &frames, control)?;
        let bytes: u64 = units.iter().map(|u| u.data.len() as u64).sum();
        if let Some(budget) = &mut self.budget {
            budget.spend(header.duration(), 8.0 * bytes as f64, coded.lambda);
        }
        let s = &mut self.stats;
        s.add(frames.len(), bytes, psnr);
        s.iterations += u64::from(coded.n_steps);
        s.seconds += start.elapsed().as_secs_f64();
        Ok(units)
    }

    fn train(
        &self,
        recipe: &Recipe,
        frames: &[InputFrame],
        start: Instant,
        control: &mut Control,
    ) -> Result<Coded> {
        let pictures: Vec<&Picture> = frames.iter().map(|f| &f.picture).collect();
        let group = self.stats.groups;
        let cancel = control.cancel.clone();
        let (engine, settings) = (&self.engine, &self.settings);
        let metadata = self.metadata();
        let report = &mut |report: &Report| {
            control.check()?;
            control.report(&Progress {
                group,
                n_frames: pictures.len() as u32,
                iteration: report.step,
                n_iterations: report.n_steps,
                psnr: -10.0 * report.mse.max(1e-12).log10(),
                elapsed: start.elapsed().as_secs_f32(),
            });
            Ok(())
        };
        coded::code(engine, settings, recipe, &pictures, &metadata, &cancel, report)
    }

    /// What this group says of the whole stream; only the first says how it was made.
    fn metadata(&self) -> Metadata {
        let mut metadata = Metadata { price: None, source: None, ..self.settings.metadata.clone() };
        match self.stats.groups {
            0 if metadata.settings.is_empty() => {
                metadata.settings = self.settings.to_text() + self.engine.mark();
            }
            0 => {}
            _ => metadata.settings.clear(),
        }
        metadata
    }

    /// Decodes what was written and returns the mean PSNR of its frames.
    fn check(&self, unit: &[u8], frames: &[InputFrame], control: &Control) -> Result<f64> {
        let bitstream::Unit::Group { header, payload, .. } = bitstream::parse(unit)? else {
            return Err(Error::damaged("the encoder wrote no group"));
        };
        let shape = shape(&header)?;
        let coding = Coding { shape: &shape, precision: header.model.precision };
        // What a decoder would refuse is not written.
        let budget = &mut bitstream::WorkBudget::decoding();
        let parameters = self.engine.run(|| coding.decode(payload, budget))?;
        let mut group = self.engine.load(shape, parameters)?;
        let mut out = Picture::new(self.settings.format)?;
        let (mut sum, cancel) = (0.0, &control.cancel);
        for (i, frame) in frames.iter().enumerate() {
            cancel.check()?;
            self.engine.render(&mut group, i as f32, &|| cancel.is_set(), &mut out)?;
            sum += self.engine.run(|| psnr(rgb_mse(&frame.picture, &out), 255.0));
        }
        Ok(sum / frames.len() as f64)
    }
}

/// From each frame's time to the next one's; the last frame keeps its own duration.
fn durations(frames: &[InputFrame]) -> Vec<u64> {
    let next = frames.iter().skip(1).map(|f| f.pts);
    let gaps = frames.iter().zip(next).map(|(f, next)| next - f.pts);
    let mut durations: Vec<u64> = gaps.collect();
    durations.extend(frames.last().map(|f| f.duration));
    durations
}

fn access_units(header: &GroupHeader, payload: &[u8], frames: &[InputFrame]) -> Vec<AccessUnit> {
    let unit = |(i, frame): (usize, &InputFrame)| AccessUnit {
        data: match i {
            0 => bitstream::write_group(header, Tau::frame(0), payload),
            _ => bitstream::write_frame(header.id, Tau::frame(i as u32)),
        },
        pts: frame.pts,
        duration: frame.duration,
        is_key: i == 0,
    };
    frames.iter().enumerate().map(unit).collect()
}
