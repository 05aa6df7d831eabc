// SPDX-License-Identifier: MIT OR Apache-2.0

use std::path::Path;
use std::time::Instant;

use serde_json::json;

use crate::args::DecodeArgs;
use crate::console::Console;
use crate::exit::{Code, Failure, Outcome, input_name, output_name};
use crate::input::{self, Frame, LnrSource, Options, Source, Timing};
use crate::output::{self, PictureSink};
use crate::text;

pub fn run(args: &DecodeArgs, console: &Console) -> Outcome<()> {
    let files = output::picture_files(&args.output);
    output::check_outputs(&[&args.input], &files, args.force)?;
    let begin = Instant::now();
    let options =
        Options { decoder: args.compute.decoder(), size: args.size, as_stored: args.no_rotate };
    let timing =
        Timing { start: args.start.unwrap_or(0.0), duration: args.duration, frame_rate: args.fps };
    let source = LnrSource::open(&args.input, options, timing, console)?;
    let backend = source.backend();
    let mut source: Box<dyn Source> = Box::new(source);
    if !args.no_rotate {
        source = input::turned(&args.input, source);
    }
    let info = source.info().clone();
    console.detail(&format!("computing with {backend}"));
    console.start(info.n_frames);
    // An output that exists is not touched before there is something to put there.
    let first = source.next();
    let result = first.and_then(|first| {
        let Some(first) = first else { return Ok(0) };
        let mut sink = output::open_pictures(&args.output, &info, console)?;
        let (n, result) = copy(first, &mut *source, &mut *sink, console);
        // Frames that are finished are kept, unless it is writing that failed.
        sink.finish()?;
        result.map(|()| n).map_err(|failure| with_rest(failure, n, &args.output))
    });
    console.stop();
    let n_frames = result?;
    if n_frames == 0 {
        return Err(nothing(args, source.n_damaged()));
    }
    let seconds = begin.elapsed().as_secs_f64();
    let rate = n_frames as f64 / seconds.max(1e-9);
    let n_damaged = source.n_damaged();
    let (width, height) = (info.format.width, info.format.height);
    let line = match args.json {
        true => json!({
            "frames": n_frames,
            "width": width,
            "height": height,
            "damaged": n_damaged,
            "seconds": text::rounded(seconds, 3),
            "frames_s": text::rounded(rate, 3),
            "backend": backend.name,
            "no_gpu": backend.no_gpu,
        })
        .to_string(),
        false => format!(
            "{}: {n_frames} frames of {width}x{height}, {seconds:.1} s ({rate:.1} frames/s)",
            output_name(&args.output)
        ),
    };
    console.report(&args.output, &line)?;
    if n_damaged > 0 {
        let parts = text::damaged_parts(n_damaged);
        let cause = format!("{parts} left out, the rest was decoded");
        return Err(Failure::damaged(&args.input, cause));
    }
    Ok(())
}

/// No picture came, so no output was opened.
fn nothing(args: &DecodeArgs, n_damaged: u64) -> Failure {
    match n_damaged {
        0 => {
            let cause = "no frames lie in the chosen time (see --start, --duration)";
            Failure::new(Code::Usage, format!("{}: {cause}", input_name(&args.input)))
        }
        _ => Failure::damaged(&args.input, "no frame can be decoded; nothing was written"),
    }
}

/// Writes `first` and all that follow. Returns how many frames were written, and what ended it.
fn copy(
    first: Frame,
    source: &mut dyn Source,
    sink: &mut dyn PictureSink,
    console: &Console,
) -> (u64, Outcome<()>) {
    let (mut next, mut n_frames) = (Some(first), 0);
    let mut run = || {
        while let Some(frame) = next.take() {
            console.check()?;
            sink.write(frame)?;
            n_frames += 1;
            console.frame(n_frames);
            next = source.next()?;
        }
        Ok(())
    };
    let result = run();
    (n_frames, result)
}

/// Says what the output holds all the same.
fn with_rest(failure: Failure, n_frames: u64, output: &Path) -> Failure {
    if n_frames == 0 || matches!(failure.code, Code::Output | Code::Unread) {
        return failure;
    }
    let (message, output) = (&failure.message, output_name(output));
    Failure::new(failure.code, format!("{message}; {output} holds the {n_frames} frames before"))
}
