// SPDX-License-Identifier: MIT OR Apache-2.0
//! The chosen backend.

use std::fmt;
use std::sync::{Arc, OnceLock};

use super::loaded::{Group, Loaded};
use super::payload::Parameters;
use super::threads::{self, Threads};
use super::{BackendChoice, EngineSettings};
#[cfg(feature = "cuda")]
use crate::backend::cuda::Cuda;
use crate::backend::{Backend, Shape, Stop, cpu::Cpu, reference::Reference};
use crate::base::spec::Precision;
use crate::base::{Error, Picture, PictureFormat, Result};
use crate::train::{self, Recipe, Report, Trained};

/// The variable that overrules [`BackendChoice::Auto`] by the name of a backend.
const VARIABLE: &str = "LNR_BACKEND";

/// What an encoder or a decoder computes with.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BackendInfo {
    /// Such as "CUDA: NVIDIA H200" or "CPU: AVX-512, 2 threads".
    pub name: String,
    /// Why it is no GPU, where [`BackendChoice::Auto`] looked for one.
    pub no_gpu: Option<String>,
}

impl fmt::Display for BackendInfo {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match &self.no_gpu {
            None => f.write_str(&self.name),
            Some(cause) => write!(f, "{} (no GPU: {cause})", self.name),
        }
    }
}

/// An opened backend, for programs that keep one from encoder to encoder, or want to know early
/// whether it is there. Clones share it. Encoders and decoders that share one take turns: nothing
/// else may use it while one of them works. (Groups that an encoder trains at once have engines of
/// their own.)
#[derive(Clone)]
pub struct Engine(Arc<Opened>);

struct Opened {
    device: Device,
    /// Why there is no GPU, where one was looked for.
    no_gpu: Option<String>,
    /// The CPU for groups that the GPU cannot take, where either may be used: opened when needed.
    fallback: Option<OnceLock<Device>>,
    n_threads: usize,
    /// For what a GPU leaves to the CPU; the CPU backend has threads of its own.
    host: Option<Threads>,
    /// Number of the GPU.
    gpu: u32,
}

/// A backend that was chosen at run time. There are one or two of them: their size does not matter.
#[allow(clippy::large_enum_variant)]
enum Device {
    /// Kernels on a GPU.
    #[cfg(feature = "cuda")]
    Cuda(Cuda),
    /// SIMD on all cores.
    Cpu(Cpu),
    /// The oracle.
    Reference(Reference),
}

/// Calls a generic function with the backend inside a [`Device`].
macro_rules! on {
    ($device:expr, $backend:ident => $call:expr) => {
        match $device {
            #[cfg(feature = "cuda")]
            Device::Cuda($backend) => $call,
            Device::Cpu($backend) => $call,
            Device::Reference($backend) => $call,
        }
    };
}

impl Engine {
    /// Opens a backend. The environment variable `LNR_BACKEND` overrules [`BackendChoice::Auto`] by
    /// the name of another.
    ///
    /// # Errors
    /// [`Error::Backend`] when it is not available; [`Error::InvalidSetting`] for too many threads,
    /// and when the variable names no backend.
    pub fn open(settings: impl Into<EngineSettings>) -> Result<Self> {
        let settings = settings.into();
        let gpu = settings.device;
        let n_threads = threads::count(settings.threads)?;
        let choice = match (settings.backend, std::env::var(VARIABLE)) {
            (BackendChoice::Auto, Ok(name)) => name.parse().map_err(|e| match e {
                Error::InvalidSetting(text) => Error::InvalidSetting(format!("{VARIABLE}: {text}")),
                e => e,
            })?,
            _ => settings.backend,
        };
        let cpu = || Ok(Device::Cpu(Cpu::new(n_threads)?));
        let (device, no_gpu) = match choice {
            BackendChoice::Auto => match cuda(gpu) {
                Err(Error::Backend(cause)) => (cpu()?, Some(cause)),
                other => (other?, None),
            },
            BackendChoice::Cuda => (cuda(gpu)?, None),
            BackendChoice::Cpu => (cpu()?, None),
            BackendChoice::Reference => (Device::Reference(Reference), None),
        };
        let has_threads = matches!(device, Device::Cpu(_));
        let host = if has_threads { None } else { Some(Threads::new(n_threads)?) };
        let may_fall_back = choice == BackendChoice::Auto && !has_threads;
        let fallback = may_fall_back.then(OnceLock::new);
        Ok(Self(Arc::new(Opened { device, no_gpu, fallback, n_threads, host, gpu })))
    }

    /// Another one on the same device, for work beside this one's: with `first` threads, and as many as
    /// this one has once they are added.
    ///
    /// # Errors
    /// [`Error::Backend`] when the device or the threads fail.
    pub(super) fn beside(&self, first: usize) -> Result<Self> {
        let opened = &*self.0;
        let device = match &opened.device {
            #[cfg(feature = "cuda")]
            Device::Cuda(_) => cuda(opened.gpu)?,
            Device::Cpu(cpu) => Device::Cpu(cpu.beside(first)?),
            Device::Reference(_) => Device::Reference(Reference),
        };
        let host = opened.host.is_some().then(|| Threads::new(first)).transpose()?;
        Ok(Self(Arc::new(Opened {
            device,
            no_gpu: opened.no_gpu.clone(),
            fallback: opened.fallback.is_some().then(OnceLock::new),
            n_threads: first,
            host,
            gpu: opened.gpu,
        })))
    }

    /// Gives it `n` more threads. Only those of the CPU grow.
    pub(super) fn add_threads(&self, n: usize) {
        if let Device::Cpu(cpu) = &self.0.device {
            cpu.add_threads(n);
        }
    }

    /// Threads that it has, or may get.
    pub(super) fn n_threads(&self) -> usize {
        match &self.0.device {
            Device::Cpu(cpu) => cpu.n_threads(),
            _ => self.0.n_threads,
        }
    }

    /// What it computes with.
    pub fn info(&self) -> BackendInfo {
        let name = match &self.0.device {
            #[cfg(feature = "cuda")]
            Device::Cuda(b) => format!("CUDA: {}", b.name()),
            Device::Cpu(b) => format!("CPU: {}", b.name()),
            Device::Reference(_) => "reference".into(),
        };
        BackendInfo { name, no_gpu: self.0.no_gpu.clone() }
    }

    /// What it adds to the text of an encoder's settings: backends do not write the same bits.
    pub(super) fn mark(&self) -> &'static str {
        match &self.0.device {
            #[cfg(feature = "cuda")]
            Device::Cuda(_) => " backend=cuda",
            Device::Cpu(_) => "",
            Device::Reference(_) => " backend=reference",
        }
    }

    /// Does `work` on its threads: nothing in it takes others.
    pub fn run<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        match (&self.0.device, &self.0.host) {
            (Device::Cpu(cpu), _) => cpu.scope(work),
            (_, Some(threads)) => threads.run(work),
            (_, None) => work(),
        }
    }

    /// Bytes that are free on its GPU, if it has one.
    ///
    /// # Errors
    /// [`Error::Backend`] when the GPU fails.
    pub(super) fn free_bytes(&self) -> Result<Option<u64>> {
        match &self.0.device {
            #[cfg(feature = "cuda")]
            Device::Cuda(b) => Ok(Some(b.free_bytes()? as u64)),
            Device::Cpu(_) | Device::Reference(_) => Ok(None),
        }
    }

    /// What takes groups of this shape: where any backend may be used, the CPU takes what the GPU
    /// cannot.
    ///
    /// # Errors
    /// [`Error::Backend`] saying what the chosen backend cannot take.
    fn device_for(&self, shape: &Shape) -> Result<&Device> {
        let opened = &*self.0;
        let fallback = match (on!(&opened.device, b => b.supports(shape)), &opened.fallback) {
            (Ok(()), _) => return Ok(&opened.device),
            (Err(e), None) => return Err(e),
            (Err(_), Some(fallback)) => fallback,
        };
        if fallback.get().is_none() {
            // Another thread may have been quicker; then its device serves.
            let _ = fallback.set(Device::Cpu(Cpu::new(opened.n_threads)?));
        }
        fallback.get().ok_or_else(|| Error::Backend("CPU: it did not start".into()))
    }

    /// Bytes that the training of a group takes of the memory of its device, pictures too, and whether
    /// that is a GPU.
    ///
    /// # Errors
    /// Those of [`Backend::supports`].
    pub(super) fn training_bytes(
        &self,
        shape: &Shape,
        recipe: &Recipe,
        format: &PictureFormat,
    ) -> Result<(u64, bool)> {
        let device = self.device_for(shape)?;
        let bytes = on!(device, b => {
            train::bytes(b, shape, recipe) + shape.n_frames as u64 * b.picture_bytes(format)
        });
        let is_gpu = !matches!(device, Device::Cpu(_) | Device::Reference(_));
        Ok((bytes, is_gpu))
    }

    /// See [`train::train`].
    pub(super) fn train(
        &self,
        model: (&Shape, Precision),
        recipe: &Recipe,
        pictures: &[&Picture],
        measure: &(dyn Fn(&Trained) -> Result<f64> + Sync),
        report: &mut (dyn FnMut(&Report) -> Result<()> + Send),
    ) -> Result<Trained> {
        let device = self.device_for(model.0)?;
        on!(device, b => train::train(b, model, recipe, pictures, measure, report))
    }

    /// See [`train::trial`].
    pub(super) fn trial(
        &self,
        shape: &Shape,
        recipe: &Recipe,
        pictures: &[&Picture],
        measure: &(dyn Fn(&Trained) -> Result<f64> + Sync),
        report: &mut (dyn FnMut(&Report) -> Result<()> + Send),
    ) -> Result<f64> {
        let device = self.device_for(shape)?;
        on!(device, b => train::trial(b, shape, recipe, pictures, measure, report))
    }

    /// Bytes that a loaded group takes to render, its parameters too.
    ///
    /// # Errors
    /// Those of [`Backend::supports`].
    pub(super) fn rendering_bytes(&self, shape: &Shape) -> Result<u64> {
        Ok(on!(self.device_for(shape)?, b => Loaded::bytes(b, shape)))
    }

    /// Hands a group to its device.
    ///
    /// # Errors
    /// [`Error::Backend`] when memory is short or the device fails.
    pub(super) fn load(&self, shape: Shape, parameters: Parameters) -> Result<Group> {
        Ok(match self.device_for(&shape)? {
            #[cfg(feature = "cuda")]
            Device::Cuda(b) => Group::Cuda(Box::new(Loaded::new(b, shape, parameters)?)),
            Device::Cpu(b) => Group::Cpu(Box::new(Loaded::new(b, shape, parameters)?)),
            Device::Reference(b) => Group::Reference(Box::new(Loaded::new(b, shape, parameters)?)),
        })
    }

    /// Renders time `tau` (in frames) of a group that this engine loaded.
    ///
    /// # Errors
    /// [`Error::Cancelled`] when `stop` says so; [`Error::Backend`] when the device fails.
    pub(super) fn render(
        &self,
        group: &mut Group,
        tau: f32,
        stop: &Stop,
        out: &mut Picture,
    ) -> Result<()> {
        match (self.device_for(group.shape())?, group) {
            #[cfg(feature = "cuda")]
            (Device::Cuda(b), Group::Cuda(g)) => g.render(b, tau, stop, out),
            (Device::Cpu(b), Group::Cpu(g)) => g.render(b, tau, stop, out),
            (Device::Reference(b), Group::Reference(g)) => g.render(b, tau, stop, out),
            _ => Err(Error::Backend("a group of another backend".into())),
        }
    }
}

#[cfg(feature = "cuda")]
fn cuda(device: u32) -> Result<Device> {
    Ok(Device::Cuda(Cuda::new(device as usize)?))
}

#[cfg(not(feature = "cuda"))]
fn cuda(_: u32) -> Result<Device> {
    Err(Error::Backend(
        "CUDA: this build lacks it; build with feature `cuda`, or use backend=cpu".into(),
    ))
}
