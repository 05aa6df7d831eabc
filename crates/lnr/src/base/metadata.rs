// SPDX-License-Identifier: MIT OR Apache-2.0

/// What a stream says about its pictures beyond their format (FORMAT section 5.3). Nothing of it
/// changes how they are decoded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata {
    /// How to turn pictures for display.
    pub orientation: Orientation,
    /// The display that the pictures were mastered on.
    pub mastering: Option<MasteringDisplay>,
    /// How bright the content is.
    pub light: Option<ContentLight>,
    /// Whether the last component is alpha: carried, and of no effect in this version.
    pub alpha: bool,
    /// The price of a bit, lambda, that a group was coded with, as the bits of a 32-bit IEEE number;
    /// written where a bit rate was asked for, so that an encoder can go on behind the group.
    pub price: Option<u32>,
    /// CRC-32C of the samples of the pictures that a group was made of, by which an encoder knows that
    /// it can go on behind the group.
    pub source: Option<u32>,
    /// Settings of the encoder, at most [`Metadata::MAX_SETTINGS`] bytes; in the first group of a
    /// stream only.
    pub settings: String,
}

impl Metadata {
    /// Most bytes of [`Metadata::settings`]: a command line's worth.
    pub const MAX_SETTINGS: usize = 1024;
}

/// How to turn a picture for display: perhaps mirror it horizontally, then rotate it clockwise. The
/// eight ways are those of EXIF and of GStreamer's tag `image-orientation`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Orientation {
    turns: u8,
    mirrored: bool,
}

impl Orientation {
    const NAMES: [&str; 8] = [
        "rotate-0",
        "rotate-90",
        "rotate-180",
        "rotate-270",
        "flip-rotate-0",
        "flip-rotate-90",
        "flip-rotate-180",
        "flip-rotate-270",
    ];

    /// `turns` quarter turns clockwise (modulo 4), after mirroring horizontally if `mirrored`.
    pub const fn new(turns: u8, mirrored: bool) -> Self {
        Self { turns: turns & 3, mirrored }
    }

    /// Quarter turns clockwise, 0..=3.
    pub const fn turns(self) -> u8 {
        self.turns
    }

    /// Whether it is mirrored horizontally before it is rotated.
    pub const fn mirrored(self) -> bool {
        self.mirrored
    }

    /// The code in the stream: quarter turns, plus 4 if mirrored.
    pub const fn code(self) -> u8 {
        self.turns | (self.mirrored as u8) << 2
    }

    /// The orientation with this code, 0..=7.
    pub const fn from_code(code: u8) -> Option<Self> {
        if code < 8 { Some(Self::new(code, code >= 4)) } else { None }
    }

    /// Its name in GStreamer's tag `image-orientation`.
    pub fn name(self) -> &'static str {
        Self::NAMES[usize::from(self.code())]
    }

    /// The orientation with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        (0..8).filter_map(Self::from_code).find(|o| o.name() == name)
    }
}

/// A mastering display (SMPTE ST 2086).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MasteringDisplay {
    /// Red, green, blue: x and y in units of 0.00002.
    pub primaries: [(u16, u16); 3],
    /// White point: x and y in units of 0.00002.
    pub white: (u16, u16),
    /// Largest luminance in 0.0001 cd/m^2.
    pub max_luminance: u32,
    /// Least luminance in 0.0001 cd/m^2.
    pub min_luminance: u32,
}

/// Content light level (CTA-861.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ContentLight {
    /// Brightest pixel of all pictures in cd/m^2 (MaxCLL).
    pub max_content: u16,
    /// Largest mean of a picture in cd/m^2 (MaxFALL).
    pub max_frame_average: u16,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orientations_have_codes_and_names() {
        for code in 0..8 {
            let o = Orientation::from_code(code).unwrap();
            assert_eq!((o.code(), Orientation::from_name(o.name())), (code, Some(o)));
        }
        assert_eq!(Orientation::from_name("flip-rotate-90"), Some(Orientation::new(1, true)));
        assert_eq!(Orientation::default().name(), "rotate-0");
        assert!(Orientation::from_code(8).is_none() && Orientation::from_name("").is_none());
    }
}
