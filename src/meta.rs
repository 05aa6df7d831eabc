// SPDX-License-Identifier: MIT OR Apache-2.0
//! `LnrEmbeddingMeta`: the latent of a frame, attached to its buffer.
//!
//! It is a [`gst::meta::CustomMeta`] without tags, so that converters, scalers, decoders and encoders
//! carry it along. Its structure has the fields of [`Embedding`]; applications in any language can
//! read them with `gst_buffer_get_custom_meta(buffer, "LnrEmbeddingMeta")`.

use gst::glib;
use gst::meta::CustomMeta;

/// The name under which the meta is registered.
pub const NAME: &str = "LnrEmbeddingMeta";

/// What the meta says.
#[derive(Clone, Debug, PartialEq)]
pub struct Embedding {
    /// The vector. [dim] f32; stored as little-endian bytes
    pub vector: Vec<f32>,
    /// Which space the vector lives in: vectors of different spaces must not be compared.
    pub space: String,
    /// Whether its Euclidean length is 1.
    pub normalized: bool,
    /// Presentation time by the stream's own clock.
    pub pts: gst::ClockTime,
    /// Number of its group modulo 256.
    pub group: u32,
    /// Time inside the group in frames.
    pub tau: f64,
}

pub(super) fn register() {
    if !CustomMeta::is_registered(NAME) {
        CustomMeta::register(NAME, &[]);
    }
}

impl Embedding {
    /// Scales the vector to length 1; a zero vector stays as it is.
    pub fn normalize(&mut self) {
        let length = self.vector.iter().map(|v| v * v).sum::<f32>().sqrt();
        if length > 0.0 {
            self.vector.iter_mut().for_each(|v| *v /= length);
        }
        self.normalized = true;
    }

    /// The fields of the meta as a structure of this name.
    pub fn to_structure(&self, name: &str) -> gst::Structure {
        let mut structure = gst::Structure::new_empty(name);
        self.fill(&mut structure);
        structure
    }

    /// Replaces the meta of `buffer`.
    ///
    /// # Errors
    /// When the meta is not registered, that is, when the plugin is not loaded.
    pub fn attach(&self, buffer: &mut gst::BufferRef) -> Result<(), glib::BoolError> {
        if let Ok(mut meta) = CustomMeta::from_mut_buffer(buffer, NAME) {
            self.fill(meta.mut_structure());
            return Ok(());
        }
        self.fill(CustomMeta::add(buffer, NAME)?.mut_structure());
        Ok(())
    }

    /// What the meta of `buffer` says; `None` when it has none, or one that is not as it should be.
    pub fn read(buffer: &gst::BufferRef) -> Option<Self> {
        let meta = CustomMeta::from_buffer(buffer, NAME).ok()?;
        let s = meta.structure();
        let bytes = s.get::<glib::Bytes>("vector").ok()?;
        let (floats, []) = bytes.as_chunks::<4>() else {
            return None;
        };
        Some(Self {
            vector: floats.iter().map(|&b| f32::from_le_bytes(b)).collect(),
            space: s.get("space").ok()?,
            normalized: s.get("normalized").ok()?,
            pts: s.get("pts").ok()?,
            group: s.get("group").ok()?,
            tau: s.get("tau").ok()?,
        })
    }

    fn fill(&self, s: &mut gst::StructureRef) {
        let bytes: Vec<u8> = self.vector.iter().flat_map(|v| v.to_le_bytes()).collect();
        s.set("vector", glib::Bytes::from_owned(bytes));
        s.set("dim", self.vector.len() as u32);
        s.set("dtype", "f32le");
        s.set("space", &self.space);
        s.set("normalized", self.normalized);
        s.set("pts", self.pts);
        s.set("group", self.group);
        s.set("tau", self.tau);
    }
}
