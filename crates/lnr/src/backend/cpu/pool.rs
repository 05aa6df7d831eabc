// SPDX-License-Identifier: MIT OR Apache-2.0

use std::sync::{Mutex, PoisonError};

use rayon::{ThreadBuilder, ThreadPool, ThreadPoolBuilder};

use crate::base::{Error, Result};

/// A pool of threads of which some may start late: rayon takes what has not started for busy.
pub struct Pool {
    pool: ThreadPool,
    late: Mutex<Vec<ThreadBuilder>>,
}

impl Pool {
    /// A pool of `most` threads (0: one per core), of which `first` start now.
    ///
    /// # Errors
    /// [`Error::Backend`] when the threads cannot be started.
    pub fn new(first: usize, most: usize) -> Result<Self> {
        let mut late = Vec::new();
        let spawn = |thread: ThreadBuilder| {
            if thread.index() < first {
                return start(thread);
            }
            late.push(thread);
            Ok(())
        };
        let pool = ThreadPoolBuilder::new().num_threads(most).spawn_handler(spawn).build();
        let pool = pool.map_err(|e| Error::Backend(format!("cannot start threads: {e}")))?;
        Ok(Self { pool, late: Mutex::new(late) })
    }

    /// Does `work` on its threads, and waits for it.
    pub fn install<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        self.pool.install(work)
    }

    /// Threads that it has or may get.
    pub fn n_threads(&self) -> usize {
        self.pool.current_num_threads()
    }

    /// Starts `n` more of its threads, or those that are left. Where the system has no more, it goes on
    /// with those that it has.
    pub fn grow(&self, n: usize) {
        let mut late = self.late.lock().unwrap_or_else(PoisonError::into_inner);
        let at = late.len().saturating_sub(n);
        for thread in late.drain(at..) {
            let _ = start(thread);
        }
    }
}

fn start(thread: ThreadBuilder) -> std::io::Result<()> {
    let name = format!("lnr-{}", thread.index());
    std::thread::Builder::new().name(name).spawn(|| thread.run()).map(|_| ())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Barrier;

    use rayon::prelude::*;

    use super::*;

    /// Names of the threads that do four things at once, where there are as many threads.
    fn names(pool: &Pool, meet: usize) -> BTreeSet<Option<String>> {
        let barrier = Barrier::new(meet);
        let one = |_| {
            barrier.wait();
            std::thread::current().name().map(str::to_owned)
        };
        // One by one: of two in a row the second would wait behind the first, which waits for it.
        pool.install(|| (0..12).into_par_iter().with_max_len(1).map(one).collect())
    }

    #[test]
    fn late_threads_join_the_work() {
        let pool = Pool::new(1, 3).unwrap();
        assert_eq!((names(&pool, 1).len(), pool.n_threads()), (1, 3));
        pool.grow(1);
        assert_eq!(names(&pool, 2).len(), 2);
        pool.grow(7);
        assert_eq!(names(&pool, 3).len(), 3);
    }

    #[test]
    fn what_never_started_holds_nothing_up() {
        let pool = Pool::new(1, 64).unwrap();
        assert_eq!(pool.install(|| (0..1000).into_par_iter().sum::<u32>()), 499_500);
        drop(pool);
    }
}
