// SPDX-License-Identifier: MIT OR Apache-2.0
//! Streams of a few bytes that ask for as much as a header may, on their way through the elements.
#![cfg(target_os = "linux")] // CPU times
mod elements;
mod handmade;

use elements::*;

/// Seconds of CPU time of this process so far: other programs beside it do not count.
fn cpu_time() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("times");
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    // User and system time in ticks, 100 a second.
    let ticks = |i: usize| fields[i].parse::<f64>().expect("ticks");
    (ticks(11) + ticks(12)) / 100.0
}

/// Seconds and output of a bomb on its way through elements.
fn through(stream: &[u8], rest: &str) -> (f64, Outcome) {
    let file = tempfile::Builder::new().suffix(".lnr").tempfile().unwrap();
    std::fs::write(file.path(), stream).unwrap();
    let path = file.path().display();
    let start = cpu_time();
    let out = run(&format!("filesrc location={path} ! lnrparse ! {rest} ! appsink name=out"));
    (cpu_time() - start, out)
}

/// Two seconds, and one per MB; twice that, because other programs share caches and memory.
fn allowed(n_bytes: usize) -> f64 {
    2.0 * (2.0 + n_bytes as f64 / 1e6)
}

#[test]
fn bombs_pass_in_bounded_time() {
    let bombs = |n: usize, size| -> Vec<u8> {
        (0..n).flat_map(|i| handmade::bomb(i as u8, i as u64 * 20_000, size)).collect()
    };
    // A few bytes each, and as many as all latents take.
    for (n, size) in [(10, 50), (10, 1000), (1000, 50), (250, 1000)] {
        let stream = bombs(n, size);
        for rest in ["lnrembed", "lnrinterp", "identity"] {
            let (time, out) = through(&stream, rest);
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
