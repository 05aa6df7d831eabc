// SPDX-License-Identifier: MIT OR Apache-2.0
//! The entropy coder in symbols per second, on series like those of residual planes (most symbols
//! are zero) and canonical planes (few are).

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use lnr::internals::base::Rng;
use lnr::internals::bitstream::{
    Plane, PlaneKind, RangeDecoder, RangeEncoder, Series, decode_series, encode_series,
};

const SIZE: (usize, usize) = (160, 90);
const N_PLANES: usize = 8;

/// Laplace noise of a scale that varies over the plane, so that zeros come in regions.
fn plane(rng: &mut Rng, scale: f32) -> Plane {
    let mut value = |i: usize| {
        let (x, y) = ((i % SIZE.0) as f32, (i / SIZE.0) as f32);
        let local = scale * (1.0 + (x * 0.11).sin() * (y * 0.13).cos()).powi(3);
        let u = rng.uniform() - 0.5;
        (-local * u.signum() * (1.0 - 2.0 * u.abs()).max(1e-6).ln()).round() as i16
    };
    let values: Vec<_> = (0..SIZE.0 * SIZE.1).map(&mut value).collect();
    Plane::from_values(SIZE.0, SIZE.1, &values)
}

fn series(kind: PlaneKind, planes: Vec<Plane>) -> Vec<Series> {
    vec![Series { kind, planes, parent: None, sibling: None, model: None }]
}

fn entropy(c: &mut Criterion) {
    let mut group = c.benchmark_group("entropy");
    let n_symbols = (SIZE.0 * SIZE.1 * N_PLANES) as u64;
    group.throughput(Throughput::Elements(n_symbols)).sample_size(20);
    for (name, kind, scale) in
        [("sparse", PlaneKind::Residual(0), 0.04), ("dense", PlaneKind::Canonical(0), 0.8)]
    {
        let mut rng = Rng::new(1);
        let planes: Vec<_> = (0..N_PLANES).map(|_| plane(&mut rng, scale)).collect();
        let source = series(kind, planes);
        let encode = || {
            let mut out = RangeEncoder::new();
            encode_series(&source, &[], &mut out);
            out.finish()
        };
        let bytes = encode();
        println!("{name}: {:.3} bits per symbol", 8.0 * bytes.len() as f64 / n_symbols as f64);
        group.bench_function(format!("encode/{name}"), |b| b.iter(encode));
        group.bench_function(format!("decode/{name}"), |b| {
            b.iter(|| {
                let mut read = series(kind, vec![Plane::new(SIZE.0, SIZE.1); N_PLANES]);
                decode_series(&mut read, &[], &mut RangeDecoder::new(&bytes))
            })
        });
    }
    group.finish();
}

criterion_group!(benches, entropy);
criterion_main!(benches);
