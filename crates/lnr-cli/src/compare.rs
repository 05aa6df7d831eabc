// SPDX-License-Identifier: MIT OR Apache-2.0

use std::path::{Path, PathBuf};

use lnr::metrics::{FrameMetrics, compare, n_scales};
use lnr::{Chroma, DecoderSettings, Matrix, Picture, PictureFormat};
use serde_json::{Value, json};

use crate::args::CompareArgs;
use crate::console::Console;
use crate::exit::{Failure, Outcome, input_name};
use crate::input::{self, Frame, Options, Resized, Source};
use crate::numbers::Size;
use crate::output;
use crate::sheet::Sheet;
use crate::text;

pub fn run(args: &CompareArgs, console: &Console) -> Outcome<()> {
    let reads = [Some(&args.reference), Some(&args.video), args.also.as_ref()];
    let reads: Vec<&Path> = reads.into_iter().flatten().map(PathBuf::as_path).collect();
    output::check_outputs(&reads, args.sheet.as_slice(), args.force)?;
    let (mut video, own) = open(&args.video, args.size, args, console)?;
    let format = video.info().format;
    let size = (format.width, format.height);
    let (source, _) = open(&args.reference, None, args, console)?;
    let matrices = matrices(&source.info().format, &own);
    let reference: Box<dyn Source> = Box::new(Resized::new(args.reference.clone(), source, size)?);
    let mut also = match &args.also {
        Some(path) => Some(open(path, None, args, console)?.0),
        None => None,
    };
    console.start(video.info().n_frames);
    let mut reference = input::begin_at(reference, &args.reference, args.start, console)?;
    let mut sums = Sums::default();
    let mut sheet = Sheet::new(args.rows as usize);
    let most = args.frames.unwrap_or(u64::MAX);
    while sums.n_frames < most {
        console.check()?;
        let Some(a) = reference.next()? else {
            break;
        };
        let Some(b) = video.next()? else {
            break;
        };
        let codec = |e| Failure::codec(&args.video, e);
        let a = with_matrix(a, matrices[0]).map_err(codec)?;
        let b = with_matrix(b, matrices[1]).map_err(codec)?;
        sums.add(&compare(&a.picture, &b.picture).map_err(codec)?);
        let third = match &mut also {
            Some(source) => source.next()?,
            None => None,
        };
        if args.sheet.is_some() {
            let frames = [Some(a), Some(b), third];
            sheet.add(frames.into_iter().flatten().map(|f: Frame| f.picture).collect());
        }
        console.frame(sums.n_frames);
    }
    if sums.n_frames == 0 {
        let cause = "no frames to compare: one of the videos is empty";
        return Err(Failure::damaged(&args.video, cause));
    }
    let n_total = sums.n_frames + count_rest(&mut *video, args, console)?;
    console.stop();
    if let Some(path) = &args.sheet {
        sheet.write(path)?;
    }
    let result = Report {
        n_total,
        bytes: input::n_bytes(&args.video)?,
        own,
        measured: format,
        matrix: matrices[1],
        n_damaged: video.n_damaged() + reference.n_damaged(),
        sums,
    };
    let text = match args.json {
        true => result.json().to_string(),
        false => result.describe(),
    };
    console.report(args.sheet.as_deref().unwrap_or(Path::new("")), &text)
}

/// Opens a video; LNR files are rendered at `size`, others scaled to it. Also returns its own format.
fn open(
    path: &Path,
    size: Option<Size>,
    args: &CompareArgs,
    console: &Console,
) -> Outcome<(Box<dyn Source>, PictureFormat)> {
    let decoder = DecoderSettings::default().threads(args.threads);
    let is_lnr = input::is_lnr(path)?;
    let mut source = input::open(path, Options { decoder, size: None, as_stored: false }, console)?;
    let own = source.info().format;
    if let Some(size) = size {
        source = match is_lnr {
            true => {
                input::open(path, Options { decoder, size: Some(size), as_stored: false }, console)?
            }
            false => Box::new(Resized::new(path.to_owned(), source, size.of(&own))?),
        };
    }
    Ok((source, own))
}

/// The matrices to convert both videos with. One that is not stated is taken to be the other's; when
/// neither is, the reference's size decides, so that scaling does not change the colours.
pub fn matrices(reference: &PictureFormat, video: &PictureFormat) -> [Matrix; 2] {
    let known = |f: &PictureFormat| Some(f.color.matrix).filter(|&m| m != Matrix::Unknown);
    let guess = match reference.height {
        720.. => Matrix::Bt709,
        _ => Matrix::Bt601,
    };
    let other = known(reference).or(known(video)).unwrap_or(guess);
    [reference, video].map(|f| {
        known(f).unwrap_or(match f.chroma {
            Chroma::Rgb => Matrix::Rgb,
            _ if other == Matrix::Rgb => guess,
            _ => other,
        })
    })
}

/// `frame` with its matrix stated.
pub fn with_matrix(frame: Frame, matrix: Matrix) -> lnr::Result<Frame> {
    let mut format = *frame.picture.format();
    if format.color.matrix == matrix {
        return Ok(frame);
    }
    format.color.matrix = matrix;
    let mut picture = Picture::new(format)?;
    for (i, plane) in picture.planes_mut().enumerate() {
        plane.copy_from_slice(frame.picture.plane(i));
    }
    Ok(Frame { picture, ..frame })
}

/// Frames of the video after those that were compared: its bytes are theirs too.
fn count_rest(video: &mut dyn Source, args: &CompareArgs, console: &Console) -> Outcome<u64> {
    let mut n = 0;
    while video.next()?.is_some() {
        console.check()?;
        n += 1;
    }
    if n > 0 && args.frames.is_none() {
        let path = input_name(&args.reference);
        console.warn(&format!("{path}: it ends {n} frames before {}", input_name(&args.video)));
    }
    Ok(n)
}

/// Sums over frames of their metrics.
#[derive(Default)]
struct Sums {
    n_frames: u64,
    /// psnr_rgb, psnr_y, ssim, ms_ssim
    values: [f64; 4],
    yuv611: Option<f64>,
}

impl Sums {
    fn add(&mut self, m: &FrameMetrics) {
        let values = [m.psnr_rgb, m.psnr_y, m.ssim, m.ms_ssim];
        for (sum, v) in self.values.iter_mut().zip(values) {
            *sum += v;
        }
        self.yuv611 = match self.n_frames {
            0 => m.psnr_yuv611,
            _ => self.yuv611.zip(m.psnr_yuv611).map(|(a, b)| a + b),
        };
        self.n_frames += 1;
    }
}

struct Report {
    sums: Sums,
    /// Frames of the measured file, compared or not.
    n_total: u64,
    bytes: u64,
    /// The file's own format, which bits per pixel are counted in.
    own: PictureFormat,
    measured: PictureFormat,
    /// The matrix that R'G'B' was made with.
    matrix: Matrix,
    n_damaged: u64,
}

impl Report {
    fn means(&self) -> ([f64; 4], Option<f64>, f64) {
        let n = self.sums.n_frames as f64;
        let bpp = text::bits_per_pixel(self.bytes, &self.own, self.n_total);
        (self.sums.values.map(|v| v / n), self.sums.yuv611.map(|v| v / n), bpp)
    }

    fn json(&self) -> Value {
        let ([psnr_rgb, psnr_y, ssim, ms_ssim], yuv611, bpp) = self.means();
        let (w, h) = (self.measured.width, self.measured.height);
        json!({
            "frames": self.sums.n_frames,
            "bytes": self.bytes,
            "bpp": text::rounded(bpp, 6),
            "psnr_rgb": text::rounded(psnr_rgb, 4),
            "psnr_y": text::rounded(psnr_y, 4),
            "psnr_yuv611": yuv611.map(|v| text::rounded(v, 4)),
            "ssim": text::rounded(ssim, 6),
            "ms_ssim": text::rounded(ms_ssim, 6),
            "ms_ssim_scales": n_scales(w as usize, h as usize),
            "width": w,
            "height": h,
            "matrix": text::matrix(self.matrix),
            "damaged": self.n_damaged,
        })
    }

    fn describe(&self) -> String {
        let ([psnr_rgb, psnr_y, ssim, ms_ssim], yuv611, bpp) = self.means();
        let (w, h) = (self.measured.width, self.measured.height);
        let yuv = match yuv611 {
            Some(v) => format!(", {v:.3} dB YUV 6:1:1"),
            None => String::new(),
        };
        format!(
            "{} frames at {w}x{h}; {} bytes, {bpp:.4} bits per pixel\n\
             PSNR {psnr_rgb:.3} dB RGB ({}), {psnr_y:.3} dB Y{yuv}\n\
             SSIM {ssim:.5}, MS-SSIM {ms_ssim:.5} ({} scales)",
            self.sums.n_frames,
            self.bytes,
            text::matrix(self.matrix),
            n_scales(w as usize, h as usize)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_matrix_is_the_others() {
        let format = |height, matrix| {
            let mut f = PictureFormat::new(320, height, Chroma::Yuv420, 8);
            f.color.matrix = matrix;
            f
        };
        use Matrix::{Bt601, Bt709, Unknown};
        for (reference, video, expected) in [
            ((720, Bt709), (180, Unknown), [Bt709, Bt709]),
            ((720, Unknown), (180, Unknown), [Bt709, Bt709]),
            ((180, Unknown), (720, Unknown), [Bt601, Bt601]),
            ((180, Unknown), (180, Bt709), [Bt709, Bt709]),
            ((180, Bt601), (180, Bt709), [Bt601, Bt709]),
        ] {
            let [a, b] = [reference, video].map(|(h, m)| format(h, m));
            assert_eq!(matrices(&a, &b), expected);
        }
    }
}
