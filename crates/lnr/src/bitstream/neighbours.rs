// SPDX-License-Identifier: MIT OR Apache-2.0
//! The symbols that are known before a symbol, and how to find them (FORMAT-entropy section 4).

use std::ops::Range;

use super::Plane;
use super::plane::BORDER;

/// Inputs of a predictor: [`HERE`], [`BEFORE`], [`BEFORE_THAT`], [`PARENT`], [`SIBLING`], [`BIAS`].
pub(super) const N_INPUTS: usize = 32;
/// First of 12 in the plane itself, all above or to the left.
pub(super) const HERE: usize = 0;
/// First of 9 in the node before, around the same place.
pub(super) const BEFORE: usize = 12;
/// The same place in the node before that.
pub(super) const BEFORE_THAT: usize = 21;
/// First of 4 in the next coarser level: the symbol that covers the same place, the next one
/// vertically, horizontally, and diagonally, each on the side that is nearer.
pub(super) const PARENT: usize = 22;
/// First of 5 in the other motion component, around the same place.
pub(super) const SIBLING: usize = 26;
/// Always 1.
pub(super) const BIAS: usize = 31;
/// Neighbours are clipped to this magnitude for the predictors.
pub(super) const MAX_INPUT: i16 = 15;

/// The neighbours of one symbol; outside a plane and in planes that do not exist, zeros.
#[derive(Clone, Debug)]
pub(super) struct Neighbours {
    /// As coded; the bias is 0.
    pub raw: [i16; N_INPUTS],
    /// Within ±[`MAX_INPUT`]; the bias is 1.
    pub clipped: [i16; N_INPUTS],
    /// |`clipped`|
    pub magnitudes: [i16; N_INPUTS],
    /// Sum of the squares of `clipped`, without the bias.
    pub energy: u32,
}

impl Neighbours {
    /// Derives everything from `raw`, whose bias must be 0.
    #[inline(always)]
    pub fn new(raw: [i16; N_INPUTS]) -> Self {
        let (mut clipped, mut magnitudes) = ([0; N_INPUTS], [0; N_INPUTS]);
        let mut energy = 0;
        for i in 0..N_INPUTS {
            clipped[i] = raw[i].clamp(-MAX_INPUT, MAX_INPUT);
            magnitudes[i] = clipped[i].max(-clipped[i]);
            energy += i32::from(clipped[i]) * i32::from(clipped[i]);
        }
        clipped[BIAS] = 1;
        magnitudes[BIAS] = 1;
        Self { raw, clipped, magnitudes, energy: energy as u32 }
    }

    /// 2^24 over the energy, by which errors are normalised.
    #[inline(always)]
    pub fn share(&self) -> u32 {
        (1 << 24) / (self.energy + 4)
    }
}

/// Where a column or row finds its parent: the entry that covers it, and the next one on the side
/// that is nearer, both within the parent plane.
#[derive(Clone, Copy, Debug)]
pub(super) struct ParentPlace {
    covering: usize,
    beside: usize,
}

impl ParentPlace {
    /// For position `x` when `ratio` >= 1 positions share one of `n` >= 1 parents.
    pub fn new(x: usize, ratio: u32, n: usize) -> Self {
        let ratio = ratio as usize;
        let covering = (x / ratio).min(n - 1);
        let beside = if 2 * (x % ratio) >= ratio {
            (covering + 1).min(n - 1)
        } else {
            covering.saturating_sub(1)
        };
        Self { covering, beside }
    }
}

/// The planes around the one that is being coded; all but the parent have its size.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Surroundings<'a> {
    /// The same plane one node before.
    pub before: Option<&'a Plane>,
    /// The same plane two nodes before.
    pub before_that: Option<&'a Plane>,
    /// The next coarser level in this node.
    pub parent: Option<&'a Plane>,
    /// Columns of the plane for one of the parent's; unused without a parent.
    pub ratio: u32,
    /// For each column its place in `parent`; empty without one.
    pub columns: &'a [ParentPlace],
    /// The other motion component in this node.
    pub sibling: Option<&'a Plane>,
}

/// The rows from which the neighbours of the symbols of one row are taken, all with their borders.
pub(super) struct Rows<'a> {
    above: [&'a [i16]; 2],
    /// Rows y - 1, y, y + 1
    before: Option<[&'a [i16]; 3]>,
    before_that: Option<&'a [i16]>,
    /// The row that covers y, the next one
    parent: Option<([&'a [i16]; 2], &'a [ParentPlace])>,
    sibling: Option<[&'a [i16]; 3]>,
}

impl<'a> Rows<'a> {
    /// The rows around row `y` of a plane whose rows above are `above`, the nearer one first. Blank
    /// planes are as good as none.
    pub fn new(around: &Surroundings<'a>, y: usize, above: [&'a [i16]; 2]) -> Self {
        let three = |p: &'a Plane| [0, 1, 2].map(|k| p.bordered(y + BORDER - 1 + k));
        let there = |p: Option<&'a Plane>| p.filter(|p| !p.is_blank());
        Self {
            above,
            before: there(around.before).map(three),
            before_that: there(around.before_that).map(|p| p.bordered(y + BORDER)),
            parent: there(around.parent).map(|p| {
                let place = ParentPlace::new(y, around.ratio, p.height());
                ([place.covering, place.beside].map(|y| p.row(y)), around.columns)
            }),
            sibling: there(around.sibling).map(three),
        }
    }

    /// For each column: not 0 where a neighbour that does not lie to the left is not 0.
    pub fn activity(&self, out: &mut [i16]) {
        let gather = |out: &mut [i16], row: &[i16], columns: Range<usize>| {
            for k in columns {
                out.iter_mut().zip(&row[k..]).for_each(|(o, v)| *o |= v);
            }
        };
        out.fill(0);
        for row in self.above {
            gather(out, row, 0..5);
        }
        for row in self.before.into_iter().flatten() {
            gather(out, row, 1..4);
        }
        if let Some(row) = self.before_that {
            gather(out, row, BORDER..BORDER + 1);
        }
        if let Some(([row, next_row], columns)) = self.parent {
            for (o, &ParentPlace { covering, beside }) in out.iter_mut().zip(columns) {
                *o |= row[covering] | next_row[covering] | row[beside] | next_row[beside];
            }
        }
        if let Some([a, b, c]) = self.sibling {
            gather(out, a, BORDER..BORDER + 1);
            gather(out, b, 1..4);
            gather(out, c, BORDER..BORDER + 1);
        }
    }

    /// The neighbours of the symbol in column `x`, after `left` and, further left, `left2`.
    #[inline(always)]
    pub fn gather(&self, x: usize, left: i16, left2: i16) -> [i16; N_INPUTS] {
        let mut n = [0; N_INPUTS];
        let [a, b] = self.above.map(|row| window::<5>(row, x));
        let here = [left, left2, a[2], a[1], a[3], a[0], a[4], b[2], b[1], b[3], b[0], b[4]];
        n[HERE..HERE + 12].copy_from_slice(&here);
        if let Some(rows) = self.before {
            let [a, b, c] = rows.map(|row| window::<3>(row, x + 1));
            let around = [b[1], b[0], b[2], a[1], c[1], a[0], a[2], c[0], c[2]];
            n[BEFORE..BEFORE + 9].copy_from_slice(&around);
        }
        if let Some(row) = self.before_that {
            n[BEFORE_THAT] = row[x + BORDER];
        }
        if let Some(([row, next_row], columns)) = self.parent {
            let ParentPlace { covering, beside } = columns[x];
            let four = [row[covering], next_row[covering], row[beside], next_row[beside]];
            n[PARENT..PARENT + 4].copy_from_slice(&four);
        }
        if let Some(rows) = self.sibling {
            let [a, b, c] = rows.map(|row| window::<3>(row, x + 1));
            n[SIBLING..SIBLING + 5].copy_from_slice(&[b[1], b[0], b[2], a[1], c[1]]);
        }
        n
    }
}

/// `N` symbols from `x` on.
#[inline(always)]
fn window<const N: usize>(row: &[i16], x: usize) -> &[i16; N] {
    row[x..].first_chunk().expect("rows have borders")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counting(w: usize, h: usize, first: i16) -> Plane {
        let values: Vec<i16> = (0..(w * h) as i16).map(|i| first + i).collect();
        Plane::from_values(w, h, &values)
    }

    #[test]
    fn neighbours_stand_where_the_format_says() {
        let (mut plane, before, before_that) =
            (counting(5, 4, 100), counting(5, 4, 200), counting(5, 4, 300));
        let (parent, sibling) = (counting(3, 2, 400), counting(5, 4, 500));
        let columns: Vec<_> = (0..5).map(|x| ParentPlace::new(x, 2, 3)).collect();
        let around = Surroundings {
            before: Some(&before),
            before_that: Some(&before_that),
            parent: Some(&parent),
            ratio: 2,
            columns: &columns,
            sibling: Some(&sibling),
        };
        let (above, _) = plane.above_and_row(2);
        let n = Rows::new(&around, 2, above).gather(2, 111, 110);
        let here = [111, 110, 107, 106, 108, 105, 109, 102, 101, 103, 100, 104];
        assert_eq!(n[..12], here);
        assert_eq!(n[12..22], [212, 211, 213, 207, 217, 206, 208, 216, 218, 312]);
        assert_eq!(n[22..26], [404, 401, 403, 400]);
        assert_eq!(n[26..], [512, 511, 513, 507, 517, 0]);
        // At the corners everything outside is zero, but parents are clipped to their plane.
        let (above, _) = plane.above_and_row(3);
        let n = Rows::new(&around, 3, above).gather(4, 118, 117);
        assert_eq!(n[..12], [118, 117, 114, 113, 0, 112, 0, 109, 108, 0, 107, 0]);
        assert_eq!(n[12..22], [219, 218, 0, 214, 0, 213, 0, 0, 0, 319]);
        assert_eq!(n[22..26], [405, 405, 404, 404]);
    }

    #[test]
    fn derived_values_are_clipped() {
        let mut raw = [0; N_INPUTS];
        (raw[0], raw[5]) = (-900, 3);
        let n = Neighbours::new(raw);
        assert_eq!((n.clipped[0], n.magnitudes[0], n.raw[0], n.clipped[BIAS]), (-15, 15, -900, 1));
        assert_eq!((n.energy, n.share()), (234, (1 << 24) / 238));
    }
}
