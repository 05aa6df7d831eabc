// SPDX-License-Identifier: MIT OR Apache-2.0
//! The compiled kernels, made by `kernels/build.py`.

use super::unsupported;
use crate::base::Result;

/// For every supported architecture, compiled.
pub const FATBIN: &[u8] = include_bytes!("../../../../../kernels/compiled/lnr.fatbin");

/// See [`ptx`]; a fifth of it.
const PTX: &[u8] = include_bytes!("../../../../../kernels/compiled/lnr.ptx.z");

/// All kernels.
pub const KERNELS: &[&str] = &include!("../../../../../kernels/compiled/names.in");

/// For what the fat binary does not know and drivers that cannot read it: text that the driver
/// compiles. Ends in zero.
pub fn ptx() -> Result<Vec<u8>> {
    miniz_oxide::inflate::decompress_to_vec_zlib(PTX)
        .map_err(|e| unsupported(&format!("the kernels' text is damaged ({e})")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_image_is_a_fat_binary_and_the_text_ends_in_zero() {
        assert_eq!(FATBIN[..4], [0x50, 0xED, 0x55, 0xBA]);
        let ptx = ptx().unwrap();
        assert_eq!(ptx.iter().position(|&b| b == 0), Some(ptx.len() - 1));
        let text = String::from_utf8_lossy(&ptx);
        // Drivers of March 2023 (R530) read 8.1.
        assert!(text.contains("\n.version 8.1\n") && text.contains("\n.target sm_80\n"));
    }
}
