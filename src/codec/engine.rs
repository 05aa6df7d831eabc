// SPDX-License-Identifier: MIT OR Apache-2.0
//! The chosen backend, and a group loaded into it.

use super::model::{Decoded, Model};
use crate::backend::paper::{PaperBackend, PaperPurpose, PaperShape};
use crate::backend::{Backend, Choice, Params, Purpose, Shape, cpu::Cpu, reference::Reference};
use crate::base::{Error, Picture, Result};
use crate::train::{Recipe, Report, Trained, train, train_paper};

/// Most bytes that rendering may keep of what does not depend on time.
const MAX_PREFIX: usize = 512 << 20;

/// A backend that was chosen at run time.
pub enum Engine {
    /// SIMD on all cores.
    Cpu(Cpu),
    /// The oracle.
    Reference(Reference),
}

/// The variable that forces a backend: `reference` or `cpu`.
const VARIABLE: &str = "LNR_BACKEND";

impl Engine {
    /// Starts a backend. The environment variable `LNR_BACKEND` overrules [`Choice::Auto`].
    ///
    /// # Errors
    /// [`crate::base::Error::Backend`] when it cannot be started;
    /// [`crate::base::Error::InvalidSetting`] when the variable names no backend.
    pub fn new(choice: Choice, n_threads: usize) -> Result<Self> {
        let choice = match (choice, std::env::var(VARIABLE)) {
            (Choice::Auto, Ok(name)) => name.parse()?,
            _ => choice,
        };
        Ok(match choice {
            Choice::Auto | Choice::Cpu => Self::Cpu(Cpu::new(n_threads)?),
            Choice::Reference => Self::Reference(Reference),
        })
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
            Self::Cpu(b) => train(b, shape, recipe, pictures, measure, report),
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
            Self::Cpu(b) => train_paper(b, shape, recipe, pictures, report),
            Self::Reference(b) => train_paper(b, shape, recipe, pictures, report),
        }
    }

    /// Uploads a group.
    pub fn load(&self, model: Model, decoded: Decoded) -> Result<Scene> {
        Ok(match self {
            Self::Cpu(b) => Scene::Cpu(Box::new(Loaded::new(b, model, decoded)?)),
            Self::Reference(b) => Scene::Reference(Box::new(Loaded::new(b, model, decoded)?)),
        })
    }

    /// Renders time `tau` (in frames) of a group that this engine loaded.
    pub fn render(&self, scene: &mut Scene, tau: f32, out: &mut Picture) -> Result<()> {
        match (self, scene) {
            (Self::Cpu(b), Scene::Cpu(s)) => s.render(b, tau, out),
            (Self::Reference(b), Scene::Reference(s)) => s.render(b, tau, out),
            _ => Err(Error::Backend("a group of another backend".into())),
        }
    }
}

/// A group in the memory of its backend.
pub enum Scene {
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
