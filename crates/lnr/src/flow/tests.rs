// SPDX-License-Identifier: MIT OR Apache-2.0

use super::*;
use crate::base::{Chroma, Picture, PictureFormat, Rng};

/// A smooth texture without end.
struct Texture {
    waves: Vec<[f32; 4]>,
}

impl Texture {
    fn new() -> Self {
        let mut rng = Rng::new(7);
        let wave = |_| {
            let [x, y, phase] = [0.5, 0.5, 3.0].map(|size| size * rng.normal());
            [0.5 * x, 0.5 * y, phase, 14.0]
        };
        Self { waves: (0..40).map(wave).collect() }
    }

    fn at(&self, x: f32, y: f32) -> f32 {
        let wave = |[kx, ky, phase, size]: &[f32; 4]| size * (kx * x + ky * y + phase).sin();
        128.0 + self.waves.iter().map(wave).sum::<f32>()
    }
}

/// A picture of 8 bits; `at` says which point of the texture stands at a pixel.
fn picture(width: u32, height: u32, at: impl Fn(f32, f32) -> (f32, f32)) -> Picture {
    let mut picture = Picture::new(PictureFormat::new(width, height, Chroma::Yuv420, 8)).unwrap();
    let texture = Texture::new();
    for y in 0..height as usize {
        for (x, sample) in picture.row_mut(0, y).iter_mut().enumerate() {
            let (x, y) = at(x as f32, y as f32);
            *sample = texture.at(x, y).clamp(0.0, 255.0).round() as u8;
        }
    }
    picture
}

fn flow(a: &Picture, b: &Picture) -> Pair {
    between(&Pyramid::new(a), &Pyramid::new(b))
}

type Truth<'a> = &'a dyn Fn(f32, f32) -> (f32, f32);

/// The largest error, in pixels, of a field against the truth at a pixel, `edge` samples inside.
fn worst(field: &Field, scale: f32, edge: usize, truth: Truth) -> f32 {
    *errors(field, scale, edge, truth).last().unwrap()
}

/// All errors in ascending order.
fn errors(field: &Field, scale: f32, edge: usize, truth: Truth) -> Vec<f32> {
    let (width, height) = field.size();
    let inner = (edge..height - edge).flat_map(|y| (edge..width - edge).map(move |x| (x, y)));
    let error = |(x, y): (usize, usize)| {
        let pixel = |v: usize| (v as f32 + 0.5) * scale - 0.5;
        let (tx, ty) = truth(pixel(x), pixel(y));
        let i = y * width + x;
        let (dx, dy) = (scale * field.x.samples[i] - tx, scale * field.y.samples[i] - ty);
        dx.hypot(dy)
    };
    let mut errors: Vec<f32> = inner.map(error).collect();
    errors.sort_by(f32::total_cmp);
    errors
}

#[test]
fn shifts_are_found_both_ways() {
    let (width, height) = (192, 128);
    let still = picture(width, height, |x, y| (x, y));
    for (dx, dy) in [(1.0, 0.0), (-2.5, 1.5), (9.0, -6.0)] {
        let moved = picture(width, height, |x, y| (x - dx, y - dy));
        let pair = flow(&still, &moved);
        let there = worst(&pair.there, 2.0, 12, &|_, _| (dx, dy));
        let back = worst(&pair.back, 2.0, 12, &|_, _| (-dx, -dy));
        assert!(there < 0.2 && back < 0.2, "{dx} {dy}: {there} and {back} pixels off");
    }
}

#[test]
fn a_zoom_is_found() {
    let (width, height, zoom) = (192, 128, 1.03);
    let (cx, cy) = (96.0, 64.0);
    let still = picture(width, height, |x, y| (x, y));
    let near = picture(width, height, |x, y| (cx + (x - cx) / zoom, cy + (y - cy) / zoom));
    let pair = flow(&still, &near);
    let truth = |x: f32, y: f32| ((zoom - 1.0) * (x - cx), (zoom - 1.0) * (y - cy));
    // A patch is moved, not stretched: a pixel in twenty may be further off.
    let errors = errors(&pair.there, 2.0, 12, &truth);
    let error = errors[errors.len() * 19 / 20];
    assert!(error < 0.2, "{error} pixels off");
}

#[test]
fn sixteen_bits_and_rgb_move_like_eight() {
    let (width, height) = (96, 64);
    let [a, b] = [0.0, 3.0].map(|d| picture(width, height, |x, y| (x - d, y)));
    let expected = flow(&a, &b);
    let deep = |p: &Picture| {
        let mut deep = Picture::new(PictureFormat::new(width, height, Chroma::Gray, 16)).unwrap();
        for (x, y) in (0..height).flat_map(|y| (0..width).map(move |x| (x as usize, y as usize))) {
            deep.set_sample(0, x, y, 257 * p.sample(0, x, y));
        }
        deep
    };
    assert_eq!(flow(&deep(&a), &deep(&b)), expected);
    let rgb = |p: &Picture| {
        let mut rgb = Picture::new(PictureFormat::new(width, height, Chroma::Rgb, 8)).unwrap();
        rgb.planes_mut().for_each(|plane| plane.copy_from_slice(p.plane(0)));
        rgb
    };
    let got = flow(&rgb(&a), &rgb(&b));
    assert!(worst(&got.there, 2.0, 8, &|_, _| (3.0, 0.0)) < 0.2);
}

#[test]
fn flat_pictures_stay() {
    let flat = picture(64, 40, |_, _| (0.0, 0.0));
    let brighter = picture(64, 40, |_, _| (3.0, 1.0));
    for pair in [flow(&flat, &flat), flow(&flat, &brighter)] {
        assert_eq!(pair.there, Field::zero(32, 20));
        assert_eq!(pair.back, Field::zero(32, 20));
    }
}

#[test]
fn any_size_is_taken() {
    for (width, height) in [(1, 1), (3, 200), (200, 3), (17, 9), (63, 35), (330, 2)] {
        let [a, b] = [0.0, 1.0].map(|d| picture(width, height, |x, y| (x - d, y)));
        let pair = flow(&a, &b);
        let n = reduction(width as usize, height as usize);
        let expected = ((width as usize).div_ceil(n).max(8), (height as usize).div_ceil(n).max(8));
        assert_eq!(pair.there.size(), expected, "{width}x{height}");
        let all = pair.there.x.samples.iter().chain(&pair.back.y.samples);
        assert!(all.into_iter().all(|v| v.is_finite()));
        let chain = Chain::new(&[&a, &b], &|| Ok(())).unwrap();
        let spaced = (expected.0.div_ceil(4), expected.1.div_ceil(4));
        assert_eq!(chain.motion(&[0, 1], 1)[0].size(), spaced);
        // 14 planes of four bytes a sample.
        let bytes = Chain::bytes((width as usize, height as usize), 2);
        assert_eq!(bytes, (4 * 14 * expected.0 * expected.1) as u64);
    }
}

#[test]
fn a_picture_has_about_as_many_samples_at_any_size() {
    let expected = [(16, 9, 1), (320, 180, 2), (640, 360, 2), (641, 9, 4), (1280, 720, 4)];
    for (width, height, n) in expected.into_iter().chain([(1080, 1920, 8), (4096, 2160, 16)]) {
        assert_eq!(reduction(width, height), n, "{width}x{height}");
    }
}

#[test]
fn motion_is_chained_to_any_frame() {
    let at = |t: usize| picture(192, 128, move |x, y| (x - 3.0 * t as f32, y + t as f32));
    let pictures: Vec<Picture> = (0..7).map(at).collect();
    let pictures: Vec<&Picture> = pictures.iter().collect();
    let chain = Chain::new(&pictures, &|| Ok(())).unwrap();
    for reference in [0, 3, 6] {
        let motion = chain.motion(&[1, 2, 3, 4, 5], reference);
        for (frame, field) in (1..6).zip(&motion) {
            let n = reference as f32 - frame as f32;
            let error = worst(field, chain.spacing as f32, 6, &|_, _| (3.0 * n, -n));
            // Doubt, and the price of motion, take a part of it.
            assert!(error < 0.2 + 0.2 * 3.2 * n.abs(), "{frame} to {reference}: {error}");
        }
    }
    let still = chain.motion(&[2], 2);
    assert_eq!(still, [Field::zero(24, 16)]);
}

#[test]
fn threads_change_nothing() {
    let at = |t: usize| picture(96, 64, move |x, y| (x * (1.0 + 0.01 * t as f32), y));
    let pictures: Vec<Picture> = (0..4).map(at).collect();
    let pictures: Vec<&Picture> = pictures.iter().collect();
    let run = |n: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(n).build().unwrap();
        pool.install(|| Chain::new(&pictures, &|| Ok(())).unwrap().motion(&[0, 1, 2, 3], 1))
    };
    assert_eq!(run(1), run(2));
}

#[test]
fn a_chain_can_be_stopped() {
    let still = picture(32, 32, |x, y| (x, y));
    let stop = || Err(crate::base::Error::Cancelled);
    assert!(Chain::new(&[&still, &still], &stop).is_err());
}

#[test]
fn blurs_have_the_width_that_is_asked_for() {
    let mut plane = Plane::new(101, 61);
    plane.samples[30 * 101 + 50] = 1.0;
    for sigma in [0.4, 1.0, 3.3, 8.0] {
        let blurred = plane.blurred(sigma);
        let (mut sum, mut square) = (0.0, 0.0);
        for (i, v) in blurred.samples.iter().enumerate() {
            sum += v;
            square += v * ((i % 101) as f32 - 50.0).powi(2);
        }
        assert!((sum - 1.0).abs() < 1e-3, "{sigma}: {sum}");
        assert!((square.sqrt() - sigma).abs() < 0.02 * sigma, "{sigma}: {}", square.sqrt());
    }
}
