// SPDX-License-Identifier: MIT OR Apache-2.0
//! Frames that wait, and which of them are the next group.

use super::frames::InputFrame;
use crate::base::{Picture, Result};
use crate::codec::borders::{self, AHEAD, Change};
use crate::codec::{CancelFlag, EncoderSettings, Engine, Profile};
use crate::flow::Chain;

/// Frames that wait for their group to close.
#[derive(Default)]
pub(super) struct Pending {
    pub frames: Vec<InputFrame>,
    /// Frames that changed much, in order, of which it is not known yet whether a scene begins there.
    changes: Vec<usize>,
    /// Frames where a flash begins or ends.
    flashes: Vec<usize>,
}

/// Frames of a group, and for profile `warp` the flows between them.
pub(super) struct Stretch {
    pub frames: Vec<InputFrame>,
    pub chain: Option<Chain>,
    /// Whether it ends where optical flow sees one scene give way to another.
    pub is_split: bool,
}

impl Pending {
    pub fn len(&self) -> usize {
        self.frames.len()
    }

    pub fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// Adds a frame, which may have changed much.
    pub fn push(&mut self, frame: InputFrame, has_changed: bool) {
        if has_changed && !self.is_empty() {
            self.changes.push(self.len());
        }
        self.frames.push(frame);
    }

    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// The frames before the next scene, once enough frames behind its beginning are there.
    ///
    /// # Errors
    /// [`crate::Error::Cancelled`].
    pub fn scene(&mut self, engine: &Engine, cancel: &CancelFlag) -> Result<Option<usize>> {
        while let Some(&cut) = self.changes.first().filter(|&&cut| self.len() > cut + AHEAD) {
            match self.change(cut, engine, cancel)? {
                Change::Scene => return Ok(Some(cut)),
                Change::Flash => self.flashes.push(cut),
                Change::Gradual => {}
            }
            self.changes.remove(0);
        }
        Ok(None)
    }

    fn change(&self, cut: usize, engine: &Engine, cancel: &CancelFlag) -> Result<Change> {
        let pictures: Vec<&Picture> = self.frames.iter().map(|f| &f.picture).collect();
        engine.run(|| borders::change(&pictures, cut, &|| cancel.check()))
    }

    /// Takes the first group out of the first `n` frames: all of them, or those before a scene. For profile
    /// `warp` optical flow tells, too. Where that fails, the `n` frames are lost.
    ///
    /// # Errors
    /// [`crate::Error::Cancelled`].
    pub fn take(
        &mut self,
        n: usize,
        settings: &EncoderSettings,
        engine: &Engine,
        cancel: &CancelFlag,
    ) -> Result<Stretch> {
        let found = self.first_scene(n, engine, cancel).and_then(|(n, flashes)| {
            if settings.profile != Profile::Warp {
                return Ok((n, n, None));
            }
            let pictures: Vec<&Picture> = self.frames[..n].iter().map(|f| &f.picture).collect();
            engine.run(|| {
                let mut chain = Chain::new(&pictures, &|| cancel.check())?;
                let n_first = match settings.scene_cut {
                    true => borders::first_group(&chain, &flashes),
                    false => n,
                };
                chain.truncate(n_first);
                Ok((n, n_first, Some(chain)))
            })
        });
        let frames = self.take_out(found.as_ref().map_or(n, |(_, n_first, _)| *n_first));
        found.map(|(n, n_first, chain)| Stretch { frames, chain, is_split: n_first < n })
    }

    /// Of the first `n` frames those before a scene that begins among them, by the frames that are there, and
    /// the flashes in them.
    fn first_scene(
        &self,
        n: usize,
        engine: &Engine,
        cancel: &CancelFlag,
    ) -> Result<(usize, Vec<usize>)> {
        let mut flashes = self.flashes.clone();
        for &cut in self.changes.iter().filter(|&&cut| cut < n) {
            match self.change(cut, engine, cancel)? {
                Change::Scene => return Ok((cut, flashes)),
                Change::Flash => flashes.push(cut),
                Change::Gradual => {}
            }
        }
        Ok((n, flashes))
    }

    /// Takes the first `n` frames out.
    pub fn take_out(&mut self, n: usize) -> Vec<InputFrame> {
        let rest = self.frames.split_off(n);
        for places in [&mut self.changes, &mut self.flashes] {
            places.retain(|&place| place > n);
            places.iter_mut().for_each(|place| *place -= n);
        }
        std::mem::replace(&mut self.frames, rest)
    }
}
