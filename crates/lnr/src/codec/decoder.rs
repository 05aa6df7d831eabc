// SPDX-License-Identifier: MIT OR Apache-2.0

use super::engine::{BackendInfo, Scene};
use super::model::model;
use super::{DecoderSettings, Engine, Limits};
use crate::base::{Error, Picture, Result, Tau};
use crate::bitstream::{self, GroupHeader, Unit};

/// What an access unit asks to be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Shown {
    /// Time inside the current group.
    pub tau: Tau,
    /// Presentation time by the group's own clock, in ns.
    pub pts: u64,
    /// Whether the access unit began a group.
    pub is_key: bool,
}

/// Access units to pictures of any size. It holds one group at a time.
pub struct Decoder {
    engine: Engine,
    in_parallel: bool,
    limits: Limits,
    group: Option<(GroupHeader, Scene)>,
}

impl Decoder {
    /// # Errors
    /// Those of [`Engine::open`].
    pub fn new(settings: DecoderSettings) -> Result<Self> {
        Ok(Self::with_engine(settings, Engine::open(&settings)?))
    }

    /// With an engine that was opened for these settings.
    pub fn with_engine(settings: DecoderSettings, engine: Engine) -> Self {
        let in_parallel = settings.threads != 1;
        Self { engine, in_parallel, limits: settings.limits, group: None }
    }

    /// What it computes with.
    pub fn backend(&self) -> BackendInfo {
        self.engine.info()
    }

    /// Reads one access unit; one that begins a group replaces the current group.
    ///
    /// # Errors
    /// [`Error::Damaged`] or [`Error::Limit`], by the format or by [`Limits`]; decoding can go on with the next access unit. A group
    /// that is damaged takes its other access units with it. [`Error::Backend`] when the device fails:
    /// what follows would fail as well.
    pub fn push(&mut self, unit: &[u8]) -> Result<Shown> {
        let (tau, is_key) = match bitstream::parse(unit) {
            Ok(Unit::Group { header, shows, payload }) => {
                self.group = None;
                self.limits.check(&header)?;
                let model = model(&header)?;
                let decoded = self.engine.run(|| model.decode(payload, self.in_parallel))?;
                let scene = self.engine.backend().load(model, decoded)?;
                self.group = Some((*header, scene));
                (shows, true)
            }
            Ok(Unit::Frame { group, shows }) => {
                self.check_group(group, shows)?;
                (shows, false)
            }
            Err(e) => {
                if unit.starts_with(&bitstream::MAGIC) {
                    self.group = None;
                }
                return Err(e);
            }
        };
        let pts = self.header().map_or(0, |h| h.time_of(tau));
        Ok(Shown { tau, pts, is_key })
    }

    fn check_group(&self, id: u8, shows: Tau) -> Result<()> {
        match self.header() {
            None => Err(Error::damaged("a frame without the start of its group")),
            Some(h) if h.id != id => {
                Err(Error::damaged("a frame of a group whose start is missing"))
            }
            Some(h) if shows >= Tau::frame(h.n_frames()) => {
                Err(Error::damaged("a time beyond the end of its group"))
            }
            Some(_) => Ok(()),
        }
    }

    /// The header of the current group.
    pub fn header(&self) -> Option<&GroupHeader> {
        self.group.as_ref().map(|(header, _)| header)
    }

    /// Renders time `tau` of the current group at the size of `out`, whose chroma, depth and colour
    /// must be those of [`GroupHeader::format`].
    ///
    /// # Errors
    /// [`Error::Damaged`] when there is no group; [`Error::InvalidSetting`] for another format;
    /// [`Error::Backend`] when the device fails.
    pub fn render(&mut self, tau: Tau, out: &mut Picture) -> Result<()> {
        let Some((header, scene)) = &mut self.group else {
            return Err(Error::damaged("nothing to render: no group was decoded yet"));
        };
        let (coded, wanted) = (&header.format, out.format());
        if (coded.chroma, coded.depth) != (wanted.chroma, wanted.depth) {
            return Err(Error::InvalidSetting(format!(
                "the stream is {:?} at {} bits, not {:?} at {} bits: convert after decoding",
                coded.chroma, coded.depth, wanted.chroma, wanted.depth
            )));
        }
        self.engine.backend().render(scene, tau.as_f32(), out)
    }

    /// Forgets the current group.
    pub fn reset(&mut self) {
        self.group = None;
    }
}
