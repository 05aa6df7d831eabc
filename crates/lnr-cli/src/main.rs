// SPDX-License-Identifier: MIT OR Apache-2.0
//! `lnr`: encodes video to neural networks, decodes it at any size and rate, looks into files and
//! measures them.

mod alignment;
mod args;
mod compare;
mod console;
mod decode;
mod encode;
mod eval;
mod exit;
mod export;
#[cfg(feature = "gstreamer")]
mod gstreamer;
#[cfg(feature = "gstreamer")]
mod hdr;
mod html;
mod index_dir;
mod info;
mod input;
mod join;
mod model_text;
mod numbers;
mod output;
mod pace;
mod plot;
#[cfg(feature = "gstreamer")]
mod raw;
mod resume;
mod scratch;
mod search;
mod selection;
mod sheet;
mod standard;
mod tensors;
mod text;
mod thumbnail;
mod tracks;
mod values;

use std::process::ExitCode;

use clap::Parser;

use args::{Args, Command};
use console::Console;
use exit::{Code, Failure, Outcome};

fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(e) => {
            let is_error = e.use_stderr();
            // Nothing is left to do when even the message cannot be printed.
            let _ = e.print();
            return match is_error {
                true => Code::Usage.into(),
                false => ExitCode::SUCCESS,
            };
        }
    };
    let result = run(&args);
    input::forget_pipes();
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if !failure.message.is_empty() {
                console::print_error(&failure.message);
            }
            failure.code.into()
        }
    }
}

fn run(args: &Args) -> Outcome<()> {
    let console = Console::new(args.quiet, args.verbose);
    input::cancel_with(console.cancel.clone());
    let listener = console.clone();
    let on_signal = move || {
        if listener.cancel.is_set() {
            scratch::remove_all();
            std::process::exit(Code::Interrupted as i32);
        }
        listener.interrupt();
    };
    ctrlc::set_handler(on_signal)
        .map_err(|e| Failure::new(Code::Usage, format!("signals cannot be handled: {e}")))?;
    // Metrics, scaling and conversions use the threads that they are called on.
    let threads = lnr::Threads::new(args.command.threads());
    let threads = threads.map_err(|e| Failure::usage(e.to_string()))?;
    let result = threads.run(|| match &args.command {
        Command::Encode(args) => encode::run(args, &console),
        Command::Decode(args) => decode::run(args, &console),
        Command::Info(args) => info::run(args, &console),
        Command::Join(args) => join::run(args, &console),
        Command::Compare(args) => compare::run(args, &console),
        Command::Export(args) => export::run(args, &console),
        Command::Plot(args) => plot::run(args, &console),
        Command::Eval(args) => eval::run(args, &console),
        Command::Index(args) => index_dir::run(args, &console),
        Command::Search(args) => search::run(args, &console),
    });
    result.map_err(|failure| match failure.code {
        // A pipe that nothing came from.
        Code::Input if console.cancel.is_set() => Failure::interrupted("interrupted"),
        _ => failure,
    })
}
