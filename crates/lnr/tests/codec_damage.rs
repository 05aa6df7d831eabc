// SPDX-License-Identifier: MIT OR Apache-2.0
//! Damaged streams are errors: no panic, no endless work, no memory that the header did not justify.

mod codec;

use codec::{config, decode, decoder, encode_pattern, split, yuv420};
use lnr::internals::base::Rng;
use lnr::stream::Unit;
use lnr::stream::spec::SourceSpec;
use lnr::{Error, Picture, stream};

fn file() -> Vec<u8> {
    let mut config = config(yuv420(40, 30));
    config.key_int_max = 3;
    encode_pattern(config, 6).into_iter().flat_map(|u| u.data).collect()
}

/// Pushes a unit and, if it is taken, renders what it shows.
fn try_unit(unit: &[u8]) -> lnr::Result<()> {
    let mut decoder = decoder();
    let shown = decoder.push(unit)?;
    let format = decoder.header().expect("a group was decoded").format;
    decoder.render(shown.tau, &mut Picture::new(format.resized(8, 8))?)
}

#[test]
fn changed_bytes_are_noticed() {
    let file = file();
    let group = split(&file)[0];
    for i in 0..group.len() {
        let mut bad = group.to_vec();
        bad[i] ^= 1 << (i % 8);
        let result = try_unit(&bad);
        assert!(matches!(result, Err(Error::Damaged(_) | Error::Limit(_))), "byte {i}");
    }
    for n in 0..group.len() {
        assert!(try_unit(&group[..n]).is_err(), "{n} bytes");
    }
}

/// The checksums are made to fit, so that the damage reaches the entropy decoder.
#[test]
fn payloads_that_lie_do_no_harm() {
    let file = file();
    let group = split(&file)[0];
    let Ok(Unit::Group { header, shows, payload }) = stream::parse(group) else {
        panic!("the first unit begins a group")
    };
    let mut rng = Rng::new(7);
    let (mut n_errors, mut n_pictures) = (0, 0);
    for round in 0..400 {
        let mut bad = payload.to_vec();
        match round % 4 {
            0 => bad.truncate(rng.below(payload.len())),
            1 => bad.iter_mut().take(3).for_each(|b| *b = rng.below(256) as u8),
            // Symbols of the last sections, some of which still are symbols then.
            2 => bad[payload.len() / 2 + rng.below(payload.len() / 2)] = rng.below(256) as u8,
            _ => bad[rng.below(payload.len())..].fill(rng.below(256) as u8),
        }
        match try_unit(&stream::write_group(&header, shows, &bad)) {
            Ok(()) => n_pictures += 1,
            // A tag that became another may have to be understood.
            Err(Error::Damaged(_) | Error::Limit(_) | Error::Unsupported(_)) => n_errors += 1,
            Err(e) => panic!("{e}"),
        }
    }
    assert!(n_errors > 50 && n_pictures > 0, "{n_errors} errors, {n_pictures} pictures");
}

#[test]
fn headers_that_ask_for_too_much_are_refused() {
    let file = file();
    let Ok(Unit::Group { header, shows, payload }) = stream::parse(split(&file)[0]) else {
        panic!("the first unit begins a group")
    };
    fn strides(h: &mut stream::GroupHeader, source: usize) -> &mut Vec<u32> {
        match &mut h.model.sources[source] {
            SourceSpec::Canonical { strides, .. } | SourceSpec::Residual { strides, .. } => strides,
            other => panic!("{other:?}"),
        }
    }
    type Change = fn(&mut stream::GroupHeader);
    let changes: [Change; 7] = [
        |h| h.format.width = 16_385,
        |h| (h.format.width, h.format.height) = (16_384, 16_384),
        |h| (h.format.width, h.format.height) = (8192, 8192),
        |h| *strides(h, 0) = vec![1; 11],
        |h| *strides(h, 3) = vec![0],
        |h| h.model.network.width = 513,
        |h| h.model.latent.dim = 5000,
    ];
    for (i, change) in changes.iter().enumerate() {
        let mut header = header.clone();
        change(&mut header);
        let unit = stream::write_group(&header, shows, payload);
        assert!(try_unit(&unit).is_err(), "change {i}");
    }
}

#[test]
fn a_bad_group_takes_its_frames_with_it_and_no_others() {
    let file = file();
    let mut units: Vec<_> = split(&file).into_iter().map(<[u8]>::to_vec).collect();
    let last = units[0].len() - 1;
    units[0][last] ^= 1;
    let mut decoder = decoder();
    let taken: Vec<_> = units.iter().map(|u| decoder.push(u).is_ok()).collect();
    assert_eq!(taken, [false, false, false, true, true, true]);
    assert!(decode([&units[1][..]]).is_err());
}
