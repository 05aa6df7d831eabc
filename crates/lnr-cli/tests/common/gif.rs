// SPDX-License-Identifier: MIT OR Apache-2.0
//! A GIF file, the simplest video of variable frame rate.

/// 16 x 16 pixels of black, red, green, blue, black ..., each shown for so many hundredths of a second.
pub fn gif(delays: &[u8]) -> Vec<u8> {
    let mut out = b"GIF89a\x10\x00\x10\x00\x91\x00\x00".to_vec();
    // Black, red, green, blue.
    out.extend([0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0, 255]);
    for (color, &hundredths) in (0u8..4).cycle().zip(delays) {
        out.extend([0x21, 0xF9, 4, 0, hundredths, 0, 0, 0]);
        // Comments, so that the file is larger than what is read ahead.
        (0..40).for_each(|_| out.extend([&[0x21, 0xFE, 200][..], &[b'x'; 200], &[0]].concat()));
        out.extend([0x2C, 0, 0, 0, 0, 16, 0, 16, 0, 0, 2]);
        // LZW without compression: codes of three bits, cleared before each pixel.
        let codes = std::iter::repeat_n([4u8, color], 256).flatten().chain([5]);
        let (mut bits, mut n, mut data) = (0u32, 0, Vec::new());
        for code in codes {
            bits |= u32::from(code) << n;
            n += 3;
            while n >= 8 {
                data.push(bits as u8);
                (bits, n) = (bits >> 8, n - 8);
            }
        }
        data.push(bits as u8);
        for block in data.chunks(255) {
            out.push(block.len() as u8);
            out.extend(block);
        }
        out.push(0);
    }
    out.push(b';');
    out
}
