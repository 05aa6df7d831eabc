// SPDX-License-Identifier: MIT OR Apache-2.0
//! Recording of operations, which ends on every path.

use crate::base::Result;

/// What can record the operations it is given instead of doing them.
pub trait Recorder {
    /// What was recorded; releases what it holds when it goes.
    type Recording;

    /// Records from now on.
    fn begin(&self) -> Result<()>;
    /// Records no longer, also where it fails.
    fn end(&self) -> Result<Self::Recording>;
}

/// Ends a recording when it goes.
struct Open<'a, R: Recorder>(Option<&'a R>);

impl<R: Recorder> Drop for Open<'_, R> {
    fn drop(&mut self) {
        if let Some(recorder) = self.0.take() {
            // What went wrong inside explains more than a broken recording.
            let _ = recorder.end();
        }
    }
}

/// Records the operations of `f`. Where `f` fails or panics, the recording is ended and released.
pub fn record<R: Recorder, T>(
    recorder: &R,
    f: impl FnOnce() -> Result<T>,
) -> Result<(T, R::Recording)> {
    recorder.begin()?;
    let mut open = Open(Some(recorder));
    let value = f()?;
    open.0 = None;
    Ok((value, recorder.end()?))
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;
    use crate::base::Error;

    /// Counts what is begun, ended and released.
    #[derive(Default)]
    struct Counts {
        begun: Cell<usize>,
        ended: Cell<usize>,
        released: Cell<usize>,
        fails: Cell<bool>,
    }

    struct Held<'a>(&'a Counts);

    impl Drop for Held<'_> {
        fn drop(&mut self) {
            self.0.released.set(self.0.released.get() + 1);
        }
    }

    impl<'a> Recorder for &'a Counts {
        type Recording = Held<'a>;

        fn begin(&self) -> Result<()> {
            self.begun.set(self.begun.get() + 1);
            Ok(())
        }

        fn end(&self) -> Result<Held<'a>> {
            self.ended.set(self.ended.get() + 1);
            if self.fails.get() { Err(Error::Cancelled) } else { Ok(Held(self)) }
        }
    }

    #[test]
    fn every_recording_is_ended_once_and_released() {
        let counts = Counts::default();
        let seen = || (counts.begun.get(), counts.ended.get(), counts.released.get());
        let (value, held) = record(&&counts, || Ok(7)).unwrap();
        assert_eq!((value, seen()), (7, (1, 1, 0)));
        drop(held);
        assert_eq!(seen(), (1, 1, 1));
        assert!(record(&&counts, || Err::<(), _>(Error::Cancelled)).is_err());
        assert_eq!(seen(), (2, 2, 2));
        let panics = || record(&&counts, || -> Result<()> { panic!("inside") }).is_ok();
        assert!(catch_unwind(AssertUnwindSafe(panics)).is_err());
        assert_eq!(seen(), (3, 3, 3));
        counts.fails.set(true);
        assert!(record(&&counts, || Ok(())).is_err());
        assert_eq!(seen(), (4, 4, 3));
    }
}
