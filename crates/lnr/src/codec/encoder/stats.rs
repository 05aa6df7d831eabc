// SPDX-License-Identifier: MIT OR Apache-2.0

/// Running totals of an encoder.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct EncoderStats {
    /// Groups written.
    pub groups: u64,
    /// Frames written.
    pub frames: u64,
    /// Bytes written.
    pub bytes: u64,
    /// Mean over frames of the RGB PSNR in dB of what the written bytes decode to.
    pub psnr: f64,
    /// Training iterations so far.
    pub iterations: u64,
    /// Seconds spent so far.
    pub seconds: f64,
}

impl EncoderStats {
    /// Counts a group.
    pub(super) fn add(&mut self, n_frames: usize, bytes: u64, psnr: f64) {
        let n = n_frames as f64;
        self.psnr = (self.psnr * self.frames as f64 + psnr * n) / (self.frames as f64 + n);
        self.groups += 1;
        self.frames += n_frames as u64;
        self.bytes += bytes;
    }
}
