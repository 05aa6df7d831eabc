// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the coder of one series has learnt, and what it knows before it begins
//! (FORMAT-entropy section 8).

use std::sync::LazyLock;

use super::bytes::Reader;
use super::contexts::{
    MAGNITUDE_SIZES, N_MEAN_BINS, N_RECENT_BINS, N_SPREAD_BINS, SIGN_SIZES, ZERO_SIZES, total,
};
use super::mixer::{Slot, Weights};
use super::predictor::Predictor;
use crate::base::{Error, Result};

/// Kinds of planes that differ in their initial state.
pub(super) const N_KINDS: usize = 13;
/// Initial states: of each kind without a model, then with one.
pub(super) const N_STATES: usize = 2 * N_KINDS;
/// Steps of the magnitude that have weights of their own.
pub(super) const N_STEPS: usize = 12;
/// Contexts of "the whole plane is zero": 3 of the node before times 3 of the parent.
const N_EMPTY: usize = 9;
/// Contexts of "a symbol among zeros is something else": log2 of the zeros before.
pub(super) const N_QUIET: usize = 16;
/// Steps of the length of an escape.
pub(super) const N_ESCAPE: usize = 14;

/// Version of the file of initial states.
pub(super) const VERSION: u8 = 2;
/// Weights in the file lie within [-4.0, 4.0).
pub(super) const MAX_WEIGHT: i32 = 1 << 18;
/// Bits of a weight that the file leaves out.
pub(super) const WEIGHT_SHIFT: u32 = 4;

/// Adaptive state of the coder of one series.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct State {
    /// The slow and the fast one.
    pub predictors: [Predictor; 2],
    pub zero: [Slot; total(&ZERO_SIZES)],
    pub sign: [Slot; total(&SIGN_SIZES)],
    pub magnitude: [Slot; total(&MAGNITUDE_SIZES)],
    pub empty: [Slot; N_EMPTY],
    pub quiet: [Slot; N_QUIET],
    pub escape: [Slot; N_ESCAPE],
    pub weights: MixWeights,
}

/// Weights of the opinions; each decision uses two sets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct MixWeights {
    pub zero_by_spread: [Weights; N_SPREAD_BINS],
    pub zero_by_recent: [Weights; N_RECENT_BINS],
    pub sign: Weights,
    pub sign_by_mean: [Weights; N_MEAN_BINS],
    pub magnitude_by_step: [Weights; N_STEPS],
    pub magnitude_by_spread: [Weights; N_SPREAD_BINS],
}

impl State {
    /// The state of a coder that has learnt nothing.
    pub fn new() -> Self {
        let (zero, other) = ([16_384; 8], [22_937; 8]);
        Self {
            predictors: [Predictor::new(), Predictor::new()],
            zero: [Slot::UNLIKELY; _],
            sign: [Slot::EVEN; _],
            magnitude: [Slot::UNLIKELY; _],
            empty: [Slot::EVEN; _],
            quiet: [Slot::UNLIKELY; _],
            escape: [Slot::EVEN; _],
            weights: MixWeights {
                zero_by_spread: [zero; _],
                zero_by_recent: [zero; _],
                sign: other,
                sign_by_mean: [other; _],
                magnitude_by_step: [other; _],
                magnitude_by_spread: [other; _],
            },
        }
    }

    /// All weights of predictors, in the order of the file.
    pub fn predictor_weights(&mut self) -> impl Iterator<Item = &mut i32> {
        self.predictors.iter_mut().flat_map(|p| p.mean.iter_mut().chain(&mut p.spread))
    }

    /// All weights of opinions, in the order of the file.
    pub fn mix_weights(&mut self) -> impl Iterator<Item = &mut i32> {
        let w = &mut self.weights;
        let sets = w.zero_by_spread.iter_mut().chain(&mut w.zero_by_recent);
        let sets = sets.chain(std::iter::once(&mut w.sign)).chain(&mut w.sign_by_mean);
        sets.chain(&mut w.magnitude_by_step).chain(&mut w.magnitude_by_spread).flatten()
    }

    /// All slots, in the order of the file.
    pub fn slots(&mut self) -> impl Iterator<Item = &mut Slot> {
        let slots = self.zero.iter_mut().chain(&mut self.sign).chain(&mut self.magnitude);
        slots.chain(&mut self.empty).chain(&mut self.quiet).chain(&mut self.escape)
    }

    fn read(r: &mut Reader) -> Result<Box<Self>> {
        let mut state = Box::new(Self::new());
        let weight = |r: &mut Reader, shift: u32| {
            let v = r.signed()?;
            let max = i64::from(MAX_WEIGHT >> shift);
            let outside = || Error::damaged("a weight of the initial state is beyond 4.0");
            (-max..max).contains(&v).then_some((v << shift) as i32).ok_or_else(outside)
        };
        for v in state.predictor_weights() {
            *v = weight(r, 0)?;
        }
        for v in state.mix_weights() {
            *v = weight(r, WEIGHT_SHIFT)?;
        }
        let mut n_unused = 0;
        for slot in state.slots() {
            if n_unused > 0 {
                n_unused -= 1;
                continue;
            }
            let (high, low) = (r.u8()?, r.u8()?);
            match (high, low) {
                (0, 0) => return Err(Error::damaged("an empty run in the initial state")),
                (0, _) => n_unused = low - 1,
                (1..=15, _) => return Err(Error::damaged("a slot that was never used")),
                _ => {
                    let v = u32::from(u16::from_be_bytes([high, low]));
                    *slot = Slot::new(v & 4095, v >> 12);
                }
            }
        }
        match n_unused {
            0 => Ok(state),
            _ => Err(Error::damaged("a run beyond the end of the initial state")),
        }
    }
}

/// Reads a file of initial states.
pub(super) fn read_states(bytes: &[u8]) -> Result<Vec<State>> {
    let mut r = Reader(bytes);
    if r.u8()? != VERSION {
        return Err(Error::damaged("initial states of another version"));
    }
    let length = u32::from_le_bytes([r.u8()?, r.u8()?, r.u8()?, r.u8()?]);
    let crc = u32::from_le_bytes([r.u8()?, r.u8()?, r.u8()?, r.u8()?]);
    if length as usize != r.0.len() || crc != crc32c::crc32c(r.0) {
        return Err(Error::damaged("initial states of the wrong length or checksum"));
    }
    let mut states = Vec::with_capacity(N_STATES);
    for _ in 0..N_STATES {
        states.push(*State::read(&mut r)?);
    }
    match r.0 {
        [] => Ok(states),
        _ => Err(Error::damaged("bytes after the last initial state")),
    }
}

/// The states at the start of a series, learnt from other videos.
pub(super) fn initial() -> &'static [State] {
    static STATES: LazyLock<Vec<State>> = LazyLock::new(|| {
        read_states(include_bytes!("plane_state.bin")).expect("the checked-in file is tested")
    });
    &STATES
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bitstream::learn::write_states;

    #[test]
    fn states_round_trip_up_to_their_precision() {
        let mut states = vec![State::new(); N_STATES];
        let mut slots: Vec<_> = states[3].slots().collect();
        *slots[0] = Slot::new(4095, 1);
        for (i, slot) in (300..).zip(&mut slots[300..900]) {
            **slot = Slot::new(i, i % 16);
        }
        let last = slots.len() - 1;
        *slots[last] = Slot::new(0, 15);
        states[3].predictors[1].mean[5] = -(1 << 18);
        states[3].weights.sign_by_mean[2][1] = 160_000;
        let mut read = read_states(&write_states(&states)).unwrap();
        assert!(read[3].slots().zip(states[3].slots()).all(|(a, b)| a == b || b.count() == 0));
        assert_eq!(read[3].predictors, states[3].predictors);
        let weights = read[3].mix_weights().zip(states[3].mix_weights());
        assert!(weights.into_iter().all(|(a, b)| (0..16).contains(&(*b - *a))));
        assert_eq!(read[3].weights.sign_by_mean[2][1], 160_000);
        assert_eq!(write_states(&read), write_states(&states));
    }

    #[test]
    fn the_checked_in_states_load_and_damaged_ones_do_not() {
        assert_eq!(initial().len(), N_STATES);
        let good = write_states(&vec![State::new(); N_STATES]);
        assert!(read_states(&good).is_ok());
        for n in [0, 1, 8, 9, good.len() - 1] {
            assert!(read_states(&good[..n]).is_err());
        }
        for i in [0, 1, 5, 9, good.len() - 1] {
            let mut bad = good.clone();
            bad[i] ^= 0x80;
            assert!(read_states(&bad).is_err());
        }
        // Past the checksum, too, nothing is taken on trust.
        let seal = |body: &[u8]| {
            let mut b = vec![VERSION];
            b.extend((body.len() as u32).to_le_bytes());
            b.extend(crc32c::crc32c(body).to_le_bytes());
            b.extend(body);
            b
        };
        let mut body = good[9..].to_vec();
        assert!(read_states(&seal(&body)).is_ok());
        let n = body.len();
        body[n - 1] += 1;
        assert!(read_states(&seal(&body)).is_err());
        assert!(read_states(&seal(&[0xFF; 60_000])).is_err());
        assert!(read_states(&seal(&[0; 60_000])).is_err());
    }
}
