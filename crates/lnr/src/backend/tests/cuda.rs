// SPDX-License-Identifier: MIT OR Apache-2.0
//! The CUDA kernels, under the SIMT shim everywhere and on a GPU where there is one.

use super::cases::{self, Case};
use super::coordinates::{Tolerance, paper};
use super::{coordinates, parity};
use crate::backend::cuda::Cuda;
use crate::backend::cuda::simt::Simt;

fn simt(seed: u64) -> Cuda<Simt> {
    Cuda::on(Simt::new(seed)).unwrap()
}

/// The GPU, if there is one. `LNR_REQUIRE_CUDA=1` makes its absence a failure.
fn gpu() -> Option<Cuda> {
    match Cuda::new(0) {
        Ok(gpu) => Some(gpu),
        Err(e) if std::env::var_os("LNR_REQUIRE_CUDA").is_some_and(|v| v == "1") => panic!("{e}"),
        Err(e) => {
            eprintln!("skipped: {e}");
            None
        }
    }
}

/// Products of f16. A unit whose sum is near zero may be on in one precision and off in the other,
/// which shows in few gradients and little in their mean.
const PAPER: Tolerance = Tolerance { error: 1e-3, gradients: 4e-2, mean: 1e-2, steps: 3 };

#[test]
fn simt_paper_parity() {
    paper(&simt(2), "SIMT", PAPER);
}

#[test]
fn simt_parity() {
    parity::all(&simt(1), "SIMT");
}

#[test]
fn simt_astray() {
    parity::astray(&simt(3), "SIMT");
    coordinates::astray(&simt(3), "SIMT");
}

#[test]
fn gpu_parity() {
    if let Some(gpu) = gpu() {
        parity::all(&gpu, gpu.name());
        paper(&gpu, gpu.name(), PAPER);
        parity::astray(&gpu, gpu.name());
        coordinates::astray(&gpu, gpu.name());
    }
}

/// The same sums to the bit, in whatever order threads and blocks run.
#[test]
fn the_order_of_threads_does_not_matter() {
    let (case, mixed) = (&Case::all()[1], &Case::all()[8]);
    let [expected, of_mixed] = [case, mixed].map(|case| cases::train(&simt(0), case, 0.0));
    let (entropy, planes, model) = cases::rate_case(case, true, true);
    let rate = |seed: u64| {
        let job = (&entropy, &planes[..]);
        cases::rate(&simt(seed), &case.shape, job, &case.grids, &model, 0.3)
    };
    let bits = rate(0);
    for seed in [5, 6] {
        for (case, expected) in [(case, &expected), (mixed, &of_mixed)] {
            let got = cases::train(&simt(seed), case, 0.0);
            assert_eq!(got.squared_error, expected.squared_error);
            assert!(got.d_grids == expected.d_grids && got.d_network == expected.d_network);
        }
        assert!(rate(seed) == bits);
    }
}
