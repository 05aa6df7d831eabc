// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which model of profile `warp` a group gets: short whole trainings of what it could be. An early look at
//! a long training chose wrongly where this chose right (docs/adr/0013).

use super::payload::Coding;
use super::structure::Structure;
use super::{CancelFlag, Engine};
use crate::backend::Shape;
use crate::base::spec::{Extent, ModelSpec, SourceSpec};
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
    /// Short trainings that it was chosen by; 0: by the size of the picture and the price of a bit, or for a
    /// group that was taken over from a file.
    pub n_trials: u32,
}

impl Choice {
    /// What a model tells of it: all but how it was made.
    pub fn of(model: &ModelSpec) -> Self {
        let is_canonical = |s: &&SourceSpec| matches!(s, SourceSpec::Canonical { .. });
        model.sources.iter().find(is_canonical).map_or_else(Self::default, |canonical| Self {
            anchor_step: canonical.anchors().map_or(0, |anchors| anchors.step),
            finest_canonical: canonical.levels()[0],
            n_trials: 0,
        })
    }
}

/// A model to train, and where its motion begins.
pub struct Chosen {
    pub model: ModelSpec,
    pub start: Vec<FirstValues>,
    pub choice: Choice,
    /// Steps of all trials.
    pub n_steps: u32,
}

/// Most trials of a group.
const MAX_TRIALS: u32 = 3;
/// What another model must save to be taken: trials are no more exact than this.
const LEAST_GAIN: f64 = 0.01;
/// Pictures are sharp where halving loses more of them than this part of the error that the long training
/// will leave. Softer canonical grids cost 5 % where it was 0.67, and saved 2 % where it was 0.58 and 7 %
/// where it was 0.4; short trials favour them everywhere, as they learn faster (docs/adr/0013).
const SHARP: f64 = 0.62;
/// The same for anchors, each of which is paid anew: softer ones saved 4 % where it was 0.67, and cost 18 % where
/// it was 2.
const SHARP_ANCHORS: f64 = 0.8;
/// Visits of a trial over the error that it leaves in units of that of the long training: 12 visits leave
/// 2.7 times as much, 6 visits 5.5 times. Bits are about as many as in the end.
const VISITS_TO_THE_END: f64 = 32.0;
/// Frames from one that sharpness is judged on to the next.
const JUDGED: usize = 8;

/// Frames over which it is judged how much of the pictures stays.
const SPAN: usize = 16;
/// Places where it is judged.
const PLACES: usize = 4;
/// Where so much stays for [`SPAN`] frames, anchors were 20 % worse than one pyramid; nobody tries them.
const STAYS: f64 = 0.6;
/// Where less stays, anchors are taken where there are no trials: they saved 20 % at 0.19 and 0.26, and cost
/// 4 % at 0.46.
const LEAVES: f64 = 0.35;
/// ...and pictures are soft: halving loses less than this times the price of a bit. It loses 0.04 of it where
/// anchors with softer grids saved those 20 %, and 0.12 where they cost 25 %.
const SOFT: f64 = 0.06;
/// Where so much stays, anchors of long groups stand twice as far apart: 22 % better at 0.49, 9 and 4 % worse
/// at 0.19 and 0.26.
const SLOW: f64 = 0.4;
/// Groups of more frames are long.
const LONG: u32 = 33;

/// How much of a picture stays for [`SPAN`] frames; of a group that is shorter, how much would.
fn kept(chain: &Chain) -> f64 {
    let n = chain.n_pictures();
    let span = SPAN.min(n - 1);
    if span == 0 {
        return 1.0;
    }
    let seen = |k: usize| {
        let first = k * (n - 1 - span) / (PLACES - 1);
        chain.seen(first, first + span)
    };
    let mean = (0..PLACES).map(seen).sum::<f64>() / PLACES as f64;
    mean.powf(SPAN as f64 / span as f64)
}

/// Most steps that the trials of a group of `n_frames` take.
pub fn most_steps(recipe: &Recipe, n_frames: u32) -> u32 {
    recipe.trial().map_or(0, |trial| MAX_TRIALS * trial.epochs * n_frames)
}

/// Chooses by trials where `recipe` is long enough for them. Every training begins at the motion that
/// optical flow finds (docs/adr/0014).
///
/// # Errors
/// Those of `report`, of a trial and of the backend; a trial that diverges only loses.
pub fn choose(
    engine: &Engine,
    (extent, recipe): (&Extent, &Recipe),
    (pictures, chain): (&[&Picture], Chain),
    cancel: &CancelFlag,
    report: &mut (dyn FnMut(&Report) -> Result<()> + Send),
) -> Result<Chosen> {
    let simple = Structure::new(extent, recipe.lambda);
    let trial = recipe.trial();
    let kept = engine.run(|| kept(&chain));
    let recipe = trial.as_ref().unwrap_or(recipe);
    let mut trials = Trials {
        engine,
        extent,
        recipe,
        pictures,
        cancel,
        report,
        chain,
        n: 0,
        best: simple,
        first_error: f64::INFINITY,
        least: f64::INFINITY,
    };
    let mut anchored = simple.anchored(extent);
    if kept >= SLOW && extent.n_frames > LONG {
        anchored = anchored.map(|a| Structure { anchor_step: a.anchor_step.map(|s| 2 * s), ..a });
    }
    if trial.is_some() {
        // All with the same residual: a finer one pays late.
        let anchored = anchored.filter(|_| kept < STAYS);
        let finest_residual = anchored.map_or(simple.finest_residual, |a| a.finest_residual);
        let one = Structure { finest_residual, ..simple };
        trials.consider(one)?;
        let loss = halving_losses(pictures, simple.finest_canonical) / trials.first_error;
        if loss < SHARP {
            trials.consider(one.softer())?;
        }
        if let Some(anchored) = anchored {
            let is_soft = loss < SHARP_ANCHORS;
            trials.consider(if is_soft { anchored.softer() } else { anchored })?;
        }
        if trials.best.anchor_step.is_none() {
            trials.best.finest_residual = simple.finest_residual;
        }
    } else if let Some(anchored) = anchored.filter(|_| kept < LEAVES)
        && halving_losses(pictures, simple.finest_canonical) < SOFT * f64::from(recipe.lambda)
    {
        trials.best = anchored.softer();
    }
    let Trials { best: structure, n: n_trials, .. } = trials;
    let model = structure.spec(extent);
    let choice = Choice { n_trials, ..Choice::of(&model) };
    let start = trials.start(&Shape::new(&model, extent)?);
    Ok(Chosen { model, start, choice, n_steps: n_trials * trials.n_steps() })
}

/// See [`halving_loss`], for the pictures of a group.
fn halving_losses(pictures: &[&Picture], reduction: u32) -> f64 {
    let judged = pictures.iter().step_by(JUDGED);
    let n = judged.len() as f64;
    judged.map(|picture| halving_loss(picture, reduction as usize)).sum::<f64>() / n
}

struct Trials<'a> {
    engine: &'a Engine,
    extent: &'a Extent,
    recipe: &'a Recipe,
    pictures: &'a [&'a Picture],
    cancel: &'a CancelFlag,
    report: &'a mut (dyn FnMut(&Report) -> Result<()> + Send),
    /// The flows of the group.
    chain: Chain,
    /// Trials done.
    n: u32,
    /// What won so far, and its cost.
    best: Structure,
    least: f64,
    /// The error that the long training of the first one will leave.
    first_error: f64,
}

impl Trials<'_> {
    /// Steps of one trial.
    fn n_steps(&self) -> u32 {
        self.recipe.epochs * self.extent.n_frames
    }

    /// What flow says of where motion should begin.
    fn start(&self, shape: &Shape) -> Vec<FirstValues> {
        let chain = &self.chain;
        self.engine.run(|| motion_start(shape, chain))
    }

    /// Tries a model, and takes it if it is better than what won so far. Its bits count as they are, its
    /// error as what the long training will leave of it: what learns fast would win otherwise.
    fn consider(&mut self, structure: Structure) -> Result<()> {
        let Worth { mse, rate } = self.worth(&structure)?;
        let error = mse * f64::from(self.recipe.epochs) / VISITS_TO_THE_END;
        if self.n == 1 {
            self.first_error = error;
        }
        if error + rate < self.least * (1.0 - LEAST_GAIN) {
            (self.best, self.least) = (structure, error + rate);
        }
        Ok(())
    }

    /// What a trial yields; the error is infinite where it diverged.
    fn worth(&mut self, structure: &Structure) -> Result<Worth> {
        let model = structure.spec(self.extent);
        let shape = Shape::new(&model, self.extent)?;
        let recipe = Recipe { start: self.start(&shape), ..self.recipe.clone() };
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::spec::samples::{anchored, grids, hash};

    #[test]
    fn a_model_tells_what_was_chosen() {
        let of = |model| {
            let Choice { anchor_step, finest_canonical, n_trials } = Choice::of(&model);
            (anchor_step, finest_canonical, n_trials)
        };
        assert_eq!([anchored(), grids(), hash()].map(of), [(5, 1, 0), (0, 1, 0), (0, 0, 0)]);
    }
}
