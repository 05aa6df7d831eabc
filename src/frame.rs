// SPDX-License-Identifier: MIT OR Apache-2.0
//! Copies between mapped video frames, with whatever strides and packing, and planar pictures.

use gst_video::{VideoFrameExt, VideoFrameRef};

use lnr::{Error, Picture, PictureFormat, Result};

/// Where the samples of one component lie inside a plane.
struct Layout {
    plane: u32,
    /// Bytes between rows.
    stride: usize,
    /// Bytes between neighbouring samples.
    step: usize,
    /// Bytes before the first sample.
    offset: usize,
    /// Bits below each sample.
    shift: u32,
}

impl Layout {
    /// Whether a row is one of a picture with samples of so many bytes.
    fn is_plain(&self, size: usize) -> bool {
        self.step == size && self.shift == 0
    }
}

/// The component of alpha, in every format that has it.
const ALPHA: usize = 3;

fn layout(frame: &impl VideoFrameExt, component: usize) -> Result<Layout> {
    let c = component as u32;
    let plane = frame.comp_plane(c);
    let stride = frame.plane_stride().get(plane as usize).copied().unwrap_or(0);
    match (usize::try_from(stride), usize::try_from(frame.comp_pstride(c))) {
        (Ok(stride), Ok(step)) => {
            let offset = match (frame.comp_poffset(c) as usize, frame.comp_depth(c)) {
                // Of P010 and its like, GStreamer counts samples here.
                (offset @ 1, 9..) => 2 * offset,
                (offset, _) => offset,
            };
            let shift = frame.format_info().shift().get(component).copied().unwrap_or(0);
            Ok(Layout { plane, stride, step, offset, shift })
        }
        _ => Err(Error::Unsupported(format!("frames with a row stride of {stride} bytes"))),
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
            let source = plane.get(y * at.stride + at.offset..).ok_or_else(too_short)?;
            let row = picture.row_mut(component, y);
            if at.is_plain(size) {
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
            shift_samples(row, at.shift, |sample, shift| sample >> shift);
        }
        clear_unused_bits(picture.plane_mut(component), format);
    }
    Ok(picture)
}

/// Moves the bits of samples of two bytes; smaller ones have no shift.
fn shift_samples(row: &mut [u8], shift: u32, by: impl Fn(u16, u32) -> u16) {
    if shift > 0 {
        for sample in row.chunks_exact_mut(2) {
            let moved = by(u16::from_le_bytes([sample[0], sample[1]]), shift);
            sample.copy_from_slice(&moved.to_le_bytes());
        }
    }
}

/// Above 8 bits, nothing stops a source from leaving something in the bits that do not count.
fn clear_unused_bits(plane: &mut [u8], format: &PictureFormat) {
    if format.sample_bytes() == 2 {
        let mask = (format.max_value() >> 8) as u8;
        plane.chunks_exact_mut(2).for_each(|sample| sample[1] &= mask);
    }
}

/// Where rows or planes of the buffer lie further apart than pictures of this format need, zeroes all of it:
/// nothing of what it held before may go downstream.
pub(super) fn clear_padding(buffer: &mut gst::BufferRef, format: &PictureFormat) {
    if buffer.size() == format.n_bytes() {
        return;
    }
    for memory in buffer.iter_memories_mut().into_iter().flatten() {
        if let Ok(mut bytes) = memory.map_writable() {
            bytes.fill(0);
        }
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
            let target = plane.get_mut(y * at.stride + at.offset..).ok_or_else(too_short)?;
            let row = picture.row(component, y);
            if at.is_plain(size) {
                target.get_mut(..row.len()).ok_or_else(too_short)?.copy_from_slice(row);
                continue;
            }
            if target.len() < (row.len() / size - 1) * at.step + size {
                return Err(too_short());
            }
            for (sample, pixel) in row.chunks_exact(size).zip(target.chunks_mut(at.step)) {
                pixel[..size].copy_from_slice(sample);
                shift_samples(&mut pixel[..size], at.shift, |sample, shift| sample << shift);
            }
        }
    }
    make_opaque(frame, size)
}

/// Fills the alpha of a frame that has it.
fn make_opaque(frame: &mut VideoFrameRef<&mut gst::BufferRef>, size: usize) -> Result<()> {
    if !frame.format_info().has_alpha() {
        return Ok(());
    }
    let at = layout(frame, ALPHA)?;
    let (width, height) = (frame.width() as usize, frame.height() as usize);
    let plane = frame.plane_data_mut(at.plane).map_err(|_| too_short())?;
    for y in 0..height {
        let target = plane.get_mut(y * at.stride + at.offset..).ok_or_else(too_short)?;
        for pixel in target.chunks_mut(at.step).take(width) {
            pixel.get_mut(..size).ok_or_else(too_short)?.fill(0xFF);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use gst_video::{VideoFormat, VideoInfo};

    use super::*;
    use crate::format::{ENCODED, picture_format};

    fn noise(info: &VideoInfo) -> gst::Buffer {
        let byte = |i: usize| (i as u32).wrapping_mul(0x9E37_79B1).to_be_bytes()[0];
        gst::Buffer::from_mut_slice((0..info.size()).map(byte).collect::<Vec<_>>())
    }

    fn read(buffer: &gst::Buffer, info: &VideoInfo) -> Picture {
        let frame = VideoFrameRef::from_buffer_ref_readable(buffer, info).unwrap();
        to_picture(&frame, &picture_format(info).unwrap()).unwrap()
    }

    /// Rows and planes further apart than they need to be.
    fn padded(info: &VideoInfo) -> VideoInfo {
        let n = info.n_planes() as usize;
        let stride: Vec<i32> = info.stride()[..n].iter().map(|s| s + 24).collect();
        let mut offset = Vec::new();
        let mut end = 40;
        for (plane, stride) in stride.iter().enumerate() {
            offset.push(end);
            let component = plane.min(info.n_components() as usize - 1) as u8;
            end += *stride as usize * info.comp_height(component) as usize + 16;
        }
        VideoInfo::builder(info.format(), info.width(), info.height())
            .stride(&stride)
            .offset(&offset)
            .size(end)
            .build()
            .unwrap()
    }

    #[test]
    fn every_format_round_trips_with_any_strides() {
        gst::init().unwrap();
        for format in ENCODED {
            for (width, height) in [(1, 1), (5, 3), (8, 8), (33, 7)] {
                let info = VideoInfo::builder(format, width, height).build().unwrap();
                let picture = read(&noise(&info), &info);
                for target in [info.clone(), padded(&info)] {
                    let mut buffer = noise(&target);
                    let mut frame =
                        VideoFrameRef::from_buffer_ref_writable(buffer.make_mut(), &target)
                            .unwrap();
                    from_picture(&picture, &mut frame).unwrap();
                    drop(frame);
                    assert_eq!(read(&buffer, &target), picture, "{format} {width}x{height}");
                }
            }
        }
    }

    #[test]
    fn components_land_in_their_planes() {
        gst::init().unwrap();
        let cases: [(VideoFormat, &[u8]); 16] = [
            (VideoFormat::Rgb, &[1, 2, 3]),
            (VideoFormat::Bgr, &[3, 2, 1]),
            (VideoFormat::Rgbx, &[1, 2, 3, 9]),
            (VideoFormat::Bgrx, &[3, 2, 1, 9]),
            (VideoFormat::Xrgb, &[9, 1, 2, 3]),
            (VideoFormat::Xbgr, &[9, 3, 2, 1]),
            (VideoFormat::Rgba, &[1, 2, 3, 9]),
            (VideoFormat::Bgra, &[3, 2, 1, 9]),
            (VideoFormat::Argb, &[9, 1, 2, 3]),
            (VideoFormat::Abgr, &[9, 3, 2, 1]),
            (VideoFormat::Ayuv, &[9, 1, 2, 3]),
            (VideoFormat::Vuya, &[3, 2, 1, 9]),
            (VideoFormat::Yuy2, &[1, 2, 9, 3]),
            (VideoFormat::Uyvy, &[2, 1, 3, 9]),
            (VideoFormat::Yvyu, &[1, 3, 9, 2]),
            (VideoFormat::Nv12, &[]),
        ];
        for (format, pixel) in cases {
            let info = VideoInfo::builder(format, 1, 1).build().unwrap();
            let mut data = vec![0; info.size()];
            match format {
                VideoFormat::Nv12 => {
                    data[0] = 1;
                    let chroma = info.offset()[1];
                    data[chroma..chroma + 2].copy_from_slice(&[2, 3]);
                }
                _ => data[..pixel.len()].copy_from_slice(pixel),
            }
            let picture = read(&gst::Buffer::from_slice(data), &info);
            let samples = [0, 1, 2].map(|c| picture.sample(c, 0, 0));
            assert_eq!(samples, [1, 2, 3], "{format}");
        }
    }

    #[test]
    fn samples_of_many_bits_land_in_their_places() {
        gst::init().unwrap();
        // The formats, the pixel's words in memory, and the samples.
        let cases: [(VideoFormat, [u16; 4], [u16; 3]); 5] = [
            (VideoFormat::Rgba64Le, [0x102, 0x304, 0x506, 0xFFFF], [0x102, 0x304, 0x506]),
            (VideoFormat::Bgra64Le, [0x506, 0x304, 0x102, 0xFFFF], [0x102, 0x304, 0x506]),
            (VideoFormat::Argb64Le, [0xFFFF, 0x102, 0x304, 0x506], [0x102, 0x304, 0x506]),
            (VideoFormat::P01010le, [7 << 6, 0, 0, 0], [7, 8, 9]),
            (VideoFormat::P012Le, [7 << 4, 0, 0, 0], [7, 8, 9]),
        ];
        for (format, words, samples) in cases {
            let info = VideoInfo::builder(format, 1, 1).build().unwrap();
            let mut data = vec![0u8; info.size()];
            let n = data.len().min(8);
            data[..n].copy_from_slice(&words.map(u16::to_le_bytes).concat()[..n]);
            if info.n_planes() == 2 {
                let shift = info.format_info().shift()[1];
                let chroma = [8u16 << shift, 9 << shift].map(u16::to_le_bytes).concat();
                data[info.offset()[1]..][..4].copy_from_slice(&chroma);
            }
            let picture = read(&gst::Buffer::from_slice(data.clone()), &info);
            assert_eq!([0, 1, 2].map(|c| picture.sample(c, 0, 0)), samples, "{format}");
            // Alpha is opaque, and nothing else is touched.
            let mut buffer = gst::Buffer::from_mut_slice(vec![0u8; info.size()]);
            let mut frame =
                VideoFrameRef::from_buffer_ref_writable(buffer.make_mut(), &info).unwrap();
            from_picture(&picture, &mut frame).unwrap();
            drop(frame);
            assert_eq!(&buffer.map_readable().unwrap()[..], data, "{format}");
        }
    }

    #[test]
    fn bits_that_do_not_count_are_cleared() {
        gst::init().unwrap();
        let info = VideoInfo::builder(VideoFormat::I42010le, 2, 2).build().unwrap();
        let picture = read(&gst::Buffer::from_slice(vec![0xFF; info.size()]), &info);
        assert_eq!(picture.sample(0, 1, 1), 1023);
    }
}
