// SPDX-License-Identifier: MIT OR Apache-2.0

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::base::{Error, Result};

/// How far the training of one group is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Progress {
    /// Number of the group in the sequence, from 0.
    pub group: u64,
    /// Frames of the group.
    pub n_frames: u32,
    /// Iterations done.
    pub iteration: u32,
    /// Iterations in all.
    pub n_iterations: u32,
    /// PSNR of recent training steps in dB (a running estimate).
    pub psnr: f32,
    /// Seconds spent on this group.
    pub elapsed: f32,
}

impl Progress {
    /// Seconds left for this group at the pace so far.
    pub fn eta(&self) -> f32 {
        let left = self.n_iterations.saturating_sub(self.iteration) as f32;
        self.elapsed * left / self.iteration.max(1) as f32
    }
}

/// A flag that stops long work between two iterations; clones share it.
#[derive(Clone, Debug, Default)]
pub struct CancelFlag {
    own: Arc<AtomicBool>,
    /// Another one whose wish to stop counts here, too.
    parent: Option<Arc<AtomicBool>>,
}

impl CancelFlag {
    /// Asks for a stop, or withdraws the wish.
    pub fn set(&self, cancel: bool) {
        self.own.store(cancel, Ordering::Release);
    }

    /// Whether a stop was asked for.
    pub fn is_set(&self) -> bool {
        let is_set = |flag: &AtomicBool| flag.load(Ordering::Acquire);
        is_set(&self.own) || self.parent.as_deref().is_some_and(is_set)
    }

    /// A flag that is set where this one is, or by itself.
    pub(super) fn child(&self) -> Self {
        Self { own: Arc::default(), parent: Some(self.own.clone()) }
    }

    /// # Errors
    /// [`Error::Cancelled`] when a stop was asked for.
    pub fn check(&self) -> Result<()> {
        if self.is_set() { Err(Error::Cancelled) } else { Ok(()) }
    }
}

/// What long work listens to and reports to.
#[derive(Default)]
pub struct Control<'a> {
    /// Polled at every iteration.
    pub cancel: CancelFlag,
    /// Called at every iteration, so it must be quick.
    pub progress: Option<&'a mut (dyn FnMut(&Progress) + Send)>,
}

impl Control<'_> {
    /// # Errors
    /// [`Error::Cancelled`] when a stop was asked for.
    pub fn check(&self) -> Result<()> {
        self.cancel.check()
    }

    /// Reports progress to the listener, if there is one.
    pub fn report(&mut self, progress: &Progress) {
        if let Some(f) = self.progress.as_mut() {
            f(progress);
        }
    }
}
