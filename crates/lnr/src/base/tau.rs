// SPDX-License-Identifier: MIT OR Apache-2.0

/// A time inside a group, counted in frames, in units of 1/256 frame: frame `i` is shown at tau = i.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tau(u32);

impl Tau {
    /// Units per frame.
    pub const UNIT: u32 = 256;

    /// The time of frame `index`.
    pub const fn frame(index: u32) -> Self {
        Self(index * Self::UNIT)
    }

    /// A time in units of 1/256 frame.
    pub const fn from_units(units: u32) -> Self {
        Self(units)
    }

    /// In units of 1/256 frame.
    pub const fn units(self) -> u32 {
        self.0
    }

    /// In frames.
    pub fn as_f32(self) -> f32 {
        self.0 as f32 / Self::UNIT as f32
    }

    /// The frame at or before this time.
    pub const fn floor(self) -> u32 {
        self.0 / Self::UNIT
    }

    /// Whether this is the time of a coded frame.
    pub const fn is_frame(self) -> bool {
        self.0.is_multiple_of(Self::UNIT)
    }
}
