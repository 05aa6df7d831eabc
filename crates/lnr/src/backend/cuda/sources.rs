// SPDX-License-Identifier: MIT OR Apache-2.0
//! What grid models are made of at a time, as the kernels take it.

use bytemuck::Zeroable;

use super::args::{CanonicalPlane, Level, Nodes, Sources};
use super::sizes::{MAX_LEVELS, MAX_TIMED};
use crate::backend::{self, CanonicalLevel, Kernel, Role, Sample, Shape};

/// The canonical levels of a time in sets: those of the even anchor, or of all canonical grids where
/// these are no anchors; then those of the odd anchor.
fn sets(shape: &Shape, sample: &Sample) -> [Vec<CanonicalLevel>; 2] {
    let mut first = shape.canonical_levels(sample);
    let second = first.split_off(shape.n_canonical_levels());
    [first, second]
}

/// Where the planes of a set are read: numbers of the shape's places, ascending.
fn places(set: &[CanonicalLevel]) -> Vec<usize> {
    let mut places: Vec<usize> = set.iter().map(|level| level.place).collect();
    places.sort_unstable();
    places.dedup();
    places
}

/// Places that the kernels go through for every point: those of one set, then those of the other.
pub fn n_places(shape: &Shape) -> usize {
    sets(shape, &shape.sample(0.0)).iter().map(|set| places(set).len()).sum()
}

fn level(of: &backend::Level, scale: usize) -> Level {
    Level {
        stride: of.grid.stride,
        margin: of.grid.margin,
        width: of.grid.width as i32,
        height: of.grid.height as i32,
        cubic: (of.kernel == Kernel::Cubic).into(),
        scale: scale as u32,
        offset: 0,
        row: 0,
    }
}

/// Copies to an array what it has room for.
fn fill<T>(to: &mut [T], from: impl IntoIterator<Item = T>) {
    to.iter_mut().zip(from).for_each(|(to, from)| *to = from);
}

/// The motion, residual and blend levels, in the planes of one time and in the rows of a step's
/// gradients.
fn timed(shape: &Shape) -> [Level; MAX_TIMED] {
    let mut base = 0;
    let levels = shape.timed().zip(shape.timed_rows()).flat_map(|((_, g), (first_row, step))| {
        let start = base;
        base += g.node_len;
        g.levels.iter().enumerate().map(move |(i, l)| Level {
            offset: (start + l.offset) as u32,
            row: (first_row + i * step) as u32,
            ..level(l, g.first_scale + i)
        })
    });
    let mut all = [Level::zeroed(); MAX_TIMED];
    fill(&mut all, levels);
    all
}

impl Sources {
    /// The levels of a shape, and the canonical planes of a time.
    pub fn new(shape: &Shape, sample: &Sample) -> Self {
        let sets = sets(shape, sample);
        let places = sets.each_ref().map(|set| places(set));
        let mut canonical = [Level::zeroed(); MAX_LEVELS];
        fill(&mut canonical, sets[0].iter().map(|c| level(&c.level, c.scale)));
        let mut planes = [[CanonicalPlane::zeroed(); MAX_LEVELS]; 2];
        let mut before = 0;
        for ((to, set), places) in planes.iter_mut().zip(&sets).zip(&places) {
            let plane = |c: &CanonicalLevel| CanonicalPlane {
                offset: c.offset as u32,
                place: (before + places.partition_point(|p| *p < c.place)) as u32,
            };
            fill(to, set.iter().map(plane));
            before += places.len();
        }
        let moved = |place: usize| shape.places[place].iter().map(|m| 1 << m).sum();
        let mut motions = [0; 2 * MAX_LEVELS];
        fill(&mut motions, places.iter().flatten().map(|place| moved(*place)));
        let n_levels = |role| -> u32 {
            let of_role = shape.timed().filter(|(_, g)| g.role == role);
            of_role.map(|(_, g)| g.levels.len() as u32).sum()
        };
        Self {
            canonical,
            timed: timed(shape),
            planes,
            motions,
            n_canonical: sets[0].len() as u32,
            n_motion: n_levels(Role::Motion),
            n_residual: n_levels(Role::Residual),
            n_blend: n_levels(Role::Blend),
            n_motions: shape.motion().count() as u32,
            n_places: before as u32,
            n_first_places: places[0].len() as u32,
            blend_bias: shape.blend_bias(sample),
        }
    }
}

impl Nodes {
    /// The nodes of a shape at a time.
    pub fn new(shape: &Shape, sample: &Sample) -> Self {
        let mut nodes = Self::zeroed();
        let levels = shape.timed().flat_map(|(i, g)| (0..g.levels.len()).map(move |l| (i, g, l)));
        for (to, (i, source, level)) in levels.enumerate() {
            let at = sample.sources[i];
            let plane = |node| source.plane(node, level, 0).start as u32;
            nodes.first[to] = plane(at.first);
            nodes.second[to] = plane(at.second);
            nodes.weight[to] = at.weight;
        }
        nodes
    }
}
