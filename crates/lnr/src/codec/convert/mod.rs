// SPDX-License-Identifier: MIT OR Apache-2.0
//! Pictures to other sizes and to R'G'B' for showing and measuring.

mod rgb;
mod scale;
mod turn;

pub use rgb::{to_rgb8, to_rgb16};
pub use scale::Scaler;
pub use turn::Turner;

use crate::base::Picture;

/// Row `y` of plane `index` as numbers. out: [width of the plane] f32, code values
pub(crate) fn load_row(picture: &Picture, index: usize, y: usize, out: &mut [f32]) {
    let row = picture.row(index, y);
    if picture.format().sample_bytes() == 1 {
        for (o, &v) in out.iter_mut().zip(row) {
            *o = f32::from(v);
        }
    } else {
        for (o, v) in out.iter_mut().zip(row.chunks_exact(2)) {
            *o = f32::from(u16::from_le_bytes([v[0], v[1]]));
        }
    }
}
