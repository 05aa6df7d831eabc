// SPDX-License-Identifier: MIT OR Apache-2.0
//! Bounds that are checked before anything is allocated (FORMAT section 7).

/// Largest picture side in pixels.
pub const MAX_SIDE: u32 = 16_384;
/// Largest picture area in pixels (8192 x 8192).
pub const MAX_PIXELS: u64 = 1 << 26;
/// Most frames in a group.
pub const MAX_GROUP_FRAMES: u32 = 256;
/// Largest group payload in bytes.
pub const MAX_PAYLOAD: u32 = 256 << 20;
/// Largest group header in bytes.
pub const MAX_HEADER: usize = 8192;
/// Most grid entries of a group: planes times time nodes times entries.
pub const MAX_GRID_ENTRIES: u64 = 1 << 28;
/// Most levels of one feature source.
pub const MAX_LEVELS: usize = 8;
/// Largest stride of a grid level in pixels.
pub const MAX_STRIDE: u32 = 512;
/// Widest hidden layer of the base network.
pub const MAX_WIDTH: u32 = 512;
/// Most dimensions of a latent.
pub const MAX_LATENT: u32 = 4096;
/// Largest rank of a modulation.
pub const MAX_RANK: u32 = 256;
/// Largest magnitude of a coded symbol.
pub const MAX_SYMBOL: i32 = 16_383;
/// Most parameters of a paper profile's group.
pub const MAX_PARAMETERS: u64 = 1 << 28;
/// Most layers of a paper profile's base network or hypernetwork.
pub const MAX_LAYERS: u32 = 16;
/// Largest patch that a point may yield, in pixels.
pub const MAX_PATCH: u32 = 16;
/// Most levels of a paper profile's encoding.
pub const MAX_RESOLUTIONS: u32 = 24;
/// Most features of a hash grid entry.
pub const MAX_FEATURES: u32 = 8;
/// Binary logarithm of the most entries of a hash grid level.
pub const MAX_TABLE: u32 = 20;
/// Most threads of a pool, by setting and where all cores are asked for. It is no part of the format:
/// every thread takes a stack and, in training, gradients of its own, and rows of a picture are spread
/// over no more.
pub const MAX_THREADS: usize = 256;
