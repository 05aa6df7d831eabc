// SPDX-License-Identifier: MIT OR Apache-2.0
//! The entropy model of training over planes of symbols: bits, and gradients of the bits.

use rayon::prelude::*;

use super::super::{Causal, Entropy, Grid, Grids, RatePlane};
use super::rate_kernel::{HIDDEN, MAX_INPUTS, RowSums};
use super::rate_planes::{Bordered, PAD, RateCall};
use super::simd::Isa;

/// Entries of a plane that one task takes; fixed, so that sums do not depend on the threads.
const CHUNK: usize = 4096;

/// Scratch memory: planes with a border of zeros, and one set of sums per task.
#[derive(Default)]
pub struct RateScratch {
    planes: Vec<Bordered>,
    tasks: Vec<RowTask>,
}

/// Some rows of a plane, and what is summed over them.
#[derive(Default)]
pub struct RowTask {
    pub plane: usize,
    pub rows: std::ops::Range<usize>,
    pub biases: usize,
    pub sums: RowSums,
}

/// Rows of a plane that one task takes.
fn task_rows(grid: &Grid) -> usize {
    (CHUNK / grid.width).max(1)
}

impl RateScratch {
    /// Bytes of what the rate of any of these sources needs: it is kept from one to the next.
    pub fn bytes<'a>(sources: impl Iterator<Item = &'a Grids>) -> usize {
        // Of every plane and of every task, and of the gradient of the model in a task.
        let [mut planes, mut tasks, mut models] = [const { Vec::new() }; 3];
        let keep = |all: &mut Vec<usize>, at: usize, floats: usize| {
            all.resize(all.len().max(at + 1), 0);
            all[at] = all[at].max(floats);
        };
        for source in sources {
            let before = if source.reads_node_before() { Causal::BEFORE.len() } else { 0 };
            let n_inputs = Causal::HERE.len() + before + 1;
            let grids = source.levels.iter().flat_map(|l| vec![l.grid; source.n_components]);
            let mut task = 0;
            for (i, grid) in grids.enumerate() {
                let pitch = Bordered::pitch(grid.width);
                keep(&mut planes, i, 3 * (grid.height + 2 * PAD) * pitch);
                let rows = task_rows(&grid);
                for start in (0..grid.height).step_by(rows) {
                    let n = (start + rows).min(grid.height) - start;
                    keep(&mut tasks, task, 2 * (n + 2 * PAD) * pitch);
                    keep(&mut models, task, RowSums::model_len(n_inputs));
                    task += 1;
                }
            }
        }
        4 * planes.iter().chain(&tasks).chain(&models).sum::<usize>()
    }

    /// Bytes that it holds.
    #[cfg(test)]
    pub fn held(&self) -> usize {
        let all = |p: &Bordered| [&p.here, &p.before, &p.extra].map(Vec::capacity);
        let planes = self.planes.iter().flat_map(all);
        let tasks = self.tasks.iter().map(|t| t.sums.capacity());
        4 * planes.chain(tasks).sum::<usize>()
    }
}

/// See [`super::super::Backend::rate`].
pub fn rate(
    isa: Isa,
    scratch: &mut RateScratch,
    entropy: &Entropy,
    planes: &[RatePlane],
    symbols: &[f32],
    model: &[f32],
    weight: f32,
    grads: Option<(&mut Vec<f32>, &mut Vec<f32>)>,
) -> f64 {
    debug_assert!(entropy.n_inputs() <= MAX_INPUTS && Entropy::HIDDEN == HIDDEN);
    if scratch.planes.len() < planes.len() {
        scratch.planes.resize_with(planes.len(), Default::default);
    }
    scratch.planes.par_iter_mut().zip(planes).for_each(|(b, p)| b.fill(p, symbols));
    let mut n_tasks = 0;
    for (i, plane) in planes.iter().enumerate() {
        let rows = task_rows(&plane.grid);
        for start in (0..plane.grid.height).step_by(rows) {
            if scratch.tasks.len() == n_tasks {
                scratch.tasks.push(RowTask::default());
            }
            let task = &mut scratch.tasks[n_tasks];
            task.plane = i;
            task.biases = plane.biases;
            task.rows = start..(start + rows).min(plane.grid.height);
            n_tasks += 1;
        }
    }
    let call = RateCall::new(entropy, model, weight, grads.is_some());
    let tasks = &mut scratch.tasks[..n_tasks];
    let bordered = &scratch.planes;
    tasks.par_iter_mut().for_each(|t| t.run(isa, &call, &bordered[t.plane]));
    if let Some((d_symbols, d_model)) = grads {
        for task in tasks.iter() {
            task.add_to(&planes[task.plane], &bordered[task.plane], entropy, d_symbols, d_model);
        }
    }
    tasks.iter().map(|t| t.sums.bits).sum()
}

impl RowTask {
    fn run(&mut self, isa: Isa, call: &RateCall, plane: &Bordered) {
        let len = (self.rows.len() + 2 * PAD) * plane.pitch;
        self.sums.clear(call, len);
        isa.run(super::rate_kernel::Rows {
            call,
            plane,
            rows: self.rows.clone(),
            biases: &call.model[call.entropy.biases(self.biases)],
            sums: &mut self.sums,
        });
    }

    fn add_to(
        &self,
        plane: &RatePlane,
        bordered: &Bordered,
        entropy: &Entropy,
        d_symbols: &mut [f32],
        d_model: &mut [f32],
    ) {
        let (w, pitch) = (bordered.width, bordered.pitch);
        let first = self.rows.start as isize - PAD as isize;
        for (offset, d) in
            [(Some(plane.offset), &self.sums.d_here), (plane.before, &self.sums.d_before)]
        {
            let Some(offset) = offset else { continue };
            for (i, row) in d.chunks_exact(pitch).enumerate() {
                let y = first + i as isize;
                if (0..bordered.height as isize).contains(&y) {
                    let to = &mut d_symbols[offset + y as usize * w..][..w];
                    to.iter_mut().zip(&row[PAD..]).for_each(|(t, d)| *t += d);
                }
            }
        }
        self.sums.add_model(entropy, self.biases, d_model);
    }
}
