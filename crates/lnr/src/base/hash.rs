// SPDX-License-Identifier: MIT OR Apache-2.0
//! Sizes of the levels of a hash grid (FORMAT section 8), in integers: every decoder must find the same.

use super::spec::Extent;

/// Vertices of a level along a side of `side` pixels, when the frame's longer side has `resolution`
/// cells: floor(side * resolution / longer_side) + 2.
pub fn hash_vertices(side: u32, resolution: u32, longer_side: u32) -> u64 {
    u64::from(side) * u64::from(resolution) / u64::from(longer_side.max(1)) + 2
}

/// Entries of a level: one for each vertex where those are at most 2^table, else 2^table.
pub fn hash_entries(extent: &Extent, resolution: u32, table: u32) -> u64 {
    let longer_side = extent.width.max(extent.height);
    let width = hash_vertices(extent.width, resolution, longer_side);
    let height = hash_vertices(extent.height, resolution, longer_side);
    width.saturating_mul(height).min(1 << table.min(63))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vertices_are_counted_in_integers() {
        // In f32 16 / 854 is too small, and 854 times it below 16.
        assert_eq!((hash_vertices(854, 16, 854), hash_vertices(480, 16, 854)), (18, 10));
        for side in 1..3000 {
            for resolution in [1, 16, 23, 512, 16_384] {
                assert_eq!(hash_vertices(side, resolution, side), u64::from(resolution) + 2);
            }
        }
        assert_eq!(hash_vertices(7, 1, 0), 9);
    }

    #[test]
    fn levels_are_dense_until_the_table_is_full() {
        let extent = Extent { width: 854, height: 480, n_frames: 1, n_out: 3 };
        assert_eq!(hash_entries(&extent, 16, 8), 18 * 10);
        assert_eq!(hash_entries(&extent, 16, 7), 128);
        let huge = Extent { width: u32::MAX, height: u32::MAX, ..extent };
        assert_eq!(hash_entries(&huge, u32::MAX, 99), 1 << 63);
    }
}
