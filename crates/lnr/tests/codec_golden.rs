// SPDX-License-Identifier: MIT OR Apache-2.0
//! Streams that every later version must decode as it did, or refuse as it did. `tests/golden` holds
//! them; `LNR_WRITE_GOLDEN=1` writes them anew, for a new version of the format only.

mod codec;

use std::path::{Path, PathBuf};

use codec::{config, decode, decoder, encode_pattern, paper, split};
use lnr::base::{Chroma, Picture, PictureFormat, Tau};
use lnr::bitstream;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

fn read(name: &str) -> Vec<u8> {
    let path = folder().join(name);
    std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn write(name: &str, bytes: &[u8]) {
    std::fs::write(folder().join(name), bytes).expect("the folder can be written");
}

/// Name, format, frames, longest group. Those whose name begins with `paper` have a paper profile.
fn good() -> [(&'static str, PictureFormat, usize, u32); 4] {
    let format = PictureFormat::new;
    [
        ("yuv420-8", format(48, 32, Chroma::Yuv420, 8), 5, 3),
        ("gray-16", format(17, 9, Chroma::Gray, 16), 2, 33),
        ("rgb-10", format(25, 24, Chroma::Rgb, 10), 3, 33),
        ("paper-8", format(22, 15, Chroma::Yuv420, 8), 3, 33),
    ]
}

fn samples(pictures: &[Picture]) -> Vec<u8> {
    let planes = |p: &Picture| {
        (0..p.format().chroma.n_planes()).flat_map(|i| p.plane(i).to_vec()).collect::<Vec<_>>()
    };
    pictures.iter().flat_map(planes).collect()
}

/// A stream with a picture between the last two frames.
fn stream(name: &str, format: PictureFormat, n: usize, longest: u32) -> Vec<u8> {
    let mut config = if name.starts_with("paper") { paper(format) } else { config(format) };
    (config.epochs, config.key_int_max) = (30, longest);
    let units = encode_pattern(config, n);
    let last_key = units.iter().rposition(|u| u.is_key).expect("a group");
    let tau = Tau::from_units(100 + 256 * (n - last_key - 2) as u32);
    let id = units.iter().filter(|u| u.is_key).count() as u8 - 1;
    let mut file: Vec<u8> = units.iter().flat_map(|u| u.data.clone()).collect();
    file.extend(bitstream::write_frame(id, tau));
    file
}

#[test]
fn good_streams_decode_as_before() {
    for (name, format, n, longest) in good() {
        if std::env::var_os("LNR_WRITE_GOLDEN").is_some() {
            let file = stream(name, format, n, longest);
            write(&format!("{name}.lnr"), &file);
            write(&format!("{name}.raw"), &samples(&decode(split(&file)).unwrap()));
        }
        let file = read(&format!("{name}.lnr"));
        let pictures = decode(split(&file)).unwrap();
        assert_eq!(pictures.len(), n + 1, "{name}");
        assert_eq!(*pictures[0].format(), format, "{name}");
        let (got, expected) = (samples(&pictures), read(&format!("{name}.raw")));
        assert_eq!(got.len(), expected.len(), "{name}");
        // Decoders may differ by 1 at 8 bits (FORMAT section 6).
        let wide = format.depth > 8;
        let allowed = if wide { 1 << (format.depth - 8) } else { 1 };
        let step = if wide { 2 } else { 1 };
        let value = |b: &[u8]| i32::from(b[0]) + b.get(1).map_or(0, |&high| i32::from(high) << 8);
        for (i, (a, b)) in got.chunks(step).zip(expected.chunks(step)).enumerate() {
            let (a, b) = (value(a), value(b));
            assert!((a - b).abs() <= allowed, "{name}, sample {i}: {a}, was {b}");
        }
    }
}

/// How a file is spoilt, and how many of its units can be decoded then.
type Bad = (&'static str, fn(&mut Vec<u8>), usize);

const BAD: [Bad; 5] = [
    ("bad-payload", |f| f[130] ^= 4, 3),
    ("bad-header", |f| f[20] ^= 1, 3),
    ("bad-version", |f| f[2] = 0x31, 3),
    ("cut-in-the-second-group", |f| f.truncate(f.len() - 40), 3),
    ("cut-in-the-first-group", |f| f.truncate(200), 0),
];

#[test]
fn bad_streams_give_what_can_be_saved() {
    for (name, spoil, n_good) in BAD {
        if std::env::var_os("LNR_WRITE_GOLDEN").is_some() {
            let (good_name, format, ..) = good()[0];
            let mut file = stream(good_name, format, 5, 3);
            spoil(&mut file);
            write(&format!("{name}.lnr"), &file);
        }
        let file = read(&format!("{name}.lnr"));
        let (mut rest, mut n, mut decoder) = (&file[..], 0, decoder());
        while !rest.is_empty() {
            let len = match bitstream::scan(rest) {
                bitstream::Scan::Unit { len, .. } if len <= rest.len() => len,
                bitstream::Scan::Garbage(len) => {
                    rest = &rest[len..];
                    continue;
                }
                _ => break,
            };
            n += usize::from(decoder.push(&rest[..len]).is_ok());
            rest = &rest[len..];
        }
        assert_eq!(n, n_good, "{name}");
    }
}
