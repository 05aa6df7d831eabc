// SPDX-License-Identifier: MIT OR Apache-2.0

use std::path::{Path, PathBuf};

use gst::prelude::*;
use gst_video::{VideoFrameExt, VideoFrameRef, VideoInfo as RawInfo};
use lnr::{Chroma, PictureFormat};

use super::PictureSink;
use super::container::Writer;
use crate::console::Console;
use crate::exit::{Failure, Outcome, output_name};
use crate::gstreamer::{element, has, init};
use crate::hdr;
use crate::input::{Frame, VideoInfo};
use crate::raw::video_info;

/// Muxer of an extension, and the encoders to try for it, best first.
const CONTAINERS: [(&str, &str, &[&str]); 8] = [
    ("mp4", "mp4mux", &["x264enc", "openh264enc", "x265enc"]),
    ("m4v", "mp4mux", &["x264enc", "openh264enc", "x265enc"]),
    ("mov", "qtmux", &["x264enc", "openh264enc", "jpegenc"]),
    ("mkv", "matroskamux", &["x264enc", "openh264enc", "vp9enc", "vp8enc", "jpegenc"]),
    ("webm", "webmmux", &["vp9enc", "vp8enc"]),
    ("avi", "avimux", &["x264enc", "openh264enc", "jpegenc"]),
    ("ts", "mpegtsmux", &["x264enc", "openh264enc"]),
    ("ogv", "oggmux", &["theoraenc"]),
];

/// Encodes pictures with a codec of GStreamer's and writes them to a container.
pub struct VideoSink {
    path: PathBuf,
    writer: Writer,
    /// Of what the encoder gets: some pictures are padded for it.
    raw: RawInfo,
    padded: PictureFormat,
}

impl VideoSink {
    /// # Errors
    /// When the extension is not known, or a muxer or every encoder for it is missing.
    pub fn create(
        path: &Path,
        extension: &str,
        info: &VideoInfo,
        console: &Console,
    ) -> Outcome<Self> {
        init()?;
        let usage = |cause: String| Failure::usage(format!("{}: {cause}", path.display()));
        let known = CONTAINERS.iter().find(|c| c.0.eq_ignore_ascii_case(extension));
        let &(_, mux, encoders) = known.ok_or_else(|| {
            let names = CONTAINERS.map(|c| c.0).join(", .");
            usage(format!("cannot write .{extension}; choose .y4m, .png, a directory, or .{names}"))
        })?;
        let name = encoders.iter().find(|e| has(e));
        let &name = name.ok_or_else(|| {
            Failure::output(
                path,
                format!(
                    "no encoder for it is installed (one of {}); install \
                     gstreamer1.0-plugins-ugly or -good",
                    encoders.join(", ")
                ),
            )
        })?;
        let padded = padded(&info.format, name);
        if padded != info.format {
            let (w, h) = (info.format.width, info.format.height);
            console.warn(&format!(
                "{}: the encoder {name} takes even sizes only: the last pixels of {w}x{h} are \
                 repeated to {}x{}",
                output_name(path),
                padded.width,
                padded.height
            ));
        }
        let raw = video_info(&padded, info.frame_rate).ok_or_else(|| {
            usage(format!(
                "GStreamer has no raw format of {} bits like these; write PNG files or .y4m",
                info.format.depth
            ))
        })?;
        let mut caps = raw.to_caps().map_err(|e| usage(e.to_string()))?;
        hdr::add_to_caps(&info.metadata, caps.make_mut());
        let mut chain =
            vec![element("videoconvert")?, element("queue")?, encoder(name, mux, info)?];
        let parser = match name {
            "x264enc" | "openh264enc" => Some("h264parse"),
            "x265enc" => Some("h265parse"),
            _ => None,
        };
        if let Some(parser) = parser.filter(|p| has(p)) {
            chain.push(element(parser)?);
        }
        chain.push(element(mux)?);
        let writer = Writer::create(path, &caps, &info.metadata, &chain, None)?;
        if info.frame_rate.0 == 0 && mux == "avimux" {
            console.warn("an .avi file has a constant frame rate; choose one with --fps");
        }
        Ok(Self { path: path.to_owned(), writer, raw, padded })
    }
}

/// The format of the pictures that this encoder gets: those of H.264 and H.265 have no odd sides where
/// chroma is halved.
fn padded(format: &PictureFormat, encoder: &str) -> PictureFormat {
    let (x, y) = match encoder {
        // It takes 4:2:0 only.
        "openh264enc" => (1, 1),
        // Gray becomes 4:2:0.
        "x264enc" | "x265enc" if format.chroma == Chroma::Gray => (1, 1),
        "x264enc" | "x265enc" => format.chroma.shifts(),
        _ => (0, 0),
    };
    let even = |side: u32, shift: u32| side.next_multiple_of(1 << shift);
    PictureFormat { width: even(format.width, x), height: even(format.height, y), ..*format }
}

/// An encoder at near-transparent quality: it is there to look at, not to be small.
fn encoder(name: &str, mux: &str, info: &VideoInfo) -> Outcome<gst::Element> {
    let encoder = element(name)?;
    let is_qt = matches!(mux, "mp4mux" | "qtmux");
    let set = |property: &str, value: &str| {
        if encoder.has_property(property) {
            encoder.set_property_from_str(property, value);
        }
    };
    match name {
        "x264enc" => {
            set("pass", "qual");
            set("quantizer", "16");
            set("speed-preset", "fast");
            // The length of a track is counted in times of decoding, which run short of those of showing
            // where frames are reordered and last differently: the file would end too early.
            if is_qt {
                set("bframes", "0");
            }
        }
        "jpegenc" => set("quality", "95"),
        _ => {
            let rate = match info.frame_rate {
                (0, _) => 25.0,
                (n, d) => f64::from(n) / f64::from(d),
            };
            let bits = (info.format.n_pixels() as f64 * rate * 0.2).clamp(2e5, 1e9);
            set("deadline", "1");
            set("cpu-used", "4");
            let unit = if name == "x265enc" || name == "theoraenc" { 1000.0 } else { 1.0 };
            let bits = format!("{}", (bits / unit) as u32);
            set("target-bitrate", &bits);
            set("bitrate", &bits);
            if name == "x265enc" && is_qt {
                set("option-string", "bframes=0");
            }
        }
    }
    Ok(encoder)
}

impl PictureSink for VideoSink {
    fn write(&mut self, frame: Frame) -> Outcome<()> {
        let failed = |cause: &str| Failure::output(&self.path, cause);
        let mut buffer = gst::Buffer::with_size(self.raw.size())
            .map_err(|_| failed("not enough memory for a frame"))?;
        if let Some(b) = buffer.get_mut() {
            b.set_pts(gst::ClockTime::from_nseconds(frame.pts));
            b.set_duration(gst::ClockTime::from_nseconds(frame.duration));
            let mut view = VideoFrameRef::from_buffer_ref_writable(b, &self.raw)
                .map_err(|_| failed("a frame that cannot be written"))?;
            let f = frame.picture.format();
            for i in 0..f.chroma.n_planes() {
                let component = i as u32;
                let plane = self.raw.format_info().plane()[i];
                let ((_, height), (width, padded_height)) =
                    (f.plane_size(i), self.padded.plane_size(i));
                let stride = view.comp_stride(component) as usize;
                let data = view
                    .plane_data_mut(plane)
                    .map_err(|_| failed("a frame that cannot be written"))?;
                for (y, line) in data.chunks_mut(stride).enumerate().take(padded_height) {
                    let row = frame.picture.row(i, y.min(height - 1));
                    let line = &mut line[..width * f.sample_bytes()];
                    let (own, more) = line.split_at_mut(row.len());
                    own.copy_from_slice(row);
                    let last = &row[row.len() - f.sample_bytes()..];
                    more.chunks_mut(last.len()).for_each(|sample| sample.copy_from_slice(last));
                }
            }
        }
        self.writer.push(&self.path, buffer)
    }

    fn finish(&mut self) -> Outcome<()> {
        self.writer.finish(&self.path)
    }
}
