// SPDX-License-Identifier: MIT OR Apache-2.0
//! The scenarios of gst-validate, with the frames that each of them must show.

use gst::SeekFlags;
use gst::prelude::*;

use super::player::{Backwards, Clip, Player};

/// All of them; `open` gives a player in NULL.
pub fn all(open: &dyn Fn() -> Player, clip: &Clip) {
    let scenarios: [fn(&Player, &Clip); 10] = [
        plays_to_the_end,
        seeks,
        seeks_to_groups,
        scrubs,
        plays_backwards,
        plays_fast,
        shows_groups_only,
        alternates,
        seeks_behind_the_end,
        changes_state,
    ];
    for scenario in scenarios {
        let player = open();
        scenario(&player, clip);
        player.set(gst::State::Null);
        player.check();
    }
}

/// Those of the rates that the clip's source has.
fn possible(rates: &[f64], clip: &Clip) -> Vec<f64> {
    rates.iter().copied().filter(|&rate| rate > 0.0 || clip.backwards == Backwards::Plays).collect()
}

/// Frames `range`, forwards.
fn frames(range: std::ops::Range<usize>) -> Vec<usize> {
    range.collect()
}

/// Frames `range`, backwards.
fn back(range: std::ops::Range<usize>) -> Vec<usize> {
    range.rev().collect()
}

pub fn plays_to_the_end(player: &Player, clip: &Clip) {
    player.set(gst::State::Paused);
    assert_eq!(player.frames_to_end(), frames(0..clip.n_frames()));
}

/// Forwards and backwards, from PAUSED and from PLAYING, with a stop or without, also behind the end.
pub fn seeks(player: &Player, clip: &Clip) {
    let n = clip.n_frames();
    player.set(gst::State::Paused);
    for i in [n - 2, 1, n / 2, 0, n - 1, n / 3] {
        player.seek(1.0, SeekFlags::ACCURATE, clip.start(i), None);
        assert_eq!(player.frames_to_end(), frames(i..n), "seek to frame {i}");
    }
    for (from, to) in [(1, n - 1), (n / 2, n / 2 + 1), (0, n / 3)] {
        player.seek(1.0, SeekFlags::ACCURATE, clip.start(from), Some(clip.start(to)));
        assert_eq!(player.frames_to_end(), frames(from..to), "frames {from} to {to}");
    }
}

/// A seek that snaps shows the whole group, or all that is from the target on.
pub fn seeks_to_groups(player: &Player, clip: &Clip) {
    let n = clip.n_frames();
    player.set(gst::State::Paused);
    for i in [n - 1, 1, n / 2] {
        player.seek(1.0, SeekFlags::KEY_UNIT | SeekFlags::SNAP_BEFORE, clip.start(i), None);
        let seen = player.frames_to_end();
        let first = *clip.key_frames().iter().rfind(|&&key| key <= i).expect("a group");
        assert!(seen == frames(first..n) || seen == frames(i..n), "seek to frame {i}: {seen:?}");
    }
}

/// Seeks faster than anything can be shown, in PAUSED and in PLAYING.
pub fn scrubs(player: &Player, clip: &Clip) {
    let n = clip.n_frames();
    player.set(gst::State::Paused);
    let places = (0..20).map(|i| i * 7 % n);
    for i in places.clone() {
        player.seek(1.0, SeekFlags::ACCURATE, clip.start(i), None);
        player.settle(gst::State::Paused);
        assert_eq!(player.frames(), [i], "the still picture");
    }
    player.by_the_clock();
    player.set(gst::State::Playing);
    for i in places {
        player.seek(1.0, SeekFlags::ACCURATE, clip.start(i), None);
    }
    player.rest();
    player.seek(1.0, SeekFlags::ACCURATE, clip.start(n - 2), None);
    assert_eq!(player.frames_to_end(), frames(n - 2..n));
}

pub fn plays_backwards(player: &Player, clip: &Clip) {
    let n = clip.n_frames();
    player.set(gst::State::Paused);
    if clip.backwards == Backwards::Refused {
        // Refused, and nothing is harmed.
        assert!(!player.try_seek(-1.0, SeekFlags::ACCURATE, 0, Some(clip.end())));
        assert_eq!(player.frames_to_end(), frames(0..n));
    }
    for rate in possible(&[-1.0, -2.0, -0.5], clip) {
        for (from, to) in [(0, n), (2, n), (1, n - 2)] {
            let stop = if to == n { clip.end() } else { clip.start(to) };
            player.seek(rate, SeekFlags::ACCURATE, clip.start(from), Some(stop));
            assert_eq!(player.frames_to_end(), back(from..to), "rate {rate}, {from}..{to}");
        }
    }
}

/// Without a hint every frame comes; with one, as many as there would be at rate 1 in that time.
pub fn plays_fast(player: &Player, clip: &Clip) {
    let n = clip.n_frames();
    player.set(gst::State::Paused);
    let hints = [SeekFlags::TRICKMODE, SeekFlags::TRICKMODE_FORWARD_PREDICTED];
    for rate in possible(&[2.0, 4.0, -2.0, -4.0], clip) {
        let order = |mut frames: Vec<usize>| {
            if rate < 0.0 {
                frames.reverse();
            }
            frames
        };
        let (start, stop) = (0, Some(clip.end()));
        player.seek(rate, SeekFlags::ACCURATE, start, stop);
        assert_eq!(player.frames_to_end(), order(frames(0..n)), "rate {rate}");
        for hint in hints {
            player.seek(rate, SeekFlags::ACCURATE | hint, start, stop);
            let seen = order(player.frames_to_end());
            assert!(seen.is_sorted(), "rate {rate}, {hint:?}: {seen:?}");
            let most = (n as f64 / rate.abs()).ceil() as usize + clip.key_frames().len();
            assert!((1..=most).contains(&seen.len()), "rate {rate}, {hint:?}: {seen:?}");
        }
    }
}

/// Key units only: the first frame of every group, in order.
pub fn shows_groups_only(player: &Player, clip: &Clip) {
    player.set(gst::State::Paused);
    for rate in possible(&[1.0, 4.0, 16.0, -1.0, -4.0], clip) {
        let mut expected = clip.key_frames();
        if rate < 0.0 {
            expected.reverse();
        }
        let flags = SeekFlags::TRICKMODE | SeekFlags::TRICKMODE_KEY_UNITS;
        player.seek(rate, flags, 0, Some(clip.end()));
        assert_eq!(player.frames_to_end(), expected, "rate {rate}");
    }
}

/// Changes of rate and direction from where playing stands.
pub fn alternates(player: &Player, clip: &Clip) {
    let n = clip.n_frames();
    let middle = clip.start(n / 2);
    player.by_the_clock();
    player.set(gst::State::Playing);
    for rate in possible(&[1.0, 2.0, -2.0, 4.0, -4.0, 8.0, -1.0, 1.0], clip) {
        let flags = SeekFlags::ACCURATE | SeekFlags::TRICKMODE;
        match rate > 0.0 {
            true => player.seek(rate, flags, middle, None),
            false => player.seek(rate, flags, 0, Some(middle)),
        }
        player.settle(gst::State::Playing);
    }
    player.rest();
    if clip.backwards == Backwards::Plays {
        player.seek(-1.0, SeekFlags::ACCURATE, 0, Some(middle));
        assert_eq!(player.frames_to_end(), back(0..n / 2));
    }
    player.seek(1.0, SeekFlags::ACCURATE, middle, None);
    assert_eq!(player.frames_to_end(), frames(n / 2..n));
}

/// No frame is shown there, and that is no error; afterwards playing goes on as usual.
pub fn seeks_behind_the_end(player: &Player, clip: &Clip) {
    let n = clip.n_frames();
    player.set(gst::State::Paused);
    let all_end = clip.end().max(clip.audio_end.unwrap_or(0));
    let mut places = vec![clip.end(), clip.end() + 1, all_end, all_end + 5_000_000_000];
    places.extend(clip.audio_end.map(|end| (clip.end() + end) / 2));
    for place in places {
        for flags in [SeekFlags::ACCURATE, SeekFlags::empty()] {
            player.seek(1.0, flags, place, None);
            let seen = player.frames_to_end();
            // A demuxer may show what stands before.
            assert!(seen.len() <= 1, "seek to {place} of {}: {seen:?}", clip.end());
            player.seek(1.0, SeekFlags::ACCURATE, clip.start(n - 3), None);
            assert_eq!(player.frames_to_end(), frames(n - 3..n), "after a seek to {place}");
        }
    }
}

/// Up and down the states, in every order, with and without waiting.
pub fn changes_state(player: &Player, clip: &Clip) {
    use gst::State::{Null, Paused, Playing, Ready};
    player.by_the_clock();
    let orders = [
        [Ready, Paused, Ready, Paused],
        [Playing, Paused, Playing, Ready],
        [Paused, Null, Playing, Null],
        [Paused, Playing, Null, Paused],
    ];
    for order in orders {
        for state in order {
            player.set(state);
        }
        for state in order {
            let _ = player.pipeline.set_state(state);
        }
    }
    player.set(Ready);
    player.set(Paused);
    assert_eq!(player.frames_to_end(), frames(0..clip.n_frames()));
}
