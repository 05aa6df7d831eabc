// SPDX-License-Identifier: MIT OR Apache-2.0

use std::ops::Range;

use super::super::Lattice;

/// How coordinates become features.
#[derive(Clone, Debug, PartialEq)]
pub enum Encoding {
    /// Multiresolution hash grids (Instant-NGP), linear between entries.
    Hash {
        /// Levels, coarsest first.
        levels: Vec<HashLevel>,
        /// Features per entry.
        n_features: usize,
    },
    /// sin and cos of pi f u, with u = x, then y, in units of the longer side of the frame.
    Fourier {
        /// The frequencies f.
        frequencies: Vec<f32>,
    },
}

/// A level of a hash grid: a table of entries [n_entries, n_features].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HashLevel {
    /// Cells per pixel.
    pub scale: f32,
    /// Vertices per row.
    pub width: usize,
    /// Rows of vertices.
    pub height: usize,
    /// Entries of the table: one per vertex where those fit, else a power of two.
    pub n_entries: usize,
    /// Where the table begins in the parameters.
    pub offset: usize,
}

impl HashLevel {
    /// The table entry of a vertex. Where vertices do not fit they are hashed so that neighbours in x
    /// stay neighbours.
    pub fn entry(&self, x: usize, y: usize) -> usize {
        if self.n_entries == self.width * self.height {
            return y * self.width + x;
        }
        (x as u32 ^ (y as u32).wrapping_mul(2_654_435_761)) as usize & (self.n_entries - 1)
    }

    /// The vertex up left of a pixel coordinate, and the fractions behind it.
    pub fn cell(&self, (x, y): (f32, f32)) -> ((usize, usize), (f32, f32)) {
        let axis = |v: f32, n: usize| {
            let p = ((v + 0.5) * self.scale).clamp(0.0, (n - 1) as f32);
            let i = (p as usize).min(n - 2);
            (i, p - i as f32)
        };
        let ((i, fx), (j, fy)) = (axis(x, self.width), axis(y, self.height));
        ((i, j), (fx, fy))
    }
}

/// A fully connected layer: weights [n_out, n_in], then biases [n_out].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dense {
    /// Inputs.
    pub n_in: usize,
    /// Outputs.
    pub n_out: usize,
    /// Where the weights begin in the parameters.
    pub offset: usize,
}

impl Dense {
    /// Where the weights lie in the parameters.
    pub fn weights(&self) -> Range<usize> {
        self.offset..self.offset + self.n_in * self.n_out
    }

    /// Where the biases lie in the parameters.
    pub fn bias(&self) -> Range<usize> {
        let start = self.weights().end;
        start..start + self.n_out
    }

    /// Where both lie.
    pub fn range(&self) -> Range<usize> {
        self.offset..self.bias().end
    }
}

/// The hypernetwork of one modulated layer: latent to P [n_out, rank], then Q [rank, n_in], of the
/// layer's sizes. Hidden layers end in tanh, the last is linear.
#[derive(Clone, Debug, PartialEq)]
pub struct Hyper {
    /// The base layer that is modulated.
    pub layer: usize,
    /// Rank r.
    pub rank: usize,
    /// Its layers.
    pub layers: Vec<Dense>,
}

/// Kinds of tensors; each has its own bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TensorKind {
    /// Hash tables.
    Encoding,
    /// Base network.
    Base,
    /// Hypernetworks.
    Hyper,
    /// Latents.
    Latents,
}

/// A named tensor of the parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaperTensor {
    /// Name, unique in its group.
    pub name: String,
    /// Kind.
    pub kind: TensorKind,
    /// Where it lies in the parameters.
    pub range: Range<usize>,
}

/// Everything the operations need to know about a group's model. Parameters lie in this order:
/// encoding, base layers, hypernetworks, latents [n_frames, d_latent].
#[derive(Clone, Debug, PartialEq)]
pub struct PaperShape {
    /// Width of the source in pixels.
    pub width: usize,
    /// Height of the source in pixels.
    pub height: usize,
    /// Frames of the group.
    pub n_frames: usize,
    /// Components of a pixel, 1 or 3.
    pub n_out: usize,
    /// Side of the patch of pixels that one point yields.
    pub patch: usize,
    /// Coordinates to features.
    pub encoding: Encoding,
    /// Base network: ReLU after each layer but the last, which yields [n_out, patch, patch].
    pub layers: Vec<Dense>,
    /// Hypernetworks, by ascending layer; at least one.
    pub hyper: Vec<Hyper>,
    /// Dimensions of a latent.
    pub d_latent: usize,
    /// Where the latents begin in the parameters.
    pub latents: usize,
}

impl PaperShape {
    /// Parameters.
    pub fn len(&self) -> usize {
        self.latents + self.n_frames * self.d_latent
    }

    /// Whether there are no parameters (there always are some).
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Features per point.
    pub fn n_features(&self) -> usize {
        self.layers[0].n_in
    }

    /// Values per point: components times pixels of a patch.
    pub fn n_values(&self) -> usize {
        self.n_out * self.patch * self.patch
    }

    /// Layers that do not depend on time: those before the first modulated one.
    pub fn n_prefix(&self) -> usize {
        self.hyper[0].layer
    }

    /// Where the encoding and the base network end in the parameters.
    pub fn n_shared(&self) -> usize {
        self.layers.last().map_or(0, |l| l.range().end)
    }

    /// Where the hash tables end in the parameters.
    pub fn n_encoding(&self) -> usize {
        self.layers[0].offset
    }

    /// Where the latent of a frame lies in the parameters.
    pub fn latent(&self, frame: usize) -> Range<usize> {
        let start = self.latents + frame * self.d_latent;
        start..start + self.d_latent
    }

    /// Which of the hypernetworks modulates a layer, if any.
    pub fn hyper_of(&self, layer: usize) -> Option<usize> {
        self.hyper.iter().position(|h| h.layer == layer)
    }

    /// The frames around time `tau` and the weight of the second; times outside are clamped.
    pub fn frames_at(&self, tau: f32) -> (usize, usize, f32) {
        let tau = tau.clamp(0.0, (self.n_frames - 1) as f32);
        let a = tau as usize;
        (a, (a + 1).min(self.n_frames - 1), tau - a as f32)
    }

    /// z(tau): linear between the latents of frames (paper Eq. 4).
    pub fn latent_at(&self, tau: f32, params: &[f32]) -> Vec<f32> {
        let (a, b, w) = self.frames_at(tau);
        let (za, zb) = (&params[self.latent(a)], &params[self.latent(b)]);
        za.iter().zip(zb).map(|(a, b)| a * (1.0 - w) + b * w).collect()
    }

    /// The centres of the patches of a frame, every `step`-th both ways from `phase` on.
    pub fn centres(&self, step: usize, phase: (usize, usize)) -> Lattice {
        let p = self.patch;
        let all = (self.width.div_ceil(p), self.height.div_ceil(p));
        let lattice = Lattice::subset(all, step, phase);
        let pixel = |v: f32| (v + 0.5) * p as f32 - 0.5;
        Lattice {
            x0: pixel(lattice.x0),
            dx: lattice.dx * p as f32,
            y0: pixel(lattice.y0),
            dy: lattice.dy * p as f32,
            ..lattice
        }
    }

    /// The centres of the patches that cover a picture of `size` laid over the source.
    pub fn centres_of(&self, size: (usize, usize)) -> Lattice {
        let p = self.patch;
        let points = Lattice::resized((self.width, self.height), size);
        let axis = |x0: f32, dx: f32| (x0 + 0.5 * (p - 1) as f32 * dx, p as f32 * dx);
        let ((x0, dx), (y0, dy)) = (axis(points.x0, points.dx), axis(points.y0, points.dy));
        Lattice { x0, dx, nx: size.0.div_ceil(p), y0, dy, ny: size.1.div_ceil(p) }
    }

    /// All tensors, latents first.
    pub fn tensors(&self) -> Vec<PaperTensor> {
        let end = self.len();
        let mut all = Vec::new();
        let mut add = |name: String, kind, range: Range<usize>| {
            if !range.is_empty() {
                all.push(PaperTensor { name, kind, range });
            }
        };
        add("latents".into(), TensorKind::Latents, self.latents..end);
        if let Encoding::Hash { levels, n_features } = &self.encoding {
            for (i, l) in levels.iter().enumerate() {
                let range = l.offset..l.offset + l.n_entries * n_features;
                add(format!("hash level {i}"), TensorKind::Encoding, range);
            }
        }
        for (i, l) in self.layers.iter().enumerate() {
            add(format!("base layer {i} weights"), TensorKind::Base, l.weights());
            add(format!("base layer {i} biases"), TensorKind::Base, l.bias());
        }
        for h in &self.hyper {
            for (i, l) in h.layers.iter().enumerate() {
                let name = format!("hypernetwork of layer {} layer {i}", h.layer);
                add(format!("{name} weights"), TensorKind::Hyper, l.weights());
                add(format!("{name} biases"), TensorKind::Hyper, l.bias());
            }
        }
        all
    }
}
