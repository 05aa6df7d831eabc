// SPDX-License-Identifier: MIT OR Apache-2.0

use std::sync::Arc;

use super::EngineSettings;
use super::engine::{self, BackendInfo};
use super::threads::{self, Threads};
use crate::backend::Backend;
use crate::base::Result;

/// An opened backend, for programs that keep one from encoder to encoder, or want to know early
/// whether it is there. Clones share it. Encoders and decoders that share one take turns: nothing
/// else may use it while one of them works.
#[derive(Clone)]
pub struct Engine(Arc<Opened>);

struct Opened {
    engine: engine::Engine,
    /// For what a GPU leaves to the CPU; the CPU backend has threads of its own.
    host: Option<Threads>,
}

impl Engine {
    /// Opens a backend. The environment variable `LNR_BACKEND` overrules [`crate::BackendChoice::Auto`] by
    /// the name of another.
    ///
    /// # Errors
    /// [`crate::Error::Backend`] when it is not available; [`crate::Error::InvalidSetting`] for too
    /// many threads, and when the variable names no backend.
    pub fn open(settings: impl Into<EngineSettings>) -> Result<Self> {
        let mut settings = settings.into();
        settings.threads = threads::count(settings.threads)?;
        let engine = engine::Engine::new(settings)?;
        let host = match &engine {
            engine::Engine::Cpu(..) => None,
            _ => Some(Threads::new(settings.threads)?),
        };
        Ok(Self(Arc::new(Opened { engine, host })))
    }

    /// What it computes with.
    pub fn info(&self) -> BackendInfo {
        self.0.engine.describe()
    }

    /// Does `work` on its threads: nothing in it takes others.
    pub fn run<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        match (&self.0.engine, &self.0.host) {
            (engine::Engine::Cpu(cpu, _), _) => cpu.scope(work),
            (_, Some(threads)) => threads.run(work),
            (_, None) => work(),
        }
    }

    /// The backend itself.
    pub(super) fn backend(&self) -> &engine::Engine {
        &self.0.engine
    }
}
