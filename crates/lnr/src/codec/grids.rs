// SPDX-License-Identifier: MIT OR Apache-2.0
//! The symbols of one source to bytes and back (FORMAT section 5).

use super::CancelFlag;
use super::group::EXPONENT_BITS;
use crate::backend::{Shape, Timed};
use crate::base::{Result, limits};
use crate::bitstream::{
    EntropyModel, Parent, Plane, PlaneKind, RangeDecoder, RangeEncoder, Series, decode_series,
    decode_tensor, encode_series, encode_tensor,
};
use crate::model::Source;
use crate::train::Trained;

/// The series of a source, and where each plane lies in the grid buffer.
pub struct Grids {
    pub series: Vec<Series>,
    pub models: Vec<EntropyModel>,
    offsets: Vec<Vec<usize>>,
}

impl Grids {
    /// All planes of a source, zeros so far, in coding order: from coarse to fine, x before y.
    fn new(shape: &Shape, source: Source, model: Option<EntropyModel>) -> Self {
        let mut grids = Self { series: Vec::new(), models: Vec::new(), offsets: Vec::new() };
        match source {
            Source::Canonical => grids.canonical(shape),
            Source::Motion => grids.timed(&shape.motion),
            Source::Residual => grids.timed(&shape.residual),
        }
        if model.is_none() {
            grids.series.iter_mut().for_each(|s| s.model = None);
        }
        grids.models.extend(model);
        grids
    }

    fn canonical(&mut self, shape: &Shape) {
        for (i, level) in shape.canonical.iter().enumerate().rev() {
            let parent = shape.canonical.get(i + 1).map(|p| Parent {
                series: self.series.len() - 1,
                ratio: (p.grid.stride / level.grid.stride) as u32,
            });
            self.series.push(Series {
                kind: PlaneKind::Canonical(i),
                planes: vec![Plane::new(level.grid.width, level.grid.height)],
                parent,
                sibling: None,
                model: Some((0, i)),
            });
            self.offsets.push(vec![level.offset]);
        }
    }

    fn timed(&mut self, source: &Timed) {
        let n_components = source.n_components;
        for (i, level) in source.levels.iter().enumerate().rev() {
            let grid = &level.grid;
            for component in 0..n_components {
                let kind = match (n_components, component) {
                    (1, _) => PlaneKind::Residual(i),
                    (_, 0) => PlaneKind::MotionX(i),
                    _ => PlaneKind::MotionY(i),
                };
                let here = self.series.len();
                let parent = source.levels.get(i + 1).map(|p| Parent {
                    series: here - n_components,
                    ratio: (p.grid.stride / grid.stride) as u32,
                });
                self.series.push(Series {
                    kind,
                    planes: vec![Plane::new(grid.width, grid.height); source.nodes.n],
                    parent,
                    sibling: (component > 0).then(|| here - 1),
                    model: Some((0, i * n_components + component)),
                });
                let nodes = 0..source.nodes.n;
                self.offsets.push(nodes.map(|t| source.plane(t, i, component).start).collect());
            }
        }
    }

    /// Reads the symbols of a source.
    ///
    /// # Errors
    /// [`crate::base::Error::Damaged`] or [`crate::base::Error::Limit`] when they cannot be true.
    pub fn read(shape: &Shape, source: Source, bytes: &[u8]) -> Result<Self> {
        let mut from = RangeDecoder::new(bytes);
        let mut model = None;
        if from.raw(1) == 1 {
            let shift = from.raw(EXPONENT_BITS);
            let mut weights = vec![0; source.entropy(shape).len()];
            decode_tensor(&mut weights, &mut from)?;
            model = Some(entropy_model(shape, source, shift, weights));
        }
        let mut grids = Self::new(shape, source, model);
        decode_series(&mut grids.series, &grids.models, &mut from)?;
        from.check()?;
        Ok(grids)
    }

    /// Copies the symbols to where they lie in the grid buffer.
    pub fn copy_to(&self, grids: &mut [f32]) {
        const { assert!(limits::MAX_SYMBOL <= i16::MAX as i32) };
        for (series, offsets) in self.series.iter().zip(&self.offsets) {
            for (plane, at) in series.planes.iter().zip(offsets) {
                let w = plane.width();
                for y in 0..plane.height() {
                    let to = &mut grids[at + y * w..][..w];
                    to.iter_mut().zip(plane.row(y)).for_each(|(t, &v)| *t = f32::from(v));
                }
            }
        }
    }
}

/// The entropy model of a source with these weights.
fn entropy_model(shape: &Shape, source: Source, shift: u32, weights: Vec<i32>) -> EntropyModel {
    let e = source.entropy(shape);
    EntropyModel { before: e.before, extra: e.extra, shift, weights }
}

/// Codes the symbols of a source, with its entropy model or without it, whichever is smaller.
///
/// # Errors
/// [`crate::base::Error::Cancelled`] when `cancel` asks for a stop.
pub fn encode(
    shape: &Shape,
    trained: &Trained,
    source: Source,
    cancel: &CancelFlag,
) -> Result<Vec<u8>> {
    cancel.check()?;
    let mut best = encode_with(shape, trained, source, None);
    cancel.check()?;
    if let Some((_, weights, shift)) = trained.entropy.iter().find(|e| e.0 == source) {
        let model = entropy_model(shape, source, *shift, weights.clone());
        let other = encode_with(shape, trained, source, Some(model));
        if other.len() < best.len() {
            best = other;
        }
    }
    Ok(best)
}

fn encode_with(
    shape: &Shape,
    trained: &Trained,
    source: Source,
    model: Option<EntropyModel>,
) -> Vec<u8> {
    let mut out = RangeEncoder::new();
    out.raw(model.is_some().into(), 1);
    if let Some(model) = &model {
        out.raw(model.shift, EXPONENT_BITS);
        encode_tensor(&model.weights, &mut out);
    }
    let mut grids = Grids::new(shape, source, model);
    for (series, offsets) in grids.series.iter_mut().zip(&grids.offsets) {
        for (plane, &at) in series.planes.iter_mut().zip(offsets) {
            let (w, h) = (plane.width(), plane.height());
            *plane = Plane::from_values(w, h, &trained.symbols[at..at + w * h]);
        }
    }
    encode_series(&grids.series, &grids.models, &mut out);
    out.finish()
}
