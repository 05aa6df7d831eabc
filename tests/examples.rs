// SPDX-License-Identifier: MIT OR Apache-2.0
//! The programs in `examples`, run as a user runs them.
mod elements;
mod plugin;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use elements::*;
use gst::prelude::*;

/// An example with the plugin of this build, in this folder.
fn example(name: &str, folder: &Path) -> Command {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name);
    let mut command = plugin::command(path);
    command.current_dir(folder);
    command
}

/// An example in Rust, in this folder: cargo builds it with the tests.
fn built_example(name: &str, folder: &Path) -> Command {
    let exe = std::env::current_exe().expect("own path");
    let build = exe.ancestors().nth(2).expect("the folder of the build");
    let mut command = Command::new(build.join("examples").join(name));
    command.current_dir(folder);
    command
}

/// A folder with a clip of so many frames, 25 a second.
fn clip(n_frames: u32, width: u32, height: u32) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let caps = format!("format=I420,width={width},height={height},framerate=25/1");
    std::fs::write(folder.path().join("clip.lnr"), encode(n_frames, 8, &caps).stream())
        .expect("written");
    folder
}

/// Frames of a file that GStreamer plays, and their size.
fn played(path: &Path) -> (usize, (i32, i32)) {
    let description = format!(
        "uridecodebin3 uri=file://{} ! videoconvert ! video/x-raw,format=I420 ! appsink name=out",
        path.display()
    );
    let outcome = run(&description).ok();
    (outcome.buffers.len(), outcome.size())
}

#[test]
fn edit_renders_two_clips_one_after_the_other() {
    let folder = clip(40, 32, 24);
    let mut edit = example("edit.sh", folder.path());
    plugin::succeed(edit.args(["edit.mp4", "clip.lnr", "clip.lnr", "64x48"]));
    assert_eq!(played(&folder.path().join("edit.mp4")), (50, (64, 48)));
}

#[test]
fn hls_makes_a_playlist_of_segments() {
    let folder = clip(60, 32, 24);
    plugin::succeed(example("hls.sh", folder.path()).args(["clip.lnr", "hls", "48"]));
    let folder = folder.path().join("hls");
    let list = std::fs::read_to_string(folder.join("index.m3u8")).expect("a playlist");
    let segments: Vec<_> = list.lines().filter(|l| l.ends_with(".ts")).collect();
    assert!(segments.len() > 1 && list.contains("#EXT-X-ENDLIST"), "{list}");
    let mut n_frames = 0;
    for segment in segments {
        let (n, size) = played(&folder.join(segment));
        assert_eq!(size, (48, 36));
        n_frames += n;
    }
    assert_eq!(n_frames, 60);
}

#[test]
fn thumbnail_shows_the_frame_of_that_time() {
    let folder = clip(20, 32, 24);
    let shot = |arguments: &[&str]| {
        let mut command = example("thumbnail.py", folder.path());
        plugin::succeed(command.args(["clip.lnr", "out.png"]).args(arguments));
        let path = folder.path().join("out.png");
        let png = format!(
            "filesrc location={} ! pngdec ! videoconvert ! video/x-raw,format=RGB ! appsink name=out",
            path.display()
        );
        let outcome = run(&png).ok();
        std::fs::remove_file(path).expect("removed");
        outcome
    };
    let all = run(&format!(
        "filesrc location={} ! lnrparse ! lnrdec ! videoconvert ! video/x-raw,format=RGB \
         ! appsink name=out",
        folder.path().join("clip.lnr").display()
    ));
    // 0.5 s lie in frame 12, which begins at 0.48 s.
    assert!(shot(&["0.5"]).data() == all.data()[12..13], "another frame");
    assert!(shot(&[]).data() == all.data()[..1]);
    assert_eq!(shot(&["0.5", "80"]).size(), (80, 60));

    let mut beyond = example("thumbnail.py", folder.path());
    let output = beyond.args(["clip.lnr", "none.png", "7"]).output().expect("it runs");
    assert!(!output.status.success() && plugin::text(&output).contains("ends before 7.0 s"));
    assert!(!folder.path().join("none.png").exists());
}

/// Times and cosines that an example wrote.
fn compared(command: &mut Command) -> Vec<(f64, f64)> {
    let text = plugin::succeed(command);
    let number = |word: &str| word.parse::<f64>().expect("a number");
    let pairs = text.lines().filter_map(|line| line.split_once(' '));
    pairs.map(|(time, cosine)| (number(time), number(cosine))).collect()
}

#[test]
fn embeddings_are_read_in_python_and_in_rust() {
    let folder = clip(4, 32, 24);
    // What is seen changes at the fifth frame.
    let aligned = run(&format!(
        "concat name=c ! {ENC} key-int-max=5 clip-model=\"{MODEL}\" ! appsink name=out \
         videotestsrc num-buffers=5 pattern=red ! video/x-raw,{SMALL} ! c. \
         videotestsrc num-buffers=5 pattern=ball ! video/x-raw,{SMALL} ! c."
    ));
    std::fs::write(folder.path().join("meaning.lnr"), aligned.ok().stream()).expect("written");
    for seconds in ["0", "0.2"] {
        let programs = [
            example("read_embeddings.py", folder.path()),
            built_example("read_embeddings", folder.path()),
        ];
        let [python, rust] = programs.map(|mut p| compared(p.args(["meaning.lnr", seconds])));
        assert_eq!(python.len(), 10);
        for (i, (a, b)) in python.iter().zip(&rust).enumerate() {
            assert!((a.0 - b.0).abs() < 1e-9 && (a.1 - b.1).abs() < 2e-4, "{a:?} {b:?}");
            assert!((a.0 - i as f64 / 30.0).abs() < 1e-3, "{a:?}");
            let is_alike = (i < 5) == (seconds == "0");
            assert!(if is_alike { a.1 > 0.9 } else { a.1 < 0.8 }, "frame {i}: {a:?}");
        }
    }
    for (arguments, reason) in [
        ("clip.lnr", "does not say what its frames mean"),
        ("none.lnr", "Resource not found"),
        ("meaning.lnr 7", "ends before 7"),
    ] {
        for mut program in [
            example("read_embeddings.py", folder.path()),
            built_example("read_embeddings", folder.path()),
        ] {
            let output = program.args(arguments.split(' ')).output().expect("it runs");
            let text = plugin::text(&output);
            assert!(
                output.status.code() == Some(1) && text.contains(reason),
                "{program:?}: {text}"
            );
        }
    }
}

/// Each of these is refused with a reason, and the files that were there stay as they are.
#[test]
fn examples_refuse_what_makes_no_sense_and_files_that_exist() {
    let folder = clip(4, 32, 24);
    let clip = std::fs::read(folder.path().join("clip.lnr")).expect("the clip");
    for (name, arguments, reason) in [
        ("thumbnail.py", "clip.lnr clip.lnr", "clip.lnr exists"),
        ("thumbnail.py", "clip.lnr out.png -1", "-1: give a number"),
        ("thumbnail.py", "clip.lnr out.png nan", "nan: give a number"),
        ("thumbnail.py", "clip.lnr out.png 0 wide", "wide: give a number"),
        ("thumbnail.py", "none.lnr out.png", "Resource not found"),
        ("thumbnail.py", "clip.lnr none/out.png", "No such file"),
        ("edit.sh", "clip.lnr clip.lnr out.mp4", "clip.lnr exists"),
        ("hls.sh", "clip.lnr hls 64x48", "64x48: the width"),
        ("rtsp_server.py", "none.lnr 0", "none.lnr: no such file"),
    ] {
        let mut command = example(name, folder.path());
        let output = command.args(arguments.split(' ')).output().expect("it runs");
        let text = plugin::text(&output);
        assert!(matches!(output.status.code(), Some(1 | 2)), "{name} {arguments}: {text}");
        assert!(text.contains(reason) && !text.contains("Traceback"), "{name} {arguments}: {text}");
    }
    assert!(std::fs::read(folder.path().join("clip.lnr")).expect("the clip") == clip);
    assert_eq!(std::fs::read_dir(folder.path()).expect("the folder").count(), 1);
}

/// The server, until it is dropped.
struct Server {
    child: Child,
    url: String,
}

impl Server {
    fn new(folder: &Path) -> Self {
        let mut command = example("rtsp_server.py", folder);
        command.args(["clip.lnr", "0"]).stdout(Stdio::piped());
        // The server's library calls a URL that is refused a critical warning.
        command.env_remove("G_DEBUG").stderr(Stdio::null());
        let mut child = command.spawn().expect("the server runs");
        let mut url = String::new();
        let out = child.stdout.take().expect("its output");
        BufReader::new(out).read_line(&mut url).expect("the address");
        let server = Self { child, url: url.trim().to_owned() };
        assert!(
            server.url.starts_with("rtsp://"),
            "{}: tests/run.sh installs what it needs",
            server.url
        );
        server
    }

    /// The size of the first frames that a client gets, or its error.
    fn size(&self, query: &str) -> Result<(i32, i32), String> {
        let pipeline = parse(&format!(
            "rtspsrc location=\"{}{query}\" protocols=tcp ! rtph264depay ! h264parse ! avdec_h264 \
             ! appsink name=out sync=false",
            self.url
        ));
        let sink = pipeline.by_name("out").and_downcast::<gst_app::AppSink>().expect("appsink");
        pipeline.set_state(gst::State::Playing).expect("PLAYING");
        let bus = pipeline.bus().expect("a bus");
        let deadline = Instant::now() + Duration::from_secs(20);
        let (mut samples, mut error) = (Vec::new(), None);
        while samples.len() < 3 && error.is_none() && Instant::now() < deadline {
            samples.extend(sink.try_pull_sample(gst::ClockTime::from_mseconds(50)));
            error = bus.pop_filtered(&[gst::MessageType::Error]);
        }
        pipeline.set_state(gst::State::Null).expect("NULL");
        if let Some(gst::MessageView::Error(e)) = error.as_ref().map(|m| m.view()) {
            return Err(e.error().to_string());
        }
        assert_eq!(samples.len(), 3, "no error, and no frames");
        let caps = samples[0].caps().expect("caps");
        let s = caps.structure(0).expect("a structure");
        Ok((s.get("width").expect("width"), s.get("height").expect("height")))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn rtsp_server_renders_at_the_size_that_each_client_names() {
    // The sides are odd: H.264 gets the even ones beside them.
    let folder = clip(100, 33, 25);
    let server = Server::new(folder.path());
    assert_eq!(server.size("?width=96&height=64"), Ok((96, 64)));
    let (width, height) = server.size("?width=160").expect("a size");
    assert!(width == 160 && (height - 121).abs() <= 1, "{width}x{height}");
    let (width, height) = server.size("").expect("a size");
    assert!((width - 33).abs() == 1 && (height - 25).abs() == 1, "{width}x{height}");
    for refused in ["?width=5", "?width=100000", "?height=x", "?depth=10"] {
        assert!(server.size(refused).is_err(), "{refused}");
    }
}

/// With the client of the database as far as it is installed; without it the example says so.
#[test]
fn vectors_are_loaded_into_a_database_and_found() {
    let folder = tempfile::tempdir().expect("a folder");
    let point = |id: u32, x: f32| {
        format!(
            "{{\"id\": {id}, \"vector\": [{x}, 1.0], \"payload\": {{\"file\": \"{id}.lnr\", \
             \"start\": 0.5, \"time\": 1.0, \"end\": 2.0}}}}\n"
        )
    };
    let points = [point(0, 0.0), point(1, 9.0), point(2, 0.1)].concat();
    std::fs::write(folder.path().join("vectors.jsonl"), points).expect("written");
    let mut command = example("load_into_qdrant.py", folder.path());
    let output = command.args(["vectors.jsonl", "--like", "0"]).output().expect("it runs");
    let text = plugin::text(&output);
    match output.status.success() {
        true => {
            let lines: Vec<&str> = text.lines().collect();
            assert!(lines[0].starts_with("3 vectors of 2 dimensions"), "{text}");
            let files = lines[1..4].iter().map(|l| l.split_whitespace().nth(1).unwrap_or(""));
            assert_eq!(files.collect::<Vec<_>>(), ["0.lnr", "2.lnr", "1.lnr"], "{text}");
        }
        false => assert!(text.contains("pip install qdrant-client"), "{text}"),
    }
}

/// Without arguments each says how it is called, and what it needs.
#[test]
fn each_example_says_how_it_is_called() {
    let folder = tempfile::tempdir().expect("a folder");
    for name in ["rtsp_server.py", "thumbnail.py", "edit.sh", "hls.sh"] {
        let output = example(name, folder.path()).output().expect("it runs");
        let text = plugin::text(&output);
        assert!(!output.status.success(), "{name}");
        assert!(text.contains(&format!("examples/{name} ")) && text.contains("Needs"), "{text}");
    }
}

/// Every example is run by a test, here or as a whole by `quickstart.sh` of the documents.
#[test]
fn every_example_is_tested() {
    let this = include_str!("examples.rs");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let files: Vec<PathBuf> =
        std::fs::read_dir(folder).expect("examples").flatten().map(|e| e.path()).collect();
    assert!(files.len() >= 5);
    for file in files {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        // Those in Rust are run by the name of their program.
        let name = name.trim_end_matches(".rs");
        assert!(this.contains(&format!("\"{name}\"")) || name == "quickstart.sh", "{name}");
    }
}
