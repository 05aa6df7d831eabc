// SPDX-License-Identifier: MIT OR Apache-2.0
//! Latent-INR video codec: a group of frames is one small neural network with a latent vector per
//! frame, decodable at any size and any time.
//!
//! The layers depend on each other in one direction only:
//! `codec -> train -> model -> backend -> base` and `codec -> bitstream -> base`.

pub mod backend;
pub mod base;
pub mod bitstream;
pub mod codec;
pub mod model;
pub mod train;

pub use base::{Chroma, ChromaSite, Color, Error, Matrix, Picture, PictureFormat, Result, Tau};
pub use codec::{
    AccessUnit, BackendChoice, BackendInfo, CancelFlag, Control, Decoder, DecoderSettings, Encoder,
    EncoderSettings, EncoderStats, Engine, EngineSettings, InputFrame, Interpolator, Latent,
    LatentReader, Limits, ModelOptions, Profile, Progress, RateControl, Shown, SpeedPreset,
    Threads,
};
pub use codec::{convert, metrics};

/// Bounds of the format and of this implementation.
pub mod limits {
    pub use crate::base::limits::{MAX_GROUP_FRAMES, MAX_PIXELS, MAX_SIDE, MAX_THREADS};
}

/// Access units as bytes: what parsers, muxers and tools that look into files need.
pub mod stream {
    pub use crate::bitstream::{
        GroupHeader, LatentHeader, MAGIC, ModelHeader, NetworkHeader, PaperBits, PaperHeader, Scan,
        SourceHeader, Unit, WarpHeader, parse, parse_group_header, scan, write_frame, write_group,
    };
    pub use crate::codec::{Part, PartSize, part_sizes};
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
    pub mod model {
        pub use crate::model::*;
    }
    pub mod train {
        pub use crate::train::*;
    }
}
