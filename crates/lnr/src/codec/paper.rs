// SPDX-License-Identifier: MIT OR Apache-2.0
//! Parameters of a paper profile to bytes and back (FORMAT section 8).

use rayon::prelude::*;

use super::CancelFlag;
use crate::backend::paper::{PaperShape, PaperTensor, TensorKind};
use crate::base::{Chroma, Error, Result};
use crate::bitstream::{
    self, GroupHeader, PaperBits, PaperHeader, RangeDecoder, RangeEncoder, decode_symbols,
    encode_symbols,
};
use crate::model::{EncodingSpec, PaperSpec};

/// Most values of a piece, which is coded by itself.
const PIECE: usize = 1 << 18;
/// Bits of a value that is stored as it is.
const PLAIN: u32 = 32;

/// The model that a header describes.
pub fn spec(header: &GroupHeader, model: &PaperHeader) -> PaperSpec {
    PaperSpec {
        width: header.format.width,
        height: header.format.height,
        n_frames: header.n_frames(),
        n_out: if header.format.chroma == Chroma::Gray { 1 } else { 3 },
        patch: model.patch,
        encoding: match model.hash {
            Some((features, table)) => EncodingSpec::Hash { features, table },
            None => EncodingSpec::Fourier,
        },
        resolutions: model.resolutions.clone(),
        hidden: model.width,
        n_layers: model.n_layers,
        modulated: model.modulated.clone(),
        rank: model.rank,
        d_latent: model.d_latent,
        hyper_layers: model.hyper_layers,
        hyper_width: model.hyper_width,
    }
}

/// The description of a model in a header.
pub fn model_header(spec: &PaperSpec, bits: PaperBits) -> PaperHeader {
    PaperHeader {
        patch: spec.patch,
        hash: match spec.encoding {
            EncodingSpec::Hash { features, table } => Some((features, table)),
            EncodingSpec::Fourier => None,
        },
        resolutions: spec.resolutions.clone(),
        width: spec.hidden,
        n_layers: spec.n_layers,
        modulated: spec.modulated.clone(),
        rank: spec.rank,
        d_latent: spec.d_latent,
        hyper_layers: spec.hyper_layers,
        hyper_width: spec.hyper_width,
        bits,
    }
}

/// Bits per value of a tensor.
pub fn bits_of(kind: TensorKind, bits: &PaperBits) -> u32 {
    match kind {
        TensorKind::Encoding => bits.encoding,
        TensorKind::Base => bits.base,
        TensorKind::Hyper => bits.hyper,
        TensorKind::Latents => bits.latents,
    }
}

/// Uniform quantisation of a tensor (paper Eq. 3): value = min + symbol * step.
#[derive(Clone, Copy)]
struct Scale {
    min: f32,
    step: f32,
}

impl Scale {
    /// The scale that spans `values` with 2^bits levels. The paper divides by 2^bits, which yields
    /// one level more than fits.
    fn new(values: &[f32], bits: u32) -> Self {
        let min = values.iter().copied().fold(f32::INFINITY, f32::min);
        let max = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        Self { min, step: (max - min) / ((1u32 << bits) - 1) as f32 }
    }

    fn symbol(self, value: f32, bits: u32) -> u16 {
        let last = ((1u32 << bits) - 1) as f32;
        if self.step > 0.0 {
            ((value - self.min) / self.step).round().clamp(0.0, last) as u16
        } else {
            0
        }
    }

    fn value(self, symbol: u16) -> f32 {
        self.min + f32::from(symbol) * self.step
    }

    /// From eight bytes.
    fn read(bytes: &[u8; 8]) -> Result<Self> {
        let [a, b, c, d, rest @ ..] = *bytes;
        let scale = Self { min: f32::from_le_bytes([a, b, c, d]), step: f32::from_le_bytes(rest) };
        if !(scale.min.is_finite() && scale.step.is_finite()) {
            return Err(Error::damaged("a scale that is no number"));
        }
        Ok(scale)
    }
}

/// A piece of a tensor.
struct Piece {
    tensor: usize,
    bits: u32,
    /// Where it lies in the parameters.
    range: std::ops::Range<usize>,
}

fn pieces(tensors: &[PaperTensor], bits: &PaperBits) -> Vec<Piece> {
    let mut all = Vec::new();
    for (tensor, t) in tensors.iter().enumerate() {
        for start in t.range.clone().step_by(PIECE) {
            let range = start..(start + PIECE).min(t.range.end);
            all.push(Piece { tensor, bits: bits_of(t.kind, bits), range });
        }
    }
    all
}

/// Codes trained parameters: the scales of all tensors, then every piece.
///
/// # Errors
/// [`Error::Cancelled`] when `cancel` asks for a stop.
pub fn encode(
    shape: &PaperShape,
    bits: &PaperBits,
    params: &[f32],
    cancel: &CancelFlag,
) -> Result<Vec<u8>> {
    let tensors = shape.tensors();
    let scale = |t: &PaperTensor| match bits_of(t.kind, bits) {
        PLAIN => Scale { min: 0.0, step: 1.0 },
        bits => Scale::new(&params[t.range.clone()], bits),
    };
    let scales: Vec<Scale> = tensors.iter().map(scale).collect();
    let head = scales.iter().flat_map(|s| [s.min.to_le_bytes(), s.step.to_le_bytes()]).flatten();
    let mut parts = vec![head.collect::<Vec<u8>>()];
    let coded: Result<Vec<Vec<u8>>> = pieces(&tensors, bits)
        .into_par_iter()
        .map(|p| {
            cancel.check()?;
            let values = &params[p.range.clone()];
            if p.bits == PLAIN {
                return Ok(values.iter().flat_map(|v| v.to_le_bytes()).collect());
            }
            let scale = scales[p.tensor];
            let symbols: Vec<u16> = values.iter().map(|&v| scale.symbol(v, p.bits)).collect();
            let mut out = RangeEncoder::new();
            encode_symbols(&symbols, p.bits, &mut out);
            Ok(out.finish())
        })
        .collect();
    parts.extend(coded?);
    Ok(bitstream::join_parts(&parts))
}

/// The parts of a payload, opened.
struct Parts<'a> {
    tensors: Vec<PaperTensor>,
    pieces: Vec<Piece>,
    scales: Vec<Scale>,
    coded: Vec<&'a [u8]>,
}

impl<'a> Parts<'a> {
    fn new(shape: &PaperShape, bits: &PaperBits, payload: &'a [u8]) -> Result<Self> {
        let tensors = shape.tensors();
        let pieces = pieces(&tensors, bits);
        let mut coded = bitstream::split_all_parts(payload, pieces.len() + 1)?;
        let head = coded.remove(0).as_chunks::<8>().0;
        if head.len() != tensors.len() {
            return Err(Error::damaged("the scales of the tensors are not all there"));
        }
        let scales: Result<_> = head.iter().map(Scale::read).collect();
        Ok(Self { tensors, pieces, scales: scales?, coded })
    }

    fn symbols(&self, piece: usize) -> Result<Vec<u16>> {
        let p = &self.pieces[piece];
        let mut symbols = vec![0; p.range.len()];
        let mut from = RangeDecoder::new(self.coded[piece]);
        decode_symbols(&mut symbols, p.bits, &mut from)?;
        Ok(symbols)
    }

    fn values(&self, piece: usize) -> Result<Vec<f32>> {
        let p = &self.pieces[piece];
        if p.bits != PLAIN {
            let scale = self.scales[p.tensor];
            return Ok(self.symbols(piece)?.into_iter().map(|v| scale.value(v)).collect());
        }
        let (values, rest) = self.coded[piece].as_chunks::<4>();
        if values.len() != p.range.len() || !rest.is_empty() {
            return Err(Error::damaged("a tensor of another length"));
        }
        let values: Vec<f32> = values.iter().map(|v| f32::from_le_bytes(*v)).collect();
        match values.iter().all(|v| v.is_finite()) {
            true => Ok(values),
            false => Err(Error::damaged("a value that is no number")),
        }
    }
}

/// Reads all parameters.
///
/// # Errors
/// [`Error::Damaged`] when the payload is not one of this shape.
pub fn decode(shape: &PaperShape, bits: &PaperBits, payload: &[u8]) -> Result<Vec<f32>> {
    let parts = Parts::new(shape, bits, payload)?;
    let n = parts.pieces.len();
    let read: Result<Vec<Vec<f32>>> = (0..n).into_par_iter().map(|i| parts.values(i)).collect();
    let mut params = vec![0.0; shape.len()];
    for (piece, values) in parts.pieces.iter().zip(read?) {
        params[piece.range.clone()].copy_from_slice(&values);
    }
    Ok(params)
}

/// Reads the latents alone. [n_frames, d_latent]
///
/// # Errors
/// As [`decode`].
pub fn decode_latents(shape: &PaperShape, bits: &PaperBits, payload: &[u8]) -> Result<Vec<f32>> {
    let parts = Parts::new(shape, bits, payload)?;
    let mut latents = Vec::new();
    for (i, piece) in parts.pieces.iter().enumerate() {
        if parts.tensors[piece.tensor].kind == TensorKind::Latents {
            latents.extend(parts.values(i)?);
        }
    }
    Ok(latents)
}

/// What every tensor takes: itself, its values, bytes in the file, and bits of a Huffman code of its
/// symbols (as they are where they are not quantised).
///
/// # Errors
/// As [`decode`].
pub fn sizes(
    shape: &PaperShape,
    bits: &PaperBits,
    payload: &[u8],
) -> Result<Vec<(PaperTensor, u64, u64)>> {
    let parts = Parts::new(shape, bits, payload)?;
    let mut all: Vec<(PaperTensor, u64, u64)> =
        parts.tensors.iter().map(|t| (t.clone(), 8, 64)).collect();
    let mut symbols = Vec::new();
    for (i, piece) in parts.pieces.iter().enumerate() {
        let (tensor, bytes, huffman) = &mut all[piece.tensor];
        *bytes += parts.coded[i].len() as u64;
        if piece.bits == PLAIN {
            *huffman += 8 * parts.coded[i].len() as u64;
            continue;
        }
        symbols.extend(parts.symbols(i)?);
        if piece.range.end == tensor.range.end {
            *huffman += bitstream::huffman_bits(&symbols);
            symbols.clear();
        }
    }
    Ok(all)
}
