// SPDX-License-Identifier: MIT OR Apache-2.0

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use lnr::convert::{to_rgb8, to_rgb16};
use png::{BitDepth, ColorType, Compression, Encoder, EncodingError};

use super::{PictureSink, Place};
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
        let pattern = Pattern::of(path)
            .map_err(|cause| Failure::usage(format!("{}: {cause}", path.display())))?;
        let folder = pattern.folder();
        std::fs::create_dir_all(&folder).map_err(|e| Failure::output(&folder, e))?;
        Ok(Self { pattern, n_written: 0 })
    }
}

impl Pattern {
    fn of(path: &Path) -> Result<Self, &'static str> {
        let name = path.to_str().ok_or("the name is not Unicode")?;
        let is_file = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("png"));
        if is_file && !path.is_dir() {
            let pattern = parse_pattern(name);
            return pattern.ok_or("one number of the form %05d is understood, no other %");
        }
        Ok(Self {
            before: format!("{}/", name.trim_end_matches('/')),
            digits: Some(5),
            after: ".png".into(),
        })
    }

    fn folder(&self) -> PathBuf {
        match self.before.rsplit_once('/') {
            Some((folder, _)) => format!("{folder}/").into(),
            None => ".".into(),
        }
    }

    /// Whether a file of this name in the folder is one of the pattern's.
    fn matches(&self, name: &str) -> bool {
        let before = self.before.rsplit('/').next().unwrap_or("");
        let middle = name.strip_prefix(before).and_then(|n| n.strip_suffix(&self.after));
        match (middle, self.digits) {
            (Some(m), Some(n)) => m.len() >= n && m.bytes().all(|b| b.is_ascii_digit()),
            (m, _) => m == Some(""),
        }
    }
}

/// The files that [`PngSink`] would overwrite if there were enough frames.
pub fn existing_pictures(path: &Path) -> Vec<PathBuf> {
    let Ok(pattern) = Pattern::of(path) else {
        return Vec::new();
    };
    let entries = std::fs::read_dir(pattern.folder()).into_iter().flatten().flatten();
    let is_one = |name: &std::ffi::OsStr| name.to_str().is_some_and(|n| pattern.matches(n));
    let mut files: Vec<_> = entries.filter(|e| is_one(&e.file_name())).map(|e| e.path()).collect();
    files.sort();
    files
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

/// One picture as a PNG file in memory, small rather than soon done. pixels: [height, width, 3] u8
///
/// # Errors
/// When there are more or fewer pixels than the size says.
pub fn encoded_rgb8(size: (u32, u32), pixels: &[u8]) -> Result<Vec<u8>, EncodingError> {
    let mut bytes = Vec::new();
    encode(&mut bytes, size, (BitDepth::Eight, Compression::default()), pixels)?;
    Ok(bytes)
}

fn write(path: &Path, size: (u32, u32), depth: BitDepth, bytes: &[u8]) -> Outcome<()> {
    let (mut place, file) = Place::open(path)?;
    let result = encode(BufWriter::new(file), size, (depth, Compression::Fast), bytes);
    result.map_err(|e| Failure::output(path, e))?;
    place.keep()
}

fn encode(
    out: impl Write,
    size: (u32, u32),
    (depth, compression): (BitDepth, Compression),
    bytes: &[u8],
) -> Result<(), EncodingError> {
    let mut encoder = Encoder::new(out, size.0, size.1);
    encoder.set_color(ColorType::Rgb);
    encoder.set_depth(depth);
    encoder.set_compression(compression);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(bytes)?;
    writer.finish()
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

    #[test]
    fn files_of_a_pattern() {
        for (path, folder, good, bad) in [
            ("a/f%03d.png", "a/", &["f001.png", "f1000.png"][..], &["f01.png", "g001.png"][..]),
            ("none", "none/", &["00001.png", "123456.png"], &["0001.png", "0000a.png", "1.jpg"]),
            ("%d.png", ".", &["1.png", "10.png"], &[".png", "a1.png"]),
            ("one.png", ".", &["one.png"], &["one1.png", "one"]),
            ("/x%d.png", "/", &["x1.png"], &["1.png"]),
        ] {
            let pattern = Pattern::of(Path::new(path)).unwrap();
            assert_eq!(pattern.folder(), Path::new(folder), "{path}");
            assert!(good.iter().all(|n| pattern.matches(n)), "{path}");
            assert!(!bad.iter().any(|n| pattern.matches(n)), "{path}");
        }
    }
}
