// SPDX-License-Identifier: MIT OR Apache-2.0
//! What frames mean, from the encoder through the stream to a reader, with vectors that a user computed.

use std::sync::Arc;

use lnr::align::{Features, Teacher, cosine};
use lnr::stream::{Unit, parse};
use lnr::{
    AccessUnit, Alignment, Chroma, Control, Decoder, DecoderSettings, EmbeddingReader, Encoder,
    EncoderSettings, InputFrame, LatentReader, Picture, PictureFormat, Profile, RateControl, Tau,
};

const DIM: usize = 24;
const N: usize = 10;

fn format() -> PictureFormat {
    PictureFormat::new(24, 16, Chroma::Yuv420, 8)
}

fn frames() -> Vec<InputFrame> {
    let frame = |t: usize| {
        let mut picture = Picture::new(format()).unwrap();
        for (x, y) in (0..16).flat_map(|y| (0..24).map(move |x| (x, y))) {
            picture.set_sample(0, x, y, (60 + 5 * x + 3 * y + t) as u16);
        }
        InputFrame::new(picture, t as u64 * 40_000_000, 40_000_000)
    };
    (0..N).map(frame).collect()
}

/// A vector for each frame, which turns as time goes by.
fn vectors() -> Vec<f32> {
    let angle = |t: usize, i: usize| t as f32 * 0.12 + i as f32 * 0.7;
    (0..N * DIM).map(|k| angle(k / DIM, k % DIM).sin() * 3.0).collect()
}

fn teacher() -> Teacher {
    let features = Features::new("mine", (N, DIM), vectors(), vec![]).unwrap();
    Teacher::Features(Arc::new(features))
}

fn settings() -> EncoderSettings {
    EncoderSettings::new(format()).epochs(3).key_int_max(6).threads(1).seed(5)
}

fn encode(settings: EncoderSettings) -> (Vec<AccessUnit>, Encoder) {
    let mut encoder = Encoder::new(settings).unwrap();
    let mut control = Control::default();
    let mut units = Vec::new();
    for frame in frames() {
        units.extend(encoder.push(frame, &mut control).unwrap());
    }
    units.extend(encoder.finish(&mut control).unwrap());
    (units, encoder)
}

fn decode(units: &[AccessUnit]) -> Vec<Picture> {
    let mut decoder = Decoder::new(DecoderSettings::default().threads(1)).unwrap();
    let mut show = |unit: &AccessUnit| {
        let shown = decoder.push(&unit.data).unwrap();
        let mut picture = Picture::new(format()).unwrap();
        decoder.render(shown.tau, &mut picture).unwrap();
        picture
    };
    units.iter().map(&mut show).collect()
}

#[test]
fn vectors_come_back_from_the_stream_and_no_picture_changes() {
    for rate_control in [RateControl::Quality(50.0), RateControl::Bitrate(300)] {
        let settings = settings().rate_control(rate_control);
        let (plain, _) = encode(settings.clone());
        let aligned = settings.alignment(Some(Alignment::new(teacher()).weight(1.0)));
        let (units, encoder) = encode(aligned.clone());
        if matches!(rate_control, RateControl::Quality(_)) {
            assert!(decode(&plain) == decode(&units));
        }
        let mut reader = LatentReader::default();
        for (unit, wanted) in units.iter().zip(vectors().chunks_exact(DIM)) {
            let latent = reader.push(&unit.data).unwrap();
            let cos = cosine(&latent.embedding, wanted);
            assert!(cos > 0.99, "{cos} at {} ns", latent.pts);
            assert_eq!(reader.space(), Some(teacher().space()));
        }
        let stats = encoder.stats().embedding;
        assert!((6..=N as u64).contains(&stats.images), "{stats:?}");
        assert!(stats.error < 0.1 && stats.bytes > 50 && stats.nodes >= 4, "{stats:?}");
        // The same for any number of groups at once.
        assert!(encode(aligned.threads(2).jobs(2)).0 == units);
    }
}

#[test]
fn the_weight_buys_angles_with_bytes() {
    let of = |weight: f32| {
        let alignment = Alignment::new(teacher()).weight(weight);
        encode(settings().alignment(Some(alignment))).1.stats().embedding
    };
    let (low, high) = (of(1e-3), of(1.0));
    assert!(low.bytes < high.bytes && low.error > high.error, "{low:?} {high:?}");
    for weight in [0.0, -1.0, 1.1, f32::NAN] {
        let settings = settings().alignment(Some(Alignment::new(teacher()).weight(weight)));
        let text = Encoder::new(settings).err().expect("refused").to_string();
        assert!(text.contains("clip-weight"), "{text}");
    }
}

#[test]
fn paper_profiles_say_it_too_and_other_streams_say_nothing() {
    let model = "levels=2,table=6,width=8,latent=4,hyper-width=4,rank=1";
    let paper = settings().profile(Profile::PaperS).model(model.parse().unwrap());
    let (units, _) = encode(paper.alignment(Some(Alignment::new(teacher()).weight(1.0))));
    let (header, track) =
        EmbeddingReader::default().push(&units[0].data).unwrap().expect("a group");
    let track = track.expect("an embedding");
    assert!(header.n_frames() >= 6 && track.nodes()[0] == Tau::frame(0));
    assert!(cosine(&track.at(Tau::frame(3)), &vectors()[3 * DIM..4 * DIM]) > 0.99);
    assert!(EmbeddingReader::default().push(&units[1].data).unwrap().is_none());

    let (plain, _) = encode(settings());
    let mut reader = LatentReader::default();
    assert!(reader.push(&plain[0].data).unwrap().embedding.is_empty());
    assert_eq!(reader.space(), None);
    let Unit::Group { .. } = parse(&plain[0].data).unwrap() else { panic!("a group") };
    assert!(EmbeddingReader::default().push(&plain[0].data).unwrap().unwrap().1.is_none());
}

#[test]
fn too_few_vectors_are_an_error_that_says_so() {
    let few = Features::new("mine", (N - 1, DIM), vectors()[DIM..].to_vec(), vec![]).unwrap();
    let alignment = Alignment::new(Teacher::Features(Arc::new(few)));
    let mut encoder = Encoder::new(settings().alignment(Some(alignment))).unwrap();
    let mut control = Control::default();
    let pushed = frames().into_iter().try_for_each(|f| encoder.push(f, &mut control).map(|_| ()));
    let text = pushed.and_then(|()| encoder.finish(&mut control).map(|_| ())).unwrap_err();
    assert!(text.to_string().contains("9 vectors"), "{text}");
}
