// SPDX-License-Identifier: MIT OR Apache-2.0
//! Codes the symbols of one plane (FORMAT-entropy section 6).

use super::contexts::{Contexts, MagnitudeContexts};
use super::entropy_model::{Evaluator, Opinion};
use super::mixer::code_mixed;
use super::neighbours::{MAX_INPUT, Neighbours, Rows, Surroundings};
use super::plane::{BORDER, Plane};
use super::predictor::{PACES, Predictor};
use super::range_coder::{BitCoder, RangeDecoder};
use super::state::{N_ESCAPE, N_QUIET, N_STEPS, State};
use super::work::{OPINION, SYMBOL};
use crate::base::{Result, limits::MAX_SYMBOL};

/// Part of the format: magnitudes up to here are coded step by step, larger ones by Exp-Golomb codes.
const MAX_STEPS: usize = 20;

/// Codes planes of one series, learning as it goes.
pub(super) struct PlaneCoder<'a, C> {
    pub coder: &'a mut C,
    pub state: &'a mut State,
    pub model: Option<&'a Evaluator>,
}

/// What goes on from row to row of a plane.
struct Progress {
    /// See [`Rows::activity`].
    activity: Vec<i16>,
    /// Zeros with no neighbour but zeros since the last other symbol.
    n_quiet: u32,
}

impl Progress {
    fn new(plane: &Plane) -> Self {
        Self { activity: vec![0; plane.width()], n_quiet: 0 }
    }
}

impl<C: BitCoder> PlaneCoder<'_, C> {
    /// Codes whether a plane is all zeros. Such a plane has no symbols.
    fn is_empty(&mut self, empty: bool, around: &Surroundings) -> bool {
        let kind = |p: Option<&Plane>| p.map_or(0, |p| if p.is_zero() { 1 } else { 2 });
        let context = 3 * kind(around.before) + kind(around.parent);
        self.state.empty[context].code(self.coder, empty)
    }

    /// Writes a plane.
    pub fn write(&mut self, plane: &Plane, around: &Surroundings) {
        if self.is_empty(plane.is_zero(), around) {
            return;
        }
        let mut row = vec![0; plane.stride()];
        let mut progress = Progress::new(plane);
        for y in 0..plane.height() {
            let above = [plane.bordered(y + 1), plane.bordered(y)];
            row.copy_from_slice(plane.bordered(y + BORDER));
            self.row(&Rows::new(around, y, above), &mut progress, &mut row);
        }
    }

    /// Codes the symbols of a row that has borders: writes those that are there, or reads them.
    fn row(&mut self, rows: &Rows, progress: &mut Progress, row: &mut [i16]) {
        rows.activity(&mut progress.activity);
        let (mut left, mut left2) = (0, 0);
        let end = row.len() - BORDER;
        for (x, symbol) in row[BORDER..end].iter_mut().enumerate() {
            let is_quiet = progress.activity[x] | left | left2 == 0;
            if is_quiet && !self.wakes(progress.n_quiet, *symbol != 0) {
                progress.n_quiet += 1;
            } else {
                progress.n_quiet = 0;
                let neighbours = Neighbours::new(rows.gather(x, left, left2));
                *symbol = self.symbol(&neighbours, is_quiet, *symbol);
            }
            (left, left2) = (*symbol, left);
        }
        self.state.predictors.iter_mut().for_each(Predictor::confine);
    }

    /// Codes whether a symbol among zeros, after `n_quiet` such zeros, is something else.
    #[inline(always)]
    fn wakes(&mut self, n_quiet: u32, wakes: bool) -> bool {
        let context = (n_quiet + 1).ilog2() as usize;
        self.state.quiet[context.min(N_QUIET - 1)].code_slowly(self.coder, wakes)
    }

    /// Codes a symbol, which is not 0 if its neighbours are (`is_quiet`).
    #[inline(always)]
    fn symbol(&mut self, neighbours: &Neighbours, is_quiet: bool, symbol: i16) -> i16 {
        self.coder.work(SYMBOL);
        let said = [0, 1].map(|k| self.state.predictors[k].predict(neighbours));
        let model = match self.model {
            Some(m) => {
                self.coder.work(OPINION);
                m.opinion(&neighbours.raw)
            }
            None => Opinion::default(),
        };
        let contexts = Contexts::new(neighbours, said, model);
        if is_quiet {
            return self.not_zero(&contexts, symbol);
        }
        let symbol = self.decide(&contexts, symbol);
        let (share, clipped) = (neighbours.share(), symbol.clamp(-MAX_INPUT, MAX_INPUT));
        for ((p, said), pace) in self.state.predictors.iter_mut().zip(said).zip(PACES) {
            p.learn(neighbours, said, clipped.into(), share, pace);
        }
        symbol
    }

    #[inline(always)]
    fn decide(&mut self, c: &Contexts, symbol: i16) -> i16 {
        let w = &mut self.state.weights;
        let sets = [&mut w.zero_by_spread[c.spread_bin()], &mut w.zero_by_recent[c.recent_bin()]];
        if !code_mixed(self.coder, &mut self.state.zero, c.zero(), sets, symbol != 0) {
            return 0;
        }
        self.not_zero(c, symbol)
    }

    /// Codes the sign and the magnitude.
    fn not_zero(&mut self, c: &Contexts, symbol: i16) -> i16 {
        let w = &mut self.state.weights;
        let sets = [&mut w.sign, &mut w.sign_by_mean[c.mean_bin()]];
        let at = c.sign_contexts();
        let negative = code_mixed(self.coder, &mut self.state.sign, at, sets, symbol < 0);
        let m = c.with_sign(negative);
        let magnitude = self.magnitude(&m, c.spread_bin(), symbol.unsigned_abs().into());
        if negative { -magnitude } else { magnitude }
    }

    /// Codes a magnitude of at least 1.
    #[inline(always)]
    fn magnitude(&mut self, c: &MagnitudeContexts, spread_bin: usize, magnitude: u32) -> i16 {
        let w = &mut self.state.weights;
        for i in 0..MAX_STEPS {
            let sets = [
                &mut w.magnitude_by_step[i.min(N_STEPS - 1)],
                &mut w.magnitude_by_spread[spread_bin],
            ];
            let larger = magnitude > i as u32 + 1;
            let at = c.larger_than(i);
            if !code_mixed(self.coder, &mut self.state.magnitude, at, sets, larger) {
                return i as i16 + 1;
            }
        }
        self.escape(magnitude)
    }

    /// Codes a magnitude beyond the steps: Exp-Golomb, the length by adaptive decisions.
    #[cold]
    fn escape(&mut self, magnitude: u32) -> i16 {
        let beyond = magnitude.saturating_sub(MAX_STEPS as u32);
        let mut length = 0;
        for slot in &mut self.state.escape {
            if !slot.code(self.coder, beyond >> 1 >> length != 0) {
                break;
            }
            length += 1;
        }
        if length as usize == N_ESCAPE {
            self.coder.reject();
            return MAX_SYMBOL as i16;
        }
        let beyond = 1 << length | self.coder.raw(beyond & ((1 << length) - 1), length);
        let magnitude = MAX_STEPS as u32 + beyond;
        if magnitude > MAX_SYMBOL as u32 {
            self.coder.reject();
            return MAX_SYMBOL as i16;
        }
        magnitude as i16
    }
}

impl PlaneCoder<'_, RangeDecoder<'_>> {
    /// Reads a plane that is all zeros so far.
    pub fn read(&mut self, plane: &mut Plane, around: &Surroundings) -> Result<()> {
        let empty = self.is_empty(false, around);
        self.coder.check()?;
        if empty {
            return Ok(());
        }
        plane.allocate();
        let mut progress = Progress::new(plane);
        for y in 0..plane.height() {
            let (above, row) = plane.above_and_row(y);
            self.row(&Rows::new(around, y, above), &mut progress, row);
            self.coder.check()?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Error;
    use crate::bitstream::RangeEncoder;

    #[test]
    fn escapes_reach_the_limit_and_not_beyond() {
        let read = |magnitude: u32| {
            let mut e = RangeEncoder::new();
            let mut state = Box::new(State::new());
            PlaneCoder { coder: &mut e, state: &mut state, model: None }.escape(magnitude);
            let bytes = e.finish();
            let mut d = RangeDecoder::new(&bytes);
            let mut state = Box::new(State::new());
            let v = PlaneCoder { coder: &mut d, state: &mut state, model: None }.escape(0);
            d.check().map(|()| v)
        };
        for magnitude in [21, 22, 23, 24, 36, 37, 1000, 16_382, 16_383] {
            assert_eq!(read(magnitude).unwrap(), magnitude as i16);
        }
        for magnitude in [16_384, 16_403, 16_404, 70_000] {
            assert!(matches!(read(magnitude), Err(Error::Damaged(_))), "{magnitude}");
        }
    }
}
