// SPDX-License-Identifier: MIT OR Apache-2.0
//! Initial states of the coder, learnt from other videos, and the file that holds them
//! (FORMAT-entropy section 8). Only tools and tests learn.

use super::bytes::Writer;
use super::entropy_model::EntropyModel;
use super::range_coder::BitCoder;
use super::series::{Series, write_one};
use super::state::{MAX_WEIGHT, N_STATES, State, VERSION, WEIGHT_SHIFT};

/// Largest count of a slot in the file: old experience must give way quickly.
const MAX_COUNT: u32 = 15;

/// Learns initial states from encodes, each a list of series and their models: codes them one after
/// another, every series going on from where the last one of its kind ended. Series with a model are
/// coded without it, too, because there are initial states for both. Returns the bytes of
/// `plane_state.bin`.
///
/// # Panics
/// As [`super::encode_series`] does.
pub fn learn(files: &[(Vec<Series>, Vec<EntropyModel>)]) -> Vec<u8> {
    let mut states = vec![State::new(); N_STATES];
    for (series, models) in files {
        let mut without = series.clone();
        without.iter_mut().for_each(|s| s.model = None);
        for i in 0..series.len() {
            let state = &mut states[without[i].state_index()];
            write_one(&without, i, &[], state, &mut Discard);
            if series[i].model.is_some() {
                let state = &mut states[series[i].state_index()];
                write_one(series, i, models, state, &mut Discard);
            }
        }
    }
    write_states(&states)
}

/// Takes decisions and writes nothing: for learning.
pub(super) struct Discard;

impl BitCoder for Discard {
    #[inline]
    fn bit(&mut self, bit: bool, _p1: u32) -> bool {
        bit
    }
}

/// The bytes of a file of initial states.
pub(super) fn write_states(states: &[State]) -> Vec<u8> {
    let mut w = Writer::default();
    states.iter().for_each(|s| s.write(&mut w));
    let mut bytes = vec![VERSION];
    bytes.extend((w.0.len() as u32).to_le_bytes());
    bytes.extend(crc32c::crc32c(&w.0).to_le_bytes());
    bytes.extend(w.0);
    bytes
}

impl State {
    fn write(&self, w: &mut Writer) {
        let mut state = Box::new(self.clone());
        let within = |v: &mut i32| (*v).clamp(-MAX_WEIGHT, MAX_WEIGHT - 1);
        state.predictor_weights().for_each(|v| w.signed(within(v).into()));
        state.mix_weights().for_each(|v| w.signed((within(v) >> WEIGHT_SHIFT).into()));
        let mut n_unused = 0;
        for slot in state.slots() {
            if slot.count() == 0 && n_unused < 255 {
                n_unused += 1;
                continue;
            }
            if n_unused > 0 {
                w.0.extend([0, std::mem::take(&mut n_unused)]);
            }
            if slot.count() == 0 {
                n_unused = 1;
            } else {
                let v = (slot.count().min(MAX_COUNT) << 12 | slot.p12()) as u16;
                w.0.extend(v.to_be_bytes());
            }
        }
        if n_unused > 0 {
            w.0.extend([0, n_unused]);
        }
    }
}
