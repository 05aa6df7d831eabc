// SPDX-License-Identifier: MIT OR Apache-2.0

use super::field::Field;
use super::pyramid::Pyramid;
use super::search::search;

/// The flow between two pictures, both ways.
#[derive(Clone, Debug, PartialEq)]
pub struct Pair {
    /// From the first to the second.
    pub there: Field,
    /// From the second to the first.
    pub back: Field,
}

/// The flow between two pictures of one size.
///
/// # Panics
/// When their sizes differ.
pub fn between(a: &Pyramid, b: &Pyramid) -> Pair {
    let size = |p: &Pyramid| (p.luma.width, p.luma.height);
    assert_eq!(size(a), size(b), "pictures of one size");
    let mut found: Option<Pair> = None;
    for (a, b) in a.levels.iter().zip(&b.levels).rev() {
        let (width, height) = (a.width, a.height);
        let start = found.as_ref().map(|pair| {
            let there = pair.there.finer(width, height);
            let back = pair.back.finer(width, height);
            let (other_there, other_back) = (there.reversed(&back), back.reversed(&there));
            ([there, other_there], [back, other_back])
        });
        let zero = || [Field::zero(width, height), Field::zero(width, height)];
        let (there, back) = start.unwrap_or_else(|| (zero(), zero()));
        let (there, back) = rayon::join(|| search(a, b, &there), || search(b, a, &back));
        found = Some(Pair { there, back });
    }
    // A pyramid has one level at least.
    found.unwrap_or_else(|| Pair { there: Field::zero(1, 1), back: Field::zero(1, 1) })
}
