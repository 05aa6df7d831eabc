// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the frames of a group mean: the vectors of a teacher beside the latents (FORMAT section 5.2).
//!
//! The paper trains one vector per frame for both: what modulates the network, and what is near the
//! teacher's vector (Eq. 6). Here the vector of a frame is both one after the other: first the few numbers
//! that the hypernetworks read, trained, then the teacher's own, quantised. No picture depends on the
//! latter, so that Eq. 6 falls apart into two losses without a common variable (docs/adr/0017).

mod nodes;
mod quantise;
mod track;

use std::time::Instant;

pub use track::EmbeddingTrack;

use super::convert::to_rgb8;
use crate::align::Teacher;
use crate::base::{Error, Picture, Result};
use crate::bitstream::write_embedding;

impl Teacher {
    /// The vector of frame `number` of a video, shown at `pts` ns, of length 1. Models go by the picture, in
    /// its own colours; features by number or time.
    ///
    /// # Errors
    /// [`Error::Model`] when there is none, or the model fails.
    pub fn embed(&self, at: (u64, u64), picture: &Picture) -> Result<Vec<f32>> {
        let format = picture.format();
        let size = (format.width as usize, format.height as usize);
        self.embed_rgb(at, &|| (size, to_rgb8(picture)))
    }
}

/// What an encoder stores of what its frames mean.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Alignment {
    /// Whose vectors are stored.
    pub teacher: Teacher,
    /// What 1 - cos between a frame's stored vector and the teacher's costs beside its mean squared error,
    /// lambda_clip of Eq. 6, above 0 and at most [`Alignment::MAX_WEIGHT`]. Vectors take at most twice this
    /// part of the bytes, or 64 bytes of a group (at the default weight), unless the cosine would fall below 0.9875 for it (at the default weight).
    pub weight: f32,
}

impl Alignment {
    /// The paper's weight.
    pub const WEIGHT: f32 = 0.01;
    /// The largest weight: an angle counts as much as all of the picture.
    pub const MAX_WEIGHT: f32 = 1.0;

    /// With the paper's weight.
    pub fn new(teacher: Teacher) -> Self {
        Self { teacher, weight: Self::WEIGHT }
    }

    /// Sets the weight.
    #[must_use]
    pub fn weight(mut self, weight: f32) -> Self {
        self.weight = weight;
        self
    }

    /// # Errors
    /// [`Error::InvalidSetting`] when the weight is out of range.
    pub(super) fn validate(&self) -> Result<()> {
        match self.weight > 0.0 && self.weight <= Self::MAX_WEIGHT {
            true => Ok(()),
            false => Err(Error::InvalidSetting(format!(
                "clip-weight {}: choose more than 0, at most {}",
                self.weight,
                Self::MAX_WEIGHT
            ))),
        }
    }
}

/// What storing the vectors of groups took.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct EmbeddingStats {
    /// Pictures that the teacher looked at, or vectors that were read.
    pub images: u64,
    /// Seconds that this took.
    pub seconds: f64,
    /// Time nodes that got a vector.
    pub nodes: u64,
    /// Bytes of the section.
    pub bytes: u64,
    /// 1 - cos between stored and teacher's vectors, summed over frames, as far as the teacher was asked.
    pub error: f64,
}

impl EmbeddingStats {
    /// Counts another group.
    pub(super) fn add(&mut self, other: &Self) {
        self.images += other.images;
        self.seconds += other.seconds;
        self.nodes += other.nodes;
        self.bytes += other.bytes;
        self.error += other.error;
    }
}

/// The part of a group's bytes that its vectors may take, divided by the weight: with what names the model in
/// the settings it is no more than 2.
const MOST_SHARE: f64 = 1.9;

/// Bytes that they may take in any case, divided by the weight: 64 at the default one, 5 bits for each of 64
/// dimensions. With fewer one of 64 clips of 1 kB was not found that the small CLIP finds.
const LEAST: f64 = 6400.0;

/// The frames of a group, for a teacher.
pub(super) struct Frames<'a> {
    pub pictures: &'a [&'a Picture],
    /// Presentation time of each in ns.
    pub times: &'a [u64],
    /// Number of the first one in the video.
    pub first: u64,
}

/// The section that tells what the frames of a group mean, whose other sections take `other_bytes`; `price`
/// is that of a bit in mean squared error. `poll` is called between pictures and may stop the work.
///
/// # Errors
/// [`Error::Model`]; those of `poll`.
pub(super) fn embed(
    alignment: &Alignment,
    frames: &Frames,
    (other_bytes, price): (usize, f64),
    poll: &dyn Fn() -> Result<()>,
) -> Result<(Vec<u8>, EmbeddingStats)> {
    let mut stats = EmbeddingStats::default();
    let mut ask = |i: usize| {
        poll()?;
        let start = Instant::now();
        let at = (frames.first + i as u64, frames.times[i]);
        let vector = alignment.teacher.embed(at, frames.pictures[i])?;
        stats.images += 1;
        stats.seconds += start.elapsed().as_secs_f64();
        Ok(vector)
    };
    let costs = nodes::Costs {
        weight: f64::from(alignment.weight),
        price,
        most_bytes: f64::from(alignment.weight) * (MOST_SHARE * other_bytes as f64).max(LEAST),
    };
    let space = alignment.teacher.space();
    let plan = nodes::choose(space, frames.pictures.len(), &costs, &mut ask)?;
    let bytes = write_embedding(&plan.embedding)?;
    stats.nodes = plan.embedding.header.nodes.len() as u64;
    stats.bytes = bytes.len() as u64;
    stats.error = plan.error * frames.pictures.len() as f64;
    Ok((bytes, stats))
}
