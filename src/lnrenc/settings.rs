// SPDX-License-Identifier: MIT OR Apache-2.0

use std::sync::LazyLock;

use gst::glib;
use gst::prelude::*;

use crate::engine::{backend_property, device_property, threads_property};
use crate::teacher::{TeacherName, model_property};
use crate::{Backend, Profile, Speed};
use lnr::{
    Alignment, Chroma, EncoderSettings, EngineSettings, PictureFormat, RateControl, Result, limits,
};

/// The writable properties of the encoder.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub profile: Profile,
    pub speed: Speed,
    pub quality: f32,
    /// kbit/s; 0 = use the quality
    pub bitrate: u32,
    pub key_int_max: u32,
    pub scene_cut: bool,
    pub backend: Backend,
    pub device: u32,
    pub threads: u32,
    pub seed: u64,
    /// MiB; 0 = no bound
    pub max_memory: u32,
    /// 0 = automatic
    pub jobs: u32,
    pub epochs: u32,
    /// As the property's text.
    pub model: String,
    /// Who says what frames mean.
    pub teacher: TeacherName,
    pub clip_weight: f32,
}

impl Default for Settings {
    fn default() -> Self {
        // The defaults do not depend on the format.
        let d = EncoderSettings::new(PictureFormat::new(1, 1, Chroma::Gray, 8));
        Self {
            profile: Profile::default(),
            speed: Speed::default(),
            quality: EncoderSettings::QUALITY,
            bitrate: 0,
            key_int_max: d.key_int_max,
            scene_cut: d.scene_cut,
            backend: Backend::default(),
            device: d.device,
            threads: d.threads as u32,
            seed: d.seed,
            max_memory: (d.max_memory >> 20) as u32,
            jobs: d.jobs as u32,
            epochs: d.epochs,
            model: String::new(),
            teacher: TeacherName::default(),
            clip_weight: Alignment::WEIGHT,
        }
    }
}

impl Settings {
    /// The codec's settings for pictures of this format.
    ///
    /// # Errors
    /// [`lnr::Error::InvalidSetting`] when the model's text is wrong.
    pub fn encoder(&self, format: PictureFormat, rate: (u32, u32)) -> Result<EncoderSettings> {
        Ok(EncoderSettings::new(format)
            .profile(self.profile.into())
            .model(self.model.parse()?)
            .frame_rate(rate)
            .rate_control(self.rate_control())
            .preset(self.speed.into())
            .key_int_max(self.key_int_max)
            .scene_cut(self.scene_cut)
            .seed(self.seed)
            .backend(self.backend.into())
            .device(self.device)
            .threads(self.threads as usize)
            .max_memory(u64::from(self.max_memory) << 20)
            .jobs(self.jobs as usize)
            .epochs(self.epochs))
    }

    /// What they aim at.
    pub fn rate_control(&self) -> RateControl {
        match self.bitrate {
            0 => RateControl::Quality(self.quality),
            bitrate => RateControl::Bitrate(bitrate),
        }
    }

    /// The backend that they ask for.
    pub fn engine(&self) -> EngineSettings {
        EngineSettings::default()
            .backend(self.backend.into())
            .device(self.device)
            .threads(self.threads as usize)
    }

    pub fn get(&self, name: &str) -> glib::Value {
        match name {
            "profile" => self.profile.to_value(),
            "speed-preset" => self.speed.to_value(),
            "quality" => self.quality.to_value(),
            "bitrate" => self.bitrate.to_value(),
            "key-int-max" => self.key_int_max.to_value(),
            "scene-cut" => self.scene_cut.to_value(),
            "backend" => self.backend.to_value(),
            "device" => self.device.to_value(),
            "threads" => self.threads.to_value(),
            "seed" => self.seed.to_value(),
            "max-memory" => self.max_memory.to_value(),
            "jobs" => self.jobs.to_value(),
            "epochs" => self.epochs.to_value(),
            "model" => self.model.to_value(),
            "clip-model" => self.teacher.model.to_value(),
            "features" => self.teacher.features.to_value(),
            "clip-weight" => self.clip_weight.to_value(),
            _ => unreachable!("no such property"),
        }
    }

    pub fn set(&mut self, name: &str, value: &glib::Value) {
        fn to<'a, T: glib::value::FromValue<'a>>(value: &'a glib::Value) -> T
        where
            T::Checker: glib::value::ValueTypeChecker<Error = glib::value::ValueTypeMismatchError>,
        {
            value.get().expect("type checked by GObject")
        }
        let text = |value| to::<Option<String>>(value).unwrap_or_default();
        match name {
            "profile" => self.profile = to(value),
            "speed-preset" => self.speed = to(value),
            "quality" => self.quality = to(value),
            "bitrate" => self.bitrate = to(value),
            "key-int-max" => self.key_int_max = to(value),
            "scene-cut" => self.scene_cut = to(value),
            "backend" => self.backend = to(value),
            "device" => self.device = to(value),
            "threads" => self.threads = to(value),
            "seed" => self.seed = to(value),
            "max-memory" => self.max_memory = to(value),
            "jobs" => self.jobs = to(value),
            "epochs" => self.epochs = to(value),
            "model" => self.model = text(value),
            "clip-model" => self.teacher.model = text(value),
            "features" => self.teacher.features = text(value),
            "clip-weight" => self.clip_weight = to(value),
            _ => unreachable!("no such property"),
        }
    }
}

/// All properties, `stats` too.
pub(super) fn properties() -> &'static [glib::ParamSpec] {
    static PROPERTIES: LazyLock<Vec<glib::ParamSpec>> = LazyLock::new(|| {
        let d = Settings::default();
        let uint = |name, nick, blurb, minimum, maximum, default| {
            glib::ParamSpecUInt::builder(name)
                .nick(nick)
                .blurb(blurb)
                .minimum(minimum)
                .maximum(maximum)
                .default_value(default)
                .mutable_ready()
                .build()
        };
        vec![
            glib::ParamSpecEnum::builder::<Profile>("profile")
                .nick("Profile")
                .blurb("Which model to train")
                .mutable_ready()
                .build(),
            glib::ParamSpecEnum::builder::<Speed>("speed-preset")
                .nick("Speed preset")
                .blurb("How long to train")
                .mutable_ready()
                .build(),
            glib::ParamSpecFloat::builder("quality")
                .nick("Quality")
                .blurb("0 (smallest file) to 100 (best picture); not used when bitrate is set")
                .minimum(0.0)
                .maximum(100.0)
                .default_value(d.quality)
                .mutable_playing()
                .build(),
            glib::ParamSpecUInt::builder("bitrate")
                .nick("Bit rate")
                .blurb("Mean bit rate in kbit/s (0 = use quality)")
                .maximum(i32::MAX as u32)
                .default_value(d.bitrate)
                .mutable_playing()
                .build(),
            uint(
                "key-int-max",
                "Longest group",
                "Most frames that share a network; also the latency in frames, where jobs=1",
                1,
                limits::MAX_GROUP_FRAMES,
                d.key_int_max,
            ),
            glib::ParamSpecBoolean::builder("scene-cut")
                .nick("Scene cut")
                .blurb("Begin a new group at scene changes")
                .default_value(d.scene_cut)
                .mutable_ready()
                .build(),
            backend_property(),
            device_property(),
            threads_property(),
            glib::ParamSpecUInt64::builder("seed")
                .nick("Seed")
                .blurb("Seed of the random numbers: equal seeds give equal files")
                .default_value(d.seed)
                .mutable_ready()
                .build(),
            uint(
                "max-memory",
                "Memory bound",
                "Memory to stay below in MiB, of the GPU where that trains; groups get shorter for it, \
                 fewer are trained at once (0 = no bound but a GPU's own)",
                0,
                i32::MAX as u32,
                d.max_memory,
            ),
            uint(
                "jobs",
                "Groups at once",
                "Groups that are trained at once, which changes no byte; each adds to the latency \
                 (0 = as threads and memory allow, up to 8; one on a GPU or for a live source)",
                0,
                limits::MAX_THREADS as u32,
                d.jobs,
            ),
            uint(
                "epochs",
                "Epochs",
                "Iterations per frame instead of those of speed-preset (0 = those of speed-preset)",
                0,
                EncoderSettings::MAX_EPOCHS,
                d.epochs,
            ),
            glib::ParamSpecString::builder("model")
                .nick("Model")
                .blurb(
                    "Numbers that replace those of a paper profile, such as \
                     width=64,rank=8,modulated=1+2,encoding=fourier",
                )
                .default_value(Some(""))
                .mutable_ready()
                .build(),
            model_property(
                "Model that says what frames mean, for search: directory of a CLIP or SigLIP, its name in \
                 the cache of Hugging Face, or auto for the one that LNR_CLIP_MODEL names (empty = none)",
            ),
            glib::ParamSpecString::builder("features")
                .nick("Features")
                .blurb(
                    "File of vectors that say what frames mean, .npy or .safetensors, instead of \
                     clip-model (empty = none)",
                )
                .default_value(Some(""))
                .mutable_ready()
                .build(),
            glib::ParamSpecFloat::builder("clip-weight")
                .nick("Weight of meaning")
                .blurb(
                    "What an angle between stored and true vectors costs beside errors of pictures; \
                     twice this part of the bytes may be vectors",
                )
                .minimum(1e-6)
                .maximum(Alignment::MAX_WEIGHT)
                .default_value(d.clip_weight)
                .mutable_ready()
                .build(),
            glib::ParamSpecBoxed::builder::<gst::Structure>("stats")
                .nick("Statistics")
                .blurb("Totals so far, and how far the training of the current group is")
                .read_only()
                .build(),
        ]
    });
    PROPERTIES.as_ref()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What GStreamer calls a property's default is what an element without properties set does.
    #[test]
    fn defaults_are_those_of_the_library() {
        gst::init().expect("GStreamer");
        let format = PictureFormat::new(16, 16, Chroma::Yuv420, 8);
        let of = |settings: &Settings| format!("{:?}", settings.encoder(format, (0, 1)).unwrap());
        assert_eq!(of(&Settings::default()), format!("{:?}", EncoderSettings::new(format)));
        let mut settings =
            Settings { key_int_max: 7, seed: 9, quality: 1.0, ..Settings::default() };
        settings.scene_cut = !settings.scene_cut;
        for pspec in properties().iter().filter(|p| p.name() != "stats") {
            settings.set(pspec.name(), pspec.default_value());
        }
        assert_eq!(of(&settings), of(&Settings::default()));
    }
}
