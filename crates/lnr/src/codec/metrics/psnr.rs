// SPDX-License-Identifier: MIT OR Apache-2.0

use rayon::prelude::*;

use super::super::convert::to_rgb8;
use crate::base::Picture;

/// What the PSNR of identical pictures counts as, in dB; nothing is reported above it, so that means
/// over frames stay finite.
pub const MAX_PSNR: f64 = 100.0;

/// PSNR in dB of a mean squared error, for samples of 0..=`peak`.
pub fn psnr(mse: f64, peak: f64) -> f64 {
    (10.0 * (peak * peak / mse).log10()).min(MAX_PSNR)
}

/// Mean squared error of two buffers of equal length.
pub fn mse(a: &[f32], b: &[f32]) -> f64 {
    let chunks = a.par_chunks(4096).zip(b.par_chunks(4096));
    let sums: Vec<f64> = chunks
        .map(|(a, b)| a.iter().zip(b).map(|(a, b)| f64::from((a - b) * (a - b))).sum())
        .collect();
    sums.iter().sum::<f64>() / a.len().max(1) as f64
}

/// Mean squared error of plane `index` in code values; both pictures must have the same format but
/// for colorimetry.
pub fn plane_mse(a: &Picture, b: &Picture, index: usize) -> f64 {
    match a.format().sample_bytes() {
        1 => mean_square(a.plane(index), b.plane(index), |v| i64::from(v[0]), 1),
        _ => {
            let load = |v: &[u8]| i64::from(u16::from_le_bytes([v[0], v[1]]));
            mean_square(a.plane(index), b.plane(index), load, 2)
        }
    }
}

/// Mean squared error over the three components of the pictures' 8-bit R'G'B'.
pub fn rgb_mse(a: &Picture, b: &Picture) -> f64 {
    mean_square(&to_rgb8(a), &to_rgb8(b), |v| i64::from(v[0]), 1)
}

fn mean_square(a: &[u8], b: &[u8], load: fn(&[u8]) -> i64, bytes: usize) -> f64 {
    let sum: i64 = a
        .par_chunks(8192)
        .zip(b.par_chunks(8192))
        .map(|(a, b)| {
            a.chunks_exact(bytes)
                .zip(b.chunks_exact(bytes))
                .map(|(a, b)| (load(a) - load(b)).pow(2))
                .sum::<i64>()
        })
        .sum();
    sum as f64 / (a.len() / bytes).max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Chroma, PictureFormat};

    #[test]
    fn known_values() {
        assert_eq!(psnr(0.0, 255.0), MAX_PSNR);
        assert!((psnr(255.0 * 255.0, 255.0)).abs() < 1e-12);
        assert!((psnr(1.0, 255.0) - 48.130_803_608_679_1).abs() < 1e-9);
        assert_eq!(mse(&[1.0, 2.0], &[1.0, 5.0]), 4.5);
    }

    #[test]
    fn planes_of_both_widths() {
        for depth in [8, 12] {
            let f = PictureFormat::new(100, 50, Chroma::Yuv420, depth);
            let a = Picture::new(f).unwrap();
            let mut b = a.clone();
            b.set_sample(1, 49, 24, 200);
            assert_eq!(plane_mse(&a, &b, 0), 0.0);
            assert_eq!(plane_mse(&a, &b, 1), 40_000.0 / (50.0 * 25.0));
        }
    }
}
