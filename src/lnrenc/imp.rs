// SPDX-License-Identifier: MIT OR Apache-2.0

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{LazyLock, Mutex};

use gst::glib;
use gst_video::prelude::*;
use gst_video::subclass::prelude::*;
use gst_video::video_codec_state::Readable;
use gst_video::{VideoCodecFrame, VideoCodecFrameFlags, VideoCodecState};

use super::output::{self, Stop};
use super::progress::{self, Begun, Reporter, Stats};
use super::session::Session;
use super::settings::{self, Settings};
use crate::engine::EngineSlot;
use crate::error::Task;
use crate::metadata::TaggedOrientation;
use crate::teacher::TeacherSlot;
use crate::{caps, error, format};
use lnr::stream::Metadata;
use lnr::{
    AccessUnit, Alignment, CancelFlag, Control, Encoder, EncoderSettings, Engine, Error, Result,
};
use lnr_gst::color;
use lnr_gst::hdr::Hdr;

static CAT: LazyLock<gst::DebugCategory> = LazyLock::new(|| {
    gst::DebugCategory::new("lnrenc", gst::DebugColorFlags::empty(), Some("LNR encoder"))
});

type Flow = std::result::Result<gst::FlowSuccess, gst::FlowError>;

#[derive(Default)]
pub struct LnrEnc {
    settings: Mutex<Settings>,
    stats: Mutex<Stats>,
    /// Taken out while in use: no lock is held while training or calling into GStreamer.
    session: Mutex<Option<Session>>,
    /// What upstream's tags say now.
    tagged: Mutex<TaggedOrientation>,
    /// The application knows that alpha is dropped.
    has_told_of_alpha: AtomicBool,
    cancel: CancelFlag,
    engine: EngineSlot,
    teacher: TeacherSlot,
    /// Most frames that the codec holds back.
    n_held: AtomicU32,
}

#[glib::object_subclass]
impl ObjectSubclass for LnrEnc {
    const NAME: &'static str = "GstLnrEnc";
    type Type = super::LnrEnc;
    type ParentType = gst_video::VideoEncoder;
    type Interfaces = (gst::Preset,);
}

impl ObjectImpl for LnrEnc {
    fn properties() -> &'static [glib::ParamSpec] {
        settings::properties()
    }

    fn set_property(&self, _id: usize, value: &glib::Value, pspec: &glib::ParamSpec) {
        self.settings.lock().unwrap().set(pspec.name(), value);
    }

    fn property(&self, _id: usize, pspec: &glib::ParamSpec) -> glib::Value {
        match pspec.name() {
            "stats" => {
                let stats = *self.stats.lock().unwrap();
                stats.to_structure().to_value()
            }
            name => self.settings.lock().unwrap().get(name),
        }
    }

    fn constructed(&self) {
        self.parent_constructed();
        // Late frames must be trained all the same.
        self.obj().set_qos_enabled(false);
    }
}

impl GstObjectImpl for LnrEnc {}
impl PresetImpl for LnrEnc {}

impl ElementImpl for LnrEnc {
    fn metadata() -> Option<&'static gst::subclass::ElementMetadata> {
        static METADATA: LazyLock<gst::subclass::ElementMetadata> = LazyLock::new(|| {
            gst::subclass::ElementMetadata::new(
                "LNR video encoder",
                "Codec/Encoder/Video",
                "Encodes video as latent-INR: trains a small network for each group of frames",
                "The gst-plugin-lnr authors",
            )
        });
        Some(&*METADATA)
    }

    fn pad_templates() -> &'static [gst::PadTemplate] {
        static TEMPLATES: LazyLock<Vec<gst::PadTemplate>> =
            LazyLock::new(|| caps::pad_templates(caps::raw(format::ENCODED), caps::produced()));
        TEMPLATES.as_ref()
    }

    fn change_state(
        &self,
        transition: gst::StateChange,
    ) -> std::result::Result<gst::StateChangeSuccess, gst::StateChangeError> {
        // Before the parent: it waits for the streaming thread, which may be training.
        match transition {
            gst::StateChange::PausedToReady => self.cancel.set(true),
            gst::StateChange::ReadyToPaused => self.cancel.set(false),
            _ => {}
        }
        self.parent_change_state(transition)
    }
}

impl VideoEncoderImpl for LnrEnc {
    /// Called at NULL -> READY.
    fn open(&self) -> std::result::Result<(), gst::ErrorMessage> {
        let opened = self.engine().and_then(|_| self.alignment());
        opened.map(|_| ()).map_err(|e| error::message(Task::Encoding, &e))
    }

    fn close(&self) -> std::result::Result<(), gst::ErrorMessage> {
        self.engine.close();
        self.teacher.close();
        Ok(())
    }

    fn start(&self) -> std::result::Result<(), gst::ErrorMessage> {
        // Properties may have changed since READY.
        self.engine().map_err(|e| error::message(Task::Encoding, &e))?;
        *self.stats.lock().unwrap() = Stats::default();
        self.has_told_of_alpha.store(false, Ordering::Relaxed);
        Ok(())
    }

    fn stop(&self) -> std::result::Result<(), gst::ErrorMessage> {
        // Whatever is still trained ends here.
        let session = self.session.lock().unwrap().take();
        self.give_up(session.map(|mut session| session.reset()));
        *self.tagged.lock().unwrap() = TaggedOrientation::default();
        Ok(())
    }

    fn set_format(
        &self,
        state: &VideoCodecState<'static, Readable>,
    ) -> std::result::Result<(), gst::LoggableError> {
        self.drain().map_err(|flow| gst::loggable_error!(CAT, "draining: {flow}"))?;
        let config = self.begin(state).map_err(|e| {
            self.obj().post_error_message(error::message(Task::Encoding, &e));
            gst::loggable_error!(CAT, "{e}")
        })?;
        if state.info().has_alpha() && !self.has_told_of_alpha.swap(true, Ordering::Relaxed) {
            output::tell_of_alpha(&self.obj(), state.info());
        }
        output::announce(&self.obj(), state, &config)
            .map_err(|flow| gst::loggable_error!(CAT, "negotiating: {flow}"))
    }

    fn handle_frame(&self, frame: VideoCodecFrame) -> Flow {
        let orientation = self.tagged.lock().unwrap().get();
        let rate_control = self.settings.lock().unwrap().rate_control();
        self.with_session(|session| {
            if session.encoder.settings().metadata.orientation != orientation {
                self.train(session, |session, control| session.encoder.finish(control))?;
                session.turn(orientation);
            }
            if session.aim(rate_control).map_err(|e| self.fail(&e))? {
                output::tell_rate(&self.obj(), rate_control);
            }
            let input = session.input(&frame, &self.obj().input_segment());
            session.frames.push_back(frame.system_frame_number());
            drop(frame);
            self.train(session, |session, control| session.encoder.push(input?, control))
        })
        .map_err(Stop::flow)
    }

    fn finish(&self) -> Flow {
        self.drain()
    }

    fn flush(&self) -> bool {
        let begun = self.session.lock().unwrap().as_mut().map(Session::reset);
        self.give_up(begun);
        true
    }

    fn sink_event(&self, event: gst::Event) -> bool {
        self.tagged.lock().unwrap().update(&event);
        match event.view() {
            gst::EventView::FlushStart(_) => self.cancel.set(true),
            gst::EventView::FlushStop(_) => self.cancel.set(false),
            _ => {}
        }
        self.parent_sink_event(event)
    }

    fn propose_allocation(
        &self,
        query: &mut gst::query::Allocation,
    ) -> std::result::Result<(), gst::LoggableError> {
        // The base class keeps the buffers of all frames that the codec holds back.
        let held = self.n_held.load(Ordering::Relaxed) + 1;
        let caps = query.get_owned().0;
        if let Some(info) = caps.and_then(|c| gst_video::VideoInfo::from_caps(&c).ok()) {
            query.add_allocation_pool(None::<&gst::BufferPool>, info.size() as u32, held, 0);
        }
        query.add_allocation_meta::<gst_video::VideoMeta>(None);
        self.parent_propose_allocation(query)
    }
}

impl LnrEnc {
    fn engine(&self) -> Result<Engine> {
        let settings = self.settings.lock().unwrap().engine();
        self.engine.get(&*self.obj(), *CAT, settings)
    }

    /// What to store of what frames mean.
    fn alignment(&self) -> Result<Option<Alignment>> {
        let (name, weight) = {
            let settings = self.settings.lock().unwrap();
            (settings.teacher.clone(), settings.clip_weight)
        };
        Ok(self.teacher.get(&name)?.map(|teacher| Alignment::new(teacher).weight(weight)))
    }

    /// Tells that the training of these groups ended early.
    fn give_up(&self, begun: Option<Begun>) {
        let begun = begun.unwrap_or_default();
        progress::end(self.obj().upcast_ref(), begun, gst::ProgressType::Canceled);
    }

    fn with_session(
        &self,
        action: impl FnOnce(&mut Session) -> std::result::Result<gst::FlowSuccess, Stop>,
    ) -> std::result::Result<gst::FlowSuccess, Stop> {
        let Some(mut session) = self.session.lock().unwrap().take() else {
            return Err(Stop::Refused(gst::FlowError::NotNegotiated));
        };
        let result = action(&mut session);
        *self.session.lock().unwrap() = Some(session);
        result
    }

    /// Posts what the codec says.
    fn fail(&self, error: &Error) -> Stop {
        Stop::Told(error::post(&*self.obj(), Task::Encoding, error))
    }

    /// Trains the frames that wait, as a shorter group. Events bring no flow upstream, so what stops it
    /// is told on the bus.
    fn drain(&self) -> Flow {
        if self.session.lock().unwrap().is_none() {
            return Ok(gst::FlowSuccess::Ok);
        }
        let drained = self.with_session(|session| {
            self.train(session, |session, control| session.encoder.finish(control))
        });
        drained.map_err(|stop| {
            if let Stop::Refused(flow) = stop {
                output::tell_refusal(&self.obj(), flow);
            }
            stop.flow()
        })
    }

    /// Runs the codec, listens to its progress, and pushes what it made.
    fn train(
        &self,
        session: &mut Session,
        run: impl FnOnce(&mut Session, &mut Control) -> Result<Vec<AccessUnit>>,
    ) -> std::result::Result<gst::FlowSuccess, Stop> {
        let obj = self.obj();
        let mut begun = std::mem::take(&mut session.begun);
        let mut reporter = Reporter::new(obj.upcast_ref(), &self.stats, &mut begun);
        let mut listener = |progress: &lnr::Progress| reporter.update(progress);
        let mut control = Control { cancel: self.cancel.clone(), progress: Some(&mut listener) };
        let result = run(session, &mut control);
        reporter.complete(session.encoder.stats().groups);
        match &result {
            Ok(_) => session.begun = begun,
            Err(Error::Cancelled) => self.give_up(Some(begun)),
            Err(_) => progress::end(obj.upcast_ref(), begun, gst::ProgressType::Error),
        }
        self.stats.lock().unwrap().totals = *session.encoder.stats();
        match result {
            Ok(units) => self.push_all(session, units),
            Err(e) => {
                // Groups before the one that failed are whole.
                if !matches!(e, Error::Cancelled) {
                    let units = session.encoder.take_finished();
                    self.push_all(session, units)?;
                }
                Err(self.fail(&e))
            }
        }
    }

    fn push_all(
        &self,
        session: &mut Session,
        units: Vec<AccessUnit>,
    ) -> std::result::Result<gst::FlowSuccess, Stop> {
        let durations = output::durations(&units);
        for (unit, duration) in units.into_iter().zip(durations) {
            self.push(session, unit, duration).map_err(Stop::Refused)?;
        }
        Ok(gst::FlowSuccess::Ok)
    }

    fn push(&self, session: &mut Session, unit: AccessUnit, duration: u64) -> Flow {
        let obj = self.obj();
        let number = session.frames.pop_front();
        let Some(mut frame) = number.and_then(|number| obj.frame(number as i32)) else {
            gst::error!(CAT, imp = self, "an access unit for a frame that is not there");
            return Err(gst::FlowError::Error);
        };
        let mut buffer = gst::Buffer::from_mut_slice(unit.data);
        if unit.is_key {
            frame.set_flags(VideoCodecFrameFlags::SYNC_POINT);
        } else {
            buffer.make_mut().set_flags(gst::BufferFlags::DROPPABLE);
        }
        if frame.pts().is_none() {
            frame.set_pts(gst::ClockTime::from_nseconds(unit.pts));
        }
        frame.set_duration(gst::ClockTime::from_nseconds(duration));
        frame.set_output_buffer(buffer);
        obj.finish_frame(frame)
    }

    fn begin(&self, state: &VideoCodecState<'static, Readable>) -> Result<EncoderSettings> {
        let info = state.info();
        let fps = info.fps();
        let frame_rate = match (fps.numer(), fps.denom()) {
            (n @ 1.., d @ 1..) => (n as u32, d as u32),
            _ => (0, 1),
        };
        let settings = self.settings.lock().unwrap().clone();
        let mut format = format::picture_format(info)?;
        let hdr = state.caps().map(Hdr::from_caps).unwrap_or_default();
        if let Some(caps) = state.caps() {
            format.color = color::from_caps(caps, info);
        }
        let metadata = Metadata {
            orientation: self.tagged.lock().unwrap().get(),
            mastering: hdr.mastering,
            light: hdr.light,
            ..Metadata::default()
        };
        let mut config = settings.encoder(format, frame_rate)?.metadata(metadata);
        config = config.alignment(self.alignment()?);
        if config.jobs == 0 && output::is_live(&self.obj()) {
            // Whoever watches waits for every group that is trained beside.
            config.jobs = 1;
        }
        let encoder = Encoder::with_engine(config.clone(), self.engine()?)?;
        let session = Session::new(encoder, info.clone());
        let n_frames = session.encoder.max_delay_frames();
        self.n_held.store(n_frames, Ordering::Relaxed);
        let latency = session.frame_duration() * u64::from(n_frames);
        *self.session.lock().unwrap() = Some(session);
        self.obj().set_latency(latency, latency);
        Ok(config)
    }
}
