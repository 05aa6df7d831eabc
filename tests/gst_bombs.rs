// SPDX-License-Identifier: MIT OR Apache-2.0
//! Streams of a few bytes that ask for as much as a header may, on their way through the elements.
#![cfg(target_os = "linux")] // CPU times
mod cost;
mod elements;
mod handmade;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use cost::allowed;
use elements::*;
use gst::prelude::*;

/// Times are those of the whole process, so tests that measure run one after the other.
static MEASURING: Mutex<()> = Mutex::new(());

/// Seconds of CPU time of this process so far.
fn cpu_time() -> f64 {
    cost::cpu_time("self").expect("times")
}

fn bomb_file(stream: &[u8]) -> tempfile::NamedTempFile {
    let file = tempfile::Builder::new().suffix(".lnr").tempfile().unwrap();
    std::fs::write(file.path(), stream).unwrap();
    file
}

/// Seconds and output of a bomb on its way through elements.
fn through(stream: &[u8], elements: &str) -> (f64, Outcome) {
    let file = bomb_file(stream);
    let path = file.path().display();
    let start = cpu_time();
    let out = run(&format!("filesrc location={path} {elements} ! appsink name=out"));
    (cpu_time() - start, out)
}

/// Seconds that a bomb takes on its way through elements, and the buffers that come out: they are
/// counted, not kept.
fn counted(stream: &[u8], elements: &str) -> (f64, usize) {
    let file = bomb_file(stream);
    let n = Arc::new(AtomicUsize::new(0));
    let start = cpu_time();
    let pipeline = format!(
        "filesrc location={} {elements} ! identity name=end drop-probability=1 ! appsink name=out",
        file.path().display()
    );
    let out = run_with(&pipeline, |pipeline| {
        let pad = pipeline.by_name("end").and_then(|end| end.static_pad("sink")).expect("a pad");
        let n = n.clone();
        pad.add_probe(gst::PadProbeType::BUFFER, move |_, _| {
            n.fetch_add(1, Ordering::Relaxed);
            gst::PadProbeReturn::Ok
        });
    });
    out.ok();
    (cpu_time() - start, n.load(Ordering::Relaxed))
}

#[test]
fn bombs_pass_in_bounded_time() {
    let _alone = MEASURING.lock().unwrap_or_else(PoisonError::into_inner);
    // A few bytes each, and as many as all latents take.
    for (n, size) in [(10, 50), (10, 1000), (4000, 50), (250, 1000)] {
        let stream = handmade::bombs(n, size);
        for rest in ["lnrembed", "lnrinterp", "identity"] {
            let (time, out) = through(&stream, &format!("! lnrparse ! {rest}"));
            println!("{n} groups, {} bytes, {rest}: {time:.2} s {:?}", stream.len(), out.warnings);
            assert!(time < allowed(stream.len()), "{n} of {size}, {rest}: {time:.2} s");
            let factor = if rest == "lnrinterp" { 2 } else { 1 };
            assert_eq!(out.ok().buffers.len(), factor * n, "{n} of {size}, {rest}");
        }
    }
}

/// Latents that are there are read, so the bombs above are no mere damage.
#[test]
fn a_bombs_latents_are_all_there() {
    let latent = lnr::LatentReader::default().push(&handmade::bomb(3, 0, 1000));
    assert_eq!(latent.map(|l| l.z.len()).ok(), Some(4096));
}

/// Headers that say to have megabytes of payload, in which the smallest access units stand: whoever waits
/// for such a payload must not go through all of it again for each of them.
#[test]
fn what_a_false_size_gathers_is_looked_at_once() {
    let _alone = MEASURING.lock().unwrap_or_else(PoisonError::into_inner);
    let n_bytes = 4_000_000;
    let good = handmade::small_group(1, 0, &[]);
    let group = |id| handmade::long_group(id, 100);
    let n_frames = n_bytes as u32 / 7;
    // They never go back in time: such ones would belong to no group.
    let frame =
        |i: u32| lnr::stream::write_frame(2, lnr::Tau::frame((i / (n_frames / 64 + 1)).min(63)));
    let claims = |payload| handmade::start_with_size(&good, payload);
    // All in the bytes of one header: a group and its frames; frames of no group.
    let frames = (0..n_frames).map(frame).collect::<Vec<_>>().concat();
    let of_group = [good.clone(), claims(n_bytes), group(2), frames.clone(), group(3)].concat();
    let lost = frames.chunks(7 * 100_000).map(|frames| [group(9), frames.to_vec()].concat());
    let lost: Vec<_> = lost.collect();
    let of_none = [good.clone(), claims(n_bytes), lost.concat(), group(3)].concat();
    // Behind every group one that would reach beyond the end.
    let pair = [group(2), frame(5), claims(200_000_000)].concat();
    let beyond = [good.clone(), pair.repeat(n_bytes / pair.len())].concat();
    let n_pairs = n_bytes / pair.len();
    let cases = [
        ("frames", of_group, n_frames as usize + 3),
        ("lost frames", of_none, lost.len() + 2),
        ("groups", beyond, 2 * n_pairs + 1),
    ];
    for (name, stream, n_units) in &cases {
        for source in ["blocksize=4096 ! queue ! lnrparse", "! lnrparse"] {
            let (time, n) = counted(stream, source);
            println!("{name}: {} bytes, {source}: {time:.2} s", stream.len());
            assert!(time < allowed(stream.len()), "{name}, {source}: {time:.2} s");
            assert_eq!(n, *n_units, "{name}, {source}");
        }
        let source = "blocksize=4096 ! lnrdec max-errors=-1";
        let (time, _) = counted(stream, source);
        println!("{name}: {} bytes, {source}: {time:.2} s", stream.len());
        assert!(time < allowed(stream.len()), "{name}, {source}: {time:.2} s");
    }
}
