// SPDX-License-Identifier: MIT OR Apache-2.0

/// How the stored components relate to R'G'B' (the numbers are those of ITU-T H.273).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Matrix {
    /// Components are R'G'B' (or gray).
    Rgb = 0,
    /// BT.709.
    Bt709 = 1,
    /// Not stated; treated as BT.709 from 720 lines on, as BT.601 below.
    Unknown = 2,
    /// FCC 73.682.
    Fcc = 4,
    /// BT.601.
    Bt601 = 6,
    /// SMPTE 240M.
    Smpte240m = 7,
    /// BT.2020, non-constant luminance.
    Bt2020 = 9,
}

impl Matrix {
    /// The matrix with this H.273 number.
    pub fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            0 => Self::Rgb,
            1 => Self::Bt709,
            2 => Self::Unknown,
            4 => Self::Fcc,
            5 | 6 => Self::Bt601,
            7 => Self::Smpte240m,
            9 => Self::Bt2020,
            _ => return None,
        })
    }

    /// What this counts as in pictures of `height` lines: [`Matrix::Unknown`] becomes another one.
    pub fn at(self, height: u32) -> Self {
        match self {
            Self::Unknown if height >= 720 => Self::Bt709,
            Self::Unknown => Self::Bt601,
            known => known,
        }
    }

    /// The luma weights of red and blue, (Kr, Kb); `height` decides for [`Matrix::Unknown`].
    pub fn luma_weights(self, height: u32) -> (f32, f32) {
        match self.at(height) {
            Self::Bt709 => (0.2126, 0.0722),
            Self::Fcc => (0.30, 0.11),
            Self::Smpte240m => (0.212, 0.087),
            Self::Bt2020 => (0.2627, 0.0593),
            Self::Rgb | Self::Unknown | Self::Bt601 => (0.299, 0.114),
        }
    }

    /// The matrix from R'G'B' scaled to 0..=1 to Y' in 0..=1, Cb and Cr in -0.5..=0.5; [`Matrix::Rgb`] has
    /// that of BT.601. `height` is that of the picture.
    pub fn from_rgb(self, height: u32) -> [[f32; 3]; 3] {
        let (kr, kb) = self.luma_weights(height);
        let luma = [kr, 1.0 - kr - kb, kb];
        let (blue, red) = (0.5 / (1.0 - kb), 0.5 / (1.0 - kr));
        let minus_luma = |gain: f32, of: usize| {
            std::array::from_fn(|k| gain * (f32::from(u8::from(k == of)) - luma[k]))
        };
        [luma, minus_luma(blue, 2), minus_luma(red, 0)]
    }
}

/// Where chroma samples lie relative to luma samples in 4:2:0 and 4:2:2.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum ChromaSite {
    /// Not stated; treated as [`ChromaSite::Left`].
    #[default]
    Unknown = 0,
    /// Horizontally on the left luma sample, vertically between two lines (MPEG-2, H.264).
    Left = 1,
    /// Between luma samples both ways (JPEG, MPEG-1).
    Center = 2,
    /// On the top left luma sample.
    TopLeft = 3,
    /// Vertically on the upper of two lines, horizontally between luma samples.
    Top = 4,
    /// Horizontally on the left luma sample; Cr on the upper of two lines, Cb on the lower one (PAL DV).
    Dv = 5,
    /// On lines that alternate, at places that are not stated; treated as [`ChromaSite::Left`].
    AltLine = 6,
}

impl ChromaSite {
    /// The site with this code.
    pub fn from_code(code: u8) -> Option<Self> {
        use ChromaSite::{AltLine, Center, Dv, Left, Top, TopLeft, Unknown};
        [Unknown, Left, Center, TopLeft, Top, Dv, AltLine].get(code as usize).copied()
    }

    /// Whether samples of halved rows lie between two luma samples, not on the left one.
    pub fn is_between_columns(self) -> bool {
        matches!(self, Self::Center | Self::Top)
    }

    /// How far the samples of `plane` (1 or 2) lie to the right of and below the first luma sample that
    /// they belong to, in luma samples, where both axes are halved.
    pub fn offset(self, plane: usize) -> (f32, f32) {
        let x = if self.is_between_columns() { 0.5 } else { 0.0 };
        let y = match self {
            Self::TopLeft | Self::Top => 0.0,
            Self::Dv if plane == 1 => 1.0,
            Self::Dv => 0.0,
            _ => 0.5,
        };
        (x, y)
    }
}

/// Colorimetry of a sequence; primaries and transfer are H.273 numbers passed through unread.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Color {
    /// Relation of the components to R'G'B'.
    pub matrix: Matrix,
    /// Whether samples use the full range (0..=255 at 8 bits) instead of the video range.
    pub full_range: bool,
    /// H.273 colour primaries (2 = unknown).
    pub primaries: u8,
    /// H.273 transfer characteristics (2 = unknown).
    pub transfer: u8,
    /// Position of chroma samples.
    pub site: ChromaSite,
}

impl Default for Color {
    fn default() -> Self {
        Self {
            matrix: Matrix::Unknown,
            full_range: false,
            primaries: 2,
            transfer: 2,
            site: ChromaSite::Unknown,
        }
    }
}

impl Color {
    /// The matrix from components scaled to 0..=1 (sample / largest sample) to R'G'B' scaled to
    /// 0..=1, without its offset. `height` is that of the picture.
    pub fn to_rgb(&self, depth: u8, height: u32) -> [[f32; 3]; 3] {
        if self.matrix == Matrix::Rgb {
            return [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
        }
        let max = ((1u32 << depth) - 1) as f32;
        let unit = (1u32 << (depth - 8)) as f32;
        let (y, c) =
            if self.full_range { (1.0, 1.0) } else { (max / (219.0 * unit), max / (224.0 * unit)) };
        let (kr, kb) = self.matrix.luma_weights(height);
        let kg = 1.0 - kr - kb;
        let (red, blue) = (2.0 * (1.0 - kr), 2.0 * (1.0 - kb));
        [[y, 0.0, red * c], [y, -blue * kb / kg * c, -red * kr / kg * c], [y, blue * c, 0.0]]
    }
}
