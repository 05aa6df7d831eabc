// SPDX-License-Identifier: MIT OR Apache-2.0
//! The codec as a library: what goes in comes out, for every format, size and length.

mod codec;

use codec::{FRAME, config, decode, decoder, encode, encode_pattern, frame, psnr, yuv420};
use lnr::{
    CancelFlag, Chroma, Control, Decoder, DecoderSettings, Encoder, Error, Limits, Picture,
    PictureFormat, RateControl, Tau,
};

fn bytes(units: &[lnr::AccessUnit]) -> Vec<&[u8]> {
    units.iter().map(|u| &u.data[..]).collect()
}

#[test]
fn every_format_comes_back() {
    let all = [Chroma::Gray, Chroma::Yuv420, Chroma::Yuv422, Chroma::Yuv444, Chroma::Rgb];
    for (chroma, depth) in all.into_iter().flat_map(|c| [8, 10, 16].map(|d| (c, d))) {
        let format = PictureFormat::new(47, 33, chroma, depth);
        let mut config = config(format);
        config.epochs = 30;
        let units = encode_pattern(config, 3);
        let pictures = decode(bytes(&units)).unwrap();
        for (t, picture) in pictures.iter().enumerate() {
            let source = codec::picture(format, t);
            for plane in 0..chroma.n_planes() {
                let db = psnr(&source, picture, plane);
                assert!(db > 22.0, "{chroma:?} {depth} bits, frame {t}, plane {plane}: {db:.1} dB");
            }
        }
    }
}

#[test]
fn odd_sizes_and_single_frames() {
    for (w, h) in [(1, 1), (1, 9), (13, 1), (2, 2), (31, 17), (65, 64), (129, 3)] {
        for n in [1, 2] {
            let units = encode_pattern(config(yuv420(w, h)), n);
            let pictures = decode(bytes(&units)).unwrap();
            assert_eq!(pictures.len(), n, "{w}x{h}");
            // At other sizes, smaller and larger.
            let mut decoder = decoder();
            let tau = decoder.push(&units[0].data).unwrap().tau;
            let own = decoder.header().unwrap().format;
            for (w, h) in [(1, 1), (w + 5, 3 * h), (1, 40)] {
                let mut out = Picture::new(own.resized(w, h)).unwrap();
                decoder.render(tau, &mut out).unwrap();
            }
        }
    }
}

#[test]
fn a_large_picture() {
    let mut config = config(yuv420(4096, 2160));
    config.epochs = 1;
    let units = encode_pattern(config, 1);
    let pictures = decode(bytes(&units)).unwrap();
    assert_eq!(pictures[0].plane(0).len(), 4096 * 2160);
}

#[test]
fn equal_seeds_give_equal_files() {
    let run = |seed, threads| {
        let mut config = config(yuv420(40, 24));
        (config.seed, config.threads) = (seed, threads);
        bytes(&encode_pattern(config, 3)).concat()
    };
    assert_eq!(run(1, 2), run(1, 2));
    assert_eq!(run(1, 2), run(1, 1));
    assert_ne!(run(1, 2), run(2, 2));
}

#[test]
fn groups_times_and_any_tau() {
    let format = yuv420(32, 32);
    let mut config = config(format);
    config.key_int_max = 3;
    // Variable frame rate: every frame lasts 1 ms longer than the one before.
    let mut pts = 5 * FRAME;
    let frames: Vec<_> = (0..7)
        .map(|t| {
            let duration = FRAME + 1_000_000 * t;
            let frame = lnr::InputFrame { pts, duration, ..frame(format, t as usize) };
            pts += duration;
            frame
        })
        .collect();
    let units = encode(config, frames.clone()).unwrap();
    let keys: Vec<_> = units.iter().map(|u| u.is_key).collect();
    assert_eq!(keys, [true, false, false, true, false, false, true]);
    let mut decoder = decoder();
    for (unit, frame) in units.iter().zip(&frames) {
        let shown = decoder.push(&unit.data).unwrap();
        assert_eq!((shown.pts, unit.pts, unit.duration), (frame.pts, frame.pts, frame.duration));
    }
    // Between frames there are pictures, too; beyond the last one it is held.
    decoder.push(&units[0].data).unwrap();
    let mut at = |tau: Tau| {
        let mut out = Picture::new(format).unwrap();
        decoder.render(tau, &mut out).unwrap();
        out
    };
    let (first, between, second) = (at(Tau::frame(0)), at(Tau::from_units(128)), at(Tau::frame(1)));
    assert!(first != between && between != second);
    assert!(at(Tau::frame(2)) == at(Tau::from_units(2 * 256 + 200)));
}

#[test]
fn times_that_no_group_holds_are_refused_at_once() {
    let format = yuv420(16, 16);
    let (longest, end) = (1 << 50, i64::MAX as u64);
    let mut encoder = Encoder::new(config(format).jobs(1)).unwrap();
    let mut control = Control::default();
    let mut push = |pts, duration| {
        encoder.push(lnr::InputFrame { pts, duration, ..frame(format, 0) }, &mut control)
    };
    for (pts, duration, named) in [
        (0, 0, 0),
        (0, longest + 1, longest + 1),
        (end, 1, end),
        (end - FRAME, FRAME + 1, end - FRAME),
        (u64::MAX, FRAME, u64::MAX),
    ] {
        match push(pts, duration) {
            Err(Error::InvalidSetting(e)) => assert!(e.contains(&format!("{named} ns")), "{e}"),
            other => panic!("{pts}, {duration}: {other:?}"),
        }
    }
    // What is refused is not kept. A frame that comes too late for the group begins another.
    assert_eq!(push(0, FRAME).unwrap().len(), 0);
    assert_eq!(push(longest, FRAME).unwrap().len(), 0);
    assert_eq!(push(end - longest, longest).unwrap().len(), 2);
    let units = encoder.finish(&mut Control::default()).unwrap();
    assert_eq!((units.len(), units[0].pts), (1, end - longest));
}

#[test]
fn forced_keys_and_settings_out_of_range() {
    let format = yuv420(16, 16);
    let mut frames: Vec<_> = (0..4).map(|t| frame(format, t)).collect();
    frames[2].force_key = true;
    let units = encode(config(format), frames).unwrap();
    assert_eq!(units.iter().filter(|u| u.is_key).count(), 2);

    let refused = |change: &dyn Fn(&mut lnr::EncoderSettings)| {
        let mut config = config(format);
        change(&mut config);
        matches!(Encoder::new(config), Err(Error::InvalidSetting(_)))
    };
    assert!(refused(&|c| c.rate_control = RateControl::Quality(101.0)));
    assert!(refused(&|c| c.rate_control = RateControl::Quality(f32::NAN)));
    assert!(refused(&|c| c.rate_control = RateControl::Bitrate(0)));
    assert!(refused(&|c| c.key_int_max = 0));
    assert!(refused(&|c| c.key_int_max = 257));
    assert!(refused(&|c| c.frame_rate = (25, 0)));
    assert!(refused(&|c| c.threads = 100_000));
    assert!(refused(&|c| c.epochs = 1_000_001));
    assert!(refused(&|c| (c.format.width, c.max_memory) = (8000, 1 << 20)));
}

#[test]
fn callers_set_limits_of_their_own() {
    let units = encode_pattern(config(yuv420(24, 16)).key_int_max(3), 3);
    let push = |limits: Limits| {
        let settings = DecoderSettings::default().threads(1).limits(limits);
        Decoder::new(settings).unwrap().push(&units[0].data).map(|_| ())
    };
    let n_pixels = 24 * 16;
    push(Limits::default().max_pixels(n_pixels).max_frames_per_group(3)).unwrap();
    let names = |result: lnr::Result<()>, what: &str| match result {
        Err(Error::Limit(text)) => assert!(text.contains(what), "{text}"),
        other => panic!("{other:?}"),
    };
    names(push(Limits::default().max_pixels(n_pixels - 1)), "384 pixels");
    names(push(Limits::default().max_frames_per_group(2)), "3 frames");
    let error = Decoder::new(DecoderSettings::default().threads(100_000)).err();
    assert!(matches!(error, Some(Error::InvalidSetting(t)) if t.contains("choose 1 to 256")));
}

#[test]
fn little_memory_makes_short_groups() {
    let mut config = config(yuv420(96, 96));
    config.epochs = 1;
    (config.threads, config.max_memory) = (1, 2 << 20);
    let units = encode_pattern(config, 12);
    let n_groups = units.iter().filter(|u| u.is_key).count();
    assert!((2..=12).contains(&n_groups), "{n_groups} groups");
}

#[test]
fn bit_rates_are_met() {
    let format = yuv420(64, 48);
    for kbit in [25, 50] {
        let mut config = config(format);
        (config.epochs, config.key_int_max) = (60, 8);
        config.rate_control = RateControl::Bitrate(kbit);
        let units = encode_pattern(config, 32);
        let bits = 8.0 * units.iter().map(|u| u.data.len() as f64).sum::<f64>();
        let ratio = bits / (f64::from(kbit) * 1000.0 * 32.0 / 25.0);
        assert!((0.9..1.1).contains(&ratio), "{kbit} kbit/s: {ratio:.3} of what was asked for");
    }
}

#[test]
fn a_cancelled_encoder_stops_and_can_go_on() {
    let format = yuv420(64, 64);
    let mut config = config(format);
    (config.key_int_max, config.epochs, config.jobs) = (2, 1_000_000, 1);
    let mut encoder = Encoder::new(config).unwrap();
    let cancel = CancelFlag::default();
    let mut n_reports = 0;
    let (flag, reports) = (cancel.clone(), &mut n_reports);
    let mut stop = |_: &lnr::Progress| {
        *reports += 1;
        flag.set(*reports == 5);
    };
    let mut control = Control { cancel: cancel.clone(), progress: Some(&mut stop) };
    encoder.push(frame(format, 0), &mut control).unwrap();
    let result = encoder.push(frame(format, 1), &mut control);
    assert!(matches!(result, Err(Error::Cancelled)));
    assert_eq!((n_reports, encoder.n_pending()), (5, 0));
}

#[test]
fn what_to_aim_at_may_change_and_counts_from_the_next_group() {
    let format = yuv420(32, 32);
    let settings = |rate_control| {
        let mut config = config(format);
        (config.key_int_max, config.rate_control, config.jobs) = (2, rate_control, 1);
        config
    };
    let (fine, coarse) = (RateControl::Quality(90.0), RateControl::Quality(10.0));
    let mut encoder = Encoder::new(settings(fine)).unwrap();
    let mut control = Control::default();
    let mut units = Vec::new();
    for t in 0..6 {
        units.extend(encoder.push(frame(format, t), &mut control).unwrap());
        match t {
            // The group that has begun keeps its own.
            0 => encoder.set_rate_control(coarse).unwrap(),
            2 => assert_eq!(encoder.settings().rate_control, coarse),
            4 => assert!(encoder.set_rate_control(RateControl::Bitrate(0)).is_err()),
            _ => assert_eq!(encoder.n_pending(), 0),
        }
    }
    let of = |rate_control| encode_pattern(settings(rate_control), 6);
    let (fine, coarse) = (of(fine), of(coarse));
    assert_ne!(fine[2].data, coarse[2].data);
    assert_eq!(bytes(&units), [bytes(&fine[..2]), bytes(&coarse[2..])].concat());
}

#[test]
fn a_bit_rate_may_be_asked_for_on_the_way() {
    let format = yuv420(48, 32);
    let mut config = config(format);
    (config.key_int_max, config.epochs, config.jobs) = (4, 60, 1);
    let mut encoder = Encoder::new(config.quality(95.0)).unwrap();
    let mut control = Control::default();
    let mut bits = [0.0; 2];
    for t in 0..48 {
        if t == 4 {
            encoder.set_rate_control(RateControl::Bitrate(30)).unwrap();
        }
        for unit in encoder.push(frame(format, t), &mut control).unwrap() {
            bits[usize::from(t >= 4)] += 8.0 * unit.data.len() as f64;
        }
    }
    let ratio = bits[1] / (30_000.0 * 44.0 / 25.0);
    assert!((0.85..1.15).contains(&ratio), "{ratio:.3} of what was asked for");
    assert!(bits[0] / 4.0 > 1.5 * bits[1] / 44.0, "{bits:?}");
}

#[test]
fn what_a_stream_says_may_change_with_the_next_group() {
    let format = yuv420(16, 16);
    let mut settings = config(format);
    (settings.key_int_max, settings.jobs) = (2, 1);
    let mut encoder = Encoder::new(settings).unwrap();
    let mut control = Control::default();
    let mut units = Vec::new();
    for t in 0..4 {
        units.extend(encoder.push(frame(format, t), &mut control).unwrap());
        if t == 0 {
            let orientation = lnr::stream::Orientation::new(1, false);
            encoder.set_metadata(lnr::stream::Metadata { orientation, ..Default::default() });
        }
    }
    let mut decoder = decoder();
    let mut said = |unit: &[u8]| {
        decoder.push(unit).unwrap();
        let metadata = decoder.metadata().unwrap().clone();
        (decoder.header().unwrap().id, metadata.orientation.turns(), metadata.settings.is_empty())
    };
    assert_eq!(said(&units[0].data), (0, 0, false));
    assert_eq!(said(&units[2].data), (1, 1, true));
}
