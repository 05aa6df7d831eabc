// SPDX-License-Identifier: MIT OR Apache-2.0

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use gst::prelude::*;
use gst_app::AppSink;
use gst_video::VideoCapsBuilder;
use tempfile::{NamedTempFile, TempPath};

use super::feed::Feed;
use super::open_file;
use crate::console::Console;
use crate::exit::{Code, Failure, Outcome};
use crate::gstreamer::{NO_VIDEO, Pipeline, element, error_of, init};
use crate::raw::FORMATS;
use crate::scratch;

/// How long an input may give no frame before it counts as stuck: far beyond what the slowest decoder
/// takes for one.
pub const PATIENCE: Duration = Duration::from_secs(30);
/// How long a demuxer may have ended before its video track is there. That is a matter of milliseconds,
/// but GStreamer 1.22's decodebin may keep an error to itself, and then none comes.
const GRACE: Duration = Duration::from_secs(5);
/// How long is waited for a frame before looking for errors and the wish to stop.
const STEP: Duration = Duration::from_millis(100);
/// GStreamer 1.22's libav asks for bytes behind the end of a GIF file for ever. So many trailers behind
/// it are more than it reads at once.
const GIF_PADDING: [u8; 8192] = [b';'; 8192];
/// Most bytes of a GIF file that are read.
const MAX_GIF: u64 = 1 << 30;

/// A pipeline that decodes the first video track of a file.
pub struct Decoding {
    path: PathBuf,
    pub pipeline: Option<Pipeline>,
    pub sink: AppSink,
    convert: gst::Element,
    /// Whether all tracks are there.
    has_all_tracks: Arc<AtomicBool>,
    /// What reads the file, in demuxers.
    drivers: Arc<Mutex<Vec<gst::Pad>>>,
    /// A track, or the file itself, that nothing here reads.
    unknown: Arc<Mutex<Option<String>>>,
    times: Arc<Mutex<Times>>,
    patience: Duration,
    /// Whether it is a pipe that nothing comes from.
    is_waiting: Arc<AtomicBool>,
    /// What is read instead of the file, removed at the end.
    _copy: Option<Copy>,
}

impl Decoding {
    /// # Errors
    /// When an element is missing or the file cannot be opened.
    pub fn start(path: &Path, is_gif: bool, patience: Duration) -> Outcome<Self> {
        init()?;
        let copy = if is_gif { Some(padded(path)?) } else { None };
        let feed = match &copy {
            Some(copy) => Feed::file(&copy.0)?,
            None => Feed::open(path)?,
        };
        Self::run(path, feed, copy, patience)
    }

    fn run(path: &Path, feed: Feed, copy: Option<Copy>, patience: Duration) -> Outcome<Self> {
        let pipeline = Pipeline::new()?;
        let decode = element("decodebin")?;
        pipeline.chain(&[&feed.element, &decode])?;
        let convert = element("videoconvert")?;
        let caps = VideoCapsBuilder::new().format_list(FORMATS.map(|f| f.0)).build();
        let sink = AppSink::builder().sync(false).max_buffers(4).caps(&caps).build();
        pipeline.chain(&[&convert, sink.upcast_ref()])?;
        let times = Arc::<Mutex<Times>>::default();
        let has_all_tracks = Arc::<AtomicBool>::default();
        // Only what is to be shown is decoded.
        decode.connect("autoplug-continue", false, |args| {
            Some(kind_of(args).is_none_or(|name| is_shown(&name)).to_value())
        });
        let unknown = Arc::<Mutex<Option<String>>>::default();
        let noted = unknown.clone();
        decode.connect("unknown-type", false, move |args| {
            let kind = kind_of(args).filter(|name| is_shown(name));
            let mut noted = noted.lock().unwrap_or_else(PoisonError::into_inner);
            *noted = noted.take().or(kind);
            None
        });
        let target = convert.clone();
        decode.connect_pad_added(move |_, pad| {
            let caps = pad.current_caps().unwrap_or_else(|| pad.query_caps(None));
            let is_video = caps.structure(0).is_some_and(|s| s.name() == "video/x-raw");
            // Of several video tracks the first wins; a refused link shows as an error later.
            if let Some(sink) = target.static_pad("sink").filter(|p| is_video && !p.is_linked()) {
                let _ = pad.link(&sink);
            }
        });
        let flag = has_all_tracks.clone();
        decode.connect_no_more_pads(move |_| flag.store(true, Ordering::SeqCst));
        let drivers = Arc::<Mutex<Vec<gst::Pad>>>::default();
        if let Some(bin) = decode.downcast_ref::<gst::Bin>() {
            let (times, drivers) = (times.clone(), drivers.clone());
            bin.connect_deep_element_added(move |_, _, element| {
                if is_of(element, gst::ElementFactoryType::DEMUXER) {
                    let mut drivers = drivers.lock().unwrap_or_else(PoisonError::into_inner);
                    drivers.extend(element.static_pad("sink"));
                }
                watch(element, &times);
            });
        }
        pipeline.play(path, Code::Input)?;
        let path = path.to_owned();
        let pipeline = Some(pipeline);
        let is_waiting = feed.is_waiting;
        Ok(Self {
            path,
            pipeline,
            sink,
            convert,
            has_all_tracks,
            drivers,
            unknown,
            times,
            patience,
            is_waiting,
            _copy: copy,
        })
    }

    /// The next frame, or none at the end.
    ///
    /// # Errors
    /// When the pipeline failed, there is no video, or nothing comes.
    pub fn pull(&mut self, console: &Console) -> Outcome<Option<gst::Sample>> {
        // Counted in steps, so that a process that is stopped meanwhile loses no patience.
        let mut waited = Duration::ZERO;
        while let Some(pipeline) = &self.pipeline {
            console.check()?;
            let step = gst::ClockTime::try_from(STEP).unwrap_or(gst::ClockTime::SECOND);
            if let Some(sample) = self.sink.try_pull_sample(step) {
                return Ok(Some(sample));
            }
            let is_linked = self.convert.static_pad("sink").is_some_and(|pad| pad.is_linked());
            // Tracks that nobody wants end with an error, too.
            let is_over = self.has_all_tracks.load(Ordering::SeqCst)
                || (waited >= GRACE && self.has_read_all());
            if is_over && !is_linked {
                return Err(Failure::damaged(&self.path, self.no_video()));
            }
            if let Some(cause) = error_of(&pipeline.0) {
                let cause = if cause == NO_VIDEO { self.no_video() } else { cause };
                return Err(Failure::damaged(&self.path, cause));
            }
            if self.sink.is_eos() {
                break;
            }
            if self.is_waiting.load(Ordering::SeqCst) {
                waited = Duration::ZERO;
                continue;
            }
            waited += STEP;
            if waited > self.patience {
                // Its threads hang: to stop it would be to wait for them.
                std::mem::forget(self.pipeline.take());
                let cause = format!(
                    "no frame came for {} seconds: what decodes it hangs; convert it first: \
                     ffmpeg -i VIDEO -c:v ffv1 OUT.mkv",
                    self.patience.as_secs_f32()
                );
                return Err(Failure::damaged(&self.path, cause));
            }
        }
        Ok(None)
    }

    /// Whether there are demuxers, and none of them is reading.
    fn has_read_all(&self) -> bool {
        let drivers = self.drivers.lock().unwrap_or_else(PoisonError::into_inner);
        let is_idle = |pad: &gst::Pad| pad.task_state() != gst::TaskState::Started;
        let pulls = |pad: &gst::Pad| pad.mode() == gst::PadMode::Pull;
        !drivers.is_empty() && drivers.iter().all(|pad| pulls(pad) && is_idle(pad))
    }

    /// Why there are no pictures.
    fn no_video(&self) -> String {
        let unknown = self.unknown.lock().unwrap_or_else(PoisonError::into_inner);
        match &*unknown {
            None => NO_VIDEO.into(),
            Some(kind) => format!(
                "what decodes {kind} is missing: install gstreamer1.0-libav and \
                 gstreamer1.0-plugins-bad"
            ),
        }
    }

    /// Whether the video has an alpha channel, which is left out.
    pub fn has_alpha(&self) -> bool {
        let caps = self.convert.static_pad("sink").and_then(|pad| pad.current_caps());
        let info = caps.and_then(|caps| gst_video::VideoInfo::from_caps(&caps).ok());
        info.is_some_and(|info| info.has_alpha())
    }

    /// The time of a frame that says `pts` and comes after one of time `last`.
    pub fn time_of(&self, pts: gst::ClockTime, last: Option<gst::ClockTime>) -> gst::ClockTime {
        let mut times = self.times.lock().unwrap_or_else(PoisonError::into_inner);
        times.correct(pts, last)
    }
}

/// The name of the caps that a signal of decodebin tells of.
fn kind_of(args: &[gst::glib::Value]) -> Option<String> {
    let caps = args.get(2)?.get::<gst::Caps>().ok()?;
    caps.structure(0).map(|s| s.name().to_string())
}

/// Whether streams of this kind may become pictures.
fn is_shown(kind: &str) -> bool {
    let others = ["audio/", "text/", "subpicture/", "closedcaption/"];
    !others.iter().any(|other| kind.starts_with(other))
}

/// A copy of a GIF file with [`GIF_PADDING`].
fn padded(path: &Path) -> Outcome<Copy> {
    let copy = NamedTempFile::new().map_err(|e| Failure::output(&std::env::temp_dir(), e))?;
    let (mut copy, name) = copy.into_parts();
    scratch::remember(&name);
    let name = Copy(name);
    let mut file = open_file(path)?.take(MAX_GIF);
    std::io::copy(&mut file, &mut copy).map_err(|e| Failure::input(path, e))?;
    let written = copy.write_all(&GIF_PADDING).and_then(|()| copy.flush());
    written.map_err(|e| Failure::output(&name.0, e))?;
    Ok(name)
}

/// Removed at the end, whatever the end is.
struct Copy(TempPath);

impl Drop for Copy {
    fn drop(&mut self) {
        scratch::forget(&self.0);
        // Dropping the path removes the file.
    }
}

fn is_of(element: &gst::Element, kind: gst::ElementFactoryType) -> bool {
    element.factory().is_some_and(|factory| factory.has_type(kind))
}

/// Notes the times that go into a video decoder.
fn watch(element: &gst::Element, times: &Arc<Mutex<Times>>) {
    let kind = gst::ElementFactoryType::DECODER
        | gst::ElementFactoryType::MEDIA_VIDEO
        | gst::ElementFactoryType::MEDIA_IMAGE;
    let pad = element.static_pad("sink").filter(|_| is_of(element, kind));
    let Some(pad) = pad else { return };
    let times = times.clone();
    pad.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
        if let Some(pts) = info.buffer().and_then(|buffer| buffer.pts()) {
            let mut times = times.lock().unwrap_or_else(PoisonError::into_inner);
            *times.0.entry(pts).or_default() += 1;
        }
        gst::PadProbeReturn::Ok
    });
}

/// Times of coded frames, and how many frames have each. GStreamer 1.22's libav gives frames that repeat
/// parts of an earlier one (GIF, QuickTime Animation) the time of that one.
#[derive(Default)]
struct Times(BTreeMap<gst::ClockTime, u32>);

impl Times {
    fn correct(&mut self, pts: gst::ClockTime, last: Option<gst::ClockTime>) -> gst::ClockTime {
        let Some(last) = last else { return pts };
        self.0 = self.0.split_off(&last);
        let is_repeated = pts <= last && self.0.get(&last).is_none_or(|n| *n < 2);
        let next = self.0.range(last..).map(|(time, _)| *time).find(|time| *time > last);
        match next {
            Some(next) if is_repeated => next,
            _ => pts,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_input_that_gives_nothing_is_an_error() {
        // A source that neither gives bytes nor ends.
        let path = std::env::temp_dir().join(format!("lnr-hangs-{}", std::process::id()));
        let made = std::process::Command::new("mkfifo").arg(&path).status();
        assert!(made.is_ok_and(|status| status.success()), "mkfifo");
        let writer = std::fs::OpenOptions::new().read(true).write(true).open(&path);
        let patience = Duration::from_millis(300);
        init().expect("GStreamer");
        let feed = Feed::file(&path).expect("filesrc");
        let mut decoding = Decoding::run(&path, feed, None, patience).expect("a pipeline");
        let result = decoding.pull(&Console::new(true, false));
        let _ = std::fs::remove_file(&path);
        drop(writer);
        let failure = result.expect_err("an error");
        assert_eq!(failure.code, Code::Damaged);
        assert!(failure.message.contains("no frame came for 0.3 seconds"), "{}", failure.message);
    }

    #[test]
    fn repeated_times_are_those_of_the_coded_frames() {
        let ms = gst::ClockTime::from_mseconds;
        let mut times = Times([0, 40, 80, 120].map(|t| (ms(t), 1)).into());
        assert_eq!(times.correct(ms(0), None), ms(0));
        assert_eq!(times.correct(ms(0), Some(ms(0))), ms(40));
        assert_eq!(times.correct(ms(0), Some(ms(40))), ms(80));
        assert_eq!(times.correct(ms(120), Some(ms(80))), ms(120));
        // Behind the last one nothing is made up, nor where the file itself repeats a time.
        assert_eq!(times.correct(ms(0), Some(ms(120))), ms(0));
        let mut times = Times([(ms(0), 2), (ms(40), 1)].into());
        assert_eq!(times.correct(ms(0), Some(ms(0))), ms(0));
    }
}
