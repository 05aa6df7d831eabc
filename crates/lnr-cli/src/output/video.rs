// SPDX-License-Identifier: MIT OR Apache-2.0

use std::path::{Path, PathBuf};

use gst::prelude::*;
use gst_video::{VideoFrameExt, VideoFrameRef, VideoInfo as RawInfo};

use super::PictureSink;
use super::container::Writer;
use crate::console::Console;
use crate::exit::{Failure, Outcome};
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
    raw: RawInfo,
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
        let raw = video_info(&info.format, info.frame_rate).ok_or_else(|| {
            usage(format!(
                "GStreamer has no raw format of {} bits like these; write PNG files or .y4m",
                info.format.depth
            ))
        })?;
        let mut caps = raw.to_caps().map_err(|e| usage(e.to_string()))?;
        hdr::add_to_caps(&info.metadata, caps.make_mut());
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
        let mut chain = vec![element("videoconvert")?, element("queue")?, encoder(name, info)?];
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
        Ok(Self { path: path.to_owned(), writer, raw })
    }
}

/// An encoder at near-transparent quality: it is there to look at, not to be small.
fn encoder(name: &str, info: &VideoInfo) -> Outcome<gst::Element> {
    let encoder = element(name)?;
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
                let n = f.plane_size(i).0 * f.sample_bytes();
                let stride = view.comp_stride(component) as usize;
                let data = view
                    .plane_data_mut(plane)
                    .map_err(|_| failed("a frame that cannot be written"))?;
                for (y, line) in data.chunks_mut(stride).enumerate() {
                    if y < f.plane_size(i).1 {
                        line[..n].copy_from_slice(frame.picture.row(i, y));
                    }
                }
            }
        }
        self.writer.push(&self.path, buffer)
    }

    fn finish(&mut self) -> Outcome<()> {
        self.writer.finish(&self.path)
    }
}
