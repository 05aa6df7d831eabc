// SPDX-License-Identifier: MIT OR Apache-2.0
//! Parts that are joined, by `cat` or by `lnr join`, and files that were interrupted.
mod common;

use common::{Workplace, groups, y4m, y4m_frames};
use lnr::stream::{FileIndex, Scan, scan};

/// A file of three groups and ten frames, `name`.
fn clip(place: &Workplace, name: &str) -> Vec<Vec<u8>> {
    place.write("in.y4m", &y4m(32, 24, 10, "420mpeg2"));
    place.encode("in.y4m", name, &["--key-int-max", "4", "--no-scene-cut"]);
    groups(&place.read(name))
}

fn decoded(place: &Workplace, name: &str, args: &[&str]) -> Vec<u8> {
    place.ok(&[&["decode", name, "out.y4m"], args].concat());
    place.read("out.y4m")
}

/// The pictures of Y4M files in a row, under the first one's header.
fn pictures(files: &[&[u8]]) -> Vec<u8> {
    let end = |f: &[u8]| f.iter().position(|&b| b == b'\n').expect("a header") + 1;
    let mut all = files[0].to_vec();
    files[1..].iter().for_each(|f| all.extend(&f[end(f)..]));
    all
}

#[test]
fn parts_in_any_order_are_decoded_completely() {
    let place = Workplace::new();
    let [a, b, c] = <[Vec<u8>; 3]>::try_from(clip(&place, "a.lnr")).expect("three groups");
    let whole = place.read("a.lnr");
    let pictures_of = |group: &[u8]| {
        place.write("one.lnr", group);
        decoded(&place, "one.lnr", &[])
    };
    let [pa, pb, pc] = [&a, &b, &c].map(|group| pictures_of(group));
    type Parts<'a> = Vec<&'a [u8]>;
    let cases: [(Parts, Parts); 4] = [
        (vec![&whole, &whole], vec![&pa, &pb, &pc, &pa, &pb, &pc]),
        (vec![&c, &a, &b], vec![&pc, &pa, &pb]),
        (vec![&a, &a, &b, &a], vec![&pa, &pa, &pb, &pa]),
        (vec![&a, &c], vec![&pa, &pc]),
    ];
    for (parts, expected) in cases {
        let expected = pictures(&expected);
        place.write("cat.lnr", &parts.concat());
        assert!(decoded(&place, "cat.lnr", &[]) == expected);
        place.ok(&["join", "cat.lnr", "joined.lnr"]);
        assert!(decoded(&place, "joined.lnr", &[]) == expected);
        let [before, after] = ["cat.lnr", "joined.lnr"].map(|name| {
            let info = place.json(&["info", name]);
            let groups = info["groups"].as_array().expect("groups").clone();
            groups.iter().map(|g| g["pts_ns"].clone()).collect::<Vec<_>>()
        });
        assert_eq!(before, after, "the times are those of playing it");
    }
}

#[test]
fn joined_times_go_on_at_other_rates_too() {
    let place = Workplace::new();
    clip(&place, "a.lnr");
    let whole = place.read("a.lnr");
    place.write("cat.lnr", &[&whole[..], &whole].concat());
    decoded(&place, "cat.lnr", &["--fps", "50"]);
    assert_eq!(y4m_frames(&place.path("out.y4m")).0, 40);
    decoded(&place, "cat.lnr", &["--start", "0.4", "--duration", "0.2"]);
    let part = place.read("out.y4m");
    assert!(part == decoded(&place, "a.lnr", &["--duration", "0.2"]));
}

#[test]
fn join_writes_files_that_need_nothing_of_their_parts() {
    let place = Workplace::new();
    clip(&place, "a.lnr");
    place.encode("in.y4m", "b.lnr", &["--size", "16x12", "--seed", "7"]);
    let joined = place.json(&["join", "a.lnr", "b.lnr", "a.lnr", "all.lnr"]);
    assert_eq!((&joined["frames"], &joined["groups"]), (&30.into(), &7.into()));
    assert_eq!(joined["seconds"], 1.2);
    let file = place.read("all.lnr");
    let Scan::Index(len) = scan(&file) else { panic!("no index") };
    let index = FileIndex::parse(&file[..len]).expect("a good index");
    assert_eq!(index.n_bytes() as usize, file.len() - len);
    let ids: Vec<u8> = groups(&file).iter().map(|group| group[8]).collect();
    assert_eq!(ids, [0, 1, 2, 3, 4, 5, 6]);
    assert!(index.groups.iter().all(|g| !g.place.is_restart));
    // To standard output there is no index.
    let run = place.lnr(&["join", "a.lnr", "-"]);
    assert_eq!(run.code, 0, "{}", run.err);
    let info = place.json(&["info", "a.lnr"]);
    assert_eq!(info["index"], true);
    place.write("raw.lnr", &groups(&file).concat());
    assert_eq!(place.json(&["info", "raw.lnr"])["index"], false);
}

#[test]
fn all_pictures_before_another_format_are_kept() {
    let place = Workplace::new();
    clip(&place, "a.lnr");
    let before = decoded(&place, "a.lnr", &[]);
    place.write("gray.y4m", &y4m(32, 24, 2, "mono"));
    place.encode("gray.y4m", "b.lnr", &[]);
    place.ok(&["join", "a.lnr", "b.lnr", "ab.lnr"]);
    place.lnr(&["decode", "ab.lnr", "out.y4m"]).failed(3, "group 4 changes the pixel format");
    assert!(place.read("out.y4m") == before);
}

#[test]
fn damage_is_left_out_and_said() {
    let place = Workplace::new();
    let parts = clip(&place, "a.lnr");
    let mut bad = parts.concat();
    let at = parts[0].len() + parts[1].len() / 2;
    bad[at] ^= 4;
    place.write("bad.lnr", &bad);
    place.lnr(&["join", "bad.lnr", "a.lnr", "out.lnr"]).failed(3, "bad.lnr: 1 damaged part");
    assert_eq!(place.json(&["info", "out.lnr"])["frames"], 16);
    place.write("junk.lnr", &[7; 900]);
    let before = place.read("out.lnr");
    place.lnr(&["join", "junk.lnr", "out2.lnr"]).failed(3, "no LNR group");
    place.lnr(&["join", "a.lnr", "out.lnr", "out.lnr"]).failed(1, "same file");
    assert!(place.read("out.lnr") == before && !place.path("out2.lnr").exists());
}

#[test]
fn a_file_that_is_cut_short_says_so() {
    let place = Workplace::new();
    let parts = clip(&place, "a.lnr");
    let whole = place.read("a.lnr");
    let [first, second, third] = [0, 1, 2].map(|i| parts[i].len());
    let frame = 7; // bytes of a frame's access unit
    let (body, index) = (parts.concat(), whole.len() - first - second - third);
    let cases = [
        ("inside of an access unit", body[..first + 40].to_vec(), 4usize),
        ("between frames", body[..first + second - frame].to_vec(), 7),
        ("between groups, with an index", whole[..index + first + second].to_vec(), 8),
    ];
    for (what, bytes, n_frames) in cases {
        place.write("cut.lnr", &bytes);
        for (args, n) in [(&[][..], n_frames), (&["--fps", "50"], 2 * n_frames.next_multiple_of(4))]
        {
            let args = [&["decode", "cut.lnr", "out.y4m", "--json"], args].concat();
            let run = place.lnr(&args);
            run.failed(3, "1 damaged part left out");
            assert!(
                run.err.contains("cut short") || run.err.contains("ends within"),
                "{}",
                run.err
            );
            assert_eq!(y4m_frames(&place.path("out.y4m")).0, n, "{what}");
            assert!(run.out.contains("\"damaged\":1"), "{}", run.out);
        }
        place.lnr(&["info", "cut.lnr"]).failed(3, "1 damaged part");
    }
    // Between two groups of a file without an index nothing tells.
    place.write("cut.lnr", &body[..first]);
    assert!(decoded(&place, "cut.lnr", &["--fps", "50"]).len() > 1000);
}

#[test]
fn a_frame_of_a_lost_group_is_not_shown_by_another_of_the_same_id() {
    let place = Workplace::new();
    let parts = clip(&place, "a.lnr");
    // The start of the second file's first group is missing: its frames say id 0, as those before.
    let Scan::Unit { len, .. } = scan(&parts[0]) else { panic!("a group") };
    place.write("cat.lnr", &[&parts[0][..], &parts[0][len..]].concat());
    place.lnr(&["decode", "cat.lnr", "out.y4m"]).failed(3, "1 damaged part left out");
    assert_eq!(y4m_frames(&place.path("out.y4m")).0, 4);
}

#[test]
fn resume_ends_with_the_bytes_of_an_uninterrupted_run() {
    let place = Workplace::new();
    place.write("in.y4m", &y4m(32, 24, 14, "420mpeg2"));
    let run = |out: &str, more: &[&str]| {
        let args = ["encode", "in.y4m", out, "--epochs", "4", "--key-int-max", "4"];
        place.lnr(&[&args[..], more].concat())
    };
    for options in [&["--quality", "40"][..], &["--bitrate", "90"]] {
        assert_eq!(run("whole.lnr", options).code, 0);
        let whole = place.read("whole.lnr");
        let parts = groups(&whole);
        let [first, second] = [parts[0].len(), parts[1].len()];
        let body = parts.concat();
        for n in [first, first + 9, first + second - 1, first + second, body.len() - 1, body.len()]
        {
            place.write("cut.lnr", &body[..n]);
            let resumed = run("cut.lnr", &[options, &["--resume"]].concat());
            assert_eq!(resumed.code, 0, "{n} bytes kept: {}", resumed.err);
            assert!(place.read("cut.lnr") == whole, "{n} bytes kept");
        }
        // A finished file that was cut since, as by a copy that broke off, and one that was joined.
        let index = whole.len() - body.len();
        for n in [index + first, index + first + second + 9, whole.len() - 1] {
            place.write("cut.lnr", &whole[..n]);
            let resumed = run("cut.lnr", &[options, &["--resume"]].concat());
            assert_eq!(resumed.code, 0, "{n} bytes of a finished file: {}", resumed.err);
            assert!(place.read("cut.lnr") == whole, "{n} bytes of a finished file");
        }
        place.write("cut.lnr", &[&whole[..index + first], &whole[..]].concat());
        let joined = run("cut.lnr", &[options, &["--resume"]].concat());
        assert_eq!(joined.code, 1, "{}", joined.err);
        // What is finished stays, and where there is nothing it begins at the beginning.
        assert_eq!(run("whole.lnr", &[options, &["--resume"]].concat()).code, 0);
        assert!(place.read("whole.lnr") == whole);
        std::fs::remove_file(place.path("cut.lnr")).expect("removed");
        assert_eq!(run("cut.lnr", &[options, &["--resume"]].concat()).code, 0);
        assert!(place.read("cut.lnr") == whole);
    }
}

#[test]
fn resume_refuses_what_it_cannot_go_on_with() {
    let place = Workplace::new();
    let parts = clip(&place, "a.lnr");
    let cut = parts[..2].concat();
    let refused = |args: &[&str], code: i32, message: &str| {
        place.write("cut.lnr", &cut);
        let quick = ["encode", "in.y4m", "cut.lnr", "--resume", "--preset", "ultrafast"];
        place.lnr(&[&quick, args].concat()).failed(code, message);
        assert!(place.read("cut.lnr") == cut, "{message}");
    };
    let same = ["--epochs", "4", "--key-int-max", "4", "--no-scene-cut"];
    refused(&[&same[..], &["--quality", "12"]].concat(), 1, "other settings");
    refused(&["--epochs", "4", "--no-scene-cut"], 1, "other settings");
    refused(&[&same[..], &["--frames", "6"]].concat(), 1, "more frames than");
    refused(&[&same[..], &["--start", "1"]].concat(), 1, "other pictures");
    refused(&[&same[..], &["--size", "16x12"]].concat(), 1, "other properties of the video");
    place.write("in.y4m", &y4m(32, 24, 10, "420mpeg2").replace(b"F25:1", b"F24:1"));
    refused(&same, 1, "other properties of the video");
    place.write("in.y4m", &y4m(32, 24, 10, "420mpeg2"));
    place.write("cut.lnr", b"no LNR file");
    place.lnr(&["encode", "in.y4m", "cut.lnr", "--resume"]).failed(3, "no whole group");
    place.lnr(&["encode", "in.y4m", "cut.mp4", "--resume"]).failed(1, ".lnr files only");
    // A finished file of fewer frames is not the start of a longer one: its last group is short.
    place.encode("in.y4m", "short.lnr", &["--frames", "6"]);
    place
        .lnr(&[
            "encode",
            "in.y4m",
            "short.lnr",
            "--resume",
            "--preset",
            "ultrafast",
            "--epochs",
            "4",
        ])
        .failed(1, "lnr join");
}

trait Replace {
    fn replace(self, from: &[u8; 5], to: &[u8; 5]) -> Self;
}

impl Replace for Vec<u8> {
    fn replace(mut self, from: &[u8; 5], to: &[u8; 5]) -> Self {
        let at = self.windows(5).position(|w| w == from).expect("it is there");
        self[at..at + 5].copy_from_slice(to);
        self
    }
}
