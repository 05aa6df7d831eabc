// SPDX-License-Identifier: MIT OR Apache-2.0

use std::path::Path;

use lnr::Picture;
use lnr::convert::{Scaler, to_rgb8};

use crate::console::Console;
use crate::exit::{Code, Failure, Outcome};
use crate::input::{self, Options};
use crate::numbers::parse_size;
use crate::output::encoded_rgb8;
use crate::values::Compute;

/// Pixels of a thumbnail's longer side: a few fit beside each other on every screen.
const SIDE: u32 = 240;

/// A small picture.
pub struct Thumbnail {
    /// As a PNG file.
    pub png: Vec<u8>,
    /// Width and height in pixels.
    pub size: (u32, u32),
}

/// A small picture of a moment of a video; where there is none, that is a warning. LNR video is rendered at
/// that size.
///
/// # Errors
/// When the user asked to stop.
pub fn thumbnail(
    path: &Path,
    seconds: f64,
    compute: Compute,
    console: &Console,
) -> Outcome<Option<Thumbnail>> {
    console.check()?;
    match open(path, seconds, compute, console) {
        Err(f) if f.code == Code::Interrupted => Err(f),
        Err(f) => {
            console.warn(&f.message);
            Ok(None)
        }
        Ok(thumbnail) => Ok(Some(thumbnail)),
    }
}

fn open(path: &Path, seconds: f64, compute: Compute, console: &Console) -> Outcome<Thumbnail> {
    let size = parse_size(&SIDE.to_string()).ok();
    let options = Options { decoder: compute.decoder(), size, as_stored: false };
    let frame = input::open_at(path, seconds, options, console)?.next()?;
    let frame = frame.ok_or_else(|| Failure::damaged(path, "there is no picture at that time"))?;
    let picture = small(frame.picture).map_err(|e| Failure::codec(path, e))?;
    let size = (picture.format().width, picture.format().height);
    let png = encoded_rgb8(size, &to_rgb8(&picture)).map_err(|e| Failure::damaged(path, e))?;
    Ok(Thumbnail { png, size })
}

fn small(picture: Picture) -> lnr::Result<Picture> {
    let format = picture.format();
    let longer = format.width.max(format.height);
    if longer <= SIDE {
        return Ok(picture);
    }
    let side = |n: u32| {
        let n = (u64::from(n) * u64::from(SIDE) + u64::from(longer) / 2) / u64::from(longer);
        (n as u32).max(1)
    };
    Scaler::new(format, side(format.width), side(format.height))?.run(&picture)
}

#[cfg(test)]
mod tests {
    use super::*;
    use lnr::{Chroma, PictureFormat};

    #[test]
    fn pictures_become_small_and_keep_their_shape() {
        for (from, to) in [
            ((1920, 1080), (240, 135)),
            ((1080, 1920), (135, 240)),
            ((64, 48), (64, 48)),
            ((5000, 2), (240, 1)),
        ] {
            let format = PictureFormat::new(from.0, from.1, Chroma::Yuv420, 8);
            let picture = small(Picture::new(format).unwrap()).unwrap();
            assert_eq!((picture.format().width, picture.format().height), to);
            let bytes = encoded_rgb8(to, &to_rgb8(&picture)).unwrap();
            let reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().unwrap();
            assert_eq!((reader.info().width, reader.info().height), to);
        }
    }
}
