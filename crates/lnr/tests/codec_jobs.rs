// SPDX-License-Identifier: MIT OR Apache-2.0
//! Groups side by side: the bytes of one after the other, in order, and what ends them.

mod codec;

use std::time::Duration;

use codec::{config, frame, paper};
use lnr::{
    AccessUnit, CancelFlag, Chroma, Control, Encoder, EncoderSettings, EncoderStats, Error,
    InputFrame, PictureFormat,
};

fn format() -> PictureFormat {
    PictureFormat::new(40, 32, Chroma::Yuv420, 8)
}

/// Frames with a forced key, a scene that changes, and a last group that is short.
fn frames(n: usize) -> Vec<InputFrame> {
    let one = |t: usize| {
        let mut frame = frame(format(), t);
        frame.force_key = t == 10;
        if t >= 14 {
            for (x, y) in (0..32).flat_map(|y| (0..40).map(move |x| (x, y))) {
                frame.picture.set_sample(0, x, y, ((7 * x + 3 * t) % 200 + y) as u16);
            }
        }
        frame
    };
    (0..n).map(one).collect()
}

fn settings() -> EncoderSettings {
    config(format()).key_int_max(4)
}

fn run(encoder: &mut Encoder, frames: &[InputFrame]) -> lnr::Result<Vec<AccessUnit>> {
    let mut control = Control::default();
    let mut units = Vec::new();
    for frame in frames {
        units.extend(encoder.push(frame.clone(), &mut control)?);
    }
    units.extend(encoder.finish(&mut control)?);
    assert_eq!(encoder.n_pending(), 0);
    Ok(units)
}

/// What these settings make of the frames, and the totals but the time.
fn encode(settings: EncoderSettings, frames: &[InputFrame]) -> (Vec<AccessUnit>, EncoderStats) {
    let mut encoder = Encoder::new(settings).unwrap();
    let units = run(&mut encoder, frames).unwrap();
    let mut stats = *encoder.stats();
    stats.seconds = 0.0;
    (units, stats)
}

fn is_equal_for_all_jobs(settings: EncoderSettings, n_frames: usize) {
    let frames = frames(n_frames);
    let one = encode(settings.clone().jobs(1).threads(1), &frames);
    assert_eq!(one.0.len(), n_frames);
    for (jobs, threads) in [(1, 3), (2, 2), (3, 3), (0, 4), (2, 1)] {
        let other = encode(settings.clone().jobs(jobs).threads(threads), &frames);
        assert!(one == other, "{jobs} jobs, {threads} threads");
    }
}

#[test]
fn a_quality_gives_equal_bytes() {
    is_equal_for_all_jobs(settings(), 23);
}

#[test]
fn a_bit_rate_gives_equal_bytes() {
    is_equal_for_all_jobs(settings().bitrate(40), 33);
}

#[test]
fn large_pictures_of_many_bands_give_equal_bytes() {
    let format = PictureFormat::new(24, 200, Chroma::Gray, 8);
    let frames: Vec<_> = (0..4).map(|t| frame(format, t)).collect();
    let of = |jobs, threads| {
        let settings = config(format).key_int_max(2).jobs(jobs).threads(threads);
        encode(settings, &frames).0
    };
    assert!(of(1, 1) == of(2, 2));
}

#[test]
fn a_paper_profile_gives_equal_bytes() {
    let format = PictureFormat::new(24, 16, Chroma::Yuv420, 8);
    let frames: Vec<_> = (0..5).map(|t| frame(format, t)).collect();
    let of =
        |jobs, threads| encode(paper(format).key_int_max(2).jobs(jobs).threads(threads), &frames).0;
    assert!(of(1, 1) == of(2, 2));
}

#[test]
fn models_are_chosen_alike() {
    // The fewest epochs that trials are made for, and frames enough for anchors.
    let settings = settings().epochs(60).key_int_max(9);
    let frames: Vec<_> = frames(24).split_off(14);
    let of = |jobs| encode(settings.clone().jobs(jobs).threads(2), &frames);
    let one = of(1);
    assert!(one.1.groups == 2 && one.1.trials >= 3, "{:?}", one.1);
    assert!(of(2) == one);
}

#[test]
fn frames_are_held_back_as_long_as_was_said() {
    let frames = frames(40);
    for (jobs, n_groups) in [(1, 1), (2, 4), (4, 7)] {
        let mut encoder = Encoder::new(settings().jobs(jobs).threads(4)).unwrap();
        assert_eq!(encoder.jobs(), jobs);
        assert_eq!(encoder.max_delay_frames(), 4 * n_groups);
        let mut most = 0;
        for frame in &frames {
            encoder.push(frame.clone(), &mut Control::default()).unwrap();
            most = most.max(encoder.n_pending());
        }
        assert!(most < encoder.max_delay_frames() as usize, "{most} frames, {jobs} jobs");
    }
}

#[test]
fn memory_bounds_how_many() {
    // In steps of 64 KiB; not even one group fits into the first ones.
    let jobs = |part: u64| {
        let settings = settings().jobs(3).threads(3).max_memory(part << 16);
        Encoder::new(settings).ok().map(|encoder| encoder.jobs())
    };
    let all: Vec<usize> = (1..160).filter_map(jobs).collect();
    assert!(all.is_sorted() && all[0] == 1 && all.contains(&2) && all.ends_with(&[3]), "{all:?}");
}

/// An encoder with two groups that take for ever.
fn busy(cancel: &CancelFlag) -> Encoder {
    let settings = settings().epochs(1_000_000).jobs(2).threads(2);
    let mut encoder = Encoder::new(settings).unwrap();
    let mut control = Control { cancel: cancel.clone(), progress: None };
    for frame in &frames(8) {
        assert!(encoder.push(frame.clone(), &mut control).unwrap().is_empty());
    }
    assert_eq!(encoder.n_pending(), 8);
    encoder
}

#[test]
fn a_wish_to_stop_ends_all_groups() {
    let cancel = CancelFlag::default();
    let mut encoder = busy(&cancel);
    let mut groups = Vec::new();
    let flag = cancel.clone();
    let mut stop = |progress: &lnr::Progress| {
        groups.push(progress.group);
        flag.set(groups.contains(&0) && groups.contains(&1));
    };
    let mut control = Control { cancel, progress: Some(&mut stop) };
    assert!(matches!(encoder.finish(&mut control), Err(Error::Cancelled)));
    assert_eq!((encoder.n_pending(), encoder.stats().groups), (0, 0));
    assert!(encoder.take_finished().is_empty());
}

#[test]
fn a_wish_to_stop_is_heard_while_nobody_waits() {
    let cancel = CancelFlag::default();
    let mut encoder = busy(&cancel);
    cancel.set(true);
    // The groups end by themselves; what comes next, long after the wish, tells of it.
    std::thread::sleep(Duration::from_millis(50));
    cancel.set(false);
    let mut control = Control { cancel, progress: None };
    assert!(matches!(encoder.finish(&mut control), Err(Error::Cancelled)));
}

#[test]
fn a_reset_ends_all_groups_and_what_follows_is_a_new_beginning() {
    let mut encoder = busy(&CancelFlag::default());
    encoder.reset();
    assert_eq!(encoder.n_pending(), 0);
    // Dropped while it is busy, an encoder ends them, too.
    drop(busy(&CancelFlag::default()));
    for settings in [settings(), settings().bitrate(40)] {
        let frames = frames(12);
        let mut encoder = Encoder::new(settings.clone().jobs(2).threads(2)).unwrap();
        for frame in &frames[..9] {
            encoder.push(frame.clone(), &mut Control::default()).unwrap();
        }
        let n_groups = encoder.stats().groups;
        encoder.reset();
        assert_eq!(encoder.stats().groups, n_groups);
        assert_eq!(run(&mut encoder, &frames).unwrap().len(), 12);
        assert_eq!(encoder.stats().groups, n_groups + 4);
    }
}

#[test]
fn finished_groups_before_a_stop_are_kept() {
    let frames = frames(8);
    let whole = encode(settings().jobs(1), &frames).0;
    let mut encoder = Encoder::new(settings().jobs(2).threads(2)).unwrap();
    let cancel = CancelFlag::default();
    let mut control = Control { cancel: cancel.clone(), progress: None };
    let mut units = Vec::new();
    for frame in &frames {
        units.extend(encoder.push(frame.clone(), &mut control).unwrap());
    }
    let waits = || std::thread::sleep(Duration::from_millis(5));
    while units.is_empty() {
        waits();
        units = encoder.take_finished();
    }
    cancel.set(true);
    let end = encoder.finish(&mut control);
    units.extend(encoder.take_finished());
    units.extend(end.unwrap_or_default());
    assert_eq!(units.len(), 4 * encoder.stats().groups as usize);
    assert!(units == whole[..units.len()]);
}

#[test]
fn groups_end_one_by_one() {
    let mut encoder = Encoder::new(settings().jobs(3).threads(3)).unwrap();
    let mut control = Control::default();
    let mut n_groups = 0;
    for frame in &frames(12) {
        n_groups += usize::from(!encoder.push(frame.clone(), &mut control).unwrap().is_empty());
    }
    while let units = encoder.finish_next(&mut control).unwrap()
        && !units.is_empty()
    {
        n_groups += 1;
        assert_eq!(units.iter().filter(|u| u.is_key).count(), 1);
        assert_eq!(encoder.stats().groups, n_groups as u64);
    }
    assert_eq!((n_groups, encoder.n_pending()), (4, 0));
}
