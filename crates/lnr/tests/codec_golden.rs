// SPDX-License-Identifier: MIT OR Apache-2.0
//! Streams that every later version must decode as it did, or refuse as it did. `tests/golden` holds
//! them; `LNR_WRITE_GOLDEN=1` writes them anew, for a new version of the format only.

mod codec;

use std::path::{Path, PathBuf};

use codec::{config, decoder, encode_pattern, paper, split};
use lnr::internals::backend::{Shape, cpu::Cpu};
use lnr::internals::codec::Coding;
use lnr::internals::train::{Recipe, train};
use lnr::stream::spec::{LatentSpec, ModelSpec, NetworkSpec, Precision, SourceSpec};
use lnr::stream::{ContentLight, GroupHeader, MasteringDisplay, Metadata, Orientation, Scan, Unit};
use lnr::{CancelFlag, Chroma, Picture, PictureFormat, Tau, stream};

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

/// A stream to keep: how it is made, and the size that it is decoded at.
struct Good {
    name: &'static str,
    format: PictureFormat,
    n_frames: usize,
    longest: u32,
    /// Width and height of the pictures that are kept.
    size: (u32, u32),
}

/// Those whose name begins with `paper` have a paper profile; `several` and `anchors` have the sources of
/// [`by_hand`]; entropy models of the last one come in parts.
fn good() -> [Good; 8] {
    let new = |name, (width, height), chroma, depth, n_frames, longest, size| Good {
        name,
        format: PictureFormat::new(width, height, chroma, depth),
        n_frames,
        longest,
        size,
    };
    [
        new("yuv420-8", (48, 32), Chroma::Yuv420, 8, 5, 3, (48, 32)),
        new("gray-16", (17, 9), Chroma::Gray, 16, 2, 33, (17, 9)),
        new("rgb-10", (25, 24), Chroma::Rgb, 10, 3, 33, (25, 24)),
        new("paper-8", (22, 15), Chroma::Yuv420, 8, 3, 33, (22, 15)),
        // Level 16 has 18 vertices in a row: floats once made it 17.
        new("paper-854x480", (854, 480), Chroma::Gray, 8, 1, 33, (61, 34)),
        new("several-8", (40, 28), Chroma::Yuv420, 8, 4, 33, (40, 28)),
        new("anchors-8", (40, 28), Chroma::Yuv420, 8, 6, 33, (40, 28)),
        new("by-part-8", (100, 96), Chroma::Yuv420, 8, 4, 33, (50, 48)),
    ]
}

fn samples(pictures: &[Picture]) -> Vec<u8> {
    let planes = |p: &Picture| {
        (0..p.format().chroma.n_planes()).flat_map(|i| p.plane(i).to_vec()).collect::<Vec<_>>()
    };
    pictures.iter().flat_map(planes).collect()
}

/// A stream with a picture between the last two frames, where it has two.
fn stream(good: &Good) -> Vec<u8> {
    if let Some(sources) = by_hand(good.name) {
        return of_sources(good, sources);
    }
    let is_paper = good.name.starts_with("paper");
    let settings = if is_paper { paper(good.format) } else { config(good.format) };
    let epochs = if good.format.width > 100 { 1 } else { 30 };
    let units = encode_pattern(settings.epochs(epochs).key_int_max(good.longest), good.n_frames);
    let mut file: Vec<u8> = units.iter().flat_map(|u| u.data.clone()).collect();
    if good.n_frames > 1 {
        let last_key = units.iter().rposition(|u| u.is_key).expect("a group");
        let tau = Tau::from_units(100 + 256 * (good.n_frames - last_key - 2) as u32);
        let id = units.iter().filter(|u| u.is_key).count() as u8 - 1;
        file.extend(stream::write_frame(id, tau));
    }
    file
}

/// The sources of models that the encoder does not choose.
fn by_hand(name: &str) -> Option<Vec<SourceSpec>> {
    match name {
        "several-8" => Some(vec![
            SourceSpec::canonical(&[1, 4], 1, 3, &[1]),
            SourceSpec::canonical(&[2], 2, 0, &[]),
            SourceSpec::canonical(&[2, 8], 0, 0, &[0]),
            SourceSpec::motion(&[8], 2),
            SourceSpec::motion(&[4, 16], 1),
            SourceSpec::residual(&[4], 1),
            SourceSpec::residual(&[8, 16], 3),
        ]),
        "anchors-8" => Some(vec![
            SourceSpec::canonical(&[1, 4], 1, 3, &[0, 1]).anchored(2, &[0, 2]),
            SourceSpec::motion(&[16], 1),
            SourceSpec::motion(&[8, 16], 3),
            SourceSpec::motion(&[8], 2),
            SourceSpec::residual(&[4, 8], 1),
            SourceSpec::blend(&[8], 1),
            SourceSpec::blend(&[8, 16], 4),
        ]),
        _ => None,
    }
}

/// A group of a model of these sources, with metadata of every kind.
fn of_sources(good: &Good, sources: Vec<SourceSpec>) -> Vec<u8> {
    let model = ModelSpec {
        sources,
        latent: LatentSpec { dim: 3, node_step: 2 },
        network: NetworkSpec { width: 7, rank: 2, ..ModelSpec::default().network },
        precision: Precision::Steps,
    };
    let n = good.n_frames;
    let header = GroupHeader {
        id: 200,
        format: good.format,
        frame_rate: (25, 1),
        pts: 0,
        durations: vec![codec::FRAME; n],
        continues: true,
        model,
    };
    let metadata = Metadata {
        orientation: Orientation::new(1, true),
        mastering: Some(MasteringDisplay {
            primaries: [(34_000, 16_000), (13_250, 34_500), (7500, 3000)],
            white: (15_635, 16_450),
            max_luminance: 10_000_000,
            min_luminance: 1,
        }),
        light: Some(ContentLight { max_content: 1000, max_frame_average: 400 }),
        alpha: false,
        settings: "by hand".into(),
        price: None,
        source: None,
    };
    let shape = Shape::new(&header.model, &header.extent()).expect("a legal model");
    let precision = header.model.precision;
    let pictures: Vec<Picture> = (0..n).map(|t| codec::picture(good.format, t)).collect();
    let pictures: Vec<&Picture> = pictures.iter().collect();
    let recipe = Recipe::grids(1e-3, 30, 1);
    let cpu = Cpu::new(1).expect("threads");
    let trained =
        train(&cpu, (&shape, precision), &recipe, &pictures, &|_| Ok(0.0), &mut |_| Ok(()))
            .expect("training succeeds");
    let coding = Coding { shape: &shape, precision };
    let cancel = CancelFlag::default();
    let payload = coding.encode(&trained.values, &metadata, &cancel).expect("a payload");
    let mut file = stream::write_group(&header, Tau::frame(0), &payload);
    for i in 1..n as u32 {
        file.extend(stream::write_frame(header.id, Tau::frame(i)));
    }
    file.extend(stream::write_frame(header.id, Tau::from_units(300)));
    file
}

/// The pictures of a stream at some size.
fn decode(file: &[u8], (width, height): (u32, u32)) -> Vec<Picture> {
    let mut decoder = decoder();
    let picture = |unit: &[u8]| {
        let shown = decoder.push(unit).expect("a good unit");
        let format = decoder.header().expect("a group").format.resized(width, height);
        let mut picture = Picture::new(format).expect("a legal format");
        decoder.render(shown.tau, &mut picture).expect("a picture");
        picture
    };
    split(file).into_iter().map(picture).collect()
}

#[test]
fn good_streams_decode_as_before() {
    for good in good() {
        let Good { name, format, n_frames, size, .. } = good;
        if std::env::var_os("LNR_WRITE_GOLDEN").is_some() {
            let file = stream(&good);
            write(&format!("{name}.lnr"), &file);
            write(&format!("{name}.raw"), &samples(&decode(&file, size)));
        }
        let file = read(&format!("{name}.lnr"));
        let pictures = decode(&file, size);
        assert_eq!(pictures.len(), n_frames + usize::from(n_frames > 1), "{name}");
        assert_eq!(*pictures[0].format(), format.resized(size.0, size.1), "{name}");
        let (got, expected) = (samples(&pictures), read(&format!("{name}.raw")));
        assert_eq!(got.len(), expected.len(), "{name}");
        // Decoders may differ by 1 at 8 bits (FORMAT section 7).
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

#[test]
fn what_a_stream_says_of_itself_is_read() {
    let file = read("several-8.lnr");
    let Ok(Unit::Group { header, payload, .. }) = stream::parse(split(&file)[0]) else {
        panic!("a group")
    };
    assert!(header.continues && header.model.sources.len() == 7);
    let metadata = stream::metadata(payload).unwrap();
    assert_eq!(metadata.orientation.name(), "flip-rotate-90");
    assert_eq!(metadata.light.map(|l| (l.max_content, l.max_frame_average)), Some((1000, 400)));
    assert_eq!(
        metadata.mastering.map(|m| (m.white.0, m.max_luminance)),
        Some((15_635, 10_000_000))
    );
    assert_eq!(metadata.settings, "by hand");
}

/// How a file is spoilt, and what is said of each of its places: empty where it is good.
type Bad = (&'static str, fn(Vec<u8>) -> Vec<u8>, &'static [&'static str]);

const GOOD: &str = "";
/// Of a frame whose group was lost.
const LOST: &str = "without the start of its group";

/// The file has a group of three frames, and one of two and a picture between them.
const BAD: [Bad; 9] = [
    (
        "bad-payload",
        |f| changed(f, 150, 4),
        &["the checksum of a payload", LOST, LOST, GOOD, GOOD, GOOD],
    ),
    (
        "bad-header",
        |f| changed(f, 20, 1),
        &["the checksum of a header", LOST, LOST, GOOD, GOOD, GOOD],
    ),
    ("bad-version", |f| changed(f, 2, 0x10), &["stream version 3", LOST, LOST, GOOD, GOOD, GOOD]),
    (
        "cut-in-the-second-group",
        |f| f[..f.len() - 40].to_vec(),
        &[GOOD, GOOD, GOOD, "ends too early"],
    ),
    ("cut-in-the-first-group", |f| f[..200].to_vec(), &["ends too early"]),
    (
        "unknown-section",
        |f| with_group(&f, |h, p| (h, [&[50 << 1 | 1, 2, 1, 2], &p[..]].concat())),
        &["section 50", LOST, LOST, GOOD, GOOD, GOOD],
    ),
    (
        "skipped-section",
        |f| with_group(&f, |h, p| (h, [&[50 << 1, 2, 1, 2], &p[..]].concat())),
        &[GOOD; 6],
    ),
    (
        "too-many-entries",
        |f| {
            with_group(&f, |mut h, p| {
                let SourceSpec::Canonical { margin, strides, .. } = &mut h.model.sources[0] else {
                    panic!("canonical grids come first")
                };
                (*margin, *strides) = (512, vec![1; 10]);
                h.model.sources.insert(0, h.model.sources[0].clone());
                h.model.sources.insert(0, h.model.sources[0].clone());
                (h, p)
            })
        },
        &["grid entries", LOST, LOST, GOOD, GOOD, GOOD],
    ),
    (
        "no-networks",
        |f| with_group(&f, |h, p| (h, p[..2 + usize::from(p[1])].to_vec())),
        &["without its networks", LOST, LOST, GOOD, GOOD, GOOD],
    ),
];

fn changed(mut file: Vec<u8>, at: usize, bits: u8) -> Vec<u8> {
    file[at] ^= bits;
    file
}

/// The file with another first group.
fn with_group(file: &[u8], change: fn(GroupHeader, Vec<u8>) -> (GroupHeader, Vec<u8>)) -> Vec<u8> {
    let units = split(file);
    let Ok(Unit::Group { header, shows, payload }) = stream::parse(units[0]) else {
        panic!("a group")
    };
    let (header, payload) = change(*header, payload.to_vec());
    let first = stream::write_group(&header, shows, &payload);
    [&first[..], &units[1..].concat()].concat()
}

/// What is said of every unit, and of every place that looks like one and is none.
fn verdicts(file: &[u8]) -> Vec<String> {
    let (mut rest, mut all, mut decoder) = (file, Vec::new(), decoder());
    let mut push = |unit: &[u8]| match decoder.push(unit) {
        Ok(_) => String::new(),
        Err(e) => e.to_string(),
    };
    while !rest.is_empty() {
        let len = match stream::scan(rest) {
            Scan::Unit { len, .. } if len <= rest.len() => {
                all.push(push(&rest[..len]));
                len
            }
            Scan::Garbage(len) => {
                if rest.starts_with(&stream::MAGIC[..2]) {
                    all.push(push(rest));
                }
                len
            }
            Scan::Unit { .. } | Scan::Index(_) | Scan::More(_) => {
                all.push(push(rest));
                break;
            }
        };
        rest = &rest[len..];
    }
    all
}

#[test]
fn bad_streams_say_what_is_wrong_and_give_what_can_be_saved() {
    for (name, spoil, expected) in BAD {
        if std::env::var_os("LNR_WRITE_GOLDEN").is_some() {
            write(&format!("{name}.lnr"), &spoil(stream(&good()[0])));
        }
        let got = verdicts(&read(&format!("{name}.lnr")));
        assert_eq!(got.len(), expected.len(), "{name}: {got:?}");
        for (got, expected) in got.iter().zip(expected) {
            let fits = if expected.is_empty() { got.is_empty() } else { got.contains(expected) };
            assert!(fits, "{name}: {got:?}, expected {expected:?}");
        }
    }
}
