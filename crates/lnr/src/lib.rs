// SPDX-License-Identifier: MIT OR Apache-2.0
//! Latent-INR video codec: a group of frames is one small neural network with a latent vector per
//! frame, decodable at any size and any time.
//!
//! # Encode frames from memory
//!
//! An [`Encoder`] collects pictures into groups and trains a network for each; an access unit per
//! frame comes out, in order, when a group is full or the stream ends.
//!
//! ```
//! use lnr::{Chroma, Control, Encoder, EncoderSettings, InputFrame, Picture, PictureFormat};
//!
//! # fn main() -> lnr::Result<()> {
//! let format = PictureFormat::new(16, 16, Chroma::Yuv420, 8);
//! let settings = EncoderSettings::new(format).quality(40.0).frame_rate((25, 1)).threads(2);
//! # let settings = settings.epochs(2);
//! let mut encoder = Encoder::new(settings)?;
//! let mut control = Control::default(); // hears of progress, and may stop the work
//! let mut file = Vec::new();
//! for t in 0..3 {
//!     let mut picture = Picture::new(format)?;
//!     picture.plane_mut(0).fill(100 + t as u8);
//!     let frame = InputFrame::new(picture, 40_000_000 * t, 40_000_000); // ns
//!     file.extend(encoder.push(frame, &mut control)?);
//! }
//! file.extend(encoder.finish(&mut control)?);
//! assert_eq!(file.len(), 3);
//! assert!(file[0].is_key && !file[1].is_key);
//! // One after another, the bytes of the access units are a `.lnr` file.
//! # Ok(())
//! # }
//! ```
//!
//! # Decode at any size
//!
//! A [`Decoder`] reads access units, each of which says which time of its group it shows; that time,
//! or any other, is rendered at the size of the picture that it is given.
//!
//! ```
//! use lnr::{Decoder, DecoderSettings, Limits, Picture, Tau};
//! # use lnr::{Chroma, Control, Encoder, EncoderSettings, InputFrame, PictureFormat};
//!
//! # fn main() -> lnr::Result<()> {
//! # let format = PictureFormat::new(16, 16, Chroma::Gray, 8);
//! # let mut encoder = Encoder::new(EncoderSettings::new(format).epochs(1))?;
//! # let mut control = Control::default();
//! # let mut file = Vec::new();
//! # for t in 0..2 {
//! #     let frame = InputFrame::new(Picture::new(format)?, 40_000_000 * t, 40_000_000);
//! #     file.extend(encoder.push(frame, &mut control)?);
//! # }
//! # file.extend(encoder.finish(&mut control)?);
//! let limits = Limits::default().max_pixels(1920 * 1080);
//! let mut decoder = Decoder::new(DecoderSettings::default().limits(limits))?;
//! for unit in &file {
//!     let shown = decoder.push(&unit.data)?;
//!     let native = decoder.header().expect("a group").format;
//!     let mut picture = Picture::new(native.resized(40, 30))?;
//!     decoder.render(shown.tau, &mut picture)?;
//! }
//! // Half way between the first two frames.
//! let mut between = Picture::new(decoder.header().expect("a group").format)?;
//! decoder.render(Tau::from_units(Tau::UNIT / 2), &mut between)?;
//! # Ok(())
//! # }
//! ```
//!
//! # Read latents
//!
//! A [`LatentReader`] reads the vector behind each frame and decodes nothing else.
//!
//! ```
//! use lnr::LatentReader;
//! # use lnr::{Chroma, Control, Encoder, EncoderSettings, InputFrame, Picture, PictureFormat};
//!
//! # fn main() -> lnr::Result<()> {
//! # let format = PictureFormat::new(16, 16, Chroma::Gray, 8);
//! # let mut encoder = Encoder::new(EncoderSettings::new(format).epochs(1))?;
//! # let mut control = Control::default();
//! # let mut file = Vec::new();
//! # for t in 0..2 {
//! #     let frame = InputFrame::new(Picture::new(format)?, 40_000_000 * t, 40_000_000);
//! #     file.extend(encoder.push(frame, &mut control)?);
//! # }
//! # file.extend(encoder.finish(&mut control)?);
//! let mut reader = LatentReader::default();
//! let mut previous = None;
//! for unit in &file {
//!     let latent = reader.push(&unit.data)?;
//!     assert!(previous < Some(latent.pts) && !latent.z.is_empty());
//!     previous = Some(latent.pts);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Raise the frame rate
//!
//! An [`Interpolator`] puts access units between others, without decoding them; decoders then show
//! times between frames.
//!
//! ```
//! use lnr::stream::{Unit, parse};
//! use lnr::{Interpolator, Tau};
//! # use lnr::{Chroma, Control, Encoder, EncoderSettings, InputFrame, Picture, PictureFormat};
//!
//! # fn main() -> lnr::Result<()> {
//! # let format = PictureFormat::new(16, 16, Chroma::Gray, 8);
//! # let mut encoder = Encoder::new(EncoderSettings::new(format).epochs(1))?;
//! # let mut control = Control::default();
//! # let mut file = Vec::new();
//! # for t in 0..2 {
//! #     let frame = InputFrame::new(Picture::new(format)?, 40_000_000 * t, 40_000_000);
//! #     file.extend(encoder.push(frame, &mut control)?);
//! # }
//! # file.extend(encoder.finish(&mut control)?);
//! let mut interpolator = Interpolator::new(2)?; // twice the frame rate
//! let mut faster = Vec::new();
//! for unit in &file {
//!     faster.extend(interpolator.push(&unit.data, unit.pts, unit.duration)?);
//! }
//! assert_eq!(faster.len(), 2 * file.len());
//! assert_eq!((faster[1].pts, faster[1].duration), (20_000_000, 20_000_000)); // ns
//! let Unit::Frame { shows, .. } = parse(&faster[1].data)? else { panic!("a frame") };
//! assert_eq!(shows, Tau::from_units(Tau::UNIT / 2));
//! # Ok(())
//! # }
//! ```
//!
//! # Around it
//!
//! [`stream`] finds and reads access units in bytes, [`metrics`] compares pictures, [`convert`] scales
//! them and makes R'G'B' of them. [`Engine`] is what encoders and decoders compute with: open one to share it, or to know early
//! whether there is a GPU.

pub mod align;
mod backend;
mod base;
mod bitstream;
mod codec;
mod flow;
mod model;
mod train;

pub use base::{Chroma, ChromaSite, Color, Error, Matrix, Picture, PictureFormat, Result, Tau};
pub use codec::{
    AccessUnit, Alignment, BackendChoice, BackendInfo, CancelFlag, Choice, Control, Decoder,
    DecoderSettings, EmbeddingReader, EmbeddingStats, EmbeddingTrack, Encoder, EncoderSettings,
    EncoderStats, Engine, EngineSettings, InputFrame, Interpolator, Joiner, Latent, LatentReader,
    Limits, ModelOptions, Profile, Progress, RateControl, Shown, SpeedPreset, Threads,
};
pub use codec::{convert, metrics};

/// Bounds of the format and of this implementation.
pub mod limits {
    pub use crate::base::limits::{MAX_GROUP_FRAMES, MAX_PIXELS, MAX_SIDE, MAX_THREADS};
}

/// Access units as bytes: what parsers, muxers and tools that look into files need.
pub mod stream {
    pub use crate::base::spec;
    pub use crate::base::{ContentLight, MasteringDisplay, Metadata, Orientation, Price};
    pub use crate::bitstream::{
        FileIndex, GroupHeader, INDEX_MAGIC, IndexBuilder, IndexEntry, MAGIC, Place, Scan, Scanner,
        Timeline, Unit, parse, parse_group_header, scan, write_frame, write_group,
    };
    pub use crate::codec::{Part, PartReader, PartSize, metadata};
}

/// The layers, for this repository's own tests, benches and tools. Anything in here may change with
/// any commit.
#[cfg(feature = "internals")]
#[doc(hidden)]
#[allow(missing_docs)]
pub mod internals {
    pub mod backend {
        pub use crate::backend::*;
    }
    pub mod base {
        pub use crate::base::*;
    }
    pub mod bitstream {
        pub use crate::bitstream::*;
    }
    pub mod codec {
        pub use crate::codec::*;
    }
    pub mod flow {
        pub use crate::flow::*;
    }
    pub mod model {
        pub use crate::model::*;
    }
    pub mod train {
        pub use crate::train::*;
    }
}
