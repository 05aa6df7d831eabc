// SPDX-License-Identifier: MIT OR Apache-2.0
//! Steers the price of a bit so that a group takes as many bits as it should.

/// Measurements of the real size in a training run.
const MEASUREMENTS: u32 = 20;
/// Parts of the training in which the price is steered: the first steps tell nothing yet, the last
/// ones train at a settled price.
const PROGRESS: std::ops::Range<f32> = 0.1..0.95;
/// How much the logarithm of the price moves in a whole training, for a size that is e times too
/// large. Sizes fall about with the square root of the price, so e^2 makes up for it: 12 does in a
/// sixth of a training, after which there is time to settle. The test's group follows as late as ours.
const GAIN: f32 = 12.0;
/// For how many measurements to come the trend is taken to go on: the size follows the price late.
const AHEAD: f64 = 5.0;

/// What steering remembers.
pub struct Steering {
    /// Bits that the group really takes over those that training foresees.
    overhead: f64,
    /// Bits that it took when last measured.
    real_bits: f64,
    /// Change of their logarithm since the time before.
    trend: f64,
    /// Every price so far.
    log_lambdas: Vec<f32>,
}

impl Default for Steering {
    fn default() -> Self {
        Self { overhead: 0.9, real_bits: 0.0, trend: 0.0, log_lambdas: Vec::new() }
    }
}

impl Steering {
    /// Whether the price is to be steered at a step.
    pub fn is_on(step: u32, n_steps: u32) -> bool {
        PROGRESS.contains(&(step as f32 / n_steps as f32))
    }

    /// Whether the real size is to be measured at a step.
    pub fn measures(step: u32, n_steps: u32) -> bool {
        step.is_multiple_of((n_steps / MEASUREMENTS).max(1))
    }

    /// Notes that a group takes `real` bits where training foresees `foreseen`.
    pub fn note(&mut self, real: f64, foreseen: f64) {
        self.overhead = real / foreseen.max(1.0);
        let last = std::mem::replace(&mut self.real_bits, real);
        self.trend = if last > 0.0 { (real / last).ln() } else { 0.0 };
    }

    /// The next price, where one of `n_steps` steps is done at `lambda` and a learning rate of
    /// `pace` times the highest.
    pub fn steer(
        &mut self,
        lambda: f32,
        foreseen: f64,
        target: f64,
        (pace, n_steps): (f32, u32),
    ) -> f32 {
        let size = (foreseen * self.overhead / target).ln() + AHEAD * self.trend;
        let excess = size.clamp(-1.0, 1.0) as f32;
        // The slower the learning, the less the size follows.
        let gain = GAIN / n_steps as f32 / pace.max(0.2);
        let next = (lambda * (gain * excess).exp()).clamp(1e-6, 10.0);
        self.log_lambdas.push(next.ln());
        next
    }

    /// The geometric mean of the prices so far, `lambda` when there were none.
    pub fn mean(&self, lambda: f32) -> f32 {
        match self.log_lambdas.len() {
            0 => lambda,
            n => (self.log_lambdas.iter().sum::<f32>() / n as f32).exp(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Trains a size that follows the price slowly, ever more so, as groups do, and returns it.
    fn run(target: f64) -> (f64, f32) {
        let mut steering = Steering::default();
        let (mut lambda, mut log_bits) = (4e-3f32, 12.0f64);
        const N: u32 = 2000;
        for step in (0..N).filter(|&s| Steering::is_on(s, N)) {
            let pace = 0.5 * (1.0 + (std::f32::consts::PI * step as f32 / N as f32).cos());
            let settled = 11.0 - 0.5 * f64::from((lambda / 4e-3).ln());
            log_bits += 0.015 * f64::from(pace) * (settled - log_bits);
            let foreseen = log_bits.exp() * 1.25;
            if Steering::measures(step, N) {
                steering.note(log_bits.exp(), foreseen);
            }
            lambda = steering.steer(lambda, foreseen, target, (pace, N));
        }
        (log_bits.exp(), steering.mean(lambda))
    }

    #[test]
    fn sizes_come_near_targets_that_lie_apart() {
        for target in [30e3, 60e3, 120e3] {
            let (bits, mean) = run(target);
            assert!((bits / target - 1.0).abs() < 0.15, "{bits} bits for {target}");
            assert!((1e-4..0.2).contains(&mean), "{mean}");
        }
    }
}
