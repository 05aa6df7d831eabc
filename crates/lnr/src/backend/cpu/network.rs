// SPDX-License-Identifier: MIT OR Apache-2.0
//! The base network of grid models over a tile of points: every layer stays in the cache.

use super::super::Network;
use super::dense::{BLOCK, Finish, Lane, Layer, MAX_LANES, TILE, blocks, lanes, multiply, outer};
use super::simd::Simd;

/// Weights of the base network at one time.
pub struct Weights {
    first: Layer,
    second: Layer,
    output: Layer,
    skip: Layer,
    biases: [Vec<[f32; BLOCK]>; 3],
}

/// Values between the layers for a tile of points, and their gradients.
pub struct Tiles {
    /// Features.
    pub x: Vec<Lane>,
    h1: Vec<Lane>,
    h2: Vec<Lane>,
    /// Components.
    pub y: Vec<Lane>,
    /// Gradients of the components.
    pub d_y: Vec<Lane>,
    /// Gradients of the features.
    pub d_x: Vec<Lane>,
    d1: Vec<Lane>,
    d2: Vec<Lane>,
}

impl Tiles {
    pub fn new(net: &Network) -> Self {
        let [x, d_x] = [(); 2].map(|()| lanes(net.n_features()));
        let [h1, h2, d1, d2] = [(); 4].map(|()| lanes(net.width()));
        let [y, d_y] = [(); 2].map(|()| lanes(net.n_out()));
        Self { x, h1, h2, y, d_y, d_x, d1, d2 }
    }
}

impl Weights {
    /// Of a network of three layers whose first is `modulated`.
    pub fn new(net: &Network, network: &[f32], modulated: &[f32]) -> Self {
        let (c, k, o) = (net.n_features(), net.width(), net.n_out());
        let (w1, b1) = modulated[..k * c + k].split_at(k * c);
        let [_, second, output] = [0, 1, 2].map(|l| net.layers[l]);
        let skip = net.skip.map_or(vec![0.0; o * c], |skip| network[skip.weights()].to_vec());
        Self {
            first: Layer::new(w1, k, c),
            second: Layer::new(&network[second.weights()], k, k),
            output: Layer::new(&network[output.weights()], o, k),
            skip: Layer::new(&skip, o, c),
            biases: [b1, &network[second.bias()], &network[output.bias()]].map(blocks),
        }
    }

    /// Features to components.
    #[inline(always)]
    pub fn forward<S: Simd>(&self, s: S, t: &mut Tiles) {
        let Tiles { x, h1, h2, y, .. } = t;
        let [b1, b2, b3] = self.biases.each_ref().map(|b| Some(&b[..]));
        multiply(s, b1, [(&self.first.forward, x)], Finish::Relu, h1);
        multiply(s, b2, [(&self.second.forward, h1)], Finish::Relu, h2);
        let products = [(&self.output.forward, &h2[..]), (&self.skip.forward, x)];
        multiply(s, b3, products, Finish::Keep, y);
    }

    /// Gradients of the components to those of the features; adds to those of the weights.
    #[inline(always)]
    pub fn backward<S: Simd>(&self, s: S, t: &mut Tiles, grads: &mut [LayerGrad; 4]) {
        let Tiles { x, h1, h2, d_y, d_x, d1, d2, .. } = t;
        let [first, second, output, skip] = grads;
        output.add(s, d_y, h2);
        skip.add(s, d_y, x);
        multiply(s, None, [(&self.output.backward, d_y)], Finish::Mask(h2), d2);
        second.add(s, d2, h1);
        multiply(s, None, [(&self.second.backward, d2)], Finish::Mask(h1), d1);
        first.add(s, d1, x);
        let products = [(&self.first.backward, &d1[..]), (&self.skip.backward, d_y)];
        multiply(s, None, products, Finish::Keep, d_x);
    }
}

/// Sums of the gradients of a layer over many tiles, kept per lane.
#[derive(Default)]
pub struct LayerGrad {
    /// [row / 4, column / 4, row % 4, column % 4]
    w: Vec<[[[f32; MAX_LANES]; BLOCK]; BLOCK]>,
    /// [row / 4, row % 4]
    b: Vec<[[f32; MAX_LANES]; BLOCK]>,
    rows: usize,
    columns: usize,
}

impl LayerGrad {
    pub fn new(rows: usize, columns: usize) -> Self {
        let (r, c) = (rows.div_ceil(BLOCK), columns.div_ceil(BLOCK));
        let zero = [[0.0; MAX_LANES]; BLOCK];
        Self { w: vec![[zero; BLOCK]; r * c], b: vec![zero; r], rows, columns }
    }

    /// Values of the gradient of a layer of so many rows and columns.
    pub fn len(rows: usize, columns: usize) -> usize {
        let (r, c) = (rows.div_ceil(BLOCK), columns.div_ceil(BLOCK));
        (r * c * BLOCK + r) * BLOCK * MAX_LANES
    }

    /// Values that it holds.
    #[cfg(test)]
    pub fn held(&self) -> usize {
        (self.w.len() * BLOCK + self.b.len()) * BLOCK * MAX_LANES
    }

    /// Whether it was made for no layer yet.
    pub fn is_empty(&self) -> bool {
        self.w.is_empty()
    }

    /// Makes it that of a layer of so many rows and columns.
    pub fn clear_as(&mut self, rows: usize, columns: usize) {
        if (self.rows, self.columns) != (rows, columns) {
            *self = Self::new(rows, columns);
        }
        self.clear();
    }

    pub fn clear(&mut self) {
        self.w.as_flattened_mut().as_flattened_mut().as_flattened_mut().fill(0.0);
        self.b.as_flattened_mut().as_flattened_mut().fill(0.0);
    }

    /// dW += d x^T, db += d.
    #[inline(always)]
    pub fn add<S: Simd>(&mut self, s: S, d: &[Lane], x: &[Lane]) {
        for (d, b) in d.iter().zip(self.b.as_flattened_mut()) {
            let mut sum = s.load(b);
            for p in (0..TILE).step_by(S::LANES) {
                sum = s.add(sum, s.load(&d[p..]));
            }
            s.store(b, sum);
        }
        self.add_products(s, d, x);
    }

    /// dW += d x^T
    #[inline(always)]
    pub fn add_products<S: Simd>(&mut self, s: S, d: &[Lane], x: &[Lane]) {
        let (d, x) = (d.as_chunks::<BLOCK>().0, x.as_chunks::<BLOCK>().0);
        for (d, w) in d.iter().zip(self.w.chunks_exact_mut(x.len())) {
            for (x, w) in x.iter().zip(w) {
                add_block(s, d, x, w);
            }
        }
    }

    /// Adds the sums over the lanes to `w` [rows, columns] and `b` (which may be empty).
    pub fn reduce(&self, lanes: usize, w: &mut [f32], b: &mut [f32]) {
        let n_blocks = self.columns.div_ceil(BLOCK);
        for (r, row) in w.chunks_exact_mut(self.columns).enumerate().take(self.rows) {
            for (c, w) in row.iter_mut().enumerate() {
                let block = &self.w[r / BLOCK * n_blocks + c / BLOCK];
                *w += block[r % BLOCK][c % BLOCK][..lanes].iter().sum::<f32>();
            }
        }
        for (r, b) in b.iter_mut().enumerate() {
            *b += self.b[r / BLOCK][r % BLOCK][..lanes].iter().sum::<f32>();
        }
    }
}

/// w += d x^T, a sum for each lane.
#[inline(always)]
fn add_block<S: Simd>(
    s: S,
    d: &[Lane; BLOCK],
    x: &[Lane; BLOCK],
    w: &mut [[[f32; MAX_LANES]; BLOCK]; BLOCK],
) {
    let mut sums = [[s.splat(0.0); BLOCK]; BLOCK];
    for i in 0..BLOCK {
        for j in 0..BLOCK {
            sums[i][j] = s.load(&w[i][j]);
        }
    }
    sums = outer(s, d, x, sums);
    for i in 0..BLOCK {
        for j in 0..BLOCK {
            s.store(&mut w[i][j], sums[i][j]);
        }
    }
}
