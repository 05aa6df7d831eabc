// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where groups end, by what optical flow finds of one frame in another (docs/adr/0016). Whatever is decided
//! depends on nothing before the first frame that waits, so that a run that was interrupted goes on alike.

use crate::base::{Picture, Result};
use crate::flow::Chain;

/// Frames behind a change that are waited for before it counts as a new scene: a flash is over by then.
pub const AHEAD: usize = 3;
/// Frames see less than this of each other where the scene changes: 0.00 to 0.05 at cuts, up to 0.17 across
/// eight frames of a cross-fade, and 0.3 to 0.9 in most scenes.
const SEEN: f64 = 0.2;
/// Frames on both sides of a border that must not see each other: shorter ones miss cross-fades.
const REACH: usize = 4;
/// Fewest frames before a border, and behind it, unless a scene ends there.
const LEAST: usize = 8;
/// Across a border at most this part of what is seen on either side of it is seen, and there at least
/// [`SEEN`]: where all is fast, a group that ends helps nothing.
const PART: f64 = 0.5;
/// Where the losses from frame to frame leave more than this, no more than 1 - [`SEEN`] is lost, even if each
/// frame loses another part: exp(SEEN - 1).
const WIPED: f64 = 0.45;
/// Frames from one place that is looked at to the next.
const STEP: usize = 2;
/// No border is looked for so near to a flash: it hides what is behind it.
const HIDDEN: usize = REACH + AHEAD;

/// What it is where a picture changed much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// A scene begins.
    Scene,
    /// A flash begins or ends: what is on either side of it is the same.
    Flash,
    /// Both frames show much of the same: fast motion, or a part of a soft change.
    Gradual,
}

/// What the change at frame `cut` of frames that wait is, by the frames that are there.
///
/// # Errors
/// Those of `poll`.
pub fn change(
    pictures: &[&Picture],
    cut: usize,
    poll: &(dyn Fn() -> Result<()> + Sync),
) -> Result<Change> {
    let last = pictures.len() - 1;
    let sees =
        |a: usize, b: usize| Ok(Chain::new(&[pictures[a], pictures[b]], poll)?.seen(0, 1) >= SEEN);
    if sees(cut - 1, cut)? {
        return Ok(Change::Gradual);
    }
    let is_flash =
        sees(cut - 1, (cut + AHEAD).min(last))? || sees(cut.saturating_sub(AHEAD + 1), cut)?;
    Ok(if is_flash { Change::Flash } else { Change::Scene })
}

/// Frames of the first group of a stretch: all, or those before one scene gives way to another unnoticed, as
/// in a cross-fade. `flashes` are changes that hide what is behind them.
pub fn first_group(chain: &Chain, flashes: &[usize]) -> usize {
    let n = chain.n_pictures();
    let across = |t: usize| {
        let is_hidden = flashes.iter().any(|at| at.abs_diff(t) <= HIDDEN);
        let (a, b) = (t - REACH, t + REACH);
        let may_end = !is_hidden && chain.seen_about(a, b) < WIPED;
        may_end.then(|| chain.seen(a, b)).filter(|&seen| seen < SEEN)
    };
    let is_border = |t: usize, seen: f64| {
        let before = chain.seen(t.saturating_sub(3 * REACH), t - REACH);
        let behind = chain.seen(t + REACH, (t + 3 * REACH).min(n - 1));
        before.min(behind) >= SEEN.max(seen / PART)
    };
    // The first one, where least is seen: what follows is looked at again, with more frames behind it.
    let mut found: Option<(usize, f64)> = None;
    for t in (LEAST..(n + 1).saturating_sub(LEAST)).step_by(STEP) {
        match across(t).filter(|&seen| is_border(t, seen)) {
            Some(seen) if found.is_none_or(|(_, least)| seen < least) => found = Some((t, seen)),
            None if found.is_some() => break,
            _ => {}
        }
    }
    found.map_or(n, |(t, _)| t)
}

#[cfg(test)]
pub mod samples {
    use crate::base::{Chroma, Picture, PictureFormat, Rng};

    /// What scene `number` shows at a point at time `t`, 58..=198; it moves by half a pixel per frame.
    fn scene(number: u64, t: usize) -> impl Fn(usize, usize) -> f32 {
        let mut rng = Rng::new(90 + number);
        let mut wave = || [0.12, 0.12, 3.0].map(|size| size * rng.normal());
        let waves: Vec<[f32; 3]> = (0..12).map(|_| wave()).collect();
        move |x, y| {
            let (x, y) = (x as f32 + 0.5 * t as f32, y as f32);
            let sum: f32 =
                waves.iter().map(|[kx, ky, phase]| (kx * x + ky * y + phase).sin()).sum();
            128.0 + 70.0 * (sum / 4.0).clamp(-1.0, 1.0)
        }
    }

    /// A frame of scene 0 that gives way to scene 1 by so much at time `t`.
    pub fn mixed(t: usize, share: f32) -> Picture {
        let mut picture = Picture::new(PictureFormat::new(64, 48, Chroma::Gray, 8)).unwrap();
        let (from, to) = (scene(0, t), scene(1, t));
        for (x, y) in (0..48).flat_map(|y| (0..64).map(move |x| (x, y))) {
            let v = (1.0 - share) * from(x, y) + share * to(x, y);
            picture.set_sample(0, x, y, v as u16);
        }
        picture
    }

    /// A cross-fade of 6 frames around frame `at`.
    pub fn cross_fade(n: usize, at: usize) -> Vec<Picture> {
        let share = |t: usize| ((t as f32 - at as f32) / 6.0 + 0.5).clamp(0.0, 1.0);
        (0..n).map(|t| mixed(t, share(t))).collect()
    }

    /// Scene 1 comes in from the left within three frames from frame `at` on.
    pub fn wipe(n: usize, at: usize) -> Vec<Picture> {
        let wiped = |t: usize| {
            let (mut picture, to) = (mixed(t, 0.0), mixed(t, 1.0));
            let width = 64 * (t + 1).saturating_sub(at).min(3) / 3;
            for (x, y) in (0..48).flat_map(|y| (0..width).map(move |x| (x, y))) {
                picture.set_sample(0, x, y, to.sample(0, x, y));
            }
            picture
        };
        (0..n).map(wiped).collect()
    }

    /// Scene 0, where frames 15 and 16 are far brighter.
    pub fn flash(n: usize) -> Vec<Picture> {
        let brighten = |t: usize| {
            let mut picture = mixed(t, 0.0);
            if matches!(t, 15 | 16) {
                for (x, y) in (0..48).flat_map(|y| (0..64).map(move |x| (x, y))) {
                    let v = picture.sample(0, x, y);
                    picture.set_sample(0, x, y, (v + 140).min(255));
                }
            }
            picture
        };
        (0..n).map(brighten).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::samples::{cross_fade, flash, mixed};
    use super::*;

    fn first(pictures: &[Picture], flashes: &[usize]) -> usize {
        let pictures: Vec<&Picture> = pictures.iter().collect();
        first_group(&Chain::new(&pictures, &|| Ok(())).unwrap(), flashes)
    }

    fn begins(pictures: &[Picture], cut: usize) -> bool {
        let pictures: Vec<&Picture> = pictures.iter().collect();
        change(&pictures, cut, &|| Ok(())).unwrap() == Change::Scene
    }

    #[test]
    fn a_group_ends_in_a_cross_fade_but_not_near_its_ends() {
        let end = first(&cross_fade(40, 22), &[]);
        assert!((18..=26).contains(&end), "{end}");
        for at in [0, 3, 60] {
            assert_eq!(first(&cross_fade(40, at), &[]), 40, "{at}");
        }
        assert_eq!(first(&cross_fade(10, 5), &[]), 10);
    }

    #[test]
    fn a_scene_that_goes_on_is_one_group() {
        let still: Vec<Picture> = (0..40).map(|_| mixed(0, 0.0)).collect();
        let moving: Vec<Picture> = (0..40).map(|t| mixed(t, 0.0)).collect();
        assert_eq!([&still, &moving].map(|pictures| first(pictures, &[])), [40, 40]);
    }

    #[test]
    fn what_never_stays_is_one_group() {
        let fades = |t: usize| 0.5 - 0.5 * (t as f32).cos();
        let restless: Vec<Picture> = (0..40).map(|t| mixed(17 * t, fades(t))).collect();
        assert_eq!(first(&restless, &[]), 40);
    }

    #[test]
    fn a_scene_begins_at_a_cut_and_not_at_a_flash() {
        let cut: Vec<Picture> = (0..24).map(|t| mixed(t, if t < 12 { 0.0 } else { 1.0 })).collect();
        assert!(begins(&cut, 12) && begins(&cut[..13], 12) && begins(&cut[11..], 1));
        assert!(!begins(&cut, 8));
        let flash = flash(32);
        assert!(!begins(&flash, 15) && !begins(&flash, 17));
        // Nothing behind it is known.
        assert!(begins(&flash[..16], 15));
        assert_eq!(first(&flash, &[15, 17]), 32);
    }
}
