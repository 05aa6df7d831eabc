// SPDX-License-Identifier: MIT OR Apache-2.0
//! Whole training in pixel-iterations per second (a visit of a frame counts all its pixels), beside
//! the C++ prototype where the environment variable `LNR_PROTOTYPE` names its binary (`warp`): both
//! train on the same frames, one after the other, and the time of the first epochs, which holds the
//! preparation, is taken off.

mod common;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use common::time;
use lnr::Picture;
use lnr::internals::backend::Backend;
use lnr::internals::backend::cpu::Cpu;
use lnr::internals::train::{Points, Recipe, train};
use lnr::stream::spec::Precision;

const WIDTH: u32 = 320;
const HEIGHT: u32 = 180;
const N_FRAMES: usize = 17;
/// Epochs of the short and the long run; their difference is what counts.
const EPOCHS: (u32, u32) = (2, 10);
/// Runs of each; the medians count.
const ROUNDS: usize = 3;

/// The settings that the prototype names as its best.
const PROTOTYPE: &str = "--ste 1 --rep 1 --B 1 --K 16 --nlr .02 --glr .2 --mlr .2 --T0 .4 --T1 .2 \
    --kern 2 --kmax 2 --alpha 0 --hypi .02 --hlr .2 --lfm .02 --anchors 16 --lam 4e-3 --start 0";

/// Pixels of the frames visited in a second, given what `run` takes for a number of epochs.
fn rate(points: usize, run: &dyn Fn(u32)) -> f64 {
    let (short, long) = (time(|| run(EPOCHS.0)), time(|| run(EPOCHS.1)));
    let seconds = long.as_secs_f64() - short.as_secs_f64();
    (EPOCHS.1 - EPOCHS.0) as f64 * points as f64 / seconds
}

fn ours(backend: &impl Backend, pictures: &[&Picture], points: Points, interval: u32) -> f64 {
    // The prototype's model: one canonical stack, motion and residual for every frame.
    let model = common::grid_model(&[1, 2, 4, 8, 16, 32], &[8, 16, 32], &[4, 8, 16, 32], 16);
    let shape = common::shape(&model, (WIDTH, HEIGHT), N_FRAMES as u32);
    rate(N_FRAMES * (WIDTH * HEIGHT) as usize, &|epochs| {
        let mut recipe = Recipe::grids(4e-3, epochs, 1);
        (recipe.points, recipe.rate_interval) = (points, interval);
        train(
            backend,
            (&shape, Precision::Steps),
            &recipe,
            pictures,
            &|_| Ok(0.0),
            &mut |_| Ok(()),
        )
        .expect("training succeeds");
    })
}

/// Runs the prototype until it says that its last epoch is over; what it does then is no training.
fn prototype(binary: &Path, video: &Path) -> f64 {
    rate(N_FRAMES * (WIDTH * HEIGHT) as usize, &|epochs| {
        let mut child = Command::new(binary)
            .args(PROTOTYPE.split_whitespace())
            .args(["--n", &N_FRAMES.to_string(), "--epochs", &epochs.to_string(), "--video"])
            .arg(video)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the prototype starts");
        let out = BufReader::new(child.stdout.take().expect("a pipe"));
        let last = format!(" ep {epochs} ");
        let ended = out.lines().map_while(Result::ok).any(|line| line.contains(&last));
        assert!(ended, "the prototype ended before its last epoch");
        child.kill().and_then(|()| child.wait()).expect("the prototype ends");
    })
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<_> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn main() {
    let pictures = common::pictures(WIDTH, HEIGHT, N_FRAMES);
    let pictures: Vec<_> = pictures.iter().collect();
    let [one, all] = [1, 0].map(|threads| Cpu::new(threads).expect("threads can be started"));
    let binary = std::env::var_os("LNR_PROTOTYPE").map(PathBuf::from);
    let dir = tempfile::tempdir().expect("a temporary folder");
    let video = dir.path().join("clip.rgb");
    let raw = common::rgb24(WIDTH as usize, HEIGHT as usize, N_FRAMES);
    std::fs::write(&video, raw).expect("space for a clip");

    let Recipe { points, rate_interval, .. } = Recipe::grids(4e-3, 1, 1);
    // One after the other in every round, so that all see the same machine.
    let rounds: Vec<_> = (0..ROUNDS)
        .map(|_| {
            let reference = binary.as_ref().map_or(f64::NAN, |b| prototype(b, &video));
            let whole = [&one, &all].map(|b| ours(b, &pictures, Points::OfAFrame(1), 1));
            let recipe = [&one, &all].map(|b| ours(b, &pictures, points, rate_interval));
            [reference, whole[0], whole[1], recipe[0], recipe[1]]
        })
        .collect();
    let names = [
        "the prototype, one thread",
        "every pixel and rate at every step, one thread",
        "every pixel and rate at every step, all cores",
        "the default recipe (a quarter of a frame's pixels a visit), one thread",
        "the default recipe (a quarter of a frame's pixels a visit), all cores",
    ];
    println!(
        "training at {WIDTH}x{HEIGHT}, {N_FRAMES} frames, M pixels of visited frames/s, medians"
    );
    for (i, name) in names.into_iter().enumerate() {
        let rate = median(rounds.iter().map(|r| r[i])) / 1e6;
        let ratio = median(rounds.iter().map(|r| r[i] / r[0]));
        match (binary.is_some(), i) {
            (false, 0) => println!("LNR_PROTOTYPE names no binary: no comparison"),
            (false, _) | (true, 0) => println!("{name:<72} {rate:5.2}"),
            (true, _) => println!("{name:<72} {rate:5.2}  {ratio:.2}x the prototype"),
        }
    }
}
