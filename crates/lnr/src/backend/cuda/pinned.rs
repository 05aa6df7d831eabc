// SPDX-License-Identifier: MIT OR Apache-2.0

use std::ops::Range;

use cudarc::driver::{CudaEvent, PinnedHostSlice};

use super::device::{Event, Landing};
use super::failed;
use crate::base::Result;

impl Event for CudaEvent {
    fn wait(&self) -> Result<()> {
        self.synchronize().map_err(failed("wait for the device"))
    }
}

/// Pinned memory of the host, and the ends of the copies to it.
pub struct Pinned {
    pub(super) bytes: PinnedHostSlice<u8>,
    /// What was copied to, and when it has arrived.
    pub(super) copies: Vec<(Range<usize>, CudaEvent)>,
}

impl Landing for Pinned {
    fn bytes(&mut self, range: Range<usize>) -> Result<&[u8]> {
        for (to, arrived) in &self.copies {
            if to.start < range.end && range.start < to.end {
                arrived.wait()?;
            }
        }
        Ok(&self.bytes.as_slice().map_err(failed("copy from the device"))?[range])
    }

    fn settle(&mut self) -> Result<()> {
        self.copies.iter().try_for_each(|(_, arrived)| arrived.wait())?;
        self.copies.clear();
        Ok(())
    }
}

impl Drop for Pinned {
    fn drop(&mut self) {
        // A copy may still be under way when an error ends the work.
        for (_, arrived) in &self.copies {
            let _ = arrived.synchronize();
        }
    }
}
