// SPDX-License-Identifier: MIT OR Apache-2.0
//! One flipped bit, or a file that is cut anywhere: what was not hit decodes to the same samples.

mod codec;

use codec::{config, decoder, encode_pattern, split, yuv420};
use lnr::stream::{Scan, Scanner, Unit, parse};
use lnr::{Decoder, Picture};

const GROUPS: usize = 4;
/// Frames of a group.
const FRAMES: usize = 3;
const FLIPS: u64 = 20_000;

/// A frame: its time in ns and its samples.
type Frame = (u64, Picture);

struct Clip {
    file: Vec<u8>,
    /// Where each access unit begins, and the end.
    starts: Vec<usize>,
    frames: Vec<Frame>,
}

fn clip() -> Clip {
    let mut config = config(yuv420(16, 16));
    (config.key_int_max, config.scene_cut) = (FRAMES as u32, false);
    let units = encode_pattern(config, GROUPS * FRAMES);
    let file: Vec<u8> = units.into_iter().flat_map(|u| u.data).collect();
    let mut starts = vec![0];
    split(&file).iter().for_each(|u| starts.push(starts[starts.len() - 1] + u.len()));
    assert_eq!((starts.len(), starts[starts.len() - 1]), (GROUPS * FRAMES + 1, file.len()));
    let frames = read(&mut decoder(), &file);
    assert_eq!(frames.len(), GROUPS * FRAMES);
    Clip { file, starts, frames }
}

/// Every frame of a file that can be decoded, as a reader finds them: where a group is damaged it
/// searches on inside.
fn read(decoder: &mut Decoder, file: &[u8]) -> Vec<Frame> {
    decoder.reset();
    let (mut scanner, mut at, mut frames) = (Scanner::new(), 0, Vec::new());
    while at < file.len() {
        let rest = &file[at..];
        let n = match scanner.scan(rest) {
            Scan::Unit { len, .. } if len <= rest.len() => match decoder.push(&rest[..len]) {
                Ok(shown) => {
                    let format = decoder.header().expect("a group").format;
                    let mut picture = Picture::new(format).expect("a picture");
                    decoder.render(shown.tau, &mut picture).expect("a frame");
                    frames.push((shown.pts, picture));
                    len
                }
                Err(_) => scanner.group_inside(&rest[..len], len == rest.len()).unwrap_or(len),
            },
            Scan::Garbage(n) => n.min(rest.len()),
            Scan::Index(len) if len <= rest.len() => 1,
            Scan::Unit { .. } | Scan::Index(_) | Scan::More(_) => {
                scanner.group_inside(rest, true).unwrap_or(rest.len())
            }
        };
        scanner.consume(n);
        at += n;
    }
    frames
}

/// Whether nothing is in `found` that is not in the clip, and all that stands in the units that
/// `is_whole`.
fn check(clip: &Clip, found: &[Frame], is_whole: impl Fn(usize) -> bool) -> Result<(), String> {
    let of_clip = |frame: &Frame| clip.frames.contains(frame);
    if let Some((pts, _)) = found.iter().find(|f| !of_clip(f)) {
        return Err(format!("another picture at {pts} ns"));
    }
    match clip.frames.iter().enumerate().find(|(i, f)| is_whole(*i) && !found.contains(f)) {
        Some((i, _)) => Err(format!("frame {i} is missing")),
        None => Ok(()),
    }
}

/// The unit in which byte `at` lies.
fn unit_of(clip: &Clip, at: usize) -> usize {
    clip.starts.partition_point(|&start| start <= at) - 1
}

/// Flips one bit of the clip, looks what can be read, and flips it back.
fn flip(clip: &Clip, decoder: &mut Decoder, file: &mut [u8], bit: usize) {
    let (at, mask) = (bit / 8, 1 << (bit % 8));
    file[at] ^= mask;
    let found = read(decoder, file);
    file[at] ^= mask;
    let hit = unit_of(clip, at);
    // The first unit of a group takes the others with it.
    let last = if hit.is_multiple_of(FRAMES) { hit + FRAMES - 1 } else { hit };
    let result = check(clip, &found, |i| i < hit || i > last);
    assert!(result.is_ok(), "bit {bit}: {result:?}");
}

/// As many as are asked for, at random; on all cores, because there are many.
#[test]
fn flipped_bits_cost_what_they_hit() {
    let clip = clip();
    let n_threads = std::thread::available_parallelism().map_or(1, usize::from) as u64;
    std::thread::scope(|scope| {
        for thread in 0..n_threads {
            let clip = &clip;
            scope.spawn(move || {
                let (mut decoder, mut file) = (decoder(), clip.file.clone());
                let share = (thread * FLIPS / n_threads)..((thread + 1) * FLIPS / n_threads);
                for i in share {
                    // Fibonacci hashing: spread over the file, and the same in every run.
                    let random = (i + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
                    let bit = (u128::from(random) * (8 * clip.file.len() as u128)) >> 64;
                    flip(clip, &mut decoder, &mut file, bit as usize);
                }
            });
        }
    });
}

#[test]
fn cut_files_give_what_is_whole() {
    let clip = clip();
    let mut decoder = decoder();
    for n in 0..clip.file.len() {
        let found = read(&mut decoder, &clip.file[..n]);
        let n_whole = clip.starts.iter().skip(1).filter(|&&end| end <= n).count();
        let result = check(&clip, &found, |i| i < n_whole);
        assert!(result.is_ok() && found.len() == n_whole, "cut at {n}: {result:?}");
    }
}

/// The checks fail when they should: a reader that loses a group, or shows another picture.
#[test]
fn what_is_missing_or_wrong_is_noticed() {
    let clip = clip();
    assert!(check(&clip, &clip.frames[1..], |i| i > 0).is_ok());
    assert!(check(&clip, &clip.frames[1..], |_| true).is_err());
    let mut other = clip.frames.clone();
    other[5].1 = clip.frames[6].1.clone();
    assert!(check(&clip, &other, |i| i != 5).is_err());
    let second = split(&clip.file)[FRAMES];
    assert!(matches!(parse(second), Ok(Unit::Group { .. })));
    assert_eq!(unit_of(&clip, clip.starts[FRAMES]), FRAMES);
}
