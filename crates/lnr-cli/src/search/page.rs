// SPDX-License-Identifier: MIT OR Apache-2.0
//! Results as one HTML file: pictures, style and script stand in it, and it asks the network for nothing.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Component, Path, PathBuf};

use super::hits::Hit;
use super::report::{Report, clock};
use super::thumbnail::thumbnail;
use crate::console::Console;
use crate::exit::{Code, Failure, Outcome};
use crate::output::Place;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");
/// Browsers load nothing, whatever a name or a text may say.
const POLICY: &str =
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'";

/// Writes the page of a search.
///
/// # Errors
/// When it cannot be written, or the user asked to stop.
pub fn write(path: &Path, report: &Report, console: &Console) -> Outcome<()> {
    let mut pictures = Vec::new();
    for hit in &report.found.hits {
        console.check()?;
        let file = report.path(hit);
        let picture = match thumbnail(file, hit.best, report.args.compute, console) {
            Err(f) if f.code == Code::Interrupted => return Err(f),
            Err(f) => {
                console.warn(&f.message);
                None
            }
            Ok(picture) => Some(picture),
        };
        pictures.push(picture);
    }
    let text = page(report, &pictures, path);
    let (mut place, mut file) = Place::open(path)?;
    file.write_all(text.as_bytes()).map_err(|e| Failure::written(path, e))?;
    place.keep()
}

/// PNG files, and their width and height.
type Thumbnail = Option<(Vec<u8>, (u32, u32))>;

fn page(report: &Report, pictures: &[Thumbnail], path: &Path) -> String {
    let question = escaped(&report.question());
    let hits = &report.found.hits;
    let mut out = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n\
         <title>{question} – lnr search</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n\
         <main>\n<h1>{question}</h1>\n<p>{} of {} vectors of {} files, in the space of {}. \
         <kbd>Tab</kbd> and arrow keys move, <kbd>Enter</kbd> opens the file.</p>\n<ol>\n",
        match hits.len() {
            1 => "1 result".into(),
            n => format!("{n} results"),
        },
        report.found.n_rows,
        report.corpus.n_files(report.space),
        escaped(&report.space.name),
    );
    for (i, (hit, picture)) in hits.iter().zip(pictures).enumerate() {
        card(&mut out, report, (i, hit), picture, path);
    }
    let _ = write!(out, "</ol>\n</main>\n<script>\n{SCRIPT}</script>\n</body>\n</html>\n");
    out
}

fn card(
    out: &mut String,
    report: &Report,
    (i, hit): (usize, &Hit),
    picture: &Thumbnail,
    page: &Path,
) {
    let file = report.path(hit);
    let name = escaped(&file.to_string_lossy());
    let [begin, best, end] = [hit.begin, hit.best, hit.end].map(clock);
    let inside = match picture {
        Some((bytes, (width, height))) => format!(
            "<img src=\"data:image/png;base64,{}\" width=\"{width}\" height=\"{height}\" \
             alt=\"{name} at {best}\">",
            base64(bytes)
        ),
        None => "no picture".into(),
    };
    // Browsers that play the file begin there.
    let link = format!("{}#t={:.3}", encoded(&from_page(page, file)), hit.best.max(0.0));
    let _ = writeln!(
        out,
        "<li><a href=\"{link}\" id=\"result-{n}\"><span class=\"picture\">{inside}</span>\n\
         <div class=\"time\">{best}</div>\n<div class=\"file\">{name}</div>\n\
         <div class=\"facts\">{begin} – {end}<br>cosine {:.3}, {:+.1} deviations</div></a></li>",
        hit.score,
        hit.z,
        n = i + 1,
    );
}

/// How the page names a file: from its own folder on, so that both can be moved together.
fn from_page(page: &Path, file: &Path) -> String {
    let own = page.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let (Ok(own), Ok(whole)) = (own.canonicalize(), file.canonicalize()) else {
        return file.to_string_lossy().into_owned();
    };
    let pairs = own.components().zip(whole.components());
    let n_common = pairs.take_while(|(a, b)| a == b).count();
    let ups = own.components().skip(n_common).map(|_| Component::ParentDir);
    let path: PathBuf = ups.chain(whole.components().skip(n_common)).collect();
    path.to_string_lossy().replace('\\', "/")
}

/// A path as a relative link. Letters that mean something in one are given by their numbers.
fn encoded(path: &str) -> String {
    let mut out = String::new();
    // A colon in the first part would name a protocol.
    if !path.starts_with(['/', '.']) {
        out.push_str("./");
    }
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' | b'~' => {
                out.push(byte.into());
            }
            _ => {
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
    out
}

/// Text that HTML shows as it is, also within quotes.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c if c.is_control() => out.push('\u{FFFD}'),
            c => out.push(c),
        }
    }
    out
}

/// RFC 4648, section 4.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for part in bytes.chunks(3) {
        let byte = |i: usize| u32::from(part.get(i).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for i in 0..4 {
            match i <= part.len() {
                true => out.push(LETTERS[(bits >> (18 - 6 * i)) as usize & 63].into()),
                false => out.push('='),
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_become_letters() {
        let pairs =
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")];
        for (bytes, letters) in pairs {
            assert_eq!(base64(bytes.as_bytes()), letters);
        }
        assert_eq!(base64(&[0xFB, 0xFF, 0xFE]), "+//+");
    }

    #[test]
    fn nothing_in_a_name_is_markup() {
        assert_eq!(escaped("<a href=\"x\">&'\n"), "&lt;a href=&quot;x&quot;&gt;&amp;&#39;\u{FFFD}");
        assert_eq!(encoded("a b/c#1?.lnr"), "./a%20b/c%231%3F.lnr");
        assert_eq!(encoded("javascript:alert(1)"), "./javascript%3Aalert%281%29");
        assert_eq!(encoded("../ü\"<"), "../%C3%BC%22%3C");
    }

    #[test]
    fn links_begin_at_the_page() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::create_dir_all(path("videos/a")).unwrap();
        std::fs::create_dir(path("pages")).unwrap();
        std::fs::write(path("videos/a/x.lnr"), "").unwrap();
        let file = path("videos/a/x.lnr");
        assert_eq!(from_page(&path("pages/p.html"), &file), "../videos/a/x.lnr");
        assert_eq!(from_page(&path("videos/p.html"), &file), "a/x.lnr");
        assert_eq!(from_page(&path("none/p.html"), Path::new("gone.lnr")), "gone.lnr");
    }
}
