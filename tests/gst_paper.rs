// SPDX-License-Identifier: MIT OR Apache-2.0
//! The paper's profiles through the elements.
mod elements;

use elements::*;

#[test]
fn paper_profiles_go_the_whole_way() {
    let model = "width=8\\,layers=4\\,rank=2\\,latent=4\\,hyper-width=4\\,levels=3\\,table=6";
    let outcome = run(&format!(
        "videotestsrc num-buffers=3 ! video/x-raw,format=I420,width=18,height=14,framerate=25/1 \
         ! {ENC} profile=paper-s model=\"{model}\" ! lnrinterp factor=2 ! lnrdec \
         ! videoscale ! video/x-raw,width=40,height=30 ! appsink name=out"
    ))
    .ok();
    assert_eq!((outcome.buffers.len(), outcome.size()), (6, (40, 30)));
    for (settings, word) in [
        ("profile=paper-s model=rank=0", "rank"),
        ("profile=paper-s model=colour=1", "colour"),
        ("profile=paper-s bitrate=100", "bit rate"),
        ("model=rank=2", "paper-s"),
    ] {
        let outcome = run(&format!(
            "videotestsrc num-buffers=3 ! video/x-raw,format=I420,width=18,height=14 \
             ! lnrenc {settings} ! appsink name=out"
        ));
        let error = outcome.error.expect("an error");
        assert!(error.contains(word), "{settings}: {error}");
    }
}
