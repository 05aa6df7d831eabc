// SPDX-License-Identifier: MIT OR Apache-2.0
//! One flipped bit, or a stream that is cut anywhere: the elements decode what was not hit. The
//! library's test of the same name does it twenty thousand times.
mod elements;

use elements::*;

const GROUPS: usize = 4;
/// Frames of a group.
const FRAMES: usize = 3;
const FLIPS: u64 = 200;
const CUTS: usize = 100;
/// Bytes of the pieces that are pushed.
const PIECE: usize = 100;

/// A frame: its time in ns and its samples.
type Frame = (u64, Vec<u8>);

struct Clip {
    stream: Vec<u8>,
    frames: Vec<Frame>,
    /// Where each group begins, and the end.
    groups: Vec<usize>,
}

fn decode(stream: &[u8]) -> Vec<Frame> {
    let outcome = run_on(stream, PIECE, "lnrparse ! lnrdec max-errors=-1 ! appsink name=out");
    let times = outcome.times();
    times.into_iter().zip(outcome.data()).map(|((pts, _), data)| (pts, data)).collect()
}

fn clip() -> Clip {
    let caps = "format=I420,width=16,height=16,framerate=25/1";
    let coded = encode((GROUPS * FRAMES) as u32, FRAMES as u32, caps);
    let stream = coded.stream();
    let (mut groups, mut at) = (Vec::new(), 0);
    for (unit, is_key) in coded.data().iter().zip(coded.keys()) {
        groups.extend(is_key.then_some(at));
        at += unit.len();
    }
    groups.push(at);
    assert_eq!(groups.len(), GROUPS + 1);
    let frames = decode(&stream);
    assert_eq!(frames.len(), GROUPS * FRAMES);
    Clip { stream, frames, groups }
}

impl Clip {
    /// Frames that the clip does not have, and those of groups other than `hit` that are missing.
    fn wrong(&self, found: &[Frame], hit: usize) -> Vec<u64> {
        let strange = found.iter().filter(|f| !self.frames.contains(f));
        let whole = self.frames.chunks(FRAMES).enumerate().filter(|g| g.0 != hit);
        let missing = whole.flat_map(|g| g.1).filter(|f| !found.contains(f));
        strange.chain(missing).map(|f| f.0 / 1_000_000).collect()
    }
}

#[test]
fn flipped_bits_cost_a_group_at_most() {
    let clip = clip();
    let mut all = Vec::new();
    for i in 1..=FLIPS {
        // Fibonacci hashing: spread over the stream, and the same in every run.
        let random = u128::from(i.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let bit = ((random * (8 * clip.stream.len() as u128)) >> 64) as usize;
        let mut stream = clip.stream.clone();
        stream[bit / 8] ^= 1 << (bit % 8);
        let hit = clip.groups.partition_point(|&start| start <= bit / 8) - 1;
        let wrong = clip.wrong(&decode(&stream), hit);
        if !wrong.is_empty() {
            all.push(format!("bit {bit} of byte {} in group {hit}: {wrong:?} ms", bit / 8));
        }
    }
    assert!(all.is_empty(), "{} of {FLIPS}:\n{}", all.len(), all.join("\n"));
}

#[test]
fn cut_streams_give_the_groups_that_are_whole() {
    let clip = clip();
    for i in 1..CUTS {
        let n = i * clip.stream.len() / CUTS;
        let n_whole = clip.groups.iter().skip(1).filter(|&&end| end <= n).count();
        let found = decode(&clip.stream[..n]);
        let whole = &clip.frames[..n_whole * FRAMES];
        assert!(found.starts_with(whole), "cut at {n}: {} frames", found.len());
        assert!(found.iter().all(|f| clip.frames.contains(f)), "cut at {n}");
    }
}
