// SPDX-License-Identifier: MIT OR Apache-2.0
//! Decoding of a group of profile `paper-m`, with what does not depend on time kept from frame to
//! frame and without: the same pictures, frames per second and their ratio, by the layer that is
//! modulated. All cores.

mod common;

use common::time;
use lnr::internals::backend::cpu::Cpu;
use lnr::internals::backend::{Backend, Params, Purpose, Shape};
use lnr::internals::base::Rng;
use lnr::internals::model::{grid_parameters, network_parameters};
use lnr::{Chroma, Picture, PictureFormat};

const SIZE: (u32, u32) = (160, 90);
const N_FRAMES: u32 = 33;

/// Frames per second, and the last picture.
fn decode(
    cpu: &Cpu,
    shape: &Shape,
    params: &Params<Vec<f32>>,
    max_prefix: usize,
) -> (f64, Picture) {
    let format = PictureFormat::new(SIZE.0, SIZE.1, Chroma::Yuv420, 8);
    let mut surface = cpu.surface(format).expect("a legal format");
    let taken = time(|| {
        let mut ws = cpu.workspace(shape, Purpose::Render { max_prefix }).expect("memory");
        for frame in 0..N_FRAMES {
            let sample = shape.sample(frame as f32);
            cpu.render(&mut ws, shape, &sample, params, &|| false, &mut surface)
                .expect("rendering succeeds");
        }
    });
    (f64::from(N_FRAMES) / taken.as_secs_f64(), surface)
}

fn main() {
    let cpu = Cpu::new(0).expect("threads can be started");
    println!("{N_FRAMES} frames of {}x{}, width 512, 6 layers, rank 100", SIZE.0, SIZE.1);
    println!("modulated layer   without      with   ratio");
    for modulated in 0..6 {
        let shape = common::shape(&common::paper_m(modulated, 20), SIZE, N_FRAMES);
        let mut rng = Rng::new(1);
        let grids = grid_parameters(&shape, &mut rng);
        let network = network_parameters(&shape, &mut rng);
        let params = Params { grids: &grids, network: &network };
        let (without, a) = decode(&cpu, &shape, &params, 0);
        let (with, b) = decode(&cpu, &shape, &params, 1 << 30);
        assert!((0..3).all(|p| a.plane(p) == b.plane(p)), "the pictures differ");
        let ratio = with / without;
        println!("{modulated:>15} {without:>9.2} {with:>9.2} {ratio:>6.2}x");
    }
}
