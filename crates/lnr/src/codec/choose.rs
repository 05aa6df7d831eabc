// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which model of profile `warp` a group gets: short whole trainings of what it could be. An early look at
//! a long training chose wrongly where this chose right (docs/adr/0013).

use super::payload::Coding;
use super::structure::Structure;
use super::{CancelFlag, Engine};
use crate::backend::Shape;
use crate::base::spec::Extent;
use crate::base::{Error, Metadata, Picture, Result};
use crate::flow::{Chain, halving_loss};
use crate::model::{FirstValues, motion_start};
use crate::train::{Recipe, Report, Trained, Worth};

/// What was chosen for a group of profile `warp`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Choice {
    /// Frames between anchors; 0: one canonical pyramid for the whole group.
    pub anchor_step: u32,
    /// Finest stride of canonical grids in pixels.
    pub finest_canonical: u32,
    /// Whether motion began at optical flow.
    pub from_flow: bool,
    /// Short trainings that it was chosen by; 0: by the size of the picture and the price of a bit.
    pub n_trials: u32,
}

/// A model to train, and where it begins.
pub struct Chosen {
    pub structure: Structure,
    pub start: Vec<FirstValues>,
    pub choice: Choice,
    /// Steps of all trials.
    pub n_steps: u32,
}

/// Most trials of a group.
pub const MAX_TRIALS: u32 = 4;
/// What a model must save to be taken instead of a simpler one, which decodes faster: trials are no more
/// exact than this.
const LEAST_GAIN: f64 = 0.01;

/// What halving loses of the pictures over the error of the first trial from where on no trial is made of
/// softer canonical grids: where it was 0.6 and more they cost 3 to 25 %, where it was 0.2 and less they
/// were worth a trial (docs/adr/0013).
const SHARP: f64 = 0.4;
/// Frames from one that sharpness is judged on to the next.
const JUDGED: usize = 8;

/// A model that could be.
#[derive(Clone, Copy)]
struct Candidate {
    structure: Structure,
    from_flow: bool,
}

/// Chooses by trials where `recipe` is long enough for them; shorter trainings begin at optical flow.
///
/// # Errors
/// Those of `report`, of a trial and of the backend; a trial that diverges only loses.
pub fn choose(
    engine: &Engine,
    (extent, recipe): (&Extent, &Recipe),
    pictures: &[&Picture],
    cancel: &CancelFlag,
    report: &mut (dyn FnMut(&Report) -> Result<()> + Send),
) -> Result<Chosen> {
    let structure = Structure::new(extent, recipe.lambda);
    let simple = Candidate { structure, from_flow: false };
    let trial = recipe.trial();
    let mut trials = Trials {
        engine,
        extent,
        recipe: trial.as_ref().unwrap_or(recipe),
        pictures,
        cancel,
        report,
        chain: None,
        n: 0,
        best: simple,
        first: Worth { mse: f64::INFINITY, rate: 0.0 },
        least: f64::INFINITY,
    };
    if trial.is_none() {
        // They have no time to find motion: J 0 to -5 % at 12 visits, nowhere worse (docs/adr/0014).
        let start = trials.start(&structure)?;
        return Ok(Chosen { start, ..Chosen::new(Candidate { from_flow: true, ..simple }, 0) });
    }
    trials.consider(simple)?;
    if let Some(structure) = structure.anchored(extent) {
        trials.consider(Candidate { structure, ..simple })?;
    }
    let best = trials.best;
    if trials.halving_loss(structure.finest_canonical) < SHARP * trials.first.mse {
        trials.consider(Candidate { structure: best.structure.softer(), ..best })?;
    }
    trials.consider(Candidate { from_flow: true, ..trials.best })?;
    let Trials { best, n, .. } = trials;
    let start = if best.from_flow { trials.start(&best.structure)? } else { Vec::new() };
    Ok(Chosen { start, n_steps: n * trials.n_steps(), ..Chosen::new(best, n) })
}

impl Chosen {
    fn new(best: Candidate, n_trials: u32) -> Self {
        let Candidate { structure, from_flow } = best;
        let choice = Choice {
            anchor_step: structure.anchor_step.unwrap_or(0),
            finest_canonical: structure.finest_canonical,
            from_flow,
            n_trials,
        };
        Self { structure, start: Vec::new(), choice, n_steps: 0 }
    }
}

struct Trials<'a> {
    engine: &'a Engine,
    extent: &'a Extent,
    recipe: &'a Recipe,
    pictures: &'a [&'a Picture],
    cancel: &'a CancelFlag,
    report: &'a mut (dyn FnMut(&Report) -> Result<()> + Send),
    /// The flows of the group, once they were asked for.
    chain: Option<Chain>,
    /// Trials done.
    n: u32,
    /// What won so far, and its cost.
    best: Candidate,
    least: f64,
    /// What the first one is worth.
    first: Worth,
}

impl Trials<'_> {
    /// Steps of one trial.
    fn n_steps(&self) -> u32 {
        self.recipe.epochs * self.extent.n_frames
    }

    fn shape(&self, structure: &Structure) -> Result<Shape> {
        Shape::new(&structure.spec(self.extent), self.extent)
    }

    /// What flow says of where motion should begin.
    fn start(&mut self, structure: &Structure) -> Result<Vec<FirstValues>> {
        if self.chain.is_none() {
            let (pictures, cancel) = (self.pictures, self.cancel);
            let chain = self.engine.run(|| Chain::new(pictures, &|| cancel.check()))?;
            self.chain = Some(chain);
        }
        let shape = self.shape(structure)?;
        let start = |chain: &Chain| self.engine.run(|| motion_start(&shape, chain));
        Ok(self.chain.as_ref().map(start).unwrap_or_default())
    }

    /// Tries a model, and takes it if it is better than what won so far.
    fn consider(&mut self, candidate: Candidate) -> Result<()> {
        let worth = self.worth(candidate)?;
        if self.n == 1 {
            self.first = worth;
        }
        if worth.cost() < self.least * (1.0 - LEAST_GAIN) {
            (self.best, self.least) = (candidate, worth.cost());
        }
        Ok(())
    }

    /// See [`halving_loss`], for the pictures of the group.
    fn halving_loss(&self, reduction: u32) -> f64 {
        let judged = self.pictures.iter().step_by(JUDGED);
        let n = judged.len() as f64;
        judged.map(|picture| halving_loss(picture, reduction as usize)).sum::<f64>() / n
    }

    /// What a trial yields; the error is infinite where it diverged.
    fn worth(&mut self, candidate: Candidate) -> Result<Worth> {
        let Candidate { structure, from_flow } = candidate;
        let start = if from_flow { self.start(&structure)? } else { Vec::new() };
        let recipe = Recipe { start, ..self.recipe.clone() };
        let model = structure.spec(self.extent);
        let shape = self.shape(&structure)?;
        let coding = Coding { shape: &shape, precision: model.precision };
        let (engine, cancel, first) = (self.engine, self.cancel, self.n * self.n_steps());
        let measure = |trained: &Trained| {
            let payload =
                engine.run(|| coding.encode(&trained.values, &Metadata::default(), cancel));
            Ok(8.0 * payload?.len() as f64)
        };
        let report = &mut *self.report;
        let mut report = |r: &Report| report(&Report { step: first + r.step, ..*r });
        self.n += 1;
        match engine.trial(&shape, &recipe, self.pictures, &measure, &mut report) {
            Err(Error::Diverged(_)) => Ok(Worth { mse: f64::INFINITY, rate: 0.0 }),
            other => other,
        }
    }
}
