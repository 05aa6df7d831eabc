// SPDX-License-Identifier: MIT OR Apache-2.0
//! The training of one group, apart from all others.

use std::time::Instant;

use super::frames::{AccessUnit, InputFrame, access_units};
use crate::base::{Error, Metadata, Picture, Result};
use crate::bitstream::{self, GroupHeader};
use crate::codec::embedding::Frames;
use crate::codec::metrics::{psnr, rgb_mse};
use crate::codec::payload::{Coding, shape};
use crate::codec::{CancelFlag, Choice, EmbeddingStats, EncoderSettings, Engine, Progress, coded};
use crate::flow::Chain;
use crate::train::{Recipe, Report};

/// A group that is closed, and all that its training depends on.
pub(super) struct Group {
    /// Number in the sequence, from 0.
    pub number: u64,
    /// Number of its first frame.
    pub first_frame: u64,
    pub settings: EncoderSettings,
    pub recipe: Recipe,
    pub metadata: Metadata,
    pub frames: Vec<InputFrame>,
    /// How long each frame lasts in the group, in ns.
    pub durations: Vec<u64>,
    /// The flows between the frames, for profile `warp`.
    pub chain: Option<Chain>,
    /// See [`Finished::is_split`].
    pub is_split: bool,
}

/// A group that is trained.
pub(super) struct Finished {
    pub number: u64,
    pub units: Vec<AccessUnit>,
    /// Mean RGB PSNR of its frames in dB.
    pub psnr: f64,
    pub n_steps: u32,
    /// The price of a bit that its training ended with.
    pub lambda: f32,
    pub seconds: f64,
    pub choice: Choice,
    pub embedding: EmbeddingStats,
    /// See [`super::EncoderStats::groups_split`].
    pub is_split: bool,
}

impl Finished {
    pub fn n_bytes(&self) -> u64 {
        self.units.iter().map(|u| u.data.len() as u64).sum()
    }
}

impl Group {
    /// Trains it, writes its access units, and decodes them again to see what they are worth.
    ///
    /// # Errors
    /// [`Error::Cancelled`] when `cancel` says so; [`Error::Diverged`]; [`Error::Backend`].
    pub fn train(
        self,
        engine: &Engine,
        cancel: &CancelFlag,
        listen: &mut (dyn FnMut(&Progress) + Send),
    ) -> Result<Finished> {
        let start = Instant::now();
        let Self { number, settings, recipe, metadata, frames, durations, chain, .. } = self;
        let pictures: Vec<&Picture> = frames.iter().map(|f| &f.picture).collect();
        let times: Vec<u64> = frames.iter().map(|f| f.pts).collect();
        let shown = Frames { pictures: &pictures, times: &times, first: self.first_frame };
        let report = &mut |report: &Report| {
            cancel.check()?;
            listen(&Progress {
                group: number,
                n_frames: pictures.len() as u32,
                iteration: report.step,
                n_iterations: report.n_steps,
                psnr: -10.0 * report.mse.max(1e-12).log10(),
                elapsed: start.elapsed().as_secs_f32(),
            });
            Ok(())
        };
        let coded =
            coded::code(engine, &settings, &recipe, (&shown, chain), &metadata, cancel, report)?;
        let header = GroupHeader {
            id: number as u8,
            format: settings.format,
            frame_rate: settings.frame_rate,
            pts: frames[0].pts,
            durations,
            continues: false,
            model: coded.model,
        };
        let units = access_units(&header, &coded.payload, &frames);
        let psnr = check(engine, &units[0].data, &frames, cancel)?;
        let seconds = start.elapsed().as_secs_f64();
        let coded::Coded { n_steps, lambda, choice, embedding, .. } = coded;
        let is_split = self.is_split;
        Ok(Finished { number, units, psnr, n_steps, lambda, seconds, choice, embedding, is_split })
    }
}

/// Decodes what was written and returns the mean PSNR of its frames.
pub(super) fn check(
    engine: &Engine,
    unit: &[u8],
    frames: &[InputFrame],
    cancel: &CancelFlag,
) -> Result<f64> {
    let bitstream::Unit::Group { header, payload, .. } = bitstream::parse(unit)? else {
        return Err(Error::damaged("the encoder wrote no group"));
    };
    let shape = shape(&header)?;
    let coding = Coding { shape: &shape, precision: header.model.precision };
    // What a decoder would refuse is not written.
    let budget = &mut bitstream::WorkBudget::decoding();
    let parameters = engine.run(|| coding.decode(payload, budget))?;
    let mut group = engine.load(shape, parameters)?;
    let mut out = Picture::new(header.format)?;
    let mut sum = 0.0;
    for (i, frame) in frames.iter().enumerate() {
        cancel.check()?;
        engine.render(&mut group, i as f32, &|| cancel.is_set(), &mut out)?;
        sum += engine.run(|| psnr(rgb_mse(&frame.picture, &out), 255.0));
    }
    Ok(sum / frames.len() as f64)
}
