// SPDX-License-Identifier: MIT OR Apache-2.0

use lnr::stream::{Part, PartSize};
use serde_json::{Map, Value, json};

use crate::text;

/// What was measured of one variant.
#[derive(Clone, Debug, Default)]
pub struct Row {
    /// Its name, without commas.
    pub variant: String,
    /// The line of the plot that it belongs to.
    pub series: String,
    /// The number that the experiment varies.
    pub value: f64,
    /// Frames that were measured.
    pub n_frames: usize,
    pub bytes: u64,
    /// Bits per pixel of the frames that were encoded.
    pub bpp: f64,
    /// Means over frames, dB and up to 1.
    pub psnr: Option<f64>,
    pub ssim: Option<f64>,
    pub encode_s: f64,
    /// Seconds to read the group and render a first frame.
    pub load_s: Option<f64>,
    /// Frames per second.
    pub decode_fps: f64,
    pub parts: Vec<PartSize>,
}

/// A column of numbers: its name, digits after the point, and whether the text has it too.
struct Column(&'static str, usize, bool);

const COLUMNS: [Column; 13] = [
    Column("frames", 0, false),
    Column("bytes", 0, true),
    Column("bpp", 6, true),
    Column("psnr_rgb", 4, true),
    Column("ssim", 6, true),
    Column("encode_s", 3, true),
    Column("load_s", 4, false),
    Column("decode_fps", 3, true),
    Column("latents_bytes", 0, false),
    Column("base_bytes", 0, false),
    Column("hyper_bytes", 0, false),
    Column("grids_bytes", 0, false),
    Column("huffman_bytes", 0, false),
];

impl Row {
    /// The number of a column, where there is one.
    pub fn number(&self, column: &str) -> Option<f64> {
        let bytes = |parts: &[Part]| {
            let sizes = self.parts.iter().filter(|s| parts.contains(&s.part));
            (!self.parts.is_empty()).then(|| sizes.map(|s| s.bytes).sum::<u64>() as f64)
        };
        match column {
            "value" => Some(self.value),
            "frames" => Some(self.n_frames as f64),
            "bytes" => Some(self.bytes as f64),
            "bpp" => Some(self.bpp),
            "psnr_rgb" => self.psnr,
            "ssim" => self.ssim,
            "encode_s" => Some(self.encode_s),
            "load_s" => self.load_s,
            "decode_fps" => Some(self.decode_fps),
            "latents_bytes" => bytes(&[Part::Latents]),
            "base_bytes" => bytes(&[Part::Base]),
            "hyper_bytes" => bytes(&[Part::Hyper]),
            "grids_bytes" => bytes(&[
                Part::Canonical,
                Part::Motion,
                Part::Residual,
                Part::Blend,
                Part::HashTables,
            ]),
            "huffman_bytes" => {
                let bits: Option<u64> = self.parts.iter().map(|s| s.huffman_bits).sum();
                bits.filter(|_| !self.parts.is_empty()).map(|bits| bits.div_ceil(8) as f64)
            }
            _ => None,
        }
    }

    fn cell(&self, &Column(name, digits, _): &Column) -> String {
        self.number(name).map_or(String::new(), |v| format!("{v:.digits$}"))
    }
}

/// One line for each row; `variable` is what `value` is called.
pub fn csv(rows: &[Row], variable: &str) -> String {
    let names: Vec<&str> = COLUMNS.iter().map(|c| c.0).collect();
    let mut out = format!("variant,series,{variable},{}\n", names.join(","));
    for row in rows {
        let cells: Vec<String> = COLUMNS.iter().map(|c| row.cell(c)).collect();
        out += &format!("{},{},{},{}\n", row.variant, row.series, row.value, cells.join(","));
    }
    out
}

/// The same for people: columns that line up, without those that matter little.
pub fn describe(rows: &[Row]) -> String {
    let columns: Vec<&Column> = COLUMNS.iter().filter(|c| c.2).collect();
    let mut lines = vec![vec!["variant".to_owned()]];
    lines[0].extend(columns.iter().map(|c| c.0.to_owned()));
    for row in rows {
        let mut line = vec![row.variant.clone()];
        line.extend(columns.iter().map(|c| row.cell(c)));
        lines.push(line);
    }
    aligned(&lines)
}

/// Lines of cells as columns that line up; the first to the left, the others to the right.
pub fn aligned(lines: &[Vec<String>]) -> String {
    let n = lines.iter().map(Vec::len).max().unwrap_or(0);
    let width =
        |i: usize| lines.iter().filter_map(|l| l.get(i)).map(String::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..n).map(width).collect();
    let lines = lines.iter().map(|line| {
        let mut out = format!("  {:<width$}", line[0], width = widths[0]);
        for (cell, width) in line.iter().zip(&widths).skip(1) {
            out += &format!("  {cell:>width$}");
        }
        out
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The rows as an array of objects.
pub fn json(rows: &[Row], variable: &str) -> Value {
    let object = |row: &Row| {
        let mut map = Map::new();
        map.insert("variant".into(), json!(row.variant));
        map.insert("series".into(), json!(row.series));
        map.insert(variable.into(), json!(row.value));
        for &Column(name, digits, _) in &COLUMNS {
            let value = match (row.number(name), digits) {
                (None, _) => Value::Null,
                (Some(v), 0) => json!(v as u64),
                (Some(v), _) => text::rounded(v, digits as i32),
            };
            map.insert(name.into(), value);
        }
        Value::Object(map)
    };
    rows.iter().map(object).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_missing_numbers_are_empty() {
        let part = PartSize { part: Part::Hyper, n_values: 3, bytes: 40, huffman_bits: Some(9) };
        let row = Row { variant: "a".into(), series: "s".into(), value: 0.5, ..Row::default() };
        let rows = [row.clone(), Row { psnr: Some(30.0), parts: vec![part], ..row }];
        let csv = csv(&rows, "scale");
        let lines: Vec<&str> = csv.lines().collect();
        let n = lines[0].split(',').count();
        assert!(lines.len() == 3 && lines.iter().all(|l| l.split(',').count() == n), "{csv}");
        assert!(lines[1].starts_with("a,s,0.5,0,0,0.000000,,,") && lines[2].contains(",30.0000,"));
        assert!(lines[2].ends_with(",0,0,40,0,2"), "{csv}");
        let text = describe(&rows);
        assert!(text.lines().all(|l| l.len() == text.lines().next().unwrap().len()), "{text}");
        let j = json(&rows, "scale");
        assert!(j[0]["psnr_rgb"].is_null() && j[1]["hyper_bytes"] == 40 && j[0]["scale"] == 0.5);
    }

    #[test]
    fn every_column_has_numbers() {
        let part = PartSize { part: Part::Base, n_values: 1, bytes: 1, huffman_bits: Some(1) };
        let row = Row {
            psnr: Some(1.0),
            ssim: Some(1.0),
            load_s: Some(1.0),
            parts: vec![part],
            ..Row::default()
        };
        assert!(COLUMNS.iter().all(|c| row.number(c.0).is_some()));
    }
}
