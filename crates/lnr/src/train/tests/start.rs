// SPDX-License-Identifier: MIT OR Apache-2.0
//! Grids that begin elsewhere than at zero.

use super::{extent, grid_model, run};
use crate::backend::Shape;
use crate::backend::cpu::Cpu;
use crate::model::FirstValues;
use crate::train::{Recipe, Values};

#[test]
fn grids_begin_where_they_are_told_to() {
    let shape = Shape::new(&grid_model(), &extent()).unwrap();
    let (_, motion) = shape.motion().next().unwrap();
    let range = motion.range();
    let start = FirstValues { offset: range.start, values: vec![2.0; range.len()] };
    let symbols = |start: Vec<FirstValues>| {
        let recipe = Recipe { motion_rate: 0.0, start, ..Recipe::grids(1e-3, 1, 3) };
        let cpu = Cpu::new(1).unwrap();
        let trained = run(&cpu, &grid_model(), &recipe, &mut |_| Ok(())).unwrap();
        let Values::Steps { symbols, .. } = trained.values else { panic!("symbols") };
        symbols[range.clone()].to_vec()
    };
    assert!(symbols(vec![start]).iter().all(|&s| s == 2));
    assert!(symbols(Vec::new()).iter().all(|&s| s == 0));
}
