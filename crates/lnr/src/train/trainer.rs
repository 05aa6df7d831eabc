// SPDX-License-Identifier: MIT OR Apache-2.0

use super::Recipe;
use super::coded_source::CodedSource;
use super::errors::Errors;
use super::run::error_form;
use super::steering::Steering;
use super::touched::Touched;
use super::variable::Variable;
use super::visits::Visits;
use crate::backend::{
    Backend, Grads, Params, Pixels, Purpose, Rounding, Shape, Sum, TrainStep, read_sums,
};
use crate::base::{Picture, Result, Rng};
use crate::model;

/// The state of a training run.
pub(super) struct Trainer<'a, B: Backend> {
    pub backend: &'a B,
    pub shape: &'a Shape,
    pub recipe: &'a Recipe,
    pub workspace: B::Workspace,
    pictures: B::Pictures<'a>,
    pub grids: Variable<B::Buffer>,
    /// The grids, rounded; unused where they are not rounded in training.
    pub symbols: B::Buffer,
    pub slopes: B::Buffer,
    pub network: Variable<B::Buffer>,
    /// The sources whose bits are priced.
    pub coded: Vec<CodedSource<'a, B::Buffer>>,
    /// The gradient of the canonical planes' rate when it was last looked at.
    pub canonical_rate: B::Buffer,
    target: B::Buffer,
    /// Bits of every node of every coded source. After the last step the first serves other sums.
    pub sums: B::Buffer,
    pub errors: Errors<B::Buffer>,
    /// The price of a bit, which follows the target where there is one.
    pub lambda: f32,
    pub steering: Steering,
    form: [[f32; 3]; 3],
    pub visits: Visits,
    pub n_steps: u32,
}

/// Bytes that a training takes of the backend's memory, besides the pictures.
pub fn bytes<B: Backend>(backend: &B, shape: &Shape, recipe: &Recipe) -> u64 {
    let visits = Visits::new(recipe.points, shape);
    let (n_grid, n_network) = (shape.n_grid(), shape.network.len());
    let variables = 4 * (n_grid + n_network);
    let entropy: usize = shape.grids().map(|(_, g)| 4 * model::entropy(g).len()).sum();
    let rounded = 2 * n_rounded(shape) + shape.n_canonical();
    let (n_points, n_target) = (n_points(shape, &visits), n_target(shape, &visits));
    let floats = variables + entropy + rounded + n_target + n_sums(shape) + Errors::<()>::LEN;
    4 * floats as u64 + backend.bytes(shape, Purpose::Train { n_points })
}

/// Points of a frame that there is room for: all, which the search for steps looks at in small pictures.
fn n_points(shape: &Shape, visits: &Visits) -> usize {
    if shape.takes_all_frames() { visits.n_points() } else { shape.centres(1, (0, 0)).len() }
}

/// Values of the target buffer.
fn n_target(shape: &Shape, visits: &Visits) -> usize {
    visits.frames_per_step() * shape.n_values() * n_points(shape, visits)
}

/// Grid values that are rounded in training.
fn n_rounded(shape: &Shape) -> usize {
    if shape.encoding().is_some() { 0 } else { shape.n_grid() }
}

/// Values of the buffer of sums: two for every node, and for one sum at least.
fn n_sums(shape: &Shape) -> usize {
    2 * shape.grids().map(|(_, g)| g.nodes.n).sum::<usize>().max(1)
}

impl<'a, B: Backend> Trainer<'a, B> {
    pub fn new(
        backend: &'a B,
        shape: &'a Shape,
        recipe: &'a Recipe,
        pictures: &[&'a Picture],
    ) -> Result<Self> {
        let visits = Visits::new(recipe.points, shape);
        let (n_points, n_target) = (n_points(shape, &visits), n_target(shape, &visits));
        let mut rng = Rng::new(recipe.seed);
        let mut first = model::grid_parameters(shape, &mut rng);
        recipe.start.iter().for_each(|start| start.put(&mut first));
        let grids = Variable::new(backend, first)?;
        let network = Variable::new(backend, model::network_parameters(shape, &mut rng))?;
        let mut coded: Vec<CodedSource<B::Buffer>> = Vec::new();
        for source in shape.grids() {
            let first_sum = coded.last().map_or(0, |c| c.first_sum + c.visits.len());
            coded.push(CodedSource::new(backend, shape, source, first_sum, &mut rng)?);
        }
        Ok(Self {
            backend,
            shape,
            recipe,
            workspace: backend.workspace(shape, Purpose::Train { n_points })?,
            pictures: backend.pictures(pictures)?,
            grids,
            symbols: backend.alloc(n_rounded(shape))?,
            slopes: backend.alloc(n_rounded(shape))?,
            network,
            coded,
            canonical_rate: backend.alloc(shape.n_canonical())?,
            target: backend.alloc(n_target)?,
            sums: backend.alloc(n_sums(shape))?,
            errors: Errors::new(backend)?,
            lambda: recipe.lambda,
            steering: Steering::default(),
            form: error_form(pictures[0], recipe.chroma),
            n_steps: recipe.epochs.saturating_mul(visits.len() as u32),
            visits,
        })
    }

    /// Writes the wanted pixels to the target buffer and describes the step.
    pub fn target(&mut self, pixels: &Pixels) -> Result<TrainStep> {
        let shape = self.shape;
        self.backend.target(&self.pictures, shape, pixels, &mut self.target)?;
        Ok(TrainStep {
            samples: shape.step_samples(pixels.frames.start),
            lattice: shape.centres(pixels.step, pixels.phase),
            form: self.form,
            weight: 1.0 / pixels.n_values(shape).max(1) as f32,
        })
    }

    /// Sum of squared errors of a step with the current symbols and network, without gradients.
    pub fn squared_error(&mut self, step: &TrainStep) -> Result<f64> {
        let params = Params { grids: &self.symbols, network: &self.network.values };
        let error = Sum { buffer: &mut self.sums, index: 0 };
        let ws = &mut self.workspace;
        self.backend.train(ws, self.shape, step, &self.target, &params, None, error)?;
        Ok(read_sums(self.backend, &self.sums, 1)?[0])
    }

    /// The price of a bit, see [`super::Trained::lambda`].
    pub fn mean_lambda(&self) -> f32 {
        self.steering.mean(self.lambda)
    }

    /// Rounds what this step reads.
    fn quantise(&mut self, step: u32, seed: u64, touched: &Touched) -> Result<()> {
        let (r, u) = (self.recipe, step as f32 / self.n_steps as f32);
        let mix = |(a, b): (f32, f32)| a + (b - a) * u;
        let rounding = Rounding { temperature: mix(r.temperature), noise: mix(r.noise) };
        let canonical = touched.canonical.iter().map(|&(k, node)| (k, node, 1.0));
        for (k, node, _) in canonical.chain(touched.timed.iter().copied()) {
            let range = self.coded[k].source.node(node);
            let (values, symbols) = (&self.grids.values, &mut self.symbols);
            self.backend.quantise(rounding, seed, range, values, symbols, &mut self.slopes)?;
        }
        Ok(())
    }

    /// What a step asks of the backend.
    pub fn operations(&mut self, step: u32, index: usize, rng: &mut Rng) -> Result<()> {
        let is_rounded = self.shape.encoding().is_none();
        let seed = if is_rounded { rng.next_u64() } else { 0 };
        let pixels = self.visits.pixels(index, rng);
        let touched = Touched::new(&self.coded, &self.shape.sample(pixels.frames.start as f32));
        if is_rounded {
            self.quantise(step, seed, &touched)?;
        }
        let job = self.target(&pixels)?;
        let grids = if is_rounded { &self.symbols } else { &self.grids.values };
        let params = Params { grids, network: &self.network.values };
        // Gradients of rounded grids are those of their symbols.
        let mut grads = Grads { grids: &mut self.grids.grads, network: &mut self.network.grads };
        let (ws, error) = (&mut self.workspace, self.errors.place(step, job.weight));
        let shape = self.shape;
        self.backend.train(ws, shape, &job, &self.target, &params, Some(&mut grads), error)?;
        if is_rounded {
            self.rate(&touched)?;
        }
        self.update(step, &touched)
    }
}
