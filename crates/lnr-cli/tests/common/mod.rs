// SPDX-License-Identifier: MIT OR Apache-2.0
//! A tiny video and the command line, for the tests of `lnr`.
#![allow(dead_code)] // each test file uses a part

pub mod gif;
#[cfg(feature = "gstreamer")]
pub mod pipeline;
pub mod scenes;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use lnr::stream::{Scan, scan};
use serde_json::Value;

/// Frames of a soft pattern that moves, as Y4M. `sampling` is the C tag: 420mpeg2, 444, mono,
/// 420p10 ...
pub fn y4m(width: usize, height: usize, n_frames: usize, sampling: &str) -> Vec<u8> {
    let deep = sampling.ends_with("p10") || sampling.ends_with("mono10");
    let (sx, sy) = match &sampling[..3] {
        "420" => (2, 2),
        "422" => (2, 1),
        _ => (1, 1),
    };
    let n_planes = if sampling.starts_with("mono") { 1 } else { 3 };
    let mut out = format!("YUV4MPEG2 W{width} H{height} F25:1 Ip A1:1 C{sampling}\n").into_bytes();
    for t in 0..n_frames {
        out.extend(b"FRAME\n");
        for plane in 0..n_planes {
            let (sx, sy) = if plane == 0 { (1, 1) } else { (sx, sy) };
            for y in 0..height.div_ceil(sy) {
                for x in 0..width.div_ceil(sx) {
                    let (x, y) = ((x * sx) as f64 - 0.7 * t as f64, (y * sy) as f64);
                    let wave = (x * 0.21).sin() + (y * 0.17 + x * 0.05).cos();
                    let value = 128.0 + wave * [45.0, 20.0, -15.0][plane];
                    match deep {
                        true => out.extend(((value * 4.0) as u16).to_le_bytes()),
                        false => out.push(value as u8),
                    }
                }
            }
        }
    }
    out
}

/// A folder of its own for each test, removed at the end.
pub struct Workplace(tempfile::TempDir);

/// What one run of `lnr` did.
pub struct Run {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Workplace {
    pub fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, bytes).expect("a file in the temporary folder");
        path
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).expect("a file that lnr has written")
    }

    /// Runs `lnr` in the folder.
    pub fn lnr(&self, args: &[&str]) -> Run {
        self.lnr_with(&[], args)
    }

    /// Runs `lnr` in the folder, with variables of the environment.
    pub fn lnr_with(&self, variables: &[(&str, &str)], args: &[&str]) -> Run {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lnr"));
        command.args(args).envs(variables.iter().copied()).current_dir(self.0.path());
        Run::new(command.output().expect("lnr runs"))
    }

    /// Runs `lnr`, which must succeed.
    pub fn ok(&self, args: &[&str]) -> Run {
        let run = self.lnr(args);
        assert_eq!(run.code, 0, "lnr {args:?}: {}", run.err);
        run
    }

    /// Runs `lnr` with `--json`; it must succeed.
    pub fn json(&self, args: &[&str]) -> Value {
        let run = self.ok(&[args, &["--json"]].concat());
        serde_json::from_str(&run.out).expect("--json prints JSON")
    }

    /// Encodes quickly; `args` are further options.
    pub fn encode(&self, input: &str, output: &str, args: &[&str]) -> Value {
        let quick = ["encode", input, output, "--preset", "ultrafast", "--epochs", "4"];
        self.json(&[&quick, args].concat())
    }
}

impl Run {
    pub fn new(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// # Panics
    /// Unless it ended with this code and said this on standard error.
    pub fn failed(&self, code: i32, message: &str) {
        assert_eq!(self.code, code, "{}", self.err);
        assert!(self.err.contains(message), "{}", self.err);
    }
}

/// Waits until a process of `lnr` handles Ctrl-C.
pub fn wait_for_handler(id: u32) {
    let is_there = || {
        let status = std::fs::read_to_string(format!("/proc/{id}/status")).ok()?;
        let line = status.lines().find_map(|l| l.strip_prefix("SigCgt:"))?;
        // SIGINT is the second signal.
        u64::from_str_radix(line.trim(), 16).ok().map(|caught| caught & 2 != 0)
    };
    for _ in 0..600 {
        std::thread::sleep(std::time::Duration::from_millis(100));
        if is_there() != Some(false) {
            return;
        }
    }
    panic!("it does not handle Ctrl-C within a minute");
}

/// How many frames a Y4M file holds, and its header line.
pub fn y4m_frames(path: &Path) -> (usize, String) {
    let bytes = std::fs::read(path).expect("a Y4M file");
    let end = bytes.iter().position(|&b| b == b'\n').expect("a header");
    let header = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let n = bytes.windows(6).filter(|w| w == b"FRAME\n").count();
    (n, header)
}

/// The groups of a file, without its index.
pub fn groups(file: &[u8]) -> Vec<Vec<u8>> {
    let mut groups: Vec<Vec<u8>> = Vec::new();
    let mut rest = file;
    while !rest.is_empty() {
        let n = match scan(rest) {
            Scan::Index(len) => {
                rest = &rest[len..];
                continue;
            }
            Scan::Unit { len, is_group } => {
                if is_group {
                    groups.push(Vec::new());
                }
                len
            }
            other => panic!("{other:?}"),
        };
        groups.last_mut().expect("a group").extend(&rest[..n]);
        rest = &rest[n..];
    }
    groups
}

/// What a .lnr file holds behind its index: what an encoder has written before it is finished.
pub fn without_index(file: &[u8]) -> &[u8] {
    match scan(file) {
        Scan::Index(len) => &file[len..],
        _ => file,
    }
}
