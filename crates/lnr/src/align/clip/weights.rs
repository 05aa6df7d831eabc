// SPDX-License-Identifier: MIT OR Apache-2.0
//! The tensors of a model: each is asked for by name and shape, and none may be left over.

use std::collections::HashSet;
use std::path::Path;

use candle_core::Tensor;
use candle_nn::{LayerNorm, Linear};

use super::{CPU, failed};
use crate::align::safetensors_file::TensorFile;
use crate::base::{Error, Result};

const FILE: &str = "model.safetensors";

pub(super) struct Weights {
    file: TensorFile,
    used: HashSet<String>,
}

impl Weights {
    /// # Errors
    /// [`Error::Model`] when there is no file of tensors in the directory, or it is damaged.
    pub fn open(folder: &Path) -> Result<Self> {
        let path = folder.join(FILE);
        if !path.exists() {
            return Err(Error::Model(format!(
                "{}: no {FILE} in it; `save_pretrained` of the Python package transformers writes one",
                folder.display()
            )));
        }
        Ok(Self { file: TensorFile::open(&path)?, used: HashSet::new() })
    }

    /// A sum over all tensors, see [`TensorFile::sum`].
    ///
    /// # Errors
    /// [`Error::Model`] when they cannot be read.
    pub fn sum(&mut self) -> Result<u32> {
        self.file.sum()
    }

    /// # Errors
    /// [`Error::Model`] when it is missing, of another shape, or no tensor of numbers.
    pub fn tensor(&mut self, name: &str, shape: &[usize]) -> Result<Tensor> {
        match self.file.shape(name) {
            None => return Err(self.file.wrong(&format!("tensor {name} is missing"))),
            Some(found) if found != shape => {
                let text =
                    format!("tensor {name} has shape {found:?}, config.json asks for {shape:?}");
                return Err(self.file.wrong(&text));
            }
            Some(_) => {}
        }
        self.used.insert(name.to_owned());
        Tensor::from_vec(self.file.read(name)?, shape, &CPU).map_err(failed)
    }

    /// `NAME.weight` [n_out, n_in] and `NAME.bias` [n_out].
    ///
    /// # Errors
    /// As [`Weights::tensor`].
    pub fn linear(&mut self, name: &str, (n_in, n_out): (usize, usize)) -> Result<Linear> {
        let weight = self.tensor(&format!("{name}.weight"), &[n_out, n_in])?;
        Ok(Linear::new(weight, Some(self.tensor(&format!("{name}.bias"), &[n_out])?)))
    }

    /// `NAME.weight` [n_out, n_in].
    ///
    /// # Errors
    /// As [`Weights::tensor`].
    pub fn projection(&mut self, name: &str, (n_in, n_out): (usize, usize)) -> Result<Linear> {
        Ok(Linear::new(self.tensor(&format!("{name}.weight"), &[n_out, n_in])?, None))
    }

    /// `NAME.weight` and `NAME.bias` [width].
    ///
    /// # Errors
    /// As [`Weights::tensor`].
    pub fn norm(&mut self, name: &str, (width, eps): (usize, f64)) -> Result<LayerNorm> {
        let weight = self.tensor(&format!("{name}.weight"), &[width])?;
        Ok(LayerNorm::new(weight, self.tensor(&format!("{name}.bias"), &[width])?, eps))
    }

    /// Sees that nothing is left but what begins as one of `others`.
    ///
    /// # Errors
    /// [`Error::Model`] naming what was left: the model is of another kind than its configuration says.
    pub fn finish(self, others: &[&str]) -> Result<()> {
        let is_known = |name: &String| {
            // Numbers of positions are no weights; the scale of the logits is of no effect on angles.
            self.used.contains(name)
                || others.iter().any(|other| name.starts_with(other))
                || name.ends_with(".position_ids")
                || ["logit_scale", "logit_bias"].contains(&name.as_str())
        };
        match self.file.names().into_iter().find(|name| !is_known(name)) {
            None => Ok(()),
            Some(name) => Err(self.file.wrong(&format!("tensor {name} belongs to nothing"))),
        }
    }
}
