// SPDX-License-Identifier: MIT OR Apache-2.0
//! Players: the scenarios of gst-validate over files.
mod elements;
mod http;
mod playback;

use elements::*;
use http::{HttpServer, Manner};
use lnr::stream::IndexBuilder;
use playback::player::{Clip, Player};
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

/// The same video beside sound that lasts twice as long.
fn mp4_file() -> (Clip, tempfile::NamedTempFile) {
    let (mut clip, stream) = clip();
    let source = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(source.path(), stream).unwrap();
    let file = tempfile::Builder::new().suffix(".mp4").tempfile().unwrap();
    let (source, path) = (source.path().display(), file.path().display());
    run(&format!(
        "filesrc location={source} ! lnrparse ! mux. \
         audiotestsrc num-buffers=50 samplesperbuffer=960 ! audio/x-raw,rate=48000 ! avenc_aac ! queue \
         max-size-time=0 max-size-buffers=0 max-size-bytes=0 ! mux. \
         mp4mux name=mux ! tee name=t ! filesink location={path} t. ! appsink name=out async=false"
    ))
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
    let (clip, file) = mp4_file();
    let uri = format!("file://{}", file.path().display());
    scenarios::all(&|| Player::of_uri(&uri, &clip), &clip);
}

/// A finished file behind its index, over ranges.
#[test]
fn a_file_over_http() {
    let (mut clip, stream) = clip();
    clip.is_reversible = false;
    let mut builder = IndexBuilder::default();
    let coded = coded().data();
    coded.iter().for_each(|unit| builder.push(unit).expect("an access unit"));
    let index = builder.index().to_unit().expect("an index");
    let server = HttpServer::new([index, stream].concat(), Manner::default());
    let uri = server.uri();
    scenarios::all(&|| Player::of_uri(&uri, &clip), &clip);
}
