// SPDX-License-Identifier: MIT OR Apache-2.0

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex, Once};
use std::time::{Duration, Instant};

use gst::glib;
use gst::prelude::*;

use crate::elements;

/// Longest time that anything may take before it counts as a hang.
const PATIENCE: Duration = Duration::from_secs(30);

/// Criticals of GLib and GStreamer in this process.
static N_CRITICALS: AtomicUsize = AtomicUsize::new(0);
static LAST_CRITICAL: LazyLock<Mutex<String>> = LazyLock::new(Mutex::default);

fn watch_the_log() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        glib::log_set_writer_func(|level, fields| {
            if matches!(level, glib::LogLevel::Critical | glib::LogLevel::Error) {
                let message = fields.iter().find(|f| f.key() == "MESSAGE");
                let text = message.and_then(|f| f.value_str()).unwrap_or_default();
                *LAST_CRITICAL.lock().unwrap() = text.to_owned();
                N_CRITICALS.fetch_add(1, Ordering::SeqCst);
            }
            glib::log_writer_default(level, fields)
        });
    });
}

/// The frames of a clip.
#[derive(Clone)]
pub struct Clip {
    /// Start and duration of each frame in ns.
    pub times: Vec<(u64, u64)>,
    /// Which frames begin a group.
    pub keys: Vec<bool>,
    /// When the last sound ends in ns, where there is any.
    pub audio_end: Option<u64>,
    pub backwards: Backwards,
}

/// What becomes of a wish to play backwards.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Backwards {
    Plays,
    /// Nobody takes the seek.
    Refused,
    /// Left out of the scenarios.
    NotAsked,
}

impl Clip {
    /// Those of a coded stream.
    pub fn new(coded: &elements::Outcome) -> Self {
        Self {
            times: coded.times(),
            keys: coded.keys(),
            audio_end: None,
            backwards: Backwards::Plays,
        }
    }

    pub fn n_frames(&self) -> usize {
        self.times.len()
    }

    pub fn start(&self, frame: usize) -> u64 {
        self.times[frame].0
    }

    /// When the last frame ends.
    pub fn end(&self) -> u64 {
        self.times.last().map_or(0, |&(start, duration)| start + duration)
    }

    /// The frames that begin a group.
    pub fn key_frames(&self) -> Vec<usize> {
        (0..self.n_frames()).filter(|&i| self.keys[i]).collect()
    }

    /// The frame that begins at this time, which containers may have rounded.
    fn frame_at(&self, time: u64) -> usize {
        let distance = |&i: &usize| self.start(i).abs_diff(time);
        let nearest = (0..self.n_frames()).min_by_key(distance).expect("frames");
        assert!(distance(&nearest) < 2_000_000, "no frame begins at {time} ns");
        nearest
    }
}

/// What reached the video sink since the last flush.
#[derive(Default)]
struct Seen {
    /// Stream times in ns.
    times: Vec<u64>,
    segment: Option<gst::Segment>,
}

/// A pipeline that plays a clip. Its sinks do not wait for the clock unless they are told to.
pub struct Player {
    pub pipeline: gst::Pipeline,
    sinks: Vec<gst::Element>,
    bus: gst::Bus,
    seen: Arc<Mutex<Seen>>,
    n_criticals: usize,
    clip: Clip,
}

impl Player {
    /// Plays this pipeline, in which the video goes to `fakesink name=out`.
    pub fn new(description: &str, clip: &Clip) -> Self {
        Self::over(elements::parse(description), clip)
    }

    /// Plays what stands at this address.
    pub fn of_uri(uri: &str, clip: &Clip) -> Self {
        elements::init();
        let make = |factory, name| {
            let builder = gst::ElementFactory::make(factory).name(name);
            builder.build().expect(factory)
        };
        let player = make("playbin", "player");
        player.set_property("uri", uri);
        player.set_property("video-sink", make("fakesink", "out"));
        player.set_property("audio-sink", make("fakesink", "sound"));
        player.set_property_from_str("flags", "video+audio+soft-volume");
        Self::over(player.downcast().expect("a pipeline"), clip)
    }

    fn over(pipeline: gst::Pipeline, clip: &Clip) -> Self {
        watch_the_log();
        let seen = Arc::<Mutex<Seen>>::default();
        let sinks: Vec<gst::Element> = match pipeline.has_property("video-sink") {
            true => ["video-sink", "audio-sink"].map(|name| pipeline.property(name)).into(),
            false => vec![pipeline.by_name("out").expect("a sink called out")],
        };
        let pad = sinks[0].static_pad("sink").expect("a pad");
        let what = gst::PadProbeType::BUFFER
            | gst::PadProbeType::EVENT_DOWNSTREAM
            | gst::PadProbeType::EVENT_FLUSH;
        let target = seen.clone();
        pad.add_probe(what, move |_, info| {
            target.lock().unwrap().note(info);
            gst::PadProbeReturn::Ok
        });
        let bus = pipeline.bus().expect("a bus");
        let n_criticals = N_CRITICALS.load(Ordering::SeqCst);
        Self { pipeline, sinks, bus, seen, n_criticals, clip: clip.clone() }
    }

    /// Lets the sinks wait for the clock. Others show what comes as soon as it comes, sound far ahead of
    /// pictures, and a demuxer that feeds both may have filled one's queue when the other needs a frame.
    pub fn by_the_clock(&self) {
        self.sinks.iter().for_each(|sink| sink.set_property("sync", true));
    }

    /// Changes the state and waits until it is reached.
    pub fn set(&self, state: gst::State) {
        self.pipeline.set_state(state).unwrap_or_else(|e| panic!("{state:?}: {e}"));
        self.settle(state);
    }

    /// Pauses, and forgets the ends that were reached on the way.
    pub fn rest(&self) {
        self.set(gst::State::Paused);
        while self.bus.pop_filtered(&[gst::MessageType::Eos]).is_some() {}
    }

    /// Waits until a change of state or a seek has come to rest.
    pub fn settle(&self, state: gst::State) {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            let (result, current, _) = self.pipeline.state(gst::ClockTime::from_mseconds(20));
            self.check();
            if result == Ok(gst::StateChangeSuccess::Success) && current == state {
                return;
            }
        }
        self.hang("to change its state");
    }

    /// Seeks; `stop` of `None` means the end.
    pub fn seek(&self, rate: f64, flags: gst::SeekFlags, start: u64, stop: Option<u64>) {
        assert!(self.try_seek(rate, flags, start, stop), "seek to {start} at rate {rate}");
    }

    /// Seeks, and says whether anybody took it.
    pub fn try_seek(
        &self,
        rate: f64,
        flags: gst::SeekFlags,
        start: u64,
        stop: Option<u64>,
    ) -> bool {
        let time = gst::ClockTime::from_nseconds;
        let stop = stop.map(time);
        let flags = flags | gst::SeekFlags::FLUSH;
        let set = gst::SeekType::Set;
        let event = gst::event::Seek::new(rate, flags, set, time(start), set, stop);
        self.pipeline.send_event(event)
    }

    /// Plays until the end and returns the frames that were seen since the last seek.
    pub fn frames_to_end(&self) -> Vec<usize> {
        self.pipeline.set_state(gst::State::Playing).expect("PLAYING");
        let deadline = Instant::now() + PATIENCE;
        loop {
            let types = [gst::MessageType::Eos, gst::MessageType::Error, gst::MessageType::Warning];
            let left = gst::ClockTime::try_from(deadline.saturating_duration_since(Instant::now()));
            match self.bus.timed_pop_filtered(left.expect("a time"), &types) {
                Some(message) if message.type_() == gst::MessageType::Eos => break,
                Some(message) => complain(&message),
                None => self.hang("for the end"),
            }
        }
        self.check();
        self.frames()
    }

    /// The frames that were seen since the last seek.
    pub fn frames(&self) -> Vec<usize> {
        let times = self.seen.lock().unwrap().times.clone();
        times.into_iter().map(|time| self.clip.frame_at(time)).collect()
    }

    /// Fails when something went wrong.
    pub fn check(&self) {
        let types = [gst::MessageType::Error, gst::MessageType::Warning];
        while let Some(message) = self.bus.pop_filtered(&types) {
            complain(&message);
        }
        let n = N_CRITICALS.load(Ordering::SeqCst);
        assert_eq!(n, self.n_criticals, "critical: {}", LAST_CRITICAL.lock().unwrap());
    }

    fn hang(&self, what: &str) -> ! {
        // Dropping it would wait for the threads that hang.
        std::mem::forget(self.pipeline.clone());
        panic!("waited {PATIENCE:?} {what}; seen {:?}", self.seen.lock().unwrap().times);
    }
}

impl Drop for Player {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let _ = self.pipeline.set_state(gst::State::Null);
        } else {
            // A thread that hangs must not hide why the test fails.
            let pipeline = self.pipeline.clone();
            std::thread::spawn(move || pipeline.set_state(gst::State::Null));
        }
    }
}

impl Seen {
    fn note(&mut self, info: &gst::PadProbeInfo) {
        match &info.data {
            Some(gst::PadProbeData::Event(event)) => match event.view() {
                gst::EventView::FlushStop(_) | gst::EventView::StreamStart(_) => {
                    self.times.clear();
                }
                gst::EventView::Segment(e) => self.segment = Some(e.segment().clone()),
                _ => {}
            },
            Some(gst::PadProbeData::Buffer(buffer)) => {
                let segment = self.segment.as_ref().expect("a segment before buffers");
                let segment = segment.downcast_ref::<gst::ClockTime>().expect("of times");
                let time = segment.to_stream_time(buffer.pts()).expect("inside the segment");
                self.times.push(time.nseconds());
            }
            _ => {}
        }
    }
}

/// Fails for an error of any element and for a warning of ours; those of others come when states change in
/// a hurry, and where a sink has no volume.
fn complain(message: &gst::Message) {
    let is_ours = message.src().is_some_and(|src| src.type_().name().starts_with("GstLnr"));
    match message.view() {
        gst::MessageView::Error(e) => panic!("{} ({:?})", e.error(), e.debug()),
        gst::MessageView::Warning(w) if is_ours => panic!("{} ({:?})", w.error(), w.debug()),
        _ => {}
    }
}
