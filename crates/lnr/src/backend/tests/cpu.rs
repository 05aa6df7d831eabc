// SPDX-License-Identifier: MIT OR Apache-2.0

use super::parity;
use crate::backend::cpu::{Cpu, Isa};

/// Every instruction set of this machine, on one thread and on several.
pub fn cpus() -> impl Iterator<Item = (Cpu, String)> {
    let isas = Isa::available().into_iter();
    isas.flat_map(|isa| [1, 3].map(|n| (Cpu::with_isa(isa, n).unwrap(), format!("{isa:?} x {n}"))))
}

#[test]
fn cpu_astray() {
    cpus().for_each(|(cpu, name)| parity::astray(&cpu, &name));
}

#[test]
fn cpu_parity() {
    cpus().for_each(|(cpu, name)| parity::all(&cpu, &name));
}
