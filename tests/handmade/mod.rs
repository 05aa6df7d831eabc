// SPDX-License-Identifier: MIT OR Apache-2.0
//! Groups that no encoder writes: written by hand, byte by byte of the payload (FORMAT section 5).
#![allow(dead_code)] // each test file uses a part

use lnr::stream::spec::{LatentSpec, ModelSpec, NetworkSpec, Precision, SourceSpec};
use lnr::stream::{GroupHeader, write_group};
use lnr::{Chroma, PictureFormat, Tau};

/// Tags of sections.
pub const LATENTS: u64 = 1;
pub const NETWORKS: u64 = 4;
pub const SOURCE: u64 = 5;

/// A payload of such sections: tag, must be understood, bytes.
pub fn payload(sections: &[(u64, bool, &[u8])]) -> Vec<u8> {
    let mut out = Vec::new();
    let varint = |out: &mut Vec<u8>, mut v: u64| {
        while v >= 128 {
            out.push(v as u8 | 128);
            v >>= 7;
        }
        out.push(v as u8);
    };
    for (tag, must, bytes) in sections {
        varint(&mut out, tag << 1 | u64::from(*must));
        varint(&mut out, bytes.len() as u64);
        out.extend(*bytes);
    }
    out
}

/// A group of `n_frames` gray frames of 16 x 16, 40 ms each, the first of them at `pts_ms`.
pub fn header(id: u8, pts_ms: u64, n_frames: usize, model: ModelSpec) -> GroupHeader {
    GroupHeader {
        id,
        format: PictureFormat::new(16, 16, Chroma::Gray, 8),
        frame_rate: (25, 1),
        pts: pts_ms * 1_000_000,
        durations: vec![40_000_000; n_frames],
        continues: false,
        model,
    }
}

/// The smallest model of grids.
pub fn small_model() -> ModelSpec {
    grids(vec![SourceSpec::Residual { strides: vec![4], node_step: 1 }], 1, 1, 1)
}

fn grids(sources: Vec<SourceSpec>, dim: u32, width: u32, rank: u32) -> ModelSpec {
    ModelSpec {
        sources,
        latent: LatentSpec { dim, node_step: 1 },
        network: NetworkSpec::of_grids(width, rank),
        precision: Precision::Steps,
    }
}

/// A group of [`small_model`], whose symbols are the likeliest at every place, and further sections.
pub fn small_group(id: u8, pts_ms: u64, more: &[(u64, bool, &[u8])]) -> Vec<u8> {
    let ones = [0xFF; 16];
    let mut sections =
        vec![(LATENTS, true, &ones[..]), (NETWORKS, true, &ones), (SOURCE, true, &ones)];
    sections.extend(more);
    write_group(&header(id, pts_ms, 1, small_model()), Tau::frame(0), &payload(&sections))
}

/// A group of 64 frames of [`small_model`], of whose payload no more than the sections can be read.
pub fn long_group(id: u8, pts_ms: u64) -> Vec<u8> {
    let sections = [LATENTS, NETWORKS, SOURCE].map(|tag| (tag, true, &[0xFF; 4][..]));
    write_group(&header(id, pts_ms, 64, small_model()), Tau::frame(0), &payload(&sections))
}

/// A group of a few bytes that says to hold about as much as a header may ask for that is shown at
/// 16 x 16: 2^20 values of latents and close to 2^24 grid entries. `n` bytes stand in each section; their
/// symbols are the likeliest at every place, so that a thousand bytes hold all latents.
pub fn bomb(id: u8, pts_ms: u64, n: usize) -> Vec<u8> {
    // 8 and 7 levels of (16 + 2 * margin)^2 entries.
    let source = |n_levels: usize| SourceSpec::canonical(&vec![1; n_levels], 1, 512, &[]);
    let model = grids(vec![source(8), source(7)], 4096, 64, 1);
    let ones = vec![0xFF; n];
    let sections = [LATENTS, NETWORKS, SOURCE, SOURCE].map(|tag| (tag, true, &ones[..]));
    write_group(&header(id, pts_ms, 256, model), Tau::frame(0), &payload(&sections))
}

/// So many groups of [`bomb`], 20 s from one to the next.
pub fn bombs(n_groups: usize, n: usize) -> Vec<u8> {
    (0..n_groups).flat_map(|i| bomb(i as u8, i as u64 * 20_000, n)).collect()
}

/// Bytes of a group unit before the checksum of its header.
fn header_end(unit: &[u8]) -> usize {
    16 + usize::from(u16::from_le_bytes([unit[10], unit[11]]))
}

/// The start of a group unit, up to its payload, that says to have so many bytes of payload.
pub fn start_with_size(unit: &[u8], payload: usize) -> Vec<u8> {
    let mut start = unit[..header_end(unit)].to_vec();
    start[12..16].copy_from_slice(&(payload as u32).to_le_bytes());
    start.extend(crc32c::crc32c(&start).to_le_bytes());
    start
}

/// Turns the kind of the first source of [`small_group`] into another one.
pub fn set_source_kind(unit: &mut [u8], kind: u8) {
    let (begin, end) = (16, header_end(unit));
    // The sources stand where the model begins: one, its kind 2, one level of stride 4.
    let model = [1, 2, 1, 4];
    let at = (begin..end).find(|&at| unit[at..].starts_with(&model)).expect("the model");
    unit[at + 1] = kind;
    let crc = crc32c::crc32c(&unit[..end]);
    unit[end..end + 4].copy_from_slice(&crc.to_le_bytes());
}
