// SPDX-License-Identifier: MIT OR Apache-2.0
//! Trainings that leave the realm of numbers are errors, never files.

use super::{coordinate_model, grid_model, run};
use crate::backend::Backend;
use crate::backend::cpu::{Cpu, Isa};
use crate::backend::reference::Reference;
use crate::base::Error;
use crate::train::{Recipe, Values};

fn diverges<B: Backend>(backend: &B, name: &str) {
    let grids = Recipe { network_rate: 1e30, ..Recipe::grids(1e-3, 6, 3) };
    // The tables become infinite; the network alone would not.
    let tables = Recipe { table_rate: f32::INFINITY, ..Recipe::coordinates(6, 3) };
    for (model, recipe) in [(grid_model(), grids), (coordinate_model(), tables)] {
        let mut n_steps = 0;
        let outcome = run(backend, &model, &recipe, &mut |_| {
            n_steps += 1;
            Ok(())
        });
        match outcome {
            Err(Error::Diverged(text)) => assert!(!text.is_empty()),
            other => panic!("{name}: {other:?} after {n_steps} steps"),
        }
    }
}

#[test]
fn divergence_is_an_error_on_the_reference() {
    diverges(&Reference, "reference");
}

#[test]
fn divergence_is_an_error_on_the_cpu() {
    for isa in Isa::available() {
        diverges(&Cpu::with_isa(isa, 2).unwrap(), isa.name());
    }
}

#[test]
fn a_weight_that_is_no_number_at_the_end_is_an_error() {
    // One step that is never looked at again.
    let recipe = Recipe { hyper_rate: f32::NAN, ..Recipe::coordinates(1, 3) };
    let outcome = run(&Cpu::new(1).unwrap(), &coordinate_model(), &recipe, &mut |_| Ok(()));
    assert!(matches!(outcome, Err(Error::Diverged(_))), "{outcome:?}");
}

#[test]
fn what_goes_well_is_no_divergence() {
    let cpu = Cpu::new(1).unwrap();
    let grids = run(&cpu, &grid_model(), &Recipe::grids(1e-3, 2, 3), &mut |_| Ok(())).unwrap();
    assert!(matches!(grids.values, Values::Steps { .. }));
    let recipe = Recipe::coordinates(2, 3);
    let trained = run(&cpu, &coordinate_model(), &recipe, &mut |_| Ok(())).unwrap();
    let Values::Plain { grids, network } = trained.values else { panic!("plain values") };
    assert!(grids.iter().chain(&network).all(|v| v.is_finite()));
}
