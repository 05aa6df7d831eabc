// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the host and the kernels must agree on, what workspaces take, pictures in many bands.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::args::Add;
use super::device::{Device, Launch};
use super::simt::Simt;
use super::surface::{Rendering, Surface};
use super::{Cuda, sizes};
use crate::backend::tests::cases::{self, Case, Sources, upload};
use crate::backend::tests::coordinates;
use crate::backend::{Backend, Grads, Params, Purpose, Shape, Sum, TrainStep};
use crate::base::{Chroma, Error, Picture, PictureFormat};

#[test]
fn the_numbers_of_the_kernels_are_those_of_their_sources() {
    let expected: Vec<(String, usize)> =
        sizes::ALL.iter().map(|(name, n)| ((*name).to_owned(), *n)).collect();
    assert_eq!(super::simt::sizes(), expected, "run python3 kernels/build.py");
}

/// A model with values of its own, and a step of it.
struct Model {
    shape: Shape,
    step: TrainStep,
    values: [Vec<f32>; 3],
}

fn models() -> Vec<Model> {
    let grids = |sources, size, width| {
        let Case { shape, step, grids, network, target } =
            Case::new(cases::shape(sources, size, 3, width, 2), 1.5, 2, (0, 0));
        Model { shape, step, values: [grids, network, target] }
    };
    let coordinates = coordinates::models().into_iter();
    let coordinates = coordinates.map(|(shape, step, values)| Model { shape, step, values });
    [
        grids(Sources::One, (37, 21), 16),
        grids(Sources::One, (9, 30), 40),
        grids(Sources::Several, (41, 23), 7),
        grids(Sources::Anchors, (24, 18), 40),
        grids(Sources::Most, (20, 13), 24),
    ]
    .into_iter()
    .chain(coordinates)
    .collect()
}

/// What workspaces take is what was said, after the work too.
#[test]
fn bytes_are_those_that_are_taken() {
    for (i, model) in models().iter().enumerate() {
        let Model { shape, step, values } = model;
        let device = Simt::new(0);
        let taken = device.taken();
        let taken = || taken.load(Ordering::Relaxed) as u64;
        let cuda = Cuda::on(device).unwrap();
        let [grids, network, target] = values.each_ref().map(|v| upload(&cuda, v));
        let mut d_grids = cuda.alloc(values[0].len()).unwrap();
        let mut d_network = cuda.alloc(values[1].len()).unwrap();
        let mut sums = cuda.alloc(2).unwrap();
        let params = Params { grids: &grids, network: &network };

        let before = taken();
        for n_points in [step.lattice.len(), 2 * step.lattice.len() + 1] {
            let purpose = Purpose::Train { n_points };
            let mut workspace = cuda.workspace(shape, purpose).unwrap();
            let mut grads = Grads { grids: &mut d_grids, network: &mut d_network };
            let grads = Some(&mut grads);
            let error = Sum { buffer: &mut sums, index: 0 };
            cuda.train(&mut workspace, shape, step, &target, &params, grads, error).unwrap();
            assert_eq!(taken() - before, cuda.bytes(shape, purpose), "model {i}, {n_points}");
        }
        let format = PictureFormat::new(20, 12, Chroma::Yuv420, 8);
        let mut surface = cuda.surface(format).unwrap();
        let before = taken();
        for max_prefix in [0, 500, 1 << 30] {
            let purpose = Purpose::Render { max_prefix };
            let mut workspace = cuda.workspace(shape, purpose).unwrap();
            cuda.load(&mut workspace, shape, &params).unwrap();
            let sample = shape.sample(1.0);
            cuda.render(&mut workspace, shape, &sample, &params, &|| false, &mut surface).unwrap();
            assert_eq!(taken() - before, cuda.bytes(shape, purpose), "model {i}, {max_prefix}");
        }
    }
}

/// A picture in bands of two rows: every sample comes from its own band, whatever the others hold.
#[test]
fn bands_come_home_and_stop_between_each_other() {
    let (device, cuda) = (Simt::new(4), Cuda::on(Simt::new(0)).unwrap());
    for (width, height, chroma, depth) in
        [(6, 11, Chroma::Yuv420, 10), (5, 8, Chroma::Yuv422, 8), (3, 2, Chroma::Rgb, 8)]
    {
        let format = PictureFormat::new(width, height, chroma, depth);
        let mut surface = Surface::new(&device, format).unwrap();
        let never = || false;
        let how = Rendering { points: 1, work: usize::MAX, stop: &never };
        let n_planes = chroma.n_planes();
        let value = |y: usize| (y / 2 + 1) as f32 / 16.0;
        // What the memory of a band holds: kernels add to it what it lacks.
        let mut held = vec![0.0; n_planes * 2 * format.width as usize];
        surface
            .render(&device, &how, &mut |band| {
                let n = n_planes * band.n * band.columns;
                let lacks = held[..n].iter().map(|h| value(band.first) - h).collect::<Vec<_>>();
                held[..n].fill(value(band.first));
                let from = upload(&cuda, &lacks);
                let args = Add { from: from.at(0), to: band.values, n: n as u64 };
                device.launch("add", Launch::row(1, 256), &args)
            })
            .unwrap();
        let mut out = Picture::new(format).unwrap();
        surface.download(&device, &mut out).unwrap();
        for plane in 0..n_planes {
            let (w, h) = format.plane_size(plane);
            let shift = if plane == 0 { 0 } else { chroma.shifts().1 };
            for (x, y) in (0..h).flat_map(|y| (0..w).map(move |x| (x, y))) {
                let expected = value(y << shift) * f32::from(format.max_value()) + 0.5;
                assert_eq!(out.sample(plane, x, y), expected as u16, "{chroma:?} {plane} {x} {y}");
            }
        }
        let (asked, mut started) = (AtomicUsize::new(0), 0);
        let second = || asked.fetch_add(1, Ordering::Relaxed) == 1;
        let stopped = surface.render(&device, &Rendering { stop: &second, ..how }, &mut |_| {
            started += 1;
            Ok(())
        });
        assert!(height <= 2 || matches!(stopped, Err(Error::Cancelled)) && started == 1);
    }
}

/// What the kernels lack is refused with what helps; what they have is not.
#[test]
fn shapes_that_the_kernels_lack_are_refused() {
    let cuda = Cuda::on(Simt::new(0)).unwrap();
    let wide = cases::shape(Sources::One, (37, 21), 3, 65, 0);
    let mut patches = cases::shape(Sources::One, (37, 21), 3, 8, 0);
    patches.patch = 2;
    let features = cases::shape(Sources::Most, (37, 21), 3, 40, 0);
    let with = |n: usize, of: fn(&Shape) -> usize| {
        let mut levels = cases::shape(Sources::One, (37, 21), 3, 8, 0);
        let source = levels.sources[of(&levels)].clone();
        levels.sources.extend(vec![source; n]);
        levels
    };
    let canonical = with(sizes::MAX_LEVELS, |s| s.canonical().next().unwrap().0);
    let timed = with(sizes::MAX_TIMED, |s| s.residual().next().unwrap().0);
    let (mut encoded, ..) = coordinates::models().remove(0);
    encoded.network.layers[0].has_bias = false;
    for shape in [wide, patches, features, canonical, timed, encoded] {
        for refused in [
            cuda.supports(&shape),
            cuda.workspace(&shape, Purpose::Render { max_prefix: 0 }).map(|_| ()),
        ] {
            let Err(Error::Backend(text)) = refused else { panic!("{refused:?}") };
            assert!(text.starts_with("CUDA: ") && text.ends_with("; use backend=cpu"), "{text}");
        }
    }
    for model in models() {
        cuda.supports(&model.shape).unwrap();
    }
}
