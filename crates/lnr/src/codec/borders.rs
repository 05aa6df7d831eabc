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
/// Across a border is seen at most this part of what is seen on either side of it: where all is fast, a group
/// that ends helps nothing.
const PART: f64 = 0.5;
/// No border is looked for so near to a change that was no new scene: a flash hides what is behind it.
const HIDDEN: usize = REACH + AHEAD;

/// Whether a scene begins at frame `cut` of frames that wait, where a picture changed much: not after fast
/// motion, and not where a flash begins or ends.
///
/// # Errors
/// Those of `poll`.
pub fn is_scene(
    pictures: &[&Picture],
    cut: usize,
    poll: &(dyn Fn() -> Result<()> + Sync),
) -> Result<bool> {
    let last = pictures.len() - 1;
    for (a, b) in
        [(cut - 1, cut), (cut - 1, (cut + AHEAD).min(last)), (cut.saturating_sub(AHEAD + 1), cut)]
    {
        let pair = Chain::new(&[pictures[a], pictures[b]], poll)?;
        if pair.seen(0, 1) >= SEEN {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Frames of the first group of a stretch: all, or those before one scene gives way to another unnoticed, as in
/// a cross-fade. `no_scenes` are changes that began none.
pub fn first_group(chain: &Chain, no_scenes: &[usize]) -> usize {
    let n = chain.n_pictures();
    let across = |t: usize| {
        let is_hidden = no_scenes.iter().any(|at| at.abs_diff(t) <= HIDDEN);
        let (a, b) = (t - REACH, t + REACH);
        // What is seen for sure needs no second look.
        let may_end = !is_hidden && chain.seen_at_least(a, b) < SEEN;
        may_end.then(|| chain.seen(a, b)).filter(|&seen| seen < SEEN)
    };
    let is_border = |t: usize, seen: f64| {
        let before = chain.seen(t.saturating_sub(3 * REACH), t - REACH);
        let behind = chain.seen(t + REACH, (t + 3 * REACH).min(n - 1));
        seen < PART * before.min(behind)
    };
    // The first one, where least is seen: what follows is looked at again, with more frames behind it.
    let mut found: Option<(usize, f64)> = None;
    for t in LEAST..(n + 1).saturating_sub(LEAST) {
        match across(t).filter(|&seen| is_border(t, seen)) {
            Some(seen) if found.is_none_or(|(_, least)| seen < least) => found = Some((t, seen)),
            None if found.is_some() => break,
            _ => {}
        }
    }
    found.map_or(n, |(t, _)| t)
}
