// SPDX-License-Identifier: MIT OR Apache-2.0

use super::errors::Errors;
use super::run::{Report, Steps, error_form};
use super::steering::Steering;
use super::variable::{EntropyState, Variable};
use super::{Recipe, finish};
use crate::backend::{
    Adam, Backend, Grads, Lattice, Params, Purpose, Rounding, Shape, Sum, Tensor, TrainStep,
    read_sums,
};
use crate::base::{Picture, Result, Rng};
use crate::model::{self, Source};

/// A trained group, quantised.
#[derive(Clone, Debug)]
pub struct Trained {
    /// Symbols of all grids. [`Shape::n_grid`]
    pub symbols: Vec<i16>,
    /// Each network tensor as integers and the binary exponent of its step: value = integer / 2^e.
    pub tensors: Vec<(Tensor, Vec<i32>, u32)>,
    /// The entropy model of each source, in the same form.
    pub entropy: Vec<(Source, Vec<i32>, u32)>,
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
    pub symbols: B::Buffer,
    slopes: B::Buffer,
    pub network: Variable<B::Buffer>,
    pub modulated: B::Buffer,
    d_modulated: B::Buffer,
    pub entropy: [EntropyState<B::Buffer>; 3],
    /// The gradient of the canonical planes' rate when it was last looked at.
    canonical_rate: B::Buffer,
    target: B::Buffer,
    /// Bits of the canonical planes; of each motion and each residual node. After the last step the
    /// first serves other sums.
    sums: B::Buffer,
    errors: Errors<B::Buffer>,
    /// The price of a bit, which follows the target where there is one.
    pub lambda: f32,
    steering: Steering,
    /// Visits of each motion and residual node.
    visits: [Vec<u32>; 2],
    form: [[f32; 3]; 3],
}

impl<'a, B: Backend> Trainer<'a, B> {
    fn new(
        backend: &'a B,
        shape: &'a Shape,
        recipe: &'a Recipe,
        pictures: &[&'a Picture],
    ) -> Result<Self> {
        let mut rng = Rng::new(recipe.seed);
        let net = &shape.network;
        let entropy = |source: Source, rng: &mut Rng| -> Result<_> {
            let entropy = source.entropy(shape);
            let values = model::entropy_parameters(&entropy, rng);
            let variable = Variable::new(backend, &values)?;
            Ok(EntropyState { source, entropy, variable, steps: 0 })
        };
        let n_grid = shape.n_grid();
        let n_pixels = net.n_out * shape.width * shape.height;
        let [a, b, c] = Source::ALL;
        Ok(Self {
            backend,
            shape,
            recipe,
            workspace: backend.workspace(shape, Purpose::Train)?,
            pictures: backend.pictures(pictures)?,
            grids: Variable::new(backend, &vec![0.0; n_grid])?,
            symbols: backend.alloc(n_grid)?,
            slopes: backend.alloc(n_grid)?,
            network: Variable::new(backend, &model::network_parameters(net, &mut rng))?,
            modulated: backend.alloc(net.modulated_len())?,
            d_modulated: backend.alloc(net.modulated_len())?,
            entropy: [entropy(a, &mut rng)?, entropy(b, &mut rng)?, entropy(c, &mut rng)?],
            canonical_rate: backend.alloc(n_grid)?,
            target: backend.alloc(n_pixels)?,
            sums: backend.alloc(2 * (1 + shape.motion.nodes.n + shape.residual.nodes.n))?,
            errors: Errors::new(backend)?,
            lambda: recipe.lambda,
            steering: Steering::default(),
            visits: [vec![0; shape.motion.nodes.n], vec![0; shape.residual.nodes.n]],
            form: error_form(pictures[0]),
        })
    }

    /// Writes the pixels of a lattice to the target buffer and describes the step.
    pub fn target(
        &mut self,
        frame: usize,
        step: usize,
        phase: (usize, usize),
    ) -> Result<TrainStep> {
        let lattice = Lattice::subset((self.shape.width, self.shape.height), step, phase);
        let n = self.shape.network.n_out * lattice.len();
        self.backend.target(&self.pictures, frame, step, phase, &mut self.target)?;
        let weight = 1.0 / n as f32;
        Ok(TrainStep { tau: frame as f32, lattice, form: self.form, weight })
    }

    /// Sum of squared errors of a step with the current symbols and network, without gradients.
    pub fn squared_error(&mut self, step: &TrainStep) -> Result<f64> {
        let values = &self.network.values;
        self.backend.modulate(self.shape, step.tau, values, &mut self.modulated)?;
        let params = Params { grids: &self.symbols, network: values, modulated: &self.modulated };
        let error = Sum { buffer: &mut self.sums, index: 0 };
        let ws = &mut self.workspace;
        self.backend.train(ws, self.shape, step, &self.target, &params, None, error)?;
        Ok(read_sums(self.backend, &self.sums, 1)?[0])
    }

    /// Bits of a source's planes at a node with the current symbols, without gradients.
    pub fn bits(&mut self, source: usize, node: usize) -> Result<f64> {
        let e = &self.entropy[source];
        let planes = model::rate_planes(self.shape, e.source, node);
        let (values, symbols) = (&e.variable.values, &self.symbols);
        let bits = Sum { buffer: &mut self.sums, index: 0 };
        let ws = &mut self.workspace;
        self.backend.rate(ws, &e.entropy, &planes, symbols, values, 1.0, None, bits)?;
        Ok(read_sums(self.backend, &self.sums, 1)?[0])
    }

    /// The time nodes that frame `frame` reads, with their share of it: (source, node, share).
    fn touched(&self, frame: usize) -> Vec<(usize, usize, f32)> {
        let mut all = Vec::new();
        for (k, source) in [&self.shape.motion, &self.shape.residual].into_iter().enumerate() {
            let (a, b, w) = source.nodes.at(frame as f32);
            all.push((k, a, 1.0 - w));
            if w > 0.0 {
                all.push((k, b, w));
            }
        }
        all
    }

    /// Rounds canonical planes and the nodes of this frame.
    fn quantise(
        &mut self,
        rounding: Rounding,
        seed: u64,
        touched: &[(usize, usize, f32)],
    ) -> Result<()> {
        let mut run = |range| {
            let values = &self.grids.values;
            self.backend.quantise(
                rounding,
                seed,
                range,
                values,
                &mut self.symbols,
                &mut self.slopes,
            )
        };
        run(0..self.shape.n_canonical())?;
        for &(k, node, _) in touched {
            let source = if k == 0 { &self.shape.motion } else { &self.shape.residual };
            run(source.node(node))?;
        }
        Ok(())
    }

    /// Adds the gradients of the rate to those of the grids.
    fn rate(&mut self, step: u32, touched: &[(usize, usize, f32)]) -> Result<()> {
        let lambda = self.lambda / (self.shape.width * self.shape.height) as f32;
        let canonical = 0..self.shape.n_canonical();
        if step.is_multiple_of(self.recipe.rate_interval) {
            self.backend.clear(&mut self.canonical_rate, canonical.clone())?;
            let e = &mut self.entropy[0];
            let planes = model::rate_planes(self.shape, Source::Canonical, 0);
            let grads = Some((&mut self.canonical_rate, &mut e.variable.grads));
            let weight = lambda / self.shape.n_frames as f32;
            let model = &e.variable.values;
            let ws = &mut self.workspace;
            let symbols = &self.symbols;
            let bits = Sum { buffer: &mut self.sums, index: 0 };
            self.backend.rate(ws, &e.entropy, &planes, symbols, model, weight, grads, bits)?;
        }
        self.backend.add(&self.canonical_rate, &mut self.grids.grads, canonical)?;
        for &(k, node, share) in touched {
            let e = &mut self.entropy[k + 1];
            let source = if k == 0 { &self.shape.motion } else { &self.shape.residual };
            let planes = model::rate_planes(self.shape, e.source, node);
            let grads = Some((&mut self.grids.grads, &mut e.variable.grads));
            // A node's bits are shared by the frames that read it.
            let weight = lambda * share / source.nodes.step as f32;
            let model = &e.variable.values;
            let ws = &mut self.workspace;
            let symbols = &self.symbols;
            let index = 1 + k * self.shape.motion.nodes.n + node;
            let bits = Sum { buffer: &mut self.sums, index };
            self.backend.rate(ws, &e.entropy, &planes, symbols, model, weight, grads, bits)?;
        }
        Ok(())
    }

    /// Bits of all grids; nodes that were not looked at yet count as the mean of the others.
    fn total_bits(&self) -> Result<f64> {
        let n_nodes = self.visits.iter().map(Vec::len).sum::<usize>();
        let sums = read_sums(self.backend, &self.sums, 1 + n_nodes)?;
        let (mut total, mut rest) = (sums[0], &sums[1..]);
        for visits in &self.visits {
            let (bits, after) = rest.split_at(visits.len());
            let known = bits.iter().zip(visits).filter(|(_, visits)| **visits > 0);
            let n_known = known.clone().count().max(1);
            total += known.map(|(b, _)| b).sum::<f64>() * visits.len() as f64 / n_known as f64;
            rest = after;
        }
        Ok(total)
    }

    /// The price of a bit, see [`Trained::lambda`].
    pub fn mean_lambda(&self) -> f32 {
        self.steering.mean(self.lambda)
    }

    /// Moves the price of a bit towards the target, if there is one.
    fn follow_target(
        &mut self,
        (step, n_steps): (u32, u32),
        measure: &dyn Fn(&Trained) -> Result<f64>,
    ) -> Result<()> {
        let Some(target) = self.recipe.target_bits else { return Ok(()) };
        if !Steering::is_on(step, n_steps) {
            return Ok(());
        }
        let foreseen = self.total_bits()?;
        if Steering::measures(step, n_steps) {
            self.steering.note(measure(&finish::snapshot(self)?)?, foreseen);
        }
        let pace = self.recipe.schedule(step, n_steps);
        self.lambda = self.steering.steer(self.lambda, foreseen, target, (pace, n_steps));
        Ok(())
    }

    fn update(&mut self, step: u32, factor: f32, touched: &[(usize, usize, f32)]) -> Result<()> {
        let r = self.recipe;
        let slow =
            |rate: f32, step: u32| Adam { rate: rate * factor, beta1: 0.9, beta2: 0.99, step };
        let net = &self.shape.network;
        let first_hyper = net.range(Tensor::Hyper).start;
        let b = self.backend;
        self.network.step(b, &slow(r.network_rate, step + 1), 0..first_hyper, None)?;
        self.network.step(b, &slow(r.hyper_rate, step + 1), first_hyper..net.len(), None)?;
        for (k, e) in self.entropy.iter_mut().enumerate() {
            if k > 0 || step.is_multiple_of(r.rate_interval) {
                e.steps += 1;
                let n = e.entropy.len();
                e.variable.step(b, &slow(r.network_rate, e.steps), 0..n, None)?;
            }
        }
        let canonical = 0..self.shape.n_canonical();
        self.grids.step(b, &slow(r.canonical_rate, step + 1), canonical, Some(&self.slopes))?;
        for &(k, node, _) in touched {
            // Nodes are visited once per epoch: a long memory of gradients would be stale.
            self.visits[k][node] += 1;
            let fast = |rate: f32| Adam {
                rate: rate * factor,
                beta1: 0.4,
                beta2: 0.95,
                step: self.visits[k][node],
            };
            if k == 1 {
                let range = self.shape.residual.node(node);
                self.grids.step(b, &fast(r.residual_rate), range, Some(&self.slopes))?;
                continue;
            }
            for level in 0..self.shape.motion.levels.len() {
                let range = self.shape.motion.plane(node, level, 0).start
                    ..self.shape.motion.plane(node, level, 1).end;
                let adam = fast(r.motion_rate * (1 << level) as f32);
                self.grids.step(b, &adam, range, Some(&self.slopes))?;
            }
        }
        Ok(())
    }

    /// One step on the pixels of a frame.
    fn step(
        &mut self,
        frame: usize,
        (step, n_steps): (u32, u32),
        rng: &mut Rng,
        measure: &dyn Fn(&Trained) -> Result<f64>,
    ) -> Result<()> {
        let backend = self.backend;
        backend.together(|| self.operations(frame, (step, n_steps), rng))?;
        self.follow_target((step, n_steps), measure)
    }

    /// What a step asks of the backend.
    fn operations(
        &mut self,
        frame: usize,
        (step, n_steps): (u32, u32),
        rng: &mut Rng,
    ) -> Result<()> {
        let r = self.recipe;
        let u = step as f32 / n_steps as f32;
        let mix = |(a, b): (f32, f32)| a + (b - a) * u;
        let rounding = Rounding::Soft { temperature: mix(r.temperature), noise: mix(r.noise) };
        let touched = self.touched(frame);
        self.quantise(rounding, rng.next_u64(), &touched)?;
        let phase = |n: usize, rng: &mut Rng| rng.below(r.lattice.min(n));
        let phase = (phase(self.shape.width, rng), phase(self.shape.height, rng));
        let job = self.target(frame, r.lattice, phase)?;
        let (b, values) = (self.backend, &self.network.values);
        b.modulate(self.shape, job.tau, values, &mut self.modulated)?;
        b.clear(&mut self.d_modulated, 0..self.shape.network.modulated_len())?;
        let params = Params { grids: &self.symbols, network: values, modulated: &self.modulated };
        let mut grads = Grads {
            grids: &mut self.grids.grads,
            network: &mut self.network.grads,
            modulated: &mut self.d_modulated,
        };
        let ws = &mut self.workspace;
        let error = self.errors.place(step, job.weight);
        b.train(ws, self.shape, &job, &self.target, &params, Some(&mut grads), error)?;
        let (modulated, d) = (&self.modulated, &self.d_modulated);
        b.modulate_bwd(self.shape, job.tau, values, modulated, d, &mut self.network.grads)?;
        self.rate(step, &touched)?;
        self.update(step, r.schedule(step, n_steps), &touched)
    }
}

/// Trains a group on its pictures, all of one format. `measure` says how many bits a trained group
/// takes; it is asked where the recipe has a target. `report` is called after every step and may stop
/// the training by an error.
///
/// # Errors
/// Those of `measure`, of `report` and of the backend.
pub fn train<B: Backend>(
    backend: &B,
    shape: &Shape,
    recipe: &Recipe,
    pictures: &[&Picture],
    measure: &(dyn Fn(&Trained) -> Result<f64> + Sync),
    report: &mut (dyn FnMut(&Report) -> Result<()> + Send),
) -> Result<Trained> {
    backend.scope(|| run(backend, shape, recipe, pictures, measure, report))
}

fn run<B: Backend>(
    backend: &B,
    shape: &Shape,
    recipe: &Recipe,
    pictures: &[&Picture],
    measure: &dyn Fn(&Trained) -> Result<f64>,
    report: &mut dyn FnMut(&Report) -> Result<()>,
) -> Result<Trained> {
    let mut trainer = Trainer::new(backend, shape, recipe, pictures)?;
    let mut rng = Rng::new(recipe.seed ^ 0x5EED);
    let mut order: Vec<usize> = (0..pictures.len()).collect();
    let n_steps = recipe.epochs * pictures.len() as u32;
    let mut steps = Steps::new(n_steps, pictures.len(), report);
    for _ in 0..recipe.epochs {
        rng.shuffle(&mut order);
        for &frame in &order {
            let at = (steps.n_done(), n_steps);
            trainer.step(frame, at, &mut rng, measure)?;
            steps.done(&trainer.errors.read(backend, at)?)?;
        }
    }
    finish::finish(trainer, steps.n_done(), &mut || steps.poll())
}
