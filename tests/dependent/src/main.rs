// SPDX-License-Identifier: MIT OR Apache-2.0
//! Encodes two frames and decodes them.

use lnr::{Chroma, Control, Decoder, DecoderSettings, Encoder, EncoderSettings};
use lnr::{InputFrame, Picture, PictureFormat};

fn main() -> lnr::Result<()> {
    let format = PictureFormat::new(16, 16, Chroma::Gray, 8);
    let mut encoder = Encoder::new(EncoderSettings::new(format).epochs(1).key_int_max(2))?;
    let first = InputFrame::new(Picture::new(format)?, 0, 40);
    let mut units = encoder.push(first, &mut Control::default())?;
    let second = InputFrame::new(Picture::new(format)?, 40, 40);
    units.extend(encoder.push(second, &mut Control::default())?);
    units.extend(encoder.finish(&mut Control::default())?);
    let mut decoder = Decoder::new(DecoderSettings::default())?;
    let mut out = Picture::new(format.resized(20, 12))?;
    for unit in &units {
        let shown = decoder.push(&unit.data)?;
        decoder.render(shown.tau, &mut out)?;
    }
    println!("{} frames", units.len());
    Ok(())
}
