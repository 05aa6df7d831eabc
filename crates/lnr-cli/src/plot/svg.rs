// SPDX-License-Identifier: MIT OR Apache-2.0
//! Points as SVG: one panel for each projection, the frames of a file joined in the order of time.

use std::fmt::Write;

use super::project::Point;
use crate::export::Row;
use crate::html::escaped;

/// Side of a panel and the space around its points, in pixels.
const SIDE: f32 = 480.0;
const MARGIN: f32 = 36.0;
/// Hues of files, in degrees: far apart, whatever their number.
const GOLDEN: f32 = 137.5;

/// A projection of all rows.
pub struct Panel {
    pub title: String,
    pub points: Vec<Point>,
}

/// The panels side by side. Points have the class `p` and the number of their row in `data-i`.
pub fn draw(panels: &[Panel], rows: &[Row]) -> String {
    let width = SIDE * panels.len() as f32;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {SIDE}\" width=\"{width}\" \
         height=\"{SIDE}\" font-family=\"sans-serif\" font-size=\"13\">\n"
    );
    for (i, panel) in panels.iter().enumerate() {
        let _ = writeln!(out, "<g transform=\"translate({} 0)\">", SIDE * i as f32);
        let _ = writeln!(
            out,
            "<rect x=\"1\" y=\"1\" width=\"{0}\" height=\"{0}\" fill=\"#fff\" stroke=\"#ccc\"/>\n\
             <text x=\"{MARGIN}\" y=\"22\" fill=\"#222\">{1}</text>",
            SIDE - 2.0,
            escaped(&panel.title)
        );
        panel.draw(rows, &mut out);
        out += "</g>\n";
    }
    out + "</svg>\n"
}

impl Panel {
    fn draw(&self, rows: &[Row], out: &mut String) {
        let places = self.places();
        let numbers = numbers(rows);
        let last = numbers.last().map_or(0, |(file, _)| *file);
        for file in 0..=last {
            let of: Vec<&Point> =
                places.iter().zip(&numbers).filter(|(_, n)| n.0 == file).map(|(p, _)| p).collect();
            let line: Vec<String> = of.iter().map(|[x, y]| format!("{x:.1},{y:.1}")).collect();
            let _ = writeln!(
                out,
                "<polyline points=\"{}\" fill=\"none\" stroke=\"{}\" stroke-opacity=\"0.35\"/>",
                line.join(" "),
                color(file, last, 0.5)
            );
        }
        for (i, ([x, y], (file, part))) in places.iter().zip(&numbers).enumerate() {
            let row = &rows[i];
            let _ = writeln!(
                out,
                "<circle class=\"p\" data-i=\"{i}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\" fill=\"{}\">\
                 <title>{} {:.2} s</title></circle>",
                color(*file, last, *part),
                escaped(&row.file),
                row.time
            );
        }
    }

    /// The points in pixels: both axes of one scale.
    fn places(&self) -> Vec<Point> {
        let range = |axis: usize| {
            let all = self.points.iter().map(|p| p[axis]);
            (all.clone().fold(f32::INFINITY, f32::min), all.fold(f32::NEG_INFINITY, f32::max))
        };
        let [(left, right), (bottom, top)] = [range(0), range(1)];
        let widest = (right - left).max(top - bottom).max(1e-9);
        let scale = (SIDE - 2.0 * MARGIN) / widest;
        let place = |[x, y]: &Point| {
            let [dx, dy] = [x - (left + right) / 2.0, y - (bottom + top) / 2.0];
            [SIDE / 2.0 + dx * scale, SIDE / 2.0 - dy * scale]
        };
        self.points.iter().map(place).collect()
    }
}

/// For each row the number of its file, and where in it it stands, 0..=1.
fn numbers(rows: &[Row]) -> Vec<(usize, f32)> {
    let mut out = Vec::new();
    for (file, of) in rows.chunk_by(|a, b| a.file == b.file).enumerate() {
        let n = (of.len() - 1).max(1) as f32;
        out.extend((0..of.len()).map(|i| (file, i as f32 / n)));
    }
    out
}

/// One file runs through the colours with time, from blue to red; of several each has its own hue, which grows
/// darker.
fn color(file: usize, last: usize, part: f32) -> String {
    match last {
        0 => format!("hsl({:.0} 75% 45%)", 240.0 - 240.0 * part),
        _ => format!("hsl({:.0} 65% {:.0}%)", (file as f32 * GOLDEN) % 360.0, 62.0 - 30.0 * part),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(file: &str, time: f64) -> Row {
        Row { file: file.into(), start: time, time, end: time + 1.0, vector: vec![] }
    }

    #[test]
    fn every_row_has_its_point_inside_and_its_colour() {
        let rows = [row("a&b", 0.0), row("a&b", 1.0), row("c", 0.0)];
        let panel = |points| Panel { title: "<PCA>".into(), points };
        let text = draw(&[panel(vec![[0.0, 0.0], [4.0, 1.0], [-1.0, 8.0]])], &rows);
        assert_eq!(text.matches("class=\"p\"").count(), 3);
        assert_eq!(text.matches("<polyline").count(), 2);
        assert!(text.contains("&lt;PCA&gt;") && text.contains("<title>a&amp;b 1.00 s</title>"));
        let numbers = text.split("cx=\"").skip(1).map(|t| t.split('"').next().unwrap());
        assert!(numbers.map(|n| n.parse::<f32>().unwrap()).all(|x| (36.0..=444.0).contains(&x)));
        let one = draw(&[panel(vec![[1.0, 1.0]])], &rows[..1]);
        assert!(one.contains("cx=\"240.0\" cy=\"240.0\"") && !one.contains("NaN"), "{one}");
    }
}
