// SPDX-License-Identifier: MIT OR Apache-2.0

use super::device::{Device, Launch, Memory};
use super::memory::Floats;
use super::{args, blocks, unsupported};
use crate::backend::{Pixels, Shape};
use crate::base::{Picture, PictureFormat, Result};

/// The pictures of a group, as they came.
pub struct Pictures<M> {
    memory: M,
    format: PictureFormat,
}

impl<M: Memory> Pictures<M> {
    pub(super) fn new(device: &impl Device<Memory = M>, pictures: &[&Picture]) -> Result<Self> {
        let Some(first) = pictures.first() else {
            return Err(unsupported("a group without pictures"));
        };
        let format = *first.format();
        let mut memory = device.alloc(format.n_bytes() * pictures.len())?;
        let mut at = 0;
        for picture in pictures {
            for plane in 0..format.chroma.n_planes() {
                device.write(&mut memory, at, picture.plane(plane))?;
                at += picture.plane(plane).len();
            }
        }
        Ok(Self { memory, format })
    }
}

/// See [`crate::backend::Backend::target`].
pub fn target<D: Device>(
    device: &D,
    pictures: &Pictures<D::Memory>,
    shape: &Shape,
    pixels: &Pixels,
    target: &mut Floats<D::Memory>,
) -> Result<()> {
    let format = &pictures.format;
    let n_planes = format.chroma.n_planes();
    let lattice = shape.centres(pixels.step, pixels.phase);
    let (mut offset, mut width, mut height) = ([0; 3], [0; 3], [0; 3]);
    let mut at = 0;
    for plane in 0..n_planes {
        let (w, h) = format.plane_size(plane);
        (offset[plane], width[plane], height[plane]) = (at, w as u32, h as u32);
        at += (w * h * format.sample_bytes()) as u64;
    }
    let (half_x, half_y) = format.chroma.shifts();
    let args = args::Target {
        picture: pictures.memory.address() + (pixels.frames.start * format.n_bytes()) as u64,
        target: target.at(0),
        picture_bytes: format.n_bytes() as u64,
        offset,
        width,
        height,
        n_planes: n_planes as u32,
        sample_bytes: format.sample_bytes() as u32,
        half_x,
        half_y,
        centred: format.color.site.is_between_columns().into(),
        patch: shape.patch as u32,
        step: pixels.step as u32,
        x: pixels.phase.0 as u32,
        y: pixels.phase.1 as u32,
        nx: lattice.nx as u32,
        ny: lattice.ny as u32,
        gain: 1.0 / f32::from(format.max_value()),
    };
    let grid = [blocks(device, lattice.len()), n_planes, pixels.frames.len()].map(|n| n as u32);
    device.launch("target", Launch { grid, threads: 256, shared: 0 }, &args)
}
