// SPDX-License-Identifier: MIT OR Apache-2.0

use crate::backend::{Entropy, Extra, Grids, RatePlane, Role};

/// The shape of a source's entropy model: sets of biases per level and component.
pub fn entropy(source: &Grids) -> Entropy {
    let before = source.reads_node_before();
    Entropy { before, extra: true, n_biases: source.levels.len() * source.n_components }
}

/// The planes of a source at a time node, with what predicts them: the next coarser level, or for the
/// second component of motion the first.
pub fn rate_planes(source: &Grids, node: usize) -> Vec<RatePlane> {
    let (n, levels) = (source.n_components, &source.levels);
    let other = |level: usize, component: usize, ratio: usize| Extra {
        offset: source.plane(node, level, component).start,
        grid: levels[level].grid,
        ratio,
    };
    let mut planes = Vec::with_capacity(levels.len() * n);
    for (i, level) in levels.iter().enumerate() {
        for component in 0..n {
            let sibling = (component > 0).then(|| other(i, 0, 1));
            let coarser = levels.get(i + 1).filter(|_| source.role != Role::Motion);
            let parent =
                coarser.map(|l| other(i + 1, 0, (l.grid.stride / level.grid.stride) as usize));
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
