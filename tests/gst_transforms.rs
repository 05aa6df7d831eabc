// SPDX-License-Identifier: MIT OR Apache-2.0
//! lnrinterp.
mod elements;

use elements::*;
use gst::prelude::*;

fn interpolate(description: &str) -> Outcome {
    let stream = small_stream().stream();
    run_on(&stream, 4096, &format!("lnrparse ! {description} ! appsink name=out")).ok()
}

#[test]
fn durations_sum_exactly_for_every_factor() {
    let coded = small_stream();
    for factor in [2, 4, 8] {
        let out = interpolate(&format!("lnrinterp factor={factor}"));
        assert_eq!(out.buffers.len(), 12 * factor);
        for (many, (pts, duration)) in out.times().chunks(factor).zip(coded.times()) {
            assert_eq!(many[0].0, pts);
            assert!(many.windows(2).all(|w| w[0].0 + w[0].1 == w[1].0 && w[0].1 > 0));
            let (last_pts, last_duration) = many[factor - 1];
            assert_eq!(last_pts + last_duration, pts + duration);
        }
        let keys: Vec<_> = out.keys().iter().step_by(factor).copied().collect();
        assert_eq!(keys, coded.keys());
        assert_eq!(out.keys().iter().filter(|&&key| key).count(), 3);
        let rate = out.caps[0].structure(0).unwrap().get("framerate");
        assert_eq!(rate, Ok(gst::Fraction::new(30 * factor as i32, 1)));
    }
}

#[test]
fn the_rate_downstream_asks_for_is_enough() {
    for (rate, factor) in [(30, 1), (60, 2), (120, 4), (240, 8)] {
        let out = interpolate(&format!("lnrinterp ! video/x-lnr,framerate={rate}/1"));
        assert_eq!(out.buffers.len(), 12 * factor, "{rate}");
    }
    assert_eq!(interpolate("lnrinterp").buffers.len(), 24);
    let other = run_on(
        &small_stream().stream(),
        4096,
        "lnrparse ! lnrinterp ! video/x-lnr,framerate=50/1 ! appsink name=out",
    );
    assert!(other.error.is_some());
}

#[test]
fn factors_that_do_not_exist_are_refused() {
    init();
    let interp = gst::ElementFactory::make("lnrinterp").property("factor", 3u32).build().unwrap();
    assert!(interp.set_state(gst::State::Paused).is_err());
    interp.set_state(gst::State::Null).unwrap();
}

#[test]
fn interpolated_units_decode() {
    let stream = small_stream().stream();
    let plain = run_on(&stream, 4096, "lnrparse ! lnrdec ! appsink name=out").ok();
    let out = interpolate("lnrinterp factor=2 ! lnrdec");
    assert_eq!(out.buffers.len(), 24);
    let rate = out.caps[0].structure(0).unwrap().get("framerate");
    assert_eq!(rate, Ok(gst::Fraction::new(60, 1)));
    let originals: Vec<_> = out.data().into_iter().step_by(2).collect();
    assert_eq!(originals, plain.data());
    // After the last frame of a group, that frame is held.
    assert_eq!(out.data()[7], out.data()[6]);
}

#[test]
fn an_interpolated_file_has_the_same_times() {
    let out = interpolate("lnrinterp factor=4");
    let parsed = run_on(&out.stream(), 1000, "lnrparse ! appsink name=out").ok();
    assert_eq!(parsed.data(), out.data());
    let close = |a: u64, b: u64| a.abs_diff(b) <= 1;
    for (a, b) in parsed.times().iter().zip(out.times()) {
        assert!(close(a.0, b.0) && a.1.abs_diff(b.1) <= 2, "{a:?} {b:?}");
    }
    let rate = parsed.caps[0].structure(0).unwrap().get("framerate");
    assert_eq!(rate, Ok(gst::Fraction::new(120, 1)));
}

#[test]
fn variable_frame_rate_is_interpolated_by_its_times() {
    let frames = [(0, 10), (10, 40), (50, 100)].map(|(p, d)| gray_frame(16, 16, p, Some(d)));
    let out = run_buffers(
        frames.to_vec(),
        &gray_caps(16, 16, "0/1"),
        &format!("{ENC} scene-cut=false ! lnrinterp ! appsink name=out"),
    )
    .ok();
    let ms: Vec<_> = out.times().iter().map(|t| (t.0 / 1_000_000, t.1 / 1_000_000)).collect();
    assert_eq!(ms, [(0, 5), (5, 5), (10, 20), (30, 20), (50, 50), (100, 50)]);
}

#[test]
fn interpolation_goes_on_after_damage() {
    let coded = small_stream();
    let mut buffers = coded.buffers.clone();
    buffers.drain(4..5);
    let out = run_buffers(buffers, &coded.caps[0], "lnrinterp ! appsink name=out").ok();
    assert_eq!(out.buffers.len(), 16);
    assert_eq!(out.warnings.len(), 1, "{:?}", out.warnings);
}
