// SPDX-License-Identifier: MIT OR Apache-2.0

use crate::backend::{Entropy, Extra, RatePlane, Shape};

/// The three kinds of grids, each with an entropy model of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// One plane per level for the whole group.
    Canonical,
    /// Two planes per level and time node.
    Motion,
    /// One plane per level and time node.
    Residual,
}

impl Source {
    /// All three.
    pub const ALL: [Self; 3] = [Self::Canonical, Self::Motion, Self::Residual];

    /// The shape of this source's entropy model.
    pub fn entropy(self, shape: &Shape) -> Entropy {
        match self {
            Self::Canonical => {
                Entropy { before: false, extra: true, n_biases: shape.canonical.len() }
            }
            Self::Motion => {
                Entropy { before: true, extra: true, n_biases: 2 * shape.motion.levels.len() }
            }
            Self::Residual => {
                Entropy { before: true, extra: true, n_biases: shape.residual.levels.len() }
            }
        }
    }
}

/// The planes of a source at a time node (0 for canonical), with what predicts them: the next
/// coarser level, or for the second component of motion the first.
pub fn rate_planes(shape: &Shape, source: Source, node: usize) -> Vec<RatePlane> {
    match source {
        Source::Canonical => canonical(shape),
        Source::Motion => timed(shape, true, node),
        Source::Residual => timed(shape, false, node),
    }
}

fn canonical(shape: &Shape) -> Vec<RatePlane> {
    let levels = &shape.canonical;
    let plane = |(i, c): (usize, &crate::backend::Canonical)| RatePlane {
        offset: c.offset,
        grid: c.grid,
        before: None,
        extra: levels.get(i + 1).map(|e| Extra {
            offset: e.offset,
            grid: e.grid,
            ratio: (e.grid.stride / c.grid.stride) as usize,
        }),
        biases: i,
    };
    levels.iter().enumerate().map(plane).collect()
}

fn timed(shape: &Shape, motion: bool, node: usize) -> Vec<RatePlane> {
    let source = if motion { &shape.motion } else { &shape.residual };
    let n = source.n_components;
    let mut planes = Vec::with_capacity(source.levels.len() * n);
    for (i, level) in source.levels.iter().enumerate() {
        for component in 0..n {
            let sibling = (component > 0).then(|| Extra {
                offset: source.plane(node, i, 0).start,
                grid: level.grid,
                ratio: 1,
            });
            let parent = source.levels.get(i + 1).filter(|_| !motion).map(|l| Extra {
                offset: source.plane(node, i + 1, 0).start,
                grid: l.grid,
                ratio: (l.grid.stride / level.grid.stride) as usize,
            });
            planes.push(RatePlane {
                offset: source.plane(node, i, component).start,
                grid: level.grid,
                before: (node > 0).then(|| source.plane(node - 1, i, component).start),
                extra: sibling.or(parent),
                biases: i * n + component,
            });
        }
    }
    planes
}
