// SPDX-License-Identifier: MIT OR Apache-2.0
//! Groups of one kind of model, whose checksums are right, from bytes to pictures.

use std::sync::OnceLock;

use lnr::stream::spec::SourceSpec;
use lnr::stream::{PartReader, Unit, parse};
use lnr::{Decoder, DecoderSettings, Engine, Error, Limits, Picture, Result, Tau};

use super::repair;

/// Most memory of a group: a header may ask for more, in vain.
const MEMORY: u64 = 4 << 20;
/// Side of the pictures.
const SIDE: u32 = 8;

fn settings() -> DecoderSettings {
    let limits = Limits::default().max_pixels(64 * 64).max_frames_per_group(32).max_memory(MEMORY);
    DecoderSettings::default().threads(1).limits(limits)
}

fn decoder() -> Decoder {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    let engine = ENGINE.get_or_init(|| Engine::open(&settings()).expect("the CPU is there"));
    Decoder::with_engine(settings(), engine.clone())
}

/// Decodes the group unit `data` if its source is one that `is_wanted`.
pub fn decode(data: &[u8], is_wanted: fn(&SourceSpec) -> bool) {
    let Some(unit) = repair::group(data) else { return };
    let Ok(Unit::Group { header, payload, .. }) = parse(&unit) else { return };
    if !header.model.sources.iter().all(is_wanted) {
        return;
    }
    if let Ok(pictures) = pictures(&mut decoder(), &unit) {
        let again = self::pictures(&mut decoder(), &unit).expect("it was decoded before");
        assert!(pictures == again, "the same bytes give other pictures");
        // What decodes can be taken apart, if its work may be.
        match PartReader::default().read(&header, payload) {
            Ok(_) | Err(Error::Limit(_)) => {}
            Err(e) => panic!("it decodes, but its parts cannot be read: {e}"),
        }
    }
}

fn pictures(decoder: &mut Decoder, unit: &[u8]) -> Result<[Picture; 2]> {
    let shown = decoder.push(unit)?;
    let header = decoder.header().expect("a group");
    let (format, n_frames) = (header.format.resized(SIDE, SIDE), header.n_frames());
    let mut render = |tau| -> Result<Picture> {
        let mut picture = Picture::new(format)?;
        decoder.render(tau, &mut picture)?;
        Ok(picture)
    };
    let middle = Tau::from_units(n_frames * Tau::UNIT / 2);
    Ok([render(shown.tau)?, render(middle)?])
}
