// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is asked of a GPU before anything is done with it.

use cudarc::driver::CudaContext;
use cudarc::driver::sys::CUdevice_attribute as Attribute;

use super::device::MAX_SHARED;
use super::{failed, unsupported};
use crate::base::{Error, Result};

/// The oldest compute capability that the kernels run on.
const MIN_CAPABILITY: (i32, i32) = (8, 0);

/// What a GPU is.
pub struct Facts {
    pub name: String,
    /// Processors that work at the same time.
    pub n_processors: usize,
    /// Bytes of shared memory that a block may have.
    pub max_shared: usize,
}

impl Facts {
    /// Those of a context's GPU.
    ///
    /// # Errors
    /// [`Error::Backend`] when it is too old.
    pub fn of(context: &CudaContext) -> Result<Self> {
        let name = context.name().map_err(failed("ask for the device's name"))?;
        let capability = context.compute_capability().map_err(failed("ask for the capability"))?;
        if capability < MIN_CAPABILITY {
            let (major, minor) = capability;
            return Err(unsupported(&format!(
                "{name} has compute capability {major}.{minor}, 8.0 is needed"
            )));
        }
        let attribute = Attribute::CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT;
        let n_processors = context.attribute(attribute).map_err(failed("count processors"))?;
        let attribute = Attribute::CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN;
        let max_shared = context.attribute(attribute).map_err(failed("ask for shared memory"))?;
        Ok(Self {
            name,
            n_processors: n_processors.max(1) as usize,
            max_shared: (max_shared as usize).max(MAX_SHARED),
        })
    }
}

pub fn no_driver() -> Error {
    unsupported("no driver: libcuda is not installed; install NVIDIA's driver")
}

pub fn old_driver() -> Error {
    unsupported("the driver is older than CUDA 12; install a driver of 2023 or later")
}

pub fn no_device(ordinal: usize, n_devices: i32) -> Error {
    unsupported(&format!("no device {ordinal}: there are {n_devices}; choose another `device`"))
}
