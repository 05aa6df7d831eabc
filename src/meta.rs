// SPDX-License-Identifier: MIT OR Apache-2.0
//! `LnrEmbeddingMeta`: what a frame means, attached to its buffer.
//!
//! It is a [`gst::meta::CustomMeta`] without tags, so that converters, scalers, decoders and encoders
//! carry it along. Its structure has the fields of [`Embedding`]; applications in any language can
//! read them with `gst_buffer_get_custom_meta(buffer, "LnrEmbeddingMeta")`.

use gst::glib;
use gst::meta::CustomMeta;
use lnr::align::Space;

/// The name under which the meta is registered.
pub const NAME: &str = "LnrEmbeddingMeta";

/// What the meta says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Embedding {
    /// The vector. [dim] f32 of length 1, stored as little-endian bytes; empty where nothing says what the
    /// frame means.
    pub vector: Vec<f32>,
    /// The space that the vector lives in: the fingerprint of its model in 16 hexadecimal digits. Vectors of
    /// different spaces must not be compared. Empty where the vector is.
    pub space: String,
    /// The name of that space, such as "clip-vit-base-patch32".
    pub model: String,
    /// Presentation time: of coded frames by the stream's own clock, of others that of the buffer.
    pub pts: Option<gst::ClockTime>,
    /// Number of its group modulo 256, of coded frames.
    pub group: Option<u32>,
    /// Time inside the group in frames, of coded frames.
    pub tau: Option<f64>,
}

pub(super) fn register() {
    if !CustomMeta::is_registered(NAME) {
        CustomMeta::register(NAME, &[]);
    }
}

impl Embedding {
    /// This vector of length 1 in this space; without a space, that nothing is known.
    pub(super) fn new(vector: Vec<f32>, space: Option<&Space>) -> Self {
        let space = space.filter(|_| !vector.is_empty());
        Self {
            vector,
            space: space.map(Space::fingerprint_text).unwrap_or_default(),
            model: space.map(|s| s.name.clone()).unwrap_or_default(),
            ..Self::default()
        }
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
            model: s.get("model").ok()?,
            pts: s.get("pts").ok()?,
            group: s.get_optional("group").ok()?,
            tau: s.get_optional("tau").ok()?,
        })
    }

    fn fill(&self, s: &mut gst::StructureRef) {
        let bytes: Vec<u8> = self.vector.iter().flat_map(|v| v.to_le_bytes()).collect();
        s.set("vector", glib::Bytes::from_owned(bytes));
        s.set("dim", self.vector.len() as u32);
        s.set("dtype", "f32le");
        s.set("space", &self.space);
        s.set("model", &self.model);
        s.set("normalized", true);
        s.set("pts", self.pts);
        s.set_if_some("group", self.group);
        s.set_if_some("tau", self.tau);
    }
}
