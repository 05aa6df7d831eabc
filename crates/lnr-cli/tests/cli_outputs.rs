// SPDX-License-Identifier: MIT OR Apache-2.0
//! Pictures to containers that cannot hold them as they are: odd sizes, variable frame rates.
#![cfg(feature = "gstreamer")]

mod common;

use common::gif::gif;
use common::{Workplace, y4m};

#[test]
fn odd_sizes_become_even_for_h264_and_it_is_said() {
    let w = Workplace::new();
    for (sampling, size, said) in [
        ("420mpeg2", (33, 17), "33x17 are repeated to 34x18"),
        ("422", (33, 17), "33x17 are repeated to 34x17"),
        ("mono", (33, 18), "33x18 are repeated to 34x18"),
        ("444", (33, 17), ""),
        ("420mpeg2", (34, 18), ""),
    ] {
        w.write("in.y4m", &y4m(size.0, size.1, 3, sampling));
        w.ok(&["encode", "in.y4m", "a.lnr", "--preset", "ultrafast", "--epochs", "9", "--force"]);
        w.ok(&["decode", "a.lnr", "ref.y4m", "--force"]);
        let run = w.ok(&["decode", "a.lnr", "d.mp4", "--force"]);
        match said {
            "" => assert!(!run.err.contains("even sizes"), "{sampling}: {}", run.err),
            said => assert!(run.err.contains(said), "{sampling}: {}", run.err),
        }
        // Nothing moved: what is no padding is what was decoded.
        w.ok(&["encode", "d.mp4", "b.lnr", "--preset", "ultrafast", "--epochs", "1", "--force"]);
        let width = w.json(&["info", "b.lnr"])["width"].as_u64().unwrap();
        assert_eq!(width as usize, if said.is_empty() { size.0 } else { 34 }, "{sampling}");
    }
}

#[test]
fn padding_repeats_the_edge_and_moves_nothing() {
    let w = Workplace::new();
    w.write("in.y4m", &y4m(33, 17, 2, "420mpeg2"));
    w.ok(&["encode", "in.y4m", "a.lnr", "--bitrate", "900", "--epochs", "150"]);
    for name in ["ref/%d.png", "even.mp4"] {
        w.ok(&["decode", "a.lnr", name]);
    }
    common::pipeline::launch(
        &w,
        "filesrc location=OUT/even.mp4 ! qtdemux ! avdec_h264 ! videoconvert \
         ! video/x-raw,format=RGB ! pngenc ! multifilesink location=OUT/even%d.png",
    );
    let load = |name: &str| {
        let file = std::io::BufReader::new(std::fs::File::open(w.path(name)).unwrap());
        let mut reader = png::Decoder::new(file).read_info().unwrap();
        let mut data = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut data).unwrap();
        (info.width as usize, data)
    };
    let ((narrow, own), (wide, even)) = (load("ref/1.png"), load("even0.png"));
    assert_eq!((narrow, wide, even.len()), (33, 34, 34 * 18 * 3));
    let differences = (0..18).flat_map(|y| (0..34).map(move |x| (x, y))).map(|(x, y)| {
        let at = (y.min(16) * narrow + x.min(32)) * 3;
        own[at + 1].abs_diff(even[(y * wide + x) * 3 + 1])
    });
    // Nothing but what H.264 and the interpolation of chroma at the edges change.
    let sum: u32 = differences.map(u32::from).sum();
    assert!(sum < 34 * 18 * 4, "mean {}", f64::from(sum) / (34.0 * 18.0));
}

#[test]
fn every_frame_keeps_its_time_where_rates_vary() {
    let w = Workplace::new();
    let delays = [4, 4, 4, 8, 12, 12, 16, 16, 20, 20, 24, 36];
    w.write("a.gif", &gif(&delays));
    w.encode("a.gif", "a.lnr", &["--no-scene-cut"]);
    let times = |name: &str| {
        w.encode(name, "b.lnr", &["--no-scene-cut", "--force"]);
        let group = w.json(&["info", "b.lnr"])["groups"][0].clone();
        let ms = |v: &serde_json::Value| (v.as_f64().unwrap() / 1e6).round() as u64;
        group["frame_durations_ns"].as_array().unwrap().iter().map(ms).collect::<Vec<_>>()
    };
    let expected: Vec<u64> = delays.iter().map(|d| u64::from(*d) * 10).collect();
    assert_eq!(times("a.lnr")[..11], expected[..11]);
    for name in ["d.mp4", "d.mov", "d.mkv"] {
        w.ok(&["decode", "a.lnr", name]);
        assert_eq!(times(name)[..11], expected[..11], "{name}");
    }
    // The edit list of the file covers all that is shown: the last frame begins at 1.4 s.
    let mp4 = w.read("d.mp4");
    let at = mp4.windows(4).position(|b| b == b"elst").expect("an edit list");
    let number = |bytes: &[u8], at: usize| {
        u64::from(u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()))
    };
    let movie = mp4.windows(4).position(|b| b == b"mvhd").unwrap();
    let (duration, scale) = (number(&mp4, at + 12), number(&mp4, movie + 16));
    assert!(duration * 1000 > 1400 * scale, "{duration} / {scale}");
}

#[test]
fn files_of_one_rate_say_so_when_frames_come_at_others() {
    let w = Workplace::new();
    w.write("a.gif", &gif(&[4, 4, 12, 20, 4]));
    w.encode("a.gif", "rgb.lnr", &[]);
    // Y4M has no R'G'B': H.264 makes 4:4:4 of it.
    w.ok(&["decode", "rgb.lnr", "yuv.mkv"]);
    w.encode("yuv.mkv", "a.lnr", &[]);
    for name in ["d.avi", "d.y4m"] {
        let run = w.ok(&["decode", "a.lnr", name]);
        assert_eq!(run.err.matches("--fps").count(), 1, "{name}: {}", run.err);
        let run = w.ok(&["decode", "a.lnr", name, "--fps", "25", "--force"]);
        assert!(!run.err.contains("--fps"), "{name}: {}", run.err);
    }
}
