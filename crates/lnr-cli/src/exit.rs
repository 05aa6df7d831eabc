// SPDX-License-Identifier: MIT OR Apache-2.0

use std::borrow::Cow;
use std::fmt::Display;
use std::io;
use std::path::Path;
use std::process::ExitCode;

use lnr::Error;

/// Exit codes other than success; docs/CLI.md and `lnr --help` list them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Code {
    /// Wrong usage or a setting out of range.
    Usage = 1,
    /// An input cannot be opened or read.
    Input = 2,
    /// An input is damaged, of an unsupported kind, or beyond a limit.
    Damaged = 3,
    /// The output cannot be written.
    Output = 4,
    /// The compute backend is not available or failed.
    Backend = 5,
    /// Training diverged.
    Diverged = 6,
    /// Ctrl-C or SIGTERM.
    Interrupted = 130,
    /// Who read the output went away, as `head` does.
    Unread = 141,
}

impl From<Code> for ExitCode {
    fn from(code: Code) -> Self {
        Self::from(code as u8)
    }
}

/// Why a command stopped: what to tell the user, if anything, and how to exit.
#[derive(Debug)]
pub struct Failure {
    pub code: Code,
    pub message: String,
}

pub type Outcome<T> = Result<T, Failure>;

impl Failure {
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { code, message }
    }

    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Code::Usage, message)
    }

    pub fn input(path: &Path, cause: impl Display) -> Self {
        Self::new(Code::Input, format!("{}: {cause}", input_name(path)))
    }

    pub fn damaged(path: &Path, cause: impl Display) -> Self {
        Self::new(Code::Damaged, format!("{}: {cause}", input_name(path)))
    }

    pub fn output(path: &Path, cause: impl Display) -> Self {
        Self::new(Code::Output, format!("{}: {cause}", output_name(path)))
    }

    /// What the system says about writing to the file at `path`.
    pub fn written(path: &Path, error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::new(Code::Unread, ""),
            _ => Self::output(path, error),
        }
    }

    pub fn interrupted(what: impl Into<String>) -> Self {
        Self::new(Code::Interrupted, what)
    }

    /// What the codec says about the file at `path`.
    pub fn codec(path: &Path, error: Error) -> Self {
        let code = match error {
            // That is no fault of the file.
            Error::Cancelled => return Self::interrupted("interrupted"),
            Error::InvalidSetting(_) => Code::Usage,
            Error::Backend(_) => Code::Backend,
            Error::Model(_) => Code::Input,
            Error::Diverged(_) => Code::Diverged,
            _ => Code::Damaged,
        };
        Self::new(code, format!("{}: {error}", input_name(path)))
    }
}

/// How messages call an input.
pub fn input_name(path: &Path) -> Cow<'_, str> {
    match path == Path::new("-") {
        true => "standard input".into(),
        false => path.to_string_lossy(),
    }
}

/// How messages call an output.
pub fn output_name(path: &Path) -> Cow<'_, str> {
    match path == Path::new("-") {
        true => "standard output".into(),
        false => path.to_string_lossy(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_of_the_codec_has_its_code() {
        let path = Path::new("in.y4m");
        for (error, code) in [
            (Error::Diverged("loss NaN at iteration 7".into()), 6),
            (Error::Backend("gone".into()), 5),
            (Error::InvalidSetting("quality 101".into()), 1),
            (Error::Model("no config.json".into()), 2),
            (Error::Unsupported("section 77".into()), 3),
            (Error::limit("9 MiB"), 3),
            (Error::damaged("a bit"), 3),
        ] {
            let text = error.to_string();
            let failure = Failure::codec(path, error);
            assert_eq!(failure.code as u8, code, "{text}");
            assert_eq!(failure.message, format!("in.y4m: {text}"));
        }
        let failure = Failure::codec(path, Error::Cancelled);
        assert_eq!((failure.code, failure.message.as_str()), (Code::Interrupted, "interrupted"));
    }
}
