// SPDX-License-Identifier: MIT OR Apache-2.0
//! Results as one HTML file: pictures, style and script stand in it, and it asks the network for nothing.

use std::fmt::Write as _;
use std::path::{Component, Path, PathBuf};

use super::hits::Hit;
use super::report::{Report, clock};
use crate::console::Console;
use crate::exit::Outcome;
use crate::html::{data_of, escaped, head};
use crate::output::Place;
use crate::thumbnail::{Thumbnail, thumbnail};

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// Writes the page of a search.
///
/// # Errors
/// When it cannot be written, or the user asked to stop.
pub fn write(path: &Path, report: &Report, console: &Console) -> Outcome<()> {
    let mut pictures = Vec::new();
    for hit in &report.found.hits {
        pictures.push(thumbnail(report.path(hit), hit.best, report.args.compute, console)?);
    }
    Place::write(path, page(report, &pictures, path).as_bytes())
}

fn page(report: &Report, pictures: &[Option<Thumbnail>], path: &Path) -> String {
    let question = escaped(&report.question());
    let hits = &report.found.hits;
    let mut out = head(&format!("{question} – lnr search"), STYLE);
    let _ = write!(
        out,
        "<main>\n<h1>{question}</h1>\n<p>{} of {} vectors of {} files, in the space of {}. \
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
    picture: &Option<Thumbnail>,
    page: &Path,
) {
    let file = report.path(hit);
    let name = escaped(&file.to_string_lossy());
    let [begin, best, end] = [hit.begin, hit.best, hit.end].map(clock);
    let inside = match picture {
        Some(Thumbnail { png, size: (width, height) }) => format!(
            "<img src=\"{}\" width=\"{width}\" height=\"{height}\" \
             alt=\"{name} at {best}\">",
            data_of(png)
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
    path.to_string_lossy().replace(std::path::MAIN_SEPARATOR, "/")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_name_is_markup() {
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
