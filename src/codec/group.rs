// SPDX-License-Identifier: MIT OR Apache-2.0
//! The payload of a group: trained integers to bytes and back (FORMAT section 5).

use crate::backend::{Shape, Tensor};
use crate::base::{Chroma, Error, Result, limits};
use crate::bitstream::{
    self, EntropyModel, GroupHeader, LatentHeader, ModelHeader, NetworkHeader, Parent, Plane,
    PlaneKind, RangeDecoder, RangeEncoder, Scan, Series, SourceHeader, Unit, decode_series,
    decode_tensor, encode_series, encode_tensor,
};
use crate::model::{Source, Spec, TimedSpec};
use crate::train::Trained;

/// Bits of the exponent of a tensor's step.
const EXPONENT_BITS: u32 = 4;

/// Tensors in the order of the payload: latents first, so that they can be read alone.
const ORDER: [Tensor; 10] = [
    Tensor::Latents,
    Tensor::Scales,
    Tensor::W1,
    Tensor::B1,
    Tensor::W2,
    Tensor::B2,
    Tensor::W3,
    Tensor::B3,
    Tensor::Skip,
    Tensor::Hyper,
];

/// The model that a header describes.
pub fn spec(header: &GroupHeader) -> Spec {
    let (f, m) = (&header.format, &header.model);
    let timed = |s: &SourceHeader| TimedSpec { strides: s.strides.clone(), node_step: s.node_step };
    Spec {
        width: f.width,
        height: f.height,
        n_frames: header.n_frames(),
        n_out: if f.chroma == Chroma::Gray { 1 } else { 3 },
        canonical: m.canonical.strides.clone(),
        cubic_up_to: m.cubic_up_to,
        margin: m.margin,
        motion: timed(&m.motion),
        residual: timed(&m.residual),
        d_latent: m.latent.dim,
        latent_step: m.latent.node_step,
        hidden: m.network.width,
        rank: m.network.rank,
    }
}

/// The description of a model in a header.
pub fn model_header(spec: &Spec) -> ModelHeader {
    let timed = |s: &TimedSpec| SourceHeader { strides: s.strides.clone(), node_step: s.node_step };
    ModelHeader {
        canonical: SourceHeader { strides: spec.canonical.clone(), node_step: 0 },
        cubic_up_to: spec.cubic_up_to,
        margin: spec.margin,
        motion: timed(&spec.motion),
        residual: timed(&spec.residual),
        latent: LatentHeader { dim: spec.d_latent, node_step: spec.latent_step },
        network: NetworkHeader { width: spec.hidden, rank: spec.rank },
    }
}

/// A series of planes and where each lies in the grid buffer.
struct Layout {
    series: Vec<Series>,
    offsets: Vec<Vec<usize>>,
}

/// All series of a model in coding order: each source from coarse to fine, x before y.
fn layout(shape: &Shape, model_of: &[Option<usize>; 3]) -> Layout {
    let mut out = Layout { series: Vec::new(), offsets: Vec::new() };
    let ratio = |coarse: f32, fine: f32| (coarse / fine) as u32;
    let n = shape.canonical.len();
    for (i, c) in shape.canonical.iter().enumerate().rev() {
        out.series.push(Series {
            kind: PlaneKind::Canonical(i),
            planes: vec![Plane::new(c.grid.width, c.grid.height)],
            parent: shape
                .canonical
                .get(i + 1)
                .map(|p| Parent { series: n - 2 - i, ratio: ratio(p.grid.stride, c.grid.stride) }),
            sibling: None,
            model: model_of[0].map(|m| (m, i)),
        });
        out.offsets.push(vec![c.offset]);
    }
    for (k, source) in [&shape.motion, &shape.residual].into_iter().enumerate() {
        let n_components = source.n_components;
        for (i, level) in source.levels.iter().enumerate().rev() {
            for component in 0..n_components {
                let kind = match (k, component) {
                    (0, 0) => PlaneKind::MotionX(i),
                    (0, _) => PlaneKind::MotionY(i),
                    _ => PlaneKind::Residual(i),
                };
                let here = out.series.len();
                let grid = &level.grid;
                out.series.push(Series {
                    kind,
                    planes: vec![Plane::new(grid.width, grid.height); source.nodes.n],
                    parent: source.levels.get(i + 1).map(|p| Parent {
                        series: here - n_components,
                        ratio: ratio(p.grid.stride, grid.stride),
                    }),
                    sibling: (component > 0).then(|| here - 1),
                    model: model_of[k + 1].map(|m| (m, i * n_components + component)),
                });
                let nodes = 0..source.nodes.n;
                out.offsets.push(nodes.map(|t| source.plane(t, i, component).start).collect());
            }
        }
    }
    out
}

/// Which inputs the entropy model of a source has.
fn model_shape(shape: &Shape, source: Source) -> (EntropyModel, usize) {
    let e = source.entropy(shape);
    let model =
        EntropyModel { before: e.before, extra: e.extra, shift: 0, weights: vec![0; e.len()] };
    (model, e.len())
}

/// Codes a trained group, with each source's entropy model or without it, whichever is smaller.
pub fn encode(shape: &Shape, trained: &Trained) -> Vec<u8> {
    let mut head = RangeEncoder::new();
    for tensor in ORDER {
        if let Some((_, values, exponent)) = trained.tensors.iter().find(|t| t.0 == tensor) {
            head.raw(*exponent, EXPONENT_BITS);
            encode_tensor(values, &mut head);
        }
    }
    let mut use_model = [true; 3];
    let mut best = encode_grids(head.clone(), shape, trained, &use_model);
    for source in (0..3).rev() {
        use_model[source] = false;
        let other = encode_grids(head.clone(), shape, trained, &use_model);
        if other.len() < best.len() {
            best = other;
        } else {
            use_model[source] = true;
        }
    }
    best
}

fn encode_grids(
    mut out: RangeEncoder,
    shape: &Shape,
    trained: &Trained,
    use_model: &[bool; 3],
) -> Vec<u8> {
    let mut models = Vec::new();
    let mut model_of = [None; 3];
    for (k, source) in Source::ALL.into_iter().enumerate() {
        out.raw(use_model[k].into(), 1);
        let found = trained.entropy.iter().find(|e| e.0 == source);
        let (true, Some((_, weights, exponent))) = (use_model[k], found) else { continue };
        out.raw(*exponent, EXPONENT_BITS);
        encode_tensor(weights, &mut out);
        let (mut model, _) = model_shape(shape, source);
        (model.shift, model.weights) = (*exponent, weights.clone());
        model_of[k] = Some(models.len());
        models.push(model);
    }
    let Layout { mut series, offsets } = layout(shape, &model_of);
    for (series, offsets) in series.iter_mut().zip(offsets) {
        for (plane, at) in series.planes.iter_mut().zip(offsets) {
            let (w, h) = (plane.width(), plane.height());
            *plane = Plane::from_values(w, h, &trained.symbols[at..at + w * h]);
        }
    }
    encode_series(&series, &models, &mut out);
    out.finish()
}

/// Reads one tensor to f32.
fn tensor(len: usize, from: &mut RangeDecoder) -> Result<Vec<f32>> {
    let exponent = from.raw(EXPONENT_BITS);
    let mut values = vec![0; len];
    decode_tensor(&mut values, from)?;
    let step = 1.0 / (1u32 << exponent) as f32;
    Ok(values.into_iter().map(|v| v as f32 * step).collect())
}

/// The latents of a payload. [nodes, d_latent]
///
/// # Errors
/// [`crate::base::Error::Damaged`] when the payload ends too early.
pub fn decode_latents(shape: &Shape, payload: &[u8]) -> Result<Vec<f32>> {
    let mut from = RangeDecoder::new(payload);
    let latents = tensor(shape.network.tensor_len(Tensor::Latents), &mut from)?;
    from.check()?;
    Ok(latents)
}

/// The parameters of a group as f32.
pub struct Decoded {
    /// [`Shape::n_grid`]
    pub grids: Vec<f32>,
    /// [`crate::backend::Network::len`]
    pub network: Vec<f32>,
}

/// What a payload says, before the grids are laid out.
struct Parts {
    /// [`crate::backend::Network::len`]
    network: Vec<f32>,
    models: Vec<EntropyModel>,
    layout: Layout,
}

fn read_parts(shape: &Shape, payload: &[u8]) -> Result<Parts> {
    let mut from = RangeDecoder::new(payload);
    let net = &shape.network;
    let mut network = vec![0.0; net.len()];
    for name in ORDER {
        let values = tensor(net.tensor_len(name), &mut from)?;
        network[net.range(name)].copy_from_slice(&values);
    }
    // A log step beyond this is noise, and its exponential may not be a number.
    for v in &mut network[net.range(Tensor::Scales)] {
        *v = v.clamp(-20.0, 10.0);
    }
    let mut models = Vec::new();
    let mut model_of = [None; 3];
    for (k, source) in Source::ALL.into_iter().enumerate() {
        if from.raw(1) == 0 {
            continue;
        }
        let (mut model, len) = model_shape(shape, source);
        model.shift = from.raw(EXPONENT_BITS);
        model.weights = vec![0; len];
        decode_tensor(&mut model.weights, &mut from)?;
        model_of[k] = Some(models.len());
        models.push(model);
    }
    let mut layout = layout(shape, &model_of);
    decode_series(&mut layout.series, &models, &mut from)?;
    from.check()?;
    Ok(Parts { network, models, layout })
}

/// Reads a whole payload.
///
/// # Errors
/// [`crate::base::Error::Damaged`] when the payload is not one of this shape.
pub fn decode(shape: &Shape, payload: &[u8]) -> Result<Decoded> {
    let Parts { network, layout, .. } = read_parts(shape, payload)?;
    let mut grids = vec![0.0; shape.n_grid()];
    for (series, offsets) in layout.series.iter().zip(layout.offsets) {
        for (plane, at) in series.planes.iter().zip(offsets) {
            let w = plane.width();
            for y in 0..plane.height() {
                let to = &mut grids[at + y * w..][..w];
                to.iter_mut().zip(plane.row(y)).for_each(|(t, &v)| *t = f32::from(v));
            }
        }
    }
    debug_assert!(limits::MAX_SYMBOL <= i32::from(i16::MAX));
    Ok(Decoded { grids, network })
}

/// Learns the initial states of entropy coding from the groups of some streams, one after another:
/// the bytes of `src/bitstream/plane_state.bin` (FORMAT-entropy section 8).
///
/// # Errors
/// Those of [`bitstream::parse`] and [`Error::Damaged`].
pub fn learn_states<'a>(streams: impl IntoIterator<Item = &'a [u8]>) -> Result<Vec<u8>> {
    let mut files = Vec::new();
    for mut stream in streams {
        while let Scan::Unit { len, is_group } = bitstream::scan(stream) {
            let unit = stream.get(..len).ok_or_else(|| Error::damaged("a unit is cut off"))?;
            if is_group && let Unit::Group { header, payload, .. } = bitstream::parse(unit)? {
                let parts = read_parts(&spec(&header).shape()?, payload)?;
                files.push((parts.layout.series, parts.models));
            }
            stream = &stream[len..];
        }
    }
    Ok(bitstream::learn(&files))
}
