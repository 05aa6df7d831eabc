// SPDX-License-Identifier: MIT OR Apache-2.0
//! Line charts as SVG.

use std::fmt::Write;

/// How numbers are spread along an axis.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    Linear,
    /// Logarithmic.
    Log,
    /// Logarithmic, with ticks at the numbers of the points.
    Values,
}

pub struct Axis {
    pub label: &'static str,
    pub scale: Scale,
}

pub struct Series {
    pub name: String,
    pub points: Vec<(f64, f64)>,
}

pub struct Chart {
    pub title: String,
    pub x: Axis,
    pub y: Axis,
    pub series: Vec<Series>,
}

/// Size of a chart with its labels, and where the plot lies in it.
const WIDTH: f64 = 600.0;
const HEIGHT: f64 = 420.0;
const LEFT: f64 = 64.0;
const TOP: f64 = 36.0;
const PLOT_WIDTH: f64 = 380.0;
const PLOT_HEIGHT: f64 = 320.0;
const COLORS: [&str; 8] =
    ["#1b6ca8", "#c0392b", "#2e8b57", "#8e5ea2", "#d98200", "#555555", "#008b8b", "#a0522d"];

/// Charts side by side.
pub fn svg(charts: &[Chart]) -> String {
    let width = WIDTH * charts.len() as f64;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {HEIGHT}\" \
         width=\"{width}\" height=\"{HEIGHT}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"{width}\" height=\"{HEIGHT}\" fill=\"#fff\"/>\n"
    );
    for (i, chart) in charts.iter().enumerate() {
        let _ = writeln!(out, "<g transform=\"translate({} 0)\">", WIDTH * i as f64);
        draw(chart, &mut out);
        out.push_str("</g>\n");
    }
    out.push_str("</svg>\n");
    out
}

/// An axis with its range, as it is drawn.
struct Span {
    is_log: bool,
    /// Ends in drawn units: logarithms on a logarithmic axis.
    from: f64,
    to: f64,
    ticks: Vec<f64>,
}

impl Span {
    fn new(scale: Scale, values: &[f64]) -> Self {
        let is_log = scale != Scale::Linear;
        let drawn = |v: f64| if is_log { v.log10() } else { v };
        let finite = || values.iter().map(|&v| drawn(v)).filter(|v| v.is_finite());
        let (mut from, mut to) =
            (finite().fold(f64::INFINITY, f64::min), finite().fold(f64::NEG_INFINITY, f64::max));
        if from > to {
            (from, to) = (0.0, 1.0);
        }
        // A single value lies in the middle; points do not touch the frame.
        let margin = if to > from { 0.06 * (to - from) } else { 0.5 };
        let (from, to) = (from - margin, to + margin);
        let mut ticks = match scale {
            Scale::Linear => linear_ticks(from, to),
            Scale::Log => log_ticks(from, to),
            Scale::Values => values.iter().copied().filter(|v| drawn(*v).is_finite()).collect(),
        };
        ticks.sort_by(f64::total_cmp);
        ticks.dedup();
        Self { is_log, from, to, ticks }
    }

    /// Where a value lies, 0 to 1.
    fn place(&self, value: f64) -> Option<f64> {
        let drawn = if self.is_log { value.log10() } else { value };
        drawn.is_finite().then(|| (drawn - self.from) / (self.to - self.from))
    }
}

/// Round numbers, at most eight.
fn linear_ticks(from: f64, to: f64) -> Vec<f64> {
    let rough = (to - from) / 7.0;
    let power = 10f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0].map(|m| m * power).into_iter().find(|s| *s >= rough);
    let step = step.unwrap_or(10.0 * power);
    let first = (from / step).ceil() as i64;
    (0..9).map(|i| (first + i) as f64 * step).take_while(|&v| v <= to).collect()
}

/// 1, 2 and 5 of every decade, or decades alone when there are many.
fn log_ticks(from: f64, to: f64) -> Vec<f64> {
    let parts: &[f64] = if to - from > 4.0 { &[1.0] } else { &[1.0, 2.0, 5.0] };
    let decades = from.floor() as i32..=to.ceil() as i32;
    let all = decades.flat_map(|d| parts.iter().map(move |m| m * 10f64.powi(d)));
    let ticks: Vec<f64> = all.filter(|v| (from..=to).contains(&v.log10())).collect();
    match ticks.len() {
        0..=2 => linear_ticks(10f64.powf(from), 10f64.powf(to)),
        _ => ticks,
    }
}

/// A tick's number without needless digits.
fn label(value: f64) -> String {
    let text = match value.abs() {
        10_000.0.. => format!("{value:.3e}"),
        0.0001.. => format!("{value:.6}"),
        0.0 => "0".into(),
        _ => format!("{value:.1e}"),
    };
    match text.contains('.') && !text.contains('e') {
        true => text.trim_end_matches('0').trim_end_matches('.').into(),
        false => text,
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn draw(chart: &Chart, out: &mut String) {
    let points = || chart.series.iter().flat_map(|s| &s.points);
    let x = Span::new(chart.x.scale, &points().map(|p| p.0).collect::<Vec<_>>());
    let y = Span::new(chart.y.scale, &points().map(|p| p.1).collect::<Vec<_>>());
    let (right, bottom) = (LEFT + PLOT_WIDTH, TOP + PLOT_HEIGHT);
    let mut put = |text: String| {
        out.push_str(&text);
        out.push('\n');
    };
    let words = |x: f64, y: f64, more: &str, text: &str| {
        format!("<text x=\"{x:.1}\" y=\"{y:.1}\" fill=\"#222\" {more}>{}</text>", escaped(text))
    };
    put(words(LEFT, TOP - 14.0, "font-size=\"14\"", &chart.title));
    for &tick in &x.ticks {
        let Some(at) = x.place(tick) else { continue };
        let at = LEFT + PLOT_WIDTH * at;
        put(format!("<path d=\"M{at:.1} {TOP}V{bottom}\" stroke=\"#ddd\"/>"));
        put(words(at, bottom + 18.0, "text-anchor=\"middle\"", &label(tick)));
    }
    for &tick in &y.ticks {
        let Some(at) = y.place(tick) else { continue };
        let at = bottom - PLOT_HEIGHT * at;
        put(format!("<path d=\"M{LEFT} {at:.1}H{right}\" stroke=\"#ddd\"/>"));
        put(words(LEFT - 8.0, at + 4.0, "text-anchor=\"end\"", &label(tick)));
    }
    put(format!(
        "<rect x=\"{LEFT}\" y=\"{TOP}\" width=\"{PLOT_WIDTH}\" height=\"{PLOT_HEIGHT}\" \
         fill=\"none\" stroke=\"#888\"/>"
    ));
    let middle = TOP + PLOT_HEIGHT / 2.0;
    put(words(LEFT + PLOT_WIDTH / 2.0, bottom + 40.0, "text-anchor=\"middle\"", chart.x.label));
    let turned = format!("text-anchor=\"middle\" transform=\"rotate(-90 14 {middle})\"");
    put(words(14.0, middle, &turned, chart.y.label));
    for (i, series) in chart.series.iter().enumerate() {
        let color = COLORS[i % COLORS.len()];
        let mut points = series.points.clone();
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        let place = |&(a, b): &(f64, f64)| {
            let (a, b) = (x.place(a)?, y.place(b)?);
            Some((LEFT + PLOT_WIDTH * a, bottom - PLOT_HEIGHT * b))
        };
        let places: Vec<(f64, f64)> = points.iter().filter_map(place).collect();
        let line: Vec<String> = places.iter().map(|(a, b)| format!("{a:.1},{b:.1}")).collect();
        if line.len() > 1 {
            put(format!(
                "<polyline points=\"{}\" fill=\"none\" stroke=\"{color}\" stroke-width=\"2\"/>",
                line.join(" ")
            ));
        }
        for (a, b) in places {
            put(format!("<circle cx=\"{a:.1}\" cy=\"{b:.1}\" r=\"3.5\" fill=\"{color}\"/>"));
        }
        let at = TOP + 10.0 + 20.0 * i as f64;
        let key = right + 14.0;
        put(format!("<path d=\"M{key} {at}h18\" stroke=\"{color}\" stroke-width=\"2\"/>"));
        put(format!("<circle cx=\"{}\" cy=\"{at}\" r=\"3.5\" fill=\"{color}\"/>", key + 9.0));
        put(words(key + 24.0, at + 4.0, "", &series.name));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(scale: Scale, points: Vec<(f64, f64)>) -> Chart {
        Chart {
            title: "a < b & c".into(),
            x: Axis { label: "x", scale },
            y: Axis { label: "y", scale: Scale::Linear },
            series: vec![Series { name: "s".into(), points }],
        }
    }

    #[test]
    fn ticks_are_round_and_inside() {
        assert_eq!(linear_ticks(-0.3, 5.3), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
        assert_eq!(log_ticks(-1.0, 1.0), [0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0]);
        assert!(log_ticks(0.01, 0.02).len() > 2);
        assert_eq!(Span::new(Scale::Values, &[8.0, 2.0, 2.0]).ticks, [2.0, 8.0]);
        assert_eq!([0.25, 30.0, 0.0, 1e-6].map(label), ["0.25", "30", "0", "1.0e-6"]);
    }

    #[test]
    fn every_point_is_drawn_and_text_is_escaped() {
        let text = svg(&[chart(Scale::Log, vec![(0.1, 30.0), (1.0, 35.0), (0.5, 33.0)])]);
        // One more stands in the legend.
        assert_eq!(text.matches("<circle").count(), 4);
        assert!(text.contains("a &lt; b &amp; c") && !text.contains("NaN"), "{text}");
    }

    #[test]
    fn odd_data_is_no_problem() {
        for points in [
            vec![],
            vec![(3.0, 3.0)],
            vec![(0.0, 1.0), (-1.0, f64::INFINITY)],
            vec![(f64::NAN, 1.0)],
        ] {
            for scale in [Scale::Linear, Scale::Log, Scale::Values] {
                let text = svg(&[chart(scale, points.clone()), chart(scale, points.clone())]);
                assert!(text.ends_with("</svg>\n") && !text.contains("NaN"), "{text}");
                assert!(!text.contains("inf"), "{text}");
            }
        }
    }
}
