// SPDX-License-Identifier: MIT OR Apache-2.0

use super::cases::{self, Case, Sources, rate};
use crate::backend::reference::Reference;
use crate::backend::*;
use crate::base::Rng;

/// Steps of central differences: small ones drown in rounding, large ones meet the kinks of ReLUs.
/// One that confirms a gradient is enough, since a wrong gradient agrees with none.
const STEPS: [f32; 4] = [1e-3, 4e-3, 1.6e-2, 3e-4];

/// Compares `gradient` with central differences of `f` at the elements of `range` with the largest
/// gradients and some random ones. There must be a gradient.
pub fn check(
    name: &str,
    values: &mut [f32],
    gradient: &[f32],
    range: std::ops::Range<usize>,
    f: &mut dyn FnMut(&[f32]) -> f64,
) {
    let mut rng = Rng::new(9);
    let mut picks: Vec<usize> = range.clone().collect();
    picks.sort_by(|&a, &b| gradient[b].abs().total_cmp(&gradient[a].abs()));
    picks.truncate(6);
    picks.extend((0..6).map(|_| range.start + rng.below(range.len())));
    let mut errors = Vec::new();
    while errors.last().is_none_or(|&e| e >= 0.02) {
        let step = STEPS.get(errors.len());
        let step = *step.unwrap_or_else(|| panic!("{name}: relative errors {errors:.4?}"));
        errors.push(difference(name, values, gradient, &picks, step, f));
    }
}

/// The relative error of the gradients at some elements.
fn difference(
    name: &str,
    values: &mut [f32],
    gradient: &[f32],
    picks: &[usize],
    step: f32,
    f: &mut dyn FnMut(&[f32]) -> f64,
) -> f64 {
    let (mut error, mut norm) = (0.0, 1e-12);
    for &i in picks {
        let keep = values[i];
        values[i] = keep + step;
        let up = f(values);
        values[i] = keep - step;
        let down = f(values);
        values[i] = keep;
        let difference = (up - down) / f64::from(2.0 * step);
        error += (difference - f64::from(gradient[i])).powi(2);
        norm += difference.powi(2).max(f64::from(gradient[i]).powi(2));
    }
    assert!(norm > 1e-8, "{name}: no gradient to compare");
    (error / norm).sqrt()
}

#[test]
fn training_step_against_finite_differences() {
    let cases = [
        (Sources::One, 3.0),
        (Sources::One, 2.5),
        (Sources::Several, 2.5),
        (Sources::Anchors, 2.5),
        (Sources::Anchors, 4.0),
        (Sources::Still, 2.5),
    ];
    for (sources, tau) in cases {
        let mut case = Case::new(cases::shape(sources, (23, 14), 3, 8, 2), tau, 1, (0, 0));
        let trained = cases::train(&Reference, &case, 0.0);
        let loss = |case: &Case| {
            f64::from(case.step.weight) * cases::train(&Reference, case, 0.0).squared_error
        };
        let shape = case.shape.clone();
        let mut grids = case.grids.clone();
        let mut by_grids = |g: &[f32]| {
            case.grids.copy_from_slice(g);
            loss(&case)
        };
        let sample = shape.sample(tau);
        for (i, source) in shape.grids() {
            let at = sample.sources[i];
            let anchors = match source.role {
                Role::Canonical { .. } if shape.has_anchors => vec![at.first, at.second],
                _ => at.shares().map(|(node, _)| node).collect(),
            };
            for node in anchors {
                for level in 0..source.levels.len() {
                    for component in 0..source.n_components {
                        let range = source.plane(node, level, component);
                        let place = format!("node {node} level {level} component {component}");
                        let name = format!("source {i} ({:?}) {place}", source.role);
                        check(&name, &mut grids, &trained.d_grids, range, &mut by_grids);
                    }
                }
            }
        }
        case.grids.copy_from_slice(&grids);
        let mut network = case.network.clone();
        for TensorPlace { name, range, .. } in shape.network.tensors() {
            check(&name, &mut network, &trained.d_network, range, &mut |n| {
                case.network.copy_from_slice(n);
                loss(&case)
            });
        }
    }
}

#[test]
fn rate_against_finite_differences() {
    let case = Case::new(cases::shape(Sources::One, (19, 11), 3, 8, 0), 3.0, 1, (0, 0));
    let (entropy, planes, mut model) = cases::rate_case(&case, true, true);
    let mut grids = case.grids.clone();
    // The extra input passes no gradient, so the plane it reads is not part of the comparison.
    let one = &planes[5..6];
    let run = |grids: &[f32], model: &[f32]| {
        rate(&Reference, &case.shape, (&entropy, one), grids, model, 1.0)
    };
    let (_, d_grids, d_model) = run(&grids, &model);
    let [d_grids, d_model] =
        [d_grids, d_model].map(|d| d.iter().map(|d| d - 0.5).collect::<Vec<_>>());
    let bits = |grids: &[f32], model: &[f32]| run(grids, model).0;
    let fixed = model.clone();
    for (name, offset) in [("symbols", one[0].offset), ("before", one[0].before.unwrap())] {
        let range = offset..offset + one[0].grid.len();
        check(name, &mut grids, &d_grids, range, &mut |g| bits(g, &fixed));
    }
    for (name, range) in [
        ("w1", entropy.w1()),
        ("w2", entropy.w2()),
        ("skip", entropy.skip()),
        ("biases", entropy.biases(2)),
    ] {
        check(name, &mut model, &d_model, range, &mut |m| bits(&grids, m));
    }
}

#[test]
fn soft_rounding_slope_against_finite_differences() {
    let values: Vec<f32> = (0..400).map(|i| i as f32 * 0.0137 - 2.0).collect();
    let run = |values: &Vec<f32>| {
        let (mut symbols, mut slopes) = (vec![0.0; values.len()], vec![0.0; values.len()]);
        let rounding = Rounding { temperature: 0.3, noise: 0.8 };
        Reference
            .quantise(rounding, 5, 0..values.len(), values, &mut symbols, &mut slopes)
            .unwrap();
        (symbols, slopes)
    };
    let (_, slopes) = run(&values);
    let shifted = |d: f32| run(&values.iter().map(|v| v + d).collect()).0;
    let (up, down) = (shifted(1e-3), shifted(-1e-3));
    let mut worst = 0.0f32;
    for i in 0..values.len() {
        worst = worst.max(((up[i] - down[i]) / 2e-3 - slopes[i]).abs());
    }
    assert!(worst < 0.05, "{worst}");
    assert!(slopes.iter().any(|&s| s > 1.0) && slopes.iter().any(|&s| s < 0.2));
}
