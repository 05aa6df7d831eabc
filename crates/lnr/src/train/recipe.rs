// SPDX-License-Identifier: MIT OR Apache-2.0

use crate::model::FirstValues;

/// Which pixels the steps of an epoch see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Points {
    /// A step sees one frame: one pixel in `n` x `n`, at a random phase. An epoch visits every frame.
    OfAFrame(usize),
    /// A step sees the same points of all frames, about so many pixels. An epoch shows every point
    /// once.
    OfAllFrames(usize),
}

/// Decays of the moments of Adam.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Decays {
    /// Of the first moment.
    pub beta1: f32,
    /// Of the second moment.
    pub beta2: f32,
}

/// How a group is trained.
#[derive(Clone, Debug, PartialEq)]
pub struct Recipe {
    /// Price of a bit: the loss is MSE (of components scaled to 0..=1) + lambda * bits per pixel, for
    /// what is stored as symbols.
    pub lambda: f32,
    /// How much the squared errors of Cb and Cr count where that of luma counts as 1; `None`: the error is
    /// that of R'G'B'.
    pub chroma: Option<[f32; 2]>,
    /// Bits that the group should take; lambda is then only where the search begins.
    pub target_bits: Option<f64>,
    /// Visits of every frame, or of every point.
    pub epochs: u32,
    /// Which points a step sees.
    pub points: Points,
    /// Steps between two looks at the rate of the canonical planes; its gradient is kept meanwhile.
    pub rate_interval: u32,
    /// Learning rate of the base network, the scales and the entropy models.
    pub network_rate: f32,
    /// Learning rate of hypernetworks and latents.
    pub hyper_rate: f32,
    /// Learning rate of canonical planes, in symbols.
    pub canonical_rate: f32,
    /// Learning rate of residual and blend planes, in symbols.
    pub residual_rate: f32,
    /// Learning rate of motion planes of the finest level, in symbols; doubled per level.
    pub motion_rate: f32,
    /// Learning rate of hash tables.
    pub table_rate: f32,
    /// Of everything that every step touches.
    pub decays: Decays,
    /// Steps in which learning rates rise: so many, and so large a part of all, but a quarter of them at most.
    pub warm_up: (f32, f32),
    /// Learning rates at the end, as a part of the highest.
    pub last_rate: f32,
    /// Learning rates fall along a cosine of (the part done) to this power: above 1 they stay high longer.
    pub hold: f32,
    /// Temperature of the soft rounding, first and last.
    pub temperature: (f32, f32),
    /// Width of the noise, first and last.
    pub noise: (f32, f32),
    /// Seed of everything random.
    pub seed: u64,
    /// Where the grids of the model that is trained begin, where that is not at zero.
    pub start: Vec<FirstValues>,
}

/// Visits from which on a training of a grid model is long: it has the time for more exact steps.
pub const MANY_VISITS: u32 = 120;

/// For grid models. The visits of one anchor are noisy: a long memory of their size saves 3 % of the bytes
/// of groups with anchors, if the training is much longer than it.
fn decays(epochs: u32) -> Decays {
    Decays { beta1: 0.9, beta2: if epochs >= MANY_VISITS { 0.998 } else { 0.99 } }
}

impl Recipe {
    /// For grid models: the recipe of `docs/adr/0003`, measured on clips it was not tuned on as well.
    pub fn grids(lambda: f32, epochs: u32, seed: u64) -> Self {
        // Short trainings take large steps to the end: 2 % less at 12 epochs, 1 % more at 40.
        let short = 40.0 / epochs.max(1) as f32;
        Self {
            lambda,
            // R'G'B' would have Cb at 1.1 and Cr at 0.9: pictures then have chroma 1.7 dB better than that of
            // other codecs, and luma worse (docs/adr/0003).
            chroma: Some([0.7, 0.9]),
            target_bits: None,
            epochs,
            points: Points::OfAFrame(2),
            rate_interval: 4,
            network_rate: 0.02 * short.sqrt().clamp(1.0, 2.0),
            hyper_rate: 0.004,
            canonical_rate: 0.2,
            residual_rate: 0.4,
            motion_rate: 0.4,
            table_rate: 0.0,
            decays: decays(epochs),
            // Of 33 frames a ninth of 24 visits, a fourteenth of 180; too short spoils the network.
            warm_up: (40.0, 1.0 / 16.0),
            last_rate: 0.02 * short.clamp(1.0, 5.0),
            hold: 1.4,
            temperature: (0.7, 0.15),
            noise: (1.0, 0.4),
            seed,
            start: Vec::new(),
        }
    }

    /// For coordinate networks: the paper's Adam (section 3.4 and appendix A), with the learning rate
    /// of Instant-NGP for hash tables. At 8192 pixels a step of the paper's width takes less than a
    /// second, and training stops as soon when it is cancelled.
    pub fn coordinates(epochs: u32, seed: u64) -> Self {
        Self {
            chroma: None,
            points: Points::OfAllFrames(8192),
            network_rate: 5e-4,
            hyper_rate: 5e-4,
            table_rate: 1e-2,
            decays: Decays { beta1: 0.9, beta2: 0.999 },
            warm_up: (60.0, 0.0),
            last_rate: 0.02,
            hold: 1.0,
            ..Self::grids(0.0, epochs, seed)
        }
    }

    /// A tenth of this one's visits, at most twelve, which are enough to choose a model by; `None` where
    /// that leaves fewer than six: four chose anchors for a clip that is 5 % better without.
    pub fn trial(&self) -> Option<Self> {
        let epochs = (self.epochs / 10).min(12);
        let decays = decays(epochs);
        (epochs >= 6).then(|| Self { epochs, target_bits: None, decays, ..self.clone() })
    }

    /// The same with learning rates half as high, for another try at what diverged.
    pub fn halved(&self) -> Self {
        Self {
            network_rate: 0.5 * self.network_rate,
            hyper_rate: 0.5 * self.hyper_rate,
            canonical_rate: 0.5 * self.canonical_rate,
            residual_rate: 0.5 * self.residual_rate,
            motion_rate: 0.5 * self.motion_rate,
            table_rate: 0.5 * self.table_rate,
            ..self.clone()
        }
    }

    /// Factor of all learning rates at `step` of `n_steps`: a warm-up, then a cosine.
    pub fn schedule(&self, step: u32, n_steps: u32) -> f32 {
        let n = n_steps as f32;
        let warm_up = (self.warm_up.0 + n * self.warm_up.1).min(n / 4.0);
        let u = (step as f32 / n_steps.max(1) as f32).powf(self.hold);
        let cosine = 0.5 * (1.0 + (std::f32::consts::PI * u).cos());
        ((step + 1) as f32 / warm_up).min(1.0) * (cosine * (1.0 - self.last_rate) + self.last_rate)
    }
}
