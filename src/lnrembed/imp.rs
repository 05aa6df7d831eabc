// SPDX-License-Identifier: MIT OR Apache-2.0

use std::sync::{LazyLock, Mutex};

use gst::glib;
use gst_base::prelude::*;
use gst_base::subclass::base_transform::{
    BaseTransformImpl, BaseTransformImplExt, BaseTransformMode,
};
use gst_base::subclass::prelude::*;

use crate::meta::Embedding;
use crate::{caps, error};
use lnr::{Latent, LatentReader};

/// Latents that were not aligned with anything: comparable only within one group's network.
const SPACE_LATENT: &str = "lnr-latent";
/// Name of the element message.
const MESSAGE: &str = "lnr-embedding";

#[derive(Clone, Copy, Default)]
struct Settings {
    post_messages: bool,
    normalize: bool,
}

#[derive(Default)]
struct State {
    reader: LatentReader,
    /// Coded input: latents are read from it. Raw input carries the meta already.
    is_coded: bool,
    has_failed: bool,
}

#[derive(Default)]
pub struct LnrEmbed {
    settings: Mutex<Settings>,
    state: Mutex<State>,
}

#[glib::object_subclass]
impl ObjectSubclass for LnrEmbed {
    const NAME: &'static str = "GstLnrEmbed";
    type Type = super::LnrEmbed;
    type ParentType = gst_base::BaseTransform;
}

impl ObjectImpl for LnrEmbed {
    fn properties() -> &'static [glib::ParamSpec] {
        static PROPERTIES: LazyLock<Vec<glib::ParamSpec>> = LazyLock::new(|| {
            vec![
                glib::ParamSpecBoolean::builder("post-messages")
                    .nick("Post messages")
                    .blurb("Post an element message with the embedding of each frame")
                    .mutable_playing()
                    .build(),
                glib::ParamSpecBoolean::builder("normalize")
                    .nick("Normalize")
                    .blurb("Scale each vector to length 1")
                    .mutable_playing()
                    .build(),
            ]
        });
        PROPERTIES.as_ref()
    }

    fn set_property(&self, _id: usize, value: &glib::Value, pspec: &glib::ParamSpec) {
        let value = value.get().expect("type checked by GObject");
        let mut settings = self.settings.lock().unwrap();
        match pspec.name() {
            "post-messages" => settings.post_messages = value,
            "normalize" => settings.normalize = value,
            _ => unreachable!("no such property"),
        }
    }

    fn property(&self, _id: usize, pspec: &glib::ParamSpec) -> glib::Value {
        let settings = self.settings.lock().unwrap();
        match pspec.name() {
            "post-messages" => settings.post_messages.to_value(),
            "normalize" => settings.normalize.to_value(),
            _ => unreachable!("no such property"),
        }
    }
}

impl GstObjectImpl for LnrEmbed {}

impl ElementImpl for LnrEmbed {
    fn metadata() -> Option<&'static gst::subclass::ElementMetadata> {
        static METADATA: LazyLock<gst::subclass::ElementMetadata> = LazyLock::new(|| {
            gst::subclass::ElementMetadata::new(
                "LNR embeddings",
                "Filter/Analyzer/Video",
                "Attaches the latent of each frame as LnrEmbeddingMeta, without decoding",
                "The gst-plugin-lnr authors",
            )
        });
        Some(&*METADATA)
    }

    fn pad_templates() -> &'static [gst::PadTemplate] {
        static TEMPLATES: LazyLock<Vec<gst::PadTemplate>> = LazyLock::new(|| {
            let mut both = caps::parsed_lnr();
            both.merge(gst_video::VideoCapsBuilder::new().any_features().build());
            caps::pad_templates(both.clone(), both)
        });
        TEMPLATES.as_ref()
    }
}

impl BaseTransformImpl for LnrEmbed {
    const MODE: BaseTransformMode = BaseTransformMode::AlwaysInPlace;
    const PASSTHROUGH_ON_SAME_CAPS: bool = false;
    const TRANSFORM_IP_ON_PASSTHROUGH: bool = true;

    fn start(&self) -> Result<(), gst::ErrorMessage> {
        *self.state.lock().unwrap() = State::default();
        Ok(())
    }

    fn stop(&self) -> Result<(), gst::ErrorMessage> {
        *self.state.lock().unwrap() = State::default();
        Ok(())
    }

    fn set_caps(&self, incaps: &gst::Caps, _: &gst::Caps) -> Result<(), gst::LoggableError> {
        let is_coded = incaps.structure(0).is_some_and(|s| s.name() == caps::LNR);
        self.state.lock().unwrap().is_coded = is_coded;
        self.obj().set_passthrough(!is_coded);
        Ok(())
    }

    fn sink_event(&self, event: gst::Event) -> bool {
        if let gst::EventView::FlushStop(_) = event.view() {
            let mut state = self.state.lock().unwrap();
            state.reader.reset();
            state.has_failed = false;
        }
        self.parent_sink_event(event)
    }

    fn transform_ip(
        &self,
        buffer: &mut gst::BufferRef,
    ) -> Result<gst::FlowSuccess, gst::FlowError> {
        let latent = {
            let data = buffer.map_readable().map_err(|_| gst::FlowError::Error)?;
            self.state.lock().unwrap().reader.push(&data)
        };
        match latent {
            Ok(latent) => {
                self.state.lock().unwrap().has_failed = false;
                let mut embedding = embedding(latent);
                if self.settings.lock().unwrap().normalize {
                    embedding.normalize();
                }
                embedding.attach(buffer).map_err(|e| {
                    gst::element_imp_error!(self, gst::LibraryError::Failed, ["{e}"]);
                    gst::FlowError::Error
                })?;
                self.tell(&embedding, buffer.pts());
            }
            Err(error) => {
                let mut state = self.state.lock().unwrap();
                if !std::mem::replace(&mut state.has_failed, true) {
                    drop(state);
                    error::warn(&*self.obj(), "no embeddings until the next group", &error);
                }
            }
        }
        Ok(gst::FlowSuccess::Ok)
    }

    fn transform_ip_passthrough(
        &self,
        buffer: &gst::Buffer,
    ) -> Result<gst::FlowSuccess, gst::FlowError> {
        if let Some(mut embedding) = Embedding::read(buffer) {
            if self.settings.lock().unwrap().normalize {
                embedding.normalize();
            }
            self.tell(&embedding, buffer.pts());
        }
        Ok(gst::FlowSuccess::Ok)
    }
}

impl LnrEmbed {
    /// Posts the message with the times of the buffer in this pipeline.
    fn tell(&self, embedding: &Embedding, pts: Option<gst::ClockTime>) {
        if !self.settings.lock().unwrap().post_messages {
            return;
        }
        let mut structure = embedding.to_structure(MESSAGE);
        let segment = self.obj().segment();
        if let Some(segment) = segment.downcast_ref::<gst::ClockTime>() {
            structure.set("timestamp", pts);
            structure.set("stream-time", segment.to_stream_time(pts));
            structure.set("running-time", segment.to_running_time(pts));
        }
        let message = gst::message::Element::builder(structure).src(&*self.obj()).build();
        // Without a bus there is nobody to tell.
        let _ = self.obj().post_message(message);
    }
}

fn embedding(latent: Latent) -> Embedding {
    Embedding {
        vector: latent.z,
        space: SPACE_LATENT.into(),
        normalized: false,
        pts: gst::ClockTime::from_nseconds(latent.pts.min(i64::MAX as u64)),
        group: latent.group.into(),
        tau: f64::from(latent.tau.as_f32()),
    }
}
