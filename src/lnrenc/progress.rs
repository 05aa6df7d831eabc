// SPDX-License-Identifier: MIT OR Apache-2.0

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use gst::ProgressType;
use gst::prelude::*;

use lnr::{EncoderStats, Progress};

/// Code of the PROGRESS messages.
const CODE: &str = "lnr-train";
/// Name of the element message.
const MESSAGE: &str = "lnrenc-progress";
/// Time between two element messages.
const INTERVAL: Duration = Duration::from_secs(1);

/// What the property `stats` tells.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Stats {
    pub totals: EncoderStats,
    pub current: Progress,
}

impl Stats {
    pub fn to_structure(self) -> gst::Structure {
        let t = self.totals;
        fill(gst::Structure::builder("lnrenc-stats"), &self.current)
            .field("groups", t.groups)
            .field("frames", t.frames)
            .field("bytes", t.bytes)
            .field("mean-psnr", t.psnr)
            .field("iterations", t.iterations)
            .field("seconds", t.seconds)
            .field("trials", t.trials)
            .field("groups-with-anchors", t.groups_with_anchors)
            .field("groups-split", t.groups_split)
            .field("anchor-step", t.choice.anchor_step)
            .field("finest-canonical", t.choice.finest_canonical)
            .field("embedding-nodes", t.embedding.nodes)
            .field("embedding-bytes", t.embedding.bytes)
            .field("embedding-images", t.embedding.images)
            .field("embedding-seconds", t.embedding.seconds)
            .build()
    }
}

fn fill(builder: gst::structure::Builder, p: &Progress) -> gst::structure::Builder {
    builder
        .field("group", p.group)
        .field("group-frames", p.n_frames)
        .field("iteration", p.iteration)
        .field("n-iterations", p.n_iterations)
        .field("psnr", f64::from(p.psnr))
        .field("elapsed", f64::from(p.elapsed))
        .field("eta", f64::from(p.eta()))
}

/// Numbers of the groups whose training was told to have begun, and no end of it.
pub(super) type Begun = BTreeSet<u64>;

/// Tells the application about the groups that are trained within one call of the codec.
pub(super) struct Reporter<'a> {
    element: &'a gst::Element,
    stats: &'a Mutex<Stats>,
    begun: &'a mut Begun,
    told: Instant,
}

impl<'a> Reporter<'a> {
    pub fn new(element: &'a gst::Element, stats: &'a Mutex<Stats>, begun: &'a mut Begun) -> Self {
        Self { element, stats, begun, told: Instant::now() }
    }

    /// Called at every iteration of every group.
    pub fn update(&mut self, p: &Progress) {
        if self.begun.insert(p.group) {
            let text = format!("Training group {} ({} frames)", p.group, p.n_frames);
            post(self.element, ProgressType::Start, &text);
        }
        // Of those that are trained at once, the first one will come out next.
        if self.begun.first() != Some(&p.group) {
            return;
        }
        // The application may be reading: skip this iteration rather than wait.
        if let Ok(mut stats) = self.stats.try_lock() {
            stats.current = *p;
        }
        if self.told.elapsed() >= INTERVAL {
            self.told = Instant::now();
            let structure = fill(gst::Structure::builder(MESSAGE), p).build();
            let message = gst::message::Element::builder(structure).src(self.element).build();
            // Without a bus there is nobody to tell.
            let _ = self.element.post_message(message);
        }
    }

    /// Closes the groups that came out: all before number `next`.
    pub fn complete(&mut self, next: u64) {
        let later = self.begun.split_off(&next);
        end(self.element, std::mem::replace(self.begun, later), ProgressType::Complete);
    }
}

/// Closes these groups.
pub(super) fn end(element: &gst::Element, groups: Begun, how: ProgressType) {
    let word = match how {
        ProgressType::Complete => "Trained",
        ProgressType::Canceled => "Gave up",
        _ => "Failed to train",
    };
    for group in groups {
        post(element, how, &format!("{word} group {group}"));
    }
}

fn post(element: &gst::Element, how: ProgressType, text: &str) {
    let message = gst::message::Progress::builder(how, CODE, text).src(element).build();
    let _ = element.post_message(message);
}
