// SPDX-License-Identifier: MIT OR Apache-2.0
//! The commands of docs/PAPER.md, run as they stand there, on a tiny video and with tiny models.
mod common;

use common::{Workplace, y4m};

const TINY: &str = "width=8,layers=4,latent=4,hyper-width=4,levels=3,features=1,table=6";

/// What replaces the value of an option.
fn tiny(option: &str) -> Option<&'static str> {
    Some(match option {
        "--size" => "16x12",
        "--frames" => "9",
        "--epochs" => "1",
        "--ranks" => "1,2,3",
        "--base" | "--model" => TINY,
        _ => return None,
    })
}

/// The lines of the document's shell blocks.
fn commands(text: &str) -> Vec<&str> {
    let blocks = text.split("```sh\n").skip(1);
    blocks.flat_map(|b| b.split("```").next().unwrap_or("").lines()).collect()
}

#[test]
fn the_commands_run() {
    let w = Workplace::new();
    w.write("clip.y4m", &y4m(32, 24, 9, "420mpeg2"));
    let commands = commands(include_str!("../../../docs/PAPER.md"));
    assert!(commands.len() >= 9, "{commands:?}");
    for command in commands {
        let words: Vec<&str> = command.split_whitespace().collect();
        assert_eq!(words[0], "lnr", "{command}");
        let mut args: Vec<&str> = words[1..].to_vec();
        for i in 0..args.len() - 1 {
            if let Some(value) = tiny(args[i]) {
                args[i + 1] = value;
            }
        }
        for arg in &mut args {
            if *arg == "clip.mp4" {
                *arg = "clip.y4m";
            }
        }
        // Models for a large machine must not take its time here.
        if args[0] == "encode" && !args.contains(&"--model") {
            args.extend(["--model", TINY]);
        }
        if args[..2] == ["eval", "ablation"] && !args.contains(&"--base") {
            args.extend(["--base", TINY, "--ranks", "1,2,3"]);
        }
        w.ok(&args);
    }
}
