// SPDX-License-Identifier: MIT OR Apache-2.0
//! Model descriptions for people and programs.

use lnr::base::spec::ModelSpec;
use lnr::bitstream::{ModelHeader, PaperHeader, WarpHeader};
use serde_json::{Value, json};

/// A line for each aspect.
pub fn describe(model: &ModelSpec) -> Vec<String> {
    match ModelHeader::of(model) {
        Ok(ModelHeader::Warp(m)) => describe_warp(&m),
        Ok(ModelHeader::Paper(m)) => describe_paper(&m),
        Err(e) => vec![format!("  {e}")],
    }
}

pub fn json(model: &ModelSpec) -> Value {
    match ModelHeader::of(model) {
        Ok(ModelHeader::Warp(m)) => warp_json(&m),
        Ok(ModelHeader::Paper(m)) => paper_json(&m),
        Err(e) => json!({ "error": e.to_string() }),
    }
}

fn describe_warp(m: &WarpHeader) -> Vec<String> {
    let n = &m.network;
    vec![
        format!(
            "  canonical grids at strides {:?}, cubic up to {}, margin {}",
            m.canonical.strides, m.cubic_up_to, m.margin
        ),
        format!(
            "  motion grids at strides {:?}, a node every {} frames",
            m.motion.strides, m.motion.node_step
        ),
        format!(
            "  residual grids at strides {:?}, a node every {} frames",
            m.residual.strides, m.residual.node_step
        ),
        format!(
            "  latents of {} dimensions, a node every {} frames",
            m.latent.dim, m.latent.node_step
        ),
        format!("  network of width {}, modulation of rank {}", n.width, n.rank),
    ]
}

fn describe_paper(m: &PaperHeader) -> Vec<String> {
    let encoding = match m.hash {
        Some((features, table)) => {
            format!("hash grids of {features} features, at most 2^{table} entries, cells")
        }
        None => "Fourier features, half periods".into(),
    };
    vec![
        format!("  {encoding} {:?} along the longer side", m.resolutions),
        format!("  network of {} layers of width {}, patches of {}", m.n_layers, m.width, m.patch),
        format!("  modulation of rank {} in layers {:?}", m.rank, m.modulated),
        format!(
            "  latents of {} dimensions, hypernetworks with {} hidden layers of width {}",
            m.d_latent, m.hyper_layers, m.hyper_width
        ),
        format!(
            "  bits per value: hash tables {}, base network {}, hypernetworks {}, latents {}",
            m.bits.encoding, m.bits.base, m.bits.hyper, m.bits.latents
        ),
    ]
}

fn warp_json(m: &WarpHeader) -> Value {
    json!({
        "profile": "warp",
        "canonical_strides": m.canonical.strides,
        "cubic_up_to": m.cubic_up_to,
        "margin": m.margin,
        "motion_strides": m.motion.strides,
        "motion_node_step": m.motion.node_step,
        "residual_strides": m.residual.strides,
        "residual_node_step": m.residual.node_step,
        "latent_dim": m.latent.dim,
        "latent_node_step": m.latent.node_step,
        "width": m.network.width,
        "rank": m.network.rank,
    })
}

fn paper_json(m: &PaperHeader) -> Value {
    json!({
        "profile": "paper",
        "encoding": if m.hash.is_some() { "hash" } else { "fourier" },
        "features": m.hash.map(|h| h.0),
        "table": m.hash.map(|h| h.1),
        "resolutions": m.resolutions,
        "patch": m.patch,
        "layers": m.n_layers,
        "width": m.width,
        "modulated": m.modulated,
        "rank": m.rank,
        "latent_dim": m.d_latent,
        "hyper_layers": m.hyper_layers,
        "hyper_width": m.hyper_width,
        "bits": {
            "encoding": m.bits.encoding,
            "base": m.bits.base,
            "hyper": m.bits.hyper,
            "latents": m.bits.latents,
        },
    })
}
