// SPDX-License-Identifier: MIT OR Apache-2.0

use std::sync::{LazyLock, Mutex};

use gst::glib;
use gst_base::prelude::*;
use gst_base::subclass::base_transform::{
    BaseTransformImpl, BaseTransformImplExt, BaseTransformMode, GenerateOutputSuccess,
};
use gst_base::subclass::prelude::*;

use super::line::line;
use super::pictures::Pictures;
use super::settings::{self, Settings};
use crate::error::Task;
use crate::meta::Embedding;
use crate::teacher::TeacherSlot;
use crate::{EmbedFormat, caps, error, format};
use lnr::align::Teacher;
use lnr::{Error, LatentReader, Result};

static CAT: LazyLock<gst::DebugCategory> = LazyLock::new(|| {
    gst::DebugCategory::new("lnrembed", gst::DebugColorFlags::empty(), Some("LNR embeddings"))
});

/// Name of the element message.
const MESSAGE: &str = "lnr-embedding";

type Flow<T> = std::result::Result<T, gst::FlowError>;

#[derive(Default)]
struct State {
    reader: LatentReader,
    /// What looks at raw pictures, where a model is named.
    pictures: Option<Pictures>,
    /// Coded input: embeddings are read from it.
    is_coded: bool,
    has_failed: bool,
    /// The application knows that some frames of this stream have no embedding.
    has_told: bool,
}

impl State {
    /// What comes next is another part of the stream.
    fn reset(&mut self) {
        self.reader.reset();
        self.pictures.iter_mut().for_each(Pictures::reset);
        self.has_failed = false;
    }

    /// What the access unit says of the frame that it shows.
    fn read(&mut self, unit: &[u8]) -> Result<Embedding> {
        let latent = self.reader.push(unit)?;
        Ok(Embedding {
            pts: Some(gst::ClockTime::from_nseconds(latent.pts.min(i64::MAX as u64))),
            group: Some(latent.group.into()),
            tau: Some(latent.tau.as_f32().into()),
            ..Embedding::new(latent.embedding, self.reader.space())
        })
    }

    /// What a raw picture carries; else what the model sees in it.
    fn look(&mut self, buffer: &gst::BufferRef, interval: u64) -> Result<Option<Embedding>> {
        let carried = Embedding::read(buffer);
        let is_known = carried.as_ref().is_some_and(|e| !e.vector.is_empty());
        match &mut self.pictures {
            Some(pictures) if !is_known => pictures.embedding(buffer, interval).map(Some),
            _ => Ok(carried),
        }
    }
}

#[derive(Default)]
pub struct LnrEmbed {
    settings: Mutex<Settings>,
    state: Mutex<State>,
    teacher: TeacherSlot,
}

#[glib::object_subclass]
impl ObjectSubclass for LnrEmbed {
    const NAME: &'static str = "GstLnrEmbed";
    type Type = super::LnrEmbed;
    type ParentType = gst_base::BaseTransform;
}

impl ObjectImpl for LnrEmbed {
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

impl GstObjectImpl for LnrEmbed {}

impl ElementImpl for LnrEmbed {
    fn metadata() -> Option<&'static gst::subclass::ElementMetadata> {
        static METADATA: LazyLock<gst::subclass::ElementMetadata> = LazyLock::new(|| {
            gst::subclass::ElementMetadata::new(
                "LNR embeddings",
                "Filter/Analyzer/Video",
                "Says what frames mean, as LnrEmbeddingMeta or JSON: reads it from LNR streams without \
                 decoding, and lets a model look at other video",
                "The gst-plugin-lnr authors",
            )
        });
        Some(&*METADATA)
    }

    fn pad_templates() -> &'static [gst::PadTemplate] {
        static TEMPLATES: LazyLock<Vec<gst::PadTemplate>> = LazyLock::new(|| {
            let sink = taken(&Settings::default());
            let mut src = sink.clone();
            src.merge(caps::json_lines());
            caps::pad_templates(sink, src)
        });
        TEMPLATES.as_ref()
    }

    fn change_state(
        &self,
        transition: gst::StateChange,
    ) -> std::result::Result<gst::StateChangeSuccess, gst::StateChangeError> {
        if transition == gst::StateChange::NullToReady
            && let Err(e) = self.teacher()
        {
            self.obj().post_error_message(error::message(Task::Embedding, &e));
            return Err(gst::StateChangeError);
        }
        let success = self.parent_change_state(transition)?;
        if transition == gst::StateChange::ReadyToNull {
            self.teacher.close();
        }
        Ok(success)
    }
}

impl BaseTransformImpl for LnrEmbed {
    const MODE: BaseTransformMode = BaseTransformMode::AlwaysInPlace;
    const PASSTHROUGH_ON_SAME_CAPS: bool = false;
    const TRANSFORM_IP_ON_PASSTHROUGH: bool = true;

    fn start(&self) -> std::result::Result<(), gst::ErrorMessage> {
        // The property may have changed since READY.
        let teacher = self.teacher().map_err(|e| error::message(Task::Embedding, &e))?;
        let pictures = teacher.map(Pictures::new);
        *self.state.lock().unwrap() = State { pictures, ..State::default() };
        Ok(())
    }

    fn stop(&self) -> std::result::Result<(), gst::ErrorMessage> {
        *self.state.lock().unwrap() = State::default();
        Ok(())
    }

    fn transform_caps(
        &self,
        direction: gst::PadDirection,
        caps: &gst::Caps,
        filter: Option<&gst::Caps>,
    ) -> Option<gst::Caps> {
        let settings = self.settings.lock().unwrap();
        let taken = taken(&settings);
        let lines = caps::json_lines();
        let other = match (settings.format, direction) {
            (EmbedFormat::Meta, _) => {
                caps.intersect_with_mode(&taken, gst::CapsIntersectMode::First)
            }
            (EmbedFormat::Jsonl, gst::PadDirection::Src) if caps.can_intersect(&lines) => taken,
            (EmbedFormat::Jsonl, gst::PadDirection::Sink) if caps.can_intersect(&taken) => lines,
            (EmbedFormat::Jsonl, _) => gst::Caps::new_empty(),
        };
        Some(match filter {
            Some(filter) => filter.intersect_with_mode(&other, gst::CapsIntersectMode::First),
            None => other,
        })
    }

    fn set_caps(
        &self,
        incaps: &gst::Caps,
        _: &gst::Caps,
    ) -> std::result::Result<(), gst::LoggableError> {
        let is_coded = incaps.structure(0).is_some_and(|s| s.name() == caps::LNR);
        let mut state = self.state.lock().unwrap();
        state.is_coded = is_coded;
        let has_model = state.pictures.is_some();
        let looking = state.pictures.as_mut().filter(|_| !is_coded);
        let result = looking.map_or(Ok(()), |pictures| pictures.set_caps(incaps));
        drop(state);
        result.map_err(|e| {
            self.obj().post_error_message(error::message(Task::Embedding, &e));
            gst::loggable_error!(CAT, "{e}")
        })?;
        let makes_lines = self.settings.lock().unwrap().format == EmbedFormat::Jsonl;
        self.obj().set_passthrough(!is_coded && !has_model && !makes_lines);
        Ok(())
    }

    fn sink_event(&self, event: gst::Event) -> bool {
        match event.view() {
            gst::EventView::FlushStop(_) => self.state.lock().unwrap().reset(),
            gst::EventView::StreamStart(_) => {
                let mut state = self.state.lock().unwrap();
                state.reset();
                state.has_told = false;
            }
            _ => {}
        }
        self.parent_sink_event(event)
    }

    fn transform_ip(&self, buffer: &mut gst::BufferRef) -> Flow<gst::FlowSuccess> {
        if let Some(embedding) = self.embedding(buffer)? {
            embedding.attach(buffer).map_err(|e| {
                gst::element_imp_error!(self, gst::LibraryError::Failed, ["{e}"]);
                gst::FlowError::Error
            })?;
            self.tell(&embedding, buffer.pts());
        }
        Ok(gst::FlowSuccess::Ok)
    }

    fn transform_ip_passthrough(&self, buffer: &gst::Buffer) -> Flow<gst::FlowSuccess> {
        if let Some(embedding) = self.embedding(buffer)? {
            self.tell(&embedding, buffer.pts());
        }
        Ok(gst::FlowSuccess::Ok)
    }

    fn generate_output(&self) -> Flow<GenerateOutputSuccess> {
        if self.settings.lock().unwrap().format == EmbedFormat::Meta {
            return self.parent_generate_output();
        }
        let Some(buffer) = self.take_queued_buffer() else {
            return Ok(GenerateOutputSuccess::NoOutput);
        };
        let is_coded = self.state.lock().unwrap().is_coded;
        let embedding = match self.embedding(&buffer)? {
            Some(embedding) => {
                self.tell(&embedding, buffer.pts());
                embedding
            }
            // Of a damaged access unit it is not even known that it is a frame.
            None if is_coded => return Ok(GenerateOutputSuccess::NoOutput),
            None => Embedding::default(),
        };
        let line = line(&embedding, buffer.pts(), self.running_time(buffer.pts()));
        let mut output = gst::Buffer::from_mut_slice(line.into_bytes());
        let target = output.get_mut().ok_or(gst::FlowError::Error)?;
        target.set_pts(buffer.pts());
        target.set_dts(buffer.dts());
        target.set_duration(buffer.duration());
        Ok(GenerateOutputSuccess::Buffer(output))
    }
}

impl LnrEmbed {
    fn teacher(&self) -> Result<Option<Teacher>> {
        let name = self.settings.lock().unwrap().teacher.clone();
        self.teacher.get(&name)
    }

    /// What the frame of this buffer means, as far as anything says so.
    fn embedding(&self, buffer: &gst::BufferRef) -> Flow<Option<Embedding>> {
        let mut state = self.state.lock().unwrap();
        let embedding = if state.is_coded {
            let data = buffer.map_readable().map_err(|_| gst::FlowError::Error)?;
            let read = state.read(&data);
            let had_failed = std::mem::replace(&mut state.has_failed, read.is_err());
            match read {
                Ok(embedding) => Some(embedding),
                Err(error) => {
                    drop(state);
                    if !had_failed {
                        error::warn(&*self.obj(), "no embeddings until the next group", &error);
                    }
                    return Ok(None);
                }
            }
        } else {
            let interval = self.settings.lock().unwrap().interval;
            let looked = state.look(buffer, interval);
            looked.map_err(|e| self.fail(&e))?
        };
        let is_known = embedding.as_ref().is_some_and(|e| !e.vector.is_empty());
        if !is_known && !std::mem::replace(&mut state.has_told, true) {
            let is_coded = state.is_coded;
            drop(state);
            self.tell_of_nothing(is_coded);
        }
        Ok(embedding)
    }

    fn fail(&self, error: &Error) -> gst::FlowError {
        error::post(&*self.obj(), Task::Embedding, error)
    }

    /// Warns that nothing says what frames mean.
    fn tell_of_nothing(&self, is_coded: bool) {
        let text = match is_coded {
            true => {
                "the stream does not say what its frames mean: encode with clip-model (of lnrenc, or \
                 --clip-model of lnr encode), or decode it and set clip-model of lnrembed behind the decoder"
            }
            false => {
                "nothing says what these frames mean: set clip-model, or put lnrembed before the decoder too"
            }
        };
        gst::element_imp_warning!(self, gst::StreamError::Failed, ("{text}"));
    }

    fn running_time(&self, pts: Option<gst::ClockTime>) -> Option<gst::ClockTime> {
        self.obj().segment().downcast_ref::<gst::ClockTime>()?.to_running_time(pts)
    }

    /// Posts the message with the times of the buffer in this pipeline.
    fn tell(&self, embedding: &Embedding, pts: Option<gst::ClockTime>) {
        if !self.settings.lock().unwrap().post_messages {
            return;
        }
        let mut structure = embedding.to_structure(MESSAGE);
        if let Some(segment) = self.obj().segment().downcast_ref::<gst::ClockTime>() {
            structure.set("timestamp", pts);
            structure.set("stream-time", segment.to_stream_time(pts));
            structure.set("running-time", segment.to_running_time(pts));
        }
        let message = gst::message::Element::builder(structure).src(&*self.obj()).build();
        // Without a bus there is nobody to tell.
        let _ = self.obj().post_message(message);
    }
}

/// What the sink pad takes: a model looks at pictures that the codec has a format for.
fn taken(settings: &Settings) -> gst::Caps {
    let mut taken = caps::parsed_lnr();
    taken.merge(match settings.teacher.model.is_empty() {
        true => gst_video::VideoCapsBuilder::new().any_features().build(),
        false => caps::raw(format::ENCODED),
    });
    taken
}
