// SPDX-License-Identifier: MIT OR Apache-2.0
//! Spends a bit rate over the groups of a sequence.

use std::collections::VecDeque;

use super::plan::LAMBDA_50;
use super::{EncoderSettings, RateControl};

/// A group knows what groups took that lie at least so many before it, however many are trained at
/// once: what it aims at must not depend on that. The longer, the later a rate is corrected.
pub const LAG: usize = 2;

/// Bits that were due and those that were spent. Every group is planned when it begins, and settled
/// when it is finished; both happen in order.
pub struct BitBudget {
    /// Bits per ns.
    rate: f64,
    n_pixels: f64,
    /// Groups planned so far.
    n_planned: usize,
    /// The last ones, of which the next group need not know what they took.
    recent: VecDeque<Entry>,
    /// Bits that those before were short of what was due.
    saved: f64,
    /// Bits that those before aimed at, and those that they took.
    aimed: f64,
    taken: f64,
    /// The price that the last of those before ended with.
    lambda: Option<f32>,
}

struct Entry {
    /// Bits that were due.
    share: f64,
    /// Bits that it aims at.
    target: f64,
    /// Bits that it took, and the price that it ended with.
    taken: Option<(f64, f32)>,
}

impl BitBudget {
    /// `None` unless a bit rate is asked for.
    pub fn new(settings: &EncoderSettings) -> Option<Self> {
        let RateControl::Bitrate(kbit) = settings.rate_control else { return None };
        let rate = f64::from(kbit) * 1000.0 / 1e9;
        let n_pixels = settings.format.n_pixels() as f64;
        let recent = VecDeque::new();
        Some(Self {
            rate,
            n_pixels,
            n_planned: 0,
            recent,
            saved: 0.0,
            aimed: 0.0,
            taken: 0.0,
            lambda: None,
        })
    }

    /// Groups of which the next one need not know anything: all know how the first one ended, whose
    /// price they begin with.
    fn n_unknown(&self) -> usize {
        self.n_planned.saturating_sub(1).min(LAG - 1)
    }

    /// Whether the next group can be planned.
    pub fn is_ready(&self) -> bool {
        let n_known = self.recent.len().saturating_sub(self.n_unknown());
        self.recent.iter().take(n_known).all(|group| group.taken.is_some())
    }

    /// Whether no other group can be trained beside the next one.
    pub fn is_alone(&self) -> bool {
        self.n_planned == 0
    }

    /// Bits for the next group, of `duration` ns, and the price to begin with. The bits are its share,
    /// less what those before spent too much (or more, up to twice its share), where those of which it
    /// does not know are taken to miss their aims as those before did on the whole: trainings of one
    /// video miss in one direction. The price is the one that the last group it knows ended with, or one
    /// that is usual for so many bits. Call it when the budget is ready.
    pub fn plan(&mut self, duration: u64, n_frames: usize) -> (f64, f32) {
        while self.recent.len() > self.n_unknown() {
            let Some(Entry { share, target, taken }) = self.recent.pop_front() else { break };
            let (bits, lambda) = taken.map_or((target, None), |(bits, l)| (bits, Some(l)));
            self.saved += share - bits;
            self.aimed += target;
            self.taken += bits;
            self.lambda = lambda.or(self.lambda);
        }
        let share = self.rate * duration as f64;
        let miss = if self.aimed > 0.0 { self.taken / self.aimed } else { 1.0 };
        let saved = self.saved + self.recent.iter().map(|g| g.share - miss * g.target).sum::<f64>();
        let target = (share + saved).clamp(0.25 * share, 2.0 * share);
        self.recent.push_back(Entry { share, target, taken: None });
        self.n_planned += 1;
        let usual = || {
            let bpp = target / n_frames as f64 / self.n_pixels;
            (f64::from(LAMBDA_50) * (0.11 / bpp.max(1e-4)).powi(2)) as f32
        };
        (target, self.lambda.unwrap_or_else(usual).clamp(1e-5, 1.0))
    }

    /// Notes what the first group took that is not settled.
    pub fn settle(&mut self, bits: f64, lambda: f32) {
        if let Some(group) = self.recent.iter_mut().find(|group| group.taken.is_none()) {
            group.taken = Some((bits, lambda));
        }
    }

    /// Forgets the groups that are not settled: they will not be.
    pub fn forget_open(&mut self) {
        let n_before = self.recent.len();
        self.recent.retain(|group| group.taken.is_some());
        self.n_planned -= n_before - self.recent.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Chroma, PictureFormat};

    /// A second at 1000 bit/s.
    const SECOND: u64 = 1_000_000_000;

    fn budget() -> BitBudget {
        let format = PictureFormat::new(10, 10, Chroma::Gray, 8);
        BitBudget::new(&EncoderSettings::new(format).bitrate(1)).unwrap()
    }

    /// Targets of ten groups that take `excess` too many bits, where as many as possible are begun
    /// before one is settled.
    fn targets(excess: f64, at_once: usize) -> Vec<(f64, f32)> {
        let mut budget = budget();
        let mut plans: Vec<(f64, f32)> = Vec::new();
        let mut n_settled = 0;
        while plans.len() < 10 {
            if budget.is_ready() && plans.len() - n_settled < at_once {
                plans.push(budget.plan(SECOND, 10));
            } else {
                budget.settle(plans[n_settled].0 + excess, 1e-3 * (n_settled + 1) as f32);
                n_settled += 1;
            }
        }
        plans
    }

    #[test]
    fn aims_do_not_depend_on_how_many_are_trained_at_once() {
        let one = targets(70.0, 1);
        assert_eq!(one[0].0, 1000.0);
        assert_eq!(one[1], (930.0, 1e-3));
        // The third group knows of the first, the fourth of the second.
        assert_eq!([one[2].1, one[3].1], [1e-3, 1e-3 * 2.0]);
        for at_once in 2..=LAG + 1 {
            assert_eq!(targets(70.0, at_once), one, "{at_once} at once");
        }
    }

    #[test]
    fn what_all_groups_miss_is_made_up_for() {
        let all: f64 = targets(100.0, 1).iter().map(|(target, _)| target + 100.0).sum();
        assert!((all / 10_000.0 - 1.0).abs() < 0.03, "{all}");
    }

    #[test]
    fn what_is_not_settled_is_waited_for() {
        let mut budget = budget();
        assert!(budget.is_alone() && budget.is_ready());
        budget.plan(SECOND, 10);
        assert!(!budget.is_alone() && !budget.is_ready());
        budget.settle(1000.0, 1e-3);
        for _ in 1..=LAG {
            assert!(budget.is_ready());
            budget.plan(SECOND, 10);
        }
        assert!(!budget.is_ready());
        budget.settle(1000.0, 1e-3);
        assert!(budget.is_ready());
    }

    #[test]
    fn no_group_gets_next_to_nothing() {
        let mut budget = budget();
        budget.plan(SECOND, 10);
        budget.settle(9000.0, 1e-3);
        assert_eq!(budget.plan(SECOND, 10).0, 250.0);
    }
}
