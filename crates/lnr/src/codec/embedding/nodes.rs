// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which frames of a group get a vector of their own, and how exactly: few in a still shot, so that the
//! teacher sees few pictures, more where what is shown changes.

use std::collections::BTreeMap;

use super::quantise::{GAINS, Rounded, round};
use super::track::EmbeddingTrack;
use crate::align::{cosine, normalise};
use crate::base::{Result, Space, Tau, limits};
use crate::bitstream::{Embedding, write_embedding};

/// What counts.
pub(super) struct Costs {
    /// Of 1 - cos, in mean squared error.
    pub weight: f64,
    /// Of a bit, in mean squared error.
    pub price: f64,
    /// Most bytes of the section, unless rounding alone would cost more than [`Costs::most_error`].
    pub most_bytes: f64,
}

impl Costs {
    /// 1 - cos that rounding may cost where bytes are short: 0.0125 at the default weight, less where
    /// angles count more. With 0.02 the small CLIP found 2 of 64 clips less in their files than by itself; with
    /// 0.005 the shots of Bikes at 320x136 took 2.7 % for ViT-B/32's 512 dimensions.
    fn most_error(&self) -> f64 {
        (1.25e-4 / self.weight).min(0.5)
    }
}

/// What is stored.
pub(super) struct Plan {
    pub embedding: Embedding,
    /// 1 - cos between what is stored and the teacher's vectors, mean over the frames.
    pub error: f64,
    cost: f64,
    /// Largest 1 - cos that rounding caused at a node.
    rounding: f64,
    /// Whether it takes no more bytes than it may.
    fits: bool,
}

impl Plan {
    /// Whether nothing moves: what is stored misses the teacher's vectors by its rounding.
    fn is_still(&self) -> bool {
        self.error <= 1.5 * self.rounding
    }
}

/// The teacher's vectors of frames that it was asked for.
type Known = BTreeMap<usize, Vec<f32>>;

/// Chooses nodes and precision for a group of `n` frames: first one vector for all, then one at either end,
/// then more where the teacher's vectors leave the line, for as long as that costs less. `ask` gives the
/// teacher's vector of a frame.
///
/// # Errors
/// Those of `ask`.
pub(super) fn choose(
    space: &Space,
    n: usize,
    costs: &Costs,
    ask: &mut dyn FnMut(usize) -> Result<Vec<f32>>,
) -> Result<Plan> {
    let mut known = Known::new();
    let mut learn = |known: &mut Known, frame: usize| -> Result<()> {
        if let std::collections::btree_map::Entry::Vacant(entry) = known.entry(frame) {
            entry.insert(ask(frame)?);
        }
        Ok(())
    };
    for frame in [0, (n - 1) / 2, n - 1] {
        learn(&mut known, frame)?;
    }
    let mut best_nodes = vec![(n - 1) / 2];
    let mut best = plan(space, n, &best_nodes, &known, costs)?;
    let mut nodes = vec![0, n - 1];
    let mut n_in_vain = 0;
    while n > 1 && !best.is_still() && nodes.len() <= limits::MAX_EMBEDDING_NODES {
        let next = plan(space, n, &nodes, &known, costs)?;
        let split = worst(&next, &nodes, &known);
        if next.fits && next.cost < best.cost {
            (best, best_nodes, n_in_vain) = (next, nodes.clone(), 0);
        } else {
            n_in_vain += 1;
        }
        let Some(split) = split.filter(|_| n_in_vain < PATIENCE) else { break };
        nodes.insert(split, middle(nodes[split - 1], nodes[split]));
        // What is new is judged between its nodes, too, and so is what it is compared with.
        for pair in nodes[split - 1..=split + 1].windows(2) {
            learn(&mut known, middle(pair[0], pair[1]))?;
        }
        best = plan(space, n, &best_nodes, &known, costs)?;
    }
    Ok(best)
}

/// Splits in a row that may gain nothing: where something is shown in between, only the second one pays.
const PATIENCE: u32 = 3;

fn middle(a: usize, b: usize) -> usize {
    a + (b - a) / 2
}

/// The number of the node that ends the interval whose middle is stored worst, where one can be split.
fn worst(plan: &Plan, nodes: &[usize], known: &Known) -> Option<usize> {
    let track = EmbeddingTrack::of(plan.embedding.clone());
    let error = |end: usize| {
        let (a, b) = (nodes[end - 1], nodes[end]);
        let frame = Some(middle(a, b)).filter(|m| *m > a)?;
        let vector = known.get(&frame)?;
        Some(
            (b - a) as f64 * (1.0 - f64::from(cosine(&track.at(Tau::frame(frame as u32)), vector))),
        )
    };
    let all = (1..nodes.len()).filter_map(|end| Some((end, error(end)?)));
    all.max_by(|a, b| a.1.total_cmp(&b.1)).map(|(end, _)| end)
}

/// The best that can be stored at these nodes.
fn plan(space: &Space, n: usize, nodes: &[usize], known: &Known, costs: &Costs) -> Result<Plan> {
    let vectors: Vec<Vec<f32>> = match nodes {
        // One vector for all is their mean.
        [_] => vec![mean(n, known)],
        _ => nodes.iter().map(|frame| known[frame].clone()).collect(),
    };
    let mut all = Vec::new();
    for gain in GAINS {
        let Rounded { embedding, error: rounding } = round(space, nodes, &vectors, gain);
        let n_bytes = write_embedding(&embedding)?.len() as f64;
        let error = error(&embedding, n, known);
        let cost = costs.weight * error + costs.price * 8.0 * n_bytes;
        let is_exact = rounding <= costs.most_error();
        let fits = n_bytes <= costs.most_bytes;
        all.push((Plan { embedding, error, cost, rounding, fits }, is_exact));
    }
    let cheapest = (0..all.len())
        .filter(|i| all[*i].0.fits && all[*i].1)
        .min_by(|a, b| all[*a].0.cost.total_cmp(&all[*b].0.cost));
    let coarsest = || all.iter().position(|(_, is_exact)| *is_exact);
    let chosen = cheapest.or_else(coarsest).unwrap_or(all.len() - 1);
    Ok(all.swap_remove(chosen).0)
}

/// The part of a group of `n` frames that each known frame stands for: those that are nearest to it.
fn shares(n: usize, known: &Known) -> Vec<f64> {
    let frames: Vec<usize> = known.keys().copied().collect();
    let border = |i: usize| (frames[i - 1] + frames[i]) as f64 / 2.0;
    let share = |i: usize| {
        let from = if i == 0 { 0.0 } else { border(i) };
        let to = if i + 1 == frames.len() { (n - 1) as f64 } else { border(i + 1) };
        // A group of one frame has no length.
        if n == 1 { 1.0 } else { (to - from) / (n - 1) as f64 }
    };
    (0..frames.len()).map(share).collect()
}

/// The mean of the known vectors, of length 1; the first where they cancel each other out.
fn mean(n: usize, known: &Known) -> Vec<f32> {
    let mut sum = vec![0.0; known.values().next().map_or(0, Vec::len)];
    for (vector, share) in known.values().zip(shares(n, known)) {
        sum.iter_mut().zip(vector).for_each(|(s, v)| *s += v * share as f32);
    }
    let is_zero = sum.iter().all(|v| *v == 0.0);
    if is_zero {
        return known.values().next().cloned().unwrap_or_default();
    }
    normalise(&mut sum);
    sum
}

/// 1 - cos, mean over the frames of a group of `n`.
fn error(embedding: &Embedding, n: usize, known: &Known) -> f64 {
    let track = EmbeddingTrack::of(embedding.clone());
    let error = |(frame, vector): (&usize, &Vec<f32>)| {
        1.0 - f64::from(cosine(&track.at(Tau::frame(*frame as u32)), vector))
    };
    known.iter().map(error).zip(shares(n, known)).map(|(error, share)| error * share).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Rng;

    const DIM: usize = 96;

    fn vector(seed: u64) -> Vec<f32> {
        let mut rng = Rng::new(seed);
        let mut vector: Vec<f32> = (0..DIM).map(|_| rng.normal()).collect();
        normalise(&mut vector);
        vector
    }

    /// Between two vectors.
    fn mix(a: &[f32], b: &[f32], w: f32) -> Vec<f32> {
        let mut mixed: Vec<f32> = a.iter().zip(b).map(|(a, b)| a + (b - a) * w).collect();
        normalise(&mut mixed);
        mixed
    }

    /// What is stored of a group of `n` frames, and how many vectors were asked for.
    fn chosen(
        n: usize,
        costs: &Costs,
        teacher: &dyn Fn(usize) -> Vec<f32>,
    ) -> (Plan, EmbeddingTrack, usize) {
        let space = Space::new("test", [1; 8], DIM).unwrap();
        let mut asked = 0;
        let plan = choose(&space, n, costs, &mut |frame| {
            asked += 1;
            Ok(teacher(frame))
        });
        let plan = plan.unwrap();
        let track = EmbeddingTrack::of(plan.embedding.clone());
        (plan, track, asked)
    }

    const FREE: Costs = Costs { weight: 0.01, price: 1e-9, most_bytes: 1e9 };

    #[test]
    fn a_still_shot_takes_one_vector_and_three_pictures() {
        let (plan, track, asked) = chosen(66, &FREE, &|_| vector(1));
        assert_eq!((track.nodes().len(), asked), (1, 3));
        assert!(plan.error < 1e-3, "{}", plan.error);
        let (_, track, asked) = chosen(1, &FREE, &|_| vector(1));
        assert_eq!((track.nodes(), asked), (&[Tau::frame(0)][..], 1));
    }

    #[test]
    fn nodes_stand_where_the_vector_moves() {
        // Still, then from one to another between frames 40 and 48, then still.
        let teacher = |frame: usize| {
            mix(&vector(1), &vector(2), ((frame as f32 - 40.0) / 8.0).clamp(0.0, 1.0))
        };
        let (plan, track, asked) = chosen(64, &FREE, &teacher);
        let inside = track.nodes().iter().filter(|t| (38..=50).contains(&t.floor())).count();
        let n = track.nodes().len();
        assert!((4..=14).contains(&n) && 2 * inside >= n && asked < 32, "{:?}", track.nodes());
        for frame in 0..64 {
            let cos = cosine(&track.at(Tau::frame(frame as u32)), &teacher(frame));
            assert!(cos > 0.95, "frame {frame}: {cos}, {}", plan.error);
        }
    }

    #[test]
    fn bytes_are_bounded_but_not_below_what_search_needs() {
        let teacher = |frame: usize| vector(frame as u64);
        let size = |costs: &Costs| {
            let (plan, track, _) = chosen(16, costs, &teacher);
            (write_embedding(&plan.embedding).unwrap().len(), track, plan)
        };
        let (n_free, ..) = size(&FREE);
        assert!(n_free > 500, "{n_free}");
        let (n, ..) = size(&Costs { most_bytes: 150.0, ..FREE });
        assert!(n <= 150, "{n}");
        // One vector of all frames, exact enough.
        let (n, track, plan) = size(&Costs { most_bytes: 1.0, ..FREE });
        let n_nodes = track.nodes().len();
        assert!(n < 80 && n_nodes == 1 && !plan.fits, "{n} bytes, {n_nodes} nodes, {}", plan.error);
        // Dear bits give the same, cheap angles less.
        let (dear, ..) = size(&Costs { price: 1.0, ..FREE });
        assert_eq!(dear, n);
        let (rough, ..) = size(&Costs { price: 1.0, weight: 1e-3, ..FREE });
        assert!(rough < n, "{rough} and {n}");
    }
}
