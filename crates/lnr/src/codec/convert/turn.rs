// SPDX-License-Identifier: MIT OR Apache-2.0

use crate::base::{Chroma, ChromaSite, Orientation, Picture, PictureFormat, Result};

/// Turns pictures of one format for display, as their [`Orientation`] says.
///
/// Luma, R'G'B' and full chroma only move. Halved chroma only moves, too, where its new place has a name
/// ([`ChromaSite`]); else it moves on by at most half of its distance, by linear interpolation. After a
/// quarter turn 4:2:2 becomes 4:4:4, since there is no chroma that is halved vertically alone.
pub struct Turner {
    from: PictureFormat,
    to: PictureFormat,
    orientation: Orientation,
    /// Place of chroma in the new picture, in luma samples, as [`ChromaSite::offset`] has it.
    place: (f32, f32),
}

/// Where the samples of an axis come from: two neighbours, and the share of the second.
type Taps = Vec<(usize, usize, f32)>;

impl Turner {
    /// For pictures of format `from`.
    pub fn new(from: &PictureFormat, orientation: Orientation) -> Self {
        let mut to = *from;
        let is_swapped = orientation.turns() % 2 == 1;
        if is_swapped {
            (to.width, to.height) = (from.height, from.width);
            (to.par.0, to.par.1) = (from.par.1, from.par.0);
            if from.chroma == Chroma::Yuv422 {
                to.chroma = Chroma::Yuv444;
            }
        }
        let mut turner = Self { from: *from, to, orientation, place: (0.0, 0.0) };
        let axes = [0, 1].map(|axis| turner.best_place(axis));
        turner.place = if is_swapped { (axes[1], axes[0]) } else { (axes[0], axes[1]) };
        turner.to.color.site = turner.site();
        turner
    }

    /// The format of the pictures that it makes: its size, pixel aspect ratio, chroma and chroma site
    /// may be others.
    pub fn format(&self) -> &PictureFormat {
        &self.to
    }

    /// `picture`, turned.
    ///
    /// # Errors
    /// Those of [`Picture::new`].
    pub fn run(&self, picture: &Picture) -> Result<Picture> {
        let mut out = Picture::new(self.to)?;
        let is_swapped = self.orientation.turns() % 2 == 1;
        for plane in 0..self.to.chroma.n_planes() {
            let (columns, rows) = (self.taps(plane, 0), self.taps(plane, 1));
            let (width, height) = self.to.plane_size(plane);
            for (x, y) in (0..height).flat_map(|y| (0..width).map(move |x| (x, y))) {
                let (column, row) = if is_swapped { (y, x) } else { (x, y) };
                out.set_sample(plane, x, y, blend(picture, plane, columns[column], rows[row]));
            }
        }
        Ok(out)
    }

    /// Whether an axis of the source (0 is x) runs backwards in the new picture.
    fn is_reversed(&self, axis: usize) -> bool {
        match axis {
            0 => (self.orientation.turns() >= 2) != self.orientation.mirrored(),
            _ => matches!(self.orientation.turns(), 1 | 2),
        }
    }

    /// Side of the source along an axis, how often it is halved there and in the new picture, and
    /// where its samples lie.
    fn axis(&self, plane: usize, axis: usize) -> (usize, u32, u32, f32) {
        let (from, to, offset) = (
            self.from.chroma.shifts(),
            self.to.chroma.shifts(),
            self.from.color.site.offset(plane),
        );
        let to = if self.orientation.turns() % 2 == 1 { (to.1, to.0) } else { to };
        match (plane, axis) {
            (0, 0) => (self.from.width as usize, 0, 0, 0.0),
            (0, _) => (self.from.height as usize, 0, 0, 0.0),
            (_, 0) => (self.from.width as usize, from.0, to.0, offset.0),
            _ => (self.from.height as usize, from.1, to.1, offset.1),
        }
    }

    /// The place with a name that is nearest to where halved chroma comes to lie along an axis of the
    /// source.
    fn best_place(&self, axis: usize) -> f32 {
        let natural = [1, 2].map(|plane| {
            let (n, _, _, offset) = self.axis(plane, axis);
            match self.is_reversed(axis) {
                true => ((n - 1) as f32 - offset).rem_euclid(2.0),
                false => offset,
            }
        });
        match natural {
            [a, b] if a == b && (a == 0.0 || a > 1.0) => 0.0,
            _ => 0.5,
        }
    }

    fn site(&self) -> ChromaSite {
        let old = self.from.color.site;
        let (shifts, y) = (self.to.chroma.shifts(), self.place.1);
        match (self.place.0 == 0.0, y == 0.0) {
            // What is not stated stays so.
            _ if shifts != self.from.chroma.shifts() => ChromaSite::Unknown,
            _ if shifts == (0, 0) => old,
            _ if self.place == old.offset(1) && self.place == old.offset(2) => old,
            (true, _) if shifts.1 == 0 => ChromaSite::Left,
            (false, _) if shifts.1 == 0 => ChromaSite::Center,
            (true, false) => ChromaSite::Left,
            (false, false) => ChromaSite::Center,
            (true, true) => ChromaSite::TopLeft,
            (false, true) => ChromaSite::Top,
        }
    }

    /// For each sample of the new picture along an axis of the source.
    fn taps(&self, plane: usize, axis: usize) -> Taps {
        let (n, from_shift, to_shift, offset) = self.axis(plane, axis);
        let is_x = (axis == 0) != (self.orientation.turns() % 2 == 1);
        let place = match (to_shift, is_x) {
            (0, _) => 0.0,
            (_, true) => self.place.0,
            (_, false) => self.place.1,
        };
        let last = (n - 1) >> from_shift;
        let tap = |i: usize| {
            let at = (i << to_shift) as f32 + place;
            let at = if self.is_reversed(axis) { (n - 1) as f32 - at } else { at };
            let at = if from_shift == 0 { at } else { (at - offset) * 0.5 };
            let at = at.clamp(0.0, last as f32);
            (at as usize, (at as usize + 1).min(last), at.fract())
        };
        (0..=(n - 1) >> to_shift).map(tap).collect()
    }
}

fn blend(
    picture: &Picture,
    plane: usize,
    (x0, x1, tx): (usize, usize, f32),
    (y0, y1, ty): (usize, usize, f32),
) -> u16 {
    if tx == 0.0 && ty == 0.0 {
        return picture.sample(plane, x0, y0);
    }
    let row = |y| {
        let [a, b] = [x0, x1].map(|x| f32::from(picture.sample(plane, x, y)));
        a + tx * (b - a)
    };
    let (a, b) = (row(y0), row(y1));
    (a + ty * (b - a) + 0.5) as u16
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::convert::to_rgb8;

    fn turned(picture: &Picture, code: u8) -> Picture {
        let orientation = Orientation::from_code(code).unwrap();
        Turner::new(picture.format(), orientation).run(picture).unwrap()
    }

    #[test]
    fn all_eight_move_every_pixel_to_its_place() {
        let mut picture = Picture::new(PictureFormat::new(3, 2, Chroma::Yuv444, 10)).unwrap();
        for (plane, i) in (0..3).flat_map(|p| (0..6).map(move |i| (p, i))) {
            picture.set_sample(plane, i % 3, i / 3, 300 * plane as u16 + i as u16);
        }
        // 0 1 2
        // 3 4 5
        for (code, width, expected) in [
            (0, 3, [0, 1, 2, 3, 4, 5]),
            (1, 2, [3, 0, 4, 1, 5, 2]),
            (2, 3, [5, 4, 3, 2, 1, 0]),
            (3, 2, [2, 5, 1, 4, 0, 3]),
            (4, 3, [2, 1, 0, 5, 4, 3]),
            (5, 2, [5, 2, 4, 1, 3, 0]),
            (6, 3, [3, 4, 5, 0, 1, 2]),
            (7, 2, [0, 3, 1, 4, 2, 5]),
        ] {
            let out = turned(&picture, code);
            assert_eq!(out.format().width, width, "{code}");
            for (plane, i) in (0..3).flat_map(|p| (0..6).map(move |i| (p, i))) {
                let (x, y) = (i % width as usize, i / width as usize);
                let wanted = 300 * plane as u16 + expected[i];
                assert_eq!(out.sample(plane, x, y), wanted, "{code} plane {plane} ({x}, {y})");
            }
        }
    }

    /// Gray luma, and chroma that lies on a slope at the places of its site.
    fn slope(width: u32, height: u32, chroma: Chroma, site: ChromaSite) -> Picture {
        let mut format = PictureFormat::new(width, height, chroma, 8);
        (format.color.site, format.color.full_range, format.par) = (site, true, (4, 3));
        let mut picture = Picture::new(format).unwrap();
        picture.plane_mut(0).fill(128);
        let (sx, sy) = chroma.shifts();
        for plane in [1, 2] {
            let (w, h) = format.plane_size(plane);
            let (dx, dy) = site.offset(plane);
            let along = |i: usize, shift: u32, offset| (i << shift) as f32 + shift as f32 * offset;
            for (x, y) in (0..h).flat_map(|y| (0..w).map(move |x| (x, y))) {
                let value = 70.0 + 4.0 * along(x, sx, dx) + 2.0 * along(y, sy, dy);
                picture.set_sample(plane, x, y, value as u16);
            }
        }
        picture
    }

    #[test]
    fn colours_turn_with_the_picture_whatever_the_chroma() {
        use ChromaSite::{AltLine, Center, Dv, Left, Top, TopLeft, Unknown};
        for chroma in [Chroma::Yuv420, Chroma::Yuv422] {
            for site in [Unknown, Left, Center, TopLeft, Top, Dv, AltLine] {
                for (size, code) in [(16, 12), (15, 12), (16, 11), (15, 11)]
                    .into_iter()
                    .flat_map(|s| (0..8).map(move |c| (s, c)))
                {
                    let picture = slope(size.0, size.1, chroma, site);
                    let out = turned(&picture, code);
                    let (w, h) = (out.format().width as usize, out.format().height as usize);
                    // R'G'B' of the source, turned by itself.
                    let mut rgb =
                        Picture::new(PictureFormat::new(size.0, size.1, Chroma::Rgb, 8)).unwrap();
                    for (i, v) in to_rgb8(&picture).into_iter().enumerate() {
                        let at = i / 3;
                        rgb.set_sample(i % 3, at % size.0 as usize, at / size.0 as usize, v.into());
                    }
                    let (expected, got) = (turned(&rgb, code), to_rgb8(&out));
                    for (x, y) in (2..h - 2).flat_map(|y| (2..w - 2).map(move |x| (x, y))) {
                        for c in 0..3 {
                            let (a, b) = (expected.sample(c, x, y), got[(y * w + x) * 3 + c]);
                            assert!(
                                a.abs_diff(b.into()) <= 4,
                                "{chroma:?} {site:?} {size:?} {code} ({x}, {y}): {a} {b}"
                            );
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn chroma_only_moves_where_it_can() {
        use ChromaSite::{Center, Left, Top, TopLeft, Unknown};
        for (chroma, site, code, expected, is_exact) in [
            (Chroma::Yuv420, Center, 1, Center, true),
            (Chroma::Yuv420, Center, 7, Center, true),
            (Chroma::Yuv420, Left, 1, Top, true),
            (Chroma::Yuv420, Unknown, 6, Unknown, true),
            (Chroma::Yuv420, Top, 3, Left, true),
            (Chroma::Yuv420, TopLeft, 7, TopLeft, true),
            (Chroma::Yuv420, Left, 2, Center, false),
            (Chroma::Yuv420, Left, 3, Center, false),
            (Chroma::Yuv422, Left, 6, Left, true),
            (Chroma::Yuv422, Left, 2, Center, false),
        ] {
            let picture = slope(16, 12, chroma, site);
            let out = turned(&picture, code);
            assert_eq!(out.format().color.site, expected, "{site:?} {code}");
            let sorted = |p: &Picture| {
                let mut v = p.plane(1).to_vec();
                v.sort();
                v
            };
            assert_eq!(sorted(&picture) == sorted(&out), is_exact, "{site:?} {code}");
        }
        let turned = *turned(&slope(16, 12, Chroma::Yuv422, Left), 1).format();
        assert_eq!((turned.chroma, turned.width, turned.par), (Chroma::Yuv444, 12, (3, 4)));
    }
}
