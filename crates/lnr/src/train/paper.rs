// SPDX-License-Identifier: MIT OR Apache-2.0
//! The paper's training: MSE, Adam, all parameters at once (paper section 3.4 and appendix A).

use super::Recipe;
use super::errors::Errors;
use super::run::{Report, Steps, error_form};
use super::variable::Variable;
use crate::backend::paper::{PaperBackend, PaperPurpose, PaperShape, PaperStep};
use crate::backend::pixels::PixelSource;
use crate::backend::{Adam, Lattice};
use crate::base::{Picture, Result, Rng};
use crate::model;

/// Pixels times frames of a step, about: at the paper's width a step then takes less than a second,
/// and training stops as soon when it is cancelled. Patches do not make an epoch shorter in steps.
const PIXELS: usize = 8192;
/// Learning rate of all but the tables (paper appendix A).
const RATE: f32 = 5e-4;
/// Learning rate of the hash tables (Instant-NGP's).
const TABLE_RATE: f32 = 1e-2;

/// Points between those of a step, both ways.
fn stride(shape: &PaperShape) -> usize {
    let n_points = shape.centres(1, (0, 0)).len();
    let n_pixels = (n_points * shape.patch * shape.patch * shape.n_frames) as f32;
    (n_pixels / PIXELS as f32).sqrt().round().max(1.0) as usize
}

/// Most points of each frame that a step of [`train_paper`] looks at.
pub fn paper_points(shape: &PaperShape) -> usize {
    shape.centres(stride(shape), (0, 0)).len()
}

/// Trains a group on its pictures, all of one format: parameters, [`PaperShape::len`], and the
/// number of steps. Every step sees the same points of all frames; an epoch shows every point once.
///
/// # Errors
/// Those of `report` and of the backend.
pub fn train_paper<B: PaperBackend>(
    backend: &B,
    shape: &PaperShape,
    recipe: &Recipe,
    pictures: &[&Picture],
    report: &mut (dyn FnMut(&Report) -> Result<()> + Send),
) -> Result<(Vec<f32>, u32)> {
    backend.scope(|| {
        let mut trainer = Trainer::new(backend, shape, recipe, pictures)?;
        let n_steps = recipe.epochs * trainer.phases.len() as u32;
        let mut steps = Steps::new(n_steps, trainer.phases.len(), report);
        for step in 0..n_steps {
            trainer.step(step, recipe.schedule(step, n_steps))?;
            steps.done(&trainer.errors.read(backend, (step, n_steps))?)?;
        }
        let mut params = vec![0.0; shape.len()];
        backend.read(&trainer.params.values, 0, &mut params)?;
        Ok((params, n_steps))
    })
}

struct Trainer<'a, B: PaperBackend> {
    backend: &'a B,
    shape: &'a PaperShape,
    pictures: &'a [&'a Picture],
    workspace: B::PaperWorkspace,
    params: Variable<B::Buffer>,
    target: B::Buffer,
    pixels: Vec<f32>,
    errors: Errors<B::Buffer>,
    /// Points between those of a step, both ways.
    stride: usize,
    /// The first point of each step of an epoch.
    phases: Vec<(usize, usize)>,
    rng: Rng,
    form: [[f32; 3]; 3],
}

impl<'a, B: PaperBackend> Trainer<'a, B> {
    fn new(
        backend: &'a B,
        shape: &'a PaperShape,
        recipe: &Recipe,
        pictures: &'a [&'a Picture],
    ) -> Result<Self> {
        let mut rng = Rng::new(recipe.seed);
        let all = shape.centres(1, (0, 0));
        let stride = stride(shape);
        let (nx, ny) = (stride.min(all.nx), stride.min(all.ny));
        let phases = (0..ny).flat_map(|y| (0..nx).map(move |x| (x, y))).collect();
        let n_points = paper_points(shape);
        let n = pictures.len() * shape.n_values() * n_points;
        Ok(Self {
            backend,
            shape,
            pictures,
            workspace: backend.paper_workspace(shape, PaperPurpose::Train { n_points })?,
            params: Variable::new(backend, &model::paper_parameters(shape, &mut rng))?,
            target: backend.alloc(n)?,
            pixels: Vec::new(),
            errors: Errors::new(backend)?,
            stride,
            phases,
            rng,
            form: error_form(pictures[0]),
        })
    }

    /// One step over the points of the epoch's next phase.
    fn step(&mut self, step: u32, factor: f32) -> Result<()> {
        let index = step as usize % self.phases.len();
        if index == 0 {
            self.rng.shuffle(&mut self.phases);
        }
        let lattice = self.shape.centres(self.stride, self.phases[index]);
        let n_pixels = self.read_target(&lattice, self.phases[index])?;
        self.backend.write(&mut self.target, 0, &self.pixels)?;
        let weight = 1.0 / n_pixels.max(1) as f32;
        let job = PaperStep { lattice, form: self.form, weight };
        let (b, shape, p) = (self.backend, self.shape, &mut self.params);
        let (ws, error) = (&mut self.workspace, self.errors.place(step, weight));
        let adam =
            |rate: f32| Adam { rate: rate * factor, beta1: 0.9, beta2: 0.999, step: step + 1 };
        let tables = shape.n_encoding();
        b.together(|| {
            let grads = Some(&mut p.grads);
            b.paper_train(ws, shape, &job, &self.target, &p.values, grads, error)?;
            p.step(b, &adam(TABLE_RATE), 0..tables, None)?;
            p.step(b, &adam(RATE), tables..shape.len(), None)
        })
    }

    /// Fills `pixels` with [n_frames, n_values, points]; returns the number of components there.
    fn read_target(&mut self, lattice: &Lattice, phase: (usize, usize)) -> Result<usize> {
        let (shape, patch, n) = (self.shape, self.shape.patch, lattice.len());
        let (step, area) = (self.stride * patch, patch * patch);
        self.pixels.clear();
        self.pixels.resize(self.pictures.len() * shape.n_values() * n, f32::NAN);
        let mut n_pixels = 0;
        let mut read = Vec::new();
        for (picture, frame) in
            self.pictures.iter().zip(self.pixels.chunks_exact_mut(shape.n_values() * n))
        {
            let source = PixelSource::new(picture);
            for pixel in 0..area {
                let first = (phase.0 * patch + pixel % patch, phase.1 * patch + pixel / patch);
                if first.0 >= shape.width || first.1 >= shape.height {
                    continue;
                }
                // The last column or row of patches may reach beyond the frame.
                let nx = (shape.width - first.0).div_ceil(step);
                let ny = (shape.height - first.1).div_ceil(step);
                read.clear();
                read.resize(shape.n_out * nx * ny, 0.0);
                source.read(step, first, &mut read);
                n_pixels += read.len();
                for (c, plane) in read.chunks_exact(nx * ny).enumerate() {
                    let to = &mut frame[(c * area + pixel) * n..][..n];
                    for (to, row) in to.chunks_exact_mut(lattice.nx).zip(plane.chunks_exact(nx)) {
                        to[..nx].copy_from_slice(row);
                    }
                }
            }
        }
        Ok(n_pixels)
    }
}
