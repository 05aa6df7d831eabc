// SPDX-License-Identifier: MIT OR Apache-2.0
//! Bounds that are checked before anything is allocated (FORMAT section 9).

/// Largest picture side in pixels: what 16-bit coordinates of other software can still name.
pub const MAX_SIDE: u32 = 16_384;
/// Largest picture area in pixels (8192 x 8192): twice 8K, 200 MB as 8-bit 4:4:4.
pub const MAX_PIXELS: u64 = 1 << 26;
/// Most frames in a group: ten seconds at 25 frames per second; what one model can hold is less.
pub const MAX_GROUP_FRAMES: u32 = 256;
/// Longest time a frame may last in ns, 13 days: 256 of them end long before the end of time.
pub const MAX_FRAME_DURATION: u64 = 1 << 50;
/// Largest number of a frame on a nominal frame grid plus 1: 89 years of a clock of 100 kHz.
pub const MAX_GRID_FRAME: u64 = 1 << 48;
/// Largest group payload in bytes: the most parameters as plain numbers, and grids.
pub const MAX_PAYLOAD: u32 = 256 << 20;
/// Largest group header in bytes: four times what 256 runs of durations take at 8 bytes each.
pub const MAX_HEADER: usize = 8192;
/// Most feature sources of a model: the encoder uses four, or seven with anchors, and more canonical grids may
/// come with motions of their own.
pub const MAX_SOURCES: usize = 16;
/// Most grid entries of a group before pixels count, planes times time nodes times entries: 64 MiB
/// as f32.
pub const MAX_GRID_BASE: u64 = 1 << 24;
/// Grid entries that each pixel of the source allows on top: 24 frames of residual grids of stride 2, or 96 of
/// stride 4.
pub const MAX_GRID_PER_PIXEL: u64 = 8;
/// Most levels of one grid source: strides 1 to [`MAX_STRIDE`], doubled each time.
pub const MAX_LEVELS: usize = 10;
/// Largest stride of a grid level in pixels: coarser ones cost nothing and say nothing.
pub const MAX_STRIDE: u32 = 512;
/// Widest hidden layer: the paper's, and what the kernels are written for.
pub const MAX_WIDTH: u32 = 512;
/// Most dimensions of a latent or embedding: the largest embeddings in use have about 4096.
pub const MAX_LATENT: u32 = 4096;
/// Largest rank of a modulation: half the widest layer, from where on P Q is larger than W.
pub const MAX_RANK: u32 = 256;
/// Largest magnitude of a coded symbol: it fits 16 bits, and so do sums of two.
pub const MAX_SYMBOL: i32 = 16_383;
/// Most parameters of a model besides its grids: 200 MB as f32; profile paper-l has 28 million.
pub const MAX_PARAMETERS: u64 = 50_000_000;
/// Most parameters of the networks of a model with grids: its pixels cost a few hundred
/// multiplications, and the default has 3000 parameters.
pub const MAX_GRID_NETWORK: u64 = 1 << 20;
/// Most layers of a base network or hypernetwork: the paper uses five.
pub const MAX_LAYERS: u32 = 16;
/// Largest side of the patch that a point may yield, in pixels.
pub const MAX_PATCH: u32 = 16;
/// Most levels of a hash grid or of Fourier features; Instant-NGP and the paper use 16.
pub const MAX_RESOLUTIONS: u32 = 24;
/// Most features of a hash grid entry; Instant-NGP finds no gain beyond 8.
pub const MAX_FEATURES: u32 = 8;
/// Binary logarithm of the most entries of a hash grid level: one for each pixel of 1024 x 1024.
pub const MAX_TABLE: u32 = 20;
/// Most sections of a payload: one for each source, and three times as many of later versions.
pub const MAX_SECTIONS: usize = 64;
/// Most time nodes of an embedding: one for each frame, and one at the end.
pub const MAX_EMBEDDING_NODES: usize = MAX_GROUP_FRAMES as usize + 1;
/// Longest name of an embedding space in bytes.
pub const MAX_SPACE_NAME: usize = 128;
/// Most threads of a pool, by setting and where all cores are asked for. It is no part of the format:
/// every thread takes a stack, and rows of a picture are spread over no more.
pub const MAX_THREADS: usize = 256;
