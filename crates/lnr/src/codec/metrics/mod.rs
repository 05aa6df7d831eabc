// SPDX-License-Identifier: MIT OR Apache-2.0
//! How far a picture is from its reference: PSNR, SSIM, MS-SSIM.

mod luma;
mod psnr;
mod ssim;

pub use luma::{Luma, luma};
pub use psnr::{MAX_PSNR, mse, plane_mse, psnr, rgb_mse};
pub use ssim::{MAX_SCALES, ms_ssim, n_scales, ssim};

use crate::base::{Chroma, Error, Picture, Result};

/// Metrics of one frame. PSNR in dB, at most [`MAX_PSNR`]; SSIM and MS-SSIM up to 1.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct FrameMetrics {
    /// Of 8-bit R'G'B' as [`super::convert::to_rgb8`] makes it, over all three components.
    pub psnr_rgb: f64,
    /// Of luma.
    pub psnr_y: f64,
    /// (6 Y + U + V) / 8 of the planes' PSNR; `None` unless both pictures have Y'CbCr planes of the
    /// same subsampling, depth and range.
    pub psnr_yuv611: Option<f64>,
    /// Of luma.
    pub ssim: f64,
    /// Of luma, over [`n_scales`] scales.
    pub ms_ssim: f64,
}

/// Measures `picture` against `reference`. They may differ in depth, range and subsampling.
///
/// ```
/// use lnr::metrics::{MAX_PSNR, compare};
/// use lnr::{Chroma, Picture, PictureFormat};
///
/// # fn main() -> lnr::Result<()> {
/// let reference = Picture::new(PictureFormat::new(32, 32, Chroma::Gray, 8))?;
/// let mut picture = reference.clone();
/// assert_eq!(compare(&reference, &picture)?.psnr_y, MAX_PSNR); // nothing differs
/// picture.set_sample(0, 5, 7, 200);
/// let measured = compare(&reference, &picture)?;
/// assert!(measured.psnr_y < 40.0 && measured.ssim < 1.0);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// [`Error::InvalidSetting`] when their sizes differ.
pub fn compare(reference: &Picture, picture: &Picture) -> Result<FrameMetrics> {
    let (r, p) = (reference.format(), picture.format());
    if (r.width, r.height) != (p.width, p.height) {
        return Err(Error::InvalidSetting(format!(
            "a picture of {}x{} cannot be measured against one of {}x{}",
            p.width, p.height, r.width, r.height
        )));
    }
    let full_range = r.color.full_range;
    let (a, b) = (luma(reference, full_range), luma(picture, full_range));
    let psnr_y = psnr(mse(&a.samples, &b.samples), 255.0);
    Ok(FrameMetrics {
        psnr_rgb: psnr(rgb_mse(reference, picture), 255.0),
        psnr_y,
        psnr_yuv611: yuv611(reference, picture, psnr_y),
        ssim: ssim(&a, &b),
        ms_ssim: ms_ssim(&a, &b),
    })
}

fn yuv611(reference: &Picture, picture: &Picture, psnr_y: f64) -> Option<f64> {
    let (r, p) = (reference.format(), picture.format());
    let has_chroma = !matches!(r.chroma, Chroma::Gray | Chroma::Rgb);
    let alike = (r.chroma, r.depth, r.color.full_range) == (p.chroma, p.depth, p.color.full_range);
    (has_chroma && alike).then(|| {
        let peak = f64::from(r.max_value());
        let [u, v] = [1, 2].map(|i| psnr(plane_mse(reference, picture, i), peak));
        (6.0 * psnr_y + u + v) / 8.0
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::PictureFormat;

    fn noise(chroma: Chroma, depth: u8, add: u16) -> Picture {
        let mut p = Picture::new(PictureFormat::new(33, 18, chroma, depth)).unwrap();
        for i in 0..chroma.n_planes() {
            let (w, h) = p.format().plane_size(i);
            for at in 0..w * h {
                let v = 60 + ((at * 7919 + i * 31) % 97) as u16 + add;
                p.set_sample(i, at % w, at / w, v << (depth - 8));
            }
        }
        p
    }

    #[test]
    fn identical_pictures_have_the_largest_values() {
        for chroma in [Chroma::Gray, Chroma::Yuv420, Chroma::Yuv444, Chroma::Rgb] {
            let p = noise(chroma, 10, 0);
            let m = compare(&p, &p).unwrap();
            assert_eq!((m.psnr_rgb, m.psnr_y), (MAX_PSNR, MAX_PSNR));
            assert!((m.ssim - 1.0).abs() < 1e-6 && (m.ms_ssim - 1.0).abs() < 1e-6);
            let yuv = !matches!(chroma, Chroma::Gray | Chroma::Rgb);
            assert_eq!(m.psnr_yuv611, yuv.then_some(MAX_PSNR));
        }
    }

    #[test]
    fn a_step_of_one_is_48_db() {
        let (a, b) = (noise(Chroma::Yuv420, 8, 0), noise(Chroma::Yuv420, 8, 1));
        let m = compare(&a, &b).unwrap();
        assert!((m.psnr_y - 48.1308).abs() < 1e-3, "{m:?}");
        assert!((m.psnr_yuv611.unwrap() - 48.1308).abs() < 1e-3, "{m:?}");
        // In 10 bits a step of 4 is the same step up to 1020/1023.
        let (a, b) = (noise(Chroma::Yuv420, 10, 0), noise(Chroma::Yuv420, 10, 1));
        let m = compare(&a, &b).unwrap();
        assert!((m.psnr_y - 48.156).abs() < 1e-2, "{m:?}");
    }

    #[test]
    fn other_sizes_are_refused_and_other_depths_are_not() {
        let a = noise(Chroma::Yuv420, 8, 0);
        let small = Picture::new(PictureFormat::new(4, 4, Chroma::Yuv420, 8)).unwrap();
        assert!(compare(&a, &small).is_err());
        let m = compare(&a, &noise(Chroma::Yuv420, 10, 0)).unwrap();
        assert!(m.psnr_y > 50.0 && m.psnr_yuv611.is_none(), "{m:?}");
    }
}
