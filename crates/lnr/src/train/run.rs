// SPDX-License-Identifier: MIT OR Apache-2.0
//! What every training has in common: progress, cancellation, the measure of the error.

use crate::base::{Picture, Result};

/// What training reports after every step.
#[derive(Clone, Copy, Debug)]
pub struct Report {
    /// Steps done.
    pub step: u32,
    /// Steps in all.
    pub n_steps: u32,
    /// Mean squared error of recent steps, of R'G'B' scaled to 0..=1.
    pub mse: f32,
}

/// Counts the steps and asks after each whether to go on.
pub(super) struct Steps<'a> {
    state: Report,
    /// Steps over which the error is averaged.
    window: usize,
    /// Steps whose error is known.
    n_known: u32,
    report: &'a mut dyn FnMut(&Report) -> Result<()>,
}

impl<'a> Steps<'a> {
    pub fn new(
        n_steps: u32,
        window: usize,
        report: &'a mut dyn FnMut(&Report) -> Result<()>,
    ) -> Self {
        Self { state: Report { step: 0, n_steps, mse: 0.0 }, window, n_known: 0, report }
    }

    /// Steps done.
    pub fn n_done(&self) -> u32 {
        self.state.step
    }

    /// Notes that a step was done, and the errors of steps that are known by now.
    pub fn done(&mut self, errors: &[f32]) -> Result<()> {
        let s = &mut self.state;
        let share = 1.0 / self.window.max(1) as f32;
        for &error in errors {
            s.mse = if self.n_known == 0 { error } else { s.mse + (error - s.mse) * share };
            self.n_known += 1;
        }
        s.step += 1;
        self.poll()
    }

    /// Asks whether to go on.
    pub fn poll(&mut self) -> Result<()> {
        (self.report)(&self.state)
    }
}

/// d^T form d is the squared error in R'G'B' of an error d of the components.
pub(super) fn error_form(picture: &Picture) -> [[f32; 3]; 3] {
    let format = picture.format();
    let mut form = [[0.0; 3]; 3];
    if format.chroma.n_planes() == 1 {
        form[0][0] = 1.0;
        return form;
    }
    let m = format.color.to_rgb(format.depth, format.height);
    for (i, row) in form.iter_mut().enumerate() {
        for (j, f) in row.iter_mut().enumerate() {
            *f = m.iter().map(|m| m[i] * m[j]).sum();
        }
    }
    form
}
