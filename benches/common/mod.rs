// SPDX-License-Identifier: MIT OR Apache-2.0
//! A clip, and the machine's peak, for the benches.
#![allow(dead_code)] // each bench uses a part

use std::hint::black_box;
use std::time::{Duration, Instant};

use lnr::internals::backend::Shape;
use lnr::internals::backend::cpu::Isa;
use lnr::internals::backend::cpu::simd::{Simd, Task};
use lnr::stream::spec::{
    Bits, Extent, LatentSpec, ModelSpec, Modulation, NetworkSpec, Precision, SourceSpec,
};
use lnr::{Chroma, Picture, PictureFormat};

/// Red, green and blue of pixel (x, y) at time `t`: textures at three scales, one of which moves
/// otherwise than the others.
fn pixel(x: usize, y: usize, t: usize) -> [f64; 3] {
    let (x, y, t) = (x as f64, y as f64, t as f64);
    let (u, v) = (x - 1.7 * t, y + 0.6 * t);
    let broad = (u * 0.031).sin() * (v * 0.043).cos();
    let fine = ((u * 0.61).sin() + (v * 0.53 + u * 0.11).sin()) * (0.5 + 0.5 * broad);
    let inside = (x - 160.0 - 3.0 * t).hypot(y - 90.0) < 40.0;
    let other = if inside { ((x - 3.0 * t) * 0.9).sin() } else { 0.0 };
    [0.0, 0.7, 1.9].map(|c| 128.0 + 50.0 * (broad + c).sin() + 14.0 * fine + 25.0 * other)
}

/// `n` frames of raw R'G'B', 8 bits, interleaved.
pub fn rgb24(width: usize, height: usize, n: usize) -> Vec<u8> {
    let at = |i: usize| (i % width, i / width % height, i / (width * height));
    let bytes = |i: usize| {
        let (x, y, t) = at(i);
        pixel(x, y, t).map(|v| v as u8)
    };
    (0..width * height * n).flat_map(bytes).collect()
}

/// The same frames as pictures.
pub fn pictures(width: u32, height: u32, n: usize) -> Vec<Picture> {
    let format = PictureFormat::new(width, height, Chroma::Rgb, 8);
    let raw = rgb24(width as usize, height as usize, n);
    raw.chunks_exact(format.n_bytes())
        .map(|frame| {
            let mut picture = Picture::new(format).expect("a legal format");
            for (c, plane) in picture.planes_mut().enumerate() {
                plane.iter_mut().zip(frame[c..].iter().step_by(3)).for_each(|(p, v)| *p = *v);
            }
            picture
        })
        .collect()
}

struct MulAdds(usize);

/// Independent sums: enough to hide the latency of a multiply-add.
const CHAINS: usize = 20;

impl Task for MulAdds {
    type Out = f32;

    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> f32 {
        let (a, b) = (s.splat(black_box(0.999)), s.splat(black_box(0.001)));
        let mut sums = [s.splat(1.0); CHAINS];
        for _ in 0..self.0 {
            for sum in &mut sums {
                *sum = s.mul_add(*sum, a, b);
            }
        }
        sums.into_iter().map(|v| s.sum(v)).sum()
    }
}

/// FLOP/s of one core that does nothing but multiply and add in registers.
pub fn peak(isa: Isa) -> f64 {
    const ROUNDS: usize = 2_000_000;
    let flop = (2 * ROUNDS * CHAINS * isa.lanes()) as f64;
    let best = (0..5).map(|_| time(|| isa.run(MulAdds(ROUNDS)))).min();
    flop / best.unwrap_or_default().as_secs_f64()
}

/// How long `f` takes.
pub fn time<T>(f: impl FnOnce() -> T) -> Duration {
    let start = Instant::now();
    black_box(f());
    start.elapsed()
}

/// Seconds of CPU that this thread took so far, where the system tells; other programs disturb it less
/// than the clock.
pub fn cpu_seconds() -> Option<f64> {
    // The count is brought up to date where a thread offers its core to others.
    std::thread::yield_now();
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    Some(text.split(' ').next()?.parse::<f64>().ok()? * 1e-9)
}

/// A model of grids: one canonical stack moved by one motion source, and residual.
pub fn grid_model(canonical: &[u32], motion: &[u32], residual: &[u32], width: u32) -> ModelSpec {
    ModelSpec {
        sources: vec![
            SourceSpec::canonical(canonical, 2, 0, &[0]),
            SourceSpec::motion(motion, 1),
            SourceSpec::residual(residual, 1),
        ],
        latent: LatentSpec { dim: 8, node_step: 1 },
        network: NetworkSpec { width, rank: 1, ..ModelSpec::default().network },
        precision: Precision::Steps,
    }
}

/// The model of profile `paper-m`, with another layer modulated and 16 resolutions from 16 on.
pub fn paper_m(modulated: u32, resolution_step: u32) -> ModelSpec {
    let resolutions = (0..16).map(|l| 16 + resolution_step * l).collect();
    ModelSpec {
        sources: vec![SourceSpec::Hash { features: 2, table: 14, resolutions }],
        latent: LatentSpec { dim: 512, node_step: 1 },
        network: NetworkSpec {
            patch: 1,
            width: 512,
            n_layers: 6,
            skip: false,
            modulated: vec![modulated],
            rank: 100,
            modulation: Modulation::Sigmoid,
            hyper_layers: 1,
            hyper_width: 128,
        },
        precision: Precision::Uniform(Bits { sources: 8, base: 32, hyper: 8, latents: 32 }),
    }
}

/// The layout of a model for `n` R'G'B' frames of this size.
pub fn shape(model: &ModelSpec, (width, height): (u32, u32), n: u32) -> Shape {
    Shape::new(model, &Extent { width, height, n_frames: n, n_out: 3 }).expect("a legal model")
}
