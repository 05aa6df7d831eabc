// SPDX-License-Identifier: MIT OR Apache-2.0

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use lnr::convert::{to_rgb8, to_rgb16};
use png::{BitDepth, ColorType, Compression, Encoder};

use super::PictureSink;
use crate::exit::{Failure, Outcome};
use crate::input::Frame;

/// Writes each picture to a PNG file: R'G'B' of 8 bits, of 16 for deeper pictures.
pub struct PngSink {
    pattern: Pattern,
    n_written: u64,
}

/// A file name around a frame number with at least `digits` digits; none: one file only.
struct Pattern {
    before: String,
    digits: Option<usize>,
    after: String,
}

impl PngSink {
    /// For a directory (made if it is not there), or a pattern such as `out/%05d.png`; numbers begin
    /// with 1.
    ///
    /// # Errors
    /// When the directory cannot be made or the pattern is not understood.
    pub fn create(path: &Path) -> Outcome<Self> {
        let name = path.to_str().ok_or_else(|| {
            Failure::usage(format!("{}: the name is not Unicode", path.display()))
        })?;
        let is_file = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("png"));
        let (folder, pattern) = if is_file && !path.is_dir() {
            let pattern = parse_pattern(name).ok_or_else(|| {
                Failure::usage(format!(
                    "{name}: one number of the form %05d is understood, no other %"
                ))
            })?;
            (path.parent().map(PathBuf::from), pattern)
        } else {
            let pattern = Pattern {
                before: format!("{}/", name.trim_end_matches('/')),
                digits: Some(5),
                after: ".png".into(),
            };
            (Some(path.to_owned()), pattern)
        };
        if let Some(folder) = folder.filter(|f| !f.as_os_str().is_empty()) {
            std::fs::create_dir_all(&folder).map_err(|e| Failure::output(&folder, e))?;
        }
        Ok(Self { pattern, n_written: 0 })
    }
}

impl PictureSink for PngSink {
    fn write(&mut self, frame: Frame) -> Outcome<()> {
        self.n_written += 1;
        let Pattern { before, digits, after } = &self.pattern;
        let path = match digits {
            Some(digits) => format!("{before}{:0digits$}{after}", self.n_written),
            None if self.n_written == 1 => format!("{before}{after}"),
            None => {
                return Err(Failure::usage(format!(
                    "{before}{after}: there is more than one frame; write to a directory, or to a \
                     pattern such as out/%05d.png"
                )));
            }
        };
        let f = frame.picture.format();
        let (w, h) = (f.width, f.height);
        if f.depth == 8 {
            return write_rgb8(Path::new(&path), w, h, &to_rgb8(&frame.picture));
        }
        let samples = to_rgb16(&frame.picture);
        let bytes: Vec<u8> = samples.iter().flat_map(|v| v.to_be_bytes()).collect();
        write(Path::new(&path), (w, h), BitDepth::Sixteen, &bytes)
    }

    fn finish(&mut self) -> Outcome<()> {
        Ok(())
    }
}

/// Writes one picture. pixels: [height, width, 3] u8
pub fn write_rgb8(path: &Path, width: u32, height: u32, pixels: &[u8]) -> Outcome<()> {
    write(path, (width, height), BitDepth::Eight, pixels)
}

fn write(path: &Path, size: (u32, u32), depth: BitDepth, bytes: &[u8]) -> Outcome<()> {
    let file = File::create(path).map_err(|e| Failure::output(path, e))?;
    let mut encoder = Encoder::new(BufWriter::new(file), size.0, size.1);
    encoder.set_color(ColorType::Rgb);
    encoder.set_depth(depth);
    encoder.set_compression(Compression::Fast);
    let result = encoder.write_header().and_then(|mut writer| {
        writer.write_image_data(bytes)?;
        writer.finish()
    });
    result.map_err(|e| Failure::output(path, e))
}

fn parse_pattern(name: &str) -> Option<Pattern> {
    let Some((before, rest)) = name.split_once('%') else {
        return Some(Pattern { before: name.into(), digits: None, after: String::new() });
    };
    let (digits, after) = rest.split_once('d')?;
    let digits = match digits {
        "" => 1,
        d => d.parse().ok().filter(|d| (1..=18).contains(d))?,
    };
    (!after.contains('%')).then(|| Pattern {
        before: before.into(),
        digits: Some(digits),
        after: after.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        let p = parse_pattern("a/%05d.png").unwrap();
        assert_eq!((p.before.as_str(), p.digits, p.after.as_str()), ("a/", Some(5), ".png"));
        assert_eq!(parse_pattern("%d.png").unwrap().digits, Some(1));
        assert_eq!(parse_pattern("a.png").unwrap().digits, None);
        for bad in ["%x.png", "%d%d.png", "%99d.png", "%-3d.png"] {
            assert!(parse_pattern(bad).is_none(), "{bad}");
        }
    }
}
