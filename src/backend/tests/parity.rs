// SPDX-License-Identifier: MIT OR Apache-2.0

use super::cases::{self, Case};
use crate::backend::cpu::{Cpu, Isa};
use crate::backend::reference::Reference;
use crate::backend::*;
use crate::base::{Chroma, ChromaSite, Picture, PictureFormat, Rng};

pub fn cpus() -> impl Iterator<Item = (Cpu, String)> {
    let isas = Isa::available().into_iter();
    isas.flat_map(|isa| [1, 3].map(|n| (Cpu::with_isa(isa, n).unwrap(), format!("{isa:?} x {n}"))))
}

/// |a - b| <= tolerance times the largest |b|, everywhere.
pub fn close(what: &str, a: &[f32], b: &[f32], tolerance: f32) {
    assert_eq!(a.len(), b.len(), "{what}");
    let scale = b.iter().fold(1e-6f32, |m, v| m.max(v.abs()));
    for (i, (a, b)) in a.iter().zip(b).enumerate() {
        assert!((a - b).abs() <= tolerance * scale, "{what}[{i}]: {a} against {b} (scale {scale})");
    }
}

#[test]
fn training_step() {
    for (i, case) in Case::all().iter().enumerate() {
        let expected = cases::train(&Reference, case, 0.0);
        for (cpu, name) in cpus() {
            let got = cases::train(&cpu, case, 0.25);
            let name = format!("case {i} on {name}");
            let relative = (got.squared_error / expected.squared_error - 1.0).abs();
            assert!(relative < 1e-4, "{name}: error {relative}");
            close(&format!("{name}: grids"), &got.d_grids, &expected.d_grids, 2e-4);
            for tensor in Tensor::ALL {
                let range = case.shape.network.range(tensor);
                let what = format!("{name}: {tensor:?}");
                close(&what, &got.d_network[range.clone()], &expected.d_network[range], 5e-4);
            }
        }
    }
}

#[test]
fn rate() {
    for case in Case::all() {
        let (entropy, planes, model) = cases::rate_case(&case);
        let run = |backend: &dyn Fn(&mut Vec<f32>, &mut Vec<f32>) -> f64| {
            let (mut a, mut b) = (vec![0.5; case.grids.len()], vec![0.5; model.len()]);
            let bits = backend(&mut a, &mut b);
            (bits, a, b)
        };
        let expected = run(&|a, b| {
            Reference
                .rate(&mut (), &entropy, &planes, &case.grids, &model, 0.3, Some((a, b)))
                .unwrap()
        });
        for (cpu, name) in cpus() {
            let mut ws = cpu.workspace(&case.shape).unwrap();
            let ws = std::cell::RefCell::new(&mut ws);
            let got = run(&|a, b| {
                let ws = &mut *ws.borrow_mut();
                cpu.rate(ws, &entropy, &planes, &case.grids, &model, 0.3, Some((a, b))).unwrap()
            });
            assert!((got.0 / expected.0 - 1.0).abs() < 1e-4, "{name}: {} {}", got.0, expected.0);
            close(&format!("{name}: symbols"), &got.1, &expected.1, 1e-3);
            close(&format!("{name}: model"), &got.2, &expected.2, 1e-3);
            let bits = cpu
                .rate(&mut ws.borrow_mut(), &entropy, &planes, &case.grids, &model, 0.3, None)
                .unwrap();
            assert_eq!(bits, got.0, "{name}");
        }
    }
}

#[test]
fn quantisation_and_optimiser() {
    let mut rng = Rng::new(2);
    let n = 20_000;
    let values: Vec<f32> = (0..n).map(|_| rng.normal() * 3.0).collect();
    let grads: Vec<f32> = (0..n).map(|_| rng.normal()).collect();
    let range = 7..n - 3;
    for rounding in [Rounding::Hard, Rounding::Soft { temperature: 0.2, noise: 0.7 }] {
        let run = |b: &dyn Fn(&mut Vec<f32>, &mut Vec<f32>)| {
            let (mut q, mut d) = (vec![f32::NAN; n], vec![f32::NAN; n]);
            b(&mut q, &mut d);
            (q, d)
        };
        let (q, d) = run(&|q, d| {
            Reference.quantise(rounding, 3, range.clone(), &values, q, d).unwrap();
        });
        for (cpu, name) in cpus() {
            let (q2, d2) =
                run(&|q, d| cpu.quantise(rounding, 3, range.clone(), &values, q, d).unwrap());
            close(&name, &q2[range.clone()], &q[range.clone()], 1e-5);
            close(&name, &d2[range.clone()], &d[range.clone()], 1e-4);
            assert!(q2[..7].iter().chain(&q2[n - 3..]).all(|v| v.is_nan()), "{name}: guards");
            assert!(d2[..7].iter().chain(&d2[n - 3..]).all(|v| v.is_nan()), "{name}: guards");
        }
    }
    let adam = Adam { rate: 0.1, beta1: 0.9, beta2: 0.99, step: 3 };
    let run = |b: &dyn Fn([&mut Vec<f32>; 4])| {
        let (mut x, mut g) = (values.clone(), grads.clone());
        let (mut m, mut v) = (vec![0.1; n], vec![0.2; n]);
        b([&mut x, &mut g, &mut m, &mut v]);
        [x, g, m, v]
    };
    let slopes: Vec<f32> = (0..n).map(|i| i as f32 / n as f32).collect();
    let expected = run(&|[x, g, m, v]| {
        Reference.adam(&adam, range.clone(), x, g, Some(&slopes), (m, v)).unwrap();
    });
    for (cpu, name) in cpus() {
        let got = run(&|[x, g, m, v]| {
            cpu.adam(&adam, range.clone(), x, g, Some(&slopes), (m, v)).unwrap();
        });
        for (got, expected) in got.iter().zip(&expected) {
            close(&name, got, expected, 1e-5);
        }
    }
}

#[test]
fn rendering_differs_by_one_step_at_most() {
    let formats = [
        (37, 21, Chroma::Yuv420, 8, ChromaSite::Left),
        (37, 21, Chroma::Yuv420, 10, ChromaSite::Center),
        (11, 50, Chroma::Yuv422, 8, ChromaSite::Left),
        (150, 64, Chroma::Yuv444, 10, ChromaSite::Unknown),
        (5, 3, Chroma::Rgb, 8, ChromaSite::Unknown),
        (1, 1, Chroma::Yuv420, 8, ChromaSite::Unknown),
    ];
    for (width, height, chroma, depth, site) in formats {
        let mut format = PictureFormat::new(width, height, chroma, depth);
        format.color.site = site;
        let lattice = Lattice::subset((37, 21), 1, (0, 0));
        let case = Case::new(cases::shape((37, 21), 3, 7, 4), 1.3, lattice);
        let render = |backend: &dyn Fn(&Params<Vec<f32>>, &mut Picture)| {
            let mut modulated = vec![0.0; case.shape.network.modulated_len()];
            Reference.modulate(&case.shape, 1.3, &case.network, &mut modulated).unwrap();
            let params =
                Params { grids: &case.grids, network: &case.network, modulated: &modulated };
            let mut out = Picture::new(format).unwrap();
            backend(&params, &mut out);
            out
        };
        let expected =
            render(&|p, out| Reference.render(&mut (), &case.shape, 1.3, p, out).unwrap());
        for (cpu, name) in cpus() {
            let got = render(&|p, out| {
                let mut ws = cpu.workspace(&case.shape).unwrap();
                cpu.load(&mut ws, &case.shape, p).unwrap();
                out.planes_mut().for_each(|p| p.fill(0x2A));
                cpu.render(&mut ws, &case.shape, 1.3, p, out).unwrap();
            });
            for plane in 0..3 {
                let (w, h) = format.plane_size(plane);
                for (x, y) in (0..h).flat_map(|y| (0..w).map(move |x| (x, y))) {
                    let (a, b) = (got.sample(plane, x, y), expected.sample(plane, x, y));
                    assert!(
                        a.abs_diff(b) <= 1,
                        "{name} {format:?}: plane {plane} ({x}, {y}): {a} {b}"
                    );
                }
            }
        }
    }
}
