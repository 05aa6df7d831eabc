// SPDX-License-Identifier: MIT OR Apache-2.0
//! Groups that are trained side by side, each in a thread of its own.

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use super::group::{Finished, Group};
use crate::base::{Error, Result};
use crate::codec::{CancelFlag, Control, Engine, Progress};

/// How long a wish to stop may go unheard while one waits for groups.
const POLL: Duration = Duration::from_millis(20);

/// What the threads tell. The number is the group's.
enum Event {
    Progress(Progress),
    Done(u64, Box<Result<Finished>>),
}

/// Groups in their order, and who trains them.
pub(super) struct Queue {
    /// Most groups that are trained at once.
    n_jobs: usize,
    /// Threads of the engine that no group has.
    n_idle: usize,
    groups: VecDeque<InFlight>,
    events: Receiver<Event>,
    sender: Sender<Event>,
}

struct InFlight {
    number: u64,
    n_frames: usize,
    /// While it is trained.
    training: Option<Training>,
    result: Option<Result<Finished>>,
}

struct Training {
    thread: JoinHandle<()>,
    engine: Engine,
    stop: CancelFlag,
    /// Of those of the queue's engine; they are idle when it is done.
    n_threads: usize,
}

impl Queue {
    /// For so many groups at once, on as many threads as the engine has.
    pub fn new(n_jobs: usize, engine: &Engine) -> Self {
        let (sender, events) = channel();
        let (n_jobs, n_idle) = (n_jobs.max(1), engine.n_threads());
        Self { n_jobs, n_idle, groups: VecDeque::new(), events, sender }
    }

    pub fn n_jobs(&self) -> usize {
        self.n_jobs
    }

    /// Most groups that it holds: some may be finished while an earlier one is still trained, where
    /// groups differ in length. With half as many again, all threads have work for 93 to 99 of 100
    /// seconds, and with twice as many no more.
    pub fn capacity(&self) -> usize {
        match self.n_jobs {
            1 => 0,
            n => n + n / 2,
        }
    }

    /// Groups that were begun and not taken.
    pub fn len(&self) -> usize {
        self.groups.len()
    }

    /// Frames of these groups.
    pub fn n_frames(&self) -> usize {
        self.groups.iter().map(|group| group.n_frames).sum()
    }

    fn n_training(&self) -> usize {
        self.groups.iter().filter(|group| group.training.is_some()).count()
    }

    /// Whether another group can be trained beside these.
    pub fn has_room(&self) -> bool {
        self.n_training() < self.n_jobs
    }

    /// Whether a group must be taken before another can begin.
    pub fn is_full(&self) -> bool {
        self.groups.len() >= self.capacity()
    }

    /// Whether a group has failed: what would begin now would be lost with it.
    pub fn has_failed(&self) -> bool {
        self.groups.iter().any(|group| matches!(group.result, Some(Err(_))))
    }

    /// Begins a group, on its share of the threads, or on all that are idle where it is `alone`.
    ///
    /// # Errors
    /// [`Error::Backend`] when its thread or its engine cannot be started; the group is lost then.
    pub fn begin(
        &mut self,
        group: Group,
        engine: &Engine,
        cancel: &CancelFlag,
        alone: bool,
    ) -> Result<()> {
        let n_places = if alone { 1 } else { self.n_jobs - self.n_training() };
        let n_threads = self.n_idle.div_ceil(n_places.max(1)).max(1);
        let engine = engine.beside(n_threads)?;
        let stop = cancel.child();
        let (number, n_frames) = (group.number, group.frames.len());
        let (own, flag, sender) = (engine.clone(), stop.clone(), self.sender.clone());
        let train = move || {
            let mut listen = |progress: &Progress| {
                // The encoder is gone where nobody listens; then it has asked for a stop.
                let _ = sender.send(Event::Progress(*progress));
            };
            let result = group.train(&own, &flag, &mut listen);
            drop(own);
            let _ = sender.send(Event::Done(number, Box::new(result)));
        };
        let thread = std::thread::Builder::new().name(format!("lnr-group-{number}"));
        let thread = thread
            .spawn(train)
            .map_err(|e| Error::Backend(format!("cannot start a thread for a group: {e}")))?;
        // Every group has one thread at least, also where none is idle.
        let n_threads = n_threads.min(self.n_idle);
        self.n_idle -= n_threads;
        let training = Some(Training { thread, engine, stop, n_threads });
        self.groups.push_back(InFlight { number, n_frames, training, result: None });
        Ok(())
    }

    /// Gives idle threads to the groups that are trained: no other group will begin for now.
    pub fn spread(&mut self) {
        let mut n_left = self.n_training();
        for training in self.groups.iter_mut().filter_map(|group| group.training.as_mut()) {
            let n = self.n_idle.div_ceil(n_left.max(1));
            training.engine.add_threads(n);
            training.n_threads += n;
            self.n_idle -= n;
            n_left -= 1;
        }
    }

    /// Waits until the threads have something to tell, but not for long.
    ///
    /// # Errors
    /// [`Error::Cancelled`] when `control` asks for a stop.
    pub fn wait(&mut self, control: &mut Control) -> Result<()> {
        control.check()?;
        match self.events.recv_timeout(POLL) {
            Ok(event) => self.note(event, &mut |p| control.report(p)),
            Err(RecvTimeoutError::Timeout) => self.join_dead(),
            // It holds a sender itself.
            Err(RecvTimeoutError::Disconnected) => {}
        }
        self.listen(control);
        Ok(())
    }

    /// Hears what the threads have told so far.
    pub fn listen(&mut self, control: &mut Control) {
        while let Ok(event) = self.events.try_recv() {
            self.note(event, &mut |p| control.report(p));
        }
    }

    fn note(&mut self, event: Event, report: &mut dyn FnMut(&Progress)) {
        let (number, result) = match event {
            Event::Progress(progress) => return report(&progress),
            Event::Done(number, result) => (number, *result),
        };
        let Some(group) = self.groups.iter_mut().find(|g| g.number == number) else { return };
        if let Some(Training { thread, n_threads, .. }) = group.training.take() {
            self.n_idle += n_threads;
            // It has told all that it had to tell.
            let _ = thread.join();
        }
        group.result = Some(result);
    }

    /// A thread that ended without a word has panicked: the panic goes on here.
    fn join_dead(&mut self) {
        let is_dead = |group: &InFlight| {
            group.training.as_ref().is_some_and(|training| training.thread.is_finished())
        };
        // Its last word may have come meanwhile.
        if !self.groups.iter().any(is_dead) {
            return;
        }
        self.listen(&mut Control::default());
        for group in &mut self.groups {
            if is_dead(group)
                && let Some(training) = group.training.take()
                && let Err(panic) = training.thread.join()
            {
                std::panic::resume_unwind(panic);
            }
        }
    }

    /// Whether the first group is finished, or has failed.
    pub fn is_first_done(&self) -> bool {
        self.groups.front().is_some_and(|group| group.result.is_some())
    }

    /// Takes the first group, once it is done.
    pub fn take_first(&mut self) -> Option<Result<Finished>> {
        if self.is_first_done() { self.groups.pop_front()?.result } else { None }
    }

    /// Takes the first group if it is finished.
    pub fn take_first_good(&mut self) -> Option<Finished> {
        let is_good = |group: &InFlight| matches!(group.result, Some(Ok(_)));
        if self.groups.front().is_some_and(is_good) { self.take_first()?.ok() } else { None }
    }

    /// Stops all training and waits for it. What is finished stays.
    pub fn stop(&mut self) {
        let training = |group: &mut InFlight| group.training.take();
        let all: Vec<Training> = self.groups.iter_mut().filter_map(training).collect();
        all.iter().for_each(|training| training.stop.set(true));
        for Training { thread, n_threads, .. } in all {
            // A panic has been printed, and nobody wants its group.
            let _ = thread.join();
            self.n_idle += n_threads;
        }
        self.listen(&mut Control::default());
    }

    /// Stops all training and forgets all groups.
    pub fn clear(&mut self) {
        self.stop();
        self.groups.clear();
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        self.stop();
    }
}
