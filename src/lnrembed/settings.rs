// SPDX-License-Identifier: MIT OR Apache-2.0

use std::sync::LazyLock;

use gst::glib;
use gst::prelude::*;

use crate::EmbedFormat;
use crate::teacher::{TeacherName, model_property};

/// The properties of the element.
#[derive(Clone, Default)]
pub(super) struct Settings {
    pub format: EmbedFormat,
    pub post_messages: bool,
    /// The model that looks at raw pictures.
    pub teacher: TeacherName,
    /// ns; 0 = every picture is looked at
    pub interval: u64,
}

impl Settings {
    pub fn get(&self, name: &str) -> glib::Value {
        match name {
            "format" => self.format.to_value(),
            "post-messages" => self.post_messages.to_value(),
            "clip-model" => self.teacher.model.to_value(),
            "interval" => self.interval.to_value(),
            _ => unreachable!("no such property"),
        }
    }

    pub fn set(&mut self, name: &str, value: &glib::Value) {
        match name {
            "format" => self.format = value.get().expect("type checked by GObject"),
            "post-messages" => self.post_messages = value.get().expect("type checked by GObject"),
            "clip-model" => {
                let name = value.get::<Option<String>>().expect("type checked by GObject");
                self.teacher.model = name.unwrap_or_default();
            }
            "interval" => self.interval = value.get().expect("type checked by GObject"),
            _ => unreachable!("no such property"),
        }
    }
}

/// All properties.
pub(super) fn properties() -> &'static [glib::ParamSpec] {
    static PROPERTIES: LazyLock<Vec<glib::ParamSpec>> = LazyLock::new(|| {
        vec![
            glib::ParamSpecEnum::builder::<EmbedFormat>("format")
                .nick("Format")
                .blurb("What to make: frames with a meta, or lines of JSON")
                .mutable_ready()
                .build(),
            glib::ParamSpecBoolean::builder("post-messages")
                .nick("Post messages")
                .blurb("Post an element message with the embedding of each frame")
                .mutable_playing()
                .build(),
            model_property(
                "Model that says what raw pictures mean that carry no embedding: directory of a CLIP or \
                 SigLIP, its name in the cache of Hugging Face, or auto for the one that LNR_CLIP_MODEL \
                 names (empty = none)",
            ),
            glib::ParamSpecUInt64::builder("interval")
                .nick("Interval")
                .blurb(
                    "Raw pictures less than this after the last one that clip-model looked at get its \
                     embedding, in ns (0 = it looks at every picture)",
                )
                .mutable_playing()
                .build(),
        ]
    });
    PROPERTIES.as_ref()
}
