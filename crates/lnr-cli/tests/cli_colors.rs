// SPDX-License-Identifier: MIT OR Apache-2.0
//! Ranges, matrices and chroma sites through `lnr` and containers.
#![cfg(feature = "gstreamer")]

mod common;

use common::Workplace;
use serde_json::json;

#[test]
fn full_range_stays_full_from_container_to_container() {
    let w = Workplace::new();
    // Five dark gray frames of H.264 that states the range alone.
    w.write("in.mp4", include_bytes!("data/full-range.mp4"));
    w.encode("in.mp4", "a.lnr", &[]);
    let unknown =
        json!({ "matrix": 2, "full_range": true, "primaries": 2, "transfer": 2, "chroma_site": 1 });
    assert_eq!(w.json(&["info", "a.lnr"])["color"], unknown);
    for name in ["d.mkv", "d.mp4"] {
        w.ok(&["decode", "a.lnr", name]);
        w.encode(name, "b.lnr", &[]);
        let color = w.json(&["info", "b.lnr"])["color"].clone();
        assert_eq!(
            (&color["full_range"], &color["chroma_site"]),
            (&true.into(), &1.into()),
            "{name}"
        );
        // An unknown range or another one would move all levels.
        let j = w.json(&["compare", "a.lnr", name]);
        assert!(j["psnr_rgb"].as_f64().unwrap() > 38.0, "{name}: {j}");
    }
}

#[test]
fn rendering_at_another_size_changes_no_colours() {
    let w = Workplace::new();
    let header = b"YUV4MPEG2 W32 H24 F25:1 C420mpeg2\nFRAME\n".to_vec();
    // Saturated red, which BT.601 and BT.709 show 20 code values apart.
    let frame = [vec![81; 32 * 24], vec![90; 16 * 12], vec![240; 16 * 12]].concat();
    w.write("in.y4m", &[header, frame].concat());
    w.ok(&["encode", "in.y4m", "a.lnr", "--preset", "ultrafast", "--epochs", "100"]);
    let color = |args: &[&str]| {
        w.ok(&[&["decode", "a.lnr", "p/%d.png"], args].concat());
        let decoder = png::Decoder::new(std::io::BufReader::new(
            std::fs::File::open(w.path("p/1.png")).unwrap(),
        ));
        let mut reader = decoder.read_info().unwrap();
        let mut data = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut data).unwrap();
        let middle = data.len() / 2 / 3 * 3;
        [data[middle], data[middle + 1], data[middle + 2]]
    };
    let (native, large) = (color(&[]), color(&["--size", "960x720"]));
    assert!(native.iter().zip(large).all(|(a, b)| a.abs_diff(b) <= 8), "{native:?} {large:?}");
}
