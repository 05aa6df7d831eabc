// SPDX-License-Identifier: MIT OR Apache-2.0
//! Players: the scenarios of gst-validate over files.
mod elements;
mod http;
mod playback;

use elements::*;
use gst::prelude::*;
use http::{HttpServer, Manner};
use lnr::stream::IndexBuilder;
use playback::player::{Backwards, Clip, Player};
use playback::scenarios;

/// Four groups of three to four frames.
fn coded() -> &'static Outcome {
    static CODED: std::sync::OnceLock<Outcome> = std::sync::OnceLock::new();
    CODED.get_or_init(|| encode(15, 4, SMALL))
}

fn clip() -> (Clip, Vec<u8>) {
    (Clip::new(coded()), coded().stream())
}

fn lnr_file() -> (Clip, tempfile::NamedTempFile) {
    let (clip, stream) = clip();
    let file = tempfile::Builder::new().suffix(".lnr").tempfile().unwrap();
    std::fs::write(file.path(), stream).unwrap();
    (clip, file)
}

/// The same video, from a time in ms on, beside sound that lasts twice as long.
fn mp4_file(from_ms: u64) -> (Clip, tempfile::NamedTempFile) {
    let (mut clip, stream) = clip();
    let offset = 1_000_000 * from_ms;
    clip.times.iter_mut().for_each(|(start, _)| *start += offset);
    let source = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(source.path(), stream).unwrap();
    let file = tempfile::Builder::new().suffix(".mp4").tempfile().unwrap();
    let (source, path) = (source.path().display(), file.path().display());
    let description = format!(
        "filesrc location={source} ! lnrparse name=parser ! mux. \
         audiotestsrc num-buffers=50 samplesperbuffer=960 ! audio/x-raw,rate=48000 ! avenc_aac ! queue \
         max-size-time=0 max-size-buffers=0 max-size-bytes=0 ! mux. \
         mp4mux name=mux ! tee name=t ! filesink location={path} t. ! appsink name=out async=false"
    );
    run_with(&description, |pipeline| {
        let parser = pipeline.by_name("parser").expect("the parser");
        parser.static_pad("src").expect("a pad").set_offset(offset as i64);
    })
    .ok();
    clip.audio_end = Some(1_000_000_000);
    (clip, file)
}

#[test]
fn a_file_without_a_container() {
    let (clip, file) = lnr_file();
    let uri = format!("file://{}", file.path().display());
    scenarios::all(&|| Player::of_uri(&uri, &clip), &clip);
}

#[test]
fn a_file_that_is_parsed() {
    let (clip, file) = lnr_file();
    let description = format!(
        "filesrc location={} ! lnrparse ! lnrdec ! fakesink name=out",
        file.path().display()
    );
    scenarios::all(&|| Player::new(&description, &clip), &clip);
}

#[test]
fn an_mp4_file_whose_sound_is_longer() {
    let (clip, file) = mp4_file(0);
    let uri = format!("file://{}", file.path().display());
    scenarios::all(&|| Player::of_uri(&uri, &clip), &clip);
}

/// An edit list says so, and a demuxer tells a gap. GStreamer 1.22's leaves out half of such a track when it
/// plays backwards, whatever the codec.
#[test]
fn an_mp4_file_whose_pictures_begin_later() {
    let (mut clip, file) = mp4_file(250);
    clip.backwards = Backwards::NotAsked;
    let uri = format!("file://{}", file.path().display());
    scenarios::all(&|| Player::of_uri(&uri, &clip), &clip);
}

/// A finished file behind its index, over ranges.
#[test]
fn a_file_over_http() {
    let (mut clip, stream) = clip();
    clip.backwards = Backwards::Refused;
    let mut builder = IndexBuilder::default();
    let coded = coded().data();
    coded.iter().for_each(|unit| builder.push(unit).expect("an access unit"));
    let index = builder.index().to_unit().expect("an index");
    let server = HttpServer::new([index, stream].concat(), Manner::default());
    let uri = server.uri();
    scenarios::all(&|| Player::of_uri(&uri, &clip), &clip);
}
