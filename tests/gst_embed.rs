// SPDX-License-Identifier: MIT OR Apache-2.0
//! lnrembed: what streams say of their frames, and what a model sees in raw pictures.
mod elements;

use std::path::Path;
use std::sync::OnceLock;

use elements::*;
use gst::prelude::*;
use gstlnr::meta::Embedding;
use lnr::LatentReader;
use lnr::align::{ImageModel, Space, cosine, write_npy};

/// The video of every test here.
const SOURCE: &str = "videotestsrc pattern=smpte horizontal-speed=3 num-buffers=12 \
                      ! video/x-raw,format=I420,width=32,height=24,framerate=30/1";

/// An element with the small model.
fn with_model(element: &str) -> String {
    format!("{element} clip-model=\"{MODEL}\"")
}

fn model_space() -> &'static Space {
    static SPACE: OnceLock<Space> = OnceLock::new();
    SPACE.get_or_init(|| ImageModel::load(Path::new(MODEL)).expect("the model").space().clone())
}

/// Twelve frames in groups of four, with what the model says of them.
fn aligned() -> &'static Outcome {
    static STREAM: OnceLock<Outcome> = OnceLock::new();
    STREAM.get_or_init(|| {
        let encoder = with_model(ENC);
        run(&format!("{SOURCE} ! {encoder} key-int-max=4 ! appsink name=out")).ok()
    })
}

/// The same frames, with vectors of a user that turn by a right angle.
fn with_features() -> Outcome {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("turning.npy");
    let angle = |i: usize| i as f32 * std::f32::consts::FRAC_PI_2 / 11.0;
    let values: Vec<f32> = (0..12).flat_map(|i| [angle(i).cos(), angle(i).sin(), 0.0]).collect();
    let mut file = std::fs::File::create(&path).expect("a file");
    write_npy(&mut file, 3, &values).expect("written");
    let path = path.display();
    run(&format!(
        "{SOURCE} ! {ENC} key-int-max=4 clip-weight=1 features=\"{path}\" ! appsink name=out"
    ))
    .ok()
}

/// Runs `lnrparse ! elements` on a stream.
fn through(stream: &Outcome, elements: &str) -> Outcome {
    run_on(&stream.stream(), 4096, &format!("lnrparse ! {elements} ! appsink name=out")).ok()
}

fn metas(outcome: &Outcome) -> Vec<Embedding> {
    let metas = outcome.buffers.iter().map(|b| Embedding::read(b).expect("a meta"));
    metas.collect()
}

fn vectors(outcome: &Outcome) -> Vec<Vec<f32>> {
    metas(outcome).into_iter().map(|e| e.vector).collect()
}

/// What the library reads from a stream.
fn latents(stream: &Outcome) -> Vec<lnr::Latent> {
    let mut reader = LatentReader::default();
    stream.data().iter().map(|unit| reader.push(unit).expect("a latent")).collect()
}

/// What the model sees in each frame of [`SOURCE`].
fn seen() -> &'static Outcome {
    static SEEN: OnceLock<Outcome> = OnceLock::new();
    SEEN.get_or_init(|| {
        let embed = with_model("lnrembed");
        run(&format!("{SOURCE} ! {embed} ! appsink name=out")).ok()
    })
}

fn lines(outcome: &Outcome) -> Vec<serde_json::Value> {
    let text = String::from_utf8(outcome.stream()).expect("text");
    assert!(text.ends_with('\n'));
    assert_eq!(text.lines().count(), outcome.buffers.len());
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

fn line_vectors(lines: &[serde_json::Value]) -> Vec<Vec<f32>> {
    let vector = |line: &serde_json::Value| {
        let values = line["vector"].as_array().expect("an array").iter();
        values.map(|v| v.as_f64().expect("a number") as f32).collect()
    };
    lines.iter().map(vector).collect()
}

#[test]
fn streams_tell_what_their_frames_mean_without_decoding() {
    let out = through(aligned(), "lnrembed");
    assert_eq!(out.data(), aligned().data());
    assert!(out.warnings.is_empty(), "{:?}", out.warnings);
    let seen = vectors(seen());
    for ((meta, latent), seen) in metas(&out).iter().zip(latents(aligned())).zip(seen) {
        assert_eq!(meta.vector, latent.embedding);
        assert_eq!(meta.space, model_space().fingerprint_text());
        assert_eq!((meta.space.len(), meta.model.as_str()), (16, "small-clip"));
        assert_eq!(meta.tau, Some(f64::from(latent.tau.as_f32())));
        assert_eq!(meta.group, Some(latent.group.into()));
        assert_eq!(meta.pts.map(gst::ClockTime::nseconds), Some(latent.pts));
        let length = meta.vector.iter().map(|v| v * v).sum::<f32>().sqrt();
        assert!((length - 1.0).abs() < 1e-5, "{length}");
        let agreement = cosine(&meta.vector, &seen);
        assert!(agreement > 0.9, "{agreement}");
    }
    let plain = through(aligned(), "identity");
    assert!(plain.buffers.iter().all(|b| Embedding::read(b).is_none()));
}

#[test]
fn users_vectors_come_back() {
    for (i, meta) in metas(&through(&with_features(), "lnrembed")).iter().enumerate() {
        assert_eq!((meta.model.as_str(), meta.vector.len()), ("turning", 3));
        assert!(meta.space.len() == 16 && meta.space != model_space().fingerprint_text());
        let angle = meta.vector[1].atan2(meta.vector[0]).to_degrees();
        assert!((angle - i as f32 * 90.0 / 11.0).abs() < 5.0, "frame {i}: {angle}");
    }
}

#[test]
fn the_meta_survives_decoders_converters_and_encoders() {
    let chain = "lnrembed ! lnrdec ! videoconvert ! video/x-raw,format=RGB ! videoscale \
                 ! video/x-raw,width=20,height=20 ! queue";
    for chain in [chain.to_owned(), format!("{chain} ! videoconvert ! x264enc tune=zerolatency")] {
        let out = through(aligned(), &chain);
        let expected: Vec<_> = latents(aligned()).into_iter().map(|l| l.embedding).collect();
        assert_eq!(vectors(&out), expected, "{chain}");
    }
}

#[test]
fn messages_tell_the_same_before_and_after_decoding() {
    for chain in ["lnrembed post-messages=true", "lnrembed ! lnrdec ! lnrembed post-messages=true"]
    {
        let out = through(aligned(), chain);
        assert_eq!(out.elements.len(), 12, "{chain}");
        for (message, (pts, _)) in out.elements.iter().zip(aligned().times()) {
            assert_eq!(message.name(), "lnr-embedding");
            assert_eq!(message.get::<u32>("dim"), Ok(model_space().dim));
            assert_eq!(message.get::<String>("space"), Ok(model_space().fingerprint_text()));
            let time = message.get::<gst::ClockTime>("running-time").expect("a time");
            assert_eq!(time.nseconds(), pts);
        }
    }
    assert!(through(aligned(), "lnrembed").elements.is_empty());
}

#[test]
fn lines_say_what_metas_say() {
    let of_coded = through(aligned(), "lnrembed format=jsonl");
    let embed = with_model("lnrembed format=jsonl");
    let of_raw = run(&format!("{SOURCE} ! {embed} ! appsink name=out")).ok();
    let carried = through(aligned(), "lnrembed ! lnrdec ! lnrembed format=jsonl");
    let read = vectors(&through(aligned(), "lnrembed"));
    for (out, expected) in [(&of_coded, &read), (&of_raw, &vectors(seen())), (&carried, &read)] {
        let caps = gst::Caps::new_empty_simple("application/x-ndjson");
        assert!(out.caps.iter().all(|c| c.is_strictly_equal(&caps)), "{:?}", out.caps[0]);
        assert_eq!(out.times(), aligned().times());
        let lines = lines(out);
        assert_eq!(&line_vectors(&lines), expected);
        for (line, (pts, _)) in lines.iter().zip(out.times()) {
            let seconds = pts as f64 / 1e9;
            assert_eq!(line["pts"].as_f64(), Some(seconds));
            assert_eq!(line["running_time"].as_f64(), Some(seconds));
            assert_eq!(line["space"], model_space().fingerprint_text());
            assert_eq!(line["model"], "small-clip");
        }
    }
}

#[test]
fn lines_make_a_file_and_carry_messages() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("x.jsonl");
    let out = run_with(
        &format!(
            "appsrc name=in format=bytes ! lnrparse ! lnrembed format=jsonl post-messages=true \
             ! tee name=t ! queue ! filesink location=\"{}\" t. ! queue ! appsink name=out",
            path.display()
        ),
        |pipeline| {
            let source = pipeline.by_name("in").and_downcast::<gst_app::AppSrc>();
            let source = source.expect("appsrc name=in");
            source.push_buffer(gst::Buffer::from_slice(aligned().stream())).expect("pushed");
            source.end_of_stream().expect("EOS");
        },
    )
    .ok();
    assert_eq!(std::fs::read(path).expect("the file"), out.stream());
    assert_eq!((lines(&out).len(), out.elements.len()), (12, 12));
}

#[test]
fn damage_costs_its_group_alone() {
    let mut buffers = aligned().buffers.clone();
    buffers.drain(4..5);
    let out = |elements: &str| {
        let description = format!("{elements} ! appsink name=out");
        let out = run_buffers(buffers.clone(), &aligned().caps[0], &description).ok();
        assert_eq!(out.warnings.len(), 1, "{:?}", out.warnings);
        out
    };
    let metas = out("lnrembed");
    let has_meta: Vec<_> = metas.buffers.iter().map(|b| Embedding::read(b).is_some()).collect();
    let expected = [[true; 4].as_slice(), &[false; 3], &[true; 4]].concat();
    assert_eq!(has_meta, expected);
    assert_eq!(lines(&out("lnrembed format=jsonl")).len(), 8);
}

#[test]
fn pictures_within_the_interval_share_a_vector() {
    let embed = with_model("lnrembed interval=100000000");
    let out = run(&format!("{SOURCE} ! {embed} ! appsink name=out")).ok();
    let (every, out) = (metas(seen()), metas(&out));
    for (i, (meta, own)) in out.iter().zip(&every).enumerate() {
        assert_eq!(meta.vector, every[i / 3 * 3].vector, "frame {i}");
        assert_eq!((meta.pts, &meta.space), (own.pts, &own.space));
        assert_eq!((meta.group, meta.tau), (None, None));
    }
    assert!(every[0].vector != every[3].vector && every[0].vector != every[1].vector);
}

#[test]
fn a_model_looks_where_nothing_else_says_what_frames_mean() {
    let chain = format!("lnrembed ! lnrdec ! {}", with_model("lnrembed"));
    let carried = metas(&through(&with_features(), &chain));
    assert!(carried.iter().all(|e| e.model == "turning"));
    // The same of frames whose stream says nothing, though they carry a meta.
    let filled = through(&run(&format!("{SOURCE} ! {ENC} ! appsink name=out")).ok(), &chain);
    assert!(metas(&filled).iter().all(|e| e.space == model_space().fingerprint_text()));
}

#[test]
fn a_model_takes_pictures_of_many_kinds() {
    let embed = with_model("lnrembed");
    let expected = &vectors(seen())[0];
    for (caps, least) in [
        // The third is not one that the codec has.
        ("format=RGB", 0.95),
        ("format=P010_10LE", 0.95),
        ("format=YUV9 ! videoconvert", 0.95),
        ("format=I420,colorimetry=1:3:5:1", 0.95),
    ] {
        let out = run(&format!(
            "videotestsrc pattern=smpte horizontal-speed=3 num-buffers=1 ! video/x-raw,width=32,height=24 \
             ! videoconvert ! video/x-raw,{caps} ! {embed} ! appsink name=out"
        ))
        .ok();
        let agreement = cosine(&vectors(&out)[0], expected);
        assert!(agreement > least, "{caps}: {agreement}");
    }
    let mut caps = gray_caps(32, 24, "30/1");
    caps.make_mut().set("interlace-mode", "interleaved");
    let frames = vec![gray_frame(32, 24, 0, None)];
    let out = run_buffers(frames, &caps, &format!("{embed} ! appsink name=out")).ok();
    assert_eq!(vectors(&out)[0].len(), model_space().dim as usize);
    // Nothing converts here.
    caps.make_mut().set("format", "YUV9");
    let frames = vec![gray_frame(64, 24, 0, None)];
    let out = run_buffers(frames, &caps, &format!("{embed} ! appsink name=out"));
    assert!(out.error.is_some_and(|e| e.contains("not-negotiated")));
}

#[test]
fn streams_that_say_nothing_say_so_once() {
    let plain = small_stream();
    let out = through(plain, "lnrembed post-messages=true");
    assert_eq!(out.warnings.len(), 1, "{:?}", out.warnings);
    assert!(out.warnings[0].contains("encode with clip-model"), "{}", out.warnings[0]);
    assert_eq!(out.data(), plain.data());
    for (meta, message) in metas(&out).iter().zip(&out.elements) {
        assert!(meta.vector.is_empty() && meta.space.is_empty() && meta.model.is_empty());
        assert!(meta.group.is_some() && meta.pts.is_some());
        assert_eq!(message.get::<u32>("dim"), Ok(0));
        assert_eq!(message.get::<&str>("space"), Ok(""));
    }
    let out = through(plain, "lnrembed format=jsonl");
    assert_eq!(out.warnings.len(), 1, "{:?}", out.warnings);
    for line in lines(&out) {
        assert_eq!((&line["space"], &line["vector"]), (&"".into(), &serde_json::json!([])));
    }
    // A model changes nothing while the stream is coded.
    let out = through(plain, &with_model("lnrembed"));
    assert_eq!(out.warnings.len(), 1, "{:?}", out.warnings);
    assert!(vectors(&out).iter().all(Vec::is_empty));
}

#[test]
fn raw_video_without_embeddings_passes_and_says_so_once() {
    let out = run(&format!("{SOURCE} ! lnrembed post-messages=true ! appsink name=out")).ok();
    assert_eq!(out.warnings.len(), 1, "{:?}", out.warnings);
    assert!(out.warnings[0].contains("set clip-model"), "{}", out.warnings[0]);
    assert_eq!(out.buffers.len(), 12);
    assert!(out.elements.is_empty() && out.buffers.iter().all(|b| Embedding::read(b).is_none()));
    let out = run(&format!("{SOURCE} ! lnrembed format=jsonl ! appsink name=out")).ok();
    assert_eq!((out.warnings.len(), lines(&out).len()), (1, 12));
    assert!(line_vectors(&lines(&out)).iter().all(Vec::is_empty));
}

#[test]
fn a_model_that_is_not_there_is_an_error_before_data_flows() {
    init();
    let embed = gst::ElementFactory::make("lnrembed")
        .property("clip-model", "nobody/nothing")
        .build()
        .expect("an element");
    let bus = gst::Bus::new();
    embed.set_bus(Some(&bus));
    assert!(embed.set_state(gst::State::Ready).is_err());
    let message = bus.pop_filtered(&[gst::MessageType::Error]).expect("an error");
    let gst::MessageView::Error(error) = message.view() else { panic!("{message:?}") };
    assert!(error.error().matches(gst::ResourceError::OpenRead));
    let text = error.error().to_string();
    assert!(text.contains("hf download nobody/nothing"), "{text}");
    embed.set_property("clip-model", MODEL);
    embed.set_state(gst::State::Ready).expect("READY");
    embed.set_state(gst::State::Null).expect("NULL");
}
