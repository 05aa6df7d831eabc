// SPDX-License-Identifier: MIT OR Apache-2.0
//! The page of `lnr search --sheet`, as text and in a browser.
//!
//! `LNR_SCREENSHOTS` names a folder where pictures of it are kept, to be looked at.
#![cfg(feature = "clip")]
mod common;

use std::path::{Path, PathBuf};
use std::process::Command;

use common::Workplace;
use common::scenes::{MODEL, encode, workplace};

/// Names of the browser; the first that is installed is used.
const BROWSERS: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

fn searched() -> Workplace {
    let w = workplace();
    encode(
        &w,
        "a <b> & \"c\" 'd' #1.lnr",
        &[("red", "yellow"), ("green", "white"), ("blue", "black")],
    );
    let words = "a circle <script>alert(1)</script>";
    w.ok(&["search", words, "--clip-model", MODEL, "--sheet", "page.html", "--top", "6"]);
    w
}

fn page(w: &Workplace) -> String {
    String::from_utf8(w.read("page.html")).expect("text")
}

#[test]
fn the_page_stands_alone() {
    let w = searched();
    let page = page(&w);
    assert_eq!(page.matches("<li>").count(), 6);
    assert_eq!(page.matches("src=\"data:image/png;base64,").count(), 6);
    assert_eq!(page.matches(" alt=\"").count(), 6);
    // Nothing is loaded, and nothing that a user wrote is markup.
    for bad in ["http:", "https:", "<script>alert", "<b>", "@import", "url(", "src=\"/", "<link"] {
        assert!(!page.contains(bad), "{bad}");
    }
    assert!(page.contains("default-src 'none'"));
    assert!(page.contains("a circle &lt;script&gt;alert(1)&lt;/script&gt;"));
    assert!(page.contains("href=\"./a%20%3Cb%3E%20%26%20%22c%22%20%27d%27%20%231.lnr#t="));
    assert!(page.contains("alt=\"a &lt;b&gt; &amp; &quot;c&quot; &#39;d&#39; #1.lnr at 0:00"));
    for part in ["prefers-color-scheme: dark", "a:focus", "<html lang=\"en\">", "<title>a circle"] {
        assert!(page.contains(part), "{part}");
    }
}

#[test]
fn inputs_are_safe_and_lost_pictures_are_told() {
    let w = workplace();
    // No video is written over, by whatever name.
    std::fs::hard_link(w.path("blue.lnr"), w.path("blue.html")).unwrap();
    let run = w.lnr(&["search", "--like", "red.lnr@0", "--sheet", "blue.html"]);
    run.failed(1, "input and output are the same file");
    let run = w.lnr(&["search", "--like", "red.lnr@0", "--sheet", "red.lnr"]);
    run.failed(4, "a name that ends with .html");
    std::fs::remove_file(w.path("blue.html")).unwrap();
    w.lnr(&["search", "--like", "red.lnr@0", "--sheet", "none/p.html"]).failed(4, "no folder none");
    // A file that cannot be shown: what a model saw in a video that is damaged behind.
    w.ok(&["index", "."]);
    let red = w.read("red.lnr");
    let mut damaged = red.clone();
    damaged[red.len() / 2] ^= 0x55;
    let old = std::fs::metadata(w.path("red.lnr")).unwrap().modified().unwrap();
    w.write("red.lnr", &damaged);
    std::fs::File::options()
        .write(true)
        .open(w.path("red.lnr"))
        .unwrap()
        .set_modified(old)
        .unwrap();
    let words = ["search", "red circle on white", "--clip-model", MODEL, "--top", "1"];
    let run = w.ok(&[&words[..], &["--sheet", "p.html"]].concat());
    assert!(run.err.contains("red.lnr") && run.out.contains("red.lnr"), "{}", run.err);
    let page = String::from_utf8(w.read("p.html")).unwrap();
    assert!(page.contains("no picture") && !page.contains("<img"));
}

fn browser() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let folders: Vec<_> = std::env::split_paths(&path).collect();
    let places = BROWSERS.iter().flat_map(|name| folders.iter().map(move |f| f.join(name)));
    places.into_iter().find(|p| p.is_file())
}

/// Opens a page in the browser with further options; returns what it prints.
fn browse(browser: &Path, w: &Workplace, page: &str, options: &[&str]) -> String {
    let profile = w.path("profile");
    let mut command = Command::new("timeout");
    command.arg("120").arg(browser).args([
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--virtual-time-budget=2000",
    ]);
    command.arg(format!("--user-data-dir={}", profile.display())).args(options);
    let output = command.arg(format!("file://{}", w.path(page).display())).output();
    let output = output.expect("the browser runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Presses keys one after another and notes where the focus is, whether all pictures are loaded, and which
/// rules of the network's policy were broken.
const PRESS: &str = r#"<script>
addEventListener("load", () => {
  const seen = [];
  for (const key of ["ArrowRight", "ArrowRight", "ArrowLeft", "ArrowDown", "ArrowUp", "End", "ArrowRight", "Home", "a"]) {
    const target = document.activeElement ?? document.body;
    target.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
    seen.push(document.activeElement.id || "none");
  }
  const images = [...document.images].every((i) => i.complete && i.naturalWidth > 0);
  const outline = getComputedStyle(document.activeElement).outlineStyle;
  const wide = document.documentElement.scrollWidth > innerWidth;
  document.body.dataset.seen = [...seen, images, outline, wide].join(" ");
});
</script>"#;

#[test]
fn a_browser_shows_it_and_keys_move_in_it() {
    let Some(browser) = browser() else {
        println!("skipped: none of {BROWSERS:?} is installed");
        return;
    };
    let w = searched();
    let probe = page(&w).replace("</body>", &format!("{PRESS}</body>"));
    w.write("probe.html", probe.as_bytes());
    // 800 pixels hold three results beside each other.
    let dom = browse(&browser, &w, "probe.html", &["--dump-dom", "--window-size=800,900"]);
    let seen = dom.split("data-seen=\"").nth(1).and_then(|d| d.split('"').next());
    let ids = [1, 2, 1, 4, 1, 6, 6, 1, 1].map(|i| format!("result-{i}")).join(" ");
    assert_eq!(seen, Some(format!("{ids} true solid false").as_str()));
    for (name, options) in [
        ("light.png", vec!["--window-size=1000,700"]),
        (
            "dark.png",
            vec!["--window-size=1000,700", "--force-dark-mode", "--enable-features=WebUIDarkMode"],
        ),
        ("narrow.png", vec!["--window-size=500,900"]),
    ] {
        let shot = format!("--screenshot={}", w.path(name).display());
        let options = [&options[..], &[shot.as_str()]].concat();
        browse(&browser, &w, "page.html", &options);
        let bytes = w.read(name);
        let mut reader = png::Decoder::new(std::io::Cursor::new(&bytes)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut pixels).unwrap();
        let mut colors: Vec<&[u8]> = pixels.chunks_exact(4).collect();
        colors.sort_unstable();
        colors.dedup();
        assert!(colors.len() > 100, "{name} shows {} colours", colors.len());
        if let Some(folder) = std::env::var_os("LNR_SCREENSHOTS") {
            std::fs::write(Path::new(&folder).join(name), bytes).unwrap();
        }
    }
}
