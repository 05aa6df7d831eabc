// SPDX-License-Identifier: MIT OR Apache-2.0
//! `lnr eval ablation` with tiny models.
mod common;

use common::{Workplace, y4m};

const TINY: [&str; 6] = [
    "--base",
    "width=8,layers=4,latent=4,hyper-width=4,levels=3,features=1,table=6",
    "--ranks",
    "1,2,3",
    "--epochs",
    "1",
];

/// Experiments, and how many rows they have apart from those of other codecs.
const ROWS: [(&str, usize); 8] = [
    ("sizes", 7),
    ("encoding", 6),
    ("latent", 4),
    ("layers", 4),
    ("patch", 5),
    ("quantisation", 5),
    ("interpolation", 6),
    ("resolution", 8),
];

fn args<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&["eval", "ablation", "in.y4m"], &TINY[..], more].concat()
}

#[test]
fn every_experiment_has_a_table_and_a_plot() {
    let w = Workplace::new();
    w.write("in.y4m", &y4m(32, 24, 10, "420mpeg2"));
    let j = w.json(&args(&["--size", "16x12", "--start", "1", "--out", "deep/er"]));
    assert_eq!((&j["frames"], &j["width"]), (&9.into(), &16.into()));
    assert_eq!(j["experiments"].as_array().unwrap().len(), ROWS.len());
    for (result, (name, n_rows)) in j["experiments"].as_array().unwrap().iter().zip(ROWS) {
        assert_eq!(result["name"], name);
        let rows = result["rows"].as_array().unwrap();
        let is_own = |series: &str| !series.starts_with("x26");
        let own: Vec<_> = rows.iter().filter(|r| is_own(r["series"].as_str().unwrap())).collect();
        assert_eq!(own.len(), n_rows, "{result}");
        for row in own {
            assert!(row["bytes"].as_u64().unwrap() > 50 && row["bpp"].as_f64().unwrap() > 0.0);
            assert!(row["decode_fps"].as_f64().unwrap() > 0.0 && row["hyper_bytes"].is_u64());
            let is_measured = name != "resolution" || row["scale"] == 1.0;
            assert_eq!(row["psnr_rgb"].is_f64(), is_measured, "{row}");
        }
        let csv = String::from_utf8(w.read(&format!("deep/er/{name}.csv"))).unwrap();
        assert_eq!(csv.lines().count(), rows.len() + 1, "{csv}");
        let n_columns = csv.lines().next().unwrap().split(',').count();
        assert!(csv.lines().all(|l| l.split(',').count() == n_columns), "{csv}");
        let svg = String::from_utf8(w.read(&format!("deep/er/{name}.svg"))).unwrap();
        assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
        let n_points = if name == "patch" { 2 * rows.len() } else { rows.len() };
        assert!(svg.matches("<circle").count() > n_points, "{svg}");
    }
    let files = std::fs::read_dir(w.path("deep/er")).unwrap().count();
    assert_eq!(files, 2 * ROWS.len());
}

#[test]
fn variants_that_are_not_possible_are_left_out() {
    let w = Workplace::new();
    w.write("in.y4m", &y4m(16, 12, 4, "mono"));
    let run = w.ok(&args(&["--experiment", "interpolation,layers"]));
    assert!(run.out.contains("Table 1") && run.out.contains("every 2"), "{}", run.out);
    assert!(run.out.contains("paper-s every 4: left out"), "{}", run.out);
    let csv = String::from_utf8(w.read("out/eval/interpolation.csv")).unwrap();
    assert_eq!(csv.lines().count(), 3, "{csv}");
    assert!(!w.path("out/eval/sizes.csv").exists());
    let quiet = w.ok(&args(&["--quiet", "--experiment", "layers", "--frames", "1"]));
    assert!(quiet.err.is_empty(), "{}", quiet.err);
}

#[test]
fn wrong_settings_are_refused() {
    let w = Workplace::new();
    w.write("in.y4m", &y4m(16, 12, 2, "420mpeg2"));
    w.lnr(&["eval"]).failed(1, "ablation");
    w.lnr(&args(&["--experiment", "colour"])).failed(1, "quantisation");
    w.lnr(&["eval", "ablation", "in.y4m", "--ranks", "1,2"]).failed(1, "three ranks");
    w.lnr(&["eval", "ablation", "in.y4m", "--ranks", "1,2,999"])
        .failed(1, "rank: 999 (1 to 256 allowed)");
    w.lnr(&["eval", "ablation", "in.y4m", "--base", "colour=3"]).failed(1, "colour");
    w.lnr(&["eval", "ablation", "in.y4m", "--base", "modulated=9"]).failed(1, "modulated");
    w.lnr(&args(&["--frames", "257"])).failed(1, "256");
    w.lnr(&args(&["--start", "5"])).failed(1, "it has 2 frames");
    w.lnr(&["eval", "ablation", "none.y4m"]).failed(2, "none.y4m");
    w.write("file", b"");
    w.lnr(&args(&["--experiment", "patch", "--out", "file"])).failed(4, "file");
}

#[test]
fn the_reference_document_names_every_option_and_experiment() {
    let text = include_str!("../../../docs/CLI.md");
    let text = text.split("## lnr eval ablation").nth(1).unwrap();
    let help = Workplace::new().ok(&["eval", "ablation", "--help"]).out;
    let options = help.lines().filter_map(|l| l.trim_start().strip_prefix("--"));
    let names: Vec<&str> = options.map(|l| l.split_whitespace().next().unwrap()).collect();
    assert!(names.len() > 10, "{help}");
    for name in names {
        assert!(text.contains(&format!("`--{name}")), "{name}");
    }
    for (name, _) in ROWS {
        assert!(text.contains(&format!("| `{name}` |")), "{name}");
    }
}
