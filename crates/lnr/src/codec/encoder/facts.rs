// SPDX-License-Identifier: MIT OR Apache-2.0
//! What an encoder tells of itself.

use super::{Encoder, EncoderStats};
use crate::codec::{BackendInfo, EncoderSettings};

impl Encoder {
    /// Frames that it holds: those that wait for their group to close, and those of groups that were
    /// not returned yet.
    pub fn n_pending(&self) -> usize {
        self.pending.len() + self.queue.n_frames() + self.ready.len()
    }

    /// Most frames that `push` holds back before it returns their access units: those of one group, and
    /// of the groups that are trained meanwhile where there are several at once.
    pub fn max_delay_frames(&self) -> u32 {
        (self.max_frames * (self.queue.capacity() + 1)) as u32
    }

    /// Groups that are trained at once, at most.
    pub fn jobs(&self) -> usize {
        self.queue.n_jobs()
    }

    /// Totals so far.
    pub fn stats(&self) -> &EncoderStats {
        &self.stats
    }

    /// What it computes with.
    pub fn backend(&self) -> BackendInfo {
        self.engine.info()
    }

    /// The settings.
    pub fn settings(&self) -> &EncoderSettings {
        &self.settings
    }
}
