// SPDX-License-Identifier: MIT OR Apache-2.0
//! The paper's profiles as a codec: every variant trains, is written, read and rendered.

mod codec;

use codec::{PAPER, config, decode, decoder, encode_pattern, paper, psnr, split, yuv420};
use lnr::stream::spec::{ModelSpec, Precision, SourceSpec};
use lnr::stream::{Part, PartReader, Unit};
use lnr::{
    AccessUnit, CancelFlag, Chroma, Control, Encoder, Error, Interpolator, LatentReader,
    ModelOptions, Picture, PictureFormat, Profile, RateControl, Tau, stream,
};

fn file(units: &[AccessUnit]) -> Vec<u8> {
    units.iter().flat_map(|u| u.data.clone()).collect()
}

/// [`paper`] with some options replaced.
fn with(options: &str, format: PictureFormat) -> lnr::EncoderSettings {
    let mut config = paper(format);
    config.model = format!("{PAPER},{options}").parse().unwrap();
    config
}

#[test]
fn every_variant_comes_back() {
    let variants = [
        ("", 24.0),
        ("encoding=fourier,growth=2", 18.0),
        ("modulated=0", 20.0),
        ("modulated=0+1+2+3", 20.0),
        ("modulated=3", 18.0),
        ("patch=2", 24.0),
        ("patch=4,levels=3", 20.0),
        ("patch=16", 14.0),
        ("hyper-layers=3", 20.0),
        ("hyper-layers=0", 20.0),
        ("bits-base=8,bits-latents=8,bits-hyper=6,bits-encoding=6", 20.0),
        ("bits-base=32,bits-latents=32,bits-hyper=32,bits-encoding=32", 24.0),
    ];
    for (options, least) in variants {
        let mut config = with(options, yuv420(37, 21));
        config.epochs = 300;
        let units = encode_pattern(config, 3);
        let pictures = decode(split(&file(&units))).unwrap();
        for (t, picture) in pictures.iter().enumerate() {
            let db = psnr(&codec::picture(*picture.format(), t), picture, 0);
            assert!(db > least, "{options:?}, frame {t}: {db:.1} dB");
        }
    }
}

#[test]
fn formats_sizes_times_and_latents() {
    for chroma in [Chroma::Gray, Chroma::Yuv422, Chroma::Yuv444, Chroma::Rgb] {
        for (w, h) in [(1, 1), (13, 1), (70, 9)] {
            let units = encode_pattern(paper(PictureFormat::new(w, h, chroma, 10)), 3);
            let mut interpolator = Interpolator::new(2).unwrap();
            let mut latents = LatentReader::default();
            let mut decoder = decoder();
            let mut z = Vec::new();
            for unit in &units {
                for unit in interpolator.push(&unit.data, unit.pts, unit.duration).unwrap() {
                    z.push(latents.push(&unit.data).unwrap().z);
                    let tau = decoder.push(&unit.data).unwrap().tau;
                    let own = decoder.header().unwrap().format;
                    for (w, h) in [(w, h), (2 * w + 3, h + 5), (1, 1)] {
                        let mut out = Picture::new(own.resized(w, h)).unwrap();
                        decoder.render(tau, &mut out).unwrap();
                    }
                }
            }
            assert_eq!((z.len(), z[0].len()), (6, 6));
            for i in 0..6 {
                assert!((z[1][i] - 0.5 * (z[0][i] + z[2][i])).abs() < 1e-6);
            }
        }
    }
}

#[test]
fn parts_add_up() {
    for config in [paper(yuv420(32, 24)), config(yuv420(32, 24))] {
        let units = encode_pattern(config, 3);
        let Ok(Unit::Group { header, payload, .. }) = stream::parse(&units[0].data) else {
            panic!("the first unit begins a group")
        };
        let sizes = PartReader::default().read(&header, payload).unwrap();
        let sum: u64 = sizes.iter().map(|s| s.bytes).sum();
        assert!(sum <= payload.len() as u64 && sum + 60 > payload.len() as u64, "{sizes:?}");
        assert!(sizes.iter().any(|s| s.part == Part::Latents && s.n_values >= 18));
        assert!(sizes.iter().all(|s| s.huffman_bits > Some(0)), "{sizes:?}");
    }
}

#[test]
fn damage_gives_errors_or_pictures() {
    let units = encode_pattern(paper(yuv420(20, 12)), 2);
    let Ok(Unit::Group { header, shows, payload }) = stream::parse(&units[0].data) else {
        panic!("the first unit begins a group")
    };
    let mut rng = lnr::internals::base::Rng::new(3);
    let mut n_errors = 0;
    for i in 0..300 {
        let mut payload = payload.to_vec();
        match i % 3 {
            0 => payload.truncate(rng.below(payload.len())),
            _ => {
                let at = rng.below(if i % 3 == 1 { 64 } else { payload.len() });
                payload[at] = rng.next_u64() as u8;
            }
        }
        // The checksum is right: only the reader of the payload can notice.
        let unit = stream::write_group(&header, shows, &payload);
        n_errors += usize::from(decode([&unit[..]]).is_err());
    }
    assert!(n_errors > 90, "{n_errors}");
    type Change = fn(&mut ModelSpec);
    fn hash(m: &mut ModelSpec) -> (&mut u32, &mut Vec<u32>) {
        match &mut m.sources[0] {
            SourceSpec::Hash { table, resolutions, .. } => (table, resolutions),
            other => panic!("{other:?}"),
        }
    }
    let changes: [Change; 12] = [
        |m| m.network.patch = 17,
        |m| m.network.width = 513,
        |m| m.network.n_layers = 17,
        |m| m.network.n_layers = 1,
        |m| m.network.modulated = vec![4],
        |m| m.network.n_layers = 0,
        |m| m.network.modulated = vec![],
        |m| m.network.rank = 257,
        |m| *hash(m).1 = vec![0],
        |m| match &mut m.precision {
            Precision::Uniform(bits) => bits.base = 17,
            Precision::Steps | Precision::StepsByPart => panic!("another precision"),
        },
        |m| *hash(m).0 = 21,
        // Each within its limit, too much together.
        |m| {
            let net = &mut m.network;
            (net.width, net.n_layers, net.rank, m.latent.dim) = (512, 16, 256, 4096);
            (net.modulated, net.hyper_layers, net.hyper_width) = ((0..16).collect(), 16, 512);
        },
    ];
    for (i, f) in changes.iter().enumerate() {
        let mut header = header.clone();
        f(&mut header.model);
        let unit = stream::write_group(&header, shows, payload);
        assert!(decode([&unit[..]]).is_err(), "change {i}");
    }
}

#[test]
fn cancelling_stops_soon_and_settings_are_checked() {
    let mut config = paper(yuv420(64, 48));
    config.epochs = 1_000_000;
    let cancel = CancelFlag::default();
    let mut control = Control { cancel: cancel.clone(), ..Control::default() };
    let flag = cancel.clone();
    let stopper = std::thread::spawn(move || {
        std::thread::sleep(std::time::Duration::from_millis(300));
        flag.set(true);
    });
    let start = std::time::Instant::now();
    let mut encoder = Encoder::new(config).unwrap();
    encoder.push(codec::frame(yuv420(64, 48), 0), &mut control).unwrap();
    assert!(matches!(encoder.finish(&mut control), Err(Error::Cancelled)));
    assert!(start.elapsed().as_secs() < 20);
    stopper.join().unwrap();

    let refused = |f: &dyn Fn(&mut lnr::EncoderSettings)| {
        let mut config = paper(yuv420(16, 16));
        f(&mut config);
        matches!(Encoder::new(config), Err(Error::InvalidSetting(_)))
    };
    assert!(refused(&|c| c.rate_control = RateControl::Bitrate(100)));
    assert!(refused(&|c| c.model.rank = Some(0)));
    assert!(refused(&|c| c.profile = Profile::Warp));
    assert!(refused(&|c| c.max_memory = 1));
    assert!(!refused(&|c| (c.profile, c.model) = (Profile::Warp, ModelOptions::default())));
}

#[test]
fn equal_seeds_give_equal_files_and_times_between_frames_blend() {
    let run = |threads| {
        let mut config = paper(yuv420(40, 24)).epochs(20);
        config.threads = threads;
        file(&encode_pattern(config, 4))
    };
    assert_eq!(run(2), run(2));
    let bytes = run(2);
    let mut decoder = decoder();
    decoder.push(split(&bytes)[0]).unwrap();
    let mut render = |units| {
        let mut out = Picture::new(yuv420(40, 24)).unwrap();
        decoder.render(Tau::from_units(units), &mut out).unwrap();
        out.plane(0).to_vec()
    };
    let (a, half, b) = (render(0), render(128), render(256));
    assert!(half != a && half != b);
}
