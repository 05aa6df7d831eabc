// SPDX-License-Identifier: MIT OR Apache-2.0

use std::io::BufRead;
use std::path::{Path, PathBuf};

use lnr::stream::Metadata;
use lnr::{Chroma, ChromaSite, Matrix, Picture, PictureFormat};

use super::{Frame, Source, VideoInfo, grid_time};
use crate::exit::{Failure, Outcome};

/// The first bytes of every YUV4MPEG2 file.
pub const MAGIC: &[u8] = b"YUV4MPEG2 ";
/// Longest header line that is read.
const MAX_LINE: u64 = 4096;

/// Reads YUV4MPEG2: 4:2:0, 4:2:2, 4:4:4 and mono of 8 to 16 bits, progressive.
pub struct Y4m<R> {
    path: PathBuf,
    input: R,
    info: VideoInfo,
    n_read: u64,
}

impl<R: BufRead> Y4m<R> {
    /// Reads the header; `size` in bytes of the whole file tells how many frames there are.
    pub fn new(path: &Path, mut input: R, size: Option<u64>) -> Outcome<Self> {
        let line = read_line(path, &mut input)?;
        let damaged = |cause: String| Failure::damaged(path, cause);
        let tags = line
            .as_deref()
            .and_then(|l| l.strip_prefix(MAGIC))
            .ok_or_else(|| damaged("not a YUV4MPEG2 stream: the first line is another".into()))?;
        let (format, frame_rate) = parse_header(tags).map_err(damaged)?;
        let frame_bytes = format.n_bytes() as u64 + b"FRAME\n".len() as u64;
        let info = VideoInfo {
            format,
            frame_rate,
            metadata: Metadata::default(),
            n_frames: size.map(|s| s / frame_bytes).filter(|&n| n > 0),
        };
        let path = path.to_owned();
        Ok(Self { path, input, info, n_read: 0 })
    }

    fn read_picture(&mut self) -> Outcome<Picture> {
        let n = self.n_read;
        let mut picture = Picture::new(self.info.format).map_err(|e| self.damaged(&e))?;
        for plane in picture.planes_mut() {
            self.input.read_exact(plane).map_err(|e| match e.kind() {
                std::io::ErrorKind::UnexpectedEof => {
                    Failure::damaged(&self.path, format!("frame {n} ends too early"))
                }
                _ => Failure::input(&self.path, e),
            })?;
        }
        let max = self.info.format.max_value();
        if self.info.format.depth > 8 {
            for plane in picture.planes_mut() {
                for v in plane.chunks_exact_mut(2) {
                    let sample = u16::from_le_bytes([v[0], v[1]]).min(max);
                    v.copy_from_slice(&sample.to_le_bytes());
                }
            }
        }
        Ok(picture)
    }

    fn damaged(&self, cause: &dyn std::fmt::Display) -> Failure {
        Failure::damaged(&self.path, cause)
    }
}

impl<R: BufRead> Source for Y4m<R> {
    fn info(&self) -> &VideoInfo {
        &self.info
    }

    fn next(&mut self) -> Outcome<Option<Frame>> {
        let Some(line) = read_line(&self.path, &mut self.input)? else {
            return Ok(None);
        };
        if !line.starts_with(b"FRAME") {
            return Err(self.damaged(&format!("no frame begins after frame {}", self.n_read)));
        }
        let picture = self.read_picture()?;
        let [pts, end] = [0, 1].map(|i| grid_time(self.n_read + i, self.info.frame_rate));
        self.n_read += 1;
        Ok(Some(Frame { picture, pts, duration: end - pts }))
    }
}

/// A line without its end, or none at the end of the input.
fn read_line(path: &Path, input: &mut impl BufRead) -> Outcome<Option<Vec<u8>>> {
    let mut line = Vec::new();
    std::io::Read::take(&mut *input, MAX_LINE)
        .read_until(b'\n', &mut line)
        .map_err(|e| Failure::input(path, e))?;
    match line.pop() {
        None => Ok(None),
        Some(b'\n') => Ok(Some(line)),
        Some(_) => Err(Failure::damaged(path, "a header line does not end")),
    }
}

fn parse_header(tags: &[u8]) -> Result<(PictureFormat, (u32, u32)), String> {
    let text = std::str::from_utf8(tags).map_err(|_| "the header is not text")?;
    let (mut width, mut height) = (0, 0);
    let mut rate = (25, 1);
    let mut par = (1, 1);
    let mut sampling = "420jpeg";
    let mut full_range = false;
    for tag in text.split_ascii_whitespace() {
        let (key, value) = tag.split_at_checked(1).ok_or("an unreadable header tag")?;
        let number = || value.parse::<u32>().map_err(|_| format!("header tag {tag}"));
        match key {
            "W" => width = number()?,
            "H" => height = number()?,
            "F" => rate = ratio(value).ok_or_else(|| format!("header tag {tag}"))?,
            "A" => par = ratio(value).ok_or_else(|| format!("header tag {tag}"))?,
            "I" if !matches!(value, "p" | "?") => {
                return Err("interlaced video is not supported: deinterlace it first \
                            (ffmpeg -vf bwdif)"
                    .into());
            }
            "C" => sampling = value,
            "X" => full_range |= value.eq_ignore_ascii_case("COLORRANGE=FULL"),
            _ => {}
        }
    }
    let (chroma, depth, site) = parse_sampling(sampling)
        .ok_or_else(|| format!("pixel format C{sampling} is not supported"))?;
    let mut format = PictureFormat::new(width, height, chroma, depth);
    format.color.full_range = full_range;
    format.color.matrix = Matrix::Unknown;
    format.color.site = site;
    format.par = if par.0 == 0 || par.1 == 0 { (1, 1) } else { par };
    format.validate().map_err(|e| e.to_string())?;
    let known = rate.0 > 0 && rate.1 > 0;
    Ok((format, if known { rate } else { (25, 1) }))
}

fn ratio(text: &str) -> Option<(u32, u32)> {
    let (n, d) = text.split_once(':')?;
    Some((n.parse().ok()?, d.parse().ok()?))
}

fn parse_sampling(text: &str) -> Option<(Chroma, u8, ChromaSite)> {
    let (name, depth) = match text.strip_prefix("mono") {
        Some("") => ("mono", 8),
        Some(depth) => ("mono", depth.parse().ok()?),
        None => match text.split_once('p') {
            Some((name, depth)) if depth.starts_with(|c: char| c.is_ascii_digit()) => {
                (name, depth.parse().ok()?)
            }
            _ => (text, 8),
        },
    };
    let (chroma, site) = match name {
        "mono" => (Chroma::Gray, ChromaSite::Unknown),
        "420" if depth > 8 => (Chroma::Yuv420, ChromaSite::Unknown),
        "420" | "420jpeg" => (Chroma::Yuv420, ChromaSite::Center),
        "420mpeg2" => (Chroma::Yuv420, ChromaSite::Left),
        "420paldv" => (Chroma::Yuv420, ChromaSite::TopLeft),
        "422" => (Chroma::Yuv422, ChromaSite::Unknown),
        "444" => (Chroma::Yuv444, ChromaSite::Unknown),
        _ => return None,
    };
    (8..=16).contains(&depth).then_some((chroma, depth, site))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::Code;

    fn read(bytes: &[u8]) -> Outcome<Vec<Frame>> {
        let mut source = Y4m::new(Path::new("t.y4m"), bytes, None)?;
        let mut frames = Vec::new();
        while let Some(frame) = source.next()? {
            frames.push(frame);
        }
        Ok(frames)
    }

    #[test]
    fn frames_and_times() {
        let frames =
            read(b"YUV4MPEG2 W3 H1 F30000:1001 C420mpeg2 XCOLORRANGE=FULL\nFRAME\n1234567FRAME x\n7654321")
                .unwrap();
        assert_eq!(frames.len(), 2);
        let f = frames[1].picture.format();
        assert!(f.color.full_range && f.color.site == ChromaSite::Left);
        assert_eq!(frames[1].picture.plane(0), b"765");
        assert_eq!(frames[1].picture.plane(2), b"21");
        assert_eq!((frames[1].pts, frames[1].duration), (33_366_666, 33_366_667));
    }

    #[test]
    fn deep_and_mono_formats() {
        let frames = read(b"YUV4MPEG2 W1 H1 F25:1 Cmono10\nFRAME\n\x01\x02").unwrap();
        assert_eq!(frames[0].picture.sample(0, 0, 0), 0x201);
        let frames = read(b"YUV4MPEG2 W1 H1 F25:1 C444p12\nFRAME\n\xFF\xFF123\x00").unwrap();
        assert_eq!(frames[0].picture.sample(0, 0, 0), 4095);
        assert!(parse_sampling("420p10").is_some_and(|s| s.1 == 10));
        assert!(parse_sampling("444alpha").is_none() && parse_sampling("420p77").is_none());
    }

    #[test]
    fn bad_input_is_refused() {
        for (bytes, message) in [
            (&b"RIFF"[..], "does not end"),
            (b"RIFF\n", "not a YUV4MPEG2"),
            (b"YUV4MPEG2 W4 F25:1\n", "must be positive"),
            (b"YUV4MPEG2 W99999 H99999\n", "limit"),
            (b"YUV4MPEG2 W4 H4 It\n", "interlaced"),
            (b"YUV4MPEG2 W4 H4 C411\n", "C411"),
            (b"YUV4MPEG2 W4 H4\nFRAME\n123", "ends too early"),
            (b"YUV4MPEG2 W2 H2\nFRAME\n123456oops\n", "no frame begins"),
        ] {
            let e = read(bytes).err().unwrap();
            assert_eq!(e.code, Code::Damaged);
            assert!(e.message.contains(message), "{}", e.message);
        }
    }
}
