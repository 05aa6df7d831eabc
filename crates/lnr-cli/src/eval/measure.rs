// SPDX-License-Identifier: MIT OR Apache-2.0

use std::time::Instant;

use lnr::metrics::compare;
use lnr::stream::{PartReader, PartSize, Unit};
use lnr::{
    AccessUnit, Control, Encoder, EncoderSettings, Error, InputFrame, Picture, Progress, Tau,
    stream,
};

use super::args::AblationArgs;
use super::clip::Clip;
use super::experiments::{Task, Variant};
use super::table::Row;
use crate::console::Console;
use crate::exit::Failure;

/// Sizes to decode at, of the stream's.
const SCALES: [f64; 4] = [0.25, 0.5, 1.0, 2.0];

/// Why there are no numbers.
pub enum Stop {
    /// The variant is not possible here; others may be.
    Skip(String),
    Fail(Failure),
}

type Measured<T> = Result<T, Stop>;

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Fail(failure)
    }
}

/// Trains and decodes variants.
pub struct Meter<'a> {
    pub args: &'a AblationArgs,
    pub clip: &'a Clip,
    pub console: &'a Console,
}

/// Means over the frames of a file.
#[derive(Default)]
pub struct Quality {
    n: usize,
    psnr: f64,
    ssim: f64,
}

impl Quality {
    pub fn add(&mut self, reference: &Picture, picture: &Picture) -> lnr::Result<()> {
        let m = compare(reference, picture)?;
        self.n += 1;
        self.psnr += m.psnr_rgb;
        self.ssim += m.ssim;
        Ok(())
    }

    /// PSNR over R'G'B' in dB and SSIM, when frames were compared.
    pub fn means(&self) -> (Option<f64>, Option<f64>) {
        let mean = |sum: f64| (self.n > 0).then(|| sum / self.n as f64);
        (mean(self.psnr), mean(self.ssim))
    }
}

/// A trained variant.
struct File {
    units: Vec<AccessUnit>,
    encode_s: f64,
    parts: Vec<PartSize>,
}

impl Meter<'_> {
    /// The rows of a variant; `done` variants of the experiment come before it.
    pub fn measure(&self, variant: &Variant, done: usize) -> Measured<Vec<Row>> {
        let all = &self.clip.frames;
        match variant.task {
            Task::Decode => {
                let file = self.train(variant, 1, done)?;
                let times = (0..all.len()).map(|i| (i, Tau::frame(i as u32)));
                Ok(vec![self.decode(variant, &file, &times.collect::<Vec<_>>(), all.len(), 1.0)?])
            }
            Task::Interpolate(alpha) => {
                let step = alpha as usize;
                let last = (all.len() - 1) / step * step;
                if last == 0 {
                    let cause = format!("the clip has no frame {step} to train");
                    return Err(Stop::Skip(cause));
                }
                let file = self.train(variant, step, done)?;
                let held_out = (0..last).filter(|i| i % step != 0);
                let times = held_out.map(|i| (i, Tau::from_units(i as u32 * Tau::UNIT / alpha)));
                let n_coded = last / step + 1;
                Ok(vec![self.decode(variant, &file, &times.collect::<Vec<_>>(), n_coded, 1.0)?])
            }
            Task::Resize => {
                let file = self.train(variant, 1, done)?;
                let times: Vec<_> = (0..all.len()).map(|i| (i, Tau::frame(i as u32))).collect();
                let row = |scale: f64| {
                    let row = self.decode(variant, &file, &times, all.len(), scale)?;
                    let name = format!("{} x{scale}", variant.name);
                    Ok(Row { variant: name, value: scale, ..row })
                };
                SCALES.into_iter().map(row).collect()
            }
        }
    }

    /// Trains every `step`th frame as one group.
    fn train(&self, variant: &Variant, step: usize, done: usize) -> Measured<File> {
        let frames: Vec<_> = self.clip.frames.iter().step_by(step).collect();
        let settings = settings(self.args, self.clip, variant, frames.len());
        let begin = Instant::now();
        let mut encoder = Encoder::new(settings).map_err(|e| self.stop(e))?;
        let console = self.console;
        let mut show = |p: &Progress| {
            let part = f64::from(p.iteration) / f64::from(p.n_iterations.max(1));
            console.advance(
                done as f64 + part.min(1.0),
                format!("{}, {:.2} dB", variant.name, p.psnr),
            );
        };
        let mut control = Control { cancel: console.cancel.clone(), progress: Some(&mut show) };
        let mut units = Vec::new();
        for frame in frames {
            let frame = InputFrame {
                picture: frame.picture.clone(),
                pts: frame.pts,
                duration: frame.duration.max(1),
                force_key: false,
            };
            units.extend(encoder.push(frame, &mut control).map_err(|e| self.stop(e))?);
        }
        units.extend(encoder.finish(&mut control).map_err(|e| self.stop(e))?);
        let encode_s = begin.elapsed().as_secs_f64();
        if encoder.stats().groups != 1 {
            return Err(Stop::Skip("the frames do not fit into one group".into()));
        }
        let parts = units.first().map_or(Ok(Vec::new()), |u| match stream::parse(&u.data)? {
            Unit::Group { header, payload, .. } => PartReader::default().read(&header, payload),
            Unit::Frame { .. } => Ok(Vec::new()),
        });
        Ok(File { units, encode_s, parts: parts.map_err(|e| self.stop(e))? })
    }

    /// Renders frames (their numbers in the clip and times in the file), and compares them unless
    /// they are scaled. The file holds `n_coded` frames.
    fn decode(
        &self,
        variant: &Variant,
        file: &File,
        times: &[(usize, Tau)],
        n_coded: usize,
        scale: f64,
    ) -> Measured<Row> {
        let stop = |e| self.stop(e);
        let format = self.clip.format;
        let [w, h] = [format.width, format.height]
            .map(|side| ((f64::from(side) * scale).round() as u32).max(1));
        let mut out = Picture::new(format.resized(w, h)).map_err(stop)?;
        let mut decoder = self.console.decoder(self.args.compute.decoder()).map_err(stop)?;
        let begin = Instant::now();
        for unit in file.units.iter().take(1) {
            decoder.push(&unit.data).map_err(stop)?;
        }
        // What a renderer prepares once is no part of its speed.
        for &(_, tau) in times.iter().take(1) {
            decoder.render(tau, &mut out).map_err(stop)?;
        }
        let load_s = begin.elapsed().as_secs_f64();
        let mut quality = Quality::default();
        let mut seconds = 0.0;
        for &(frame, tau) in times {
            self.console.check()?;
            let begin = Instant::now();
            decoder.render(tau, &mut out).map_err(stop)?;
            seconds += begin.elapsed().as_secs_f64();
            if scale == 1.0 {
                quality.add(&self.clip.frames[frame].picture, &out).map_err(stop)?;
            }
        }
        let bytes: u64 = file.units.iter().map(|u| u.data.len() as u64).sum();
        let (psnr, ssim) = quality.means();
        Ok(Row {
            variant: variant.name.clone(),
            series: variant.series.clone(),
            value: variant.value,
            n_frames: times.len(),
            bytes,
            bpp: 8.0 * bytes as f64 / self.clip.n_pixels(n_coded),
            psnr,
            ssim,
            encode_s: file.encode_s,
            load_s: Some(load_s),
            decode_fps: times.len() as f64 / seconds.max(1e-9),
            parts: file.parts.clone(),
        })
    }

    fn stop(&self, error: Error) -> Stop {
        match error {
            Error::Cancelled => Stop::Fail(Failure::interrupted("interrupted")),
            Error::Backend(_) => Stop::Fail(Failure::codec(&self.clip.path, error)),
            error => Stop::Skip(error.to_string()),
        }
    }
}

/// The encoder's settings for a variant: all frames in one group.
pub fn settings(
    args: &AblationArgs,
    clip: &Clip,
    variant: &Variant,
    n_frames: usize,
) -> EncoderSettings {
    let settings = EncoderSettings::new(clip.format)
        .frame_rate(clip.frame_rate)
        .profile(variant.profile)
        .model(variant.model.clone())
        .quality(variant.quality)
        .key_int_max(n_frames as u32)
        .scene_cut(false)
        .seed(args.seed)
        .epochs(args.epochs.unwrap_or(0));
    args.compute.encoder(settings)
}
