// SPDX-License-Identifier: MIT OR Apache-2.0
//! The chosen backend, and a group loaded into it.

use std::fmt;

use super::model::{Decoded, Model};
use super::{BackendChoice, EngineSettings};
#[cfg(feature = "cuda")]
use crate::backend::cuda::Cuda;
use crate::backend::paper::{PaperBackend, PaperPurpose, PaperShape};
use crate::backend::{Backend, Params, Purpose, Shape, cpu::Cpu, reference::Reference};
use crate::base::{Error, Picture, Result};
use crate::train::{Recipe, Report, Trained, train, train_paper};

/// Most bytes that rendering may keep of what does not depend on time.
const MAX_PREFIX: usize = 512 << 20;

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

/// A backend that was chosen at run time. One thread at a time may use it: a GPU records what it is
/// asked for.
pub enum Engine {
    /// Kernels on a GPU.
    #[cfg(feature = "cuda")]
    Cuda(Cuda),
    /// SIMD on all cores, and [`BackendInfo::no_gpu`].
    Cpu(Cpu, Option<String>),
    /// The oracle.
    Reference(Reference),
}

impl Engine {
    /// Starts a backend. The environment variable `LNR_BACKEND` overrules [`BackendChoice::Auto`].
    ///
    /// # Errors
    /// [`Error::Backend`] when it cannot be started; [`Error::InvalidSetting`] when the variable
    /// names no backend.
    pub fn new(config: EngineSettings) -> Result<Self> {
        let choice = match (config.backend, std::env::var(VARIABLE)) {
            (BackendChoice::Auto, Ok(name)) => name.parse().map_err(|e| match e {
                Error::InvalidSetting(text) => Error::InvalidSetting(format!("{VARIABLE}: {text}")),
                e => e,
            })?,
            _ => config.backend,
        };
        let cpu = |no_gpu| Ok(Self::Cpu(Cpu::new(config.threads)?, no_gpu));
        match choice {
            BackendChoice::Auto => Self::cuda(config.device).or_else(|e| match e {
                Error::Backend(cause) => cpu(Some(cause)),
                e => Err(e),
            }),
            BackendChoice::Cuda => Self::cuda(config.device),
            BackendChoice::Cpu => cpu(None),
            BackendChoice::Reference => Ok(Self::Reference(Reference)),
        }
    }

    #[cfg(feature = "cuda")]
    fn cuda(device: u32) -> Result<Self> {
        Ok(Self::Cuda(Cuda::new(device as usize)?))
    }

    #[cfg(not(feature = "cuda"))]
    fn cuda(_: u32) -> Result<Self> {
        Err(Error::Backend(
            "CUDA: this build lacks it; build with feature `cuda`, or use backend=cpu".into(),
        ))
    }

    /// What it is.
    pub fn describe(&self) -> BackendInfo {
        let (name, no_gpu) = match self {
            #[cfg(feature = "cuda")]
            Self::Cuda(b) => (format!("CUDA: {}", b.name()), None),
            Self::Cpu(b, no_gpu) => (format!("CPU: {}", b.name()), no_gpu.clone()),
            Self::Reference(_) => ("reference".into(), None),
        };
        BackendInfo { name, no_gpu }
    }

    /// Bytes that are free on its GPU, if it has one.
    ///
    /// # Errors
    /// [`Error::Backend`] when the GPU fails.
    pub fn free_bytes(&self) -> Result<Option<u64>> {
        match self {
            #[cfg(feature = "cuda")]
            Self::Cuda(b) => Ok(Some(b.free_bytes()? as u64)),
            Self::Cpu(..) | Self::Reference(_) => Ok(None),
        }
    }

    /// See [`train`].
    pub fn train(
        &self,
        shape: &Shape,
        recipe: &Recipe,
        pictures: &[&Picture],
        measure: &(dyn Fn(&Trained) -> Result<f64> + Sync),
        report: &mut (dyn FnMut(&Report) -> Result<()> + Send),
    ) -> Result<Trained> {
        match self {
            #[cfg(feature = "cuda")]
            Self::Cuda(b) => train(b, shape, recipe, pictures, measure, report),
            Self::Cpu(b, _) => train(b, shape, recipe, pictures, measure, report),
            Self::Reference(b) => train(b, shape, recipe, pictures, measure, report),
        }
    }

    /// See [`train_paper`].
    pub fn train_paper(
        &self,
        shape: &PaperShape,
        recipe: &Recipe,
        pictures: &[&Picture],
        report: &mut (dyn FnMut(&Report) -> Result<()> + Send),
    ) -> Result<(Vec<f32>, u32)> {
        match self {
            #[cfg(feature = "cuda")]
            Self::Cuda(b) => train_paper(b, shape, recipe, pictures, report),
            Self::Cpu(b, _) => train_paper(b, shape, recipe, pictures, report),
            Self::Reference(b) => train_paper(b, shape, recipe, pictures, report),
        }
    }

    /// Uploads a group.
    pub fn load(&self, model: Model, decoded: Decoded) -> Result<Scene> {
        Ok(match self {
            #[cfg(feature = "cuda")]
            Self::Cuda(b) => Scene::Cuda(Box::new(Loaded::new(b, model, decoded)?)),
            Self::Cpu(b, _) => Scene::Cpu(Box::new(Loaded::new(b, model, decoded)?)),
            Self::Reference(b) => Scene::Reference(Box::new(Loaded::new(b, model, decoded)?)),
        })
    }

    /// Renders time `tau` (in frames) of a group that this engine loaded.
    pub fn render(&self, scene: &mut Scene, tau: f32, out: &mut Picture) -> Result<()> {
        match (self, scene) {
            #[cfg(feature = "cuda")]
            (Self::Cuda(b), Scene::Cuda(s)) => s.render(b, tau, out),
            (Self::Cpu(b, _), Scene::Cpu(s)) => s.render(b, tau, out),
            (Self::Reference(b), Scene::Reference(s)) => s.render(b, tau, out),
            _ => Err(Error::Backend("a group of another backend".into())),
        }
    }
}

/// A group in the memory of its backend.
pub enum Scene {
    /// Of [`Engine::Cuda`].
    #[cfg(feature = "cuda")]
    Cuda(Box<Loaded<Cuda>>),
    /// Of [`Engine::Cpu`].
    Cpu(Box<Loaded<Cpu>>),
    /// Of [`Engine::Reference`].
    Reference(Box<Loaded<Reference>>),
}

/// The buffers of a group.
pub enum Loaded<B: PaperBackend> {
    Warp(Warp<B>),
    Paper { shape: PaperShape, workspace: B::PaperWorkspace, params: B::Buffer },
}

/// The buffers of a group of profile `warp`.
pub struct Warp<B: Backend> {
    shape: Shape,
    workspace: B::Workspace,
    grids: B::Buffer,
    network: B::Buffer,
    modulated: B::Buffer,
}

impl<B: PaperBackend> Loaded<B> {
    fn new(backend: &B, model: Model, decoded: Decoded) -> Result<Self> {
        let upload = |values: &[f32]| -> Result<B::Buffer> {
            let mut buffer = backend.alloc(values.len())?;
            backend.write(&mut buffer, 0, values)?;
            Ok(buffer)
        };
        match (model, decoded) {
            (Model::Warp(shape), Decoded::Warp(decoded)) => {
                let mut workspace = backend.workspace(&shape, Purpose::Render)?;
                let (grids, network) = (upload(&decoded.grids)?, upload(&decoded.network)?);
                let modulated = backend.alloc(shape.network.modulated_len())?;
                let params = Params { grids: &grids, network: &network, modulated: &modulated };
                backend.load(&mut workspace, &shape, &params)?;
                Ok(Self::Warp(Warp { shape, workspace, grids, network, modulated }))
            }
            (Model::Paper(shape, _), Decoded::Paper(params)) => Ok(Self::Paper {
                workspace: backend
                    .paper_workspace(&shape, PaperPurpose::Render { max_prefix: MAX_PREFIX })?,
                params: upload(&params)?,
                shape,
            }),
            _ => Err(Error::Backend("parameters of another model".into())),
        }
    }

    fn render(&mut self, backend: &B, tau: f32, out: &mut Picture) -> Result<()> {
        // Beyond the last frame the last frame is held.
        match self {
            Self::Warp(Warp { shape, workspace, grids, network, modulated }) => {
                let tau = tau.min((shape.n_frames - 1) as f32);
                backend.modulate(shape, tau, network, modulated)?;
                let params = Params { grids: &*grids, network: &*network, modulated: &*modulated };
                backend.render(workspace, shape, tau, &params, out)
            }
            Self::Paper { shape, workspace, params } => {
                let tau = tau.min((shape.n_frames - 1) as f32);
                backend.paper_render(workspace, shape, tau, params, out)
            }
        }
    }
}
