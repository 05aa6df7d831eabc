// SPDX-License-Identifier: MIT OR Apache-2.0
//! Runs the commands of README.md and docs/*.md as they stand there: every line of every block of `sh`,
//! one after another, in a folder with a tiny video under the names that the documents use.
mod plugin;
mod program;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

/// What is run in place of what stands there, and why.
struct Substitution {
    stands: &'static str,
    runs: &'static str,
    #[allow(dead_code)] // for who reads this list
    because: &'static str,
}

const SUBSTITUTIONS: [Substitution; 4] = [
    Substitution { stands: "/path/to/", runs: "$PWD/", because: "it says that a path goes there" },
    Substitution {
        stands: "--size 80x44 --frames 17 --epochs 100",
        runs: "--size 16x16 --frames 3 --epochs 1",
        because: "it trains dozens of networks for hours",
    },
    Substitution {
        stands: "--size 80x44 --frames 17 --base width=64",
        runs: "--size 16x16 --frames 3 --epochs 1 --ranks 2,3,4 \
               --base width=64,latent=32,layers=3,table=8,hyper-width=16",
        because: "it trains dozens of networks for minutes",
    },
    Substitution {
        stands: "--epochs 60",
        runs: "--epochs 1",
        because: "it trains wide networks for minutes",
    },
];

/// Makes the videos that the documents name. 30 frames a second, as where 60 are asked for.
const INPUTS: &str = "gst-launch-1.0 -q mp4mux name=mux ! filesink location=in.mp4 \
    videotestsrc num-buffers=10 ! video/x-raw,width=48,height=32,framerate=30/1 ! x264enc ! mux. \
    audiotestsrc num-buffers=15 ! audioconvert ! avenc_aac ! mux. ; cp in.mp4 clip.mp4";

/// Where pictures and sound go. The DirectFB sink crashes where there is no such screen, whatever plays.
const SINKS: &str = "fakevideosink:MAX,fakeaudiosink:MAX,dfbvideosink:NONE";

/// Longest time of one command in seconds: many times what the slowest takes.
const PATIENCE: u32 = 300;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The commands of the blocks of `sh` in a document, with the numbers of their lines. A backslash at
/// its end takes a line to the next; comments are left to the shell.
fn commands(text: &str) -> Vec<(usize, String)> {
    let (mut commands, mut is_inside, mut open) = (Vec::new(), false, None);
    for (i, line) in text.lines().enumerate() {
        if line.starts_with("```") {
            is_inside = line == "```sh";
            continue;
        }
        if !is_inside {
            continue;
        }
        let (first, mut command): (usize, String) = open.take().unwrap_or((i + 1, String::new()));
        command += line;
        match command.strip_suffix('\\') {
            Some(begun) => open = Some((first, begun.to_owned())),
            None => commands.push((first, command)),
        }
    }
    commands.retain(|(_, c)| !c.trim().is_empty() && !c.trim_start().starts_with('#'));
    commands
}

/// A folder where commands find `lnr`, the examples and videos, and where nothing is built again.
struct Workplace(tempfile::TempDir);

impl Workplace {
    fn new() -> Self {
        let place = Self(tempfile::tempdir().expect("a folder"));
        let lnr = program::lnr();
        let lnr = lnr.display();
        let cargo = env!("CARGO");
        place.script("bin/lnr", &format!("exec '{lnr}' \"$@\""));
        // The quick start builds for release: here it gets what the test has.
        place.script("target/release/lnr", &format!("exec '{lnr}' \"$@\""));
        place.script("bin/cargo", &format!("[ \"$1\" = build ] || exec '{cargo}' \"$@\""));
        // It finds no sink by itself where there is no screen, whatever it plays.
        let sinks = "--videosink=fakevideosink --audiosink=fakeaudiosink";
        let play = format!("PATH=${{PATH#*:}} exec gst-play-1.0 {sinks} \"$@\"");
        place.script("bin/gst-play-1.0", &play);
        for folder in ["examples", "tests"] {
            std::fs::create_dir(place.path(folder)).expect("a folder");
            for file in std::fs::read_dir(root().join(folder)).expect("a folder").flatten() {
                let to = place.path(folder).join(file.file_name());
                if file.path().is_file() {
                    std::fs::copy(file.path(), to).expect("copied");
                }
            }
        }
        std::os::unix::fs::symlink(root().join("data"), place.path("data")).expect("a link");
        place.run(INPUTS).expect("the inputs");
        // What it would download.
        place.run("mkdir out && cp in.mp4 out/bigbuckbunny.mp4").expect("copied");
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn script(&self, name: &str, command: &str) {
        use std::os::unix::fs::PermissionsExt;
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(&path, format!("#!/bin/sh\n{command}\n")).expect("written");
        let mode = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(&path, mode).expect("made executable");
    }

    /// Runs a command as a shell does, without a screen and speakers.
    fn run(&self, command: &str) -> Result<(), String> {
        let path = std::env::var("PATH").unwrap_or_default();
        let mut shell = plugin::command("timeout");
        shell
            .args([&PATIENCE.to_string(), "bash", "-o", "pipefail", "-c", command])
            .current_dir(self.0.path())
            .stdin(std::process::Stdio::null())
            .env("PATH", format!("{}:{path}", self.path("bin").display()))
            .env("CARGO_TARGET_DIR", self.path("target"))
            .env("GST_PLUGIN_FEATURE_RANK", SINKS)
            // What the quick start takes from there: its own defaults train for half a minute.
            .envs([("SIZE", "48x32"), ("FRAMES", "10"), ("PRESET", "ultrafast")])
            .env_remove("DISPLAY")
            .env_remove("WAYLAND_DISPLAY");
        let output = shell.output().expect("bash and timeout");
        match output.status.success() {
            true => Ok(()),
            false => Err(format!("{}\n{}", output.status, plugin::text(&output))),
        }
    }
}

/// Which substitutions were of use.
static USED: [AtomicBool; SUBSTITUTIONS.len()] =
    [const { AtomicBool::new(false) }; SUBSTITUTIONS.len()];

fn substituted(command: &str) -> String {
    let mut command = command.to_owned();
    // The paper's own widths are no help in finding whether a command runs.
    if command.starts_with("lnr eval ablation") && !command.contains("--base") {
        command += " --base width=32,latent=32,layers=3,table=8";
    }
    for (of, used) in SUBSTITUTIONS.iter().zip(&USED) {
        if command.contains(of.stands) {
            used.store(true, Ordering::Relaxed);
            command = command.replace(of.stands, of.runs);
        }
    }
    command
}

/// Runs the commands of a document; returns how many there are, and the complaints.
fn run_document(path: &Path) -> (usize, Vec<String>) {
    let text = std::fs::read_to_string(path).expect("documents are readable text");
    let commands = commands(&text);
    if commands.is_empty() {
        return (0, Vec::new());
    }
    let place = Workplace::new();
    let fails = |(line, command): &(usize, String)| {
        let begin = std::time::Instant::now();
        let result = place.run(&substituted(command));
        println!("{:6.1} s  {command}", begin.elapsed().as_secs_f64());
        result.err().map(|e| format!("{}:{line}: {command}\n{e}", path.display()))
    };
    (commands.len(), commands.iter().filter_map(fails).collect())
}

#[test]
fn commands_of_the_documents_run() {
    let docs = std::fs::read_dir(root().join("docs")).expect("the documents").flatten();
    let mut documents: Vec<_> = docs.map(|e| e.path()).collect();
    documents.retain(|p| p.extension().is_some_and(|e| e == "md"));
    documents.push(root().join("README.md"));
    let results: Vec<_> = std::thread::scope(|scope| {
        let run = |path| scope.spawn(move || run_document(path));
        let threads: Vec<_> = documents.iter().map(|path| run(path.as_path())).collect();
        threads.into_iter().map(|t| t.join().expect("a report")).collect()
    });
    let complaints: Vec<_> = results.iter().flat_map(|r| r.1.clone()).collect();
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
    let n: usize = results.iter().map(|r| r.0).sum();
    assert!(n > 20, "only {n} commands were found");
    for (of, used) in SUBSTITUTIONS.iter().zip(&USED) {
        assert!(used.load(Ordering::Relaxed), "{} stands nowhere", of.stands);
    }
}

#[test]
fn commands_that_fail_are_noticed() {
    let text = "```sh\n# a comment\ntrue # good\nls \\\n  nowhere\nfalse | true\n```\n\
                ```toml\nexit 1\n```\n";
    let found = commands(text);
    let lines: Vec<_> = found.iter().map(|c| (c.0, c.1.as_str())).collect();
    assert_eq!(lines, [(3, "true # good"), (4, "ls   nowhere"), (6, "false | true")]);
    let folder = tempfile::tempdir().expect("a folder");
    let document = folder.path().join("x.md");
    let bad =
        "gst-launch-1.0 filesrc location=in.mp4 ! decodebin ! nothing\nlnr encode no.mp4 a.lnr\n";
    std::fs::write(&document, format!("{text}```sh\n{bad}```\n")).expect("written");
    let (n, complaints) = run_document(&document);
    assert_eq!((n, complaints.len()), (5, 4), "{complaints:?}");
}
