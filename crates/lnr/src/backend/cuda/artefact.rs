// SPDX-License-Identifier: MIT OR Apache-2.0
//! The compiled kernels, made by `kernels/build.py`.

/// For every supported architecture, compiled.
pub const FATBIN: &[u8] = include_bytes!("../../../../../kernels/compiled/lnr.fatbin");
/// For what the fat binary does not know and drivers that cannot read it: compiled by the driver.
/// Ends in zero.
pub const PTX: &[u8] = include_bytes!("../../../../../kernels/compiled/lnr.ptx");

/// All kernels.
pub const KERNELS: &[&str] = &include!("../../../../../kernels/compiled/names.in");
