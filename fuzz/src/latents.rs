// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is read and written without decoding: latents, metadata, access units between others.

use lnr::stream::{Unit, metadata, parse};
use lnr::{Interpolator, LatentReader};

use super::repair;
use super::split::units;

/// The first byte chooses factor and duration, the others are a stream.
pub fn target(data: &[u8]) {
    let Some((&how, data)) = data.split_first() else { return };
    let stream = repair::stream(data);
    let factor = 1 << (how & 3);
    let mut interpolator = Interpolator::new(factor).expect("1, 2, 4 or 8");
    let mut reader = LatentReader::default();
    for unit in units(&stream) {
        if let Ok(latent) = reader.push(unit) {
            assert!(latent.z.iter().all(|z| !z.is_nan()));
        }
        if let Ok(Unit::Group { payload, .. }) = parse(unit) {
            let _ = metadata(payload);
        }
        let duration = u64::from(how) * 1_000_003;
        let Ok(units) = interpolator.push(unit, 5, duration) else { continue };
        assert_eq!(units.iter().map(|u| u.duration).sum::<u64>(), duration);
        assert!(units.len() == factor as usize && units[0].data == unit);
        for inserted in &units[1..] {
            assert!(matches!(parse(&inserted.data), Ok(Unit::Frame { .. })));
            reader.push(&inserted.data).ok();
        }
    }
}
