// SPDX-License-Identifier: MIT OR Apache-2.0

use crate::codec::{Choice, EmbeddingStats};

/// Running totals of an encoder.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct EncoderStats {
    /// Groups written.
    pub groups: u64,
    /// Frames written.
    pub frames: u64,
    /// Bytes written.
    pub bytes: u64,
    /// Mean over frames of the RGB PSNR in dB of what the written bytes decode to.
    pub psnr: f64,
    /// Training iterations so far.
    pub iterations: u64,
    /// Seconds spent on each group, added up: more than passed where several are trained at once.
    pub seconds: f64,
    /// Short trainings that models were chosen by, but for groups that were taken over from a file.
    pub trials: u64,
    /// Groups that got anchors.
    pub groups_with_anchors: u64,
    /// Groups that end before the frames that they could have had, because optical flow sees a scene give
    /// way to another there; but for those that were taken over from a file.
    pub groups_split: u64,
    /// What it took to say what frames mean, but for groups that were taken over from a file.
    pub embedding: EmbeddingStats,
    /// What was chosen for the last group.
    pub choice: Choice,
}

impl EncoderStats {
    /// Counts a group.
    pub(super) fn add(&mut self, n_frames: usize, bytes: u64, psnr: f64) {
        let n = n_frames as f64;
        self.psnr = (self.psnr * self.frames as f64 + psnr * n) / (self.frames as f64 + n);
        self.groups += 1;
        self.frames += n_frames as u64;
        self.bytes += bytes;
    }

    /// Counts what was chosen for a group.
    pub(super) fn add_choice(&mut self, choice: Choice) {
        self.trials += u64::from(choice.n_trials);
        self.groups_with_anchors += u64::from(choice.anchor_step > 0);
        self.choice = choice;
    }
}
