// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which model of profile `warp` a group gets: short whole trainings of what it could be. An early look at
//! a long training chose wrongly where this chose right (docs/adr/0013).

use super::content::{halving_losses, kept};
use super::convert::Scaler;
use super::payload::Coding;
use super::plan::{self, LAMBDA_50};
use super::structure::Structure;
use super::{CancelFlag, Engine};
use crate::backend::Shape;
use crate::base::spec::{Extent, ModelSpec, SourceSpec};
use crate::base::{Error, Metadata, Picture, PictureFormat, Result};
use crate::flow::Chain;
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
    /// Short trainings that it was chosen by; 0: by the size of the picture, the price of a bit and what
    /// stays in the picture, or for a group that was taken over from a file.
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
/// will leave: softer canonical grids saved up to 11 % of the bytes where it was 0.3 to 0.94, cost 7 and 32 %
/// where it was 1.2 and 1.3, and nothing where few bytes are canonical grids; short trials favour them
/// everywhere, as they learn faster (docs/adr/0013).
const SHARP: f64 = 1.0;
/// The same for pictures that were reduced for the trials, of which more error is left at the same price.
const SHARP_REDUCED: f64 = 0.5;
/// Visits of the trials that [`remains`] was measured with.
const VISITS: f64 = 12.0;
/// Where so much stays in the picture, anchors are not tried: one pyramid was 8 % better than the best of them
/// at 0.72, and as good at 0.62.
const STAYS: f64 = 0.6;
/// Where less stays, anchors are taken where there are no trials, if pictures are soft (see [`SOFT`]): they
/// saved 20 % at 0.19 and 0.26, and cost 4 % at 0.46.
const LEAVES: f64 = 0.35;
/// Without trials pictures are soft where halving loses less than this times the price of a bit. It loses
/// 0.04 of it where anchors with softer grids saved those 20 %, and 0.12 where they cost 25 %.
const SOFT: f64 = 0.06;
/// Where so much stays, anchors of long groups stand twice as far apart: 22 % better at 0.49, 9 and 4 % worse
/// at 0.19 and 0.26.
const SLOW: f64 = 0.4;
/// Groups of more frames are long: they hold three anchors and more.
const LONG: u32 = 33;

/// The part of a trial's error that the long training will leave. The dearer bits are, the sooner it is
/// done: at qualities 20, 40 and 58 trials of 12 visits left 1.5, 2 and 3 times as much; 6 visits leave twice
/// that of 12. Bits are about as many as in the end. Beyond these qualities nothing was measured.
fn remains(trial: &Recipe) -> f64 {
    let part = 0.4 + 0.087 * f64::from(trial.lambda / LAMBDA_50).log2();
    part.clamp(0.25, 0.75) * f64::from(trial.epochs) / VISITS
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
    let kept = engine.run(|| kept(&chain));
    let anchored = Candidate {
        is_anchored: true,
        is_slow: kept >= SLOW && extent.n_frames > LONG,
        is_soft: true,
    };
    let (mut best, mut n_trials, mut n_steps) = (Candidate::default(), 0, 0);
    if let Some(trial) = recipe.trial() {
        let small = engine.run(|| reduced(pictures))?;
        let small: Option<Vec<&Picture>> = small.as_ref().map(|small| small.iter().collect());
        let flows = |pictures: &[&Picture]| engine.run(|| Chain::new(pictures, &|| cancel.check()));
        let small_chain = small.as_deref().map(flows).transpose()?;
        let tried = small.as_deref().unwrap_or(pictures);
        let format = tried[0].format();
        let points = plan::points(format.width.max(format.height), true);
        let mut trials = Trials {
            engine,
            extent: &Extent { width: format.width, height: format.height, ..*extent },
            recipe: &Recipe { points, ..trial },
            pictures: tried,
            is_reduced: small.is_some(),
            cancel,
            report,
            chain: small_chain.as_ref().unwrap_or(&chain),
            n: 0,
            best,
            first_error: f64::INFINITY,
            least: f64::INFINITY,
        };
        trials.run(Some(anchored).filter(|_| kept < STAYS))?;
        (best, n_trials, n_steps) = (trials.best, trials.n, trials.n * trials.n_steps());
    } else if kept < LEAVES {
        let finest = Structure::new(extent, recipe.lambda).finest_canonical;
        let lost = engine.run(|| halving_losses(pictures, finest));
        if lost < SOFT * f64::from(recipe.lambda) {
            best = anchored;
        }
    }
    let model = best.structure(extent, recipe.lambda).spec(extent);
    let choice = Choice { n_trials, ..Choice::of(&model) };
    let shape = Shape::new(&model, extent)?;
    let start = engine.run(|| motion_start(&shape, &chain));
    Ok(Chosen { model, start, choice, n_steps })
}

/// What may be chosen.
#[derive(Clone, Copy, Default)]
struct Candidate {
    is_anchored: bool,
    /// Whether anchors stand twice as far apart.
    is_slow: bool,
    is_soft: bool,
}

impl Candidate {
    /// What it means for pictures of this size. A group that is too short for anchors has the simple model.
    fn structure(self, extent: &Extent, lambda: f32) -> Structure {
        let simple = Structure::new(extent, lambda);
        let mut structure = simple;
        if self.is_anchored {
            let Some(anchored) = simple.anchored(extent) else { return simple };
            let gap = if self.is_slow { 2 } else { 1 };
            structure =
                Structure { anchor_step: anchored.anchor_step.map(|s| gap * s), ..anchored };
        }
        if self.is_soft { structure.softer() } else { structure }
    }
}

/// Trials see pictures whose longer side is below this, halved as often as that takes.
const TRIED_SIDE: u32 = 960;

/// The size that trials see pictures at; `None` where that is their own.
fn reduced_size(format: &PictureFormat) -> Option<(u32, u32)> {
    let (width, height) = (format.width, format.height);
    let n_halvings = (width.max(height) / TRIED_SIDE).checked_ilog2()? + 1;
    let [width, height] = [width, height].map(|side| (side >> n_halvings).max(1));
    Some((width, height))
}

/// The pictures at that size.
fn reduced(pictures: &[&Picture]) -> Result<Option<Vec<Picture>>> {
    let format = pictures[0].format();
    let Some((width, height)) = reduced_size(format) else { return Ok(None) };
    let scaler = Scaler::new(format, width, height)?;
    pictures.iter().map(|picture| scaler.run(picture)).collect::<Result<_>>().map(Some)
}

/// Bytes that choosing for so many pictures takes beside the trainings: flows, smaller pictures and theirs.
pub fn bytes(format: &PictureFormat, n_pictures: usize) -> u64 {
    let flows =
        |width: u32, height: u32| Chain::bytes((width as usize, height as usize), n_pictures);
    let smaller = reduced_size(format).map_or(0, |(width, height)| {
        let pictures = n_pictures * format.resized(width, height).n_bytes();
        pictures as u64 + flows(width, height)
    });
    flows(format.width, format.height) + smaller
}

struct Trials<'a> {
    engine: &'a Engine,
    extent: &'a Extent,
    recipe: &'a Recipe,
    pictures: &'a [&'a Picture],
    cancel: &'a CancelFlag,
    report: &'a mut (dyn FnMut(&Report) -> Result<()> + Send),
    /// Whether they are smaller than those of the group.
    is_reduced: bool,
    /// The flows of the group.
    chain: &'a Chain,
    /// Trials done.
    n: u32,
    /// What won so far, and its cost.
    best: Candidate,
    least: f64,
    /// The error that the long training of the first one will leave.
    first_error: f64,
}

impl Trials<'_> {
    /// Steps of one trial.
    fn n_steps(&self) -> u32 {
        self.recipe.epochs * self.extent.n_frames
    }

    /// Tries what may suit the group; anchors where they may.
    fn run(&mut self, anchored: Option<Candidate>) -> Result<()> {
        let simple = Structure::new(self.extent, self.recipe.lambda);
        self.consider(Candidate::default())?;
        let lost = self.engine.run(|| halving_losses(self.pictures, simple.finest_canonical));
        let sharp = if self.is_reduced { SHARP_REDUCED } else { SHARP };
        let is_soft = lost < sharp * self.first_error;
        if is_soft {
            self.consider(Candidate { is_soft, ..Candidate::default() })?;
        }
        if let Some(anchored) = anchored.filter(|_| simple.anchored(self.extent).is_some()) {
            // Where one pyramid may as well be soft, anchors are better so.
            self.consider(Candidate { is_soft, ..anchored })?;
        }
        Ok(())
    }

    /// Tries a model, and takes it if it is better than what won so far. Its bits count as they are, its
    /// error as what the long training will leave of it: what learns fast would win otherwise.
    fn consider(&mut self, candidate: Candidate) -> Result<()> {
        let Worth { mse, rate } = self.worth(&self.tried(candidate))?;
        let error = mse * remains(self.recipe);
        if self.n == 1 {
            self.first_error = error;
        }
        if error + rate < self.least * (1.0 - LEAST_GAIN) {
            (self.best, self.least) = (candidate, error + rate);
        }
        Ok(())
    }

    /// What is trained of a candidate: all with the residual of anchors, as a finer one pays late.
    fn tried(&self, candidate: Candidate) -> Structure {
        let (extent, lambda) = (self.extent, self.recipe.lambda);
        let anchored = Structure::new(extent, lambda).anchored(extent);
        let structure = candidate.structure(extent, lambda);
        let finest_residual = anchored.map_or(structure.finest_residual, |a| a.finest_residual);
        Structure { finest_residual, ..structure }
    }

    /// What a trial yields; the error is infinite where it diverged.
    fn worth(&mut self, structure: &Structure) -> Result<Worth> {
        let model = structure.spec(self.extent);
        let shape = Shape::new(&model, self.extent)?;
        let start = self.engine.run(|| motion_start(&shape, self.chain));
        let recipe = Recipe { start, ..self.recipe.clone() };
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
    use crate::base::Chroma;
    use crate::base::spec::samples::{anchored, grids, hash};

    #[test]
    fn a_model_tells_what_was_chosen() {
        let of = |model| {
            let Choice { anchor_step, finest_canonical, n_trials } = Choice::of(&model);
            (anchor_step, finest_canonical, n_trials)
        };
        assert_eq!([anchored(), grids(), hash()].map(of), [(5, 1, 0), (0, 1, 0), (0, 0, 0)]);
    }

    #[test]
    fn trials_see_pictures_below_960_pixels() {
        let size =
            |width, height| reduced_size(&PictureFormat::new(width, height, Chroma::Yuv420, 8));
        assert_eq!([size(1, 1), size(959, 540)], [None, None]);
        assert_eq!(size(1280, 720), Some((640, 360)));
        assert_eq!(size(1080, 1919), Some((540, 959)));
        assert_eq!(size(3840, 2160), Some((480, 270)));
        assert_eq!(size(16_384, 1), Some((512, 1)));
    }

    #[test]
    fn candidates_mean_the_same_at_every_size() {
        let soft_anchors = Candidate { is_anchored: true, is_slow: true, is_soft: true };
        for (width, n_frames, finest, anchors) in
            [(320, 66, 2, Some(32)), (1280, 66, 4, Some(32)), (320, 4, 1, None)]
        {
            let extent = Extent { width, height: 180, n_frames, n_out: 3 };
            let Structure { finest_canonical, anchor_step, .. } =
                soft_anchors.structure(&extent, LAMBDA_50);
            assert_eq!((finest_canonical, anchor_step), (finest, anchors), "{width} {n_frames}");
        }
    }
}
