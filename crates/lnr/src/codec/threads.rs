// SPDX-License-Identifier: MIT OR Apache-2.0

use crate::base::limits::MAX_THREADS;
use crate::base::{Error, Result};

/// A pool of threads. [`crate::metrics`] and [`crate::convert`] use the threads of the
/// [`Threads::run`] that they are called in, and all cores outside of one; encoders and decoders use
/// those of their [`crate::Engine`].
pub struct Threads(rayon::ThreadPool);

impl Threads {
    /// Starts `n` threads; 0: one per core, at most [`crate::limits::MAX_THREADS`].
    ///
    /// # Errors
    /// [`Error::InvalidSetting`] for more than [`crate::limits::MAX_THREADS`]; [`Error::Backend`] when they
    /// cannot be started.
    pub fn new(n: usize) -> Result<Self> {
        let n = count(n)?;
        let pool = rayon::ThreadPoolBuilder::new().num_threads(n).build();
        pool.map(Self).map_err(|e| Error::Backend(format!("cannot start {n} threads: {e}")))
    }

    /// Does `work` on these threads, and waits for it.
    pub fn run<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        self.0.install(work)
    }
}

/// How many threads a setting asks for.
///
/// # Errors
/// [`Error::InvalidSetting`] for more than [`MAX_THREADS`].
pub fn count(setting: usize) -> Result<usize> {
    match setting {
        0 => Ok(std::thread::available_parallelism().map_or(1, |n| n.get()).min(MAX_THREADS)),
        n @ 1..=MAX_THREADS => Ok(n),
        n => Err(Error::InvalidSetting(format!(
            "threads {n}: choose 1 to {MAX_THREADS}, or 0 for all cores"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_are_bounded() {
        for n in [MAX_THREADS + 1, 100_000, usize::MAX] {
            let error = Threads::new(n).err().map(|e| e.to_string()).unwrap_or_default();
            assert!(error.contains("choose 1 to 256, or 0"), "{error}");
        }
        assert_eq!(count(MAX_THREADS).unwrap(), MAX_THREADS);
        assert!((1..=MAX_THREADS).contains(&count(0).unwrap()));
    }

    #[test]
    fn work_sees_no_other_threads() {
        assert_eq!(Threads::new(3).unwrap().run(rayon::current_num_threads), 3);
    }
}
