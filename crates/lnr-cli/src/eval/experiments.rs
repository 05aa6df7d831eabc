// SPDX-License-Identifier: MIT OR Apache-2.0
//! What each experiment trains and plots.

use lnr::{ModelOptions, Profile, Result};

use super::args::{AblationArgs, Experiment};
use super::plot::{Axis, Chart, Scale, Series};
use super::table::Row;

/// What to do with a variant's file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// Decode all frames.
    Decode,
    /// Train every so many frames and decode those between them.
    Interpolate(u32),
    /// Decode at several sizes: one row for each.
    Resize,
}

/// A model to train.
#[derive(Clone, Debug)]
pub struct Variant {
    /// Its name, without commas.
    pub name: String,
    pub series: String,
    /// The number that the experiment varies.
    pub value: f64,
    pub profile: Profile,
    /// Of profile `warp`, 0 to 100.
    pub quality: f32,
    /// Options of a paper profile.
    pub model: ModelOptions,
    pub task: Task,
}

/// An experiment laid out.
pub struct Plan {
    pub experiment: Experiment,
    pub title: &'static str,
    /// What the number that varies is called.
    pub variable: &'static str,
    pub variants: Vec<Variant>,
    /// Columns of x and y of each plot.
    plots: Vec<[Place; 2]>,
}

/// A column on an axis.
struct Place {
    column: &'static str,
    label: &'static str,
    scale: Scale,
}

const BPP: Place = Place { column: "bpp", label: "bits per pixel", scale: Scale::Log };
const PSNR: Place = Place { column: "psnr_rgb", label: "RGB PSNR, dB", scale: Scale::Linear };
const FPS: Place =
    Place { column: "decode_fps", label: "decoded frames per second", scale: Scale::Log };

const fn varied(label: &'static str, scale: Scale) -> Place {
    Place { column: "value", label, scale }
}

/// Qualities of profile `warp` beside the paper's sizes.
const QUALITIES: [u8; 4] = [15, 30, 45, 60];
/// Hash grid options of `--base` say nothing about Fourier features.
const FOURIER: &str = "encoding=fourier,levels=10,base=1,growth=0";
const SIZES: [(&str, Profile); 3] =
    [("S", Profile::PaperS), ("M", Profile::PaperM), ("L", Profile::PaperL)];

/// Makes variants with the options that all share.
struct Maker<'a> {
    args: &'a AblationArgs,
    base: ModelOptions,
}

impl Maker<'_> {
    /// A variant of size S with some options of its own.
    fn small(&self, name: String, value: f64, own: &str) -> Result<Variant> {
        let text = format!("rank={},{},{own}", self.args.ranks[0], self.args.base);
        Ok(Variant {
            series: "paper-s".into(),
            name,
            value,
            profile: Profile::PaperS,
            quality: 50.0,
            model: text.parse()?,
            task: Task::Decode,
        })
    }

    /// A variant of each size; the rank is the number that varies.
    fn sizes(&self, name: &str, own: &str) -> Result<Vec<Variant>> {
        let of_size = |((size, profile), rank): ((&str, Profile), u32)| {
            let variant =
                self.small(format!("{name} {size}"), rank.into(), &format!("{own},rank={rank}"))?;
            Ok(Variant { series: name.into(), profile, ..variant })
        };
        SIZES.into_iter().zip(self.args.ranks).map(of_size).collect()
    }

    fn warp(&self, name: String, value: f64, quality: f32) -> Variant {
        Variant {
            name,
            series: "warp".into(),
            value,
            profile: Profile::Warp,
            quality,
            model: ModelOptions::default(),
            task: Task::Decode,
        }
    }

    /// Size S and `warp`, with a task.
    fn both(&self, name: &str, value: f64, task: Task) -> Result<[Variant; 2]> {
        let paper = self.small(format!("paper-s{name}"), value, "")?;
        let warp = self.warp(format!("warp{name}"), value, 50.0);
        Ok([paper, warp].map(|v| Variant { task, ..v }))
    }

    fn latents(&self) -> Vec<u32> {
        let usual = self.base.latent.unwrap_or(512);
        let mut all = [(1, 8), (1, 4), (1, 2), (1, 1), (2, 1)]
            .map(|(n, d)| (u64::from(usual) * n / d).clamp(1, u64::from(u32::MAX)) as u32)
            .to_vec();
        all.dedup();
        all
    }

    fn quantised(&self) -> Result<Vec<Variant>> {
        let bits = |encoding: u32, base: u32, hyper: u32, latents: u32| {
            format!(
                "bits-encoding={encoding},bits-base={base},bits-hyper={hyper},bits-latents={latents}"
            )
        };
        let mut all = Vec::new();
        let mut add = |series: &str, n: u32, own: String| -> Result<()> {
            let variant = self.small(format!("{series} {n} bits"), n.into(), &own)?;
            all.push(Variant { series: series.into(), ..variant });
            Ok(())
        };
        add("all", 8, bits(8, 8, 8, 8))?;
        for n in [8, 6, 4] {
            add("hyper and tables", n, bits(n, 32, n, 32))?;
        }
        add("all", 32, bits(32, 32, 32, 32))?;
        Ok(all)
    }
}

/// Lays an experiment out.
///
/// # Errors
/// When the options of `--base` cannot be read.
pub fn plan(experiment: Experiment, args: &AblationArgs) -> Result<Plan> {
    let make = Maker { args, base: args.base.parse()? };
    let own = |name: &str, of: Vec<u32>, key: &str| -> Result<Vec<Variant>> {
        let variant = |n: u32| make.small(format!("{name} {n}"), n.into(), &format!("{key}={n}"));
        of.into_iter().map(variant).collect()
    };
    let (title, variable, variants, plots) = match experiment {
        Experiment::Sizes => {
            let mut variants = make.sizes("paper", "")?;
            variants.extend(QUALITIES.map(|q| make.warp(format!("warp q{q}"), q.into(), q.into())));
            ("Sizes (Fig. 3)", "setting", variants, vec![[BPP, PSNR]])
        }
        Experiment::Encoding => {
            let mut variants = make.sizes("hash", "encoding=hash")?;
            variants.extend(make.sizes("fourier", FOURIER)?);
            ("Encoding (Table 5)", "rank", variants, vec![[BPP, PSNR]])
        }
        Experiment::Latent => {
            let variants = own("latent", make.latents(), "latent")?;
            let x = varied("dimensions of a latent", Scale::Values);
            ("Latent (Fig. 11)", "latent", variants, vec![[x, PSNR]])
        }
        Experiment::Layers => {
            let layers = (0..make.base.layers.unwrap_or(6)).collect();
            let mut variants = own("layer", layers, "rank=20,modulated")?;
            variants.iter_mut().for_each(|v| v.series = "rank 20".into());
            let x = varied("modulated layer, 0 = the first", Scale::Linear);
            ("Modulated layer (Fig. 10)", "layer", variants, vec![[x, PSNR]])
        }
        Experiment::Patch => {
            let variants = own("patch", vec![1, 2, 4, 8, 16], "patch")?;
            let x = || varied("side of a patch, pixels", Scale::Values);
            ("Patches (Fig. 10)", "patch", variants, vec![[x(), PSNR], [x(), FPS]])
        }
        Experiment::Quantisation => {
            ("Quantisation (B.2)", "bits", make.quantised()?, vec![[BPP, PSNR]])
        }
        Experiment::Interpolation => {
            let of = |a: u32| make.both(&format!(" every {a}"), a.into(), Task::Interpolate(a));
            let variants = [2, 4, 8].into_iter().map(of).collect::<Result<Vec<_>>>()?.concat();
            let x = varied("every so many frames trained", Scale::Values);
            ("Interpolated frames (Table 1)", "alpha", variants, vec![[x, PSNR]])
        }
        Experiment::Resolution => {
            let variants = make.both("", 1.0, Task::Resize)?.to_vec();
            let x = varied("size, of the stream's", Scale::Values);
            ("Decoding speed (Fig. 4)", "scale", variants, vec![[x, FPS]])
        }
    };
    Ok(Plan { experiment, title, variable, variants, plots })
}

impl Plan {
    /// The plots of what was measured.
    pub fn charts(&self, rows: &[Row]) -> Vec<Chart> {
        let chart = |[x, y]: &[Place; 2]| {
            let mut series: Vec<Series> = Vec::new();
            for row in rows {
                let point = row.number(x.column).zip(row.number(y.column));
                match series.iter_mut().find(|s| s.name == row.series) {
                    Some(s) => s.points.extend(point),
                    None => series.push(Series {
                        name: row.series.clone(),
                        points: point.into_iter().collect(),
                    }),
                }
            }
            let axis = |p: &Place| Axis { label: p.label, scale: p.scale };
            Chart { title: self.title.into(), x: axis(x), y: axis(y), series }
        };
        self.plots.iter().map(chart).collect()
    }
}

#[cfg(test)]
mod tests {
    use clap::{Parser, ValueEnum};

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: AblationArgs,
    }

    fn args(base: &str) -> AblationArgs {
        Line::parse_from(["eval", "in.y4m", "--base", base, "--ranks", "1,2,3"]).args
    }

    #[test]
    fn options_of_a_variant_win_over_the_base() {
        let args = args("rank=9,latent=4,encoding=fourier,layers=3");
        let sizes = plan(Experiment::Sizes, &args).unwrap().variants;
        assert_eq!(sizes.len(), 7);
        assert_eq!(sizes[2].model.rank, Some(3));
        let encodings = plan(Experiment::Encoding, &args).unwrap().variants;
        assert_eq!(encodings[0].model.fourier, Some(false));
        let latents = plan(Experiment::Latent, &args).unwrap().variants;
        let dims: Vec<_> = latents.iter().map(|v| v.model.latent).collect();
        assert_eq!(dims, [1, 2, 4, 8].map(Some));
        assert!(latents.iter().all(|v| v.model.rank == Some(9)));
        let layers = plan(Experiment::Layers, &args).unwrap().variants;
        assert_eq!((layers.len(), layers[2].model.rank), (3, Some(20)));
        assert_eq!(layers[2].model.modulated, Some(vec![2]));
    }

    #[test]
    fn names_are_distinct_and_fit_into_a_table() {
        for &experiment in Experiment::value_variants() {
            let plan = plan(experiment, &args("")).unwrap();
            let mut names: Vec<_> = plan.variants.iter().map(|v| v.name.clone()).collect();
            assert!(names.iter().all(|n| !n.contains(',')), "{names:?}");
            names.sort();
            names.dedup();
            assert_eq!(names.len(), plan.variants.len());
        }
    }
}
