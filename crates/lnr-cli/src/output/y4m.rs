// SPDX-License-Identifier: MIT OR Apache-2.0

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use lnr::{Chroma, ChromaSite, PictureFormat};

use super::{PictureSink, Place};
use crate::console::Console;
use crate::exit::{Failure, Outcome, output_name};
use crate::input::{Frame, VideoInfo};

/// Writes YUV4MPEG2.
pub struct Y4mSink {
    path: PathBuf,
    place: Place,
    out: BufWriter<File>,
    info: VideoInfo,
    has_header: bool,
    has_failed: bool,
    /// Whether the first frame's duration stands for a frame rate that is not known.
    is_guessing: bool,
    console: Console,
}

impl Y4mSink {
    /// # Errors
    /// When the file cannot be created, or the pictures are R'G'B', which this format has not.
    pub fn create(path: &Path, info: &VideoInfo, console: &Console) -> Outcome<Self> {
        if info.format.chroma == Chroma::Rgb {
            return Err(Failure::usage(format!(
                "{}: YUV4MPEG2 cannot hold R'G'B' pictures; write PNG files or .mkv",
                path.display()
            )));
        }
        let (place, file) = Place::open(path)?;
        Ok(Self {
            path: path.to_owned(),
            place,
            out: BufWriter::with_capacity(1 << 20, file),
            info: info.clone(),
            has_header: false,
            has_failed: false,
            is_guessing: info.frame_rate.0 == 0,
            console: console.clone(),
        })
    }

    fn write_header(&mut self, duration: u64) -> std::io::Result<()> {
        self.has_header = true;
        let mut rate = self.info.frame_rate;
        if self.is_guessing {
            rate = guess_rate(duration);
            self.console.warn(&format!(
                "{}: the frame rate varies, which YUV4MPEG2 cannot express; {}/{} is written \
                 (choose one with --fps)",
                output_name(&self.path),
                rate.0,
                rate.1
            ));
        }
        let f = &self.info.format;
        let range = match f.color.full_range {
            true => "FULL",
            false => "LIMITED",
        };
        writeln!(
            self.out,
            "YUV4MPEG2 W{} H{} F{}:{} Ip A{}:{} C{} XCOLORRANGE={range}",
            f.width,
            f.height,
            rate.0,
            rate.1,
            f.par.0,
            f.par.1,
            sampling(f)
        )
    }

    fn write_frame(&mut self, frame: &Frame) -> std::io::Result<()> {
        if !self.has_header {
            self.write_header(frame.duration)?;
        }
        self.out.write_all(b"FRAME\n")?;
        (0..self.info.format.chroma.n_planes())
            .try_for_each(|i| self.out.write_all(frame.picture.plane(i)))
    }
}

impl PictureSink for Y4mSink {
    fn write(&mut self, frame: Frame) -> Outcome<()> {
        self.write_frame(&frame).map_err(|e| {
            self.has_failed = true;
            Failure::written(&self.path, e)
        })
    }

    fn finish(&mut self) -> Outcome<()> {
        if self.has_failed || !self.has_header {
            return Ok(());
        }
        self.out.flush().map_err(|e| Failure::written(&self.path, e))?;
        self.place.keep()
    }
}

/// The rate whose frames last `duration` ns: a whole number of frames per second where that is near.
fn guess_rate(duration: u64) -> (u32, u32) {
    if duration == 0 {
        return (25, 1);
    }
    let rate = 1e9 / duration as f64;
    match (rate - rate.round()).abs() < 0.002 && rate >= 1.0 {
        true => (rate.round() as u32, 1),
        false => ((rate * 1000.0).round().clamp(1.0, 1e9) as u32, 1000),
    }
}

fn sampling(f: &PictureFormat) -> String {
    let name = match f.chroma {
        Chroma::Gray | Chroma::Rgb => "mono",
        Chroma::Yuv422 => "422",
        Chroma::Yuv444 => "444",
        Chroma::Yuv420 => "420",
    };
    match (f.chroma, f.depth) {
        (Chroma::Gray, 9..) => format!("{name}{}", f.depth),
        (_, 9..) => format!("{name}p{}", f.depth),
        (Chroma::Yuv420, _) => match f.color.site {
            // The nearest of the three that there are.
            ChromaSite::Center | ChromaSite::Top => "420jpeg".into(),
            ChromaSite::TopLeft | ChromaSite::Dv => "420paldv".into(),
            ChromaSite::Left | ChromaSite::Unknown | ChromaSite::AltLine => "420mpeg2".into(),
        },
        _ => name.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_and_samplings() {
        assert_eq!(guess_rate(40_000_000), (25, 1));
        assert_eq!(guess_rate(33_366_667), (29_970, 1000));
        assert_eq!(guess_rate(0), (25, 1));
        let name = |chroma, depth| sampling(&PictureFormat::new(2, 2, chroma, depth));
        assert_eq!(name(Chroma::Yuv420, 8), "420mpeg2");
        assert_eq!(name(Chroma::Yuv422, 10), "422p10");
        assert_eq!(name(Chroma::Gray, 10), "mono10");
    }
}
