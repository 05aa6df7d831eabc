// SPDX-License-Identifier: MIT OR Apache-2.0

use std::fmt;

use super::limits;
use super::{Error, Result};

/// A space that vectors live in: vectors of the same space can be compared, others cannot.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Space {
    /// Its name, such as "clip-vit-base-patch32", 1..=128 bytes.
    pub name: String,
    /// Fingerprint of the model that makes its vectors: weights and preprocessing.
    pub fingerprint: [u8; 8],
    /// Dimensions, 1..=4096.
    pub dim: u32,
}

impl Space {
    /// One of this name, for vectors of so many dimensions.
    ///
    /// # Errors
    /// [`Error::InvalidSetting`] when the name or the dimensions are out of range.
    pub fn new(name: impl Into<String>, fingerprint: [u8; 8], dim: usize) -> Result<Self> {
        let name = name.into();
        if !(1..=limits::MAX_SPACE_NAME).contains(&name.len()) {
            return Err(Error::InvalidSetting(format!(
                "name of a space of {} bytes: choose 1 to {}",
                name.len(),
                limits::MAX_SPACE_NAME
            )));
        }
        let most = limits::MAX_LATENT as usize;
        if !(1..=most).contains(&dim) {
            return Err(Error::InvalidSetting(format!(
                "vectors of {dim} dimensions: 1 to {most} can be stored"
            )));
        }
        Ok(Self { name, fingerprint, dim: dim as u32 })
    }

    /// # Errors
    /// [`Error::InvalidSetting`] naming both where they are not the same space.
    pub fn check_same(&self, other: &Self) -> Result<()> {
        if (self.fingerprint, self.dim) == (other.fingerprint, other.dim) {
            return Ok(());
        }
        Err(Error::InvalidSetting(format!(
            "vectors of {self} cannot be compared with those of {other}: use the model that made these"
        )))
    }

    /// The fingerprint in 16 hexadecimal digits.
    pub fn fingerprint_text(&self) -> String {
        self.fingerprint.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// Name, fingerprint and dimensions.
impl fmt::Display for Space {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{} ({}, {} dimensions)", self.name, self.fingerprint_text(), self.dim)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spaces_are_the_same_by_fingerprint_and_dimensions() {
        let space = |name, last, dim| Space::new(name, [0, 1, 2, 3, 4, 5, 6, last], dim).unwrap();
        let a = space("clip", 7, 512);
        assert_eq!(a.to_string(), "clip (0001020304050607, 512 dimensions)");
        a.check_same(&space("another name of it", 7, 512)).unwrap();
        for other in [space("clip", 8, 512), space("clip", 7, 64)] {
            let text = a.check_same(&other).unwrap_err().to_string();
            assert!(text.contains(&a.to_string()) && text.contains(&other.to_string()), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_stored_is_refused() {
        for (name, dim) in [("", 3), (&"x".repeat(129)[..], 3), ("a", 0), ("a", 4097)] {
            assert!(matches!(Space::new(name, [0; 8], dim), Err(Error::InvalidSetting(_))));
        }
    }
}
