// SPDX-License-Identifier: MIT OR Apache-2.0

mod adopt;
mod facts;
mod frames;
mod group;
mod pending;
mod queue;
mod stats;
#[cfg(test)]
mod tests;

use super::budget::BitBudget;
use super::{Control, EncoderSettings, Engine, RateControl, SceneDetector, memory, plan};
use crate::base::{Error, Metadata, Result, limits};
use frames::durations;
pub use frames::{AccessUnit, InputFrame};
use group::{Finished, Group};
use pending::{Pending, Stretch};
use queue::Queue;
pub use stats::EncoderStats;

/// Collects frames into groups and trains a network for each.
pub struct Encoder {
    settings: EncoderSettings,
    engine: Engine,
    pending: Pending,
    scenes: SceneDetector,
    budget: Option<BitBudget>,
    /// Number of the first group that the budget counts.
    budget_from: u64,
    /// What groups that begin from now on aim at and say, where that is something else.
    next_rate_control: Option<RateControl>,
    next_metadata: Option<Metadata>,
    max_frames: usize,
    /// Groups that are trained beside this thread.
    queue: Queue,
    /// Access units that nobody took yet.
    ready: Vec<AccessUnit>,
    stats: EncoderStats,
}

impl Encoder {
    /// One with an engine of its own.
    ///
    /// # Errors
    /// Those of [`EncoderSettings::validate`] and of [`Engine::open`]; [`Error::InvalidSetting`] or
    /// [`Error::Backend`] when not even one frame fits into the memory that may be used.
    pub fn new(settings: EncoderSettings) -> Result<Self> {
        settings.validate()?;
        let engine = Engine::open(&settings)?;
        Self::with_engine(settings, engine)
    }

    /// With an engine that was opened for these settings.
    ///
    /// # Errors
    /// Those of [`EncoderSettings::validate`]; [`Error::InvalidSetting`] or [`Error::Backend`] when not
    /// even one frame fits into the memory that may be used; [`Error::Backend`] when the device fails.
    pub fn with_engine(settings: EncoderSettings, engine: Engine) -> Result<Self> {
        settings.validate()?;
        let max_frames = memory::max_group_frames(&settings, &engine)?;
        let n_jobs = memory::jobs(&settings, &engine, max_frames)?;
        Ok(Self {
            pending: Pending::default(),
            scenes: SceneDetector::default(),
            budget: BitBudget::new(&settings),
            budget_from: 0,
            next_rate_control: None,
            next_metadata: None,
            max_frames,
            queue: Queue::new(n_jobs, &engine),
            ready: Vec::new(),
            stats: EncoderStats::default(),
            settings,
            engine,
        })
    }

    /// Adds the next frame. When it closes groups, their training begins. Returns the access units of groups
    /// that are finished, if there are any: one per frame, in order. Where one group is trained at a time
    /// ([`EncoderSettings::jobs`]), those are the groups which the frame has closed.
    ///
    /// # Errors
    /// [`Error::Cancelled`] when `control` asks for a stop;
    /// [`Error::InvalidSetting`] for a picture of another format, a time that goes backwards or that
    /// the format cannot hold (durations are 1..=2^50 ns, and a frame ends before 2^63 ns);
    /// [`Error::Diverged`] when training left the realm of numbers twice;
    /// [`Error::Backend`] when the device fails. All groups that were closed and not returned are lost
    /// then, but those that [`Encoder::take_finished`] returns.
    pub fn push(&mut self, frame: InputFrame, control: &mut Control) -> Result<Vec<AccessUnit>> {
        if *frame.picture.format() != self.settings.format {
            return Err(Error::InvalidSetting(
                "a picture of another format: finish this encoder and start a new one".into(),
            ));
        }
        let last = self.pending.frames.last();
        if last.is_some_and(|last| frame.pts < last.pts) {
            return Err(Error::InvalidSetting(format!(
                "presentation times go backwards at {} ns: give frames in the order of display",
                frame.pts
            )));
        }
        frame.check_times()?;
        // In a group a frame lasts until the next one: no frame of it could last so long.
        let is_gap = |last: &InputFrame| frame.pts - last.pts > limits::MAX_FRAME_DURATION;
        let is_far = last.is_some_and(is_gap);
        if frame.force_key || is_far {
            self.close(self.pending.len(), control)?;
        }
        let has_changed = self.scenes.push(&frame.picture) && self.settings.scene_cut;
        if self.pending.is_empty() {
            self.take_over();
        }
        self.pending.push(frame, has_changed);
        loop {
            let cut = self.pending.scene(&self.engine, &control.cancel);
            let Some(cut) = cut.inspect_err(|_| self.give_up())? else { break };
            self.close(cut, control)?;
        }
        if self.pending.len() >= self.max_frames {
            self.close_group(self.pending.len(), control)?;
        }
        self.queue.listen(control);
        if self.ready.is_empty() && self.queue.is_first_done() {
            self.take_first()?;
        }
        Ok(std::mem::take(&mut self.ready))
    }

    /// Trains what is left, the last frames as a shorter group; the encoder can go on with new frames
    /// after it.
    ///
    /// # Errors
    /// As [`Encoder::push`].
    pub fn finish(&mut self, control: &mut Control) -> Result<Vec<AccessUnit>> {
        let mut units = Vec::new();
        loop {
            let next = self.finish_next(control).inspect_err(|_| {
                // They are not lost.
                self.ready.splice(..0, units.drain(..));
            })?;
            if next.is_empty() {
                return Ok(units);
            }
            units.extend(next);
        }
    }

    /// As [`Encoder::finish`], but returns as soon as the next group is finished, so that it can be
    /// written while others are trained. Returns nothing when none is left.
    ///
    /// # Errors
    /// As [`Encoder::push`].
    pub fn finish_next(&mut self, control: &mut Control) -> Result<Vec<AccessUnit>> {
        while !self.pending.is_empty() && self.ready.is_empty() {
            self.close_group(self.pending.len(), control)?;
        }
        self.scenes = SceneDetector::default();
        while self.ready.is_empty() && self.queue.len() > 0 {
            self.queue.spread();
            self.wait(control)?;
            if self.queue.is_first_done() {
                self.take_first()?;
            }
        }
        Ok(std::mem::take(&mut self.ready))
    }

    /// The access units of groups that are finished and were not returned yet, such as those before a
    /// group that failed; waits for none.
    pub fn take_finished(&mut self) -> Vec<AccessUnit> {
        self.queue.listen(&mut Control::default());
        self.take_good();
        std::mem::take(&mut self.ready)
    }

    /// Discards the frames and groups that were not returned yet.
    pub fn reset(&mut self) {
        self.pending.clear();
        self.drop_groups();
        self.ready.clear();
        self.scenes = SceneDetector::default();
    }

    /// Changes what to aim at, from the next group that begins on; a bit rate is met from there on.
    /// [`Encoder::settings`] tell it as soon as that group has begun.
    ///
    /// # Errors
    /// Those of [`EncoderSettings::validate`]; then everything stays as it is.
    pub fn set_rate_control(&mut self, rate_control: RateControl) -> Result<()> {
        self.settings.clone().rate_control(rate_control).validate()?;
        self.next_rate_control = Some(rate_control);
        Ok(())
    }

    /// Changes what the stream says of itself, from the next group that begins on.
    pub fn set_metadata(&mut self, metadata: Metadata) {
        self.next_metadata = Some(metadata);
    }

    /// Called where a group begins: what was set on the way counts now.
    fn take_over(&mut self) {
        if let Some(metadata) = self.next_metadata.take() {
            self.settings.metadata = metadata;
        }
        if let Some(next) = self.next_rate_control.take()
            && next != self.settings.rate_control
        {
            self.settings.rate_control = next;
            self.budget = BitBudget::new(&self.settings);
            self.budget_from = self.number();
        }
    }

    /// Number of the next group that closes.
    fn number(&self) -> u64 {
        self.stats.groups + self.queue.len() as u64
    }

    /// Closes groups until the first `n` frames that wait have theirs.
    fn close(&mut self, n: usize, control: &mut Control) -> Result<()> {
        let n_left = self.pending.len() - n;
        while self.pending.len() > n_left {
            self.close_group(self.pending.len() - n_left, control)?;
        }
        Ok(())
    }

    /// Trains the first group of the first `n` frames that wait, or begins to where several groups are
    /// trained at once. Where it fails, these frames are lost.
    fn close_group(&mut self, n: usize, control: &mut Control) -> Result<()> {
        // Taken out in any case: a cancelled group is lost, and must not be trained again.
        self.make_room(control).inspect_err(|_| drop(self.pending.take_out(n)))?;
        let stretch = self.pending.take(n, &self.settings, &self.engine, &control.cancel);
        let is_alone = self.budget.as_ref().is_some_and(BitBudget::is_alone);
        let stretch = stretch.inspect_err(|_| self.give_up())?;
        let group = self.group(stretch);
        let closed = self.train_or_begin(group, is_alone, control);
        if !self.pending.is_empty() {
            self.take_over();
        }
        closed
    }

    fn train_or_begin(
        &mut self,
        group: Group,
        is_alone: bool,
        control: &mut Control,
    ) -> Result<()> {
        if self.queue.n_jobs() == 1 {
            let cancel = control.cancel.clone();
            let done = group.train(&self.engine, &cancel, &mut |p| control.report(p));
            self.note(done)
        } else {
            let begun = self.queue.begin(group, &self.engine, &control.cancel, is_alone);
            begun.inspect_err(|_| self.give_up())
        }
    }

    /// Waits until another group can begin.
    fn make_room(&mut self, control: &mut Control) -> Result<()> {
        while self.queue.n_jobs() > 1 {
            let is_ready = self.budget.as_ref().is_none_or(BitBudget::is_ready);
            let must_take = !is_ready || self.queue.is_full() || self.queue.has_failed();
            if must_take && self.queue.is_first_done() {
                self.take_first()?;
            } else if must_take || !self.queue.has_room() {
                self.wait(control)?;
            } else {
                break;
            }
        }
        Ok(())
    }

    /// What is to be trained of these frames.
    fn group(&mut self, stretch: Stretch) -> Group {
        let Stretch { frames, chain, is_split } = stretch;
        let number = self.number();
        let durations = durations(&frames);
        let mut recipe = plan::recipe(&self.settings, number);
        if let Some(budget) = &mut self.budget {
            let (target, lambda) = budget.plan(durations.iter().sum(), frames.len());
            recipe.lambda = lambda;
            // Headers and frame units are not trained.
            let rest = 8.0 * plan::fixed_bytes(frames.len());
            recipe.target_bits = Some((target - rest).max(0.1 * target));
        }
        let (settings, metadata) = (self.settings.clone(), self.metadata());
        let first_frame = self.stats.frames + self.queue.n_frames() as u64;
        Group {
            number,
            first_frame,
            settings,
            recipe,
            metadata,
            frames,
            durations,
            chain,
            is_split,
        }
    }

    /// Waits for the groups that are trained, but not for long.
    fn wait(&mut self, control: &mut Control) -> Result<()> {
        self.queue.wait(control).inspect_err(|_| self.give_up())
    }

    /// Takes over the first group, which is done.
    fn take_first(&mut self) -> Result<()> {
        match self.queue.take_first() {
            Some(done) => self.note(done),
            None => Ok(()),
        }
    }

    /// Takes over the groups that are finished, up to one that is not.
    fn take_good(&mut self) {
        while let Some(finished) = self.queue.take_first_good() {
            self.count(finished);
        }
    }

    /// Takes over a group that is done; where it has failed, those after it are lost.
    fn note(&mut self, done: Result<Finished>) -> Result<()> {
        let finished = done.inspect_err(|_| self.drop_groups())?;
        self.count(finished);
        Ok(())
    }

    fn count(&mut self, finished: Finished) {
        let n_bytes = finished.n_bytes();
        let s = &mut self.stats;
        s.add(finished.units.len(), n_bytes, finished.psnr);
        s.add_choice(finished.choice);
        s.embedding.add(&finished.embedding);
        s.groups_split += u64::from(finished.is_split);
        s.iterations += u64::from(finished.n_steps);
        s.seconds += finished.seconds;
        if finished.number >= self.budget_from
            && let Some(budget) = &mut self.budget
        {
            budget.settle(8.0 * n_bytes as f64, finished.lambda);
        }
        self.ready.extend(finished.units);
    }

    /// Ends all training; groups that are finished, up to one that is not, are kept.
    fn give_up(&mut self) {
        self.queue.stop();
        self.take_good();
        self.drop_groups();
    }

    /// Ends all training and forgets its groups.
    fn drop_groups(&mut self) {
        self.queue.clear();
        if let Some(budget) = &mut self.budget {
            budget.forget_open();
        }
        self.budget_from = self.budget_from.min(self.number());
    }

    /// What this group says of the whole stream; only the first says how it was made.
    fn metadata(&self) -> Metadata {
        let mut metadata = Metadata { price: None, source: None, ..self.settings.metadata.clone() };
        match self.number() {
            0 if metadata.settings.is_empty() => {
                metadata.settings = self.settings.to_text() + self.engine.mark();
            }
            0 => {}
            _ => metadata.settings.clear(),
        }
        metadata
    }
}
