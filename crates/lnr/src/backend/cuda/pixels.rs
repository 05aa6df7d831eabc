// SPDX-License-Identifier: MIT OR Apache-2.0

use super::device::{Device, Launch, Memory};
use super::memory::Floats;
use super::{args, blocks};
use crate::base::{ChromaSite, Picture, PictureFormat, Result};

/// The pictures of a group, as they came.
pub struct Pictures<M> {
    memory: M,
    format: PictureFormat,
}

impl<M: Memory> Pictures<M> {
    pub(super) fn new(device: &impl Device<Memory = M>, pictures: &[&Picture]) -> Result<Self> {
        let format = *pictures[0].format();
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
    frame: usize,
    step: usize,
    (x, y): (usize, usize),
    target: &mut Floats<D::Memory>,
) -> Result<()> {
    let format = &pictures.format;
    let n_planes = format.chroma.n_planes();
    let (nx, ny) =
        ((format.width as usize - x).div_ceil(step), (format.height as usize - y).div_ceil(step));
    let (mut offset, mut width, mut height) = ([0; 3], [0; 3], [0; 3]);
    let mut at = 0;
    for plane in 0..n_planes {
        let (w, h) = format.plane_size(plane);
        (offset[plane], width[plane], height[plane]) = (at, w as u32, h as u32);
        at += (w * h * format.sample_bytes()) as u64;
    }
    let (half_x, half_y) = format.chroma.shifts();
    let args = args::Target {
        picture: pictures.memory.address() + (frame * format.n_bytes()) as u64,
        target: target.at(0),
        offset,
        width,
        height,
        n_planes: n_planes as u32,
        sample_bytes: format.sample_bytes() as u32,
        half_x,
        half_y,
        centred: (format.color.site == ChromaSite::Center).into(),
        step: step as u32,
        x: x as u32,
        y: y as u32,
        nx: nx as u32,
        ny: ny as u32,
        gain: 1.0 / f32::from(format.max_value()),
        unused: 0,
    };
    let row = blocks(device, nx * ny) as u32;
    device.launch(
        "target",
        Launch { grid: [row, n_planes as u32, 1], threads: 256, shared: 0 },
        &args,
    )
}
