// SPDX-License-Identifier: MIT OR Apache-2.0

use super::engine::BackendInfo;
use super::loaded::Group;
use super::payload::{Coding, metadata, shape};
use super::{CancelFlag, DecoderSettings, Engine, Limits};
use crate::backend::Shape;
use crate::base::{Error, Metadata, Picture, PictureFormat, Result, Tau};
use crate::bitstream::{self, GroupHeader, Unit, WorkBudget};

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
    limits: Limits,
    /// The work that reading may take until pixels are rendered.
    budget: WorkBudget,
    group: Option<Current>,
    cancel: CancelFlag,
}

/// The group that is shown.
struct Current {
    header: GroupHeader,
    metadata: Metadata,
    group: Group,
    /// Bytes that it takes, without the picture.
    bytes: u64,
}

impl Decoder {
    /// One with an engine of its own.
    ///
    /// # Errors
    /// Those of [`Engine::open`].
    pub fn new(settings: DecoderSettings) -> Result<Self> {
        Ok(Self::with_engine(settings, Engine::open(&settings)?))
    }

    /// With an engine that was opened for these settings.
    pub fn with_engine(settings: DecoderSettings, engine: Engine) -> Self {
        Self {
            engine,
            limits: settings.limits,
            budget: WorkBudget::decoding(),
            group: None,
            cancel: CancelFlag::default(),
        }
    }

    /// A flag that stops [`Decoder::render`] from another thread, within a second.
    pub fn cancel_flag(&self) -> CancelFlag {
        self.cancel.clone()
    }

    /// What it computes with.
    pub fn backend(&self) -> BackendInfo {
        self.engine.info()
    }

    /// Reads one access unit; one that begins a group replaces the current group.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Unsupported`], or [`Error::Limit`] of the format or of [`Limits`]:
    /// decoding can go on with the next access unit, but a group that cannot be read takes its other
    /// access units with it. [`Error::Backend`] when the device fails: what follows would fail as well.
    pub fn push(&mut self, unit: &[u8]) -> Result<Shown> {
        let (tau, is_key) = match bitstream::parse(unit) {
            Ok(Unit::Group { header, shows, payload }) => {
                self.group = None;
                self.limits.check(&header)?;
                self.group = Some(self.open(*header, payload)?);
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

    fn open(&mut self, header: GroupHeader, payload: &[u8]) -> Result<Current> {
        let shape = shape(&header)?;
        let bytes = self.group_bytes(&shape)?;
        self.check_memory(bytes, &header.format)?;
        // Pictures do not need it: what cannot be read of it is not there.
        let metadata = metadata(payload).unwrap_or_default();
        let coding = Coding { shape: &shape, precision: header.model.precision };
        let (engine, budget) = (&self.engine, &mut self.budget);
        let parameters = engine.run(|| coding.decode(payload, budget))?;
        let group = engine.load(shape, parameters)?;
        Ok(Current { header, metadata, group, bytes })
    }

    /// Bytes that a group takes while it is read and shown.
    fn group_bytes(&self, shape: &Shape) -> Result<u64> {
        // Symbols of 16 bits and parameters as f32, on their way to the backend.
        let reading = 6 * shape.n_grid() as u64 + 4 * shape.network.len() as u64;
        Ok(reading + self.engine.rendering_bytes(shape)?)
    }

    /// # Errors
    /// [`Error::Limit`] naming what showing the group in this format takes, and what is allowed.
    fn check_memory(&self, group: u64, format: &PictureFormat) -> Result<()> {
        let (most, needed) = (self.limits.max_memory, group + format.n_bytes() as u64);
        if most == 0 || needed <= most {
            return Ok(());
        }
        let mib = |bytes: u64| bytes.div_ceil(1 << 20);
        Err(Error::limit(format!(
            "the group takes {} MiB at {}x{}, max-memory allows {} MiB",
            mib(needed),
            format.width,
            format.height,
            most >> 20
        )))
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
        self.group.as_ref().map(|g| &g.header)
    }

    /// What the current group says of the whole stream; the encoder's settings stand in the first
    /// group of a stream only. Empty where the group says nothing, or nothing that can be read.
    pub fn metadata(&self) -> Option<&Metadata> {
        self.group.as_ref().map(|g| &g.metadata)
    }

    /// Renders time `tau` of the current group at the size of `out`, whose chroma, depth and colour
    /// must be those of [`GroupHeader::format`].
    ///
    /// # Errors
    /// [`Error::Damaged`] when there is no group; [`Error::InvalidSetting`] for another format;
    /// [`Error::Limit`] when the picture takes more memory than is allowed; [`Error::Cancelled`] when
    /// [`Decoder::cancel_flag`] is set; [`Error::Backend`] when the device fails.
    pub fn render(&mut self, tau: Tau, out: &mut Picture) -> Result<()> {
        let Some(Current { header, bytes, .. }) = &self.group else {
            return Err(Error::damaged("nothing to render: no group was decoded yet"));
        };
        let (coded, wanted) = (&header.format, out.format());
        if (coded.chroma, coded.depth) != (wanted.chroma, wanted.depth) {
            return Err(Error::InvalidSetting(format!(
                "the stream is {:?} at {} bits, not {:?} at {} bits: convert after decoding",
                coded.chroma, coded.depth, wanted.chroma, wanted.depth
            )));
        }
        self.check_memory(*bytes, wanted)?;
        let Some(current) = &mut self.group else { return Ok(()) };
        let stop = || self.cancel.is_set();
        self.engine.render(&mut current.group, tau.as_f32(), &stop, out)?;
        self.budget.reset();
        Ok(())
    }

    /// Forgets the current group.
    pub fn reset(&mut self) {
        self.group = None;
    }
}
