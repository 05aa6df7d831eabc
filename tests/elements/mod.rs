// SPDX-License-Identifier: MIT OR Apache-2.0
//! Helpers of the element tests: small pipelines, and what came out of them.
#![allow(dead_code)]

use std::sync::{Arc, Mutex, Once};
use std::time::{Duration, Instant};

use gst::prelude::*;

/// An encoder that trains hardly at all.
pub const ENC: &str = "lnrenc speed-preset=ultrafast epochs=2 scene-cut=false";

/// A small model that says what drawn scenes mean.
pub const MODEL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data/small-clip");

pub fn init() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        gst::init().expect("GStreamer");
        gstlnr::register_static().expect("the plugin registers");
    });
}

/// What a pipeline with an `appsink name=out` gave until it ended.
#[derive(Default)]
pub struct Outcome {
    pub buffers: Vec<gst::Buffer>,
    /// Caps of each buffer.
    pub caps: Vec<gst::Caps>,
    pub error: Option<String>,
    pub warnings: Vec<String>,
    /// Element messages.
    pub elements: Vec<gst::Structure>,
    pub progress: Vec<gst::ProgressType>,
    pub tags: gst::TagList,
}

impl Outcome {
    /// Fails the test when there was an error.
    pub fn ok(self) -> Self {
        if let Some(error) = &self.error {
            panic!("{error}");
        }
        self
    }

    pub fn times(&self) -> Vec<(u64, u64)> {
        let times = |b: &gst::Buffer| {
            let duration = b.duration().expect("a duration").nseconds();
            (b.pts().expect("a time").nseconds(), duration)
        };
        self.buffers.iter().map(times).collect()
    }

    /// Which buffers begin a group.
    pub fn keys(&self) -> Vec<bool> {
        let is_key = |b: &gst::Buffer| !b.flags().contains(gst::BufferFlags::DELTA_UNIT);
        self.buffers.iter().map(is_key).collect()
    }

    pub fn data(&self) -> Vec<Vec<u8>> {
        self.buffers.iter().map(bytes).collect()
    }

    /// Everything in a row: an elementary stream.
    pub fn stream(&self) -> Vec<u8> {
        self.data().concat()
    }

    pub fn size(&self) -> (i32, i32) {
        let s = self.caps.last().expect("caps").structure(0).expect("a structure");
        (s.get("width").expect("width"), s.get("height").expect("height"))
    }
}

pub fn bytes(buffer: &gst::Buffer) -> Vec<u8> {
    buffer.map_readable().expect("readable").to_vec()
}

pub fn parse(description: &str) -> gst::Pipeline {
    init();
    gst::parse::launch(description)
        .unwrap_or_else(|e| panic!("{description}: {e}"))
        .downcast()
        .expect("a pipeline")
}

/// Runs a pipeline to its end; 30 seconds are a hang.
pub fn run(description: &str) -> Outcome {
    run_with(description, |_| {})
}

/// Like [`run`]; `prepare` sees the pipeline before it plays.
pub fn run_with(description: &str, prepare: impl FnOnce(&gst::Pipeline)) -> Outcome {
    let pipeline = parse(description);
    let received = collect(&pipeline);
    prepare(&pipeline);
    let mut outcome = Outcome::default();
    pipeline.set_state(gst::State::Playing).ok();
    wait(&pipeline, &mut outcome);
    pipeline.set_state(gst::State::Null).expect("NULL");
    for (buffer, caps) in received.lock().unwrap().drain(..) {
        outcome.buffers.push(buffer);
        outcome.caps.push(caps);
    }
    outcome
}

type Received = Arc<Mutex<Vec<(gst::Buffer, gst::Caps)>>>;

/// Gathers what arrives at `appsink name=out`.
pub fn collect(pipeline: &gst::Pipeline) -> Received {
    let received = Received::default();
    let sink = pipeline.by_name("out").and_downcast::<gst_app::AppSink>();
    let sink = sink.expect("appsink name=out");
    sink.set_property("sync", false);
    let target = received.clone();
    let pull = move |sink: &gst_app::AppSink, sample: Option<gst::Sample>| {
        let _ = sink;
        let Some(sample) = sample else {
            return Err(gst::FlowError::Eos);
        };
        let (buffer, caps) = (sample.buffer_owned(), sample.caps_owned());
        target.lock().unwrap().push((buffer.expect("a buffer"), caps.expect("caps")));
        Ok(gst::FlowSuccess::Ok)
    };
    sink.set_callbacks(
        gst_app::AppSinkCallbacks::builder()
            .new_sample(move |sink| pull(sink, sink.pull_sample().ok()))
            .build(),
    );
    received
}

fn wait(pipeline: &gst::Pipeline, outcome: &mut Outcome) {
    let bus = pipeline.bus().expect("a bus");
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let left = gst::ClockTime::try_from(left).expect("a time");
        let Some(message) = bus.timed_pop(left) else {
            // Dropping it would wait for the threads that hang.
            std::mem::forget(pipeline.clone());
            panic!("the pipeline hangs");
        };
        match message.view() {
            gst::MessageView::Eos(_) => return,
            gst::MessageView::Error(e) => {
                let debug = e.debug().unwrap_or_default();
                outcome.error = Some(format!("{} ({debug})", e.error()));
                return;
            }
            gst::MessageView::Warning(w) => {
                let debug = w.debug().unwrap_or_default();
                outcome.warnings.push(format!("{} ({debug})", w.error()));
            }
            gst::MessageView::Element(e) => {
                outcome.elements.extend(e.structure().map(|s| s.to_owned()));
            }
            gst::MessageView::Progress(p) => outcome.progress.push(p.type_()),
            gst::MessageView::Tag(t) => {
                outcome.tags = outcome.tags.merge(&t.tags(), gst::TagMergeMode::Append);
            }
            _ => {}
        }
    }
}

/// `n` access units of a moving test picture in groups of `group`.
pub fn encode(n: u32, group: u32, caps: &str) -> Outcome {
    run(&format!(
        "videotestsrc pattern=ball num-buffers={n} ! video/x-raw,{caps} \
         ! {ENC} scene-cut=false key-int-max={group} ! appsink name=out"
    ))
    .ok()
}

pub const SMALL: &str = "format=I420,width=32,height=24,framerate=30/1";

/// Twelve frames in groups of four.
pub fn small_stream() -> &'static Outcome {
    static STREAM: std::sync::OnceLock<Outcome> = std::sync::OnceLock::new();
    STREAM.get_or_init(|| encode(12, 4, SMALL))
}

/// Pushes bytes in pieces of `chunk` through `appsrc name=in`, as a file or socket would.
pub fn run_on(stream: &[u8], chunk: usize, description: &str) -> Outcome {
    run_with(&format!("appsrc name=in format=bytes ! {description}"), |pipeline| {
        let source = pipeline.by_name("in").and_downcast::<gst_app::AppSrc>();
        let source = source.expect("appsrc name=in");
        source.set_max_bytes(u64::MAX);
        for piece in stream.chunks(chunk) {
            source.push_buffer(gst::Buffer::from_slice(piece.to_vec())).expect("pushed");
        }
        source.end_of_stream().expect("EOS");
    })
}

/// Pushes buffers as they are, with these caps.
pub fn run_buffers(buffers: Vec<gst::Buffer>, caps: &gst::Caps, description: &str) -> Outcome {
    run_with(&format!("appsrc name=in format=time ! {description}"), |pipeline| {
        let source = pipeline.by_name("in").and_downcast::<gst_app::AppSrc>();
        let source = source.expect("appsrc name=in");
        source.set_max_bytes(u64::MAX);
        source.set_caps(Some(caps));
        for buffer in buffers {
            source.push_buffer(buffer).expect("pushed");
        }
        source.end_of_stream().expect("EOS");
    })
}

/// A gray-scale raw frame with these times.
pub fn gray_frame(width: u32, height: u32, pts_ms: u64, duration_ms: Option<u64>) -> gst::Buffer {
    init();
    let info = gst_video::VideoInfo::builder(gst_video::VideoFormat::Gray8, width, height)
        .build()
        .expect("info");
    let data: Vec<u8> = (0..info.size()).map(|i| (i as u64 * 3 + pts_ms) as u8).collect();
    let mut buffer = gst::Buffer::from_slice(data);
    let writable = buffer.make_mut();
    writable.set_pts(gst::ClockTime::from_mseconds(pts_ms));
    writable.set_duration(duration_ms.map(gst::ClockTime::from_mseconds));
    buffer
}

pub fn gray_caps(width: u32, height: u32, rate: &str) -> gst::Caps {
    init();
    format!("video/x-raw,format=GRAY8,width={width},height={height},framerate={rate}")
        .parse()
        .expect("caps")
}
