// SPDX-License-Identifier: MIT OR Apache-2.0

/// How a group is trained.
#[derive(Clone, Debug, PartialEq)]
pub struct Recipe {
    /// Price of a bit: the loss is MSE (of R'G'B' scaled to 0..=1) + lambda * bits per pixel.
    pub lambda: f32,
    /// Bits that the group should take; lambda is then only where the search begins.
    pub target_bits: Option<f64>,
    /// Visits of every frame.
    pub epochs: u32,
    /// Every step sees one pixel in `lattice` x `lattice`, at a random phase.
    pub lattice: usize,
    /// Steps between two looks at the rate of the canonical planes; its gradient is kept meanwhile.
    pub rate_interval: u32,
    /// Learning rate of the network and the entropy models.
    pub network_rate: f32,
    /// Learning rate of hypernetwork and latents.
    pub hyper_rate: f32,
    /// Learning rate of canonical planes, in symbols.
    pub canonical_rate: f32,
    /// Learning rate of residual planes, in symbols.
    pub residual_rate: f32,
    /// Learning rate of motion planes of the finest level, in symbols; doubled per level.
    pub motion_rate: f32,
    /// Temperature of the soft rounding, first and last.
    pub temperature: (f32, f32),
    /// Width of the noise, first and last.
    pub noise: (f32, f32),
    /// Seed of everything random.
    pub seed: u64,
}

impl Recipe {
    /// The recipe of `docs/adr/0003`, measured on clips it was not tuned on as well.
    pub fn new(lambda: f32, epochs: u32, seed: u64) -> Self {
        Self {
            lambda,
            target_bits: None,
            epochs,
            lattice: 2,
            rate_interval: 4,
            network_rate: 0.02,
            hyper_rate: 0.004,
            canonical_rate: 0.2,
            residual_rate: 0.4,
            motion_rate: 0.4,
            temperature: (0.7, 0.15),
            noise: (1.0, 0.6),
            seed,
        }
    }

    /// Factor of all learning rates at `step` of `n_steps`: a warm-up, then a cosine.
    pub fn schedule(&self, step: u32, n_steps: u32) -> f32 {
        const WARM_UP: f32 = 60.0;
        const LAST: f32 = 0.02;
        let u = step as f32 / n_steps.max(1) as f32;
        let cosine = 0.5 * (1.0 + (std::f32::consts::PI * u).cos());
        ((step + 1) as f32 / WARM_UP).min(1.0) * (cosine * (1.0 - LAST) + LAST)
    }
}
