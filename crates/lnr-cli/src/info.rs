// SPDX-License-Identifier: MIT OR Apache-2.0

use lnr::align::Space;
use lnr::stream::{GroupHeader, Metadata, Orientation, PartSize};
use serde_json::{Value, json};

use crate::args::InfoArgs;
use crate::console::Console;
use crate::exit::{Failure, Outcome};
use crate::input::{Index, IndexedGroup, index_parts, n_bytes};
use crate::{model_text, text};

/// Units of the mastering display's chromaticities, and of its luminances in cd/m2.
const CHROMATICITY: f64 = 0.00002;
const LUMINANCE: f64 = 0.0001;

pub fn run(args: &InfoArgs, console: &Console) -> Outcome<()> {
    let index = index_parts(&args.file, console)?;
    let totals = Totals::new(&index, n_bytes(&args.file)?);
    let Some(first) = index.groups.first() else {
        return Err(Failure::damaged(&args.file, "no LNR group in it"));
    };
    let text = match args.json {
        true => totals.json(&index, &first.header).to_string(),
        false => totals.describe(&index, &first.header),
    };
    console.print(&text)?;
    match index.damage.n_parts {
        0 => Ok(()),
        n => {
            let cause = index.damage.first_cause.unwrap_or_default();
            let parts = text::damaged_parts(n);
            Err(Failure::damaged(&args.file, format!("{parts} ({cause}); the rest is whole")))
        }
    }
}

struct Totals {
    bytes: u64,
    n_frames: u64,
    duration: u64,
    bpp: f64,
    kbit: f64,
}

impl Totals {
    fn new(index: &Index, bytes: u64) -> Self {
        let pixels = |g: &IndexedGroup| g.header.format.n_pixels() as f64 * g.n_units as f64;
        let n_pixels: f64 = index.groups.iter().map(pixels).sum();
        let duration = index.duration();
        Self {
            bytes,
            n_frames: index.n_units(),
            duration,
            bpp: bytes as f64 * 8.0 / n_pixels.max(1.0),
            kbit: text::kbit_per_second(bytes, duration),
        }
    }

    fn describe(&self, index: &Index, first: &GroupHeader) -> String {
        let mut lines = vec![text::video(&first.format, first.frame_rate), color(first)];
        lines.extend(metadata_lines(&index.groups[0].metadata));
        lines.extend(meaning_lines(index));
        lines.push(format!(
            "{} frames in {} groups, {:.3} s, {} bytes, {:.4} bits per pixel, {:.1} kbit/s",
            self.n_frames,
            index.groups.len(),
            text::seconds(self.duration),
            self.bytes,
            self.bpp,
            self.kbit
        ));
        lines.push(match &index.own {
            Some(_) => "an index: exact seeks over networks, nothing is missing".into(),
            None => "no index: not finished, or a stream (`lnr join IN OUT` adds one)".into(),
        });
        lines.push(
            "  group     time s  frames      bytes  header  frames' bytes   bits/pixel".into(),
        );
        for (i, g) in index.groups.iter().enumerate() {
            lines.push(format!(
                "{:>7} {:>10.3} {:>7} {:>10} {:>7} {:>14} {:>12.4}",
                i + 1,
                text::seconds(g.place.begin),
                g.n_units,
                g.bytes,
                g.first_bytes - g.payload_bytes,
                g.bytes - g.first_bytes,
                text::bits_per_pixel(g.bytes, &g.header.format, g.n_units)
            ));
        }
        let models = index.groups.chunk_by(|a, b| a.header.model == b.header.model);
        let mut number = 1;
        for run in models {
            let last = number + run.len() - 1;
            let name = match run.len() {
                1 => format!("group {number}"),
                _ => format!("groups {number} to {last}"),
            };
            lines.push(format!("model of {name}:"));
            lines.extend(model_text::describe(&run[0].header));
            number = last + 1;
        }
        lines.push("parts of all groups:".into());
        lines.extend(describe_parts(index));
        lines.join("\n")
    }

    fn json(&self, index: &Index, first: &GroupHeader) -> Value {
        let f = &first.format;
        json!({
            "width": f.width,
            "height": f.height,
            "chroma": text::chroma(f.chroma),
            "depth": f.depth,
            "frame_rate": format!("{}/{}", first.frame_rate.0, first.frame_rate.1),
            "pixel_aspect_ratio": format!("{}/{}", f.par.0, f.par.1),
            "color": {
                "matrix": f.color.matrix as u8,
                "full_range": f.color.full_range,
                "primaries": f.color.primaries,
                "transfer": f.color.transfer,
                "chroma_site": f.color.site as u8,
            },
            "metadata": metadata_json(&index.groups[0].metadata),
            "embedding": meanings(index).iter().map(Meaning::json).collect::<Vec<_>>(),
            "frames": self.n_frames,
            "bytes": self.bytes,
            "bpp": text::rounded(self.bpp, 6),
            "kbit_s": text::rounded(self.kbit, 3),
            "seconds": text::rounded(text::seconds(self.duration), 6),
            "damaged": index.damage.n_parts,
            "index": index.own.is_some(),
            "groups": index.groups.iter().map(group_json).collect::<Vec<_>>(),
        })
    }
}

/// What the file stores of what its frames mean, in one space.
struct Meaning<'a> {
    space: &'a Space,
    n_groups: usize,
    n_nodes: usize,
    n_bytes: usize,
}

impl Meaning<'_> {
    fn json(&self) -> Value {
        json!({
            "space": self.space.name,
            "fingerprint": self.space.fingerprint_text(),
            "dimensions": self.space.dim,
            "groups": self.n_groups,
            "nodes": self.n_nodes,
            "bytes": self.n_bytes,
        })
    }
}

/// By space: joined files may have several.
fn meanings(index: &Index) -> Vec<Meaning<'_>> {
    let mut all: Vec<Meaning> = Vec::new();
    for track in index.groups.iter().filter_map(|g| g.embedding.as_ref()) {
        let space = track.space();
        let at = all.iter().position(|m| m.space == space).unwrap_or_else(|| {
            all.push(Meaning { space, n_groups: 0, n_nodes: 0, n_bytes: 0 });
            all.len() - 1
        });
        all[at].n_groups += 1;
        all[at].n_nodes += track.nodes().len();
        all[at].n_bytes += track.n_bytes();
    }
    all
}

fn meaning_lines(index: &Index) -> Vec<String> {
    let n = index.groups.len();
    let line = |m: &Meaning| {
        format!(
            "searchable: {}, {} vectors in {} of {n} groups, {} bytes",
            m.space, m.n_nodes, m.n_groups, m.n_bytes
        )
    };
    meanings(index).iter().map(line).collect()
}

fn color(header: &GroupHeader) -> String {
    let c = &header.format.color;
    format!(
        "matrix {:?}, {} range, primaries {}, transfer {}, chroma site {:?}, pixel aspect {}:{}",
        c.matrix,
        if c.full_range { "full" } else { "video" },
        c.primaries,
        c.transfer,
        c.site,
        header.format.par.0,
        header.format.par.1
    )
}

/// What the stream says of itself, as far as it says anything.
fn metadata_lines(metadata: &Metadata) -> Vec<String> {
    let mut lines = Vec::new();
    if metadata.orientation != Orientation::default() {
        lines.push(format!("orientation {}", metadata.orientation.name()));
    }
    if let Some(m) = &metadata.mastering {
        let xy = |(x, y): (u16, u16)| {
            format!("({:.4}, {:.4})", f64::from(x) * CHROMATICITY, f64::from(y) * CHROMATICITY)
        };
        let [r, g, b] = m.primaries.map(xy);
        lines.push(format!(
            "mastering display red {r}, green {g}, blue {b}, white {}, {:.4} to {:.1} cd/m2",
            xy(m.white),
            f64::from(m.min_luminance) * LUMINANCE,
            f64::from(m.max_luminance) * LUMINANCE
        ));
    }
    if let Some(light) = &metadata.light {
        lines.push(format!(
            "content light level at most {} cd/m2, {} in the mean of a frame",
            light.max_content, light.max_frame_average
        ));
    }
    if metadata.alpha {
        lines.push("the last component is alpha".into());
    }
    if !metadata.settings.is_empty() {
        lines.push(format!("encoded by {}", metadata.settings.escape_debug()));
    }
    lines
}

fn metadata_json(metadata: &Metadata) -> Value {
    json!({
        "orientation": metadata.orientation.name(),
        "mastering_display": metadata.mastering.map(|m| json!({
            "primaries": m.primaries,
            "white": m.white,
            "max_luminance": m.max_luminance,
            "min_luminance": m.min_luminance,
        })),
        "content_light": metadata.light.map(|light| json!({
            "max_content": light.max_content,
            "max_frame_average": light.max_frame_average,
        })),
        "alpha": metadata.alpha,
        "settings": metadata.settings,
    })
}

fn group_json(g: &IndexedGroup) -> Value {
    json!({
        "id": g.header.id,
        "pts_ns": g.place.begin,
        "duration_ns": g.header.duration(),
        "frames": g.n_units,
        "frame_durations_ns": g.header.durations,
        "bytes": g.bytes,
        "first_unit_bytes": g.first_bytes,
        "payload_bytes": g.payload_bytes,
        "model": model_text::json(&g.header),
        "parts": g.parts.iter().map(part_json).collect::<Vec<_>>(),
    })
}

fn part_json(size: &PartSize) -> Value {
    json!({
        "part": size.part.name(),
        "values": size.n_values,
        "bytes": size.bytes,
        "huffman_bytes": size.huffman_bits.map(|bits| bits.div_ceil(8)),
    })
}

/// What every part takes over all groups, and what Huffman coding would take instead.
fn describe_parts(index: &Index) -> Vec<String> {
    let mut all: Vec<PartSize> = Vec::new();
    for size in index.groups.iter().flat_map(|g| &g.parts) {
        size.clone().add_to(&mut all);
    }
    let total: u64 = index.groups.iter().map(|g| g.bytes).sum();
    let headers = total.saturating_sub(all.iter().map(|s| s.bytes).sum());
    let mut lines = vec![
        "  part                  values      bytes  share  bits/value  Huffman's bytes".into(),
    ];
    let share = |bytes: u64| 100.0 * bytes as f64 / total.max(1) as f64;
    for s in all {
        lines.push(format!(
            "  {:<16} {:>11} {:>10} {:>5.1}% {:>11.3} {:>16}",
            s.part.name(),
            s.n_values,
            s.bytes,
            share(s.bytes),
            8.0 * s.bytes as f64 / s.n_values.max(1) as f64,
            s.huffman_bits.map_or("not read".into(), |bits| bits.div_ceil(8).to_string())
        ));
    }
    lines.push(format!("  {:<16} {:>11} {headers:>10} {:>5.1}%", "headers", "", share(headers)));
    lines
}
