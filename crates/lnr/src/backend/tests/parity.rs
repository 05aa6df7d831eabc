// SPDX-License-Identifier: MIT OR Apache-2.0
//! What every backend must agree with the reference on, and by how much.

use super::cases::{self, Case, Sources, Trained, download, upload};
use crate::backend::reference::Reference;
use crate::backend::shape::Source;
use crate::backend::*;
use crate::base::{Chroma, ChromaSite, Error, Picture, PictureFormat, Rng};

/// |a - b| <= tolerance times the largest |b|, everywhere.
pub fn close(what: &str, a: &[f32], b: &[f32], tolerance: f32) {
    assert_eq!(a.len(), b.len(), "{what}");
    let scale = b.iter().fold(1e-6f32, |m, v| m.max(v.abs()));
    for (i, (a, b)) in a.iter().zip(b).enumerate() {
        assert!((a - b).abs() <= tolerance * scale, "{what}[{i}]: {a} against {b} (scale {scale})");
    }
}

/// The root of the mean square of a - b <= tolerance times the largest |b|.
pub fn close_on_average(what: &str, a: &[f32], b: &[f32], tolerance: f32) {
    let scale = b.iter().fold(1e-6f32, |m, v| m.max(v.abs()));
    let sum: f32 = a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum();
    let off = (sum / a.len() as f32).sqrt();
    assert!(off <= tolerance * scale, "{what}: {off} on average (scale {scale})");
}

/// A training step of a case against what the reference got.
pub fn training_step<B: Backend>(backend: &B, name: &str, case: &Case, expected: &Trained) {
    let got = cases::train(backend, case, 0.25);
    let relative = (got.squared_error / expected.squared_error - 1.0).abs();
    assert!(relative < 1e-4, "{name}: error {relative}");
    close(&format!("{name}: grids"), &got.d_grids, &expected.d_grids, 2e-4);
    for TensorPlace { name: tensor, range, .. } in case.shape.network.tensors() {
        let what = format!("{name}: {tensor}");
        close(&what, &got.d_network[range.clone()], &expected.d_network[range], 5e-4);
    }
}

/// Bits and their gradients, with every set of inputs.
pub fn rate<B: Backend>(backend: &B, name: &str, case: &Case) {
    for (before, extra) in [(true, true), (false, true), (true, false)] {
        let (entropy, planes, model) = cases::rate_case(case, before, extra);
        let job = (&entropy, &planes[..]);
        let expected = cases::rate(&Reference, &case.shape, job, &case.grids, &model, 0.3);
        let got = cases::rate(backend, &case.shape, job, &case.grids, &model, 0.3);
        assert!((got.0 / expected.0 - 1.0).abs() < 1e-4, "{name}: {} {}", got.0, expected.0);
        close(&format!("{name}: symbols"), &got.1, &expected.1, 1e-3);
        close(&format!("{name}: model"), &got.2, &expected.2, 1e-3);
    }
}

/// Quantisation, the optimiser, copies and sums.
pub fn elementwise<B: Backend>(backend: &B, name: &str) {
    let mut rng = Rng::new(2);
    let n = 20_000;
    let range = 7..n - 3;
    let mut normal = |gain: f32| -> Vec<f32> { (0..n).map(|_| rng.normal() * gain).collect() };
    let (values, gradients) = (normal(3.0), normal(1.0));
    let slopes: Vec<f32> = (0..n).map(|i| i as f32 / n as f32).collect();
    for (temperature, noise) in [(0.0, 0.0), (0.2, 0.7)] {
        let rounding = Rounding { temperature, noise };
        let expected = quantised(&Reference, rounding, range.clone(), &values);
        let got = quantised(backend, rounding, range.clone(), &values);
        for ((got, expected), tolerance) in got.iter().zip(&expected).zip([1e-5, 1e-4]) {
            close(name, &got[range.clone()], &expected[range.clone()], tolerance);
            let guards = got[..7].iter().chain(&got[n - 3..]);
            assert!(guards.cloned().all(f32::is_nan), "{name}: wrote beside the range");
        }
    }
    for slopes in [Some(&slopes), None] {
        let expected = optimised(&Reference, range.clone(), &values, &gradients, slopes);
        let got = optimised(backend, range.clone(), &values, &gradients, slopes);
        for (got, expected) in got.iter().zip(&expected) {
            close(name, got, expected, 1e-5);
        }
    }
    let (from, mut to) = (upload(backend, &values), upload(backend, &gradients));
    backend.add(&from, &mut to, range.clone()).unwrap();
    backend.clear(&mut to, 100..200).unwrap();
    let got = download(backend, &to, n);
    for i in 0..n {
        let expected = match i {
            100..200 => 0.0,
            i if range.contains(&i) => values[i] + gradients[i],
            i => gradients[i],
        };
        assert_eq!(got[i], expected, "{name}: element {i}");
    }
}

/// Symbols and slopes.
fn quantised<B: Backend>(
    backend: &B,
    rounding: Rounding,
    range: std::ops::Range<usize>,
    values: &[f32],
) -> [Vec<f32>; 2] {
    let n = values.len();
    let [mut symbols, mut slopes] = [0, 1].map(|_| upload(backend, &vec![f32::NAN; n]));
    let values = upload(backend, values);
    backend.quantise(rounding, 3, range, &values, &mut symbols, &mut slopes).unwrap();
    [symbols, slopes].map(|b| download(backend, &b, n))
}

/// Values, gradients and moments after a step of Adam.
fn optimised<B: Backend>(
    backend: &B,
    range: std::ops::Range<usize>,
    values: &[f32],
    grads: &[f32],
    slopes: Option<&Vec<f32>>,
) -> [Vec<f32>; 4] {
    let n = values.len();
    let adam = Adam { rate: 0.1, beta1: 0.9, beta2: 0.99, step: 3 };
    let [mut x, mut g] = [values, grads].map(|v| upload(backend, v));
    let [mut m, mut v] = [0.1, 0.2].map(|v| upload(backend, &vec![v; n]));
    let slopes = slopes.map(|s| upload(backend, s));
    backend.adam(&adam, range, &mut x, &mut g, slopes.as_ref(), (&mut m, &mut v)).unwrap();
    [x, g, m, v].map(|b| download(backend, &b, n))
}

/// Every format of samples, odd sizes and phases.
pub fn target<B: Backend>(backend: &B, name: &str) {
    let formats = [
        (37, 21, Chroma::Yuv420, 8, ChromaSite::Left),
        (16, 9, Chroma::Yuv420, 10, ChromaSite::Center),
        (11, 5, Chroma::Yuv422, 8, ChromaSite::Left),
        (7, 3, Chroma::Rgb, 8, ChromaSite::Unknown),
        (5, 4, Chroma::Gray, 8, ChromaSite::Unknown),
        (1, 1, Chroma::Yuv420, 8, ChromaSite::Unknown),
    ];
    let mut rng = Rng::new(8);
    for (width, height, chroma, depth, site) in formats {
        let mut format = PictureFormat::new(width, height, chroma, depth);
        format.color.site = site;
        let mut pictures = [Picture::new(format).unwrap(), Picture::new(format).unwrap()];
        for picture in &mut pictures {
            for plane in 0..chroma.n_planes() {
                let (w, h) = format.plane_size(plane);
                for (x, y) in (0..h).flat_map(|y| (0..w).map(move |x| (x, y))) {
                    picture.set_sample(plane, x, y, rng.below(1 << depth) as u16);
                }
            }
        }
        let all: Vec<&Picture> = pictures.iter().collect();
        let grids = cases::shape(Sources::One, (width, height), n_components(chroma), 4, 0);
        let half = |n: u32| n as usize / 2;
        for (step, phase) in [(1, (0, 0)), (2, (half(width), 0)), (3, (0, half(height)))] {
            let pixels = Pixels { frames: 1..2, step, phase };
            same_target(backend, name, (&all, &grids, &pixels));
        }
        for (patch, step) in [(1, 2), (2, 1), (3, 2)] {
            let shape = Shape { patch, ..grids.clone() };
            same_target(
                backend,
                name,
                (&all, &shape, &Pixels { frames: 0..2, step, phase: (0, 0) }),
            );
        }
    }
}

fn n_components(chroma: Chroma) -> u32 {
    chroma.n_planes() as u32
}

type Wanted<'a> = (&'a [&'a Picture], &'a Shape, &'a Pixels);

fn same_target<B: Backend>(backend: &B, name: &str, wanted: Wanted) {
    let [expected, got] = [read_target(&Reference, wanted), read_target(backend, wanted)];
    let n_values = expected.iter().filter(|v| !v.is_nan()).count();
    assert_eq!(n_values, wanted.2.n_values(wanted.1), "{name}");
    // Where there is no pixel, both say so.
    let name = format!("{name}: {:?}", wanted.2);
    assert!(got.iter().zip(&expected).all(|(a, b)| a.is_nan() == b.is_nan()), "{name}");
    let there = |v: Vec<f32>| v.into_iter().filter(|v| !v.is_nan()).collect::<Vec<_>>();
    close(&name, &there(got), &there(expected), 1e-6);
}

fn read_target<B: Backend>(backend: &B, (pictures, shape, pixels): Wanted) -> Vec<f32> {
    let n_points = shape.centres(pixels.step, pixels.phase).len();
    let n = pixels.frames.len() * shape.n_values() * n_points;
    let pictures = backend.pictures(pictures).unwrap();
    let mut target = upload(backend, &vec![7.0; n]);
    backend.target(&pictures, shape, pixels, &mut target).unwrap();
    download(backend, &target, n)
}

/// Pictures of every kind, which differ by one step at most.
pub fn rendering<B: Backend>(backend: &B, name: &str) {
    let formats = [
        (37, 21, Chroma::Yuv420, 8, ChromaSite::Left),
        (37, 21, Chroma::Yuv420, 10, ChromaSite::Center),
        (11, 50, Chroma::Yuv422, 8, ChromaSite::Left),
        (150, 64, Chroma::Yuv444, 10, ChromaSite::Unknown),
        (5, 3, Chroma::Rgb, 8, ChromaSite::Unknown),
        (1, 1, Chroma::Yuv420, 8, ChromaSite::Unknown),
    ];
    for (width, height, chroma, depth, site) in formats {
        let mut format = PictureFormat::new(width, height, chroma, depth);
        format.color.site = site;
        for sources in [Sources::One, Sources::Several, Sources::Anchors] {
            let case = Case::new(cases::shape(sources, (37, 21), 3, 7, 4), 1.3, 1, (0, 0));
            let expected = rendered(&Reference, &case, format);
            same_picture(name, &rendered(backend, &case, format), &expected, 1);
        }
    }
}

fn rendered<B: Backend>(backend: &B, case: &Case, format: PictureFormat) -> Picture {
    // Other anchors before, which must not stay.
    render(backend, &case.shape, (&case.grids, &case.network), format, 0, &[4.5, 1.3])
}

/// The picture of the last of some times, rendered one after the other.
pub fn render<B: Backend>(
    backend: &B,
    shape: &Shape,
    (grids, network): (&[f32], &[f32]),
    format: PictureFormat,
    max_prefix: usize,
    times: &[f32],
) -> Picture {
    let mut workspace = backend.workspace(shape, Purpose::Render { max_prefix }).unwrap();
    let [grids, network] = [grids, network].map(|v| upload(backend, v));
    let params = Params { grids: &grids, network: &network };
    backend.load(&mut workspace, shape, &params).unwrap();
    let mut surface = backend.surface(format).unwrap();
    let mut out = Picture::new(format).unwrap();
    for &tau in times {
        out.planes_mut().for_each(|p| p.fill(0x2A));
        let sample = shape.sample(tau);
        backend.render(&mut workspace, shape, &sample, &params, &|| false, &mut surface).unwrap();
        backend.download(&mut surface, &mut out).unwrap();
    }
    out
}

/// Rendering that is asked to stop says so.
pub fn stopping<B: Backend>(backend: &B) {
    let case = Case::new(cases::shape(Sources::One, (37, 21), 3, 7, 0), 1.0, 1, (0, 0));
    let Case { shape, grids, network, .. } = &case;
    let mut workspace = backend.workspace(shape, Purpose::Render { max_prefix: 0 }).unwrap();
    let [grids, network] = [grids, network].map(|v| upload(backend, v));
    let params = Params { grids: &grids, network: &network };
    backend.load(&mut workspace, shape, &params).unwrap();
    let mut surface = backend.surface(PictureFormat::new(640, 360, Chroma::Yuv420, 8)).unwrap();
    let sample = shape.sample(1.0);
    let stopped = backend.render(&mut workspace, shape, &sample, &params, &|| true, &mut surface);
    assert!(matches!(stopped, Err(Error::Cancelled)), "{stopped:?}");
}

/// Samples differ by so many steps at most.
pub fn same_picture(name: &str, got: &Picture, expected: &Picture, steps: u16) {
    let format = expected.format();
    for plane in 0..format.chroma.n_planes() {
        let (w, h) = format.plane_size(plane);
        for (x, y) in (0..h).flat_map(|y| (0..w).map(move |x| (x, y))) {
            let (a, b) = (got.sample(plane, x, y), expected.sample(plane, x, y));
            assert!(a.abs_diff(b) <= steps, "{name} {format:?}: plane {plane} ({x}, {y}): {a} {b}");
        }
    }
}

/// The error of a step whose parameters may be astray, without and with gradients.
fn error<B: Backend>(
    backend: &B,
    shape: &Shape,
    step: &TrainStep,
    [grids, network, target]: [&[f32]; 3],
) -> [f64; 2] {
    let purpose = Purpose::Train { n_points: step.lattice.len() };
    let mut workspace = backend.workspace(shape, purpose).unwrap();
    let lens = [grids.len(), network.len()];
    let [grids, network, target] = [grids, network, target].map(|v| upload(backend, v));
    let [mut d_grids, mut d_network] = lens.map(|n| backend.alloc(n).unwrap());
    let mut sums = upload(backend, &[0.0; 4]);
    for index in 0..2 {
        let params = Params { grids: &grids, network: &network };
        let mut grads = Grads { grids: &mut d_grids, network: &mut d_network };
        let grads = (index == 1).then_some(&mut grads);
        let error = Sum { buffer: &mut sums, index };
        backend.train(&mut workspace, shape, step, &target, &params, grads, error).unwrap();
    }
    let sums = read_sums(backend, &sums, 2).unwrap();
    [sums[0], sums[1]]
}

/// A parameter that is NaN makes the error NaN, whichever tensor it is in.
pub fn training_astray<B: Backend>(
    backend: &B,
    name: &str,
    (shape, step): (&Shape, &TrainStep),
    [grids, network, target]: [&[f32]; 3],
) {
    let sound = error(backend, shape, step, [grids, network, target]);
    assert!(sound.iter().all(|e| e.is_finite()), "{name}: {sound:?}");
    let check = |what: &str, grids: &[f32], network: &[f32]| {
        let errors = error(backend, shape, step, [grids, network, target]);
        assert!(errors.iter().all(|e| e.is_nan()), "{name}: NaN in {what}: {errors:?}");
    };
    // The latents of the first node are those of the step's time.
    for TensorPlace { name: tensor, range, .. } in shape.network.tensors() {
        let mut network = network.to_vec();
        network[range.start] = f32::NAN;
        check(&tensor, grids, &network);
    }
    let starts = shape.sources.iter().filter_map(|s| match s {
        Source::Grids(g) => Some(g.offset),
        Source::Encoding(e) => (e.len() > 0).then_some(0),
    });
    for start in starts {
        let mut grids = grids.to_vec();
        grids[start] = f32::NAN;
        check(&format!("entry {start} of the grids"), &grids, network);
    }
}

/// A symbol or a parameter of the entropy model that is NaN makes the bits NaN.
pub fn rate_astray<B: Backend>(backend: &B, name: &str, case: &Case) {
    let (entropy, planes, model) = cases::rate_case(case, true, true);
    let job = (&entropy, &planes[..]);
    let mut workspace = backend.workspace(&case.shape, Purpose::Train { n_points: 1 }).unwrap();
    let mut bits = |symbols: &[f32], model: &[f32]| {
        let [symbols, model] = [symbols, model].map(|v| upload(backend, v));
        let mut sums = upload(backend, &[0.0; 2]);
        let bits = Sum { buffer: &mut sums, index: 0 };
        let (entropy, planes) = job;
        let ws = &mut workspace;
        backend.rate(ws, entropy, planes, &symbols, &model, 1.0, None, bits).unwrap();
        read_sums(backend, &sums, 1).unwrap()[0]
    };
    assert!(bits(&case.grids, &model).is_finite(), "{name}");
    let mut symbols = case.grids.clone();
    symbols[planes[0].offset] = f32::NAN;
    assert!(bits(&symbols, &model).is_nan(), "{name}: NaN in a symbol");
    for range in [entropy.w1(), entropy.w2(), entropy.skip(), entropy.biases(0)] {
        for at in [range.start, range.end - 1] {
            let mut model = model.clone();
            model[at] = f32::NAN;
            assert!(bits(&case.grids, &model).is_nan(), "{name}: NaN in parameter {at}");
        }
    }
}

/// Both for a small grid model.
pub fn astray<B: Backend>(backend: &B, name: &str) {
    for sources in [Sources::One, Sources::Several, Sources::Anchors] {
        let case = Case::new(cases::shape(sources, (19, 11), 3, 8, 0), 0.0, 1, (0, 0));
        let Case { shape, step, grids, network, target } = &case;
        training_astray(backend, name, (shape, step), [grids, network, target]);
        rate_astray(backend, name, &case);
    }
}

#[test]
fn reference_astray() {
    astray(&Reference, "reference");
}

/// All of the above.
pub fn all<B: Backend>(backend: &B, name: &str) {
    for (i, case) in Case::all().iter().enumerate() {
        let name = format!("case {i} on {name}");
        training_step(backend, &name, case, &cases::train(&Reference, case, 0.0));
        rate(backend, &name, case);
    }
    elementwise(backend, name);
    target(backend, name);
    rendering(backend, name);
    stopping(backend);
}
