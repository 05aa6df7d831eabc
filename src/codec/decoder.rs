// SPDX-License-Identifier: MIT OR Apache-2.0

use crate::backend::Choice;
use crate::base::{Error, Picture, Result, Tau};
use crate::bitstream::GroupHeader;

/// Settings of a decoder.
#[derive(Clone, Debug, Default)]
pub struct DecoderConfig {
    /// Compute backend.
    pub backend: Choice,
    /// Threads of the CPU backend; 0 = all cores.
    pub threads: usize,
}

/// What an access unit asks to be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Time inside the current group.
    pub tau: Tau,
    /// Presentation time by the group's own clock, in ns.
    pub pts: u64,
    /// Whether the access unit began a group.
    pub is_key: bool,
}

/// Access units to pictures of any size. It holds one group at a time.
pub struct Decoder {}

impl Decoder {
    /// # Errors
    /// [`Error::Backend`] when the backend is not available.
    pub fn new(config: DecoderConfig) -> Result<Self> {
        let _ = config;
        Ok(Self {})
    }

    /// Reads one access unit; one that begins a group replaces the current group.
    ///
    /// # Errors
    /// [`Error::Damaged`] or [`Error::Limit`]; decoding can go on with the next access unit. A group
    /// that is damaged takes its other access units with it.
    pub fn push(&mut self, unit: &[u8]) -> Result<Shown> {
        let _ = unit;
        Err(Error::Unsupported("not here yet".into()))
    }

    /// The header of the current group.
    pub fn header(&self) -> Option<&GroupHeader> {
        None
    }

    /// Renders time `tau` of the current group at the size of `out`, whose chroma, depth and colour
    /// must be those of [`GroupHeader::format`].
    ///
    /// # Errors
    /// [`Error::Damaged`] when there is no group; [`Error::InvalidSetting`] for another format.
    pub fn render(&mut self, tau: Tau, out: &mut Picture) -> Result<()> {
        let _ = (tau, out);
        Err(Error::Unsupported("not here yet".into()))
    }

    /// Forgets the current group.
    pub fn reset(&mut self) {}
}
