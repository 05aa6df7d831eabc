// SPDX-License-Identifier: MIT OR Apache-2.0

use super::profile::ModelOptions;
use super::{Alignment, BackendChoice, Profile, SpeedPreset};
use crate::base::{Error, Metadata, PictureFormat, Result, limits};
use crate::bitstream::GroupHeader;

/// What the encoder aims at.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum RateControl {
    /// 0 (smallest file) to 100 (best picture); sets the price of a bit, lambda.
    Quality(f32),
    /// Mean bit rate of the whole sequence in kbit/s, at least 1.
    Bitrate(u32),
}

impl Default for RateControl {
    fn default() -> Self {
        Self::Quality(EncoderSettings::QUALITY)
    }
}

/// Gives a setting by its name and returns the rest as it is.
macro_rules! builders {
    ($($(#[$doc:meta])* $field:ident: $type:ty),+ $(,)?) => {
        $($(#[$doc])*
        #[must_use]
        pub fn $field(mut self, $field: $type) -> Self {
            self.$field = $field;
            self
        })+
    };
}

/// Settings of an encoder: [`EncoderSettings::new`] has the defaults, methods named like the fields
/// change them.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct EncoderSettings {
    /// Format of every picture of the sequence.
    pub format: PictureFormat,
    /// Nominal frame rate (numerator, denominator); (0, 1) when variable or unknown.
    pub frame_rate: (u32, u32),
    /// Which model.
    pub profile: Profile,
    /// Numbers that replace those of a paper profile.
    pub model: ModelOptions,
    /// Target; a paper profile's size follows from its model alone.
    pub rate_control: RateControl,
    /// Iterations.
    pub preset: SpeedPreset,
    /// Most frames in a group, 1..=[`limits::MAX_GROUP_FRAMES`].
    pub key_int_max: u32,
    /// Whether to start a new group at scene changes; with profile `warp` also where optical flow sees one
    /// scene give way to another, as in a cross-fade.
    pub scene_cut: bool,
    /// Seed of the random numbers: equal seeds give equal files on the same machine, whatever `threads`
    /// and `jobs` are.
    pub seed: u64,
    /// Compute backend.
    pub backend: BackendChoice,
    /// Number of the GPU.
    pub device: u32,
    /// Threads of the CPU, up to [`limits::MAX_THREADS`]; 0 = all cores.
    pub threads: usize,
    /// Memory to stay below, in bytes, of the GPU where that trains; 0 = no bound (but a GPU's own).
    /// Groups get shorter where one alone would exceed it, and fewer are trained at once where several
    /// would.
    pub max_memory: u64,
    /// Groups that are trained at once, up to [`limits::MAX_THREADS`]; it changes no byte of them. The
    /// CPU trains no more at once than it has threads, and a bit rate allows 2. 0: as many as the
    /// threads and half of the memory that is free allow, up to 8; one on a GPU.
    pub jobs: usize,
    /// Iterations per frame instead of the preset's, up to [`EncoderSettings::MAX_EPOCHS`]; 0 = the preset's.
    pub epochs: u32,
    /// What the stream says of itself: orientation, mastering display, content light. Every group
    /// repeats it, but for the text of its settings, which only the first group of the stream has;
    /// where that text is empty, the stream names the settings of the encoder.
    pub metadata: Metadata,
    /// What the stream says of what its frames mean; `None`: nothing.
    pub alignment: Option<Alignment>,
}

impl EncoderSettings {
    /// The quality that is aimed at where nothing else is asked for.
    pub const QUALITY: f32 = 50.0;
    /// Most iterations per frame.
    pub const MAX_EPOCHS: u32 = 1_000_000;
    /// Most frames in a group where nothing else is asked for.
    pub const KEY_INT_MAX: u32 = 66;
    /// The seed where nothing else is asked for.
    pub const SEED: u64 = 1;

    /// The defaults for pictures of this format.
    pub fn new(format: PictureFormat) -> Self {
        Self {
            format,
            frame_rate: (0, 1),
            profile: Profile::default(),
            model: ModelOptions::default(),
            rate_control: RateControl::default(),
            preset: SpeedPreset::default(),
            key_int_max: Self::KEY_INT_MAX,
            scene_cut: true,
            seed: Self::SEED,
            backend: BackendChoice::default(),
            device: 0,
            threads: 0,
            max_memory: 0,
            jobs: 0,
            epochs: 0,
            metadata: Metadata::default(),
            alignment: None,
        }
    }

    /// Aims at a quality, 0 (smallest file) to 100 (best picture).
    #[must_use]
    pub fn quality(self, quality: f32) -> Self {
        self.rate_control(RateControl::Quality(quality))
    }

    /// Aims at a mean bit rate in kbit/s, at least 1.
    #[must_use]
    pub fn bitrate(self, kbit_per_second: u32) -> Self {
        self.rate_control(RateControl::Bitrate(kbit_per_second))
    }

    builders! {
        /// Sets the nominal frame rate (numerator, denominator).
        frame_rate: (u32, u32),
        /// Chooses the model.
        profile: Profile,
        /// Replaces numbers of a paper profile.
        model: ModelOptions,
        /// Sets what to aim at.
        rate_control: RateControl,
        /// Chooses how long to train.
        preset: SpeedPreset,
        /// Sets the most frames in a group, 1 to 256.
        key_int_max: u32,
        /// Says whether to start a group at every scene change.
        scene_cut: bool,
        /// Sets the seed of the random numbers.
        seed: u64,
        /// Chooses the backend.
        backend: BackendChoice,
        /// Sets the number of the GPU, from 0.
        device: u32,
        /// Sets the threads of the CPU; 0 = all cores.
        threads: usize,
        /// Bounds the memory of training, in bytes; 0 = no bound.
        max_memory: u64,
        /// Sets how many groups are trained at once; 0 = as threads and memory allow.
        jobs: usize,
        /// Sets the iterations per frame; 0 = the preset's.
        epochs: u32,
        /// Sets what the stream says of itself.
        metadata: Metadata,
        /// Sets what the stream says of what its frames mean.
        alignment: Option<Alignment>,
    }

    /// The settings that matter for what comes out, in a few words: those that are not the defaults.
    pub(super) fn to_text(&self) -> String {
        let version = env!("CARGO_PKG_VERSION");
        let target = match self.rate_control {
            RateControl::Quality(q) => format!("quality={q}"),
            RateControl::Bitrate(kbit) => format!("bitrate={kbit}"),
        };
        let mut text = match self.profile {
            Profile::Warp => format!("lnr {version} {} {target}", self.preset.name()),
            profile => format!("lnr {version} {} {}", profile.name(), self.preset.name()),
        };
        let mut add = |is_said: bool, part: String| {
            if is_said {
                text += " ";
                text += &part;
            }
        };
        let model = self.model.to_string();
        add(!model.is_empty(), format!("model={model}"));
        add(self.epochs > 0, format!("epochs={}", self.epochs));
        add(self.key_int_max != Self::KEY_INT_MAX, format!("key-int-max={}", self.key_int_max));
        add(!self.scene_cut, "scene-cut=no".into());
        add(self.seed != Self::SEED, format!("seed={}", self.seed));
        add(self.max_memory > 0, format!("max-memory={}", self.max_memory));
        if let Some(Alignment { teacher, weight }) = &self.alignment {
            add(true, format!("clip={}", teacher.space().fingerprint_text()));
            add(*weight != Alignment::WEIGHT, format!("clip-weight={weight}"));
        }
        text
    }
}

/// What a stream may ask for at most; a group beyond it is refused before anything is allocated for
/// it. The defaults are the limits of the format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Pixels of the stream's own pictures.
    pub max_pixels: u64,
    /// Frames of a group.
    pub max_frames_per_group: u32,
    /// Bytes that a group may take in memory while it is decoded and shown; 0 = no bound.
    pub max_memory: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_pixels: limits::MAX_PIXELS,
            max_frames_per_group: limits::MAX_GROUP_FRAMES,
            max_memory: 0,
        }
    }
}

impl Limits {
    builders! {
        /// Bounds the pixels of the stream's own pictures.
        max_pixels: u64,
        /// Bounds the frames of a group.
        max_frames_per_group: u32,
        /// Bounds the memory of a group in bytes; 0 = no bound.
        max_memory: u64,
    }

    /// # Errors
    /// [`Error::Limit`] naming what the group asks for and what is allowed.
    pub(super) fn check(&self, header: &GroupHeader) -> Result<()> {
        let (n_pixels, n_frames) = (header.format.n_pixels() as u64, header.n_frames());
        if n_pixels > self.max_pixels {
            return Err(Error::limit(format!(
                "pictures of {n_pixels} pixels, the caller allows {}",
                self.max_pixels
            )));
        }
        if n_frames > self.max_frames_per_group {
            return Err(Error::limit(format!(
                "a group of {n_frames} frames, the caller allows {}",
                self.max_frames_per_group
            )));
        }
        Ok(())
    }
}

/// Settings of a decoder: [`DecoderSettings::default`], changed by methods named like the fields.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DecoderSettings {
    /// Compute backend.
    pub backend: BackendChoice,
    /// Number of the GPU, from 0.
    pub device: u32,
    /// Threads of the CPU, up to [`limits::MAX_THREADS`]; 0 = all cores.
    pub threads: usize,
    /// What a stream may ask for.
    pub limits: Limits,
}

impl DecoderSettings {
    builders! {
        /// Chooses the backend.
        backend: BackendChoice,
        /// Sets the number of the GPU, from 0.
        device: u32,
        /// Sets the threads of the CPU; 0 = all cores.
        threads: usize,
        /// Bounds what a stream may ask for.
        limits: Limits,
    }

    /// Bounds the memory of a group in bytes, as [`Limits::max_memory`]; 0 = no bound.
    #[must_use]
    pub fn max_memory(mut self, bytes: u64) -> Self {
        self.limits.max_memory = bytes;
        self
    }
}

/// What to compute with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct EngineSettings {
    /// Compute backend.
    pub backend: BackendChoice,
    /// Number of the GPU, from 0.
    pub device: u32,
    /// Threads of the CPU, up to [`limits::MAX_THREADS`]; 0 = all cores.
    pub threads: usize,
}

impl EngineSettings {
    builders! {
        /// Chooses the backend.
        backend: BackendChoice,
        /// Sets the number of the GPU, from 0.
        device: u32,
        /// Sets the threads of the CPU; 0 = all cores.
        threads: usize,
    }
}

impl From<&EncoderSettings> for EngineSettings {
    fn from(settings: &EncoderSettings) -> Self {
        let EncoderSettings { backend, device, threads, .. } = *settings;
        Self { backend, device, threads }
    }
}

impl From<&DecoderSettings> for EngineSettings {
    fn from(settings: &DecoderSettings) -> Self {
        let DecoderSettings { backend, device, threads, .. } = *settings;
        Self { backend, device, threads }
    }
}
