// SPDX-License-Identifier: MIT OR Apache-2.0
//! What workspaces take.

use super::super::{Purpose, Shape};
use super::{bands, coordinates, workspace};

/// See [`super::super::Backend::bytes`].
pub fn bytes(shape: &Shape, purpose: Purpose, n_threads: usize) -> u64 {
    let n_bands = bands::count(shape, purpose, n_threads);
    let bytes = match (shape.encoding(), purpose) {
        (None, Purpose::Train { .. }) => workspace::bytes(shape, n_bands, true),
        (None, Purpose::Render { .. }) => workspace::bytes(shape, n_bands, false),
        (Some(_), Purpose::Train { n_points }) => {
            coordinates::training_bytes(shape, n_points, n_bands)
        }
        (Some(_), Purpose::Render { max_prefix }) => {
            coordinates::rendering_bytes(shape, max_prefix, n_threads)
        }
    };
    bytes as u64
}

#[cfg(test)]
mod tests {
    use super::super::super::tests::cases::{self, Case};
    use super::super::super::{Backend, Grads, Params, Sum};
    use super::super::workspace::GridScratch;
    use super::super::{Cpu, Kind};
    use super::*;

    /// Bytes that a workspace of grids holds after training steps and their rates.
    fn held(cpu: &Cpu, case: &Case, purpose: Purpose) -> u64 {
        let Case { shape, step, grids, network, target } = case;
        let mut ws = cpu.workspace(shape, purpose).unwrap();
        let (mut d_grids, mut d_network) = (grids.clone(), network.clone());
        let mut sums = vec![0.0; 2];
        let params = Params { grids, network };
        let mut grads = Grads { grids: &mut d_grids, network: &mut d_network };
        let error = Sum { buffer: &mut sums, index: 0 };
        cpu.train(&mut ws, shape, step, target, &params, Some(&mut grads), error).unwrap();
        for (_, source) in shape.grids() {
            let (entropy, planes) = cases::every_plane(source);
            let model = vec![0.1; entropy.len()];
            let mut d_model = model.clone();
            let grads = Some((&mut d_grids, &mut d_model));
            let bits = Sum { buffer: &mut sums, index: 0 };
            cpu.rate(&mut ws, &entropy, &planes, grids, &model, 1.0, grads, bits).unwrap();
        }
        match &ws.0 {
            Kind::Grids(ws) => GridScratch::held(ws) as u64,
            _ => panic!("a workspace of another kind"),
        }
    }

    #[test]
    fn a_workspace_of_grids_takes_what_was_said() {
        for n_threads in [1, 3] {
            let cpu = Cpu::new(n_threads).unwrap();
            for (i, case) in Case::all().iter().enumerate() {
                let purpose = Purpose::Train { n_points: case.shape.centres(1, (0, 0)).len() };
                // What a step makes and drops on the way is not part of it.
                let case = Case { step: cases::whole_frame(&case.shape), ..case.clone() };
                let n = case.shape.n_out * case.step.lattice.len();
                let case = Case { target: vec![0.5; n], ..case };
                let (told, held) = (cpu.bytes(&case.shape, purpose), held(&cpu, &case, purpose));
                assert_eq!(told, held, "case {i} on {n_threads} threads");
            }
        }
    }
}
