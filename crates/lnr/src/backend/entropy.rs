// SPDX-License-Identifier: MIT OR Apache-2.0
//! The entropy model of training: a small network predicts each symbol from symbols before it.

use std::ops::Range;

use super::Grid;

/// Offsets (dy, dx) of the causal neighbours, in the order of the model's inputs.
pub struct Causal;

impl Causal {
    /// In the plane itself: rows above, and columns to the left.
    pub const HERE: [(isize, isize); 12] = [
        (0, -1),
        (0, -2),
        (-1, 0),
        (-1, -1),
        (-1, 1),
        (-1, -2),
        (-1, 2),
        (-2, 0),
        (-2, -1),
        (-2, 1),
        (-2, -2),
        (-2, 2),
    ];
    /// In the same plane of the time node before.
    pub const BEFORE: [(isize, isize); 5] = [(0, 0), (0, -1), (0, 1), (-1, 0), (1, 0)];
}

/// Shape of an entropy model: inputs -> `HIDDEN` ReLU -> mean and log scale of a Laplace
/// distribution, plus a linear path to the mean; biases per kind of plane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entropy {
    /// Whether the node before is an input.
    pub before: bool,
    /// Whether one more symbol is an input: the next coarser level at the same place, or the other
    /// component.
    pub extra: bool,
    /// Sets of biases.
    pub n_biases: usize,
}

impl Entropy {
    /// Hidden units.
    pub const HIDDEN: usize = 16;

    /// Inputs.
    pub fn n_inputs(&self) -> usize {
        Causal::HERE.len()
            + if self.before { Causal::BEFORE.len() } else { 0 }
            + usize::from(self.extra)
    }

    /// First layer: [n_inputs, HIDDEN]
    pub fn w1(&self) -> Range<usize> {
        0..self.n_inputs() * Self::HIDDEN
    }

    /// Output layer: [2, HIDDEN], mean then log scale
    pub fn w2(&self) -> Range<usize> {
        let a = self.w1().end;
        a..a + 2 * Self::HIDDEN
    }

    /// Linear path to the mean: [n_inputs]
    pub fn skip(&self) -> Range<usize> {
        let a = self.w2().end;
        a..a + self.n_inputs()
    }

    /// Biases of one kind of plane: [HIDDEN] of the first layer, then [2] of the output layer
    pub fn biases(&self, set: usize) -> Range<usize> {
        let a = self.skip().end + set * (Self::HIDDEN + 2);
        a..a + Self::HIDDEN + 2
    }

    /// First layer, output layer, linear path, biases: what is coded by steps of its own.
    pub fn parts(&self) -> [Range<usize>; 4] {
        [self.w1(), self.w2(), self.skip(), self.skip().end..self.len()]
    }

    /// Parameters in all.
    pub fn len(&self) -> usize {
        self.biases(self.n_biases).start
    }
}

/// One plane whose rate is asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RatePlane {
    /// Where its symbols begin in the grid buffer.
    pub offset: usize,
    /// Its size.
    pub grid: Grid,
    /// Where the same plane of the node before begins, if there is one.
    pub before: Option<usize>,
    /// Another plane that is known earlier.
    pub extra: Option<Extra>,
    /// Which set of biases.
    pub biases: usize,
}

/// A plane that another one is predicted from: entry (x, y) reads (x / ratio, y / ratio).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Extra {
    /// Where its symbols begin in the grid buffer.
    pub offset: usize,
    /// Its size.
    pub grid: Grid,
    /// Its stride over that of the plane that reads it.
    pub ratio: usize,
}

impl Extra {
    /// Where the symbol for entry (x, y) lies in the grid buffer.
    pub fn index(&self, x: usize, y: usize) -> usize {
        let (x, y) = (x / self.ratio, y / self.ratio);
        self.offset + y.min(self.grid.height - 1) * self.grid.width + x.min(self.grid.width - 1)
    }
}
