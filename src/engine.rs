// SPDX-License-Identifier: MIT OR Apache-2.0

use std::sync::Mutex;

use gst::glib;
use gst::prelude::*;

use crate::Backend;
use lnr::{Engine, EngineSettings, Result, limits};

/// The backend of an element. It is opened on the way to READY, so that what is missing is known
/// before data flows, and kept from stream to stream.
#[derive(Default)]
pub(super) struct EngineSlot(Mutex<Option<(EngineSettings, Engine)>>);

impl EngineSlot {
    /// The backend of these settings; it is opened anew when they have changed.
    ///
    /// # Errors
    /// [`lnr::Error::Backend`] when it is not available.
    pub fn get(
        &self,
        element: &impl IsA<glib::Object>,
        category: gst::DebugCategory,
        settings: EngineSettings,
    ) -> Result<Engine> {
        let mut slot = self.0.lock().unwrap();
        if let Some((known, engine)) = &*slot
            && *known == settings
        {
            return Ok(engine.clone());
        }
        // The old one goes first, so that both never stand side by side.
        *slot = None;
        let engine = Engine::open(settings)?;
        gst::info!(category, obj = element, "computing with {}", engine.info());
        *slot = Some((settings, engine.clone()));
        Ok(engine)
    }

    /// Closes it, once nothing uses it any more.
    pub fn close(&self) {
        *self.0.lock().unwrap() = None;
    }
}

/// The property `backend`.
pub(super) fn backend_property() -> glib::ParamSpec {
    glib::ParamSpecEnum::builder::<Backend>("backend")
        .nick("Backend")
        .blurb("Where to compute")
        .mutable_ready()
        .build()
}

/// The property `device`.
pub(super) fn device_property() -> glib::ParamSpec {
    glib::ParamSpecUInt::builder("device")
        .nick("Device")
        .blurb("Number of the GPU for backend=cuda and auto")
        .maximum(255)
        .mutable_ready()
        .build()
}

/// The property `threads`.
pub(super) fn threads_property() -> glib::ParamSpec {
    glib::ParamSpecUInt::builder("threads")
        .nick("Threads")
        .blurb("Threads of the CPU backend (0 = all cores)")
        .maximum(limits::MAX_THREADS as u32)
        .mutable_ready()
        .build()
}
