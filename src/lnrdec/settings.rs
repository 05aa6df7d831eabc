// SPDX-License-Identifier: MIT OR Apache-2.0

use std::sync::LazyLock;

use gst::glib;
use gst::prelude::*;

use crate::Backend;
use crate::engine::{backend_property, device_property, threads_property};
use lnr::{DecoderSettings, EngineSettings};

/// The properties of the decoder.
#[derive(Clone, Copy, Default)]
pub(super) struct Settings {
    backend: Backend,
    device: u32,
    threads: u32,
    /// MiB; 0 = no bound
    pub max_memory: u32,
}

impl Settings {
    /// The backend that they ask for.
    pub fn engine(&self) -> EngineSettings {
        EngineSettings::default()
            .backend(self.backend.into())
            .device(self.device)
            .threads(self.threads as usize)
    }

    /// The codec's settings.
    pub fn decoder(&self) -> DecoderSettings {
        DecoderSettings::default()
            .backend(self.backend.into())
            .device(self.device)
            .threads(self.threads as usize)
            .max_memory(u64::from(self.max_memory) << 20)
    }

    pub fn get(&self, name: &str) -> glib::Value {
        match name {
            "backend" => self.backend.to_value(),
            "device" => self.device.to_value(),
            "threads" => self.threads.to_value(),
            "max-memory" => self.max_memory.to_value(),
            _ => unreachable!("no such property"),
        }
    }

    pub fn set(&mut self, name: &str, value: &glib::Value) {
        match name {
            "backend" => self.backend = value.get().expect("type checked by GObject"),
            "device" => self.device = value.get().expect("type checked by GObject"),
            "threads" => self.threads = value.get().expect("type checked by GObject"),
            "max-memory" => self.max_memory = value.get().expect("type checked by GObject"),
            _ => unreachable!("no such property"),
        }
    }
}

/// All properties.
pub(super) fn properties() -> &'static [glib::ParamSpec] {
    static PROPERTIES: LazyLock<Vec<glib::ParamSpec>> = LazyLock::new(|| {
        vec![
            backend_property(),
            device_property(),
            threads_property(),
            glib::ParamSpecUInt::builder("max-memory")
                .nick("Memory bound")
                .blurb("Refuse groups that would take more memory, in MiB (0 = no bound)")
                .maximum(i32::MAX as u32)
                .mutable_ready()
                .build(),
        ]
    });
    PROPERTIES.as_ref()
}
