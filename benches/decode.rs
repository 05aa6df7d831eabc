// SPDX-License-Identifier: MIT OR Apache-2.0
//! Decoding on the CPU in frames per second by size, all cores, entropy decoding included. The environment
//! variable `LNR_STREAM` names the `.lnr` file to decode; without it a clip is trained, too briefly
//! for its symbols to be as sparse as those of real files.

mod common;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use lnr::stream::{Scan, scan};
use lnr::{
    BackendChoice, Control, Decoder, DecoderSettings, Encoder, EncoderSettings, InputFrame, Picture,
};

/// Decodes at these sizes; (0, 0) is the stream's own.
const SIZES: [(u32, u32); 5] = [(0, 0), (320, 180), (640, 360), (1280, 720), (1920, 1080)];

/// The access units of a stream.
fn units(stream: &[u8]) -> Vec<&[u8]> {
    let mut rest = stream;
    let mut units = Vec::new();
    loop {
        rest = match scan(rest) {
            Scan::Index(len) => &rest[len..],
            Scan::Unit { len, .. } => {
                let (unit, next) = rest.split_at(len);
                units.push(unit);
                next
            }
            _ => return units,
        };
    }
}

fn stream() -> Vec<u8> {
    if let Some(path) = std::env::var_os("LNR_STREAM") {
        return std::fs::read(path).expect("a readable stream");
    }
    let pictures = common::pictures(320, 180, 9);
    let mut config = EncoderSettings::new(*pictures[0].format());
    config.epochs = 8;
    let mut encoder = Encoder::new(config).expect("a legal configuration");
    let mut out = Vec::new();
    let mut control = Control::default();
    for (i, picture) in pictures.into_iter().enumerate() {
        let (pts, duration) = (40_000_000 * i as u64, 40_000_000);
        let frame = InputFrame { picture, pts, duration, force_key: false };
        out.extend(encoder.push(frame, &mut control).expect("encoding succeeds"));
    }
    out.extend(encoder.finish(&mut control).expect("encoding succeeds"));
    out.into_iter().flat_map(|unit| unit.data).collect()
}

fn decode(c: &mut Criterion) {
    let stream = stream();
    let units = units(&stream);
    let config = DecoderSettings::default().backend(BackendChoice::Cpu);
    let mut decoder = Decoder::new(config).expect("the CPU backend");
    decoder.push(units[0]).expect("a good group");
    let format = decoder.header().expect("a group").format;
    let mut group = c.benchmark_group("decode");
    group.throughput(Throughput::Elements(units.len() as u64)).sample_size(10);
    for (width, height) in SIZES {
        let native = (width, height) == (0, 0);
        let (width, height) = if native { (format.width, format.height) } else { (width, height) };
        let mut out = Picture::new(format.resized(width, height)).expect("a legal size");
        let name = if native { "native" } else { "scaled" };
        group.bench_function(BenchmarkId::new(name, format!("{width}x{height}")), |b| {
            b.iter(|| {
                for unit in &units {
                    let shown = decoder.push(unit).expect("a good unit");
                    decoder.render(shown.tau, &mut out).expect("rendering succeeds");
                }
            })
        });
    }
    group.finish();
}

criterion_group!(benches, decode);
criterion_main!(benches);
