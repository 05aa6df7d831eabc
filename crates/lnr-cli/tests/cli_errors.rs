// SPDX-License-Identifier: MIT OR Apache-2.0
//! What `lnr` says and how it exits when something is wrong.
mod common;

use common::{Workplace, y4m};

#[test]
fn wrong_usage_exits_with_1() {
    let w = Workplace::new();
    w.write("in.y4m", &y4m(32, 32, 2, "420mpeg2"));
    w.lnr(&[]).failed(1, "Usage");
    w.lnr(&["encode"]).failed(1, "<INPUT>");
    w.lnr(&["encode", "in.y4m", "in.y4m"]).failed(1, "same file");
    w.lnr(&["encode", "in.y4m", "o.xyz"]).failed(1, ".lnr");
    w.lnr(&["encode", "in.y4m", "o.lnr", "--quality", "101"]).failed(1, "0 to 100");
    w.lnr(&["encode", "in.y4m", "o.lnr", "--size", "3:4"]).failed(1, "320x180");
    w.lnr(&["encode", "in.y4m", "o.lnr", "--quality", "9", "--bitrate", "9"])
        .failed(1, "cannot be used with");
    w.lnr(&["encode", "in.y4m", "o.lnr", "--key-int-max", "999"]).failed(1, "key-int-max");
    w.lnr(&["encode", "in.y4m", "o.lnr", "--threads", "100000"]).failed(1, "at most 4 for each of");
    w.lnr(&["compare", "in.y4m", "in.y4m", "--threads", "257"]).failed(1, "at most 4 for each of");
    w.lnr(&["encode", "in.y4m", "o.lnr", "--preset", "quick"]).failed(1, "ultrafast");
    w.lnr(&["encode", "in.y4m", "o.lnr", "--start", "5"]).failed(1, "it has 2 frames");
    w.lnr(&["encode", "in.y4m", "o.lnr", "--size", "99999x99999"]).failed(1, "limit");
    assert!(!w.path("o.lnr").exists());
}

#[test]
fn unreadable_input_exits_with_2() {
    let w = Workplace::new();
    w.lnr(&["encode", "none.y4m", "o.lnr"]).failed(2, "none.y4m");
    w.lnr(&["info", "none.lnr"]).failed(2, "none.lnr");
    w.lnr(&["compare", "a", "b"]).failed(2, "b: ");
    std::fs::create_dir(w.path("folder.y4m")).unwrap();
    w.lnr(&["encode", "folder.y4m", "o.lnr"]).failed(2, "directory");
}

#[test]
fn damaged_or_foreign_input_exits_with_3() {
    let w = Workplace::new();
    w.write("empty.lnr", b"");
    w.write("junk.lnr", &[7; 5000]);
    w.write("odd.y4m", b"YUV4MPEG2 W16 H16 C411\n");
    w.write("laced.y4m", b"YUV4MPEG2 W16 H16 It\n");
    w.write("text.txt", b"no video at all");
    w.lnr(&["info", "empty.lnr"]).failed(3, "empty");
    w.lnr(&["info", "junk.lnr"]).failed(3, "no LNR group");
    w.lnr(&["decode", "junk.lnr", "o.y4m"]).failed(3, "no LNR group");
    w.lnr(&["encode", "odd.y4m", "o.lnr"]).failed(3, "C411");
    w.lnr(&["encode", "laced.y4m", "o.lnr"]).failed(3, "deinterlace");
    w.lnr(&["encode", "text.txt", "o.lnr"]).failed(3, "text.txt");
    w.lnr(&["info", "odd.y4m"]).failed(3, "not an LNR file");
    assert!(!w.path("o.lnr").exists() && !w.path("o.y4m").exists());
}

#[test]
fn help_names_every_exit_code() {
    let w = Workplace::new();
    let help = w.ok(&["--help"]).out;
    for code in [
        "\n  0 ", "\n  1 ", "\n  2 ", "\n  3 ", "\n  4 ", "\n  5 ", "\n  6 ", "\n  130 ",
        "\n  141 ",
    ] {
        assert!(help.contains(code), "{help}");
    }
    let text = include_str!("../../../docs/CLI.md");
    for code in
        ["| 0 |", "| 1 |", "| 2 |", "| 3 |", "| 4 |", "| 5 |", "| 6 |", "| 130 |", "| 141 |"]
    {
        assert!(text.contains(code), "{code}");
    }
    assert!(w.ok(&["--version"]).out.starts_with("lnr "));
}

#[test]
fn the_reference_document_names_every_option() {
    let w = Workplace::new();
    let text = include_str!("../../../docs/CLI.md");
    for command in ["encode", "decode", "info", "compare"] {
        let help = w.ok(&[command, "--help"]).out;
        let options = help.split_whitespace().filter(|t| t.starts_with("--") && t.len() > 2);
        for option in options {
            let name = option.trim_end_matches([',', '.', ']', '>', '`']);
            let is_common = ["--help", "--version"].contains(&name);
            assert!(is_common || text.contains(name), "{command} {name}");
        }
    }
}
