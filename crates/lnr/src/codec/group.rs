// SPDX-License-Identifier: MIT OR Apache-2.0
//! A group's header and payload: trained integers to bytes and back (FORMAT sections 3 and 5).

use super::CancelFlag;
use super::grids::{self, Grids};
use super::model::{Part, PartSize};
use crate::backend::{Shape, Tensor};
use crate::base::{Chroma, Error, Result};
use crate::bitstream::{
    self, GroupHeader, LatentHeader, ModelHeader, NetworkHeader, RangeDecoder, RangeEncoder, Scan,
    SourceHeader, Unit, WarpHeader, decode_tensor, encode_tensor, tensor_bits,
};
use crate::model::{Source, Spec, TimedSpec};
use crate::train::Trained;

/// Bits of the exponent of a tensor's step.
pub(super) const EXPONENT_BITS: u32 = 4;

/// Parts of a payload: tensors, canonical, motion, residual.
const N_PARTS: usize = 4;

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
pub fn spec(header: &GroupHeader, model: &WarpHeader) -> Spec {
    let (f, m) = (&header.format, model);
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
pub fn model_header(spec: &Spec) -> WarpHeader {
    let timed = |s: &TimedSpec| SourceHeader { strides: s.strides.clone(), node_step: s.node_step };
    WarpHeader {
        canonical: SourceHeader { strides: spec.canonical.clone(), node_step: 0 },
        cubic_up_to: spec.cubic_up_to,
        margin: spec.margin,
        motion: timed(&spec.motion),
        residual: timed(&spec.residual),
        latent: LatentHeader { dim: spec.d_latent, node_step: spec.latent_step },
        network: NetworkHeader { width: spec.hidden, rank: spec.rank },
    }
}

/// Codes a trained group; `in_parallel` on a thread for each source.
///
/// # Errors
/// [`Error::Cancelled`] when `cancel` asks for a stop.
pub fn encode(
    shape: &Shape,
    trained: &Trained,
    in_parallel: bool,
    cancel: &CancelFlag,
) -> Result<Vec<u8>> {
    let mut out = RangeEncoder::new();
    for tensor in ORDER {
        if let Some((_, values, exponent)) = trained.tensors.iter().find(|t| t.0 == tensor) {
            out.raw(*exponent, EXPONENT_BITS);
            encode_tensor(values, &mut out);
        }
    }
    let encode = |source| grids::encode(shape, trained, source, cancel);
    let [a, b, c] = for_each_source(in_parallel, &encode);
    Ok(bitstream::join_parts(&[out.finish(), a?, b?, c?]))
}

/// Calls `f` for canonical, motion and residual.
fn for_each_source<T: Send>(in_parallel: bool, f: &(dyn Fn(Source) -> T + Sync)) -> [T; 3] {
    if !in_parallel {
        return Source::ALL.map(f);
    }
    std::thread::scope(|scope| {
        let [first, second, third] = Source::ALL;
        let (a, b) = (scope.spawn(move || f(first)), scope.spawn(move || f(second)));
        let c = f(third);
        let join = |t: std::thread::ScopedJoinHandle<T>| {
            t.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        [join(a), join(b), c]
    })
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
    let [tensors, ..] = bitstream::split_parts::<N_PARTS>(payload)?;
    let mut from = RangeDecoder::new(tensors);
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

/// Reads a whole payload; `in_parallel` on a thread for each source.
///
/// # Errors
/// [`Error::Damaged`] or [`Error::Limit`] when the payload is not one of this shape.
pub fn decode(shape: &Shape, payload: &[u8], in_parallel: bool) -> Result<Decoded> {
    let [tensors, sources @ ..] = bitstream::split_parts::<N_PARTS>(payload)?;
    let mut from = RangeDecoder::new(tensors);
    let net = &shape.network;
    let mut network = vec![0.0; net.len()];
    for name in ORDER {
        let values = tensor(net.tensor_len(name), &mut from)?;
        network[net.range(name)].copy_from_slice(&values);
    }
    from.check()?;
    // A log step beyond this is noise, and its exponential may not be a number.
    for v in &mut network[net.range(Tensor::Scales)] {
        *v = v.clamp(-20.0, 10.0);
    }
    let read = |source| Grids::read(shape, source, sources[source as usize]);
    let all = for_each_source(in_parallel, &read);
    let mut grids = vec![0.0; shape.n_grid()];
    for source in all {
        source?.copy_to(&mut grids);
    }
    Ok(Decoded { grids, network })
}

/// What every part of a payload takes.
///
/// # Errors
/// As [`decode`].
pub fn sizes(shape: &Shape, payload: &[u8]) -> Result<Vec<PartSize>> {
    let [tensors, sources @ ..] = bitstream::split_parts::<N_PARTS>(payload)?;
    let mut all = Vec::new();
    let mut from = RangeDecoder::new(tensors);
    let mut kept = 0;
    for name in ORDER {
        let mut values = vec![0; shape.network.tensor_len(name)];
        from.raw(EXPONENT_BITS);
        decode_tensor(&mut values, &mut from)?;
        let part = match name {
            Tensor::Latents => Part::Latents,
            Tensor::Hyper => Part::Hyper,
            _ => Part::Base,
        };
        // One stream holds them all: what a tensor takes is told by coding it again.
        let bytes = u64::from(tensor_bits(&values)).div_ceil(8);
        let huffman_bits = huffman_of(values.into_iter());
        kept += bytes;
        let n_values = shape.network.tensor_len(name) as u64;
        PartSize { part, n_values, bytes, huffman_bits }.add_to(&mut all);
    }
    // Rounding and the end of the stream go to the base network, so that the sum is right.
    if let Some(base) = all.iter_mut().find(|s| s.part == Part::Base) {
        base.bytes = (base.bytes + tensors.len() as u64).saturating_sub(kept);
    }
    for (source, part) in
        Source::ALL.into_iter().zip([Part::Canonical, Part::Motion, Part::Residual])
    {
        let coded = sources[source as usize];
        let grids = Grids::read(shape, source, coded)?;
        let planes = grids.series.iter().flat_map(|s| &s.planes);
        let rows = planes.flat_map(|p| (0..p.height()).map(move |y| p.row(y)));
        let values: Vec<i32> = rows.flatten().map(|&v| v.into()).collect();
        let n_values = values.len() as u64;
        let (bytes, huffman_bits) = (coded.len() as u64, huffman_of(values.into_iter()));
        PartSize { part, n_values, bytes, huffman_bits }.add_to(&mut all);
    }
    Ok(all)
}

/// Bits of a Huffman code of integers.
fn huffman_of(values: impl Iterator<Item = i32>) -> u64 {
    // Zigzag: small magnitudes are small symbols.
    let symbol = |v: i32| ((v << 1) ^ (v >> 31)).clamp(0, u16::MAX.into()) as u16;
    bitstream::huffman_bits(&values.map(symbol).collect::<Vec<_>>())
}

/// Learns the initial states of entropy coding from the groups of some streams, one after another:
/// the bytes of `crates/lnr/src/bitstream/plane_state.bin` (FORMAT-entropy section 8).
///
/// # Errors
/// Those of [`bitstream::parse`] and [`Error::Damaged`].
pub fn learn_states<'a>(streams: impl IntoIterator<Item = &'a [u8]>) -> Result<Vec<u8>> {
    let mut files = Vec::new();
    for mut stream in streams {
        while let Scan::Unit { len, is_group } = bitstream::scan(stream) {
            let unit = stream.get(..len).ok_or_else(|| Error::damaged("a unit is cut off"))?;
            if is_group
                && let Unit::Group { header, payload, .. } = bitstream::parse(unit)?
                && let ModelHeader::Warp(model) = &ModelHeader::of(&header.model)?
            {
                let shape = spec(&header, model).shape()?;
                let [_, sources @ ..] = bitstream::split_parts::<N_PARTS>(payload)?;
                for (source, bytes) in Source::ALL.into_iter().zip(sources) {
                    let grids = Grids::read(&shape, source, bytes)?;
                    files.push((grids.series, grids.models));
                }
            }
            stream = &stream[len..];
        }
    }
    Ok(bitstream::learn(&files))
}
