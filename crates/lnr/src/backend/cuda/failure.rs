// SPDX-License-Identifier: MIT OR Apache-2.0

use cudarc::driver::DriverError;
use cudarc::driver::sys::CUresult;

use crate::base::Error;

/// What the driver says, when doing `what`.
pub fn failed(what: &str) -> impl Fn(DriverError) -> Error + '_ {
    move |e| {
        let cause = e.error_string().map_or_else(|_| String::new(), |s| s.to_string_lossy().into());
        let hint = match e.0 {
            CUresult::CUDA_ERROR_OUT_OF_MEMORY => {
                "; use smaller groups (max-memory, key-int-max), another device, or backend=cpu"
            }
            _ => "; the device may be lost: see the kernel log, or use backend=cpu",
        };
        Error::Backend(format!("CUDA: {what}: {cause} ({:?}){hint}", e.0))
    }
}

/// Refuses what the kernels were not made for.
pub fn unsupported(what: &str) -> Error {
    Error::Backend(format!("CUDA: {what}; use backend=cpu"))
}
