// SPDX-License-Identifier: MIT OR Apache-2.0
//! The kernels of a GPU.

use std::collections::HashMap;
use std::ffi::{CString, c_void};
use std::sync::Arc;

use cudarc::driver::sys::{self, CUfunction_attribute as Attribute};
use cudarc::driver::{CudaContext, result};

use crate::backend::cuda::artefact::{self, KERNELS};
use crate::backend::cuda::failed;
use crate::base::{Error, Result};

/// The kernels, loaded into a context.
pub struct Kernels {
    context: Arc<CudaContext>,
    module: sys::CUmodule,
    functions: HashMap<&'static str, sys::CUfunction>,
}

// SAFETY: handles of the driver may be used by any thread.
unsafe impl Send for Kernels {}
// SAFETY: as above; handles are never changed.
unsafe impl Sync for Kernels {}

impl Kernels {
    /// Loads those compiled for this GPU, or else what the driver itself can compile. The context is
    /// the calling thread's, and blocks of the GPU have so many bytes of shared memory.
    ///
    /// # Errors
    /// [`Error::Backend`] when the driver is too old.
    pub fn load(context: Arc<CudaContext>, max_shared: usize) -> Result<Self> {
        let image = |bytes: &[u8]| {
            // SAFETY: the images are complete: a fat binary, and text that ends in zero. A driver
            // that cannot read one refuses it.
            unsafe { result::module::load_data(bytes.as_ptr().cast::<c_void>()) }
        };
        let module = match image(artefact::FATBIN) {
            Ok(module) => Ok(module),
            Err(_) => image(&artefact::ptx()?),
        };
        let module = module.map_err(failed(
            "load the kernels (a driver of 2023 or later is needed: CUDA 12.1, R530)",
        ))?;
        let mut kernels = Self { context, module, functions: HashMap::new() };
        for &name in KERNELS {
            let symbol = CString::new(name).map_err(|e| Error::Backend(format!("{name}: {e}")))?;
            // SAFETY: the module was just loaded, and outlives its functions.
            let function = unsafe { result::module::get_function(module, symbol) };
            let function = function.map_err(failed(name))?;
            let attribute = Attribute::CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES;
            // SAFETY: the function is alive, and the GPU has so much shared memory.
            let set = unsafe {
                result::function::set_function_attribute(function, attribute, max_shared as i32)
            };
            set.map_err(failed(name))?;
            kernels.functions.insert(name, function);
        }
        Ok(kernels)
    }

    /// A kernel by its name, alive as long as these are.
    ///
    /// # Errors
    /// [`Error::Backend`] when there is none.
    pub fn function(&self, name: &str) -> Result<sys::CUfunction> {
        let unknown = || Error::Backend(format!("CUDA: no kernel {name}"));
        self.functions.get(name).copied().ok_or_else(unknown)
    }
}

impl Drop for Kernels {
    fn drop(&mut self) {
        let _ = self.context.bind_to_thread();
        // SAFETY: the module is unloaded once, and its kernels are not launched any more.
        let _ = unsafe { result::module::unload(self.module) };
    }
}
