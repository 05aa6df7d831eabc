// SPDX-License-Identifier: MIT OR Apache-2.0
//! Sizes, frame rates and times as users write them.

use lnr::{Chroma, PictureFormat};

/// Digits behind the point of a frame rate: with more, it would not fit 32 bits.
const MAX_DIGITS: usize = 6;
/// Frame rates whose 1000/1001 have names of their own, such as 29.97.
const FILM_AND_TELEVISION: [u32; 6] = [24, 30, 48, 60, 96, 120];

/// A size of which one side may follow from the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    width: Option<u32>,
    height: Option<u32>,
}

impl Size {
    /// Width and height for a video of this format. A side that is not given keeps the shape: to the
    /// nearest even number where chroma is halved, else to the nearest number.
    pub fn of(self, format: &PictureFormat) -> (u32, u32) {
        let step = match format.chroma {
            Chroma::Yuv420 | Chroma::Yuv422 => 2,
            _ => 1,
        };
        let (w, h) = (u64::from(format.width.max(1)), u64::from(format.height.max(1)));
        let side = |given: u32, of: u64, other: u64| {
            let steps = (2 * u64::from(given) * other + of * step) / (2 * of * step);
            u32::try_from(steps.max(1) * step).unwrap_or(u32::MAX)
        };
        match (self.width, self.height) {
            (Some(width), Some(height)) => (width, height),
            (Some(width), None) => (width, side(width, w, h)),
            (None, Some(height)) => (side(height, h, w), height),
            (None, None) => (format.width, format.height),
        }
    }
}

/// `320x180`, `320x` or `320` for a width, `x180` for a height.
pub fn parse_size(text: &str) -> Result<Size, String> {
    let (width, height) = text.split_once(['x', 'X']).unwrap_or((text, ""));
    let side = |text: &str| match text {
        "" => Ok(None),
        text => text.parse().ok().filter(|&n: &u32| n > 0).map(Some).ok_or(()),
    };
    match (side(width), side(height)) {
        (Ok(width), Ok(height)) if width.or(height).is_some() => Ok(Size { width, height }),
        _ => {
            Err("expected WIDTHxHEIGHT, such as 320x180, or one side, such as 320x or x180".into())
        }
    }
}

/// Highest frame rate: beyond what any camera's slow motion needs, and a slip of the finger does not fill
/// the disk.
const MAX_RATE: u64 = 10_000;

/// `25`, `60000/1001`, `12.5`; `29.97` and its like are 30000/1001.
pub fn parse_rate(text: &str) -> Result<(u32, u32), String> {
    let parsed = match text.split_once('/') {
        Some((n, d)) => n.parse().ok().zip(d.parse().ok()),
        None => decimal_rate(text),
    };
    match parsed.filter(|&(n, d)| n > 0 && d > 0) {
        None => Err("expected a frame rate such as 50, 29.97 or 60000/1001".into()),
        Some((n, d)) if u64::from(n) > MAX_RATE * u64::from(d) => {
            Err(format!("expected at most {MAX_RATE} frames per second"))
        }
        Some(rate) => Ok(rate),
    }
}

fn decimal_rate(text: &str) -> Option<(u32, u32)> {
    let (whole, digits) = text.split_once('.').unwrap_or((text, ""));
    if digits.len() > MAX_DIGITS || ![whole, digits].iter().all(|t| is_digits(t)) {
        return None;
    }
    let scale = 10u64.pow(digits.len() as u32);
    let value = format!("{whole}{digits}").parse::<u64>().ok()?;
    // With two digits or more it cannot be meant exactly.
    let named = FILM_AND_TELEVISION.into_iter().filter(|_| digits.len() >= 2).find(|&n| {
        let exact = u64::from(n) * 1000 * scale;
        (2 * exact + 1001) / (2 * 1001) == value
    });
    if let Some(n) = named {
        return Some((n * 1000, 1001));
    }
    let common = gcd(value, scale);
    Some((u32::try_from(value / common).ok()?, u32::try_from(scale / common).ok()?))
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a.max(1) } else { gcd(b, a % b) }
}

fn is_digits(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit())
}

/// Shortest time between two pictures in seconds: no video that anybody searches has more of them.
const MIN_EVERY: f64 = 0.001;

/// A time of one millisecond or more, as [`parse_seconds`] reads it.
pub fn parse_every(text: &str) -> Result<f64, String> {
    match parse_seconds(text)? {
        every if every >= MIN_EVERY => Ok(every),
        _ => Err(format!("expected a time of {MIN_EVERY} s or more")),
    }
}

/// Seconds, or minutes and hours before colons: `62.5`, `62.5s`, `1:02.5`, `0:01:02.5`.
pub fn parse_seconds(text: &str) -> Result<f64, String> {
    let text = text.strip_suffix('s').unwrap_or(text);
    let expected = || "expected seconds, or a time such as 1:02.5 or 1:02:03".to_owned();
    let parts: Vec<&str> = text.split(':').collect();
    let (last, before) = parts.split_last().ok_or_else(expected)?;
    let seconds: f64 = last.parse().map_err(|_| expected())?;
    let mut total = 0.0;
    for (i, part) in before.iter().enumerate() {
        let n: u32 = part.parse().map_err(|_| expected())?;
        if i > 0 && n >= 60 {
            return Err(expected());
        }
        total = (total + f64::from(n)) * 60.0;
    }
    let is_clock = !before.is_empty();
    let most = if is_clock { 60.0 } else { 1e9 };
    match (0.0..most).contains(&seconds) && before.len() <= 2 && total < 1e9 {
        true => Ok(total + seconds),
        false => Err(expected()),
    }
}

/// Nanoseconds of a time that was parsed.
pub fn nanoseconds(seconds: f64) -> u64 {
    (seconds * 1e9).round() as u64
}

/// Where to begin.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Start {
    /// With the frame of this number, from 0.
    Frame(u64),
    /// With the first frame that is not shown before this time in seconds.
    Time(f64),
}

/// A number of a frame, or a time: `1:02.5`, `62.5s`.
pub fn parse_start(text: &str) -> Result<Start, String> {
    match text.contains([':', 's']) {
        true => parse_seconds(text).map(Start::Time),
        false => {
            let n = text.parse().map(Start::Frame);
            n.map_err(|_| "expected the number of a frame, or a time such as 1:02.5 or 2.5s".into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_keep_the_shape() {
        let of = |text: &str, w, h, chroma| {
            parse_size(text).map(|s| s.of(&PictureFormat::new(w, h, chroma, 8)))
        };
        for (text, size) in [
            ("320x180", (320, 180)),
            ("160x", (160, 90)),
            ("160", (160, 90)),
            ("x90", (160, 90)),
            ("100", (100, 56)),
            ("x45", (80, 45)),
            ("1", (1, 2)),
            ("3x5", (3, 5)),
        ] {
            assert_eq!(of(text, 1280, 720, Chroma::Yuv420), Ok(size), "{text}");
        }
        assert_eq!(of("100", 1280, 720, Chroma::Yuv444), Ok((100, 56)));
        assert_eq!(of("102", 1280, 720, Chroma::Yuv444), Ok((102, 57)));
        assert_eq!(of("102", 1280, 720, Chroma::Yuv422), Ok((102, 58)));
        assert_eq!(of("1", 8000, 2, Chroma::Gray), Ok((1, 1)));
        assert_eq!(of("4000000000", 1, 8000, Chroma::Gray), Ok((4_000_000_000, u32::MAX)));
        for bad in ["", "x", "0x4", "4x0", "0", "x0", "-3", "3x4x5", "3.5x", "axb", "99999999999"] {
            assert!(parse_size(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn rates_with_names_are_exact() {
        for (text, rate) in [
            ("25", (25, 1)),
            ("60000/1001", (60_000, 1001)),
            ("29.97", (30_000, 1001)),
            ("29.970", (30_000, 1001)),
            ("23.976", (24_000, 1001)),
            ("23.98", (24_000, 1001)),
            ("59.94", (60_000, 1001)),
            ("119.88", (120_000, 1001)),
            ("12.5", (25, 2)),
            ("25.0", (25, 1)),
            ("30.00", (30, 1)),
            ("29.9", (299, 10)),
            ("0.5", (1, 2)),
            (".5", (1, 2)),
        ] {
            assert_eq!(parse_rate(text), Ok(rate), "{text}");
        }
        for bad in ["0", "25/0", "0/1", "0.0", "", ".", "-25", "1.2.3", "1e3", "25.1234567", "+25"]
        {
            assert!(parse_rate(bad).is_err(), "{bad}");
        }
        assert!(parse_rate("99999999999").is_err() && parse_rate("NaN").is_err());
        assert_eq!(parse_rate("10000"), Ok((10_000, 1)));
        assert!(parse_rate("10001").is_err() && parse_rate("999999999/2").is_err());
    }

    #[test]
    fn times_have_minutes_and_hours() {
        for (text, seconds) in [
            ("62.5", 62.5),
            ("1:02.5", 62.5),
            ("0:01:02.5", 62.5),
            ("1:02:03", 3723.0),
            ("90:00", 5400.0),
            ("0", 0.0),
        ] {
            assert_eq!(parse_seconds(text), Ok(seconds), "{text}");
        }
        for bad in [
            "", ":", "1:", ":5", "1:60", "1:99:00", "1:2:3:4", "-1", "NaN", "1:-2", "1.5:00", "2e9",
        ] {
            assert!(parse_seconds(bad).is_err(), "{bad}");
        }
        assert_eq!(nanoseconds(4.35), 4_350_000_000);
        assert_eq!(parse_start("17"), Ok(Start::Frame(17)));
        assert_eq!(parse_start("2.5s"), Ok(Start::Time(2.5)));
        assert_eq!(parse_start("1:02.5"), Ok(Start::Time(62.5)));
        assert!(parse_start("2.5").is_err() && parse_start("s").is_err());
    }
}
