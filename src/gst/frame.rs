// SPDX-License-Identifier: MIT OR Apache-2.0
//! Copies between mapped video frames, with whatever strides and packing, and planar pictures.

use gst_video::{VideoFrameExt, VideoFrameRef};

use crate::base::{Error, Picture, PictureFormat, Result};

/// Where the samples of one component lie inside a plane.
struct Layout {
    plane: u32,
    /// Bytes between rows.
    stride: usize,
    /// Bytes between neighbouring samples.
    step: usize,
    /// Bytes before the first sample.
    offset: usize,
}

fn layout(frame: &impl VideoFrameExt, component: usize) -> Result<Layout> {
    let c = component as u32;
    let plane = frame.comp_plane(c);
    let stride = frame
        .plane_stride()
        .get(plane as usize)
        .copied()
        .unwrap_or(0);
    match (
        usize::try_from(stride),
        usize::try_from(frame.comp_pstride(c)),
    ) {
        (Ok(stride), Ok(step)) => Ok(Layout {
            plane,
            stride,
            step,
            offset: frame.comp_poffset(c) as usize,
        }),
        _ => Err(Error::Unsupported(format!(
            "frames with a row stride of {stride} bytes"
        ))),
    }
}

fn too_short() -> Error {
    Error::Unsupported("a frame whose memory is smaller than its size and strides say".into())
}

/// Fills a new picture of this format, which must be that of the frame.
///
/// # Errors
/// [`Error::Unsupported`] when the frame's memory does not hold what its caps promise.
pub(super) fn to_picture(
    frame: &VideoFrameRef<&gst::BufferRef>,
    format: &PictureFormat,
) -> Result<Picture> {
    let mut picture = Picture::new(*format)?;
    let size = format.sample_bytes();
    for component in 0..format.chroma.n_planes() {
        let at = layout(frame, component)?;
        let plane = frame.plane_data(at.plane).map_err(|_| too_short())?;
        for y in 0..format.plane_size(component).1 {
            let source = plane
                .get(y * at.stride + at.offset..)
                .ok_or_else(too_short)?;
            let row = picture.row_mut(component, y);
            if at.step == size {
                row.copy_from_slice(source.get(..row.len()).ok_or_else(too_short)?);
                continue;
            }
            let pixels = source.chunks(at.step).filter_map(|p| p.get(..size));
            if pixels.clone().count() < row.len() / size {
                return Err(too_short());
            }
            for (sample, pixel) in row.chunks_exact_mut(size).zip(pixels) {
                sample.copy_from_slice(pixel);
            }
        }
        clear_unused_bits(picture.plane_mut(component), format);
    }
    Ok(picture)
}

/// Above 8 bits, nothing stops a source from leaving something in the bits that do not count.
fn clear_unused_bits(plane: &mut [u8], format: &PictureFormat) {
    if format.sample_bytes() == 2 {
        let mask = (format.max_value() >> 8) as u8;
        plane
            .chunks_exact_mut(2)
            .for_each(|sample| sample[1] &= mask);
    }
}

/// Writes the picture into a frame of the same format and size.
///
/// # Errors
/// [`Error::Unsupported`] when the frame's memory does not hold what its caps promise.
pub(super) fn from_picture(
    picture: &Picture,
    frame: &mut VideoFrameRef<&mut gst::BufferRef>,
) -> Result<()> {
    let format = *picture.format();
    let size = format.sample_bytes();
    for component in 0..format.chroma.n_planes() {
        let at = layout(frame, component)?;
        let plane = frame.plane_data_mut(at.plane).map_err(|_| too_short())?;
        for y in 0..format.plane_size(component).1 {
            let target = plane
                .get_mut(y * at.stride + at.offset..)
                .ok_or_else(too_short)?;
            let row = picture.row(component, y);
            if at.step == size {
                target
                    .get_mut(..row.len())
                    .ok_or_else(too_short)?
                    .copy_from_slice(row);
                continue;
            }
            if target.len() < (row.len() / size - 1) * at.step + size {
                return Err(too_short());
            }
            for (sample, pixel) in row.chunks_exact(size).zip(target.chunks_mut(at.step)) {
                pixel[..size].copy_from_slice(sample);
            }
        }
    }
    Ok(())
}
