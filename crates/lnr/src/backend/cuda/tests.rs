// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the host and the kernels must agree on.

use super::{simt, sizes};

#[test]
fn the_numbers_of_the_kernels_are_those_of_their_sources() {
    let expected: Vec<(String, usize)> =
        sizes::ALL.iter().map(|(name, n)| ((*name).to_owned(), *n)).collect();
    assert_eq!(simt::sizes(), expected, "run python3 kernels/build.py");
}
