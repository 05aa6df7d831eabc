// SPDX-License-Identifier: MIT OR Apache-2.0

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{LazyLock, Mutex};

use gst::glib;
use gst_video::VideoCodecFrame;
use gst_video::prelude::*;
use gst_video::subclass::prelude::*;

use super::input::{Input, Next};
use super::session::Session;
use super::settings::{self, Settings};
use super::size;
use super::upstream::{self, Sought};
use crate::engine::EngineSlot;
use crate::error::Task;
use crate::{caps, error, format};
use lnr::stream::Orientation;
use lnr::{CancelFlag, Decoder, PictureFormat};
use lnr_gst::hdr::Hdr;

pub(super) static CAT: LazyLock<gst::DebugCategory> = LazyLock::new(|| {
    gst::DebugCategory::new("lnrdec", gst::DebugColorFlags::empty(), Some("LNR decoder"))
});

/// What the output is made from; negotiation reads it while a frame is being decoded.
#[derive(Clone, Copy, Default)]
pub(super) struct Stream {
    /// Format of the current group.
    pub format: Option<PictureFormat>,
    /// The rate in the sink pad's caps.
    pub upstream_rate: Option<gst::Fraction>,
    /// The rate in the stream.
    pub rate: Option<gst::Fraction>,
    /// What the stream says of the display.
    pub hdr: Hdr,
    /// What the tags say.
    pub orientation: Orientation,
}

#[derive(Default)]
pub struct LnrDec {
    pub(super) settings: Mutex<Settings>,
    pub(super) stream: Mutex<Stream>,
    /// Taken out while in use: no lock is held while decoding or calling into GStreamer.
    session: Mutex<Option<Session>>,
    input: Mutex<Input>,
    /// A sink downstream waits for the clock, and tells which frames come late.
    pub(super) hears_of_lateness: AtomicBool,
    /// The last seek that passed.
    sought: Mutex<Option<Sought>>,
    /// Stops the session's rendering.
    cancel: Mutex<CancelFlag>,
    engine: EngineSlot,
}

#[glib::object_subclass]
impl ObjectSubclass for LnrDec {
    const NAME: &'static str = "GstLnrDec";
    type Type = super::LnrDec;
    type ParentType = gst_video::VideoDecoder;
}

impl ObjectImpl for LnrDec {
    fn properties() -> &'static [glib::ParamSpec] {
        settings::properties()
    }

    fn set_property(&self, _id: usize, value: &glib::Value, pspec: &glib::ParamSpec) {
        self.settings.lock().unwrap().set(pspec.name(), value);
    }

    fn property(&self, _id: usize, pspec: &glib::ParamSpec) -> glib::Value {
        self.settings.lock().unwrap().get(pspec.name())
    }
}

impl GstObjectImpl for LnrDec {}

impl ElementImpl for LnrDec {
    fn metadata() -> Option<&'static gst::subclass::ElementMetadata> {
        static METADATA: LazyLock<gst::subclass::ElementMetadata> = LazyLock::new(|| {
            gst::subclass::ElementMetadata::new(
                "LNR video decoder",
                "Codec/Decoder/Video/Converter",
                "Decodes latent-INR video at any size",
                "The gst-plugin-lnr authors",
            )
        });
        Some(&*METADATA)
    }

    fn pad_templates() -> &'static [gst::PadTemplate] {
        static TEMPLATES: LazyLock<Vec<gst::PadTemplate>> = LazyLock::new(|| {
            caps::pad_templates(caps::decodable(), caps::raw(format::all_decoded()))
        });
        TEMPLATES.as_ref()
    }

    fn change_state(
        &self,
        transition: gst::StateChange,
    ) -> Result<gst::StateChangeSuccess, gst::StateChangeError> {
        // Before the parent: it waits for the streaming thread, which may be rendering. The next start
        // brings a flag of its own.
        if transition == gst::StateChange::PausedToReady {
            self.cancel(true);
        }
        self.parent_change_state(transition)
    }
}

impl VideoDecoderImpl for LnrDec {
    /// Called at NULL -> READY.
    fn open(&self) -> Result<(), gst::ErrorMessage> {
        self.decoder().map(|_| ()).map_err(|e| error::message(Task::Decoding, &e))
    }

    fn close(&self) -> Result<(), gst::ErrorMessage> {
        self.engine.close();
        Ok(())
    }

    fn start(&self) -> Result<(), gst::ErrorMessage> {
        let decoder = self.decoder().map_err(|e| error::message(Task::Decoding, &e))?;
        *self.cancel.lock().unwrap() = decoder.cancel_flag();
        *self.session.lock().unwrap() = Some(Session::new(decoder));
        *self.stream.lock().unwrap() = Stream::default();
        self.hears_of_lateness.store(false, Ordering::Relaxed);
        self.input.lock().unwrap().reset();
        self.obj().set_packetized(false);
        Ok(())
    }

    fn stop(&self) -> Result<(), gst::ErrorMessage> {
        *self.session.lock().unwrap() = None;
        Ok(())
    }

    fn src_event(&self, event: gst::Event) -> bool {
        match event.view() {
            gst::EventView::Seek(seek) => *self.sought.lock().unwrap() = Some(Sought::new(seek)),
            gst::EventView::Qos(_) => self.hears_of_lateness.store(true, Ordering::Relaxed),
            _ => {}
        }
        self.parent_src_event(event)
    }

    fn sink_event(&self, event: gst::Event) -> bool {
        let event = match event.view() {
            gst::EventView::Segment(segment) => {
                let sought = *self.sought.lock().unwrap();
                sought.and_then(|sought| sought.complete(segment)).unwrap_or(event)
            }
            gst::EventView::FlushStart(_) => {
                self.cancel(true);
                event
            }
            gst::EventView::FlushStop(_) => {
                self.cancel(false);
                if let Some(session) = self.session.lock().unwrap().as_mut() {
                    session.has_decoded = false;
                }
                event
            }
            _ => event,
        };
        self.parent_sink_event(event)
    }

    /// The default would ask upstream for the size that downstream wants; but any stream will do.
    fn caps(&self, filter: Option<&gst::Caps>) -> gst::Caps {
        let caps = upstream::wanted(self.obj().src_pad());
        match filter {
            Some(filter) => filter.intersect_with_mode(&caps, gst::CapsIntersectMode::First),
            None => caps,
        }
    }

    fn sink_query(&self, query: &mut gst::QueryRef) -> bool {
        match query.view_mut() {
            // A stream of a rate that downstream does not take is taken, to say why it does not do.
            gst::QueryViewMut::AcceptCaps(accept) => {
                let is_ours = accept.caps().is_subset(&self.obj().sink_pad().pad_template_caps());
                accept.set_result(is_ours);
                true
            }
            _ => self.parent_sink_query(query),
        }
    }

    fn set_format(
        &self,
        state: &gst_video::VideoCodecState<'static, gst_video::video_codec_state::Readable>,
    ) -> Result<(), gst::LoggableError> {
        let structure = state.caps().and_then(|caps| caps.structure(0));
        let is_parsed = structure.is_some_and(|s| s.get("parsed") == Ok(true));
        self.obj().set_packetized(is_parsed);
        let mut stream = self.stream.lock().unwrap();
        stream.upstream_rate = structure
            .and_then(|s| s.get::<gst::Fraction>("framerate").ok())
            .filter(|rate| rate.numer() > 0);
        // Forces new output caps with the next frame.
        stream.format = None;
        Ok(())
    }

    fn parse(
        &self,
        _frame: &VideoCodecFrame,
        adapter: &gst_base::Adapter,
        at_eos: bool,
    ) -> Result<gst::FlowSuccess, gst::FlowError> {
        let next = self.input.lock().unwrap().next(adapter, at_eos);
        match next.map_err(|_| gst::FlowError::Error)? {
            Next::Unit(len) => {
                self.obj().add_to_frame(len as i32);
                self.obj().have_frame()
            }
            Next::Skip { n, cause } => {
                adapter.flush(n);
                gst::debug!(CAT, imp = self, "skipping {n} bytes");
                cause.map_or(Ok(gst::FlowSuccess::Ok), |error| self.report(&error))
            }
            Next::NeedData => Ok(gst_video::VIDEO_DECODER_FLOW_NEED_DATA),
        }
    }

    fn handle_frame(&self, frame: VideoCodecFrame) -> Result<gst::FlowSuccess, gst::FlowError> {
        let Some(mut session) = self.session.lock().unwrap().take() else {
            return Err(gst::FlowError::Flushing);
        };
        let result = self.decode(&mut session, frame);
        *self.session.lock().unwrap() = Some(session);
        result
    }

    fn flush(&self) -> bool {
        if let Some(session) = self.session.lock().unwrap().as_mut() {
            session.reset();
        }
        self.input.lock().unwrap().reset();
        true
    }

    /// Called for new streams and whenever downstream wants something else.
    fn negotiate(&self) -> Result<(), gst::LoggableError> {
        let stream = *self.stream.lock().unwrap();
        if let Some(native) = stream.format {
            let rate = stream.upstream_rate.or(stream.rate).unwrap_or(gst::Fraction::new(0, 1));
            let obj = self.obj();
            let info = size::choose(obj.src_pad(), &native, rate).map_err(|e| {
                if !is_flushing(obj.src_pad()) {
                    obj.post_error_message(error::message(Task::Decoding, &e));
                }
                gst::loggable_error!(CAT, "{e}")
            })?;
            gst::debug!(CAT, imp = self, "rendering at {}x{}", info.width(), info.height());
            let mut caps = info.to_caps().map_err(|e| gst::loggable_error!(CAT, "{e}"))?;
            stream.hdr.add_to_caps(caps.make_mut());
            let mut state = obj
                .set_output_state(info.format(), info.width(), info.height(), None)
                .map_err(|_| gst::loggable_error!(CAT, "no output state"))?;
            state.set_info(info);
            state.set_caps(&caps);
        }
        self.parent_negotiate()
    }
}

impl LnrDec {
    /// Asks for an end of rendering, or withdraws the wish.
    fn cancel(&self, cancel: bool) {
        self.cancel.lock().unwrap().set(cancel);
    }

    fn decoder(&self) -> lnr::Result<Decoder> {
        let settings = *self.settings.lock().unwrap();
        let engine = self.engine.get(&*self.obj(), *CAT, settings.engine())?;
        Ok(Decoder::with_engine(settings.decoder(), engine))
    }
}

/// Whether a pad or its peer takes nothing because it is on the way down to READY, or seeks.
pub(super) fn is_flushing(pad: &gst::Pad) -> bool {
    let is_flushing = |pad: &gst::Pad| pad.pad_flags().contains(gst::PadFlags::FLUSHING);
    is_flushing(pad) || pad.peer().is_some_and(|peer| is_flushing(&peer))
}
