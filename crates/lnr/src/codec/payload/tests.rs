// SPDX-License-Identifier: MIT OR Apache-2.0
//! Payloads that ask for much with few bytes, and what reading them may cost.

use super::*;
use crate::base::Error;
use crate::base::spec::{Extent, LatentSpec, ModelSpec, NetworkSpec, Precision, SourceSpec};
use crate::train::Quantised;

const EXTENT: Extent = Extent { width: 320, height: 180, n_frames: 33, n_out: 3 };

/// As many grid entries as pictures of this size may have, about.
fn large() -> ModelSpec {
    ModelSpec {
        sources: vec![SourceSpec::canonical(
            &[1; crate::base::limits::MAX_LEVELS - 1],
            0,
            512,
            &[],
        )],
        latent: LatentSpec { dim: 4096, node_step: 1 },
        network: NetworkSpec::of_grids(16, 1),
        precision: Precision::Steps,
    }
}

/// A payload of zeros, with a last symbol in every plane that is something else or not.
fn payload(shape: &Shape, last: i16) -> Vec<u8> {
    let mut symbols = vec![0; shape.n_grid()];
    for (_, grids) in shape.grids() {
        for level in 0..grids.levels.len() {
            symbols[grids.plane(0, level, 0).end - 1] = last;
        }
    }
    let zeros = |n: usize| Quantised { values: vec![0; n], exponent: 0 };
    let tensors = shape.network.tensors().iter().map(|t| zeros(t.range.len())).collect();
    let parts = |g| crate::model::entropy(g).parts().map(|part| zeros(part.len())).to_vec();
    let entropy = shape.grids().map(|(_, g)| parts(g)).collect();
    let values = Values::Steps { symbols, tensors, entropy };
    let coding = Coding { shape, precision: Precision::Steps };
    coding.encode(&values, &Metadata::default(), &CancelFlag::default()).unwrap()
}

fn is_too_much_work<T>(outcome: &Result<T>) -> bool {
    matches!(outcome, Err(Error::Limit(text)) if text.contains("more work"))
}

#[test]
fn few_bytes_buy_no_work_however_many_groups_they_make() {
    let shape = Shape::new(&large(), &EXTENT).unwrap();
    assert!(shape.n_grid() > 10 << 20, "{}", shape.n_grid());
    let payload = payload(&shape, 1);
    assert!(payload.len() < 2000, "{} bytes", payload.len());
    let coding = Coding { shape: &shape, precision: Precision::Steps };
    let mut budget = WorkBudget::new();
    // Each takes a tenth of a second of the two that reading may take; what comes later is refused,
    // and costs nothing any more.
    let outcomes: Vec<bool> = (0..40)
        .map(|_| match coding.decode(&payload, &mut budget) {
            Ok(parameters) => {
                assert_eq!(parameters.grids.len(), shape.n_grid());
                true
            }
            refused => {
                assert!(is_too_much_work(&refused));
                false
            }
        })
        .collect();
    let n_read = outcomes.iter().filter(|read| **read).count();
    assert!((2..30).contains(&n_read), "{n_read} of 40 groups were read");
    assert!(!outcomes[39]);
    // Pixels came of it: it goes on.
    budget.reset();
    assert!(coding.decode(&payload, &mut budget).is_ok());
}

#[test]
fn planes_of_zeros_cost_no_work() {
    let shape = Shape::new(&large(), &EXTENT).unwrap();
    let payload = payload(&shape, 0);
    let sections = Sections::parse(&payload).unwrap();
    let mut budget = WorkBudget::new();
    let sources = steps::decode_sources(&shape, Precision::Steps, &sections, &mut budget).unwrap();
    let spent = WorkBudget::START - budget.left();
    assert!(spent < WorkBudget::START / 1000, "{spent}");
    assert!(sources.iter().flat_map(|s| &s.series).flat_map(|s| &s.planes).all(|p| p.is_blank()));
}

#[test]
fn latents_are_read_within_the_budget_too() {
    let shape = Shape::new(&large(), &EXTENT).unwrap();
    let payload = payload(&shape, 0);
    let coding = Coding { shape: &shape, precision: Precision::Steps };
    let mut budget = WorkBudget::new();
    let n_read =
        (0..10_000).take_while(|_| coding.decode_latents(&payload, &mut budget).is_ok()).count();
    assert!((10..5000).contains(&n_read), "{n_read}");
    assert!(is_too_much_work(&coding.decode_latents(&payload, &mut budget)));
}

#[test]
fn sizes_of_parts_are_told_without_reading_what_is_too_much() {
    let shape = Shape::new(&large(), &EXTENT).unwrap();
    let payload = payload(&shape, 1);
    let header = GroupHeader {
        id: 0,
        format: crate::PictureFormat::new(320, 180, crate::Chroma::Yuv420, 8),
        frame_rate: (25, 1),
        pts: 0,
        durations: vec![40_000_000; 33],
        continues: false,
        model: large(),
    };
    let mut reader = PartReader::default();
    let all: Vec<Vec<PartSize>> =
        (0..40).map(|_| reader.read(&header, &payload).unwrap()).collect();
    let canonical = |parts: &[PartSize]| {
        parts.iter().find(|p| p.part == Part::Canonical).cloned().expect("canonical grids")
    };
    let (first, last) = (canonical(&all[0]), canonical(&all[39]));
    assert!(first.huffman_bits.is_some() && last.huffman_bits.is_none());
    assert_eq!((first.bytes, first.n_values), (last.bytes, last.n_values));
    for parts in [&all[0], &all[39]] {
        let bytes: u64 = parts.iter().map(|p| p.bytes).sum();
        assert!(bytes <= payload.len() as u64 && bytes + 20 > payload.len() as u64, "{bytes}");
    }
}
