// SPDX-License-Identifier: MIT OR Apache-2.0
//! The drawing as one HTML file that shows the picture behind a point.

use std::path::Path;

use serde_json::json;

use super::PlotArgs;
use crate::console::Console;
use crate::exit::Outcome;
use crate::export::Rows;
use crate::html::{data_of, escaped, head};
use crate::thumbnail::thumbnail;

/// Pictures in a page, at most: of 240 pixels they are about 3 MB.
const MAX_PICTURES: usize = 120;
const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// # Errors
/// When the user asked to stop.
pub fn page(args: &PlotArgs, drawing: &str, rows: &Rows, console: &Console) -> Outcome<String> {
    let step = rows.all.len().div_ceil(MAX_PICTURES);
    let mut pictures = Vec::new();
    console.start(Some(rows.all.len().div_ceil(step) as u64));
    for row in rows.all.iter().step_by(step) {
        let picture = thumbnail(Path::new(&row.file), row.time, args.compute, console)?;
        pictures.push(picture.map_or_else(String::new, |picture| data_of(&picture.png)));
        console.advance(pictures.len() as f64, row.file.clone());
    }
    console.stop();
    let point = |(i, row): (usize, &crate::export::Row)| json!([row.file, row.time, i / step]);
    let data = json!({
        "points": rows.all.iter().enumerate().map(point).collect::<Vec<_>>(),
        "pictures": pictures,
    });
    // In a script only this could end it.
    let data = data.to_string().replace('<', "\\u003c");
    let title = format!("{} points of {}", rows.all.len(), escaped(&rows.space.to_string()));
    Ok(format!(
        "{}<h1>{title}</h1>\n\
         <p>Point at a frame, or move with the arrow keys, to see it.</p>\n<main>\n{drawing}\
         <figure><img alt=\"\"><figcaption></figcaption></figure>\n</main>\n<script>\n\
         const DATA = {data};\n{SCRIPT}</script>\n</body>\n</html>\n",
        head(&title, STYLE)
    ))
}
