// SPDX-License-Identifier: MIT OR Apache-2.0

use rayon::prelude::*;

use super::field::Field;
use super::gate::{SPACING, belief, smooth};
use super::pair::{Pair, between};
use super::plane::Plane;
use super::pyramid::{PATCH, Pyramid, reduction};
use crate::base::{Picture, Result};

/// The flows between the neighbouring pictures of a group, from which motion to any of them follows.
#[derive(Debug)]
pub struct Chain {
    /// Pixels per sample of what [`Chain::motion`] returns, both ways.
    pub spacing: usize,
    lumas: Vec<Plane>,
    links: Vec<Link>,
}

/// From a picture to the next one and back, and how far that is believed.
#[derive(Debug)]
struct Link {
    pair: Pair,
    belief_there: Plane,
    belief_back: Plane,
}

/// Motion from a frame to the reference, and how far it is believed.
#[derive(Clone)]
struct Motion {
    field: Field,
    belief: Plane,
}

impl Chain {
    /// Bytes of a chain of so many pictures of this size, with what [`Chain::motion`] takes for all of them.
    pub fn bytes((width, height): (usize, usize), n_pictures: usize) -> u64 {
        // Of a picture its luma, and a flow and a belief to the reference; of two neighbours both twice.
        let n_planes = 4 * n_pictures + 6 * n_pictures.saturating_sub(1);
        let n = reduction(width, height);
        let samples = [width, height].map(|side| side.div_ceil(n).max(PATCH));
        (4 * n_planes * samples[0] * samples[1]) as u64
    }

    /// The chain of pictures of one format. `poll` is asked between the flows and may end the work by
    /// an error.
    ///
    /// # Errors
    /// Those of `poll`.
    pub fn new(pictures: &[&Picture], poll: &(dyn Fn() -> Result<()> + Sync)) -> Result<Self> {
        // A pyramid is made for each of its two flows, so that few are kept at a time.
        let link = |two: &[&Picture]| {
            poll()?;
            let [a, b] = [two[0], two[1]].map(Pyramid::new);
            let pair = between(&a, &b);
            let belief_there = belief(&pair.there, &pair.back, (&a.luma, &b.luma));
            let belief_back = belief(&pair.back, &pair.there, (&b.luma, &a.luma));
            Ok((Link { pair, belief_there, belief_back }, b.luma))
        };
        let first = pictures.first().map(|first| Pyramid::new(first).luma);
        let (links, lumas): (Vec<Link>, Vec<Plane>) =
            pictures.par_windows(2).map(link).collect::<Result<Vec<_>>>()?.into_iter().unzip();
        let lumas = first.into_iter().chain(lumas).collect();
        let spacing = pictures.first().map_or(1, |p| {
            let (width, height) = p.format().plane_size(0);
            SPACING * reduction(width, height)
        });
        Ok(Self { spacing, lumas, links })
    }

    /// Pictures of the chain.
    pub fn n_pictures(&self) -> usize {
        self.lumas.len()
    }

    /// Forgets all but the first `n` pictures.
    pub fn truncate(&mut self, n: usize) {
        self.lumas.truncate(n);
        self.links.truncate(n.saturating_sub(1));
    }

    /// How much two frames show of the same, as far as the flows between them are believed: 1 where every
    /// point of each is found in the other, and 0 where none is. Of frames that are as far apart as
    /// objects stay in the picture it tells what one picture can say of both.
    ///
    /// # Panics
    /// When there are no such frames, or they are not in order.
    pub fn seen(&self, first: usize, last: usize) -> f64 {
        let links = &self.links[first..last];
        let there = links.iter().rev().fold(self.here(last), |motion, link| {
            motion.after(&link.pair.there, &link.belief_there)
        });
        let back = links.iter().fold(self.here(first), |motion, link| {
            motion.after(&link.pair.back, &link.belief_back)
        });
        0.5 * (there.belief.mean() + back.belief.mean())
    }

    /// What [`Chain::seen`] says where every frame loses the same part of all that is left of it; at once.
    pub fn seen_about(&self, first: usize, last: usize) -> f64 {
        let mean = |link: &Link| 0.5 * (link.belief_there.mean() + link.belief_back.mean());
        self.links[first..last].iter().map(mean).product()
    }

    /// No motion, which is believed.
    fn here(&self, frame: usize) -> Motion {
        let Plane { width, height, .. } = self.lumas[frame];
        let mut belief = Plane::new(width, height);
        belief.samples.fill(1.0);
        Motion { field: Field::zero(width, height), belief }
    }

    /// Where the points of some frames are in frame `reference`: smooth, and zero where nothing is known
    /// or nothing gained.
    ///
    /// # Panics
    /// When there is no such frame.
    pub fn motion(&self, frames: &[usize], reference: usize) -> Vec<Field> {
        let luma = &self.lumas[reference];
        let here = self.here(reference);
        let first = frames.iter().fold(reference, |a, &b| a.min(b));
        let last = frames.iter().fold(reference, |a, &b| a.max(b));
        // Outward from the reference, one link more each time.
        let mut before = vec![here.clone()];
        for link in self.links[first..reference].iter().rev() {
            before.push(before[before.len() - 1].after(&link.pair.there, &link.belief_there));
        }
        let mut after = vec![here];
        for link in &self.links[reference..last] {
            after.push(after[after.len() - 1].after(&link.pair.back, &link.belief_back));
        }
        let smooth = |&frame: &usize| {
            let side = if frame < reference { &before } else { &after };
            let Motion { field, belief } = &side[frame.abs_diff(reference)];
            smooth(field, belief, (&self.lumas[frame], luma))
        };
        frames.par_iter().map(smooth).collect()
    }
}

impl Motion {
    /// This motion behind that from one frame further.
    fn after(&self, flow: &Field, belief: &Plane) -> Self {
        let mut chained = flow.warp(&self.belief);
        chained.samples.iter_mut().zip(&belief.samples).for_each(|(c, b)| *c *= b);
        Self { field: flow.then(&self.field), belief: chained }
    }
}
