// SPDX-License-Identifier: MIT OR Apache-2.0
//! The coder of planes as a whole.

mod compression;
mod damage;
mod golden;
mod round_trip;

use super::*;
use crate::base::spec::ModelSpec;
use crate::base::{Chroma, PictureFormat, Rng};

/// A header for streams whose payload is of no interest.
pub(super) fn group_header(id: u8) -> GroupHeader {
    GroupHeader {
        id,
        format: PictureFormat::new(16, 16, Chroma::Yuv420, 8),
        frame_rate: (25, 1),
        pts: 0,
        durations: vec![40_000_000; 2],
        continues: false,
        model: ModelSpec::default(),
    }
}

/// Symbols with a Laplace distribution.
fn laplace(rng: &mut Rng, scale: f32) -> i16 {
    let v = -(1.0 - rng.uniform()).ln() * scale;
    let v = if rng.below(2) == 0 { v } else { -v };
    v.round().clamp(-16_383.0, 16_383.0) as i16
}

fn noise(rng: &mut Rng, w: usize, h: usize, scale: f32) -> Plane {
    let values: Vec<_> = (0..w * h).map(|_| laplace(rng, scale)).collect();
    Plane::from_values(w, h, &values)
}

/// Symbols that follow their neighbours, as those of smooth pictures do.
fn smooth(rng: &mut Rng, w: usize, h: usize, amplitude: f32) -> Plane {
    let mut v = vec![0i16; w * h];
    for i in 0..w * h {
        let left = if i % w > 0 { v[i - 1] } else { 0 };
        let above = if i >= w { v[i - w] } else { 0 };
        let mean = 0.48 * f32::from(left) + 0.48 * f32::from(above);
        v[i] = mean.round() as i16 + laplace(rng, amplitude);
    }
    Plane::from_values(w, h, &v)
}

fn model(rng: &mut Rng, before: bool, extra: bool, n_sets: usize) -> EntropyModel {
    let n = EntropyModel::n_weights(before, extra, n_sets);
    let weights = (0..n).map(|_| rng.below(33) as i32 - 16).collect();
    EntropyModel { before, extra, shift: 6, weights }
}

/// A series of its own.
fn alone(kind: PlaneKind, planes: Vec<Plane>) -> Series {
    Series { kind, planes, parent: None, sibling: None, model: None }
}

fn encode(series: &[Series], models: &[EntropyModel]) -> Vec<u8> {
    let mut e = RangeEncoder::new();
    encode_series(series, models, &mut e);
    e.finish()
}

/// The same series with planes of zeros.
fn blank(series: &[Series]) -> Vec<Series> {
    let zeros = |p: &Plane| Plane::new(p.width(), p.height());
    let blank = |s: &Series| Series { planes: s.planes.iter().map(zeros).collect(), ..s.clone() };
    series.iter().map(blank).collect()
}

fn round_trip(series: &[Series], models: &[EntropyModel]) -> Vec<u8> {
    let bytes = encode(series, models);
    let mut read = blank(series);
    let mut d = RangeDecoder::new(&bytes);
    decode_series(&mut read, models, &mut d).unwrap();
    assert!(read == series);
    bytes
}

/// All sources of a group: parents, siblings, models, several nodes, odd sizes.
fn group(rng: &mut Rng, width: usize, height: usize, n_nodes: usize) -> Vec<Series> {
    let size = |stride: usize| (width.div_ceil(stride), height.div_ceil(stride));
    let mut all: Vec<Series> = Vec::new();
    let mut source =
        |kinds: &[PlaneKind], strides: &[usize], n: usize, model: usize, noise: f32| {
            let mut parents = [None; 2];
            for (i, &stride) in strides.iter().enumerate() {
                let level = strides.len() - 1 - i;
                let mut sibling = None;
                for (k, &kind) in kinds.iter().enumerate() {
                    let kind = match kind {
                        PlaneKind::Canonical(_) => PlaneKind::Canonical(level),
                        PlaneKind::Residual(_) => PlaneKind::Residual(level),
                        PlaneKind::MotionX(_) => PlaneKind::MotionX(level),
                        PlaneKind::MotionY(_) => PlaneKind::MotionY(level),
                    };
                    let (w, h) = size(stride);
                    let plane = |t| match t % 4 {
                        3 => Plane::new(w, h),
                        _ => smooth(rng, w, h, noise),
                    };
                    all.push(Series {
                        kind,
                        planes: (0..n).map(plane).collect(),
                        parent: parents[k],
                        sibling,
                        model: Some((model, level)),
                    });
                    let series = all.len() - 1;
                    let next = strides.get(i + 1).copied().unwrap_or(1);
                    parents[k] = Some(Parent { series, ratio: (stride / next) as u32 });
                    sibling = Some(series);
                }
            }
        };
    source(&[PlaneKind::Canonical(0)], &[32, 16, 4, 2, 1], 1, 0, 1.5);
    source(&[PlaneKind::Residual(0)], &[16, 8, 4], n_nodes, 1, 0.6);
    source(&[PlaneKind::MotionX(0), PlaneKind::MotionY(0)], &[32, 8], n_nodes, 2, 3.0);
    all
}

/// The models that [`group`] refers to.
fn models(rng: &mut Rng) -> Vec<EntropyModel> {
    [(false, true), (true, true), (true, false)].map(|(b, e)| model(rng, b, e, 5)).to_vec()
}
