// SPDX-License-Identifier: MIT OR Apache-2.0
//! How long kernels take, and what the machine could do.

use super::Cuda;
use super::args::args;
use super::device::{Device, Launch, Memory};
use crate::backend::Backend;
use crate::base::Result;

/// The launches of a kernel and their time.
#[derive(Clone, Debug)]
pub struct KernelTime {
    /// Its name.
    pub kernel: &'static str,
    /// Launches.
    pub n_launches: usize,
    /// Seconds of all of them.
    pub seconds: f64,
}

/// What the machine reaches with kernels that do one thing only.
#[derive(Clone, Copy, Debug)]
pub struct Peaks {
    /// Bytes per second to and from memory.
    pub bytes: f64,
    /// Operations of f16 matrix products per second (a multiplication and an addition are two).
    pub tensor: f64,
    /// Operations of f32 per second.
    pub float: f64,
}

args! {
    struct Peak {
        out: u64,
        n_rounds: u32,
        unused: u32,
    }
}

impl Cuda {
    /// Runs `f` and says how long each kernel took in it. Steps are not handed over at once
    /// meanwhile.
    ///
    /// # Errors
    /// Those of `f`; [`crate::base::Error::Backend`] when the device fails.
    pub fn profile<R>(&self, f: impl FnOnce() -> Result<R>) -> Result<(R, Vec<KernelTime>)> {
        self.device.spans().start();
        let outcome = f();
        let recorded = self.device.spans().stop();
        let value = outcome?;
        self.device.wait()?;
        let mut times: Vec<KernelTime> = Vec::new();
        for span in recorded {
            let (kernel, seconds) = (span.kernel, span.seconds()?);
            match times.iter_mut().find(|t| t.kernel == kernel) {
                Some(t) => {
                    t.n_launches += 1;
                    t.seconds += seconds;
                }
                None => times.push(KernelTime { kernel, n_launches: 1, seconds }),
            }
        }
        times.sort_by(|a, b| b.seconds.total_cmp(&a.seconds));
        Ok((value, times))
    }

    /// Measures the machine: the best of several runs.
    ///
    /// # Errors
    /// [`crate::base::Error::Backend`] when memory is short or the device fails.
    pub fn peaks(&self) -> Result<Peaks> {
        // Half a gigabyte, ten times the largest cache; and some milliseconds of work.
        const N: usize = 1 << 27;
        const ROUNDS: u32 = 1 << 12;
        let (from, mut to) = (self.alloc(N)?, self.alloc(N)?);
        let n_blocks = 8 * self.device.n_processors();
        let threads = (n_blocks * 256) as f64;
        let out = self.device.alloc(4 * 256)?;
        let args = Peak { out: out.address(), n_rounds: ROUNDS, unused: 0 };
        let launch = Launch::row(n_blocks, 256);
        let best = |work: f64, f: &mut dyn FnMut() -> Result<()>| -> Result<f64> {
            let mut seconds = f64::INFINITY;
            for _ in 0..8 {
                let ((), times) = self.profile(&mut *f)?;
                seconds = times.iter().map(|t| t.seconds).sum::<f64>().min(seconds);
            }
            Ok(work / seconds)
        };
        let bytes = best(12.0 * N as f64, &mut || self.add(&from, &mut to, 0..N))?;
        // A warp's product of 16 x 8 x 16.
        let mma = threads / 32.0 * f64::from(ROUNDS) * 16.0 * (2 * 16 * 8 * 16) as f64;
        let tensor = best(mma, &mut || self.device.launch("peak_mma", launch, &args))?;
        let fma = threads * f64::from(ROUNDS) * 32.0;
        let float = best(fma, &mut || self.device.launch("peak_fma", launch, &args))?;
        Ok(Peaks { bytes, tensor, float })
    }
}
