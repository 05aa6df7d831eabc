// SPDX-License-Identifier: MIT OR Apache-2.0
//! Pictures as a model wants to see them (preprocessor_config.json), to 1 of 255 as Pillow makes them.

use std::path::Path;

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};

use super::json::Object;
use crate::base::{Error, Result};

/// Longer pictures are cropped to this ratio of their sides first: the model sees the middle only, and what
/// would be cut away again is not worth its memory.
const MAX_RATIO: usize = 32;
/// OpenAI's, of all CLIPs that say nothing else.
const CLIP_MEAN: [f32; 3] = [0.481_454_66, 0.457_827_5, 0.408_210_73];
const CLIP_STD: [f32; 3] = [0.268_629_54, 0.261_302_6, 0.275_777_1];

#[derive(Clone, Copy, Debug)]
enum Resize {
    /// The shorter side becomes this, the longer one follows.
    Shorter(usize),
    /// Both sides become this.
    Both(usize),
}

#[derive(Debug)]
pub(super) struct Preprocessing {
    resize: Resize,
    filter: FilterType,
    /// Side of the middle that is cut out.
    side: usize,
    scale: f32,
    mean: [f32; 3],
    std: [f32; 3],
}

impl Preprocessing {
    /// Reads what a model of pictures of `side` wants.
    ///
    /// # Errors
    /// [`Error::Model`] when something is not known, or would give pictures of another side.
    pub fn read(folder: &Path, side: usize) -> Result<Self> {
        let all = Object::read(folder, "preprocessor_config.json")?;
        if !all.flag("do_resize", true)? {
            return Err(all.wrong("do_resize is false: pictures of any size must be resized"));
        }
        let resize = match all.get("size") {
            Some(v) if v.is_u64() => Resize::Shorter(all.count("size", 224, 4096)?),
            None => Resize::Shorter(side),
            Some(_) => {
                let size = all.object("size");
                if size.get("shortest_edge").is_some() {
                    Resize::Shorter(size.count("shortest_edge", 224, 4096)?)
                } else {
                    let [height, width] =
                        [size.count("height", 0, 4096)?, size.count("width", 0, 4096)?];
                    if height != width || height == 0 {
                        return Err(size.wrong("neither shortest_edge nor equal height and width"));
                    }
                    Resize::Both(height)
                }
            }
        };
        let is_cropped = all.flag("do_center_crop", matches!(resize, Resize::Shorter(_)))?;
        let crop = match all.get("crop_size") {
            Some(v) if v.is_u64() => all.count("crop_size", side, 4096)?,
            _ => all.object("crop_size").count("height", side, 4096)?,
        };
        let (Resize::Shorter(resized) | Resize::Both(resized)) = resize;
        let seen = if is_cropped { crop } else { resized };
        let is_square = is_cropped || matches!(resize, Resize::Both(_));
        if seen != side || resized < side || !is_square {
            return Err(all.wrong(&format!(
                "pictures come out {seen} pixels wide, the model of config.json sees squares of {side}"
            )));
        }
        let filter = match all.count("resample", 3, 5)? {
            1 => FilterType::Lanczos3,
            2 => FilterType::Bilinear,
            3 => FilterType::CatmullRom,
            4 => FilterType::Box,
            _ => FilterType::Hamming,
        };
        let scale = match all.flag("do_rescale", true)? {
            true => all.number("rescale_factor", 1.0 / 255.0)? as f32,
            false => 1.0,
        };
        let (mean, std) = match all.flag("do_normalize", true)? {
            true => (all.three("image_mean", CLIP_MEAN)?, all.three("image_std", CLIP_STD)?),
            false => ([0.0; 3], [1.0; 3]),
        };
        if std.contains(&0.0) {
            return Err(all.wrong("image_std holds a zero"));
        }
        Ok(Self { resize, filter, side, scale, mean, std })
    }

    /// Side of the pictures that come out, in pixels.
    pub fn side(&self) -> usize {
        self.side
    }

    /// rgb: [height, width, 3] u8. returns: [3, side, side] f32
    ///
    /// # Errors
    /// [`Error::Model`] when there are more or fewer pixels than the size says, or none.
    pub fn run(&self, size: (usize, usize), rgb: &[u8]) -> Result<Vec<f32>> {
        let (width, height) = size;
        if width == 0 || height == 0 || rgb.len() != 3 * width * height {
            let n = rgb.len();
            return Err(Error::Model(format!("a picture of {width}x{height} pixels of {n} bytes")));
        }
        let (crop, inside) = middle(size);
        let (to_width, to_height) = match self.resize {
            Resize::Both(side) => (side, side),
            Resize::Shorter(side) => {
                let (w, h) = inside;
                if w <= h { (side, side * h / w) } else { (side * w / h, side) }
            }
        };
        let failed = |e: &dyn std::fmt::Display| Error::Model(format!("resizing failed: {e}"));
        let from = ImageRef::new(width as u32, height as u32, rgb, PixelType::U8x3)
            .map_err(|e| failed(&e))?;
        // Rows first, as Pillow does: at sharp edges the order tells, because what lies between is rounded.
        let mut wide = Image::new(to_width as u32, inside.1 as u32, PixelType::U8x3);
        let mut to = Image::new(to_width as u32, to_height as u32, PixelType::U8x3);
        let whole = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(self.filter));
        let part = whole.crop(crop.0 as f64, crop.1 as f64, inside.0 as f64, inside.1 as f64);
        let mut resizer = Resizer::new();
        resizer.resize(&from, &mut wide, &part).map_err(|e| failed(&e))?;
        resizer.resize(&wide, &mut to, &whole).map_err(|e| failed(&e))?;
        let (left, top) = ((to_width - self.side) / 2, (to_height - self.side) / 2);
        let mut out = Vec::with_capacity(3 * self.side * self.side);
        for c in 0..3 {
            for y in top..top + self.side {
                let row = &to.buffer()[3 * (y * to_width + left)..][..3 * self.side];
                let value =
                    |p: &[u8; 3]| (f32::from(p[c]) * self.scale - self.mean[c]) / self.std[c];
                out.extend(row.as_chunks::<3>().0.iter().map(value));
            }
        }
        Ok(out)
    }
}

/// The middle of a picture that is not too long: its corner and its size.
fn middle((width, height): (usize, usize)) -> ((usize, usize), (usize, usize)) {
    let most = |other: usize| other.saturating_mul(MAX_RATIO);
    let inside = (width.min(most(height)), height.min(most(width)));
    (((width - inside.0) / 2, (height - inside.1) / 2), inside)
}
