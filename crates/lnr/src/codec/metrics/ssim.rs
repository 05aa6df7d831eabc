// SPDX-License-Identifier: MIT OR Apache-2.0

use rayon::prelude::*;

use super::Luma;

/// Scales of MS-SSIM for pictures large enough.
pub const MAX_SCALES: usize = 5;

/// Exponents of the scales (Wang, Simoncelli, Bovik 2003, table 1).
const EXPONENTS: [f64; MAX_SCALES] = [0.0448, 0.2856, 0.3001, 0.2363, 0.1333];
/// Side and deviation of the Gaussian window in samples, and the constants that keep quotients finite
/// (Wang, Bovik, Sheikh, Simoncelli 2004, section III).
const WINDOW: usize = 11;
const SIGMA: f64 = 1.5;
const C1: f32 = (0.01 * 255.0) * (0.01 * 255.0);
const C2: f32 = (0.03 * 255.0) * (0.03 * 255.0);

/// Mean structural similarity (Wang et al. 2004): Gaussian window of 11 x 11, sigma 1.5, K1 = 0.01,
/// K2 = 0.03, at positions where the window lies inside the picture, without downsampling first. The
/// window of a picture with a side below 11 is cut to that side. Both must have the same size.
pub fn ssim(a: &Luma, b: &Luma) -> f64 {
    similarity(a, b).0
}

/// How many scales MS-SSIM uses for this size: as many as leave 11 samples on each side, at least 1.
pub fn n_scales(width: usize, height: usize) -> usize {
    let side = width.min(height);
    (1..MAX_SCALES).take_while(|&n| side >> n >= WINDOW).count() + 1
}

/// Multi-scale structural similarity over [`n_scales`] scales, each half the size of the one before
/// (means of 2 x 2, an odd last line is dropped). The exponents of fewer than five scales are
/// enlarged so that they still sum to 1; a negative term counts as 0.
pub fn ms_ssim(a: &Luma, b: &Luma) -> f64 {
    let n = n_scales(a.width, a.height);
    let total: f64 = EXPONENTS[..n].iter().sum();
    let (mut a, mut b) = (a.clone(), b.clone());
    let mut product = 1.0;
    for (i, exponent) in EXPONENTS[..n].iter().enumerate() {
        let (whole, contrast) = similarity(&a, &b);
        let term = if i + 1 == n { whole } else { contrast };
        product *= term.max(0.0).powf(exponent / total);
        if i + 1 < n {
            (a, b) = (halve(&a), halve(&b));
        }
    }
    product
}

/// Means over the picture of SSIM and of its contrast-structure part.
fn similarity(a: &Luma, b: &Luma) -> (f64, f64) {
    let (horizontal, vertical) = (window(a.width), window(a.height));
    let n_out = (a.width + 1 - horizontal.len(), a.height + 1 - vertical.len());
    let line = |sums: &mut [Vec<f32>; 5], y: usize| {
        blur_columns(a, b, y, &vertical, sums);
        let (mut whole, mut contrast) = (0.0, 0.0);
        for x in 0..n_out.0 {
            let m = [0, 1, 2, 3, 4].map(|i| dot(&sums[i][x..], &horizontal));
            let (ma, mb) = (m[0] + SHIFT, m[1] + SHIFT);
            let (va, vb) = (m[2] - m[0] * m[0], m[3] - m[1] * m[1]);
            let cov = m[4] - m[0] * m[1];
            let cs = (2.0 * cov + C2) / (va + vb + C2);
            contrast += f64::from(cs);
            whole += f64::from(cs * (2.0 * ma * mb + C1) / (ma * ma + mb * mb + C1));
        }
        (whole, contrast)
    };
    let room = || std::array::from_fn(|_| vec![0.0; a.width]);
    let lines: Vec<(f64, f64)> = (0..n_out.1).into_par_iter().map_init(room, line).collect();
    let n = (n_out.0 * n_out.1) as f64;
    let sum = |f: fn(&(f64, f64)) -> f64| lines.iter().map(f).sum::<f64>() / n;
    (sum(|l| l.0), sum(|l| l.1))
}

/// Subtracted before squaring, so that f32 holds the variances.
const SHIFT: f32 = 128.0;

/// Weighted sums over the window's lines of a, b, a*a, b*b, a*b. sums: 5 x [width] f32
fn blur_columns(a: &Luma, b: &Luma, y: usize, weights: &[f32], sums: &mut [Vec<f32>; 5]) {
    sums.iter_mut().for_each(|s| s.fill(0.0));
    let [sa, sb, saa, sbb, sab] = sums;
    for (k, &w) in weights.iter().enumerate() {
        let at = (y + k) * a.width..(y + k + 1) * a.width;
        let (a, b) = (&a.samples[at.clone()], &b.samples[at]);
        let n = a.len();
        let (sa, sb) = (&mut sa[..n], &mut sb[..n]);
        let (saa, sbb, sab) = (&mut saa[..n], &mut sbb[..n], &mut sab[..n]);
        for i in 0..n {
            let (a, b) = (a[i] - SHIFT, b[i] - SHIFT);
            sa[i] += w * a;
            sb[i] += w * b;
            saa[i] += w * a * a;
            sbb[i] += w * b * b;
            sab[i] += w * a * b;
        }
    }
}

fn dot(samples: &[f32], weights: &[f32]) -> f32 {
    samples.iter().zip(weights).map(|(s, w)| s * w).sum()
}

/// The Gaussian along an axis of this length; sums to 1.
fn window(length: usize) -> Vec<f32> {
    let n = WINDOW.min(length);
    let gauss = |i: usize| {
        let d = i as f64 - (n - 1) as f64 / 2.0;
        (-d * d / (2.0 * SIGMA * SIGMA)).exp()
    };
    let sum: f64 = (0..n).map(gauss).sum();
    (0..n).map(|i| (gauss(i) / sum) as f32).collect()
}

fn halve(plane: &Luma) -> Luma {
    let (width, height) = (plane.width / 2, plane.height / 2);
    let mut samples = vec![0.0; width * height];
    let lines = samples.par_chunks_mut(width).enumerate();
    lines.for_each(|(y, line)| {
        let (top, rest) = plane.samples[2 * y * plane.width..].split_at(plane.width);
        for (x, o) in line.iter_mut().enumerate() {
            *o = 0.25 * (top[2 * x] + top[2 * x + 1] + rest[2 * x] + rest[2 * x + 1]);
        }
    });
    Luma { width, height, samples }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A pattern that a script can make too: `f` of (x, y).
    fn pattern(width: usize, height: usize, f: impl Fn(usize, usize) -> usize) -> Luma {
        let at = |i: usize| f(i % width, i / width) as f32;
        let samples = (0..width * height).map(at).collect();
        Luma { width, height, samples }
    }

    #[test]
    fn flat_pictures_follow_the_formula() {
        let (a, b) = (pattern(20, 15, |_, _| 100), pattern(20, 15, |_, _| 50));
        let expected = (2.0 * 5000.0 + 6.5025) / (12_500.0 + 6.5025);
        assert!((ssim(&a, &b) - expected).abs() < 1e-6);
        assert!((ssim(&a, &a) - 1.0).abs() < 1e-6);
    }

    #[test]
    fn scales_follow_the_size() {
        assert_eq!(n_scales(1280, 720), 5);
        assert_eq!(n_scales(320, 180), 5);
        assert_eq!(n_scales(320, 175), 4);
        assert_eq!(n_scales(22, 500), 2);
        assert_eq!(n_scales(3, 1), 1);
    }

    #[test]
    fn values_match_an_implementation_in_double_precision() {
        // From a separate one with numpy and scipy, after the papers.
        let base = |x: usize, y: usize| (x * 3 + y * 2 + (x / 9) * (y / 7) * 5) % 256;
        let noisy = |x: usize, y: usize| (base(x, y) + (x * 5 + y * 3) % 41).min(255);
        for (w, h, one, many) in
            [(64, 48, 0.704_084_541, 0.937_248_291), (201, 183, 0.895_348_895, 0.987_515_866)]
        {
            let (a, b) = (pattern(w, h, base), pattern(w, h, noisy));
            assert!((ssim(&a, &b) - one).abs() < 2e-5, "{}", ssim(&a, &b));
            assert!((ms_ssim(&a, &b) - many).abs() < 2e-5, "{}", ms_ssim(&a, &b));
        }
    }

    #[test]
    fn tiny_pictures_are_measured_too() {
        let (a, b) = (pattern(3, 1, |x, _| x * 50), pattern(3, 1, |_, _| 50));
        let v = ssim(&a, &b);
        assert!(v.is_finite() && v < 0.9, "{v}");
        assert_eq!(v, ms_ssim(&a, &b));
    }
}
