// SPDX-License-Identifier: MIT OR Apache-2.0

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use super::Features;
#[cfg(feature = "clip")]
use super::ImageModel;
use super::vectors::normalise;
use crate::base::{Error, Result, Space};

/// What says what a frame means. Clones share it.
#[derive(Clone)]
#[non_exhaustive]
pub enum Teacher {
    /// An embedding model that looks at pictures.
    #[cfg(feature = "clip")]
    Model(Arc<ImageModel>),
    /// Vectors that the user computed.
    Features(Arc<Features>),
}

impl Teacher {
    /// The teacher that options name: a model, see [`find_model`]; or a file of features, see [`Features::read`], with the name of their
    /// space. None where they name none.
    ///
    /// # Errors
    /// [`Error::InvalidSetting`] where they name both; [`Error::Model`] where it cannot be read, or this
    /// build has no models.
    ///
    /// [`find_model`]: super::find_model
    pub fn open(
        model: Option<&str>,
        features: Option<(&Path, Option<&str>)>,
    ) -> Result<Option<Self>> {
        match (model, features) {
            (Some(_), Some(_)) => Err(Error::InvalidSetting(
                "clip-model and features both say what frames mean: choose one of them".into(),
            )),
            (Some(model), None) => open_model(model).map(Some),
            (None, Some((path, space))) => {
                Ok(Some(Self::Features(Arc::new(Features::read(path, space)?))))
            }
            (None, None) => Ok(None),
        }
    }

    /// The space of its vectors.
    pub fn space(&self) -> &Space {
        match self {
            #[cfg(feature = "clip")]
            Self::Model(model) => model.space(),
            Self::Features(features) => features.space(),
        }
    }

    /// The vector of frame `number` of a video, shown at `pts` ns, of length 1. `rgb` makes its picture:
    /// width, height and [height, width, 3] u8.
    ///
    /// # Errors
    /// [`crate::Error::Model`] when there is none, or the model fails.
    pub(crate) fn embed_rgb(
        &self,
        (number, pts): (u64, u64),
        #[cfg_attr(not(feature = "clip"), allow(unused_variables))] rgb: &dyn Fn() -> (
            (usize, usize),
            Vec<u8>,
        ),
    ) -> Result<Vec<f32>> {
        let mut vector = match self {
            #[cfg(feature = "clip")]
            Self::Model(model) => {
                let (size, pixels) = rgb();
                model.embed(size, &pixels)?
            }
            Self::Features(features) => features.at(number, pts)?,
        };
        normalise(&mut vector);
        Ok(vector)
    }
}

#[cfg(feature = "clip")]
fn open_model(name: &str) -> Result<Teacher> {
    let folder = super::find_model(Some(name))?;
    Ok(Teacher::Model(Arc::new(ImageModel::load(&folder)?)))
}

#[cfg(not(feature = "clip"))]
fn open_model(_: &str) -> Result<Teacher> {
    Err(Error::Model("this build has none (feature `clip`): use features".into()))
}

/// The same space.
impl PartialEq for Teacher {
    fn eq(&self, other: &Self) -> bool {
        self.space() == other.space()
    }
}

impl fmt::Debug for Teacher {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.debug_tuple("Teacher").field(self.space()).finish()
    }
}
