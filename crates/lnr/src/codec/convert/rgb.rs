// SPDX-License-Identifier: MIT OR Apache-2.0

use rayon::prelude::*;

use super::load_row;
use crate::base::{Chroma, ChromaSite, Picture, PictureFormat};

/// What a viewer sees: R'G'B' of full range with 8 bits, chroma interpolated linearly from where its
/// samples lie. returns: [height, width, 3] u8
pub fn to_rgb8(picture: &Picture) -> Vec<u8> {
    convert(picture, |v| (v * 255.0 + 0.5) as u8)
}

/// As [`to_rgb8`] with 16 bits. returns: [height, width, 3] u16
pub fn to_rgb16(picture: &Picture) -> Vec<u16> {
    convert(picture, |v| (v * 65_535.0 + 0.5) as u16)
}

fn convert<T: Copy + Default + Send>(picture: &Picture, quantise: fn(f32) -> T) -> Vec<T> {
    let converter = Converter::new(picture.format());
    let width = picture.format().width as usize;
    let mut out = vec![T::default(); picture.format().n_pixels() * 3];
    out.par_chunks_mut(3 * width).enumerate().for_each_init(
        || Rows::new(picture.format()),
        |rows, (y, line)| {
            converter.load(picture, y, rows);
            for (x, pixel) in line.chunks_exact_mut(3).enumerate() {
                let rgb = converter.rgb([rows.planes[0][x], rows.planes[1][x], rows.planes[2][x]]);
                for (o, v) in pixel.iter_mut().zip(rgb) {
                    *o = quantise(v);
                }
            }
        },
    );
    out
}

/// The three components of one line at full width, and room for chroma lines.
struct Rows {
    planes: [Vec<f32>; 3],
    chroma: [Vec<f32>; 2],
}

impl Rows {
    fn new(format: &PictureFormat) -> Self {
        let (width, chroma) = (format.width as usize, format.plane_size(1).0);
        Self {
            planes: std::array::from_fn(|_| vec![0.0; width]),
            chroma: std::array::from_fn(|_| vec![0.0; chroma]),
        }
    }
}

struct Converter {
    chroma: Chroma,
    /// Value of black (zero chroma) and distance to white (to chroma 1/2, doubled), in code values.
    luma: (f32, f32),
    centred: (f32, f32),
    /// Kr, Kb
    weights: (f32, f32),
    site: ChromaSite,
}

impl Converter {
    fn new(f: &PictureFormat) -> Self {
        let unit = (1u32 << (f.depth - 8)) as f32;
        let max = f32::from(f.max_value());
        let (luma, chroma) = match f.color.full_range {
            true => ((0.0, max), max),
            false => ((16.0 * unit, 219.0 * unit), 224.0 * unit),
        };
        Self {
            chroma: f.chroma,
            luma,
            centred: (128.0 * unit, chroma),
            weights: f.color.matrix.luma_weights(f.height),
            site: f.color.site,
        }
    }

    /// The components of line `y` at full width.
    fn load(&self, picture: &Picture, y: usize, rows: &mut Rows) {
        load_row(picture, 0, y, &mut rows.planes[0]);
        let (sx, sy) = self.chroma.shifts();
        for index in 1..self.chroma.n_planes() {
            if (sx, sy) == (0, 0) {
                load_row(picture, index, y, &mut rows.planes[index]);
                continue;
            }
            let [a, b] = &mut rows.chroma;
            let n = picture.format().plane_size(index).1;
            let site = self.site.offset(index);
            let (y0, y1, t) = neighbours(y, sy, site.1, n);
            load_row(picture, index, y0, a);
            if t > 0.0 {
                load_row(picture, index, y1, b);
                a.iter_mut().zip(b).for_each(|(a, b)| *a += t * (*b - *a));
            }
            for (x, o) in rows.planes[index].iter_mut().enumerate() {
                let (x0, x1, t) = neighbours(x, sx, site.0, a.len());
                *o = a[x0] + t * (a[x1] - a[x0]);
            }
        }
    }

    /// One pixel in 0..=1 from its components in code values.
    fn rgb(&self, [a, b, c]: [f32; 3]) -> [f32; 3] {
        let y = |v: f32| (v - self.luma.0) / self.luma.1;
        match self.chroma {
            Chroma::Gray => [y(a).clamp(0.0, 1.0); 3],
            Chroma::Rgb => [a, b, c].map(|v| y(v).clamp(0.0, 1.0)),
            _ => {
                let centre = |v: f32| (v - self.centred.0) / self.centred.1;
                let (y, pb, pr) = (y(a), centre(b), centre(c));
                let (kr, kb) = self.weights;
                let red = y + 2.0 * (1.0 - kr) * pr;
                let blue = y + 2.0 * (1.0 - kb) * pb;
                let green = (y - kr * red - kb * blue) / (1.0 - kr - kb);
                [red, green, blue].map(|v| v.clamp(0.0, 1.0))
            }
        }
    }
}

/// The chroma samples on both sides of luma position `i` and the weight of the second.
fn neighbours(i: usize, shift: u32, site: f32, n: usize) -> (usize, usize, f32) {
    if shift == 0 {
        return (i, i, 0.0);
    }
    let at = ((i as f32 - site) * 0.5).max(0.0);
    let first = (at as usize).min(n - 1);
    (first, (first + 1).min(n - 1), at - at.floor())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Matrix;

    fn flat(mut format: PictureFormat, matrix: Matrix, full: bool, yuv: [u16; 3]) -> Picture {
        (format.color.matrix, format.color.full_range) = (matrix, full);
        let mut p = Picture::new(format).unwrap();
        for (i, v) in yuv.into_iter().enumerate().take(format.chroma.n_planes()) {
            let (w, h) = format.plane_size(i);
            (0..w * h).for_each(|at| p.set_sample(i, at % w, at / w, v));
        }
        p
    }

    #[test]
    fn primaries_come_out_right() {
        let f = PictureFormat::new(3, 3, Chroma::Yuv420, 8);
        // Red in video range is (81, 90, 240) in BT.601 and (63, 102, 240) in BT.709.
        for (matrix, yuv) in [(Matrix::Bt601, [81, 90, 240]), (Matrix::Bt709, [63, 102, 240])] {
            let rgb = to_rgb8(&flat(f, matrix, false, yuv));
            for p in rgb.chunks(3) {
                assert!(p[0] >= 254 && p[1] <= 1 && p[2] <= 1, "{matrix:?}: {p:?}");
            }
        }
        assert_eq!(to_rgb8(&flat(f, Matrix::Bt601, false, [235, 128, 128]))[..3], [255; 3]);
        assert_eq!(to_rgb8(&flat(f, Matrix::Bt601, true, [235, 128, 128]))[..3], [235; 3]);
    }

    #[test]
    fn deep_gray_and_rgb() {
        let f = PictureFormat::new(2, 2, Chroma::Gray, 10);
        assert_eq!(to_rgb16(&flat(f, Matrix::Rgb, true, [1023, 0, 0]))[0], 65_535);
        assert_eq!(to_rgb16(&flat(f, Matrix::Bt709, false, [940, 0, 0]))[0], 65_535);
        let f = PictureFormat::new(2, 2, Chroma::Rgb, 8);
        assert_eq!(to_rgb8(&flat(f, Matrix::Rgb, true, [1, 2, 3]))[..3], [1, 2, 3]);
    }

    #[test]
    fn chroma_is_interpolated_from_its_site() {
        let position = |x, site| neighbours(x, 1, site, 4);
        assert_eq!(position(2, 0.0), (1, 2, 0.0));
        assert_eq!(position(3, 0.0), (1, 2, 0.5));
        assert_eq!(position(0, 0.5), (0, 1, 0.0));
        assert_eq!(position(1, 0.5), (0, 1, 0.25));
        assert_eq!(position(7, 0.0), (3, 3, 0.5));
    }

    /// Gray luma; chroma with a slope of 8 per luma line and of 2 per column at the site's own places.
    fn slope(site: ChromaSite) -> Picture {
        let mut f = PictureFormat::new(16, 16, Chroma::Yuv420, 8);
        f.color.site = site;
        let mut p = flat(f, Matrix::Bt601, true, [128, 128, 128]);
        for (plane, x, y) in (0..128).map(|i| (1 + i / 64, i % 8, i / 8 % 8)) {
            let (dx, dy) = site.offset(plane);
            let value = 4.0 * (2.0 * y as f32 + dy) + 2.0 * (2.0 * x as f32 + dx);
            p.set_sample(plane, x, y, 60 + value as u16);
        }
        p
    }

    #[test]
    fn every_site_shows_the_same_colours() {
        use ChromaSite::{Center, Dv, Left, Top, TopLeft};
        let reference = to_rgb8(&slope(Center));
        for site in [Left, TopLeft, Top, Dv] {
            let rgb = to_rgb8(&slope(site));
            for (x, y) in (2..14).flat_map(|y| (2..14).map(move |x| (x, y))) {
                let at = (y * 16 + x) * 3;
                let [a, b] = [&reference, &rgb].map(|v| [v[at], v[at + 1], v[at + 2]]);
                assert!(a.iter().zip(b).all(|(a, b)| a.abs_diff(b) <= 2), "{site:?} {a:?} {b:?}");
            }
        }
    }
}
