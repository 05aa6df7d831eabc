// SPDX-License-Identifier: MIT OR Apache-2.0
//! What x264 and x265 make of the same frames, when FFmpeg has them.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use lnr::{Chroma, Picture, PictureFormat};

use super::clip::Clip;
use super::measure::Quality;
use super::table::Row;
use crate::console::Console;
use crate::exit::{Failure, Outcome};
use crate::scratch;

/// An encoder of FFmpeg.
struct Peer {
    name: &'static str,
    encoder: &'static str,
    /// The name of its raw stream.
    stream: &'static str,
    /// One closed group, and no text about the encoder in the stream.
    options: [&'static str; 4],
}

const PEERS: [Peer; 2] = [
    Peer {
        name: "x264",
        encoder: "libx264",
        stream: "h264",
        options: ["-x264-params", "keyint=infinite", "-bsf:v", "filter_units=remove_types=6"],
    },
    Peer {
        name: "x265",
        encoder: "libx265",
        stream: "hevc",
        options: ["-x265-params", "info=0:keyint=-1:log-level=none", "-bsf:v", "null"],
    },
];
const CRFS: [u32; 6] = [18, 22, 26, 30, 34, 38];
/// Conversion between R'G'B' and 4:2:0 as well as FFmpeg can.
const EXACT: &str = "scale=flags=bicubic+accurate_rnd+full_chroma_int";
/// How often a running command is looked at.
const POLL: Duration = Duration::from_millis(2);

/// Encodes and decodes the clip at several qualities. Also returns what was left out, and why.
pub fn measure(clip: &Clip, folder: &Path, console: &Console) -> Outcome<(Vec<Row>, Vec<String>)> {
    let (mut rows, mut notes) = (Vec::new(), Vec::new());
    let mut list = Command::new("ffmpeg");
    list.args(["-hide_banner", "-encoders"]).stdin(Stdio::null());
    let Ok(list) = list.output() else {
        return Ok((rows, vec!["x264 and x265: left out: no ffmpeg was found".into()]));
    };
    let list = String::from_utf8_lossy(&list.stdout).into_owned();
    let Some(formats) = PixelFormats::new(&clip.format) else {
        let depth = clip.format.depth;
        let note = format!("x264 and x265: left out: FFmpeg has no video of {depth} bits");
        return Ok((rows, vec![note]));
    };
    let bench = Bench { clip, formats, console, folder: Folder::create(folder)? };
    bench.write_source()?;
    for peer in &PEERS {
        if !list.split_ascii_whitespace().any(|word| word == peer.encoder) {
            notes.push(format!("{}: left out: this ffmpeg has no {}", peer.name, peer.encoder));
            continue;
        }
        for crf in CRFS {
            match bench.measure(peer, crf)? {
                Ok(row) => {
                    console.tell(&format!("sizes: {}", row.variant));
                    rows.push(row);
                }
                Err(cause) => {
                    notes.push(format!("{} crf{crf}: left out: {cause}", peer.name));
                    break;
                }
            }
        }
    }
    Ok((rows, notes))
}

/// FFmpeg's names of pixel formats.
struct PixelFormats {
    /// Of the frames, without a change.
    own: String,
    /// What the encoders get: 4:2:0 instead of R'G'B', and at most 10 bits.
    coded: String,
}

impl PixelFormats {
    fn new(format: &PictureFormat) -> Option<Self> {
        let name = |chroma: Chroma, depth: u8| {
            let name = match chroma {
                Chroma::Gray => "gray",
                Chroma::Yuv420 => "yuv420p",
                Chroma::Yuv422 => "yuv422p",
                Chroma::Yuv444 => "yuv444p",
                Chroma::Rgb => "gbrp",
            };
            if depth == 8 { name.into() } else { format!("{name}{depth}le") }
        };
        let coded = match format.chroma {
            Chroma::Rgb => Chroma::Yuv420,
            chroma => chroma,
        };
        let depth = format.depth;
        matches!(depth, 8 | 9 | 10 | 12 | 14 | 16).then(|| Self {
            own: name(format.chroma, depth),
            coded: name(coded, if depth == 8 { 8 } else { 10 }),
        })
    }
}

/// The planes of a picture in FFmpeg's order.
fn order(chroma: Chroma) -> &'static [usize] {
    match chroma {
        Chroma::Gray => &[0],
        Chroma::Rgb => &[1, 2, 0],
        _ => &[0, 1, 2],
    }
}

/// A folder that is removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn create(parent: &Path) -> Outcome<Self> {
        let path = parent.join(format!(".peers-{}", std::process::id()));
        std::fs::create_dir_all(&path).map_err(|e| Failure::output(&path, e))?;
        scratch::remember(&path);
        Ok(Self(path))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // A folder that stays does no harm.
        let _ = std::fs::remove_dir_all(&self.0);
        scratch::forget(&self.0);
    }
}

struct Bench<'a> {
    clip: &'a Clip,
    formats: PixelFormats,
    console: &'a Console,
    folder: Folder,
}

impl Bench<'_> {
    fn write_source(&self) -> Outcome<()> {
        let path = self.folder.path("source.raw");
        let write = || -> std::io::Result<()> {
            let mut out = BufWriter::new(File::create(&path)?);
            for frame in &self.clip.frames {
                for &plane in order(self.clip.format.chroma) {
                    out.write_all(frame.picture.plane(plane))?;
                }
            }
            out.flush()
        };
        write().map_err(|e| Failure::output(&path, e))
    }

    /// A row, or why there is none.
    fn measure(&self, peer: &Peer, crf: u32) -> Outcome<Result<Row, String>> {
        let (format, n) = (&self.clip.format, self.clip.frames.len());
        let rate = match self.clip.frame_rate {
            (0, _) => "25".into(),
            (n, d) => format!("{n}/{d}"),
        };
        let (size, crf_text) = (format!("{}x{}", format.width, format.height), crf.to_string());
        let (own, coded) = (self.formats.own.as_str(), self.formats.coded.as_str());
        let raw = ["-f", "rawvideo", "-pix_fmt", own, "-video_size", &size, "-framerate", &rate];
        let input = ["-i", "source.raw", "-vf", EXACT, "-pix_fmt", coded];
        let settings = ["-c:v", peer.encoder, "-preset", "medium", "-crf", &crf_text];
        let output = ["-fps_mode", "passthrough", "-f", peer.stream, "coded"];
        let encode = [&raw[..], &input, &settings, &peer.options, &output].concat();
        let encode_s = match self.ffmpeg(&encode)? {
            Ok(seconds) => seconds,
            Err(cause) => return Ok(Err(cause)),
        };
        let input = ["-f", peer.stream, "-framerate", &rate, "-i", "coded", "-vf", EXACT];
        let output = ["-f", "rawvideo", "-pix_fmt", own, "-fps_mode", "passthrough", "decoded.raw"];
        let decode_s = match self.ffmpeg(&[&input[..], &output].concat())? {
            Ok(seconds) => seconds,
            Err(cause) => return Ok(Err(cause)),
        };
        let coded = self.folder.path("coded");
        let bytes = std::fs::metadata(&coded).map_err(|e| Failure::output(&coded, e))?.len();
        let quality = match self.compare() {
            Ok(quality) => quality,
            Err(cause) => return Ok(Err(cause)),
        };
        let (psnr, ssim) = quality.means();
        Ok(Ok(Row {
            variant: format!("{} crf{crf}", peer.name),
            series: format!("{} medium", peer.name),
            value: crf.into(),
            n_frames: n,
            bytes,
            bpp: 8.0 * bytes as f64 / self.clip.n_pixels(n),
            psnr,
            ssim,
            encode_s,
            load_s: None,
            decode_fps: n as f64 / decode_s.max(1e-9),
            parts: Vec::new(),
        }))
    }

    /// Compares what was decoded with the clip.
    fn compare(&self) -> Result<Quality, String> {
        let file = File::open(self.folder.path("decoded.raw")).map_err(|e| e.to_string())?;
        let mut file = BufReader::new(file);
        let mut picture = Picture::new(self.clip.format).map_err(|e| e.to_string())?;
        let mut quality = Quality::default();
        for frame in &self.clip.frames {
            for &plane in order(self.clip.format.chroma) {
                let read = file.read_exact(picture.plane_mut(plane));
                read.map_err(|_| "it did not decode to as many frames".to_owned())?;
            }
            quality.add(&frame.picture, &picture).map_err(|e| e.to_string())?;
        }
        Ok(quality)
    }

    /// Runs FFmpeg in the folder: seconds that it took, or what it said.
    fn ffmpeg(&self, args: &[&str]) -> Outcome<Result<f64, String>> {
        self.console.check()?;
        let log = self.folder.path("log");
        let errors = File::create(&log).map_err(|e| Failure::output(&log, e))?;
        let begin = Instant::now();
        let mut command = Command::new("ffmpeg");
        command.args(["-v", "error", "-y"]).args(args).current_dir(&self.folder.0);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(errors);
        let mut child = match command.spawn() {
            Ok(child) => child,
            Err(e) => return Ok(Err(format!("ffmpeg cannot be run: {e}"))),
        };
        let status = loop {
            match child.try_wait() {
                Ok(Some(status)) => break status,
                Ok(None) => {}
                Err(e) => return Ok(Err(format!("ffmpeg cannot be waited for: {e}"))),
            }
            if let Err(interrupted) = self.console.check() {
                // It may have ended by the same signal.
                let _ = child.kill();
                let _ = child.wait();
                return Err(interrupted);
            }
            std::thread::sleep(POLL);
        };
        let seconds = begin.elapsed().as_secs_f64();
        if status.success() {
            return Ok(Ok(seconds));
        }
        let said = std::fs::read(&log).unwrap_or_default();
        let said = String::from_utf8_lossy(&said);
        let first = said.lines().find(|l| !l.trim().is_empty()).unwrap_or("ffmpeg failed");
        // FFmpeg begins with the part that speaks and its address.
        let first = first.split_once("] ").map_or(first, |p| p.1);
        Ok(Err(first.trim().into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixel_formats_have_the_names_of_ffmpeg() {
        let names = |chroma, depth| {
            let formats = PixelFormats::new(&PictureFormat::new(4, 4, chroma, depth));
            formats.map(|f| (f.own, f.coded))
        };
        let pair = |a: &str, b: &str| Some((a.to_owned(), b.to_owned()));
        assert_eq!(names(Chroma::Yuv420, 8), pair("yuv420p", "yuv420p"));
        assert_eq!(names(Chroma::Rgb, 12), pair("gbrp12le", "yuv420p10le"));
        assert_eq!(names(Chroma::Gray, 10), pair("gray10le", "gray10le"));
        assert_eq!(names(Chroma::Yuv422, 11), None);
    }
}
