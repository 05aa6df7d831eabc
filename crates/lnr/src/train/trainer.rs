// SPDX-License-Identifier: MIT OR Apache-2.0

use super::errors::Errors;
use super::rates::CodedSource;
use super::run::{Report, Steps, error_form};
use super::steering::Steering;
use super::variable::Variable;
use super::visits::Visits;
use super::{Recipe, finish};
use crate::backend::{
    Backend, Grads, Params, Pixels, Purpose, Rounding, Shape, Sum, TrainStep, read_sums,
};
use crate::base::spec::Precision;
use crate::base::{Error, Picture, Result, Rng};
use crate::model;

/// A tensor as integers and the binary exponent of its step: value = integer / 2^exponent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Quantised {
    /// The integers.
    pub values: Vec<i32>,
    /// The exponent.
    pub exponent: u32,
}

/// The parameters of a trained group, in the form that [`Precision`] asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// Of [`Precision::Steps`].
    Steps {
        /// Symbols of all grids. [`Shape::n_grid`]
        symbols: Vec<i16>,
        /// The network's tensors, in the order of [`crate::backend::Network::tensors`].
        tensors: Vec<Quantised>,
        /// The entropy model of each grid source, in their order.
        entropy: Vec<Quantised>,
    },
    /// Of [`Precision::Uniform`], not quantised yet.
    Plain {
        /// [`Shape::n_grid`]
        grids: Vec<f32>,
        /// [`crate::backend::Network::len`]
        network: Vec<f32>,
    },
}

/// A trained group.
#[derive(Clone, Debug)]
pub struct Trained {
    /// Its parameters.
    pub values: Values,
    /// Steps done.
    pub n_steps: u32,
    /// The price of a bit: the geometric mean where it followed a target.
    pub lambda: f32,
}

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
    errors: Errors<B::Buffer>,
    /// The price of a bit, which follows the target where there is one.
    pub lambda: f32,
    steering: Steering,
    form: [[f32; 3]; 3],
    visits: Visits,
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

/// Most points of a frame that are looked at together: where steps are searched, all of them.
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
    fn new(
        backend: &'a B,
        shape: &'a Shape,
        recipe: &'a Recipe,
        pictures: &[&'a Picture],
    ) -> Result<Self> {
        let visits = Visits::new(recipe.points, shape);
        let (n_points, n_target) = (n_points(shape, &visits), n_target(shape, &visits));
        let mut rng = Rng::new(recipe.seed);
        let grids = Variable::new(backend, &model::grid_parameters(shape, &mut rng))?;
        let network = Variable::new(backend, &model::network_parameters(shape, &mut rng))?;
        let mut coded: Vec<CodedSource<B::Buffer>> = Vec::new();
        for source in shape.grids() {
            let first_sum = coded.last().map_or(0, |c| c.first_sum + c.visits.len());
            coded.push(CodedSource::new(backend, source, first_sum, &mut rng)?);
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
            form: error_form(pictures[0]),
            n_steps: recipe.epochs * visits.len() as u32,
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

    /// The price of a bit, see [`Trained::lambda`].
    pub fn mean_lambda(&self) -> f32 {
        self.steering.mean(self.lambda)
    }

    /// Rounds canonical planes and the nodes of this step.
    fn quantise(&mut self, step: u32, seed: u64, touched: &[(usize, usize, f32)]) -> Result<()> {
        let (r, u) = (self.recipe, step as f32 / self.n_steps as f32);
        let mix = |(a, b): (f32, f32)| a + (b - a) * u;
        let rounding = Rounding::Soft { temperature: mix(r.temperature), noise: mix(r.noise) };
        let nodes = touched.iter().map(|&(k, node, _)| self.coded[k].source.node(node));
        for range in std::iter::once(0..self.shape.n_canonical()).chain(nodes) {
            let (values, symbols) = (&self.grids.values, &mut self.symbols);
            self.backend.quantise(rounding, seed, range, values, symbols, &mut self.slopes)?;
        }
        Ok(())
    }

    /// What a step asks of the backend.
    fn operations(&mut self, step: u32, index: usize, rng: &mut Rng) -> Result<()> {
        let is_rounded = self.shape.encoding().is_none();
        let seed = if is_rounded { rng.next_u64() } else { 0 };
        let pixels = self.visits.pixels(index, rng);
        let touched = self.touched(pixels.frames.start);
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
            self.rate(step, &touched)?;
        }
        self.update(step, &touched)
    }

    /// Moves the price of a bit towards the target, if there is one.
    fn follow_target(
        &mut self,
        step: u32,
        measure: &dyn Fn(&Trained) -> Result<f64>,
    ) -> Result<()> {
        let n_steps = self.n_steps;
        let Some(target) = self.recipe.target_bits else { return Ok(()) };
        if !Steering::is_on(step, n_steps) {
            return Ok(());
        }
        let foreseen = finite("the bits of the grids", self.total_bits()?)?;
        if Steering::measures(step, n_steps) {
            self.steering.note(measure(&finish::snapshot(self)?)?, foreseen);
        }
        let pace = self.recipe.schedule(step, n_steps);
        self.lambda = self.steering.steer(self.lambda, foreseen, target, (pace, n_steps));
        Ok(())
    }

    fn run(&mut self, measure: &dyn Fn(&Trained) -> Result<f64>, steps: &mut Steps) -> Result<()> {
        let mut rng = Rng::new(self.recipe.seed ^ 0x5EED);
        for _ in 0..self.recipe.epochs {
            self.visits.shuffle(&mut rng);
            for index in 0..self.visits.len() {
                let step = steps.n_done();
                let backend = self.backend;
                backend.together(|| self.operations(step, index, &mut rng))?;
                self.follow_target(step, measure)?;
                steps.done(&self.errors.read(backend, (step, self.n_steps))?)?;
            }
            if !self.coded.is_empty() {
                finite("the bits of the grids", self.total_bits()?)?;
            }
        }
        Ok(())
    }
}

/// # Errors
/// [`Error::Diverged`] where a number is none.
pub(super) fn finite(what: &str, value: f64) -> Result<f64> {
    match value.is_finite() {
        true => Ok(value),
        false => Err(Error::Diverged(format!("{what} became {value}"))),
    }
}

/// Trains a group on its pictures, all of one format. `measure` says how many bits a trained group
/// takes; it is asked where the recipe has a target. `report` is called after every step and may stop
/// the training by an error. What diverges is tried once more at half the learning rates.
///
/// # Errors
/// [`Error::Diverged`]; those of `measure`, of `report` and of the backend.
pub fn train<B: Backend>(
    backend: &B,
    (shape, precision): (&Shape, Precision),
    recipe: &Recipe,
    pictures: &[&Picture],
    measure: &(dyn Fn(&Trained) -> Result<f64> + Sync),
    report: &mut (dyn FnMut(&Report) -> Result<()> + Send),
) -> Result<Trained> {
    backend.scope(|| {
        again(recipe, &mut |recipe| {
            let mut trainer = Trainer::new(backend, shape, recipe, pictures)?;
            let mut steps = Steps::new(trainer.n_steps, trainer.visits.len(), report);
            trainer.run(measure, &mut steps)?;
            let n_steps = steps.n_done();
            finish::finish(trainer, precision, n_steps, &mut || steps.poll())
        })
    })
}

/// Trains, and where that diverges once more with care.
fn again<T>(recipe: &Recipe, train: &mut dyn FnMut(&Recipe) -> Result<T>) -> Result<T> {
    match train(recipe) {
        Err(Error::Diverged(_)) => train(&recipe.halved()),
        other => other,
    }
}
