// SPDX-License-Identifier: MIT OR Apache-2.0

use super::{Color, Error, Matrix, Result, limits};

/// Which components a picture has, and at what resolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Chroma {
    /// Luma only.
    Gray = 0,
    /// Y'CbCr, chroma halved both ways.
    Yuv420 = 1,
    /// Y'CbCr, chroma halved horizontally.
    Yuv422 = 2,
    /// Y'CbCr, chroma in full.
    Yuv444 = 3,
    /// R'G'B', in this order of planes.
    Rgb = 4,
}

impl Chroma {
    /// The format with this code.
    pub fn from_code(code: u8) -> Option<Self> {
        [Self::Gray, Self::Yuv420, Self::Yuv422, Self::Yuv444, Self::Rgb]
            .get(code as usize)
            .copied()
    }

    /// How many planes: 1 or 3.
    pub fn n_planes(self) -> usize {
        if self == Self::Gray { 1 } else { 3 }
    }

    /// log2 of the horizontal and vertical subsampling of the second and third plane.
    pub fn shifts(self) -> (u32, u32) {
        match self {
            Self::Yuv420 => (1, 1),
            Self::Yuv422 => (1, 0),
            _ => (0, 0),
        }
    }
}

/// Size, sampling and colorimetry of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PictureFormat {
    /// Width in pixels, 1..=[`limits::MAX_SIDE`].
    pub width: u32,
    /// Height in pixels, 1..=[`limits::MAX_SIDE`].
    pub height: u32,
    /// Components and subsampling.
    pub chroma: Chroma,
    /// Bits per sample, 8..=16.
    pub depth: u8,
    /// Colorimetry.
    pub color: Color,
    /// Pixel aspect ratio, both parts positive.
    pub par: (u32, u32),
}

impl PictureFormat {
    /// A format with square pixels and default colorimetry.
    pub fn new(width: u32, height: u32, chroma: Chroma, depth: u8) -> Self {
        let mut color = Color::default();
        if chroma == Chroma::Rgb {
            color.matrix = Matrix::Rgb;
            color.full_range = true;
        }
        Self { width, height, chroma, depth, color, par: (1, 1) }
    }

    /// The same format at another size in pixels; the pixel aspect ratio keeps the display aspect
    /// ratio. A matrix that is not stated becomes what this size stands for where the new one would
    /// stand for another.
    pub fn resized(&self, width: u32, height: u32) -> Self {
        let n = u64::from(self.par.0) * u64::from(self.width) * u64::from(height);
        let d = u64::from(self.par.1) * u64::from(self.height) * u64::from(width);
        let g = gcd(n, d).max(1);
        let (mut n, mut d) = (n / g, d / g);
        while n > i32::MAX as u64 || d > i32::MAX as u64 {
            (n, d) = ((n >> 1).max(1), (d >> 1).max(1));
        }
        let mut color = self.color;
        if self.chroma.n_planes() == 3 && color.matrix.at(height) != color.matrix.at(self.height) {
            color.matrix = color.matrix.at(self.height);
        }
        Self { width, height, par: (n as u32, d as u32), color, ..*self }
    }

    /// # Errors
    /// [`Error::Limit`] or [`Error::Unsupported`] when a field is out of its range.
    pub fn validate(&self) -> Result<()> {
        let (w, h) = (self.width, self.height);
        if w == 0 || h == 0 {
            return Err(Error::Unsupported(format!("picture size {w}x{h}: both must be positive")));
        }
        if w > limits::MAX_SIDE
            || h > limits::MAX_SIDE
            || u64::from(w) * u64::from(h) > limits::MAX_PIXELS
        {
            return Err(Error::limit(format!(
                "picture size {w}x{h} (largest side {}, largest area {})",
                limits::MAX_SIDE,
                limits::MAX_PIXELS
            )));
        }
        if !(8..=16).contains(&self.depth) {
            return Err(Error::Unsupported(format!("{} bits per sample (8 to 16)", self.depth)));
        }
        if self.par.0 == 0 || self.par.1 == 0 {
            return Err(Error::Unsupported("pixel aspect ratio with a zero".into()));
        }
        Ok(())
    }

    /// Width and height of plane `index` in samples.
    pub fn plane_size(&self, index: usize) -> (usize, usize) {
        let (sx, sy) = if index == 0 { (0, 0) } else { self.chroma.shifts() };
        let half = |n: u32, s: u32| ((n + (1 << s) - 1) >> s) as usize;
        (half(self.width, sx), half(self.height, sy))
    }

    /// Pixels of the picture.
    pub fn n_pixels(&self) -> usize {
        self.width as usize * self.height as usize
    }

    /// Bytes per sample in a [`Picture`]: 1 up to 8 bits, else 2.
    pub fn sample_bytes(&self) -> usize {
        if self.depth > 8 { 2 } else { 1 }
    }

    /// Largest sample value.
    pub fn max_value(&self) -> u16 {
        ((1u32 << self.depth) - 1) as u16
    }

    /// Bytes of a whole picture.
    pub fn n_bytes(&self) -> usize {
        (0..self.chroma.n_planes())
            .map(|i| {
                let (w, h) = self.plane_size(i);
                w * h * self.sample_bytes()
            })
            .sum()
    }
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// A picture: planes without padding, samples of one byte, or of two (little endian) above 8 bits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    format: PictureFormat,
    planes: Vec<Vec<u8>>,
}

impl Picture {
    /// A picture of zeros.
    ///
    /// # Errors
    /// Those of [`PictureFormat::validate`].
    pub fn new(format: PictureFormat) -> Result<Self> {
        format.validate()?;
        let planes = (0..format.chroma.n_planes())
            .map(|i| {
                let (w, h) = format.plane_size(i);
                vec![0; w * h * format.sample_bytes()]
            })
            .collect();
        Ok(Self { format, planes })
    }

    /// Its format.
    pub fn format(&self) -> &PictureFormat {
        &self.format
    }

    /// The bytes of plane `index`, row after row without padding.
    ///
    /// # Panics
    /// Here and in all methods with an index or a place, when there is none.
    pub fn plane(&self, index: usize) -> &[u8] {
        &self.planes[index]
    }

    /// The bytes of plane `index` for writing. Above 8 bits each sample takes two of them, the low one
    /// first, with its value in the low bits of the 16; [`Picture::set_sample`] writes either kind.
    pub fn plane_mut(&mut self, index: usize) -> &mut [u8] {
        &mut self.planes[index]
    }

    /// All planes for writing.
    pub fn planes_mut(&mut self) -> impl Iterator<Item = &mut [u8]> {
        self.planes.iter_mut().map(Vec::as_mut_slice)
    }

    /// The bytes of row `y` of plane `index`.
    pub fn row(&self, index: usize, y: usize) -> &[u8] {
        let n = self.format.plane_size(index).0 * self.format.sample_bytes();
        &self.planes[index][y * n..][..n]
    }

    /// The bytes of row `y` of plane `index` for writing.
    pub fn row_mut(&mut self, index: usize, y: usize) -> &mut [u8] {
        let n = self.format.plane_size(index).0 * self.format.sample_bytes();
        &mut self.planes[index][y * n..][..n]
    }

    /// Sample (x, y) of plane `index`.
    pub fn sample(&self, index: usize, x: usize, y: usize) -> u16 {
        let row = self.row(index, y);
        match self.format.sample_bytes() {
            1 => u16::from(row[x]),
            _ => u16::from_le_bytes([row[2 * x], row[2 * x + 1]]),
        }
    }

    /// Sets sample (x, y) of plane `index` to a value of at most [`PictureFormat::max_value`].
    pub fn set_sample(&mut self, index: usize, x: usize, y: usize, value: u16) {
        let wide = self.format.sample_bytes() == 2;
        let row = self.row_mut(index, y);
        if wide {
            row[2 * x..2 * x + 2].copy_from_slice(&value.to_le_bytes());
        } else {
            row[x] = value as u8;
        }
    }
}
