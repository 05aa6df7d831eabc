// SPDX-License-Identifier: MIT OR Apache-2.0
//! Model descriptions for people and programs.

use lnr::stream::GroupHeader;
use lnr::stream::spec::{Bits, Modulation, Precision, SourceSpec};
use serde_json::{Value, json};

/// A line for each aspect of a group's model.
pub fn describe(header: &GroupHeader) -> Vec<String> {
    let model = &header.model;
    let mut lines: Vec<String> = model.sources.iter().map(source).collect();
    let (net, latent) = (&model.network, &model.latent);
    lines.push(format!(
        "  latents of {} dimensions, a node every {} frames",
        latent.dim, latent.node_step
    ));
    lines.push(format!(
        "  network of {} layers of width {}{}, patches of {}",
        net.n_layers,
        net.width,
        if net.skip { ", with a linear path" } else { "" },
        net.patch
    ));
    lines.push(format!(
        "  modulation of rank {} in layers {:?}{}, hypernetworks with {} hidden layers of width {}",
        net.rank,
        net.modulated,
        match net.modulation {
            Modulation::Sigmoid => "",
            Modulation::Centred => " and of their biases",
        },
        net.hyper_layers,
        net.hyper_width
    ));
    if let Precision::Uniform(bits) = model.precision {
        let Bits { sources, base, hyper, latents } = bits;
        lines.push(format!(
            "  bits per value: sources {sources}, base network {base}, hypernetworks {hyper}, \
             latents {latents}"
        ));
    }
    if let Ok(price) = model.price(&header.extent()) {
        lines.push(format!(
            "  {} multiplications per pixel of the base network, {} per frame of hypernetworks",
            price.mults_per_pixel, price.mults_per_frame
        ));
    }
    lines
}

fn source(source: &SourceSpec) -> String {
    match source {
        SourceSpec::Canonical { strides, cubic_up_to, margin, motion, anchors } => {
            let moved = match anchors {
                None => moved_by(motion),
                Some(a) => format!(
                    "anchors every {} frames, even ones {}, odd ones {}",
                    a.step,
                    moved_by(motion),
                    moved_by(&a.odd_motion)
                ),
            };
            format!(
                "  canonical grids at strides {strides:?}, cubic up to {cubic_up_to}, margin \
                 {margin}, {moved}"
            )
        }
        SourceSpec::Blend { strides, node_step } => {
            format!("  blend grids at strides {strides:?}, a node every {node_step} frames")
        }
        SourceSpec::Motion { strides, node_step } => {
            format!("  motion grids at strides {strides:?}, a node every {node_step} frames")
        }
        SourceSpec::Residual { strides, node_step } => {
            format!("  residual grids at strides {strides:?}, a node every {node_step} frames")
        }
        SourceSpec::Hash { features, table, resolutions } => format!(
            "  hash grids of {features} features, at most 2^{table} entries, cells {resolutions:?} \
             along the longer side"
        ),
        SourceSpec::Fourier { resolutions } => {
            format!("  Fourier features, half periods {resolutions:?} along the longer side")
        }
    }
}

/// Which motion sources move grids, counted from 1.
fn moved_by(motion: &[u32]) -> String {
    let numbers: Vec<String> = motion.iter().map(|m| (m + 1).to_string()).collect();
    match numbers.len() {
        0 => "not moved".into(),
        1 => format!("moved by motion source {}", numbers[0]),
        _ => format!("moved by motion sources {}", numbers.join(" + ")),
    }
}

/// A group's model for programs.
pub fn json(header: &GroupHeader) -> Value {
    let (model, net) = (&header.model, &header.model.network);
    let price = model.price(&header.extent()).unwrap_or_default();
    json!({
        "sources": model.sources.iter().map(source_json).collect::<Vec<_>>(),
        "latent_dim": model.latent.dim,
        "latent_node_step": model.latent.node_step,
        "patch": net.patch,
        "layers": net.n_layers,
        "width": net.width,
        "skip": net.skip,
        "modulated": net.modulated,
        "rank": net.rank,
        "modulation": match net.modulation {
            Modulation::Sigmoid => "sigmoid",
            Modulation::Centred => "centred",
        },
        "hyper_layers": net.hyper_layers,
        "hyper_width": net.hyper_width,
        "bits": match model.precision {
            Precision::Steps | Precision::StepsByPart => Value::Null,
            Precision::Uniform(Bits { sources, base, hyper, latents }) => json!({
                "sources": sources, "base": base, "hyper": hyper, "latents": latents,
            }),
        },
        "parameters": price.n_parameters(),
        "grid_entries": price.n_grid,
        "multiplications_per_pixel": price.mults_per_pixel,
        "multiplications_per_frame": price.mults_per_frame,
    })
}

fn source_json(source: &SourceSpec) -> Value {
    match source {
        SourceSpec::Canonical { strides, cubic_up_to, margin, motion, anchors } => json!({
            "kind": "canonical",
            "strides": strides,
            "cubic_up_to": cubic_up_to,
            "margin": margin,
            "motion": motion,
            "anchor_step": anchors.as_ref().map(|a| a.step),
            "odd_motion": anchors.as_ref().map(|a| &a.odd_motion),
        }),
        SourceSpec::Blend { strides, node_step } => {
            json!({ "kind": "blend", "strides": strides, "node_step": node_step })
        }
        SourceSpec::Motion { strides, node_step } => {
            json!({ "kind": "motion", "strides": strides, "node_step": node_step })
        }
        SourceSpec::Residual { strides, node_step } => {
            json!({ "kind": "residual", "strides": strides, "node_step": node_step })
        }
        SourceSpec::Hash { features, table, resolutions } => json!({
            "kind": "hash",
            "features": features,
            "table": table,
            "resolutions": resolutions,
        }),
        SourceSpec::Fourier { resolutions } => {
            json!({ "kind": "fourier", "resolutions": resolutions })
        }
    }
}
