// SPDX-License-Identifier: MIT OR Apache-2.0

use std::path::Path;
use std::sync::Mutex;

use gst::glib;
use gst::prelude::*;
use lnr::Result;
use lnr::align::Teacher;

/// How properties name a teacher.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct TeacherName {
    /// A model's directory or name, or `auto`; empty: none.
    pub model: String,
    /// A file of vectors; empty: none.
    pub features: String,
}

/// The teacher of an element. It is read on the way to READY, so that what is missing is known before data
/// flows, and kept from stream to stream.
#[derive(Default)]
pub(super) struct TeacherSlot(Mutex<Option<(TeacherName, Option<Teacher>)>>);

impl TeacherSlot {
    /// The teacher of this name, if it names one; it is read anew when the name has changed.
    ///
    /// # Errors
    /// As [`Teacher::open`].
    pub fn get(&self, name: &TeacherName) -> Result<Option<Teacher>> {
        let mut slot = self.0.lock().unwrap();
        if let Some((known, teacher)) = &*slot
            && known == name
        {
            return Ok(teacher.clone());
        }
        *slot = None;
        let [model, features] =
            [&name.model, &name.features].map(|n| Some(n.as_str()).filter(|n| !n.is_empty()));
        let teacher = Teacher::open(model, features.map(|f| (Path::new(f), None)))?;
        *slot = Some((name.clone(), teacher.clone()));
        Ok(teacher)
    }

    /// Forgets it, once nothing uses it any more.
    pub fn close(&self) {
        *self.0.lock().unwrap() = None;
    }
}

/// The property `clip-model`.
pub(super) fn model_property(blurb: &'static str) -> glib::ParamSpec {
    glib::ParamSpecString::builder("clip-model")
        .nick("Embedding model")
        .blurb(blurb)
        .default_value(Some(""))
        .mutable_ready()
        .build()
}
