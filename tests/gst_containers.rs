// SPDX-License-Identifier: MIT OR Apache-2.0
//! MP4 and MOV, by muxers and demuxers that know nothing of this codec.
mod elements;

use elements::*;

fn mux(chain: &str) -> (tempfile::NamedTempFile, Outcome) {
    let file = tempfile::Builder::new().suffix(".mp4").tempfile().unwrap();
    let coded = small_stream();
    let path = file.path().display().to_string();
    run_buffers(
        coded.buffers.clone(),
        &coded.caps[0],
        &format!("{chain} ! tee name=t ! filesink location={path} t. ! fakesink async=false t. ! appsink name=out async=false"),
    )
    .ok();
    let demuxed =
        run(&format!("filesrc location={path} ! qtdemux ! lnrparse ! appsink name=out")).ok();
    (file, demuxed)
}

#[test]
fn access_units_survive_mp4_and_mov() {
    let coded = small_stream();
    for chain in
        ["lnrparse ! mp4mux", "lnrparse ! qtmux", "lnrparse ! mp4mux fragment-duration=100"]
    {
        let (_file, demuxed) = mux(chain);
        assert_eq!(demuxed.data(), coded.data(), "{chain}");
        assert_eq!(demuxed.keys(), coded.keys(), "{chain}");
        for (a, b) in demuxed.times().iter().zip(coded.times()) {
            assert!(a.0.abs_diff(b.0) < 1_000_000, "{chain}: {a:?} {b:?}");
        }
        assert_eq!(demuxed.size(), (32, 24), "{chain}");
    }
}

#[test]
fn an_mp4_file_plays_and_seeks() {
    let (file, _) = mux("lnrparse ! mp4mux");
    for bin in ["decodebin", "decodebin3"] {
        let path = file.path().display();
        let out = run(&format!("filesrc location={path} ! {bin} ! appsink name=out")).ok();
        assert_eq!(out.buffers.len(), 12, "{bin}");
        assert_eq!(out.size(), (32, 24), "{bin}");
    }
}

#[test]
fn the_encoder_feeds_a_muxer_directly_and_audio_goes_beside_it() {
    let file = tempfile::Builder::new().suffix(".mp4").tempfile().unwrap();
    let path = file.path().display();
    run(&format!(
        "videotestsrc num-buffers=9 ! video/x-raw,{SMALL} ! {ENC} key-int-max=4 ! mux. \
         audiotestsrc num-buffers=15 samplesperbuffer=960 ! audio/x-raw,rate=48000 ! avenc_aac \
         ! queue max-size-time=0 max-size-buffers=0 max-size-bytes=0 ! mux. \
         mp4mux name=mux ! tee name=t ! filesink location={path} t. ! appsink name=out async=false"
    ))
    .ok();
    let out = run(&format!(
        "filesrc location={path} ! qtdemux name=d d.video_0 ! queue ! lnrparse ! lnrdec ! appsink name=out \
         d.audio_0 ! queue ! fakesink"
    ))
    .ok();
    assert_eq!(out.buffers.len(), 9);
}

#[test]
fn gdp_and_multiqueues_change_nothing() {
    let coded = small_stream();
    let out = run_buffers(
        coded.buffers.clone(),
        &coded.caps[0],
        "gdppay ! gdpdepay ! queue ! lnrparse ! appsink name=out",
    )
    .ok();
    assert_eq!(out.data(), coded.data());
    assert_eq!(out.times(), coded.times());
}
