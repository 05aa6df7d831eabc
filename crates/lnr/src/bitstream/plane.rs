// SPDX-License-Identifier: MIT OR Apache-2.0

use crate::base::limits::MAX_SYMBOL;

/// Columns of zeros on each side, and rows of zeros above; one row of zeros lies below.
pub(super) const BORDER: usize = 2;

/// Widest plane whose rows [`Plane::row`] can show without having them: more than the widest grid.
const MAX_LAZY: usize = 1 << 15;
static ZEROS: [i16; MAX_LAZY] = [0; MAX_LAZY];

/// Symbols of one plane, each within ±[`MAX_SYMBOL`], with a border of zeros. Planes of zeros, which
/// streams may have by the thousand for a bit, take no memory.
#[derive(Clone, Debug, Default)]
pub struct Plane {
    width: usize,
    height: usize,
    /// [height + 3, width + 4], row-major; empty when all symbols are zero
    values: Vec<i16>,
}

impl Plane {
    /// A plane of zeros.
    pub fn new(width: usize, height: usize) -> Self {
        let mut plane = Self { width, height, values: Vec::new() };
        if width > MAX_LAZY {
            plane.allocate();
        }
        plane
    }

    /// A plane of these symbols, row by row; magnitudes are cut at [`MAX_SYMBOL`].
    ///
    /// # Panics
    /// When there are not `width * height` values.
    pub fn from_values(width: usize, height: usize, values: &[i16]) -> Self {
        assert_eq!(values.len(), width * height, "values of a {width} x {height} plane");
        let mut plane = Self::new(width, height);
        if values.iter().all(|&v| v == 0) {
            return plane;
        }
        plane.allocate();
        let max = MAX_SYMBOL as i16;
        for (y, row) in values.chunks_exact(width.max(1)).enumerate() {
            let to = plane.row_mut(y);
            to.iter_mut().zip(row).for_each(|(t, v)| *t = (*v).clamp(-max, max));
        }
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
        if self.is_blank() {
            return &ZEROS[..self.width];
        }
        &self.bordered(y + BORDER)[BORDER..][..self.width]
    }

    /// Whether every symbol is zero.
    pub fn is_zero(&self) -> bool {
        self.values.iter().fold(0, |any, v| any | v) == 0
    }

    /// Whether every symbol is zero and takes no memory. A plane of zeros that was coded symbol by
    /// symbol is not blank.
    pub fn is_blank(&self) -> bool {
        self.values.is_empty()
    }

    /// Takes the memory of a plane whose symbols will be set.
    pub(super) fn allocate(&mut self) {
        if self.is_blank() {
            self.values = vec![0; (self.height + BORDER + 1) * self.stride()];
        }
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

    /// Row `y - BORDER` with its border, of a plane that is not blank; rows 0, 1 and the last are
    /// border altogether.
    pub(super) fn bordered(&self, y: usize) -> &[i16] {
        let stride = self.stride();
        &self.values[y * stride..][..stride]
    }

    /// The two bordered rows above row `y`, the nearer one first, and row `y` itself, of a plane that is
    /// not blank.
    pub(super) fn above_and_row(&mut self, y: usize) -> ([&[i16]; 2], &mut [i16]) {
        let stride = self.stride();
        let (above, rest) = self.values.split_at_mut((y + BORDER) * stride);
        let (far, near) = above[y * stride..].split_at(stride);
        ([near, far], &mut rest[..stride])
    }
}

impl PartialEq for Plane {
    /// By size and symbols, whether they take memory or not.
    fn eq(&self, other: &Self) -> bool {
        self.size() == other.size() && (0..self.height).all(|y| self.row(y) == other.row(y))
    }
}

impl Eq for Plane {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn symbols_lie_inside_a_border_of_zeros() {
        let mut p = Plane::from_values(3, 2, &[1, 2, 3, 4, i16::MAX, i16::MIN]);
        assert_eq!((p.row(0), p.row(1)[0]), (&[1, 2, 3][..], 4));
        assert_eq!(p.row(1), [4, 16_383, -16_383]);
        let ([near, far], row) = p.above_and_row(1);
        assert_eq!((near, far), (&[0, 0, 1, 2, 3, 0, 0][..], &[0; 7][..]));
        assert_eq!(row[2], 4);
        assert_eq!(p.bordered(4), [0; 7]);
        assert!(!p.is_zero() && Plane::new(3, 2).is_zero());
        assert_eq!(Plane::from_values(0, 5, &[]).size(), (0, 5));
    }

    #[test]
    fn planes_of_zeros_take_no_memory() {
        let mut p = Plane::new(5, 2);
        assert!(p.is_blank() && p.values.capacity() == 0);
        assert_eq!((p.row(1), p.row(1)[4]), (&[0; 5][..], 0));
        assert!(Plane::from_values(5, 2, &[0; 10]).is_blank());
        p.allocate();
        assert!(!p.is_blank() && p.is_zero() && p == Plane::new(5, 2));
        assert!(p != Plane::new(2, 5) && p != Plane::from_values(5, 2, &[1; 10]));
        let wide = Plane::new(MAX_LAZY + 1, 1);
        assert_eq!(wide.row(0).len(), MAX_LAZY + 1);
    }
}
