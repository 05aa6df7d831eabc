// SPDX-License-Identifier: MIT OR Apache-2.0

use std::collections::BTreeMap;
use std::time::Instant;

use lnr::{
    AccessUnit, Control, Encoder, EncoderSettings, EncoderStats, Profile, Progress, RateControl,
};
use serde_json::json;

use crate::alignment;
use crate::args::EncodeArgs;
use crate::console::Console;
use crate::exit::{Code, Failure, Outcome, output_name};
use crate::input::{self, Options, Resized, VideoInfo};
use crate::output::{self, UnitSink};
use crate::resume;
use crate::selection::Selection;
use crate::text;

/// A bit rate counts as met within this part of it.
const BITRATE_TOLERANCE: f64 = 0.05;

pub fn run(args: &EncodeArgs, console: &Console) -> Outcome<()> {
    // Going on with a file is no accident.
    let may_exist = args.force || args.resume;
    output::check_outputs(&[&args.input], std::slice::from_ref(&args.output), may_exist)?;
    let begin = Instant::now();
    let options =
        Options { decoder: args.compute.decoder(), size: None, as_stored: args.no_rotate };
    let mut source = input::open(&args.input, options, console)?;
    if let Some(size) = args.size {
        let size = size.of(&source.info().format);
        source = Box::new(Resized::new(args.input.clone(), source, size)?);
    }
    let info = source.info().clone();
    let settings = settings(args, &info).alignment(args.alignment.alignment()?);
    let mut encoder = Encoder::new(settings).map_err(|e| match e {
        lnr::Error::InvalidSetting(_) => Failure::usage(e.to_string()),
        e => Failure::codec(&args.input, e),
    })?;
    let at_once = match encoder.jobs() {
        1 => String::new(),
        n => format!(", {n} groups at once"),
    };
    console.detail(&format!("computing with {}{at_once}", encoder.backend()));
    let mut frames = Selection::new(args, source, console)?;
    let sink = match args.resume {
        true => resume::resume(args, &mut encoder, &mut frames, console)?,
        false => None,
    };
    let stats = *encoder.stats();
    let mut encoding = Encoding {
        args,
        console,
        encoder,
        sink: sink.map_or_else(|| output::open_units(&args.output, &info), Ok)?,
        n_written: stats.frames,
        n_adopted: stats.frames,
        n_expected: frames.n_expected(),
        parts: BTreeMap::new(),
        told: stats,
        duration: frames.end(),
        format: info.format,
    };
    console.start(encoding.n_expected);
    let result = encoding.encode(&mut frames);
    console.stop();
    // Groups that are finished are kept whatever happened.
    let result = match result {
        Err(f) if !matches!(f.code, Code::Output | Code::Unread) => {
            encoding.keep_finished().and(Err(f))
        }
        result => result,
    };
    if result.is_ok()
        && let Err(f) = encoding.sink.add_index()
    {
        console.warn(&format!("{}; the file is whole, but has no index", f.message));
    }
    let finished = encoding.sink.finish();
    match result {
        Err(f) if f.code == Code::Interrupted && encoding.n_written == 0 => {
            return Err(Failure::interrupted("interrupted; nothing was written"));
        }
        Err(f) if f.code == Code::Interrupted => {
            let (n, groups) = (encoding.n_written, encoding.encoder.stats().groups);
            finished?;
            let path = output_name(&args.output);
            return Err(Failure::interrupted(format!(
                "interrupted; {path} holds the {n} frames of the {groups} groups finished before"
            )));
        }
        result => result?,
    }
    finished?;
    if encoding.n_written == 0 {
        let cause = "there are no frames to encode (see --start, --frames, --duration)";
        return Err(Failure::damaged(&args.input, cause));
    }
    encoding.report(begin.elapsed().as_secs_f64())
}

fn settings(args: &EncodeArgs, info: &VideoInfo) -> EncoderSettings {
    let settings = EncoderSettings::new(info.format)
        .frame_rate(info.frame_rate)
        .metadata(info.metadata.clone())
        .rate_control(match args.bitrate {
            Some(bitrate) => RateControl::Bitrate(bitrate),
            None => RateControl::Quality(args.quality),
        })
        .profile(args.profile)
        .model(args.model.clone())
        .preset(args.preset)
        .key_int_max(args.key_int_max)
        .scene_cut(!args.no_scene_cut)
        .seed(args.seed)
        .jobs(args.jobs)
        .epochs(args.epochs.unwrap_or(0));
    args.compute.encoder(settings)
}

struct Encoding<'a> {
    args: &'a EncodeArgs,
    console: &'a Console,
    encoder: Encoder,
    sink: Box<dyn UnitSink>,
    n_written: u64,
    /// Frames that were there before.
    n_adopted: u64,
    /// How many frames there will be, where that is known.
    n_expected: Option<u64>,
    /// Frames' worth of training of the groups that are not written yet, by number.
    parts: BTreeMap<u64, f64>,
    /// The totals that the log knows.
    told: EncoderStats,
    /// Of what was written, in ns.
    duration: u64,
    format: lnr::PictureFormat,
}

impl Encoding<'_> {
    fn encode(&mut self, frames: &mut Selection) -> Outcome<()> {
        let read = loop {
            match frames.next() {
                Ok(Some(frame)) => {
                    self.train(|encoder, control| encoder.push(frame, control))?;
                }
                Ok(None) => break Ok(()),
                Err(f) if f.code == Code::Interrupted => return Err(f),
                // What came before the damage is worth keeping.
                Err(f) => break Err(f),
            }
        };
        while self.train(Encoder::finish_next)? {}
        read
    }

    /// Runs a step of the encoder, shows its progress and writes what it returns, if anything.
    fn train(
        &mut self,
        step: impl FnOnce(&mut Encoder, &mut Control) -> lnr::Result<Vec<AccessUnit>>,
    ) -> Outcome<bool> {
        let (console, n_written, parts) = (self.console, self.n_written, &mut self.parts);
        let mut show = |p: &Progress| {
            let part = f64::from(p.iteration) / f64::from(p.n_iterations.max(1));
            parts.insert(p.group, part.min(1.0) * f64::from(p.n_frames));
            let done = n_written as f64 + parts.values().sum::<f64>();
            console.advance(done, format!("group {}, {:.2} dB", p.group + 1, p.psnr));
        };
        let mut control = Control { cancel: console.cancel.clone(), progress: Some(&mut show) };
        let units = step(&mut self.encoder, &mut control)
            .map_err(|e| Failure::codec(&self.args.input, e))?;
        self.write(&units)?;
        Ok(!units.is_empty())
    }

    /// Writes what was finished before the end came.
    fn keep_finished(&mut self) -> Outcome<()> {
        let units = self.encoder.take_finished();
        self.write(&units)
    }

    /// Writes the units of the groups that were finished since the last time.
    fn write(&mut self, units: &[AccessUnit]) -> Outcome<()> {
        if units.is_empty() {
            return Ok(());
        }
        self.sink.write(units)?;
        self.n_written += units.len() as u64;
        self.duration += units.iter().map(|u| u.duration).sum::<u64>();
        let (before, after) = (self.told, *self.encoder.stats());
        self.told = after;
        self.parts.retain(|&group, _| group >= after.groups);
        self.console.advance(self.n_written as f64 + self.parts.values().sum::<f64>(), "");
        self.console.log(&group_line(&before, &after, self.n_expected));
        Ok(())
    }

    /// Frames that were not taken over from a file.
    fn n_trained(&self) -> u64 {
        self.encoder.stats().frames - self.n_adopted
    }

    /// Warns of a bit rate that was not met.
    fn check_bitrate(&self, kbit: f64) {
        let Some(asked) = self.args.bitrate.map(f64::from) else { return };
        if (kbit / asked - 1.0).abs() <= BITRATE_TOLERANCE {
            return;
        }
        let advice = match (self.args.profile, kbit > asked) {
            (Profile::Warp, true) => "; a smaller --size needs less",
            (Profile::Warp, false) => "",
            _ => "; with a paper profile the size follows from the model",
        };
        let path = output_name(&self.args.output);
        self.console.warn(&format!(
            "{path}: --bitrate asks for {asked} kbit/s, it became {kbit:.1} kbit/s{advice}"
        ));
    }

    fn report(&self, seconds: f64) -> Outcome<()> {
        let stats = self.encoder.stats();
        let on_disk = std::fs::metadata(&self.args.output);
        let bytes = match on_disk {
            Ok(m) if m.is_file() && !output::is_direct(&self.args.output) => m.len(),
            _ => stats.bytes,
        };
        let bpp = text::bits_per_pixel(bytes, &self.format, self.n_written);
        let kbit = text::kbit_per_second(bytes, self.duration);
        self.check_bitrate(kbit);
        let rate = self.n_written as f64 / seconds.max(1e-9);
        let backend = self.encoder.backend();
        let line = if self.args.json {
            let alignment = self.encoder.settings().alignment.as_ref();
            let embedding =
                alignment.map(|a| alignment::json(a, &stats.embedding, self.n_trained()));
            json!({
                "frames": self.n_written,
                "groups": stats.groups,
                "bytes": bytes,
                "bpp": text::rounded(bpp, 6),
                "kbit_s": text::rounded(kbit, 3),
                "psnr_rgb": text::rounded(stats.psnr, 4),
                "width": self.format.width,
                "height": self.format.height,
                "iterations": stats.iterations,
                "trials": stats.trials,
                "groups_with_anchors": stats.groups_with_anchors,
                "groups_split": stats.groups_split,
                "embedding": embedding,
                "seconds": text::rounded(seconds, 3),
                "frames_s": text::rounded(rate, 3),
                "backend": backend.name,
                "no_gpu": backend.no_gpu,
            })
            .to_string()
        } else {
            format!(
                "{}: {} frames in {} groups, {bytes} bytes, {bpp:.4} bits per pixel, \
                 {kbit:.1} kbit/s, {:.2} dB RGB PSNR, {seconds:.1} s ({rate:.2} frames/s)",
                output_name(&self.args.output),
                self.n_written,
                stats.groups,
                stats.psnr
            )
        };
        self.console.report(&self.args.output, &line)
    }
}

/// What the groups between these two states took, for a log.
fn group_line(before: &EncoderStats, after: &EncoderStats, n_expected: Option<u64>) -> String {
    let (first, last) = (before.frames + 1, after.frames);
    let of = n_expected.map(|n| format!(" of {n}")).unwrap_or_default();
    let bytes = after.bytes - before.bytes;
    let sum = |s: &EncoderStats| s.psnr * s.frames as f64;
    let psnr = (sum(after) - sum(before)) / (last - before.frames).max(1) as f64;
    let seconds = after.seconds - before.seconds;
    let group = match (before.groups + 1, after.groups) {
        (first, last) if first < last => format!("groups {first} to {last}"),
        (_, last) => format!("group {last}"),
    };
    format!(
        "{group}: frames {first} to {last}{of}, {bytes} bytes, {psnr:.2} dB RGB PSNR, {seconds:.1} s"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{Args, Command};
    use clap::Parser;

    #[test]
    fn defaults_are_those_of_the_library() {
        let args = Args::try_parse_from(["lnr", "encode", "in.y4m", "out.lnr"]).unwrap();
        let Command::Encode(args) = args.command else { panic!("encode") };
        let format = lnr::PictureFormat::new(16, 16, lnr::Chroma::Yuv420, 8);
        let info =
            VideoInfo { format, frame_rate: (0, 1), metadata: Default::default(), n_frames: None };
        let ours = format!("{:?}", settings(&args, &info));
        assert_eq!(ours, format!("{:?}", EncoderSettings::new(format)));
        assert_eq!(args.compute.decoder(), lnr::DecoderSettings::default());
    }
}
