// SPDX-License-Identifier: MIT OR Apache-2.0
//! Levels, matrices and chroma sites from raw caps into the stream and back.
mod elements;

use elements::*;

/// Two flat frames of luma 16 and gray chroma with these caps fields, encoded.
fn flat(fields: &str) -> Outcome {
    init();
    let caps = format!("video/x-raw,width=32,height=24,framerate=25/1,{fields}");
    let caps: gst::Caps = caps.parse().expect("caps");
    let info = gst_video::VideoInfo::from_caps(&caps).expect("raw video");
    let luma = info.size().min(32 * 24);
    let frame = |i: u64| {
        let mut data = vec![128u8; info.size()];
        data[..luma].fill(16);
        let mut buffer = gst::Buffer::from_slice(data);
        let writable = buffer.make_mut();
        writable.set_pts(gst::ClockTime::from_mseconds(40 * i));
        writable.set_duration(gst::ClockTime::from_mseconds(40));
        buffer
    };
    let encoder = "lnrenc speed-preset=ultrafast epochs=600 quality=60";
    run_buffers(vec![frame(0), frame(1)], &caps, &format!("{encoder} ! appsink name=out")).ok()
}

fn field(caps: &gst::Caps, name: &str) -> Option<String> {
    caps.structure(0)?.get(name).ok()
}

/// What the first of the decoded frames looks like behind `rest`, and its caps.
fn decoded(coded: &Outcome, rest: &str) -> (Vec<u8>, gst::Caps) {
    let rest = format!("lnrparse ! lnrdec ! {rest} appsink name=out");
    let out = run_on(&coded.stream(), 4096, &rest).ok();
    (out.data()[0].clone(), out.caps[0].clone())
}

#[test]
fn full_range_stays_full_where_no_matrix_is_stated() {
    for (format, range) in [
        ("I420", "1:0:0:0"),
        ("I420", "1:4:0:0"),
        ("GRAY8", "1:0:0:0"),
        ("I420", "2:0:0:0"),
        ("I420", "2:0:5:1"),
    ] {
        let coded = flat(&format!("format={format},colorimetry=(string){range}"));
        let (rgb, _) = decoded(&coded, "videoconvert ! video/x-raw,format=RGB !");
        let (raw, caps) = decoded(&coded, "");
        let expected = match range.starts_with('1') {
            true => f32::from(raw[0]),
            false => (f32::from(raw[0]) - 16.0) * 255.0 / 219.0,
        };
        assert!(raw[0] < 50 && (f32::from(rgb[0]) - expected).abs() < 3.0, "{range}: {}", rgb[0]);
        let said = field(&caps, "colorimetry").expect("colorimetry");
        // Transfer and primaries stay as they are: not the defaults that go with a default matrix.
        let (range, rest) = (&range[..1], &range[3..]);
        let numbers = match said.as_str() {
            "bt709" => "2:3:5:1",
            other => other,
        };
        assert!(numbers.starts_with(range) && numbers.ends_with(rest), "{format} {range}: {said}");
    }
}

#[test]
fn chroma_sites_come_back_by_their_names() {
    for site in ["mpeg2", "jpeg", "cosited", "v-cosited", "dv", "alt-line"] {
        for colorimetry in ["1:0:0:0", "bt709"] {
            let coded = flat(&format!(
                "format=I420,colorimetry=(string){colorimetry},chroma-site=(string){site}"
            ));
            let (_, caps) = decoded(&coded, "");
            assert_eq!(field(&caps, "chroma-site").as_deref(), Some(site), "{colorimetry}");
        }
    }
    let (_, caps) = decoded(&flat("format=I420,colorimetry=(string)bt709"), "");
    assert_eq!(field(&caps, "chroma-site"), None, "{caps}");
}
