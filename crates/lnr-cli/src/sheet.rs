// SPDX-License-Identifier: MIT OR Apache-2.0

use std::path::Path;

use lnr::Picture;
use lnr::convert::{Scaler, to_rgb8};

use crate::exit::{Failure, Outcome};
use crate::output::write_rgb8;

/// Widest cell in pixels.
const MAX_CELL: u32 = 640;
/// Pixels between cells.
const GAP: usize = 4;
const BACKGROUND: u8 = 32;

/// Pictures of a few frames spread evenly over a video, one row per frame.
pub struct Sheet {
    n_rows: usize,
    /// Every `stride`-th frame that was added; at most twice `n_rows`.
    kept: Vec<Vec<Picture>>,
    stride: u64,
    n_added: u64,
}

impl Sheet {
    /// A sheet of at most so many rows.
    pub fn new(n_rows: usize) -> Self {
        Self { n_rows, kept: Vec::new(), stride: 1, n_added: 0 }
    }

    /// Offers the pictures of the next frame, one per column.
    pub fn add(&mut self, pictures: Vec<Picture>) {
        let wanted = self.n_added.is_multiple_of(self.stride);
        self.n_added += 1;
        if !wanted {
            return;
        }
        self.kept.push(pictures);
        if self.kept.len() > 2 * self.n_rows {
            // Every second one goes, so that what stays is spread evenly again.
            let mut keep = [false, true].into_iter().cycle();
            self.kept.retain(|_| !keep.next().unwrap_or_default());
            self.stride *= 2;
        }
    }

    /// The frames that make the rows.
    fn rows(&self) -> impl Iterator<Item = &Vec<Picture>> {
        let (n, n_rows) = (self.kept.len(), self.n_rows.min(self.kept.len()));
        (0..n_rows).map(move |i| &self.kept[(2 * i + 1) * n / (2 * n_rows)])
    }

    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, path: &Path) -> Outcome<()> {
        let (width, height, pixels) = self.compose().map_err(|e| Failure::codec(path, e))?;
        write_rgb8(path, width as u32, height as u32, &pixels)
    }

    /// Width, height and pixels. [height, width, 3] u8
    fn compose(&self) -> lnr::Result<(usize, usize, Vec<u8>)> {
        let n_columns = self.kept.iter().map(Vec::len).max().unwrap_or(0);
        let pictures = self.kept.iter().flatten();
        let largest = pictures.map(Picture::format).max_by_key(|f| f.width);
        let Some(largest) = largest else {
            return Ok((1, 1, vec![BACKGROUND; 3]));
        };
        let cell_w = largest.width.min(MAX_CELL);
        let ratio = f64::from(largest.height) / f64::from(largest.width);
        let cell_h = ((f64::from(cell_w) * ratio).round() as u32).clamp(1, 4 * MAX_CELL);
        let (w, h) = (cell_w as usize, cell_h as usize);
        let width = n_columns * (w + GAP) - GAP;
        let height = self.rows().count() * (h + GAP) - GAP;
        let mut pixels = vec![BACKGROUND; width * height * 3];
        for (i, row) in self.rows().enumerate() {
            for (j, picture) in row.iter().enumerate() {
                let scaler = Scaler::new(picture.format(), cell_w, cell_h)?;
                let rgb = to_rgb8(&scaler.run(picture)?);
                for (y, line) in rgb.chunks_exact(3 * w).enumerate() {
                    let at = ((i * (h + GAP) + y) * width + j * (w + GAP)) * 3;
                    pixels[at..at + 3 * w].copy_from_slice(line);
                }
            }
        }
        Ok((width, height, pixels))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lnr::{Chroma, PictureFormat};

    fn picture(width: u32, value: u16) -> Picture {
        let mut p = Picture::new(PictureFormat::new(width, 2, Chroma::Rgb, 8)).unwrap();
        p.planes_mut().for_each(|plane| plane.fill(value as u8));
        p
    }

    #[test]
    fn rows_are_spread_over_the_video() {
        let mut sheet = Sheet::new(3);
        (0..100).for_each(|i| sheet.add(vec![picture(2, i)]));
        let rows: Vec<u16> = sheet.rows().map(|r| r[0].sample(0, 0, 0)).collect();
        assert_eq!(rows.len(), 3);
        assert!(rows[0] < 34 && (33..67).contains(&rows[1]) && rows[2] > 60, "{rows:?}");
        assert!(sheet.kept.len() <= 6);
    }

    #[test]
    fn cells_have_one_size() {
        let mut sheet = Sheet::new(2);
        sheet.add(vec![picture(2, 10), picture(4, 20)]);
        let (width, height, pixels) = sheet.compose().unwrap();
        assert_eq!((width, height), (4 + GAP + 4, 2));
        assert_eq!((pixels[0], pixels[3 * 4], pixels[3 * (width - 1)]), (10, BACKGROUND, 20));
        assert_eq!(Sheet::new(2).compose().unwrap().0, 1);
    }
}
