// SPDX-License-Identifier: MIT OR Apache-2.0

use std::io::{IsTerminal, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use lnr::{CancelFlag, Decoder, DecoderSettings};

use crate::exit::{Failure, Outcome};
use crate::pace::Pace;

/// What all commands share: the wish to stop, warnings, results and the progress bar.
#[derive(Clone)]
pub struct Console {
    /// Set by Ctrl-C.
    pub cancel: CancelFlag,
    /// What stops decoders.
    others: Arc<Mutex<Vec<CancelFlag>>>,
    /// Warnings that are given once.
    #[cfg(feature = "gstreamer")]
    given: Arc<Mutex<Vec<String>>>,
    quiet: bool,
    verbose: bool,
    bar: Arc<Mutex<Option<ProgressBar>>>,
    /// Nobody sees a bar, but a log may be kept.
    is_log: bool,
    pace: Arc<Mutex<Pace>>,
}

/// How often a log tells of pictures that were rendered.
const LOG_PERIOD: Duration = Duration::from_secs(10);

/// Steps of the bar per frame, so that it moves while one group is trained.
const STEPS: f64 = 100.0;

impl Console {
    fn bar(&self) -> MutexGuard<'_, Option<ProgressBar>> {
        self.bar.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn new(quiet: bool, verbose: bool) -> Self {
        Self {
            cancel: CancelFlag::default(),
            others: Arc::default(),
            #[cfg(feature = "gstreamer")]
            given: Arc::default(),
            quiet,
            verbose,
            bar: Arc::default(),
            is_log: !quiet && !std::io::stderr().is_terminal(),
            pace: Arc::new(Mutex::new(Pace::new(LOG_PERIOD, Instant::now()))),
        }
    }

    /// Asks all work to stop.
    pub fn interrupt(&self) {
        self.cancel.set(true);
        let others = self.others.lock().unwrap_or_else(PoisonError::into_inner);
        others.iter().for_each(|flag| flag.set(true));
    }

    /// A new decoder whose rendering ends when the user asks to stop.
    ///
    /// # Errors
    /// Those of [`Decoder::new`].
    pub fn decoder(&self, settings: DecoderSettings) -> lnr::Result<Decoder> {
        let decoder = Decoder::new(settings)?;
        let flag = decoder.cancel_flag();
        let mut others = self.others.lock().unwrap_or_else(PoisonError::into_inner);
        flag.set(self.cancel.is_set());
        others.push(flag);
        Ok(decoder)
    }

    /// Begins a bar of so many frames, or one without an end. It is drawn on a terminal only.
    pub fn start(&self, n_frames: Option<u64>) {
        if self.quiet {
            return;
        }
        let known = "[{elapsed_precise}] {bar:32} {percent:>3}% {msg}, {eta} left";
        let unknown = "[{elapsed_precise}] {spinner} {msg}";
        let template = if n_frames.is_some() { known } else { unknown };
        let length = n_frames.map(|n| (n as f64 * STEPS) as u64);
        let bar = ProgressBar::with_draw_target(length, ProgressDrawTarget::stderr_with_hz(5));
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        *self.bar() = Some(bar);
    }

    /// Moves the bar to so many frames.
    pub fn advance(&self, n_frames: f64, message: impl Into<String>) {
        if let Some(bar) = self.bar().as_ref() {
            bar.set_position((n_frames * STEPS) as u64);
            bar.set_message(message.into());
        }
    }

    /// Moves the bar to so many pictures; a log gets a line now and then.
    pub fn frame(&self, n_frames: u64) {
        self.advance(n_frames as f64, format!("frame {n_frames}"));
        let mut pace = self.pace.lock().unwrap_or_else(PoisonError::into_inner);
        if self.is_log && pace.is_due(Instant::now()) {
            let length = self.bar().as_ref().and_then(ProgressBar::length);
            let of = length.map(|n| format!(" of {}", n as f64 / STEPS)).unwrap_or_default();
            self.say(&format!("frame {n_frames}{of}"));
        }
    }

    /// Tells of a step that is done where the bar does not.
    pub fn log(&self, message: &str) {
        if self.is_log {
            self.say(message);
        }
    }

    /// Removes the bar.
    pub fn stop(&self) {
        if let Some(bar) = self.bar().take() {
            bar.finish_and_clear();
        }
    }

    /// Tells of something that did not stop the command.
    pub fn warn(&self, message: &str) {
        self.say(&format!("warning: {message}"));
    }

    /// Like [`Console::warn`], unless it was said before: a file may be opened twice.
    #[cfg(feature = "gstreamer")]
    pub fn warn_once(&self, message: &str) {
        let mut given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        if !given.iter().any(|m| m == message) {
            given.push(message.to_owned());
            drop(given);
            self.warn(message);
        }
    }

    /// Tells of a step that is done.
    pub fn tell(&self, message: &str) {
        if !self.quiet {
            self.say(message);
        }
    }

    /// Tells of something that is asked for by `--verbose`.
    pub fn detail(&self, message: &str) {
        if self.verbose {
            self.say(message);
        }
    }

    fn say(&self, message: &str) {
        let print = || print_error(message);
        match self.bar().as_ref() {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }

    /// Prints a result to standard output.
    pub fn print(&self, text: &str) -> Outcome<()> {
        let mut out = std::io::stdout().lock();
        writeln!(out, "{text}")
            .and_then(|()| out.flush())
            .map_err(|e| Failure::written(Path::new("-"), e))
    }

    /// Prints the result of writing to `output`: to standard error when that is standard output.
    pub fn report(&self, output: &Path, text: &str) -> Outcome<()> {
        if !is_standard_output(output) {
            return self.print(text);
        }
        let _ = writeln!(std::io::stderr(), "{text}");
        Ok(())
    }

    /// # Errors
    /// When the user asked to stop.
    pub fn check(&self) -> Outcome<()> {
        match self.cancel.is_set() {
            true => Err(Failure::interrupted("interrupted")),
            false => Ok(()),
        }
    }
}

fn is_standard_output(path: &Path) -> bool {
    ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"].iter().any(|n| path == Path::new(n))
}

/// Prints a line to standard error. Nothing can be told where that is closed.
pub fn print_error(message: &str) {
    let _ = writeln!(std::io::stderr(), "lnr: {message}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wish_to_stop_reaches_every_decoder() {
        let console = Console::new(true, false);
        let before = console.decoder(DecoderSettings::default()).unwrap();
        assert!(console.check().is_ok() && !before.cancel_flag().is_set());
        console.interrupt();
        let after = console.decoder(DecoderSettings::default()).unwrap();
        assert!(before.cancel_flag().is_set() && after.cancel_flag().is_set());
        assert!(console.check().is_err());
    }
}
