// SPDX-License-Identifier: MIT OR Apache-2.0

use super::*;
use crate::bitstream::state::{initial, read_states};

#[test]
fn noise_costs_little_more_than_its_entropy() {
    let mut rng = Rng::new(51);
    for scale in [0.3, 1.0, 4.0] {
        let plane = noise(&mut rng, 128, 128, scale);
        let mut counts = std::collections::BTreeMap::new();
        (0..128).for_each(|y| {
            plane.row(y).iter().for_each(|v| *counts.entry(*v).or_insert(0.0) += 1.0)
        });
        let n = 128.0 * 128.0;
        let entropy: f64 = counts.values().map(|c: &f64| c * (n / c).log2()).sum();
        let bits = 8 * round_trip(&[alone(PlaneKind::Canonical(0), vec![plane])], &[]).len();
        assert!((bits as f64) < 1.05 * entropy, "scale {scale}: {bits} bits, entropy {entropy}");
    }
}

#[test]
fn every_kind_of_neighbour_helps() {
    let mut rng = Rng::new(52);
    let bits = |series: &[Series]| 8 * round_trip(series, &[]).len();
    let kind = PlaneKind::Residual(0);
    let plane = noise(&mut rng, 64, 64, 3.0);
    let one = bits(&[alone(kind, vec![plane.clone()])]);
    // Another node with the same symbols.
    let two = bits(&[alone(kind, vec![plane.clone(), plane.clone()])]);
    assert!(two < one + one / 4, "{two} for two, {one} for one");
    // A sibling and a parent with the same symbols.
    let first = alone(PlaneKind::MotionX(0), vec![plane.clone()]);
    let mut second = alone(PlaneKind::MotionY(0), vec![plane]);
    let apart = bits(&[first.clone(), second.clone()]);
    second.sibling = Some(0);
    let together = bits(&[first.clone(), second.clone()]);
    assert!(together < apart * 3 / 4, "{together} {apart}");
    second.sibling = None;
    second.parent = Some(Parent { series: 0, ratio: 1 });
    let together = bits(&[first, second]);
    assert!(together < apart * 3 / 4, "{together} {apart}");
}

#[test]
fn a_model_that_knows_the_distribution_helps() {
    let mut rng = Rng::new(53);
    let mut values = vec![0i16; 64 * 64];
    // Each symbol is twice the one above, folded, plus noise: hard for a linear predictor.
    for i in 0..64 * 64 {
        let above = if i >= 64 { values[i - 64] } else { 0 };
        values[i] = above.abs().min(9) - 4 + laplace(&mut rng, 0.8);
    }
    let plane = Plane::from_values(64, 64, &values);
    let mut series = [alone(PlaneKind::Canonical(0), vec![plane])];
    let without = round_trip(&series, &[]).len();
    let mut weights = vec![0; EntropyModel::n_weights(false, false, 1)];
    // |above| = relu(above) + relu(-above)
    (weights[2 * 16], weights[2 * 16 + 1]) = (64, -64);
    (weights[12 * 16], weights[12 * 16 + 1]) = (64, 64);
    let biases = weights.len() - 18;
    weights[biases + 16] = -4 * 64;
    let model = EntropyModel { before: false, extra: false, shift: 6, weights };
    series[0].model = Some((0, 0));
    let with = round_trip(&series, &[model]).len();
    assert!(with < without * 97 / 100, "{with} with, {without} without");
}

#[test]
fn planes_of_zeros_cost_almost_nothing() {
    let planes = || vec![Plane::new(160, 90); 250];
    let series = [PlaneKind::Residual(0), PlaneKind::Residual(1), PlaneKind::MotionX(0)]
        .map(|kind| alone(kind, planes()));
    let n = round_trip(&series, &[]).len();
    assert!(n < 12, "{n} bytes for 750 planes of zeros");
}

#[test]
fn learning_helps_and_its_file_can_be_read() {
    let mut rng = Rng::new(54);
    let files: Vec<_> = (0..2).map(|_| (group(&mut rng, 90, 60, 4), Vec::new())).collect();
    let files: Vec<(Vec<Series>, Vec<EntropyModel>)> = files
        .into_iter()
        .map(|(mut s, m)| {
            s.iter_mut().for_each(|s| s.model = None);
            (s, m)
        })
        .collect();
    let learnt = read_states(&learn(&files[..1])).unwrap();
    let bits = |states: &[state::State]| {
        let mut e = RangeEncoder::new();
        let series = &files[1].0;
        for i in 0..series.len() {
            let mut state = states[series[i].state_index()].clone();
            series::write_one(series, i, &[], &mut state, &mut e);
        }
        e.bits_so_far()
    };
    let fresh = vec![state::State::new(); initial().len()];
    assert!(bits(&learnt) < bits(&fresh), "{} {}", bits(&learnt), bits(&fresh));
}

/// Run with `--release -- --ignored --nocapture`.
#[test]
#[ignore = "a measurement"]
fn speed() {
    let mut rng = Rng::new(55);
    let models = models(&mut rng);
    for (name, scale) in [("sparse", 0.3), ("dense", 1.5)] {
        for model in [None, Some((0, 0)), Some((1, 0))] {
            let planes = (0..20).map(|_| noise(&mut rng, 160, 90, scale)).collect();
            let series = [Series { model, ..alone(PlaneKind::Residual(0), planes) }];
            let bytes = encode(&series, &models);
            let mut best = f64::MAX;
            for _ in 0..9 {
                let mut read = blank(&series);
                let start = std::time::Instant::now();
                decode_series(&mut read, &models, &mut RangeDecoder::new(&bytes)).unwrap();
                best = best.min(start.elapsed().as_secs_f64());
            }
            let (n, bits) = (20.0 * 160.0 * 90.0, 8.0 * bytes.len() as f64);
            println!(
                "{name}, model {model:?}: {:.2} Msymbol/s, {:.2} bits",
                n / best / 1e6,
                bits / n
            );
        }
    }
}

/// What decisions cost, for the constants of `budget.rs`: run as [`speed`].
#[test]
#[ignore = "a measurement"]
fn cost_of_decisions() {
    let mut rng = Rng::new(56);
    let models = models(&mut rng);
    let best = |f: &mut dyn FnMut()| {
        let time = |f: &mut dyn FnMut()| {
            let start = std::time::Instant::now();
            f();
            start.elapsed().as_secs_f64()
        };
        (0..9).map(|_| time(f)).fold(f64::MAX, f64::min) * 1e9
    };
    // A single symbol per plane, so that all others are quiet.
    let (w, h) = (640, 360);
    let mut one = vec![0; w * h];
    one[w * h - 1] = 1;
    let n = (20 * w * h) as f64;
    let planes = vec![Plane::from_values(w, h, &one); 20];
    let quiet = [alone(PlaneKind::Residual(0), planes)];
    let bytes = encode(&quiet, &[]);
    let mut read = || {
        let mut read = blank(&quiet);
        decode_series(&mut read, &[], &mut RangeDecoder::new(&bytes)).unwrap();
    };
    println!("quiet symbol: {:.2} ns, {} bytes", best(&mut read) / n, bytes.len());
    for scale in [0.5, 1.5, 8.0, 40.0] {
        for model in [None, Some((1, 0))] {
            let planes = (0..4).map(|_| noise(&mut rng, w, h, scale)).collect();
            let series = [Series { model, ..alone(PlaneKind::Residual(0), planes) }];
            let bytes = encode(&series, &models);
            let mut read = || {
                let mut read = blank(&series);
                decode_series(&mut read, &models, &mut RangeDecoder::new(&bytes)).unwrap();
            };
            let n = (4 * w * h) as f64;
            println!("symbol of scale {scale}, model {model:?}: {:.1} ns", best(&mut read) / n);
        }
    }
    for scale in [0.0, 1.0, 100.0, 1e6] {
        let n = 200_000;
        let values: Vec<i32> = (0..n).map(|_| (rng.normal() * scale) as i32).collect();
        let mut e = RangeEncoder::new();
        encode_tensor(&values, &mut e);
        let bytes = e.finish();
        let mut to = vec![0; n];
        let mut read = || decode_tensor(&mut to, &mut RangeDecoder::new(&bytes)).unwrap();
        println!("tensor value of scale {scale}: {:.1} ns", best(&mut read) / n as f64);
    }
    for n_bits in [1, 8, 16] {
        let n = 1_000_000;
        let symbols: Vec<u16> = (0..n).map(|_| rng.below(1 << n_bits) as u16).collect();
        let mut e = RangeEncoder::new();
        encode_symbols(&symbols, n_bits, &mut e);
        let bytes = e.finish();
        let mut to = vec![0; n];
        let mut read = || decode_symbols(&mut to, n_bits, &mut RangeDecoder::new(&bytes)).unwrap();
        println!("symbol of {n_bits} bits: {:.1} ns", best(&mut read) / n as f64);
    }
}
