// SPDX-License-Identifier: MIT OR Apache-2.0

use crate::base::limits::MAX_SYMBOL;

/// Columns of zeros on each side, and rows of zeros above; one row of zeros lies below.
pub(super) const BORDER: usize = 2;

/// Symbols of one plane, each within ±[`MAX_SYMBOL`], with a border of zeros.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plane {
    width: usize,
    height: usize,
    /// [height + 3, width + 4], row-major
    values: Vec<i16>,
}

impl Plane {
    /// A plane of zeros.
    pub fn new(width: usize, height: usize) -> Self {
        Self { width, height, values: vec![0; (height + BORDER + 1) * (width + 2 * BORDER)] }
    }

    /// A plane of these symbols, row by row; magnitudes are cut at [`MAX_SYMBOL`].
    ///
    /// # Panics
    /// When there are not `width * height` values.
    pub fn from_values(width: usize, height: usize, values: &[i16]) -> Self {
        assert_eq!(values.len(), width * height, "values of a {width} x {height} plane");
        let mut plane = Self::new(width, height);
        for (y, row) in values.chunks_exact(width.max(1)).enumerate() {
            plane.row_mut(y).copy_from_slice(row);
        }
        let max = MAX_SYMBOL as i16;
        plane.values.iter_mut().for_each(|v| *v = (*v).clamp(-max, max));
        plane
    }

    /// Symbols in a row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Rows.
    pub fn height(&self) -> usize {
        self.height
    }

    /// Row `y`, without its border.
    ///
    /// # Panics
    /// When there is no such row.
    pub fn row(&self, y: usize) -> &[i16] {
        assert!(y < self.height, "row {y} of {}", self.height);
        &self.bordered(y + BORDER)[BORDER..][..self.width]
    }

    /// The symbol in column `x` of row `y`.
    ///
    /// # Panics
    /// When it lies outside the plane.
    pub fn get(&self, x: usize, y: usize) -> i16 {
        self.row(y)[x]
    }

    /// Whether every symbol is zero.
    pub fn is_zero(&self) -> bool {
        self.values.iter().fold(0, |any, v| any | v) == 0
    }

    /// Width and height.
    pub(super) fn size(&self) -> (usize, usize) {
        (self.width, self.height)
    }

    fn row_mut(&mut self, y: usize) -> &mut [i16] {
        let stride = self.stride();
        &mut self.values[(y + BORDER) * stride + BORDER..][..self.width]
    }

    pub(super) fn stride(&self) -> usize {
        self.width + 2 * BORDER
    }

    /// Row `y - BORDER` with its border; rows 0, 1 and the last are border altogether.
    pub(super) fn bordered(&self, y: usize) -> &[i16] {
        let stride = self.stride();
        &self.values[y * stride..][..stride]
    }

    /// The two bordered rows above row `y`, the nearer one first, and row `y` itself.
    pub(super) fn above_and_row(&mut self, y: usize) -> ([&[i16]; 2], &mut [i16]) {
        let stride = self.stride();
        let (above, rest) = self.values.split_at_mut((y + BORDER) * stride);
        let (far, near) = above[y * stride..].split_at(stride);
        ([near, far], &mut rest[..stride])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn symbols_lie_inside_a_border_of_zeros() {
        let mut p = Plane::from_values(3, 2, &[1, 2, 3, 4, i16::MAX, i16::MIN]);
        assert_eq!((p.row(0), p.get(0, 1)), (&[1, 2, 3][..], 4));
        assert_eq!(p.row(1), [4, 16_383, -16_383]);
        let ([near, far], row) = p.above_and_row(1);
        assert_eq!((near, far), (&[0, 0, 1, 2, 3, 0, 0][..], &[0; 7][..]));
        assert_eq!(row[2], 4);
        assert_eq!(p.bordered(4), [0; 7]);
        assert!(!p.is_zero() && Plane::new(3, 2).is_zero());
        assert_eq!(Plane::from_values(0, 5, &[]).size(), (0, 5));
    }
}
