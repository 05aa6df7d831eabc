// SPDX-License-Identifier: MIT OR Apache-2.0
//! Files with one flipped bit, or cut anywhere: `lnr decode` gives what was not hit. The library's test
//! of the same name does it twenty thousand times.

mod common;

use common::{Run, Workplace, y4m};
use std::process::Command;

const GROUPS: usize = 4;
/// Frames of a group.
const FRAMES: usize = 3;
const FLIPS: u64 = 100;
const CUTS: usize = 60;

/// Frames of a Y4M file of 16 x 16 in 4:2:0.
fn frames(y4m: &[u8]) -> Vec<Vec<u8>> {
    let header = y4m.iter().position(|&b| b == b'\n').map_or(0, |n| n + 1);
    let frame = b"FRAME\n".len() + 16 * 16 * 3 / 2;
    y4m[header..].chunks(frame).map(<[u8]>::to_vec).collect()
}

struct Clip {
    w: Workplace,
    file: Vec<u8>,
    frames: Vec<Vec<u8>>,
    /// Where each group begins, and the end.
    groups: Vec<usize>,
}

impl Clip {
    fn new() -> Self {
        let w = Workplace::new();
        w.write("in.y4m", &y4m(16, 16, GROUPS * FRAMES, "420mpeg2"));
        w.encode("in.y4m", "in.lnr", &["--key-int-max", "3", "--no-scene-cut"]);
        let file = w.read("in.lnr");
        let magic = &lnr::stream::MAGIC;
        let is_start = |&at: &usize| file[at..].starts_with(magic);
        let mut groups: Vec<usize> = (0..file.len()).filter(is_start).collect();
        groups.push(file.len());
        assert_eq!(groups.len(), GROUPS + 1);
        let mut clip = Self { w, file, frames: Vec::new(), groups };
        let (code, frames) = clip.decode(&clip.file);
        assert_eq!((code, frames.len()), (0, GROUPS * FRAMES));
        clip.frames = frames;
        clip
    }

    /// The exit code of `lnr decode`, and its frames.
    fn decode(&self, file: &[u8]) -> (i32, Vec<Vec<u8>>) {
        self.w.write("bad.lnr", file);
        let mut command = Command::new(env!("CARGO_BIN_EXE_lnr"));
        command.args(["decode", "--quiet", "--threads", "1", "bad.lnr", "-"]);
        let output = command.current_dir(self.w.path("")).output().expect("lnr runs");
        let frames = frames(&output.stdout);
        (Run::new(output).code, frames)
    }

    /// Whether `found` holds nothing that is not in the clip, and all groups but `hit`.
    fn check(&self, found: &[Vec<u8>], hit: Option<usize>) -> bool {
        let mut groups = self.frames.chunks(FRAMES).enumerate().filter(|g| Some(g.0) != hit);
        found.iter().all(|f| self.frames.contains(f))
            && groups.all(|g| g.1.iter().all(|f| found.contains(f)))
    }
}

#[test]
fn flipped_bits_cost_a_group_at_most() {
    let clip = Clip::new();
    for i in 1..=FLIPS {
        // Fibonacci hashing: spread over the file, and the same in every run.
        let random = u128::from(i.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let bit = ((random * (8 * clip.file.len() as u128)) >> 64) as usize;
        let mut file = clip.file.clone();
        file[bit / 8] ^= 1 << (bit % 8);
        // Before the first group there may be what readers need not have: then nothing is lost.
        let before = clip.groups.partition_point(|&start| start <= bit / 8);
        let hit = before.checked_sub(1);
        let (code, found) = clip.decode(&file);
        assert!(clip.check(&found, hit), "bit {bit}: {} frames", found.len());
        assert!(code == 3 || hit.is_none(), "bit {bit}: damage is told, not {code}");
    }
}

#[test]
fn cut_files_give_the_groups_that_are_whole() {
    let clip = Clip::new();
    for i in 1..CUTS {
        let n = i * clip.file.len() / CUTS;
        let n_whole = clip.groups.iter().skip(1).filter(|&&end| end <= n).count();
        let (_, found) = clip.decode(&clip.file[..n]);
        let whole = &clip.frames[..n_whole * FRAMES];
        assert!(found.starts_with(whole), "cut at {n}: {} frames", found.len());
        assert!(found.len() < (n_whole + 1) * FRAMES, "cut at {n}: {} frames", found.len());
        assert!(found.iter().all(|f| clip.frames.contains(f)), "cut at {n}");
    }
}
