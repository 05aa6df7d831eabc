// SPDX-License-Identifier: MIT OR Apache-2.0
//! The blocks that both towers are built of. Rows of a tensor are tokens or patches of one input.

use candle_core::{D, Module, Result as CandleResult, Tensor};
use candle_nn::{LayerNorm, Linear, ops};

use super::config::{Activation, Tower};
use super::weights::Weights;
use crate::base::Result;

/// Two layers with a function between them.
pub(super) struct Mlp {
    first: Linear,
    second: Linear,
    activation: Activation,
}

impl Mlp {
    pub fn load(tower: &Tower, name: &str, weights: &mut Weights) -> Result<Self> {
        Ok(Self {
            first: weights.linear(&format!("{name}.fc1"), (tower.width, tower.mlp))?,
            second: weights.linear(&format!("{name}.fc2"), (tower.mlp, tower.width))?,
            activation: tower.activation,
        })
    }

    /// x: [n, width]. returns: [n, width]
    pub fn forward(&self, x: &Tensor) -> CandleResult<Tensor> {
        let x = self.first.forward(x)?;
        let x = match self.activation {
            Activation::QuickGelu => (&x * ops::sigmoid(&(&x * 1.702)?)?)?,
            Activation::Gelu => x.gelu_erf()?,
            Activation::GeluTanh => x.gelu()?,
        };
        self.second.forward(&x)
    }
}

/// Attention of `heads` heads: softmax(q k^T / sqrt(d) + mask) v. q: [n, width]; k, v: [m, width];
/// mask: [n, m]. returns: [n, width]
pub(super) fn attend(
    heads: usize,
    [q, k, v]: [&Tensor; 3],
    mask: Option<&Tensor>,
) -> CandleResult<Tensor> {
    let (n, width) = q.dims2()?;
    let split = |x: &Tensor| {
        let m = x.dim(0)?;
        x.reshape((m, heads, width / heads))?.transpose(0, 1)?.contiguous()
    };
    let (q, k, v) = (split(q)?, split(k)?, split(v)?);
    let scale = 1.0 / ((width / heads) as f64).sqrt();
    let mut scores = (q.matmul(&k.transpose(1, 2)?.contiguous()?)? * scale)?;
    if let Some(mask) = mask {
        scores = scores.broadcast_add(mask)?;
    }
    let mixed = ops::softmax(&scores, D::Minus1)?.matmul(&v)?;
    mixed.transpose(0, 1)?.contiguous()?.reshape((n, width))
}

struct Block {
    norms: [LayerNorm; 2],
    /// Of queries, keys, values, and of what comes out.
    projections: [Linear; 4],
    mlp: Mlp,
}

/// The blocks of a tower.
pub(super) struct Blocks {
    heads: usize,
    all: Vec<Block>,
}

impl Blocks {
    pub fn load(tower: &Tower, name: &str, weights: &mut Weights) -> Result<Self> {
        let width = tower.width;
        let mut block = |i: usize| {
            let name = format!("{name}.encoder.layers.{i}");
            let mut projection = |part: &str| {
                weights.linear(&format!("{name}.self_attn.{part}_proj"), (width, width))
            };
            let projections =
                [projection("q")?, projection("k")?, projection("v")?, projection("out")?];
            let mut norm =
                |i: usize| weights.norm(&format!("{name}.layer_norm{i}"), (width, tower.eps));
            let norms = [norm(1)?, norm(2)?];
            Ok(Block {
                norms,
                projections,
                mlp: Mlp::load(tower, &format!("{name}.mlp"), weights)?,
            })
        };
        let all = (0..tower.layers).map(&mut block).collect::<Result<_>>()?;
        Ok(Self { heads: tower.heads, all })
    }

    /// x: [n, width]; mask: [n, n]. returns: [n, width]
    pub fn forward(&self, mut x: Tensor, mask: Option<&Tensor>) -> CandleResult<Tensor> {
        for block in &self.all {
            let normed = block.norms[0].forward(&x)?;
            let [q, k, v, out] = &block.projections;
            let [q, k, v] = [q.forward(&normed)?, k.forward(&normed)?, v.forward(&normed)?];
            x = (x + out.forward(&attend(self.heads, [&q, &k, &v], mask)?)?)?;
            x = (&x + block.mlp.forward(&block.norms[1].forward(&x)?)?)?;
        }
        Ok(x)
    }
}
