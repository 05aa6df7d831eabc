// SPDX-License-Identifier: MIT OR Apache-2.0
//! The entropy model of training over planes of symbols: bits, and gradients of the bits.

use rayon::prelude::*;

use super::super::{Causal, Entropy, RatePlane};
use super::rate_kernel::{Chunk, HIDDEN, MAX_INPUTS};
use super::simd::Isa;

/// Zeros around a plane, so that every neighbour can be read.
pub const PAD: usize = 2;
/// Entries of a plane that one task takes; fixed, so that sums do not depend on the threads.
const CHUNK: usize = 4096;
/// Room behind a row for the last, partly used vector.
const TAIL: usize = 16;

/// Scratch memory: planes with a border of zeros, and one set of sums per task.
#[derive(Default)]
pub struct Scratch {
    planes: Vec<Bordered>,
    tasks: Vec<Task>,
}

/// A plane and its neighbours' planes, each [height + 2 PAD, pitch].
#[derive(Default)]
pub struct Bordered {
    pub width: usize,
    pub height: usize,
    pub pitch: usize,
    pub here: Vec<f32>,
    pub before: Vec<f32>,
    pub extra: Vec<f32>,
}

/// Some rows of a plane.
#[derive(Default)]
pub struct Task {
    pub plane: usize,
    pub rows: std::ops::Range<usize>,
    pub biases: usize,
    pub sums: Chunk,
}

/// What every task reads.
pub struct Job<'a> {
    pub entropy: &'a Entropy,
    pub model: &'a [f32],
    pub weight: f32,
    pub with_grads: bool,
}

impl Bordered {
    pub fn index(&self, x: usize, y: usize) -> usize {
        (y + PAD) * self.pitch + x + PAD
    }

    fn fill(&mut self, plane: &RatePlane, symbols: &[f32]) {
        let (w, h) = (plane.grid.width, plane.grid.height);
        (self.width, self.height) = (w, h);
        self.pitch = w.next_multiple_of(16) + 2 * PAD + TAIL;
        let len = (h + 2 * PAD) * self.pitch;
        for (offset, to) in [(Some(plane.offset), 0), (plane.before, 1)] {
            let to = if to == 0 { &mut self.here } else { &mut self.before };
            to.clear();
            to.resize(len, 0.0);
            let Some(offset) = offset else { continue };
            for y in 0..h {
                let at = (y + PAD) * self.pitch + PAD;
                to[at..at + w].copy_from_slice(&symbols[offset + y * w..][..w]);
            }
        }
        self.extra.clear();
        self.extra.resize(len, 0.0);
        if let Some(extra) = &plane.extra {
            for y in 0..h {
                let at = (y + PAD) * self.pitch + PAD;
                let last = extra.index(w - 1, y);
                let row = extra.index(0, y)..;
                for (to, from) in self.extra[at..at + w].chunks_mut(extra.ratio).zip(row) {
                    to.fill(symbols[from.min(last)]);
                }
            }
        }
    }
}

/// See [`super::super::Backend::rate`].
pub fn rate(
    isa: Isa,
    scratch: &mut Scratch,
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
        let rows = (CHUNK / plane.grid.width).max(1);
        for start in (0..plane.grid.height).step_by(rows) {
            if scratch.tasks.len() == n_tasks {
                scratch.tasks.push(Task::default());
            }
            let task = &mut scratch.tasks[n_tasks];
            task.plane = i;
            task.biases = plane.biases;
            task.rows = start..(start + rows).min(plane.grid.height);
            n_tasks += 1;
        }
    }
    let job = Job { entropy, model, weight, with_grads: grads.is_some() };
    let tasks = &mut scratch.tasks[..n_tasks];
    let bordered = &scratch.planes;
    tasks.par_iter_mut().for_each(|t| t.run(isa, &job, &bordered[t.plane]));
    if let Some((d_symbols, d_model)) = grads {
        for task in tasks.iter() {
            task.add_to(&planes[task.plane], &bordered[task.plane], entropy, d_symbols, d_model);
        }
    }
    tasks.iter().map(|t| t.sums.bits).sum()
}

impl Task {
    fn run(&mut self, isa: Isa, job: &Job, plane: &Bordered) {
        let len = (self.rows.len() + 2 * PAD) * plane.pitch;
        self.sums.clear(job, len);
        isa.run(super::rate_kernel::Rows {
            job,
            plane,
            rows: self.rows.clone(),
            biases: &job.model[job.entropy.biases(self.biases)],
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

/// Offsets of the inputs taken from the plane itself and from the node before, in entries.
pub fn offsets(pitch: usize, before: bool) -> ([isize; 12], [isize; 5], usize) {
    let at = |(dy, dx): (isize, isize)| dy * pitch as isize + dx;
    (Causal::HERE.map(at), Causal::BEFORE.map(at), if before { 5 } else { 0 })
}
