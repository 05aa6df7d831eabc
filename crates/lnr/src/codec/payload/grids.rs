// SPDX-License-Identifier: MIT OR Apache-2.0
//! The symbols of one grid source to bytes and back (FORMAT section 5.5).

use super::{CancelFlag, sent_model};
use crate::backend::{Grids, Role};
use crate::base::spec::Precision;
use crate::base::{Result, limits};
use crate::bitstream::{
    EntropyModel, Parent, Plane, PlaneKind, RangeDecoder, RangeEncoder, Series, decode_series,
    encode_series,
};
use crate::train::Quantised;

/// The series of a source, and where each plane lies in the grid buffer.
pub struct CodedGrids {
    pub series: Vec<Series>,
    pub models: Vec<EntropyModel>,
    offsets: Vec<Vec<usize>>,
}

impl CodedGrids {
    /// All planes of a source, zeros so far, in coding order: from coarse to fine, x before y.
    fn new(source: &Grids, model: Option<EntropyModel>) -> Self {
        let mut grids = Self { series: Vec::new(), models: Vec::new(), offsets: Vec::new() };
        let n = source.n_components;
        for (i, level) in source.levels.iter().enumerate().rev() {
            let grid = &level.grid;
            for component in 0..n {
                let kind = match (source.role, component) {
                    (Role::Canonical { .. }, _) => PlaneKind::Canonical(i),
                    (Role::Residual | Role::Blend, _) => PlaneKind::Residual(i),
                    (Role::Motion, 0) => PlaneKind::MotionX(i),
                    (Role::Motion, _) => PlaneKind::MotionY(i),
                };
                let here = grids.series.len();
                let parent = source.levels.get(i + 1).map(|p| Parent {
                    series: here - n,
                    ratio: (p.grid.stride / grid.stride) as u32,
                });
                grids.series.push(Series {
                    kind,
                    planes: vec![Plane::new(grid.width, grid.height); source.nodes.n],
                    parent,
                    sibling: (component > 0).then(|| here - 1),
                    model: model.is_some().then_some((0, i * n + component)),
                });
                let nodes = 0..source.nodes.n;
                let offsets = nodes.map(|t| source.plane(t, i, component).start);
                grids.offsets.push(offsets.collect());
            }
        }
        grids.models.extend(model);
        grids
    }

    /// Reads the symbols of a source.
    ///
    /// # Errors
    /// [`crate::base::Error::Damaged`] or [`crate::base::Error::Limit`] when they cannot be true, or
    /// take more work than the decoder may do.
    pub fn read(source: &Grids, precision: Precision, from: &mut RangeDecoder) -> Result<Self> {
        let model = match from.raw(1) {
            0 => None,
            _ => Some(sent_model::read(source, precision, from)?),
        };
        let mut grids = Self::new(source, model);
        decode_series(&mut grids.series, &grids.models, from)?;
        from.check()?;
        Ok(grids)
    }

    /// Copies the symbols to where they lie in the grid buffer, which is all zeros.
    pub fn copy_to(&self, grids: &mut [f32]) {
        const { assert!(limits::MAX_SYMBOL <= i16::MAX as i32) };
        for (series, offsets) in self.series.iter().zip(&self.offsets) {
            for (plane, at) in series.planes.iter().zip(offsets).filter(|(p, _)| !p.is_blank()) {
                let w = plane.width();
                for y in 0..plane.height() {
                    let to = &mut grids[at + y * w..][..w];
                    to.iter_mut().zip(plane.row(y)).for_each(|(t, &v)| *t = f32::from(v));
                }
            }
        }
    }
}

/// Codes the symbols of a source, with its entropy model or without it, whichever is smaller.
///
/// # Errors
/// [`crate::base::Error::Cancelled`] when `cancel` asks for a stop.
pub fn encode(
    source: &Grids,
    symbols: &[i16],
    model: &[Quantised],
    precision: Precision,
    cancel: &CancelFlag,
) -> Result<Vec<u8>> {
    cancel.check()?;
    let without = encode_with(source, symbols, None, precision);
    cancel.check()?;
    let with = encode_with(source, symbols, Some(model), precision);
    Ok(if with.len() < without.len() { with } else { without })
}

fn encode_with(
    source: &Grids,
    symbols: &[i16],
    parts: Option<&[Quantised]>,
    precision: Precision,
) -> Vec<u8> {
    let mut out = RangeEncoder::new();
    out.raw(parts.is_some().into(), 1);
    if let Some(parts) = parts {
        sent_model::write(source, parts, precision, &mut out);
    }
    let model = parts.map(|parts| sent_model::put_together(source, parts));
    let mut grids = CodedGrids::new(source, model);
    for (series, offsets) in grids.series.iter_mut().zip(&grids.offsets) {
        for (plane, &at) in series.planes.iter_mut().zip(offsets) {
            let (w, h) = (plane.width(), plane.height());
            *plane = Plane::from_values(w, h, &symbols[at..at + w * h]);
        }
    }
    encode_series(&grids.series, &grids.models, &mut out);
    out.finish()
}
